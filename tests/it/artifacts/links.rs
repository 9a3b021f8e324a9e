//! What someone with an account on the machine may put into the tree: links, pipes, devices, second names.

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::http::Method;

use super::sinks::{Owners, ask, sinks, tree};
use super::{FILES, get, json_of, put, send};
use crate::support::{self, Database};

#[tokio::test]
async fn planted_links_and_devices_are_followed_and_shown_by_no_route() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let owners = Owners::create(&app, "").await;
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("f"), "outside").unwrap();
        put(&app, "0/other/artifacts/f", "theirs").await;
        let roots = [format!("0/{}/artifacts", owners.run), format!("0/models/{}/artifacts", owners.model)];
        let targets = [
            ("to_a_directory", outside.path()),
            ("to_a_file", &outside.path().join("f")),
            ("to_another_run", Path::new("../../other/artifacts")),
            ("to_itself", Path::new("to_itself")),
            ("to_a_device", Path::new("/dev/zero")),
            ("to_the_environment", Path::new("/proc/self/environ")),
            ("to_the_root", Path::new("/proc/self/root")),
            ("to_a_pipe", Path::new("pipe")),
            ("to_nothing", Path::new("nothing")),
        ];
        for root in &roots {
            put(&app, &format!("{root}/mine"), "mine").await;
            let directory = app.directory().join("artifacts").join(root);
            for (name, target) in targets {
                symlink(target, directory.join(name)).unwrap();
            }
            assert!(Command::new("mkfifo").arg(directory.join("pipe")).status().unwrap().success());
            // Only root may make a device; a link to one is there in any case.
            let _ = Command::new("mknod").arg(directory.join("device")).args(["c", "1", "5"]).output();
        }
        let unchanged = tree(outside.path());

        let planted = targets.iter().map(|(name, _)| *name).chain(["pipe", "device"]);
        for name in planted.flat_map(|name| [name.to_owned(), format!("{name}/f")]) {
            for sink in sinks().into_iter().filter(|sink| [Method::GET, Method::HEAD].contains(&sink.method)) {
                let reply = ask(&app, &sink, "", &owners, &name).await;
                if sink.is_unsupported {
                    continue;
                }
                let text = String::from_utf8_lossy(reply.body());
                let is_empty_listing = sink.is_listing
                    && reply.status() == 200
                    && !text.contains("\"name\"")
                    && !text.contains("\"files\":[{");
                assert!(reply.status() == 404 || is_empty_listing, "{name}: {} {text}", reply.status());
                // The store's own route names files from its root.
                let proxied = get(&app, &format!("{FILES}/{}/{name}", roots[0])).await;
                assert_eq!(proxied.status(), 404, "{name}");
            }
        }
        for listing in ["/api/2.0/mlflow/artifacts/list?run_id=", "/api/windvane/v1/artifacts?run_id="] {
            let listed = json_of(&get(&app, &format!("{listing}{}", owners.run)).await)["files"].clone();
            assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
        }
        let archive = get(&app, &format!("/api/windvane/v1/export/artifacts?run_id={}", owners.run)).await;
        assert!(!archive.body().windows(7).any(|bytes| bytes == b"outside"));

        for (name, _) in targets {
            let link = format!("{FILES}/{}/{name}", roots[0]);
            assert_eq!(put(&app, &format!("{}/{name}/f", roots[0]), "x").await, 409, "{name}");
            assert_eq!(send(&app, Method::DELETE, &format!("{link}/f"), Body::empty()).await.status(), 200);
            assert_eq!(send(&app, Method::DELETE, &link, Body::empty()).await.status(), 200);
            assert!(fs::symlink_metadata(app.directory().join("artifacts").join(&roots[0]).join(name)).is_err());
        }
        assert_eq!(tree(outside.path()), unchanged);
        assert!(fs::metadata("/dev/zero").unwrap().file_type().is_char_device());
        assert_eq!(get(&app, &format!("{FILES}/0/other/artifacts/f")).await.body(), "theirs");
        app.still_serving().await;
    }
}

#[tokio::test]
async fn a_file_with_a_second_name_is_served_by_no_route() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let owners = Owners::create(&app, "").await;
        let secret = app.directory().join("secret");
        fs::write(&secret, "secret").unwrap();
        for root in [format!("0/{}/artifacts", owners.run), format!("0/models/{}/artifacts", owners.model)] {
            put(&app, &format!("{root}/mine"), "mine").await;
            fs::hard_link(&secret, app.directory().join("artifacts").join(root).join("theirs")).unwrap();
        }

        for sink in sinks().into_iter().filter(|sink| [Method::GET, Method::HEAD].contains(&sink.method)) {
            for path in ["theirs", ""] {
                let reply = ask(&app, &sink, "", &owners, path).await;
                assert!(
                    !reply.body().windows(6).any(|bytes| bytes == b"secret" || bytes == b"theirs")
                        || reply.status() == 404
                );
                assert!(path.is_empty() || sink.is_listing || sink.is_unsupported || reply.status() == 404);
            }
        }
        let file = format!("{FILES}/0/{}/artifacts/theirs", owners.run);
        assert_eq!(get(&app, &file).await.status(), 404);
        assert_eq!(put(&app, file.trim_start_matches(FILES).trim_start_matches('/'), "new").await, 200);

        assert_eq!(get(&app, &file).await.body(), "new");
        assert_eq!(fs::read_to_string(secret).unwrap(), "secret");
    }
}

/// Says when it is dropped, so that a thread ends with a test that fails.
struct Ended(Arc<AtomicBool>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// How often a directory that keeps turning into a link is read and written.
const ROUNDS: usize = 250;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_keeps_turning_into_a_link_never_leads_out_through_a_route() {
    // No database has a part in it.
    let app = support::app(Database::sqlite()).await;
    let owners = Owners::create(&app, "").await;
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("f"), "outside").unwrap();
    fs::write(outside.path().join("secret"), "outside").unwrap();
    let unchanged = tree(outside.path());
    let root = format!("0/{}/artifacts", owners.run);
    put(&app, &format!("{root}/d/f"), "inside").await;
    let directory = app.directory().join("artifacts").join(&root).join("d");
    let aside = app.directory().join("aside");
    let is_done = Arc::new(AtomicBool::new(false));
    let ended = Ended(is_done.clone());
    let target = outside.path().to_owned();
    let swapper = std::thread::spawn(move || {
        let mut swaps = 0;
        while !is_done.load(Ordering::Relaxed) {
            // An upload may have made the directory anew meanwhile; then there is nothing to swap this time.
            if fs::rename(&directory, &aside).is_ok() && symlink(&target, &directory).is_ok() {
                let _ = fs::remove_file(&directory);
                swaps += 1;
            }
            if fs::rename(&aside, &directory).is_err() {
                let _ = fs::remove_dir_all(&aside);
            }
        }
        swaps
    });

    let run = &owners.run;
    for round in 0..ROUNDS {
        let path = format!("{FILES}/{root}/d");
        for uri in [format!("{path}/f"), format!("/get-artifact?run_id={run}&path=d/f")] {
            let read = get(&app, &uri).await;
            assert!(read.status() == 404 || read.body() == "inside", "{read:?}");
        }
        for uri in [format!("{FILES}?path={root}/d"), format!("/api/2.0/mlflow/artifacts/list?run_id={run}&path=d")] {
            let listed = get(&app, &uri).await;
            assert!(!listed.body().windows(6).any(|bytes| bytes == b"secret"), "{listed:?}");
        }
        let upload = format!("/ajax-api/2.0/mlflow/upload-artifact?run_id={run}&path=d/g{round}");
        let written = [
            put(&app, &format!("{root}/d/f"), "inside").await,
            send(&app, Method::POST, &upload, "inside").await.status().as_u16(),
        ];
        assert!(written.iter().all(|status| [200, 409].contains(status)), "{written:?}");
        let deleted = send(&app, Method::DELETE, &format!("{path}/g{round}"), Body::empty()).await;
        assert_eq!(deleted.status(), 200);
    }
    drop(ended);

    assert!(swapper.join().unwrap() > 0);
    assert_eq!(tree(outside.path()), unchanged);
    assert_eq!(fs::read_dir(app.directory().join("artifacts/.windvane-uploads")).unwrap().count(), 0);
    app.still_serving().await;
}
