//! What is logged to a run: points, params, tags, inputs, and the models of 2.x clients (contract section 3).

use serde_json::{Map, Value};

use super::batch::LogBatchRequest;
use super::fields::Fields;
use super::reply::{Empty, Json};
use super::routes::Request;
use super::wire::read_pairs;
use crate::error::{Error, Result};
use crate::model::{Caller, Dataset, DatasetInput, KeyValue, MetricValue, Point};
use crate::state::AppState;
use crate::store::{LogBatch, ModelMetric};
use crate::validate::{self, LongValues, Place};

/// The tag that lists the models a 2.x client logged.
const MODEL_HISTORY_TAG: &str = "mlflow.log-model.history";

/// `POST runs/log-batch`
pub async fn log_batch(app: AppState, caller: Caller, request: LogBatchRequest) -> Result<Json<Empty>> {
    let LogBatchRequest { run_id, mut batch } = request;
    fit_values(&mut batch, app.options.long_values)?;
    app.store.log(&caller, &run_id, batch).await?;
    Ok(Json(Empty {}))
}

/// `runs/log-metric`.
pub struct LogMetric {
    run_id: String,
    key: String,
    point: Point,
    model: Option<ModelMetric>,
}

impl Request for LogMetric {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_id = fields.run_id()?;
        let key = fields.required_text("key")?;
        let value = fields.double("value")?.ok_or_else(|| fields.missing("value"))?;
        let timestamp_ms = fields.integer("timestamp")?.ok_or_else(|| fields.missing("timestamp"))?;
        let step = fields.integer("step")?.unwrap_or(0);
        validate::run_id_form(&run_id)?;
        validate::metric_key(Place::Alone, &key)?;
        validate::timestamp(Place::Alone, &key, value, timestamp_ms)?;
        let point = Point { timestamp_ms, step, value: MetricValue::new(value) };
        let model_id = fields.text("model_id")?.filter(|model_id| !model_id.is_empty());
        let dataset_name = fields.text("dataset_name")?.unwrap_or_default();
        let dataset_digest = fields.text("dataset_digest")?.unwrap_or_default();
        let model = match model_id {
            None => None,
            Some(model_id) => {
                validate::model_metric(&model_id, &dataset_name, &dataset_digest)?;
                Some(ModelMetric { key: key.clone(), model_id, dataset_name, dataset_digest, point })
            }
        };
        Ok(LogMetric { run_id, key, point, model })
    }
}

/// `POST runs/log-metric`
pub async fn log_metric(app: AppState, caller: Caller, request: LogMetric) -> Result<Json<Empty>> {
    let LogMetric { run_id, key, point, model } = request;
    let series = vec![(key, vec![point])];
    let batch = LogBatch { series, model_metrics: model.into_iter().collect(), ..LogBatch::default() };
    app.store.log(&caller, &run_id, batch).await?;
    Ok(Json(Empty {}))
}

/// `runs/log-parameter`.
pub struct LogParameter {
    run_id: String,
    param: KeyValue,
}

impl Request for LogParameter {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_id = fields.run_id()?;
        let param = read_pair(fields)?;
        validate::run_id_form(&run_id)?;
        validate::param_key(Place::Alone, &param.key)?;
        Ok(LogParameter { run_id, param })
    }
}

/// `POST runs/log-parameter`
pub async fn log_parameter(app: AppState, caller: Caller, request: LogParameter) -> Result<Json<Empty>> {
    let mut batch = LogBatch { params: vec![request.param], single_param: true, ..LogBatch::default() };
    fit_values(&mut batch, app.options.long_values)?;
    app.store.log(&caller, &request.run_id, batch).await?;
    Ok(Json(Empty {}))
}

/// `runs/set-tag`.
pub struct SetRunTag {
    run_id: String,
    tag: KeyValue,
}

impl Request for SetRunTag {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_id = fields.run_id()?;
        let tag = read_pair(fields)?;
        validate::run_id_form(&run_id)?;
        validate::tag_key(Place::Alone, &tag.key)?;
        Ok(SetRunTag { run_id, tag })
    }
}

/// `POST runs/set-tag`
pub async fn set_tag(app: AppState, caller: Caller, request: SetRunTag) -> Result<Json<Empty>> {
    let mut batch = LogBatch { tags: vec![request.tag], ..LogBatch::default() };
    fit_values(&mut batch, app.options.long_values)?;
    app.store.log(&caller, &request.run_id, batch).await?;
    Ok(Json(Empty {}))
}

fn read_pair(fields: &mut Fields) -> Result<KeyValue> {
    Ok(KeyValue { key: fields.required_text("key")?, value: fields.text("value")?.unwrap_or_default() })
}

/// Cuts or refuses values that are too long.
fn fit_values(batch: &mut LogBatch, long_values: LongValues) -> Result<()> {
    let (params, tags) = (batch.params.len(), batch.tags.len());
    for (index, param) in batch.params.iter_mut().enumerate() {
        let kept = validate::param_value(Place::in_list("params", index, params), &param.value, long_values)?.len();
        param.value.truncate(kept);
    }
    for (index, tag) in batch.tags.iter_mut().enumerate() {
        let kept = validate::tag_value(Place::in_list("tags", index, tags), &tag.value, long_values)?.len();
        tag.value.truncate(kept);
    }
    Ok(())
}

/// `runs/log-inputs`.
pub struct LogInputs {
    run_id: String,
    datasets: Vec<DatasetInput>,
    models: Vec<String>,
}

impl Request for LogInputs {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_id = fields.required_text("run_id")?;
        validate::run_id_form(&run_id)?;
        let datasets: Vec<DatasetInput> =
            fields.objects("datasets")?.into_iter().map(read_dataset).collect::<Result<_>>()?;
        validate::dataset_inputs(&datasets)?;
        let model = |mut item: Fields| {
            let model_id = item.required_text("model_id")?;
            validate::model_metric(&model_id, "", "")?;
            Ok(model_id)
        };
        let models = fields.objects("models")?.into_iter().map(model).collect::<Result<_>>()?;
        Ok(LogInputs { run_id, datasets, models })
    }
}

fn read_dataset(mut input: Fields) -> Result<DatasetInput> {
    let tags = read_pairs(&mut input, "tags")?;
    let mut fields = input.object("dataset")?.ok_or_else(|| input.missing("dataset"))?;
    let dataset = Dataset {
        name: fields.required_text("name")?,
        digest: fields.required_text("digest")?,
        source_type: fields.required_text("source_type")?,
        source: fields.required_text("source")?,
        schema: fields.text("schema")?,
        profile: fields.text("profile")?,
    };
    Ok(DatasetInput { dataset, tags })
}

/// `POST runs/log-inputs`
pub async fn log_inputs(app: AppState, caller: Caller, request: LogInputs) -> Result<Json<Empty>> {
    app.store.log_inputs(&caller, &request.run_id, request.datasets, request.models).await?;
    Ok(Json(Empty {}))
}

/// `runs/log-model`.
pub struct LogModel {
    run_id: String,
    model: Map<String, Value>,
}

impl Request for LogModel {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_id = fields.required_text("run_id")?;
        let text = fields.required_text("model_json")?;
        validate::run_id_form(&run_id)?;
        validate::no_nul("model_json", &text)?;
        Ok(LogModel { run_id, model: summary_of_model(&text)? })
    }
}

/// What the history keeps of a model: the fields that name it, and its flavors without their configuration.
fn summary_of_model(text: &str) -> Result<Map<String, Value>> {
    const MANDATORY: [&str; 4] = ["artifact_path", "flavors", "utc_time_created", "run_id"];
    let mut model: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
        Error::Invalid(format!("Malformed model info. \n model_json is not a valid JSON object: {error}"))
    })?;
    let missing: Vec<String> =
        MANDATORY.iter().filter(|name| !model.contains_key(**name)).map(|name| format!("'{name}'")).collect();
    if !missing.is_empty() {
        return Err(Error::Invalid(format!("Model json is missing mandatory fields: {{{}}}", missing.join(", "))));
    }
    let mut summary = Map::new();
    for name in ["artifact_path", "utc_time_created", "run_id", "model_uuid"] {
        if let Some(value) = model.remove(name) {
            summary.insert(name.to_owned(), value);
        }
    }
    let mut flavors = model.remove("flavors").unwrap_or_default();
    for flavor in flavors.as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Some(flavor) = flavor.as_object_mut() {
            flavor.remove("config");
        }
    }
    summary.insert("flavors".to_owned(), flavors);
    Ok(summary)
}

/// `POST runs/log-model`
pub async fn log_model(app: AppState, caller: Caller, request: LogModel) -> Result<Json<Empty>> {
    let long_values = app.options.long_values;
    let append = |present: Option<&str>| {
        // A history that was cut is no JSON any more; the new model starts another one.
        let mut history: Vec<Value> = present.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        history.push(Value::Object(request.model.clone()));
        let text = serde_json::to_string(&history).map_err(Error::internal)?;
        validate::tag_value(Place::Alone, &text, long_values).map(str::to_owned)
    };
    app.store.change_run_tag(&caller, &request.run_id, MODEL_HISTORY_TAG, append).await?;
    Ok(Json(Empty {}))
}
