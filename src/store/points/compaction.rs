//! What compaction does with the points of one series that are still in segments.
//!
//! The chunks of a series are numbered, ascending, disjoint and without duplicates, and all but the last are full.
//! Compaction keeps that: it decodes the chunks from the first that the new points touch, merges, and writes chunks of
//! the same numbers and more ([`rechunk`](super::merge::rechunk)). Points that come in order touch the last chunk only,
//! and not even that if it is full.

use super::chunk;
use crate::model::Point;

/// With fewer points pending a series waits. Each compaction rewrites the last chunk, so this bounds how often a point
/// is written, to 4,096 / 512 = 8 times, and how small the chunks of a running series can be.
pub const MIN_PENDING: usize = 512;

/// A chunk that a series has, without its points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkRef {
    /// Its number in the series.
    pub ordinal: i64,
    /// How many points it holds.
    pub count: usize,
    /// The last of them.
    pub last: Point,
}

/// What to do with the pending points of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Leave them in a segment.
    Keep,
    /// Replace the chunks from this number on, which may be one more than there are, by what
    /// [`rechunk`](super::merge::rechunk) makes of them and the pending points, numbered from there.
    Rewrite {
        /// The number of the first chunk to be read and replaced.
        from_ordinal: i64,
    },
}

/// Decides about the points of a series that are in segments (`pending`, in any order, possibly repeated and possibly
/// in chunks too), given all its chunks in their order. When the run has `ended`, nothing waits any longer.
pub fn decide(existing: &[ChunkRef], pending: &[Point], ended: bool) -> Decision {
    let Some(earliest) = pending.iter().min() else { return Decision::Keep };
    if pending.len() < MIN_PENDING && !ended {
        return Decision::Keep;
    }
    // A chunk whose last point comes before them all stays as it is, unless it is the last and has room.
    let untouched = existing.partition_point(|chunk| chunk.last < *earliest);
    let from_ordinal = match (existing.get(untouched), existing.last()) {
        (Some(touched), _) => touched.ordinal,
        (None, Some(last)) if last.count < chunk::MAX_POINTS => last.ordinal,
        (None, Some(last)) => last.ordinal + 1,
        (None, None) => 0,
    };
    Decision::Rewrite { from_ordinal }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::{
        super::{
            chunk::{MAX_POINTS, Summary},
            merge,
            testing::*,
        },
        *,
    };

    /// A series as a store would keep it: coded chunks by their number, and pending points.
    #[derive(Default)]
    struct Series {
        chunks: BTreeMap<i64, (Summary, Vec<u8>)>,
        pending: Vec<Point>,
    }

    impl Series {
        fn compact(&mut self, ended: bool) {
            let existing: Vec<_> = (self.chunks.iter())
                .map(|(ordinal, (summary, _))| ChunkRef { ordinal: *ordinal, count: summary.count, last: summary.last })
                .collect();
            if let Decision::Rewrite { from_ordinal } = decide(&existing, &self.pending, ended) {
                let replaced = self.chunks.split_off(&from_ordinal);
                let decoded = replaced.values().map(|(_, blob)| chunk::decode(blob));
                let chunks = merge::rechunk(decoded, std::mem::take(&mut self.pending));
                for (ordinal, points) in (from_ordinal..).zip(chunks) {
                    let points = points.unwrap();
                    self.chunks.insert(ordinal, (Summary::of(&points).unwrap(), chunk::encode(&points)));
                }
            }
        }

        fn points(&self) -> Vec<Point> {
            let chunks = self.chunks.values().map(|(_, blob)| chunk::decode(blob));
            merge::page(chunks, self.pending.clone(), None, usize::MAX).unwrap()
        }
    }

    #[derive(Debug, Clone)]
    enum Action {
        /// Append points of these timestamps; the value follows from the timestamp, so that there are duplicates.
        Append {
            from: i64,
            count: i64,
            stride: i64,
        },
        Compact {
            ended: bool,
        },
    }

    fn action() -> impl Strategy<Value = Action> {
        let count = prop_oneof![1..20_i64, 400..1_200_i64, 3_000..6_000_i64];
        prop_oneof![
            3 => (0..30_000_i64, count, -2..5_i64).prop_map(|(from, count, stride)| Action::Append { from, count, stride }),
            2 => any::<bool>().prop_map(|ended| Action::Compact { ended }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn appends_and_compactions_in_any_order_keep_every_distinct_point_once(
            actions in prop::collection::vec(action(), 1..12),
        ) {
            let mut series = Series::default();
            let mut model = BTreeSet::new();
            for action in actions {
                match action {
                    Action::Append { from, count, stride } => {
                        let points = (0..count).map(|index| from + index * stride).map(|at| point(at, at / 7, at as f64 / 3.0));
                        let points: Vec<_> = points.collect();
                        model.extend(points.iter().copied());
                        series.pending.extend(points);
                    }
                    Action::Compact { ended } => {
                        series.compact(ended);
                        let limit = if ended { 1 } else { MIN_PENDING };
                        prop_assert!(series.pending.len() < limit);
                    }
                }

                prop_assert_eq!(series.points(), model.iter().copied().collect::<Vec<_>>());
                let summaries: Vec<_> = series.chunks.values().map(|(summary, _)| summary).collect();
                prop_assert!(summaries.windows(2).all(|pair| pair[0].last < pair[1].first));
                prop_assert!(summaries.iter().rev().skip(1).all(|summary| summary.count == MAX_POINTS));
                prop_assert!(series.chunks.keys().copied().eq(0..series.chunks.len() as i64));
            }
        }
    }

    #[test]
    fn few_points_wait_until_the_run_ends() {
        let pending: Vec<_> = (0..511).map(|at| point(at, at, 0.0)).collect();

        assert_eq!(decide(&[], &pending, false), Decision::Keep);
        assert_eq!(decide(&[], &pending, true), Decision::Rewrite { from_ordinal: 0 });
        assert_eq!(decide(&[], &[], true), Decision::Keep);
    }

    #[test]
    fn points_in_order_touch_the_last_chunk_only_if_it_has_room() {
        let first = ChunkRef { ordinal: 0, count: MAX_POINTS, last: point(10, 0, 0.0) };
        let open = ChunkRef { ordinal: 1, count: 600, last: point(20, 0, 0.0) };
        let full = ChunkRef { count: MAX_POINTS, ..open };

        assert_eq!(decide(&[first, open], &[point(21, 0, 0.0)], true), Decision::Rewrite { from_ordinal: 1 });
        assert_eq!(decide(&[first, full], &[point(21, 0, 0.0)], true), Decision::Rewrite { from_ordinal: 2 });
    }

    #[test]
    fn late_points_touch_the_first_chunk_they_belong_into() {
        let chunks = [10, 20, 30].map(|at| ChunkRef { ordinal: at / 10, count: MAX_POINTS, last: point(at, 0, 0.0) });

        let decision = decide(&chunks, &[point(40, 0, 0.0), point(15, 0, 0.0), point(20, 0, 0.0)], true);
        let decision_about_a_duplicate = decide(&chunks, &[point(30, 0, 0.0)], true);

        assert_eq!(decision, Decision::Rewrite { from_ordinal: 2 });
        assert_eq!(decision_about_a_duplicate, Decision::Rewrite { from_ordinal: 3 });
    }
}
