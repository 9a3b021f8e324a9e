//! What a commit means for one series.

use crate::model::Point;

/// The points of one series in one commit, summed up for its row in `metric_series`.
#[derive(Debug, PartialEq)]
pub(super) struct Delta {
    pub latest: Point,
    pub count: i64,
    pub min_value: Option<f64>,
    pub max_value: Option<f64>,
    pub first_ms: i64,
    pub first_step: i64,
    pub min_step: i64,
    pub max_step: i64,
    /// Whether the points did not all advance: count, minimum and maximum of the series are bounds from now on.
    pub loose: bool,
}

impl Delta {
    /// Sums up `points`, which are not empty. Points that do not advance are put in order, without exact duplicates.
    pub fn of(points: &mut Vec<Point>) -> Self {
        let loose = !points.windows(2).all(|pair| advances(&pair[0], &pair[1]));
        if loose {
            points.sort_unstable();
            points.dedup();
        }
        let first = points[0];
        let mut delta = Delta {
            latest: first,
            count: points.len() as i64,
            min_value: None,
            max_value: None,
            first_ms: first.timestamp_ms,
            first_step: first.step,
            min_step: first.step,
            max_step: first.step,
            loose,
        };
        for point in points.iter() {
            if point.latest_key() > delta.latest.latest_key() {
                delta.latest = *point;
            }
            delta.min_step = delta.min_step.min(point.step);
            delta.max_step = delta.max_step.max(point.step);
            if !point.value.is_nan() {
                let value = point.value.get();
                delta.min_value = Some(delta.min_value.map_or(value, |least| least.min(value)));
                delta.max_value = Some(delta.max_value.map_or(value, |most| most.max(value)));
            }
        }
        delta
    }
}

/// Whether `next` lies after `point` in time and step, so that it can be no duplicate of anything before.
fn advances(point: &Point, next: &Point) -> bool {
    next.timestamp_ms >= point.timestamp_ms
        && next.step >= point.step
        && (next.timestamp_ms, next.step) != (point.timestamp_ms, point.step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MetricValue;

    fn point(timestamp_ms: i64, step: i64, value: f64) -> Point {
        Point { timestamp_ms, step, value: MetricValue::new(value) }
    }

    #[test]
    fn points_that_advance_are_summed_up_exactly() {
        let mut points = vec![point(10, 1, 3.0), point(11, 2, f64::NAN), point(12, 2, -1.0)];

        let delta = Delta::of(&mut points);

        assert!(!delta.loose);
        assert_eq!((delta.count, delta.min_value, delta.max_value), (3, Some(-1.0), Some(3.0)));
        assert_eq!(delta.latest, point(12, 2, -1.0));
    }

    #[test]
    fn a_step_back_or_a_duplicate_makes_a_series_loose() {
        let mut back = vec![point(10, 5, 1.0), point(11, 3, 2.0)];
        let mut twice = vec![point(10, 5, 1.0), point(10, 5, 1.0)];

        let (back, delta) = (Delta::of(&mut back), Delta::of(&mut twice));

        assert!(back.loose && delta.loose);
        assert_eq!(back.latest, point(10, 5, 1.0), "the greatest step is the latest, however late the others came");
        assert_eq!((twice.len(), delta.count), (1, 1));
    }

    #[test]
    fn a_series_of_nothing_but_nan_has_no_minimum() {
        let delta = Delta::of(&mut vec![point(1, 1, f64::NAN)]);

        assert_eq!((delta.min_value, delta.max_value), (None, None));
    }
}
