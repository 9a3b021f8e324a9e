//! `runs/…`: the life of a run, its tags, and finding runs (contract section 3). What is logged stands in `logging.rs`.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;

use super::fields::Fields;
use super::page_token;
use super::reply::{Empty, Json, json_body};
use super::routes::Request;
use super::wire::{RunInfoJson, RunJson, document, push_document, read_pairs, read_status, read_view};
use crate::digest::hexadecimal;
use crate::error::{Error, Resource, Result};
use crate::model::{Caller, KeyValue, Run, ViewType};
use crate::run_name;
use crate::search::{parse_run_filter, parse_run_order};
use crate::state::AppState;
use crate::store::{NewRun, RunCursor, RunDocument, RunPage, RunSearch, RunUpdate};
use crate::validate::{self, LongValues, Place};

/// The tag that a run's name is coupled to.
const RUN_NAME_TAG: &str = "mlflow.runName";

/// `runs/create`.
pub struct CreateRun {
    experiment_id: i64,
    start_time: i64,
    name: Option<String>,
    user_id: String,
    tags: Vec<KeyValue>,
}

impl Request for CreateRun {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let experiment_id = validate::experiment_id(&fields.required_text("experiment_id")?)?;
        let start_time = fields.integer("start_time")?.unwrap_or(0);
        let run_name = fields.text("run_name")?;
        let user_id = fields.text("user_id")?.unwrap_or_default();
        let tags = read_pairs(fields, "tags")?;
        validate::no_nul("run_name", run_name.as_deref().unwrap_or_default())?;
        validate::user_id(&user_id)?;
        for (index, tag) in tags.iter().enumerate() {
            validate::tag_key(Place::in_list("tags", index, tags.len()), &tag.key)?;
        }
        let tagged = tags.iter().rev().find(|tag| tag.key == RUN_NAME_TAG).map(|tag| tag.value.as_str());
        let name = validate::run_name(run_name.as_deref(), tagged)?.map(str::to_owned);
        Ok(CreateRun { experiment_id, start_time, name, user_id, tags })
    }
}

/// `POST runs/create`
pub async fn create(app: AppState, caller: Caller, request: CreateRun) -> Result<Json<CreatedRun>> {
    let name = match request.name {
        Some(name) => name,
        None => run_name::generate(u64::from_le_bytes(random_bytes()?)),
    };
    let new = NewRun {
        run_id: hexadecimal(&random_bytes::<16>()?),
        experiment_id: request.experiment_id,
        name: cut_tag(&name, app.options.long_values)?,
        // Whoever signed in is the owner, whatever the client says of itself.
        user_id: caller.account().map_or(request.user_id, |_| caller.name().to_owned()),
        start_ms: request.start_time,
        tags: cut_tags(request.tags, app.options.long_values)?,
    };
    let tags = tags_as_stored(&new);
    let info = app.store.create_run(&caller, new).await?;
    let (metrics, params, datasets, model_inputs, model_outputs) = Default::default();
    Ok(Json(CreatedRun(Run { info, metrics, params, tags, datasets, model_inputs, model_outputs })))
}

/// The tags of a new run as reading it will give them: sorted, the last one of a key, and the name among them.
fn tags_as_stored(new: &NewRun) -> Vec<KeyValue> {
    let mut tags: BTreeMap<&str, &str> = new.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
    tags.insert(RUN_NAME_TAG, &new.name);
    tags.into_iter().map(|(key, value)| KeyValue { key: key.to_owned(), value: value.to_owned() }).collect()
}

/// A run that was made or found.
pub struct CreatedRun(Run);

impl Serialize for CreatedRun {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Reply<'a> {
            run: RunJson<'a>,
        }
        Reply { run: RunJson::whole(&self.0) }.serialize(serializer)
    }
}

/// A request about one run, which may name it `run_id` or `run_uuid`.
pub struct RunId(String);

impl Request for RunId {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        checked_run_id(fields.run_id()?).map(RunId)
    }
}

fn checked_run_id(run_id: String) -> Result<String> {
    validate::no_nul("run_id", &run_id)?;
    Ok(run_id)
}

/// `GET runs/get`
pub async fn get(app: AppState, caller: Caller, RunId(run_id): RunId) -> Result<Json<CreatedRun>> {
    let run = app.store.find_run(&caller, &run_id).await?;
    Ok(Json(CreatedRun(run.ok_or(Error::NotFound(Resource::Run(run_id)))?)))
}

/// `runs/update`.
pub struct UpdateRun {
    run_id: String,
    update: RunUpdate,
}

impl Request for UpdateRun {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_id = checked_run_id(fields.run_id()?)?;
        let status = read_status(fields)?;
        let end_ms = fields.integer("end_time")?;
        // An empty name is ignored (contract section 3).
        let name = fields.text("run_name")?.filter(|name| !name.is_empty());
        validate::no_nul("run_name", name.as_deref().unwrap_or_default())?;
        Ok(UpdateRun { run_id, update: RunUpdate { status, end_ms, name } })
    }
}

/// What a run is after a change.
pub struct UpdatedRun(crate::model::RunInfo);

impl Serialize for UpdatedRun {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Reply<'a> {
            run_info: RunInfoJson<'a>,
        }
        Reply { run_info: RunInfoJson::from(&self.0) }.serialize(serializer)
    }
}

/// `POST runs/update`
pub async fn update(app: AppState, caller: Caller, request: UpdateRun) -> Result<Json<UpdatedRun>> {
    let mut update = request.update;
    update.name = update.name.map(|name| cut_tag(&name, app.options.long_values)).transpose()?;
    Ok(Json(UpdatedRun(app.store.update_run(&caller, &request.run_id, update).await?)))
}

/// A request about one run that names it `run_id` and nothing else.
pub struct OnlyRunId(String);

impl Request for OnlyRunId {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        checked_run_id(fields.required_text("run_id")?).map(OnlyRunId)
    }
}

/// `POST runs/delete`
pub async fn delete(app: AppState, caller: Caller, OnlyRunId(run_id): OnlyRunId) -> Result<Json<Empty>> {
    app.store.delete_run(&caller, &run_id, (app.clock)()).await?;
    Ok(Json(Empty {}))
}

/// `POST runs/restore`
pub async fn restore(app: AppState, caller: Caller, OnlyRunId(run_id): OnlyRunId) -> Result<Json<Empty>> {
    app.store.restore_run(&caller, &run_id).await?;
    Ok(Json(Empty {}))
}

/// `runs/delete-tag`.
pub struct DeleteRunTag {
    run_id: String,
    key: String,
}

impl Request for DeleteRunTag {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_id = checked_run_id(fields.required_text("run_id")?)?;
        let key = fields.required_text("key")?;
        validate::no_nul("key", &key)?;
        Ok(DeleteRunTag { run_id, key })
    }
}

/// `POST runs/delete-tag`
pub async fn delete_tag(app: AppState, caller: Caller, request: DeleteRunTag) -> Result<Json<Empty>> {
    app.store.delete_run_tag(&caller, &request.run_id, &request.key).await?;
    Ok(Json(Empty {}))
}

/// `runs/search`.
pub struct SearchRuns {
    experiment_ids: Vec<String>,
    filter: String,
    view: ViewType,
    max_results: i64,
    order_by: Vec<String>,
    page_token: Option<String>,
}

impl Request for SearchRuns {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        Ok(SearchRuns {
            experiment_ids: fields.texts("experiment_ids")?,
            filter: fields.text("filter")?.unwrap_or_default(),
            view: read_view(fields, "run_view_type")?,
            max_results: validate::run_results(fields.integer("max_results")?)?,
            order_by: fields.texts("order_by")?,
            page_token: fields.text("page_token")?,
        })
    }
}

/// `POST runs/search`
pub async fn search(app: AppState, caller: Caller, request: SearchRuns) -> Result<Response> {
    let experiments: Vec<i64> =
        request.experiment_ids.iter().map(|id| validate::experiment_id(id)).collect::<Result<_>>()?;
    let (ids_text, order_text) = (request.experiment_ids.join(","), request.order_by.join(","));
    let view_text = format!("{:?}", request.view);
    let arguments = ["runs", &ids_text, &view_text, &request.filter, &order_text];
    let search = RunSearch {
        experiments,
        view: request.view,
        filter: parse_run_filter(&request.filter)?,
        order: parse_run_order(&request.order_by)?,
        after: page_token::decode::<RunCursor>(&arguments, request.page_token.as_deref())?,
        limit: usize::try_from(request.max_results).map_err(Error::internal)?,
    };
    let mut page = app.store.search_runs(&caller, search).await?;
    let next = page.next.take().map(|place| page_token::encode(&arguments, place)).transpose()?;
    found_runs(page, next).await
}

/// Writes a page of runs part by part, so that neither many runs nor large ones need memory for all of them.
async fn found_runs(mut page: RunPage, next_page_token: Option<String>) -> Result<Response> {
    // The first part before the answer begins: what fails now can still be told with a status.
    let first = page.next_part(document).await?;
    let end = match (&next_page_token, first.is_empty()) {
        (Some(token), _) => format!("],\"next_page_token\":\"{token}\"}}"),
        (None, true) => return Ok(super::reply::json_bytes("{}")),
        (None, false) => "]}".to_owned(),
    };
    enum State {
        Part(RunPage, Vec<RunDocument>, &'static str, String),
        End,
    }
    let parts = stream::try_unfold(State::Part(page, first, "{\"runs\":[", end), |state| async move {
        let State::Part(mut page, runs, opening, end) = state else { return Ok::<_, Error>(None) };
        let mut json = opening.as_bytes().to_vec();
        for (position, run) in runs.iter().enumerate() {
            if position > 0 {
                json.push(b',');
            }
            push_document(&mut json, run);
        }
        let following = page.next_part(document).await?;
        if following.is_empty() {
            json.extend_from_slice(end.as_bytes());
            return Ok(Some((Bytes::from(json), State::End)));
        }
        Ok(Some((Bytes::from(json), State::Part(page, following, ",", end))))
    });
    Ok(json_body(Body::from_stream(parts)))
}

fn cut_tags(mut tags: Vec<KeyValue>, long_values: LongValues) -> Result<Vec<KeyValue>> {
    let count = tags.len();
    for (index, tag) in tags.iter_mut().enumerate() {
        let kept = validate::tag_value(Place::in_list("tags", index, count), &tag.value, long_values)?.len();
        tag.value.truncate(kept);
    }
    Ok(tags)
}

/// A name is also the value of a tag, and so as long as one may be.
fn cut_tag(name: &str, long_values: LongValues) -> Result<String> {
    validate::tag_value(Place::Alone, name, long_values).map(str::to_owned)
}

pub(super) fn random_bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(anyhow::anyhow!("no randomness: {error}")))?;
    Ok(bytes)
}
