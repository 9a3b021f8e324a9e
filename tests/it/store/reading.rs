//! Reading histories: whole, by pages, of many runs, and as samples.

use std::time::Duration;

use windvane::model::{Point, ViewType};
use windvane::search::{parse_run_filter, parse_run_order};
use windvane::store::{RunSearch, Store, StoreOptions};

use super::support::*;

/// A store with a run whose metric `loss` has points in chunks and, later than and among those, in segments.
async fn store_with_history(database: &Database) -> (Store, String, Vec<Point>) {
    let store = database.open().await;
    let run_id = create_run(&store, 1).await;
    let mut points = ascending(0, 70_000);
    store.log(&OPEN, &run_id, metric("loss", points.clone())).await.unwrap();
    store.close().await;
    assert!(database.int("SELECT count(*) FROM metric_chunk").await > 10);
    let store = database.open().await;
    let later: Vec<Point> = (0..300).map(|at| point(NOW + at * 200_000 + 500, at * 200, -1.0)).collect();
    store.log(&OPEN, &run_id, metric("loss", later.clone())).await.unwrap();
    store.log(&OPEN, &run_id, metric("loss", points[100..200].to_vec())).await.unwrap();
    store.log(&OPEN, &run_id, metric("other", ascending(0, 10))).await.unwrap();
    points.extend(later);
    points.sort();
    (store, run_id, points)
}

async fn pages(store: &Store, run_id: &str, size: usize) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    loop {
        let page = store.list_history(&OPEN, run_id, "loss", points.last().copied(), size).await.unwrap();
        assert!(page.points.len() == size || !page.more);
        points.extend(page.points);
        if !page.more {
            return points;
        }
    }
}

#[tokio::test]
async fn a_history_is_the_same_in_pages_of_any_size() {
    for database in databases().await {
        let (store, run_id, points) = store_with_history(&database).await;

        assert_eq!(bits(&history(&store, &run_id, "loss").await), bits(&points));
        for size in [999, 4_096, 4_097, points.len() - 1, points.len(), points.len() + 1] {
            assert_eq!(bits(&pages(&store, &run_id, size).await), bits(&points), "{size}");
        }
        // Page by page through a stretch where chunks end.
        let mut after = points[4_000];
        for expected in &points[4_001..4_200] {
            let page = store.list_history(&OPEN, &run_id, "loss", Some(after), 1).await.unwrap();
            assert_eq!((page.points.as_slice(), page.more), (&[*expected][..], true));
            after = *expected;
        }
    }
}

#[tokio::test]
async fn a_page_after_any_place_begins_with_the_next_point() {
    for database in databases().await {
        let (store, run_id, points) = store_with_history(&database).await;
        let page = |after| store.list_history(&OPEN, &run_id, "loss", Some(after), 5);

        let before_all = page(point(0, 0, 0.0)).await.unwrap();
        let between = page(point(points[5_000].timestamp_ms + 1, i64::MAX, 0.0)).await.unwrap();
        let last = page(points[points.len() - 2]).await.unwrap();
        let behind_all = page(point(i64::MAX, 0, 0.0)).await.unwrap();

        assert_eq!((before_all.points.as_slice(), before_all.more), (&points[..5], true));
        assert_eq!(between.points, points[5_001..5_006]);
        assert_eq!((last.points.as_slice(), last.more), (&points[points.len() - 1..], false));
        assert_eq!((behind_all.points.as_slice(), behind_all.more), (&[][..], false));
    }
}

#[tokio::test]
async fn an_unknown_run_or_metric_has_no_points() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        store.log(&OPEN, &run_id, metric("loss", ascending(0, 1))).await.unwrap();
        store.log(&OPEN, &run_id, param("lr", "1")).await.unwrap();

        for (run, key) in [("absent", "loss"), (run_id.as_str(), "unheard-of"), (run_id.as_str(), "lr")] {
            assert_eq!(history(&store, run, key).await, [], "{run} {key}");
        }
        assert!(store.list_bulk_history(&OPEN, &["absent"], "loss", 9).await.unwrap().is_empty());
        assert!(store.list_bulk_history(&OPEN, &[], "loss", 9).await.unwrap().is_empty());
        assert!(store.list_bulk_history(&OPEN, &[&run_id], "unheard-of", 9).await.unwrap().is_empty());
        assert!(store.sample_histories(&OPEN, &["absent"], "loss", None, 9).await.unwrap().is_empty());
        assert!(store.sample_histories(&OPEN, &[&run_id], "unheard-of", None, 9).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn histories_of_many_runs_come_by_run_id_up_to_one_limit() {
    for database in databases().await {
        let store = database.open().await;
        let mut ids = Vec::new();
        for number in 0..5 {
            ids.push(create_run(&store, number).await);
            let points = ascending(number, 10);
            store.log(&OPEN, &ids[number as usize], metric("loss", points)).await.unwrap();
        }
        let asked: Vec<&str> = [3, 1, 4, 1].iter().map(|place| ids[*place].as_str()).chain(["absent"]).collect();
        let read = async |limit| {
            let runs = store.list_bulk_history(&OPEN, &asked, "loss", limit).await.unwrap();
            runs.into_iter().map(|run| (run.run_id, run.points)).collect::<Vec<_>>()
        };
        let expected = |run: usize, count: usize| (ids[run].clone(), ascending(run as i64, 10)[..count].to_vec());

        assert_eq!(read(1_000).await, [expected(1, 10), expected(3, 10), expected(4, 10)]);
        assert_eq!(read(25).await, [expected(1, 10), expected(3, 10), expected(4, 5)]);
        assert_eq!(read(20).await, [expected(1, 10), expected(3, 10)]);
    }
}

#[tokio::test]
async fn samples_have_the_ends_of_the_interval_and_come_in_the_order_of_the_request() {
    for database in databases().await {
        let (store, run_id, mut points) = store_with_history(&database).await;
        let other = create_run(&store, 2).await;
        store.log(&OPEN, &other, metric("loss", ascending(-3, 7))).await.unwrap();
        points.sort_by_key(Point::latest_key);
        let sample = async |steps, limit| {
            let runs = store.sample_histories(&OPEN, &[&run_id, "absent", &other], "loss", steps, limit).await.unwrap();
            assert_eq!(runs.iter().map(|run| run.run_id.as_str()).collect::<Vec<_>>(), [&run_id, &other]);
            runs.into_iter().map(|run| run.points).collect::<Vec<_>>()
        };

        let whole = sample(None, 320).await;
        let part = sample(Some((4_000, 8_300)), 100_000).await;
        let one = sample(Some((2, 2)), 1).await;
        let none = sample(Some((-9, -4)), 10).await;

        assert_eq!(whole[0].len(), 320);
        assert_eq!((whole[0][0], whole[0][319]), (points[0], points[points.len() - 1]));
        assert!(whole[0].windows(2).all(|pair| pair[0].latest_key() < pair[1].latest_key()));
        assert_eq!(whole[1], ascending(-3, 7));
        let between: Vec<Point> =
            points.iter().copied().filter(|point| (4_000..=8_300).contains(&point.step)).collect();
        assert_eq!(part, [between, Vec::new()]);
        assert_eq!(one, [ascending(2, 1), ascending(2, 1)]);
        assert_eq!(none, [Vec::new(), Vec::new()]);
    }
}

#[tokio::test]
async fn a_statement_that_reads_too_long_is_given_up_and_its_connection_reads_on() {
    let database = Database::sqlite();
    let limited = StoreOptions { read_limit: Duration::ZERO, ..database.options() };
    let store = Store::open(limited, NOW).await.unwrap();
    // More than SQLite does before it looks at the clock.
    database
        .run(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
             INSERT INTO run (public_id, experiment_id, name, user_id, status, start_ms, artifact_uri)
             SELECT printf('%032x', i), 0, 'x', 'ada', 1, i * 7919 % 20000, '' FROM n",
        )
        .await;
    let by_user = RunSearch {
        experiments: vec![0],
        view: ViewType::All,
        filter: parse_run_filter("user_id ILIKE '%d%'").unwrap(),
        order: parse_run_order(&["user_id".to_owned()]).unwrap(),
        after: None,
        limit: 10,
    };

    for _ in 0..10 {
        let refused = refusal(store.search_runs(&OPEN, by_user.clone()).await);
        assert!(refused.starts_with("INVALID_PARAMETER_VALUE: the database took too long for this"), "{refused}");
    }

    assert!(store.find_run(&OPEN, &format!("{:032x}", 5)).await.unwrap().is_some());
}
