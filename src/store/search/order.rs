//! Orders of runs as SQL: the expressions to sort by, and what lies behind a place in an order.
//!
//! Missing values are last in either direction; metrics are numbers, then NaN, then nothing. Ties are broken by the
//! newest start, and then by the run id, so that every order is total (contract section 6.1).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::model::RunStatus;
use crate::search::{OrderKey, RunAttribute, RunField};
use crate::store::db::Tx;
use crate::store::runs::RunRow;
use crate::store::sql::{Arg, Sql, sql};
use crate::store::texts;
use crate::store::writer::RUN_NAME_TAG;

/// Bytes of a run id that a place may have.
const LONGEST_RUN_ID: usize = 256;

/// What a row has for a field: a key of an order, or a column of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FieldValue {
    /// There is none.
    #[serde(rename = "m")]
    Missing,
    /// A metric that is not a number.
    #[serde(rename = "x")]
    Nan,
    /// A metric.
    #[serde(rename = "n")]
    Number(f64),
    /// A time, an id or a state.
    #[serde(rename = "i")]
    Int(i64),
    /// A param, a tag or a name.
    #[serde(rename = "t")]
    Text(String),
}

/// The place of a run in an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunCursor {
    /// What the run has for each key of the order.
    pub keys: Vec<FieldValue>,
    /// When the run started.
    pub start_ms: i64,
    /// The run's public id.
    pub run_id: String,
}

/// A table of texts by run and key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Texts {
    Params,
    Tags,
}

impl Texts {
    pub fn table(self) -> &'static str {
        match self {
            Texts::Params => "param",
            Texts::Tags => "tag",
        }
    }

    /// The index by value.
    pub fn index(self) -> &'static str {
        match self {
            Texts::Params => "param_by_value",
            Texts::Tags => "tag_by_value",
        }
    }
}

/// What a key of an order sorts by. A key that no run has is number 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Metric(i64),
    Text(Texts, i64),
    Start,
    End,
    Attribute(RunAttribute),
}

/// A key of an order, its name resolved.
#[derive(Debug, Clone, Copy)]
pub(super) struct SortKey {
    pub by: By,
    pub ascending: bool,
}

/// The keys of an order; without any, it is the start, newest first.
pub(super) fn resolve(order: &[OrderKey<RunField>], ids: &HashMap<String, i64>) -> Vec<SortKey> {
    let id = |key: &str| ids.get(key).copied().unwrap_or(0);
    let by = |field: &RunField| match field {
        RunField::Metric(key) => By::Metric(id(key)),
        RunField::Param(key) => By::Text(Texts::Params, id(key)),
        RunField::Tag(key) => By::Text(Texts::Tags, id(key)),
        RunField::Attribute(RunAttribute::RunName) => By::Text(Texts::Tags, id(RUN_NAME_TAG)),
        RunField::Attribute(RunAttribute::StartTime) => By::Start,
        RunField::Attribute(RunAttribute::EndTime) => By::End,
        RunField::Attribute(attribute) => By::Attribute(*attribute),
        // The parser refuses to order by datasets.
        RunField::Dataset(_) => By::Start,
    };
    order.iter().map(|key| SortKey { by: by(&key.field), ascending: key.ascending }).collect()
}

/// An expression over the run `r` and the joined keys `o0`, `o1`, ….
#[derive(Debug, Clone, Copy, PartialEq)]
enum Expression {
    /// 0 for a number, 1 for NaN, 2 for nothing.
    MetricRank(usize),
    Number(usize),
    /// 0 for a text, 1 for nothing.
    TextRank(usize),
    Head(usize),
    Tail(usize),
    EndRank(usize),
    /// A column of the run, which is the key of this position.
    Column(usize, &'static str),
    /// The start as the row of key 0 repeats it, so that its index is an order.
    KeyStart,
    Start,
    RunId,
}

/// One level of a sort.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Term {
    expression: Expression,
    ascending: bool,
}

/// How the first key of an order is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    /// Joined like all others: it may be missing or NaN.
    Joined,
    /// Its index is walked, so it is there and no NaN. `long` says whether some of its texts are longer than the index
    /// holds.
    Walked { long: bool },
}

/// The levels of a sort by `keys`.
pub(super) fn terms(keys: &[SortKey], lead: Lead) -> Vec<Term> {
    let mut terms = Vec::new();
    let mut start = Expression::Start;
    for (index, key) in keys.iter().enumerate() {
        let ascending = key.ascending;
        let mut up = |expression| terms.push(Term { expression, ascending: true });
        let walked = if let (0, Lead::Walked { long }) = (index, lead) { Some(long) } else { None };
        match (key.by, walked) {
            (By::Metric(_), Some(_)) => {
                start = Expression::KeyStart;
                terms.push(Term { expression: Expression::Number(index), ascending });
            }
            (By::Text(..), Some(long)) => {
                start = Expression::KeyStart;
                terms.push(Term { expression: Expression::Head(index), ascending });
                if long {
                    terms.push(Term { expression: Expression::Tail(index), ascending });
                }
            }
            (By::Metric(_), None) => {
                up(Expression::MetricRank(index));
                terms.push(Term { expression: Expression::Number(index), ascending });
            }
            (By::Text(..), None) => {
                up(Expression::TextRank(index));
                terms.push(Term { expression: Expression::Head(index), ascending });
                terms.push(Term { expression: Expression::Tail(index), ascending });
            }
            (By::End, _) => {
                up(Expression::EndRank(index));
                terms.push(Term { expression: Expression::Column(index, "r.end_ms"), ascending });
            }
            (By::Start, _) => terms.push(Term { expression: Expression::Column(index, "r.start_ms"), ascending }),
            (By::Attribute(attribute), _) => {
                terms.push(Term { expression: Expression::Column(index, column(attribute)), ascending });
            }
        }
    }
    // Where the start is a key itself, it breaks no ties any more, and naming it twice hides its index.
    if !keys.iter().any(|key| key.by == By::Start) {
        terms.push(Term { expression: start, ascending: false });
    }
    terms.push(Term { expression: Expression::RunId, ascending: true });
    terms
}

/// The column that an attribute sorts by. States sort by their names.
fn column(attribute: RunAttribute) -> &'static str {
    match attribute {
        RunAttribute::RunId => "r.public_id",
        RunAttribute::UserId => "r.user_id",
        RunAttribute::ArtifactUri => "r.artifact_uri",
        RunAttribute::Status => "CASE r.status WHEN 4 THEN 0 WHEN 3 THEN 1 WHEN 5 THEN 2 WHEN 1 THEN 3 ELSE 4 END",
        // These have keys of their own: see `resolve`.
        RunAttribute::RunName | RunAttribute::StartTime | RunAttribute::EndTime => "r.start_ms",
    }
}

/// The place of a state among the names of all states.
fn status_rank(status: i64) -> i64 {
    match RunStatus::from_number(status) {
        Some(RunStatus::Failed) => 0,
        Some(RunStatus::Finished) => 1,
        Some(RunStatus::Killed) => 2,
        Some(RunStatus::Running) => 3,
        Some(RunStatus::Scheduled) | None => 4,
    }
}

impl Term {
    fn push(self, statement: &mut Sql) {
        match self.expression {
            Expression::MetricRank(key) => {
                statement.push("CASE WHEN o").number(key).push(".run_id IS NULL THEN 2 WHEN o").number(key);
                statement.push(".is_nan THEN 1 ELSE 0 END");
            }
            Expression::Number(key) => {
                statement.push("o").number(key).push(".value");
            }
            Expression::TextRank(key) => {
                statement.push("CASE WHEN o").number(key).push(".run_id IS NULL THEN 1 ELSE 0 END");
            }
            Expression::Head(key) => {
                statement.push("o").number(key).push(".head");
            }
            Expression::Tail(key) => {
                statement.push("coalesce(o").number(key).push(".tail, '')");
            }
            Expression::EndRank(_) => {
                statement.push("CASE WHEN r.end_ms IS NULL THEN 1 ELSE 0 END");
            }
            Expression::Column(_, column) => {
                statement.push(column);
            }
            Expression::KeyStart => {
                statement.push("o0.start_ms");
            }
            Expression::Start => {
                statement.push("r.start_ms");
            }
            Expression::RunId => {
                statement.push("r.public_id");
            }
        }
    }

    /// Where `cursor` stands at this level; nothing where all that is level with it so far stands at the same place.
    fn bound(self, cursor: &RunCursor) -> Option<Arg> {
        let value = |key: usize| cursor.keys.get(key).unwrap_or(&FieldValue::Missing);
        match self.expression {
            Expression::MetricRank(key) => Some(Arg::Int(match value(key) {
                FieldValue::Number(_) => 0,
                FieldValue::Nan => 1,
                _ => 2,
            })),
            Expression::TextRank(key) | Expression::EndRank(key) => {
                Some(Arg::Int(i64::from(*value(key) == FieldValue::Missing)))
            }
            Expression::Head(key) | Expression::Tail(key) => match value(key) {
                FieldValue::Text(text) => {
                    let (head, tail) = texts::split(text);
                    let is_head = matches!(self.expression, Expression::Head(_));
                    Some(Arg::from(if is_head { head } else { tail.unwrap_or_default() }))
                }
                _ => None,
            },
            Expression::Number(key) | Expression::Column(key, _) => match value(key) {
                FieldValue::Number(number) => Some(Arg::Float(*number)),
                FieldValue::Int(number) => Some(Arg::Int(*number)),
                FieldValue::Text(text) => Some(Arg::Text(text.clone())),
                FieldValue::Missing | FieldValue::Nan => None,
            },
            Expression::KeyStart | Expression::Start => Some(Arg::Int(cursor.start_ms)),
            Expression::RunId => Some(Arg::Text(cursor.run_id.clone())),
        }
    }
}

/// ` ORDER BY …`
pub(super) fn push_order(statement: &mut Sql, terms: &[Term]) {
    for (position, term) in terms.iter().enumerate() {
        statement.push(if position == 0 { " ORDER BY " } else { ", " });
        term.push(statement);
        statement.push(if term.ascending { "" } else { " DESC" });
    }
}

/// The levels as columns `t0`, `t1`, …, for [`push_outer_order`].
pub(super) fn push_columns(statement: &mut Sql, terms: &[Term]) {
    for (position, term) in terms.iter().enumerate() {
        statement.push(", ");
        term.push(statement);
        statement.push(" AS t").number(position);
    }
}

/// ` ORDER BY t0, …`
pub(super) fn push_outer_order(statement: &mut Sql, terms: &[Term]) {
    for (position, term) in terms.iter().enumerate() {
        statement.push(if position == 0 { " ORDER BY t" } else { ", t" }).number(position);
        statement.push(if term.ascending { "" } else { " DESC" });
    }
}

/// ` AND …` for what comes after `cursor`: `a >= x AND (a > x OR (a = x AND (b > y OR …)))`. The first comparison says
/// nothing new; it is where an index is entered.
pub(super) fn push_after(statement: &mut Sql, terms: &[Term], cursor: &RunCursor) {
    let bounds: Vec<(Term, Arg)> =
        terms.iter().filter_map(|term| term.bound(cursor).map(|bound| (*term, bound))).collect();
    let mut open = 0;
    for (position, (term, bound)) in bounds.iter().enumerate() {
        if position == 0 {
            statement.push(" AND ");
            term.push(statement);
            statement.push(if term.ascending { " >= " } else { " <= " }).bind(bound.clone()).push(" AND (");
        } else {
            statement.push(" OR (");
            bounds[position - 1].0.push(statement);
            statement.push(" = ").bind(bounds[position - 1].1.clone()).push(" AND (");
            open += 1;
        }
        open += 1;
        term.push(statement);
        statement.push(if term.ascending { " > " } else { " < " }).bind(bound.clone());
    }
    for _ in 0..open {
        statement.push(")");
    }
}

/// Whether a cursor's first key can be met while its index is walked; else the walk lies behind it.
pub(super) fn is_on_walk(cursor: &RunCursor) -> bool {
    !matches!(cursor.keys.first(), Some(FieldValue::Missing | FieldValue::Nan))
}

/// Refuses a place that no run can have in this order: tokens come from clients.
///
/// # Errors
/// [`Error::Invalid`], as for every token that is none.
pub(super) fn check_cursor(keys: &[SortKey], cursor: &RunCursor) -> Result<()> {
    let fits = |(key, value): (&SortKey, &FieldValue)| match (key.by, value) {
        (By::Metric(_), FieldValue::Number(number)) => number.is_finite(),
        (By::Metric(_), FieldValue::Nan | FieldValue::Missing) => true,
        (By::Text(..), FieldValue::Text(text)) => !text.contains('\0'),
        (By::Text(..) | By::End, FieldValue::Missing) => true,
        (By::Attribute(RunAttribute::Status) | By::End | By::Start, FieldValue::Int(_)) => true,
        (By::Attribute(attribute), FieldValue::Text(text)) => attribute != RunAttribute::Status && !text.contains('\0'),
        _ => false,
    };
    let is_place = keys.len() == cursor.keys.len() && keys.iter().zip(&cursor.keys).all(fits);
    if is_place && cursor.run_id.len() <= LONGEST_RUN_ID && !cursor.run_id.contains('\0') {
        return Ok(());
    }
    Err(Error::Invalid("Invalid page token: it belongs to a search with another order".to_owned()))
}

/// How much of a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Whole,
    /// The first 200 characters, and a sign where there are more.
    Head,
}

/// What each of `rows` has for each of `keys`, with one statement for each kind of key. States are their place in an
/// order.
pub(super) async fn read_values(
    tx: &mut Tx,
    keys: &[SortKey],
    rows: &[RunRow],
    extent: Extent,
) -> Result<Vec<Vec<FieldValue>>> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let metrics = of_kind(keys, |by| if let By::Metric(key_id) = by { Some(key_id) } else { None });
    let params = of_kind(keys, |by| if let By::Text(Texts::Params, key_id) = by { Some(key_id) } else { None });
    let tags = of_kind(keys, |by| if let By::Text(Texts::Tags, key_id) = by { Some(key_id) } else { None });
    let numbers = read_numbers(tx, &ids, &metrics).await?;
    let params = read_texts(tx, " FROM param WHERE run_id", extent, &ids, &params).await?;
    let tags = read_texts(tx, " FROM tag WHERE run_id", extent, &ids, &tags).await?;
    let text = |found: Option<&String>| found.map_or(FieldValue::Missing, |text| FieldValue::Text(text.clone()));
    let value = |row: &RunRow, by: By| match by {
        By::Start => FieldValue::Int(row.start_ms),
        By::End => row.end_ms.map_or(FieldValue::Missing, FieldValue::Int),
        By::Attribute(RunAttribute::Status) => FieldValue::Int(status_rank(row.status)),
        By::Attribute(RunAttribute::UserId) => FieldValue::Text(row.user_id.clone()),
        By::Attribute(RunAttribute::ArtifactUri) => FieldValue::Text(row.artifact_uri.clone()),
        By::Attribute(_) => FieldValue::Text(row.public_id.clone()),
        By::Metric(key_id) => match numbers.get(&(row.id, key_id)) {
            Some((_, true)) => FieldValue::Nan,
            Some((number, false)) => FieldValue::Number(*number),
            None => FieldValue::Missing,
        },
        By::Text(Texts::Params, key_id) => text(params.get(&(row.id, key_id))),
        By::Text(Texts::Tags, key_id) => text(tags.get(&(row.id, key_id))),
    };
    Ok(rows.iter().map(|row| keys.iter().map(|key| value(row, key.by)).collect()).collect())
}

fn of_kind(keys: &[SortKey], kind: impl Fn(By) -> Option<i64>) -> Vec<i64> {
    keys.iter().filter_map(|key| kind(key.by)).collect()
}

pub(super) type ByRunAndKey<T> = HashMap<(i64, i64), T>;

/// The latest value of each metric of each run, and whether it is NaN.
pub(super) async fn read_numbers(tx: &mut Tx, runs: &[i64], keys: &[i64]) -> Result<ByRunAndKey<(f64, bool)>> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let mut statement = sql("SELECT run_id, key_id, value, is_nan FROM metric_series WHERE run_id");
    statement.bind_ints(tx.dialect(), runs).push(" AND key_id").bind_ints(tx.dialect(), keys);
    let rows: Vec<(i64, i64, f64, bool)> = tx.all(statement).await?;
    Ok(rows.into_iter().map(|(run, key, value, is_nan)| ((run, key), (value, is_nan))).collect())
}

async fn read_texts(
    tx: &mut Tx,
    from: &'static str,
    extent: Extent,
    runs: &[i64],
    keys: &[i64],
) -> Result<ByRunAndKey<String>> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let mut statement = sql("SELECT run_id, key_id, ");
    statement.push(match extent {
        Extent::Whole => "head || coalesce(tail, '')",
        Extent::Head => "CASE WHEN tail IS NULL THEN head ELSE head || '…' END",
    });
    statement.push(from).bind_ints(tx.dialect(), runs).push(" AND key_id").bind_ints(tx.dialect(), keys);
    let rows: Vec<(i64, i64, String)> = tx.all(statement).await?;
    Ok(rows.into_iter().map(|(run, key, text)| ((run, key), text)).collect())
}
