//! `POST inline-curves`: one metric of many runs as curves that fit into the cells of a table.

use axum::response::Response;

use super::numbers::{Digits, put, put_integer};
use super::{read_flag, read_names};
use crate::error::{Error, Result};
use crate::http::fields::Fields;
use crate::http::reply::json_bytes;
use crate::http::routes::Request;
use crate::model::Caller;
use crate::state::AppState;
use crate::store::{InlineCurve, InlineRequest};
use crate::validate;

/// Runs of one request.
const MAX_RUNS: usize = 1_000;

/// `inline-curves`.
pub struct ReadInlineCurves(InlineRequest);

impl Request for ReadInlineCurves {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_ids = read_names(fields, "run_ids", MAX_RUNS)?;
        let metric = fields.required_text("metric")?;
        validate::no_nul("metric", &metric)?;
        Ok(ReadInlineCurves(InlineRequest { run_ids, metric, joined: read_flag(fields, "joined")? }))
    }
}

/// `POST inline-curves`
pub async fn read(app: AppState, caller: Caller, ReadInlineCurves(request): ReadInlineCurves) -> Result<Response> {
    let curves = app.store.read_inline_curves(&caller, request).await?;
    let mut json = Vec::with_capacity(512 * curves.len() + 16);
    json.extend_from_slice(b"{\"curves\":[");
    for (position, curve) in curves.iter().enumerate() {
        if position > 0 {
            json.push(b',');
        }
        put_curve(&mut json, curve)?;
    }
    json.extend_from_slice(b"]}");
    Ok(json_bytes(json))
}

fn put_curve(json: &mut Vec<u8>, curve: &InlineCurve) -> Result<()> {
    json.extend_from_slice(b"{\"run_id\":");
    serde_json::to_writer(&mut *json, &curve.run_id).map_err(Error::internal)?;
    json.extend_from_slice(b",\"total\":");
    put_integer(json, curve.total);
    json.extend_from_slice(b",\"nan\":");
    put_integer(json, curve.nan);
    if let Some((first, last)) = curve.steps {
        json.extend_from_slice(b",\"first_x\":");
        put_integer(json, first);
        json.extend_from_slice(b",\"last_x\":");
        put_integer(json, last);
    }
    if let Some(last) = curve.last {
        json.extend_from_slice(b",\"last\":");
        put(json, last.value.get(), Digits::Five);
    }
    json.extend_from_slice(b",\"mean\":[");
    for (position, mean) in curve.mean.iter().enumerate() {
        if position > 0 {
            json.push(b',');
        }
        match mean {
            Some(mean) => put(json, *mean, Digits::Five),
            None => json.extend_from_slice(b"null"),
        }
    }
    json.extend_from_slice(b"]}");
    Ok(())
}
