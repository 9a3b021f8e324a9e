//! `POST rows`: any part of a table of runs.

use serde::Serialize;
use serde::ser::SerializeSeq as _;

use super::{CellJson, NumberJson, read_bounded, read_search};
use crate::error::{Error, Result};
use crate::http::fields::Fields;
use crate::http::reply::Json;
use crate::http::routes::Request;
use crate::model::Caller;
use crate::search::{RunField, parse_run_columns};
use crate::state::AppState;
use crate::store::{
    Fork, Live, LiveLoss, Origin, Pace, Parent, ParentState, Role, Row, Rows, RowsSearch, RunSearch, TreeLevel, TreeRow,
};
use crate::validate;

/// Columns of one table.
const MAX_COLUMNS: usize = 200;
/// Rows of one answer.
const MAX_ROWS: i64 = 1_000;
/// Columns times rows: bounds the memory of one answer.
const MAX_CELLS: usize = 20_000;
/// The columns that every row begins with.
pub(super) const FIXED_COLUMNS: [&str; 3] = ["run_id", "experiment_id", "lifecycle_stage"];

/// `rows`.
pub struct ListRows {
    search: RunSearch,
    columns: Vec<RunField>,
    offset: usize,
    limit: usize,
    tree: Option<TreeLevel>,
    progress: bool,
    live: bool,
}

impl Request for ListRows {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let columns = fields.texts("columns")?;
        let limit = read_bounded(fields, "limit", 50, 0..=MAX_ROWS)?;
        if columns.len() > MAX_COLUMNS || columns.len() * limit > MAX_CELLS {
            return Err(Error::Invalid(format!(
                "'columns' has {} items and 'limit' is {limit}; at most {MAX_COLUMNS} columns and {MAX_CELLS} cells are \
                 allowed",
                columns.len()
            )));
        }
        Ok(ListRows {
            search: read_search(fields)?,
            columns: parse_run_columns(&columns)?,
            offset: read_bounded(fields, "offset", 0, 0..=i64::MAX)?,
            limit,
            tree: read_level(fields)?,
            progress: fields.flag("progress")?,
            live: fields.flag("live")?,
        })
    }
}

/// The level of a tree that is asked for, if a tree is.
fn read_level(fields: &mut Fields) -> Result<Option<TreeLevel>> {
    let is_tree = fields.flag("tree")?;
    let mut run = |name: &str| {
        let run_id = fields.text(name)?;
        run_id.as_deref().map_or(Ok(()), |run_id| validate::no_nul(name, run_id))?;
        Ok::<_, Error>(run_id)
    };
    match (run("attempts_of")?, run("children_of")?) {
        (None, None) => Ok(is_tree.then_some(TreeLevel::Top)),
        (Some(_), Some(_)) => Err(Error::Invalid(
            "'attempts_of' and 'children_of' name levels of a tree; only one of them can be asked for at once"
                .to_owned(),
        )),
        _ if !is_tree => Err(Error::Invalid(
            "'attempts_of' and 'children_of' name levels of a tree; they need 'tree' to be true".to_owned(),
        )),
        (Some(run_id), None) => Ok(Some(TreeLevel::AttemptsOf(run_id))),
        (None, Some(run_id)) => Ok(Some(TreeLevel::ChildrenOf(run_id))),
    }
}

/// A part of a table.
pub struct FoundRows {
    columns: Vec<RunField>,
    offset: usize,
    found: Rows,
}

/// `POST rows`
pub async fn list(app: AppState, caller: Caller, request: ListRows) -> Result<Json<FoundRows>> {
    let ListRows { search, columns, offset, limit, tree, progress, live } = request;
    let asked = RowsSearch { search, columns: columns.clone(), offset, limit, tree, paces: progress, live };
    let found = app.store.list_rows(&caller, asked).await?;
    Ok(Json(FoundRows { columns, offset, found }))
}

impl Serialize for FoundRows {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Reply<'a> {
            total: usize,
            offset: usize,
            columns: Vec<String>,
            rows: Vec<RowJson<'a>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            runs: Option<usize>,
            #[serde(skip_serializing_if = "Option::is_none")]
            trainings: Option<usize>,
            #[serde(skip_serializing_if = "Option::is_none")]
            tree: Option<Vec<TreeRowJson<'a>>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            progress: Option<Vec<Option<ProgressJson>>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            live: Option<Vec<Option<LiveJson<'a>>>>,
        }
        let tree = self.found.tree.as_ref();
        let fixed = FIXED_COLUMNS.iter().map(|name| (*name).to_owned());
        Reply {
            total: self.found.total,
            offset: self.offset,
            columns: fixed.chain(self.columns.iter().map(RunField::to_string)).collect(),
            rows: self.found.rows.iter().map(RowJson).collect(),
            runs: tree.map(|tree| tree.runs),
            trainings: tree.map(|tree| tree.trainings),
            tree: tree.map(|tree| tree.rows.iter().map(TreeRowJson::from).collect()),
            progress: self
                .found
                .paces
                .as_ref()
                .map(|paces| paces.iter().map(|it| it.map(ProgressJson::from)).collect()),
            live: (self.found.live.as_ref())
                .map(|live| live.iter().map(|it| it.as_ref().map(LiveJson::from)).collect()),
        }
        .serialize(serializer)
    }
}

/// A row as a list of its cells.
struct RowJson<'a>(&'a Row);

impl Serialize for RowJson<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let row = self.0;
        let mut cells = serializer.serialize_seq(Some(FIXED_COLUMNS.len() + row.values.len()))?;
        cells.serialize_element(&row.run_id)?;
        cells.serialize_element(&row.experiment_id.to_string())?;
        cells.serialize_element(row.lifecycle.as_str())?;
        for value in &row.values {
            cells.serialize_element(&CellJson(value))?;
        }
        cells.end()
    }
}

/// How far a run came, and how often it logs.
#[derive(Serialize)]
struct ProgressJson {
    last_step: i64,
    last_point_time: i64,
    usual_gap: Option<i64>,
    max_steps: Option<i64>,
}

impl From<Pace> for ProgressJson {
    fn from(Pace { last_step, last_point_ms, usual_gap_ms, max_steps }: Pace) -> Self {
        ProgressJson { last_step, last_point_time: last_point_ms, usual_gap: usual_gap_ms, max_steps }
    }
}

/// How a run fares that is at work.
#[derive(Serialize)]
struct LiveJson<'a> {
    steps_per_second: Option<f64>,
    loss: Option<LossJson<'a>>,
}

#[derive(Serialize)]
struct LossJson<'a> {
    metric: &'a str,
    last: NumberJson,
    last_step: i64,
    best: Option<f64>,
    best_step: Option<i64>,
    nan_since: Option<i64>,
    count: i64,
}

impl<'a> From<&'a Live> for LiveJson<'a> {
    fn from(Live { steps_per_second, loss }: &'a Live) -> Self {
        let loss = loss.as_ref().map(|LiveLoss { metric, last, last_step, best, nan_since, count }| LossJson {
            metric,
            last: NumberJson(*last),
            last_step: *last_step,
            best: best.map(|(value, _)| value),
            best_step: best.map(|(_, step)| step),
            nan_since: *nan_since,
            count: *count,
        });
        LiveJson { steps_per_second: *steps_per_second, loss }
    }
}

/// What is told of a row of a tree beside its cells; what does not apply to it is left out.
#[derive(Serialize)]
struct TreeRowJson<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<usize>,
    attempts: usize,
    copies: usize,
    prepared: usize,
    children: usize,
    matching: usize,
    runs: usize,
    matches: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<ParentJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fork: Option<ForkJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    training_time: Option<i64>,
}

#[derive(Serialize)]
struct ParentJson<'a> {
    run_id: &'a str,
    state: &'static str,
}

#[derive(Serialize)]
struct ForkJson<'a> {
    run_id: &'a str,
    here: bool,
    #[serde(flatten)]
    origin: Option<OriginJson<'a>>,
}

#[derive(Serialize)]
struct OriginJson<'a> {
    name: &'a str,
    experiment_id: String,
    step: Option<i64>,
}

impl<'a> From<&'a TreeRow> for TreeRowJson<'a> {
    fn from(row: &'a TreeRow) -> Self {
        let (role, attempt) = match row.role {
            None => (None, None),
            Some(Role::Prepared) => (Some("prepared"), None),
            Some(Role::Attempt(number)) => (Some("attempt"), Some(number)),
            Some(Role::Copy(number)) => (Some("copy"), Some(number)),
        };
        TreeRowJson {
            kind: if row.role.is_none() { "training" } else { "run" },
            role,
            attempt,
            attempts: row.attempts,
            copies: row.copies,
            prepared: row.prepared,
            children: row.children,
            matching: row.matching,
            runs: row.runs,
            matches: row.matches,
            parent: row
                .parent
                .as_ref()
                .map(|Parent { run_id, state }| ParentJson { run_id, state: state_word(*state) }),
            fork: row.fork.as_ref().map(ForkJson::from),
            steps: row.totals.and_then(|totals| totals.steps),
            training_time: row.totals.map(|totals| totals.time_ms),
        }
    }
}

impl<'a> From<&'a Fork> for ForkJson<'a> {
    fn from(Fork { run_id, origin }: &'a Fork) -> Self {
        let origin = origin.as_ref().map(|Origin { name, experiment_id, step }| OriginJson {
            name,
            experiment_id: experiment_id.to_string(),
            step: *step,
        });
        ForkJson { run_id, here: origin.is_some(), origin }
    }
}

fn state_word(state: ParentState) -> &'static str {
    match state {
        ParentState::Deleted => "deleted",
        ParentState::Elsewhere => "elsewhere",
        ParentState::Missing => "missing",
        ParentState::Cycle => "cycle",
    }
}
