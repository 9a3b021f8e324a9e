//! Numbers as JSON, written by hand: an answer has hundreds of thousands.

use std::sync::LazyLock;

/// How many digits a number is told with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digits {
    /// Five significant ones: more than a screen shows.
    Five,
    /// As many as give the number back exactly.
    All,
}

/// The least and the greatest power of ten that is a double with all its bits.
const POWERS: std::ops::RangeInclusive<i32> = -307..=308;

static POWERS_OF_TEN: LazyLock<Vec<f64>> =
    LazyLock::new(|| POWERS.map(|power| format!("1e{power}").parse().unwrap_or(f64::NAN)).collect());

/// Appends a number; one that JSON lacks is a text. Infinite values are kept as the greatest finite ones.
pub fn put(out: &mut Vec<u8>, value: f64, digits: Digits) {
    if value.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else if value.abs() >= f64::MAX {
        out.extend_from_slice(if value > 0.0 { b"\"Infinity\"".as_slice() } else { b"\"-Infinity\"" });
    } else if digits == Digits::All {
        out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes());
    } else {
        put_five(out, value);
    }
}

/// Appends an integer.
pub fn put_integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn put_five(out: &mut Vec<u8>, value: f64) {
    if value == 0.0 {
        out.push(b'0');
        return;
    }
    let magnitude = value.abs();
    if value < 0.0 {
        out.push(b'-');
    }
    // Counters and steps need no rounding.
    if magnitude < 100_000.0 && magnitude.fract() == 0.0 {
        put_integer(out, magnitude as u32);
        return;
    }
    let powers = &**POWERS_OF_TEN;
    let power = |exponent: i32| powers.get((exponent - POWERS.start()) as usize).copied().unwrap_or(f64::INFINITY);
    // By the power of two, this is the power of ten or one less.
    let binary = ((magnitude.to_bits() >> 52) as i32) - 1_023;
    let mut exponent = (f64::from(binary) * std::f64::consts::LOG10_2).floor() as i32;
    if magnitude >= power(exponent + 1) {
        exponent += 1;
    }
    if exponent < POWERS.start() + 4 {
        out.extend_from_slice(format!("{magnitude:.4e}").as_bytes());
        return;
    }
    let scaled = if exponent > 4 { magnitude / power(exponent - 4) } else { magnitude * power(4 - exponent) };
    let mut whole = (scaled + 0.5) as u32;
    if whole >= 100_000 {
        whole /= 10;
        exponent += 1;
    }
    if exponent == 308 {
        // Rounded up, the greatest numbers would be infinite.
        whole = whole.min(17_976);
    }
    let mut text = [0; 5];
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (whole % 10) as u8;
        whole /= 10;
    }
    let length = text.iter().rposition(|digit| *digit != b'0').map_or(1, |last| last + 1);
    match exponent {
        0..=4 => {
            let point = exponent as usize + 1;
            out.extend_from_slice(&text[..point]);
            if length > point {
                out.push(b'.');
                out.extend_from_slice(&text[point..length]);
            }
        }
        -4..=-1 => {
            out.extend_from_slice(&b"0.000"[..1 + exponent.unsigned_abs() as usize]);
            out.extend_from_slice(&text[..length]);
        }
        _ => {
            out.push(text[0]);
            if length > 1 {
                out.push(b'.');
                out.extend_from_slice(&text[1..length]);
            }
            out.push(b'e');
            put_integer(out, exponent);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: f64, digits: Digits) -> String {
        let mut out = Vec::new();
        put(&mut out, value, digits);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn five_digits_are_near_and_all_digits_exact(
            bits: u64,
            small in -1e6..1e6,
            exponent in -323..309_i32,
            digits in 1..100_000_u32,
        ) {
            let decimal = format!("{digits}e{exponent}").parse().unwrap();
            for value in [f64::from_bits(bits), small, small / 1e5, small.round(), decimal, f64::MAX.next_down()] {
                if !value.is_finite() || value.abs() == f64::MAX {
                    continue;
                }
                let (five, all) = (text(value, Digits::Five), text(value, Digits::All));
                let read: f64 = serde_json::from_str(&five).unwrap();

                // Among the least numbers, even the nearest is far.
                let distance = (value.abs() * 5.001e-5).max(5e-324);
                prop_assert!((read - value).abs() <= distance.max(if value.abs() > 1.797e308 { 1e304 } else { 0.0 }), "{value} {five}");
                prop_assert!(five.bytes().filter(u8::is_ascii_digit).count() <= 13, "{five}");
                prop_assert_eq!(serde_json::from_str::<f64>(&all).unwrap().to_bits(), value.to_bits());
            }
        }

        #[test]
        fn rounding_keeps_the_order(one in -1e7..1e7, other in -1e7..1e7, scale in 1..20_i32) {
            let read = |value: f64| serde_json::from_str::<f64>(&text(value, Digits::Five)).unwrap();

            for other in [other, one + other * 10_f64.powi(-scale)] {
                prop_assert!(read(f64::min(one, other)) <= read(f64::max(one, other)));
            }
        }
    }

    #[test]
    fn numbers_are_short() {
        for (value, expected) in [
            (0.0, "0"),
            (1.0, "1"),
            (-12.5, "-12.5"),
            (0.1 + 0.2, "0.3"),
            (99_999.6, "1e5"),
            (99_999.4, "99999"),
            (123_456.0, "1.2346e5"),
            (0.000_123_456, "0.00012346"),
            (0.000_012_345_6, "1.2346e-5"),
            (-1e-300, "-1e-300"),
            (2.5e15, "2.5e15"),
            (5e-324, "4.9407e-324"),
            (f64::MAX.next_down(), "1.7976e308"),
            (9.999_96, "10"),
            (f64::NAN, "\"NaN\""),
            (f64::MAX, "\"Infinity\""),
            (f64::MIN, "\"-Infinity\""),
        ] {
            assert_eq!(text(value, Digits::Five), expected);
        }
    }
}
