//! Kept texts of runs: whatever changes a run, a search tells what reading the run tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use windvane::error::Result;
use windvane::model::{NewLocation, Run, ViewType};
use windvane::search::{parse_run_filter, parse_run_order};
use windvane::store::{LogBatch, RunDocument, RunSearch, Store};

use super::run_changes::{Change, Stale};
use super::support::*;
use crate::support::{self, variable};

/// What the tests put in the place of kept texts, past the store, to see where they are used.
const POISON: &str = "poison";

/// A run as text that shows all of it.
fn whole(run: &Run) -> Result<RunDocument> {
    let Run { info, metrics, params, tags, datasets, model_inputs, model_outputs } = run;
    let rest = format!("{info:?} {metrics:?} {tags:?} {datasets:?} {model_inputs:?} {model_outputs:?}");
    Ok(RunDocument { rest: rest.into_bytes(), params: format!("{params:?}").into_bytes() })
}

fn texts(run: RunDocument) -> (String, String) {
    (String::from_utf8(run.rest).unwrap(), String::from_utf8(run.params).unwrap())
}

/// All runs as a search tells them, in order of their ids.
async fn search_with(store: &Store, render: fn(&Run) -> Result<RunDocument>) -> Vec<(String, String)> {
    let search = RunSearch {
        experiments: (0..10).collect(),
        view: ViewType::All,
        filter: parse_run_filter("").unwrap(),
        order: parse_run_order(&["attribute.run_id".to_owned()]).unwrap(),
        after: None,
        limit: 10_000,
    };
    let mut page = store.search_runs(&OPEN, search).await.unwrap();
    let mut found = Vec::new();
    loop {
        let part = page.next_part(render).await.unwrap();
        if part.is_empty() {
            return found;
        }
        found.extend(part.into_iter().map(texts));
    }
}

async fn search(store: &Store) -> Vec<(String, String)> {
    search_with(store, whole).await
}

/// The runs as reading each of them tells them.
async fn read(store: &Store, run_ids: &[String]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for run_id in run_ids {
        found.push(texts(whole(&find_run(store, run_id).await).unwrap()));
    }
    found
}

/// Ends the store, which keeps all texts that were offered, and opens it again.
async fn reopen(database: &Database, store: Store) -> Store {
    store.close().await;
    database.open().await
}

/// Replaces what is kept by [`POISON`].
async fn poison(database: &Database) {
    database
        .run(if database.is_sqlite() {
            "UPDATE document_rest SET json = CAST('poison' AS BLOB);
             UPDATE document_params SET json = CAST('poison' AS BLOB)"
        } else {
            "UPDATE document_rest SET json = 'poison'::bytea; UPDATE document_params SET json = 'poison'::bytea"
        })
        .await;
}

/// Run 0 of the default experiment and run 1 of another one; that one's id, and the ids of the runs.
async fn two_runs(store: &Store) -> (i64, Vec<String>) {
    let experiment = store.create_experiment(&OPEN, "with texts", NewLocation::Default, &[], NOW).await.unwrap();
    let mut run_ids = Vec::new();
    for number in 0..2 {
        let mut new = new_run(number);
        new.experiment_id = if number == 0 { 0 } else { experiment };
        let run_id = store.create_run(&OPEN, new).await.unwrap().run_id;
        store.log(&OPEN, &run_id, param("known", "1")).await.unwrap();
        store.log(&OPEN, &run_id, tag("team", "a")).await.unwrap();
        store.log(&OPEN, &run_id, metric("loss", ascending(0, 3))).await.unwrap();
        run_ids.push(run_id);
    }
    (experiment, run_ids)
}

#[tokio::test]
async fn every_change_of_a_run_makes_those_parts_of_its_text_stale_that_tell_of_it_and_no_others() {
    for database in databases().await {
        let mut store = database.open().await;
        let (experiment, run_ids) = two_runs(&store).await;
        for (number, change) in (100..).zip(Change::ALL) {
            assert_eq!(search(&store).await[..2], read(&store, &run_ids).await, "before {change:?}");
            store = reopen(&database, store).await;
            poison(&database).await;
            let poisoned = (POISON.to_owned(), POISON.to_owned());
            assert_eq!(search(&store).await[1], poisoned, "kept texts are used before {change:?}");

            change.apply(&store, experiment, &run_ids[1], number).await.unwrap();

            let found = search(&store).await.swap_remove(1);
            let now = read(&store, &run_ids).await.swap_remove(1);
            let expected = match change.makes_stale() {
                Stale::Nothing => poisoned,
                Stale::Rest => (now.0, poisoned.1),
                Stale::All => now,
            };
            assert_eq!(found, expected, "after {change:?}");
            // Nothing poisoned may stay for the next one.
            database.run("DELETE FROM document_rest; DELETE FROM document_params").await;
        }
        store.close().await;
    }
}

#[test]
fn changes_searches_and_restarts_in_any_order_leave_no_stale_text() {
    let cases = if variable("TEST_LARGE").is_some() { 500 } else { 16 };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // A change of a run, or no change but a restart.
    let step = prop_oneof![9 => (0..2_usize, prop::sample::select(&Change::ALL[..])).prop_map(Some), 1 => Just(None)];
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });

    let outcome = runner.run(&prop::collection::vec((step, any::<bool>()), 1..30), |steps| {
        runtime.block_on(async {
            for database in databases().await {
                let mut store = database.open().await;
                let (experiment, run_ids) = two_runs(&store).await;
                for (number, (step, looks)) in (100..).zip(&steps) {
                    match step {
                        None => store = reopen(&database, store).await,
                        Some((run, change)) => {
                            let experiment = if *run == 0 { 0 } else { experiment };
                            // A run in the trash refuses most changes, which is as good.
                            let _ = change.apply(&store, experiment, &run_ids[*run], number).await;
                        }
                    }
                    if *looks {
                        assert_eq!(search(&store).await[..2], read(&store, &run_ids).await, "after {step:?}");
                    }
                }
                assert_eq!(search(&store).await[..2], read(&store, &run_ids).await);
                store.close().await;
            }
        });
        Ok(())
    });

    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[tokio::test]
async fn a_kept_text_of_another_format_is_ignored_and_replaced() {
    for database in databases().await {
        let store = database.open().await;
        let (_, run_ids) = two_runs(&store).await;
        search(&store).await;
        let store = reopen(&database, store).await;
        poison(&database).await;
        database.run("UPDATE document_rest SET format = 99; UPDATE document_params SET format = 99").await;

        let found = search(&store).await;

        let expected = read(&store, &run_ids).await;
        assert_eq!(found, expected);
        let store = reopen(&database, store).await;
        let formats = "SELECT format FROM document_rest UNION ALL SELECT format FROM document_params";
        assert!(!database.ints(formats).await.contains(&99));
        assert_eq!(search_with(&store, |run| panic!("no text of {} is kept", run.info.run_id)).await, expected);
        store.close().await;
    }
}

#[tokio::test]
async fn an_older_text_never_replaces_a_newer_one() {
    for database in databases().await {
        let store = database.open().await;
        let (_, run_ids) = two_runs(&store).await;
        search(&store).await;
        let store = reopen(&database, store).await;
        poison(&database).await;
        // As if another process had kept a text of a change that this one does not see yet.
        database
            .run(
                "UPDATE document_rest SET version = version + 1000000000;
                 UPDATE document_params SET version = version + 1000000000",
            )
            .await;

        let found = search(&store).await;

        assert_eq!(found, read(&store, &run_ids).await, "a text of another version is not told");
        store.close().await;
        assert_eq!(database.int("SELECT count(*) FROM document_rest WHERE version > 1000000000").await, 2);
        assert_eq!(database.int("SELECT count(*) FROM document_params WHERE version > 1000000000").await, 2);
    }
}

#[tokio::test]
async fn what_is_logged_after_a_database_came_from_a_server_that_counted_further_is_told() {
    for database in databases().await {
        let store = database.open().await;
        let (experiment, run_ids) = two_runs(&store).await;
        search(&store).await;
        store.close().await;
        // PostgreSQL counts transactions by server, so a dump that is read into another one is ahead of it.
        database
            .run(
                "UPDATE run_change SET version = version + 1000000000, points_version = points_version + 1000000000,
                     params_version = params_version + 1000000000, info_version = info_version + 1000000000;
                 UPDATE document_rest SET version = version + 1000000000;
                 UPDATE document_params SET version = version + 1000000000",
            )
            .await;
        let mut store = database.open().await;
        let poisoned = (POISON.to_owned(), POISON.to_owned());
        poison(&database).await;
        assert_eq!(search(&store).await, [poisoned.clone(), poisoned], "the texts came along");

        for (number, change) in (100..).zip(Change::ALL) {
            database.run("DELETE FROM document_rest; DELETE FROM document_params").await;
            search(&store).await;
            store = reopen(&database, store).await;
            change.apply(&store, experiment, &run_ids[1], number).await.unwrap();
            assert_eq!(search(&store).await[..2], read(&store, &run_ids).await, "after {change:?}");
        }
        store.close().await;
    }
}

/// What the batches of the test below have in common, and the number of params.
fn numbers(run: &Run) -> Result<RunDocument> {
    let tag = |key: &str| run.tags.iter().find(|tag| tag.key == key).map_or("-1", |tag| &tag.value);
    let metric = run.metrics.first().map_or(-1, |metric| metric.point.value.get() as i64);
    let rest = format!("{} {} {metric}", tag("first"), tag("second"));
    Ok(RunDocument { rest: rest.into_bytes(), params: run.params.len().to_string().into_bytes() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_search_beside_writers_and_keepers_sees_whole_batches_and_never_goes_back() {
    for database in databases().await {
        let first = database.open().await;
        // Another process, where the database allows one.
        let second = if database.is_sqlite() { first.clone() } else { database.open().await };
        let mut run_ids = Vec::new();
        for number in 0..4 {
            run_ids.push(create_run(&first, number).await);
        }
        let writers = run_ids.iter().zip([&first, &first, &second, &second]).map(|(run_id, store)| {
            let (run_id, store) = (run_id.clone(), store.clone());
            tokio::spawn(async move {
                for number in 0..60 {
                    let text = number.to_string();
                    let batch = LogBatch {
                        tags: vec![pair("first", &text), pair("second", &text)],
                        params: vec![pair(&format!("p{number}"), &text)],
                        ..metric("loss", vec![point(NOW, number, number as f64)])
                    };
                    store.log(&OPEN, &run_id, batch).await.unwrap();
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        let done = Arc::new(AtomicBool::new(false));
        let readers = [&first, &second, &second].map(|store| {
            let (done, store) = (done.clone(), store.clone());
            tokio::spawn(async move {
                let mut seen = [-1; 4];
                while !done.load(Ordering::Acquire) {
                    for (run, (rest, params)) in search_with(&store, numbers).await.into_iter().enumerate() {
                        let params: i64 = params.parse().unwrap();
                        let batch = params - 1;
                        assert_eq!(rest, format!("{batch} {batch} {batch}"), "half a batch");
                        assert!(batch >= seen[run], "{batch} after {}", seen[run]);
                        seen[run] = batch;
                    }
                }
            })
        });

        for writer in writers {
            writer.await.unwrap();
        }
        done.store(true, Ordering::Release);
        for reader in readers {
            reader.await.unwrap();
        }

        let expected = vec![("59 59 59".to_owned(), "60".to_owned()); 4];
        assert_eq!(search_with(&first, numbers).await, expected);
        assert_eq!(search_with(&second, numbers).await, expected);
        first.close().await;
        second.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_of_two_processes_that_cross_leave_no_stale_text() {
    let Some(database) = Database::postgres().await else { return };
    let stores = [database.open().await, database.open().await];
    let mut run_ids = Vec::new();
    for number in 0..8 {
        run_ids.push(create_run(&stores[0], number).await);
    }
    for round in 0..15 {
        // One process logs points to all runs at once, the other one changes their state, from the last to the first.
        let points = run_ids.iter().map(|run_id| {
            let (store, run_id) = (stores[0].clone(), run_id.clone());
            tokio::spawn(async move { store.log(&OPEN, &run_id, metric("loss", vec![point(NOW, round, 1.0)])).await })
        });
        let tags = run_ids.iter().rev().map(|run_id| {
            let (store, run_id) = (stores[1].clone(), run_id.clone());
            tokio::spawn(async move { store.change_run_tag(&OPEN, &run_id, "round", |_| Ok(round.to_string())).await })
        });
        let changes: Vec<_> = points.chain(tags).collect();
        search(&stores[1]).await;
        for change in changes {
            search(&stores[0]).await;
            change.await.unwrap().unwrap();
        }

        assert_eq!(search(&stores[1]).await, read(&stores[0], &run_ids).await, "in round {round}");
    }
    for store in stores {
        store.close().await;
    }
}

#[tokio::test]
async fn the_texts_that_clients_get_are_the_runs_that_clients_read() {
    for database in databases().await {
        let mut app = support::app(database).await;
        let odd = "\"quoted\" \\ \u{1F600} \u{7f} \u{1} é\n</script>";
        let mut run_ids = Vec::new();
        for (number, name) in ["bare", odd, "everything"].iter().enumerate() {
            run_ids.push(app.new_run_in("0", name, number as i64).await);
        }
        let value = |key: &str, value: Value| json!({ "key": key, "value": value, "timestamp": 7, "step": -3 });
        let metrics = [
            value("nan", json!("NaN")),
            value("inf", json!("Infinity")),
            value("minus", json!("-Infinity")),
            value("tiny", json!(5e-324)),
            value("whole", json!(3)),
            value("long", json!(0.1)),
        ];
        let texts = json!([{ "key": "empty", "value": "" }, { "key": "odd", "value": odd }]);
        let dataset = json!({ "name": odd, "digest": "1", "source_type": "local", "source": "s", "schema": "{}" });
        let dataset = json!({ "dataset": dataset, "tags": [{ "key": "mlflow.data.context", "value": odd }] });
        for run_id in &run_ids[1..] {
            let batch = json!({ "run_id": run_id, "metrics": metrics, "params": texts, "tags": texts });
            app.post("runs/log-batch", batch).await.expect_ok();
        }
        let inputs = json!({ "run_id": run_ids[2], "datasets": [dataset], "models": [{ "model_id": "m-1" }] });
        app.post("runs/log-inputs", inputs).await.expect_ok();
        app.post("runs/log-parameter", json!({ "run_id": run_ids[0], "key": "p", "value": odd })).await.expect_ok();
        let deleted = json!({ "run_id": run_ids[0], "key": "mlflow.runName" });
        app.post("runs/delete-tag", deleted).await.expect_ok();
        let ended = json!({ "run_id": run_ids[2], "status": "FINISHED", "end_time": 99 });
        app.post("runs/update", ended).await.expect_ok();
        app.post("runs/delete", json!({ "run_id": run_ids[1] })).await.expect_ok();

        // Made anew, and as they were kept.
        for _ in 0..2 {
            let request = json!({ "experiment_ids": ["0"], "run_view_type": "ALL", "order_by": ["start_time"] });
            let found = app.post("runs/search", request).await.expect_ok();
            let mut expected = Vec::new();
            for run_id in &run_ids {
                let mut run = app.read_run(run_id).await;
                // A search tells of the models that a run read only where it is asked for the run.
                run["inputs"].as_object_mut().unwrap().remove("model_inputs");
                expected.push(run);
            }
            assert_eq!(found["runs"], Value::Array(expected));
            app.store().close().await;
            app = support::app(app.into_database()).await;
        }
    }
}
