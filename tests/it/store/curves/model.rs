//! Curves as a plain reading of their rules makes them, from lists of points.

use std::collections::{BTreeMap, BTreeSet};

use windvane::model::{MetricValue, Point};
use windvane::store::SeriesRequest;
use windvane::store::curves::axis::Axis;
use windvane::store::curves::grid::{Grid, place_of};

/// The points of one metric of one run, and how many a store that never looks for duplicates would count.
#[derive(Debug, Default, Clone)]
pub struct Logged {
    pub points: BTreeSet<Point>,
    pub count: usize,
}

/// A run: its metrics by name.
pub type Run = BTreeMap<String, Logged>;

/// Runs in the order of their starts, each with the number of its training.
#[derive(Debug, Default)]
pub struct World {
    pub runs: Vec<(usize, Run)>,
}

/// A series as it must be.
#[derive(Debug, Default)]
pub struct Expected {
    /// The number of the run that was asked for.
    pub run: usize,
    pub metric: String,
    pub superseded: bool,
    /// What came from which run, in order.
    pub points: Vec<(usize, Point)>,
    pub superseded_points: usize,
    places: Vec<Option<i64>>,
}

/// A segment as it must be.
#[derive(Debug, Default)]
pub struct ExpectedSegment {
    pub first_step: i64,
    pub last_step: i64,
    /// By the number of the bucket: its finite values with their smoothed values.
    pub buckets: BTreeMap<u32, Vec<(f64, f64)>>,
}

/// Values that are no finite numbers.
#[derive(Debug, Default, PartialEq)]
pub struct ExpectedMarks {
    pub count: u64,
    pub first_step: Option<i64>,
    pub at: BTreeSet<u32>,
}

pub fn is_finite(value: MetricValue) -> bool {
    !value.is_nan() && value.get() != f64::MAX && value.get() != f64::MIN
}

impl World {
    /// The series that a request asks for; `asked` are the numbers of its runs.
    pub fn series(&self, asked: &[usize], request: &SeriesRequest) -> Vec<Expected> {
        let mut found: Vec<Expected> = Vec::new();
        let mut seen = BTreeSet::new();
        for run in asked {
            let training = self.runs[*run].0;
            let is_new = if request.joined { seen.insert(training) } else { seen.insert(*run) };
            if !is_new {
                continue;
            }
            let attempts: Vec<usize> = if request.joined {
                (0..self.runs.len()).filter(|other| self.runs[*other].0 == training).collect()
            } else {
                vec![*run]
            };
            for metric in &request.metrics {
                for superseded in [false, true] {
                    if superseded && !(request.joined && request.superseded) {
                        continue;
                    }
                    let (mut points, mut superseded_points) = (Vec::new(), 0);
                    for attempt in &attempts {
                        let rule = self.supersession(*attempt, metric, request.joined);
                        for point in self.points(*attempt, metric) {
                            let is_superseded = rule.applies(&point);
                            superseded_points += usize::from(is_superseded);
                            if is_superseded == superseded {
                                points.push((*attempt, point));
                            }
                        }
                    }
                    if superseded && points.is_empty() {
                        continue;
                    }
                    let places = self.places(&points, request, &attempts);
                    found.push(Expected {
                        run: *run,
                        metric: metric.clone(),
                        superseded,
                        points,
                        superseded_points,
                        places,
                    });
                }
            }
        }
        found
    }

    fn points(&self, run: usize, metric: &str) -> Vec<Point> {
        self.runs[run].1.get(metric).map(|logged| logged.points.iter().copied().collect()).unwrap_or_default()
    }

    fn places(&self, points: &[(usize, Point)], request: &SeriesRequest, attempts: &[usize]) -> Vec<Option<i64>> {
        let all = attempts.iter().flat_map(|attempt| self.runs[*attempt].1.values());
        let first = all.filter_map(|logged| logged.points.first()).map(|point| point.timestamp_ms).min();
        let mut by_step: BTreeMap<(usize, i64), Point> = BTreeMap::new();
        if let Axis::Metric(name) = &request.axis {
            for attempt in attempts {
                for point in self.points(*attempt, name) {
                    let last = by_step.entry((*attempt, point.step)).or_insert(point);
                    *last = (*last).max(point);
                }
            }
        }
        let place = |(run, point): &(usize, Point)| match &request.axis {
            Axis::Step => Some(point.step),
            Axis::Wall => Some(point.timestamp_ms),
            Axis::Relative => Some(point.timestamp_ms - first.unwrap_or_default()),
            Axis::Metric(_) => {
                let (_, last) = by_step.range((*run, i64::MIN)..=(*run, point.step)).next_back()?;
                is_finite(last.value).then(|| place_of(last.value.get()))
            }
        };
        points.iter().map(place).collect()
    }

    /// Where a run of a training began: the least first step of a metric with two points or more.
    fn first_step(&self, run: usize) -> Option<i64> {
        let metrics =
            self.runs[run].1.iter().filter(|(name, logged)| !name.starts_with("system/") && logged.count >= 2);
        metrics.filter_map(|(_, logged)| logged.points.first()).map(|point| point.step).min()
    }

    fn supersession(&self, run: usize, metric: &str, joined: bool) -> Supersession {
        if metric.starts_with("system/") || !joined {
            return Supersession::default();
        }
        let later = (run + 1..self.runs.len()).filter(|other| self.runs[*other].0 == self.runs[run].0);
        let cut = later.filter_map(|other| self.first_step(other)).min();
        let metrics = self.runs[run].1.iter().filter(|(name, _)| !name.starts_with("system/"));
        // The first by name of the densest: their keys are as old as their names say.
        let densest = metrics.rev().max_by_key(|(_, logged)| logged.count);
        let points = densest.map(|(_, logged)| Vec::from_iter(&logged.points)).unwrap_or_default();
        let mut restarts: Vec<Point> =
            points.windows(2).filter(|pair| pair[1].step < pair[0].step).map(|pair| *pair[1]).collect();
        if restarts.len() >= 100 {
            restarts.clear();
        }
        Supersession { cut, restarts }
    }
}

/// Which points of a run do not count any longer.
#[derive(Default)]
struct Supersession {
    cut: Option<i64>,
    restarts: Vec<Point>,
}

impl Supersession {
    fn applies(&self, point: &Point) -> bool {
        let by_restart = |restart: &Point| point.timestamp_ms < restart.timestamp_ms && point.step >= restart.step;
        self.cut.is_some_and(|cut| point.step >= cut) || self.restarts.iter().any(by_restart)
    }
}

/// The grid and the range of an answer with these series; no range if there is nothing.
pub fn frame(series: &[Expected], request: &SeriesRequest) -> (Grid, Option<(i64, i64)>) {
    let numbers = matches!(request.axis, Axis::Metric(_));
    let is_asked = |place: &i64| request.range.is_none_or(|(first, last)| (first..=last).contains(place));
    let places = || series.iter().flat_map(|series| series.places.iter().flatten().copied()).filter(is_asked);
    let distinct: Vec<i64> = places().collect::<BTreeSet<_>>().into_iter().collect();
    let ends = distinct.first().copied().zip(distinct.last().copied());
    let range = request.range.or(ends);
    match range {
        Some(range) if distinct.len() > request.buckets => (Grid::equal(range, request.buckets, numbers), Some(range)),
        _ => (Grid::Exact { places: distinct, numbers }, range),
    }
}

impl Expected {
    /// The places of its points that are in the range, or else nothing.
    fn in_range(&self, range: Option<(i64, i64)>) -> impl Iterator<Item = Option<i64>> {
        self.places
            .iter()
            .map(move |place| place.filter(|place| range.is_some_and(|(a, b)| a <= *place && *place <= b)))
    }

    pub fn points_in(&self, range: Option<(i64, i64)>) -> usize {
        self.in_range(range).flatten().count()
    }

    pub fn without_x(&self) -> usize {
        self.places.iter().filter(|place| place.is_none()).count()
    }

    fn backward_steps(&self) -> usize {
        let is_back =
            |pair: &&[(usize, Point)]| pair[1].1.step < pair[0].1.step && !(self.superseded && pair[0].0 != pair[1].0);
        self.points.windows(2).filter(is_back).count()
    }

    pub fn is_disordered(&self) -> bool {
        self.backward_steps() >= 100
    }

    fn smoothed(&self, smoothing: f64, begins: impl Fn(usize) -> bool) -> Vec<f64> {
        let steps = || self.points.iter().map(|(_, point)| point.step);
        let span = steps().max().unwrap_or(0) as i128 - steps().min().unwrap_or(0) as i128;
        let typical = if self.points.len() > 1 { span as f64 / (self.points.len() - 1) as f64 } else { 0.0 };
        let mut smoothed = Vec::new();
        // The weighted mean of all values of the segment so far.
        let (mut sum, mut weights, mut previous) = (0.0, 0.0, None);
        for (index, (_, point)) in self.points.iter().enumerate() {
            if begins(index) {
                (sum, weights, previous) = (0.0, 0.0, None);
            }
            if !is_finite(point.value) {
                smoothed.push(f64::NAN);
                continue;
            }
            if let Some(previous) = previous {
                let distance = (point.step as i128 - previous as i128).unsigned_abs() as f64;
                let decay = smoothing.powf(if typical == 0.0 { 1.0 } else { distance / typical });
                (sum, weights) = (sum * decay, weights * decay);
            }
            // Scaled, so that the sum of large numbers is finite.
            (sum, weights) = (sum + point.value.get() / 1e6, weights + 1.0);
            smoothed.push(sum / weights * 1e6);
            previous = Some(point.step);
        }
        smoothed
    }

    /// Its segments in a grid, without those that have no point in the range.
    pub fn segments(&self, grid: &Grid, range: Option<(i64, i64)>, smoothing: f64) -> Vec<ExpectedSegment> {
        let is_disordered = self.is_disordered();
        let begins = |index: usize| {
            let Some(before) = index.checked_sub(1).map(|before| self.points[before]) else { return true };
            let point = self.points[index];
            (point.1.step < before.1.step && !is_disordered) || (self.superseded && before.0 != point.0)
        };
        let smoothed = self.smoothed(smoothing, begins);
        let mut segments: Vec<ExpectedSegment> = Vec::new();
        let mut is_new = true;
        for (index, place) in self.in_range(range).enumerate() {
            let point = self.points[index].1;
            is_new |= begins(index);
            let Some(place) = place else { continue };
            if is_new {
                segments.push(ExpectedSegment { first_step: point.step, ..ExpectedSegment::default() });
                is_new = false;
            }
            let segment = segments.last_mut().unwrap();
            segment.last_step = point.step;
            if is_finite(point.value) {
                segment.buckets.entry(grid.index(place)).or_default().push((point.value.get(), smoothed[index]));
            }
        }
        segments
    }

    /// Its points in the range whose value `is_odd`.
    pub fn marks(&self, grid: &Grid, range: Option<(i64, i64)>, is_odd: impl Fn(MetricValue) -> bool) -> ExpectedMarks {
        let mut marks = ExpectedMarks::default();
        for (place, (_, point)) in self.in_range(range).zip(&self.points) {
            let Some(place) = place.filter(|_| is_odd(point.value)) else { continue };
            marks.count += 1;
            marks.first_step.get_or_insert(point.step);
            marks.at.insert(grid.index(place));
        }
        marks
    }
}
