//! Integers of variable length, and a reader that never looks beyond its bytes.
//!
//! Seven bits to a byte, the lowest first; the high bit says that another byte follows. Signed numbers are folded
//! first (0, -1, 1, -2, …), so that small ones of either sign stay short.

use anyhow::{Context, Result, bail};

/// Appends `value`: one to ten bytes.
pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends `value` folded.
pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, fold(value));
}

/// How many bytes [`put`] appends.
pub(super) fn length(value: u64) -> usize {
    (u64::BITS - (value | 1).leading_zeros()).div_ceil(7) as usize
}

/// Numbers the integers so that those near zero come first: 0, -1, 1, -2, …
pub(super) fn fold(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Undoes [`fold`].
pub(super) fn unfold(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// What is left to read of a blob. Every method fails instead of reading beyond the end.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(blob: &'a [u8]) -> Self {
        Reader { rest: blob }
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        let (&first, rest) = self.rest.split_first().context("it ends too early")?;
        self.rest = rest;
        Ok(first)
    }

    /// The next `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).context("it ends too early")?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        bail!("an integer has more than 64 bits")
    }

    pub(super) fn signed(&mut self) -> Result<i64> {
        self.varint().map(unfold)
    }

    /// A number of things, of which a blob holds at most `limit`.
    pub(super) fn count(&mut self, limit: usize) -> Result<usize> {
        let count = self.varint()?;
        match usize::try_from(count) {
            Ok(count) if count <= limit => Ok(count),
            _ => bail!("it claims {count} items where {limit} are possible"),
        }
    }

    /// How many bytes are left.
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Fails unless everything was read: bytes that nobody asked for are a sign of damage.
    pub(super) fn finish(self) -> Result<()> {
        match self.rest.len() {
            0 => Ok(()),
            more => bail!("{more} bytes follow its end"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_every_length_come_back() {
        for bits in 0..=63 {
            for value in [1_i64 << bits, (1_i64 << bits).wrapping_sub(1), -1_i64 << bits] {
                let mut blob = Vec::new();
                put_signed(&mut blob, value);
                put(&mut blob, value as u64);
                assert_eq!(blob.len(), length(fold(value)) + length(value as u64));

                let mut reader = Reader::new(&blob);

                assert_eq!(reader.signed().unwrap(), value);
                assert_eq!(reader.varint().unwrap(), value as u64);
                reader.finish().unwrap();
            }
        }
    }

    #[test]
    fn an_integer_that_is_too_long_or_cut_off_is_an_error() {
        let of_65_bits = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2];
        for blob in [&of_65_bits[..], &[0x80; 11], &[0x80], &[]] {
            assert!(Reader::new(blob).varint().is_err(), "{blob:?}");
        }
    }
}
