//! Names that look like others, names of the store's own, and what files and directories of one name do to each other.

use std::fs;

use axum::body::Body;
use axum::http::Method;
use bytes::Bytes;
use futures_util::future::join;
use futures_util::stream;
use serde_json::json;
use tokio::sync::mpsc;

use super::sinks::{Owners, ask, sinks, tree};
use super::{FILES, encoded, get, json_of, put, send};
use crate::support::{self, App};

fn unfinished(app: &App) -> usize {
    fs::read_dir(app.directory().join("artifacts/.windvane-uploads")).unwrap().count()
}

#[tokio::test]
async fn names_that_look_like_others_are_names_of_their_own() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let names = [
            "．．／secret",
            "‥",
            "a∕b",
            "a⁄b",
            "caf\u{e9}",
            "cafe\u{301}",
            "K",
            "\u{212a}",
            "name.part",
            "windvane.db",
            "100%",
            "img%step%23%timestamp%17%0a1b",
            "a ( ) + = b",
            "\u{202e}gnp.exe",
            "~",
            "-rf",
            "nul",
            "a:b",
            "$(id)`id`;|&",
            "'\"<b>",
        ];
        for name in names {
            assert_eq!(put(&app, &format!("team/{}", encoded(name)), name).await, 200, "{name}");
        }

        for name in names {
            let read = get(&app, &format!("{FILES}/team/{}", encoded(name))).await;
            assert_eq!((read.status().as_u16(), read.body()), (200, &Bytes::from(name)), "{name}");
        }
        let listed = json_of(&get(&app, &format!("{FILES}?path=team")).await);
        let mut listed: Vec<&str> =
            listed["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
        listed.sort_unstable();
        let mut expected = names;
        expected.sort_unstable();
        assert_eq!(listed, expected);
        // A file called as the database is no database.
        app.still_serving().await;
    }
}

#[tokio::test]
async fn what_is_being_uploaded_is_seen_by_nobody() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let owners = Owners::create(&app, "").await;
        let (sender, receiver) = mpsc::unbounded_channel::<std::io::Result<Bytes>>();
        let body = Body::from_stream(stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|chunk| (chunk, receiver))
        }));
        let uploads = app.directory().join("artifacts/.windvane-uploads");
        let upload = put(&app, "team/d/f", body);
        let attack = async {
            sender.send(Ok(Bytes::from(vec![b'x'; 1 << 20]))).unwrap();
            while unfinished(&app) == 0 {
                tokio::task::yield_now().await;
            }
            let name = fs::read_dir(&uploads).unwrap().next().unwrap().unwrap().file_name().into_string().unwrap();
            for path in [format!(".windvane-uploads/{name}"), ".windvane-uploads".to_owned()] {
                for sink in sinks().into_iter().filter(|sink| !sink.is_unsupported) {
                    assert_eq!(ask(&app, &sink, "", &owners, &path).await.status(), 400, "{path}");
                }
            }
            assert_eq!(get(&app, &format!("{FILES}/team/d/f")).await.status(), 404);
            assert_eq!(json_of(&get(&app, FILES).await), json!({}));
            drop(sender);
        };

        let (status, ()) = join(upload, attack).await;

        assert_eq!(status, 200);
        assert_eq!(get(&app, &format!("{FILES}/team/d/f")).await.body().len(), 1 << 20);
        assert_eq!(unfinished(&app), 0);
    }
}

#[tokio::test]
async fn of_a_file_and_what_would_lie_beneath_it_the_second_is_a_conflict() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let owners = Owners::create(&app, "").await;
        let root = format!("0/{}/artifacts", owners.run);
        let upload = async |path: &str| {
            let uri = format!("/ajax-api/2.0/mlflow/upload-artifact?run_id={}&path={path}", owners.run);
            send(&app, Method::POST, &uri, "x").await.status().as_u16()
        };

        assert_eq!(
            (put(&app, &format!("{root}/a"), "x").await, put(&app, &format!("{root}/a/b"), "y").await),
            (200, 409)
        );
        assert_eq!(
            (put(&app, &format!("{root}/b/c"), "x").await, put(&app, &format!("{root}/b"), "y").await),
            (200, 409)
        );
        assert_eq!((upload("c").await, upload("c/d").await), (200, 409));
        assert_eq!((upload("d/e").await, upload("d").await), (200, 409));

        let files = tree(&app.directory().join("artifacts").join(root)).into_values().filter(|file| !file.is_empty());
        assert!(files.eq(["x", "x", "x", "x"].map(|text| text.as_bytes().to_vec())));
        assert_eq!(unfinished(&app), 0);
    }
}

#[tokio::test]
async fn a_file_and_what_would_lie_beneath_it_sent_at_once_leave_one_of_them_whole() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let root = "0/r/artifacts";
        for round in 0..40 {
            let (file, beneath) = (format!("{root}/{round}"), format!("{root}/{round}/d/f"));
            let size = if round % 2 == 0 { 10 } else { 300_000 };

            let statuses = join(put(&app, &file, vec![b'a'; size]), put(&app, &beneath, vec![b'b'; size])).await;

            let stored = match statuses {
                (200, 409) => (file, beneath, b'a'),
                (409, 200) => (beneath, file, b'b'),
                other => panic!("{other:?} in round {round}"),
            };
            let (whole, refused, byte) = stored;
            assert_eq!(get(&app, &format!("{FILES}/{whole}")).await.body(), &vec![byte; size]);
            let status = get(&app, &format!("{FILES}/{refused}")).await.status();
            assert!([400, 404].contains(&status.as_u16()), "{status}");
            assert!(app.store().find_file_record(&refused).await.unwrap().is_none());
        }
        assert_eq!(unfinished(&app), 0);
    }
}

#[tokio::test]
async fn nothing_above_the_files_of_one_run_or_model_is_deleted() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let owners = Owners::create(&app, "").await;
        let (_, claimed) = app.new_run(Some("mlflow-artifacts:/team/north")).await;
        let files = [
            format!("0/{}/artifacts/f", owners.run),
            format!("0/models/{}/artifacts/f", owners.model),
            format!("team/north/{claimed}/artifacts/f"),
        ];
        for file in &files {
            assert_eq!(put(&app, file, "x").await, 200);
        }
        let before = tree(&app.directory().join("artifacts"));

        for file in &files {
            let mut path = file.as_str();
            while let Some((directory, _)) = path.rsplit_once('/') {
                path = directory;
                if path == "team" {
                    // Nobody's directory: that it goes would take the claimed ones with it.
                    continue;
                }
                for spelled in [
                    path.to_owned(),
                    format!("{path}/"),
                    encoded(path),
                    path.replace('/', "//"),
                    path.replace('/', "/./"),
                ] {
                    let reply = send(&app, Method::DELETE, &format!("{FILES}/{spelled}"), Body::empty()).await;
                    assert_eq!(reply.status(), 400, "{spelled}");
                }
            }
        }
        let team = send(&app, Method::DELETE, &format!("{FILES}/team"), Body::empty()).await;

        assert_eq!(team.status(), 400, "it holds the directory of an experiment");
        assert_eq!(tree(&app.directory().join("artifacts")), before);
    }
}
