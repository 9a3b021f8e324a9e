//! Random worlds and random questions.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use windvane::model::{Point, RunStatus};
use windvane::store::curves::axis::Axis;
use windvane::store::curves::curve::Style;
use windvane::store::curves::grid::place_of;
use windvane::store::{LogBatch, NewRun, SeriesRequest, Store};

use super::model::{Run, World};
use super::*;
use crate::support::variable;

const RUNS: usize = 4;
const METRICS: [&str; 3] = ["loss", "other", "system/gpu"];

#[derive(Debug, Clone)]
enum Action {
    /// A few points that may go back, or lie at the same step or time.
    Log {
        run: usize,
        metric: usize,
        points: Vec<Point>,
    },
    /// Thousands of points, from a step on.
    Bulk {
        run: usize,
        metric: usize,
        first: i64,
        count: i64,
        stride: i64,
        odd: bool,
    },
    /// The same once more.
    Repeat {
        run: usize,
        metric: usize,
    },
    End {
        run: usize,
    },
    Reopen,
    Ask {
        asked: Vec<usize>,
        request: SeriesRequest,
    },
}

fn values() -> impl Strategy<Value = f64> {
    let special = vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308, -1e308, 5e-324, f64::MAX.next_down()];
    prop_oneof![6 => -9.0..9.0, 1 => prop::sample::select(special), 2 => (0..5_i32).prop_map(f64::from)]
}

fn points() -> impl Strategy<Value = Vec<Point>> {
    let steps = prop_oneof![30 => 0..40_i64, 1 => prop::sample::select(vec![i64::MIN, i64::MAX])];
    let point = (0..60_i64, steps, values()).prop_map(|(at, step, value)| point(NOW + at * 100, step, value));
    prop::collection::vec(point, 1..25)
}

fn axis() -> impl Strategy<Value = Axis> {
    prop_oneof![
        4 => Just(Axis::Step),
        1 => Just(Axis::Wall),
        1 => Just(Axis::Relative),
        2 => prop::sample::select(vec!["loss", "other", "unheard-of"]).prop_map(|name| Axis::Metric(name.to_owned())),
    ]
}

fn question() -> impl Strategy<Value = Action> {
    let range = prop::option::weighted(0.4, (-10..4_000_i64, 0..6_000_i64));
    let buckets = prop_oneof![1..10_usize, 10..200_usize, Just(2_000)];
    let smoothing = prop_oneof![2 => Just(0.0), 1 => 0.01..0.99];
    let metrics = prop::sample::subsequence(METRICS.to_vec(), 1..=3);
    let asked = prop::collection::vec(0..RUNS, 1..4);
    let flags = (any::<bool>(), any::<bool>());
    (asked, metrics, axis(), range, buckets, smoothing, flags).prop_map(
        |(asked, metrics, axis, range, buckets, smoothing, (joined, superseded))| {
            let range = range.map(|(first, length)| match axis {
                Axis::Step | Axis::Relative => (first, first + length),
                Axis::Wall => (NOW + first, NOW + first + length),
                Axis::Metric(_) => (place_of(first as f64 / 100.0), place_of((first + length) as f64 / 100.0)),
            });
            let request = SeriesRequest {
                axis,
                range,
                buckets,
                joined,
                superseded,
                style: Style { smoothing, ..request(&[], &[]).style },
                ..request(&[], &metrics)
            };
            Action::Ask { asked, request }
        },
    )
}

fn action() -> impl Strategy<Value = Action> {
    let (run, metric) = (0..RUNS, 0..METRICS.len());
    prop_oneof![
        5 => (run.clone(), metric.clone(), points())
            .prop_map(|(run, metric, points)| Action::Log { run, metric, points }),
        2 => (run.clone(), metric.clone(), 0..5_000_i64, 500..9_000_i64, -1..4_i64, any::<bool>()).prop_map(
            |(run, metric, first, count, stride, odd)| Action::Bulk { run, metric, first, count, stride, odd }
        ),
        1 => (run.clone(), metric).prop_map(|(run, metric)| Action::Repeat { run, metric }),
        1 => run.prop_map(|run| Action::End { run }),
        1 => Just(Action::Reopen),
        6 => question(),
    ]
}

/// One database, over all cases; each has runs of its own.
struct Subject {
    database: Database,
    store: Store,
    created: i64,
}

impl Subject {
    /// Runs of which the second and the third resume the first.
    async fn new_world(&mut self) -> (World, Vec<String>) {
        let (mut world, mut ids) = (World::default(), Vec::<String>::new());
        for number in 0..RUNS {
            self.created += 1;
            let new = new_run(self.created);
            let tags = match number {
                1 | 2 => vec![pair("mlflow.parentRunId", &ids[0]), pair("resumedRun", "True")],
                _ => Vec::new(),
            };
            ids.push(self.store.create_run(&OPEN, NewRun { tags, ..new }).await.unwrap().run_id);
            world.runs.push((if number < 3 { 0 } else { number }, Run::new()));
        }
        (world, ids)
    }

    async fn check(&mut self, actions: &[Action]) {
        let (mut world, ids) = self.new_world().await;
        for action in actions {
            self.act(&mut world, &ids, action).await;
        }
    }

    async fn act(&mut self, world: &mut World, ids: &[String], action: &Action) {
        match action.clone() {
            Action::Log { run, metric, points } => self.log(world, ids, run, metric, points).await,
            Action::Bulk { run, metric, first, count, stride, odd } => {
                let value = |at: i64| if odd && at % 97 == 0 { f64::NAN } else { (at * 7_919 % 1_000) as f64 / 7.0 };
                let points = (0..count).map(|at| point(NOW + 3_000 + at, first + at * stride, value(at)));
                self.log(world, ids, run, metric, points.collect()).await;
            }
            Action::Repeat { run, metric } => {
                let points = world.runs[run].1.get(METRICS[metric]).map(|logged| logged.points.clone());
                let points: Vec<Point> = points.unwrap_or_default().into_iter().take(50).collect();
                if !points.is_empty() {
                    self.log(world, ids, run, metric, points).await;
                }
            }
            Action::End { run } => {
                self.store.update_run(&OPEN, &ids[run], status(RunStatus::Finished)).await.unwrap();
            }
            Action::Reopen => {
                self.store.close().await;
                self.store = self.database.open().await;
            }
            Action::Ask { asked, request } => compare(&self.store, world, ids, &asked, &request).await,
        }
    }

    async fn log(&mut self, world: &mut World, ids: &[String], run: usize, metric: usize, points: Vec<Point>) {
        let batch = LogBatch { series: vec![(METRICS[metric].to_owned(), points.clone())], ..LogBatch::default() };
        self.store.log(&OPEN, &ids[run], batch).await.unwrap();
        let logged = world.runs[run].1.entry(METRICS[metric].to_owned()).or_default();
        let points: std::collections::BTreeSet<Point> = points.into_iter().collect();
        logged.count += points.len();
        logged.points.extend(points);
    }
}

#[test]
fn curves_are_what_their_rules_say_whatever_was_logged_and_is_asked() {
    let cases = if variable("TEST_LARGE").is_some() { 1_000 } else { 40 };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut subjects = Vec::new();
    runtime.block_on(async {
        for database in databases().await {
            let store = database.open().await;
            // The names get their ids in their order.
            let run_id = create_run(&store, 0).await;
            let series = METRICS.iter().map(|name| ((*name).to_owned(), vec![point(1, 1, 1.0)])).collect();
            store.log(&OPEN, &run_id, LogBatch { series, ..LogBatch::default() }).await.unwrap();
            subjects.push(Subject { store, database, created: 0 });
        }
    });
    let subjects = std::cell::RefCell::new(subjects);
    // Failures are not kept in files: the case that is printed is a test of its own to write.
    let mut runner =
        TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() });

    let outcome = runner.run(&prop::collection::vec(action(), 1..30), |actions| {
        for subject in subjects.borrow_mut().iter_mut() {
            runtime.block_on(subject.check(&actions));
        }
        Ok(())
    });

    if let Err(error) = outcome {
        panic!("{error}");
    }
}
