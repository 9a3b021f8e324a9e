//! `complete`: what can be written at a place of a filter.

use serde_json::{Value, json};

use super::{log_metric, log_param, post, set_tag};
use crate::support::{self, App, assert_snapshot};

/// The answer for the place of the caret.
async fn complete(app: &App, marked: &str) -> Value {
    let at = marked[..marked.find('^').unwrap()].encode_utf16().count();
    let request = json!({ "experiment_ids": ["0"], "filter": marked.replacen('^', "", 1), "at": at });
    post(app, "complete", request).await.expect_ok()
}

/// What would be inserted at the place of the caret.
async fn inserts(app: &App, marked: &str) -> Vec<String> {
    let answer = complete(app, marked).await;
    let inserts = answer["suggestions"].as_array().unwrap().iter();
    inserts.map(|suggestion| suggestion["insert"].as_str().unwrap().to_owned()).collect()
}

async fn filled(app: &App) {
    for (number, status) in [(1, "FINISHED"), (2, "FAILED")] {
        let run_id = app.new_run_in("0", "run", number).await;
        log_metric(app, &run_id, "val_loss", 0.123_456_7 * number as f64).await;
        log_metric(app, &run_id, "train_loss", 7).await;
        log_metric(app, &run_id, "a b", "NaN").await;
        log_param(app, &run_id, "config.lr", ["1e-4", "it's"][number as usize - 1]).await;
        set_tag(app, &run_id, "hpc", "lumi").await;
        let update = json!({ "run_id": run_id, "status": status });
        app.post("runs/update", update).await.expect_ok();
    }
}

#[tokio::test]
async fn names_and_values_that_are_in_use_are_suggested() {
    for db in support::databases().await {
        let app = support::app(db).await;
        filled(&app).await;

        let metrics = complete(&app, "metrics.^").await.to_string();
        let params = complete(&app, "params.lr^ = 'x'").await.to_string();
        let values = complete(&app, "metrics.val_loss < 1 and params.config.lr = ^").await.to_string();

        assert_snapshot!(metrics, @r#"{"error":{"from":8,"message":"Invalid clause(s) in filter string: 'metrics.': expected a key after the dot","to":8},"expects":"key","from":8,"suggestions":[{"about":"2 runs, not a number","insert":"`a b`","label":"a b"},{"about":"2 runs, 7","insert":"train_loss","label":"train_loss"},{"about":"2 runs, 0.12346 to 0.24691","insert":"val_loss","label":"val_loss"}],"to":8}"#);
        assert_snapshot!(params, @r#"{"error":null,"expects":"key","from":7,"suggestions":[{"about":"2 runs, most often 1e-4","insert":"config.lr","label":"config.lr"}],"to":9}"#);
        assert_snapshot!(values, @r#"{"error":{"from":44,"message":"Invalid clause(s) in filter string: 'params.config.lr', '=': expected a value","to":44},"expects":"value","from":44,"suggestions":[{"about":"1 run","insert":"'1e-4'","label":"1e-4"},{"about":"1 run","insert":"\"it's\"","label":"it's"}],"to":44}"#);
        assert_eq!(inserts(&app, "metrics.loss^").await, ["train_loss", "val_loss"]);
        assert_eq!(inserts(&app, "tags.hpc = 'LU^").await, ["'lumi'"]);
        assert_eq!(inserts(&app, "tags.hpc = 'lumi'^").await, [""; 0], "what is there already");
        assert_eq!(inserts(&app, "status = 'F^'").await, ["'FINISHED'", "'FAILED'"]);
        assert_eq!(inserts(&app, "sta^").await, ["status", "start_time"]);
    }
}

#[tokio::test]
async fn positions_count_as_javascript_does() {
    let app = support::app(support::Database::sqlite()).await;
    filled(&app).await;

    let behind_wide = complete(&app, "tags.`𝛼é` = 'x' AND metrics.val^ @").await;
    let beyond = post(&app, "complete", json!({ "filter": "me", "at": 99 })).await.expect_ok();
    let nothing = post(&app, "complete", json!({})).await.expect_ok();

    assert_eq!((&behind_wide["from"], &behind_wide["to"]), (&json!(29), &json!(32)));
    assert_eq!((&behind_wide["error"]["from"], &behind_wide["error"]["to"]), (&json!(33), &json!(34)));
    assert_eq!((&beyond["from"], &beyond["to"], &beyond["expects"]), (&json!(0), &json!(2), &json!("field")));
    assert_eq!((&nothing["expects"], &nothing["error"]), (&json!("field"), &json!(null)));
}

#[tokio::test]
async fn what_is_wrong_before_the_place_leaves_nothing_to_suggest() {
    let app = support::app(support::Database::sqlite()).await;
    filled(&app).await;

    let answer = complete(&app, "aifs transformer ^").await;

    assert_eq!((&answer["expects"], &answer["suggestions"]), (&json!(null), &json!([])));
    assert_eq!((&answer["error"]["from"], &answer["error"]["to"]), (&json!(0), &json!(4)));
    let refused = post(&app, "complete", json!({ "filter": "a\0", "at": 1 })).await;
    assert!(refused.invalid().contains("NUL"), "{refused}");
    let refused = post(&app, "complete", json!({ "filter": "a", "at": -1 })).await;
    assert!(refused.invalid().contains("'at'"), "{refused}");
}
