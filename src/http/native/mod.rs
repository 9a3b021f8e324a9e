//! `/api/windvane/v1/…`: what our own pages ask for. It may change with them.
//!
//! Names, field names and bounds follow the MLflow API; numbers that JSON lacks are the texts `NaN`, `Infinity` and
//! `-Infinity`, and what a run does not have is `null`.

pub mod artifact_page;
pub mod artifacts;
pub mod bulk;
pub mod changes;
pub mod complete;
mod csv;
mod curve_json;
pub mod diff;
pub mod experiments;
pub mod export;
pub mod export_rows;
pub mod find;
pub mod groups;
pub mod ingest;
pub mod inline_curves;
pub mod keys;
pub mod lineage;
mod numbers;
pub mod rows;
pub mod series;
pub mod values;
pub mod views;

use std::collections::HashSet;

use serde::{Serialize, Serializer};

use super::fields::Fields;
use super::wire::read_view;
use crate::error::{Error, Result};
use crate::search::{parse_run_filter, parse_run_order};
use crate::store::{FieldValue, RunSearch};
use crate::validate::{self, excerpt};

/// Experiments of one request.
const MAX_EXPERIMENTS: usize = 1_000;

/// The experiments that a request is about.
fn read_experiments(fields: &mut Fields) -> Result<Vec<i64>> {
    let ids = fields.texts("experiment_ids")?;
    if ids.len() > MAX_EXPERIMENTS {
        return Err(Error::Invalid(format!(
            "'experiment_ids' has {} items; at most {MAX_EXPERIMENTS} are allowed",
            ids.len()
        )));
    }
    ids.iter().map(|id| validate::experiment_id(id)).collect()
}

/// The runs of a table, and their order; where it begins and ends is for others to say.
fn read_search(fields: &mut Fields) -> Result<RunSearch> {
    let experiments = read_experiments(fields)?;
    let view = read_view(fields, "run_view_type")?;
    let filter = parse_run_filter(&fields.text("filter")?.unwrap_or_default())?;
    let order = parse_run_order(&fields.texts("order_by")?)?;
    Ok(RunSearch { experiments, view, filter, order, after: None, limit: 0 })
}

/// The error for a value that is not `allowed`.
fn invalid(name: &str, value: &str, allowed: &str) -> Error {
    Error::Invalid(format!("Invalid value {} for parameter '{name}' supplied: {allowed}.", excerpt(value)))
}

/// A list of ids or names that must have an item, and at most `limit`.
fn read_names(fields: &mut Fields, name: &str, limit: usize) -> Result<Vec<String>> {
    let names = read_any_names(fields, name, limit)?;
    if names.is_empty() { Err(fields.missing(name)) } else { Ok(names) }
}

/// A list of at most `limit` ids or names, each once.
fn read_any_names(fields: &mut Fields, name: &str, limit: usize) -> Result<Vec<String>> {
    let names = fields.texts(name)?;
    if names.len() > limit {
        return Err(Error::Invalid(format!("'{name}' has {} items; at most {limit} are allowed", names.len())));
    }
    let (mut unique, mut seen) = (Vec::with_capacity(names.len()), HashSet::new());
    for item in names {
        validate::no_nul(name, &item)?;
        if seen.insert(item.clone()) {
            unique.push(item);
        }
    }
    Ok(unique)
}

/// A field that is true or false, and false where it is absent.
fn read_flag(fields: &mut Fields, name: &str) -> Result<bool> {
    match fields.take(name)? {
        None => Ok(false),
        Some(serde_json::Value::Bool(flag)) => Ok(flag),
        Some(other) => Err(invalid(name, &other.to_string(), "it must be true or false")),
    }
}

/// A number of a request that has bounds.
fn read_bounded(fields: &mut Fields, name: &str, default: i64, bounds: std::ops::RangeInclusive<i64>) -> Result<usize> {
    let value = fields.integer(name)?.unwrap_or(default);
    if !bounds.contains(&value) {
        return Err(Error::Invalid(format!(
            "Invalid value {value} for parameter '{name}' supplied: it must be from {} to {}.",
            bounds.start(),
            bounds.end()
        )));
    }
    usize::try_from(value).map_err(Error::internal)
}

/// A number, or the text for one that JSON lacks. Infinite values are kept as the greatest finite ones.
struct NumberJson(f64);

impl Serialize for NumberJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.0 {
            number if number.is_nan() => serializer.serialize_str("NaN"),
            f64::MAX => serializer.serialize_str("Infinity"),
            f64::MIN => serializer.serialize_str("-Infinity"),
            number => serializer.serialize_f64(number),
        }
    }
}

/// What a run has for a column.
struct CellJson<'a>(&'a FieldValue);

impl Serialize for CellJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.0 {
            FieldValue::Missing => serializer.serialize_none(),
            FieldValue::Nan => NumberJson(f64::NAN).serialize(serializer),
            FieldValue::Number(number) => NumberJson(*number).serialize(serializer),
            FieldValue::Int(number) => serializer.serialize_i64(*number),
            FieldValue::Text(text) => serializer.serialize_str(text),
        }
    }
}
