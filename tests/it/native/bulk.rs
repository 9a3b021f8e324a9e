//! `runs/delete`, `runs/restore` and `runs/tag`: changes of many runs at once.

use serde_json::{Value, json};

use super::{log_param, post};
use crate::support::{self, App};

/// The ids that a change answers.
async fn changed(app: &App, path: &str, request: Value) -> Vec<String> {
    let answer = post(app, path, request).await.expect_ok();
    answer["run_ids"].as_array().unwrap().iter().map(|run_id| run_id.as_str().unwrap().to_owned()).collect()
}

async fn stage(app: &App, run_id: &str) -> Value {
    app.read_run(run_id).await["info"]["lifecycle_stage"].clone()
}

#[tokio::test]
async fn what_was_deleted_can_be_undone_by_its_answer() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (first, second, other) = (app.run().await, app.run().await, app.run().await);
        log_param(&app, &first, "lr", "1").await;
        log_param(&app, &second, "lr", "1").await;
        let child = app.run().await;
        let parent = json!({ "run_id": child, "key": "mlflow.parentRunId", "value": first });
        app.post("runs/set-tag", parent).await.expect_ok();
        let matching = json!({ "experiment_ids": ["0"], "filter": "params.lr = '1'", "with_children": true });

        let deleted = changed(&app, "runs/delete", matching.clone()).await;

        assert_eq!(deleted.len(), 3);
        assert_eq!([stage(&app, &child).await, stage(&app, &other).await], ["deleted", "active"]);
        assert_eq!(changed(&app, "runs/delete", matching).await, [""; 0]);
        assert_eq!(changed(&app, "runs/restore", json!({ "run_ids": deleted })).await, deleted);
        assert_eq!([stage(&app, &child).await, stage(&app, &second).await], ["active", "active"]);
        changed(&app, "runs/delete", json!({ "run_ids": [other] })).await;
        let trash = json!({ "experiment_ids": ["0"], "run_view_type": "DELETED_ONLY" });
        assert_eq!(changed(&app, "runs/restore", trash).await, [other]);
    }
}

#[tokio::test]
async fn a_tag_is_given_and_taken() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run = app.run().await;
        let tag = async |value: Value| {
            changed(&app, "runs/tag", json!({ "run_ids": [run], "key": "k", "value": value })).await.len()
        };
        let tags = async || app.read_run(&run).await["data"]["tags"].as_array().unwrap().len();

        assert_eq!((tag(json!("v")).await, tag(json!("v")).await, tags().await), (1, 0, 2));
        assert_eq!((tag(json!(null)).await, tag(json!(null)).await, tags().await), (1, 0, 1));
        let name = json!({ "run_ids": [run], "key": "mlflow.runName", "value": "new" });
        assert_eq!(changed(&app, "runs/tag", name).await, [run.as_str()]);
        assert_eq!(app.read_run(&run).await["info"]["run_name"], "new");
    }
}

#[tokio::test]
async fn a_change_that_says_not_which_runs_is_refused() {
    let app = support::app(support::Database::sqlite()).await;
    let run = app.run().await;
    let many: Vec<String> = (0..10_001).map(|number| format!("{number:032x}")).collect();

    for (path, request, expected) in [
        ("runs/delete", json!({}), "Missing value for required parameter 'run_ids'"),
        ("runs/delete", json!({ "filter": "status = 'FAILED'" }), "Missing value for required parameter 'run_ids'"),
        ("runs/restore", json!({ "run_ids": [] }), "Missing value for required parameter 'run_ids'"),
        ("runs/delete", json!({ "run_ids": [run], "experiment_ids": ["0"] }), "only one of both can be given"),
        ("runs/delete", json!({ "run_ids": many }), "'run_ids' has 10001 items; at most 10000 are allowed"),
        ("runs/delete", json!({ "experiment_ids": ["0"], "filter": "bogus" }), "Invalid attribute key 'bogus'"),
        ("runs/delete", json!({ "run_ids": [run], "with_children": "yes" }), "it must be true or false"),
        ("runs/tag", json!({ "run_ids": [run], "value": "v" }), "Missing value for required parameter 'key'"),
        ("runs/tag", json!({ "run_ids": [run], "key": "a//b", "value": "v" }), "Invalid value"),
        ("runs/tag", json!({ "run_ids": [run], "key": "k", "value": 5 }), "parameter 'value'"),
        ("runs/tag", json!({ "run_ids": [run], "key": "k", "value": "a\0" }), "NUL"),
    ] {
        let refused = post(&app, path, request).await.invalid();
        assert!(refused.contains(expected), "{path}: {refused}");
    }
    let unknown = post(&app, "runs/tag", json!({ "run_ids": [run, "x"], "key": "k", "value": "v" })).await;
    assert_eq!(unknown.refusal(), "404 RESOURCE_DOES_NOT_EXIST: Run with id=x not found");
    assert_eq!(app.read_run(&run).await["data"]["tags"].as_array().unwrap().len(), 1);
}
