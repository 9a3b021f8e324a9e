//! What x is, and where on it a point of a run lies.

use super::grid::place_of;
use crate::model::Point;
use crate::store::points::Columns;
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

/// No place: no number has it ([`place_of`]).
pub const NOWHERE: i64 = i64::MIN;

/// The values of the metric that is the axis, in one run: by step, the place of the last value of that step, or
/// [`NOWHERE`] where that is no finite number.
#[derive(Debug, Default)]
pub struct Lookup(Vec<(i64, i64)>);

impl Lookup {
    /// From all points of the metric, in any order.
    pub fn new(points: &mut [Point]) -> Self {
        points.sort_by_key(Point::latest_key);
        let mut steps: Vec<(i64, i64)> = Vec::new();
        for point in points {
            let value = point.value.get();
            let place = if value.abs() < f64::MAX { place_of(value) } else { NOWHERE };
            match steps.last_mut() {
                Some(last) if last.0 == point.step => last.1 = place,
                _ => steps.push((point.step, place)),
            }
        }
        Lookup(steps)
    }

    /// The place of the last value up to `step`.
    pub fn find(&self, step: i64) -> i64 {
        let behind = self.0.partition_point(|(other, _)| *other <= step);
        behind.checked_sub(1).and_then(|last| self.0.get(last)).map_or(NOWHERE, |(_, place)| *place)
    }
}

/// What one run needs to place its points.
#[derive(Debug, Default)]
pub struct RunAxis {
    /// When its time begins, in milliseconds since the epoch.
    pub origin_ms: i64,
    /// The metric that is the axis.
    pub lookup: Lookup,
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
    /// Whether places are numbers rather than integers; only then points may be nowhere.
    pub fn is_numbers(&self) -> bool {
        matches!(self.axis, Axis::Metric(_))
    }

    /// Whether places follow from the timestamps.
    pub fn is_time(&self) -> bool {
        matches!(self.axis, Axis::Relative | Axis::Wall)
    }

    /// Where points of run number `run` lie, in their order. `buffer` is for places that are not in the columns.
    pub fn places<'a>(&self, run: usize, points: &'a Columns, buffer: &'a mut Vec<i64>) -> &'a [i64] {
        buffer.clear();
        match &self.axis {
            Axis::Step => return &points.steps,
            Axis::Wall => return &points.timestamps_ms,
            Axis::Relative => buffer.extend(points.timestamps_ms.iter().map(|time| self.since_origin(run, *time))),
            Axis::Metric(_) => buffer.extend(points.steps.iter().map(|step| self.runs[run].lookup.find(*step))),
        }
        buffer
    }

    /// The first and the last place of the points of a chunk, where these can be known without its points.
    pub fn bounds(&self, run: usize, summary: &Summary) -> Option<(i64, i64)> {
        // Points are in the order of time.
        let times = (summary.first.timestamp_ms, summary.last.timestamp_ms);
        match &self.axis {
            Axis::Step => Some((summary.min_step, summary.max_step)),
            Axis::Wall => Some(times),
            Axis::Relative => Some((self.since_origin(run, times.0), self.since_origin(run, times.1))),
            Axis::Metric(_) => None,
        }
    }

    fn since_origin(&self, run: usize, timestamp_ms: i64) -> i64 {
        timestamp_ms.saturating_sub(self.runs[run].origin_ms)
    }

    /// Whether a place is asked for.
    pub fn covers(&self, place: i64) -> bool {
        self.range.is_none_or(|range| range.0 <= place && place <= range.1)
    }

    /// Whether any of the places from the first to the last of `bounds` may be asked for.
    pub fn touches(&self, bounds: (i64, i64)) -> bool {
        self.range.is_none_or(|range| touches(range, bounds))
    }
}

/// Whether two ranges have a place in common.
pub fn touches(one: (i64, i64), other: (i64, i64)) -> bool {
    one.0 <= other.1 && other.0 <= one.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MetricValue;
    use crate::store::curves::grid::number_at;

    #[test]
    fn a_metric_is_looked_up_at_the_last_step_before() {
        let point = |timestamp_ms, step, value| Point { timestamp_ms, step, value: MetricValue::new(value) };
        let mut points = [
            point(9, 30, f64::NAN),
            point(5, 10, 1.5),
            point(4, 10, 7.0),
            point(8, 20, -2.0),
            point(7, 40, f64::INFINITY),
            point(1, 50, 3.0),
        ];

        let lookup = Lookup::new(&mut points);

        let found = |step| Some(lookup.find(step)).filter(|place| *place != NOWHERE).map(number_at);
        assert_eq!(found(9), None);
        assert_eq!(found(10), Some(1.5), "the later of two at one step");
        assert_eq!(found(25), Some(-2.0));
        assert_eq!((found(35), found(45)), (None, None), "what is no finite number is no place");
        assert_eq!(found(i64::MAX), Some(3.0));
        assert_eq!(Lookup::default().find(0), NOWHERE);
    }
}
