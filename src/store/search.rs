//! Filters and orders as SQL, for runs and for experiments; pages by key, never by offset.

use super::Store;
use super::experiments::{EXPERIMENT_COLUMNS, ExperimentRow, with_tags};
use super::runs::{RUN_COLUMNS, RunRow, assemble};
use super::sql::{Dialect, Sql, sql};
use super::writer::RUN_NAME_TAG;
use crate::error::{Error, Result};
use crate::model::{Caller, Experiment, Run, RunStatus, ViewType};
use crate::search::{
    Comparator, Comparison, ExperimentAttribute, ExperimentField, Filter, OrderKey, RunAttribute, RunField, Value,
    like_to_glob,
};

/// Characters of a value that its index holds: see `param_by_value`.
const HEAD: usize = 200;
/// Runs that are read at once while a page is answered: bounds its memory, for runs of a thousand params and more.
const RUNS_PER_PART: usize = 20;
/// Experiments in one search, for SQLite's limit of variables.
const MAX_EXPERIMENTS: usize = 16_384;

/// Which runs to list, and where to go on.
#[derive(Debug, Clone)]
pub struct RunSearch {
    /// The experiments to look in; none means no runs.
    pub experiments: Vec<i64>,
    /// Which lifecycle stages.
    pub view: ViewType,
    /// What must hold.
    pub filter: Filter<RunField>,
    /// The order; the default is the start time, newest first, then the run id.
    pub order: Vec<OrderKey<RunField>>,
    /// The last run of the page before.
    pub after: Option<RunCursor>,
    /// At most this many.
    pub limit: usize,
}

/// The place of a run in the default order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunCursor {
    /// When the run started.
    pub start_ms: i64,
    /// The run's public id.
    pub run_id: String,
}

/// A page of runs. What was logged to them is read part by part, so that a long page needs little memory.
#[derive(Debug)]
pub struct RunPage {
    store: Store,
    rows: std::vec::IntoIter<RunRow>,
    /// The last run, if there are more after it.
    pub next: Option<RunCursor>,
}

impl RunPage {
    /// The next runs of the page, none when all were read. Each part is a snapshot of its own: a slow reader of the
    /// answer must not hold one open.
    pub async fn next_part(&mut self) -> Result<Vec<Run>> {
        let rows: Vec<RunRow> = self.rows.by_ref().take(RUNS_PER_PART).collect();
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.store.db().read().await?;
        assemble(&mut tx, rows).await
    }
}

/// Which experiments to list, and where to go on.
#[derive(Debug, Clone)]
pub struct ExperimentSearch {
    /// Which lifecycle stages.
    pub view: ViewType,
    /// What must hold.
    pub filter: Filter<ExperimentField>,
    /// The order; the default is the time of creation, newest first, then the id.
    pub order: Vec<OrderKey<ExperimentField>>,
    /// The last experiment of the page before, by the keys of the order and its id.
    pub after: Option<Vec<CursorValue>>,
    /// At most this many.
    pub limit: usize,
}

/// A page of experiments.
#[derive(Debug)]
pub struct ExperimentPage {
    /// The experiments.
    pub experiments: Vec<Experiment>,
    /// The place of the last one, if there are more after it.
    pub next: Option<Vec<CursorValue>>,
}

/// One value of the place of a row in an order.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum CursorValue {
    /// A time or an id.
    Int(i64),
    /// A name.
    Text(String),
}

impl Store {
    /// Runs that match, in order.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what this version cannot search by.
    pub async fn search_runs(&self, caller: &Caller, search: RunSearch) -> Result<RunPage> {
        default_order_only(&search.order)?;
        let empty = RunPage { store: self.clone(), rows: Vec::new().into_iter(), next: None };
        if search.experiments.len() > MAX_EXPERIMENTS {
            return Err(Error::Invalid(format!(
                "'experiment_ids' has {} items; at most {MAX_EXPERIMENTS} are allowed",
                search.experiments.len()
            )));
        }
        let dialect = self.db().dialect();
        let mut statement = sql("SELECT ");
        statement.push(RUN_COLUMNS).push(" FROM run WHERE experiment_id");
        statement.bind_ints(dialect, &search.experiments).visible_to(caller, "experiment_id");
        push_view(&mut statement, search.view);
        for clause in &search.filter.clauses {
            if !self.push_run_clause(&mut statement, clause).await? {
                return Ok(empty);
            }
        }
        if search.experiments.is_empty() {
            return Ok(empty);
        }
        if let Some(RunCursor { start_ms, run_id }) = search.after {
            statement.push(" AND (start_ms < ").bind(start_ms).push(" OR (start_ms = ").bind(start_ms);
            statement.push(" AND public_id > ").bind(run_id).push("))");
        }
        statement.push(" ORDER BY start_ms DESC, public_id LIMIT ").bind(search.limit as i64 + 1);
        let mut rows: Vec<RunRow> = self.db().all(statement).await?;
        let more = rows.len() > search.limit;
        rows.truncate(search.limit);
        let place = |row: &RunRow| RunCursor { start_ms: row.start_ms, run_id: row.public_id.clone() };
        let next = rows.last().filter(|_| more).map(place);
        Ok(RunPage { store: self.clone(), rows: rows.into_iter(), next })
    }

    /// Adds one clause; answers whether any run can match it.
    async fn push_run_clause(&self, statement: &mut Sql, clause: &Comparison<RunField>) -> Result<bool> {
        if clause.comparator != Comparator::Eq {
            return Err(unsupported(clause, "only '=' is supported"));
        }
        match (&clause.field, &clause.value) {
            (RunField::Param(key), Value::Text(value)) => {
                self.push_value_clause(statement, "SELECT run_id FROM param WHERE key_id = ", key, value).await
            }
            (RunField::Tag(key), Value::Text(value)) => self.push_tag_clause(statement, key, value).await,
            (RunField::Attribute(RunAttribute::RunName), Value::Text(value)) => {
                self.push_tag_clause(statement, RUN_NAME_TAG, value).await
            }
            (RunField::Attribute(RunAttribute::Status), Value::Text(value)) => {
                let Some(status) = RunStatus::from_name(value) else { return Ok(false) };
                statement.push(" AND status = ").bind(status as i64);
                Ok(true)
            }
            (RunField::Attribute(attribute), Value::Text(value)) => {
                statement.push(match attribute {
                    RunAttribute::RunId => " AND public_id = ",
                    RunAttribute::UserId => " AND user_id = ",
                    RunAttribute::ArtifactUri => " AND artifact_uri = ",
                    RunAttribute::RunName | RunAttribute::Status | RunAttribute::StartTime | RunAttribute::EndTime => {
                        return Err(unsupported(clause, "the attribute is no text"));
                    }
                });
                statement.bind(value.as_str());
                Ok(true)
            }
            (RunField::Attribute(RunAttribute::StartTime), Value::Integer(value)) => {
                statement.push(" AND start_ms = ").bind(*value);
                Ok(true)
            }
            (RunField::Attribute(RunAttribute::EndTime), Value::Integer(value)) => {
                statement.push(" AND end_ms = ").bind(*value);
                Ok(true)
            }
            _ => Err(unsupported(clause, "only params, tags and attributes are supported")),
        }
    }

    async fn push_tag_clause(&self, statement: &mut Sql, key: &str, value: &str) -> Result<bool> {
        self.push_value_clause(statement, "SELECT run_id FROM tag WHERE key_id = ", key, value).await
    }

    async fn push_value_clause(
        &self,
        statement: &mut Sql,
        opening: &'static str,
        key: &str,
        value: &str,
    ) -> Result<bool> {
        let Some(key_id) = self.inner.keys.find(self.db(), key).await? else { return Ok(false) };
        let head: String = value.chars().take(HEAD).collect();
        // Two hundred clauses as joins would keep PostgreSQL's planner busy for minutes; arrays are not pulled up.
        let postgres = self.db().dialect() == Dialect::Postgres;
        statement.push(if postgres { " AND id = ANY(ARRAY(" } else { " AND id IN (" });
        statement.push(opening).bind(key_id).push(" AND substr(value, 1, 200) = ").bind(head);
        // A value shorter than the head is its head.
        if value.chars().nth(HEAD - 1).is_some() {
            // From "value = x" SQLite would infer "substr(x, 1, 200) = head" and no longer see the index: the value is
            // compared as an expression.
            statement.push(" AND value || '' = ").bind(value);
        }
        statement.push(if postgres { "))" } else { ")" });
        Ok(true)
    }

    /// Experiments that match, in order.
    pub async fn search_experiments(&self, caller: &Caller, search: ExperimentSearch) -> Result<ExperimentPage> {
        let keys = experiment_order(&search.order);
        let dialect = self.db().dialect();
        let mut statement = sql("SELECT ");
        statement.push(EXPERIMENT_COLUMNS).push(" FROM experiment WHERE id IS NOT NULL").visible_to(caller, "id");
        push_view(&mut statement, search.view);
        for clause in &search.filter.clauses {
            push_experiment_clause(&mut statement, dialect, clause);
        }
        if let Some(after) = &search.after {
            push_after(&mut statement, &keys, after)?;
        }
        for (position, (attribute, ascending)) in keys.iter().enumerate() {
            statement.push(if position == 0 { " ORDER BY " } else { ", " });
            statement.push(experiment_column(*attribute)).push(if *ascending { "" } else { " DESC" });
        }
        statement.push(" LIMIT ").bind(search.limit as i64 + 1);
        let mut tx = self.db().read().await?;
        let mut rows: Vec<ExperimentRow> = tx.all(statement).await?;
        let more = rows.len() > search.limit;
        rows.truncate(search.limit);
        let next = rows.last().filter(|_| more).map(|row| keys.iter().map(|(key, _)| value_of(row, *key)).collect());
        Ok(ExperimentPage { experiments: with_tags(&mut tx, rows).await?, next })
    }
}

fn push_view(statement: &mut Sql, view: ViewType) {
    statement.push(match view {
        ViewType::ActiveOnly => " AND deleted_ms IS NULL",
        ViewType::DeletedOnly => " AND deleted_ms IS NOT NULL",
        ViewType::All => "",
    });
}

fn default_order_only(order: &[OrderKey<RunField>]) -> Result<()> {
    match order {
        [] => Ok(()),
        [key] if key.field == RunField::Attribute(RunAttribute::StartTime) && !key.ascending => Ok(()),
        [key, ..] => Err(Error::Invalid(format!(
            "this version cannot order runs by '{}'; supported is 'attribute.start_time DESC', the default",
            key.field
        ))),
    }
}

fn unsupported(clause: &Comparison<RunField>, what: &str) -> Error {
    Error::Invalid(format!("this version cannot search runs by '{clause}' (at byte {}): {what}", clause.position.start))
}

fn push_experiment_clause(statement: &mut Sql, dialect: Dialect, clause: &Comparison<ExperimentField>) {
    match &clause.field {
        ExperimentField::Attribute(attribute) => {
            statement.push(" AND ");
            push_comparison(statement, dialect, experiment_column(*attribute), clause);
        }
        ExperimentField::Tag(key) => {
            let absent = clause.comparator == Comparator::IsNull;
            statement.push(if absent { " AND NOT EXISTS" } else { " AND EXISTS" });
            statement.push(" (SELECT 1 FROM experiment_tag t WHERE t.experiment_id = experiment.id AND t.key = ");
            statement.bind(key.as_str());
            if !matches!(clause.value, Value::None) {
                statement.push(" AND ");
                push_comparison(statement, dialect, "t.value", clause);
            }
            // The limit keeps PostgreSQL from joining every clause, which its planner does not survive.
            statement.push(" LIMIT 1 OFFSET 0)");
        }
    }
}

/// `column comparator value`, where the column is never missing.
fn push_comparison<F>(statement: &mut Sql, dialect: Dialect, column: &'static str, clause: &Comparison<F>) {
    match (&clause.value, clause.comparator) {
        // SQLite's LIKE ignores the case of ASCII letters, which is ILIKE; its GLOB does not. PostgreSQL folds by the
        // column's collation, "C", and so ASCII letters only, as well.
        (Value::Text(pattern), Comparator::Like) => match dialect {
            Dialect::Sqlite => statement.push(column).push(" GLOB ").bind(like_to_glob(pattern)),
            Dialect::Postgres => statement.push(column).push(" LIKE ").bind(pattern.as_str()).push(" ESCAPE ''"),
        },
        (Value::Text(pattern), Comparator::ILike) => match dialect {
            Dialect::Sqlite => statement.push(column).push(" LIKE ").bind(pattern.as_str()),
            Dialect::Postgres => {
                statement.push("lower(").push(column).push(") LIKE ").bind(pattern.to_ascii_lowercase());
                statement.push(" ESCAPE ''")
            }
        },
        (Value::Text(text), comparator) => {
            statement.push(column).push(" ").push(comparator.sql()).push(" ").bind(text.as_str())
        }
        (Value::Integer(number) | Value::Id(number), comparator) => {
            statement.push(column).push(" ").push(comparator.sql()).push(" ").bind(*number)
        }
        (Value::Number(number), comparator) => {
            statement.push(column).push(" ").push(comparator.sql()).push(" ").bind(*number)
        }
        (Value::List(texts), comparator) => {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            push_negation(statement, comparator).push(column).bind_texts(dialect, &texts)
        }
        (Value::Ids(ids), comparator) => push_negation(statement, comparator).push(column).bind_ints(dialect, ids),
        (Value::None, Comparator::IsNull) => statement.push(column).push(" IS NULL"),
        (Value::None, _) => statement.push(column).push(" IS NOT NULL"),
    };
}

fn push_negation(statement: &mut Sql, comparator: Comparator) -> &mut Sql {
    statement.push(if comparator == Comparator::NotIn { "NOT " } else { "" })
}

fn experiment_column(attribute: ExperimentAttribute) -> &'static str {
    match attribute {
        ExperimentAttribute::Name => "name",
        ExperimentAttribute::ExperimentId => "id",
        ExperimentAttribute::CreationTime => "created_ms",
        ExperimentAttribute::LastUpdateTime => "updated_ms",
    }
}

fn value_of(row: &ExperimentRow, attribute: ExperimentAttribute) -> CursorValue {
    match attribute {
        ExperimentAttribute::Name => CursorValue::Text(row.name.clone()),
        ExperimentAttribute::ExperimentId => CursorValue::Int(row.id),
        ExperimentAttribute::CreationTime => CursorValue::Int(row.created_ms),
        ExperimentAttribute::LastUpdateTime => CursorValue::Int(row.updated_ms),
    }
}

/// The keys to sort by and whether each ascends, ending in the id, so that the order is total (contract section 6.2:
/// without an order newest first and then the id upwards, behind explicit keys the id downwards).
fn experiment_order(order: &[OrderKey<ExperimentField>]) -> Vec<(ExperimentAttribute, bool)> {
    let mut keys: Vec<(ExperimentAttribute, bool)> = order
        .iter()
        .filter_map(|key| match key.field {
            ExperimentField::Attribute(attribute) => Some((attribute, key.ascending)),
            // The parser refuses to order by tags.
            ExperimentField::Tag(_) => None,
        })
        .collect();
    let explicit = !keys.is_empty();
    if !explicit {
        keys.push((ExperimentAttribute::CreationTime, false));
    }
    if !keys.iter().any(|(attribute, _)| *attribute == ExperimentAttribute::ExperimentId) {
        keys.push((ExperimentAttribute::ExperimentId, !explicit));
    }
    keys
}

/// ` AND (a > x OR (a = x AND (b < y OR (b = y AND …))))`: what comes after a place in an order of mixed directions.
fn push_after(statement: &mut Sql, keys: &[(ExperimentAttribute, bool)], after: &[CursorValue]) -> Result<()> {
    let fits = |((attribute, _), value): (&(ExperimentAttribute, bool), &CursorValue)| match value {
        CursorValue::Text(text) => *attribute == ExperimentAttribute::Name && !text.contains('\0'),
        CursorValue::Int(_) => *attribute != ExperimentAttribute::Name,
    };
    if keys.len() != after.len() || !keys.iter().zip(after).all(fits) {
        return Err(Error::Invalid("Invalid page token: it belongs to a search with another order".to_owned()));
    }
    let mut open = 0;
    for (position, ((attribute, ascending), value)) in keys.iter().zip(after).enumerate() {
        let column = experiment_column(*attribute);
        statement.push(" AND (").push(column).push(if *ascending { " > " } else { " < " });
        push_value(statement, value);
        open += 1;
        if position + 1 < keys.len() {
            statement.push(" OR (").push(column).push(" = ");
            push_value(statement, value);
            open += 1;
        }
    }
    for _ in 0..open {
        statement.push(")");
    }
    Ok(())
}

fn push_value(statement: &mut Sql, value: &CursorValue) {
    match value {
        CursorValue::Int(value) => statement.bind(*value),
        CursorValue::Text(value) => statement.bind(value.as_str()),
    };
}
