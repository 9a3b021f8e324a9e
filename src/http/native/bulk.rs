//! `POST runs/delete`, `runs/restore` and `runs/tag`: changes of many runs at once.

use serde::Serialize;

use super::{read_any_names, read_experiments, read_flag};
use crate::error::{Error, Result};
use crate::http::fields::Fields;
use crate::http::reply::Json;
use crate::http::routes::Request;
use crate::http::wire::read_view;
use crate::model::Caller;
use crate::search::parse_run_filter;
use crate::state::AppState;
use crate::store::{Kin, MAX_BULK_RUNS, RunSearch, RunSet};
use crate::validate::{self, Place};

/// The runs that a request names, or describes by a filter.
fn read_runs(fields: &mut Fields) -> Result<RunSet> {
    let named = read_any_names(fields, "run_ids", MAX_BULK_RUNS)?;
    let experiments = read_experiments(fields)?;
    let filter = fields.text("filter")?;
    let view = read_view(fields, "run_view_type")?;
    match (named.is_empty(), experiments.is_empty()) {
        (true, true) => Err(fields.missing("run_ids")),
        (false, false) => Err(Error::Invalid(
            "'run_ids' names the runs, and 'experiment_ids' with 'filter' describes them; only one of both can be given"
                .to_owned(),
        )),
        (false, true) => Ok(RunSet::Named(named)),
        (true, false) => Ok(RunSet::Matching(RunSearch {
            experiments,
            view,
            filter: parse_run_filter(&filter.unwrap_or_default())?,
            order: Vec::new(),
            after: None,
            limit: MAX_BULK_RUNS,
        })),
    }
}

/// `runs/delete` and `runs/restore`.
pub struct MoveRuns {
    runs: RunSet,
    kin: Kin,
}

impl Request for MoveRuns {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let kin = Kin { attempts: read_flag(fields, "with_attempts")?, children: read_flag(fields, "with_children")? };
        Ok(MoveRuns { runs: read_runs(fields)?, kin })
    }
}

/// `runs/tag`.
pub struct TagRuns {
    runs: RunSet,
    key: String,
    value: Option<String>,
}

impl Request for TagRuns {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let (key, value) = (fields.required_text("key")?, fields.text("value")?);
        validate::tag_key(Place::Alone, &key)?;
        Ok(TagRuns { runs: read_runs(fields)?, key, value })
    }
}

/// The runs that were changed.
#[derive(Serialize)]
pub struct ChangedRuns {
    run_ids: Vec<String>,
}

/// `POST runs/delete`
pub async fn delete(app: AppState, caller: Caller, MoveRuns { runs, kin }: MoveRuns) -> Result<Json<ChangedRuns>> {
    let run_ids = app.store.delete_runs(&caller, &runs, kin, (app.clock)()).await?;
    Ok(Json(ChangedRuns { run_ids }))
}

/// `POST runs/restore`
pub async fn restore(app: AppState, caller: Caller, MoveRuns { runs, kin }: MoveRuns) -> Result<Json<ChangedRuns>> {
    Ok(Json(ChangedRuns { run_ids: app.store.restore_runs(&caller, &runs, kin).await? }))
}

/// `POST runs/tag`
pub async fn tag(app: AppState, caller: Caller, request: TagRuns) -> Result<Json<ChangedRuns>> {
    let TagRuns { runs, key, value } = request;
    let value = match &value {
        Some(value) => Some(validate::tag_value(Place::Alone, value, app.options.long_values)?),
        None => None,
    };
    Ok(Json(ChangedRuns { run_ids: app.store.tag_runs(&caller, &runs, &key, value).await? }))
}
