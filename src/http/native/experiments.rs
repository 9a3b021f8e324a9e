//! `GET experiments`: all experiments with what goes on in them.

use serde::Serialize;

use crate::error::Result;
use crate::http::fields::Fields;
use crate::http::reply::Json;
use crate::http::routes::Request;
use crate::http::wire::{ExperimentJson, read_view};
use crate::model::{Caller, ViewType};
use crate::state::AppState;
use crate::store::ExperimentSummary;

/// `experiments`.
pub struct ListExperiments(ViewType);

impl Request for ListExperiments {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        read_view(fields, "view_type").map(ListExperiments)
    }
}

/// Experiments and what goes on in them.
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
    failed_recently: i64,
    deleted_runs: i64,
    last_start_time: Option<i64>,
    last_activity: i64,
    users: Vec<String>,
    user_count: usize,
    artifact_bytes: i64,
}

/// `GET experiments`
pub async fn list(
    app: AppState,
    caller: Caller,
    ListExperiments(view): ListExperiments,
) -> Result<Json<ExperimentSummaries>> {
    let found = app.store.list_experiment_summaries(&caller, view, (app.clock)()).await?;
    let json = |summary: ExperimentSummary| SummaryJson {
        experiment: ExperimentJson::from(summary.experiment),
        runs: summary.runs,
        running: summary.running,
        failed_recently: summary.failed_recently,
        deleted_runs: summary.deleted_runs,
        last_start_time: summary.last_start_ms,
        last_activity: summary.last_activity_ms,
        users: summary.users,
        user_count: summary.user_count,
        artifact_bytes: summary.artifact_bytes,
    };
    Ok(Json(ExperimentSummaries { experiments: found.into_iter().map(json).collect() }))
}
