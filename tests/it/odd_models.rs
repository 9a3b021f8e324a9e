//! Odd requests for logged models through the router: what the path and what the body says, keys that need encoding,
//! forged tokens, paths that lead elsewhere, values of wrong types.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

use axum::body::Body;
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::support::{self, App, Reply, START_MS};

const FILES: &str = "/api/2.0/mlflow-artifacts/artifacts";
const UI: &str = "/ajax-api/2.0/mlflow";

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// A new model of an experiment, with further fields.
async fn create(app: &App, experiment_id: &str, name: &str, more: Value) -> String {
    let mut request = json!({ "experiment_id": experiment_id, "name": name });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let created = app.post("logged-models", request).await.expect_ok();
    created["model"]["info"]["model_id"].as_str().unwrap().to_owned()
}

async fn read(app: &App, model_id: &str) -> Value {
    app.get(&format!("logged-models/{model_id}")).await.expect_ok()["model"].take()
}

async fn patch(app: &App, path: &str, body: Value) -> Reply {
    app.request(Method::PATCH, path, [], body.to_string()).await
}

async fn delete(app: &App, path: &str) -> Reply {
    app.request(Method::DELETE, path, [], Body::empty()).await
}

async fn put(app: &App, path: &str, body: &'static str) {
    assert_eq!(app.request(Method::PUT, &format!("{FILES}/{path}"), [], body).await.status, 200, "{path}");
}

async fn search(app: &App, more: Value) -> Reply {
    let mut request = json!({ "experiment_ids": ["0"] });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.post("logged-models/search", request).await
}

fn names(answer: &Value) -> Vec<String> {
    let models = answer["models"].as_array().map(Vec::as_slice).unwrap_or_default();
    models.iter().map(|model| model["info"]["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_run_tells_its_inputs_and_outputs_also_when_its_text_was_kept_before() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run = app.run().await;
        let search = json!({ "experiment_ids": ["0"] });
        let told = async || {
            let read = app.read_run(&run).await;
            let found = app.post("runs/search", search.clone()).await.expect_ok()["runs"][0].take();
            assert_eq!(read["outputs"], found["outputs"]);
            assert_eq!(found["inputs"], json!({}), "a search does not tell of models");
            (read["inputs"].clone(), read["outputs"].clone())
        };

        assert_eq!(told().await, (json!({}), json!({})));
        let output = |step: i64| json!({ "run_id": run, "models": [{ "model_id": "m-1", "step": step }] });
        app.post("runs/outputs", output(2)).await.expect_ok();
        let outputs = json!({ "model_outputs": [{ "model_id": "m-1", "step": 2 }] });
        assert_eq!(told().await, (json!({}), outputs.clone()));
        app.post("runs/outputs", output(2)).await.expect_ok();
        assert_eq!(told().await, (json!({}), outputs));

        let inputs = json!({ "run_id": run, "models": [{ "model_id": "m-2" }, { "model_id": "m-1" }] });
        app.post("runs/log-inputs", inputs).await.expect_ok();
        app.post("runs/outputs", json!({ "run_id": run, "models": [{ "model_id": "m-3" }] })).await.expect_ok();
        let (inputs, outputs) = told().await;
        assert_eq!(inputs, json!({ "model_inputs": [{ "model_id": "m-1" }, { "model_id": "m-2" }] }));
        assert_eq!(outputs["model_outputs"][0], json!({ "model_id": "m-3", "step": 0 }));
    }
}

#[tokio::test]
async fn the_path_counts_whatever_the_body_says() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (mine, other) = (create(&app, "0", "mine", json!({})).await, create(&app, "0", "other", json!({})).await);
        let untouched = read(&app, &other).await;
        let body = |more: Value| {
            let mut body = json!({ "model_id": other });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let pairs = json!([{ "key": "k", "value": "v" }, { "key": "l", "value": "v" }]);

        let path = format!("logged-models/{mine}");
        patch(&app, &path, body(json!({ "status": 2 }))).await.expect_ok();
        patch(&app, &path, json!({ "modelId": other, "status": "2" })).await.expect_ok();
        patch(&app, &format!("{path}/tags"), body(json!({ "tags": pairs }))).await.expect_ok();
        app.post(&format!("{path}/params"), body(json!({ "params": pairs }))).await.expect_ok();
        let request = body(json!({ "tag_key": "l" })).to_string();
        app.request(Method::DELETE, &format!("{path}/tags/k"), [], request).await.expect_ok();

        let changed = read(&app, &mine).await;
        assert_eq!(changed["info"]["status"], "LOGGED_MODEL_READY");
        assert_eq!(changed["info"]["tags"], json!([pairs[1]]));
        assert_eq!(changed["data"]["params"], pairs);
        assert_eq!(read(&app, &other).await, untouched);

        app.request(Method::DELETE, &path, [], body(json!({})).to_string()).await.expect_ok();
        assert_eq!(read(&app, &other).await, untouched);
        assert_eq!(app.get(&path).await.status, 404);
        assert_eq!(app.get(&format!("{path}?allow_deleted=true&model_id={other}")).await.expect_ok()["model"], changed);
    }
}

#[tokio::test]
async fn tags_have_any_key_and_each_is_removed_alone() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let id = create(&app, "0", "m", json!({})).await;
        let keys = ["a/b", "a", "b", "é ü", "%2F", "a%2Fb", "?x=1#y", "a+b", "mlflow.modelVersions", "tags"];
        let tags: Vec<Value> = keys.iter().map(|key| json!({ "key": key, "value": format!("of {key}") })).collect();
        patch(&app, &format!("logged-models/{id}/tags"), json!({ "tags": tags })).await.expect_ok();

        for (index, key) in keys.iter().enumerate() {
            let path = format!("logged-models/{id}/tags/{}", encoded(key));
            assert_eq!(delete(&app, &path).await.expect_ok(), json!({}), "{key}");
            let told = format!("404 RESOURCE_DOES_NOT_EXIST: No tag with key '{key}' found for model with ID '{id}'.");
            assert_eq!(delete(&app, &path).await.refusal(), told);
            let left = read(&app, &id).await["info"]["tags"].as_array().map_or(0, Vec::len);
            assert_eq!(left, keys.len() - index - 1, "{key}");
        }
    }
}

#[tokio::test]
async fn a_metric_with_few_points_is_told_beside_one_with_many() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run = app.run().await;
        let id = create(&app, "0", "m", json!({})).await;
        let metric =
            |key: String, step: i64| json!({ "key": key, "value": step, "timestamp": 1, "step": step, "model_id": id });
        // As autologging does it: a loss for every step, and scores at the end, at step 0.
        for half in 0..2 {
            let metrics: Vec<Value> = (0..900).map(|step| metric("loss".to_owned(), half * 900 + step)).collect();
            app.post("runs/log-batch", json!({ "run_id": run, "metrics": metrics })).await.expect_ok();
        }
        let scores: Vec<Value> = (0..5).map(|index| metric(format!("score {index}"), 0)).collect();
        app.post("runs/log-batch", json!({ "run_id": run, "metrics": scores })).await.expect_ok();

        for model in [read(&app, &id).await, search(&app, json!({})).await.expect_ok()["models"][0].take()] {
            let points = model["data"]["metrics"].as_array().unwrap();
            let of = |key: &str| points.iter().filter(|point| point["key"] == key).collect::<Vec<_>>();
            for index in 0..5 {
                assert_eq!(of(&format!("score {index}")).len(), 1, "of {} points", points.len());
            }
            let losses = of("loss");
            assert_eq!(losses.last().unwrap()["step"], 1_799);
            assert_eq!(losses.first().unwrap()["step"], 1_800 - losses.len() as i64, "the last ones, without a gap");
            assert!((900..=1_000).contains(&losses.len()), "{}", losses.len());
        }
    }
}

#[tokio::test]
async fn what_is_found_comes_in_pages_that_belong_to_their_search() {
    for db in support::databases().await {
        let app = support::app(db).await;
        for number in 0..5 {
            app.set_clock(START_MS + number);
            create(&app, "0", &format!("model {number}"), json!({ "model_type": "t" })).await;
        }
        let request = json!({ "filter": "model_type = 't'", "max_results": 2, "order_by": [{ "field_name": "name" }] });
        let page_of = |token: &str| {
            let mut request = request.clone();
            request["page_token"] = token.into();
            request
        };

        let mut found = Vec::new();
        let mut token = String::new();
        loop {
            let page = search(&app, page_of(&token)).await.expect_ok();
            found.extend(names(&page));
            let Some(next) = page["next_page_token"].as_str() else { break };
            token = next.to_owned();
        }
        assert_eq!(found, (0..5).map(|number| format!("model {number}")).collect::<Vec<_>>());

        for (field, other) in [
            ("filter", json!("model_type = 'u'")),
            ("order_by", json!([{ "field_name": "name", "ascending": false }])),
            ("experiment_ids", json!(["0", "1"])),
            ("datasets", json!([{ "dataset_name": "d" }])),
        ] {
            let mut request = page_of(&token);
            request[field] = other;
            let refusal = search(&app, request).await.invalid();
            assert!(refusal.starts_with("Invalid page token"), "{field}: {refusal}");
        }
        let mut more = page_of(&token);
        more["max_results"] = 1.into();
        assert_eq!(names(&search(&app, more).await.expect_ok()), ["model 4"], "the size of a page may change");
        // A token is no secret: whoever forges one gets an empty page or a refusal.
        let forge = |place: Value| {
            let mut fields: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&token).unwrap()).unwrap();
            fields["p"] = place;
            URL_SAFE_NO_PAD.encode(fields.to_string())
        };
        for place in [json!(i64::MAX), json!(i64::MAX - 1), json!(1_000_000)] {
            assert_eq!(search(&app, page_of(&forge(place))).await.expect_ok(), json!({}));
        }
        for place in [json!(-1), json!(i64::MIN), json!(u64::MAX), json!("2"), json!(0.5), json!([2])] {
            let refusal = search(&app, page_of(&forge(place.clone()))).await.invalid();
            assert!(refusal.starts_with("Invalid page token"), "{place}: {refusal}");
        }
    }
}

#[tokio::test]
async fn models_outlive_their_run_and_their_experiment_in_the_trash() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (experiment, run) = app.new_run(None).await;
        let id = create(&app, &experiment, "m", json!({ "source_run_id": run })).await;
        put(&app, &format!("{experiment}/models/{id}/artifacts/f"), "x").await;

        app.post("runs/delete", json!({ "run_id": run })).await.expect_ok();
        app.post("experiments/delete", json!({ "experiment_id": experiment })).await.expect_ok();

        assert_eq!(read(&app, &id).await["info"]["name"], "m");
        let found = app.post("logged-models/search", json!({ "experiment_ids": [experiment] })).await.expect_ok();
        assert_eq!(names(&found), ["m"]);
        let file = format!("{UI}/logged-models/{id}/artifacts/files?artifact_file_path=f");
        assert_eq!(app.get(&file).await.body.as_ref(), b"x");
        let refusal = app.post("logged-models", json!({ "experiment_id": experiment })).await.invalid();
        assert!(refusal.ends_with("must be in the 'active' state. Current state is deleted."), "{refusal}");

        delete(&app, &format!("logged-models/{id}")).await.expect_ok();
        delete(&app, &format!("logged-models/{id}")).await.expect_ok();
        for path in [file, format!("logged-models/{id}/artifacts/directories"), format!("logged-models/{id}")] {
            assert_eq!(app.get(&path).await.status, 404, "{path}");
        }
    }
}

#[tokio::test]
async fn a_file_of_a_model_cannot_act_as_a_page_and_no_path_leaves_the_model() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let id = create(&app, "0", "m", json!({})).await;
        let other = create(&app, "0", "other", json!({})).await;
        put(&app, &format!("0/models/{id}/artifacts/d/page.html"), "<script>alert(1)</script>").await;
        put(&app, &format!("0/models/{other}/artifacts/secret"), "secret").await;
        std::fs::write(app.directory().join("secret"), "secret").unwrap();

        let file = format!("{UI}/logged-models/{id}/artifacts/files?artifact_file_path=");
        let page = app.get(&format!("{file}d/page.html")).await;
        assert_eq!(page.header("content-type"), "text/html");
        assert_eq!(page.header("content-disposition"), "attachment; filename=page.html");
        assert_eq!(page.header("content-security-policy"), "sandbox; default-src 'none'");
        let range = [("range", "bytes=1-6")];
        let part = app.request(Method::GET, &format!("{file}d/page.html"), range, Body::empty()).await;
        assert_eq!((part.status, part.body.as_ref()), (206, b"script".as_slice()));
        let head = app.request(Method::HEAD, &format!("{file}d/page.html"), [], Body::empty()).await;
        assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "25", 0));
        assert_eq!(app.get(&file.replace(UI, "/api/2.0/mlflow")).await.status, 404, "only the pages ask for it");

        let directory = format!("logged-models/{id}/artifacts/directories?artifact_directory_path=");
        let outside = format!("../../{other}/artifacts/secret");
        let paths = [
            "..",
            "../",
            &outside,
            "d/../../../secret",
            "/etc/passwd",
            "//etc/passwd",
            "%2e%2e/secret",
            "%252e%252e%252fsecret",
            "..%2fsecret",
            "..\\secret",
            "C:\\secret",
            "file:///etc/passwd",
            "d#x",
            "d\0",
            "\u{202e}..",
        ];
        for path in paths {
            for uri in [format!("{file}{}", encoded(path)), format!("{directory}{}", encoded(path))] {
                let reply = app.get(&uri).await;
                assert!(matches!(reply.status, 400 | 404) || !uri.contains("/files"), "{uri}: {reply}");
                assert!(!String::from_utf8_lossy(&reply.body).contains("\"secret\""), "{uri}: {reply}");
                assert!(reply.status != 200 || reply.json()["files"].is_null(), "{uri}: {reply}");
            }
        }
        for id in ["..", "%2e%2e", "..%2f..%2fsecret", "m%00x", "%ff", "%20", "m-x%2F..%2F"] {
            for rest in ["", "/artifacts/directories", "/artifacts/files?artifact_file_path=f"] {
                let reply = app.get(&format!("{UI}/logged-models/{id}{rest}")).await;
                assert!(matches!(reply.status, 400 | 404 | 405), "{id}{rest}: {reply}");
            }
        }
        app.still_serving().await;
    }
}

#[tokio::test]
async fn whatever_is_sent_is_no_failure_of_the_server() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (run, id) = (app.run().await, create(&app, "0", "m", json!({})).await);
        let long = "x".repeat(200_000);
        let values = [
            json!(null),
            json!(true),
            json!(-1),
            json!(1e300),
            json!(""),
            json!("a\u{0}b"),
            json!(long),
            json!([]),
            json!([null]),
            json!([[]]),
            json!([{ "key": "a\u{0}", "value": "b", "model_id": "a\u{0}", "field_name": "metrics.\u{0}" }]),
            json!([{ "key": "k", "value": "a\u{0}", "dataset_name": "\u{0}", "field_name": "x\u{0}" }]),
            json!([{ "key": long, "value": long, "model_id": long, "dataset_name": long, "field_name": long }]),
            json!(vec![json!({ "key": "k", "value": "v", "model_id": "m", "dataset_name": "d" }); 1_001]),
            json!({ "a": 1 }),
        ];
        let fields = [
            "experiment_id",
            "experiment_ids",
            "name",
            "model_type",
            "source_run_id",
            "params",
            "tags",
            "status",
            "run_id",
            "models",
            "filter",
            "datasets",
            "order_by",
            "max_results",
            "page_token",
            "allow_deleted",
        ];
        let model = format!("logged-models/{id}");
        let routes = [
            (Method::POST, "logged-models".to_owned()),
            (Method::POST, "logged-models/search".to_owned()),
            (Method::POST, "runs/outputs".to_owned()),
            (Method::PATCH, model.clone()),
            (Method::PATCH, format!("{model}/tags")),
            (Method::POST, format!("{model}/params")),
        ];
        let good = json!({
            "experiment_id": "0", "experiment_ids": ["0"], "run_id": run, "status": 2,
            "models": [{ "model_id": id, "step": 1 }], "params": [{ "key": "p", "value": "v" }],
            "tags": [{ "key": "t", "value": "v" }],
        });
        for (method, path) in &routes {
            for field in fields {
                for value in &values {
                    let mut body = good.clone();
                    body[field] = value.clone();
                    // `send` looks at every answer: a client's mistake is a 4xx in the envelope.
                    let json = [("content-type", "application/json")];
                    let reply = app.request(method.clone(), path, json, body.to_string()).await;
                    assert!(
                        matches!(reply.status, 200 | 400 | 404),
                        "{method} {path} {field}={value:.50}: {reply:.300}"
                    );
                }
            }
        }
        app.still_serving().await;
    }
}

#[tokio::test]
async fn only_posts_are_asked_for_their_type() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let path = format!("logged-models/{}", create(&app, "0", "m", json!({})).await);
        let text = ("content-type", "text/plain");

        // A page of another site can send such a POST without being asked first, but no PATCH.
        assert_eq!(app.request(Method::POST, &format!("{path}/params"), [text], "{}").await.status, 400);
        let tags = json!({ "tags": [{ "key": "k", "value": "v" }] }).to_string();
        app.request(Method::PATCH, &format!("{path}/tags"), [text], tags).await.expect_ok();
        for (method, path) in [(Method::GET, "logged-models/search"), (Method::PUT, path.as_str())] {
            assert_eq!(app.request(method, path, [], Body::empty()).await.status, 405, "{path}");
        }
    }
}
