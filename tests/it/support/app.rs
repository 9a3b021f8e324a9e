//! The whole server, without a port.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Response, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use windvane::access::Access;
use windvane::config::{Config, Override, Surroundings};
use windvane::http;
use windvane::state::{AppState, artifact_root};
use windvane::store::{Store, StoreOptions};

use super::{Database, Reply};

/// What the clock of a test shows at first, in milliseconds since the epoch. It stands until the test sets it.
pub const START_MS: i64 = 1_000_000;

/// Where paths that do not begin with a slash lie.
const API: &str = "/api/2.0/mlflow/";

/// A server on a database of its own.
pub struct App {
    router: Router,
    store: Store,
    access: Access,
    clock: Arc<AtomicI64>,
    // The last field, because it is dropped last.
    database: Database,
}

/// The server with its defaults.
pub async fn app(database: Database) -> App {
    app_with(database, &[]).await
}

/// The server with options, by their names in the configuration file.
pub async fn app_with(database: Database, options: &[(&'static str, &str)]) -> App {
    let data = database.directory().to_str().unwrap();
    let overrides = options.iter().copied().chain([("data", data)]);
    let overrides =
        overrides.map(|(key, text)| Override { key, flag: "--test", texts: vec![text.to_owned()] }).collect();
    let config = Config::load(&Surroundings::default(), None, overrides).unwrap();
    let options = StoreOptions { artifact_root: artifact_root(&config), ..database.options() };
    let store = Store::open(options, START_MS).await.unwrap();
    let clock = Arc::new(AtomicI64::new(START_MS));
    let shown = clock.clone();
    std::fs::create_dir_all(&config.artifacts).unwrap();
    let state = AppState::open(&config, store.clone(), Arc::new(move || shown.load(Ordering::Relaxed))).unwrap();
    let access = state.access.clone();
    App { router: http::router(state, &config), store, access, clock, database }
}

impl App {
    /// The server's data directory.
    pub fn directory(&self) -> &Path {
        self.database.directory()
    }

    /// The database behind the server.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Ends the server; its database stays.
    pub fn into_database(self) -> Database {
        self.database
    }

    /// The store behind the server.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What the server knows of people.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Sets the clock.
    pub fn set_clock(&self, now_ms: i64) {
        self.clock.store(now_ms, Ordering::Relaxed);
    }

    /// Sends a request and looks at what every answer must have.
    pub async fn send(&self, mut request: Request<Body>) -> Response<Bytes> {
        request.headers_mut().entry(header::HOST).or_insert(HeaderValue::from_static("localhost:5000"));
        self.send_as_it_is(request).await
    }

    /// As [`send`](Self::send), but a request without a host stays without one.
    pub async fn send_as_it_is(&self, request: Request<Body>) -> Response<Bytes> {
        let sent = format!("{} {}", request.method(), request.uri());
        let has_body = request.method() != Method::HEAD;
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("the answer is complete").to_bytes();
        let response = Response::from_parts(head, body);
        if has_body {
            check_answer(&sent, &response, self.directory());
        }
        response
    }

    /// Sends a request with headers and a body.
    pub async fn request<const N: usize>(
        &self,
        method: Method,
        path: &str,
        headers: [(&str, &str); N],
        body: impl Into<Body>,
    ) -> Reply {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("{API}{path}") };
        let request = Request::builder().method(method).uri(path);
        let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        self.send(request.body(body.into()).unwrap()).await.into()
    }

    /// `POST` of JSON.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.post_text(path, body.to_string()).await
    }

    /// `POST` of bytes that call themselves JSON.
    pub async fn post_text(&self, path: &str, body: impl Into<Body>) -> Reply {
        self.request(Method::POST, path, [("content-type", "application/json")], body).await
    }

    /// `GET` with the query string in the path.
    pub async fn get(&self, path: &str) -> Reply {
        self.request(Method::GET, path, [], Body::empty()).await
    }

    /// A new experiment.
    pub async fn new_experiment(&self, name: &str) -> String {
        let created = self.post("experiments/create", json!({ "name": name })).await.expect_ok();
        created["experiment_id"].as_str().unwrap().to_owned()
    }

    /// A new run in an experiment; its name is `name`.
    pub async fn new_run_in(&self, experiment_id: &str, name: &str, start_ms: i64) -> String {
        let request = json!({ "experiment_id": experiment_id, "run_name": name, "start_time": start_ms });
        let created = self.post("runs/create", request).await.expect_ok();
        created["run"]["info"]["run_id"].as_str().unwrap().to_owned()
    }

    /// A new run in a new experiment, which has this artifact location; the ids of both.
    pub async fn new_run(&self, artifact_location: Option<&str>) -> (String, String) {
        let name = format!("experiment at {artifact_location:?}");
        let request = json!({ "name": name, "artifact_location": artifact_location });
        let created = self.post("experiments/create", request).await.expect_ok();
        let experiment_id = created["experiment_id"].as_str().unwrap().to_owned();
        let run_id = self.new_run_in(&experiment_id, "run", START_MS).await;
        (experiment_id, run_id)
    }

    /// A new run in the default experiment.
    pub async fn run(&self) -> String {
        self.new_run_in("0", "run", START_MS).await
    }

    /// The field `run` of `runs/get`.
    pub async fn read_run(&self, run_id: &str) -> Value {
        self.get(&format!("runs/get?run_id={run_id}")).await.expect_ok()["run"].take()
    }

    /// All points of a metric as `(timestamp, step, value)`, values as JSON writes them.
    pub async fn history(&self, run_id: &str, key: &str) -> Vec<(i64, i64, String)> {
        points(&self.get(&format!("metrics/get-history?run_id={run_id}&metric_key={key}")).await)
    }

    /// Asserts that normal traffic is served, as it must be after whatever was sent.
    pub async fn still_serving(&self) {
        assert_eq!(self.get("/health").await.to_string(), "200 OK");
        let run_id = self.run().await;
        let metric = json!({ "key": "still", "value": 0.5, "timestamp": 1, "step": 2 });
        self.post("runs/log-batch", json!({ "run_id": run_id, "metrics": [metric] })).await.expect_ok();
        assert_eq!(self.history(&run_id, "still").await, [(1, 2, "0.5".to_owned())]);
    }
}

/// The points of an answer as `(timestamp, step, value)`.
pub fn points(reply: &Reply) -> Vec<(i64, i64, String)> {
    let answer = reply.expect_ok();
    let point = |point: &Value| {
        (point["timestamp"].as_i64().unwrap(), point["step"].as_i64().unwrap(), point["value"].to_string())
    };
    answer["metrics"].as_array().map(|points| points.iter().map(point).collect()).unwrap_or_default()
}

/// What holds for every answer: the headers that protect browsers, an id, never a failure of the server, and for a
/// refusal the envelope that clients read, without anything about the inside.
fn check_answer(sent: &str, response: &Response<Bytes>, directory: &Path) {
    let headers = response.headers();
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{sent}");
    assert!(headers.contains_key(header::X_FRAME_OPTIONS), "{sent}");
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return;
    }
    let text = String::from_utf8_lossy(response.body());
    assert!(!status.is_server_error() || matches!(status.as_u16(), 501 | 503 | 507), "{sent}: {status} {text}");
    assert_eq!(headers[header::CONTENT_TYPE], "application/json", "{sent}: {text}");
    let envelope: serde_json::Map<String, Value> = serde_json::from_str(&text).expect("the envelope");
    let fields: Vec<&String> = envelope.keys().collect();
    assert_eq!(fields, ["error_code", "message"], "{sent}");
    let message = envelope["message"].as_str().expect("a text");
    assert!(!message.is_empty() && message.chars().count() < 5_000, "{sent:.300}: {message:.300}");
    let directory = directory.to_str().unwrap();
    for inside in [directory, "sqlx", "SELECT ", "INSERT ", "src/", "panicked"] {
        assert!(!message.contains(inside), "{sent}: {message}");
    }
}
