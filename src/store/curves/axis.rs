//! What x is, and where on it a point of a run lies.

use std::sync::Arc;

use super::grid::place_of;
use crate::model::Point;
use crate::store::points::chunk::Summary;

/// What x is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Axis {
    /// The step.
    #[default]
    Step,
    /// Milliseconds since the first point of the run.
    Relative,
    /// Milliseconds since the epoch.
    Wall,
    /// The value that the metric of this name had by the point's step.
    Metric(String),
}

/// The values of the metric that is the axis, in one run: by step, the place of the last value of that step, or `None`
/// where that is no finite number.
#[derive(Debug, Default)]
pub struct Lookup(Vec<(i64, Option<i64>)>);

impl Lookup {
    /// From all points of the metric, in any order.
    pub fn new(mut points: Vec<Point>) -> Self {
        points.sort_unstable_by_key(Point::latest_key);
        let mut steps: Vec<(i64, Option<i64>)> = Vec::new();
        for point in points {
            let value = point.value.get();
            let place = (value.abs() < f64::MAX).then(|| place_of(value));
            match steps.last_mut() {
                Some(last) if last.0 == point.step => last.1 = place,
                _ => steps.push((point.step, place)),
            }
        }
        Lookup(steps)
    }

    fn find(&self, step: i64) -> Option<i64> {
        let behind = self.0.partition_point(|(other, _)| *other <= step);
        self.0.get(behind.checked_sub(1)?)?.1
    }
}

/// What one run needs to place its points.
#[derive(Debug, Default, Clone)]
pub struct RunAxis {
    /// When its time begins, in milliseconds since the epoch.
    pub origin_ms: i64,
    /// The metric that is the axis.
    pub lookup: Arc<Lookup>,
}

/// The x axis of an answer, with what is asked of it.
#[derive(Debug, Default)]
pub struct View {
    /// What x is.
    pub axis: Axis,
    /// The first and the last place that are asked for.
    pub range: Option<(i64, i64)>,
    /// By the number of the run.
    pub runs: Vec<RunAxis>,
}

impl View {
    /// Whether places are numbers rather than integers.
    pub fn is_numbers(&self) -> bool {
        matches!(self.axis, Axis::Metric(_))
    }

    /// Where a point of run number `run` lies, if anywhere.
    #[inline]
    pub fn place(&self, run: usize, point: &Point) -> Option<i64> {
        match &self.axis {
            Axis::Step => Some(point.step),
            Axis::Wall => Some(point.timestamp_ms),
            Axis::Relative => Some(point.timestamp_ms.saturating_sub(self.runs[run].origin_ms)),
            Axis::Metric(_) => self.runs[run].lookup.find(point.step),
        }
    }

    /// The first and the last place of the points of a chunk, where these can be known without its points.
    pub fn bounds(&self, run: usize, summary: &Summary) -> Option<(i64, i64)> {
        match &self.axis {
            Axis::Step => Some((summary.min_step, summary.max_step)),
            // Points are in the order of time.
            Axis::Wall | Axis::Relative => Some((self.place(run, &summary.first)?, self.place(run, &summary.last)?)),
            Axis::Metric(_) => None,
        }
    }

    /// Whether a place is asked for.
    #[inline]
    pub fn covers(&self, place: i64) -> bool {
        self.range.is_none_or(|(first, last)| first <= place && place <= last)
    }

    /// Whether any of the places between two is asked for.
    pub fn touches(&self, bounds: (i64, i64)) -> bool {
        self.range.is_none_or(|(first, last)| bounds.1 >= first && bounds.0 <= last)
    }
}
