//! What must be known of all series before the first bucket can be filled: how many points, from where to where.

use std::sync::Arc;

use super::axis::View;
use super::grid::{Distinct, Grid};
use super::walk::{Consumer, Part, Use};
use crate::model::Point;
use crate::store::points::chunk::Summary;

/// With more points than this, nobody looks whether few x occur.
const MOST_EXACT_POINTS: usize = 500_000;

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
    /// How many points were left out because they are superseded, or, of what is superseded, because they are not.
    pub dropped: u64,
}

impl Outline {
    fn add_ends(&mut self, first: Point, last: Point, steps: (i64, i64), count: usize) {
        self.total += count as u64;
        self.first.get_or_insert(first);
        self.last = Some(last);
        self.steps = Some(widened(self.steps, steps));
    }

    fn add_values(&mut self, (min, max): (f64, f64)) {
        let (least, greatest) = self.values.unwrap_or((min, max));
        self.values = Some((least.min(min), greatest.max(max)));
    }
}

fn widened(range: Option<(i64, i64)>, (first, last): (i64, i64)) -> (i64, i64) {
    range.map_or((first, last), |range| (range.0.min(first), range.1.max(last)))
}

/// What an attempt gave to a series.
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
    extent: Option<(i64, i64)>,
    distinct: Distinct,
    current: usize,
}

impl Survey {
    /// Before the first point; at most `buckets` places can be told apart.
    pub fn new(view: Arc<View>, parts: &[Part], buckets: usize) -> Self {
        let mut distinct = Distinct::new(buckets);
        let in_range = |part: &Part| {
            let chunks = part.points.chunks.iter().map(|chunk| &chunk.summary);
            let touched =
                chunks.filter(|summary| view.bounds(part.run, summary).is_none_or(|bounds| view.touches(bounds)));
            touched.map(|summary| summary.count).sum::<usize>() + part.points.pending.len()
        };
        if parts.iter().map(in_range).sum::<usize>() > MOST_EXACT_POINTS {
            distinct.give_up();
        }
        let outlines = parts.last().map_or(0, |part| part.series + 1);
        Survey {
            view,
            outlines: vec![Outline::default(); outlines],
            shares: vec![Share::default(); parts.len()],
            extent: None,
            distinct,
            current: 0,
        }
    }

    /// The grid, and what the series and their attempts are.
    pub fn finish(self, buckets: usize) -> (Grid, Vec<Outline>, Vec<Share>) {
        let numbers = self.view.is_numbers();
        let grid = match (self.distinct.finish(), self.view.range.or(self.extent)) {
            (Some(places), _) => Grid::Exact { places, numbers },
            (None, Some(extent)) => Grid::equal(extent, buckets, numbers),
            (None, None) => Grid::Exact { places: Vec::new(), numbers },
        };
        (grid, self.outlines, self.shares)
    }
}

impl Consumer for Survey {
    fn plan(&self, part: &Part, summary: &Summary) -> Use {
        let Some(bounds) = self.view.bounds(part.run, summary) else { return Use::Points };
        let is_infinite = summary.min == Some(f64::MIN) || summary.max == Some(f64::MAX);
        if is_infinite || (!self.distinct.is_over() && self.view.touches(bounds)) { Use::Points } else { Use::Whole }
    }

    fn pass(&mut self, _part: &Part, _summary: &Summary) {}

    fn whole(&mut self, number: usize, part: &Part, summary: &Summary) {
        let outline = &mut self.outlines[part.series];
        outline.add_ends(summary.first, summary.last, (summary.min_step, summary.max_step), summary.count);
        if let (Some(min), Some(max)) = (summary.min, summary.max) {
            outline.add_values((min, max));
        }
        self.shares[number].points += summary.count as u64;
        self.shares[number].first_step.get_or_insert(summary.first.step);
        if let Some(bounds) = self.view.bounds(part.run, summary) {
            self.extent = Some(widened(self.extent, bounds));
        }
    }

    fn points(&mut self, number: usize, part: &Part, points: &[Point]) {
        if self.current != part.series {
            self.current = part.series;
            self.distinct.settle();
        }
        let Some((first, last)) = points.first().zip(points.last()) else { return };
        let mut steps = (first.step, first.step);
        let mut values: Option<(f64, f64)> = None;
        for point in points {
            steps = (steps.0.min(point.step), steps.1.max(point.step));
            let value = point.value.get();
            if value.abs() < f64::MAX {
                let (min, max) = values.unwrap_or((value, value));
                values = Some((min.min(value), max.max(value)));
            }
            if let Some(place) = self.view.place(part.run, point).filter(|place| self.view.covers(*place)) {
                self.extent = Some(widened(self.extent, (place, place)));
                self.distinct.add(place);
            }
        }
        let outline = &mut self.outlines[part.series];
        outline.add_ends(*first, *last, steps, points.len());
        values.into_iter().for_each(|values| outline.add_values(values));
        self.shares[number].points += points.len() as u64;
        self.shares[number].first_step.get_or_insert(first.step);
    }

    fn dropped(&mut self, part: &Part, count: usize) {
        self.outlines[part.series].dropped += count as u64;
    }
}

/// Collects the places (time, step) where the steps of runs go back.
#[derive(Debug, Default)]
pub struct Restarts {
    /// By the number of the run.
    pub places: Vec<Vec<(i64, i64)>>,
    previous: Option<(usize, i64)>,
}

impl Restarts {
    /// Of so many runs.
    pub fn new(runs: usize) -> Self {
        Restarts { places: vec![Vec::new(); runs], previous: None }
    }

    fn step(&mut self, run: usize, timestamp_ms: i64, step: i64) {
        if self.previous.is_some_and(|(other, previous)| other == run && step < previous) {
            self.places[run].push((timestamp_ms, step));
        }
        self.previous = Some((run, step));
    }
}

impl Consumer for Restarts {
    fn plan(&self, _part: &Part, summary: &Summary) -> Use {
        if summary.backward_steps == Some(0) { Use::Pass } else { Use::Points }
    }

    fn pass(&mut self, part: &Part, summary: &Summary) {
        self.step(part.run, summary.first.timestamp_ms, summary.first.step);
        self.step(part.run, summary.last.timestamp_ms, summary.last.step);
    }

    fn whole(&mut self, _number: usize, _part: &Part, _summary: &Summary) {}

    fn points(&mut self, _number: usize, part: &Part, points: &[Point]) {
        points.iter().for_each(|point| self.step(part.run, point.timestamp_ms, point.step));
    }

    fn dropped(&mut self, _part: &Part, _count: usize) {}
}

/// Collects whole series: all points of each part.
#[derive(Debug, Default)]
pub struct Collect {
    /// By the number of the part.
    pub points: Vec<Vec<Point>>,
}

impl Consumer for Collect {
    fn plan(&self, _part: &Part, _summary: &Summary) -> Use {
        Use::Points
    }

    fn pass(&mut self, _part: &Part, _summary: &Summary) {}

    fn whole(&mut self, _number: usize, _part: &Part, _summary: &Summary) {}

    fn points(&mut self, number: usize, _part: &Part, points: &[Point]) {
        self.points[number].extend_from_slice(points);
    }

    fn dropped(&mut self, _part: &Part, _count: usize) {}
}
