//! How requests are read, whatever form they come in; below it, that nothing a client sends harms the server.

mod hostile;
mod surroundings;

use axum::body::Body;
use axum::http::Method;
use futures_util::stream;
use serde_json::{Value, json};

use crate::support::{self, Database, app_with};

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
