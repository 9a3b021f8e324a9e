//! The proxied artifact store and the views of one run's files, through the router.

mod browser;
mod links;
mod locations;
mod names;
mod page;
mod paths;
mod sinks;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE};
use axum::http::{Method, Request, Response};
use bytes::Bytes;
use futures_util::stream;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::support::{self, App};

const FILES: &str = "/api/2.0/mlflow-artifacts/artifacts";

async fn send(app: &App, method: Method, uri: &str, body: impl Into<Body>) -> Response<Bytes> {
    app.send(Request::builder().method(method).uri(uri).body(body.into()).expect("a valid request")).await
}

async fn put(app: &App, path: &str, body: impl Into<Body>) -> u16 {
    send(app, Method::PUT, &format!("{FILES}/{path}"), body).await.status().as_u16()
}

async fn get(app: &App, uri: &str) -> Response<Bytes> {
    send(app, Method::GET, uri, Body::empty()).await
}

async fn get_with<const N: usize>(app: &App, uri: &str, headers: [(&str, &str); N]) -> Response<Bytes> {
    let request =
        headers.into_iter().fold(Request::builder().uri(uri), |request, (name, value)| request.header(name, value));
    app.send(request.body(Body::empty()).expect("a valid request")).await
}

fn json_of(reply: &Response<Bytes>) -> Value {
    serde_json::from_slice(reply.body()).expect("a JSON body")
}

fn message(reply: &Response<Bytes>) -> String {
    format!("{} {}", reply.status().as_u16(), json_of(reply)["message"].as_str().expect("a message"))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[tokio::test]
async fn the_files_of_a_run_are_uploaded_listed_and_read() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (experiment, run) = app.new_run(None).await;
        let root = format!("{experiment}/{run}/artifacts");

        assert_eq!(put(&app, &format!("{root}/model/epoch_10.txt"), "ten").await, 200);
        assert_eq!(put(&app, &format!("{root}/model/epoch_2.txt"), "two").await, 200);
        assert_eq!(put(&app, &format!("{root}/a%20b+(c)=1.txt"), "x").await, 200);
        let chunked = Body::from_stream(stream::empty::<std::io::Result<Bytes>>());
        assert_eq!(put(&app, &format!("{root}/empty"), chunked).await, 200);

        let listed = get(&app, &format!("/api/2.0/mlflow/artifacts/list?run_id={run}&run_uuid={run}")).await;
        let expected = json!({
            "root_uri": format!("mlflow-artifacts:/{root}"),
            "files": [
                { "path": "a b+(c)=1.txt", "is_dir": false, "file_size": 1 },
                { "path": "empty", "is_dir": false },
                { "path": "model", "is_dir": true },
            ],
        });
        assert_eq!(json_of(&listed), expected);
        let listed = get(&app, &format!("/api/2.0/mlflow/artifacts/list?run_uuid={run}&path=model%2F")).await;
        let expected = json!([
            { "path": "model/epoch_2.txt", "is_dir": false, "file_size": 3 },
            { "path": "model/epoch_10.txt", "is_dir": false, "file_size": 3 },
        ]);
        assert_eq!(json_of(&listed)["files"], expected);
        let listed = get(&app, &format!("{FILES}?path={root}/model")).await;
        assert_eq!(json_of(&listed)["files"][0], json!({ "path": "epoch_2.txt", "is_dir": false, "file_size": 3 }));
        for absent in [format!("{root}/absent"), format!("{root}/model/epoch_2.txt")] {
            assert_eq!(json_of(&get(&app, &format!("{FILES}?path={absent}")).await), json!({}));
        }

        assert_eq!(get(&app, &format!("{FILES}/{root}/model/epoch_2.txt")).await.body(), "two");
        let read = get(&app, &format!("/get-artifact?run_id={run}&path=a+b%2B(c)%3D1.txt")).await;
        assert_eq!(read.body(), "x");
        assert_eq!(read.headers()["content-disposition"], "attachment; filename=\"a b+(c)=1.txt\"");
    }
}

#[tokio::test]
async fn a_download_cannot_act_as_a_page_of_the_server() {
    for db in support::databases().await {
        let app = support::app(db).await;
        put(&app, "team/page.html", "<script>alert(1)</script>").await;

        let reply = get(&app, &format!("{FILES}/team/page.html")).await;

        let header = |name: &str| reply.headers()[name].to_str().unwrap();
        assert_eq!(header("content-type"), "text/html");
        assert_eq!(header("content-disposition"), "attachment; filename=page.html");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("content-security-policy"), "sandbox; default-src 'none'");
        assert_eq!(header("content-length"), "25");
    }
}

#[tokio::test]
async fn parts_and_versions_of_a_file_are_told_apart() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let uri = format!("{FILES}/team/digits.txt");
        put(&app, "team/digits.txt", "0123456789").await;
        let whole = get(&app, &uri).await;
        let (tag, modified) =
            (whole.headers()[ETAG].to_str().unwrap(), whole.headers()[LAST_MODIFIED].to_str().unwrap());

        let part = get_with(&app, &uri, [(RANGE.as_str(), "bytes=2-4")]).await;
        assert_eq!((part.status().as_u16(), part.body().as_ref()), (206, b"234".as_slice()));
        assert_eq!(part.headers()[CONTENT_RANGE], "bytes 2-4/10");
        assert_eq!(part.headers()[CONTENT_LENGTH], "3");
        assert_eq!(get_with(&app, &uri, [(RANGE.as_str(), "bytes=10-")]).await.status(), 416);
        for (known, status) in [(tag, 206), (modified, 206), ("\"other\"", 200)] {
            let reply = get_with(&app, &uri, [(RANGE.as_str(), "bytes=2-4"), (IF_RANGE.as_str(), known)]).await;
            assert_eq!(reply.status(), status, "{known}");
        }

        assert_eq!(get_with(&app, &uri, [(IF_NONE_MATCH.as_str(), tag)]).await.status(), 304);
        let head = send(&app, Method::HEAD, &uri, Body::empty()).await;
        assert_eq!((head.headers()[CONTENT_LENGTH].as_bytes(), head.body().len()), (b"10".as_slice(), 0));

        put(&app, "team/digits.txt", "9876543210").await;
        assert_eq!(get_with(&app, &uri, [(IF_NONE_MATCH.as_str(), tag)]).await.body(), "9876543210");
    }
}

#[tokio::test]
async fn what_is_not_a_file_is_a_client_error_with_the_text_clients_know() {
    for db in support::databases().await {
        let app = support::app(db).await;
        put(&app, "team/d/f", "x").await;

        let absent = get(&app, &format!("{FILES}/team/d/absent")).await;
        assert_eq!(message(&absent), "404 No such artifact: 'team/d/absent'");
        assert_eq!(json_of(&absent)["error_code"], "RESOURCE_DOES_NOT_EXIST");
        assert_eq!(get(&app, &format!("{FILES}/team/d")).await.status(), 400);
        assert_eq!(put(&app, "team/d", "x").await, 409);
        assert_eq!(put(&app, "team/d/f/g", "x").await, 409);
        assert_eq!(put(&app, "team/d/new/", "x").await, 400);
    }
}

#[tokio::test]
async fn files_and_directories_are_deleted_but_not_the_directories_of_runs() {
    for db in support::databases().await {
        let app = support::app(db).await;
        put(&app, "7/r/artifacts/d/f", "x").await;
        let delete = async |path: &str| send(&app, Method::DELETE, &format!("{FILES}/{path}"), Body::empty()).await;

        for refused in ["7", "7/r", "7/r/artifacts", "7/r/artifacts/", ".", "7%2Fr", "7//r//artifacts"] {
            assert_eq!(delete(refused).await.status(), 400, "{refused}");
        }
        assert_eq!(get(&app, &format!("{FILES}/7/r/artifacts/d/f")).await.status(), 200);
        for _ in 0..2 {
            let reply = delete("7/r/artifacts/d").await;
            assert_eq!((reply.status().as_u16(), reply.body().as_ref()), (200, b"{}".as_slice()));
        }
        assert_eq!(get(&app, &format!("{FILES}/7/r/artifacts/d/f")).await.status(), 404);
    }
}

#[tokio::test]
async fn uploads_of_the_page_say_what_is_missing_and_stop_at_their_limit() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (_, run) = app.new_run(None).await;
        let upload = async |query: &str, body: Vec<u8>| {
            send(&app, Method::POST, &format!("/ajax-api/2.0/mlflow/upload-artifact{query}"), body).await
        };
        let target = format!("?run_id={run}&path=d/f.bin");
        let limit = 10 * 1024 * 1024;

        assert_eq!(message(&upload("", vec![1]).await), "400 Request must specify run_id or run_uuid.");
        assert_eq!(message(&upload(&format!("?run_id={run}"), vec![1]).await), "400 Request must specify path.");
        assert_eq!(message(&upload(&target, vec![]).await), "400 Request must specify data.");
        let refusal = upload(&target, vec![1; limit + 1]).await;
        assert_eq!(message(&refusal), "400 Artifact size is too large. Max size is 10MB.");
        assert_eq!(message(&upload("?run_id=absent&path=f", vec![1]).await), "404 Run with id=absent not found");
        assert_eq!(get(&app, &format!("/get-artifact?run_id={run}&path=d/f.bin")).await.status(), 404);

        assert_eq!(upload(&target, vec![1; limit]).await.status(), 200);
        assert_eq!(get(&app, &format!("/get-artifact?run_id={run}&path=d/f.bin")).await.body().len(), limit);
    }
}

#[tokio::test]
async fn a_location_in_the_store_is_where_the_files_of_the_run_lie() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (_, run) = app.new_run(Some("mlflow-artifacts:/team/north")).await;
        put(&app, &format!("team/north/{run}/artifacts/f"), "x").await;

        assert_eq!(get(&app, &format!("/get-artifact?run_id={run}&path=f")).await.body(), "x");
    }
}

#[tokio::test]
async fn direct_uploads_are_declined_so_that_clients_go_through_the_server() {
    for db in support::databases().await {
        let app = support::app(db).await;

        let reply = send(&app, Method::POST, "/api/2.0/mlflow-artifacts/mpu/create/7/r/artifacts", "{}").await;
        let text = "501 Multipart upload is not supported for the current artifact repository";
        assert_eq!(message(&reply), text);
        assert_eq!(json_of(&reply)["error_code"], "NOT_IMPLEMENTED");
        assert_eq!(get(&app, "/api/2.0/mlflow-artifacts/presigned/7/r/artifacts/f").await.status(), 501);
    }
}
