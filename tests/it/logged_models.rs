//! `logged-models/…` and `runs/outputs` through the router (contract section 7.1), on both databases.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{self, App, Reply, START_MS};

/// `PATCH` without a `Content-Type`, as any client may send it.
async fn patch(app: &App, path: &str, body: Value) -> Reply {
    app.request(Method::PATCH, path, [], body.to_string()).await
}

async fn delete(app: &App, path: &str) -> Reply {
    app.request(Method::DELETE, path, [], "").await
}

/// A new model of the default experiment; its id.
async fn create(app: &App, request: Value) -> String {
    let mut request = request;
    request["experiment_id"] = json!("0");
    let created = app.post("logged-models", request).await.expect_ok();
    created["model"]["info"]["model_id"].as_str().unwrap().to_owned()
}

async fn read(app: &App, model_id: &str) -> Value {
    app.get(&format!("logged-models/{model_id}")).await.expect_ok()["model"].take()
}

/// The names of the models that a search finds.
async fn names(app: &App, request: Value) -> Vec<String> {
    let mut request = request;
    request["experiment_ids"] = json!(["0"]);
    let found = app.post("logged-models/search", request).await.expect_ok();
    let models = found["models"].as_array().cloned().unwrap_or_default();
    models.iter().map(|model| model["info"]["name"].as_str().unwrap().to_owned()).collect()
}

fn not_found(model_id: &str) -> String {
    format!("404 RESOURCE_DOES_NOT_EXIST: Logged model with ID '{model_id}' not found.")
}

fn missing(field: &str) -> String {
    format!(
        "Missing value for required parameter '{field}'. See the API docs for more information about request parameters."
    )
}

#[tokio::test]
async fn a_model_lives_from_its_creation_to_the_trash() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let request = json!({ "experimentId": "0", "name": "my model", "modelType": "agent", "sourceRunId": "a1",
                              "params": [{ "key": "depth", "value": "3" }], "tags": [{ "key": "team/a", "value": "" }] });

        let created = app.post("logged-models", request).await.expect_ok()["model"].take();
        let id = created["info"]["model_id"].as_str().unwrap().to_owned();
        assert!(id.len() == 34 && id.starts_with("m-"), "{id}");
        assert!(id[2..].bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)), "{id}");
        assert_eq!(
            created,
            json!({ "info": { "model_id": id, "experiment_id": "0", "name": "my model", "model_type": "agent",
                              "source_run_id": "a1", "status": "LOGGED_MODEL_PENDING",
                              "creation_timestamp_ms": START_MS, "last_updated_timestamp_ms": START_MS,
                              "artifact_uri": format!("mlflow-artifacts:/0/models/{id}/artifacts"),
                              "tags": [{ "key": "team/a", "value": "" }] },
                    "data": { "params": [{ "key": "depth", "value": "3" }] } })
        );
        assert_eq!(read(&app, &id).await, created);

        let path = format!("logged-models/{id}");
        for (status, word) in [
            (json!("LOGGED_MODEL_UPLOAD_FAILED"), "LOGGED_MODEL_UPLOAD_FAILED"),
            (json!(1), "LOGGED_MODEL_PENDING"),
            (json!("2"), "LOGGED_MODEL_READY"),
        ] {
            app.set_clock(START_MS + 5);
            let body = json!({ "model_id": "another", "modelId": "a third", "status": status });
            let model = patch(&app, &path, body).await.expect_ok()["model"].take();
            assert_eq!(model["info"]["status"], word);
            assert_eq!(model["info"]["model_id"], id, "what the path says counts");
            assert_eq!(model["info"]["last_updated_timestamp_ms"], START_MS + 5);
        }

        assert_eq!(delete(&app, &path).await.to_string(), "200 {}");
        assert_eq!(delete(&app, &path).await.to_string(), "200 {}");
        assert_eq!(app.get(&path).await.refusal(), not_found(&id));
        assert_eq!(app.get(&format!("{path}?allow_deleted=false")).await.refusal(), not_found(&id));
        for flag in ["allow_deleted=true", "allowDeleted=True", "allow_deleted=TRUE"] {
            let deleted = app.get(&format!("{path}?{flag}")).await.expect_ok();
            assert_eq!(deleted["model"]["info"]["name"], "my model");
        }
        assert!(app.get(&format!("{path}?allow_deleted=1")).await.invalid().contains("'allow_deleted'"));
        assert_eq!(names(&app, json!({})).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_model_without_a_name_gets_one_and_a_wrong_one_is_refused() {
    for db in support::databases().await {
        let app = support::app(db).await;

        for name in [json!(null), json!("")] {
            let id = create(&app, json!({ "name": name })).await;
            let model = read(&app, &id).await;
            assert!(model["info"]["name"].as_str().unwrap().split('-').count() == 3, "{model}");
            assert_eq!(model["data"], json!({}));
        }

        let named = async |name: &str| app.post("logged-models", json!({ "experiment_id": "0", "name": name })).await;
        for name in ["a/b", "a:b", "a.b", "a%b", "a\"b", "a'b"] {
            let text = named(name).await.invalid();
            assert!(text.starts_with("Invalid model name ("), "{text}");
        }
        assert_eq!(named(&"é".repeat(501)).await.invalid(), "'name' exceeds the maximum length of 500 characters");
        assert!(named("a\0").await.invalid().contains("'name' supplied: it contains a NUL"));
        assert_eq!(named(&"é".repeat(500)).await.status, 200);

        let request = async |request: Value| app.post("logged-models", request).await.refusal();
        assert_eq!(request(json!({})).await, format!("400 INVALID_PARAMETER_VALUE: {}", missing("experiment_id")));
        assert!(request(json!({ "experiment_id": 0 })).await.contains("Hint: Value was of type 'int'"));
        assert!(request(json!({ "experiment_id": "x" })).await.contains("Invalid experiment ID 'x'"));
        assert_eq!(
            request(json!({ "experiment_id": "99" })).await,
            "404 RESOURCE_DOES_NOT_EXIST: No Experiment with id=99 exists"
        );
        for (field, wrong) in [
            ("name", json!(1)),
            ("model_type", json!([])),
            ("source_run_id", json!({})),
            ("params", json!("x")),
            ("tags", json!([1])),
        ] {
            let text = request(json!({ "experiment_id": "0", field: wrong })).await;
            assert!(text.contains(&format!("for parameter '{field}' supplied:  Hint:")), "{text}");
        }
        assert!(request(json!({ "experiment_id": "0", "tags": [{ "value": "x" }] })).await.contains("'tags[0].key'"));

        let trash = app.new_experiment("trash").await;
        app.post("experiments/delete", json!({ "experiment_id": trash })).await.expect_ok();
        let text = request(json!({ "experiment_id": trash })).await;
        assert!(text.ends_with("must be in the 'active' state. Current state is deleted."), "{text}");
    }
}

#[tokio::test]
async fn tags_change_and_params_do_not() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let id = create(&app, json!({ "tags": [{ "key": "a", "value": "1" }] })).await;
        let path = format!("logged-models/{id}");
        let tags = format!("{path}/tags");
        let versions = r#"[{"name": "registered", "version": 1}]"#;

        let body = json!({ "tags": [{ "key": "a", "value": "x" }, { "key": "a", "value": "2" },
                                    { "key": "mlflow.modelVersions", "value": versions }, { "key": "b c/é" }] });
        assert_eq!(patch(&app, &tags, body).await.to_string(), "200 {}");
        assert_eq!(
            read(&app, &id).await["info"]["tags"],
            json!([{ "key": "a", "value": "2" }, { "key": "b c/é", "value": "" },
                   { "key": "mlflow.modelVersions", "value": versions }])
        );

        assert_eq!(delete(&app, &format!("{tags}/b%20c%2F%C3%A9")).await.to_string(), "200 {}");
        assert_eq!(delete(&app, &format!("{tags}/mlflow.modelVersions")).await.to_string(), "200 {}");
        let absent = format!("404 RESOURCE_DOES_NOT_EXIST: No tag with key 'a/b' found for model with ID '{id}'.");
        assert_eq!(delete(&app, &format!("{tags}/a%2Fb")).await.refusal(), absent);
        assert!(delete(&app, &format!("{tags}/a%00")).await.invalid().contains("NUL"));
        assert_eq!(read(&app, &id).await["info"]["tags"], json!([{ "key": "a", "value": "2" }]));

        let params = format!("{path}/params");
        let two = json!({ "model_id": id, "params": [{ "key": "p", "value": "1" }, { "key": "q" }] });
        for _ in 0..2 {
            assert_eq!(app.post(&params, two.clone()).await.to_string(), "200 {}");
        }
        let other = json!({ "params": [{ "key": "new", "value": "1" }, { "key": "p", "value": "2" }] });
        let text = app.post(&params, other).await.invalid();
        assert!(text.starts_with("Changing param values is not allowed. Param with key='p'"), "{text}");
        assert_eq!(
            read(&app, &id).await["data"]["params"],
            json!([{ "key": "p", "value": "1" }, { "key": "q", "value": "" }])
        );

        let long = |key: usize, value: usize| json!([{ "key": "k".repeat(key), "value": "é".repeat(value) }]);
        assert_eq!(patch(&app, &tags, json!({ "tags": long(255, 100_000) })).await.status, 200);
        for (pairs, field) in [(long(256, 1), "key"), (long(1, 100_001), "value")] {
            let text = patch(&app, &tags, json!({ "tags": pairs })).await.invalid();
            assert!(text.starts_with(&format!("'tags[0].{field}' exceeds the maximum length of")), "{text}");
            let text = app.post(&params, json!({ "params": pairs })).await.invalid();
            assert!(text.starts_with(&format!("'params[0].{field}' exceeds the maximum length of")), "{text}");
        }
    }
}

#[tokio::test]
async fn a_model_that_does_not_exist_is_named_by_every_endpoint() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let gone = not_found("m-x");
        let pairs = json!([{ "key": "k", "value": "v" }]);

        assert_eq!(app.get("logged-models/m-x").await.refusal(), gone);
        assert_eq!(patch(&app, "logged-models/m-x", json!({ "status": 2 })).await.refusal(), gone);
        assert_eq!(delete(&app, "logged-models/m-x").await.refusal(), gone);
        assert_eq!(patch(&app, "logged-models/m-x/tags", json!({ "tags": pairs })).await.refusal(), gone);
        assert_eq!(delete(&app, "logged-models/m-x/tags/k").await.refusal(), gone);
        assert_eq!(app.post("logged-models/m-x/params", json!({ "params": pairs })).await.refusal(), gone);
        assert_eq!(app.get("logged-models/m-x/artifacts/directories").await.refusal(), gone);
        let file = "/ajax-api/2.0/mlflow/logged-models/m-x/artifacts/files?artifact_file_path=a";
        assert_eq!(app.get(file).await.refusal(), gone);
        let metric = json!({ "run_id": run_id, "key": "m", "value": 1, "timestamp": 1, "model_id": "m-x" });
        let refused = app.post("runs/log-metric", metric).await.refusal();
        assert_eq!(refused, "400 BAD_REQUEST: Logged model with ID 'm-x' not found.");
        assert_eq!(app.history(&run_id, "m").await, []);

        for path in ["logged-models/%00", "logged-models/%00/tags/k"] {
            assert!(delete(&app, path).await.invalid().contains("NUL"));
        }
        assert_eq!(app.get("logged-models/%FF").await.status, 400);
        assert!(patch(&app, "logged-models/m-x", json!({ "status": "READY" })).await.invalid().contains("'status'"));
        assert_eq!(patch(&app, "logged-models/m-x", json!({})).await.invalid(), missing("status"));
        let no_json = app.request(Method::POST, "logged-models/m-x/params", [], "{}").await.invalid();
        assert_eq!(no_json, "Bad Request. Content-Type header is missing.");
        assert_eq!(app.get("logged-models/search").await.status, 405);
    }
}

#[tokio::test]
async fn a_run_tells_what_it_made_and_what_it_read() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let (made, read_by) = (create(&app, json!({})).await, create(&app, json!({})).await);
        let search = async || {
            let found = app.post("runs/search", json!({ "experiment_ids": ["0"] })).await.expect_ok();
            found["runs"][0].clone()
        };
        assert_eq!(search().await["outputs"], json!({}));

        let outputs =
            json!({ "run_id": run_id, "models": [{ "model_id": made, "step": "7" }, { "modelId": "m-gone" }] });
        for _ in 0..2 {
            assert_eq!(app.post("runs/outputs", outputs.clone()).await.to_string(), "200 {}");
        }
        let inputs = json!({ "run_id": run_id, "models": [{ "model_id": read_by }] });
        app.post("runs/log-inputs", inputs).await.expect_ok();

        let expected =
            json!({ "model_outputs": [{ "model_id": "m-gone", "step": 0 }, { "model_id": made, "step": 7 }] });
        let run = app.read_run(&run_id).await;
        assert_eq!(run["outputs"], expected);
        assert_eq!(run["inputs"], json!({ "model_inputs": [{ "model_id": read_by }] }));
        for _ in 0..2 {
            let found = search().await;
            assert_eq!(found["outputs"], expected, "the kept text of the run is not that of before");
            assert_eq!(found["inputs"], json!({}), "a search does not tell of models that were read");
        }

        let invalid = async |body: Value| app.post("runs/outputs", body).await.invalid();
        assert_eq!(invalid(json!({ "models": [{ "model_id": "m" }] })).await, missing("run_id"));
        assert_eq!(invalid(json!({ "run_id": run_id })).await, missing("models"));
        assert_eq!(invalid(json!({ "run_id": run_id, "models": [] })).await, missing("models"));
        assert_eq!(invalid(json!({ "run_id": run_id, "models": [{}] })).await, missing("models[0].model_id"));
        let wrong = json!({ "run_id": run_id, "models": [{ "model_id": "m", "step": "x" }] });
        assert!(invalid(wrong).await.contains("'models[0].step'"));
        let absent = app.post("runs/outputs", json!({ "run_id": "absent", "models": [{ "model_id": "m" }] })).await;
        assert_eq!(absent.refusal(), "404 RESOURCE_DOES_NOT_EXIST: Run with id=absent not found");
    }
}

#[tokio::test]
async fn points_of_a_model_come_back_with_their_run_and_dataset() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let id = create(&app, json!({})).await;
        let single = json!({ "run_id": run_id, "key": "rmse", "value": 0.5, "timestamp": 3, "step": 1, "model_id": id,
                             "dataset_name": "era5", "dataset_digest": "d1" });
        let batch = json!({ "run_id": run_id, "metrics": [
            { "key": "rmse", "value": "NaN", "timestamp": 4, "step": 2, "model_id": id },
            { "key": "rmse", "value": "NaN", "timestamp": 4, "step": 2, "model_id": id },
            { "key": "rmse", "value": 9, "timestamp": 5, "step": 3 }] });

        for _ in 0..2 {
            app.post("runs/log-metric", single.clone()).await.expect_ok();
            app.post("runs/log-batch", batch.clone()).await.expect_ok();
        }

        assert_eq!(
            read(&app, &id).await["data"],
            json!({ "metrics": [
                { "key": "rmse", "value": 0.5, "timestamp": 3, "step": 1, "model_id": id, "run_id": run_id,
                  "dataset_name": "era5", "dataset_digest": "d1" },
                { "key": "rmse", "value": "NaN", "timestamp": 4, "step": 2, "model_id": id, "run_id": run_id }] })
        );
        assert_eq!(app.history(&run_id, "rmse").await.len(), 3);
    }
}

#[tokio::test]
async fn models_are_searched_filtered_and_ordered() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        for (name, value, dataset) in [("a", 0.3, "x"), ("b", 0.1, "x"), ("c", 0.2, "y"), ("d", f64::NAN, "")] {
            let id = create(&app, json!({ "name": name, "params": [{ "key": "p", "value": name }] })).await;
            let value = if value.is_nan() { json!("NaN") } else { json!(value) };
            let metric = json!({ "run_id": run_id, "key": "rmse", "value": value, "timestamp": 1, "model_id": id,
                                 "dataset_name": dataset });
            app.post("runs/log-metric", metric).await.expect_ok();
        }
        create(&app, json!({ "name": "e" })).await;
        let by_name = json!([{ "field_name": "name" }]);

        let found = async |filter: &str| names(&app, json!({ "filter": filter, "orderBy": by_name })).await.concat();
        assert_eq!(found("").await, "abcde");
        assert_eq!(found("params.p IN ('a', 'c') AND metrics.rmse < 0.3").await, "c");
        assert_eq!(found("status = 'PENDING' AND name != 'a'").await, "bcde");
        assert_eq!(found("metrics.rmse != 0.1").await, "acd");

        let ordered = async |order: Value, datasets: Value| {
            names(&app, json!({ "order_by": order, "datasets": datasets })).await.concat()
        };
        let rmse = |ascending: bool| json!([{ "field_name": "metrics.rmse", "ascending": ascending }]);
        assert_eq!(ordered(rmse(true), json!([])).await, "bcade");
        assert_eq!(ordered(rmse(false), json!([])).await, "acbde");
        assert_eq!(ordered(rmse(true), json!([{ "dataset_name": "x" }])).await, "ba");
        let on_y = json!([{ "fieldName": "metrics.rmse", "datasetName": "y" }, { "field_name": "name" }]);
        assert_eq!(ordered(on_y, json!(null)).await, "cabde");
        assert_eq!(
            ordered(json!([{ "field_name": "creation_time" }, { "field_name": "name" }]), json!([])).await,
            "abcde"
        );

        let refused = async |mut request: Value| {
            if request.get("experiment_ids").is_none() {
                request["experiment_ids"] = json!(["0"]);
            }
            app.post("logged-models/search", request).await.invalid()
        };
        assert_eq!(refused(json!({ "experiment_ids": [] })).await, missing("experiment_ids"));
        for (request, text) in [
            (json!({ "experiment_ids": ["x"] }), "Invalid experiment ID 'x'"),
            (json!({ "experiment_ids": [1] }), "Invalid value 1 for parameter 'experiment_ids'"),
            (json!({ "filter": "bogus.a = 'x'" }), "Invalid entity type: 'bogus'"),
            (json!({ "filter": "metric.a = 1" }), "Invalid entity type: 'metric'"),
            (json!({ "filter": "bogus = 'x'" }), "Invalid attribute key 'bogus' specified."),
            (json!({ "filter": "status LIKE 'R%'" }), "Invalid comparator 'LIKE'"),
            (json!({ "filter": "status = 'LOST'" }), "Unknown model status in filter: 'LOST'"),
            (json!({ "filter": "metrics.a LIKE 'x'" }), "Expected numeric value type for metric."),
            (json!({ "filter": "tags.a IS NULL" }), "IS NULL / IS NOT NULL is not supported"),
            (json!({ "filter": "name = 'a' OR name = 'b'" }), "Invalid clause(s) in filter string: 'OR'"),
            (json!({ "order_by": [{}] }), "Missing value for required parameter 'order_by[0].field_name'"),
            (json!({ "order_by": ["name"] }), "Invalid value \"name\" for parameter 'order_by'"),
            (json!({ "order_by": [{ "field_name": "bogus" }] }), "Invalid order by field name: bogus"),
            (
                json!({ "order_by": [{ "field_name": "params.p" }] }),
                "Invalid order by field name: params.p. Only metrics",
            ),
            (json!({ "datasets": [{ "dataset_digest": "x" }] }), "`dataset_name` in the `datasets` clause must be"),
            (json!({ "max_results": -1 }), "Invalid value -1 for parameter 'max_results'"),
            (json!({ "page_token": "!" }), "Invalid page token, could not base64-decode"),
        ] {
            let refusal = refused(request.clone()).await;
            assert!(refusal.starts_with(text), "{request}: {refusal}");
        }
    }
}

#[tokio::test]
async fn pages_hold_each_model_once_and_a_token_belongs_to_its_search() {
    for db in support::databases().await {
        let app = support::app(db).await;
        for number in 0..7 {
            create(&app, json!({ "name": format!("model {number}") })).await;
        }
        let base = json!({ "experiment_ids": ["0"], "filter": "name LIKE 'model%'", "max_results": 3,
                           "order_by": [{ "field_name": "name", "ascending": false }] });
        let page = async |changes: Value| {
            let mut request = base.clone();
            request.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            app.post("logged-models/search", request).await
        };

        let (mut seen, mut sizes, mut token) = (Vec::new(), Vec::new(), json!(""));
        loop {
            let found = page(json!({ "page_token": token })).await.expect_ok();
            let models = found["models"].as_array().unwrap();
            seen.extend(models.iter().map(|model| model["info"]["name"].as_str().unwrap().to_owned()));
            sizes.push(models.len());
            match found.get("next_page_token") {
                Some(next) => token = next.clone(),
                None => break,
            }
        }
        assert_eq!(sizes, [3, 3, 1]);
        assert_eq!(seen, (0..7).rev().map(|number| format!("model {number}")).collect::<Vec<_>>());

        assert_eq!(page(json!({ "page_token": token, "max_results": 1 })).await.status, 200);
        let tokens: BTreeSet<String> = [
            json!({ "experiment_ids": ["0", "1"] }),
            json!({ "filter": "" }),
            json!({ "order_by": [] }),
            json!({ "datasets": [{ "dataset_name": "x" }] }),
        ]
        .into_iter()
        .map(|change| change.to_string())
        .collect();
        for change in tokens {
            let mut change: Value = serde_json::from_str(&change).unwrap();
            change["page_token"] = token.clone();
            let text = page(change).await.invalid();
            assert!(text.starts_with("Invalid page token"), "{text}");
        }
        assert_eq!(names(&app, json!({ "max_results": 0 })).await.len(), 7);
    }
}

#[tokio::test]
async fn files_of_a_model_are_listed_and_served_as_those_of_a_run() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (id, other) = (create(&app, json!({})).await, create(&app, json!({})).await);
        let root = format!("/api/2.0/mlflow-artifacts/artifacts/0/models/{id}/artifacts");
        for (path, bytes) in [("MLmodel", "flavors: {}"), ("data/a b.txt", "0123456789")] {
            let path = format!("{root}/{}", path.replace(' ', "%20"));
            assert_eq!(app.request(Method::PUT, &path, [], bytes).await.status, 200);
        }

        let directories = format!("logged-models/{id}/artifacts/directories");
        let uri = format!("mlflow-artifacts:/0/models/{id}/artifacts");
        let listed = app.get(&directories).await.expect_ok();
        assert_eq!(listed["root_uri"], uri);
        let mut files = listed["files"].as_array().unwrap().clone();
        files.sort_by_key(|file| file["path"].to_string());
        let model_file = json!({ "path": "MLmodel", "is_dir": false, "file_size": 11 });
        assert_eq!(files, [model_file, json!({ "path": "data", "is_dir": true })]);
        for query in [
            "artifact_directory_path=data",
            "artifactDirectoryPath=data",
            "artifact_directory_path=x&artifact_directory_path=data",
        ] {
            let listed = app.get(&format!("{directories}?{query}")).await.expect_ok();
            let file = json!({ "path": "data/a b.txt", "is_dir": false, "file_size": 10 });
            assert_eq!(listed["files"], json!([file]), "{query}");
        }
        assert_eq!(
            app.get(&format!("{directories}?artifact_directory_path=absent")).await.expect_ok(),
            json!({ "root_uri": uri })
        );

        let files = format!("/ajax-api/2.0/mlflow/logged-models/{id}/artifacts/files");
        let file = app.get(&format!("{files}?artifact_file_path=data/a%20b.txt")).await;
        assert_eq!((file.status, &file.body[..]), (200, &b"0123456789"[..]));
        assert!(file.header("content-disposition").starts_with("attachment;"), "{file}");
        let range = [("range", "bytes=2-4")];
        let part = app.request(Method::GET, &format!("{files}?artifact_file_path=data/a%20b.txt"), range, "").await;
        assert_eq!((part.status, &part.body[..]), (206, &b"234"[..]));
        assert_eq!(app.get(&format!("{files}?artifact_file_path=absent")).await.status, 404);
        let absent = app.get(&files).await.refusal();
        assert_eq!(absent, "400 BAD_REQUEST: Request must include the \"artifact_file_path\" query parameter.");
        let api_twin = files.replace("/ajax-api/", "/api/");
        assert_eq!(app.get(&format!("{api_twin}?artifact_file_path=MLmodel")).await.status, 404, "ajax only");
        assert_eq!(
            app.get("/ajax-api/2.0/mlflow/logged-models/%FF/artifacts/files?artifact_file_path=a").await.status,
            400
        );

        for path in
            [format!("../../{other}/artifacts"), "/etc".to_owned(), "%252e%252e/x".to_owned(), "a%00".to_owned()]
        {
            let listed = app.get(&format!("{directories}?artifact_directory_path={path}")).await;
            let read = app.get(&format!("{files}?artifact_file_path={path}")).await;
            assert_eq!((listed.status, read.status), (400, 400), "{path}");
        }

        delete(&app, &format!("logged-models/{id}")).await.expect_ok();
        assert_eq!(app.get(&directories).await.refusal(), not_found(&id));
        assert_eq!(app.get(&format!("{files}?artifact_file_path=MLmodel")).await.refusal(), not_found(&id));
    }
}
