//! The table of routes: what it promises, and that the documents say the same.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the documents fails")]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;
use windvane::http::routes::{Permission, Root, Route};

use crate::support;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// A route as its row in docs/API.md.
fn row(route: &Route) -> String {
    let root = match route.root {
        Root::Api2 => "2.0",
        Root::Api3 => "3.0",
        Root::Ajax2 => "2.0, ajax only",
        Root::Own => "own",
        Root::Plain => "plain",
    };
    let path = if route.path.is_empty() { "/" } else { route.path };
    format!("| {} | `{path}` | {root} | {:?} | {} | {} |", route.method, route.permission, route.request, route.reply)
}

#[test]
fn the_document_lists_exactly_the_routes_of_the_server() {
    let table: BTreeSet<String> = windvane::http::table().iter().map(row).collect();
    let api = read("docs/API.md");
    let documented: BTreeSet<String> = api
        .lines()
        .filter(|line| {
            ["| GET ", "| POST ", "| PUT ", "| PATCH ", "| DELETE "].iter().any(|start| line.starts_with(start))
        })
        .map(str::to_owned)
        .collect();

    let missing: Vec<_> = table.difference(&documented).collect();
    let surplus: Vec<_> = documented.difference(&table).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing in docs/API.md: {missing:#?}\nnot served: {surplus:#?}");
}

#[test]
fn the_permission_table_of_the_document_is_the_one_that_is_in_force() {
    let table = windvane::http::routes::describe(&windvane::http::table());
    assert!(table.lines().count() > 90, "{table}");
    assert!(read("docs/SECURITY.md").contains(&format!("```text\n{table}```\n")), "put it there:\n{table}");
}

#[test]
fn only_questions_about_the_server_itself_are_public() {
    let public: Vec<&str> = windvane::http::table()
        .iter()
        .filter(|route| route.permission == Permission::Public)
        .map(|route| route.path)
        .collect();

    // In the order of the table: the session is asked for by who is not signed in, and the login proves itself.
    let session = ["session"; 3];
    let service = ["refreshtoken", "mlflow/server-info", "health", "version", "ready"];
    let pages = ["", "login", "seed", "tokens", "static-files/{*path}"];
    assert_eq!(public, [session.as_slice(), &service, &pages].concat());
}

#[tokio::test]
async fn every_alias_of_a_route_answers_alike() {
    let app = support::app(support::Database::sqlite()).await;
    // The pages are no part of the API; the figures count the requests that ask for them.
    let table = windvane::http::table().into_iter();
    for route in table.filter(|route| !["", "static-files/{*path}", "metrics"].contains(&route.path)) {
        let mut answers = BTreeSet::new();
        for path in route.paths() {
            let path = path.replace("{*path}", "0/absent/artifacts/x");
            for spelling in [path.clone(), path.replacen('/', "//", 1), path.replacen("a", "%61", 1)] {
                let request = axum_request(route.method.as_str(), &spelling);
                let reply = app.send(request).await;
                answers.insert((reply.status().as_u16(), String::from_utf8_lossy(reply.body()).into_owned()));
            }
        }
        assert_eq!(answers.len(), 1, "{} {}: {answers:?}", route.method, route.path);
    }
    app.still_serving().await;
}

fn axum_request(method: &str, path: &str) -> axum::http::Request<axum::body::Body> {
    axum::http::Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(axum::body::Body::from("{}"))
        .unwrap()
}

#[tokio::test]
async fn what_is_no_route_is_a_404_with_the_envelope() {
    let app = support::app(support::Database::sqlite()).await;
    for path in ["/api/2.0/mlflow/runs/nonsense", "/api/1.0/mlflow/runs/get", "/api/2.0/mlflow/runs/get/", "/nonsense"]
    {
        let reply = app.send(axum_request("GET", path)).await;

        assert_eq!(reply.status().as_u16(), 404, "{path}");
        let body: serde_json::Value = serde_json::from_slice(reply.body()).unwrap();
        assert_eq!(body["error_code"], json!("ENDPOINT_NOT_FOUND"), "{path}");
    }
    let reply = app.send(axum_request("DELETE", "/api/2.0/mlflow/runs/get")).await;
    assert_eq!(reply.status().as_u16(), 405);
}
