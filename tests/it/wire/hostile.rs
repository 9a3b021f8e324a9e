//! What no field and no path expects: never a failure of the server, and the same on both databases.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{self, App};

/// The endpoints that take JSON, each with a request that is right but for what is done to one field. `RUN` stands for
/// the id of a run.
fn requests() -> Vec<(&'static str, Value)> {
    let dataset = json!({ "name": "n", "digest": "d", "source_type": "t", "source": "s", "schema": "", "profile": "" });
    let model = r#"{"artifact_path": "m", "flavors": {}, "utc_time_created": "now", "run_id": "r"}"#;
    let tags = json!([{ "key": "k", "value": "v" }]);
    vec![
        (
            "experiments/search",
            json!({ "max_results": 5, "filter": "", "order_by": ["name"], "view_type": "ALL", "page_token": "" }),
        ),
        ("experiments/create", json!({ "name": "x", "artifact_location": "s3://b", "tags": tags })),
        ("experiments/delete", json!({ "experiment_id": "7" })),
        ("experiments/restore", json!({ "experiment_id": "7" })),
        ("experiments/update", json!({ "experiment_id": "0", "new_name": "y" })),
        ("experiments/set-experiment-tag", json!({ "experiment_id": "0", "key": "k", "value": "v" })),
        ("experiments/delete-experiment-tag", json!({ "experiment_id": "0", "key": "k" })),
        ("/ajax-api/2.0/mlflow/experiments/search-datasets", json!({ "experiment_ids": ["0"] })),
        (
            "runs/create",
            json!({ "experiment_id": "0", "start_time": 1, "run_name": "n", "user_id": "u", "tags": tags }),
        ),
        ("runs/update", json!({ "run_id": "RUN", "status": "FINISHED", "end_time": 5, "run_name": "n" })),
        ("runs/delete", json!({ "run_id": "absent" })),
        ("runs/restore", json!({ "run_id": "absent" })),
        (
            "runs/search",
            json!({ "experiment_ids": ["7"], "filter": "", "run_view_type": "ALL", "max_results": 5, "order_by": [],
                    "page_token": "" }),
        ),
        (
            "runs/log-metric",
            json!({ "run_id": "RUN", "key": "m", "value": 1, "timestamp": 1, "step": 1, "model_id": "m",
                    "dataset_name": "d", "dataset_digest": "x" }),
        ),
        ("runs/log-parameter", json!({ "run_uuid": "RUN", "key": "p", "value": "1" })),
        (
            "runs/log-batch",
            json!({ "run_id": "RUN", "metrics": [{ "key": "m", "value": 1, "timestamp": 1, "step": 1, "model_id": "" }],
                    "params": [{ "key": "p", "value": "1" }], "tags": tags }),
        ),
        ("runs/set-tag", json!({ "run_id": "RUN", "key": "k", "value": "v" })),
        ("runs/delete-tag", json!({ "run_id": "RUN", "key": "k" })),
        (
            "runs/log-inputs",
            json!({ "run_id": "RUN", "datasets": [{ "tags": tags, "dataset": dataset }], "models": [{ "model_id": "m" }] }),
        ),
        ("runs/log-model", json!({ "run_id": "RUN", "model_json": model })),
        ("runs/outputs", json!({ "run_id": "RUN", "models": [{ "model_id": "m", "step": 1 }] })),
        (
            "logged-models",
            json!({ "experiment_id": "0", "name": "n", "model_type": "t", "source_run_id": "r", "params": tags,
                    "tags": tags }),
        ),
        ("logged-models/m-x/params", json!({ "model_id": "m-x", "params": tags })),
        (
            "logged-models/search",
            json!({ "experiment_ids": ["7"], "filter": "", "max_results": 5, "page_token": "",
                    "datasets": [{ "dataset_name": "d", "dataset_digest": "x" }],
                    "order_by": [{ "field_name": "metrics.m", "ascending": true, "dataset_name": "d",
                                   "dataset_digest": "x" }] }),
        ),
    ]
}

/// What no field expects, as JSON text.
fn hostile_values() -> Vec<String> {
    let mut values: Vec<String> = [
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "1e300",
        "-1e300",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "18446744073709551616",
        "NaN",
        "-Infinity",
        "\"\"",
        "\" \"",
        "\"\\u0000\"",
        "\"a\\u0000b\"",
        "\"\\ud83d\\ude00\"",
        "\"' OR 1=1 --\"",
        "\"%\"",
        "\"../../etc/passwd\"",
        "\"\\r\\nX: y\"",
        "\"<script>alert(1)</script>\"",
        "\"NaN\"",
        "\"9223372036854775808\"",
        "\"1e5\"",
        "[]",
        "{}",
        "[null]",
        "[[]]",
        "[{}]",
        "[\"\\u0000\"]",
        "{\"key\":\"\\u0000\"}",
        "[{\"key\":\"\\u0000\",\"value\":\"\\u0000\"}]",
    ]
    .map(str::to_owned)
    .to_vec();
    values.push(format!("\"{}\"", "é".repeat(30_000)));
    values.push(format!("[{}\"0\"]", "\"0\",".repeat(2_000)));
    values
}

/// Where the fields and items of a request are, at any depth, as JSON pointers.
fn places(request: &Value) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match request {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    let beneath = |(step, value): (String, &Value)| {
        let deeper = places(value).into_iter().map(|place| format!("/{step}{place}")).collect::<Vec<_>>();
        [vec![format!("/{step}")], deeper].concat()
    };
    inner.into_iter().flat_map(beneath).collect()
}

/// The bodies that come of putting each hostile value in each place of a request.
fn spoilt(request: &Value) -> Vec<String> {
    let mark = json!("MARK");
    let marked = |place: String| {
        let mut marked = request.clone();
        *marked.pointer_mut(&place).expect("a place of the request") = mark.clone();
        marked.to_string()
    };
    let bodies = places(request).into_iter().map(marked);
    let spoil = |body: String| hostile_values().into_iter().map(move |value| body.replace("\"MARK\"", &value));
    bodies.flat_map(spoil).collect()
}

/// What a database made of each request.
type Answers = BTreeMap<String, String>;

async fn answers_to_spoilt_requests(app: &App) -> Answers {
    let run_id = app.run().await;
    let mut answers = Answers::new();
    for (path, request) in requests() {
        for body in spoilt(&request) {
            // Whether it was refused or not, it must be no failure of ours: `post_text` looks.
            let reply = app.post_text(path, body.replace("RUN", &run_id)).await;
            // Random ids decide the order of runs that started together, and each database counts experiments its way.
            let by_chance =
                reply.status == 200 && ["experiments/create", "logged-models", "runs/search"].contains(&path);
            let answer = if by_chance { "done".to_owned() } else { reply.to_string() };
            answers.insert(format!("{path} {body:.300}"), answer);
        }
        app.still_serving().await;
    }
    answers
}

#[tokio::test]
async fn no_value_in_any_field_is_a_failure_of_the_server_and_both_databases_answer_alike() {
    let mut first: Option<Answers> = None;
    for db in support::databases().await {
        let app = support::app(db).await;

        let answers = answers_to_spoilt_requests(&app).await;

        assert!(answers.len() > 2_000, "{}", answers.len());
        match &first {
            None => first = Some(answers),
            Some(first) => {
                for (request, answer) in &answers {
                    assert_eq!(answer, &first[request], "{request}");
                }
            }
        }
    }
}

#[tokio::test]
async fn no_query_string_is_a_failure_of_the_server() {
    let values = [
        "",
        "%00",
        "a%00b",
        "%FF",
        "%C0%AE",
        "-1",
        "0",
        "1.5",
        "99999999999999999999",
        "NaN",
        "true",
        "..%2F..%2Fetc",
        "%0D%0AX:y",
        "%27%20OR%201=1",
        "%25",
        "%",
        "+",
        "a&a=b",
        "[]",
        "{}",
    ];
    let endpoints = [
        ("experiments/get", vec![("experiment_id", "0")]),
        ("experiments/get-by-name", vec![("experiment_name", "Default")]),
        (
            "experiments/search",
            vec![("max_results", "5"), ("filter", ""), ("order_by", "name"), ("view_type", "1"), ("page_token", "")],
        ),
        ("runs/get", vec![("run_id", "r")]),
        ("metrics/get-history", vec![("run_id", "r"), ("metric_key", "m"), ("max_results", "5"), ("page_token", "")]),
        (
            "/ajax-api/2.0/mlflow/metrics/get-history-bulk",
            vec![("run_id", "r"), ("metric_key", "m"), ("max_results", "5")],
        ),
        (
            "metrics/get-history-bulk-interval",
            vec![("run_ids", "r"), ("metric_key", "m"), ("start_step", "1"), ("end_step", "2"), ("max_results", "5")],
        ),
        ("artifacts/list", vec![("run_id", "r"), ("path", "p")]),
        ("/get-artifact", vec![("run_id", "r"), ("path", "p")]),
        ("/api/2.0/mlflow-artifacts/artifacts", vec![("path", "p")]),
    ];
    let long = "x".repeat(20_000);
    for db in support::databases().await {
        let app = support::app(db).await;
        for (path, fields) in &endpoints {
            for spoilt in 0..fields.len() {
                for value in values.iter().copied().chain([long.as_str()]) {
                    let pair = |(place, (name, right)): (usize, &(&str, &str))| {
                        format!("{name}={}", if place == spoilt { value } else { right })
                    };
                    let query: Vec<String> = fields.iter().enumerate().map(pair).collect();
                    app.get(&format!("{path}?{}", query.join("&"))).await;
                }
            }
            app.still_serving().await;
        }
    }
}
