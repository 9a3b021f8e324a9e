//! Curves: whatever was logged, compacted or not, on both databases they are what a plain reading of the rules makes.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

mod cases;
mod model;
mod random;

use windvane::store::curves::bucket::Marks;
use windvane::store::curves::curve::{Figures, Style};
use windvane::store::{FoundSeries, Series, SeriesRequest, Store};

use self::model::{Expected, ExpectedMarks, World, frame};
use super::support::*;

const ALL: Figures = Figures { mean: true, min: true, max: true, last: true, count: true };

/// A request for everything of these metrics.
fn request(run_ids: &[String], metrics: &[&str]) -> SeriesRequest {
    SeriesRequest {
        run_ids: run_ids.to_vec(),
        metrics: metrics.iter().map(|metric| (*metric).to_owned()).collect(),
        buckets: 1_000,
        style: Style { figures: ALL, ..Style::default() },
        ..SeriesRequest::default()
    }
}

fn assert_near(found: f64, expected: f64, scale: f64, what: &str) {
    // Nine digits, or where numbers are too small to have nine, sixty-four of the smallest distances that there are.
    assert!((found - expected).abs() <= (scale * 1e-9).max(f64::from_bits(64)), "{what}: {found}, not {expected}");
}

/// Compares an answer with the model.
async fn compare(store: &Store, world: &World, ids: &[String], asked: &[usize], request: &SeriesRequest) {
    let asked_ids = asked.iter().map(|run| ids[*run].clone()).collect();
    let request = SeriesRequest { run_ids: asked_ids, ..request.clone() };
    let found = store.read_series(&OPEN, request.clone()).await.unwrap();
    let expected = world.series(asked, &request);

    assert_eq!(found.series.len(), expected.len());
    let (grid, range) = frame(&expected, &request);
    assert_eq!(found.frame.grid, grid);
    for (series, expected) in found.series.iter().zip(&expected) {
        assert_eq!((series.run_id.as_str(), &series.metric), (ids[expected.run].as_str(), &expected.metric));
        compare_series(series, expected, &found, range, &request);
        let mut attempts: Vec<(String, i64, u64)> = Vec::new();
        for (run, point) in expected.points.iter().filter(|_| request.joined) {
            match attempts.last_mut().filter(|last| last.0 == ids[*run]) {
                Some(last) => last.2 += 1,
                None => attempts.push((ids[*run].clone(), point.step, 1)),
            }
        }
        let shares = series.attempts.iter().map(|share| (share.run_id.clone(), share.first_step, share.points));
        assert_eq!(shares.collect::<Vec<_>>(), attempts);
    }
    assert_places(&found);
}

fn compare_series(
    series: &Series,
    expected: &Expected,
    found: &FoundSeries,
    range: Option<(i64, i64)>,
    request: &SeriesRequest,
) {
    let (curve, outline, grid) = (&series.curve, &series.outline, &found.frame.grid);
    let points: Vec<_> = expected.points.iter().map(|(_, point)| *point).collect();
    assert_eq!(outline.total as usize, points.len());
    let ends = [outline.first, outline.last].map(|end| bits(end.as_slice()));
    assert_eq!(ends, [points.first(), points.last()].map(|end| bits(&Vec::from_iter(end.copied()))));
    let steps = || points.iter().map(|point| point.step);
    assert_eq!(outline.steps, steps().min().zip(steps().max()));
    let finite = || points.iter().filter(|point| model::is_finite(point.value)).map(|point| point.value.get());
    assert_eq!(outline.values, finite().reduce(f64::min).zip(finite().reduce(f64::max)));
    assert_eq!(series.superseded, expected.superseded);
    if request.joined && !series.superseded {
        assert_eq!(outline.dropped as usize, expected.superseded_points);
    }
    assert_eq!(curve.points as usize, expected.points_in(range));
    assert_eq!(curve.without_x as usize, expected.without_x());
    assert_eq!(curve.disordered, expected.is_disordered());
    for (marks, expected) in [
        (&curve.nan, expected.marks(grid, range, |value| value.is_nan())),
        (&curve.infinity, expected.marks(grid, range, |value| value.get() == f64::MAX)),
        (&curve.negative_infinity, expected.marks(grid, range, |value| value.get() == f64::MIN)),
    ] {
        let Marks { count, first_step, at } = marks.clone();
        assert!(at.is_sorted_by(|one, next| one < next));
        assert_eq!(ExpectedMarks { count, first_step, at: at.into_iter().collect() }, expected);
    }

    let smoothing = request.style.smoothing;
    let segments = expected.segments(grid, range, smoothing);
    assert_eq!(curve.segments.len(), segments.len());
    for (segment, expected) in curve.segments.iter().zip(segments) {
        assert_eq!((segment.first_step, segment.last_step), (expected.first_step, expected.last_step));
        assert_eq!(segment.at, expected.buckets.keys().copied().collect::<Vec<_>>());
        for (index, values) in expected.buckets.into_values().enumerate() {
            let raw = || values.iter().map(|(value, _)| *value);
            let (min, max) = (raw().reduce(f64::min).unwrap(), raw().reduce(f64::max).unwrap());
            assert_eq!((segment.min[index], segment.max[index]), (min, max));
            assert_eq!((segment.last[index], segment.count[index]), (raw().next_back().unwrap(), values.len() as u64));
            let count = values.len() as f64;
            let scale = min.abs().max(max.abs());
            assert!((min..=max).contains(&segment.mean[index]));
            assert_near(segment.mean[index], raw().map(|value| value / count).sum(), scale, "mean");
            if smoothing > 0.0 {
                let smooth = values.iter().map(|(_, smooth)| smooth / count).sum();
                // A smoothed value is as uncertain as the greatest number that went into it.
                let greatest = finite().map(f64::abs).fold(0.0, f64::max);
                assert_near(segment.smooth[index], smooth, greatest, "smooth");
            }
        }
        assert_eq!(segment.smooth.len(), if smoothing > 0.0 { segment.at.len() } else { 0 });
    }
}

/// Exactly the buckets with something in them have places.
fn assert_places(found: &FoundSeries) {
    let mut used: Vec<u32> = Vec::new();
    for Series { curve, .. } in &found.series {
        used.extend(curve.segments.iter().flat_map(|segment| &segment.at));
        used.extend(curve.nan.at.iter().chain(&curve.infinity.at).chain(&curve.negative_infinity.at));
    }
    used.sort_unstable();
    used.dedup();
    assert_eq!(found.places, used);
}
