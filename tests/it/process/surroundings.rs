//! What surrounds every request: paths, probes, figures, headers, records, hosts, origins and sizes.

use std::io::{Read, Write};

use serde_json::json;

use super::{CREATE, Server, directory};
use crate::support::http::{exchange, request};

#[test]
fn below_a_prefix_everything_works_and_beside_it_only_the_files_of_artifacts() {
    let (_guard, path) = directory();
    let server = Server::start(&path, &["--static-prefix", "/lab/"]);

    let front = server.get("/lab");
    assert_eq!((front.status, front.header("location")), (307, Some("/lab/")));
    assert_eq!(front.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(server.get("/lab/").status, 200);
    assert_eq!(server.get("/lab/health").body, "OK");
    assert_eq!(server.get("//lab//health").body, "OK");
    assert_eq!(server.get("/lab/api/3.0/mlflow/server-info").status, 200);
    for beside in ["/", "/health", "/laboratory/health", "/api/3.0/mlflow/server-info"] {
        let answer = server.get(beside);
        assert_eq!(answer.status, 404, "{beside}");
        assert!(answer.json()["error_code"].is_string());
    }
    let file = "/api/2.0/mlflow-artifacts/artifacts/some/file";
    for path in [file.to_owned(), format!("/lab{file}")] {
        // Present or not: the route is there.
        let answer = server.get(&path);
        assert!(!answer.body.contains("ENDPOINT_NOT_FOUND"), "{path}: {answer:?}");
    }
}

#[test]
fn many_slashes_are_one_and_encoded_letters_are_letters() {
    let (_guard, path) = directory();
    let server = Server::start(&path, &[]);

    for path in ["//health", "/%68ealth", "//api//3.0/mlflow///server-inf%6F"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    for path in ["/health/", "/Health", "/api/3.0/mlflow/server-info/", "/api/3.0%2Fmlflow/server-info"] {
        let answer = server.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.json()["message"].is_string());
    }
}

#[test]
fn supervisors_get_short_exact_answers() {
    let (_guard, path) = directory();
    let server = Server::start(&path, &[]);

    let health = server.get("/health");
    assert_eq!((health.status, health.body.as_str()), (200, "OK"));
    assert!(health.header("content-type").unwrap().starts_with("text/plain"));
    assert_eq!(server.get("/version").body, "3.18.0");
    assert_eq!(server.get("/ready").json(), json!({ "status": "ready" }));
    let info = server.get("/ajax-api/3.0/mlflow/server-info").json();
    assert_eq!(info["store_type"], "SqlStore");
    assert_eq!(info["artifact_serving_enabled"], true);
    assert_eq!(info["workspaces_enabled"], false);
    let figures = server.get("/metrics").body;
    let counted = r#"windvane_http_requests_total{route="/health",method="GET",status="200"} 1"#;
    assert!(figures.contains(counted), "{figures}");
}

#[test]
fn figures_have_no_series_for_what_clients_make_up() {
    let (_guard, path) = directory();
    let server = Server::start(&path, &[]);

    for number in 0..20 {
        server.get(&format!("/made/up/{number}"));
        server.send(&format!("MADEUP{number}"), "/health", &[], "");
    }

    let figures = server.get("/metrics").body;
    assert!(!figures.contains("made") && !figures.contains("MADEUP"), "{figures}");
    assert!(figures.contains(r#"{route="unmatched",method="GET",status="404"} 20"#), "{figures}");
    assert!(figures.contains(r#"method="other",status="405"} 20"#), "{figures}");
}

#[test]
fn every_answer_has_an_id_and_the_headers_that_protect_it() {
    let (_guard, path) = directory();
    let server = Server::start(&path, &[]);

    for path in ["/health", "/", "/absent", "/api/3.0/mlflow/server-info"] {
        let answer = server.get(path);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("x-frame-options"), Some("SAMEORIGIN"), "{path}");
        assert!(answer.header("x-request-id").is_some_and(|id| !id.is_empty()), "{path}");
        assert!(answer.header("cache-control").is_some_and(|rule| rule.contains("no-")), "{path}");
    }
    let id = |given: &str| {
        server.send("GET", "/health", &[("x-request-id", given)], "").header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(id("proxy-7.a_B"), "proxy-7.a_B");
    for insane in ["two words", "<script>", &"x".repeat(65), "a;b"] {
        assert_ne!(id(insane), insane);
    }
    assert_ne!(id(""), id(""));
}

#[test]
fn a_request_is_one_record_with_its_id_and_template_and_nothing_the_client_wrote() {
    let (_guard, path) = directory();
    let mut server = Server::start(&path, &["--log-level", "info,windvane=debug"]);

    server.send("GET", "/api/2.0/mlflow-artifacts/artifacts/secret-name", &[("x-request-id", "id-1")], "");

    let record = server.wait_for("answered");
    assert_eq!(record["span"]["id"], "id-1");
    assert_eq!(record["span"]["method"], "GET");
    assert_eq!(record["span"]["route"], "/api/2.0/mlflow-artifacts/artifacts/{*path}");
    assert!(record["fields"]["status"].is_u64() && record["fields"]["latency_us"].is_u64());
    assert!(!record.to_string().contains("secret-name"));
}

#[test]
fn a_request_must_name_this_server() {
    let (_guard, path) = directory();
    let server = Server::start(&path, &["--allowed-hosts", "track.example.org"]);
    let info = "/api/3.0/mlflow/server-info";
    let status = |path: &str, host: &str| server.send("GET", path, &[("host", host)], "").status;

    for host in ["localhost", "LOCALHOST:5000", "127.0.0.1:5000", "[::1]:5000", "10.0.0.1", "track.example.org.:8443"] {
        assert_eq!(status(info, host), 200, "{host}");
    }
    for host in ["evil.example", "localhost.evil", "127.0.0.1.evil", "", "8.8.8.8"] {
        let answer = server.send("GET", info, &[("host", host)], "");
        assert_eq!(answer.status, 403, "{host}");
        assert!(answer.json()["message"].as_str().unwrap().starts_with("Invalid Host header"));
        assert!(host.is_empty() || !answer.body.contains(host), "what was sent is not repeated");
        assert_eq!(status("/health", host), 200, "supervisors may use any name");
        assert_eq!(status("/version", host), 200);
    }
    assert_eq!(server.send("GET", info, &[("host", "localhost"), ("host", "localhost")], "").status, 403);
    assert_eq!(status("http://evil.example/api/3.0/mlflow/server-info", "localhost"), 403);
    let absent = format!("GET {info} HTTP/1.1\r\nconnection: close\r\n\r\n");
    assert_eq!(exchange(server.connect(), &absent).status, 403);
}

#[test]
fn pages_of_other_origins_may_not_write() {
    let (_guard, path) = directory();
    let server = Server::start(&path, &["--allowed-origins", "https://portal.example.org"]);
    let host = server.address();
    let own = format!("http://{host}");
    let write = |name: &str, headers: &[(&str, &str)]| {
        let headers = [headers, &[("host", host.as_str()), ("content-type", "application/json")]].concat();
        server.send("POST", CREATE, &headers, &format!(r#"{{"name":"{name}"}}"#))
    };

    for (name, origin) in
        [("own", own.as_str()), ("local", "http://localhost:3000"), ("listed", "https://portal.example.org")]
    {
        let answer = write(name, &[("origin", origin)]);
        assert_eq!(answer.status, 200, "{origin}: {answer:?}");
        let shared = if name == "own" { None } else { Some(origin) };
        assert_eq!(answer.header("access-control-allow-origin"), shared);
    }
    assert_eq!(write("no-page", &[]).status, 200);
    for origin in ["https://evil.example", "null", "http://portal.example.org", "https://portal.example.org:1"] {
        let answer = write("foreign", &[("origin", origin)]);
        assert_eq!(answer.status, 403, "{origin}");
        assert!(answer.json()["message"].as_str().unwrap().starts_with("Cross-origin request blocked"));
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[test]
fn a_browser_that_asks_first_is_told_what_pages_of_allowed_origins_may_send() {
    let (_guard, path) = directory();
    let server = Server::start(&path, &[]);
    let ask = |origin: &str| {
        let headers = [("origin", origin), ("access-control-request-method", "POST")];
        server.send("OPTIONS", CREATE, &headers, "")
    };

    let allowed = ask("http://localhost:3000");
    let foreign = ask("https://evil.example");

    assert_eq!(allowed.status, 204);
    assert_eq!(allowed.header("access-control-allow-origin"), Some("http://localhost:3000"));
    assert_eq!(allowed.header("access-control-allow-credentials"), Some("true"));
    assert!(allowed.header("access-control-allow-methods").unwrap().contains("PATCH"));
    assert!(allowed.header("vary").unwrap().contains("origin"));
    assert_eq!(foreign.status, 403);
    assert_eq!(foreign.header("access-control-allow-origin"), None);
}

#[test]
fn a_workspace_is_refused_for_good_except_where_clients_ask_whether_there_are_any() {
    let (_guard, path) = directory();
    let server = Server::start(&path, &[]);
    let workspace = [("x-mlflow-workspace", "team"), ("content-type", "application/json")];
    let blank = [("x-mlflow-workspace", " "), ("content-type", "application/json")];

    let refused = server.send("POST", CREATE, &workspace, r#"{"name":"a"}"#);

    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error_code"], "FEATURE_DISABLED");
    assert_eq!(server.send("POST", CREATE, &blank, r#"{"name":"a"}"#).status, 200);
    assert_eq!(server.send("GET", "/api/3.0/mlflow/server-info", &workspace, "").status, 200);
}

#[test]
fn a_body_over_the_limit_is_answered_413_and_the_server_goes_on() {
    let (_guard, path) = directory();
    let server = Server::start(&path, &["--json-body-limit-mib", "1"]);
    let json = [("content-type", "application/json")];
    let body = " ".repeat(1024 * 1024 + 1);

    let honest = server.send("POST", CREATE, &json, &body);
    let head = format!(
        "POST {CREATE} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    let chunked = exchange(server.connect(), &format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len()));

    assert_eq!((honest.status, chunked.status), (413, 413));
    assert!(honest.json()["message"].as_str().unwrap().contains("1048576"));
    assert_eq!(server.send("POST", CREATE, &json, r#"{"name":"a"}"#).status, 200);
}

#[test]
fn large_json_is_compressed_for_browsers_only() {
    let (_guard, path) = directory();
    let server = Server::start(&path, &[]);
    let json = [("content-type", "application/json")];
    for number in 0..20 {
        let body = format!(r#"{{"name":"{number}","tags":[{{"key":"note","value":"{}"}}]}}"#, "long ".repeat(900));
        assert_eq!(server.send("POST", CREATE, &json, &body).status, 200);
    }
    let coding = |path: &str| {
        let request = request("GET", path, &[("accept-encoding", "gzip, deflate")], "");
        let mut stream = server.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let head = answer.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        head.contains("content-encoding: gzip")
    };

    assert!(coding("/ajax-api/2.0/mlflow/experiments/search?max_results=100"));
    assert!(!coding("/api/2.0/mlflow/experiments/search?max_results=100"));
    assert!(!coding("/ajax-api/3.0/mlflow/server-info"));
}
