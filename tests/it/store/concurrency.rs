//! Many at once: two processes on one database, and callers that go away.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::join_all;
use windvane::error::Result;
use windvane::model::{Dataset, DatasetInput, NewLocation, Point, RunStatus};
use windvane::store::{LogBatch, Store, StoreOptions};

use super::support::*;

/// Two stores on one PostgreSQL, as of two processes; on SQLite, which one process has for itself, twice the same.
async fn two_stores(database: &Database) -> [Store; 2] {
    let first = database.open().await;
    let second = if database.is_sqlite() { first.clone() } else { database.open().await };
    [first, second]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_write_the_same_runs_and_keys_without_a_conflict_that_anyone_sees() {
    for database in databases().await {
        let stores = two_stores(&database).await;
        let mut ids = Vec::new();
        for number in 0..6 {
            ids.push(create_run(&stores[0], number).await);
        }
        // Every writer names all runs and keys, each in another order.
        let writers = (0..8_usize).map(|writer| {
            let (store, mut ids) = (stores[writer % 2].clone(), ids.clone());
            ids.rotate_left(writer % 6);
            tokio::spawn(async move {
                for round in 0..6_i64 {
                    let requests = ids.iter().map(|run_id| {
                        let mut series: Vec<(String, Vec<Point>)> = (0..50)
                            .map(|key| (format!("m/{round}/{key}"), vec![point(NOW, writer as i64, 1.0)]))
                            .collect();
                        series.rotate_left(writer * 5);
                        if writer % 3 == 0 {
                            series.reverse();
                        }
                        let params = vec![pair(&format!("p/{round}"), "same")];
                        let tags = vec![pair("last", &writer.to_string()), pair("mlflow.runName", &writer.to_string())];
                        store.log(&OPEN, run_id, LogBatch { series, params, tags, ..LogBatch::default() })
                    });
                    for outcome in join_all(requests).await {
                        outcome.unwrap();
                    }
                    let end = if round % 2 == 0 { RunStatus::Finished } else { RunStatus::Running };
                    for outcome in join_all(ids.iter().map(|run_id| store.update_run(&OPEN, run_id, status(end)))).await
                    {
                        outcome.unwrap();
                    }
                }
            })
        });

        for writer in join_all(writers).await {
            writer.unwrap();
        }

        let expected: Vec<Point> = (0..8).map(|writer| point(NOW, writer, 1.0)).collect();
        for run_id in &ids {
            let run = find_run(&stores[1], run_id).await;
            assert_eq!((run.metrics.len(), run.params.len()), (300, 6));
            assert!(run.metrics.iter().all(|metric| metric.point == expected[7]));
            assert_eq!(run.tags[0].value, run.info.name, "the name and its tag change together");
            assert_eq!(history(&stores[0], run_id, "m/3/17").await, expected);
        }
        join_all(stores.iter().map(Store::close)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_link_the_same_datasets_in_any_order() {
    for database in databases().await {
        let stores = two_stores(&database).await;
        let input = |number: usize| DatasetInput {
            dataset: Dataset {
                name: format!("d-{number}"),
                digest: "1".to_owned(),
                source_type: "local".to_owned(),
                source: String::new(),
                schema: None,
                profile: None,
            },
            tags: Vec::new(),
        };
        let mut ids = Vec::new();
        for number in 0..16 {
            ids.push(create_run(&stores[0], number).await);
        }

        let requests = ids.iter().enumerate().map(|(writer, run_id)| {
            let mut inputs: Vec<DatasetInput> = (0..40).map(input).collect();
            inputs.rotate_left(writer * 2);
            let (store, run_id) = (stores[writer % 2].clone(), run_id.clone());
            tokio::spawn(async move { store.log_inputs(&OPEN, &run_id, inputs, Vec::new()).await })
        });
        for outcome in join_all(requests).await {
            outcome.unwrap().unwrap();
        }

        assert_eq!(database.int("SELECT count(*) FROM dataset").await, 40);
        assert_eq!(database.int("SELECT count(*) FROM dataset_input").await, 640);
        join_all(stores.iter().map(Store::close)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_that_move_experiments_and_log_to_them_do_not_stop_one_another() {
    for database in databases().await {
        let stores = two_stores(&database).await;
        let id = stores[0].create_experiment(&OPEN, "moving", NewLocation::Default, &[], NOW).await.unwrap();
        let mover = {
            let store = stores[1].clone();
            tokio::spawn(async move {
                for round in 0..20 {
                    store.delete_experiment(&OPEN, id, NOW + round).await.unwrap();
                    store.restore_experiment(&OPEN, id, NOW + round).await.unwrap();
                }
            })
        };
        let writers = (0..8_i64).map(|writer| {
            let store = stores[writer as usize % 2].clone();
            tokio::spawn(async move {
                let mut created = 0;
                for round in 0..20 {
                    let mut new = new_run(writer * 100 + round);
                    new.experiment_id = id;
                    let refused = match store.create_run(&OPEN, new.clone()).await {
                        Ok(_) => {
                            created += 1;
                            store.log(&OPEN, &new.run_id, metric("loss", ascending(round, 1))).await.err()
                        }
                        Err(error) => Some(error),
                    };
                    if let Some(error) = refused {
                        assert!(error.to_string().ends_with("Current state is deleted."), "{error:?}");
                    }
                }
                created
            })
        });

        let created: i64 = join_all(writers).await.into_iter().map(|writer| writer.unwrap()).sum();
        mover.await.unwrap();

        assert_eq!(database.int("SELECT count(*) FROM run").await, created);
        assert_eq!(database.int("SELECT count(*) FROM run WHERE deleted_ms IS NOT NULL").await, 0);
        join_all(stores.iter().map(Store::close)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_experiment_is_created_once_and_its_tags_count_every_change() {
    for database in databases().await {
        let stores = two_stores(&database).await;
        let create = |store: &Store| {
            let store = store.clone();
            tokio::spawn(async move {
                store.create_experiment(&OPEN, "one", NewLocation::Default, &[pair("a", "b")], NOW).await
            })
        };
        let created = join_all(stores.iter().cycle().take(10).map(create)).await;
        let created: Vec<Result<i64>> = created.into_iter().map(|task| task.unwrap()).collect();
        let winners = created.iter().filter(|outcome| outcome.is_ok()).count();
        for lost in created.into_iter().filter(Result::is_err) {
            assert!(refusal(lost).starts_with("RESOURCE_ALREADY_EXISTS"));
        }
        let run_id = create_run(&stores[0], 1).await;
        let count = |store: &Store| {
            let (store, run_id) = (store.clone(), run_id.clone());
            tokio::spawn(async move {
                let next =
                    |present: Option<&str>| Ok((present.map_or(0, |text| text.parse().unwrap()) + 1).to_string());
                store.change_run_tag(&OPEN, &run_id, "count", next).await
            })
        };
        let counted = join_all(stores.iter().cycle().take(40).map(count)).await;

        assert_eq!(winners, 1);
        assert!(counted.into_iter().all(|task| task.unwrap().is_ok()));
        assert_eq!(find_run(&stores[1], &run_id).await.tags[0], pair("count", "40"));
        join_all(stores.iter().map(Store::close)).await;
    }
}

/// Looks at a future at most `times` times, each time it says that there is something to see, and then drops it.
async fn abandon<T>(times: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut looked = 0;
    std::future::poll_fn(|context| {
        if looked == times {
            return Poll::Ready(None);
        }
        looked += 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// How many places there are at which a future could be dropped, at most.
const PLACES: usize = 40;

#[tokio::test]
async fn callers_that_go_away_at_any_moment_leave_nothing_half_done_and_nothing_blocked() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let moving = store.create_experiment(&OPEN, "moving", NewLocation::Default, &[], NOW).await.unwrap();
        for places in 0..PLACES {
            let name = format!("e-{places}");
            let tags = [pair("a", "b"), pair("c", "d")];
            abandon(places, store.create_experiment(&OPEN, &name, NewLocation::Default, &tags, NOW)).await;
            let mut batch = metric(&format!("m-{places}"), ascending(0, 2));
            batch.params.push(pair(&format!("p-{places}"), "v"));
            abandon(places, store.log(&OPEN, &run_id, batch)).await;
            abandon(places, store.find_run(&OPEN, &run_id)).await;
            abandon(places, store.list_history(&OPEN, &run_id, "m-0", None, 10)).await;
            abandon(places, store.change_run_tag(&OPEN, &run_id, "t", |_| Ok("x".to_owned()))).await;
            abandon(places, store.delete_experiment(&OPEN, moving, NOW)).await;
            abandon(places, store.restore_experiment(&OPEN, moving, NOW)).await;
            // Whatever became of those: others go on.
            store.log(&OPEN, &run_id, tag("alive", &places.to_string())).await.unwrap();
            let found = store.find_experiment_by_name(&OPEN, &name).await.unwrap();
            assert!(found.is_none_or(|found| found.tags.len() == 2 && !found.artifact_location.is_empty()));
        }

        let run = find_run(&store, &run_id).await;
        assert_eq!(run.params.len(), run.metrics.len(), "a batch is one unit, whoever waits for it");
        assert!(run.metrics.len() > 1 && run.metrics.len() <= PLACES);
        store.close().await;
    }
}

#[tokio::test]
async fn more_requests_than_the_queue_holds_are_refused_before_memory_grows() {
    let database = Database::sqlite();
    let store = database.open().await;
    let run_id = create_run(&store, 1).await;
    store.log(&OPEN, &run_id, metric("loss", Vec::new())).await.unwrap();
    let mut context = Context::from_waker(Waker::noop());

    let mut requests: Vec<_> = (0..2_000)
        .map(|step| Box::pin(store.log(&OPEN, &run_id, metric("loss", vec![point(NOW, step, 1.0)]))))
        .collect();
    // Nothing else runs in between: the queue fills.
    let refused: Vec<String> = requests
        .iter_mut()
        .filter_map(|request| match request.as_mut().poll(&mut context) {
            Poll::Ready(outcome) => Some(refusal(outcome)),
            Poll::Pending => None,
        })
        .collect();
    drop(requests);
    store.log(&OPEN, &run_id, metric("loss", vec![point(NOW + 1, 0, 1.0)])).await.unwrap_or_default();
    store.close().await;

    assert_eq!(refused, vec!["TEMPORARILY_UNAVAILABLE: too many writes are waiting; try again"; 2_000 - 1_024]);
    let store = database.open().await;
    let points = history(&store, &run_id, "loss").await;
    assert!(points.len() >= 1_024, "what was accepted is committed although nobody waits: {}", points.len());
}

#[tokio::test]
async fn a_write_that_waits_too_long_for_another_one_may_be_sent_again() {
    let Some(database) = Database::postgres().await else { return };
    let hasty = StoreOptions { read_limit: Duration::from_secs(3), ..database.options() };
    let store = Store::open(hasty, NOW).await.unwrap();
    let run_id = create_run(&store, 1).await;
    let other = database.begin("SELECT id FROM run FOR UPDATE").await;

    let (update, log) = tokio::join!(
        store.update_run(&OPEN, &run_id, status(RunStatus::Finished)),
        store.log(&OPEN, &run_id, param("p", "v")),
    );

    for refused in [refusal(update), refusal(log)] {
        assert_eq!(refused, "TEMPORARILY_UNAVAILABLE: the database is not available; try again");
    }
    drop(other);
    store.log(&OPEN, &run_id, param("p", "v")).await.unwrap();
    assert_eq!(find_run(&store, &run_id).await.info.status, RunStatus::Running);
}
