//! How the things of the model look on the wire (contract section 1): snake_case names, ids of experiments as text,
//! 64-bit integers as numbers, NaN as the text "NaN", empty lists left out.

use std::fmt::Write as _;

use serde::{Serialize, Serializer};

use super::fields::Fields;
use crate::error::{Error, Result};
use crate::model::{
    DatasetInput, Experiment, KeyValue, Metric, MetricValue, ModelStatus, Run, RunInfo, RunStatus, ViewType,
};
use crate::store::RunDocument;

/// A double: NaN is a text, everything else a number.
pub fn double<S: Serializer>(value: &MetricValue, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    if value.is_nan() { serializer.serialize_str("NaN") } else { serializer.serialize_f64(value.get()) }
}

/// A name and a text.
#[derive(Serialize)]
pub struct KeyValueJson<'a> {
    key: &'a str,
    value: &'a str,
}

impl<'a> From<&'a KeyValue> for KeyValueJson<'a> {
    fn from(pair: &'a KeyValue) -> Self {
        KeyValueJson { key: &pair.key, value: &pair.value }
    }
}

/// Pairs on the wire.
pub fn pairs(pairs: &[KeyValue]) -> Vec<KeyValueJson<'_>> {
    pairs.iter().map(KeyValueJson::from).collect()
}

/// An experiment.
#[derive(Serialize)]
pub struct ExperimentJson {
    experiment_id: String,
    name: String,
    artifact_location: String,
    lifecycle_stage: &'static str,
    last_update_time: i64,
    creation_time: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<OwnedPair>,
}

#[derive(Serialize)]
struct OwnedPair {
    key: String,
    value: String,
}

impl From<Experiment> for ExperimentJson {
    fn from(experiment: Experiment) -> Self {
        ExperimentJson {
            experiment_id: experiment.id.to_string(),
            name: experiment.name,
            artifact_location: experiment.artifact_location,
            lifecycle_stage: experiment.lifecycle.as_str(),
            last_update_time: experiment.updated_ms,
            creation_time: experiment.created_ms,
            tags: experiment.tags.into_iter().map(|KeyValue { key, value }| OwnedPair { key, value }).collect(),
        }
    }
}

/// What a run is.
#[derive(Serialize)]
pub struct RunInfoJson<'a> {
    run_id: &'a str,
    // Old clients require this name too.
    run_uuid: &'a str,
    run_name: &'a str,
    experiment_id: String,
    user_id: &'a str,
    status: &'static str,
    start_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<i64>,
    artifact_uri: &'a str,
    lifecycle_stage: &'static str,
}

impl<'a> From<&'a RunInfo> for RunInfoJson<'a> {
    fn from(info: &'a RunInfo) -> Self {
        RunInfoJson {
            run_id: &info.run_id,
            run_uuid: &info.run_id,
            run_name: &info.name,
            experiment_id: info.experiment_id.to_string(),
            user_id: &info.user_id,
            status: info.status.as_str(),
            start_time: info.start_ms,
            end_time: info.end_ms,
            artifact_uri: &info.artifact_uri,
            lifecycle_stage: info.lifecycle.as_str(),
        }
    }
}

#[derive(Serialize)]
struct MetricJson<'a> {
    key: &'a str,
    #[serde(serialize_with = "double")]
    value: MetricValue,
    timestamp: i64,
    step: i64,
}

impl<'a> From<&'a Metric> for MetricJson<'a> {
    fn from(metric: &'a Metric) -> Self {
        let point = metric.point;
        MetricJson { key: &metric.key, value: point.value, timestamp: point.timestamp_ms, step: point.step }
    }
}

#[derive(Serialize)]
struct RunDataJson<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<MetricJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<KeyValueJson<'a>>,
    // Last, so that a run is its document's two parts: see `document`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    params: Vec<KeyValueJson<'a>>,
}

#[derive(Serialize)]
struct DatasetJson<'a> {
    name: &'a str,
    digest: &'a str,
    source_type: &'a str,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
}

#[derive(Serialize)]
struct DatasetInputJson<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<KeyValueJson<'a>>,
    dataset: DatasetJson<'a>,
}

impl<'a> From<&'a DatasetInput> for DatasetInputJson<'a> {
    fn from(input: &'a DatasetInput) -> Self {
        let dataset = &input.dataset;
        DatasetInputJson {
            tags: pairs(&input.tags),
            dataset: DatasetJson {
                name: &dataset.name,
                digest: &dataset.digest,
                source_type: &dataset.source_type,
                source: &dataset.source,
                schema: dataset.schema.as_deref(),
                profile: dataset.profile.as_deref(),
            },
        }
    }
}

#[derive(Serialize)]
struct ModelInputJson<'a> {
    model_id: &'a str,
}

#[derive(Serialize)]
struct RunInputsJson<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dataset_inputs: Vec<DatasetInputJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    model_inputs: Vec<ModelInputJson<'a>>,
}

#[derive(Serialize)]
struct ModelOutputJson<'a> {
    model_id: &'a str,
    step: i64,
}

#[derive(Serialize)]
struct RunOutputsJson<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    model_outputs: Vec<ModelOutputJson<'a>>,
}

/// A run with all that was logged to it.
#[derive(Serialize)]
pub struct RunJson<'a> {
    info: RunInfoJson<'a>,
    inputs: RunInputsJson<'a>,
    outputs: RunOutputsJson<'a>,
    data: RunDataJson<'a>,
}

impl<'a> RunJson<'a> {
    /// A run as `runs/get` answers it.
    pub fn whole(run: &'a Run) -> Self {
        let model_inputs = run.model_inputs.iter().map(|model_id| ModelInputJson { model_id }).collect();
        Self::new(run, pairs(&run.params), model_inputs)
    }

    fn new(run: &'a Run, params: Vec<KeyValueJson<'a>>, model_inputs: Vec<ModelInputJson<'a>>) -> Self {
        RunJson {
            info: RunInfoJson::from(&run.info),
            inputs: RunInputsJson {
                dataset_inputs: run.datasets.iter().map(DatasetInputJson::from).collect(),
                model_inputs,
            },
            outputs: RunOutputsJson {
                model_outputs: run
                    .model_outputs
                    .iter()
                    .map(|output| ModelOutputJson { model_id: &output.model_id, step: output.step })
                    .collect(),
            },
            data: RunDataJson {
                metrics: run.metrics.iter().map(MetricJson::from).collect(),
                tags: pairs(&run.tags),
                params,
            },
        }
    }
}

/// A run as searches answer it, in the two parts that are kept: without its model inputs (contract section 1). The
/// rest lacks the two brackets at its end, the params those around the list.
///
/// # Errors
/// [`Error::Internal`] where a value is no JSON, which none is.
pub fn document(run: &Run) -> Result<RunDocument> {
    let mut rest = serde_json::to_vec(&RunJson::new(run, Vec::new(), Vec::new())).map_err(Error::internal)?;
    rest.truncate(rest.len() - 2);
    let mut params = serde_json::to_vec(&pairs(&run.params)).map_err(Error::internal)?;
    params.pop();
    params.remove(0);
    Ok(RunDocument { rest, params })
}

/// Appends the run that a document is.
pub fn push_document(json: &mut Vec<u8>, document: &RunDocument) {
    json.extend_from_slice(&document.rest);
    if !document.params.is_empty() {
        if !document.rest.ends_with(b"{") {
            json.push(b',');
        }
        json.extend_from_slice(b"\"params\":[");
        json.extend_from_slice(&document.params);
        json.push(b']');
    }
    json.extend_from_slice(b"}}");
}

/// The tags of a request: a key, and a value that is empty where it is absent.
///
/// # Errors
/// [`Error::Invalid`] for a tag without a key.
pub fn read_pairs(fields: &mut Fields, name: &str) -> Result<Vec<KeyValue>> {
    let pair = |mut item: Fields| {
        let value = item.text("value")?.unwrap_or_default();
        Ok(KeyValue { key: item.required_text("key")?, value })
    };
    fields.objects(name)?.into_iter().map(pair).collect()
}

/// A run's status, by name or by number.
///
/// # Errors
/// [`Error::Invalid`] for one that there is not.
pub fn read_status(fields: &mut Fields) -> Result<Option<RunStatus>> {
    read_enum(fields, "status", RunStatus::from_name, RunStatus::from_number, &RunStatus::ALL.map(RunStatus::as_str))
}

/// A logged model's status, by name or by number.
///
/// # Errors
/// [`Error::Invalid`] for one that there is not.
pub fn read_model_status(fields: &mut Fields) -> Result<Option<ModelStatus>> {
    let names = ModelStatus::ALL.map(ModelStatus::as_str);
    read_enum(fields, "status", ModelStatus::from_name, ModelStatus::from_number, &names)
}

/// Which lifecycle stages a search wants, by name or by number.
///
/// # Errors
/// [`Error::Invalid`] for a word that is none.
pub fn read_view(fields: &mut Fields, name: &str) -> Result<ViewType> {
    const NAMES: [&str; 3] = ["ACTIVE_ONLY", "DELETED_ONLY", "ALL"];
    const VIEWS: [ViewType; 3] = [ViewType::ActiveOnly, ViewType::DeletedOnly, ViewType::All];
    let by_name = |word: &str| NAMES.iter().position(|name| *name == word).map(|index| VIEWS[index]);
    let by_number = |number: i64| VIEWS.get(usize::try_from(number.checked_sub(1)?).ok()?).copied();
    Ok(read_enum(fields, name, by_name, by_number, &NAMES)?.unwrap_or_default())
}

fn read_enum<T>(
    fields: &mut Fields,
    name: &str,
    by_name: impl Fn(&str) -> Option<T>,
    by_number: impl Fn(i64) -> Option<T>,
    names: &[&str],
) -> Result<Option<T>> {
    let Some(value) = fields.take(name)? else { return Ok(None) };
    let found = match &value {
        serde_json::Value::String(word) => by_name(word).or_else(|| by_number(word.parse().ok()?)),
        other => super::fields::integer(other).and_then(by_number),
    };
    match found {
        Some(found) => Ok(Some(found)),
        None => {
            let mut allowed = String::new();
            for (position, name) in names.iter().enumerate() {
                let comma = if position == 0 { "" } else { ", " };
                let _ = write!(allowed, "{comma}{name} ({})", position + 1);
            }
            Err(Error::Invalid(format!(
                "Invalid value {} for parameter '{name}' supplied. It must be one of {allowed}.",
                crate::validate::excerpt(&value.to_string())
            )))
        }
    }
}
