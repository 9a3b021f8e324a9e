//! The life of a run, its name and its tags, through the router.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

use serde_json::{Value, json};

use crate::support::{self, App, Reply, assert_snapshot};

/// The value of a run's tag.
fn tag<'a>(run: &'a Value, key: &str) -> Option<&'a str> {
    let tags = run["data"]["tags"].as_array()?;
    tags.iter().find(|tag| tag["key"] == key).map(|tag| tag["value"].as_str().unwrap())
}

/// The name of a run as its info and its tag have it.
async fn names(app: &App, run_id: &str) -> (String, Option<String>) {
    let run = app.read_run(run_id).await;
    (run["info"]["run_name"].as_str().unwrap().to_owned(), tag(&run, "mlflow.runName").map(str::to_owned))
}

async fn set_tag(app: &App, run_id: &str, key: &str, value: &str) -> Reply {
    app.post("runs/set-tag", json!({ "run_id": run_id, "key": key, "value": value })).await
}

#[tokio::test]
async fn a_run_is_created_as_clients_do_and_read_back() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let request = json!({
            "experiment_id": "0",
            "user_id": "ada",
            "start_time": "5000",
            "tags": [{ "key": "mlflow.runName", "value": "first" }, { "key": "mlflow.user", "value": "ada" },
                     { "key": "mlflow.user", "value": "byron" }],
        });

        let created = app.post("runs/create", request).await;

        assert_snapshot!(created, @r#"200 {"run":{"data":{"tags":[{"key":"mlflow.runName","value":"first"},{"key":"mlflow.user","value":"byron"}]},"info":{"artifact_uri":"mlflow-artifacts:/0/[run]/artifacts","experiment_id":"0","lifecycle_stage":"active","run_id":"[run]","run_name":"first","run_uuid":"[run]","start_time":5000,"status":"RUNNING","user_id":"ada"},"inputs":{},"outputs":{}}}"#);
        let info = &created.json()["run"]["info"];
        let run_id = info["run_id"].as_str().unwrap();
        assert!(run_id.len() == 32 && run_id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
        assert_eq!(info["run_uuid"], run_id);
        let read = app.get(&format!("runs/get?run_uuid={run_id}&run_id={run_id}")).await;
        assert_snapshot!(read, @r#"200 {"run":{"data":{"tags":[{"key":"mlflow.runName","value":"first"},{"key":"mlflow.user","value":"byron"}]},"info":{"artifact_uri":"mlflow-artifacts:/0/[run]/artifacts","experiment_id":"0","lifecycle_stage":"active","run_id":"[run]","run_name":"first","run_uuid":"[run]","start_time":5000,"status":"RUNNING","user_id":"ada"},"inputs":{},"outputs":{}}}"#);
    }
}

#[tokio::test]
async fn a_run_that_names_nothing_gets_a_name_and_no_tag_but_that() {
    for db in support::databases().await {
        let app = support::app(db).await;

        let created = app.post("runs/create", json!({ "experiment_id": "0" })).await;

        assert_snapshot!(created, @r#"200 {"run":{"data":{"tags":[{"key":"mlflow.runName","value":"[name]"}]},"info":{"artifact_uri":"mlflow-artifacts:/0/[run]/artifacts","experiment_id":"0","lifecycle_stage":"active","run_id":"[run]","run_name":"[name]","run_uuid":"[run]","start_time":0,"status":"RUNNING","user_id":""},"inputs":{},"outputs":{}}}"#);
        let run = &created.json()["run"];
        assert_eq!(tag(run, "mlflow.runName"), run["info"]["run_name"].as_str());
    }
}

#[tokio::test]
async fn the_name_of_a_run_and_its_tag_stay_one() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.new_run_in("0", "from the field", 0).await;
        let both = |name: &str| (name.to_owned(), Some(name.to_owned()));
        assert_eq!(names(&app, &run_id).await, both("from the field"));

        set_tag(&app, &run_id, "mlflow.runName", "from set-tag").await.expect_ok();
        assert_eq!(names(&app, &run_id).await, both("from set-tag"));

        let updated = app.post("runs/update", json!({ "run_id": run_id, "run_name": "from update" })).await;
        assert_eq!(updated.expect_ok()["run_info"]["run_name"], "from update");
        assert_eq!(names(&app, &run_id).await, both("from update"));

        let tags = json!([{ "key": "mlflow.runName", "value": "not this" },
                          { "key": "mlflow.runName", "value": "from log-batch" }]);
        app.post("runs/log-batch", json!({ "run_id": run_id, "tags": tags })).await.expect_ok();
        assert_eq!(names(&app, &run_id).await, both("from log-batch"));

        app.post("runs/update", json!({ "run_id": run_id, "run_name": "" })).await.expect_ok();
        assert_eq!(names(&app, &run_id).await, both("from log-batch"));

        app.post("runs/delete-tag", json!({ "run_id": run_id, "key": "mlflow.runName" })).await.expect_ok();
        assert_eq!(names(&app, &run_id).await, ("from log-batch".to_owned(), None));
    }
}

#[tokio::test]
async fn a_name_given_twice_must_be_the_same() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let create = async |name: &str, tag: &str| {
            let tags = json!([{ "key": "mlflow.runName", "value": tag }]);
            app.post("runs/create", json!({ "experiment_id": "0", "run_name": name, "tags": tags })).await
        };

        assert_eq!(create("x", "x").await.expect_ok()["run"]["info"]["run_name"], "x");
        assert_eq!(create("", "x").await.expect_ok()["run"]["info"]["run_name"], "x");
        assert_eq!(create("x", "").await.expect_ok()["run"]["info"]["run_name"], "x");
        assert_eq!(
            create("x", "y").await.invalid(),
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values \
             (run_name='x', mlflow.runName='y')."
        );
    }
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.new_run_in("0", "name", 7).await;
        let update = async |mut body: Value| {
            body["run_uuid"] = json!(run_id);
            app.post("runs/update", body).await
        };

        let finished = update(json!({ "status": "FINISHED" })).await;
        assert_snapshot!(finished, @r#"200 {"run_info":{"artifact_uri":"mlflow-artifacts:/0/[run]/artifacts","experiment_id":"0","lifecycle_stage":"active","run_id":"[run]","run_name":"name","run_uuid":"[run]","start_time":7,"status":"FINISHED","user_id":""}}"#);

        let ended = update(json!({ "end_time": "99" })).await.expect_ok();
        assert_eq!((&ended["run_info"]["status"], &ended["run_info"]["end_time"]), (&json!("FINISHED"), &json!(99)));

        for (number, name) in [(1, "RUNNING"), (2, "SCHEDULED"), (3, "FINISHED"), (4, "FAILED"), (5, "KILLED")] {
            assert_eq!(update(json!({ "status": number })).await.expect_ok()["run_info"]["status"], name);
            assert_eq!(update(json!({ "status": name })).await.expect_ok()["run_info"]["status"], name);
        }
        let info = app.read_run(&run_id).await["info"].take();
        assert_eq!((&info["status"], &info["end_time"]), (&json!("KILLED"), &json!(99)));
        assert_eq!((&info["run_name"], &info["start_time"]), (&json!("name"), &json!(7)));
        update(json!({})).await.expect_ok();
        assert_eq!(app.read_run(&run_id).await["info"], info);
    }
}

#[tokio::test]
async fn an_unknown_status_is_refused_and_changes_nothing() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;

        for (status, shown) in [(json!("DONE"), "\"DONE\""), (json!(6), "6"), (json!(0), "0"), (json!([]), "[]")] {
            let request = json!({ "run_id": run_id, "status": status, "end_time": 5, "run_name": "new" });
            assert_eq!(
                app.post("runs/update", request).await.invalid(),
                format!(
                    "Invalid value {shown} for parameter 'status' supplied. It must be one of RUNNING (1), SCHEDULED \
                     (2), FINISHED (3), FAILED (4), KILLED (5)."
                )
            );
        }

        let info = app.read_run(&run_id).await["info"].take();
        assert_eq!(
            (&info["status"], &info["end_time"], &info["run_name"]),
            (&json!("RUNNING"), &Value::Null, &json!("run"))
        );
        app.still_serving().await;
    }
}

#[tokio::test]
async fn a_deleted_run_is_read_but_not_written_and_can_be_restored() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let metric = json!({ "key": "m", "value": 1, "timestamp": 1, "step": 1 });
        app.post("runs/log-batch", json!({ "run_id": run_id, "metrics": [metric] })).await.expect_ok();
        let delete = async || app.post("runs/delete", json!({ "run_id": run_id })).await;

        assert_snapshot!(delete().await, @"200 {}");
        assert_snapshot!(delete().await, @"200 {}");

        assert_eq!(app.read_run(&run_id).await["info"]["lifecycle_stage"], "deleted");
        assert_eq!(app.history(&run_id, "m").await.len(), 1);
        let dataset = json!({ "name": "n", "digest": "d", "source_type": "t", "source": "s" });
        let model = r#"{"artifact_path": "m", "flavors": {}, "utc_time_created": "now", "run_id": "r"}"#;
        for (path, body) in [
            ("runs/update", json!({ "run_id": run_id, "status": "FINISHED" })),
            ("runs/log-metric", json!({ "run_id": run_id, "key": "m", "value": 2, "timestamp": 2 })),
            ("runs/log-parameter", json!({ "run_id": run_id, "key": "p", "value": "1" })),
            ("runs/log-batch", json!({ "run_id": run_id, "metrics": [metric] })),
            ("runs/log-batch", json!({ "run_id": run_id })),
            ("runs/set-tag", json!({ "run_id": run_id, "key": "t", "value": "1" })),
            ("runs/delete-tag", json!({ "run_id": run_id, "key": "mlflow.runName" })),
            ("runs/log-inputs", json!({ "run_id": run_id, "datasets": [{ "dataset": dataset }] })),
            ("runs/log-model", json!({ "run_id": run_id, "model_json": model })),
        ] {
            let expected = format!("The run {run_id} must be in the 'active' state. Current state is deleted.");
            assert_eq!(app.post(path, body).await.invalid(), expected, "{path}");
        }

        for _ in 0..2 {
            assert_snapshot!(app.post("runs/restore", json!({ "run_id": run_id })).await, @"200 {}");
        }
        let run = app.read_run(&run_id).await;
        assert_eq!(run["info"]["lifecycle_stage"], "active");
        assert_eq!(run["data"]["params"], Value::Null, "nothing was written");
        set_tag(&app, &run_id, "t", "1").await.expect_ok();
    }
}

#[tokio::test]
async fn an_unknown_run_is_a_404_everywhere_but_in_histories() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let id = "0123456789abcdef0123456789abcdef";
        let absent = format!("404 RESOURCE_DOES_NOT_EXIST: Run with id={id} not found");
        let model = r#"{"artifact_path": "m", "flavors": {}, "utc_time_created": "now", "run_id": "r"}"#;

        for (path, body) in [
            ("runs/update", json!({ "run_id": id })),
            ("runs/delete", json!({ "run_id": id })),
            ("runs/restore", json!({ "run_id": id })),
            ("runs/log-metric", json!({ "run_id": id, "key": "m", "value": 2, "timestamp": 2 })),
            ("runs/log-parameter", json!({ "run_id": id, "key": "p", "value": "1" })),
            ("runs/log-batch", json!({ "run_id": id })),
            ("runs/set-tag", json!({ "run_id": id, "key": "t", "value": "1" })),
            ("runs/delete-tag", json!({ "run_id": id, "key": "t" })),
            ("runs/log-inputs", json!({ "run_id": id })),
            ("runs/log-model", json!({ "run_id": id, "model_json": model })),
        ] {
            assert_eq!(app.post(path, body).await.refusal(), absent, "{path}");
        }
        assert_eq!(app.get(&format!("runs/get?run_id={id}")).await.refusal(), absent);
        assert_eq!(app.get(&format!("artifacts/list?run_id={id}")).await.refusal(), absent);
        assert_eq!(app.get(&format!("/get-artifact?run_id={id}&path=f")).await.refusal(), absent);
        let history = app.get(&format!("metrics/get-history?run_id={id}&metric_key=m")).await;
        assert_snapshot!(history, @"200 {}");
    }
}

#[tokio::test]
async fn every_endpoint_of_runs_says_which_field_is_missing() {
    let missing = |field: &str| {
        format!(
            "Missing value for required parameter '{field}'. See the API docs for more information about request \
             parameters."
        )
    };
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;

        for (path, body, field) in [
            ("runs/create", json!({}), "experiment_id"),
            ("runs/create", json!({ "experiment_id": "" }), "experiment_id"),
            ("runs/create", json!({ "experiment_id": "0", "tags": [{ "key": "" }] }), "tags[0].key"),
            ("runs/update", json!({ "status": "FINISHED" }), "run_id"),
            ("runs/delete", json!({}), "run_id"),
            ("runs/restore", json!({ "run_id": null }), "run_id"),
            ("runs/delete-tag", json!({ "key": "k" }), "run_id"),
            ("runs/delete-tag", json!({ "run_id": run_id }), "key"),
            ("runs/set-tag", json!({ "key": "k" }), "run_id"),
            ("runs/set-tag", json!({ "run_id": run_id, "key": "" }), "key"),
            ("runs/log-metric", json!({ "key": "k", "value": 1, "timestamp": 1 }), "run_id"),
            ("runs/log-metric", json!({ "run_id": run_id, "value": 1, "timestamp": 1 }), "key"),
            ("runs/log-metric", json!({ "run_id": run_id, "key": "k", "timestamp": 1 }), "value"),
            ("runs/log-metric", json!({ "run_id": run_id, "key": "k", "value": 1 }), "timestamp"),
            ("runs/log-parameter", json!({ "key": "k" }), "run_id"),
            ("runs/log-parameter", json!({ "run_id": run_id }), "key"),
            ("runs/log-batch", json!({}), "run_id"),
            ("runs/log-inputs", json!({}), "run_id"),
            ("runs/log-model", json!({ "model_json": "{}" }), "run_id"),
            ("runs/log-model", json!({ "run_id": run_id }), "model_json"),
            // `run_uuid` names a run in some endpoints only (contract section 0.2).
            ("runs/delete", json!({ "run_uuid": run_id }), "run_id"),
            ("runs/restore", json!({ "run_uuid": run_id }), "run_id"),
            ("runs/delete-tag", json!({ "run_uuid": run_id, "key": "k" }), "run_id"),
            ("runs/log-batch", json!({ "run_uuid": run_id }), "run_id"),
            ("runs/log-inputs", json!({ "run_uuid": run_id }), "run_id"),
            ("runs/log-model", json!({ "run_uuid": run_id, "model_json": "{}" }), "run_id"),
        ] {
            assert_eq!(app.post(path, body.clone()).await.invalid(), missing(field), "{path} {body}");
        }
        assert_eq!(app.get("runs/get").await.invalid(), missing("run_id"));
    }
}

#[tokio::test]
async fn what_cannot_be_a_run_is_refused() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let create = async |mut body: Value| {
            body["experiment_id"] = body.get("experiment_id").cloned().unwrap_or(json!("0"));
            app.post("runs/create", body).await.invalid()
        };

        assert_eq!(
            create(json!({ "experiment_id": 0 })).await,
            "Invalid value 0 for parameter 'experiment_id' supplied:  Hint: Value was of type 'int'. See the API docs \
             for more information about request parameters."
        );
        assert_eq!(
            create(json!({ "experiment_id": "abc" })).await,
            "Invalid experiment ID 'abc'. Experiment ID must be a valid integer."
        );
        assert!(
            create(json!({ "start_time": "soon" }))
                .await
                .starts_with("Invalid value \"soon\" for parameter 'start_time'")
        );
        assert!(
            create(json!({ "start_time": 1e30 })).await.starts_with("Invalid value 1e+30 for parameter 'start_time'")
        );
        assert!(
            create(json!({ "run_name": "a\0" })).await.contains("'run_name' supplied: it contains a NUL character")
        );
        assert_eq!(
            create(json!({ "user_id": "u".repeat(257) })).await,
            "'user_id' exceeds the maximum length of 256 characters"
        );
        assert!(create(json!({ "user_id": "\0" })).await.contains("'user_id' supplied: it contains a NUL character"));
        assert!(create(json!({ "tags": [{ "key": "a\0", "value": "" }] })).await.contains("Names may only contain"));
        assert!(create(json!({ "tags": [{ "key": "a", "value": "\0" }] })).await.contains("a NUL character"));
        assert!(create(json!({ "tags": { "key": "a" } })).await.contains("Value was of type 'dict'"));
        assert!(create(json!({ "tags": ["a"] })).await.contains("Invalid value \"a\" for parameter 'tags'"));
        assert!(create(json!({ "tags": [{ "key": 5, "value": "" }] })).await.contains("parameter 'tags[0].key'"));
        assert_eq!(app.post("runs/search", json!({ "experiment_ids": ["0"] })).await.to_string(), "200 {}");
        app.still_serving().await;
    }
}

#[tokio::test]
async fn times_of_runs_are_any_64_bit_integers() {
    for db in support::databases().await {
        let app = support::app(db).await;
        for time in [i64::MIN, -1, 0, 253_402_300_800_000, i64::MAX] {
            let run_id = app.new_run_in("0", "r", time).await;
            app.post("runs/update", json!({ "run_id": run_id, "end_time": time })).await.expect_ok();

            let info = app.read_run(&run_id).await["info"].take();

            assert_eq!((info["start_time"].as_i64(), info["end_time"].as_i64()), (Some(time), Some(time)));
        }
    }
}

#[tokio::test]
async fn tags_of_a_run_are_set_replaced_cut_and_deleted() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;

        assert_snapshot!(set_tag(&app, &run_id, "k", "1").await, @"200 {}");
        set_tag(&app, &run_id, "k", "2").await.expect_ok();
        set_tag(&app, &run_id, "long", &"é".repeat(8_001)).await.expect_ok();
        app.post("runs/set-tag", json!({ "run_uuid": run_id, "key": "é /:.-_", "value": null })).await.expect_ok();

        let run = app.read_run(&run_id).await;
        assert_eq!((tag(&run, "k"), tag(&run, "é /:.-_")), (Some("2"), Some("")));
        assert_eq!(tag(&run, "long"), Some("é".repeat(8_000).as_str()));

        let delete = json!({ "run_id": run_id, "key": "k" });
        assert_snapshot!(app.post("runs/delete-tag", delete.clone()).await, @"200 {}");
        assert_eq!(
            app.post("runs/delete-tag", delete).await.refusal(),
            format!("404 RESOURCE_DOES_NOT_EXIST: No tag with name: k in run with id {run_id}")
        );
        let never = app.post("runs/delete-tag", json!({ "run_id": run_id, "key": "never seen" })).await;
        assert_eq!(
            never.refusal(),
            format!("404 RESOURCE_DOES_NOT_EXIST: No tag with name: never seen in run with id {run_id}")
        );
        assert_eq!(
            set_tag(&app, &run_id, &"k".repeat(251), "").await.invalid(),
            "'key' exceeds the maximum length of 250 characters"
        );
        assert_eq!(
            set_tag(&app, "nope!", "k", "").await.invalid(),
            "Invalid value \"nope!\" for parameter 'run_id' supplied."
        );
    }
}

#[tokio::test]
async fn long_values_are_refused_where_the_administrator_wants_it() {
    for db in support::databases().await {
        let app = support::app_with(db, &[("truncate_long_values", "false")]).await;
        let run_id = app.run().await;
        let (param, value) = ("x".repeat(6_001), "x".repeat(8_001));

        let texts = [
            (
                "runs/log-parameter",
                json!({ "run_id": run_id, "key": "p", "value": param }),
                "'Param value' exceeds the maximum length of 6000 characters",
            ),
            (
                "runs/log-batch",
                json!({ "run_id": run_id, "params": [{ "key": "p", "value": param }] }),
                "'Param value' exceeds the maximum length of 6000 characters",
            ),
            (
                "runs/set-tag",
                json!({ "run_id": run_id, "key": "t", "value": value }),
                "'value' exceeds the maximum length of 8000 characters",
            ),
            (
                "runs/create",
                json!({ "experiment_id": "0", "tags": [{ "key": "t", "value": value }] }),
                "'value' exceeds the maximum length of 8000 characters",
            ),
        ];
        for (path, body, expected) in texts {
            assert_eq!(app.post(path, body).await.invalid(), expected, "{path}");
        }

        let run = app.read_run(&run_id).await;
        assert_eq!((&run["data"]["params"], tag(&run, "t")), (&Value::Null, None));
    }
}
