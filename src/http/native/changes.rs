//! `GET changes`: what has changed since a page looked last.

use serde::Serialize;

use super::read_experiments;
use crate::error::{Error, Result};
use crate::http::fields::Fields;
use crate::http::reply::Json;
use crate::http::routes::Request;
use crate::model::Caller;
use crate::state::AppState;
use crate::store::{ChangedRun, Changes};
use crate::validate::excerpt;

/// `changes`.
pub struct ListChanges {
    since: Option<i64>,
    experiments: Vec<i64>,
}

impl Request for ListChanges {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let since = match fields.text("since")?.filter(|since| !since.is_empty()) {
            None => None,
            Some(since) => Some(since.parse().ok().filter(|since| *since >= 0).ok_or_else(|| {
                Error::Invalid(format!(
                    "Invalid value '{}' for parameter 'since' supplied. It must be a cursor of an earlier answer.",
                    excerpt(&since)
                ))
            })?),
        };
        Ok(ListChanges { since, experiments: read_experiments(fields)? })
    }
}

/// What changed.
#[derive(Serialize)]
pub struct FoundChanges {
    cursor: String,
    /// Whether everything may have changed.
    reset: bool,
    experiments: Vec<String>,
    runs: Vec<ChangedRunJson>,
}

#[derive(Serialize)]
struct ChangedRunJson {
    run_id: String,
    experiment_id: String,
    kinds: Vec<&'static str>,
}

/// `GET changes`
pub async fn list(app: AppState, caller: Caller, request: ListChanges) -> Result<Json<FoundChanges>> {
    let Changes { cursor, runs, experiments } =
        app.store.list_changes(&caller, request.since, &request.experiments).await?;
    Ok(Json(FoundChanges {
        cursor: cursor.to_string(),
        reset: runs.is_none(),
        experiments: experiments.iter().map(i64::to_string).collect(),
        runs: runs.unwrap_or_default().into_iter().map(ChangedRunJson::from).collect(),
    }))
}

impl From<ChangedRun> for ChangedRunJson {
    fn from(run: ChangedRun) -> Self {
        let kinds = [("points", run.points), ("params", run.params), ("info", run.info)];
        let kinds = kinds.into_iter().filter_map(|(kind, changed)| changed.then_some(kind)).collect();
        ChangedRunJson { run_id: run.run_id, experiment_id: run.experiment_id.to_string(), kinds }
    }
}
