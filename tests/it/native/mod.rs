//! Our own API, `/api/windvane/v1/`, through the router.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

mod bulk;
mod changes;
mod complete;
mod diff;
mod experiments;
mod exports;
mod find;
mod groups;
mod ingest;
mod keys;
mod odd_series;
mod orders;
mod revalidation;
mod rows;
mod trees;
mod values;
mod views;

use serde_json::{Value, json};

use crate::support::{App, Reply};

/// The answer to `rows`.
async fn rows(app: &App, request: Value) -> Value {
    ask_rows(app, request).await.expect_ok()
}

async fn ask_rows(app: &App, request: Value) -> Reply {
    post(app, "rows", request).await
}

/// The cells of the first column that was asked for, as texts.
fn first_cells(table: &Value) -> Vec<String> {
    let cell = |row: &Value| match &row[3] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    table["rows"].as_array().unwrap().iter().map(cell).collect()
}

/// The answer to a `GET` with this path and query.
async fn get(app: &App, path: &str) -> Reply {
    app.get(&format!("/api/windvane/v1/{path}")).await
}

/// The answer to a `POST` with this path.
async fn post(app: &App, path: &str, request: Value) -> Reply {
    app.post(&format!("/api/windvane/v1/{path}"), request).await
}

async fn log_metric(app: &App, run_id: &str, key: &str, value: impl Into<Value>) {
    let point = json!({ "run_id": run_id, "key": key, "value": value.into(), "timestamp": 1, "step": 0 });
    app.post("runs/log-metric", point).await.expect_ok();
}

async fn log_param(app: &App, run_id: &str, key: &str, value: &str) {
    app.post("runs/log-parameter", json!({ "run_id": run_id, "key": key, "value": value })).await.expect_ok();
}

async fn set_tag(app: &App, run_id: &str, key: &str, value: &str) {
    app.post("runs/set-tag", json!({ "run_id": run_id, "key": key, "value": value })).await.expect_ok();
}

/// Waits until a cursor is behind all that was done: on PostgreSQL, transactions of other databases hold it back, and
/// what lies between is told again.
async fn settle(app: &App) -> String {
    let mut cursor = "0".to_owned();
    loop {
        let changes = get(app, &format!("changes?since={cursor}")).await.expect_ok();
        cursor = changes["cursor"].as_str().unwrap().to_owned();
        if changes["reset"] == false && changes["runs"] == json!([]) && changes["experiments"] == json!([]) {
            return cursor;
        }
        tokio::task::yield_now().await;
    }
}
