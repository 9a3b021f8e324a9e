//! What must be known of all series before the first bucket can be filled: how many points, from where to where.

use std::sync::Arc;

use super::axis::{Lookup, NOWHERE, View};
use super::grid::{Distinct, Frame, Grid};
use super::walk::{Consumer, Part, Use};
use crate::error::Result;
use crate::model::Point;
use crate::store::points::Columns;
use crate::store::points::chunk::Summary;

/// Among more points than this, nobody looks for how few x there may be.
const MAX_EXACT_POINTS: usize = 500_000;

/// What a series is, whatever part of it is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Outline {
    /// How many points it has.
    pub total: u64,
    /// The least and the greatest step.
    pub steps: Option<(i64, i64)>,
    /// The least and the greatest finite value.
    pub values: Option<(f64, f64)>,
    /// The first point.
    pub first: Option<Point>,
    /// The last point.
    pub last: Option<Point>,
    /// How often a step is less than that of the point before.
    pub backward_steps: u64,
    /// How many points were left out because they are superseded; or, of what is superseded, because they are not.
    pub dropped: u64,
    /// The first and the last place on the axis.
    pub extent: Option<(i64, i64)>,
}

impl Outline {
    fn add(&mut self, summary: &Summary) {
        self.total += summary.count as u64;
        self.first.get_or_insert(summary.first);
        self.backward_steps += summary.backward_steps.unwrap_or_default() as u64;
        self.last = Some(summary.last);
        self.steps = Some(widened(self.steps, (summary.min_step, summary.max_step)));
        if let (Some(min), Some(max)) = (summary.min, summary.max) {
            let (least, greatest) = self.values.unwrap_or((min, max));
            self.values = Some((least.min(min), greatest.max(max)));
        }
    }
}

fn widened(range: Option<(i64, i64)>, (first, last): (i64, i64)) -> (i64, i64) {
    range.map_or((first, last), |range| (range.0.min(first), range.1.max(last)))
}

/// What a run gave to a series.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// How many points.
    pub points: u64,
    /// The step of the first of them.
    pub first_step: Option<i64>,
}

/// Looks at all series once.
#[derive(Debug)]
pub struct Survey {
    view: Arc<View>,
    outlines: Vec<Outline>,
    shares: Vec<Share>,
    distinct: Distinct,
    /// How many points in the range were looked at one by one.
    seen: usize,
    /// The part and the series at hand.
    number: usize,
    series: usize,
    previous_step: Option<i64>,
    places: Vec<i64>,
}

impl Survey {
    /// Before the first point of so many series. If no more than `exact` different places on the axis occur, they are
    /// the grid; with 0, nobody looks.
    pub fn new(view: Arc<View>, series: usize, parts: usize, exact: usize) -> Self {
        let mut distinct = Distinct::new(exact);
        if exact == 0 {
            distinct.give_up();
        }
        Survey {
            view,
            outlines: vec![Outline::default(); series],
            shares: vec![Share::default(); parts],
            distinct,
            seen: 0,
            number: 0,
            series: 0,
            previous_step: None,
            places: Vec::new(),
        }
    }

    /// What each series is.
    pub fn outlines(&self) -> &[Outline] {
        &self.outlines
    }

    /// What each part gave.
    pub fn shares(&self) -> &[Share] {
        &self.shares
    }

    fn add(&mut self, part: &Part, summary: &Summary) {
        let outline = &mut self.outlines[part.series];
        outline.add(summary);
        let is_back = self.previous_step.is_some_and(|previous| summary.first.step < previous);
        outline.backward_steps += u64::from(is_back);
        self.previous_step = Some(summary.last.step);
        let share = &mut self.shares[self.number];
        share.points += summary.count as u64;
        share.first_step.get_or_insert(summary.first.step);
    }

    /// The frame of all series, of at most `buckets`.
    pub fn frame(self, buckets: usize) -> Frame {
        let numbers = self.view.is_numbers();
        let extents = self.outlines.iter().filter_map(|outline| outline.extent);
        let extent = extents.reduce(|one, other| widened(Some(one), other));
        match (self.distinct.finish(), self.view.range.or(extent)) {
            (Some(places), range) => Frame::exact(places, numbers, range),
            (None, Some(range)) => Frame { grid: Grid::equal(range, buckets, numbers), range },
            (None, None) => Frame::exact(Vec::new(), numbers, None),
        }
    }
}

impl Consumer for Survey {
    fn plan(&self, part: &Part, summary: &Summary) -> Use {
        let Some(bounds) = self.view.bounds(part.run, summary) else { return Use::Points };
        // The least finite value is not known among infinities.
        let is_known =
            summary.backward_steps.is_some() && summary.min != Some(f64::MIN) && summary.max != Some(f64::MAX);
        if is_known && (self.distinct.is_over() || !self.view.touches(bounds)) { Use::Whole } else { Use::Points }
    }

    fn wants_timestamps(&self) -> bool {
        true
    }

    fn begin(&mut self, number: usize, part: &Part) -> Result<()> {
        if self.number != number {
            self.distinct.settle();
        }
        self.number = number;
        // What one attempt left behind does not go on in what the next one left.
        if self.series != part.series || part.keep.is_superseded() {
            self.previous_step = None;
        }
        self.series = part.series;
        Ok(())
    }

    fn pass(&mut self, _part: &Part, _summary: &Summary) {}

    fn whole(&mut self, part: &Part, summary: &Summary) -> Result<()> {
        self.add(part, summary);
        let outline = &mut self.outlines[part.series];
        if let Some(bounds) = self.view.bounds(part.run, summary) {
            outline.extent = Some(widened(outline.extent, bounds));
        }
        Ok(())
    }

    fn points(&mut self, part: &Part, points: &Columns) -> Result<()> {
        let mut values = points.values.iter().map(|value| value.get()).filter(|value| value.abs() < f64::MAX);
        let range = values
            .next()
            .map(|value| values.fold((value, value), |(min, max), value| (f64::min(min, value), f64::max(max, value))));
        let point = |index: usize| Point {
            timestamp_ms: points.timestamps_ms[index],
            step: points.steps[index],
            value: points.values[index],
        };
        let steps = points.steps.iter().fold(None, |range, step| Some(widened(range, (*step, *step))));
        let (min_step, max_step) = steps.unwrap_or_default();
        let found = Summary {
            count: points.steps.len(),
            nan_count: 0,
            min: range.map(|range| range.0),
            max: range.map(|range| range.1),
            sum: 0.0,
            first: point(0),
            last: point(points.steps.len() - 1),
            min_step,
            max_step,
            backward_steps: Some(points.steps.windows(2).filter(|pair| pair[1] < pair[0]).count()),
        };
        self.add(part, &found);
        let outline = &mut self.outlines[part.series];
        for place in self.view.places(part.run, points, &mut self.places) {
            if *place == NOWHERE && self.view.is_numbers() {
                continue;
            }
            outline.extent = Some(widened(outline.extent, (*place, *place)));
            if self.view.covers(*place) {
                self.seen += 1;
                self.distinct.add(*place);
            }
        }
        if self.seen > MAX_EXACT_POINTS {
            self.distinct.give_up();
        }
        Ok(())
    }

    fn dropped(&mut self, part: &Part, count: usize) {
        self.outlines[part.series].dropped += count as u64;
    }
}

/// Collects the places (time, step) where the steps of runs go back.
#[derive(Debug)]
pub struct Restarts {
    /// By the number of the run.
    pub places: Vec<Vec<(i64, i64)>>,
    previous: Option<i64>,
}

impl Restarts {
    /// Of so many runs.
    pub fn new(runs: usize) -> Self {
        Restarts { places: vec![Vec::new(); runs], previous: None }
    }

    fn step(&mut self, run: usize, timestamp_ms: i64, step: i64) {
        if self.previous.is_some_and(|previous| step < previous) {
            self.places[run].push((timestamp_ms, step));
        }
        self.previous = Some(step);
    }
}

impl Consumer for Restarts {
    fn plan(&self, _part: &Part, summary: &Summary) -> Use {
        if summary.backward_steps == Some(0) { Use::Pass } else { Use::Points }
    }

    fn wants_timestamps(&self) -> bool {
        true
    }

    fn begin(&mut self, _number: usize, _part: &Part) -> Result<()> {
        self.previous = None;
        Ok(())
    }

    fn pass(&mut self, part: &Part, summary: &Summary) {
        self.step(part.run, summary.first.timestamp_ms, summary.first.step);
        self.step(part.run, summary.last.timestamp_ms, summary.last.step);
    }

    fn whole(&mut self, _part: &Part, _summary: &Summary) -> Result<()> {
        Ok(())
    }

    fn points(&mut self, part: &Part, points: &Columns) -> Result<()> {
        points.points().for_each(|point| self.step(part.run, point.timestamp_ms, point.step));
        Ok(())
    }

    fn dropped(&mut self, _part: &Part, _count: usize) {}
}

/// Makes the lookups of the metric that is the axis; each part is that metric in another run.
#[derive(Debug)]
pub struct Lookups {
    lookups: Vec<Lookup>,
    run: usize,
    points: Vec<Point>,
}

impl Lookups {
    /// Of so many runs.
    pub fn new(runs: usize) -> Self {
        Lookups { lookups: (0..runs).map(|_| Lookup::default()).collect(), run: 0, points: Vec::new() }
    }

    fn settle(&mut self) {
        if !self.points.is_empty() {
            self.lookups[self.run] = Lookup::new(&mut self.points);
            self.points.clear();
        }
    }

    /// By the number of the run.
    pub fn finish(mut self) -> Vec<Lookup> {
        self.settle();
        self.lookups
    }
}

impl Consumer for Lookups {
    fn plan(&self, _part: &Part, _summary: &Summary) -> Use {
        Use::Points
    }

    fn wants_timestamps(&self) -> bool {
        true
    }

    fn begin(&mut self, _number: usize, part: &Part) -> Result<()> {
        self.settle();
        self.run = part.run;
        Ok(())
    }

    fn pass(&mut self, _part: &Part, _summary: &Summary) {}

    fn whole(&mut self, _part: &Part, _summary: &Summary) -> Result<()> {
        Ok(())
    }

    fn points(&mut self, _part: &Part, points: &Columns) -> Result<()> {
        self.points.extend(points.points());
        Ok(())
    }

    fn dropped(&mut self, _part: &Part, _count: usize) {}
}
