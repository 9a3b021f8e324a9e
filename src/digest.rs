//! Digests by which two places find out whether they have the same of a run, without sending it (docs/API.md, "Ingest").

use sha2::{Digest, Sha256};

use crate::model::{KeyValue, Point};

/// The SHA-256 of a series: of its points in (timestamp, step, value) order, each once, as little-endian i64, i64 and the
/// bits of an f64.
#[derive(Debug, Clone, Default)]
pub struct SeriesDigest {
    hasher: Sha256,
}

impl SeriesDigest {
    /// Adds the next points.
    pub fn update(&mut self, points: &[Point]) {
        let mut bytes = Vec::with_capacity(points.len() * 24);
        for point in points {
            bytes.extend_from_slice(&point.timestamp_ms.to_le_bytes());
            bytes.extend_from_slice(&point.step.to_le_bytes());
            bytes.extend_from_slice(&point.value.get().to_bits().to_le_bytes());
        }
        self.hasher.update(&bytes);
    }

    /// The digest of all points that were added.
    pub fn finish(self) -> [u8; 32] {
        self.hasher.finalize().into()
    }

    /// The digest of these points.
    pub fn of(points: &[Point]) -> [u8; 32] {
        let mut digest = SeriesDigest::default();
        points.chunks(4_096).for_each(|part| digest.update(part));
        digest.finish()
    }
}

/// The SHA-256 of params that are sorted by key: of each the length of the key in bytes as little-endian u64, the key, the
/// length of the value, the value.
pub fn of_params(params: &[KeyValue]) -> [u8; 32] {
    debug_assert!(params.is_sorted_by(|left, right| left.key < right.key));
    let mut hasher = Sha256::new();
    for text in params.iter().flat_map(|param| [&param.key, &param.value]) {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    }
    hasher.finalize().into()
}

/// Bytes as lower-case hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| DIGITS[digit as usize] as char).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MetricValue;

    fn point(timestamp_ms: i64, step: i64, value: f64) -> Point {
        Point { timestamp_ms, step, value: MetricValue::new(value) }
    }

    #[test]
    fn a_series_has_the_digest_that_the_documentation_says() {
        // python3 -c 'import hashlib, struct; print(hashlib.sha256(struct.pack("<qqd", 1, -2, 0.5)
        //   + struct.pack("<qqQ", 3, 4, 0x7ff8000000000000)).hexdigest())'
        let points = [point(1, -2, 0.5), point(3, 4, -f64::NAN)];

        let digest = hexadecimal(&SeriesDigest::of(&points));

        assert_eq!(digest, "e9ab61ce353e4bc14a5b11896c3ba5844362e0160de7927854bf9fd4da7aa3bd");
    }

    #[test]
    fn params_do_not_run_into_one_another() {
        let param = |key: &str, value: &str| KeyValue { key: key.to_owned(), value: value.to_owned() };

        let digest = hexadecimal(&of_params(&[param("a", "bc"), param("d", "")]));

        // As above, of struct.pack("<Q", 1) + b"a" + struct.pack("<Q", 2) + b"bc" + …
        assert_eq!(digest, "fbd8f605b9fd4774447ffb24bc6496a2077d05507ae850641b7b071d265177fc");
        assert_ne!(of_params(&[param("a", "bc")]), of_params(&[param("ab", "c")]));
    }
}
