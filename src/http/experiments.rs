//! `experiments/…` (contract section 2).

use serde::Serialize;

use super::fields::Fields;
use super::page_token;
use super::reply::{Empty, Json};
use super::routes::Request;
use super::wire::{ExperimentJson, read_pairs, read_view};
use crate::artifacts::location;
use crate::error::{Error, Resource, Result};
use crate::model::{Caller, DatasetSummary, KeyValue, NewLocation, ViewType};
use crate::search::{parse_experiment_filter, parse_experiment_order};
use crate::state::AppState;
use crate::store::{ExperimentSearch, FieldValue};
use crate::validate::{self, Place};

/// `experiments/create`.
pub struct CreateExperiment {
    name: String,
    artifact_location: Option<String>,
    tags: Vec<KeyValue>,
}

impl Request for CreateExperiment {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let name = fields.required_text("name")?;
        validate::experiment_name(&name)?;
        let artifact_location = fields.text("artifact_location")?.filter(|location| !location.is_empty());
        if let Some(location) = &artifact_location {
            validate::artifact_location(location)?;
        }
        let tags = read_pairs(fields, "tags")?;
        for (index, tag) in tags.iter().enumerate() {
            validate::tag_key(Place::in_list("tags", index, tags.len()), &tag.key)?;
            validate::experiment_tag_value(&tag.value)?;
        }
        Ok(CreateExperiment { name, artifact_location, tags })
    }
}

/// The id of a new experiment.
#[derive(Serialize)]
pub struct CreatedExperiment {
    experiment_id: String,
}

/// `POST experiments/create`
pub async fn create(app: AppState, caller: Caller, request: CreateExperiment) -> Result<Json<CreatedExperiment>> {
    let CreateExperiment { name, artifact_location, tags } = request;
    let own_path = artifact_location.as_deref().and_then(location::own_path);
    let location = match (&artifact_location, &own_path) {
        (None, _) => NewLocation::Default,
        (Some(location), Some(path)) => NewLocation::Own { location, path: path.as_str() },
        (Some(location), None) => NewLocation::Label(location),
    };
    let id = app.store.create_experiment(&caller, &name, location, &tags, (app.clock)()).await?;
    Ok(Json(CreatedExperiment { experiment_id: id.to_string() }))
}

/// A request about one experiment.
pub struct ExperimentId(i64);

impl Request for ExperimentId {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        validate::experiment_id(&fields.required_text("experiment_id")?).map(ExperimentId)
    }
}

/// One experiment.
#[derive(Serialize)]
pub struct FoundExperiment {
    experiment: ExperimentJson,
}

/// `GET experiments/get`
pub async fn get(app: AppState, caller: Caller, ExperimentId(id): ExperimentId) -> Result<Json<FoundExperiment>> {
    let found = app.store.find_experiment(&caller, id).await?;
    let experiment = found.ok_or_else(|| Error::NotFound(Resource::Experiment(id.to_string())))?;
    Ok(Json(FoundExperiment { experiment: experiment.into() }))
}

/// `experiments/get-by-name`.
pub struct ExperimentName(String);

impl Request for ExperimentName {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let name = fields.required_text("experiment_name")?;
        validate::no_nul("experiment_name", &name)?;
        Ok(ExperimentName(name))
    }
}

/// `GET experiments/get-by-name`
pub async fn get_by_name(
    app: AppState,
    caller: Caller,
    ExperimentName(name): ExperimentName,
) -> Result<Json<FoundExperiment>> {
    let found = app.store.find_experiment_by_name(&caller, &name).await?;
    let experiment = found.ok_or_else(|| Error::NotFound(Resource::ExperimentNamed(name)))?;
    Ok(Json(FoundExperiment { experiment: experiment.into() }))
}

/// `POST experiments/delete`
pub async fn delete(app: AppState, caller: Caller, ExperimentId(id): ExperimentId) -> Result<Json<Empty>> {
    app.store.delete_experiment(&caller, id, (app.clock)()).await?;
    Ok(Json(Empty {}))
}

/// `POST experiments/restore`
pub async fn restore(app: AppState, caller: Caller, ExperimentId(id): ExperimentId) -> Result<Json<Empty>> {
    app.store.restore_experiment(&caller, id, (app.clock)()).await?;
    Ok(Json(Empty {}))
}

/// `experiments/update`.
pub struct UpdateExperiment {
    id: i64,
    new_name: String,
}

impl Request for UpdateExperiment {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let id = fields.required_text("experiment_id")?;
        let new_name = fields.required_text("new_name")?;
        validate::experiment_name(&new_name)?;
        Ok(UpdateExperiment { id: validate::experiment_id(&id)?, new_name })
    }
}

/// `POST experiments/update`
pub async fn update(app: AppState, caller: Caller, request: UpdateExperiment) -> Result<Json<Empty>> {
    app.store.rename_experiment(&caller, request.id, &request.new_name, (app.clock)()).await?;
    Ok(Json(Empty {}))
}

/// `experiments/set-experiment-tag`.
pub struct SetExperimentTag {
    id: i64,
    tag: KeyValue,
}

impl Request for SetExperimentTag {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let id = fields.required_text("experiment_id")?;
        let tag = KeyValue { key: fields.required_text("key")?, value: fields.text("value")?.unwrap_or_default() };
        validate::tag_key(Place::Alone, &tag.key)?;
        validate::experiment_tag_value(&tag.value)?;
        Ok(SetExperimentTag { id: validate::experiment_id(&id)?, tag })
    }
}

/// `POST experiments/set-experiment-tag`
pub async fn set_tag(app: AppState, caller: Caller, request: SetExperimentTag) -> Result<Json<Empty>> {
    app.store.set_experiment_tag(&caller, request.id, &request.tag, (app.clock)()).await?;
    Ok(Json(Empty {}))
}

/// `experiments/delete-experiment-tag`.
pub struct DeleteExperimentTag {
    id: i64,
    key: String,
}

impl Request for DeleteExperimentTag {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let id = fields.required_text("experiment_id")?;
        let key = fields.required_text("key")?;
        validate::no_nul("key", &key)?;
        Ok(DeleteExperimentTag { id: validate::experiment_id(&id)?, key })
    }
}

/// `POST experiments/delete-experiment-tag`
pub async fn delete_tag(app: AppState, caller: Caller, request: DeleteExperimentTag) -> Result<Json<Empty>> {
    app.store.delete_experiment_tag(&caller, request.id, &request.key, (app.clock)()).await?;
    Ok(Json(Empty {}))
}

/// `experiments/search`.
pub struct SearchExperiments {
    view: ViewType,
    filter: String,
    order_by: Vec<String>,
    max_results: i64,
    page_token: Option<String>,
}

impl Request for SearchExperiments {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let max_results = validate::experiment_results(fields.integer("max_results")?)?;
        let filter = fields.text("filter")?.unwrap_or_default();
        let order_by = fields.texts("order_by")?;
        let view = read_view(fields, "view_type")?;
        Ok(SearchExperiments { view, filter, order_by, max_results, page_token: fields.text("page_token")? })
    }
}

/// A page of experiments.
#[derive(Serialize)]
pub struct FoundExperiments {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    experiments: Vec<ExperimentJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// `GET` and `POST experiments/search`
pub async fn search(app: AppState, caller: Caller, request: SearchExperiments) -> Result<Json<FoundExperiments>> {
    let order_text = request.order_by.join(",");
    let view_text = format!("{:?}", request.view);
    let arguments = ["experiments", &view_text, &request.filter, &order_text];
    let search = ExperimentSearch {
        view: request.view,
        filter: parse_experiment_filter(&request.filter)?,
        order: parse_experiment_order(&request.order_by)?,
        after: page_token::decode::<Vec<FieldValue>>(&arguments, request.page_token.as_deref())?,
        limit: usize::try_from(request.max_results).map_err(Error::internal)?,
    };
    let page = app.store.search_experiments(&caller, search).await?;
    let next_page_token = page.next.map(|place| page_token::encode(&arguments, place)).transpose()?;
    Ok(Json(FoundExperiments {
        experiments: page.experiments.into_iter().map(ExperimentJson::from).collect(),
        next_page_token,
    }))
}

/// `experiments/search-datasets`.
pub struct SearchDatasets(Vec<i64>);

impl Request for SearchDatasets {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let ids = fields.texts("experiment_ids")?;
        validate::dataset_search_experiments(ids.len())?;
        Ok(SearchDatasets(ids.iter().map(|id| validate::experiment_id(id)).collect::<Result<_>>()?))
    }
}

/// The datasets of some experiments.
#[derive(Serialize)]
pub struct FoundDatasets {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dataset_summaries: Vec<DatasetSummaryJson>,
}

#[derive(Serialize)]
struct DatasetSummaryJson {
    experiment_id: String,
    name: String,
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<String>,
}

/// `POST experiments/search-datasets`
pub async fn search_datasets(app: AppState, caller: Caller, request: SearchDatasets) -> Result<Json<FoundDatasets>> {
    let summaries = app.store.search_datasets(&caller, &request.0).await?;
    let json = |summary: DatasetSummary| DatasetSummaryJson {
        experiment_id: summary.experiment_id.to_string(),
        name: summary.name,
        digest: summary.digest,
        context: summary.context,
    };
    Ok(Json(FoundDatasets { dataset_summaries: summaries.into_iter().map(json).collect() }))
}
