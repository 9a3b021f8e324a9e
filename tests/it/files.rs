//! What artifacts may take up, whose directories they lie in, and directories as pages and archives.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read};
use std::os::unix::fs::symlink;

use axum::body::Body;
use axum::http::{Method, Request, Response};
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{self, App};

const FILES: &str = "/api/2.0/mlflow-artifacts/artifacts";
const OWN: &str = "/api/windvane/v1";

async fn send(app: &App, method: Method, uri: &str, body: Body) -> Response<Bytes> {
    app.send(Request::builder().method(method).uri(uri).body(body).expect("a valid request")).await
}

async fn put(app: &App, path: &str, body: impl Into<Body>) -> u16 {
    send(app, Method::PUT, &format!("{FILES}/{path}"), body.into()).await.status().as_u16()
}

async fn delete(app: &App, path: &str) -> u16 {
    send(app, Method::DELETE, &format!("{FILES}/{path}"), Body::empty()).await.status().as_u16()
}

async fn get(app: &App, uri: &str) -> Response<Bytes> {
    send(app, Method::GET, uri, Body::empty()).await
}

fn json_of(reply: &Response<Bytes>) -> Value {
    serde_json::from_slice(reply.body()).expect("a JSON body")
}

/// A body of `pieces` times a KiB that does not say its length.
fn chunked(pieces: usize) -> Body {
    Body::from_stream(stream::iter((0..pieces).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 1024]))))
}

fn unfinished(app: &App) -> usize {
    fs::read_dir(app.directory().join("artifacts/.windvane-uploads")).unwrap().count()
}

#[tokio::test]
async fn how_a_file_was_stored_is_recorded_and_forgotten_with_it() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (experiment, run) = app.new_run(None).await;
        let file = format!("{experiment}/{run}/artifacts/d/f");
        let digest = |text: &[u8]| -> [u8; 32] { Sha256::digest(text).into() };

        put(&app, &file, "old").await;
        put(&app, &file, chunked(500)).await;
        let recorded = app.store().find_file_record(&file).await.unwrap().unwrap();
        delete(&app, &format!("{experiment}/{run}/artifacts/d")).await;

        assert_eq!((recorded.size_bytes, recorded.sha256), (512_000, digest(&vec![b'x'; 512_000])));
        assert_eq!(app.store().find_file_record(&file).await.unwrap(), None);
    }
}

#[tokio::test]
async fn of_many_who_overwrite_a_file_at_once_the_recorded_one_is_the_one_that_stays() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (experiment, run) = app.new_run(None).await;
        let file = format!("{experiment}/{run}/artifacts/f");
        let writes = (1..=40).map(|number| put(&app, &file, vec![number as u8; number * 1_000]));

        assert!(join_all(writes).await.into_iter().all(|status| status == 200));

        let stored = get(&app, &format!("{FILES}/{file}")).await;
        let recorded = app.store().find_file_record(&file).await.unwrap().unwrap();
        assert_eq!(recorded.size_bytes as usize, stored.body().len());
        assert_eq!(recorded.sha256, <[u8; 32]>::from(Sha256::digest(stored.body())));
    }
}

#[tokio::test]
async fn a_file_above_its_limit_is_refused_whether_or_not_it_says_its_size() {
    for db in support::databases().await {
        let app = support::app_with(db, &[("artifact_file_limit_mib", "1")]).await;
        let (experiment, run) = app.new_run(None).await;
        let file = format!("{experiment}/{run}/artifacts/f");

        assert_eq!(put(&app, &file, chunked(1024)).await, 200);
        for body in [chunked(1025), Body::from(vec![0; (1 << 20) + 1])] {
            assert_eq!(put(&app, &file, body).await, 413);
        }

        assert_eq!(get(&app, &format!("{FILES}/{file}")).await.body().len(), 1 << 20);
        assert_eq!(unfinished(&app), 0);
    }
}

#[tokio::test]
async fn what_says_that_it_will_be_too_large_is_refused_before_it_arrives() {
    for db in support::databases().await {
        let limits = [("artifact_file_limit_mib", "2"), ("artifact_run_limit_mib", "1")];
        let app = support::app_with(db, &limits).await;
        let (experiment, run) = app.new_run(None).await;
        let file = format!("{FILES}/{experiment}/{run}/artifacts/f");

        // Nothing of what they announce arrives but one byte, so only the announcement can be refused.
        for (announced, status) in [((2 << 20) + 1, 413), ((1 << 20) + 1, 507), (1 << 20, 200)] {
            let request = Request::put(&file).header("content-length", announced).body(Body::from("x")).unwrap();
            assert_eq!(app.send(request).await.status().as_u16(), status, "{announced}");
        }
    }
}

#[tokio::test]
async fn the_files_of_a_run_stay_within_its_limit_however_many_arrive_at_once() {
    for db in support::databases().await {
        let app = support::app_with(db, &[("artifact_run_limit_mib", "1")]).await;
        let (experiment, run) = app.new_run(None).await;
        let root = format!("{experiment}/{run}/artifacts");
        let paths: Vec<String> = (0..20).map(|number| format!("{root}/{number}")).collect();

        // Each a tenth of what is allowed, and a little more.
        let statuses = join_all(paths.iter().map(|path| put(&app, path, chunked(103)))).await;
        let stored = statuses.iter().filter(|status| **status == 200).count();
        let used = app.store().directory_usage(&root).await.unwrap();
        assert!(statuses.iter().all(|status| [200, 507].contains(status)), "{statuses:?}");
        assert!(stored <= 9 && used.files == stored as u64 && used.bytes <= 1 << 20, "{statuses:?} {used:?}");
        for path in &paths[..20 - stored] {
            put(&app, path, chunked(103)).await;
        }
        let kept = app.store().directory_usage(&root).await.unwrap().files;
        assert_eq!(kept, 9, "what was refused is given back");

        // What replaces a file counts instead of it, and what is deleted no more.
        let mut full = String::new();
        for path in &paths {
            if app.store().find_file_record(path).await.unwrap().is_some() {
                full.clone_from(path);
            }
        }
        assert_eq!(put(&app, &full, chunked(103)).await, 200);
        assert_eq!(put(&app, &full, chunked(203)).await, 507);
        assert_eq!(delete(&app, &full).await, 200);
        assert_eq!(put(&app, &format!("{root}/new"), chunked(201)).await, 507);
        assert_eq!(put(&app, &format!("{root}/new"), chunked(200)).await, 200);
        let (other_experiment, other) = app.new_run(Some("mlflow-artifacts:/team")).await;
        assert_eq!(put(&app, &format!("team/{other}/artifacts/f"), chunked(1000)).await, 200, "{other_experiment}");
        assert_eq!(put(&app, &format!("team/{other}/artifacts/g"), chunked(100)).await, 507);
        assert_eq!(unfinished(&app), 0);
        app.still_serving().await;
    }
}

#[tokio::test]
async fn a_run_has_at_most_so_many_files_and_a_logged_model_of_its_experiment_too() {
    for db in support::databases().await {
        let app = support::app_with(db, &[("artifact_run_files", "3")]).await;
        let (experiment, run) = app.new_run(None).await;

        for root in [format!("{experiment}/{run}/artifacts"), format!("{experiment}/models/m-1/artifacts")] {
            let files: Vec<String> = (0..10).map(|number| format!("{root}/deep/{number}")).collect();
            let statuses = join_all(files.iter().map(|file| put(&app, file, ""))).await;
            assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 3, "{statuses:?}");
            assert_eq!(statuses.iter().filter(|status| **status == 507).count(), 7, "{statuses:?}");
        }
        let refusal = send(
            &app,
            Method::POST,
            &format!("/ajax-api/2.0/mlflow/upload-artifact?run_id={run}&path=one+more"),
            Body::from("x"),
        )
        .await;
        assert_eq!((refusal.status().as_u16(), &json_of(&refusal)["error_code"]), (507, &json!("RESOURCE_EXHAUSTED")));
    }
}

#[tokio::test]
async fn uploads_leave_free_what_the_administrator_wants_free() {
    for db in support::databases().await {
        let app = support::app_with(db, &[("artifact_free_space_mib", "1000000000")]).await;
        let (experiment, run) = app.new_run(None).await;

        assert_eq!(put(&app, &format!("{experiment}/{run}/artifacts/f"), "x").await, 507);

        assert_eq!(get(&app, &format!("{FILES}/{experiment}/{run}/artifacts/f")).await.status(), 404);
        assert_eq!(unfinished(&app), 0);
    }
}

#[tokio::test]
async fn directories_of_experiments_are_not_deleted_whatever_they_are_called() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (_, run) = app.new_run(Some("mlflow-artifacts:/team/north")).await;
        assert_eq!(put(&app, &format!("team/north/{run}/artifacts/a/b"), "x").await, 200);
        assert_eq!(put(&app, "elsewhere/a", "x").await, 200);

        let whole = ["team", "team/north", &format!("team/north/{run}"), &format!("team/north/{run}/artifacts")];
        for path in whole {
            assert_eq!(delete(&app, path).await, 400, "{path}");
        }
        assert_eq!(delete(&app, &format!("team/north/{run}/artifacts/a")).await, 200);
        assert_eq!(delete(&app, "elsewhere").await, 200);
    }
}

#[tokio::test]
async fn of_a_shared_directory_only_what_the_server_gave_out_is_opened() {
    for db in support::databases().await {
        let shared = tempfile::tempdir().unwrap();
        let shared = shared.path().canonicalize().unwrap();
        let root = format!("file://{}", shared.display());
        let app = support::app_with(db, &[("default_artifact_root", &root)]).await;
        let (experiment, run) = app.new_run(None).await;
        let directory = shared.join(format!("{experiment}/{run}/artifacts"));
        fs::create_dir_all(directory.join("plots")).unwrap();
        fs::write(directory.join("plots/a b.txt"), "written by a client").unwrap();
        fs::write(shared.join("secret"), "secret").unwrap();
        symlink(shared.join("secret"), directory.join("link")).unwrap();
        fs::hard_link(shared.join("secret"), directory.join("second name")).unwrap();

        let listed = json_of(&get(&app, &format!("/api/2.0/mlflow/artifacts/list?run_id={run}")).await);
        let read = get(&app, &format!("/get-artifact?run_id={run}&path=plots/a+b.txt")).await;

        assert_eq!(listed["root_uri"], format!("{root}/{experiment}/{run}/artifacts"));
        assert_eq!(listed["files"], json!([{ "path": "plots", "is_dir": true }]));
        assert_eq!(read.body(), "written by a client");
        for hidden in ["link", "second+name", "absent"] {
            assert_eq!(get(&app, &format!("/get-artifact?run_id={run}&path={hidden}")).await.status(), 404, "{hidden}");
        }
        let uploaded = format!("/ajax-api/2.0/mlflow/upload-artifact?run_id={run}&path=x");
        assert_eq!(send(&app, Method::POST, &uploaded, Body::from("x")).await.status(), 400, "it is only read");

        // What a client chose is a label, also where it lies beneath the shared directory.
        for (location, name) in [(root.clone(), "secret"), (format!("{root}/{experiment}"), "plots/a+b.txt")] {
            let (_, other) = app.new_run(Some(&location)).await;
            let target = shared.join(&other).join("artifacts");
            fs::create_dir_all(&target).unwrap();
            fs::write(target.join("secret"), "secret").unwrap();
            let listed = json_of(&get(&app, &format!("/api/2.0/mlflow/artifacts/list?run_id={other}")).await);
            assert_eq!(listed.get("files"), None, "{location}");
            assert_eq!(get(&app, &format!("/get-artifact?run_id={other}&path={name}")).await.status(), 404);
        }
    }
}

#[tokio::test]
async fn a_shared_directory_that_is_away_is_empty_and_one_of_former_times_is_still_open() {
    for db in support::databases().await {
        let former = tempfile::tempdir().unwrap();
        let former_root = former.path().canonicalize().unwrap().display().to_string();
        let app = support::app_with(db, &[("default_artifact_root", &former_root)]).await;
        let (experiment, run) = app.new_run(None).await;
        let directory = former.path().join(format!("{experiment}/{run}/artifacts"));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("f"), "x").unwrap();

        let database = app.into_database();
        let app = support::app_with(database, &[("shared_roots", &former_root)]).await;
        assert_eq!(get(&app, &format!("/get-artifact?run_id={run}&path=f")).await.body(), "x");
        drop(former);
        assert_eq!(get(&app, &format!("/get-artifact?run_id={run}&path=f")).await.status(), 404);
        let listed = json_of(&get(&app, &format!("/api/2.0/mlflow/artifacts/list?run_id={run}")).await);
        assert_eq!(listed.get("files"), None);
    }
}

#[tokio::test]
async fn a_directory_of_many_files_is_listed_whole_and_in_pages() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (experiment, run) = app.new_run(None).await;
        let directory = app.directory().join(format!("artifacts/{experiment}/{run}/artifacts/many"));
        fs::create_dir_all(&directory).unwrap();
        let name = |number: usize| format!("f{number}.txt");
        for number in 0..2_345 {
            fs::write(directory.join(name(number)), "x".repeat(number % 3)).unwrap();
        }
        symlink("f1.txt", directory.join("f1200.5")).unwrap();

        let whole = json_of(&get(&app, &format!("/api/2.0/mlflow/artifacts/list?run_id={run}&path=many")).await);
        let proxied = json_of(&get(&app, &format!("{FILES}?path={experiment}/{run}/artifacts/many")).await);
        let mut names = Vec::new();
        let mut token = String::new();
        loop {
            let uri = format!("{OWN}/artifacts?run_id={run}&path=many&max_results=500&page_token={token}");
            let page = json_of(&get(&app, &uri).await);
            assert_eq!(page["entries"], 2_346);
            names
                .extend(page["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap().to_owned()));
            match page.get("next_page_token") {
                Some(next) => token = next.as_str().unwrap().to_owned(),
                None => break,
            }
        }

        let expected: Vec<String> = (0..2_345).map(name).collect();
        assert_eq!(names, expected);
        for (listed, prefix) in [(&whole, "many/"), (&proxied, "")] {
            let files = listed["files"].as_array().unwrap();
            let paths: Vec<&str> = files.iter().map(|file| file["path"].as_str().unwrap()).collect();
            assert_eq!(paths, expected.iter().map(|name| format!("{prefix}{name}")).collect::<Vec<_>>());
            assert_eq!((files[3].get("file_size"), &files[4]["file_size"]), (None, &json!(1)));
        }
        for bad in ["max_results=0", "max_results=10001", "page_token=nonsense", "path=../x"] {
            let refusal = get(&app, &format!("{OWN}/artifacts?run_id={run}&{bad}")).await;
            assert_eq!(refusal.status(), 400, "{bad}");
        }
        assert_eq!(get(&app, &format!("{OWN}/artifacts?run_id={}", "0".repeat(32))).await.status(), 404);
    }
}

#[tokio::test]
async fn an_archive_holds_every_file_of_a_directory_and_nothing_else() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (experiment, run) = app.new_run(None).await;
        let root = format!("{experiment}/{run}/artifacts");
        let mut expected = BTreeMap::new();
        for (name, size) in [("a.txt", 5), ("plots/ü b.png", 700_000), ("plots/deep/er/empty", 0), ("plots/x", 1)] {
            let bytes: Vec<u8> = (0..size).map(|index: u32| (index * 7 % 251) as u8).collect();
            let path = name.replace(' ', "%20").replace('ü', "%C3%BC");
            assert_eq!(put(&app, &format!("{root}/{path}"), bytes.clone()).await, 200);
            expected.insert(name.to_owned(), bytes);
        }
        symlink("/etc/passwd", app.directory().join(format!("artifacts/{root}/plots/link"))).unwrap();

        let whole = get(&app, &format!("{OWN}/export/artifacts?run_id={run}")).await;
        let part = get(&app, &format!("{OWN}/export/artifacts?run_id={run}&path=plots/deep")).await;

        assert_eq!(whole.headers()["content-type"], "application/zip");
        assert_eq!(whole.headers()["content-security-policy"], "sandbox; default-src 'none'");
        assert_eq!(whole.headers()["content-disposition"], "attachment; filename=run.zip");
        assert_eq!(part.headers()["content-disposition"], "attachment; filename=deep.zip");
        assert_eq!(unpacked(whole.body()), expected);
        assert_eq!(unpacked(part.body()), BTreeMap::from([("er/empty".to_owned(), Vec::new())]));
        for (query, status) in [("path=absent", 404), ("path=a.txt", 404), ("path=..", 400), ("path=plots/link", 404)] {
            let refusal = get(&app, &format!("{OWN}/export/artifacts?run_id={run}&{query}")).await;
            assert_eq!(refusal.status().as_u16(), status, "{query}");
        }
    }
}

fn unpacked(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut files = BTreeMap::new();
    for number in 0..archive.len() {
        let mut file = archive.by_index(number).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        files.insert(file.name().unwrap().into_owned(), bytes);
    }
    files
}

#[tokio::test]
async fn where_artifacts_are_not_served_the_store_is_closed() {
    for db in support::databases().await {
        let app = support::app_with(db, &[("serve_artifacts", "false")]).await;

        for (method, uri) in [
            (Method::PUT, format!("{FILES}/0/r/artifacts/f")),
            (Method::GET, format!("{FILES}/0/r/artifacts/f")),
            (Method::GET, FILES.to_owned()),
            (Method::DELETE, format!("{FILES}/0/r/artifacts/f")),
        ] {
            let refusal = send(&app, method.clone(), &uri, Body::from("x")).await;
            assert_eq!((refusal.status().as_u16(), &json_of(&refusal)["error_code"]), (501, &json!("NOT_IMPLEMENTED")));
        }
    }
}
