//! Tables as trees.

use serde_json::{Value, json};

use super::{ask_rows, first_cells, log_metric, log_param, rows, set_tag};
use crate::support::{self, App, assert_snapshot};

/// The top of a tree of experiment 0, the oldest run first.
fn top() -> Value {
    json!({ "experiment_ids": ["0"], "order_by": ["start_time"], "columns": ["run_name"], "tree": true })
}

/// A level beneath it.
fn level(name: &str, run_id: &str) -> Value {
    let mut request = top();
    request[name] = run_id.into();
    request
}

/// A run of experiment 0 with tags.
async fn run(app: &App, name: &str, start: i64, tags: &[(&str, &str)]) -> String {
    let run_id = app.new_run_in("0", name, start).await;
    for (key, value) in tags {
        set_tag(app, &run_id, key, value).await;
    }
    run_id
}

/// What a training of Anemoi leaves: prepared, started, killed and resumed twice, one part of it synced twice; with
/// an evaluation nested in it, and a fork.
async fn training(app: &App) -> Vec<String> {
    let dry = run(app, "dry", 10, &[("dry_run", "True")]).await;
    let resumed = [("mlflow.parentRunId", dry.as_str()), ("resumedRun", "True")];
    let first = run(app, "first", 20, &resumed).await;
    let second = run(app, "second", 30, &resumed).await;
    let copy = run(app, "second again", 40, &resumed).await;
    for run_id in [&first, &second, &copy] {
        log_param(app, run_id, "config.training.run_id", &dry).await;
    }
    for run_id in [&second, &copy] {
        log_param(app, run_id, "config.training.offline_self_run_id", "0a0a").await;
    }
    app.post("runs/update", json!({ "run_id": second, "status": "FINISHED", "end_time": 90 })).await.expect_ok();
    for (run_id, step) in [(&first, 100), (&second, 250)] {
        let point = json!({ "run_id": run_id, "key": "loss", "value": 0.5, "timestamp": 1_000, "step": step });
        app.post("runs/log-metric", point).await.expect_ok();
    }
    log_metric(app, &first, "early", 3).await;
    let child = run(app, "evaluation", 50, &[("mlflow.parentRunId", &first)]).await;
    let fork = run(app, "fork", 60, &[("forkedRun", "True"), ("forkedRunId", &second)]).await;
    vec![dry, first, second, copy, child, fork]
}

#[tokio::test]
async fn a_training_is_one_row_with_all_that_is_to_tell_of_it() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let ids = training(&app).await;
        let lost = run(&app, "lost", 70, &[("mlflow.parentRunId", "5e"), ("forkedRunId", "f0")]).await;

        let mut request = top();
        request["columns"] = json!(["run_name", "status", "metrics.loss", "metrics.early", "params.never"]);
        let shown = ask_rows(&app, request).await;
        let members = ask_rows(&app, level("attempts_of", &ids[3])).await;
        let nested = ask_rows(&app, level("children_of", &ids[1])).await;

        assert_snapshot!(shown, @r#"200 {"columns":["run_id","experiment_id","lifecycle_stage","attribute.run_name","attribute.status","metrics.loss","metrics.early","params.never"],"offset":0,"rows":[["[run]","0","active","second","FINISHED",0.5,3.0,null],["[run]","0","active","fork","RUNNING",null,null,null],["[run]","0","active","lost","RUNNING",null,null,null]],"runs":7,"total":3,"trainings":4,"tree":[{"attempts":2,"children":1,"copies":1,"kind":"training","matches":true,"matching":5,"prepared":1,"runs":5,"steps":250,"training_time":999},{"attempts":1,"children":0,"copies":0,"fork":{"experiment_id":"0","here":true,"name":"second","run_id":"[run]","step":null},"kind":"training","matches":true,"matching":1,"prepared":0,"runs":1},{"attempts":1,"children":0,"copies":0,"fork":{"here":false,"run_id":"f0"},"kind":"training","matches":true,"matching":1,"parent":{"run_id":"5e","state":"missing"},"prepared":0,"runs":1}]}"#);
        assert_snapshot!(members, @r#"200 {"columns":["run_id","experiment_id","lifecycle_stage","attribute.run_name"],"offset":0,"rows":[["[run]","0","active","dry"],["[run]","0","active","first"],["[run]","0","active","second"],["[run]","0","active","second again"]],"runs":7,"total":4,"trainings":4,"tree":[{"attempts":0,"children":0,"copies":0,"kind":"run","matches":true,"matching":1,"prepared":1,"role":"prepared","runs":1},{"attempt":1,"attempts":1,"children":1,"copies":0,"kind":"run","matches":true,"matching":2,"prepared":0,"role":"attempt","runs":2},{"attempt":2,"attempts":1,"children":0,"copies":0,"kind":"run","matches":true,"matching":1,"prepared":0,"role":"attempt","runs":1},{"attempt":2,"attempts":0,"children":0,"copies":1,"kind":"run","matches":true,"matching":1,"prepared":0,"role":"copy","runs":1}]}"#);
        assert_snapshot!(nested, @r#"200 {"columns":["run_id","experiment_id","lifecycle_stage","attribute.run_name"],"offset":0,"rows":[["[run]","0","active","evaluation"]],"runs":7,"total":1,"trainings":4,"tree":[{"attempts":1,"children":0,"copies":0,"kind":"training","matches":true,"matching":1,"prepared":0,"runs":1}]}"#);
        assert_eq!(shown.json()["rows"][0][0], ids[2]);
        assert_eq!(shown.json()["rows"][2][0], lost);
        assert_eq!(shown.json()["tree"][1]["fork"]["run_id"], ids[2]);
    }
}

#[tokio::test]
async fn a_tree_holds_the_runs_that_a_search_finds_whatever_the_filter_and_the_order() {
    for db in support::databases().await {
        let app = support::app(db).await;
        training(&app).await;
        run(&app, "alone", 5, &[]).await;
        for (filter, order) in [
            ("", json!([])),
            ("", json!(["run_name DESC"])),
            ("metrics.loss > 0", json!(["metrics.loss"])),
            ("run_name LIKE '%e%'", json!(["status", "run_name"])),
            ("run_name = 'evaluation'", json!([])),
            ("run_name = 'nothing'", json!([])),
        ] {
            let flat = json!({ "experiment_ids": ["0"], "filter": filter, "order_by": order, "columns": ["run_name"] });
            let mut found = first_cells(&rows(&app, flat.clone()).await);
            found.sort();

            let shown = open(&app, &flat, None, 1).await;

            let mut matching: Vec<String> =
                shown.into_iter().filter(|(_, matches)| *matches).map(|(name, _)| name).collect();
            matching.sort();
            assert_eq!(matching, found, "{flat}");
        }
    }
}

/// The runs of all trainings of a level and beneath it, read in pages of `limit`, and whether they match.
async fn open(app: &App, flat: &Value, level: Option<(&str, &str)>, limit: usize) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    for offset in (0..).step_by(limit) {
        let mut request = flat.clone();
        request["tree"] = true.into();
        (request["offset"], request["limit"]) = (offset.into(), limit.into());
        if let Some((name, run_id)) = level {
            request[name] = run_id.into();
        }
        let table = rows(app, request).await;
        for (row, told) in table["rows"].as_array().unwrap().iter().zip(table["tree"].as_array().unwrap()) {
            let run_id = row[0].as_str().unwrap();
            if told["kind"] == "training" {
                found.extend(Box::pin(open(app, flat, Some(("attempts_of", run_id)), limit)).await);
            } else {
                found.push((row[3].as_str().unwrap().to_owned(), told["matches"] == true));
                found.extend(Box::pin(open(app, flat, Some(("children_of", run_id)), limit)).await);
            }
        }
        if offset + limit >= table["total"].as_u64().unwrap() as usize {
            return found;
        }
    }
    found
}

#[tokio::test]
async fn levels_that_there_cannot_be_are_refused_by_name() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let refusal = async |changes: Value| {
            let mut request = top();
            request.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            ask_rows(&app, request).await.refusal()
        };

        assert_snapshot!(refusal(json!({ "tree": "maybe" })).await, @r#"400 INVALID_PARAMETER_VALUE: Invalid value "maybe" for parameter 'tree' supplied: it must be true or false."#);
        assert_snapshot!(refusal(json!({ "tree": 1 })).await, @"400 INVALID_PARAMETER_VALUE: Invalid value 1 for parameter 'tree' supplied: it must be true or false.");
        assert_snapshot!(refusal(json!({ "attempts_of": run_id, "children_of": run_id })).await, @"400 INVALID_PARAMETER_VALUE: 'attempts_of' and 'children_of' name levels of a tree; only one of them can be asked for at once");
        assert_snapshot!(refusal(json!({ "tree": false, "children_of": run_id })).await, @"400 INVALID_PARAMETER_VALUE: 'attempts_of' and 'children_of' name levels of a tree; they need 'tree' to be true");
        assert_snapshot!(refusal(json!({ "tree": null, "attempts_of": "" })).await, @"400 INVALID_PARAMETER_VALUE: 'attempts_of' and 'children_of' name levels of a tree; they need 'tree' to be true");
        assert_snapshot!(refusal(json!({ "attempts_of": 7 })).await, @"400 INVALID_PARAMETER_VALUE: Invalid value 7 for parameter 'attempts_of' supplied:  Hint: Value was of type 'int'. See the API docs for more information about request parameters.");
        assert_snapshot!(refusal(json!({ "children_of": ["a"] })).await, @r#"400 INVALID_PARAMETER_VALUE: Invalid value ["a"] for parameter 'children_of' supplied:  Hint: Value was of type 'list'. See the API docs for more information about request parameters."#);
        assert_snapshot!(refusal(json!({ "attempts_of": "a\u{0}" })).await, @"400 INVALID_PARAMETER_VALUE: Invalid value for parameter 'attempts_of' supplied: it contains a NUL character at byte 1, which cannot be stored.");
        assert_snapshot!(refusal(json!({ "attempts_of": "00" })).await, @"404 RESOURCE_DOES_NOT_EXIST: Run with id=00 not found");
        assert_snapshot!(refusal(json!({ "children_of": "" })).await, @"404 RESOURCE_DOES_NOT_EXIST: Run with id= not found");
        assert!(refusal(json!({ "children_of": "é".repeat(5_000) })).await.starts_with("404 RESOURCE_DOES_NOT_EXIST"));
        assert_snapshot!(refusal(json!({ "limit": 1_001 })).await, @"400 INVALID_PARAMETER_VALUE: Invalid value 1001 for parameter 'limit' supplied: it must be from 0 to 1000.");
        let as_text = ask_rows(&app, json!({ "experiment_ids": ["0"], "tree": "true", "limit": 0 })).await;
        assert_snapshot!(as_text, @r#"200 {"columns":["run_id","experiment_id","lifecycle_stage"],"offset":0,"rows":[],"runs":1,"total":1,"trainings":1,"tree":[]}"#);
        let nothing = ask_rows(&app, json!({ "experiment_ids": [], "tree": true, "attempts_of": run_id })).await;
        assert_snapshot!(nothing, @r#"200 {"columns":["run_id","experiment_id","lifecycle_stage"],"offset":0,"rows":[],"runs":0,"total":0,"trainings":0,"tree":[]}"#);
        let far = ask_rows(&app, json!({ "experiment_ids": ["0"], "tree": true, "offset": i64::MAX })).await;
        assert_snapshot!(far, @r#"200 {"columns":["run_id","experiment_id","lifecycle_stage"],"offset":9223372036854775807,"rows":[],"runs":1,"total":1,"trainings":1,"tree":[]}"#);
    }
}
