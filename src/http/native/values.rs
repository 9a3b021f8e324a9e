//! `POST values`: metrics of runs in few numbers, side by side.

use serde::{Serialize, Serializer};

use super::{NumberJson, read_any_names, read_flag, read_names};
use crate::error::Result;
use crate::http::fields::Fields;
use crate::http::reply::Json;
use crate::http::routes::Request;
use crate::model::Caller;
use crate::state::AppState;
use crate::store::{FoundValues, MetricCell, MetricRow, ValuesRequest};

/// Runs of one answer.
const MAX_RUNS: usize = 100;
/// Metrics of one answer.
const MAX_METRICS: usize = 1_000;

/// `values`.
pub struct ReadValues(ValuesRequest);

impl Request for ReadValues {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_ids = read_names(fields, "run_ids", MAX_RUNS)?;
        let metrics = read_any_names(fields, "metrics", MAX_METRICS)?;
        Ok(ReadValues(ValuesRequest {
            run_ids,
            metrics,
            step: fields.integer("step")?,
            joined: read_flag(fields, "joined")?,
        }))
    }
}

/// Metrics and what each run has of them.
#[derive(Serialize)]
pub struct ValuesReply {
    run_ids: Vec<String>,
    rows: Vec<RowJson>,
    truncated: bool,
}

#[derive(Serialize)]
struct RowJson {
    metric: String,
    cells: Vec<Option<CellJson>>,
}

#[derive(Serialize)]
struct CellJson {
    count: u64,
    nan: u64,
    last: NumberJson,
    last_step: i64,
    last_time: i64,
    min: Option<NumberJson>,
    min_step: Option<i64>,
    max: Option<NumberJson>,
    max_step: Option<i64>,
    first_step: Option<i64>,
    #[serde(flatten)]
    at: Option<AtJson>,
}

/// What there is at the step that was asked for.
struct AtJson(Option<(f64, i64)>);

/// `POST values`
pub async fn read(app: AppState, caller: Caller, ReadValues(request): ReadValues) -> Result<Json<ValuesReply>> {
    let FoundValues { run_ids, rows, truncated } = app.store.read_values(&caller, &request).await?;
    let with_step = request.step.is_some();
    let row = |row: MetricRow| RowJson {
        metric: row.metric,
        cells: row.cells.into_iter().map(|cell| cell.map(|cell| CellJson::new(cell, with_step))).collect(),
    };
    Ok(Json(ValuesReply { run_ids, rows: rows.into_iter().map(row).collect(), truncated }))
}

impl CellJson {
    fn new(MetricCell { latest, extremes }: MetricCell, with_step: bool) -> Self {
        CellJson {
            count: extremes.count,
            nan: extremes.nan,
            last: NumberJson(latest.value.get()),
            last_step: latest.step,
            last_time: latest.timestamp_ms,
            min: extremes.min.map(|(value, _)| NumberJson(value)),
            min_step: extremes.min.map(|(_, step)| step),
            max: extremes.max.map(|(value, _)| NumberJson(value)),
            max_step: extremes.max.map(|(_, step)| step),
            first_step: extremes.first_step,
            at: with_step.then(|| AtJson(extremes.at.map(|(value, step)| (value.get(), step)))),
        }
    }
}

impl Serialize for AtJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Told {
            at: Option<NumberJson>,
            at_step: Option<i64>,
        }
        Told { at: self.0.map(|(value, _)| NumberJson(value)), at_step: self.0.map(|(_, step)| step) }
            .serialize(serializer)
    }
}
