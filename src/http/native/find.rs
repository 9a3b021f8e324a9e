//! `GET find`: experiments and runs by what people have at hand.

use serde::Serialize;

use super::read_bounded;
use crate::error::Result;
use crate::http::fields::Fields;
use crate::http::reply::Json;
use crate::http::routes::Request;
use crate::model::{Caller, RunInfo};
use crate::state::AppState;
use crate::store::Found;
use crate::validate;

/// Experiments, and runs, of one answer.
const MAX_FOUND: i64 = 50;

/// `find`.
pub struct FindByText {
    text: String,
    limit: usize,
}

impl Request for FindByText {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let text = fields.text("text")?.unwrap_or_default();
        validate::no_nul("text", &text)?;
        Ok(FindByText { text: text.trim().to_owned(), limit: read_bounded(fields, "limit", 8, 1..=MAX_FOUND)? })
    }
}

/// What was found.
#[derive(Serialize)]
pub struct FoundByText {
    experiments: Vec<ExperimentJson>,
    runs: Vec<RunJson>,
}

#[derive(Serialize)]
struct ExperimentJson {
    experiment_id: String,
    name: String,
}

#[derive(Serialize)]
struct RunJson {
    run_id: String,
    run_name: String,
    experiment_id: String,
    experiment_name: String,
    status: &'static str,
    start_time: i64,
    user_id: String,
}

/// `GET find`
pub async fn find(app: AppState, caller: Caller, request: FindByText) -> Result<Json<FoundByText>> {
    let Found { experiments, runs } = app.store.find_by_text(&caller, &request.text, request.limit).await?;
    let experiment = |(id, name): (i64, String)| ExperimentJson { experiment_id: id.to_string(), name };
    let run = |(run, experiment_name): (RunInfo, String)| RunJson {
        run_id: run.run_id,
        run_name: run.name,
        experiment_id: run.experiment_id.to_string(),
        experiment_name,
        status: run.status.as_str(),
        start_time: run.start_ms,
        user_id: run.user_id,
    };
    Ok(Json(FoundByText {
        experiments: experiments.into_iter().map(experiment).collect(),
        runs: runs.into_iter().map(run).collect(),
    }))
}
