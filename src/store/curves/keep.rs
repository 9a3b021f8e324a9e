//! Which points of an attempt still count, once later attempts went over the same steps again.

use std::sync::Arc;

use crate::model::Point;
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

/// Whether the points of a chunk count.
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

    /// Whether everything counts.
    pub fn is_all(&self) -> bool {
        self.cut.is_none() && self.restarts.is_empty() && !self.superseded
    }

    /// Whether what counts is what is superseded.
    pub fn is_superseded(&self) -> bool {
        self.superseded
    }

    /// The step from which on points of this time are superseded. The later the time, the later the step.
    fn limit(&self, timestamp_ms: i64) -> Option<i64> {
        let later = self.restarts.partition_point(|(time, _)| *time <= timestamp_ms);
        match (self.restarts.get(later), self.cut) {
            (Some((_, step)), Some(cut)) => Some(cut.min(*step)),
            (Some((_, step)), None) => Some(*step),
            (None, cut) => cut,
        }
    }

    /// Whether a point counts.
    pub fn keeps(&self, point: &Point) -> bool {
        self.limit(point.timestamp_ms).is_none_or(|limit| point.step < limit) != self.superseded
    }

    /// Whether the points of a chunk count.
    pub fn judge(&self, summary: &Summary) -> Verdict {
        let all = self.limit(summary.first.timestamp_ms).is_none_or(|limit| summary.max_step < limit);
        let none = self.limit(summary.last.timestamp_ms).is_some_and(|limit| summary.min_step >= limit);
        match (all, none) {
            (true, _) => {
                if self.superseded {
                    Verdict::None
                } else {
                    Verdict::All
                }
            }
            (_, true) => {
                if self.superseded {
                    Verdict::All
                } else {
                    Verdict::None
                }
            }
            _ => Verdict::Some,
        }
    }
}

/// What [`Keep`] needs of the places (time, step) where the steps of a run went back, in the order of time.
pub fn restarts_of(mut places: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    let mut least = i64::MAX;
    for (_, step) in places.iter_mut().rev() {
        least = least.min(*step);
        *step = least;
    }
    places
}

/// The cut of each attempt, in their order: the least first step of those that come later.
pub fn cuts(first_steps: &[Option<i64>]) -> Vec<Option<i64>> {
    let mut least = None;
    let mut cuts: Vec<Option<i64>> = first_steps
        .iter()
        .rev()
        .map(|first| {
            let cut = least;
            least = match (least, *first) {
                (Some(least), Some(first)) => Some(std::cmp::min::<i64>(least, first)),
                (one, other) => one.or(other),
            };
            cut
        })
        .collect();
    cuts.reverse();
    cuts
}
