//! How requests are read, whatever form they come in, and that nothing a client sends harms the server.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Method, Request};
use futures_util::stream;
use serde_json::{Value, json};

use crate::support::{self, App, Database, Reply, app_with, assert_snapshot};

const JSON: (&str, &str) = ("content-type", "application/json");

fn missing(field: &str) -> String {
    format!(
        "Missing value for required parameter '{field}'. See the API docs for more information about request parameters."
    )
}

// ---- Forms of one request

#[tokio::test]
async fn names_may_be_written_in_snake_or_camel_case_but_not_in_both() {
    for db in support::databases().await {
        let app = support::app(db).await;

        let snake = json!({ "experiment_id": "0", "run_name": "n", "start_time": 5, "user_id": "u" });
        let camel = json!({ "experimentId": "0", "runName": "n", "startTime": 5, "userId": "u" });
        let [snake, camel] = [snake, camel].map(|body| app.post("runs/create", body));
        assert_eq!(snake.await.to_string(), camel.await.to_string());

        for (path, body, first, second) in [
            ("runs/create", json!({ "experiment_id": "0", "experimentId": "0" }), "experiment_id", "experimentId"),
            ("runs/create", json!({ "experiment_id": "0", "run_name": "a", "runName": "b" }), "run_name", "runName"),
            ("runs/log-batch", json!({ "run_id": "r", "runId": "r" }), "run_id", "runId"),
        ] {
            let expected = format!("Request specifies both '{first}' and '{second}'; provide only one of them.");
            assert_eq!(app.post(path, body).await.invalid(), expected);
        }
        // Null is absent, and so no second name.
        app.post("runs/create", json!({ "experiment_id": "0", "experimentId": null })).await.expect_ok();
        let get = app.get("experiments/get?experimentId=0").await;
        assert_eq!(get.body, app.get("experiments/get?experiment_id=0").await.body);
        let both = app.get("experiments/get?experimentId=0&experiment_id=0").await.invalid();
        assert_eq!(both, "Request specifies both 'experiment_id' and 'experimentId'; provide only one of them.");
    }
}

#[tokio::test]
async fn integers_may_be_texts_and_doubles_too_as_java_sends_them() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;

        let point = json!({ "key": "m", "value": "0.5", "timestamp": "1700000000000", "step": "-7" });
        let mut alone = point.clone();
        alone["run_uuid"] = json!(run_id);
        app.post("runs/log-metric", alone).await.expect_ok();
        app.post("runs/log-batch", json!({ "runId": run_id, "metrics": [point] })).await.expect_ok();
        let whole = r#"{"key":"m","value":1,"timestamp":2.0,"step":3e2}"#;
        app.post_text("runs/log-batch", format!(r#"{{"run_id":"{run_id}","metrics":[{whole}]}}"#)).await.expect_ok();

        let expected = [(2, 300, "1.0".to_owned()), (1_700_000_000_000, -7, "0.5".to_owned())];
        assert_eq!(app.history(&run_id, "m").await, expected);
    }
}

#[tokio::test]
async fn a_json_text_that_holds_json_is_read_once_more() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let twice = |body: Value| Value::String(body.to_string());
        let thrice = twice(twice(json!({ "name": "c" })));

        app.post("experiments/create", twice(json!({ "name": "a" }))).await.expect_ok();
        let point = json!({ "key": "m", "value": 1, "timestamp": 2 });
        app.post("runs/log-batch", twice(json!({ "run_id": run_id, "metrics": [point] }))).await.expect_ok();

        assert_eq!(app.history(&run_id, "m").await.len(), 1);
        assert_eq!(app.post("experiments/create", thrice).await.invalid(), missing("name"));
    }
}

#[tokio::test]
async fn what_is_no_json_object_counts_as_an_empty_one() {
    let deep = |opening: &str, closing: &str| format!("{}1{}", opening.repeat(10_000), closing.repeat(10_000));
    let in_field = format!(r#"{{"name":"a","x":{}}}"#, deep("[", "]"));
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b" \n".to_vec(),
        b"null".to_vec(),
        b"5".to_vec(),
        b"\"\"".to_vec(),
        b"[]".to_vec(),
        b"[{\"name\":\"a\"}]".to_vec(),
        b"{".to_vec(),
        b"{\"name\":\"a\"".to_vec(),
        b"{\"name\":\"a\"}x".to_vec(),
        b"{\"name\":\"a\",}".to_vec(),
        b"{'name':'a'}".to_vec(),
        b"{\"name\":\"a\" /* comment */}".to_vec(),
        b"\xef\xbb\xbf{\"name\":\"a\"}".to_vec(),
        b"{\"name\":\"\xff\xfe\"}".to_vec(),
        b"{\"name\":\"\xc0\xae\"}".to_vec(),
        b"{\"name\":\"\\ud800\"}".to_vec(),
        b"{\"name\":\"a\nb\"}".to_vec(),
        b"{\"name\":\"a\",\"x\":1e400}".to_vec(),
        b"{\"name\":\"a\",\"x\":01}".to_vec(),
        b"{\"name\":\"a\",\"x\":nan}".to_vec(),
        b"name=a".to_vec(),
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00".to_vec(),
        deep("[", "]").into_bytes(),
        deep("{\"name\":", "}").into_bytes(),
        deep("\"", "\"").into_bytes(),
        in_field.into_bytes(),
    ];
    for db in support::databases().await {
        let app = support::app(db).await;

        for body in &bodies {
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            assert_eq!(app.post_text("experiments/create", body.clone()).await.invalid(), missing("name"), "{shown}");
            assert_eq!(app.post_text("runs/log-batch", body.clone()).await.invalid(), missing("run_id"), "{shown}");
            app.still_serving().await;
        }

        // Of a field that is there twice the last one counts; what is unknown is ignored; a pair of surrogates is one letter.
        let odd = r#"{"name":"first","name":"\ud83d\ude00","unknown":{"a":[1,{}]},"x":NaN}"#;
        app.post_text("experiments/create", odd).await.expect_ok();
        app.get("experiments/get-by-name?experiment_name=%F0%9F%98%80").await.expect_ok();
        let many = format!("{{{}\"name\":\"many\"}}", (0..100_000).map(|n| format!("\"k{n}\":0,")).collect::<String>());
        app.post_text("experiments/create", many).await.expect_ok();
    }
}

#[tokio::test]
async fn writing_needs_the_content_type_of_json() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let create = async |content_type: Option<&str>, name: &str| {
            let body = json!({ "name": name }).to_string();
            match content_type {
                Some(kind) => app.request(Method::POST, "experiments/create", [("content-type", kind)], body).await,
                None => app.request(Method::POST, "experiments/create", [], body).await,
            }
        };

        for (number, kind) in [
            "application/json",
            "application/json; charset=utf-8",
            "application/json;charset=UTF-8",
            "Application/JSON",
        ]
        .into_iter()
        .enumerate()
        {
            create(Some(kind), &number.to_string()).await.expect_ok();
        }
        assert_eq!(create(None, "x").await.invalid(), "Bad Request. Content-Type header is missing.");
        for kind in [
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded",
            "application/x-protobuf",
            "application/jsonx",
            "text/json",
            "<script>alert(1)</script>",
            "",
        ] {
            let expected = "Bad Request. Content-Type must be one of ['application/json'].";
            assert_eq!(create(Some(kind), "x").await.invalid(), expected, "{kind}");
        }
        let absent = app.get("experiments/get-by-name?experiment_name=x").await;
        assert!(absent.refusal().starts_with("404"), "nothing was written");
        // A GET is not checked, and reads no body.
        let get = app.request(Method::GET, "experiments/get?experiment_id=0", [("content-type", "text/x")], "{").await;
        get.expect_ok();
        // A search by POST is one, although it writes nothing.
        assert_eq!(app.request(Method::POST, "runs/search", [], "{}").await.status, 400);
    }
}

#[tokio::test]
async fn a_query_string_is_decoded_once_and_what_it_repeats_is_a_list() {
    for db in support::databases().await {
        let app = support::app(db).await;
        for name in ["a b", "a+b", "a%20b", "ä&=", "\u{fffd}"] {
            app.new_experiment(name).await;
        }

        for (query, name) in [
            ("experiment_name=a+b", "a b"),
            ("experiment_name=a%20b", "a b"),
            ("experiment_name=a%2Bb", "a+b"),
            ("experiment_name=a%2520b", "a%20b"),
            ("experiment_name=%C3%A4%26%3D", "ä&="),
            ("&&unknown=1&experimentName=a+b&=&x", "a b"),
            ("experiment%5Fname=a+b", "a b"),
            // What is no UTF-8 is shown as what it is, and never an error of the server.
            ("experiment_name=%FF", "\u{fffd}"),
        ] {
            let found = app.get(&format!("experiments/get-by-name?{query}")).await.expect_ok();
            assert_eq!(found["experiment"]["name"], name, "{query}");
        }
        let list = app.get("experiments/get-by-name?experiment_name=a&experiment_name=b").await.invalid();
        assert!(list.contains("for parameter 'experiment_name' supplied:  Hint: Value was of type 'list'"), "{list}");
        for query in ["", "?", "?&", "?experiment_name", "?experiment_name=", "?experiment_name=%"] {
            let reply = app.get(&format!("experiments/get-by-name{query}")).await;
            assert!((400..405).contains(&reply.status), "{query}: {reply}");
        }
        let nul = app.get("experiments/get-by-name?experiment_name=%00").await.invalid();
        assert!(nul.contains("it contains a NUL character at byte 0"), "{nul}");
        app.still_serving().await;
    }
}

#[tokio::test]
async fn the_two_ways_of_reading_a_batch_agree() {
    // Plain JSON is read by a faster way than what has bare tokens, other spellings, or JSON in JSON.
    let point = r#"{"key":"m","value":1.5,"timestamp":2,"step":3}"#;
    for db in support::databases().await {
        let app = support::app(db).await;
        let mut data = Vec::new();
        for form in ["plain", "token", "both", "text"] {
            let run_id = app.run().await;
            let plain = format!(
                r#"{{"run_id":"{run_id}","metrics":[{point}],"params":[{{"key":"p","value":"é\n\"\\"}}],"tags":[{{"key":"t","value":"{{\"a\": NaN}}"}}]}}"#
            );
            let body = match form {
                "plain" => plain,
                "token" => plain.replacen('{', r#"{"ignored":[NaN,-Infinity],"#, 1),
                "both" => plain.replacen('{', r#"{"runId":null,"#, 1),
                _ => Value::String(plain).to_string(),
            };
            app.post_text("runs/log-batch", body).await.expect_ok();
            data.push(app.read_run(&run_id).await["data"].take());
        }
        assert_eq!(data[0]["params"], json!([{ "key": "p", "value": "é\n\"\\" }]));
        assert_eq!(data[0]["tags"][1], json!({ "key": "t", "value": "{\"a\": NaN}" }));
        assert!(data.iter().all(|other| *other == data[0]), "{data:#?}");
    }
}

// ---- Sizes

#[tokio::test]
async fn a_body_over_its_limit_is_a_413_and_writes_nothing() {
    for db in support::databases().await {
        let options = [("json_body_limit_mib", "1"), ("inputs_body_limit_mib", "2")];
        let app = app_with(db, &options).await;
        let run_id = app.run().await;
        let padded = |body: String, length: usize| format!("{}{}", " ".repeat(length - body.len()), body);
        let create = |name: &str, length: usize| padded(json!({ "name": name }).to_string(), length);
        let (mib, two) = (1024 * 1024, 2 * 1024 * 1024);

        app.post_text("experiments/create", create("fits", mib)).await.expect_ok();
        let refused = app.post_text("experiments/create", create("too large", mib + 1)).await;
        let text = "the request body is too large: at most 1048576 bytes are accepted; split it into several requests";
        assert_eq!(refused.refusal(), format!("413 INVALID_PARAMETER_VALUE: {text}"));
        let pieces = (0..1025).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024]));
        let chunked = app.post_text("runs/log-batch", Body::from_stream(stream::iter(pieces))).await;
        assert_eq!(chunked.status, 413);
        let inputs = |length: usize| padded(json!({ "run_id": run_id }).to_string(), length);
        app.post_text("runs/log-inputs", inputs(two)).await.expect_ok();
        // What would grow in memory is refused below the limit of bytes as well.
        let values = app.post_text("runs/log-inputs", format!("{{\"x\":[{}0]}}", "0,".repeat(500_000))).await;
        assert_eq!(values.invalid(), "the request body holds more than 500000 values; split it into several requests");
        assert_eq!(app.post_text("runs/log-inputs", inputs(two + 1)).await.status, 413);

        let absent = app.get("experiments/get-by-name?experiment_name=too+large").await;
        assert_eq!(absent.status, 404);
        app.still_serving().await;
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_clients_mistake() {
    let app = support::app(Database::sqlite()).await;
    let pieces = [Ok(br#"{"name":"a"}"#.to_vec()), Err(std::io::Error::other("gone"))];

    let reply = app.post_text("experiments/create", Body::from_stream(stream::iter(pieces))).await;

    assert_eq!(reply.invalid(), "the request body ended early");
    assert_eq!(app.get("experiments/get-by-name?experiment_name=a").await.status, 404);
    app.still_serving().await;
}

// ---- Everything hostile, everywhere

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

// ---- Around the routes

/// The routes whose answer does not depend on when and how it is asked.
fn comparable_routes() -> impl Iterator<Item = windvane::http::routes::Route> {
    windvane::http::table().into_iter().filter(|route| !["", "static-files/{*path}", "metrics"].contains(&route.path))
}

async fn ask(app: &App, method: &Method, path: &str) -> String {
    let path = path.replace("{*path}", "0/absent/artifacts/x");
    app.request(method.clone(), &path, [JSON], "{}").await.to_string()
}

#[tokio::test]
async fn below_a_prefix_every_route_answers_as_without_and_none_beside_it_but_files() {
    let (plain, below) =
        (support::app(Database::sqlite()).await, app_with(Database::sqlite(), &[("prefix", "/x/y")]).await);
    for route in comparable_routes() {
        for path in route.paths() {
            let expected = ask(&plain, &route.method, &path).await;

            assert_eq!(ask(&below, &route.method, &format!("/x/y{path}")).await, expected, "{path}");
            assert_eq!(ask(&below, &route.method, &format!("//x//y/{path}")).await, expected, "{path}");
            let beside = ask(&below, &route.method, &path).await;
            if path.contains("/mlflow-artifacts/") {
                assert_eq!(beside, expected, "{path}");
            } else {
                assert!(beside.starts_with(r#"404 {"error_code":"ENDPOINT_NOT_FOUND""#), "{path}: {beside}");
            }
        }
    }
    let front = below.request(Method::GET, "/x/y", [], "").await;
    assert_eq!((front.status, front.header("location")), (307, "/x/y/"));
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_a_405_with_the_envelope() {
    let app = support::app(Database::sqlite()).await;
    let taken: Vec<(Method, String)> = windvane::http::table()
        .iter()
        .flat_map(|route| route.paths().map(|path| (route.method.clone(), path)).collect::<Vec<_>>())
        .collect();
    // Names of methods tell upper and lower case apart.
    let lower = Method::from_bytes(b"post").unwrap();
    for (_, path) in &taken {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, lower.clone()] {
            if taken.contains(&(method.clone(), path.clone())) {
                continue;
            }
            let url = path.replace("{*path}", "a");
            let reply = app.request(method.clone(), &url, [JSON], "{}").await;
            assert!(reply.refusal().starts_with("405 BAD_REQUEST: The endpoint "), "{method} {path}: {reply}");
        }
    }
    app.still_serving().await;
}

#[tokio::test]
async fn a_head_answers_as_a_get_without_the_body() {
    let app = support::app(Database::sqlite()).await;
    for (path, status) in
        [("/health", 200), ("experiments/get?experiment_id=0", 200), ("experiments/get?experiment_id=9", 404)]
    {
        let reply = app.request(Method::HEAD, path, [], "").await;

        assert_eq!((reply.status, reply.body.len()), (status, 0), "{path}");
    }
}

#[tokio::test]
async fn what_is_no_path_of_ours_is_a_404_that_repeats_little() {
    let app = support::app(Database::sqlite()).await;
    for path in [
        "/api/2.0/mlflow/runs",
        "/api/2.0/mlflow/runs/get/",
        "/api/2.0/mlflow/Runs/get",
        "/api/3.0/mlflow/runs/get",
        "/api/2.0/mlflow/server-info",
        "/api/2.0/preview/mlflow/runs/get",
        "/api/2.0/mlflow/../mlflow/runs/get",
        "/api/2.0/mlflow/runs%2Fget",
        "/api/2.0/mlflow/runs/get%00",
        "/api/2.0/mlflow/runs/get;x",
        "/ajax-api/2.0/mlflow/upload-artifact/x",
        "/api/2.0/mlflow/upload-artifact",
        "/api/2.0/mlflow/experiments/search-datasets",
        "/api/2.0/mlflow/registered-models/create",
        "/graphql",
        "/gateway/x/invocations",
        "/ajax-api/2.0/mlflow/gateway-proxy",
        "/v1/traces",
        "/%3Cscript%3E",
        "/..",
        "/.",
    ] {
        for method in [Method::GET, Method::POST] {
            let reply = app.request(method, path, [JSON], "{}").await;
            assert!(reply.refusal().starts_with("404 ENDPOINT_NOT_FOUND: There is no endpoint "), "{path}: {reply}");
        }
    }
    let long = app.get(&format!("/{}", "x".repeat(50_000))).await.refusal();
    assert!(long.len() < 1_000, "{long}");
    app.still_serving().await;
}

#[tokio::test]
async fn a_request_must_name_this_server_unless_it_came_by_a_unix_socket() {
    let app = app_with(Database::sqlite(), &[("allowed_hosts", "track.example.org")]).await;
    let ask = async |hosts: &[&str], by_unix: bool| -> Reply {
        let request = Request::get("/api/2.0/mlflow/experiments/get?experiment_id=0");
        let mut request = hosts.iter().fold(request, |request, host| request.header("host", *host));
        if by_unix {
            request = request.extension(windvane::http::layers::Peer::Unix { user: None });
        }
        app.send_as_it_is(request.body(Body::empty()).unwrap()).await.into()
    };
    let text = "403 PERMISSION_DENIED: Invalid Host header - possible DNS rebinding attack detected.";

    for host in ["localhost:5000", "127.0.0.1", "[::1]:1", "10.1.2.3:80", "TRACK.example.org.:8443"] {
        assert_eq!(ask(&[host], false).await.status, 200, "{host}");
    }
    for hosts in
        [&["evil.example"][..], &["localhost.evil"], &[], &["localhost", "localhost"], &["track.example.org.evil"]]
    {
        let refusal = ask(hosts, false).await.refusal();
        assert!(refusal.starts_with(text) && !refusal.contains("evil"), "{hosts:?}: {refusal}");
        assert_eq!(ask(hosts, true).await.status, 200, "{hosts:?}: no page reaches a unix socket");
    }
    app.still_serving().await;
}

#[tokio::test]
async fn a_page_of_another_origin_reads_nothing_and_writes_nothing() {
    let app = support::app(Database::sqlite()).await;
    let create = async |origin: &str, name: &str| {
        let headers = [JSON, ("host", "127.0.0.1:5000"), ("origin", origin)];
        app.request(Method::POST, "experiments/create", headers, json!({ "name": name }).to_string()).await
    };

    for origin in ["https://evil.example", "null", "http://127.0.0.1.evil:5000", "file://", ""] {
        let reply = create(origin, "foreign").await;
        assert!(
            reply.refusal().starts_with("403 PERMISSION_DENIED: Cross-origin request blocked"),
            "{origin}: {reply}"
        );
        assert_eq!(reply.header("access-control-allow-origin"), "");
    }
    create("http://127.0.0.1:5000", "own").await.expect_ok();
    let local = create("http://localhost:3000", "local").await;
    assert_eq!((local.status, local.header("access-control-allow-origin")), (200, "http://localhost:3000"));
    let read =
        app.request(Method::GET, "experiments/get?experiment_id=0", [("origin", "https://evil.example")], "").await;
    assert_eq!((read.status, read.header("access-control-allow-origin")), (200, ""), "a browser shows it to no page");
    assert_eq!(app.get("experiments/get-by-name?experiment_name=foreign").await.status, 404);
}

#[tokio::test]
async fn every_answer_has_an_id_that_is_a_harmless_word() {
    let app = support::app(Database::sqlite()).await;
    let id = async |path: &str, given: &str| {
        let reply = app.request(Method::GET, path, [("x-request-id", given)], "").await;
        reply.header("x-request-id").to_owned()
    };

    for path in ["/health", "/absent", "experiments/get?experiment_id=9", "/"] {
        assert_eq!(id(path, "proxy-7.a_B").await, "proxy-7.a_B");
        for insane in ["", "two words", "<script>", "a;b", &"x".repeat(65)] {
            let made = id(path, insane).await;
            assert!(!made.is_empty() && made != insane, "{made}");
        }
        assert_ne!(id(path, "").await, id(path, "").await);
    }
}

#[tokio::test]
async fn a_workspace_is_refused_for_good_but_not_where_clients_ask_about_workspaces() {
    let app = support::app(Database::sqlite()).await;
    let ask = async |path: &str, workspace: &str| {
        app.request(Method::GET, path, [("x-mlflow-workspace", workspace)], "").await
    };

    // MLflow answers 500, which its clients repeat for minutes.
    let refused = ask("experiments/get?experiment_id=0", "team").await;
    assert_snapshot!(refused, @r#"400 {"error_code":"FEATURE_DISABLED","message":"Workspaces are not available on this server; unset MLFLOW_WORKSPACE"}"#);
    assert_eq!(ask("experiments/get?experiment_id=0", " ").await.status, 200);
    assert_eq!(ask("/api/3.0/mlflow/server-info", "team").await.status, 200);
}

#[tokio::test]
async fn the_service_answers_what_supervisors_and_clients_ask() {
    for db in support::databases().await {
        let app = support::app(db).await;

        assert_snapshot!(app.get("/health").await, @"200 OK");
        assert_snapshot!(app.get("/version").await, @"200 3.18.0");
        assert_snapshot!(app.get("/ready").await, @r#"200 {"status":"ready"}"#);
        assert!(app.get("/metrics").await.to_string().contains("windvane_http_requests_total"));
        let info = app.get("/api/3.0/mlflow/server-info").await;
        assert_eq!(info.body, app.get("/ajax-api/3.0/mlflow/server-info").await.body);
        let info = info.expect_ok();
        for (field, expected) in [
            ("store_type", json!("SqlStore")),
            ("workspaces_enabled", json!(false)),
            ("artifact_serving_enabled", json!(true)),
            ("multipart_uploads_enabled", json!(false)),
            ("multipart_downloads_enabled", json!(false)),
        ] {
            assert_eq!(info[field], expected, "{field}");
        }
    }
}

#[tokio::test]
async fn a_search_for_logged_models_finds_none() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let search = async |request: Value| app.post("logged-models/search", request).await;

        let filter = "source_run_id = 'x' AND name = 'model'";
        assert_snapshot!(search(json!({ "experiment_ids": ["0"], "filter": filter })).await, @"200 {}");
        assert_eq!(search(json!({})).await.invalid(), missing("experiment_ids"));
        let id = search(json!({ "experiment_ids": ["x"] })).await.invalid();
        assert_eq!(id, "Invalid experiment ID 'x'. Experiment ID must be a valid integer.");
    }
}

#[tokio::test]
async fn a_server_that_is_stopping_says_try_again() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        app.store().close().await;

        let write = app.post("runs/log-batch", json!({ "run_id": run_id })).await;
        let read = app.get(&format!("runs/get?run_id={run_id}")).await;
        let ready = app.get("/ready").await;

        for reply in [write, read, ready] {
            assert!(reply.refusal().starts_with("503 TEMPORARILY_UNAVAILABLE: "), "{reply}");
            assert_eq!(reply.header("retry-after"), "1");
        }
        assert_eq!(app.get("/health").await.to_string(), "200 OK");
    }
}
