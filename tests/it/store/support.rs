//! Short ways to fill a store and to look at it.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

use windvane::error::Result;
use windvane::model::{Caller, KeyValue, MetricValue, Point, Run, RunStatus};
use windvane::store::{LogBatch, NewRun, RunUpdate, Store};

use super::statements;
pub use crate::support::{Database, START_MS as NOW};

/// Who asks.
pub const OPEN: Caller = Caller::Open;

/// An SQLite database and, where there is a server, a PostgreSQL database.
pub async fn databases() -> Vec<Database> {
    statements::record_if_asked();
    crate::support::databases().await
}

pub fn point(timestamp_ms: i64, step: i64, value: f64) -> Point {
    Point { timestamp_ms, step, value: MetricValue::new(value) }
}

/// `count` points that advance from `first` on, one a step and a second.
pub fn ascending(first: i64, count: i64) -> Vec<Point> {
    (first..first + count).map(|step| point(NOW + step * 1_000, step, step as f64 / 8.0)).collect()
}

/// Points as they are bit for bit; equality of points does not look at the bits of a NaN.
pub fn bits(points: &[Point]) -> Vec<(i64, i64, u64)> {
    points.iter().map(|point| (point.timestamp_ms, point.step, point.value.get().to_bits())).collect()
}

pub fn pair(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: value.to_owned() }
}

pub fn metric(key: &str, points: Vec<Point>) -> LogBatch {
    LogBatch { series: vec![(key.to_owned(), points)], ..LogBatch::default() }
}

pub fn param(key: &str, value: &str) -> LogBatch {
    LogBatch { params: vec![pair(key, value)], ..LogBatch::default() }
}

pub fn tag(key: &str, value: &str) -> LogBatch {
    LogBatch { tags: vec![pair(key, value)], ..LogBatch::default() }
}

pub fn status(status: RunStatus) -> RunUpdate {
    RunUpdate { status: Some(status), ..RunUpdate::default() }
}

/// What to create a run of experiment 0 from. The `number` makes its id, and makes it start later than those before.
pub fn new_run(number: i64) -> NewRun {
    NewRun {
        run_id: format!("{number:032x}"),
        experiment_id: 0,
        name: format!("run-{number}"),
        user_id: "ada".to_owned(),
        start_ms: NOW + number,
        tags: Vec::new(),
    }
}

/// Creates run `number` of experiment 0 and answers its id.
pub async fn create_run(store: &Store, number: i64) -> String {
    store.create_run(&OPEN, new_run(number)).await.unwrap().run_id
}

pub async fn find_run(store: &Store, run_id: &str) -> Run {
    store.find_run(&OPEN, run_id).await.unwrap().unwrap()
}

/// The whole history of a metric, which must have come in one page.
pub async fn history(store: &Store, run_id: &str, key: &str) -> Vec<Point> {
    let page = store.list_history(&OPEN, run_id, key, None, 10_000_000).await.unwrap();
    assert!(!page.more);
    page.points
}

/// The latest point of a metric.
pub async fn latest(store: &Store, run_id: &str, key: &str) -> Point {
    let run = find_run(store, run_id).await;
    run.metrics.iter().find(|metric| metric.key == key).unwrap().point
}

/// An error as a client sees it.
pub fn refusal<T: std::fmt::Debug>(result: Result<T>) -> String {
    let error = result.unwrap_err();
    format!("{}: {error}", error.code())
}
