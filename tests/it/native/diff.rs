//! `diff`: what differs between runs.

use serde_json::json;

use super::{log_param, post};
use crate::support::{self, START_MS, assert_snapshot};

#[tokio::test]
async fn what_differs_is_told_run_by_run() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (first, second) = (app.run().await, app.new_run_in("0", "run", START_MS + 5).await);
        log_param(&app, &first, "config.lr", "1e-4").await;
        log_param(&app, &first, "same", "x").await;
        log_param(&app, &second, "same", "x").await;

        let reply = post(&app, "diff", json!({ "run_ids": [first, second] })).await;
        let alone = post(&app, "diff", json!({ "run_ids": [first, first], "all": true, "kinds": ["param"] })).await;

        assert_snapshot!(reply, @r#"200 {"differing":{"attribute":1,"param":1,"tag":0},"rows":[{"key":"start_time","kind":"attribute","values":[1000000,1000005]},{"key":"config.lr","kind":"param","values":["1e-4",null]}],"run_ids":["[run]","[run]"],"totals":{"attribute":6,"param":2,"tag":1},"truncated":false}"#);
        assert_snapshot!(alone, @r#"200 {"differing":{"param":0},"rows":[{"key":"config.lr","kind":"param","values":["1e-4"]},{"key":"same","kind":"param","values":["x"]}],"run_ids":["[run]"],"totals":{"param":2},"truncated":false}"#);
    }
}

#[tokio::test]
async fn what_cannot_be_compared_is_refused() {
    let app = support::app(support::Database::sqlite()).await;
    let run = app.run().await;
    let many: Vec<String> = (0..101).map(|number| format!("{number:032x}")).collect();

    for (request, expected) in [
        (json!({}), "Missing value for required parameter 'run_ids'"),
        (json!({ "run_ids": [run] }), "'run_ids' names one run"),
        (json!({ "run_ids": many }), "'run_ids' has 101 items; at most 100 are allowed"),
        (json!({ "run_ids": [run], "all": "yes" }), "it must be true or false"),
        (json!({ "run_ids": [run], "all": true, "kinds": ["metric"] }), "it must be one of attribute, param, tag"),
    ] {
        let refused = post(&app, "diff", request).await.invalid();
        assert!(refused.contains(expected), "{refused}");
    }
    let unknown = post(&app, "diff", json!({ "run_ids": [run, "x"] })).await;
    assert_eq!(unknown.refusal(), "404 RESOURCE_DOES_NOT_EXIST: Run with id=x not found");
}
