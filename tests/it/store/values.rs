//! Metrics of runs in few numbers: whatever was logged, compacted or not, they are what all points say.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use windvane::model::{Point, RunStatus};
use windvane::store::curves::extremes::Extremes;
use windvane::store::{FoundValues, MetricCell, NewRun, Store, ValuesRequest};

use super::support::*;
use crate::support::variable;

async fn values(store: &Store, run_ids: &[&String], metrics: &[&str], step: Option<i64>) -> FoundValues {
    let run_ids = run_ids.iter().map(|run_id| (*run_id).clone()).collect();
    let metrics = metrics.iter().map(|metric| (*metric).to_owned()).collect();
    store.read_values(&OPEN, &ValuesRequest { run_ids, metrics, step, joined: false }).await.unwrap()
}

/// What all points of a history say.
fn expected(points: &[Point], step: Option<i64>) -> Extremes {
    let finite: Vec<(f64, i64)> = points
        .iter()
        .filter(|point| point.value.get().abs() < f64::MAX)
        .map(|point| (point.value.get(), point.step))
        .collect();
    let before = points.iter().filter(|point| step.is_some_and(|step| point.step <= step));
    Extremes {
        count: points.len() as u64,
        nan: points.iter().filter(|point| point.value.is_nan()).count() as u64,
        first_step: points.first().map(|point| point.step),
        min: finite.iter().copied().reduce(|least, next| if next.0 < least.0 { next } else { least }),
        max: finite.iter().copied().reduce(|greatest, next| if next.0 > greatest.0 { next } else { greatest }),
        // Of several, `max_by_key` takes the last.
        at: before.max_by_key(|point| point.step).map(|point| (point.value, point.step)),
    }
}

async fn assert_told(store: &Store, run: &String, points: &[Point], step: Option<i64>) {
    let found = values(store, &[run], &["loss"], step).await;
    let [Some(MetricCell { latest, extremes })] = &found.rows[0].cells[..] else { panic!("{found:?}") };
    assert_eq!(*extremes, expected(points, step), "at {step:?}");
    assert_eq!(*latest, self::latest(store, run, "loss").await);
}

#[tokio::test]
async fn each_metric_has_a_row_and_each_run_a_cell() {
    for database in databases().await {
        let store = database.open().await;
        let (first, second) = (create_run(&store, 1).await, create_run(&store, 2).await);
        store.log(&OPEN, &first, metric("loss", vec![point(NOW, 1, 0.5), point(NOW, 2, f64::NAN)])).await.unwrap();
        store.log(&OPEN, &second, metric("loss", vec![point(NOW, 3, 1.5)])).await.unwrap();
        store.log(&OPEN, &second, metric("acc", vec![point(NOW, 3, f64::INFINITY)])).await.unwrap();
        store.log(&OPEN, &create_run(&store, 3).await, metric("elsewhere", ascending(0, 1))).await.unwrap();

        let all = values(&store, &[&second, &first], &[], None).await;
        let asked = values(&store, &[&first, &second], &["loss", "unheard-of"], Some(2)).await;

        let shape = |found: &FoundValues| {
            let row = |row: &windvane::store::MetricRow| {
                (row.metric.clone(), row.cells.iter().map(Option::is_some).collect::<Vec<_>>())
            };
            found.rows.iter().map(row).collect::<Vec<_>>()
        };
        assert_eq!(shape(&all), [("acc".to_owned(), vec![true, false]), ("loss".to_owned(), vec![true, true])]);
        assert_eq!(
            shape(&asked),
            [("loss".to_owned(), vec![true, true]), ("unheard-of".to_owned(), vec![false, false])]
        );
        let infinite = &all.rows[0].cells[0].as_ref().unwrap().extremes;
        assert_eq!((infinite.count, infinite.min, infinite.max), (1, None, None));
        let loss = asked.rows[0].cells[0].as_ref().unwrap();
        assert_eq!((loss.extremes.nan, loss.extremes.min, loss.latest.step), (1, Some((0.5, 1)), 2));
        assert!(loss.extremes.at.is_some_and(|(value, step)| value.is_nan() && step == 2));
        assert_eq!(asked.rows[0].cells[1].as_ref().unwrap().extremes.at, None, "all of its steps are later");
        store.close().await;
    }
}

#[tokio::test]
async fn extremes_are_found_in_the_chunk_that_has_them_first() {
    for database in databases().await {
        let store = database.open().await;
        let run = create_run(&store, 1).await;
        // Three chunks: the least value in the second, twice; the greatest in the first and in the third.
        let value = |index: i64| match index {
            5_000 | 6_000 => -1.0,
            100 | 9_000 => 7.0,
            _ => (index % 100) as f64 / 100.0,
        };
        let points: Vec<Point> = (0..10_000).map(|index| point(NOW + index, index * 10, value(index))).collect();
        store.log(&OPEN, &run, metric("loss", points)).await.unwrap();
        store.update_run(&OPEN, &run, status(RunStatus::Finished)).await.unwrap();
        store.close().await;
        let store = database.open().await;
        assert_eq!(database.int("SELECT count(*) FROM metric_chunk").await, 3);

        let found = values(&store, &[&run], &["loss"], Some(50_005)).await;

        let extremes = &found.rows[0].cells[0].as_ref().unwrap().extremes;
        assert_eq!((extremes.min, extremes.max), (Some((-1.0, 50_000)), Some((7.0, 1_000))));
        assert_eq!(extremes.at.map(|(value, step)| (value.get(), step)), Some((-1.0, 50_000)));
        let points = history(&store, &run, "loss").await;
        for step in [None, Some(-1), Some(0), Some(40_950), Some(40_951), Some(99_990), Some(i64::MAX)] {
            assert_told(&store, &run, &points, step).await;
        }
        store.close().await;
    }
}

#[tokio::test]
async fn of_points_all_at_one_step_the_last_one_counts() {
    for database in databases().await {
        let store = database.open().await;
        let run = create_run(&store, 1).await;
        let points: Vec<Point> = (0..9_000).map(|index| point(NOW + index, 0, index as f64)).collect();
        store.log(&OPEN, &run, metric("loss", points)).await.unwrap();
        store.update_run(&OPEN, &run, status(RunStatus::Finished)).await.unwrap();
        store.close().await;
        let store = database.open().await;

        assert_told(&store, &run, &history(&store, &run, "loss").await, Some(0)).await;
        let found = values(&store, &[&run], &["loss"], Some(5)).await;
        let at = found.rows[0].cells[0].as_ref().unwrap().extremes.at;
        assert_eq!(at.map(|(value, step)| (value.get(), step)), Some((8_999.0, 0)));
        store.close().await;
    }
}

/// Parts of a series: where it begins, how many points, how steps go on, and what the values are.
fn parts() -> impl Strategy<Value = Vec<(i64, i64, i64, f64)>> {
    let value = prop_oneof![
        4 => -9.0..9.0,
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0]),
    ];
    let count = prop_oneof![3 => 1..50_i64, 1 => 4_000..9_000_i64];
    prop::collection::vec((0..10_000_i64, count, prop::sample::select(vec![-1_i64, 0, 1, 3]), value), 1..5)
}

#[tokio::test]
async fn they_are_what_all_points_say_whatever_was_logged() {
    let cases = if variable("TEST_LARGE").is_some() { 60 } else { 8 };
    for database in databases().await {
        let mut store = database.open().await;
        let mut runner = TestRunner::new(Config::with_cases(1));
        for case in 0..cases {
            let run = create_run(&store, case).await;
            let parts = parts().new_tree(&mut runner).unwrap().current();
            let reopened = case % 2 == 0;
            let mut time = NOW;
            for (first, count, stride, scale) in parts {
                let value = |index: i64| scale * ((index * 37) % 101 - 50) as f64;
                let points = (0..count).map(|index| point(time + index, first + index * stride, value(index)));
                store.log(&OPEN, &run, metric("loss", points.collect())).await.unwrap();
                // The next part begins before this one has ended, or long after.
                time += if first % 2 == 0 { count / 2 } else { 2 * count };
                if reopened {
                    store.close().await;
                    store = database.open().await;
                }
            }
            let points = history(&store, &run, "loss").await;
            let steps = points.iter().step_by(points.len() / 7 + 1).map(|point| Some(point.step));
            for step in steps.chain([None, Some(-10_001), Some(i64::MAX)]) {
                assert_told(&store, &run, &points, step).await;
            }
        }
        store.close().await;
    }
}

#[tokio::test]
async fn the_attempts_of_a_training_count_as_one_run_where_that_is_asked() {
    for database in databases().await {
        let store = database.open().await;
        let (first, other) = (create_run(&store, 1).await, create_run(&store, 2).await);
        let resumed = vec![pair("mlflow.parentRunId", &first), pair("resumedRun", "True")];
        let second = store
            .create_run(&OPEN, NewRun { start_ms: NOW + 1_000, tags: resumed, ..new_run(3) })
            .await
            .unwrap()
            .run_id;
        let line = |steps: std::ops::Range<i64>, value: f64| steps.map(|step| point(NOW + step, step, value)).collect();
        store.log(&OPEN, &first, metric("loss", line(0..10, 0.5))).await.unwrap();
        store.log(&OPEN, &first, metric("early", line(0..3, 7.0))).await.unwrap();
        store.log(&OPEN, &second, metric("loss", line(6..16, 0.25))).await.unwrap();
        store.log(&OPEN, &other, metric("loss", line(0..5, 0.75))).await.unwrap();
        let run_ids = vec![second.clone(), other.clone(), first.clone()];
        let ask = async |joined: bool| {
            let request = ValuesRequest { run_ids: run_ids.clone(), metrics: vec![], step: Some(5), joined };
            store.read_values(&OPEN, &request).await.unwrap()
        };

        let (apart, joined) = (ask(false).await, ask(true).await);

        let told = |found: &FoundValues, metric: usize, run: usize| {
            let cell = found.rows[metric].cells[run].as_ref();
            cell.map(|cell| {
                (cell.extremes.count, cell.latest.step, cell.extremes.at.map(|(value, step)| (value.get(), step)))
            })
        };
        assert_eq!(apart.run_ids, run_ids);
        assert_eq!(told(&apart, 1, 0), Some((10, 15, None)));
        assert_eq!(told(&apart, 0, 0), None, "the second attempt does not have it");
        assert_eq!(joined.run_ids, [second.clone(), other.clone()]);
        assert_eq!(told(&joined, 1, 0), Some((16, 15, Some((0.5, 5)))), "six points of the first attempt still count");
        assert_eq!(told(&joined, 1, 1), Some((5, 4, Some((0.75, 4)))));
        assert_eq!(told(&joined, 0, 0), Some((3, 2, Some((7.0, 2)))));
        store.close().await;
    }
}
