//! That whatever is logged in whatever order, with retries, reads, compactions and restarts between, both databases hold
//! what a plain set of points holds.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use windvane::model::{Point, RunStatus};
use windvane::store::{LogBatch, Store};

use super::support::*;
use crate::support::variable;

const RUNS: usize = 2;
const KEYS: usize = 3;

#[derive(Debug, Clone)]
enum Action {
    /// A batch of a few points that may repeat, go back, or lie at the same step or time.
    Log {
        run: usize,
        series: Vec<(usize, Vec<Point>)>,
    },
    /// Thousands of points with a stride; backwards if it is negative.
    Bulk {
        run: usize,
        key: usize,
        first: i64,
        count: i64,
        stride: i64,
    },
    /// An earlier batch comes again, and part of it alone.
    Retry {
        which: prop::sample::Index,
        part: prop::sample::Index,
    },
    /// The run ends, and is compacted whenever that comes.
    End {
        run: usize,
    },
    Resume {
        run: usize,
    },
    /// The process ends and another one starts; that waits for compaction.
    Reopen,
    /// A history is read in pages; before the page of this number something happens.
    ReadPages {
        run: usize,
        key: usize,
        size: usize,
        disturbed: usize,
        by_restart: bool,
    },
    Sample {
        run: usize,
        key: usize,
        steps: Option<(i64, i64)>,
        limit: usize,
    },
}

fn values() -> impl Strategy<Value = f64> {
    let special = vec![f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, f64::MAX, 5e-324, 1.0, -1.0];
    prop_oneof![3 => prop::sample::select(special), 1 => any::<f64>()]
}

fn points() -> impl Strategy<Value = Vec<Point>> {
    let steps = prop_oneof![6 => -3..30_i64, 1 => prop::sample::select(vec![i64::MIN, i64::MAX])];
    let times = prop_oneof![6 => 0..30_i64, 1 => Just(i64::MAX)];
    let point = (times, steps, values()).prop_map(|(timestamp_ms, step, value)| point(timestamp_ms, step, value));
    prop::collection::vec(point, 0..20)
}

fn action() -> impl Strategy<Value = Action> {
    let (run, key) = (0..RUNS, 0..KEYS);
    let index = any::<prop::sample::Index>;
    prop_oneof![
        6 => (run.clone(), prop::collection::vec((key.clone(), points()), 1..4)).prop_map(|(run, series)| {
            // A batch names a metric once.
            Action::Log { run, series: BTreeMap::from_iter(series).into_iter().collect() }
        }),
        3 => (run.clone(), key.clone(), 0..40_000_i64, 1..25_000_i64, prop_oneof![3 => Just(1_i64), 1 => -3..4_i64])
            .prop_map(|(run, key, first, count, stride)| Action::Bulk { run, key, first, count, stride }),
        2 => (index(), index()).prop_map(|(which, part)| Action::Retry { which, part }),
        2 => run.clone().prop_map(|run| Action::End { run }),
        1 => run.clone().prop_map(|run| Action::Resume { run }),
        1 => Just(Action::Reopen),
        3 => (run.clone(), key.clone(), 1..9_000_usize, 0..8_usize, any::<bool>()).prop_map(
            |(run, key, size, disturbed, by_restart)| Action::ReadPages { run, key, size, disturbed, by_restart }
        ),
        2 => (run, key, prop::option::of((-5..20_000_i64, 0..20_000_i64)), 1..400_usize).prop_map(
            |(run, key, steps, limit)| {
                let steps = steps.map(|(start, length)| (start, start + length));
                Action::Sample { run, key, steps, limit }
            }
        ),
    ]
}

/// What a store is compared with: a set of points for each metric of each run.
type Model = [[BTreeSet<Point>; KEYS]; RUNS];

fn bulk(first: i64, count: i64, stride: i64) -> Vec<Point> {
    let places = (0..count).map(|index| 50_000 + first + index * stride);
    places.map(|place| point(place, place / 3, if place % 11 == 0 { f64::NAN } else { place as f64 / 7.0 })).collect()
}

/// One database, over all cases; each has runs of its own.
struct Subject {
    database: Database,
    store: Store,
    created: i64,
}

/// One case on one database.
struct Case<'a> {
    subject: &'a mut Subject,
    runs: Vec<String>,
    model: Model,
    logged: Vec<(usize, LogBatch)>,
}

fn key_name(key: usize) -> String {
    format!("key-{key}")
}

impl Subject {
    async fn check(&mut self, actions: &[Action]) {
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            self.created += 1;
            runs.push(create_run(&self.store, self.created).await);
        }
        let mut case = Case { subject: self, runs, model: Model::default(), logged: Vec::new() };
        for action in actions {
            case.act(action).await;
        }
        case.compare_everything().await;
    }

    async fn reopen(&mut self) {
        self.store.close().await;
        self.store = self.database.open().await;
    }
}

impl Case<'_> {
    async fn act(&mut self, action: &Action) {
        match action.clone() {
            Action::Log { run, series } => {
                let series = series.into_iter().map(|(key, points)| (key_name(key), points)).collect();
                self.log(run, LogBatch { series, ..LogBatch::default() }).await;
            }
            Action::Bulk { run, key, first, count, stride } => {
                self.log(run, metric(&key_name(key), bulk(first, count, stride))).await;
            }
            Action::Retry { which, part } => {
                if self.logged.is_empty() {
                    return;
                }
                let (run, batch) = self.logged[which.index(self.logged.len())].clone();
                let (key, points) = batch.series[0].clone();
                self.log(run, batch).await;
                if !points.is_empty() {
                    self.log(run, metric(&key, points[part.index(points.len())..].to_vec())).await;
                }
            }
            Action::End { run } => self.set_status(run, RunStatus::Finished).await,
            Action::Resume { run } => self.set_status(run, RunStatus::Running).await,
            Action::Reopen => self.subject.reopen().await,
            Action::ReadPages { run, key, size, disturbed, by_restart } => {
                self.compare_pages(run, key, size, disturbed, by_restart).await;
            }
            Action::Sample { run, key, steps, limit } => self.compare_sample(run, key, steps, limit).await,
        }
    }

    async fn log(&mut self, run: usize, batch: LogBatch) {
        self.subject.store.log(&OPEN, &self.runs[run], batch.clone()).await.unwrap();
        for (name, points) in &batch.series {
            let key = (0..KEYS).find(|key| key_name(*key) == *name).unwrap();
            self.model[run][key].extend(points);
        }
        self.logged.push((run, batch));
    }

    async fn set_status(&self, run: usize, to: RunStatus) {
        self.subject.store.update_run(&OPEN, &self.runs[run], status(to)).await.unwrap();
    }

    async fn compare_pages(&mut self, run: usize, key: usize, size: usize, disturbed: usize, by_restart: bool) {
        let expected = Vec::from_iter(self.model[run][key].iter().copied());
        // Not hundreds of pages.
        let size = size.max(expected.len() / 20);
        let mut read: Vec<Point> = Vec::new();
        for number in 0.. {
            if number == disturbed {
                if by_restart {
                    self.subject.reopen().await;
                } else {
                    self.set_status(run, RunStatus::Killed).await;
                }
            }
            let store = &self.subject.store;
            let page = store.list_history(&OPEN, &self.runs[run], &key_name(key), read.last().copied(), size).await;
            let page = page.unwrap();
            assert_eq!(page.points.len(), size.min(expected.len() - read.len()));
            read.extend(page.points);
            assert_eq!(page.more, read.len() < expected.len());
            if !page.more {
                break;
            }
        }
        assert_eq!(bits(&read), bits(&expected));
    }

    async fn compare_sample(&self, run: usize, key: usize, steps: Option<(i64, i64)>, limit: usize) {
        let mut points = Vec::from_iter(self.model[run][key].iter().copied());
        points.retain(|point| steps.is_none_or(|(start, end)| (start..=end).contains(&point.step)));
        points.sort_by_key(Point::latest_key);
        let expected: Vec<Point> = match (points.len(), limit) {
            (count, limit) if count <= limit => points,
            (count, 1) => vec![points[count - 1]],
            (count, limit) => (0..limit).map(|index| points[index * (count - 1) / (limit - 1)]).collect(),
        };

        let store = &self.subject.store;
        let found = store.sample_histories(&OPEN, &[&self.runs[run]], &key_name(key), steps, limit).await.unwrap();

        // A metric that nobody ever named has no answer for the run at all.
        let found = found.into_iter().next().map(|run| run.points).unwrap_or_default();
        assert_eq!(bits(&found), bits(&expected));
    }

    async fn compare_everything(&mut self) {
        for run in 0..RUNS {
            let found = find_run(&self.subject.store, &self.runs[run]).await;
            for key in 0..KEYS {
                let expected = Vec::from_iter(self.model[run][key].iter().copied());
                let points = history(&self.subject.store, &self.runs[run], &key_name(key)).await;
                assert_eq!(bits(&points), bits(&expected));
                let latest = found.metrics.iter().find(|metric| metric.key == key_name(key)).map(|metric| metric.point);
                let expected = expected.into_iter().max_by_key(Point::latest_key);
                assert_eq!(latest.map(|latest| bits(&[latest])), expected.map(|expected| bits(&[expected])));
            }
        }
        self.compare_bounds().await;
    }

    /// What a series says of itself: steps are exact, the count is too until the series is loose, and never too small.
    async fn compare_bounds(&self) {
        let database = &self.subject.database;
        let expected: Vec<&BTreeSet<Point>> = self.model.iter().flatten().filter(|points| !points.is_empty()).collect();
        let counts = database
            .ints(
                "SELECT count * 2 + CAST(loose AS INTEGER) FROM metric_series
                 WHERE run_id > (SELECT max(id) - 2 FROM run) ORDER BY run_id, (SELECT name FROM key WHERE id = key_id)",
            )
            .await;
        let least_steps = database
            .ints(
                "SELECT min_step FROM metric_series
                 WHERE run_id > (SELECT max(id) - 2 FROM run) ORDER BY run_id, (SELECT name FROM key WHERE id = key_id)",
            )
            .await;
        let first_times = database
            .ints(
                "SELECT first_ms FROM metric_series
                 WHERE run_id > (SELECT max(id) - 2 FROM run) ORDER BY run_id, (SELECT name FROM key WHERE id = key_id)",
            )
            .await;

        assert_eq!(counts.len(), expected.len());
        for (points, count) in expected.iter().zip(counts) {
            let (count, loose) = (count / 2, count % 2 == 1);
            let distinct = points.len() as i64;
            assert!(if loose { count >= distinct } else { count == distinct }, "{count} of {distinct}, {loose}");
        }
        let steps = expected.iter().map(|points| points.iter().map(|point| point.step).min().unwrap());
        assert_eq!(least_steps, steps.collect::<Vec<_>>());
        let times = expected.iter().map(|points| points.first().unwrap().timestamp_ms);
        assert_eq!(first_times, times.collect::<Vec<_>>());
    }
}

#[test]
fn logging_reading_compaction_and_restarts_in_any_order_keep_what_a_set_of_points_keeps() {
    let cases = if variable("TEST_LARGE").is_some() { 1_000 } else { 24 };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut subjects = Vec::new();
    runtime.block_on(async {
        for database in databases().await {
            subjects.push(Subject { store: database.open().await, database, created: 0 });
        }
    });
    let subjects = std::cell::RefCell::new(subjects);
    // Failures are not kept in files: the case that is printed is a test of its own to write.
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });

    let outcome = runner.run(&prop::collection::vec(action(), 1..25), |actions| {
        for subject in subjects.borrow_mut().iter_mut() {
            runtime.block_on(subject.check(&actions));
        }
        Ok(())
    });

    if let Err(error) = outcome {
        panic!("{error}");
    }
}
