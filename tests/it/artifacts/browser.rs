//! What a browser may be made to do by files that someone uploaded, and by their names.

use axum::body::Body;
use axum::http::{Method, Request, Response};
use bytes::Bytes;

use super::sinks::{Owners, sinks};
use super::{FILES, encoded, get, put, send};
use crate::support::{self, App};

/// Names with what they hold, which a browser would run if it were shown as a page of the server.
const ACTIVE: [(&str, &str, &str); 12] = [
    ("x.html", "<script>alert(1)</script>", "text/html"),
    ("x.htm", "<script>alert(1)</script>", "text/html"),
    ("x.HTML", "<script>alert(1)</script>", "text/html"),
    ("x.svg", "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml"),
    ("x.xhtml", "<html xmlns='http://www.w3.org/1999/xhtml'><script>1</script></html>", "application/xhtml+xml"),
    ("x.xml", "<?xml-stylesheet href='x.xsl'?><a/>", "text/plain"),
    ("x.ipynb", "{\"cells\":[{\"outputs\":[{\"data\":{\"application/javascript\":\"1\"}}]}]}", "text/plain"),
    ("x.md", "<img src=x onerror=alert(1)>", "text/plain"),
    ("x.js", "alert(1)", "text/plain"),
    ("x.pdf", "%PDF-1.7 /JavaScript", "application/pdf"),
    ("x.gif", "GIF89a/*\u{0}*/=1;alert(1)", "image/gif"),
    ("x", "<!doctype html><script>alert(1)</script>", "application/octet-stream"),
];

fn header<'a>(reply: &'a Response<Bytes>, name: &str) -> &'a str {
    reply.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[track_caller]
fn assert_harmless(reply: &Response<Bytes>, what: &str) {
    assert_eq!(header(reply, "x-content-type-options"), "nosniff", "{what}");
    assert_eq!(header(reply, "content-security-policy"), "sandbox; default-src 'none'", "{what}");
    assert!(header(reply, "cache-control").starts_with("private"), "{what}");
    if reply.status() != 304 {
        assert!(header(reply, "content-disposition").starts_with("attachment"), "{what}");
    }
}

async fn ask(app: &App, method: Method, uri: &str, headers: &[(&str, &str)], body: &str) -> Response<Bytes> {
    let request = Request::builder().method(method).uri(uri);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    app.send(request.body(Body::from(body.to_owned())).expect("a valid request")).await
}

#[tokio::test]
async fn no_file_acts_as_a_page_of_the_server_whichever_way_it_is_opened() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let owners = Owners::create(&app, "").await;
        let (run, model) = (&owners.run, &owners.model);
        for (name, text, content_type) in ACTIVE {
            let (of_run, of_model) =
                (format!("0/{run}/artifacts/{name}"), format!("0/models/{model}/artifacts/{name}"));
            for path in [&of_run, &of_model] {
                // The type that the uploader says it is counts for nothing.
                let put =
                    ask(&app, Method::PUT, &format!("{FILES}/{path}"), &[("content-type", "text/html")], text).await;
                assert_eq!(put.status(), 200);
            }
            for uri in [
                format!("{FILES}/{of_run}"),
                format!("/ajax-api/2.0/mlflow-artifacts/artifacts/{of_run}"),
                format!("/get-artifact?run_id={run}&path={name}"),
                format!("/ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files?artifact_file_path={name}"),
            ] {
                let whole = get(&app, &uri).await;
                assert_eq!((whole.status().as_u16(), header(&whole, "content-type")), (200, content_type), "{uri}");
                assert_eq!(whole.body(), text);
                assert_harmless(&whole, &uri);
                assert_harmless(&send(&app, Method::HEAD, &uri, Body::empty()).await, &uri);
                let part = ask(&app, Method::GET, &uri, &[("range", "bytes=1-3")], "").await;
                assert_eq!(part.status(), 206);
                assert_harmless(&part, &uri);
                let tag = header(&whole, "etag");
                let unchanged = ask(&app, Method::GET, &uri, &[("if-none-match", tag)], "").await;
                assert_eq!(unchanged.status(), 304);
                assert_harmless(&unchanged, &uri);
            }
        }
        let archive = get(&app, &format!("/api/windvane/v1/export/artifacts?run_id={run}")).await;
        assert_eq!(header(&archive, "content-type"), "application/zip");
        assert_eq!(header(&archive, "x-content-type-options"), "nosniff");
        assert!(header(&archive, "content-disposition").starts_with("attachment"));
    }
}

#[tokio::test]
async fn what_a_client_says_its_body_is_comes_back_in_no_answer() {
    let hostile = [
        ("content-type", "text/<script>alert(1)</script>"),
        ("content-disposition", "form-data; name=\"f\"; filename=\"../../<script>\""),
        ("x-file-name", "../../<script>"),
    ];
    for db in support::databases().await {
        let app = support::app(db).await;
        let owners = Owners::create(&app, "").await;
        for sink in sinks() {
            for path in ["f", "%2e%2e/f"] {
                for mut request in sink.requests("", &owners, path) {
                    for (name, value) in hostile {
                        request.headers_mut().insert(name, value.parse().unwrap());
                    }
                    let reply = app.send(request).await;
                    let headers = format!("{:?}", reply.headers());
                    assert!(!headers.contains("script") && !headers.contains(".."), "{headers}");
                    assert!(!reply.body().windows(8).any(|bytes| bytes == b"<script>"));
                }
            }
        }
        // A form is a body like any other: nothing in it is taken for the name of a file.
        let form = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"../../x\"\r\n\r\nx\r\n--b--\r\n";
        let uri = format!("{FILES}/team/form");
        ask(&app, Method::PUT, &uri, &[("content-type", "multipart/form-data; boundary=b")], form).await;
        assert_eq!(get(&app, &uri).await.body(), form);
    }
}

#[tokio::test]
async fn names_of_files_stay_within_their_header() {
    let names = [
        ("a\"; filename=evil.exe; x=\".txt", "attachment; filename=\"a\\\"; filename=evil.exe; x=\\\".txt\""),
        ("a'b.txt", "attachment; filename=a'b.txt"),
        ("caf\u{e9}.txt", "attachment; filename=\"caf_.txt\"; filename*=UTF-8''caf%C3%A9.txt"),
        ("\u{202e}gpj.exe", "attachment; filename=\"_gpj.exe\"; filename*=UTF-8''%E2%80%AEgpj.exe"),
        ("UTF-8''x%2f..%2fy", ""),
        ("a%0d%0aset-cookie: x=1", "attachment; filename=\"a%0d%0aset-cookie: x=1\""),
        ("<img src=x onerror=1>", "attachment; filename=\"<img src=x onerror=1>\""),
    ];
    for db in support::databases().await {
        let app = support::app(db).await;
        for (name, expected) in names {
            let path = format!("team/{}", encoded(name));
            let status = put(&app, &path, "x").await;
            if expected.is_empty() {
                assert_eq!(status, 400, "{name}");
                continue;
            }
            assert_eq!(status, 200, "{name}");
            let reply = get(&app, &format!("{FILES}/{path}")).await;
            assert_eq!(header(&reply, "content-disposition"), expected);
            assert!(!reply.headers().contains_key("set-cookie"));
        }
    }
}

#[tokio::test]
async fn pages_of_other_sites_neither_store_nor_delete_files() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let owners = Owners::create(&app, "").await;
        put(&app, "team/f", "x").await;
        let upload = format!("/ajax-api/2.0/mlflow/upload-artifact?run_id={}&path=f", owners.run);
        for origin in ["http://evil.example", "null"] {
            for (method, uri) in [
                (Method::PUT, format!("{FILES}/team/f")),
                (Method::PUT, format!("{FILES}/team/g")),
                (Method::DELETE, format!("{FILES}/team/f")),
                (Method::POST, upload.clone()),
            ] {
                let headers = [("origin", origin), ("content-type", "text/plain")];
                assert_eq!(ask(&app, method.clone(), &uri, &headers, "y").await.status(), 403, "{method} {origin}");
            }
        }
        assert_eq!(get(&app, &format!("{FILES}/team/f")).await.body(), "x");
        assert_eq!(get(&app, &format!("{FILES}/team/g")).await.status(), 404);
    }
}
