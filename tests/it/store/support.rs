//! Short ways to fill a store and to look at it.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

use windvane::error::Result;
use windvane::model::{Caller, Dataset, DatasetInput, KeyValue, MetricValue, Point, Run, RunStatus, ViewType};
use windvane::search::{parse_run_filter, parse_run_order};
use windvane::store::{LogBatch, NewLoggedModel, NewRun, RunDocument, RunPage, RunSearch, RunUpdate, Store};

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

/// What to create a logged model of experiment 0 from; the `number` makes its id.
pub fn new_model(number: i64) -> NewLoggedModel {
    NewLoggedModel {
        model_id: format!("m-{number:032x}"),
        experiment_id: 0,
        name: format!("model {number}"),
        model_type: None,
        source_run_id: None,
        params: Vec::new(),
        tags: Vec::new(),
    }
}

pub async fn find_run(store: &Store, run_id: &str) -> Run {
    store.find_run(&OPEN, run_id).await.unwrap().unwrap()
}

/// A run as text: its id, and its params.
pub fn render(run: &Run) -> Result<RunDocument> {
    let params: Vec<String> = run.params.iter().map(|param| format!("{}={}", param.key, param.value)).collect();
    Ok(RunDocument { rest: run.info.run_id.clone().into_bytes(), params: params.join(" ").into_bytes() })
}

/// The ids of the runs of a page, in order.
pub async fn run_ids(page: &mut RunPage) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        let part = page.next_part(render).await.unwrap();
        if part.is_empty() {
            return ids;
        }
        ids.extend(part.into_iter().map(|run| String::from_utf8(run.rest).unwrap()));
    }
}

/// A search of experiment 0 for its active runs; the keys of `order` stand between commas.
pub fn search(filter: &str, order: &str) -> RunSearch {
    let order: Vec<String> = order.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect();
    RunSearch {
        experiments: vec![0],
        view: ViewType::ActiveOnly,
        filter: parse_run_filter(filter).unwrap(),
        order: parse_run_order(&order).unwrap(),
        after: None,
        limit: 1_000,
    }
}

/// The ids of all runs that a search finds, page by page.
pub async fn find_in_pages(store: &Store, search: &RunSearch, limit: usize) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let mut page = store.search_runs(&OPEN, RunSearch { limit, after, ..search.clone() }).await.unwrap();
        let ids = run_ids(&mut page).await;
        assert!(ids.len() == limit || (page.next.is_none() && ids.len() < limit), "a page of {limit} has {ids:?}");
        found.extend(ids);
        if page.next.is_none() {
            return found;
        }
        after = page.next;
    }
}

/// The number that a run's id was made from.
pub fn number(run_id: &str) -> i64 {
    i64::from_str_radix(run_id, 16).unwrap()
}

/// A dataset, and what it was read for.
pub fn dataset(name: &str, digest: &str, context: Option<&str>) -> DatasetInput {
    let dataset = Dataset {
        name: name.to_owned(),
        digest: digest.to_owned(),
        source_type: String::new(),
        source: String::new(),
        schema: None,
        profile: None,
    };
    DatasetInput { dataset, tags: context.map(|context| pair("mlflow.data.context", context)).into_iter().collect() }
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
