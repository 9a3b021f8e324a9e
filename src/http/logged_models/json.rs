//! Logged models on the wire (contract section 1).

use serde::{Serialize, Serializer};

use crate::http::wire::{KeyValueJson, double, pairs};
use crate::model::{LoggedModel, MetricValue, ModelPoint};

/// The answer that has one model.
pub struct AnsweredModel(pub LoggedModel);

impl Serialize for AnsweredModel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Answer<'a> {
            model: ModelJson<'a>,
        }
        Answer { model: ModelJson::from(&self.0) }.serialize(serializer)
    }
}

/// A page of logged models.
pub struct FoundLoggedModels {
    /// The models.
    pub models: Vec<LoggedModel>,
    /// The token of the next page, if there is one.
    pub next_page_token: Option<String>,
}

impl Serialize for FoundLoggedModels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Answer<'a> {
            #[serde(skip_serializing_if = "Vec::is_empty")]
            models: Vec<ModelJson<'a>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            next_page_token: Option<&'a str>,
        }
        let models = self.models.iter().map(ModelJson::from).collect();
        Answer { models, next_page_token: self.next_page_token.as_deref() }.serialize(serializer)
    }
}

#[derive(Serialize)]
struct ModelJson<'a> {
    info: InfoJson<'a>,
    data: DataJson<'a>,
}

#[derive(Serialize)]
struct InfoJson<'a> {
    model_id: &'a str,
    experiment_id: String,
    name: &'a str,
    creation_timestamp_ms: i64,
    last_updated_timestamp_ms: i64,
    artifact_uri: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_run_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<KeyValueJson<'a>>,
}

#[derive(Serialize)]
struct DataJson<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    params: Vec<KeyValueJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<PointJson<'a>>,
}

#[derive(Serialize)]
struct PointJson<'a> {
    key: &'a str,
    #[serde(serialize_with = "double")]
    value: MetricValue,
    timestamp: i64,
    step: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    dataset_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    dataset_digest: &'a str,
    model_id: &'a str,
    run_id: &'a str,
}

impl<'a> From<&'a LoggedModel> for ModelJson<'a> {
    fn from(model: &'a LoggedModel) -> Self {
        let point = |metric: &'a ModelPoint| PointJson {
            key: &metric.key,
            value: metric.point.value,
            timestamp: metric.point.timestamp_ms,
            step: metric.point.step,
            dataset_name: &metric.dataset_name,
            dataset_digest: &metric.dataset_digest,
            model_id: &model.model_id,
            run_id: &metric.run_id,
        };
        ModelJson {
            info: InfoJson {
                model_id: &model.model_id,
                experiment_id: model.experiment_id.to_string(),
                name: &model.name,
                creation_timestamp_ms: model.created_ms,
                last_updated_timestamp_ms: model.updated_ms,
                artifact_uri: &model.artifact_uri,
                status: model.status.as_str(),
                model_type: model.model_type.as_deref(),
                source_run_id: model.source_run_id.as_deref(),
                status_message: model.status_message.as_deref(),
                tags: pairs(&model.tags),
            },
            data: DataJson { params: pairs(&model.params), metrics: model.metrics.iter().map(point).collect() },
        }
    }
}
