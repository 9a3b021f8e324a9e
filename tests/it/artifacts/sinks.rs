//! Every route that takes a path of an artifact, and every way to spell its address.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{Method, Request, Response};
use bytes::Bytes;
use serde_json::json;

use crate::support::App;

/// The prefix of a server that has one.
pub const PREFIX: &str = "/x/y";

const API2: &[&str] = &["/api/2.0/", "/ajax-api/2.0/"];
const AJAX2: &[&str] = &["/ajax-api/2.0/"];
const OWN: &[&str] = &["/api/windvane/v1/"];
const PLAIN: &[&str] = &["/"];

/// A route, and where in it a path of an artifact stands.
pub struct Sink {
    pub method: Method,
    roots: &'static [&'static str],
    /// `{R}` is a run, `{M}` a logged model, `{P}` the path.
    route: &'static str,
    body: &'static str,
    /// Whether this server does not have what the route is for, whatever the path.
    pub is_unsupported: bool,
    pub is_listing: bool,
}

/// All of them.
pub fn sinks() -> Vec<Sink> {
    let sink = |method: Method, roots, route| Sink {
        method,
        roots,
        route,
        body: "",
        is_unsupported: false,
        is_listing: false,
    };
    let listing = |roots, route| Sink { is_listing: true, ..sink(Method::GET, roots, route) };
    let unsupported = |method, route, body| Sink { is_unsupported: true, body, ..sink(method, API2, route) };
    vec![
        sink(Method::GET, API2, "mlflow-artifacts/artifacts/{P}"),
        sink(Method::HEAD, API2, "mlflow-artifacts/artifacts/{P}"),
        Sink { body: "x", ..sink(Method::PUT, API2, "mlflow-artifacts/artifacts/{P}") },
        sink(Method::DELETE, API2, "mlflow-artifacts/artifacts/{P}"),
        listing(API2, "mlflow-artifacts/artifacts?path={P}"),
        listing(API2, "mlflow/artifacts/list?run_id={R}&path={P}"),
        listing(API2, "mlflow/logged-models/{M}/artifacts/directories?artifact_directory_path={P}"),
        listing(OWN, "artifacts?run_id={R}&path={P}"),
        listing(OWN, "export/artifacts?run_id={R}&path={P}"),
        sink(Method::GET, PLAIN, "get-artifact?run_uuid={R}&path={P}"),
        sink(Method::HEAD, PLAIN, "get-artifact?run_id={R}&path={P}"),
        sink(Method::GET, AJAX2, "mlflow/logged-models/{M}/artifacts/files?artifact_file_path={P}"),
        Sink { body: "x", ..sink(Method::POST, AJAX2, "mlflow/upload-artifact?run_uuid={R}&path={P}") },
        unsupported(Method::POST, "mlflow-artifacts/mpu/create/{P}", r#"{"path": "{P}", "num_parts": 1}"#),
        unsupported(
            Method::POST,
            "mlflow-artifacts/mpu/complete/{P}",
            r#"{"path": "{P}", "upload_id": "{P}", "parts": []}"#,
        ),
        unsupported(Method::POST, "mlflow-artifacts/mpu/abort/{P}", r#"{"path": "{P}", "upload_id": "{P}"}"#),
        unsupported(Method::GET, "mlflow-artifacts/presigned/{P}", ""),
        unsupported(Method::POST, "mlflow/artifacts/presigned-upload-url", r#"{"run_id": "{R}", "path": "{P}"}"#),
        unsupported(Method::POST, "mlflow/artifacts/presigned-download-url", r#"{"run_id": "{R}", "path": "{P}"}"#),
    ]
}

/// A run and a logged model, whose directories paths are relative to.
pub struct Owners {
    pub run: String,
    pub model: String,
}

impl Owners {
    /// In the default experiment.
    pub async fn create(app: &App, prefix: &str) -> Self {
        let run = app.post(&format!("{prefix}/api/2.0/mlflow/runs/create"), json!({ "experiment_id": "0" })).await;
        let model = json!({ "experiment_id": "0", "name": "m" });
        let model = app.post(&format!("{prefix}/api/2.0/mlflow/logged-models"), model).await.expect_ok();
        let id = |text: &serde_json::Value| text.as_str().expect("an id").to_owned();
        Owners { run: id(&run.expect_ok()["run"]["info"]["run_id"]), model: id(&model["model"]["info"]["model_id"]) }
    }
}

impl Sink {
    /// A request for `path`, which is encoded, by each address of the route. Between the addresses nothing may differ.
    pub fn requests(&self, prefix: &str, owners: &Owners, path: &str) -> Vec<Request<Body>> {
        let fill = |text: &str| text.replace("{R}", &owners.run).replace("{M}", &owners.model).replace("{P}", path);
        let body = fill(self.body);
        let addresses = self.roots.iter().flat_map(|root| {
            let plain = format!("{prefix}{root}{}", self.route);
            // Only what the route is made of: what is in the path of an artifact is the client's.
            let slashes = format!("{}{}", prefix.replace('/', "//"), root.replace('/', "//")) + self.route;
            let letters =
                plain.replace("mlflow", "%6Dlflo%77").replace("artifact", "%61rtifact").replace("api", "a%70i");
            // The route has no letter of a query encoded, because those are names of fields.
            let (letters, query) = (letters.split('?').next().unwrap_or_default(), plain.split_once('?'));
            let letters = match query {
                Some((_, query)) => format!("{letters}?{query}"),
                None => letters.to_owned(),
            };
            [plain, slashes, letters]
        });
        addresses
            .map(|address| {
                let request = Request::builder().method(self.method.clone()).uri(fill(&address));
                request.body(Body::from(body.clone())).expect("a valid request")
            })
            .collect()
    }
}

/// What all addresses of a route answer to `path`.
#[track_caller]
fn assert_alike(answers: &[Response<Bytes>], what: &str) {
    // That there is no such address is told with the address.
    let is_unknown = |answer: &Response<Bytes>| answer.body().starts_with(br#"{"error_code":"ENDPOINT_NOT_FOUND""#);
    let told = |answer: &Response<Bytes>| {
        let body = if is_unknown(answer) { Bytes::new() } else { answer.body().clone() };
        (answer.status(), body)
    };
    for answer in answers {
        assert_eq!(told(answer), told(&answers[0]), "{what}");
    }
}

/// The answers of one sink by all its addresses, which are one answer.
pub async fn ask(app: &App, sink: &Sink, prefix: &str, owners: &Owners, path: &str) -> Response<Bytes> {
    let mut answers = Vec::new();
    for request in sink.requests(prefix, owners, path) {
        answers.push(app.send(request).await);
    }
    assert_alike(&answers, &format!("{} {} with {path:.300}", sink.method, sink.route));
    answers.swap_remove(0)
}

/// Files with what is in them, directories, and links with where they lead.
pub fn tree(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            let contents = if kind.is_dir() {
                waiting.push(entry.path());
                Vec::new()
            } else if kind.is_file() {
                fs::read(entry.path()).unwrap()
            } else if kind.is_symlink() {
                fs::read_link(entry.path()).unwrap().into_os_string().into_encoded_bytes()
            } else {
                Vec::new()
            };
            found.insert(entry.path(), contents);
        }
    }
    found
}
