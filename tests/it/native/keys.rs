//! `keys`: the names of metrics, params and tags, with what is known of their values.

use serde_json::{Value, json};

use super::{get, log_metric, log_param, set_tag};
use crate::support::{self, App, assert_snapshot};

/// The answer to `keys` with this query.
async fn keys(app: &App, query: &str) -> Vec<Value> {
    get(app, &format!("keys?{query}")).await.expect_ok()["keys"].as_array().unwrap().clone()
}

/// The names in the answer.
async fn names(app: &App, query: &str) -> Vec<String> {
    keys(app, query).await.iter().map(|key| key["key"].as_str().unwrap().to_owned()).collect()
}

/// The text as part of a query string.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn names_are_told_by_kind_in_the_order_of_their_characters() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        for key in ["b", "a b", "B", "é", "z", "a"] {
            log_metric(&app, &run_id, key, 1).await;
        }
        log_param(&app, &run_id, "a", "x").await;
        set_tag(&app, &run_id, "c", "x").await;

        assert_eq!(names(&app, "kind=metric&experiment_ids=0").await, ["B", "a", "a b", "b", "z", "é"]);
        assert_eq!(names(&app, "kind=metric&experiment_ids=0&limit=3").await, ["B", "a", "a b"]);
        assert_eq!(names(&app, "kind=param&experiment_ids=0").await, ["a"]);
        assert_eq!(names(&app, "kind=tag&experiment_ids=0").await, ["c", "mlflow.runName"]);
        assert_eq!(names(&app, "kind=param").await, [""; 0]);
        assert_eq!(names(&app, "kind=param&experiment_ids=4711").await, [""; 0]);
    }
}

#[tokio::test]
async fn a_prefix_is_taken_by_the_letter() {
    let all = ["val_loss", "valXloss", "Val_loss", "100", "100x", "éclair", "école", "𝛼/β", "a.b", "a-b"];
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        for key in all {
            log_metric(&app, &run_id, key, 1).await;
        }
        for (prefix, expected) in [
            ("val", &["valXloss", "val_loss"][..]),
            ("val_", &["val_loss"]),
            ("val_loss", &["val_loss"]),
            ("val_loss!", &[]),
            ("VAL", &[]),
            ("é", &["éclair", "école"]),
            ("écl", &["éclair"]),
            ("e", &[]),
            ("𝛼", &["𝛼/β"]),
            ("a.", &["a.b"]),
            ("a_", &[]),
            ("%", &[]),
            ("_", &[]),
            ("*", &[]),
            ("\\", &[]),
            ("'; --", &[]),
        ] {
            let query = format!("kind=metric&experiment_ids=0&prefix={}", encoded(prefix));
            assert_eq!(names(&app, &query).await, expected, "{prefix}");
        }
    }
}

#[tokio::test]
async fn a_metric_has_the_range_of_its_latest_numbers() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let other = app.new_experiment("other").await;
        let (first, second) = (app.new_run_in("0", "a", 1).await, app.new_run_in("0", "b", 2).await);
        let elsewhere = app.new_run_in(&other, "c", 3).await;
        for (key, of_first, of_second, of_elsewhere) in [
            ("numbers", json!(0.5), json!(-2), json!(7)),
            ("same", json!(1), json!(1), json!(1)),
            ("nan", json!("NaN"), json!("NaN"), json!(3)),
            ("some_nan", json!("NaN"), json!(4), json!("NaN")),
            ("infinite", json!("-Infinity"), json!("Infinity"), json!(0)),
        ] {
            log_metric(&app, &first, key, of_first).await;
            log_metric(&app, &second, key, of_second).await;
            log_metric(&app, &elsewhere, key, of_elsewhere).await;
        }
        log_metric(&app, &elsewhere, "only_elsewhere", 1).await;
        let later = json!({ "run_id": first, "key": "numbers", "value": 0.25, "timestamp": 2, "step": 1 });
        app.post("runs/log-metric", later).await.expect_ok();
        app.post("runs/delete", json!({ "run_id": second })).await.expect_ok();

        let here = get(&app, "keys?kind=metric&experiment_ids=0").await;
        let both = get(&app, &format!("keys?kind=metric&experiment_ids=0&experiment_ids={other}&prefix=n")).await;

        assert_snapshot!(here, @r#"200 {"keys":[{"differs":true,"key":"infinite","max":"Infinity","min":"-Infinity","runs":2,"type":"number"},{"differs":false,"key":"nan","runs":2,"type":"number"},{"differs":true,"key":"numbers","max":0.25,"min":-2.0,"runs":2,"type":"number"},{"differs":false,"key":"same","max":1.0,"min":1.0,"runs":2,"type":"number"},{"differs":false,"key":"some_nan","max":4.0,"min":4.0,"runs":2,"type":"number"}]}"#);
        assert_snapshot!(both, @r#"200 {"keys":[{"differs":false,"key":"nan","max":3.0,"min":3.0,"runs":3,"type":"number"},{"differs":true,"key":"numbers","max":7.0,"min":-2.0,"runs":3,"type":"number"}]}"#);
    }
}

#[tokio::test]
async fn a_param_has_its_most_frequent_values_equals_in_order() {
    for db in support::databases().await {
        let app = support::app(db).await;
        for number in 0..30 {
            let run_id = app.new_run_in("0", "run", number).await;
            // 12 values: "v00" to "v05" thrice, "v06" to "v11" twice.
            log_param(&app, &run_id, "many", &format!("v{:02}", if number < 18 { number / 3 } else { number / 2 - 3 }))
                .await;
            log_param(&app, &run_id, "one", "x").await;
            if number < 2 {
                log_param(&app, &run_id, "two", ["é", "É"][number as usize]).await;
            }
        }

        let found = keys(&app, "kind=param&experiment_ids=0").await;

        let value = |name: &str, runs: i64| json!({ "value": name, "runs": runs });
        let many: Vec<Value> =
            (0..10).map(|number| value(&format!("v{number:02}"), if number < 6 { 3 } else { 2 })).collect();
        assert_eq!(
            found,
            [
                json!({ "key": "many", "runs": 30, "type": "text", "differs": true, "values": many }),
                json!({ "key": "one", "runs": 30, "type": "text", "differs": false, "values": [value("x", 30)] }),
                json!({ "key": "two", "runs": 2, "type": "text", "differs": true,
                        "values": [value("É", 1), value("é", 1)] }),
            ]
        );
    }
}

#[tokio::test]
async fn a_text_is_a_number_if_all_its_frequent_values_are() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (first, second) = (app.run().await, app.run().await);
        for (key, of_first, of_second, expected) in [
            ("integers", "1", "-20", "number"),
            ("floats", "1e-4", " .5 ", "number"),
            ("special", "nan", "inf", "number"),
            ("mixed", "1", "auto", "text"),
            ("empty", "", "", "text"),
            ("hexadecimal", "0x10", "1", "text"),
            ("underscores", "1_000", "1", "text"),
        ] {
            log_param(&app, &first, key, of_first).await;
            set_tag(&app, &second, key, of_second).await;
            log_param(&app, &second, key, of_second).await;

            let query = format!("experiment_ids=0&prefix={key}");
            assert_eq!(keys(&app, &format!("kind=param&{query}")).await[0]["type"], expected, "{key}");
            let of_tag = if expected == "text" && of_second == "1" { "number" } else { expected };
            assert_eq!(keys(&app, &format!("kind=tag&{query}")).await[0]["type"], of_tag, "{key}");
        }
    }
}

#[tokio::test]
async fn values_are_cut_to_200_characters_and_differ_where_the_whole_values_do() {
    let long = "é".repeat(200);
    for db in support::databases().await {
        let app = support::app(db).await;
        let (first, second) = (app.run().await, app.run().await);
        log_param(&app, &first, "tails", &format!("{long}1")).await;
        log_param(&app, &second, "tails", &format!("{long}2")).await;
        log_param(&app, &first, "whole", &long).await;
        log_param(&app, &second, "whole", &long).await;

        let found = keys(&app, "kind=param&experiment_ids=0").await;

        assert_eq!(found[0]["values"], json!([{ "value": long, "runs": 2 }]));
        assert_eq!((&found[0]["differs"], &found[1]["differs"]), (&json!(true), &json!(false)));
        assert_eq!(found[1]["values"], json!([{ "value": long, "runs": 2 }]));
    }
}

#[tokio::test]
async fn as_many_names_of_as_many_experiments_as_allowed_are_told() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let params: Vec<Value> = (0..100).map(|key| json!({ "key": format!("p{key:03}"), "value": "1" })).collect();
        let metrics: Vec<Value> =
            (0..120).map(|key| json!({ "key": format!("m{key:03}"), "value": 1, "timestamp": 1, "step": 0 })).collect();
        let batch = json!({ "run_id": run_id, "params": params, "metrics": metrics });
        app.post("runs/log-batch", batch).await.expect_ok();
        let experiments: Vec<String> = (0..1_000).map(|id| format!("experiment_ids={id}")).collect();
        let experiments = experiments.join("&");

        for kind in ["param", "metric"] {
            let found = keys(&app, &format!("kind={kind}&limit=100&{experiments}")).await;
            assert_eq!(found.len(), 100);
            assert!(found.iter().all(|key| key["runs"] == 1 && key["type"] == "number"));
        }
    }
}

#[tokio::test]
async fn all_params_of_a_large_configuration_are_told_at_once() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        for first in (0..1_200).step_by(100) {
            let params: Vec<Value> =
                (first..first + 100).map(|key| json!({ "key": format!("p{key:04}"), "value": "1" })).collect();
            app.post("runs/log-batch", json!({ "run_id": run_id, "params": params })).await.expect_ok();
        }

        let found = keys(&app, "kind=param&limit=5000&experiment_ids=0").await;

        assert_eq!(found.len(), 1_200);
        assert!(found.iter().all(|key| key["values"] == json!([{ "value": "1", "runs": 1 }])));
    }
}

#[tokio::test]
async fn what_cannot_be_asked_of_names_is_refused_by_name_with_what_is_allowed() {
    let app = support::app(support::Database::sqlite()).await;
    let refusal = async |query: &str| get(&app, &format!("keys?{query}")).await.invalid();

    assert_snapshot!(refusal("").await, @"Missing value for required parameter 'kind'. See the API docs for more information about request parameters.");
    assert_snapshot!(refusal("kind=").await, @"Missing value for required parameter 'kind'. See the API docs for more information about request parameters.");
    assert_snapshot!(refusal("kind=metrics").await, @"Invalid value 'metrics' for parameter 'kind' supplied. It must be one of metric, param, tag.");
    assert_snapshot!(refusal("kind=metric&kind=tag").await, @r#"Invalid value ["metric","tag"] for parameter 'kind' supplied:  Hint: Value was of type 'list'. See the API docs for more information about request parameters."#);
    assert_snapshot!(refusal("kind=metric&limit=0").await, @"Invalid value 0 for parameter 'limit' supplied: it must be from 1 to 5000.");
    assert_snapshot!(refusal("kind=metric&limit=5001").await, @"Invalid value 5001 for parameter 'limit' supplied: it must be from 1 to 5000.");
    assert_snapshot!(refusal("kind=metric&limit=ten").await, @r#"Invalid value "ten" for parameter 'limit' supplied:  Hint: Value was of type 'str'. See the API docs for more information about request parameters."#);
    assert_snapshot!(refusal("kind=metric&prefix=%00").await, @"Invalid value for parameter 'prefix' supplied: it contains a NUL character at byte 0, which cannot be stored.");
    assert_snapshot!(refusal("kind=metric&experiment_ids=all").await, @"Invalid experiment ID 'all'. Experiment ID must be a valid integer.");
    let many = vec!["experiment_ids=1"; 1_001].join("&");
    assert_snapshot!(refusal(&format!("kind=metric&{many}")).await, @"'experiment_ids' has 1001 items; at most 1000 are allowed");
    let posted = app.post("/api/windvane/v1/keys", json!({ "kind": "metric" })).await;
    assert_snapshot!(posted.refusal(), @"405 BAD_REQUEST: The endpoint /api/windvane/v1/keys does not take the method POST");
}
