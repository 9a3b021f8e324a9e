//! `logged-models/…` and `runs/outputs`: what runs made that can be loaded and used again (contract section 7.1).

mod json;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;

pub use self::json::{AnsweredModel, FoundLoggedModels};
use super::artifacts::{Parameters, RawPath, file_of, find, list_of, named};
use super::fields::Fields;
use super::page_token;
use super::reply::{Empty, Json};
use super::routes::Request;
use super::runs::random_bytes;
use super::wire::{read_model_status, read_pairs};
use crate::artifacts::ArtifactPath;
use crate::artifacts::location::Owner;
use crate::digest::hexadecimal;
use crate::error::{Error, Resource, Result};
use crate::model::{Caller, KeyValue, LoggedModel, ModelOutput, ModelStatus};
use crate::run_name;
use crate::search::{model_attribute, parse_model_filter};
use crate::state::AppState;
use crate::store::{ModelDataset, ModelOrder, ModelOrderField, ModelSearch, NewLoggedModel};
use crate::validate;

/// Models of a page, where the client does not say how many.
const DEFAULT_PAGE: i64 = 50;
/// Models of a page, where the client says 0.
const ZERO_PAGE: i64 = 100;
/// The most models of a page: a client that asks for more gets so many, and the token for the rest.
const LARGEST_PAGE: i64 = 1_000;
/// The most keys of an order, and the most datasets.
const MAX_KEYS: usize = 20;
/// The most outputs of one request.
const MAX_OUTPUTS: usize = 1_000;

/// `logged-models`.
pub struct CreateLoggedModel {
    experiment_id: i64,
    name: Option<String>,
    model_type: Option<String>,
    source_run_id: Option<String>,
    params: Vec<KeyValue>,
    tags: Vec<KeyValue>,
}

impl Request for CreateLoggedModel {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let experiment_id = validate::experiment_id(&fields.required_text("experiment_id")?)?;
        let mut given = |name| fields.text(name).map(|text| text.filter(|text| !text.is_empty()));
        let (name, model_type, source_run_id) = (given("name")?, given("model_type")?, given("source_run_id")?);
        let (params, tags) = (read_pairs(fields, "params")?, read_pairs(fields, "tags")?);
        name.as_deref().map_or(Ok(()), validate::model_name)?;
        validate::model_text("model_type", model_type.as_deref().unwrap_or_default())?;
        source_run_id.as_deref().map_or(Ok(()), validate::run_id_form)?;
        validate::model_pairs("params", &params)?;
        validate::model_pairs("tags", &tags)?;
        Ok(CreateLoggedModel { experiment_id, name, model_type, source_run_id, params, tags })
    }
}

/// `POST logged-models`
pub async fn create(app: AppState, caller: Caller, request: CreateLoggedModel) -> Result<Json<AnsweredModel>> {
    let CreateLoggedModel { experiment_id, name, model_type, source_run_id, params, tags } = request;
    let name = match name {
        Some(name) => name,
        None => run_name::generate(u64::from_le_bytes(random_bytes()?)),
    };
    let model_id = format!("m-{}", hexadecimal(&random_bytes::<16>()?));
    let new = NewLoggedModel { model_id, experiment_id, name, model_type, source_run_id, params, tags };
    app.store.create_logged_model(&caller, new, (app.clock)()).await.map(AnsweredModel).map(Json)
}

/// A request for one model.
pub struct GetLoggedModel {
    model_id: String,
    allow_deleted: bool,
}

impl Request for GetLoggedModel {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let model_id = fields.required_text("model_id")?;
        validate::no_nul("model_id", &model_id)?;
        Ok(GetLoggedModel { model_id, allow_deleted: fields.flag("allow_deleted")? })
    }
}

/// `GET logged-models/{model_id}`
pub async fn get(app: AppState, caller: Caller, request: GetLoggedModel) -> Result<Json<AnsweredModel>> {
    let model = app.store.find_logged_model(&caller, &request.model_id, request.allow_deleted).await?;
    let model = model.ok_or_else(|| Error::NotFound(Resource::LoggedModel(request.model_id)))?;
    Ok(Json(AnsweredModel(model)))
}

/// `DELETE logged-models/{model_id}`
pub async fn delete(app: AppState, caller: Caller, request: GetLoggedModel) -> Result<Json<Empty>> {
    app.store.delete_logged_model(&caller, &request.model_id, (app.clock)()).await?;
    Ok(Json(Empty {}))
}

/// The end of an upload.
pub struct FinalizeLoggedModel {
    model_id: String,
    status: ModelStatus,
}

impl Request for FinalizeLoggedModel {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let model_id = fields.required_text("model_id")?;
        validate::no_nul("model_id", &model_id)?;
        let status = read_model_status(fields)?.ok_or_else(|| fields.missing("status"))?;
        Ok(FinalizeLoggedModel { model_id, status })
    }
}

/// `PATCH logged-models/{model_id}`
pub async fn finalize(app: AppState, caller: Caller, request: FinalizeLoggedModel) -> Result<Json<AnsweredModel>> {
    let FinalizeLoggedModel { model_id, status } = request;
    let model = app.store.finalize_logged_model(&caller, &model_id, status, (app.clock)()).await?;
    Ok(Json(AnsweredModel(model)))
}

/// Tags of a model.
pub struct SetModelTags {
    model_id: String,
    tags: Vec<KeyValue>,
}

impl Request for SetModelTags {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let (model_id, tags) = (fields.required_text("model_id")?, read_pairs(fields, "tags")?);
        validate::no_nul("model_id", &model_id)?;
        validate::model_pairs("tags", &tags)?;
        Ok(SetModelTags { model_id, tags })
    }
}

/// `PATCH logged-models/{model_id}/tags`
pub async fn set_tags(app: AppState, caller: Caller, request: SetModelTags) -> Result<Json<Empty>> {
    app.store.set_logged_model_tags(&caller, &request.model_id, &request.tags).await?;
    Ok(Json(Empty {}))
}

/// A tag of a model to remove.
pub struct DeleteModelTag {
    model_id: String,
    key: String,
}

impl Request for DeleteModelTag {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let (model_id, key) = (fields.required_text("model_id")?, fields.required_text("tag_key")?);
        validate::no_nul("model_id", &model_id)?;
        validate::no_nul("tag_key", &key)?;
        Ok(DeleteModelTag { model_id, key })
    }
}

/// `DELETE logged-models/{model_id}/tags/{tag_key}`
pub async fn delete_tag(app: AppState, caller: Caller, request: DeleteModelTag) -> Result<Json<Empty>> {
    app.store.delete_logged_model_tag(&caller, &request.model_id, &request.key).await?;
    Ok(Json(Empty {}))
}

/// Params of a model.
pub struct LogModelParams {
    model_id: String,
    params: Vec<KeyValue>,
}

impl Request for LogModelParams {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let (model_id, params) = (fields.required_text("model_id")?, read_pairs(fields, "params")?);
        validate::no_nul("model_id", &model_id)?;
        validate::model_pairs("params", &params)?;
        Ok(LogModelParams { model_id, params })
    }
}

/// `POST logged-models/{model_id}/params`
pub async fn log_params(app: AppState, caller: Caller, request: LogModelParams) -> Result<Json<Empty>> {
    app.store.log_logged_model_params(&caller, &request.model_id, &request.params).await?;
    Ok(Json(Empty {}))
}

/// `logged-models/search`.
pub struct SearchLoggedModels {
    search: ModelSearch,
    /// What a page token belongs to.
    arguments: Vec<String>,
}

impl Request for SearchLoggedModels {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let ids = fields.texts("experiment_ids")?;
        if ids.is_empty() {
            return Err(fields.missing("experiment_ids"));
        }
        let experiment_ids = ids.iter().map(|id| validate::experiment_id(id)).collect::<Result<_>>()?;
        let filter = fields.text("filter")?.unwrap_or_default();
        let datasets = at_most(fields.objects("datasets")?, "datasets")?;
        let datasets: Vec<ModelDataset> = datasets.into_iter().map(read_dataset).collect::<Result<_>>()?;
        let order = at_most(fields.objects("order_by")?, "order_by")?;
        let order: Vec<ModelOrder> = order.into_iter().map(read_order).collect::<Result<_>>()?;
        let limit = match fields.integer("max_results")? {
            None => DEFAULT_PAGE,
            Some(0) => ZERO_PAGE,
            Some(limit @ 1..) => limit.min(LARGEST_PAGE),
            Some(other) => {
                return Err(Error::Invalid(format!(
                    "Invalid value {other} for parameter 'max_results' supplied. It must be a positive integer"
                )));
            }
        };
        let arguments = vec![ids.join(","), filter.clone(), format!("{order:?}"), format!("{datasets:?}")];
        let texts: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let offset: i64 = page_token::decode(&texts, fields.text("page_token")?.as_deref())?.unwrap_or(0);
        if offset < 0 {
            return Err(Error::Invalid("Invalid page token: it was not made for this kind of request".to_owned()));
        }
        let filter = parse_model_filter(&filter)?;
        let search = ModelSearch { experiment_ids, filter, datasets, order, offset, limit: limit as usize };
        Ok(SearchLoggedModels { search, arguments })
    }
}

fn at_most(items: Vec<Fields>, name: &str) -> Result<Vec<Fields>> {
    if items.len() <= MAX_KEYS {
        return Ok(items);
    }
    Err(Error::Invalid(format!("Invalid {name}: {} of them, at most {MAX_KEYS} are allowed.", items.len())))
}

fn read_dataset(mut item: Fields) -> Result<ModelDataset> {
    let name = item
        .text("dataset_name")?
        .filter(|name| !name.is_empty())
        .ok_or_else(|| Error::Invalid("`dataset_name` in the `datasets` clause must be specified.".to_owned()))?;
    let digest = item.text("dataset_digest")?.filter(|digest| !digest.is_empty());
    validate::no_nul("dataset_name", &name)?;
    validate::no_nul("dataset_digest", digest.as_deref().unwrap_or_default())?;
    Ok(ModelDataset { name, digest })
}

fn read_order(mut item: Fields) -> Result<ModelOrder> {
    let name = item.required_text("field_name")?;
    validate::no_nul("field_name", &name)?;
    let ascending = match item.take("ascending")? {
        None => true,
        Some(serde_json::Value::Bool(ascending)) => ascending,
        Some(other) => return Err(item.wrong_type("ascending", &other)),
    };
    let dataset_name = item.text("dataset_name")?.filter(|name| !name.is_empty());
    let digest = item.text("dataset_digest")?.filter(|digest| !digest.is_empty());
    validate::no_nul("dataset_name", dataset_name.as_deref().unwrap_or_default())?;
    validate::no_nul("dataset_digest", digest.as_deref().unwrap_or_default())?;
    if digest.is_some() && dataset_name.is_none() {
        return Err(Error::Invalid(
            "`dataset_digest` can only be specified if `dataset_name` is also specified.".to_owned(),
        ));
    }
    let dataset = dataset_name.map(|name| ModelDataset { name, digest });
    let refused =
        |hint: &str| Err(Error::Invalid(format!("Invalid order by field name: {}{hint}", validate::excerpt(&name))));
    let field = match name.split_once('.') {
        Some(("metrics", key)) if !key.is_empty() => ModelOrderField::Metric(key.to_owned(), dataset),
        Some(_) => return refused(". Only metrics are supported, as `metrics.<name>`."),
        None => match model_attribute(name.trim()) {
            Some(attribute) => ModelOrderField::Attribute(attribute),
            None => return refused(""),
        },
    };
    Ok(ModelOrder { field, ascending })
}

/// `POST logged-models/search`
pub async fn search(app: AppState, caller: Caller, request: SearchLoggedModels) -> Result<Json<FoundLoggedModels>> {
    let SearchLoggedModels { search, arguments } = request;
    // A forged token may name any place.
    let next = search.offset.saturating_add(search.limit as i64);
    let page = app.store.search_logged_models(&caller, search).await?;
    let texts: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Ok(Json(FoundLoggedModels {
        models: page.models,
        next_page_token: page.more.then(|| page_token::encode(&texts, next)).transpose()?,
    }))
}

/// `runs/outputs`.
pub struct LogOutputs {
    run_id: String,
    models: Vec<ModelOutput>,
}

impl Request for LogOutputs {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_id = fields.required_text("run_id")?;
        validate::run_id_form(&run_id)?;
        let items = fields.objects("models")?;
        if items.is_empty() {
            return Err(fields.missing("models"));
        }
        if items.len() > MAX_OUTPUTS {
            return Err(Error::Invalid(format!(
                "Invalid models: {} of them, at most {MAX_OUTPUTS} are allowed.",
                items.len()
            )));
        }
        let model = |mut item: Fields| {
            let model_id = item.required_text("model_id")?;
            validate::model_metric(&model_id, "", "")?;
            Ok(ModelOutput { model_id, step: item.integer("step")?.unwrap_or(0) })
        };
        Ok(LogOutputs { run_id, models: items.into_iter().map(model).collect::<Result<_>>()? })
    }
}

/// `POST runs/outputs`
pub async fn log_outputs(app: AppState, caller: Caller, request: LogOutputs) -> Result<Json<Empty>> {
    app.store.log_outputs(&caller, &request.run_id, &request.models).await?;
    Ok(Json(Empty {}))
}

/// `GET logged-models/{model_id}/artifacts/directories`: one directory of a model, with paths relative to its own.
pub async fn list_files(
    State(app): State<AppState>,
    caller: Caller,
    model_id: RawPath,
    Query(query): Parameters,
) -> Result<Response> {
    let names = ["artifact_directory_path", "artifactDirectoryPath"];
    let path = ArtifactPath::parse(find(&query, &names).unwrap_or_default())?;
    let model = find_model(&app, &caller, model_id).await?;
    list_of(&app, owner(&model), model.artifact_uri.clone(), &path).await
}

/// `GET logged-models/{model_id}/artifacts/files`: one file of a model.
pub async fn get_file(
    State(app): State<AppState>,
    caller: Caller,
    model_id: RawPath,
    Query(query): Parameters,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let path = find(&query, &["artifact_file_path", "artifactFilePath"]).ok_or_else(|| {
        Error::BadRequest("Request must include the \"artifact_file_path\" query parameter.".to_owned())
    })?;
    let path = named(path)?;
    let model = find_model(&app, &caller, model_id).await?;
    file_of(&app, owner(&model), &model.artifact_uri, &path, &method, &headers).await
}

async fn find_model(app: &AppState, caller: &Caller, model_id: RawPath) -> Result<LoggedModel> {
    let Path(model_id) = model_id.map_err(|_| Error::Invalid("Invalid path: it is not valid UTF-8".to_owned()))?;
    validate::no_nul("model_id", &model_id)?;
    let model = app.store.find_logged_model(caller, &model_id, false).await?;
    model.ok_or_else(|| Error::NotFound(Resource::LoggedModel(model_id)))
}

fn owner(model: &LoggedModel) -> Owner<'_> {
    Owner::Model { experiment_id: model.experiment_id, model_id: &model.model_id }
}
