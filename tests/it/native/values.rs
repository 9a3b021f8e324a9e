//! `values`: metrics of runs in few numbers.

use serde_json::json;

use super::{log_metric, post};
use crate::support::{self, assert_snapshot};

#[tokio::test]
async fn each_metric_has_a_row_and_each_run_a_cell() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (first, second) = (app.run().await, app.run().await);
        for (step, value) in [(0, json!(3.5)), (10, json!(0.1)), (20, json!("NaN")), (30, json!("Infinity"))] {
            let point =
                json!({ "run_id": first, "key": "loss", "value": value, "timestamp": 100 + step, "step": step });
            app.post("runs/log-metric", point).await.expect_ok();
        }
        log_metric(&app, &second, "acc", "-Infinity").await;

        let all = post(&app, "values", json!({ "run_ids": [first, second] })).await;
        let at = json!({ "run_ids": [second, first], "metrics": ["loss", "x"], "step": "25" });
        let at = post(&app, "values", at).await;
        let before = post(&app, "values", json!({ "run_ids": [first], "metrics": "loss", "step": -1 })).await;

        assert_snapshot!(all, @r#"200 {"rows":[{"cells":[null,{"count":1,"first_step":0,"last":"-Infinity","last_step":0,"last_time":1,"max":null,"max_step":null,"min":null,"min_step":null,"nan":0}],"metric":"acc"},{"cells":[{"count":4,"first_step":0,"last":"Infinity","last_step":30,"last_time":130,"max":3.5,"max_step":0,"min":0.1,"min_step":10,"nan":1},null],"metric":"loss"}],"run_ids":["[run]","[run]"],"truncated":false}"#);
        assert_snapshot!(at, @r#"200 {"rows":[{"cells":[null,{"at":"NaN","at_step":20,"count":4,"first_step":0,"last":"Infinity","last_step":30,"last_time":130,"max":3.5,"max_step":0,"min":0.1,"min_step":10,"nan":1}],"metric":"loss"},{"cells":[null,null],"metric":"x"}],"run_ids":["[run]","[run]"],"truncated":false}"#);
        let cell = &before.expect_ok()["rows"][0]["cells"][0];
        assert_eq!((&cell["at"], &cell["at_step"]), (&json!(null), &json!(null)));
    }
}

#[tokio::test]
async fn more_metrics_than_one_answer_may_have_are_cut_or_refused() {
    let app = support::app(support::Database::sqlite()).await;
    let run = app.run().await;
    for part in 0..2 {
        let metric = |number: i64| json!({ "key": format!("m{part}{number:03}"), "value": 1, "timestamp": 1 });
        let metrics: Vec<_> = (0..600).map(metric).collect();
        app.post("runs/log-batch", json!({ "run_id": run, "metrics": metrics })).await.expect_ok();
    }

    let all = post(&app, "values", json!({ "run_ids": [run] })).await.expect_ok();

    assert_eq!((all["rows"].as_array().unwrap().len(), &all["truncated"]), (1_000, &json!(true)));
    let names: Vec<String> = (0..1_001).map(|number| number.to_string()).collect();
    let refused = post(&app, "values", json!({ "run_ids": [run], "metrics": names })).await.invalid();
    assert_eq!(refused, "'metrics' has 1001 items; at most 1000 are allowed");
    let refused = post(&app, "values", json!({ "metrics": ["a"] })).await.invalid();
    assert!(refused.contains("'run_ids'"), "{refused}");
    let unknown = post(&app, "values", json!({ "run_ids": ["x"] })).await.refusal();
    assert_eq!(unknown, "404 RESOURCE_DOES_NOT_EXIST: Run with id=x not found");
}
