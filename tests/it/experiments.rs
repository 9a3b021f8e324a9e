//! `experiments/…`, but searching, through the router.

use serde_json::{Value, json};

use crate::support::{self, App, START_MS, assert_snapshot};

async fn read(app: &App, id: &str) -> Value {
    app.get(&format!("experiments/get?experiment_id={id}")).await.expect_ok()["experiment"].take()
}

#[tokio::test]
async fn the_default_experiment_exists_from_the_start_and_can_be_deleted_and_restored() {
    for db in support::databases().await {
        let app = support::app(db).await;

        let reply = app.get("experiments/get?experiment_id=0").await;
        assert_snapshot!(reply, @r#"200 {"experiment":{"artifact_location":"mlflow-artifacts:/0","creation_time":1000000,"experiment_id":"0","last_update_time":1000000,"lifecycle_stage":"active","name":"Default"}}"#);

        app.post("experiments/delete", json!({ "experiment_id": "0" })).await.expect_ok();
        assert_eq!(read(&app, "0").await["lifecycle_stage"], "deleted");
        app.post("experiments/restore", json!({ "experiment_id": "0" })).await.expect_ok();
        assert_eq!(read(&app, "0").await["lifecycle_stage"], "active");
    }
}

#[tokio::test]
async fn an_experiment_is_created_with_location_and_tags_and_found_by_id_and_name() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let request = json!({
            "name": "a\tb é /:$",
            "artifact_location": "s3://bucket/p?x=1",
            "tags": [{ "key": "k", "value": "1" }, { "key": "é", "value": "" }, { "key": "k", "value": "last" }],
        });

        let reply = app.post("experiments/create", request).await;

        assert_snapshot!(reply, @r#"200 {"experiment_id":"1"}"#);
        let by_id = app.get("experiments/get?experiment_id=1").await;
        assert_snapshot!(by_id, @r#"200 {"experiment":{"artifact_location":"s3://bucket/p?x=1","creation_time":1000000,"experiment_id":"1","last_update_time":1000000,"lifecycle_stage":"active","name":"a\tb é /:$","tags":[{"key":"k","value":"last"},{"key":"é","value":""}]}}"#);
        let by_name = app.get("experiments/get-by-name?experiment_name=a%09b+%C3%A9%20/:$").await;
        assert_eq!(by_name.body, by_id.body);

        let run_id = app.new_run_in("1", "r", 0).await;
        let uri = app.read_run(&run_id).await["info"]["artifact_uri"].take();
        assert_eq!(uri, format!("s3://bucket/p/{run_id}/artifacts?x=1"), "the query stays last");
    }
}

#[tokio::test]
async fn ids_count_up_and_are_never_used_again() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let first: i64 = app.new_experiment("a").await.parse().unwrap();
        app.post("experiments/create", json!({ "name": "a" })).await.refusal();

        app.post("experiments/delete", json!({ "experiment_id": first.to_string() })).await.expect_ok();
        let second: i64 = app.new_experiment("b").await.parse().unwrap();

        assert!(second > first);
        assert_eq!(read(&app, &second.to_string()).await["artifact_location"], format!("mlflow-artifacts:/{second}"));
    }
}

#[tokio::test]
async fn a_taken_name_is_an_error_the_client_will_not_retry() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let id = app.new_experiment("a").await;

        let active = app.post("experiments/create", json!({ "name": "a" })).await;
        app.post("experiments/delete", json!({ "experiment_id": id })).await.expect_ok();
        let deleted = app.post("experiments/create", json!({ "name": "a" })).await;

        assert!(active.refusal().starts_with("400 RESOURCE_ALREADY_EXISTS: Experiment(name=a) already exists."));
        assert_eq!(deleted.refusal(), active.refusal());
    }
}

#[tokio::test]
async fn names_are_distinct_wherever_they_differ() {
    for db in support::databases().await {
        let app = support::app(db).await;

        // Case, a blank at the end, a letter and its accent in one character or in two, an encoded letter.
        for name in ["m", "M", "m ", "\u{e9}", "e\u{301}", "%6d", "\u{ff4d}"] {
            let id = app.new_experiment(name).await;
            assert_eq!(read(&app, &id).await["name"], name);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_an_experiment_is_refused_with_the_field_named() {
    let missing = "Missing value for required parameter 'name'. See the API docs for more information about request \
                   parameters.";
    let hint = |value: &str, kind: &str| {
        format!(
            "Invalid value {value} for parameter 'name' supplied:  Hint: Value was of type '{kind}'. See the API docs \
             for more information about request parameters."
        )
    };
    let fragments = "'artifact_location' URL can't include fragments or params.";
    let cases = [
        (json!({}), missing.to_owned()),
        (json!({ "name": null }), missing.to_owned()),
        (json!({ "name": "" }), missing.to_owned()),
        (json!({ "name": 5 }), hint("5", "int")),
        (json!({ "name": 5.5 }), hint("5.5", "float")),
        (json!({ "name": true }), hint("true", "bool")),
        (json!({ "name": ["a"] }), hint("[\"a\"]", "list")),
        (json!({ "name": { "a": 1 } }), hint("{\"a\":1}", "dict")),
        (json!({ "name": " \t" }), "Invalid experiment name: ' \t'. It must not be blank.".to_owned()),
        (json!({ "name": "é".repeat(501) }), "'name' exceeds the maximum length of 500 characters".to_owned()),
        (
            json!({ "name": "a\0b" }),
            "Invalid value for parameter 'name' supplied: it contains a NUL character at byte 1, which cannot be \
             stored."
                .to_owned(),
        ),
        (json!({ "name": "a", "artifact_location": "s3://b/p#f" }), fragments.to_owned()),
        (json!({ "name": "a", "artifact_location": "s3://b/p;x=1" }), fragments.to_owned()),
        (
            json!({ "name": "a", "artifact_location": "s3://b/p?x=%2525252e." }),
            "Invalid query string: 'artifact_location' must not contain '..' there.".to_owned(),
        ),
        (
            json!({ "name": "a", "artifact_location": format!("s3://b/{}", "x".repeat(2048)) }),
            "Invalid artifact path length. The length of the artifact path cannot be greater than 2048 characters."
                .to_owned(),
        ),
        (
            json!({ "name": "a", "tags": [{ "key": "ok", "value": "" }, { "key": "bad$", "value": "" }] }),
            "Invalid value \"bad$\" for parameter 'tags[1].key' supplied: Names may only contain alphanumerics, \
             underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."
                .to_owned(),
        ),
        (
            json!({ "name": "a", "tags": [{ "value": "x" }] }),
            "Missing value for required parameter 'tags[0].key'. See the API docs for more information about request \
             parameters."
                .to_owned(),
        ),
        (
            json!({ "name": "a", "tags": [{ "key": "k", "value": "x".repeat(20_001) }] }),
            "'value' exceeds the maximum length of 20000 characters".to_owned(),
        ),
    ];
    for db in support::databases().await {
        let app = support::app(db).await;

        for (request, expected) in &cases {
            let reply = app.post("experiments/create", request.clone()).await;
            assert_eq!(&reply.invalid(), expected);
        }

        assert_eq!(app.new_experiment(&"é".repeat(500)).await, "1", "nothing was made before");
        app.still_serving().await;
    }
}

#[tokio::test]
async fn what_does_not_exist_has_a_text_for_its_kind() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let id = app.new_experiment("a").await;
        let absent = "404 RESOURCE_DOES_NOT_EXIST: No Experiment with id=99 exists";

        assert_eq!(app.get("experiments/get?experiment_id=99").await.refusal(), absent);
        for (path, body) in [
            ("experiments/delete", json!({ "experiment_id": "99" })),
            ("experiments/restore", json!({ "experiment_id": "99" })),
            ("experiments/update", json!({ "experiment_id": "99", "new_name": "b" })),
            ("experiments/set-experiment-tag", json!({ "experiment_id": "99", "key": "k", "value": "" })),
            ("experiments/delete-experiment-tag", json!({ "experiment_id": "99", "key": "k" })),
            ("runs/create", json!({ "experiment_id": "99" })),
        ] {
            assert_eq!(app.post(path, body).await.refusal(), absent, "{path}");
        }
        assert_eq!(
            app.get("experiments/get-by-name?experiment_name=x").await.refusal(),
            "404 RESOURCE_DOES_NOT_EXIST: Could not find experiment with name 'x'"
        );
        assert_eq!(
            app.post("experiments/delete-experiment-tag", json!({ "experiment_id": id, "key": "k" })).await.refusal(),
            format!("404 RESOURCE_DOES_NOT_EXIST: No tag with name: k in experiment with id {id}")
        );
        // Only a deleted experiment can be restored, only an active one deleted.
        assert_eq!(
            app.post("experiments/restore", json!({ "experiment_id": id })).await.refusal(),
            format!("404 RESOURCE_DOES_NOT_EXIST: No Experiment with id={id} exists")
        );
    }
}

#[tokio::test]
async fn every_endpoint_says_which_field_is_missing_and_which_id_is_none() {
    let missing = |field: &str| {
        format!(
            "Missing value for required parameter '{field}'. See the API docs for more information about request \
             parameters."
        )
    };
    let not_a_number = "Invalid experiment ID 'abc'. Experiment ID must be a valid integer.";
    for db in support::databases().await {
        let app = support::app(db).await;

        assert_eq!(app.get("experiments/get").await.invalid(), missing("experiment_id"));
        assert_eq!(app.get("experiments/get?experiment_id=abc").await.invalid(), not_a_number);
        assert_eq!(app.get("experiments/get-by-name?").await.invalid(), missing("experiment_name"));
        for (path, body, field) in [
            ("experiments/delete", json!({}), "experiment_id"),
            ("experiments/restore", json!({}), "experiment_id"),
            ("experiments/update", json!({ "new_name": "x" }), "experiment_id"),
            ("experiments/update", json!({ "experiment_id": "0" }), "new_name"),
            ("experiments/set-experiment-tag", json!({ "key": "k" }), "experiment_id"),
            ("experiments/set-experiment-tag", json!({ "experiment_id": "0" }), "key"),
            ("experiments/delete-experiment-tag", json!({ "key": "k" }), "experiment_id"),
            ("experiments/delete-experiment-tag", json!({ "experiment_id": "0" }), "key"),
        ] {
            assert_eq!(app.post(path, body).await.invalid(), missing(field), "{path}");
        }
        for path in ["delete", "restore", "update", "set-experiment-tag", "delete-experiment-tag"] {
            let body = json!({ "experiment_id": "abc", "new_name": "n", "key": "k" });
            assert_eq!(app.post(&format!("experiments/{path}"), body).await.invalid(), not_a_number, "{path}");
        }
        for id in ["1.0", "0x1", "9223372036854775808", "1 ", "é", "1;DROP TABLE run"] {
            let reply = app.post("experiments/delete", json!({ "experiment_id": id })).await;
            assert_eq!(
                reply.invalid(),
                format!("Invalid experiment ID '{id}'. Experiment ID must be a valid integer.")
            );
        }
    }
}

#[tokio::test]
async fn renaming_needs_an_active_experiment_and_a_free_name() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (a, b) = (app.new_experiment("a").await, app.new_experiment("b").await);
        let rename = async |id: &str, name: &str| {
            app.post("experiments/update", json!({ "experiment_id": id, "new_name": name })).await
        };
        app.set_clock(START_MS + 5);

        assert_snapshot!(rename(&a, "c").await, @"200 {}");
        let renamed = read(&app, &a).await;
        assert_eq!((&renamed["name"], &renamed["last_update_time"]), (&json!("c"), &json!(START_MS + 5)));
        assert_eq!(renamed["creation_time"], START_MS);
        rename(&a, "c").await.expect_ok();

        let taken = rename(&a, "b").await;
        assert_snapshot!(taken, @r#"400 {"error_code":"BAD_REQUEST","message":"an experiment named 'b' exists already; choose another name"}"#);
        app.post("experiments/delete", json!({ "experiment_id": b })).await.expect_ok();
        assert_eq!(rename(&a, "b").await.refusal(), taken.refusal(), "the name of a deleted one is taken too");
        let deleted = rename(&b, "d").await;
        // MLflow answers 500, which its clients repeat for minutes.
        assert_snapshot!(deleted, @r#"400 {"error_code":"INVALID_STATE","message":"Cannot rename a non-active experiment."}"#);
        assert!(rename(&a, &"x".repeat(501)).await.invalid().starts_with("'name' exceeds the maximum length of 500"));
        assert_eq!(read(&app, &a).await["name"], "c");
    }
}

#[tokio::test]
async fn deleting_an_experiment_takes_its_runs_along_and_restoring_brings_all_back() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let id = app.new_experiment("a").await;
        let (kept, deleted_before) = (app.new_run_in(&id, "kept", 1).await, app.new_run_in(&id, "gone", 2).await);
        app.post("runs/delete", json!({ "run_id": deleted_before })).await.expect_ok();
        app.set_clock(START_MS + 7);

        assert_snapshot!(app.post("experiments/delete", json!({ "experiment_id": id })).await, @"200 {}");

        let experiment = read(&app, &id).await;
        assert_eq!(experiment["lifecycle_stage"], "deleted");
        assert_eq!(experiment["last_update_time"], START_MS + 7);
        assert_eq!(app.read_run(&kept).await["info"]["lifecycle_stage"], "deleted");
        let by_name = app.get("experiments/get-by-name?experiment_name=a").await.expect_ok();
        assert_eq!(by_name["experiment"]["lifecycle_stage"], "deleted");
        let again = app.post("experiments/delete", json!({ "experiment_id": id })).await;
        assert_eq!(again.refusal(), format!("404 RESOURCE_DOES_NOT_EXIST: No Experiment with id={id} exists"));

        app.set_clock(START_MS + 8);
        app.post("experiments/restore", json!({ "experiment_id": id })).await.expect_ok();

        assert_eq!(read(&app, &id).await["last_update_time"], START_MS + 8);
        for run_id in [kept, deleted_before] {
            assert_eq!(app.read_run(&run_id).await["info"]["lifecycle_stage"], "active");
        }
    }
}

#[tokio::test]
async fn a_deleted_experiment_takes_neither_runs_nor_tags() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let id = app.new_experiment("a").await;
        let tag = json!({ "experiment_id": id, "key": "k", "value": "v" });
        app.post("experiments/set-experiment-tag", tag.clone()).await.expect_ok();
        app.post("experiments/delete", json!({ "experiment_id": id })).await.expect_ok();

        for (path, body) in [
            ("runs/create", json!({ "experiment_id": id })),
            ("experiments/set-experiment-tag", tag.clone()),
            ("experiments/delete-experiment-tag", tag),
        ] {
            let expected = format!("The experiment {id} must be in the 'active' state. Current state is deleted.");
            assert_eq!(app.post(path, body).await.invalid(), expected, "{path}");
        }
    }
}

#[tokio::test]
async fn tags_are_set_replaced_and_deleted() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let id = app.new_experiment("a").await;
        let set = async |key: &str, value: Value| {
            app.post("experiments/set-experiment-tag", json!({ "experiment_id": id, "key": key, "value": value })).await
        };
        app.set_clock(START_MS + 3);

        assert_snapshot!(set("k", json!("1")).await, @"200 {}");
        set("k", json!("2")).await.expect_ok();
        set("absent", Value::Null).await.expect_ok();
        set("long", json!("é".repeat(20_000))).await.expect_ok();
        let key = "k".repeat(250);
        set(&key, json!("")).await.expect_ok();

        let experiment = read(&app, &id).await;
        let tags = experiment["tags"].as_array().unwrap();
        let value = |key: &str| tags.iter().find(|tag| tag["key"] == key).map(|tag| tag["value"].as_str().unwrap());
        assert_eq!((value("k"), value("absent")), (Some("2"), Some("")));
        assert_eq!(value("long").unwrap().chars().count(), 20_000);
        assert_eq!(tags.len(), 4);
        assert_eq!(experiment["last_update_time"], START_MS + 3);

        let too_long = set("k", json!("x".repeat(20_001))).await;
        assert_eq!(too_long.invalid(), "'value' exceeds the maximum length of 20000 characters");
        let too_long = set(&"k".repeat(251), json!("")).await;
        assert_eq!(too_long.invalid(), "'key' exceeds the maximum length of 250 characters");
        assert!(set("a//b", json!("")).await.invalid().ends_with("This name would resolve to 'a/b'"));

        let delete = json!({ "experiment_id": id, "key": "k" });
        assert_snapshot!(app.post("experiments/delete-experiment-tag", delete.clone()).await, @"200 {}");
        assert_eq!(
            app.post("experiments/delete-experiment-tag", delete).await.refusal(),
            format!("404 RESOURCE_DOES_NOT_EXIST: No tag with name: k in experiment with id {id}")
        );
        assert_eq!(read(&app, &id).await["tags"].as_array().unwrap().len(), 3);
    }
}

/// A run in `experiment_id` that read the dataset `name` in `context`.
async fn run_with_dataset(app: &App, experiment_id: &str, name: &str, context: Option<&str>) -> String {
    let run_id = app.new_run_in(experiment_id, "r", 0).await;
    let tags = match context {
        Some(context) => json!([{ "key": "mlflow.data.context", "value": context }]),
        None => json!([]),
    };
    let dataset = json!({ "name": name, "digest": "d", "source_type": "t", "source": "s" });
    let request = json!({ "run_id": run_id, "datasets": [{ "tags": tags, "dataset": dataset }] });
    app.post("runs/log-inputs", request).await.expect_ok();
    run_id
}

#[tokio::test]
async fn the_datasets_of_experiments_are_listed_once_for_each_context() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (a, b) = (app.new_experiment("a").await, app.new_experiment("b").await);
        for context in [Some("train"), Some("train"), Some("test"), None] {
            run_with_dataset(&app, &a, "era5", context).await;
        }
        run_with_dataset(&app, &b, "other", Some("train")).await;
        let search = "/ajax-api/2.0/mlflow/experiments/search-datasets";

        let one = app.post(search, json!({ "experiment_ids": [a] })).await.expect_ok();
        let both = app.post(search, json!({ "experiment_ids": [a, b, "99"] })).await.expect_ok();

        let mut contexts: Vec<&Value> =
            one["dataset_summaries"].as_array().unwrap().iter().map(|found| &found["context"]).collect();
        contexts.sort_by_key(|context| context.to_string());
        assert_eq!(contexts, [&json!("test"), &json!("train"), &Value::Null]);
        let last = both["dataset_summaries"].as_array().unwrap().last().unwrap();
        assert_eq!(last, &json!({ "experiment_id": b, "name": "other", "digest": "d", "context": "train" }));
        assert_eq!(both["dataset_summaries"].as_array().unwrap().len(), 4);
        assert_eq!(app.post(search, json!({ "experiment_ids": ["99"] })).await.to_string(), "200 {}");

        let texts = [
            (json!({}), "SearchDatasets request must specify at least one experiment_id."),
            (
                json!({ "experiment_ids": vec!["1"; 21] }),
                "SearchDatasets request cannot specify more than 20 experiment_ids. Received 21 experiment_ids.",
            ),
            (json!({ "experiment_ids": ["x"] }), "Invalid experiment ID 'x'. Experiment ID must be a valid integer."),
        ];
        for (request, expected) in texts {
            assert_eq!(app.post(search, request).await.invalid(), expected);
        }
    }
}
