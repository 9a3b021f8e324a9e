//! Compaction: that it happens, and that nobody who reads can tell.

use windvane::model::{Point, RunStatus};
use windvane::store::{LogBatch, Store};

use super::support::*;

const SEGMENTS: &str = "SELECT count(*) FROM metric_segment";
const CHUNKS: &str = "SELECT count(*) FROM metric_chunk";
const CHUNKED_POINTS: &str = "SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM metric_chunk";

/// Closing waits for compaction.
async fn reopened(database: &Database, store: Store) -> Store {
    store.close().await;
    database.open().await
}

#[tokio::test]
async fn many_points_move_into_full_chunks_while_the_run_goes_on() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let mut batch = metric("loss", ascending(0, 70_000));
        batch.series.push(("rare".to_owned(), ascending(0, 20)));

        store.log(&OPEN, &run_id, batch).await.unwrap();
        let store = reopened(&database, store).await;

        assert_eq!(database.int("SELECT count(*) FROM metric_chunk WHERE count = 4096").await, 70_000 / 4_096);
        assert_eq!(database.int(CHUNKED_POINTS).await, 70_000);
        assert_eq!(database.ints("SELECT points FROM metric_segment").await, [20], "a few points wait for more");
        assert_eq!(bits(&history(&store, &run_id, "loss").await), bits(&ascending(0, 70_000)));
        assert_eq!(history(&store, &run_id, "rare").await, ascending(0, 20));
    }
}

#[tokio::test]
async fn many_commits_move_into_chunks_however_small_they_are() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;

        for step in 0..1_200 {
            store.log(&OPEN, &run_id, metric("loss", ascending(step, 1))).await.unwrap();
        }
        let store = reopened(&database, store).await;

        assert!(database.int(CHUNKED_POINTS).await >= 512);
        assert!(database.int(SEGMENTS).await < 600);
        assert_eq!(history(&store, &run_id, "loss").await, ascending(0, 1_200));
    }
}

#[tokio::test]
async fn an_ended_run_keeps_nothing_in_segments() {
    for database in databases().await {
        let store = database.open().await;
        let mut ids = Vec::new();
        for (number, end) in [RunStatus::Finished, RunStatus::Failed, RunStatus::Killed].into_iter().enumerate() {
            let run_id = create_run(&store, number as i64).await;
            store.log(&OPEN, &run_id, metric("loss", ascending(0, 3))).await.unwrap();
            store.log(&OPEN, &run_id, metric("loss", ascending(3, 3))).await.unwrap();
            store.update_run(&OPEN, &run_id, status(end)).await.unwrap();
            ids.push(run_id);
        }
        let scheduled = create_run(&store, 9).await;
        store.log(&OPEN, &scheduled, metric("loss", ascending(0, 3))).await.unwrap();
        store.update_run(&OPEN, &scheduled, status(RunStatus::Scheduled)).await.unwrap();

        let store = reopened(&database, store).await;

        assert_eq!((database.int(CHUNKS).await, database.int(CHUNKED_POINTS).await), (3, 18));
        assert_eq!(database.ints("SELECT points FROM metric_segment").await, [3]);
        for run_id in &ids {
            assert_eq!(history(&store, run_id, "loss").await, ascending(0, 6));
        }
    }
}

#[tokio::test]
async fn a_run_that_ended_is_resumed_in_place_and_ends_again() {
    for database in databases().await {
        let mut store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let mut expected: Vec<Point> = Vec::new();
        for part in 0..4_i64 {
            // The second half of a part comes again in the next one, at another time.
            let points: Vec<Point> = (0..20).map(|at| point(NOW + part * 1_000 + at, part * 10 + at, 0.5)).collect();
            store.update_run(&OPEN, &run_id, status(RunStatus::Running)).await.unwrap();
            store.log(&OPEN, &run_id, metric("loss", points.clone())).await.unwrap();
            store.update_run(&OPEN, &run_id, status(RunStatus::Finished)).await.unwrap();
            expected.extend(points);

            store = reopened(&database, store).await;

            assert_eq!((database.int(SEGMENTS).await, database.int(CHUNKS).await), (0, 1));
            assert_eq!(history(&store, &run_id, "loss").await, expected);
            assert_eq!(latest(&store, &run_id, "loss").await, expected[expected.len() - 1]);
        }
    }
}

#[tokio::test]
async fn late_and_repeated_points_find_their_place_in_chunks() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let points = ascending(0, 12_000);
        let odd: Vec<Point> = points.iter().copied().filter(|point| point.step % 2 == 1).collect();
        store.log(&OPEN, &run_id, metric("loss", odd)).await.unwrap();
        store.update_run(&OPEN, &run_id, status(RunStatus::Finished)).await.unwrap();
        let store = reopened(&database, store).await;

        // Everything, backwards: half of it is new.
        store.log(&OPEN, &run_id, metric("loss", points.iter().rev().copied().collect())).await.unwrap();
        let before = history(&store, &run_id, "loss").await;
        store.update_run(&OPEN, &run_id, status(RunStatus::Finished)).await.unwrap();
        let store = reopened(&database, store).await;

        assert_eq!(database.ints("SELECT count FROM metric_chunk ORDER BY ordinal").await, [4_096, 4_096, 3_808]);
        assert_eq!(database.ints("SELECT ordinal FROM metric_chunk ORDER BY ordinal").await, [0, 1, 2]);
        assert_eq!(database.int(SEGMENTS).await, 0);
        assert_eq!(bits(&before), bits(&points));
        assert_eq!(bits(&history(&store, &run_id, "loss").await), bits(&points));
    }
}

#[tokio::test]
async fn what_an_earlier_process_left_is_compacted_at_the_start() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        for first in 0..5 {
            store.log(&OPEN, &run_id, metric("loss", ascending(first, 1))).await.unwrap();
        }
        store.close().await;
        assert_eq!(database.int(SEGMENTS).await, 5);
        // As a process leaves it that dies between the end of the run and its compaction.
        database.run("UPDATE run SET status = 3").await;

        let store = reopened(&database, database.open().await).await;

        assert_eq!((database.int(SEGMENTS).await, database.int(CHUNKS).await), (0, 1));
        assert_eq!(history(&store, &run_id, "loss").await, ascending(0, 5));
    }
}

#[tokio::test]
async fn thousands_of_short_series_stay_readable() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let series = |first: i64| (0..700).map(|key| (format!("m/{key}"), ascending(first, 100))).collect();

        for first in [0, 100, 200, 300] {
            let batch = LogBatch { series: series(first), ..LogBatch::default() };
            store.log(&OPEN, &run_id, batch).await.unwrap();
        }
        let store = reopened(&database, store).await;

        assert_eq!(database.int(CHUNKS).await, 0, "no series has enough for a chunk");
        assert!(database.int(SEGMENTS).await <= 3);
        for key in ["m/0", "m/350", "m/699"] {
            assert_eq!(history(&store, &run_id, key).await, ascending(0, 400), "{key}");
        }
    }
}

#[tokio::test]
async fn readers_beside_a_compaction_see_every_point_once() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let write = async {
            for part in 0..12 {
                store.log(&OPEN, &run_id, metric("loss", ascending(part * 10_000, 10_000))).await.unwrap();
                // Ending the run brings a compaction behind every batch.
                store.update_run(&OPEN, &run_id, status(RunStatus::Finished)).await.unwrap();
            }
        };
        let read = async {
            let mut seen = 0;
            while seen < 120_000 {
                let points = history(&store, &run_id, "loss").await;
                assert!(points.len() >= seen && points.len() % 10_000 == 0, "{} after {seen}", points.len());
                seen = points.len();
                assert!(points.iter().zip(0..).all(|(point, step)| point.step == step), "{seen} points");
            }
        };

        tokio::join!(write, read);
    }
}
