//! One column of integers: the timestamps, the steps or the values of a series.
//!
//! A column is written as it is (order 0), as differences (order 1) or as differences of differences (order 2),
//! whichever is shortest. A constant then is its first number and an arithmetic progression its first two. What
//! remains is written in as few bytes per number as the greatest of them needs, in one of two layouts:
//!
//! - [`Layout::Rows`]: number after number. Costs next to nothing to write.
//! - [`Layout::Planes`]: all lowest bytes, then all second bytes, and so on; each such plane by itself as one byte
//!   where it is constant, through zstd where that helps, and as it is elsewhere. The low bytes of a noisy double are
//!   incompressible and its high bytes are not; kept apart, neither spoils the statistics of the other, and reading
//!   most planes is a copy.
//!
//! ```text
//! column   = head seeds residuals      head: width (0 to 8) | order << 4 | tag << 6; the tag is the caller's
//! seeds    = `order` signed varints: the first number, the first difference
//! plane    = 0 byte | 1 byte* | 2 length frame
//! ```
//!
//! Measured on series of 4,096 points: XOR with the previous number, which is usual for doubles, was 1 to 4 % longer
//! than the difference for noise around a curve, and many times longer for smooth curves; an offset from the minimum
//! gained nothing over order 0.

use anyhow::{Result, bail, ensure};
use zstd::bulk::{Compressor, Decompressor};

use super::varint::{self, Reader, fold, unfold};

/// The fastest level that codes bytes by their frequency, which is nearly all there is to gain in a plane: level 9
/// takes three times as long for chunks that are less than 1 % smaller.
const ZSTD_LEVEL: i32 = 1;

/// In shorter planes a frame costs more than it saves.
const SHORTEST_FRAME: usize = 48;

/// The greatest number of bytes a residual needs.
const GREATEST_WIDTH: usize = 8;

const GREATEST_ORDER: usize = 2;

const PLANE_CONSTANT: u8 = 0;
const PLANE_RAW: u8 = 1;
const PLANE_ZSTD: u8 = 2;

/// How what remains of a column is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Number after number.
    Rows,
    /// Byte planes, each compressed by itself.
    Planes,
}

/// Writes columns. Keeps its buffers, and zstd's, for the next one.
pub(super) struct ColumnWriter {
    packer: Packer,
    residuals: Vec<u64>,
    trial: Vec<u8>,
}

enum Packer {
    Rows,
    Planes { compressor: Compressor<'static>, plane: Vec<u8>, frame: Vec<u8> },
}

impl ColumnWriter {
    pub(super) fn new(layout: Layout) -> Self {
        let packer = match layout {
            Layout::Rows => Packer::Rows,
            Layout::Planes => Packer::Planes {
                compressor: Compressor::new(ZSTD_LEVEL).expect("zstd knows this level"),
                plane: Vec::new(),
                frame: Vec::new(),
            },
        };
        ColumnWriter { packer, residuals: Vec::new(), trial: Vec::new() }
    }

    /// Appends `numbers`, of which there is at least one, and `tag`, a number below 4 that means nothing here.
    pub(super) fn write(&mut self, numbers: &[i64], tag: u8, out: &mut Vec<u8>) {
        match self.packer {
            Packer::Rows => {
                let order = shortest_in_rows(numbers);
                self.append(numbers, order, tag, out);
            }
            Packer::Planes { .. } => {
                // How well a plane compresses is known after compressing it, so all orders are tried.
                let start = out.len();
                self.append(numbers, 0, tag, out);
                for order in 1..=GREATEST_ORDER.min(numbers.len()) {
                    let mut trial = std::mem::take(&mut self.trial);
                    trial.clear();
                    self.append(numbers, order, tag, &mut trial);
                    if trial.len() < out.len() - start {
                        out.truncate(start);
                        out.extend_from_slice(&trial);
                    }
                    self.trial = trial;
                }
            }
        }
    }

    fn append(&mut self, numbers: &[i64], order: usize, tag: u8, out: &mut Vec<u8>) {
        self.residuals.clear();
        match order {
            0 => self.residuals.extend(numbers.iter().map(|number| *number as u64)),
            1 => self.residuals.extend(numbers.windows(2).map(|pair| fold(difference(pair)))),
            _ => self.residuals.extend(numbers.windows(3).map(|three| fold(second_difference(three)))),
        }
        let width = width(self.residuals.iter().fold(0, |all, residual| all | residual));
        out.push(width as u8 | (order as u8) << 4 | tag << 6);
        if order >= 1 {
            varint::put_signed(out, numbers[0]);
        }
        if order >= 2 {
            varint::put_signed(out, difference(numbers));
        }
        match &mut self.packer {
            Packer::Rows => put_rows(&self.residuals, width, out),
            Packer::Planes { compressor, plane, frame } => {
                for index in 0..width {
                    plane.clear();
                    plane.extend(self.residuals.iter().map(|residual| (residual >> (8 * index)) as u8));
                    put_plane(plane, compressor, frame, out);
                }
            }
        }
    }
}

fn difference(numbers: &[i64]) -> i64 {
    numbers[1].wrapping_sub(numbers[0])
}

fn second_difference(numbers: &[i64]) -> i64 {
    difference(&numbers[1..]).wrapping_sub(difference(numbers))
}

/// The number of bytes that `residual` needs.
fn width(residual: u64) -> usize {
    (u64::BITS - residual.leading_zeros()).div_ceil(8) as usize
}

/// The order in which `numbers` take the fewest bytes in rows.
fn shortest_in_rows(numbers: &[i64]) -> usize {
    let mut all = [0; GREATEST_ORDER + 1];
    let (mut previous, mut previous_difference) = (numbers[0], 0);
    all[0] = previous as u64;
    for (index, number) in numbers.iter().enumerate().skip(1) {
        let difference = number.wrapping_sub(previous);
        all[0] |= *number as u64;
        all[1] |= fold(difference);
        if index > 1 {
            all[2] |= fold(difference.wrapping_sub(previous_difference));
        }
        (previous, previous_difference) = (*number, difference);
    }
    let size = |order: &usize| {
        let seeds = match *order {
            0 => 0,
            1 => varint::length(fold(numbers[0])),
            _ => varint::length(fold(numbers[0])) + varint::length(fold(difference(numbers))),
        };
        seeds + width(all[*order]) * (numbers.len() - order)
    };
    (0..=GREATEST_ORDER.min(numbers.len())).min_by_key(size).unwrap_or(0)
}

fn put_rows(residuals: &[u64], width: usize, out: &mut Vec<u8>) {
    /// Copies of a length known to the compiler are one or two instructions instead of a call.
    fn put<const WIDTH: usize>(residuals: &[u64], out: &mut Vec<u8>) {
        out.reserve(residuals.len() * WIDTH);
        for residual in residuals {
            out.extend_from_slice(&residual.to_le_bytes()[..WIDTH]);
        }
    }
    match width {
        0 => {}
        1 => put::<1>(residuals, out),
        2 => put::<2>(residuals, out),
        3 => put::<3>(residuals, out),
        4 => put::<4>(residuals, out),
        5 => put::<5>(residuals, out),
        6 => put::<6>(residuals, out),
        7 => put::<7>(residuals, out),
        _ => put::<8>(residuals, out),
    }
}

fn put_plane(plane: &[u8], compressor: &mut Compressor<'static>, frame: &mut Vec<u8>, out: &mut Vec<u8>) {
    let Some(first) = plane.first() else { return };
    if plane.iter().all(|byte| byte == first) {
        out.extend_from_slice(&[PLANE_CONSTANT, *first]);
        return;
    }
    if plane.len() >= SHORTEST_FRAME {
        // With less room than the plane itself zstd gives up where a frame would be longer.
        frame.resize(plane.len(), 0);
        if let Ok(length) = compressor.compress_to_buffer(plane, frame.as_mut_slice())
            && length + varint::length(length as u64) < plane.len()
        {
            out.push(PLANE_ZSTD);
            varint::put(out, length as u64);
            out.extend_from_slice(&frame[..length]);
            return;
        }
    }
    out.push(PLANE_RAW);
    out.extend_from_slice(plane);
}

/// Reads columns. Keeps its buffers, and zstd's, for the next one.
pub(super) struct ColumnReader {
    layout: Layout,
    decompressor: Option<Decompressor<'static>>,
    plane: Vec<u8>,
}

impl ColumnReader {
    pub(super) fn new(layout: Layout) -> Self {
        ColumnReader { layout, decompressor: None, plane: Vec::new() }
    }

    /// Reads a column of `count` numbers into `numbers`, whose content is replaced, and returns its tag. A column of
    /// any length can be a few bytes, so it is the caller who must know that `count` is possible.
    pub(super) fn read(&mut self, reader: &mut Reader, count: usize, numbers: &mut Vec<i64>) -> Result<u8> {
        let head = Head::read(reader, count)?;
        numbers.clear();
        let mut seeds = [0; GREATEST_ORDER];
        for seed in &mut seeds[..head.order] {
            *seed = reader.signed()?;
        }
        match self.layout {
            Layout::Rows => {
                let rows = reader.take(head.width * (count - head.order))?;
                numbers.resize(count, 0);
                read_rows(rows, head.width, &mut numbers[head.order..]);
            }
            Layout::Planes => {
                numbers.resize(count, 0);
                for index in 0..head.width {
                    self.read_plane(reader, index, &mut numbers[head.order..])?;
                }
            }
        }
        match head.order {
            0 => {}
            1 => {
                let mut number = seeds[0];
                numbers[0] = number;
                for slot in &mut numbers[1..] {
                    number = number.wrapping_add(unfold(*slot as u64));
                    *slot = number;
                }
            }
            _ => {
                let [first, mut difference] = seeds;
                let mut number = first.wrapping_add(difference);
                (numbers[0], numbers[1]) = (first, number);
                for slot in &mut numbers[2..] {
                    difference = difference.wrapping_add(unfold(*slot as u64));
                    number = number.wrapping_add(difference);
                    *slot = number;
                }
            }
        }
        Ok(head.tag)
    }

    /// Goes past a column of `count` numbers and returns its tag.
    pub(super) fn skip(&self, reader: &mut Reader, count: usize) -> Result<u8> {
        let head = Head::read(reader, count)?;
        for _ in 0..head.order {
            reader.varint()?;
        }
        let residuals = count - head.order;
        match self.layout {
            Layout::Rows => {
                reader.take(head.width * residuals)?;
            }
            Layout::Planes => {
                for _ in 0..head.width {
                    match reader.byte()? {
                        PLANE_CONSTANT => reader.take(1)?,
                        PLANE_RAW => reader.take(residuals)?,
                        _ => {
                            let length = reader.count(reader.remaining())?;
                            reader.take(length)?
                        }
                    };
                }
            }
        }
        Ok(head.tag)
    }

    /// Adds the plane of the bytes of rank `index` to `residuals`.
    fn read_plane(&mut self, reader: &mut Reader, index: usize, residuals: &mut [i64]) -> Result<()> {
        let shift = 8 * index;
        let plane = match reader.byte()? {
            PLANE_CONSTANT => {
                let byte = i64::from(reader.byte()?) << shift;
                residuals.iter_mut().for_each(|residual| *residual |= byte);
                return Ok(());
            }
            PLANE_RAW => reader.take(residuals.len())?,
            PLANE_ZSTD => {
                let length = reader.count(reader.remaining())?;
                let frame = reader.take(length)?;
                let decompressor = match &mut self.decompressor {
                    Some(decompressor) => decompressor,
                    empty => empty.insert(Decompressor::new()?),
                };
                self.plane.resize(residuals.len(), 0);
                let decompressed = decompressor.decompress_to_buffer(frame, self.plane.as_mut_slice())?;
                ensure!(decompressed == residuals.len(), "a plane has {decompressed} bytes, not {}", residuals.len());
                self.plane.as_slice()
            }
            kind => bail!("there is no plane of kind {kind}"),
        };
        for (residual, byte) in residuals.iter_mut().zip(plane) {
            *residual |= i64::from(*byte) << shift;
        }
        Ok(())
    }
}

struct Head {
    width: usize,
    order: usize,
    tag: u8,
}

impl Head {
    fn read(reader: &mut Reader, count: usize) -> Result<Self> {
        let byte = reader.byte()?;
        let head = Head { width: usize::from(byte & 0xf), order: usize::from(byte >> 4 & 3), tag: byte >> 6 };
        ensure!(head.width <= GREATEST_WIDTH, "a number has {} bytes", head.width);
        ensure!(head.order <= GREATEST_ORDER.min(count), "{count} numbers have differences of order {}", head.order);
        Ok(head)
    }
}

fn read_rows(rows: &[u8], width: usize, residuals: &mut [i64]) {
    fn read<const WIDTH: usize>(rows: &[u8], residuals: &mut [i64]) {
        for (residual, row) in residuals.iter_mut().zip(rows.chunks_exact(WIDTH)) {
            let mut bytes = [0; GREATEST_WIDTH];
            bytes[..WIDTH].copy_from_slice(row);
            *residual = i64::from_le_bytes(bytes);
        }
    }
    match width {
        0 => {}
        1 => read::<1>(rows, residuals),
        2 => read::<2>(rows, residuals),
        3 => read::<3>(rows, residuals),
        4 => read::<4>(rows, residuals),
        5 => read::<5>(rows, residuals),
        6 => read::<6>(rows, residuals),
        7 => read::<7>(rows, residuals),
        _ => read::<8>(rows, residuals),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers of the shapes that columns have, with outliers.
    fn numbers() -> impl Strategy<Value = Vec<i64>> {
        let noise = prop_oneof![Just(0), -3..3_i64, -1_000..1_000_i64, any::<i64>()];
        (any::<i64>(), -70_000..70_000_i64, noise.clone(), prop::collection::vec(noise, 1..200)).prop_map(
            |(start, stride, scale, noise)| {
                let walk = noise.iter().enumerate().map(|(index, noise)| {
                    let line = start.wrapping_add(stride.wrapping_mul(index as i64));
                    line.wrapping_add(if scale == 0 { 0 } else { *noise })
                });
                walk.collect()
            },
        )
    }

    proptest! {
        #[test]
        fn a_column_comes_back_and_can_be_skipped(numbers in numbers(), tag in 0..4_u8) {
            for layout in [Layout::Rows, Layout::Planes] {
                let mut blob = Vec::new();
                ColumnWriter::new(layout).write(&numbers, tag, &mut blob);
                let (mut reader, mut skipper) = (Reader::new(&blob), Reader::new(&blob));
                let mut columns = ColumnReader::new(layout);

                let mut read = vec![7];
                let read_tag = columns.read(&mut reader, numbers.len(), &mut read).unwrap();
                let skipped_tag = columns.skip(&mut skipper, numbers.len()).unwrap();

                prop_assert_eq!(&read, &numbers);
                prop_assert_eq!((read_tag, skipped_tag), (tag, tag));
                reader.finish().unwrap();
                skipper.finish().unwrap();
            }
        }
    }

    #[test]
    fn a_plane_that_decompresses_to_another_length_is_refused() {
        let frame = zstd::bulk::compress(&[7; 9], ZSTD_LEVEL).unwrap();
        let mut blob = vec![1, PLANE_ZSTD, frame.len() as u8];
        blob.extend(frame);

        for (count, is_read) in [(8, false), (9, true), (10, false)] {
            let read = ColumnReader::new(Layout::Planes).read(&mut Reader::new(&blob), count, &mut Vec::new());

            assert_eq!(read.is_ok(), is_read, "{count}");
        }
    }

    #[test]
    fn constants_and_progressions_need_a_few_bytes() {
        for layout in [Layout::Rows, Layout::Planes] {
            for stride in [0, 1, -50, 1_000] {
                let numbers: Vec<_> = (0..4_096).map(|index| 1_790_000_000_000 + index * stride).collect();
                let mut blob = Vec::new();

                ColumnWriter::new(layout).write(&numbers, 0, &mut blob);

                assert!(blob.len() <= 9, "{} bytes for stride {stride}", blob.len());
            }
        }
    }
}
