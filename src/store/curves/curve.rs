//! Series as buckets: segments between restarts, values that are no numbers, smoothing.

use std::ops::Range;
use std::sync::Arc;

use super::axis::{NOWHERE, View, touches};
use super::bucket::{Bucket, Buckets, Marks, is_plain};
use super::grid::Frame;
use super::smoothing::Smoother;
use super::survey::Outline;
use super::walk::{Consumer, Part, Use};
use crate::error::{Error, Result};
use crate::model::MetricValue;
use crate::store::points::Columns;
use crate::store::points::chunk::Summary;

/// With more segments, steps that go back are noise and no restarts.
const MAX_SEGMENTS: u64 = 100;

/// Figures of all buckets of an answer. They bound its memory, and stay below what entity tags are made for.
const MAX_FIGURES: usize = 2_000_000;

/// Which figures of a bucket are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// The mean of its finite values.
    pub mean: bool,
    /// The least of them.
    pub min: bool,
    /// The greatest.
    pub max: bool,
    /// The last in the order of the history.
    pub last: bool,
    /// How many there are.
    pub count: bool,
}

/// Points in the order of time whose steps do not go back, in buckets. Lists that were not asked for are empty, all others
/// equally long.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Segment {
    /// The step of its first point in the range.
    pub first_step: i64,
    /// The step of its last point in the range.
    pub last_step: i64,
    /// The buckets with finite values, by their number in the grid, ascending.
    pub at: Vec<u32>,
    /// [`Figures::mean`].
    pub mean: Vec<f64>,
    /// [`Figures::min`].
    pub min: Vec<f64>,
    /// [`Figures::max`].
    pub max: Vec<f64>,
    /// [`Figures::last`].
    pub last: Vec<f64>,
    /// [`Figures::count`].
    pub count: Vec<u64>,
    /// The mean of the smoothed values.
    pub smooth: Vec<f64>,
}

/// A series, as far as it lies in the range.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve {
    /// How many points lie in the range.
    pub points: u64,
    /// How many points of the whole series are nowhere on the axis.
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
}

/// How curves are made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// What of each bucket is told.
    pub figures: Figures,
    /// How much a value keeps over the usual distance of steps, from 0 (no smoothing) to below 1.
    pub smoothing: f64,
    /// Whether restarts are not told apart.
    pub whole: bool,
}

/// Puts the points of series into buckets.
#[derive(Debug)]
pub struct Curves {
    view: Arc<View>,
    style: Style,
    /// By the number of the series.
    frames: Vec<Arc<Frame>>,
    outlines: Vec<Outline>,
    curves: Vec<Curve>,
    figures: usize,
    series: Option<usize>,
    state: State,
    places: Vec<i64>,
    smooth: Vec<f64>,
}

/// What is open of the series at hand.
#[derive(Debug, Default)]
struct State {
    segment: Option<(Segment, Buckets)>,
    /// Whether the next point in the range begins a segment.
    is_new: bool,
    previous_step: Option<i64>,
    smoother: Option<Smoother>,
}

impl Curves {
    /// Before the first point of series with these frames and outlines, equally many.
    pub fn new(view: Arc<View>, style: Style, frames: Vec<Arc<Frame>>, outlines: Vec<Outline>) -> Self {
        let curves = outlines.iter().map(|outline| Curve { disordered: is_disordered(outline), ..Curve::default() });
        Curves {
            view,
            style,
            frames,
            curves: curves.collect(),
            outlines,
            figures: 0,
            series: None,
            state: State::default(),
            places: Vec::new(),
            smooth: Vec::new(),
        }
    }

    /// The curves, by the number of the series.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there are too many buckets with something in them.
    pub fn finish(mut self) -> Result<Vec<Curve>> {
        self.end_series()?;
        Ok(self.curves)
    }

    /// Whether a step that goes back begins a segment.
    fn splits(&self, series: usize) -> bool {
        !self.style.whole && !self.curves[series].disordered
    }

    fn end_series(&mut self) -> Result<()> {
        let Some(series) = self.series else { return Ok(()) };
        self.end_segment(series)?;
        let curve = &mut self.curves[series];
        [&mut curve.nan, &mut curve.infinity, &mut curve.negative_infinity].into_iter().for_each(Marks::sort);
        Ok(())
    }

    fn end_segment(&mut self, series: usize) -> Result<()> {
        let Some((mut segment, mut buckets)) = self.state.segment.take() else { return Ok(()) };
        buckets.drop_empty();
        let Buckets { at, buckets } = buckets;
        let Figures { mean, min, max, last, count } = self.style.figures;
        let told = [mean, min, max, last, count, self.style.smoothing > 0.0].into_iter().filter(|told| *told).count();
        self.figures += at.len() * told;
        if self.figures > MAX_FIGURES {
            return Err(Error::Invalid(format!(
                "the answer would have more than {MAX_FIGURES} figures; ask for fewer 'run_ids', 'metrics', 'buckets' or \
                 'columns'"
            )));
        }
        segment.at = at;
        let figures = |is_told: bool, figure: fn(&Bucket) -> f64| {
            if is_told { buckets.iter().map(figure).collect() } else { Vec::new() }
        };
        segment.mean = figures(mean, Bucket::mean);
        segment.min = figures(min, |bucket| bucket.min);
        segment.max = figures(max, |bucket| bucket.max);
        segment.last = figures(last, |bucket| bucket.last);
        segment.smooth = figures(self.style.smoothing > 0.0, Bucket::smooth);
        if count {
            segment.count = buckets.iter().map(|bucket| bucket.count).collect();
        }
        self.curves[series].segments.push(segment);
        Ok(())
    }

    /// The points of the series at hand go on at `step`.
    fn go_on(&mut self, series: usize, step: i64) {
        let is_back = self.state.previous_step.is_some_and(|previous| step < previous);
        if is_back && self.splits(series) {
            self.restart();
        }
    }

    fn restart(&mut self) {
        self.state.is_new = true;
        self.state.smoother.iter_mut().for_each(Smoother::restart);
    }

    /// Points of the series at hand lie in the range, from one step to another.
    fn open_segment(&mut self, series: usize, first_step: i64, last_step: i64) -> Result<()> {
        if std::mem::take(&mut self.state.is_new) {
            self.end_segment(series)?;
        }
        let new = || (Segment { first_step, ..Segment::default() }, Buckets::default());
        self.state.segment.get_or_insert_with(new).0.last_step = last_step;
        Ok(())
    }
}

fn is_disordered(outline: &Outline) -> bool {
    outline.backward_steps >= MAX_SEGMENTS
}

impl Consumer for Curves {
    fn plan(&self, part: &Part, summary: &Summary) -> Use {
        let Frame { grid, range } = &*self.frames[part.series];
        let Some(bounds) = self.view.bounds(part.run, summary).filter(|_| self.style.smoothing == 0.0) else {
            return Use::Points;
        };
        let splits = self.splits(part.series);
        if !touches(*range, bounds) {
            return if splits && summary.backward_steps.is_none() { Use::Points } else { Use::Pass };
        }
        let is_inside = range.0 <= bounds.0 && bounds.1 <= range.1;
        let is_one_piece = !splits || summary.backward_steps == Some(0);
        if is_inside && is_one_piece && is_plain(summary) && grid.index(bounds.0) == grid.index(bounds.1) {
            return Use::Whole;
        }
        Use::Points
    }

    fn wants_timestamps(&self) -> bool {
        self.view.is_time()
    }

    fn begin(&mut self, _number: usize, part: &Part) -> Result<()> {
        if self.series != Some(part.series) {
            self.end_series()?;
            let outline = &self.outlines[part.series];
            let typical = Smoother::typical(outline.steps.unwrap_or_default(), outline.total);
            let smoother = (self.style.smoothing > 0.0).then(|| Smoother::new(self.style.smoothing, typical));
            (self.series, self.state) = (Some(part.series), State { smoother, ..State::default() });
        } else if part.keep.is_superseded() {
            // What one attempt left behind does not go on in what the next one left.
            self.restart();
            self.state.previous_step = None;
        }
        Ok(())
    }

    fn pass(&mut self, part: &Part, summary: &Summary) {
        self.go_on(part.series, summary.first.step);
        if summary.backward_steps.is_some_and(|times| times > 0) && self.splits(part.series) {
            self.restart();
        }
        self.state.previous_step = Some(summary.last.step);
    }

    fn whole(&mut self, part: &Part, summary: &Summary) -> Result<()> {
        let Some(bounds) = self.view.bounds(part.run, summary) else { return Ok(()) };
        let at = self.frames[part.series].grid.index(bounds.0);
        self.go_on(part.series, summary.first.step);
        self.open_segment(part.series, summary.first.step, summary.last.step)?;
        if let Some((_, buckets)) = &mut self.state.segment {
            buckets.get(at).add_chunk(summary);
        }
        self.curves[part.series].points += summary.count as u64;
        self.state.previous_step = Some(summary.last.step);
        Ok(())
    }

    fn points(&mut self, part: &Part, points: &Columns) -> Result<()> {
        let view = self.view.clone();
        let (mut buffer, mut smooth) = (std::mem::take(&mut self.places), std::mem::take(&mut self.smooth));
        let places = view.places(part.run, points, &mut buffer);
        if view.is_numbers() {
            let nowhere = places.iter().filter(|place| **place == NOWHERE).count();
            self.curves[part.series].without_x += nowhere as u64;
        }
        smooth.clear();
        let splits = self.splits(part.series);
        let mut start = 0;
        while start < points.steps.len() {
            let end = if splits { stretch_end(&points.steps, start) } else { points.steps.len() };
            self.go_on(part.series, points.steps[start]);
            if let Some(smoother) = &mut self.state.smoother {
                let stretch = points.steps[start..end].iter().zip(&points.values[start..end]);
                smooth.extend(stretch.map(|(step, value)| match value.get() {
                    value if value.abs() < f64::MAX => smoother.next(*step, value),
                    // Not looked at.
                    _ => 0.0,
                }));
            }
            let is_ascending = view.is_time() || (splits && !view.is_numbers());
            self.stretch(part.series, start..end, is_ascending, points, places, &smooth)?;
            self.state.previous_step = Some(points.steps[end - 1]);
            start = end;
        }
        (self.places, self.smooth) = (buffer, smooth);
        Ok(())
    }

    fn dropped(&mut self, _part: &Part, _count: usize) {}
}

impl Curves {
    /// Adds points of one segment, those of `stretch`, bucket by bucket.
    fn stretch(
        &mut self,
        series: usize,
        stretch: Range<usize>,
        is_ascending: bool,
        points: &Columns,
        places: &[i64],
        smooth: &[f64],
    ) -> Result<()> {
        let frame = self.frames[series].clone();
        let range = frame.range;
        let Range { start: mut next, end } = stretch;
        while next < end {
            let place = places[next];
            if place < range.0 || place > range.1 {
                next += match is_ascending {
                    true if place > range.1 => break,
                    true => leading(&places[next..end], range.0 - 1),
                    false => 1,
                };
                continue;
            }
            let at = frame.grid.index(place);
            let (first, last) = frame.grid.reach(place, at);
            let last = last.min(range.1);
            let length = if is_ascending {
                leading(&places[next..end], last)
            } else {
                places[next..end].iter().take_while(|place| (first..=last).contains(*place)).count()
            };
            let these = next..next + length;
            self.open_segment(series, points.steps[next], points.steps[these.end - 1])?;
            self.add(series, at, &points.steps[these.clone()], &points.values[these.clone()], smooth.get(these));
            next += length;
        }
        Ok(())
    }

    /// Adds points of one bucket.
    fn add(&mut self, series: usize, at: u32, steps: &[i64], values: &[MetricValue], smooth: Option<&[f64]>) {
        let curve = &mut self.curves[series];
        curve.points += values.len() as u64;
        let Some((_, buckets)) = &mut self.state.segment else { return };
        let bucket = buckets.get(at);
        if bucket.add_all(values, smooth.unwrap_or_default()) {
            return;
        }
        for (index, value) in values.iter().enumerate() {
            match value.get() {
                value if value.is_nan() => curve.nan.add(steps[index], at),
                f64::MAX => curve.infinity.add(steps[index], at),
                f64::MIN => curve.negative_infinity.add(steps[index], at),
                value => {
                    bucket.add(value);
                    smooth.into_iter().for_each(|smooth| bucket.add_smooth(smooth[index]));
                }
            }
        }
    }
}

/// Where steps that begin at `start` go back, or the end.
fn stretch_end(steps: &[i64], start: usize) -> usize {
    let back = steps[start..].windows(2).position(|pair| pair[1] < pair[0]);
    back.map_or(steps.len(), |place| start + place + 1)
}

/// How many of `places`, which ascend and begin at most at `last`, do not lie behind it.
fn leading(places: &[i64], last: i64) -> usize {
    // The end is mostly near: look twice as far each time.
    let mut reach = 1;
    while places.get(reach).is_some_and(|place| *place <= last) {
        reach *= 2;
    }
    let (known, end) = (reach / 2, places.len().min(reach));
    known + places[known..end].partition_point(|place| *place <= last)
}
