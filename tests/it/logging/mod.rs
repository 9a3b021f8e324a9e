//! What is logged to a run, through the router: points, params, batches, datasets, and the models of 2.x clients.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

mod datasets;

use serde_json::{Value, json};

use crate::support::{self, App, Reply, assert_snapshot};

const ALLOWED: &str = "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), \
                       colon(:) and slashes (/).";
const API_DOCS: &str = "See the API docs for more information about request parameters.";

async fn log_metric(app: &App, run_id: &str, key: &str, value: Value, timestamp: i64, step: i64) -> Reply {
    let request = json!({ "run_id": run_id, "key": key, "value": value, "timestamp": timestamp, "step": step });
    app.post("runs/log-metric", request).await
}

async fn log_param(app: &App, run_id: &str, key: &str, value: &str) -> Reply {
    app.post("runs/log-parameter", json!({ "run_id": run_id, "key": key, "value": value })).await
}

async fn log_batch(app: &App, run_id: &str, mut batch: Value) -> Reply {
    batch["run_id"] = json!(run_id);
    app.post("runs/log-batch", batch).await
}

fn metric(key: &str, value: Value, timestamp: i64, step: i64) -> Value {
    json!({ "key": key, "value": value, "timestamp": timestamp, "step": step })
}

fn pair(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": value })
}

/// `count` pairs with keys of their own.
fn pairs(count: usize) -> Vec<Value> {
    (0..count).map(|index| pair(&format!("k{index}"), "v")).collect()
}

/// The latest point of a metric, as `runs/get` shows it.
async fn latest(app: &App, run_id: &str, key: &str) -> Value {
    let run = app.read_run(run_id).await;
    let metrics = run["data"]["metrics"].as_array().cloned().unwrap_or_default();
    metrics.into_iter().find(|metric| metric["key"] == key).unwrap_or_default()
}

/// The params of a run by key.
async fn params(app: &App, run_id: &str) -> Vec<(String, String)> {
    let run = app.read_run(run_id).await;
    let text = |pair: &Value, field: &str| pair[field].as_str().unwrap().to_owned();
    let params = run["data"]["params"].as_array().cloned().unwrap_or_default();
    params.iter().map(|param| (text(param, "key"), text(param, "value"))).collect()
}

// ---- Points

#[tokio::test]
async fn a_point_is_logged_and_is_the_latest_value() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;

        assert_snapshot!(log_metric(&app, &run_id, "loss/é a", json!(0.25), 5, -3).await, @"200 {}");
        let without_step = json!({ "run_uuid": run_id, "key": "m", "value": 1, "timestamp": 7 });
        app.post("runs/log-metric", without_step).await.expect_ok();

        let data = app.read_run(&run_id).await["data"]["metrics"].take();
        assert_eq!(
            data,
            json!([{ "key": "loss/é a", "value": 0.25, "timestamp": 5, "step": -3 },
                   { "key": "m", "value": 1.0, "timestamp": 7, "step": 0 }])
        );
    }
}

#[tokio::test]
async fn the_latest_value_has_the_greatest_step_then_time_then_value_however_points_arrive() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;

        for (point, expected) in [
            ((json!(1.0), 10, 5), json!(1.0)),
            // A lower step never replaces a higher one, however late it comes.
            ((json!(2.0), 99, 4), json!(1.0)),
            // At the same step the later time wins, and at the same time the greater value.
            ((json!(3.0), 9, 5), json!(1.0)),
            ((json!(0.5), 11, 5), json!(0.5)),
            ((json!(0.25), 11, 5), json!(0.5)),
            ((json!(0.75), 11, 5), json!(0.75)),
            // NaN counts as 0 among values of one step and time.
            ((json!("NaN"), 11, 5), json!(0.75)),
            ((json!("NaN"), 12, 5), json!("NaN")),
            ((json!(-1.0), 12, 5), json!("NaN")),
            ((json!(1.0), 12, 5), json!(1.0)),
            ((json!(7.0), 0, 6), json!(7.0)),
        ] {
            let (value, timestamp, step) = point.clone();
            log_metric(&app, &run_id, "m", value, timestamp, step).await.expect_ok();
            assert_eq!(latest(&app, &run_id, "m").await["value"], expected, "after {point:?}");
        }

        // The same in one batch, in an order that is none.
        let batch = json!([metric("n", json!(1), 1, 9), metric("n", json!(2), 2, 10), metric("n", json!(3), 3, 8)]);
        log_batch(&app, &run_id, json!({ "metrics": batch })).await.expect_ok();
        assert_eq!(latest(&app, &run_id, "n").await, metric("n", json!(2.0), 2, 10));
    }
}

#[tokio::test]
async fn a_point_that_is_there_already_is_accepted_and_adds_nothing() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let batch = json!([
            metric("m", json!(1), 1, 1),
            metric("m", json!(1), 1, 1),
            metric("m", json!("NaN"), 1, 1),
            metric("m", json!("NaN"), 1, 1),
            metric("m", json!(2), 1, 1)
        ]);

        for _ in 0..2 {
            log_batch(&app, &run_id, json!({ "metrics": batch })).await.expect_ok();
        }
        log_metric(&app, &run_id, "m", json!(1.0), 1, 1).await.expect_ok();
        log_metric(&app, &run_id, "m", json!(0.0), 1, 1).await.expect_ok();

        let mut values: Vec<String> = app.history(&run_id, "m").await.into_iter().map(|(_, _, value)| value).collect();
        values.sort();
        assert_eq!(values, ["\"NaN\"", "0.0", "1.0", "2.0"], "NaN is kept apart from the 0 that it counts as");
    }
}

#[tokio::test]
async fn values_without_a_number_or_an_end_are_kept_as_the_contract_says() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let largest = "1.7976931348623157e308";

        for (step, (sent, shown)) in [
            ("NaN", "\"NaN\""),
            ("\"NaN\"", "\"NaN\""),
            ("Infinity", largest),
            ("\"Infinity\"", largest),
            ("-Infinity", &format!("-{largest}")),
            ("\"-Infinity\"", &format!("-{largest}")),
            ("1.7976931348623157e308", largest),
            ("-0.0", "0.0"),
            ("5e-324", "5e-324"),
            ("2.2250738585072014e-308", "2.2250738585072014e-308"),
            ("0.1", "0.1"),
            ("\"1e3\"", "1000.0"),
            ("9007199254740993", "9007199254740992.0"),
            ("true", "1.0"),
            ("false", "0.0"),
        ]
        .into_iter()
        .enumerate()
        {
            let alone = format!(r#"{{"run_id":"{run_id}","key":"alone","value":{sent},"timestamp":{step}}}"#);
            let batch =
                format!(r#"{{"run_id":"{run_id}","metrics":[{{"key":"batch","value":{sent},"timestamp":{step}}}]}}"#);
            app.post_text("runs/log-metric", alone).await.expect_ok();
            app.post_text("runs/log-batch", batch).await.expect_ok();

            for key in ["alone", "batch"] {
                let body = app.get(&format!("metrics/get-history?run_id={run_id}&metric_key={key}")).await.body;
                let body = String::from_utf8(body.to_vec()).unwrap();
                let last = format!(r#""value":{shown},"timestamp":{step},"step":0}}]}}"#);
                assert!(body.ends_with(&last), "{sent} must be {shown}: {body}");
            }
        }
        for (sent, shown) in
            [("1e400", None), ("\"nan\"", Some("\"nan\"")), ("\"inf\"", Some("\"inf\"")), ("[1]", Some("[1]"))]
        {
            let alone = format!(r#"{{"run_id":"{run_id}","key":"alone","value":{sent},"timestamp":1}}"#);
            let text = app.post_text("runs/log-metric", alone).await.invalid();
            match shown {
                Some(shown) => {
                    assert!(text.starts_with(&format!("Invalid value {shown} for parameter 'value'")), "{text}")
                }
                None => assert!(text.starts_with("Missing value"), "no JSON of ours: {text}"),
            }
        }
        app.still_serving().await;
    }
}

#[tokio::test]
async fn steps_and_times_are_64_bit_integers() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        for step in [i64::MIN, -1, 0, 1, i64::MAX] {
            log_metric(&app, &run_id, "m", json!(1), 3, step).await.expect_ok();
        }
        log_metric(&app, &run_id, "m", json!(1), i64::MAX, 0).await.expect_ok();
        log_metric(&app, &run_id, "m", json!(1), 253_402_300_800_000, 0).await.expect_ok();

        let steps: Vec<(i64, i64)> =
            app.history(&run_id, "m").await.into_iter().map(|(time, step, _)| (time, step)).collect();

        let expected = [(3, i64::MIN), (3, -1), (3, 0), (3, 1), (3, i64::MAX), (253_402_300_800_000, 0), (i64::MAX, 0)];
        assert_eq!(steps, expected);
        assert_eq!(latest(&app, &run_id, "m").await["step"], i64::MAX);

        for (field, value) in
            [("step", "9223372036854775808"), ("timestamp", "1.5"), ("step", "true"), ("timestamp", "\"x\"")]
        {
            let body = format!(r#"{{"run_id":"{run_id}","key":"m","value":1,"timestamp":1,"{field}":{value}}}"#);
            let body = if field == "timestamp" { body.replacen("\"timestamp\":1,", "", 1) } else { body };
            let text = app.post_text("runs/log-metric", body).await.invalid();
            assert!(text.contains(&format!("for parameter '{field}' supplied:  Hint: Value was of type")), "{text}");
        }
        let negative = log_metric(&app, &run_id, "m", json!(0.5), -1, 0).await.invalid();
        assert_eq!(
            negative,
            "Invalid value -1 for parameter 'timestamp' supplied: metric 'm' (value=0.5). Timestamp must be a \
             nonnegative long (64-bit integer)"
        );
    }
}

#[tokio::test]
async fn a_point_of_a_logged_model_is_also_a_point_of_the_run() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let created = app.post("logged-models", json!({ "experiment_id": "0" })).await.expect_ok();
        let model_id = &created["model"]["info"]["model_id"];
        let model = json!({ "run_id": run_id, "key": "m", "value": 1, "timestamp": 1, "step": 1, "model_id": model_id,
                            "dataset_name": "d", "dataset_digest": "x" });

        app.post("runs/log-metric", model).await.expect_ok();
        let point = json!({ "key": "n", "value": 2, "timestamp": 1, "modelId": model_id, "datasetName": "d" });
        log_batch(&app, &run_id, json!({ "metrics": [point] })).await.expect_ok();

        assert_eq!(app.history(&run_id, "m").await, [(1, 1, "1.0".to_owned())]);
        assert_eq!(app.history(&run_id, "n").await, [(1, 0, "2.0".to_owned())]);
        for model_id in ["m".repeat(65), "m/1".to_owned(), "m\0".to_owned()] {
            let wrong = json!({ "run_id": run_id, "key": "m", "value": 1, "timestamp": 1, "model_id": model_id });
            let text = app.post("runs/log-metric", wrong).await.invalid();
            assert!(text.ends_with("'model_id' supplied: it must be 1 to 64 letters, digits, _ or -"), "{text}");
        }
        let nul =
            json!({ "run_id": run_id, "key": "m", "value": 1, "timestamp": 1, "model_id": "m", "dataset_name": "\0" });
        assert!(
            app.post("runs/log-metric", nul).await.invalid().contains("'dataset_name' supplied: it contains a NUL")
        );
    }
}

// ---- Names

#[tokio::test]
async fn names_are_letters_digits_and_some_signs_and_stay_what_they_are_as_paths() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let normalised = |name: &str, resolved: &str| {
            format!(
                "Invalid value {} for parameter 'key' supplied: Names may be treated as files in certain cases, and \
                 must not resolve to other names when treated as such. This name would resolve to '{resolved}'",
                json!(name)
            )
        };

        for name in ["a", "A9_-. :/x", ".hidden", "a/.b", "a..b", "é漢字", "a/b/c", " "] {
            log_param(&app, &run_id, name, "1").await.expect_ok();
        }
        for name in ["bad$", "a\nb", "a\tb", "a,b", "a(b)", "a\\b", "a%b", "a'b", "\u{202e}", "\u{1f600}", "<img>"] {
            let shown = serde_json::to_string(name).unwrap();
            let text = log_param(&app, &run_id, name, "1").await.invalid();
            let expected = format!("for parameter 'key' supplied: {ALLOWED}");
            assert!(text.starts_with("Invalid value \"") && text.ends_with(&expected), "{shown}: {text}");
        }
        for (name, resolved) in [
            ("a//b", "a/b"),
            ("a/", "a"),
            (".", "."),
            ("..", ".."),
            ("...", "..."),
            ("../a", "../a"),
            ("a/../b", "b"),
            ("a/./b", "a/b"),
            ("/a", "/a"),
            ("//a", "//a"),
            ("///a", "/a"),
        ] {
            assert_eq!(log_param(&app, &run_id, name, "1").await.invalid(), normalised(name, resolved));
        }
        assert_eq!(params(&app, &run_id).await.len(), 8);
        app.still_serving().await;
    }
}

#[tokio::test]
async fn a_refused_name_is_told_with_the_field_and_its_place() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let long = "k".repeat(251);
        let (ok, bad) = (pair("ok", ""), pair("bad$", ""));
        let point = |key: &str| metric(key, json!(1), 1, 1);

        for (batch, expected) in [
            (json!({ "metrics": [point("bad$")] }), format!("Invalid value \"bad$\" for parameter 'name' supplied: {ALLOWED}")),
            (json!({ "metrics": [point("ok"), point("bad$")] }), format!("Invalid value \"bad$\" for parameter 'metrics[1].name' supplied: {ALLOWED}")),
            (json!({ "params": [bad] }), format!("Invalid value \"bad$\" for parameter 'key' supplied: {ALLOWED}")),
            (json!({ "params": [ok, bad] }), format!("Invalid value \"bad$\" for parameter 'params[1].key' supplied: {ALLOWED}")),
            (json!({ "tags": [ok, ok, bad] }), format!("Invalid value \"bad$\" for parameter 'tags[2].key' supplied: {ALLOWED}")),
            (json!({ "metrics": [point(&long)] }), "'Metric name' exceeds the maximum length of 250 characters".to_owned()),
            (json!({ "params": [pair(&long, "")] }), "'Param key' exceeds the maximum length of 250 characters".to_owned()),
            (json!({ "tags": [ok, pair(&long, "")] }), "'tags[1].key' exceeds the maximum length of 250 characters".to_owned()),
            (json!({ "metrics": [point("ok"), metric("ok", json!(1), -1, 1)] }),
             "Invalid value -1 for parameter 'metrics[1].timestamp' supplied: metric 'ok' (value=1.0). Timestamp must \
              be a nonnegative long (64-bit integer)".to_owned()),
            (json!({ "metrics": [{ "key": "m", "timestamp": 1 }] }), format!("Missing value for required parameter 'metrics[0].value'. {API_DOCS}")),
            (json!({ "metrics": [point("m"), { "value": 1, "timestamp": 1 }] }), format!("Missing value for required parameter 'metrics[1].key'. {API_DOCS}")),
            (json!({ "metrics": [{ "key": "m", "value": 1, "timestamp": null }] }), format!("Missing value for required parameter 'metrics[0].timestamp'. {API_DOCS}")),
            (json!({ "params": [ok, pair("", "")] }), format!("Missing value for required parameter 'params[1].key'. {API_DOCS}")),
            (json!({ "tags": [{ "value": "v" }] }), format!("Missing value for required parameter 'tags[0].key'. {API_DOCS}")),
            (json!({ "params": [pair("p", "a\0")] }), "NUL".to_owned()),
            (json!({ "tags": [pair("t", "\0")] }), "NUL".to_owned()),
            (json!({ "metrics": "x" }), format!("Invalid value \"x\" for parameter 'metrics' supplied:  Hint: Value was of type 'str'. {API_DOCS}")),
            (json!({ "params": [["p", "v"]] }), format!("Invalid value [\"p\",\"v\"] for parameter 'params' supplied:  Hint: Value was of type 'list'. {API_DOCS}")),
            (json!({ "params": [{ "key": "p", "value": 5 }] }), format!("Invalid value 5 for parameter 'params[0].value' supplied:  Hint: Value was of type 'int'. {API_DOCS}")),
        ] {
            // What is right in a batch with a mistake is not written either.
            let mut batch = batch;
            let more = batch.as_object_mut().unwrap();
            if !more.contains_key("tags") {
                more.insert("tags".to_owned(), json!([pair("written", "no")]));
            }
            let text = log_batch(&app, &run_id, batch).await.invalid();
            if expected == "NUL" {
                assert!(text.contains("it contains a NUL character at byte"), "{text}");
            } else {
                assert_eq!(text, expected);
            }
        }

        let run = app.read_run(&run_id).await;
        assert_eq!(run["data"], json!({ "tags": [pair("mlflow.runName", "run")] }));
        assert_eq!(
            log_batch(&app, "nope!", json!({})).await.invalid(),
            "Invalid value \"nope!\" for parameter 'run_id' supplied."
        );
        app.still_serving().await;
    }
}

#[tokio::test]
async fn keys_are_taken_up_to_their_limit() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        // 250 characters, which are 750 bytes.
        let key = "漢".repeat(250);

        let batch = json!({ "metrics": [metric(&key, json!(1), 1, 1)], "params": [pair(&key, "p")], "tags": [pair(&key, "t")] });
        log_batch(&app, &run_id, batch).await.expect_ok();

        assert_eq!(latest(&app, &run_id, &key).await["value"], 1.0);
        assert_eq!(params(&app, &run_id).await, [(key.clone(), "p".to_owned())]);
        assert_eq!(
            log_param(&app, &run_id, &format!("{key}漢"), "").await.invalid(),
            "'Param key' exceeds the maximum length of 250 characters"
        );
        assert_eq!(
            log_metric(&app, &run_id, &format!("{key}漢"), json!(1), 1, 1).await.invalid(),
            "'Metric name' exceeds the maximum length of 250 characters"
        );
    }
}

// ---- Params

#[tokio::test]
async fn a_param_keeps_its_first_value() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;

        assert_snapshot!(log_param(&app, &run_id, "p", "1").await, @"200 {}");
        log_param(&app, &run_id, "p", "1").await.expect_ok();

        assert_eq!(
            log_param(&app, &run_id, "p", "2").await.invalid(),
            format!(
                "Changing param values is not allowed. Param with key='p' was already logged with value='1' for run \
                 ID='{run_id}'. Attempted logging new value '2'."
            )
        );
        let batch = json!({ "params": [pair("new", "1"), pair("p", "it's")], "tags": [pair("t", "no")],
                            "metrics": [metric("m", json!(1), 1, 1)] });
        assert_eq!(
            log_batch(&app, &run_id, batch).await.invalid(),
            format!(
                "Changing param values is not allowed. Params were already logged='[{{'key': 'p', 'old_value': '1', \
                 'new_value': \"it's\"}}]' for run ID='{run_id}'."
            )
        );
        let run = app.read_run(&run_id).await;
        assert_eq!(run["data"]["params"], json!([pair("p", "1")]));
        assert_eq!(run["data"]["metrics"], Value::Null, "nothing of the batch was written");
        log_batch(&app, &run_id, json!({ "params": [pair("p", "1"), pair("new", "2")] })).await.expect_ok();
        assert_eq!(params(&app, &run_id).await.len(), 2);
    }
}

#[tokio::test]
async fn long_values_are_cut_to_what_is_kept_and_may_be_sent_again() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let (at_limit, longer) = ("é".repeat(6_000), "é".repeat(6_001));

        log_param(&app, &run_id, "p", &longer).await.expect_ok();
        log_batch(&app, &run_id, json!({ "params": [pair("p", &at_limit)] })).await.expect_ok();
        log_batch(&app, &run_id, json!({ "params": [pair("p", &longer)] })).await.expect_ok();
        app.post("runs/log-parameter", json!({ "run_uuid": run_id, "key": "none" })).await.expect_ok();
        app.post("runs/log-parameter", json!({ "run_id": run_id, "key": "none", "value": null })).await.expect_ok();

        assert_eq!(params(&app, &run_id).await, [("none".to_owned(), String::new()), ("p".to_owned(), at_limit)]);
        assert!(
            log_param(&app, &run_id, "p", &"é".repeat(5_999)).await.invalid().chars().count() < 1_000,
            "values are not echoed whole"
        );
    }
}

// ---- Batches

#[tokio::test]
async fn a_batch_brings_points_params_and_tags_and_may_be_empty() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;

        assert_snapshot!(log_batch(&app, &run_id, json!({})).await, @"200 {}");
        let empty = json!({ "metrics": [], "params": null, "tags": [] });
        assert_snapshot!(log_batch(&app, &run_id, empty).await, @"200 {}");
        let batch = json!({ "metrics": [metric("m", json!(1), 1, 1), metric("m", json!(2), 2, 2), metric("n", json!("3"), 1, 0)],
                            "params": [pair("p", "1")], "tags": [pair("t", "first"), pair("t", "last")] });
        assert_snapshot!(log_batch(&app, &run_id, batch).await, @"200 {}");

        let data = app.read_run(&run_id).await["data"].take();
        assert_eq!(
            data,
            json!({ "metrics": [metric("m", json!(2.0), 2, 2), metric("n", json!(3.0), 1, 0)],
                    "params": [pair("p", "1")], "tags": [pair("mlflow.runName", "run"), pair("t", "last")] })
        );
    }
}

#[tokio::test]
async fn a_batch_is_taken_at_its_limits_and_refused_above_them() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let metrics = |count: i64| (0..count).map(|step| metric("m", json!(1), 1, step)).collect::<Vec<_>>();
        let text = |limit: usize, entities: &str, count: usize| {
            format!(
                "A batch logging request can contain at most {limit} {entities}. Got {count} {entities}. Please split \
                 up {entities} across multiple requests and try again."
            )
        };

        log_batch(&app, &run_id, json!({ "metrics": metrics(1_000) })).await.expect_ok();
        log_batch(&app, &run_id, json!({ "metrics": metrics(800), "params": pairs(100), "tags": pairs(100) }))
            .await
            .expect_ok();

        for (batch, expected) in [
            (json!({ "metrics": metrics(1_001), "tags": [pair("no", "")] }), text(1_000, "metrics", 1_001)),
            (json!({ "params": pairs(101), "tags": [pair("no", "")] }), text(100, "params", 101)),
            (json!({ "tags": pairs(101) }), text(100, "tags", 101)),
            (json!({ "metrics": metrics(900), "params": pairs(100), "tags": pairs(1) }), text(1_000, "metrics, params, and tags", 1_001)),
            (json!({ "params": [pair("q", "1"), pair("q", "1")] }),
             "Duplicate parameter keys have been submitted: ['q']. Please ensure the request contains only one param \
              value per param key.".to_owned()),
        ] {
            assert_eq!(log_batch(&app, &run_id, batch).await.invalid(), expected);
        }

        let data = app.read_run(&run_id).await["data"].take();
        assert_eq!(app.history(&run_id, "m").await.len(), 1_000);
        assert_eq!((data["params"].as_array().unwrap().len(), data["tags"].as_array().unwrap().len()), (100, 101));
        app.still_serving().await;
    }
}
