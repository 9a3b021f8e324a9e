//! What names, values and sizes are allowed, with the contract's texts (its sections 2, 3 and 5).
//!
//! Each function looks at one thing and changes nothing. Lengths are in characters, as clients count them. What runs
//! for every point of a batch does not allocate unless it refuses.

mod name;
mod quote;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;
use std::ops::RangeInclusive;

use crate::error::{Error, Result};
use crate::model::{DatasetInput, KeyValue};

use name::name_rule;
use quote::json_string;
pub use quote::{excerpt, python_string};

const MAX_EXPERIMENT_NAME: usize = 500;
const MAX_ARTIFACT_LOCATION: usize = 2048;
const MAX_EXPERIMENT_TAG_VALUE: usize = 20_000;
const MAX_KEY: usize = 250;
/// Twice what MLflow's own ids need (`m-` and 32 digits), and short enough for an index of PostgreSQL.
const MAX_MODEL_ID: usize = 64;
const MAX_MODEL_TEXT: usize = 500;
const MAX_MODEL_PAIRS: usize = 1000;
/// MLflow's column has this length.
const MAX_MODEL_KEY: usize = 255;
/// MLflow has no limit for params of models, which may be whole prompts.
const MAX_MODEL_VALUE: usize = 100_000;
/// MLflow's column has this length.
const MAX_USER_ID: usize = 256;
const MAX_PARAM_VALUE: usize = 6000;
const MAX_TAG_VALUE: usize = 8000;
/// In bytes.
const MAX_INGESTED_VALUE: usize = 1024 * 1024;

const MAX_BATCH_METRICS: usize = 1000;
const MAX_BATCH_PARAMS: usize = 100;
const MAX_BATCH_TAGS: usize = 100;
const MAX_BATCH_TOGETHER: usize = 1000;

const MAX_DATASETS: usize = 1000;
const MAX_DATASET_NAME: usize = 500;
const MAX_DATASET_DIGEST: usize = 36;
const MAX_DATASET_SOURCE: usize = 65_535;
const MAX_DATASET_SCHEMA: usize = 1_048_575;
const MAX_DATASET_PROFILE: usize = 16_777_215;
const MAX_DATASET_TAG_KEY: usize = 255;
const MAX_DATASET_TAG_VALUE: usize = 500;

const MAX_SEARCH_RESULTS: i64 = 50_000;
const DEFAULT_RUN_RESULTS: i64 = 1000;
const MAX_BULK_RESULTS: i64 = 25_000;
const MAX_INTERVAL_RESULTS: i64 = 2500;
const MAX_BULK_RUNS: usize = 100;
const MAX_DATASET_SEARCH_EXPERIMENTS: usize = 20;

const API_DOCS: &str = "See the API docs for more information about request parameters.";

/// Where a field stands in a request, for the errors that name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The request is about this one thing: the field is `key`.
    Alone,
    /// The thing is one of several: the field is `params[3].key`.
    Item {
        /// The name of the list.
        list: &'static str,
        /// The position in it, from 0.
        index: usize,
    },
}

impl Place {
    /// The place of item `index` of `list`, which has `length` items. The only item of a list is named as if it were
    /// alone (contract section 5.1).
    pub fn in_list(list: &'static str, index: usize, length: usize) -> Self {
        if length > 1 { Place::Item { list, index } } else { Place::Alone }
    }

    /// The path of a field at this place.
    fn field(self, name: &'static str) -> FieldPath {
        FieldPath { place: self, name }
    }
}

/// Displays as `name`, or as `list[index].name`.
#[derive(Debug, Clone, Copy)]
struct FieldPath {
    place: Place,
    name: &'static str,
}

impl fmt::Display for FieldPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Alone => out.write_str(self.name),
            Place::Item { list, index } => write!(out, "{list}[{index}].{}", self.name),
        }
    }
}

/// What happens to values of params and run tags that are too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LongValues {
    /// They are cut, silently: MLflow's default.
    #[default]
    Cut,
    /// They are refused.
    Refuse,
}

// ---- Experiments

/// The name of an experiment: 1 to 500 characters, any but NUL, not only blanks.
pub fn experiment_name(name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return invalid(format!("Invalid experiment name: '{}'. It must not be blank.", excerpt(name)));
    }
    at_most("name", MAX_EXPERIMENT_NAME, name)?;
    no_nul("name", name)
}

/// The number that a public experiment id stands for.
pub fn experiment_id(id: &str) -> Result<i64> {
    id.parse().or_else(|_| {
        invalid(format!("Invalid experiment ID '{}'. Experiment ID must be a valid integer.", excerpt(id)))
    })
}

/// Where a client wants the artifacts of a new experiment. Whether the server may open it is not judged here.
pub fn artifact_location(location: &str) -> Result<()> {
    let (path, query) = location.split_once('?').unwrap_or((location, ""));
    let last_segment = path.rsplit('/').next().unwrap_or(path);
    if location.contains('#') || last_segment.contains(';') {
        return invalid("'artifact_location' URL can't include fragments or params.".to_owned());
    }
    if fully_decoded(query).is_none_or(|decoded| decoded.windows(2).any(|pair| pair == b"..")) {
        return invalid("Invalid query string: 'artifact_location' must not contain '..' there.".to_owned());
    }
    if location.starts_with("runs:") {
        return invalid(format!("Artifact location cannot be a runs:/ URI. Given: '{}'", excerpt(location)));
    }
    if longer_than(MAX_ARTIFACT_LOCATION, location) {
        return invalid(format!(
            "Invalid artifact path length. The length of the artifact path cannot be greater than \
             {MAX_ARTIFACT_LOCATION} characters."
        ));
    }
    no_nul("artifact_location", location)
}

/// Percent-decodes until nothing changes; `None` if that takes so long that someone hides something.
fn fully_decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..10 {
        let decoded: Vec<u8> = percent_encoding::percent_decode(&bytes).collect();
        if decoded == bytes {
            return Some(bytes);
        }
        bytes = decoded;
    }
    None
}

/// The value of an experiment's tag. Unlike a run's it is never cut.
pub fn experiment_tag_value(value: &str) -> Result<()> {
    at_most("value", MAX_EXPERIMENT_TAG_VALUE, value)?;
    no_nul("value", value)
}

// ---- Names and values

/// The key of a metric: the rule of names, and at most 250 characters.
pub fn metric_key(place: Place, key: &str) -> Result<()> {
    name_rule(place.field("name"), key)?;
    at_most("Metric name", MAX_KEY, key)
}

/// The timestamp of the point `value` of the metric `key`: not negative.
pub fn timestamp(place: Place, key: &str, value: f64, timestamp_ms: i64) -> Result<()> {
    if timestamp_ms >= 0 {
        return Ok(());
    }
    invalid(format!(
        "Invalid value {timestamp_ms} for parameter '{}' supplied: metric '{}' (value={value:?}). Timestamp must be a \
         nonnegative long (64-bit integer)",
        place.field("timestamp"),
        excerpt(key),
    ))
}

/// The key of a param: the rule of names, and at most 250 characters.
pub fn param_key(place: Place, key: &str) -> Result<()> {
    name_rule(place.field("key"), key)?;
    at_most("Param key", MAX_KEY, key)
}

/// The value of a param, of which only the first 6000 characters count.
pub fn param_value(place: Place, value: &str, long_values: LongValues) -> Result<&str> {
    no_nul(place.field("value"), value)?;
    fit("Param value", MAX_PARAM_VALUE, value, long_values)
}

/// The key of a tag of a run or an experiment: the rule of names, and at most 250 characters.
pub fn tag_key(place: Place, key: &str) -> Result<()> {
    name_rule(place.field("key"), key)?;
    at_most(place.field("key"), MAX_KEY, key)
}

/// The value of a run's tag, of which only the first 8000 characters count.
pub fn tag_value(place: Place, value: &str, long_values: LongValues) -> Result<&str> {
    no_nul(place.field("value"), value)?;
    fit(place.field("value"), MAX_TAG_VALUE, value, long_values)
}

/// The value of a param or tag that was logged elsewhere: never cut, because older file stores hold longer ones than MLflow
/// takes today.
pub fn ingested_value(place: Place, key: &str, value: &str) -> Result<()> {
    no_nul(place.field("value"), value)?;
    if value.len() <= MAX_INGESTED_VALUE {
        return Ok(());
    }
    invalid(format!(
        "Invalid value for parameter '{}' supplied: the value of '{}' has {} bytes; at most {MAX_INGESTED_VALUE} are allowed.",
        place.field("value"),
        excerpt(key),
        value.len()
    ))
}

/// Any text that is stored. PostgreSQL cannot hold a NUL character, and nobody means one.
pub fn no_nul(field: impl fmt::Display, value: &str) -> Result<()> {
    match value.bytes().position(|byte| byte == 0) {
        None => Ok(()),
        Some(byte) => invalid(format!(
            "Invalid value for parameter '{field}' supplied: it contains a NUL character at byte {byte}, which cannot \
             be stored."
        )),
    }
}

/// The name of an account: what fits into a URL, a log and HTTP basic authentication as it is.
pub fn account_name(name: &str) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._@+-".contains(&byte);
    let is_class = matches!(name, "anyone" | "everyone" | "open");
    if (1..=128).contains(&name.len()) && name.bytes().all(plain) && !is_class {
        return Ok(());
    }
    invalid(format!(
        "Invalid name of an account: '{}'. It has 1 to 128 letters, digits and '._@+-', and is not 'anyone', 'everyone' or \
         'open'.",
        excerpt(name)
    ))
}

// ---- Runs

/// The form of a run id; there may be no such run.
pub fn run_id_form(run_id: &str) -> Result<()> {
    let bytes = run_id.as_bytes();
    let valid = bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.len() <= 256
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if valid {
        Ok(())
    } else {
        invalid(format!("Invalid value {} for parameter 'run_id' supplied.", json_string(run_id)))
    }
}

/// The name of a new run from the field `run_name` and the tag `mlflow.runName`; `None` if neither names it.
pub fn run_name<'a>(run_name: Option<&'a str>, tag: Option<&'a str>) -> Result<Option<&'a str>> {
    let (run_name, tag) = (run_name.filter(|name| !name.is_empty()), tag.filter(|name| !name.is_empty()));
    match (run_name, tag) {
        (Some(name), Some(tag)) if name != tag => invalid(format!(
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values \
             (run_name='{}', mlflow.runName='{}').",
            excerpt(name),
            excerpt(tag)
        )),
        _ => Ok(run_name.or(tag)),
    }
}

/// The user that a client names for a new run.
pub fn user_id(user_id: &str) -> Result<()> {
    no_nul("user_id", user_id)?;
    at_most("user_id", MAX_USER_ID, user_id)
}

/// How many metrics, params and tags one request may log.
pub fn batch_size(metrics: usize, params: usize, tags: usize) -> Result<()> {
    at_most_entities("metrics", MAX_BATCH_METRICS, metrics)?;
    at_most_entities("params", MAX_BATCH_PARAMS, params)?;
    at_most_entities("tags", MAX_BATCH_TAGS, tags)?;
    at_most_entities("metrics, params, and tags", MAX_BATCH_TOGETHER, metrics + params + tags)
}

/// No param may be twice in one request, not even with equal values.
pub fn unique_param_keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let mut seen = HashSet::new();
    let repeated: Vec<String> = keys.into_iter().filter(|key| !seen.insert(*key)).map(python_string).collect();
    if repeated.is_empty() {
        return Ok(());
    }
    invalid(format!(
        "Duplicate parameter keys have been submitted: [{}]. Please ensure the request contains only one param value \
         per param key.",
        repeated.join(", ")
    ))
}

/// The datasets that a run is said to have read.
pub fn dataset_inputs(inputs: &[DatasetInput]) -> Result<()> {
    at_most_entities("datasets", MAX_DATASETS, inputs.len())?;
    for (index, input) in inputs.iter().enumerate() {
        dataset_input(input).map_err(|refusal| Error::Invalid(format!("{refusal} (in datasets[{index}])")))?;
    }
    Ok(())
}

fn dataset_input(input: &DatasetInput) -> Result<()> {
    let dataset = &input.dataset;
    let fields = [
        ("name", MAX_DATASET_NAME, Some(&dataset.name)),
        ("digest", MAX_DATASET_DIGEST, Some(&dataset.digest)),
        ("source_type", MAX_DATASET_SOURCE, Some(&dataset.source_type)),
        ("source", MAX_DATASET_SOURCE, Some(&dataset.source)),
        ("schema", MAX_DATASET_SCHEMA, dataset.schema.as_ref()),
        ("profile", MAX_DATASET_PROFILE, dataset.profile.as_ref()),
    ];
    let tags = input.tags.iter().flat_map(|KeyValue { key, value }| {
        [("key", MAX_DATASET_TAG_KEY, Some(key)), ("value", MAX_DATASET_TAG_VALUE, Some(value))]
    });
    for (field, limit, text) in fields.into_iter().chain(tags) {
        if let Some(text) = text {
            at_most(field, limit, text)?;
            no_nul(field, text)?;
        }
    }
    Ok(())
}

/// What a point of a logged model names: the model and, if any, the dataset it was measured on.
pub fn model_metric(model_id: &str, dataset_name: &str, dataset_digest: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if model_id.is_empty() || model_id.len() > MAX_MODEL_ID || !model_id.bytes().all(allowed) {
        return invalid(format!(
            "Invalid value {} for parameter 'model_id' supplied: it must be 1 to {MAX_MODEL_ID} letters, digits, _ or -",
            json_string(model_id)
        ));
    }
    let texts =
        [("dataset_name", MAX_DATASET_NAME, dataset_name), ("dataset_digest", MAX_DATASET_DIGEST, dataset_digest)];
    texts.into_iter().try_for_each(|(field, limit, text)| {
        no_nul(field, text)?;
        at_most(field, limit, text)
    })
}

/// The name of a logged model (contract section 7.1).
pub fn model_name(name: &str) -> Result<()> {
    if name.contains(['/', ':', '.', '%', '"', '\'']) {
        return invalid(format!(
            "Invalid model name ({}) provided. Model name must be a non-empty string and cannot contain the following \
             characters: ('/', ':', '.', '%', '\"', \"'\")",
            python_string(&excerpt(name))
        ));
    }
    no_nul("name", name)?;
    at_most("name", MAX_MODEL_TEXT, name)
}

/// What a client says of a logged model besides its name.
pub fn model_text(field: &str, text: &str) -> Result<()> {
    no_nul(field, text)?;
    at_most(field, MAX_MODEL_TEXT, text)
}

/// Params or tags of a logged model; their keys are any texts.
pub fn model_pairs(list: &str, pairs: &[KeyValue]) -> Result<()> {
    at_most_entities(list, MAX_MODEL_PAIRS, pairs.len())?;
    for (index, KeyValue { key, value }) in pairs.iter().enumerate() {
        for (field, limit, text) in [("key", MAX_MODEL_KEY, key), ("value", MAX_MODEL_VALUE, value)] {
            let field = format!("{list}[{index}].{field}");
            no_nul(&field, text)?;
            at_most(&field, limit, text)?;
        }
    }
    Ok(())
}

// ---- Sizes of answers

/// The page size of a search for experiments, which must be given.
pub fn experiment_results(max_results: Option<i64>) -> Result<i64> {
    let max_results = at_least_one(max_results.unwrap_or(0))?;
    if max_results > MAX_SEARCH_RESULTS {
        return invalid(format!(
            "Invalid value {max_results} for parameter 'max_results' supplied. It must be at most {MAX_SEARCH_RESULTS}"
        ));
    }
    Ok(max_results)
}

/// The page size of a search for runs, 1000 if absent.
pub fn run_results(max_results: Option<i64>) -> Result<i64> {
    let max_results = at_least_one(max_results.unwrap_or(DEFAULT_RUN_RESULTS))?;
    if max_results > MAX_SEARCH_RESULTS {
        return invalid(format!(
            "Invalid value {max_results} for parameter 'max_results' supplied:  Hint: Value was of type 'int'. \
             {API_DOCS} It must be at most {MAX_SEARCH_RESULTS}."
        ));
    }
    Ok(max_results)
}

/// The page size of a history; absent means everything.
pub fn history_results(max_results: Option<i64>) -> Result<Option<i64>> {
    match max_results {
        Some(max_results) if max_results <= 0 => invalid(format!(
            "Invalid value {max_results} for parameter 'max_results' supplied. It must be a positive integer."
        )),
        _ => Ok(max_results),
    }
}

/// How many points the histories of several runs may have together: 25,000 if absent or more than that.
pub fn bulk_results(max_results: Option<i64>) -> Result<i64> {
    let max_results = max_results.unwrap_or(MAX_BULK_RESULTS);
    if max_results < 0 {
        return invalid(format!(
            "Invalid value {max_results} for parameter 'max_results' supplied. It must be between 0 and \
             {MAX_BULK_RESULTS}."
        ));
    }
    Ok(max_results.min(MAX_BULK_RESULTS))
}

/// How many points of each run a sample of histories may have: 1 to 2500, and 2500 if absent.
pub fn interval_results(max_results: Option<i64>) -> Result<i64> {
    let max_results = max_results.unwrap_or(MAX_INTERVAL_RESULTS);
    if !(1..=MAX_INTERVAL_RESULTS).contains(&max_results) {
        return invalid(format!("max_results must be between 1 and {MAX_INTERVAL_RESULTS}. {API_DOCS}"));
    }
    Ok(max_results)
}

/// The steps that a sample of histories is taken from; `None` is all of them.
pub fn step_interval(start_step: Option<i64>, end_step: Option<i64>) -> Result<Option<RangeInclusive<i64>>> {
    match (start_step, end_step) {
        (None, None) => Ok(None),
        (Some(start), Some(end)) if start <= end => Ok(Some(start..=end)),
        (Some(start), Some(end)) => {
            invalid(format!("end_step must be greater than start_step. Found start_step={start} and end_step={end}."))
        }
        _ => invalid("If either start step or end step are specified, both must be specified.".to_owned()),
    }
}

/// How many runs' histories may be asked for at once.
pub fn bulk_runs(run_ids: usize) -> Result<()> {
    match run_ids {
        0 => invalid("GetMetricHistoryBulk request must specify at least one run_id.".to_owned()),
        1..=MAX_BULK_RUNS => Ok(()),
        _ => invalid(format!(
            "GetMetricHistoryBulk request cannot specify more than {MAX_BULK_RUNS} run_ids. Received {run_ids} run_ids."
        )),
    }
}

/// The metric whose histories are asked for.
pub fn bulk_metric_key(metric_key: Option<&str>) -> Result<&str> {
    metric_key
        .filter(|key| !key.is_empty())
        .map_or_else(|| invalid("GetMetricHistoryBulk request must specify a metric_key.".to_owned()), Ok)
}

/// How many runs' histories may be sampled at once.
pub fn interval_runs(run_ids: usize) -> Result<()> {
    match run_ids {
        0 => invalid(missing("run_ids")),
        1..=MAX_BULK_RUNS => Ok(()),
        _ => invalid(format!(
            "GetMetricHistoryBulkInterval request must specify at most {MAX_BULK_RUNS} run_ids. Received {run_ids} \
             run_ids. {API_DOCS}"
        )),
    }
}

/// How many experiments' datasets may be asked for at once.
pub fn dataset_search_experiments(experiment_ids: usize) -> Result<()> {
    match experiment_ids {
        0 => invalid("SearchDatasets request must specify at least one experiment_id.".to_owned()),
        1..=MAX_DATASET_SEARCH_EXPERIMENTS => Ok(()),
        _ => invalid(format!(
            "SearchDatasets request cannot specify more than {MAX_DATASET_SEARCH_EXPERIMENTS} experiment_ids. Received \
             {experiment_ids} experiment_ids."
        )),
    }
}

/// The text for a required field that is absent, null or empty.
pub fn missing(field: impl fmt::Display) -> String {
    format!("Missing value for required parameter '{field}'. {API_DOCS}")
}

fn at_least_one(max_results: i64) -> Result<i64> {
    if max_results < 1 {
        return invalid(format!(
            "Invalid value {max_results} for parameter 'max_results' supplied. It must be a positive integer"
        ));
    }
    Ok(max_results)
}

fn at_most_entities(entities: &str, limit: usize, count: usize) -> Result<()> {
    if count <= limit {
        return Ok(());
    }
    invalid(format!(
        "A batch logging request can contain at most {limit} {entities}. Got {count} {entities}. Please split up \
         {entities} across multiple requests and try again."
    ))
}

// ---- Lengths

fn at_most(field: impl fmt::Display, limit: usize, value: &str) -> Result<()> {
    if longer_than(limit, value) { invalid(too_long(field, limit)) } else { Ok(()) }
}

/// As much of `value` as is kept.
fn fit(field: impl fmt::Display, limit: usize, value: &str, long_values: LongValues) -> Result<&str> {
    match (character_end(limit, value), long_values) {
        (None, _) => Ok(value),
        (Some(end), LongValues::Cut) => Ok(&value[..end]),
        (Some(_), LongValues::Refuse) => invalid(too_long(field, limit)),
    }
}

fn too_long(field: impl fmt::Display, limit: usize) -> String {
    format!("'{field}' exceeds the maximum length of {limit} characters")
}

fn longer_than(limit: usize, text: &str) -> bool {
    character_end(limit, text).is_some()
}

/// The byte at which the first `limit` characters of `text` end, if it has more.
fn character_end(limit: usize, text: &str) -> Option<usize> {
    // No text has more characters than bytes, so most need not be counted.
    if text.len() <= limit { None } else { text.char_indices().nth(limit).map(|(end, _)| end) }
}

fn invalid<T>(text: String) -> Result<T> {
    Err(Error::Invalid(text))
}
