//! What is here of a run, told by counts and digests.

use windvane::digest::{SeriesDigest, of_params};
use windvane::model::{Lifecycle, NewLocation, RunStatus};
use windvane::store::{FileRecord, Inventory, NewRun, Store};

use super::support::*;

async fn inventory(store: &Store, run_id: &str) -> Inventory {
    store.find_inventory(&OPEN, run_id).await.unwrap().unwrap()
}

async fn state(store: &Store, run_id: &str) -> String {
    let states = store.run_states(&OPEN, &[run_id, "absent"]).await.unwrap();
    assert_eq!(states.len(), 1);
    states[run_id].clone()
}

#[tokio::test]
async fn a_series_is_told_by_its_points_wherever_they_lie() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let mut points = ascending(0, 70_000);
        store.log(&OPEN, &run_id, metric("loss", points.clone())).await.unwrap();
        store.log(&OPEN, &run_id, metric("short", vec![point(NOW, -3, f64::NAN)])).await.unwrap();
        store.close().await;
        assert!(database.int("SELECT count(*) FROM metric_chunk").await > 10);
        let store = database.open().await;
        // Among those in chunks, behind them, before them, and some of them again.
        let later = vec![point(NOW + 500, 0, -1.0), point(NOW - 1, 9, 1.0), point(i64::MAX, 1, f64::INFINITY)];
        store.log(&OPEN, &run_id, metric("loss", later.clone())).await.unwrap();
        store.log(&OPEN, &run_id, metric("loss", points[100..200].to_vec())).await.unwrap();
        points.extend(later);
        points.sort();

        let found = inventory(&store, &run_id).await;

        let told: Vec<_> = found.series.iter().map(|series| (series.key.as_str(), series.count)).collect();
        assert_eq!(told, [("loss", points.len()), ("short", 1)]);
        assert_eq!(found.series[0].sha256, SeriesDigest::of(&points));
        assert_eq!(bits(&[found.series[0].last]), bits(&points[points.len() - 1..]));
        assert_eq!(found.series[1].sha256, SeriesDigest::of(&[point(NOW, -3, f64::NAN)]));
    }
}

#[tokio::test]
async fn a_run_is_told_with_its_params_summed_up() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        store.log(&OPEN, &run_id, param("b", &"x".repeat(300))).await.unwrap();
        store.log(&OPEN, &run_id, param("a", "")).await.unwrap();
        store.log(&OPEN, &run_id, tag("mlflow.user", "ada")).await.unwrap();
        store.log_inputs(&OPEN, &run_id, vec![dataset("era5", "1", None)], Vec::new()).await.unwrap();

        let found = inventory(&store, &run_id).await;

        assert_eq!((found.params, found.experiment.as_str()), (2, "Default"));
        assert_eq!(found.params_sha256, of_params(&[pair("a", ""), pair("b", &"x".repeat(300))]));
        assert_eq!(found.run.tags, [pair("mlflow.runName", "run-1"), pair("mlflow.user", "ada")]);
        assert_eq!((found.run.datasets.len(), found.series.len()), (1, 0));
        assert_eq!(found.state, state(&store, &run_id).await);
        assert!(store.find_inventory(&OPEN, "absent").await.unwrap().is_none());

        store.delete_run(&OPEN, &run_id, NOW).await.unwrap();
        assert_eq!(inventory(&store, &run_id).await.run.info.lifecycle, Lifecycle::Deleted);
    }
}

#[tokio::test]
async fn every_change_of_a_run_is_another_state_and_no_change_is_none() {
    for database in databases().await {
        let store = database.open().await;
        let (run_id, other) = (create_run(&store, 1).await, create_run(&store, 2).await);
        let mut states = vec![state(&store, &run_id).await];

        store.log(&OPEN, &run_id, metric("loss", ascending(0, 2))).await.unwrap();
        states.push(state(&store, &run_id).await);
        store.log(&OPEN, &run_id, param("lr", "1")).await.unwrap();
        states.push(state(&store, &run_id).await);
        store.log(&OPEN, &run_id, tag("k", "v")).await.unwrap();
        states.push(state(&store, &run_id).await);
        store.update_run(&OPEN, &run_id, status(RunStatus::Finished)).await.unwrap();
        states.push(state(&store, &run_id).await);
        store.delete_run(&OPEN, &run_id, NOW).await.unwrap();
        states.push(state(&store, &run_id).await);
        store.restore_run(&OPEN, &run_id).await.unwrap();
        states.push(state(&store, &run_id).await);

        let mut unique = states.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), states.len(), "{states:?}");
        store.log(&OPEN, &other, param("lr", "1")).await.unwrap();
        assert_eq!(state(&store, &run_id).await, states[states.len() - 1]);
    }
}

#[tokio::test]
async fn files_of_a_directory_come_by_path_and_those_beside_it_do_not() {
    for database in databases().await {
        let store = database.open().await;
        for path in
            ["0/a/artifacts/b", "0/a/artifacts/a/z", "0/a/artifacts/Ä", "0/a/artifacts", "0/a/artifacts0", "0/a/b"]
        {
            let record = FileRecord { path: path.to_owned(), size_bytes: 3, sha256: [7; 32], modified_ns: 1 };
            store.record_file(record).await.unwrap();
        }
        let list = async |after, limit| {
            let files = store.list_file_records("0/a/artifacts", after, limit).await.unwrap();
            files.into_iter().map(|file| file.path).collect::<Vec<_>>()
        };

        assert_eq!(list(None, 9).await, ["a/z", "b", "Ä"]);
        assert_eq!(list(None, 1).await, ["a/z"]);
        assert_eq!(list(Some("a/z"), 9).await, ["b", "Ä"]);
        assert_eq!(list(Some("Ä"), 9).await, [""; 0]);
        let file = store.list_file_records("0/a/artifacts", Some("a"), 1).await.unwrap().remove(0);
        assert_eq!((file.size_bytes, file.sha256), (3, vec![7; 32]));
    }
}

#[tokio::test]
async fn all_runs_are_listed_with_the_oldest_first() {
    for database in databases().await {
        let store = database.open().await;
        let other = store.create_experiment(&OPEN, "other", NewLocation::Default, &[], NOW).await.unwrap();
        let (second, first, third) =
            (create_run(&store, 2).await, create_run(&store, 1).await, create_run(&store, 3).await);
        let of_other = NewRun { experiment_id: other, ..new_run(4) };
        let fourth = store.create_run(&OPEN, of_other).await.unwrap().run_id;
        store.delete_run(&OPEN, &second, NOW).await.unwrap();
        store.delete_experiment(&OPEN, other, NOW).await.unwrap();

        let listed = store.list_all_runs(&OPEN).await.unwrap();

        let told: Vec<_> =
            listed.iter().map(|run| (run.run_id.as_str(), run.experiment.as_str(), run.lifecycle)).collect();
        let (active, deleted) = (Lifecycle::Active, Lifecycle::Deleted);
        assert_eq!(
            told,
            [
                (first.as_str(), "Default", active),
                (second.as_str(), "Default", deleted),
                (third.as_str(), "Default", active),
                (fourth.as_str(), "other", deleted),
            ]
        );
        assert_eq!(listed[0].start_ms, NOW + 1);
    }
}
