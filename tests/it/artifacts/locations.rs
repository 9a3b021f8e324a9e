//! Locations and tags that clients chose: texts, never places to go to.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use super::sinks::tree;
use super::{encoded, get, json_of, send};
use crate::support::{self, App};

/// Whatever reads the files of a run; that nothing of it comes from elsewhere.
async fn reads_nothing(app: &App, run: &str, location: &str) {
    let listed = get(app, &format!("/api/2.0/mlflow/artifacts/list?run_id={run}")).await;
    assert_eq!(json_of(&listed), json!({ "root_uri": location }));
    for path in ["passwd", "etc/passwd", "secret", "hostname"] {
        let path = encoded(path);
        for uri in [
            format!("/get-artifact?run_id={run}&path={path}"),
            format!("/api/windvane/v1/export/artifacts?run_id={run}&path={path}"),
        ] {
            assert_eq!(get(app, &uri).await.status(), 404, "{location} {path}");
        }
        let listed = get(app, &format!("/api/2.0/mlflow/artifacts/list?run_id={run}&path={path}")).await;
        assert_eq!(json_of(&listed), json!({ "root_uri": location }));
        let upload = format!("/ajax-api/2.0/mlflow/upload-artifact?run_id={run}&path={path}");
        let status = send(app, Method::POST, &upload, "x").await.status().as_u16();
        assert_eq!(status, 400, "{location} {path}");
    }
    let own = json_of(&get(app, &format!("/api/windvane/v1/artifacts?run_id={run}")).await);
    assert_eq!((&own["root_uri"], &own["files"]), (&json!(location), &json!([])));
}

#[tokio::test]
async fn a_location_outside_the_store_is_refused_or_a_label_that_is_never_opened() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let canary = app.directory().join("canary");
        fs::create_dir(&canary).unwrap();
        fs::write(canary.join("secret"), "canary").unwrap();
        // Whoever went to a location of this kind would knock here.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let here = listener.local_addr().unwrap();
        let before = tree(&app.directory().join("artifacts"));
        let locations = [
            "/etc".to_owned(),
            "file:///etc".to_owned(),
            "file:/etc".to_owned(),
            "FILE:///etc".to_owned(),
            "file://localhost/etc".to_owned(),
            "file://other/etc".to_owned(),
            "file:///proc/self/root/etc".to_owned(),
            canary.display().to_string(),
            format!("file://{}", canary.display()),
            format!("file://{}/artifacts/../canary", app.directory().display()),
            format!("file://{}/artifacts", app.directory().display()),
            format!("http://{here}/"),
            format!("http://{here}/#/../../etc"),
            format!("http://{here}/?/../../etc"),
            format!("ftp://{here}/etc"),
            format!("s3://{here}/etc"),
            format!("mlflow-artifacts://{here}/team"),
            "http:///#/../../etc".to_owned(),
            "s3://bucket/x".to_owned(),
            "dbfs:/../../etc".to_owned(),
            "../../etc".to_owned(),
            "mlflow-artifacts://host:22/7".to_owned(),
            "mlflow-artifacts:/../..".to_owned(),
            "mlflow-artifacts:/%2e%2e/%2e%2e".to_owned(),
            "mlflow-artifacts:/..%252f..".to_owned(),
            "mlflow-artifacts:////etc".to_owned(),
            "mlflow-artifacts:/x/?/../../etc".to_owned(),
            "mlflow-artifacts:/x/#/../../etc".to_owned(),
            "mlflow-artifacts:/.windvane-uploads".to_owned(),
            "runs:/x/y".to_owned(),
            "models:/m/1".to_owned(),
        ];
        let mut labels = 0;
        for (number, location) in locations.iter().enumerate() {
            let request = json!({ "name": format!("e{number}"), "artifact_location": location });
            let created = app.post("experiments/create", request).await;
            if created.status != 200 {
                created.invalid();
                continue;
            }
            labels += 1;
            let experiment = created.json()["experiment_id"].as_str().unwrap().to_owned();
            let run = app.new_run_in(&experiment, "run", 1).await;
            let root = app.read_run(&run).await["info"]["artifact_uri"].as_str().unwrap().to_owned();
            // What the store's own rules make of it is a place of this experiment's.
            if root.starts_with("mlflow-artifacts:/") && !root.starts_with("mlflow-artifacts://") {
                continue;
            }
            reads_nothing(&app, &run, &root).await;
        }

        assert!(labels > 10, "{labels} were taken");
        let knock = listener.accept().map(|(_, from)| from).map_err(|error| error.kind());
        assert_eq!(knock, Err(ErrorKind::WouldBlock), "nobody was asked for anything");
        assert_eq!(tree(&app.directory().join("artifacts")), before);
        assert_eq!(fs::read_to_string(canary.join("secret")).unwrap(), "canary");
        app.still_serving().await;
    }
}

#[tokio::test]
async fn tags_that_sound_like_fields_of_the_server_move_nothing() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let canary = app.directory().join("canary");
        fs::create_dir(&canary).unwrap();
        fs::write(canary.join("secret"), "canary").unwrap();
        let names = [
            "mlflow.artifactLocation",
            "mlflow.artifactUri",
            "mlflow.rootUri",
            "artifact_uri",
            "mlflow.source.name",
            "mlflow.source.type",
            "mlflow.source.git.repoURL",
            "mlflow.user",
            "mlflow.parentRunId",
            "mlflow.log-model.history",
            "mlflow.databricks.artifactUri",
            "mlflow.prompt.is_prompt",
        ];
        let places = ["/etc".to_owned(), "../../..".to_owned(), format!("file://{}", canary.display())];
        for place in &places {
            let tags: Vec<Value> = names.iter().map(|name| json!({ "key": name, "value": place })).collect();
            let request = json!({ "experiment_id": "0", "start_time": 1, "tags": tags });
            let tagged_at_creation = app.post("runs/create", request).await.expect_ok();
            let later = app.run().await;
            for tag in &tags {
                let request = json!({ "run_id": later, "key": tag["key"], "value": tag["value"] });
                app.post("runs/set-tag", request).await.expect_ok();
            }

            for run in [tagged_at_creation["run"]["info"]["run_id"].as_str().unwrap(), &later] {
                let root = format!("0/{run}/artifacts");
                let uri = app.read_run(run).await["info"]["artifact_uri"].clone();
                assert_eq!(uri, format!("mlflow-artifacts:/{root}"));
                for path in ["passwd", "secret"] {
                    let read = get(&app, &format!("/get-artifact?run_id={run}&path={path}")).await;
                    assert_eq!(read.status(), 404);
                }
                let upload = format!("/ajax-api/2.0/mlflow/upload-artifact?run_id={run}&path=f");
                assert_eq!(send(&app, Method::POST, &upload, "x").await.status(), 200);
                let stored = app.directory().join("artifacts").join(root).join("f");
                assert_eq!(fs::read_to_string(stored).unwrap(), "x");
            }
        }
        assert_eq!(tree(&canary).into_values().collect::<Vec<_>>(), ["canary".as_bytes()]);
    }
}

#[tokio::test]
async fn a_location_cannot_be_changed_after_it_was_judged() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (experiment, run) = app.new_run(Some("s3://bucket/x")).await;
        for request in [
            json!({ "experiment_id": experiment, "new_name": "n", "artifact_location": "/etc" }),
            json!({ "experiment_id": experiment, "new_name": "m", "artifact_location": "mlflow-artifacts:/0" }),
        ] {
            app.post("experiments/update", request).await.expect_ok();
        }
        let request = json!({ "run_id": run, "status": "FINISHED", "artifact_uri": "file:///etc" });
        app.post("runs/update", request).await.expect_ok();
        app.post("runs/delete", json!({ "run_id": run })).await.expect_ok();
        app.post("runs/restore", json!({ "run_id": run })).await.expect_ok();

        reads_nothing(&app, &run, &format!("s3://bucket/x/{run}/artifacts")).await;
        let body = send(&app, Method::GET, &format!("/get-artifact?run_id={run}&path=f"), Body::empty()).await;
        assert_eq!(body.status(), 404);
    }
}
