//! Series in few numbers: how many points, the extremes with their steps, and the value at a step.
//!
//! What chunks say in their summaries mostly names the extremes, but not their steps. So a [`Scan`] finds out what they
//! are and in which chunks, and a [`Location`] looks into those chunks alone.

use super::walk::{Consumer, Part, Use};
use crate::error::Result;
use crate::model::{MetricValue, Point};
use crate::store::points::Columns;
use crate::store::points::chunk::Summary;

/// A series in few numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Extremes {
    /// How many points it has.
    pub count: u64,
    /// How many of them are not a number.
    pub nan: u64,
    /// The step of the first point.
    pub first_step: Option<i64>,
    /// The least finite value and the step at which it occurs first.
    pub min: Option<(f64, i64)>,
    /// The greatest finite value and the step at which it occurs first.
    pub max: Option<(f64, i64)>,
    /// The value at the greatest step that is not beyond the one asked for, and that step; where that step occurs more
    /// than once, the value that came last.
    pub at: Option<(MetricValue, i64)>,
}

/// Something that was found, or of which only the chunk is known yet, by its first point.
#[derive(Debug, Clone, Copy)]
enum Found<T> {
    Known(T),
    In(Point),
}

impl<T> Found<T> {
    fn is_in(&self, chunk: &Summary) -> bool {
        matches!(self, Found::In(first) if *first == chunk.first)
    }

    fn known(self) -> Option<T> {
        match self {
            Found::Known(value) => Some(value),
            Found::In(_) => None,
        }
    }
}

#[derive(Debug, Clone, Default)]
struct State {
    count: u64,
    nan: u64,
    first_step: Option<i64>,
    /// A value and its step.
    min: Option<(f64, Found<i64>)>,
    max: Option<(f64, Found<i64>)>,
    /// A step and its value.
    at: Option<(i64, Found<MetricValue>)>,
    /// The value at that step, where the second look found it.
    at_located: Option<MetricValue>,
}

impl State {
    fn see_min(&mut self, value: f64, step: Found<i64>) {
        if self.min.is_none_or(|(least, _)| value < least) {
            self.min = Some((value, step));
        }
    }

    fn see_max(&mut self, value: f64, step: Found<i64>) {
        if self.max.is_none_or(|(greatest, _)| value > greatest) {
            self.max = Some((value, step));
        }
    }

    fn see_at(&mut self, step: i64, value: Found<MetricValue>) {
        if self.at.is_none_or(|(greatest, _)| step >= greatest) {
            self.at = Some((step, value));
        }
    }
}

/// The first look.
#[derive(Debug)]
pub struct Scan {
    step: Option<i64>,
    series: Vec<State>,
}

impl Scan {
    /// Before the first point of so many series, of each of which the value at `step` is wanted, if one is named.
    pub fn new(series: usize, step: Option<i64>) -> Self {
        Scan { step, series: vec![State::default(); series] }
    }

    /// The second look.
    pub fn locate(self) -> Location {
        Location { series: self.series }
    }
}

impl Consumer for Scan {
    fn plan(&self, _part: &Part, summary: &Summary) -> Use {
        // The least finite value is not known among infinities, nor what lies before a step among steps around it.
        let is_finite = summary.min != Some(f64::MIN) && summary.max != Some(f64::MAX);
        let is_around = self.step.is_some_and(|step| summary.min_step <= step && step < summary.max_step);
        if is_finite && !is_around { Use::Whole } else { Use::Points }
    }

    fn wants_timestamps(&self) -> bool {
        false
    }

    fn begin(&mut self, _number: usize, _part: &Part) -> Result<()> {
        Ok(())
    }

    fn pass(&mut self, _part: &Part, _summary: &Summary) {}

    fn whole(&mut self, part: &Part, summary: &Summary) -> Result<()> {
        let Summary { first, last, max_step, .. } = *summary;
        let state = &mut self.series[part.series];
        state.count += summary.count as u64;
        state.nan += summary.nan_count as u64;
        state.first_step.get_or_insert(first.step);
        // A loss that begins at its greatest value, and whatever stays as it is, need no second look.
        let place = |value: f64| if first.value.get() == value { Found::Known(first.step) } else { Found::In(first) };
        if let (Some(min), Some(max)) = (summary.min, summary.max) {
            state.see_min(min, place(min));
            state.see_max(max, place(max));
        }
        if self.step.is_some_and(|step| max_step <= step) {
            state.see_at(max_step, if last.step == max_step { Found::Known(last.value) } else { Found::In(first) });
        }
        Ok(())
    }

    fn points(&mut self, part: &Part, points: &Columns) -> Result<()> {
        let state = &mut self.series[part.series];
        state.count += points.steps.len() as u64;
        for (step, value) in points.steps.iter().zip(&points.values) {
            state.first_step.get_or_insert(*step);
            state.nan += u64::from(value.is_nan());
            if value.get().abs() < f64::MAX {
                state.see_min(value.get(), Found::Known(*step));
                state.see_max(value.get(), Found::Known(*step));
            }
            if self.step.is_some_and(|wanted| *step <= wanted) {
                state.see_at(*step, Found::Known(*value));
            }
        }
        Ok(())
    }

    fn dropped(&mut self, _part: &Part, _count: usize) {}
}

/// The look into the chunks where something is.
#[derive(Debug)]
pub struct Location {
    series: Vec<State>,
}

impl Location {
    /// The series.
    pub fn finish(self) -> Vec<Extremes> {
        let extremes = |state: State| Extremes {
            count: state.count,
            nan: state.nan,
            first_step: state.first_step,
            min: state.min.and_then(|(value, step)| Some((value, step.known()?))),
            max: state.max.and_then(|(value, step)| Some((value, step.known()?))),
            at: state.at.and_then(|(step, value)| Some((value.known().or(state.at_located)?, step))),
        };
        self.series.into_iter().map(extremes).collect()
    }
}

impl Consumer for Location {
    fn plan(&self, part: &Part, summary: &Summary) -> Use {
        let State { min, max, at, .. } = &self.series[part.series];
        let is_extreme = [min, max].into_iter().flatten().any(|(_, step)| step.is_in(summary));
        if is_extreme || at.is_some_and(|(_, value)| value.is_in(summary)) { Use::Points } else { Use::Pass }
    }

    fn wants_timestamps(&self) -> bool {
        false
    }

    fn begin(&mut self, _number: usize, _part: &Part) -> Result<()> {
        Ok(())
    }

    fn pass(&mut self, _part: &Part, _summary: &Summary) {}

    fn whole(&mut self, _part: &Part, _summary: &Summary) -> Result<()> {
        Ok(())
    }

    fn points(&mut self, part: &Part, points: &Columns) -> Result<()> {
        let State { min, max, at, at_located, .. } = &mut self.series[part.series];
        let places = points.steps.iter().zip(&points.values);
        // The first point with this value lies in the chunk that was named first, and no point before it has it.
        for (extreme, found) in [min, max].into_iter().flatten() {
            if let (Found::In(_), Some((step, _))) = (&found, places.clone().find(|(_, value)| value.get() == *extreme))
            {
                *found = Found::Known(*step);
            }
        }
        // The last point at this step lies in the chunk that was named; others may come before.
        if let Some((wanted, _)) = at
            && let Some((_, value)) = places.rev().find(|(step, _)| **step == *wanted)
        {
            *at_located = Some(*value);
        }
        Ok(())
    }

    fn dropped(&mut self, _part: &Part, _count: usize) {}
}
