//! What is written on the right side of a comparison, and what it means for the field on the left.

use crate::model::MetricValue;
use crate::validate::{self, excerpt};

use super::ast::Value;
use super::field::{Lists, Values};
use super::refusal::Refusal;

/// A `LIKE` pattern is refused if it has more bytes: SQLite fails on one of more than 50,000, and making a `GLOB` of
/// it at most triples it.
const MAX_PATTERN_BYTES: usize = 16 * 1024;

/// Times are 64-bit integers, so a number of this size is a mistake.
const BEYOND_ALL_TIMES: f64 = 9_223_372_036_854_775_808.0;

/// What errors say was expected where a text should be.
pub(super) const TEXT: &str = "a quoted text";

/// A value as it was written, before it is known what the field takes.
pub(super) enum Operand<'a> {
    Number(&'a str),
    /// What stands between quotes that are right for a value.
    Text(&'a str),
    List(Vec<&'a str>),
    /// A bare word, or a text in backticks.
    Unquoted,
}

/// What `operand`, written as `raw`, is for a field that takes `values`.
pub(super) fn value(values: Values, operand: Operand<'_>, raw: &str) -> Result<Value, String> {
    match (values, operand) {
        (Values::Number { noun }, Operand::Number(number)) => match float(number) {
            Some(float) => Ok(Value::Number(float)),
            None => {
                Err(format!("Invalid value for {noun}: '{}' is beyond the largest number, 1.797e308", excerpt(number)))
            }
        },
        (Values::Number { noun }, _) => Err(format!("Expected numeric value type for {noun}. Found {}", excerpt(raw))),
        (Values::Time { name, integers_only }, Operand::Number(number)) => {
            let time = match number.parse() {
                Ok(integer) => Some(Value::Integer(integer)),
                Err(_) if integers_only => None,
                Err(_) => float(number).filter(|float| float.abs() < BEYOND_ALL_TIMES).map(Value::Number),
            };
            time.ok_or_else(|| format!("Invalid value for numeric attribute '{name}': '{}'", excerpt(number)))
        }
        (Values::Time { name, .. }, _) => {
            Err(format!("Expected numeric value type for numeric attribute: {name}. Found {}", excerpt(raw)))
        }
        (Values::Text { .. }, Operand::Text(text)) => Ok(Value::Text(text.to_owned())),
        (Values::Text { lists: Lists::Allowed, .. }, Operand::List(texts)) => {
            Ok(Value::List(texts.into_iter().map(str::to_owned).collect()))
        }
        (Values::Text { lists: Lists::OnlyFor(name), .. }, Operand::List(_)) => {
            Err(format!("Only ['{name}'] attributes support comparison with a list of quoted string values."))
        }
        (Values::Id, Operand::Text(id)) => experiment_id(id).map(Value::Id),
        (Values::Id, Operand::List(ids)) => {
            ids.into_iter().map(experiment_id).collect::<Result<_, _>>().map(Value::Ids)
        }
        (Values::Text { .. } | Values::Id, Operand::Unquoted) => Err(format!(
            "Parameter value is either not quoted or unidentified quote types used for string value {}. Use either \
             single or double quotes.",
            excerpt(raw)
        )),
        (Values::Text { noun, .. }, Operand::Number(_) | Operand::List(_)) => {
            Err(format!("Expected a quoted string value for {noun}. Got value {}", excerpt(raw)))
        }
        (Values::Id, Operand::Number(_)) => {
            Err(format!("Expected a quoted string value for attributes. Got value {}", excerpt(raw)))
        }
    }
}

pub(super) fn expected_value(values: Values) -> &'static str {
    match values {
        Values::Number { .. } => "a number",
        Values::Time { integers_only: false, .. } => "a number within 64 bits",
        Values::Time { integers_only: true, .. } => "a 64-bit integer",
        Values::Text { lists: Lists::Allowed, .. } => "a quoted text or a list of them",
        Values::Text { .. } => TEXT,
        Values::Id => "a quoted id or a list of them",
    }
}

fn experiment_id(id: &str) -> Result<i64, String> {
    validate::experiment_id(id).map_err(|refusal| refusal.to_string())
}

/// Whether `text` is a number of the grammar, which has no words such as `inf` and no leading plus sign.
pub(super) fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') && unsigned.parse::<f64>().is_ok()
}

/// A number of the grammar as metrics are kept; `None` if it is too large for a finite one.
fn float(number: &str) -> Option<f64> {
    let float: f64 = number.parse().expect("is_number has parsed it");
    float.is_finite().then(|| MetricValue::new(float).get())
}

pub(super) fn check_pattern(pattern: &str, start: usize) -> Result<(), Refusal> {
    if pattern.len() <= MAX_PATTERN_BYTES {
        return Ok(());
    }
    let bytes = pattern.len();
    let refusal = format!(
        "Invalid pattern '{}': it has {bytes} bytes, at most {MAX_PATTERN_BYTES} are allowed.",
        excerpt(pattern)
    );
    Err(Refusal::at(&refusal, start, "a shorter pattern"))
}
