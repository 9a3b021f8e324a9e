//! The filter language of searches, and the order that goes with it.
//!
//! ```text
//! filter     = [ comparison { AND comparison } [ AND ] ]
//! comparison = field comparator value
//!            | field [ NOT ] IN "(" text { "," text } [ "," ] ")"
//!            | field IS [ NOT ] NULL
//! field      = [ entity "." ] key
//! entity     = bare | "`" … "`" | '"' … '"'
//! key        = bare | "`" … "`" | '"' … '"' | "'" … "'"
//! comparator = "=" | "!=" | ">" | ">=" | "<" | "<=" | LIKE | ILIKE
//! value      = text | number
//! text       = "'" … "'" | '"' … '"'                (no escapes: choose the quotes that the text lacks)
//! number     = [ "-" ] digits, with a fraction and an exponent if need be
//! bare       = letters, digits, "_", "-", ".", "/" and ":" of any script
//! order      = field [ ASC | DESC ]
//! ```
//!
//! Keywords may be written in any case, entities and keys may not. An entity ends at the first dot, and everything
//! after it is the key: `tags.mlflow.runName` is the tag `mlflow.runName`. Without an entity a key is an attribute.
//! There is no `OR` and there are no parentheses around comparisons, as in MLflow; unlike MLflow's, our bare keys may
//! contain `-`, `/`, `:` and parts that are numbers, so that keys such as `config.training.x.0` need no quotes.
//!
//! Which entities there are, and what each field can be compared with, depends on what is searched: [`RunField`],
//! [`ExperimentField`] or [`ModelField`]. A filter that parses is right in that respect; whether a store can do it, it must say itself.
//! This module knows nothing of databases.

mod ast;
mod complete;
mod field;
mod lexer;
mod like;
mod parser;
#[cfg(test)]
mod properties;
mod refusal;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod tests;
mod value;

pub use ast::{
    Comparator, Comparison, DatasetAttribute, ExperimentAttribute, ExperimentField, Filter, ModelAttribute, ModelField,
    OrderKey, RunAttribute, RunField, Value,
};
pub use complete::{Completion, Expects, Names, complete_run_filter, run_filter_problem};
pub use like::{like_matches, like_to_glob};
pub use refusal::Refusal;

use crate::error::Result;

/// Parses the filter of a search for runs.
///
/// # Errors
/// `Invalid`, with the contract's text (section 6), the byte of the problem and what was expected there.
pub fn parse_run_filter(text: &str) -> Result<Filter<RunField>> {
    Ok(parser::filter(text)?)
}

/// Parses the filter of a search for experiments.
///
/// # Errors
/// As [`parse_run_filter`].
pub fn parse_experiment_filter(text: &str) -> Result<Filter<ExperimentField>> {
    Ok(parser::filter(text)?)
}

/// Parses the filter of a search for logged models.
///
/// # Errors
/// As [`parse_run_filter`].
pub fn parse_model_filter(text: &str) -> Result<Filter<ModelField>> {
    Ok(parser::filter(text)?)
}

/// The attribute of logged models of this name, or of one of its other names, if there is one.
pub fn model_attribute(name: &str) -> Option<ModelAttribute> {
    field::model_attribute(name)
}

/// Parses the order of a search for runs, most important key first.
///
/// # Errors
/// As [`parse_run_filter`]; also if two items mean one field.
pub fn parse_run_order(items: &[String]) -> Result<Vec<OrderKey<RunField>>> {
    Ok(parser::order(items)?)
}

/// Parses the columns of a table of runs: fields that each run has at most once.
///
/// # Errors
/// As [`parse_run_filter`].
pub fn parse_run_columns(items: &[String]) -> Result<Vec<RunField>> {
    Ok(parser::columns(items)?)
}

/// Parses the order of a search for experiments, most important key first.
///
/// # Errors
/// As [`parse_run_order`].
pub fn parse_experiment_order(items: &[String]) -> Result<Vec<OrderKey<ExperimentField>>> {
    Ok(parser::order(items)?)
}
