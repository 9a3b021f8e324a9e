//! `experiments`: all experiments with what goes on in them.

use axum::http::Method;
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

        assert_snapshot!(reply, @r#"200 {"experiments":[{"artifact_bytes":0,"artifact_location":"mlflow-artifacts:/0","creation_time":1000000,"deleted_runs":0,"experiment_id":"0","failed_recently":0,"last_activity":1000000,"last_start_time":null,"last_update_time":1000000,"lifecycle_stage":"active","name":"Default","running":0,"runs":0,"user_count":0,"users":[]}]}"#);
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

        let all = get(&app, "experiments?view_type=ALL").await.expect_ok();
        let mut found = all["experiments"].as_array().unwrap().clone();

        let active = found.iter().filter(|experiment| experiment["name"] != "trash").cloned().collect::<Vec<_>>();
        assert_eq!(experiments(&app).await, active, "without the trash unless that is asked for");
        let deleted = found.iter().find(|experiment| experiment["name"] == "trash").unwrap();
        assert_eq!(counts(deleted), json!(["trash", 0, 0, 1, null]));
        for experiment in &mut found {
            for added in [
                "runs",
                "running",
                "failed_recently",
                "deleted_runs",
                "last_start_time",
                "last_activity",
                "users",
                "user_count",
                "artifact_bytes",
            ] {
                experiment.as_object_mut().unwrap().remove(added).expect(added);
            }
        }
        assert_eq!(Value::Array(found.clone()), searched["experiments"]);
        let names: Vec<&str> = found.iter().map(|experiment| experiment["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["b", "a", "trash", "old", "Default"]);
    }
}

#[tokio::test]
async fn experiments_tell_of_users_failures_activity_and_size() {
    for db in support::databases().await {
        let app = support::app(db).await;
        app.set_clock(START_MS + 1_000);
        for (user, status) in [("ada", "FAILED"), ("grace", "FINISHED"), ("ada", "RUNNING")] {
            let request = json!({ "experiment_id": "0", "user_id": user, "start_time": START_MS });
            let created = app.post("runs/create", request).await.expect_ok();
            let run_id = &created["run"]["info"]["run_id"];
            app.post("runs/update", json!({ "run_id": run_id, "status": status, "end_time": START_MS + 500 }))
                .await
                .expect_ok();
            let path = format!("mlflow-artifacts/artifacts/0/{}/artifacts/f", run_id.as_str().unwrap());
            assert_eq!(app.request(Method::PUT, &format!("/api/2.0/{path}"), [], "12345").await.status, 200);
        }

        let found = experiments(&app).await.remove(0);
        let refused = get(&app, "experiments?view_type=NONE").await;

        assert_eq!(found["users"], json!(["ada", "grace"]));
        let figures = ["user_count", "failed_recently", "last_activity", "artifact_bytes"].map(|name| &found[name]);
        assert_eq!(figures, [&json!(2), &json!(1), &json!(START_MS + 500), &json!(15)]);
        assert_eq!(refused.status, 400);
    }
}
