//! CSV (RFC 4180), as spreadsheets may open it without harm.

use crate::store::FieldValue;

/// What ends a record.
pub const END: &[u8] = b"\r\n";

/// Appends a text as a cell. One that a spreadsheet would take for a formula gets an apostrophe in front, which tells it that
/// this is a text; a number is none.
pub fn put_text(csv: &mut Vec<u8>, text: &str) {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && !is_number(text);
    let is_quoted = text.contains(['"', ',', '\r', '\n']);
    if is_quoted {
        csv.push(b'"');
    }
    if is_formula {
        csv.push(b'\'');
    }
    if is_quoted {
        csv.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        csv.push(b'"');
    } else {
        csv.extend_from_slice(text.as_bytes());
    }
}

/// Digits with a sign, a point and an exponent, and nothing that only Rust calls a number.
fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) && text.parse::<f64>().is_ok()
}

/// Appends a metric's value as a cell; infinite ones are kept as the greatest finite ones.
pub fn put_number(csv: &mut Vec<u8>, value: f64) {
    let mut doubles = ryu::Buffer::new();
    let text = match value {
        value if value.is_nan() => "NaN",
        f64::MAX => "Infinity",
        f64::MIN => "-Infinity",
        value => doubles.format_finite(value),
    };
    csv.extend_from_slice(text.as_bytes());
}

/// Appends an integer as a cell.
pub fn put_integer(csv: &mut Vec<u8>, value: i64) {
    csv.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends what a run has for a field as a cell, which is empty where it has nothing.
pub fn put_value(csv: &mut Vec<u8>, value: &FieldValue) {
    match value {
        FieldValue::Missing => {}
        FieldValue::Nan => put_number(csv, f64::NAN),
        FieldValue::Number(number) => put_number(csv, *number),
        FieldValue::Int(number) => put_integer(csv, *number),
        FieldValue::Text(text) => put_text(csv, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_never_a_formula_and_never_two_cells() {
        for (text, cell) in [
            ("loss", "loss"),
            ("a b/c.d:e_f-g", "a b/c.d:e_f-g"),
            ("=1+1", "'=1+1"),
            ("+x", "'+x"),
            ("-x", "'-x"),
            ("@x", "'@x"),
            ("\tx", "'\tx"),
            ("a,b", "\"a,b\""),
            ("=\"a\"", "\"'=\"\"a\"\"\""),
            ("a\nb", "\"a\nb\""),
            ("-1.5e-3", "-1.5e-3"),
            ("+7", "+7"),
            ("-1+1", "'-1+1"),
            ("-", "'-"),
            ("-inf", "'-inf"),
        ] {
            let mut csv = Vec::new();
            put_text(&mut csv, text);

            assert_eq!(String::from_utf8(csv).unwrap(), cell);
        }
    }
}
