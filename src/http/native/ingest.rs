//! `ingest/…`: runs that were logged elsewhere arrive under their own ids.

use std::borrow::Cow;

use axum::Extension;
use serde::Deserialize;

use super::{invalid, read_names};
use crate::error::{Error, Result};
use crate::http::fields::{self, Fields};
use crate::http::layers::CompressAnyway;
use crate::http::reply::{Empty, Json};
use crate::http::routes::Request;
use crate::http::wire::read_pairs;
use crate::ingest::{self, Have, HaveFiles, IngestedRun, MAX_RUNS, Number, RunStates};
use crate::model::{Caller, KeyValue, MetricValue, Point};
use crate::run_name;
use crate::state::AppState;
use crate::store::{LogBatch, NewRun};
use crate::validate::{self, Place, excerpt};

/// `ingest/states`.
pub struct IngestStates {
    run_ids: Vec<String>,
}

impl Request for IngestStates {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        Ok(IngestStates { run_ids: read_names(fields, "run_ids", MAX_RUNS)? })
    }
}

/// `POST ingest/states`
pub async fn states(app: AppState, caller: Caller, request: IngestStates) -> Result<Json<RunStates>> {
    let run_ids: Vec<&str> = request.run_ids.iter().map(String::as_str).collect();
    Ok(Json(ingest::states(&app.store, &caller, &run_ids).await?))
}

/// `ingest/have`.
pub struct IngestHave {
    run_id: String,
}

impl Request for IngestHave {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        Ok(IngestHave { run_id: read_run_id(fields)? })
    }
}

/// `POST ingest/have`
pub async fn have(
    app: AppState,
    caller: Caller,
    request: IngestHave,
) -> Result<(Extension<CompressAnyway>, Json<Have>)> {
    let have = ingest::have(&app.store, &app.artifacts, &caller, &request.run_id).await?;
    Ok((Extension(CompressAnyway), Json(have)))
}

/// `ingest/files`.
pub struct IngestFiles {
    run_id: String,
    after: Option<String>,
}

impl Request for IngestFiles {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let (run_id, after) = (read_run_id(fields)?, fields.text("after")?);
        if let Some(after) = &after {
            validate::no_nul("after", after)?;
        }
        Ok(IngestFiles { run_id, after })
    }
}

/// `POST ingest/files`
pub async fn files(app: AppState, caller: Caller, request: IngestFiles) -> Result<Json<HaveFiles>> {
    let IngestFiles { run_id, after } = request;
    Ok(Json(ingest::files(&app.store, &app.artifacts, &caller, &run_id, after.as_deref()).await?))
}

/// `ingest/create`.
pub struct IngestCreate(NewRun);

impl Request for IngestCreate {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_id = read_run_id(fields)?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if run_id.len() != 32 || !run_id.bytes().all(is_digit) {
            return Err(invalid("run_id", &run_id, "a run's id has 32 lower-case hexadecimal digits"));
        }
        let experiment_id = validate::experiment_id(&fields.required_text("experiment_id")?)?;
        let start_ms = fields.integer("start_time")?.ok_or_else(|| fields.missing("start_time"))?;
        let user_id = fields.text("user_id")?.unwrap_or_default();
        validate::user_id(&user_id)?;
        let tags = read_pairs(fields, "tags")?;
        for (index, tag) in tags.iter().enumerate() {
            let place = Place::in_list("tags", index, tags.len());
            validate::tag_key(place, &tag.key)?;
            validate::ingested_value(place, &tag.key, &tag.value)?;
        }
        // A run without a name gets one that says which run it is, and the same each time.
        let name = fields.text("run_name")?.filter(|name| !name.is_empty());
        let name =
            name.unwrap_or_else(|| run_name::generate(u64::from_str_radix(&run_id[..16], 16).unwrap_or_default()));
        validate::no_nul("run_name", &name)?;
        Ok(IngestCreate(NewRun { run_id, experiment_id, name, user_id, start_ms, tags }))
    }
}

/// `POST ingest/create`
pub async fn create(app: AppState, caller: Caller, request: IngestCreate) -> Result<Json<IngestedRun>> {
    Ok(Json(ingest::create(&app.store, &app.artifacts, &caller, request.0).await?))
}

/// `ingest/parts`.
pub struct IngestParts {
    run_id: String,
    batch: LogBatch,
}

/// The body of `ingest/parts` as its senders write it.
#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow)]
    run_id: Cow<'a, str>,
    #[serde(borrow, default)]
    params: Vec<PairPart<'a>>,
    #[serde(borrow, default)]
    tags: Vec<PairPart<'a>>,
    #[serde(borrow, default)]
    series: Vec<SeriesPart<'a>>,
}

#[derive(Deserialize)]
struct PairPart<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

#[derive(Deserialize)]
struct SeriesPart<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    timestamps: Vec<i64>,
    steps: Vec<i64>,
    values: Vec<Number>,
}

impl Request for IngestParts {
    fn from_body(body: &[u8]) -> Result<Self> {
        match serde_json::from_slice::<Parts<'_>>(body) {
            Ok(parts) => parts.check(),
            // The patient rules find the words for the error.
            Err(_) => Self::from_fields(&mut Fields::from_body(body)?),
        }
    }

    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_id = read_run_id(fields)?;
        let pairs = |pairs: Vec<KeyValue>| {
            let pair = |KeyValue { key, value }: KeyValue| PairPart { key: key.into(), value: value.into() };
            pairs.into_iter().map(pair).collect()
        };
        let params = pairs(read_pairs(fields, "params")?);
        let tags = pairs(read_pairs(fields, "tags")?);
        let mut series = Vec::new();
        for mut item in fields.objects("series")? {
            let key = item.required_text("key")?.into();
            let timestamps = read_numbers(&mut item, "timestamps", fields::integer)?;
            let steps = read_numbers(&mut item, "steps", fields::integer)?;
            let values = read_numbers(&mut item, "values", fields::double)?.into_iter().map(Number).collect();
            series.push(SeriesPart { key, timestamps, steps, values });
        }
        Parts { run_id: run_id.into(), params, tags, series }.check()
    }
}

impl Parts<'_> {
    fn check(self) -> Result<IngestParts> {
        validate::run_id_form(&self.run_id)?;
        let pairs = |list: &'static str, check_key: fn(Place, &str) -> Result<()>, pairs: Vec<PairPart<'_>>| {
            let count = pairs.len();
            let pair = |(index, PairPart { key, value }): (usize, PairPart<'_>)| {
                let pair = KeyValue { key: key.into_owned(), value: value.into_owned() };
                let place = Place::in_list(list, index, count);
                check_key(place, &pair.key)?;
                validate::ingested_value(place, &pair.key, &pair.value)?;
                Ok(pair)
            };
            pairs.into_iter().enumerate().map(pair).collect::<Result<Vec<_>>>()
        };
        let params = pairs("params", validate::param_key, self.params)?;
        validate::unique_param_keys(params.iter().map(|param| param.key.as_str()))?;
        let tags = pairs("tags", validate::tag_key, self.tags)?;
        let count = self.series.len();
        let series = self.series.into_iter().enumerate();
        let series = series.map(|(index, part)| part.check(Place::in_list("series", index, count), index));
        let batch = LogBatch { series: series.collect::<Result<_>>()?, params, tags, ..LogBatch::default() };
        Ok(IngestParts { run_id: self.run_id.into_owned(), batch })
    }
}

impl SeriesPart<'_> {
    fn check(self, place: Place, index: usize) -> Result<(String, Vec<Point>)> {
        let SeriesPart { key, timestamps, steps, values } = self;
        validate::metric_key(place, &key)?;
        if timestamps.len() != values.len() || steps.len() != values.len() {
            return Err(Error::Invalid(format!(
                "'series[{index}]' ('{}') has {} timestamps, {} steps and {} values; it must have as many of each",
                excerpt(&key),
                timestamps.len(),
                steps.len(),
                values.len()
            )));
        }
        let points = timestamps.into_iter().zip(steps).zip(values);
        let point = |((timestamp_ms, step), Number(value)): ((i64, i64), Number)| {
            validate::timestamp(place, &key, value, timestamp_ms)?;
            Ok(Point { timestamp_ms, step, value: MetricValue::new(value) })
        };
        let points = points.map(point).collect::<Result<_>>()?;
        Ok((key.into_owned(), points))
    }
}

/// `POST ingest/parts`
pub async fn parts(app: AppState, caller: Caller, request: IngestParts) -> Result<Json<Empty>> {
    app.store.log(&caller, &request.run_id, request.batch).await?;
    Ok(Json(Empty {}))
}

fn read_run_id(fields: &mut Fields) -> Result<String> {
    let run_id = fields.run_id()?;
    validate::run_id_form(&run_id)?;
    Ok(run_id)
}

fn read_numbers<T>(fields: &mut Fields, name: &str, read: impl Fn(&serde_json::Value) -> Option<T>) -> Result<Vec<T>> {
    let items = match fields.take(name)? {
        Some(serde_json::Value::Array(items)) => items,
        Some(other) => return Err(fields.wrong_type(name, &other)),
        None => return Err(fields.missing(name)),
    };
    items.iter().map(|item| read(item).ok_or_else(|| fields.wrong_type(name, item))).collect()
}
