//! Which points of an attempt still count, once later attempts went over the same steps again.

use std::sync::Arc;

use crate::store::points::Columns;
use crate::store::points::chunk::Summary;

/// What of a series counts.
#[derive(Debug, Clone, Default)]
pub struct Keep {
    /// Points at or after this step are superseded by a later attempt.
    cut: Option<i64>,
    /// Ascending by time: before this time, points at or after this step are superseded by what the run did later. The
    /// least step that holds at a time is the first one whose time is later.
    restarts: Arc<Vec<(i64, i64)>>,
    /// Only what is superseded counts.
    superseded: bool,
}

/// How many points of a chunk count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All do.
    All,
    /// None does.
    None,
    /// Each must be looked at.
    Some,
}

impl Keep {
    /// What counts of an attempt whose later attempts begin at `cut`, and which itself went back to a step at a time
    /// (`restarts`, of [`restarts_of`]); or the opposite.
    pub fn new(cut: Option<i64>, restarts: Arc<Vec<(i64, i64)>>, superseded: bool) -> Self {
        Keep { cut, restarts, superseded }
    }

    /// Whether the timestamps of points are needed to judge them.
    pub fn wants_timestamps(&self) -> bool {
        !self.restarts.is_empty()
    }

    /// Whether what counts is what is superseded.
    pub fn is_superseded(&self) -> bool {
        self.superseded
    }

    /// The step from which on points of this time are superseded. The later the time, the greater the step.
    fn limit(&self, timestamp_ms: i64) -> Option<i64> {
        let later = self.restarts.partition_point(|(time, _)| *time <= timestamp_ms);
        match (self.restarts.get(later), self.cut) {
            (Some((_, step)), Some(cut)) => Some(cut.min(*step)),
            (Some((_, step)), None) => Some(*step),
            (None, cut) => cut,
        }
    }

    fn keeps(&self, timestamp_ms: i64, step: i64) -> bool {
        self.limit(timestamp_ms).is_none_or(|limit| step < limit) != self.superseded
    }

    /// Leaves those of `points` that count; answers how many did not.
    pub fn retain(&self, points: &mut Columns) -> usize {
        if self.cut.is_none() && self.restarts.is_empty() && !self.superseded {
            return 0;
        }
        // Without restarts no time makes a difference.
        let has_timestamps = !points.timestamps_ms.is_empty();
        let count = points.steps.len();
        let mut kept = 0;
        for index in 0..count {
            let timestamp_ms = if has_timestamps { points.timestamps_ms[index] } else { 0 };
            if self.keeps(timestamp_ms, points.steps[index]) {
                if has_timestamps {
                    points.timestamps_ms[kept] = timestamp_ms;
                }
                points.steps[kept] = points.steps[index];
                points.values[kept] = points.values[index];
                kept += 1;
            }
        }
        points.timestamps_ms.truncate(kept);
        points.steps.truncate(kept);
        points.values.truncate(kept);
        count - kept
    }

    /// How many points of a chunk count, as far as its summary tells.
    pub fn judge(&self, summary: &Summary) -> Verdict {
        let all = self.limit(summary.first.timestamp_ms).is_none_or(|limit| summary.max_step < limit);
        let none = self.limit(summary.last.timestamp_ms).is_some_and(|limit| summary.min_step >= limit);
        match (all, none, self.superseded) {
            (true, _, false) | (_, true, true) => Verdict::All,
            (true, _, true) | (_, true, false) => Verdict::None,
            (false, false, _) => Verdict::Some,
        }
    }
}

/// Going back this often is noise, not a run that was resumed in place.
pub const MAX_RESTARTS: usize = 100;

/// What [`Keep`] needs of the places (time, step) where the steps of a run went back, in the order of time.
pub fn restarts_of(mut places: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    let mut least = i64::MAX;
    for (_, step) in places.iter_mut().rev() {
        least = least.min(*step);
        *step = least;
    }
    places
}

/// The cut of each attempt, in their order, from the step that each began at: the least of those that come later.
pub fn cuts(first_steps: &[Option<i64>]) -> Vec<Option<i64>> {
    let mut cuts = vec![None; first_steps.len()];
    let mut least: Option<i64> = None;
    for (cut, first) in cuts.iter_mut().zip(first_steps).rev() {
        *cut = least;
        least = match (least, *first) {
            (Some(least), Some(first)) => Some(least.min(first)),
            (one, other) => one.or(other),
        };
    }
    cuts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{MetricValue, Point};

    fn points() -> impl Strategy<Value = Vec<Point>> {
        let point = (0..20_i64, 0..20_i64);
        prop::collection::vec(point, 1..30).prop_map(|mut places| {
            places.sort_unstable();
            places.dedup();
            let point = |(timestamp_ms, step)| Point { timestamp_ms, step, value: MetricValue::new(0.5) };
            places.into_iter().map(point).collect()
        })
    }

    proptest! {
        #[test]
        fn a_point_counts_until_a_later_attempt_or_a_restart_of_its_own_goes_over_its_step(
            points in points(),
            cut in prop::option::of(0..20_i64),
            mut places in prop::collection::vec((0..20_i64, 0..20_i64), 0..4),
            superseded: bool,
        ) {
            places.sort_unstable();
            let keep = Keep::new(cut, restarts_of(places.clone()).into(), superseded);
            let is_superseded = |point: &Point| {
                cut.is_some_and(|cut| point.step >= cut)
                    || places.iter().any(|(time, step)| point.timestamp_ms < *time && point.step >= *step)
            };
            let expected = Vec::from_iter(points.iter().copied().filter(|point| is_superseded(point) == superseded));
            let mut columns = Columns::default();
            columns.fill(&points);

            let dropped = keep.retain(&mut columns);

            prop_assert_eq!(Vec::from_iter(columns.points()), expected.clone());
            prop_assert_eq!(dropped, points.len() - expected.len());
            match keep.judge(&Summary::of(&points).unwrap()) {
                Verdict::All => prop_assert_eq!(dropped, 0),
                Verdict::None => prop_assert!(expected.is_empty()),
                Verdict::Some => {}
            }
        }
    }

    #[test]
    fn an_attempt_is_cut_where_the_earliest_of_all_later_ones_begins() {
        assert_eq!(
            cuts(&[Some(0), Some(50), None, Some(40), Some(90)]),
            [Some(40), Some(40), Some(40), Some(90), None]
        );
        assert_eq!(cuts(&[None, None]), [None, None]);
    }

    #[test]
    fn a_chunk_that_no_restart_touches_need_not_be_looked_at() {
        let point = |timestamp_ms, step| Point { timestamp_ms, step, value: MetricValue::new(0.5) };
        let summary = Summary::of(&[point(5, 10), point(6, 20)]).unwrap();
        let keep = |cut, restarts: &[(i64, i64)]| Keep::new(cut, restarts_of(restarts.to_vec()).into(), false);

        for (keep, expected) in [
            (keep(None, &[]), Verdict::All),
            (keep(Some(21), &[(5, 0)]), Verdict::All),
            (keep(None, &[(9, 21)]), Verdict::All),
            (keep(Some(10), &[]), Verdict::None),
            (keep(None, &[(7, 10), (9, 30)]), Verdict::None),
            (keep(Some(15), &[]), Verdict::Some),
            (keep(None, &[(6, 10)]), Verdict::Some),
        ] {
            assert_eq!(keep.judge(&summary), expected, "{keep:?}");
        }
    }
}
