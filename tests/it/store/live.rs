//! How runs at work fare, told from summaries and few points: as if all points had been looked at.

use windvane::model::{Point, RunStatus, ViewType};
use windvane::search::parse_run_order;
use windvane::store::{Live, LiveLoss, LogBatch, RowsSearch, RunSearch, Store};

use super::support::*;

/// How the runs of experiment 0 fare, in the order of their numbers.
async fn live(store: &Store) -> Vec<Option<Live>> {
    let search = RunSearch { order: parse_run_order(&["start_time".to_owned()]).unwrap(), ..search("", "") };
    let search = RunSearch { view: ViewType::All, ..search };
    let (columns, offset, limit, tree) = (Vec::new(), 0, 1_000, None);
    let asked = RowsSearch { search, columns, offset, limit, tree, paces: false, live: true };
    let found = store.list_rows(&OPEN, asked).await.unwrap();
    assert_eq!(found.paces, None);
    found.live.unwrap()
}

/// What there is to tell of a loss, from all of its points in the order of time.
fn judged(metric: &str, points: &[Point]) -> LiveLoss {
    let value = |point: &Point| point.value.get();
    let latest = points.iter().max_by_key(|point| point.latest_key()).unwrap();
    let mut best: Option<(f64, i64)> = None;
    for point in points.iter().filter(|point| value(point) > f64::MIN && value(point) < f64::MAX) {
        if best.is_none_or(|(least, _)| value(point) < least) {
            best = Some((value(point), point.step));
        }
    }
    let nan = points.iter().rev().take_while(|point| value(point).is_nan());
    LiveLoss {
        metric: metric.to_owned(),
        last: value(latest),
        last_step: latest.step,
        best,
        nan_since: nan.last().map(|point| point.step),
        count: points.len() as i64,
    }
}

/// Points one a second, of which `value` makes the values.
fn points(count: i64, value: impl Fn(i64) -> f64) -> Vec<Point> {
    (0..count).map(|step| point(NOW + step * 1_000, step, value(step))).collect()
}

#[tokio::test]
async fn long_series_are_judged_by_few_of_their_points() {
    let falling = |step: i64| 1.0 / (1 + step) as f64;
    // With chunks of 4,096 points.
    let all = [
        points(70_000, falling),
        points(70_000, |step| if step >= 4_200 { f64::NAN } else { falling(step) }),
        points(70_000, |step| if step >= 8_192 { f64::NAN } else { falling(step) }),
        points(70_000, |step| if step >= 69_999 { f64::NAN } else { falling(step) }),
        points(70_000, |_| f64::NAN),
        points(70_000, |step| if step % 5_000 < 2_000 { f64::NAN } else { (step - 9_000).abs() as f64 }),
        points(70_000, |step| if step == 5_000 { f64::NEG_INFINITY } else { (step - 5_003).abs() as f64 }),
        points(70_000, |step| if step == 10 { f64::NEG_INFINITY } else { f64::INFINITY }),
        points(70_000, |step| f64::from((step % 7) as i32)),
        points(3, falling),
    ];
    for database in databases().await {
        let store = database.open().await;
        let mut series = all.clone();
        for (number, series) in (1..).zip(&series) {
            let run_id = create_run(&store, number).await;
            store.log(&OPEN, &run_id, metric("val_loss", series.clone())).await.unwrap();
        }
        check(&store, &series, Some(1.0)).await;

        // Closing waits for compaction.
        store.close().await;
        let store = database.open().await;
        assert_eq!(database.int("SELECT count(*) FROM metric_chunk WHERE count = 4096").await, 9 * 17);
        check(&store, &series, Some(1.0)).await;

        // What comes then is not in chunks, and a part of it comes late.
        for (number, series) in (1..).zip(&mut series) {
            let late = [point(NOW - 5, -1, f64::NAN), point(NOW + 90_000_000, 90_000, f64::NAN)];
            store.log(&OPEN, &new_run(number).run_id, metric("val_loss", late.to_vec())).await.unwrap();
            series.insert(0, late[0]);
            series.push(late[1]);
        }
        check(&store, &series, None).await;
    }
}

async fn check(store: &Store, series: &[Vec<Point>], steps_per_second: Option<f64>) {
    let found = live(store).await;
    assert_eq!(found.len(), series.len());
    for (number, (found, series)) in found.into_iter().zip(series).enumerate() {
        // As a text, in which NaN equals itself.
        let live = Live { steps_per_second, loss: Some(judged("val_loss", series)) };
        assert_eq!(format!("{found:?}"), format!("{:?}", Some(live)), "run {number}");
    }
}

#[tokio::test]
async fn only_runs_at_work_that_logged_something_are_told_of() {
    for database in databases().await {
        let store = database.open().await;
        for number in 1..=5 {
            create_run(&store, number).await;
        }
        let ids: Vec<String> = (1..=5).map(|number| new_run(number).run_id).collect();
        let every = |gap_ms: i64, value: f64| (0..5).map(|at| point(NOW + at * gap_ms, at * 10, value)).collect();
        // The first one's speed is that of the metric with most points.
        let series =
            [("step", points(10, |_| 0.0)), ("train_loss", every(2_000, 0.5)), ("val_loss_epoch", every(9, 0.7))];
        let series = series.map(|(key, points)| (key.to_owned(), points)).to_vec();
        store.log(&OPEN, &ids[0], LogBatch { series, ..LogBatch::default() }).await.unwrap();
        store.log(&OPEN, &ids[1], metric("acc", vec![point(NOW, 1, 0.5)])).await.unwrap();
        store.log(&OPEN, &ids[2], metric("system/loss", every(500, 0.5))).await.unwrap();
        store.log(&OPEN, &ids[4], metric("loss", every(500, 0.5))).await.unwrap();
        store.update_run(&OPEN, &ids[4], status(RunStatus::Finished)).await.unwrap();

        let found = live(&store).await;

        let loss = judged("val_loss_epoch", &every(9, 0.7));
        let expected = [
            Some(Live { steps_per_second: Some(1.0), loss: Some(loss) }),
            Some(Live { steps_per_second: None, loss: None }),
            Some(Live { steps_per_second: Some(20.0), loss: None }),
            None,
            None,
        ];
        assert_eq!(found, expected);
    }
}
