//! Uploads that do not come to their end: what was there before stays, and nothing is left of them.

use std::sync::mpsc;

use super::{
    Arriving, FILES, descriptors, eventually, get, log_one, names, new_run, number_of, put, unfinished, version,
};
use crate::support::server::{Client, Server};
use crate::support::{Database, databases};

#[test]
fn a_client_that_goes_away_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let mut client = Client::new(directory.path());
    let before = version(1, 2);
    for path in ["0/r/artifacts/warm", "0/r/artifacts/d/old"] {
        assert_eq!(put(&mut client, path, &before), 200);
        assert_eq!(client.send("DELETE", &format!("{FILES}/0/r/artifacts/warm"), b"").unwrap().status, 200);
    }
    let open = descriptors(&server);
    let arriving = vec![7; 3_000_000];

    for path in ["0/r/artifacts/d/old", "0/r/artifacts/new/e/f"] {
        for length in [Some(arriving.len()), None] {
            for sent in [0, 1, 20_000, 40_000, 300_000, arriving.len() - 1] {
                for goes_quietly in [true, false] {
                    let mut upload = Arriving::begin(directory.path(), path, length);
                    if sent > 0 {
                        upload.send(&arriving[..sent]);
                    }
                    if sent >= 40_000 {
                        eventually(|| unfinished(directory.path()) == [sent as u64]);
                    }
                    if goes_quietly {
                        upload.end_early()
                    } else {
                        drop(upload)
                    }
                    // Without a file on the disk, the connection is what goes last.
                    eventually(|| unfinished(directory.path()).is_empty() && descriptors(&server) <= open);
                }
            }
        }
    }

    assert!(get(&mut client, "0/r/artifacts/d/old") == Some(before));
    assert_eq!(get(&mut client, "0/r/artifacts/new/e/f"), None);
    assert_eq!(names(&mut client, "0/r/artifacts"), ["d"], "not even directories");
    assert_eq!(names(&mut client, "0/r/artifacts/d"), ["old"]);
    assert!(server.terminate().success());
}

/// Each writer of this test has files of its own, and overwrites them in turn.
const WRITERS: u64 = 4;
const FILES_OF_A_WRITER: u64 = 3;
const KILLS: u64 = 4;

/// What is known about a file: the last version that was acknowledged, and the last that was sent.
#[derive(Clone, Copy, Default)]
struct Known {
    acknowledged: Option<u64>,
    sent: u64,
}

fn path_of(file: u64) -> String {
    format!("0/w{}/f{file}", file / FILES_OF_A_WRITER)
}

/// Overwrites the files of one writer until the server dies.
fn overwrite(client: &mut Client, known: &mut [Known], first: u64, acknowledged: &mpsc::Sender<()>) {
    loop {
        for (file, known) in (first..).zip(known.iter_mut()) {
            known.sent += 1;
            match client.send("PUT", &format!("{FILES}/{}", path_of(file)), &version(file, known.sent)) {
                Ok(answer) => assert_eq!(answer.status, 200),
                Err(_) => return,
            }
            known.acknowledged = Some(known.sent);
            let _ = acknowledged.send(());
        }
    }
}

#[track_caller]
fn audit(client: &mut Client, known: &[Known]) {
    for (file, known) in (0..).zip(known) {
        let found = get(client, &path_of(file)).map(|bytes| number_of(file, &bytes));
        let lost = known.acknowledged > found;
        assert!(!lost, "file {file}: version {:?} was acknowledged, {found:?} is there", known.acknowledged);
        assert!(found.is_none_or(|found| found <= known.sent), "file {file}: nobody sent version {found:?}");
    }
}

fn survive_kills(database: &Database) {
    let directory = database.directory();
    let start = || Server::start(directory, &["--database", database.url()]);
    let mut server = start();
    let before = version(99, 4);
    assert_eq!(put(&mut Client::new(directory), "0/held/old", &before), 200);
    let mut known = vec![Known::default(); (WRITERS * FILES_OF_A_WRITER) as usize];

    for kill in 0..KILLS {
        // Two that certainly are in the middle, beside those that are somewhere.
        let held: Vec<Arriving> = ["0/held/old", "0/held/new"]
            .map(|path| {
                let mut upload = Arriving::begin(directory, path, Some(3_000_000));
                upload.send(&vec![7; 2_000_000]);
                upload
            })
            .into();
        eventually(|| unfinished(directory) == [2_000_000; 2]);
        let (sender, acknowledged) = mpsc::channel();
        std::thread::scope(|scope| {
            for (writer, known) in (0..).zip(known.chunks_mut(FILES_OF_A_WRITER as usize)) {
                let sender = sender.clone();
                scope.spawn(move || {
                    overwrite(&mut Client::new(directory), known, writer * FILES_OF_A_WRITER, &sender);
                });
            }
            for _ in 0..10 + 13 * kill {
                acknowledged.recv().unwrap();
            }
            server.kill();
        });
        assert!(unfinished(directory).len() >= 2, "a killed server cannot tidy up");
        drop(held);
        server = start();

        let mut client = Client::new(directory);
        assert_eq!(unfinished(directory), [0; 0], "the next one does");
        assert!(get(&mut client, "0/held/old").as_ref() == Some(&before));
        assert_eq!(names(&mut client, "0/held"), ["old"]);
        audit(&mut client, &known);
    }
    assert!(server.terminate().success());
}

#[tokio::test]
async fn a_killed_server_leaves_old_or_new_files_and_its_successor_no_remains() {
    for database in databases().await {
        survive_kills(&database);
    }
}

#[test]
fn a_stopping_server_finishes_uploads_and_batches_that_had_begun() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let mut client = Client::new(directory.path());
    let run_id = new_run(&mut client);
    let after = version(1, 4);
    assert_eq!(put(&mut client, "0/old", &version(1, 3)), 200);
    let mut uploads = ["0/old", "0/new"].map(|path| Arriving::begin(directory.path(), path, Some(after.len())));
    for upload in &mut uploads {
        upload.send(&after[..500_000]);
    }
    eventually(|| unfinished(directory.path()) == [500_000; 2]);

    let acknowledged = std::thread::scope(|scope| {
        let (sender, first) = mpsc::channel();
        let loggers: Vec<_> = (0..10_u64)
            .map(|logger| {
                let (sender, run_id, directory) = (sender.clone(), run_id.as_str(), directory.path());
                scope.spawn(move || {
                    let mut client = Client::new(directory);
                    let mut steps = Vec::new();
                    for step in (logger..).step_by(10) {
                        let metrics = serde_json::json!([{ "key": "m", "value": 1, "timestamp": step, "step": step }]);
                        let body = serde_json::json!({ "run_id": run_id, "metrics": metrics });
                        match client.post("runs/log-batch", &body) {
                            Ok(answer) => answer.json(),
                            Err(_) => break,
                        };
                        steps.push(step);
                        let _ = sender.send(());
                    }
                    steps
                })
            })
            .collect();
        for _ in 0..100 {
            first.recv().unwrap();
        }
        server.signal("-TERM");
        loggers.into_iter().flat_map(|logger| logger.join().unwrap()).collect::<Vec<u64>>()
    });
    for mut upload in uploads {
        upload.send(&after[500_000..]);
        assert_eq!(upload.answer(), Some(200));
    }
    assert!(server.wait().success());

    assert_eq!(unfinished(directory.path()), [0; 0]);
    let server = Server::start(directory.path(), &[]);
    let mut client = Client::new(directory.path());
    for path in ["0/old", "0/new"] {
        assert!(get(&mut client, path).as_ref() == Some(&after), "{path}");
    }
    let history = client.get(&format!("metrics/get-history?run_id={run_id}&metric_key=m")).unwrap();
    let found: std::collections::HashSet<u64> =
        history.json()["metrics"].as_array().unwrap().iter().map(|point| point["step"].as_u64().unwrap()).collect();
    assert!(acknowledged.iter().all(|step| found.contains(step)), "{} of {}", found.len(), acknowledged.len());
    assert!(server.terminate().success());
}

#[test]
fn a_server_that_may_not_wait_cuts_uploads_and_nothing_of_them_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--shutdown-grace-s", "0"]);
    let mut client = Client::new(directory.path());
    let before = version(1, 3);
    assert_eq!(put(&mut client, "0/old", &before), 200);
    let mut uploads = ["0/old", "0/new"].map(|path| Arriving::begin(directory.path(), path, Some(3_000_000)));
    for upload in &mut uploads {
        upload.send(&vec![7; 2_999_999]);
    }
    eventually(|| unfinished(directory.path()) == [2_999_999; 2]);

    server.signal("-TERM");
    assert!(server.wait().success());

    for upload in uploads {
        assert_eq!(upload.answer(), None);
    }
    assert_eq!(unfinished(directory.path()), [0; 0]);
    let server = Server::start(directory.path(), &[]);
    let mut client = Client::new(directory.path());
    let run_id = new_run(&mut client);
    log_one(&mut client, &run_id, 1);
    assert!(get(&mut client, "0/old") == Some(before));
    assert_eq!(names(&mut client, "0"), ["old"]);
    assert!(server.terminate().success());
}
