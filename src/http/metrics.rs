//! `metrics/…`: histories, whole, in pages, of several runs, and sampled (contract section 3).

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;

use super::fields::Fields;
use super::page_token;
use super::reply::{json_body, json_bytes};
use super::routes::Request;
use crate::error::{Error, Result};
use crate::model::{Caller, MetricValue, Point};
use crate::state::AppState;
use crate::store::RunPoints;
use crate::validate;

/// Points that are read from the store and written at once: bounds the memory of an answer, and how long it holds a
/// snapshot.
const POINTS_PER_PART: usize = 25_000;

/// `metrics/get-history`.
pub struct GetHistory {
    run_id: String,
    key: String,
    limit: Option<i64>,
    page_token: Option<String>,
}

impl Request for GetHistory {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_id = fields.run_id()?;
        let key = fields.required_text("metric_key")?;
        validate::no_nul("run_id", &run_id)?;
        validate::no_nul("metric_key", &key)?;
        let limit = validate::history_results(fields.integer("max_results")?)?;
        Ok(GetHistory { run_id, key, limit, page_token: fields.text("page_token")? })
    }
}

/// What is still to be written of a history.
struct Rest {
    app: AppState,
    caller: Caller,
    run_id: String,
    key: String,
    /// The first fields of every point, written once.
    opening: Vec<u8>,
    points: Vec<Point>,
    more: bool,
    left: usize,
    first: bool,
}

/// `GET metrics/get-history`
///
/// Written by hand and part by part: a million points are 80 MB of text.
pub async fn get_history(app: AppState, caller: Caller, request: GetHistory) -> Result<Response> {
    let GetHistory { run_id, key, limit, page_token } = request;
    let place: Option<(i64, i64, u64)> = page_token::decode(&["history", &run_id, &key], page_token.as_deref())?;
    let after = place.map(|(timestamp_ms, step, bits)| Point {
        timestamp_ms,
        step,
        value: MetricValue::new(f64::from_bits(bits)),
    });
    let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let part = limit.min(POINTS_PER_PART);
    let page = app.store.list_history(&caller, &run_id, &key, after, part).await?;
    if page.points.is_empty() {
        return Ok(json_bytes("{}"));
    }
    let opening = point_opening(&key)?;
    let left = limit - page.points.len();
    let rest = Rest { app, caller, run_id, key, opening, points: page.points, more: page.more, left, first: true };
    Ok(json_body(Body::from_stream(stream::try_unfold(Some(rest), next_part))))
}

async fn next_part(rest: Option<Rest>) -> Result<Option<(Bytes, Option<Rest>)>> {
    let Some(mut rest) = rest else { return Ok(None) };
    let mut json = Vec::with_capacity(rest.points.len() * (rest.opening.len() + 64) + 128);
    json.extend_from_slice(if rest.first { b"{\"metrics\":[" } else { b"," });
    write_points(&mut json, &rest.opening, &rest.points, b"");
    let last = rest.points.last().copied();
    if rest.more && rest.left > 0 {
        let part = rest.left.min(POINTS_PER_PART);
        let page = rest.app.store.list_history(&rest.caller, &rest.run_id, &rest.key, last, part).await?;
        if !page.points.is_empty() {
            rest.left -= page.points.len();
            (rest.points, rest.more, rest.first) = (page.points, page.more, false);
            return Ok(Some((json.into(), Some(rest))));
        }
        // The rest was purged meanwhile.
        rest.more = false;
    }
    json.push(b']');
    if rest.more
        && let Some(last) = last
    {
        let place = (last.timestamp_ms, last.step, last.value.get().to_bits());
        let token = page_token::encode(&["history", &rest.run_id, &rest.key], place)?;
        json.extend_from_slice(format!(",\"next_page_token\":\"{token}\"").as_bytes());
    }
    json.push(b'}');
    Ok(Some((json.into(), None)))
}

/// `{"key":"…","value":`
fn point_opening(key: &str) -> Result<Vec<u8>> {
    let mut opening = b"{\"key\":".to_vec();
    serde_json::to_writer(&mut opening, key).map_err(Error::internal)?;
    opening.extend_from_slice(b",\"value\":");
    Ok(opening)
}

fn write_points(json: &mut Vec<u8>, opening: &[u8], points: &[Point], closing: &[u8]) {
    let (mut integers, mut doubles) = (itoa::Buffer::new(), ryu::Buffer::new());
    for (position, point) in points.iter().enumerate() {
        if position > 0 {
            json.push(b',');
        }
        json.extend_from_slice(opening);
        if point.value.is_nan() {
            json.extend_from_slice(b"\"NaN\"");
        } else {
            json.extend_from_slice(doubles.format_finite(point.value.get()).as_bytes());
        }
        json.extend_from_slice(b",\"timestamp\":");
        json.extend_from_slice(integers.format(point.timestamp_ms).as_bytes());
        json.extend_from_slice(b",\"step\":");
        json.extend_from_slice(integers.format(point.step).as_bytes());
        json.extend_from_slice(closing);
        json.push(b'}');
    }
}

/// `metrics/get-history-bulk`.
pub struct GetBulkHistory {
    run_ids: Vec<String>,
    key: String,
    limit: i64,
}

impl Request for GetBulkHistory {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_ids = fields.texts("run_id")?;
        validate::bulk_runs(run_ids.len())?;
        let key = fields.text("metric_key")?;
        let key = validate::bulk_metric_key(key.as_deref())?.to_owned();
        no_nul(&run_ids, &key)?;
        let limit = validate::bulk_results(fields.integer("max_results")?)?;
        Ok(GetBulkHistory { run_ids, key, limit })
    }
}

/// `GET metrics/get-history-bulk`
pub async fn get_bulk_history(app: AppState, caller: Caller, request: GetBulkHistory) -> Result<Response> {
    let run_ids: Vec<&str> = request.run_ids.iter().map(String::as_str).collect();
    let limit = usize::try_from(request.limit).map_err(Error::internal)?;
    let runs = app.store.list_bulk_history(&caller, &run_ids, &request.key, limit).await?;
    Ok(json_bytes(runs_json(&request.key, &runs)?))
}

/// `metrics/get-history-bulk-interval`.
pub struct SampleHistories {
    run_ids: Vec<String>,
    key: String,
    steps: Option<(i64, i64)>,
    limit: i64,
}

impl Request for SampleHistories {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_ids = fields.texts("run_ids")?;
        validate::interval_runs(run_ids.len())?;
        let key = fields.required_text("metric_key")?;
        no_nul(&run_ids, &key)?;
        let limit = validate::interval_results(fields.integer("max_results")?)?;
        let steps = validate::step_interval(fields.integer("start_step")?, fields.integer("end_step")?)?;
        Ok(SampleHistories { run_ids, key, steps: steps.map(|steps| (*steps.start(), *steps.end())), limit })
    }
}

/// `GET metrics/get-history-bulk-interval`
pub async fn sample_histories(app: AppState, caller: Caller, request: SampleHistories) -> Result<Response> {
    let run_ids: Vec<&str> = request.run_ids.iter().map(String::as_str).collect();
    let limit = usize::try_from(request.limit).map_err(Error::internal)?;
    let runs = app.store.sample_histories(&caller, &run_ids, &request.key, request.steps, limit).await?;
    if runs.iter().all(|run| run.points.is_empty()) {
        return Ok(json_bytes("{}"));
    }
    Ok(json_bytes(runs_json(&request.key, &runs)?))
}

fn no_nul(run_ids: &[String], key: &str) -> Result<()> {
    validate::no_nul("metric_key", key)?;
    run_ids.iter().try_for_each(|run_id| validate::no_nul("run_id", run_id))
}

fn runs_json(key: &str, runs: &[RunPoints]) -> Result<Vec<u8>> {
    let opening = point_opening(key)?;
    let mut json = b"{\"metrics\":[".to_vec();
    for (position, run) in runs.iter().filter(|run| !run.points.is_empty()).enumerate() {
        if position > 0 {
            json.push(b',');
        }
        write_points(&mut json, &opening, &run.points, format!(",\"run_id\":\"{}\"", run.run_id).as_bytes());
    }
    json.extend_from_slice(b"]}");
    Ok(json)
}
