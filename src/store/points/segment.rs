//! Segments: the points of all series of one run in one commit, in the order they came.
//!
//! A commit adds one segment, however many series it touches, and most commits are small. So what series share is
//! written once: a client that logs ten metrics at a step gives them one timestamp and one step. Such a list of
//! (timestamp, step) is an *axis*; a series names its axis and adds its values. A series is found and read without
//! decoding the others.
//!
//! ```text
//! segment   = version count entry* axis* values*          version: 1 in rows, 2 in planes
//! entry     = key_delta axis_reference                    0: a new axis, n: the n-th last one
//! axis      = count timestamp step [timestamps steps]     the first point relative to that of the axis before, then,
//!                                                         of more than one point, columns relative to the first
//! ```
//!
//! All numbers are varints; entries, axes and values follow each other in the order of the keys.

use anyhow::{Context, Result, bail, ensure};

use super::{
    column::{ColumnReader, ColumnWriter, Layout},
    corrupt, values,
    values::ValueWriter,
    varint::{self, Reader},
};
use crate::{error, model::Point};

/// The greatest number of points in a segment; a commit that is bounded by the limit on bodies in flight stays below.
pub const MAX_POINTS: usize = 1 << 20;

const IN_ROWS: u8 = 1;
const IN_PLANES: u8 = 2;

/// How many axes a series is compared with. One is enough for most commits; a few more serve those that mix the
/// metrics of a step with the metrics of an epoch.
const RECENT_AXES: usize = 4;

/// Encodes the points of each series of `series`, which are in ascending order of their key ids, each once. Fast,
/// for a commit; series without points are left out.
///
/// # Panics
///
/// If there are more than [`MAX_POINTS`]: such a segment could not be read again.
pub fn encode(series: &[(i64, &[Point])]) -> Vec<u8> {
    write(series, Layout::Rows)
}

/// As [`encode`], compressed: for what compaction leaves. Costs fifteen times as much, and saves a few per cent of noise
/// but more than half of a schedule or a counter.
///
/// # Panics
///
/// As [`encode`].
pub fn encode_compressed(series: &[(i64, &[Point])]) -> Vec<u8> {
    write(series, Layout::Planes)
}

fn write(series: &[(i64, &[Point])], layout: Layout) -> Vec<u8> {
    let total: usize = series.iter().map(|(_, points)| points.len()).sum();
    assert!(total <= MAX_POINTS, "a segment of {total} points");
    debug_assert!(series.is_sorted_by_key(|(key_id, _)| *key_id), "the series are in the order of their keys");

    let series = series.iter().filter(|(_, points)| !points.is_empty());
    let mut out = Vec::with_capacity(32 + 10 * total);
    out.push(match layout {
        Layout::Rows => IN_ROWS,
        Layout::Planes => IN_PLANES,
    });
    varint::put(&mut out, series.clone().count() as u64);

    let mut axes: Vec<&[Point]> = Vec::new();
    let mut previous_key = 0_i64;
    for (key_id, points) in series.clone() {
        varint::put(&mut out, key_id.wrapping_sub(previous_key) as u64);
        previous_key = *key_id;
        match axes.iter().rev().take(RECENT_AXES).position(|axis| is_same_axis(axis, points)) {
            Some(place) => varint::put(&mut out, place as u64 + 1),
            None => {
                varint::put(&mut out, 0);
                axes.push(points);
            }
        }
    }

    let mut columns = ColumnWriter::new(layout);
    let mut numbers = Vec::new();
    let (mut timestamp_ms, mut step) = (0_i64, 0_i64);
    for axis in axes {
        let first = axis[0];
        varint::put(&mut out, axis.len() as u64);
        varint::put_signed(&mut out, first.timestamp_ms.wrapping_sub(timestamp_ms));
        varint::put_signed(&mut out, first.step.wrapping_sub(step));
        (timestamp_ms, step) = (first.timestamp_ms, first.step);
        if axis.len() > 1 {
            numbers.clear();
            numbers.extend(axis.iter().map(|point| point.timestamp_ms.wrapping_sub(timestamp_ms)));
            columns.write(&numbers, 0, &mut out);
            numbers.clear();
            numbers.extend(axis.iter().map(|point| point.step.wrapping_sub(step)));
            columns.write(&numbers, 0, &mut out);
        }
    }

    let mut values = ValueWriter::default();
    for (_, points) in series {
        values.write(points, &mut columns, &mut out);
    }
    out
}

fn is_same_axis(one: &[Point], other: &[Point]) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).all(|(one, other)| (one.timestamp_ms, one.step) == (other.timestamp_ms, other.step))
}

/// The points of the series of `key_id` as they were given to [`encode`]; `None` if `blob` has none.
///
/// # Errors
///
/// [`Error::Internal`](error::Error::Internal) if `blob` is damaged so that it can be seen.
pub fn series(blob: &[u8], key_id: i64) -> error::Result<Option<Vec<Point>>> {
    let read = || -> Result<_> {
        let mut segment = Segment::read(blob)?;
        let Ok(index) = segment.entries.binary_search_by_key(&key_id, |entry| entry.key_id) else { return Ok(None) };
        for entry in &segment.entries[..index] {
            values::skip(&mut segment.rest, segment.axes[entry.axis].count, &segment.columns)?;
        }
        let axis = segment.axes[segment.entries[index].axis].decode(&mut segment.columns)?;
        segment.decode_values(&axis).map(Some)
    };
    read().map_err(|error| corrupt("segment", error))
}

/// As [`series`], of several: those of `key_ids`, which are ascending, that `blob` has.
///
/// # Errors
///
/// As [`series`].
pub fn some_series(blob: &[u8], key_ids: &[i64]) -> error::Result<Vec<(i64, Vec<Point>)>> {
    let read = || -> Result<_> {
        let mut segment = Segment::read(blob)?;
        let entries = std::mem::take(&mut segment.entries);
        let mut places: Vec<Option<Places>> = segment.axes.iter().map(|_| None).collect();
        let mut found = Vec::new();
        for Entry { key_id, axis } in entries {
            if found.len() == key_ids.len() {
                break;
            }
            if key_ids.binary_search(&key_id).is_err() {
                values::skip(&mut segment.rest, segment.axes[axis].count, &segment.columns)?;
                continue;
            }
            // Most series of a segment share one axis.
            let places = match &mut places[axis] {
                Some(places) => places,
                empty => empty.insert(segment.axes[axis].decode(&mut segment.columns)?),
            };
            found.push((key_id, segment.decode_values(places)?));
        }
        Ok(found)
    };
    read().map_err(|error| corrupt("segment", error))
}

/// All series of `blob` with their key ids, in ascending order of these.
///
/// # Errors
///
/// As [`series`].
pub fn decode_all(blob: &[u8]) -> error::Result<Vec<(i64, Vec<Point>)>> {
    let read = || -> Result<_> {
        let mut segment = Segment::read(blob)?;
        let axes = std::mem::take(&mut segment.axes);
        let axes = axes.iter().map(|axis| axis.decode(&mut segment.columns)).collect::<Result<Vec<_>>>()?;
        let entries = std::mem::take(&mut segment.entries);
        let series = entries.iter().map(|entry| Ok((entry.key_id, segment.decode_values(&axes[entry.axis])?)));
        let series = series.collect::<Result<Vec<_>>>()?;
        segment.rest.finish()?;
        Ok(series)
    };
    read().map_err(|error| corrupt("segment", error))
}

/// The number of points of all series of `blob`.
///
/// # Errors
///
/// As [`series`].
pub fn point_count(blob: &[u8]) -> error::Result<usize> {
    let segment = Segment::read(blob).map_err(|error| corrupt("segment", error))?;
    Ok(segment.entries.iter().map(|entry| segment.axes[entry.axis].count).sum())
}

/// A segment of which all but the points is known.
struct Segment<'a> {
    entries: Vec<Entry>,
    axes: Vec<Axis<'a>>,
    columns: ColumnReader,
    /// The values, of the first series first.
    rest: Reader<'a>,
    numbers: Vec<i64>,
}

struct Entry {
    key_id: i64,
    /// An index into the axes.
    axis: usize,
}

struct Axis<'a> {
    count: usize,
    first_timestamp_ms: i64,
    first_step: i64,
    /// From where the columns can be read, if there is more than one point.
    columns: Reader<'a>,
}

/// The timestamps and the steps of an axis, equally many.
struct Places {
    timestamps_ms: Vec<i64>,
    steps: Vec<i64>,
}

impl<'a> Segment<'a> {
    fn read(blob: &'a [u8]) -> Result<Self> {
        let mut rest = Reader::new(blob);
        let columns = match rest.byte()? {
            IN_ROWS => ColumnReader::new(Layout::Rows),
            IN_PLANES => ColumnReader::new(Layout::Planes),
            version => bail!("its version is {version}; this program reads {IN_ROWS} and {IN_PLANES}"),
        };

        // An entry has two bytes at least.
        let count = rest.count(rest.remaining() / 2)?;
        let mut entries = Vec::with_capacity(count);
        let (mut key_id, mut number_of_axes) = (0_i64, 0_usize);
        for index in 0..count {
            let previous = key_id;
            key_id = key_id.wrapping_add(rest.varint()? as i64);
            ensure!(index == 0 || previous < key_id, "its series are out of order");
            let axis = match rest.count(RECENT_AXES)? {
                0 => {
                    number_of_axes += 1;
                    number_of_axes - 1
                }
                back => number_of_axes.checked_sub(back).context("it names an axis that it does not have")?,
            };
            entries.push(Entry { key_id, axis });
        }

        let mut axes = Vec::with_capacity(number_of_axes);
        let (mut first_timestamp_ms, mut first_step) = (0_i64, 0_i64);
        for _ in 0..number_of_axes {
            let count = rest.count(MAX_POINTS)?;
            ensure!(count > 0, "an axis is empty");
            first_timestamp_ms = first_timestamp_ms.wrapping_add(rest.signed()?);
            first_step = first_step.wrapping_add(rest.signed()?);
            axes.push(Axis { count, first_timestamp_ms, first_step, columns: rest.clone() });
            if count > 1 {
                columns.skip(&mut rest, count)?;
                columns.skip(&mut rest, count)?;
            }
        }

        // Points can take less than a byte each, so it is this sum that bounds what decoding allocates.
        let total: usize = entries.iter().map(|entry| axes[entry.axis].count).sum();
        ensure!(total <= MAX_POINTS, "it claims {total} points where {MAX_POINTS} are possible");
        Ok(Segment { entries, axes, columns, rest, numbers: Vec::new() })
    }

    /// Reads the values of the next series, which lies on the axis `places`.
    fn decode_values(&mut self, places: &Places) -> Result<Vec<Point>> {
        let count = places.steps.len();
        let mut points = Vec::with_capacity(count);
        let mut places = places.timestamps_ms.iter().zip(&places.steps);
        values::read(&mut self.rest, count, &mut self.columns, &mut self.numbers, |value| {
            points.extend(places.next().map(|(timestamp_ms, step)| Point {
                timestamp_ms: *timestamp_ms,
                step: *step,
                value,
            }));
        })?;
        Ok(points)
    }
}

impl Axis<'_> {
    fn decode(&self, columns: &mut ColumnReader) -> Result<Places> {
        if self.count == 1 {
            return Ok(Places { timestamps_ms: vec![self.first_timestamp_ms], steps: vec![self.first_step] });
        }
        let mut reader = self.columns.clone();
        let mut column = |first: i64| -> Result<Vec<i64>> {
            let mut numbers = Vec::new();
            columns.read(&mut reader, self.count, &mut numbers)?;
            numbers.iter_mut().for_each(|number| *number = number.wrapping_add(first));
            Ok(numbers)
        };
        Ok(Places { timestamps_ms: column(self.first_timestamp_ms)?, steps: column(self.first_step)? })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{super::testing::*, *};
    use crate::model::MetricValue;

    const NOW: i64 = 1_790_000_000_000;

    fn borrow(series: &[(i64, Vec<Point>)]) -> Vec<(i64, &[Point])> {
        series.iter().map(|(key_id, points)| (*key_id, points.as_slice())).collect()
    }

    /// Series of which many share an axis, some in part, and some have one value.
    fn any_series() -> impl Strategy<Value = Vec<(i64, Vec<Point>)>> {
        let key_id = prop_oneof![1..300_i64, any::<i64>()];
        let series = (key_id, any::<prop::sample::Index>(), prop_oneof![Just(70), 1..5_usize], any::<Option<f64>>());
        (prop::collection::vec(points(1..70), 1..8), prop::collection::vec(series, 0..20)).prop_map(|(axes, series)| {
            let mut by_key = BTreeMap::new();
            for (key_id, axis, length, value) in series {
                let mut points = axes[axis.index(axes.len())].clone();
                points.truncate(length);
                if let Some(value) = value {
                    points.iter_mut().for_each(|point| point.value = MetricValue::new(value));
                }
                by_key.insert(key_id, points);
            }
            by_key.into_iter().collect()
        })
    }

    proptest! {
        #[test]
        fn a_segment_comes_back_whole_and_series_by_series(written in any_series(), other_key: i64) {
            for blob in [encode(&borrow(&written)), encode_compressed(&borrow(&written))] {
                let all = decode_all(&blob).unwrap();

                prop_assert_eq!(all.len(), written.len());
                let some: Vec<i64> = written.iter().map(|(key_id, _)| *key_id).step_by(2).chain([i64::MAX]).collect();
                prop_assert_eq!(
                    some_series(&blob, &some).unwrap(),
                    all.iter().filter(|(key_id, _)| some.contains(key_id)).cloned().collect::<Vec<_>>()
                );
                for ((key_id, points), (read_key, read)) in written.iter().zip(&all) {
                    prop_assert_eq!(key_id, read_key);
                    prop_assert_eq!(bits(points), bits(read));
                    prop_assert_eq!(bits(&series(&blob, *key_id).unwrap().unwrap()), bits(points));
                }
                prop_assert_eq!(point_count(&blob).unwrap(), written.iter().map(|(_, points)| points.len()).sum::<usize>());
                if !written.iter().any(|(key_id, _)| *key_id == other_key) {
                    prop_assert_eq!(series(&blob, other_key).unwrap(), None);
                }
            }
        }

        #[test]
        fn random_bytes_are_an_error_and_not_a_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            for version in [IN_ROWS, IN_PLANES] {
                bytes.insert(0, version);
                let _ = (decode_all(&bytes), series(&bytes, 1), point_count(&bytes));
                bytes.splice(1..1, [2, 1, 0, 1, 1, 3]);
                let _ = (decode_all(&bytes), series(&bytes, 1), series(&bytes, 2), point_count(&bytes));
            }
        }

        #[test]
        fn damage_does_not_panic(written in any_series(), place in any::<prop::sample::Index>(), byte: u8) {
            for mut blob in [encode(&borrow(&written)), encode_compressed(&borrow(&written))] {
                let place = place.index(blob.len());
                prop_assert!(decode_all(&blob[..place]).is_err(), "cut off");
                blob[place] = byte;
                if let Ok(series) = decode_all(&blob) {
                    prop_assert!(series.iter().map(|(_, points)| points.len()).sum::<usize>() <= MAX_POINTS);
                }
                let _ = series(&blob, written.first().map_or(0, |(key_id, _)| *key_id));
            }
        }
    }

    #[test]
    fn the_segments_of_single_steps_are_small() {
        let value = 0.1 + 0.2;
        let one = [point(NOW, 5_000, value)];
        let of_one_key = encode(&[(40_000, &one)]);
        let of_five_keys = encode(&[(300, &one), (301, &one), (302, &one), (303, &one), (304, &one)]);

        assert!(of_one_key.len() <= 25, "{} bytes", of_one_key.len());
        assert!(of_five_keys.len() <= 70, "{} bytes", of_five_keys.len());
    }

    #[test]
    fn series_that_share_their_places_write_them_once() {
        let steps =
            |value: f64| (0..100).map(|step| point(NOW + step * step, step * 50, value * step as f64)).collect();
        let logged: Vec<(i64, Vec<Point>)> =
            (1..=10).map(|key_id| (key_id, steps(1.0 / key_id as f64 / 7.0))).collect();

        let blob = encode(&borrow(&logged));

        let bytes_per_point = blob.len() as f64 / 1_000.0;
        assert!(bytes_per_point < 8.4, "{bytes_per_point} bytes per point");
    }

    #[test]
    fn series_without_points_are_left_out() {
        let one = [point(NOW, 1, 1.0)];

        let blob = encode(&[(1, &[]), (2, &one), (3, &[])]);

        assert_eq!(decode_all(&blob).unwrap(), [(2, one.to_vec())]);
        assert_eq!(decode_all(&encode(&[])).unwrap(), []);
    }

    #[test]
    fn what_is_no_segment_is_refused() {
        let one = [point(NOW, 1, 1.0)];
        let mut of_another_version = encode(&[(1, &one)]);
        of_another_version[0] = 9;
        let mut too_long = encode(&[(1, &one)]);
        too_long.push(0);
        let mut out_of_order = encode(&[(5, &one), (6, &one)]);
        assert_eq!(out_of_order[4], 1, "the distance of the second key");
        out_of_order[4] = 0;
        // One axis of 2^20 equal points, and two series that lie on it.
        let huge = [IN_ROWS, 2, 1, 0, 1, 1, 0x80, 0x80, 0x40, 2, 2, 0x10, 0, 0x10, 0, 0x10, 2, 0x10, 2];

        for (blob, reason) in [
            (&of_another_version[..], "its version is 9"),
            (&too_long, "1 bytes follow its end"),
            (&out_of_order, "its series are out of order"),
            (&huge, "it claims 2097152 points"),
            (&[IN_ROWS, 1, 1, 1], "it names an axis that it does not have"),
            (&[IN_ROWS, 1, 1, 0, 0, 0, 0], "an axis is empty"),
        ] {
            let error = format!("{:?}", decode_all(blob).unwrap_err());

            assert!(error.contains(reason), "{error}");
        }
    }
}
