//! From one Windvane to another: the data directory is the source, whether a server runs on it or not.

use std::path::Path;

use serde_json::{Value, json};

use super::{Sync, have};
use crate::support::server::{Client, Server, said, socket};
use crate::support::{Database, databases};

/// The ids of all runs of a server, deleted ones too.
fn runs(client: &mut Client) -> Vec<String> {
    let experiments =
        client.post("experiments/search", &json!({ "max_results": 1000, "view_type": "ALL" })).unwrap().json();
    let ids: Vec<&Value> =
        experiments["experiments"].as_array().unwrap().iter().map(|it| &it["experiment_id"]).collect();
    let search = json!({ "experiment_ids": ids, "run_view_type": "ALL", "max_results": 1000 });
    let found = client.post("runs/search", &search).unwrap().json();
    let mut ids: Vec<String> = found["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["info"]["run_id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

/// What a server has of a run, without what is its own.
fn comparable(client: &mut Client, run_id: &str) -> Value {
    let mut told = have(client, run_id).unwrap();
    for own in ["state", "artifact_root"] {
        told[own] = Value::Null;
    }
    told["run"]["experiment_id"] = Value::Null;
    told
}

async fn copy_demo(database: Database, runs_meanwhile: bool) {
    let there = Server::start(database.directory(), &["--database", database.url()]);
    let here = tempfile::tempdir().unwrap();
    said(here.path(), &["demo", "--at", "2026-11-23T12:00:00Z"], "");
    let data = here.path().join("data");
    let running = runs_meanwhile.then(|| Server::start(here.path(), &[]));
    let before = fingerprint(&data, runs_meanwhile);
    let uri = format!("unix:{}", socket(database.directory()).display());
    let sync = Sync::new(&data, &uri).with(&["--export-deleted-runs"]);

    let first = sync.run();
    let second = sync.run();

    assert_eq!((first.code, second.code), (0, 0), "{first:?} {second:?}");
    assert!(second.outcomes().iter().all(|outcome| ["unchanged", "skipped"].contains(outcome)), "{second:?}");
    assert_eq!(fingerprint(&data, runs_meanwhile), before, "the source was changed");
    let source = running.unwrap_or_else(|| Server::start(here.path(), &[]));
    let (mut from, mut to) = (Client::new(here.path()), Client::new(database.directory()));
    let ids = runs(&mut from);
    assert!(ids.len() > 40, "{}", ids.len());
    assert_eq!(runs(&mut to), ids);
    for run_id in &ids {
        assert_eq!(comparable(&mut to, run_id), comparable(&mut from, run_id), "{run_id}");
    }
    source.kill();
    there.kill();
}

/// The names and sizes of all files; a running server may touch what belongs to its log.
fn fingerprint(directory: &Path, is_running: bool) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                waiting.push(entry.path());
            } else if !(is_running && entry.file_name().to_string_lossy().starts_with("windvane")) {
                found.push((entry.path().display().to_string(), metadata.len()));
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_data_directory_without_a_server_arrives_whole() {
    for database in databases().await {
        copy_demo(database, false).await;
    }
}

#[tokio::test]
async fn a_data_directory_of_a_running_server_arrives_whole() {
    copy_demo(Database::sqlite(), true).await;
}
