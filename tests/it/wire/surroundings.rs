//! What surrounds every request: prefix, method, host, origin, workspace, and the service's own paths.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use super::{JSON, missing};
use crate::support::{self, App, Database, Reply, app_with, assert_snapshot};

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
