//! Entity tags: who has an answer already is told so, and nothing else.

use axum::body::Body;
use axum::http::Method;
use serde_json::json;

use super::{get, log_metric};
use crate::support::{self, App, Reply};

const ROWS: &str = "/api/windvane/v1/rows";
const JSON: (&str, &str) = ("content-type", "application/json");

/// `rows` of the default experiment, from a client that has what these tags stand for.
async fn rows(app: &App, known: &str, encoding: &str) -> Reply {
    let request =
        json!({ "experiment_ids": ["0"], "columns": ["metrics.m", "attribute.artifact_uri"], "limit": 1_000 });
    let headers = [JSON, ("if-none-match", known), ("accept-encoding", encoding), ("sec-fetch-mode", "cors")];
    app.request(Method::POST, ROWS, headers, request.to_string()).await
}

#[tokio::test]
async fn an_answer_is_sent_once_and_again_when_it_changed() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        for path in ["keys?kind=metric&experiment_ids=0", "experiments"] {
            let path = format!("/api/windvane/v1/{path}");
            let ask =
                async |known: &str| app.request(Method::GET, &path, [("if-none-match", known)], Body::empty()).await;
            let first = ask("\"other\"").await;
            assert_eq!(first.status, 200);
            let tag = first.header("etag");
            assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{tag}");
            assert_eq!(first.header("cache-control"), "private, no-cache");

            let again = ask(tag).await;

            assert_eq!((again.status, again.body.len()), (304, 0));
            assert_eq!((again.header("etag"), again.header("cache-control")), (tag, "private, no-cache"));
            assert_eq!(again.header("content-type"), "");
            assert!(!again.headers.contains_key("content-length") || again.header("content-length") == "0");
            for known in [&tag[2..], "*", &format!("\"x\", {tag}"), &format!("W/\"x\" ,{tag} , \"y\"")] {
                assert_eq!(ask(known).await.status, 304, "{known}");
            }
            for other in ["", "\"\"", "garbage", "W/", &tag[..tag.len() - 2], "W/\"0-0\""] {
                assert_eq!(ask(other).await.status, 200, "{other}");
            }
            log_metric(&app, &run_id, "m", 1).await;
            app.new_run_in("0", "another", 2).await;
            let changed = ask(tag).await;
            assert_eq!(changed.status, 200);
            assert_ne!(changed.header("etag"), tag);
        }
    }
}

#[tokio::test]
async fn a_table_is_sent_again_only_where_a_cell_of_it_changed() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        log_metric(&app, &run_id, "m", 1).await;
        let tag = rows(&app, "", "").await.header("etag").to_owned();

        log_metric(&app, &run_id, "beside", 1).await;
        assert_eq!(rows(&app, &tag, "").await.status, 304);
        let point = json!({ "run_id": run_id, "key": "m", "value": 2, "timestamp": 2, "step": 2 });
        app.post("runs/log-metric", point).await.expect_ok();
        assert_eq!(rows(&app, &tag, "").await.status, 200);
    }
}

#[tokio::test]
async fn a_compressed_answer_has_the_tag_of_the_plain_one() {
    for db in support::databases().await {
        let app = support::app(db).await;
        for number in 0..400 {
            app.new_run_in("0", "run", number).await;
        }
        let plain = rows(&app, "", "identity").await;
        let tag = plain.header("etag");
        assert!(plain.body.len() > 40_000 && plain.header("content-encoding").is_empty());

        for encoding in ["gzip", "br, gzip;q=0.5", "zstd"] {
            let packed = rows(&app, "\"other\"", encoding).await;
            assert_eq!(packed.status, 200);
            assert_eq!(packed.header("etag"), tag, "{encoding}");
            assert!(packed.header("vary").to_ascii_lowercase().contains("accept-encoding"), "{encoding}");

            let known = rows(&app, tag, encoding).await;

            assert_eq!((known.status, known.body.len()), (304, 0), "{encoding}");
            assert_eq!((known.header("etag"), known.header("content-encoding")), (tag, ""));
        }
        let packed = rows(&app, "", "gzip").await;
        assert_eq!(packed.header("content-encoding"), "gzip");
        assert!(packed.body.len() < plain.body.len() / 2);
    }
}

#[tokio::test]
async fn what_is_no_success_or_never_the_same_has_no_tag() {
    let app = support::app(support::Database::sqlite()).await;

    let refused = get(&app, "keys?kind=x").await;
    let changes = get(&app, "changes").await;
    let known = [("if-none-match", "*")];
    let refused_again = app.request(Method::GET, "/api/windvane/v1/keys?kind=x", known, Body::empty()).await;

    assert_eq!((refused.status, refused.header("etag")), (400, ""));
    assert_eq!((changes.status, changes.header("etag")), (200, ""));
    assert_eq!(refused_again.status, 400);
}

#[tokio::test]
async fn the_head_of_an_answer_has_its_tag() {
    let app = support::app(support::Database::sqlite()).await;
    let tag = get(&app, "experiments").await.header("etag").to_owned();

    let head = app.request(Method::HEAD, "/api/windvane/v1/experiments", [], Body::empty()).await;

    assert_eq!((head.status, head.header("etag"), head.body.len()), (200, tag.as_str(), 0));
}
