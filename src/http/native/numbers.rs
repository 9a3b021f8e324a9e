//! Numbers as JSON, written by hand: an answer has hundreds of thousands.

/// How many digits a number is told with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digits {
    /// Five significant ones: more than a screen shows.
    Five,
    /// As many as give the number back exactly.
    All,
}

/// Powers of ten that are exact.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

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
    if !(1e-12..1e15).contains(&magnitude) {
        out.extend_from_slice(format!("{magnitude:.4e}").as_bytes());
        return;
    }
    // The power of two is close to that of ten: 0.30103 is the logarithm of 2.
    let binary = ((magnitude.to_bits() >> 52) as i32) - 1_023;
    let mut exponent = (f64::from(binary) * std::f64::consts::LOG10_2).floor() as i32;
    if magnitude >= power(exponent + 1) {
        exponent += 1;
    }
    let scale = 4 - exponent;
    let scaled = if scale >= 0 { magnitude * power(scale) } else { magnitude / power(-scale) };
    let mut whole = (scaled + 0.5) as u32;
    if whole >= 100_000 {
        whole /= 10;
        exponent += 1;
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

/// 10 to a power of either sign; exact where that is possible.
fn power(exponent: i32) -> f64 {
    if exponent >= 0 { POWERS[exponent as usize] } else { 1.0 / POWERS[exponent.unsigned_abs() as usize] }
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
        fn five_digits_are_near_and_all_digits_exact(bits: u64, small in -1e6..1e6) {
            for value in [f64::from_bits(bits), small, small / 1e5, small.round()] {
                if !value.is_finite() || value.abs() == f64::MAX {
                    continue;
                }
                let (five, all) = (text(value, Digits::Five), text(value, Digits::All));
                let read: f64 = serde_json::from_str(&five).unwrap();

                prop_assert!((read - value).abs() <= value.abs() * 5.001e-5, "{value} {five}");
                prop_assert!(five.bytes().filter(u8::is_ascii_digit).count() <= 13, "{five}");
                prop_assert_eq!(serde_json::from_str::<f64>(&all).unwrap().to_bits(), value.to_bits());
            }
        }

        #[test]
        fn rounding_keeps_the_order(one in -1e7..1e7, other in -1e7..1e7) {
            let read = |value: f64| serde_json::from_str::<f64>(&text(value, Digits::Five)).unwrap();

            prop_assert!(read(f64::min(one, other)) <= read(f64::max(one, other)));
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
            (-1e-300, "-1.0000e-300"),
            (9.999_96, "10"),
            (f64::NAN, "\"NaN\""),
            (f64::MAX, "\"Infinity\""),
            (f64::MIN, "\"-Infinity\""),
        ] {
            assert_eq!(text(value, Digits::Five), expected);
        }
    }
}
