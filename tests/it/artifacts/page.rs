//! Files of a run that are shown as pages, and those that a page shows.

use axum::body::Body;
use axum::http::Method;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};

use super::{get, get_with, message, put, send};
use crate::support::{self, App};

const SHUT_IN: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; \
     media-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";
const SCRIPTED: &str = "sandbox allow-scripts; script-src 'unsafe-inline' 'unsafe-eval'; default-src 'none'; \
     style-src 'unsafe-inline'; img-src data: blob:; font-src data:; media-src data:; frame-ancestors 'self'; \
     base-uri 'none'; form-action 'none'";

async fn run_with(app: &App, files: &[(&str, &str)]) -> String {
    let (experiment, run) = app.new_run(None).await;
    for (name, text) in files {
        assert_eq!(put(app, &format!("{experiment}/{run}/artifacts/{name}"), (*text).to_owned()).await, 200);
    }
    run
}

#[tokio::test]
async fn a_page_is_shown_in_a_sandbox_and_runs_scripts_only_if_asked_to() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let text = "<h1>é</h1><script>alert(1)</script>";
        let types = [
            ("d/a.html", "text/html; charset=utf-8"),
            ("a.HTM", "text/html; charset=utf-8"),
            ("a.xhtml", "text/html; charset=utf-8"),
            ("a.svg", "image/svg+xml"),
        ];
        let run = run_with(&app, &types.map(|(name, _)| (name, text))).await;
        for (name, content_type) in types {
            for (scripts, policy) in
                [("", SHUT_IN), ("&scripts=0", SHUT_IN), ("&scripts=", SHUT_IN), ("&scripts=1", SCRIPTED)]
            {
                let uri = format!("/api/windvane/v1/artifacts/page?run_id={run}&path={name}{scripts}");
                // In a frame, and where a browser does not say where.
                for reply in [get(&app, &uri).await, get_with(&app, &uri, [("sec-fetch-dest", "iframe")]).await] {
                    assert_eq!(reply.status(), 200, "{uri}");
                    assert_eq!(reply.body(), text);
                    assert_eq!(reply.headers()[CONTENT_TYPE], content_type);
                    assert_eq!(reply.headers()["content-disposition"], "inline");
                    assert_eq!(reply.headers()["x-content-type-options"], "nosniff");
                    assert_eq!(reply.headers()["cache-control"], "private, no-store");
                    assert_eq!(reply.headers()["x-frame-options"], "SAMEORIGIN");
                    let policies: Vec<_> = reply.headers().get_all(CONTENT_SECURITY_POLICY).iter().collect();
                    assert_eq!(policies, [policy], "{uri}");
                }
            }
        }

        let uri = format!("/api/windvane/v1/artifacts/page?run_id={run}&path=a.svg");
        let head = send(&app, Method::HEAD, &uri, Body::empty()).await;
        assert_eq!((head.status().as_u16(), head.body().len()), (200, 0));
        assert_eq!(head.headers()["content-length"], text.len().to_string());
        assert_eq!(head.headers()[CONTENT_SECURITY_POLICY], SHUT_IN);
        let alone = [("sec-fetch-dest", "document")];
        let uri = format!("/api/windvane/v1/artifacts/page?run_id={run}&path=a.HTM");
        assert_eq!(get_with(&app, &uri, alone).await.status(), 200);
        assert_eq!(
            message(&get_with(&app, &format!("{uri}&scripts=1"), alone).await),
            "400 A page that may run scripts is shown only within a frame; open it from the files of its run."
        );
    }
}

#[tokio::test]
async fn what_is_no_page_is_refused_with_a_sentence() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run = run_with(&app, &[("a.js", "x"), ("html", "x"), ("d.html/x", "x")]).await;
        let large = app.run().await;
        let directory = app.directory().join(format!("artifacts/0/{large}/artifacts"));
        std::fs::create_dir_all(&directory).unwrap();
        let file = std::fs::File::create(directory.join("large.html")).unwrap();
        file.set_len(32 * 1024 * 1024 + 1).unwrap();
        let ask = async |query: String| message(&get(&app, &format!("/api/windvane/v1/artifacts/page?{query}")).await);

        for name in ["a.js", "html", ".", "a.html.txt"] {
            let refusal = ask(format!("run_id={run}&path={name}")).await;
            assert!(refusal.starts_with("400 Invalid value") && refusal.contains("'path'"), "{refusal}");
            assert!(refusal.ends_with("only .html, .htm, .xhtml and .svg are shown as pages; download other files."));
        }
        assert!(ask(format!("run_id={run}&path=no.html")).await.starts_with("404 No such artifact"));
        assert!(ask(format!("run_id={run}&path=d.html")).await.starts_with("400 "));
        assert!(ask(format!("run_id={run}&path=../a.html")).await.starts_with("400 Invalid path"));
        assert_eq!(ask(format!("run_id={}&path=a.html", "7".repeat(32))).await.split_once(' ').unwrap().0, "404");
        assert!(ask("path=a.html".to_owned()).await.contains("'run_id'"));
        assert!(ask(format!("run_id={run}")).await.contains("'path'"));
        let refusal = ask(format!("run_id={run}&path=a.html&scripts=yes")).await;
        assert_eq!(refusal, "400 Invalid value yes for parameter 'scripts' supplied: it must be 0 or 1.");
        assert_eq!(
            ask(format!("run_id={large}&path=large.html")).await,
            "413 The file has 33554433 bytes; at most 33554432 are shown as a page. Download it instead."
        );
    }
}

#[tokio::test]
async fn what_a_page_plays_or_shows_has_a_type_and_comes_in_parts() {
    let app = support::app(support::Database::sqlite()).await;
    let types = [
        ("a.mp4", "video/mp4"),
        ("a.webm", "video/webm"),
        ("a.ogv", "video/ogg"),
        ("a.mp3", "audio/mpeg"),
        ("a.wav", "audio/wav"),
        ("a.ogg", "audio/ogg"),
        ("a.flac", "audio/flac"),
        ("a.m4a", "audio/m4a"),
        ("a.pdf", "application/pdf"),
        ("a.png", "image/png"),
        ("a.jpg", "image/jpeg"),
        ("a.jpeg", "image/jpeg"),
        ("a.gif", "image/gif"),
        ("a.webp", "image/webp"),
        ("a.avif", "image/avif"),
        ("a.svg", "image/svg+xml"),
        ("a.bmp", "image/bmp"),
    ];
    let run = run_with(&app, &types.map(|(name, _)| (name, "0123456789"))).await;
    for (name, content_type) in types {
        let uri = format!("/get-artifact?run_id={run}&path={name}");
        let part = get_with(&app, &uri, [("range", "bytes=2-4")]).await;

        assert_eq!((part.status().as_u16(), part.body().as_ref()), (206, b"234".as_slice()), "{name}");
        assert_eq!(part.headers()["content-range"], "bytes 2-4/10");
        assert_eq!(part.headers()["accept-ranges"], "bytes");
        assert_eq!(part.headers()[CONTENT_TYPE], content_type, "{name}");
        assert_eq!(get(&app, &uri).await.headers()["content-length"], "10");
    }
}
