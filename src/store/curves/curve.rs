//! One series as buckets: segments between restarts, values that are no numbers, smoothing.

use std::sync::Arc;

use super::axis::View;
use super::bucket::{Buckets, Marks, is_plain};
use super::grid::Grid;
use super::smoothing::Smoother;
use super::survey::Outline;
use super::walk::{Consumer, Part, Use};
use crate::model::Point;
use crate::store::points::chunk::Summary;

/// Steps that go back more often are no restarts.
const MAX_SEGMENTS: u64 = 100;

/// Points in the order of time whose steps do not go back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Segment {
    /// The step of its first point in the range.
    pub first_step: i64,
    /// The step of its last point in the range.
    pub last_step: i64,
    /// Its finite values.
    pub buckets: Buckets,
}

/// A series, as far as it lies in the range.
#[derive(Debug, Clone, Default)]
pub struct Curve {
    /// How many points lie in the range.
    pub points: u64,
    /// How many points of the whole series have no x.
    pub without_x: u64,
    /// Its segments in the order of time.
    pub segments: Vec<Segment>,
    /// Whether its steps go back so often that it is told as one segment.
    pub disordered: bool,
    /// Where it is not a number.
    pub nan: Marks,
    /// Where it is infinite.
    pub infinity: Marks,
    /// Where it is infinite and negative.
    pub negative_infinity: Marks,
    backward: u64,
    previous_step: Option<i64>,
    run: Option<usize>,
    /// Whether the next point in the range begins a segment.
    is_new: bool,
    smoother: Option<Smoother>,
}

impl Curve {
    fn restart(&mut self, times: u64) {
        self.backward += times;
        if self.disordered {
            return;
        }
        if self.backward >= MAX_SEGMENTS {
            self.disordered = true;
            let segments = std::mem::take(&mut self.segments);
            self.segments = segments.into_iter().reduce(joined).into_iter().collect();
            // One segment from the first on.
            self.is_new = self.segments.is_empty();
            return;
        }
        self.is_new = true;
        self.smoother.iter_mut().for_each(Smoother::restart);
    }

    #[inline]
    fn step(&mut self, step: i64) {
        if self.previous_step.is_some_and(|previous| step < previous) {
            self.restart(1);
        }
        self.previous_step = Some(step);
    }

    #[inline]
    fn segment(&mut self, step: i64) -> &mut Segment {
        if self.is_new || self.segments.is_empty() {
            self.is_new = false;
            self.segments.push(Segment { first_step: step, last_step: step, buckets: Buckets::default() });
        }
        let last = self.segments.len() - 1;
        let segment = &mut self.segments[last];
        segment.last_step = step;
        segment
    }

    fn begin(&mut self, part: &Part, superseded: bool) {
        // What one attempt left behind does not go on in the next one.
        if superseded && self.run.is_some_and(|run| run != part.run) {
            self.restart(0);
            self.previous_step = None;
        }
        self.run = Some(part.run);
    }
}

fn joined(mut segment: Segment, later: Segment) -> Segment {
    segment.last_step = later.last_step;
    segment.buckets.merge(&later.buckets);
    segment
}

/// Puts the points of series into buckets.
#[derive(Debug)]
pub struct Curves {
    view: Arc<View>,
    grid: Arc<Grid>,
    /// By the number of the series.
    pub curves: Vec<Curve>,
    smoothing: bool,
}

impl Curves {
    /// Before the first point of series with these outlines.
    pub fn new(view: Arc<View>, grid: Arc<Grid>, outlines: &[Outline], smoothing: f64) -> Self {
        let curve = |outline: &Outline| {
            let typical = Smoother::typical(outline.steps.unwrap_or_default(), outline.total);
            let smoother = (smoothing > 0.0).then(|| Smoother::new(smoothing, typical));
            Curve { smoother, ..Curve::default() }
        };
        Curves { view, grid, curves: outlines.iter().map(curve).collect(), smoothing: smoothing > 0.0 }
    }

    /// How many buckets and marks there are in all.
    pub fn used(&self) -> usize {
        let of_curve = |curve: &Curve| {
            let buckets: usize = curve.segments.iter().map(|segment| segment.buckets.at.len()).sum();
            buckets + curve.nan.at.len() + curve.infinity.at.len() + curve.negative_infinity.at.len()
        };
        self.curves.iter().map(of_curve).sum()
    }

    /// The curves, and all places that are used, ascending.
    pub fn finish(mut self) -> (Vec<Curve>, Vec<u32>) {
        let mut used = vec![false; 0];
        let mut mark = |at: &[u32]| {
            for place in at {
                let place = *place as usize;
                if place >= used.len() {
                    used.resize(place + 1, false);
                }
                used[place] = true;
            }
        };
        for curve in &mut self.curves {
            for marks in [&mut curve.nan, &mut curve.infinity, &mut curve.negative_infinity] {
                marks.sort();
                mark(&marks.at);
            }
            curve.segments.iter().for_each(|segment| mark(&segment.buckets.at));
        }
        let places = used.iter().enumerate().filter(|(_, used)| **used).map(|(place, _)| place as u32);
        (self.curves, places.collect())
    }
}

impl Consumer for Curves {
    fn plan(&self, part: &Part, summary: &Summary) -> Use {
        let (false, Some(bounds)) = (self.smoothing, self.view.bounds(part.run, summary)) else { return Use::Points };
        if !self.view.touches(bounds) {
            return if summary.backward_steps.is_some() { Use::Pass } else { Use::Points };
        }
        let is_inside = self.view.covers(bounds.0) && self.view.covers(bounds.1);
        if is_inside
            && summary.backward_steps == Some(0)
            && is_plain(summary)
            && self.grid.index(bounds.0) == self.grid.index(bounds.1)
        {
            return Use::Whole;
        }
        Use::Points
    }

    fn pass(&mut self, part: &Part, summary: &Summary) {
        let curve = &mut self.curves[part.series];
        curve.begin(part, part.keep.is_superseded());
        curve.step(summary.first.step);
        if let Some(times) = summary.backward_steps.filter(|times| *times > 0) {
            curve.restart(times as u64);
        }
        curve.previous_step = Some(summary.last.step);
    }

    fn whole(&mut self, _number: usize, part: &Part, summary: &Summary) {
        let Some(at) = self.view.place(part.run, &summary.first).map(|place| self.grid.index(place)) else { return };
        let curve = &mut self.curves[part.series];
        curve.begin(part, part.keep.is_superseded());
        curve.step(summary.first.step);
        let segment = curve.segment(summary.first.step);
        segment.last_step = summary.last.step;
        segment.buckets.get(at).add_chunk(summary);
        curve.points += summary.count as u64;
        curve.previous_step = Some(summary.last.step);
    }

    fn points(&mut self, _number: usize, part: &Part, points: &[Point]) {
        let curve = &mut self.curves[part.series];
        if points.is_empty() {
            return;
        }
        curve.begin(part, part.keep.is_superseded());
        // The places that are known to be in the same bucket as the point before.
        let (mut first, mut last, mut at) = (1, 0, 0);
        for point in points {
            curve.step(point.step);
            let value = point.value.get();
            let is_finite = value.abs() < f64::MAX;
            let smooth = match &mut curve.smoother {
                Some(smoother) if is_finite => smoother.next(point.step, value),
                _ => 0.0,
            };
            let Some(place) = self.view.place(part.run, point) else {
                curve.without_x += 1;
                continue;
            };
            if !self.view.covers(place) {
                continue;
            }
            if place < first || place > last {
                at = self.grid.index(place);
                (first, last) = self.grid.reach(place, at);
            }
            curve.points += 1;
            let is_smoothed = curve.smoother.is_some();
            let segment = curve.segment(point.step);
            if is_finite {
                let bucket = segment.buckets.get(at);
                bucket.add(value);
                if is_smoothed {
                    bucket.add_smooth(smooth);
                }
            } else if value.is_nan() {
                curve.nan.add(point.step, at);
            } else if value > 0.0 {
                curve.infinity.add(point.step, at);
            } else {
                curve.negative_infinity.add(point.step, at);
            }
        }
    }

    fn dropped(&mut self, _part: &Part, _count: usize) {}
}
