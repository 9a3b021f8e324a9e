//! Chunks, which are sorted, and points that are not in chunks yet, which are not, as one sorted series in which every
//! point occurs once.

use super::chunk;
use crate::{error::Result, model::Point};

/// Sorts `points` and drops exact duplicates.
pub fn sort(points: &mut Vec<Point>) {
    // The stable sort finds the runs that are sorted already, and points mostly come in order.
    points.sort();
    points.dedup();
}

/// The first `limit` points after `after` (or from the start) of the series that consists of `chunks` and `pending`.
///
/// `chunks` are consecutive chunks of the series in their order, beginning with or before the first whose last point
/// lies after `after`. They are drawn one by one and no further than needed. If they are not all that follow, they
/// must hold `limit` points after `after` (`limit / chunk::MAX_POINTS + 2` full chunks always do). `pending` are *all*
/// other points, in any order, possibly repeated and possibly in the chunks too.
///
/// # Errors
///
/// Those of `chunks`.
pub fn page(
    chunks: impl IntoIterator<Item = Result<Vec<Point>>>,
    mut pending: Vec<Point>,
    after: Option<&Point>,
    limit: usize,
) -> Result<Vec<Point>> {
    if let Some(after) = after {
        pending.retain(|point| point > after);
    }
    sort(&mut pending);
    let mut pending = pending.as_slice();

    let mut chunks = chunks.into_iter();
    let mut points = Vec::new();
    while points.len() < limit {
        let Some(chunk) = chunks.next().transpose()? else {
            points.extend_from_slice(pending);
            break;
        };
        let start = after.map_or(0, |after| chunk.partition_point(|point| point <= after));
        interleave(&chunk[start..], &mut pending, &mut points);
    }
    points.truncate(limit);
    Ok(points)
}

/// The points of `chunks` and `pending` as new chunks: full ones, and at last one that may not be.
///
/// `chunks` are the last chunks of a series in their order, and no point of `pending` belongs before them. Two chunks
/// and twice what is pending are in memory at most, however long the series is.
///
/// # Errors
///
/// Those of `chunks`; the iterator ends after an error.
pub fn rechunk(
    chunks: impl IntoIterator<Item = Result<Vec<Point>>>,
    mut pending: Vec<Point>,
) -> impl Iterator<Item = Result<Vec<Point>>> {
    sort(&mut pending);
    let mut chunks = chunks.into_iter().fuse();
    let mut placed = 0;
    let mut points = Vec::new();
    let mut given = 0;
    let mut failed = false;
    std::iter::from_fn(move || {
        while points.len() - given < chunk::MAX_POINTS && !failed {
            points.drain(..given);
            given = 0;
            let mut rest = &pending[placed..];
            match chunks.next() {
                Some(Ok(chunk)) => interleave(&chunk, &mut rest, &mut points),
                Some(Err(error)) => {
                    failed = true;
                    return Some(Err(error));
                }
                None if rest.is_empty() => break,
                None => points.extend(std::mem::take(&mut rest)),
            }
            placed = pending.len() - rest.len();
        }
        if failed || points.len() == given {
            return None;
        }
        let start = given;
        given = points.len().min(start + chunk::MAX_POINTS);
        Some(Ok(points[start..given].to_vec()))
    })
}

/// Appends `chunk` to `out`, with those of `pending` in between that belong before its last point; they are removed
/// from `pending`. Both are sorted and without duplicates, and so is what is appended.
pub(in crate::store) fn interleave(mut chunk: &[Point], pending: &mut &[Point], out: &mut Vec<Point>) {
    while let Some((next, later)) = pending.split_first() {
        let (before, rest) = chunk.split_at(chunk.partition_point(|point| point < next));
        out.extend_from_slice(before);
        chunk = rest;
        match chunk.first() {
            // It may belong into a later chunk.
            None => return,
            Some(point) if point == next => {}
            Some(_) => out.push(*next),
        }
        *pending = later;
    }
    out.extend_from_slice(chunk);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::{super::testing::*, *};
    use crate::error::Error;

    proptest! {
        #[test]
        fn pages_are_those_of_a_sorted_set(
            stored in ascending_points(0..60),
            chunk_length in 1..20_usize,
            pending in points(0..40),
            repeated in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
            limit in 1..30_usize,
        ) {
            let mut pending = pending;
            if !stored.is_empty() {
                pending.extend(repeated.iter().map(|index| stored[index.index(stored.len())]));
            }
            let expected: BTreeSet<Point> = stored.iter().chain(&pending).copied().collect();

            let mut read = Vec::new();
            loop {
                let chunks = stored.chunks(chunk_length).map(|chunk| Ok(chunk.to_vec()));
                let page = page(chunks, pending.clone(), read.last(), limit).unwrap();
                if page.is_empty() {
                    break;
                }
                prop_assert!(page.len() <= limit);
                read.extend(page);
                prop_assert!(read.len() <= expected.len());
            }

            prop_assert_eq!(read, expected.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_page_draws_no_more_chunks_than_it_needs() {
        let chunks = [Ok(vec![point(1, 1, 1.0), point(2, 2, 2.0)]), Err(Error::Unavailable("drawn"))];

        let page = page(chunks, vec![point(9, 9, 9.0)], Some(&point(1, 1, 1.0)), 1).unwrap();

        assert_eq!(page, [point(2, 2, 2.0)]);
    }

    #[test]
    fn rechunking_fills_all_chunks_but_the_last_and_keeps_every_point_once() {
        let stored = logged(Kind::NoisyDouble, 3 * chunk::MAX_POINTS);
        let (old, new): (Vec<_>, Vec<_>) = stored.iter().enumerate().partition(|(index, _)| index % 5 != 0);
        let old: Vec<Point> = old.into_iter().map(|(_, point)| *point).collect();
        let mut pending: Vec<Point> = new.into_iter().rev().map(|(_, point)| *point).collect();
        pending.extend_from_slice(&old[10..20]);

        let chunks: Vec<_> = rechunk(old.chunks(chunk::MAX_POINTS).map(|chunk| Ok(chunk.to_vec())), pending)
            .map(Result::unwrap)
            .collect();

        assert_eq!(chunks.iter().map(Vec::len).collect::<Vec<_>>(), [chunk::MAX_POINTS; 3]);
        assert_eq!(chunks.concat(), stored);
    }

    #[test]
    fn rechunking_ends_at_an_error() {
        let mut chunks = rechunk([Err(Error::Unavailable("gone")), Ok(vec![point(1, 1, 1.0)])], vec![point(2, 2, 2.0)]);

        assert!(chunks.next().unwrap().is_err());
        assert!(chunks.next().is_none());
    }
}
