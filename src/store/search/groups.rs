//! Runs by what they have in common: the values of a param, a tag or an attribute, with metrics in few numbers.
//!
//! A group is a number within one snapshot, its place among all values: whole texts are compared, however long they are, and
//! no text needs to travel to find the runs of its group again.

use std::collections::HashMap;

use super::RunSearch;
use super::order::{self, By};
use super::plan::Query;
use super::rows::{MAX_ROWS, check_size};
use crate::error::{Error, Result};
use crate::model::Caller;
use crate::search::{OrderKey, RunAttribute, RunField};
use crate::store::Store;
use crate::store::db::Tx;
use crate::store::sql::{Sql, sql};

/// Characters of a value that are told, behind its head.
const MAX_TAIL: i64 = 9_800;
/// Latest values that are summed up for one answer: the databases sort them in memory.
const MAX_SUMMED: i64 = 2_000_000;
/// Values are added up as this part of themselves, a power of two: the sum of the greatest ones is a number too.
const PART: f64 = 1.0 / 18_446_744_073_709_551_616.0;
/// Values below this are added up as they are: a part of them might be 0, which PostgreSQL refuses.
const SMALL: f64 = 1e-280;

/// Which groups of which runs.
#[derive(Debug, Clone)]
pub struct GroupSearch {
    /// The runs; their order does not matter.
    pub search: RunSearch,
    /// What those of a group have in common.
    pub by: GroupBy,
    /// The names of the metrics to sum up.
    pub metrics: Vec<String>,
    /// The order of the groups. Equal ones come by value, and runs without a value last.
    pub order: GroupOrder,
    /// Whether the least comes first.
    pub ascending: bool,
    /// The position of the first group.
    pub offset: usize,
    /// At most this many.
    pub limit: usize,
}

/// What runs are grouped by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupBy {
    /// The param of this name.
    Param(String),
    /// The tag of this name.
    Tag(String),
    /// The user who started them; an empty one is none.
    User,
    /// Their state.
    Status,
}

/// What groups are ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupOrder {
    /// How many runs they have.
    Runs,
    /// What their runs have in common.
    Value,
    /// The mean of the metric of this name; groups without one come last.
    Mean(String),
}

/// Some groups.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Groups {
    /// How many there are.
    pub total: usize,
    /// Those that were asked for.
    pub groups: Vec<Group>,
}

/// Runs that have something in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// What that is; none of those that have nothing there.
    pub value: Option<String>,
    /// How many they are.
    pub runs: i64,
    /// Their latest values of each metric that was asked for; none where no run of them has it.
    pub metrics: Vec<Option<GroupMetric>>,
}

/// The latest values that the runs of a group have of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupMetric {
    /// How many are numbers, infinite ones too.
    pub count: i64,
    /// How many are NaN.
    pub nan: i64,
    /// The mean of the numbers, if there are any. Infinite ones make it infinite, and those of both signs NaN.
    pub mean: Option<f64>,
    /// The least number.
    pub min: Option<f64>,
    /// The greatest number.
    pub max: Option<f64>,
}

#[derive(sqlx::FromRow)]
struct GroupRow {
    place: i64,
    value: Option<String>,
    runs: i64,
    total: i64,
}

/// The sums of a metric in a group; see [`push_sums`].
#[derive(sqlx::FromRow)]
struct SumsRow {
    place: i64,
    key_id: i64,
    runs: i64,
    numbers: i64,
    least: Option<f64>,
    greatest: Option<f64>,
    above: i64,
    below: i64,
    parts: Option<f64>,
    small: Option<f64>,
}

impl From<&SumsRow> for GroupMetric {
    fn from(row: &SumsRow) -> Self {
        let mean = match (row.least, row.greatest) {
            _ if row.above > 0 && row.below > 0 => Some(f64::NAN),
            _ if row.above > 0 => Some(f64::MAX),
            _ if row.below > 0 => Some(f64::MIN),
            (Some(least), Some(greatest)) => {
                let numbers = row.numbers as f64;
                let mean = row.parts.unwrap_or(0.0) / numbers / PART + row.small.unwrap_or(0.0) / numbers;
                // What rounding adds must not lead beyond them.
                Some(mean.clamp(least, greatest))
            }
            _ => None,
        };
        let (count, nan) = (row.numbers, row.runs - row.numbers);
        GroupMetric { count, nan, mean, min: row.least, max: row.greatest }
    }
}

impl Store {
    /// Runs that match, in groups.
    ///
    /// # Errors
    /// As [`list_rows`](Self::list_rows), and where the groups have too many values of all metrics together.
    pub async fn list_groups(&self, caller: &Caller, asked: &GroupSearch) -> Result<Groups> {
        let by = match &asked.by {
            GroupBy::Param(key) => RunField::Param(key.clone()),
            GroupBy::Tag(key) => RunField::Tag(key.clone()),
            GroupBy::User => RunField::Attribute(RunAttribute::UserId),
            GroupBy::Status => RunField::Attribute(RunAttribute::Status),
        };
        let ordered = if let GroupOrder::Mean(metric) = &asked.order { Some(metric) } else { None };
        let metrics = asked.metrics.iter().chain(ordered).map(|name| RunField::Metric(name.clone()));
        let fields: Vec<RunField> = [by.clone()].into_iter().chain(metrics).collect();
        let search = RunSearch { after: None, limit: MAX_ROWS, ..asked.search.clone() };
        let (experiments, mut ids) = self.prepare(caller, &search).await?;
        ids.extend(self.ids_of(fields.iter()).await?);
        if experiments.is_empty() {
            return Ok(Groups::default());
        }
        let by = order::resolve(&[OrderKey { field: by, ascending: true }], &ids)[0].by;
        let key = |name: &String| ids.get(name).copied().unwrap_or(0);
        let keys: Vec<i64> = asked.metrics.iter().map(key).collect();
        let mut query = Query::new(self.db().dialect(), &search, &experiments, &ids)?;
        let _turn = self.search_turn().await?;
        let mut tx = self.db().read().await?;
        let runs = query.find_ids(&mut tx).await?;
        check_size(runs.len())?;
        let found = read_groups(&mut tx, by, &runs, asked, ordered.map(key)).await?;
        let total = match found.first() {
            Some(group) => group.total,
            None => count_groups(&mut tx, by, &runs).await?,
        };
        check_summed(found.iter().map(|group| group.runs).sum(), keys.len())?;
        let places: Vec<i64> = found.iter().map(|group| group.place).collect();
        let sums = read_sums(&mut tx, by, &runs, &places, &keys).await?;
        let group = |GroupRow { place, value, runs, .. }: GroupRow| {
            let metrics = keys.iter().map(|key| sums.get(&(place, *key)).copied()).collect();
            Group { value, runs, metrics }
        };
        Ok(Groups { total: total as usize, groups: found.into_iter().map(group).collect() })
    }
}

/// Refuses to sum up more values than one answer may need.
fn check_summed(runs: i64, metrics: usize) -> Result<()> {
    if runs.saturating_mul(metrics as i64) <= MAX_SUMMED {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "'metrics' has {metrics} items for {runs} runs in these groups; at most {MAX_SUMMED} values are summed up. Ask for \
         fewer metrics or groups"
    )))
}

/// The groups of the page in order, each with how many there are in all.
async fn read_groups(
    tx: &mut Tx,
    by: By,
    runs: &[i64],
    asked: &GroupSearch,
    ordered: Option<i64>,
) -> Result<Vec<GroupRow>> {
    let mut statement = members(tx, by, runs);
    statement.push(
        " SELECT g.place, g.value, g.runs, count(*) OVER () AS total FROM (SELECT m.place, count(*) AS runs,
         min(m.head || CASE WHEN m.tail IS NULL THEN '' WHEN length(m.tail) <= ",
    );
    statement.bind(MAX_TAIL).push(" THEN m.tail ELSE substr(m.tail, 1, ").number(MAX_TAIL as usize);
    statement.push(") || '…' END) AS value");
    if let Some(key) = ordered {
        push_sums(&mut statement);
        statement.push(
            " FROM (SELECT n.place, n.head, n.tail, CASE WHEN s.is_nan = FALSE THEN s.value END AS value
             FROM member n LEFT JOIN metric_series s ON s.run_id = n.run_id AND s.key_id = ",
        );
        statement.bind(key).push(") m");
    } else {
        statement.push(" FROM member m");
    }
    statement.push(" GROUP BY m.place) g ORDER BY ");
    let direction = if asked.ascending { "" } else { " DESC" };
    match asked.order {
        GroupOrder::Runs => drop(statement.push("g.runs").push(direction)),
        GroupOrder::Value => {
            statement.push("CASE WHEN g.value IS NULL THEN 1 ELSE 0 END, g.place").push(direction);
        }
        GroupOrder::Mean(_) => {
            // Equal where there is none, also because infinite values of both signs leave none.
            statement.push(
                "CASE WHEN g.numbers = 0 OR (g.above > 0 AND g.below > 0) THEN 1 ELSE 0 END,
                 CASE WHEN g.above > 0 AND g.below > 0 THEN 0 WHEN g.above > 0 THEN 1 WHEN g.below > 0 THEN -1 ELSE 0 END",
            );
            statement.push(direction).push(
                ", CASE WHEN g.numbers > 0 AND g.above + g.below = 0 THEN coalesce(g.parts, 0) / g.numbers ELSE 0 END",
            );
            statement.push(direction).push(", CASE WHEN g.above + g.below = 0 THEN coalesce(g.small, 0) ELSE 0 END");
            statement.push(direction);
        }
    }
    statement.push(", g.place LIMIT ").bind(asked.limit as i64).push(" OFFSET ").bind(asked.offset as i64);
    tx.all(statement).await
}

async fn count_groups(tx: &mut Tx, by: By, runs: &[i64]) -> Result<i64> {
    let mut statement = members(tx, by, runs);
    statement.push(" SELECT coalesce(max(m.place), 0) FROM member m");
    Ok(tx.optional::<(i64,)>(statement).await?.map_or(0, |(count,)| count))
}

/// What the groups of these places have of each metric.
async fn read_sums(
    tx: &mut Tx,
    by: By,
    runs: &[i64],
    places: &[i64],
    keys: &[i64],
) -> Result<HashMap<(i64, i64), GroupMetric>> {
    if places.is_empty() || keys.is_empty() {
        return Ok(HashMap::new());
    }
    let mut statement = members(tx, by, runs);
    statement.push(" SELECT m.place, m.key_id, count(*) AS runs");
    push_sums(&mut statement);
    statement.push(
        " FROM (SELECT n.place, s.key_id, CASE WHEN s.is_nan = FALSE THEN s.value END AS value
         FROM member n CROSS JOIN metric_series s WHERE s.run_id = n.run_id AND n.place",
    );
    statement.bind_ints(tx.dialect(), places).push(" AND s.key_id").bind_ints(tx.dialect(), keys);
    statement.push(") m GROUP BY m.place, m.key_id");
    let rows: Vec<SumsRow> = tx.all(statement).await?;
    Ok(rows.iter().map(|row| ((row.place, row.key_id), row.into())).collect())
}

/// `WITH member AS (…)`: each run with its value, and the place of that among all values, the last for those without one.
fn members(tx: &Tx, by: By, runs: &[i64]) -> Sql {
    let (head, tail, texts) = match by {
        By::Text(texts, key) => ("v.head", "v.tail", Some((texts, key))),
        By::Attribute(RunAttribute::Status) => (STATUS, "NULL", None),
        _ => ("nullif(r.user_id, '')", "NULL", None),
    };
    let mut statement = sql("WITH member AS (SELECT d.run_id, d.head, d.tail, dense_rank() OVER (
         ORDER BY CASE WHEN d.head IS NULL THEN 1 ELSE 0 END, d.head, coalesce(d.tail, '')) AS place
         FROM (SELECT r.id AS run_id, ");
    statement.push(head).push(" AS head, ").push(tail).push(" AS tail FROM run r");
    if let Some((texts, key)) = texts {
        statement.push(" LEFT JOIN ").push(texts.table()).push(" v ON v.run_id = r.id AND v.key_id = ").bind(key);
    }
    statement.push(" WHERE r.id").bind_ints(tx.dialect(), runs).push(") d)");
    statement
}

/// The word for the state of a run.
const STATUS: &str = "CASE r.status WHEN 1 THEN 'RUNNING' WHEN 2 THEN 'SCHEDULED' WHEN 3 THEN 'FINISHED' \
     WHEN 4 THEN 'FAILED' WHEN 5 THEN 'KILLED' END";

/// `, …`: sums of `m.value`, which is NULL for what is no number. Infinite values are kept as the greatest finite ones, and
/// only counted.
fn push_sums(statement: &mut Sql) {
    statement.push(
        ", count(m.value) AS numbers, min(m.value) AS least, max(m.value) AS greatest,
         count(CASE WHEN m.value >= ",
    );
    statement.bind(f64::MAX).push(" THEN 1 END) AS above, count(CASE WHEN m.value <= ").bind(f64::MIN);
    statement.push(" THEN 1 END) AS below, sum(CASE WHEN abs(m.value) >= ").bind(SMALL);
    statement.push(" AND abs(m.value) < ").bind(f64::MAX).push(" THEN m.value * ").bind(PART);
    statement.push(" END) AS parts, sum(CASE WHEN abs(m.value) < ").bind(SMALL);
    statement.push(" THEN m.value END) AS small");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RunStatus;

    #[test]
    fn every_state_has_its_word() {
        for status in RunStatus::ALL {
            assert!(STATUS.contains(&format!("WHEN {} THEN '{}'", status as i64, status.as_str())), "{status:?}");
        }
    }

    #[test]
    fn a_bounded_number_of_values_is_summed_up() {
        assert!(check_summed(1_000_000, 2).is_ok() && check_summed(i64::MAX, 0).is_ok());
        let refusal = check_summed(1_000_001, 2).unwrap_err().to_string();
        assert!(refusal.starts_with("'metrics' has 2 items for 1000001 runs in these groups"), "{refusal}");
    }

    #[test]
    fn a_mean_lies_between_the_least_and_the_greatest() {
        let row = |above, below, parts, small| SumsRow {
            place: 1,
            key_id: 1,
            runs: 4,
            numbers: 3,
            least: Some(-1.0),
            greatest: Some(f64::MAX / 2.0),
            above,
            below,
            parts,
            small,
        };
        let mean = |row: SumsRow| GroupMetric::from(&row).mean.unwrap();

        assert_eq!(mean(row(0, 0, Some(3.0 * 0.3 * PART), Some(3e-300))), 0.3);
        assert_eq!(mean(row(0, 0, Some(3.0 * f64::MAX * PART), None)), f64::MAX / 2.0);
        assert_eq!(mean(row(0, 0, None, None)), 0.0);
        assert_eq!((mean(row(1, 0, None, None)), mean(row(0, 1, None, None))), (f64::MAX, f64::MIN));
        assert!(mean(row(1, 1, None, None)).is_nan());
        assert_eq!(GroupMetric::from(&row(0, 0, None, None)).nan, 1);
    }
}
