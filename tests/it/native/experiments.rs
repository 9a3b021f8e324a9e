//! `experiments`: all experiments with the number of their runs.

use serde_json::{Value, json};

use super::get;
use crate::support::{self, App, START_MS, assert_snapshot};

async fn experiments(app: &App) -> Vec<Value> {
    get(app, "experiments").await.expect_ok()["experiments"].as_array().unwrap().clone()
}

/// What is counted of an experiment.
fn counts(experiment: &Value) -> Value {
    json!([
        experiment["name"],
        experiment["runs"],
        experiment["running"],
        experiment["deleted_runs"],
        experiment["last_start_time"]
    ])
}

#[tokio::test]
async fn an_empty_server_has_one_experiment_without_runs() {
    for db in support::databases().await {
        let app = support::app(db).await;

        let reply = get(&app, "experiments").await;

        assert_snapshot!(reply, @r#"200 {"experiments":[{"artifact_location":"mlflow-artifacts:/0","creation_time":1000000,"deleted_runs":0,"experiment_id":"0","last_start_time":null,"last_update_time":1000000,"lifecycle_stage":"active","name":"Default","running":0,"runs":0}]}"#);
    }
}

#[tokio::test]
async fn runs_are_counted_by_their_state_and_by_whether_they_are_in_the_trash() {
    for db in support::databases().await {
        let app = support::app(db).await;
        app.set_clock(START_MS + 1);
        let busy = app.new_experiment("busy").await;
        app.new_experiment("empty").await;
        for (start_ms, status) in [(50, "RUNNING"), (70, "SCHEDULED"), (60, "FINISHED"), (10, "FAILED"), (20, "KILLED")]
        {
            let run_id = app.new_run_in(&busy, status, start_ms).await;
            app.post("runs/update", json!({ "run_id": run_id, "status": status })).await.expect_ok();
        }
        for start_ms in [80, 90] {
            let run_id = app.new_run_in(&busy, "trashed", start_ms).await;
            app.post("runs/delete", json!({ "run_id": run_id })).await.expect_ok();
        }
        let only_trash = app.new_run_in("0", "trashed", 5).await;
        app.post("runs/delete", json!({ "run_id": only_trash })).await.expect_ok();

        let found: Vec<Value> = experiments(&app).await.iter().map(counts).collect();

        let busy = json!(["busy", 5, 1, 2, 70]);
        assert_eq!(found, [busy, json!(["empty", 0, 0, 0, null]), json!(["Default", 0, 0, 1, null])]);
    }
}

#[tokio::test]
async fn experiments_are_told_as_a_search_tells_them_newest_first_those_in_the_trash_among_them() {
    for db in support::databases().await {
        let app = support::app(db).await;
        for (name, created_ms) in [("b", 3), ("a", 3), ("old", 1), ("trash", 2)] {
            app.set_clock(START_MS + created_ms);
            let tags = json!([{ "key": "z", "value": name }, { "key": "mlflow.note.content", "value": "é" }]);
            app.post("experiments/create", json!({ "name": name, "tags": tags })).await.expect_ok();
        }
        let trash = app.get("experiments/get-by-name?experiment_name=trash").await.expect_ok();
        let trash = &trash["experiment"]["experiment_id"];
        app.new_run_in(trash.as_str().unwrap(), "run", 1).await;
        app.post("experiments/delete", json!({ "experiment_id": trash })).await.expect_ok();
        let search = json!({ "view_type": "ALL", "max_results": 100 });
        let searched = app.post("experiments/search", search).await.expect_ok();

        let mut found = experiments(&app).await;

        let deleted = found.iter().find(|experiment| experiment["name"] == "trash").unwrap();
        assert_eq!(counts(deleted), json!(["trash", 0, 0, 1, null]));
        for experiment in &mut found {
            for added in ["runs", "running", "deleted_runs", "last_start_time"] {
                experiment.as_object_mut().unwrap().remove(added).expect(added);
            }
        }
        assert_eq!(Value::Array(found.clone()), searched["experiments"]);
        let names: Vec<&str> = found.iter().map(|experiment| experiment["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["b", "a", "trash", "old", "Default"]);
    }
}
