//! The values of a series as a column of integers.
//!
//! Three forms, of which the one that gives the shortest column is written:
//!
//! - the bits of the doubles, always possible;
//! - the bits of floats, where every value came from a float: most trainers compute in single precision or less and
//!   log what they computed as a double. This halves such a series;
//! - integers in units of a power of ten, where every value is a decimal number with few digits: counters, epochs,
//!   accuracies, percentages and everything that was rounded before it was logged. This saves up to four fifths.
//!
//! ```text
//! values = column [digits]      tag: 0 bits of doubles, 1 bits of floats, 2 decimals, followed by their digits
//! ```

use anyhow::{Context, Result, bail};

use super::{
    column::{ColumnReader, ColumnWriter},
    varint::Reader,
};
use crate::model::{MetricValue, Point};

const DOUBLES: u8 = 0;
const FLOATS: u8 = 1;
const DECIMALS: u8 = 2;

/// The powers of ten that a decimal's digits stand for. All are exact as doubles, so that dividing an integer by one
/// of them gives the double that is nearest to the decimal, which is what was logged.
const POWERS_OF_TEN: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Writes values. Keeps its buffers for the next ones.
#[derive(Default)]
pub(super) struct ValueWriter {
    numbers: Vec<i64>,
    trial: Vec<u8>,
}

impl ValueWriter {
    /// Appends the values of `points`, of which there is at least one.
    pub(super) fn write(&mut self, points: &[Point], columns: &mut ColumnWriter, out: &mut Vec<u8>) {
        let start = out.len();
        if collect(&mut self.numbers, points, as_float) {
            columns.write(&self.numbers, FLOATS, out);
        } else {
            collect(&mut self.numbers, points, |value| Some(value.get().to_bits() as i64));
            columns.write(&self.numbers, DOUBLES, out);
        }
        let Some(digits) = decimal_digits(points) else { return };
        if collect(&mut self.numbers, points, |value| as_decimal(value, digits)) {
            self.trial.clear();
            columns.write(&self.numbers, DECIMALS, &mut self.trial);
            self.trial.push(digits as u8);
            if self.trial.len() < out.len() - start {
                out.truncate(start);
                out.extend_from_slice(&self.trial);
            }
        }
    }
}

/// Fills `numbers` with what `convert` makes of the values; false if there is one that it cannot express.
fn collect(numbers: &mut Vec<i64>, points: &[Point], convert: impl Fn(MetricValue) -> Option<i64>) -> bool {
    numbers.clear();
    for point in points {
        match convert(point.value) {
            Some(number) => numbers.push(number),
            None => return false,
        }
    }
    true
}

/// The bits of the float that `value` was made of.
fn as_float(value: MetricValue) -> Option<i64> {
    // Rounding turns ±f64::MAX into an infinity, and normalisation turns that back.
    let float = value.get() as f32;
    let same = MetricValue::new(f64::from(float)) == value;
    same.then(|| i64::from(float.to_bits()))
}

/// The least number of digits behind the point that all values have, unless some have too many.
fn decimal_digits(points: &[Point]) -> Option<usize> {
    let mut digits = 0;
    for point in points {
        while as_decimal(point.value, digits).is_none() {
            digits += 1;
            if digits == POWERS_OF_TEN.len() {
                return None;
            }
        }
    }
    Some(digits)
}

/// `value` in units of 10^-`digits`, if that is a whole number that gives back `value`.
fn as_decimal(value: MetricValue, digits: usize) -> Option<i64> {
    /// Adding 1.5 * 2^52 leaves a double no bits for a fraction, which rounds many times faster than `round` does on
    /// processors that are only asked for the x86-64 baseline.
    const NO_FRACTION: f64 = 6_755_399_441_055_744.0;
    const GREATEST: f64 = 2_251_799_813_685_248.0;

    let scaled = value.get() * POWERS_OF_TEN[digits];
    let whole = (scaled + NO_FRACTION) - NO_FRACTION;
    let same = scaled.abs() < GREATEST && whole / POWERS_OF_TEN[digits] == value.get();
    same.then_some(whole as i64)
}

/// Reads `count` values, handing each to `take` in order. `numbers` is a buffer.
pub(super) fn read(
    reader: &mut Reader,
    count: usize,
    columns: &mut ColumnReader,
    numbers: &mut Vec<i64>,
    take: impl FnMut(MetricValue),
) -> Result<()> {
    match columns.read(reader, count, numbers)? {
        DOUBLES => numbers.iter().map(|bits| MetricValue::new(f64::from_bits(*bits as u64))).for_each(take),
        FLOATS => {
            numbers.iter().map(|bits| MetricValue::new(f64::from(f32::from_bits(*bits as u32)))).for_each(take);
        }
        DECIMALS => {
            let digits = reader.byte()?;
            let power = POWERS_OF_TEN.get(usize::from(digits)).context("a decimal has too many digits")?;
            numbers.iter().map(|whole| MetricValue::new(*whole as f64 / power)).for_each(take);
        }
        tag => bail!("there are no values of form {tag}"),
    }
    Ok(())
}

/// Goes past `count` values.
pub(super) fn skip(reader: &mut Reader, count: usize, columns: &ColumnReader) -> Result<()> {
    if columns.skip(reader, count)? == DECIMALS {
        reader.byte()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_a_float_only_where_the_float_gives_it_back() {
        for value in
            [0.0, 0.1_f32.into(), -2.5, f64::from(f32::MAX), f64::MAX, f64::MIN, f64::NAN, f32::MIN_POSITIVE.into()]
        {
            assert!(as_float(MetricValue::new(value)).is_some(), "{value}");
        }
        for value in [0.1, 1e39, -1e300, f64::MIN_POSITIVE, 1.0 + f64::EPSILON] {
            assert!(as_float(MetricValue::new(value)).is_none(), "{value}");
        }
    }

    #[test]
    fn a_value_is_a_decimal_only_where_the_decimal_gives_it_back() {
        for (value, digits, whole) in [(0.1, 1, 1), (-0.25, 2, -25), (6.25e-5, 7, 625), (3.0, 0, 3), (0.3, 3, 300)] {
            assert_eq!(as_decimal(MetricValue::new(value), digits), Some(whole), "{value}");
        }
        for (value, digits) in
            [(0.1 + 0.2, 1), (0.15, 1), (f64::NAN, 0), (f64::MAX, 0), (1e16, 0), (f64::MIN_POSITIVE, 15)]
        {
            assert_eq!(as_decimal(MetricValue::new(value), digits), None, "{value}");
        }
    }
}
