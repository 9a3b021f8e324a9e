//! `metrics/…` through the router: histories whole, in pages, of several runs, and sampled.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

use serde_json::{Value, json};

use crate::support::{self, App, assert_snapshot, points};

const BULK: &str = "/ajax-api/2.0/mlflow/metrics/get-history-bulk";
const INTERVAL: &str = "metrics/get-history-bulk-interval";

/// Logs points `(timestamp, step, value)` of the metric `m`, in batches as clients send them.
async fn log(app: &App, run_id: &str, points: &[(i64, i64, Value)]) {
    for part in points.chunks(1_000) {
        let metrics: Vec<Value> = part
            .iter()
            .map(|(timestamp, step, value)| json!({ "key": "m", "value": value, "timestamp": timestamp, "step": step }))
            .collect();
        app.post("runs/log-batch", json!({ "run_id": run_id, "metrics": metrics })).await.expect_ok();
    }
}

/// A run with the points of steps 0 to `count` - 1, whose time is ten times and whose value half the step.
async fn run_with_steps(app: &App, count: i64) -> String {
    let run_id = app.run().await;
    let points: Vec<(i64, i64, Value)> = (0..count).map(|step| (10 * step, step, json!(step as f64 / 2.0))).collect();
    log(app, &run_id, &points).await;
    run_id
}

/// The steps of the points of each run in an answer, in its order.
fn steps_of_runs(answer: &Value) -> Vec<(String, Vec<i64>)> {
    let mut found: Vec<(String, Vec<i64>)> = Vec::new();
    for point in answer["metrics"].as_array().into_iter().flatten() {
        let (run_id, step) = (point["run_id"].as_str().unwrap(), point["step"].as_i64().unwrap());
        match found.last_mut() {
            Some((last, steps)) if last == run_id => steps.push(step),
            _ => found.push((run_id.to_owned(), vec![step])),
        }
    }
    found
}

#[tokio::test]
async fn a_history_is_ordered_by_time_then_step_then_value() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let logged = [
            (2, 1, json!(1)),
            (1, 9, json!(1)),
            (2, 0, json!(7)),
            (2, 1, json!(-1)),
            (2, 1, json!("NaN")),
            (0, -5, json!(0.5)),
        ];
        log(&app, &run_id, &logged).await;

        let reply = app.get(&format!("metrics/get-history?run_id={run_id}&metric_key=m")).await;

        assert_snapshot!(reply, @r#"200 {"metrics":[{"key":"m","step":-5,"timestamp":0,"value":0.5},{"key":"m","step":9,"timestamp":1,"value":1.0},{"key":"m","step":0,"timestamp":2,"value":7.0},{"key":"m","step":1,"timestamp":2,"value":-1.0},{"key":"m","step":1,"timestamp":2,"value":"NaN"},{"key":"m","step":1,"timestamp":2,"value":1.0}]}"#);
        let by_uuid = app.get(&format!("metrics/get-history?run_uuid={run_id}&metricKey=m")).await;
        assert_eq!(by_uuid.body, reply.body);
    }
}

#[tokio::test]
async fn what_was_never_logged_has_an_empty_history() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = run_with_steps(&app, 1).await;

        for query in [format!("run_id={run_id}&metric_key=other"), "run_id=absent&metric_key=m".to_owned()] {
            assert_snapshot!(app.get(&format!("metrics/get-history?{query}")).await, @"200 {}");
        }
        for query in [format!("run_ids={run_id}&metric_key=other"), "run_ids=absent&metric_key=m".to_owned()] {
            assert_snapshot!(app.get(&format!("{INTERVAL}?{query}")).await, @"200 {}");
        }
        for query in [format!("run_id={run_id}&metric_key=other"), "run_id=absent&metric_key=m".to_owned()] {
            assert_snapshot!(app.get(&format!("{BULK}?{query}")).await, @r#"200 {"metrics":[]}"#);
        }
    }
}

#[tokio::test]
async fn pages_of_a_history_join_to_the_whole_while_points_are_added() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = run_with_steps(&app, 2_505).await;
        let whole = app.history(&run_id, "m").await;
        assert_eq!(whole.len(), 2_505);

        let (mut joined, mut token, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let query = format!("run_id={run_id}&metric_key=m&max_results=1000&page_token={token}");
            let reply = app.get(&format!("metrics/get-history?{query}")).await;
            joined.extend(points(&reply));
            pages += 1;
            // Before the place where the next page begins: nothing may shift.
            log(&app, &run_id, &[(5, pages, json!(0))]).await;
            match reply.json()["next_page_token"].as_str() {
                Some(next) => token = next.to_owned(),
                None => break,
            }
        }

        assert_eq!((pages, joined), (3, whole));
    }
}

#[tokio::test]
async fn a_page_that_ends_with_the_history_has_no_token() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = run_with_steps(&app, 10).await;
        let page = async |query: &str| {
            let reply = app.get(&format!("metrics/get-history?run_id={run_id}&metric_key=m{query}")).await;
            (points(&reply).len(), reply.json().get("next_page_token").is_some())
        };

        assert_eq!(page("&max_results=10").await, (10, false));
        assert_eq!(page("&max_results=9").await, (9, true));
        assert_eq!(page("&max_results=25000").await, (10, false));
        assert_eq!(page("&max_results=9223372036854775807").await, (10, false));
        assert_eq!(page("&page_token=").await, (10, false));
        assert_eq!(page("").await, (10, false));
    }
}

#[tokio::test]
async fn pages_begin_within_points_of_one_time_and_step() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let values = [json!(-1), json!(0), json!("NaN"), json!(1), json!(2)];
        log(&app, &run_id, &values.clone().map(|value| (1, 1, value))).await;

        let (mut seen, mut token) = (Vec::new(), String::new());
        for _ in 0..values.len() {
            let query = format!("run_id={run_id}&metric_key=m&max_results=1&page_token={token}");
            let reply = app.get(&format!("metrics/get-history?{query}")).await;
            seen.extend(points(&reply).into_iter().map(|(_, _, value)| value));
            token = reply.json()["next_page_token"].as_str().unwrap_or_default().to_owned();
        }

        assert_eq!(seen, ["-1.0", "0.0", "\"NaN\"", "1.0", "2.0"]);
        assert_eq!(token, "");
    }
}

#[tokio::test]
async fn a_long_history_comes_whole() {
    for db in support::databases().await {
        let app = support::app(db).await;
        // More than one part of an answer, which has 25,000 points.
        let run_id = run_with_steps(&app, 27_000).await;

        let whole = app.history(&run_id, "m").await;

        let expected: Vec<_> =
            (0..27_000).map(|step: i64| (10 * step, step, json!(step as f64 / 2.0).to_string())).collect();
        assert_eq!(whole, expected);
        let limited = app.get(&format!("metrics/get-history?run_id={run_id}&metric_key=m&max_results=26000")).await;
        assert_eq!(points(&limited), expected[..26_000]);
        let token = limited.json()["next_page_token"].as_str().unwrap().to_owned();
        let rest = app.get(&format!("metrics/get-history?run_id={run_id}&metric_key=m&page_token={token}")).await;
        assert_eq!(points(&rest), expected[26_000..]);
        let bulk = app.get(&format!("{BULK}?run_id={run_id}&metric_key=m&max_results=30000")).await;
        assert_eq!(points(&bulk), expected[..25_000], "25,000 points are the most");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_for_a_history_is_named() {
    let missing = |field: &str| {
        format!(
            "Missing value for required parameter '{field}'. See the API docs for more information about request \
             parameters."
        )
    };
    let positive = |value: &str| {
        format!("Invalid value {value} for parameter 'max_results' supplied. It must be a positive integer.")
    };
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = run_with_steps(&app, 3).await;
        let get = async |query: &str| app.get(&format!("metrics/get-history?{query}")).await.invalid();

        assert_eq!(get("metric_key=m").await, missing("run_id"));
        assert_eq!(get(&format!("run_id={run_id}")).await, missing("metric_key"));
        assert_eq!(get(&format!("run_id={run_id}&metric_key=")).await, missing("metric_key"));
        assert_eq!(get(&format!("run_id={run_id}&metric_key=m&max_results=0")).await, positive("0"));
        assert_eq!(get(&format!("run_id={run_id}&metric_key=m&max_results=-5")).await, positive("-5"));
        let number = get(&format!("run_id={run_id}&metric_key=m&max_results=9223372036854775808")).await;
        assert!(number.contains("for parameter 'max_results' supplied:  Hint: Value was of type 'str'"), "{number}");
        let nul = get(&format!("run_id={run_id}&metric_key=m%00")).await;
        assert!(nul.contains("'metric_key' supplied: it contains a NUL character"), "{nul}");
        assert!(get("run_id=%00&metric_key=m").await.contains("a NUL character"));
        app.still_serving().await;
    }
}

#[tokio::test]
async fn a_token_that_is_none_or_another_requests_is_refused() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (run_id, other) = (run_with_steps(&app, 3).await, run_with_steps(&app, 3).await);
        let page = async |run_id: &str, key: &str, token: &str| {
            let query = format!("run_id={run_id}&metric_key={key}&max_results=1&page_token={token}");
            app.get(&format!("metrics/get-history?{query}")).await
        };
        let token = page(&run_id, "m", "").await.json()["next_page_token"].as_str().unwrap().to_owned();

        assert_eq!(page(&run_id, "m", "!!").await.invalid(), "Invalid page token, could not base64-decode");
        for (run_id, key, token) in [
            (&run_id, "m", "eyJvZmZzZXQiOiAxfQ=="),
            (&run_id, "m", "eyJvZmZzZXQiOiAxfQ"),
            (&run_id, "m", &token[1..]),
            (&run_id, "m", &format!("{token}AA")),
            (&run_id, "m", "%FF"),
            (&other, "m", &token),
            (&run_id, "n", &token),
        ] {
            let text = page(run_id, key, token).await.invalid();
            assert!(text.starts_with("Invalid page token"), "{text}");
        }
        page(&run_id, "m", &token).await.expect_ok();
        app.still_serving().await;
    }
}

#[tokio::test]
async fn histories_of_several_runs_are_ordered_by_run_and_share_one_limit() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let mut runs = [run_with_steps(&app, 3).await, run_with_steps(&app, 2).await];
        log(&app, &runs[0], &[(0, 0, json!("NaN"))]).await;
        let query = format!("run_id={}&run_id={}&run_id=absent&metric_key=m", runs[0], runs[1]);

        let all = app.get(&format!("{BULK}?{query}")).await.expect_ok();
        let three = app.get(&format!("{BULK}?{query}&max_results=3")).await.expect_ok();
        let none = app.get(&format!("{BULK}?{query}&max_results=0")).await;

        let steps = |run_id: &String, last: i64| {
            let steps: Vec<i64> = if *run_id == runs[0] { vec![0, 0, 1, 2] } else { vec![0, 1] };
            (run_id.clone(), steps.into_iter().take(last as usize).collect::<Vec<_>>())
        };
        let mut expected = vec![steps(&runs[0], 9), steps(&runs[1], 9)];
        expected.sort();
        assert_eq!(steps_of_runs(&all), expected);
        let point = &all["metrics"][0];
        assert_eq!((&point["key"], &point["timestamp"]), (&json!("m"), &json!(0)));
        let first_three: Vec<(String, Vec<i64>)> = match expected[0].1.len() {
            2 => vec![expected[0].clone(), (expected[1].0.clone(), expected[1].1[..1].to_vec())],
            _ => vec![(expected[0].0.clone(), expected[0].1[..3].to_vec())],
        };
        assert_eq!(steps_of_runs(&three), first_three);
        assert_snapshot!(none, @r#"200 {"metrics":[]}"#);
        runs.sort();
        assert_eq!(steps_of_runs(&all)[0].0, runs[0]);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_for_several_histories_is_named() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let many: String = (0..101).map(|number| format!("run_id=r{number}&")).collect();
        let hundred: String = (0..100).map(|number| format!("run_id=r{number}&")).collect();

        for (query, expected) in [
            ("metric_key=m", "GetMetricHistoryBulk request must specify at least one run_id."),
            ("", "GetMetricHistoryBulk request must specify at least one run_id."),
            ("run_id=r", "GetMetricHistoryBulk request must specify a metric_key."),
            ("run_id=r&metric_key=", "GetMetricHistoryBulk request must specify a metric_key."),
            (
                &format!("{many}metric_key=m"),
                "GetMetricHistoryBulk request cannot specify more than 100 run_ids. Received 101 run_ids.",
            ),
            (
                "run_id=r&metric_key=m&max_results=-1",
                "Invalid value -1 for parameter 'max_results' supplied. It must be between 0 and 25000.",
            ),
        ] {
            assert_eq!(app.get(&format!("{BULK}?{query}")).await.invalid(), expected);
        }
        assert!(app.get(&format!("{BULK}?run_id=%00&metric_key=m")).await.invalid().contains("NUL"));
        assert_snapshot!(app.get(&format!("{BULK}?{hundred}metric_key=m")).await, @r#"200 {"metrics":[]}"#);
        // There is no twin for clients.
        let twin = app.get("metrics/get-history-bulk?run_id=r&metric_key=m").await;
        assert!(twin.refusal().starts_with("404 ENDPOINT_NOT_FOUND:"), "{twin}");
    }
}

#[tokio::test]
async fn a_sample_is_spread_evenly_and_keeps_the_first_and_the_last_point() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = run_with_steps(&app, 10).await;
        let sample = async |query: &str| {
            let answer = app.get(&format!("{INTERVAL}?run_ids={run_id}&metric_key=m{query}")).await.expect_ok();
            let found = steps_of_runs(&answer);
            found.into_iter().flat_map(|(_, steps)| steps).collect::<Vec<i64>>()
        };

        assert_eq!(sample("&max_results=5").await, [0, 2, 4, 6, 9], "as MLflow 3.18");
        assert_eq!(sample("&max_results=1").await, [9]);
        assert_eq!(sample("&max_results=2").await, [0, 9]);
        assert_eq!(sample("").await, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(sample("&start_step=3&end_step=6").await, [3, 4, 5, 6]);
        assert_eq!(sample("&startStep=3&endStep=3").await, [3]);
        assert_eq!(sample("&start_step=3&end_step=9&max_results=2").await, [3, 9]);
        assert_eq!(sample("&start_step=-9223372036854775808&end_step=0").await, [0]);
        assert_eq!(sample("&start_step=100&end_step=200").await, Vec::<i64>::new());
    }
}

#[tokio::test]
async fn samples_keep_the_order_of_the_runs_and_go_by_step() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (first, second) = (app.run().await, run_with_steps(&app, 3).await);
        // Late in time, early in step; and several points at one step.
        log(
            &app,
            &first,
            &[(9, 0, json!(1)), (1, 5, json!(2)), (2, 5, json!(-1)), (2, 5, json!(-2)), (0, 7, json!("NaN"))],
        )
        .await;

        for order in [[&first, &second], [&second, &first]] {
            let query = format!("run_ids={}&run_ids={}&run_ids=absent&metric_key=m", order[0], order[1]);
            let answer = app.get(&format!("{INTERVAL}?{query}")).await.expect_ok();

            let runs: Vec<String> = steps_of_runs(&answer).into_iter().map(|(run_id, _)| run_id).collect();
            assert_eq!(runs.iter().collect::<Vec<_>>(), order);
            let of_first =
                answer["metrics"].as_array().unwrap().iter().filter(|point| point["run_id"] == first.as_str());
            let values: Vec<&Value> = of_first.map(|point| &point["value"]).collect();
            assert_eq!(values, [&json!(1.0), &json!(2.0), &json!(-2.0), &json!(-1.0), &json!("NaN")]);
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_for_a_sample_is_named() {
    let docs = "See the API docs for more information about request parameters.";
    for db in support::databases().await {
        let app = support::app(db).await;
        let many: String = (0..101).map(|number| format!("run_ids=r{number}&")).collect();

        for (query, expected) in [
            ("metric_key=m", format!("Missing value for required parameter 'run_ids'. {docs}")),
            ("run_ids=r", format!("Missing value for required parameter 'metric_key'. {docs}")),
            ("run_ids=r&metric_key=m&max_results=0", format!("max_results must be between 1 and 2500. {docs}")),
            ("run_ids=r&metric_key=m&max_results=2501", format!("max_results must be between 1 and 2500. {docs}")),
            (
                "run_ids=r&metric_key=m&start_step=1",
                "If either start step or end step are specified, both must be specified.".to_owned(),
            ),
            (
                "run_ids=r&metric_key=m&end_step=1",
                "If either start step or end step are specified, both must be specified.".to_owned(),
            ),
            (
                "run_ids=r&metric_key=m&start_step=2&end_step=1",
                "end_step must be greater than start_step. Found start_step=2 and end_step=1.".to_owned(),
            ),
            (
                &format!("{many}metric_key=m"),
                format!(
                    "GetMetricHistoryBulkInterval request must specify at most 100 run_ids. Received 101 run_ids. {docs}"
                ),
            ),
        ] {
            assert_eq!(app.get(&format!("{INTERVAL}?{query}")).await.invalid(), expected);
        }
        assert!(app.get(&format!("{INTERVAL}?run_ids=%00&metric_key=m")).await.invalid().contains("NUL"));
        let word = app.get(&format!("{INTERVAL}?run_ids=r&metric_key=m&start_step=one&end_step=2")).await.invalid();
        assert!(word.starts_with("Invalid value \"one\" for parameter 'start_step'"), "{word}");
    }
}
