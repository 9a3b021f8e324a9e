//! Chunks: up to [`MAX_POINTS`] points of one series, in order and without duplicates, for reading, paging and plotting.
//!
//! ```text
//! chunk = version count timestamps steps values      all three in planes; count: varint
//! ```

use std::fmt;

use anyhow::{Result, ensure};

use super::{
    Columns,
    column::{ColumnReader, ColumnWriter, Layout},
    corrupt, values,
    values::ValueWriter,
    varint::{self, Reader},
};
use crate::{
    error,
    model::{MetricValue, Point},
};

/// The greatest number of points in a chunk, and the number in every chunk of a series but its last.
pub const MAX_POINTS: usize = 4_096;

const VERSION: u8 = 1;

/// Encodes `points`, which are strictly ascending.
///
/// # Panics
///
/// If there are none, or more than [`MAX_POINTS`]: such a chunk could not be read again.
pub fn encode(points: &[Point]) -> Vec<u8> {
    assert!((1..=MAX_POINTS).contains(&points.len()), "a chunk of {} points", points.len());
    debug_assert!(points.is_sorted_by(|one, next| one < next), "a chunk is in order and without duplicates");

    let mut columns = ColumnWriter::new(Layout::Planes);
    let mut out = vec![VERSION];
    varint::put(&mut out, points.len() as u64);
    let mut numbers: Vec<i64> = points.iter().map(|point| point.timestamp_ms).collect();
    columns.write(&numbers, 0, &mut out);
    numbers.clear();
    numbers.extend(points.iter().map(|point| point.step));
    columns.write(&numbers, 0, &mut out);
    ValueWriter::default().write(points, &mut columns, &mut out);
    out
}

/// Decodes what [`encode`] made.
///
/// # Errors
///
/// [`Error::Internal`](error::Error::Internal) if `blob` is damaged so that it can be seen: it is no chunk, too short,
/// too long, or its points are out of order.
pub fn decode(blob: &[u8]) -> error::Result<Vec<Point>> {
    let mut points = Vec::new();
    decode_into(blob, &mut points)?;
    Ok(points)
}

/// Appends the points of `blob` to `points`, which are unchanged after an error.
///
/// # Errors
///
/// As [`decode`].
pub fn decode_into(blob: &[u8], points: &mut Vec<Point>) -> error::Result<()> {
    let start = points.len();
    read(blob, points).map_err(|error| {
        points.truncate(start);
        corrupt("chunk", error)
    })
}

fn read(blob: &[u8], points: &mut Vec<Point>) -> Result<()> {
    let mut columns = Columns::default();
    Decoder::default().read(blob, true, &mut columns)?;
    let start = points.len();
    points.extend(columns.points());
    // Whoever merges chunks relies on their order, and damage rarely keeps it.
    ensure!(points[start..].is_sorted_by(|one, next| one < next), "its points are out of order");
    Ok(())
}

/// Decodes chunk after chunk. Keeps its buffers, and zstd's, for the next one.
pub struct Decoder {
    columns: ColumnReader,
    numbers: Vec<i64>,
}

impl Default for Decoder {
    fn default() -> Self {
        Decoder { columns: ColumnReader::new(Layout::Planes), numbers: Vec::new() }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Decoder").finish_non_exhaustive()
    }
}

impl Decoder {
    /// Replaces what is in `columns` by the points of `blob`; without their timestamps where these are not wanted, which
    /// saves a third of the time. Whether the points are in order is not looked at.
    ///
    /// # Errors
    ///
    /// As [`decode`].
    pub fn decode(&mut self, blob: &[u8], with_timestamps: bool, columns: &mut Columns) -> error::Result<()> {
        self.read(blob, with_timestamps, columns).map_err(|error| corrupt("chunk", error))
    }

    fn read(&mut self, blob: &[u8], with_timestamps: bool, columns: &mut Columns) -> Result<()> {
        columns.clear();
        let mut reader = Reader::new(blob);
        let version = reader.byte()?;
        ensure!(version == VERSION, "its version is {version}; this program reads {VERSION}");
        let count = reader.count(MAX_POINTS)?;
        ensure!(count > 0, "it is empty");
        if with_timestamps {
            self.columns.read(&mut reader, count, &mut columns.timestamps_ms)?;
        } else {
            self.columns.skip(&mut reader, count)?;
        }
        self.columns.read(&mut reader, count, &mut columns.steps)?;
        columns.values.reserve(count);
        let values = &mut columns.values;
        values::read(&mut reader, count, &mut self.columns, &mut self.numbers, |value| values.push(value))?;
        reader.finish()
    }
}

/// What a chunk holds, for those who need not know its points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The number of points.
    pub count: usize,
    /// The number of them whose value is NaN.
    pub nan_count: usize,
    /// The least value that is a number, if there is one.
    pub min: Option<f64>,
    /// The greatest value that is a number, if there is one.
    pub max: Option<f64>,
    /// The sum of the values that are numbers; kept within ±`f64::MAX`, so that it is a number itself.
    pub sum: f64,
    /// The first point.
    pub first: Point,
    /// The last point.
    pub last: Point,
    /// The least step.
    pub min_step: i64,
    /// The greatest step.
    pub max_step: i64,
    /// How many points have a step before that of the point before them; `None` for chunks that were made before anyone
    /// counted.
    pub backward_steps: Option<usize>,
}

impl Summary {
    /// The summary of `points`, which are in order; `None` if there are none.
    pub fn of(points: &[Point]) -> Option<Self> {
        let (first, last) = (*points.first()?, *points.last()?);
        let mut summary = Summary {
            count: points.len(),
            nan_count: 0,
            min: None,
            max: None,
            sum: 0.0,
            first,
            last,
            min_step: first.step,
            max_step: first.step,
            backward_steps: Some(points.windows(2).filter(|pair| pair[1].step < pair[0].step).count()),
        };
        for point in points {
            summary.min_step = summary.min_step.min(point.step);
            summary.max_step = summary.max_step.max(point.step);
            if point.value.is_nan() {
                summary.nan_count += 1;
                continue;
            }
            let value = point.value.get();
            summary.min = Some(summary.min.map_or(value, |min| min.min(value)));
            summary.max = Some(summary.max.map_or(value, |max| max.max(value)));
            summary.sum = MetricValue::new(summary.sum + value).get();
        }
        Some(summary)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::testing::*, *};

    proptest! {
        #[test]
        fn a_chunk_comes_back(points in ascending_points(1..400)) {
            let mut decoded = vec![point(0, 0, 0.0)];

            decode_into(&encode(&points), &mut decoded).unwrap();

            prop_assert_eq!(bits(&decoded[1..]), bits(&points));
        }

        #[test]
        fn the_columns_of_a_chunk_come_back_with_or_without_timestamps(points in ascending_points(1..400)) {
            let (mut decoder, mut columns) = (Decoder::default(), Columns::default());

            for _ in 0..2 {
                decoder.decode(&encode(&points), true, &mut columns).unwrap();
                prop_assert_eq!(bits(&Vec::from_iter(columns.points())), bits(&points));
                decoder.decode(&encode(&points), false, &mut columns).unwrap();
                prop_assert!(columns.timestamps_ms.is_empty());
                prop_assert!(columns.steps.iter().copied().eq(points.iter().map(|point| point.step)));
                prop_assert_eq!(&columns.values, &Vec::from_iter(points.iter().map(|point| point.value)));
            }
        }

        #[test]
        fn random_bytes_are_an_error_and_not_a_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            // Most random bytes fail at the version, so let them pass it.
            bytes.insert(0, VERSION);
            let _ = decode(&bytes);
            bytes.insert(1, 3);
            let _ = decode(&bytes);
        }

        #[test]
        fn damage_is_an_error_or_gives_points_in_order(
            points in ascending_points(1..100),
            place in any::<prop::sample::Index>(),
            byte: u8,
        ) {
            let mut blob = encode(&points);
            let place = place.index(blob.len());
            prop_assert!(decode(&blob[..place]).is_err(), "cut off");
            blob[place] = byte;

            let decoded = decode(&blob);

            prop_assert!(decoded.is_err() || decoded.unwrap().is_sorted());
        }
    }

    #[test]
    fn a_full_chunk_of_every_kind_comes_back_in_few_bytes() {
        for (kind, limit) in [
            (Kind::NoisyDouble, 8.0),
            (Kind::NoisyFloat, 4.0),
            (Kind::Rounded, 2.7),
            (Kind::Schedule, 2.0),
            (Kind::Epoch, 0.9),
            (Kind::Constant, 0.9),
        ] {
            let points = logged(kind, MAX_POINTS);

            let blob = encode(&points);

            assert_eq!(bits(&decode(&blob).unwrap()), bits(&points), "{kind:?}");
            let bytes_per_point = blob.len() as f64 / MAX_POINTS as f64;
            assert!(bytes_per_point < limit, "{kind:?}: {bytes_per_point} bytes per point");
        }
    }

    #[test]
    fn a_chunk_of_one_point_is_small() {
        let blob = encode(&[point(1_790_000_000_000, 1_000, 0.3 + 1e-12)]);

        assert!(blob.len() <= 24, "{} bytes", blob.len());
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        let blob = encode(&[point(1, 2, 3.0)]);
        let mut of_another_version = blob.clone();
        of_another_version[0] = 9;
        let mut too_long = blob.clone();
        too_long.push(0);
        // Two million points of a column that repeats one number: 11 bytes that ask for 48 MB.
        let huge = [1, 0x80, 0x89, 0x7a, 0x10, 2, 0x10, 2, 0x10, 2, 0];

        for (blob, reason) in [
            (&of_another_version[..], "its version is 9"),
            (&too_long, "1 bytes follow its end"),
            (&[], "it ends too early"),
            (&[1, 0], "it is empty"),
            (&huge, "it claims 2000000 items"),
        ] {
            let mut points = vec![point(0, 0, 0.0)];

            let error = format!("{:?}", decode_into(blob, &mut points).unwrap_err());

            assert!(error.contains(reason), "{error}");
            assert_eq!(points.len(), 1, "points of a damaged chunk");
        }
    }

    #[test]
    fn a_summary_counts_numbers_and_steps() {
        let points = [point(1, 5, 2.0), point(2, -3, f64::NAN), point(3, 9, -1.5), point(4, 7, 4.0)];

        let summary = Summary::of(&points).unwrap();

        assert_eq!(
            summary,
            Summary {
                count: 4,
                nan_count: 1,
                min: Some(-1.5),
                max: Some(4.0),
                sum: 4.5,
                first: points[0],
                last: points[3],
                min_step: -3,
                max_step: 9,
                backward_steps: Some(2),
            }
        );
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn a_summary_without_numbers_has_no_extremes_and_one_of_infinities_stays_a_number() {
        let nothing = Summary::of(&[point(1, 1, f64::NAN)]).unwrap();
        let infinite =
            Summary::of(&[point(1, 1, f64::INFINITY), point(2, 2, f64::INFINITY), point(3, 3, 1.0)]).unwrap();

        assert_eq!((nothing.min, nothing.max, nothing.sum, nothing.nan_count), (None, None, 0.0, 1));
        assert_eq!((infinite.max, infinite.sum), (Some(f64::MAX), f64::MAX));
    }
}
