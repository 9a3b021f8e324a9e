//! `GET experiments`: all experiments with the number of their runs.

use serde::Serialize;

use crate::error::Result;
use crate::http::fields::Fields;
use crate::http::reply::Json;
use crate::http::routes::Request;
use crate::http::wire::ExperimentJson;
use crate::model::Caller;
use crate::state::AppState;
use crate::store::ExperimentSummary;

/// `experiments`.
pub struct ListExperiments;

impl Request for ListExperiments {
    fn from_fields(_fields: &mut Fields) -> Result<Self> {
        Ok(ListExperiments)
    }
}

/// Experiments and their runs.
#[derive(Serialize)]
pub struct ExperimentSummaries {
    experiments: Vec<SummaryJson>,
}

#[derive(Serialize)]
struct SummaryJson {
    #[serde(flatten)]
    experiment: ExperimentJson,
    runs: i64,
    running: i64,
    deleted_runs: i64,
    last_start_time: Option<i64>,
}

/// `GET experiments`
pub async fn list(app: AppState, caller: Caller, _request: ListExperiments) -> Result<Json<ExperimentSummaries>> {
    let found = app.store.list_experiment_summaries(&caller).await?;
    let json = |summary: ExperimentSummary| SummaryJson {
        experiment: ExperimentJson::from(summary.experiment),
        runs: summary.runs,
        running: summary.running,
        deleted_runs: summary.deleted_runs,
        last_start_time: summary.last_start_ms,
    };
    Ok(Json(ExperimentSummaries { experiments: found.into_iter().map(json).collect() }))
}
