//! Metrics of runs in few numbers, side by side.

use std::collections::HashMap;
use std::sync::Arc;

use super::attempts::{self, Group};
use super::read::{self, Source};
use crate::error::{Error, Result};
use crate::model::{Caller, MetricValue, Point};
use crate::store::Store;
use crate::store::curves::extremes::{Extremes, Scan};
use crate::store::db::Tx;
use crate::store::sql::sql;

/// Metrics of one answer.
const MAX_METRICS: usize = 1_000;
/// Metrics times runs of one answer.
const MAX_CELLS: usize = 50_000;

/// What is asked of which runs.
#[derive(Debug, Clone, Default)]
pub struct ValuesRequest {
    /// The public ids of the runs.
    pub run_ids: Vec<String>,
    /// The names of the metrics; none means all that the runs have.
    pub metrics: Vec<String>,
    /// The step at which values are wanted.
    pub step: Option<i64>,
    /// Whether the attempts of a training count as one run: the latest point is then that of its last attempt that has the
    /// metric, and what a later attempt went over again does not count.
    pub joined: bool,
}

/// Metrics and what each run has of them.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundValues {
    /// The public ids of the runs that cells are in the order of: those that were asked for, each once, and joined one of each
    /// training.
    pub run_ids: Vec<String>,
    /// One for each metric, in the order asked, or by name.
    pub rows: Vec<MetricRow>,
    /// Whether the runs have more metrics than are told.
    pub truncated: bool,
}

/// A metric and what each run has of it.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricRow {
    /// The name.
    pub metric: String,
    /// In the order of the runs.
    pub cells: Vec<Option<MetricCell>>,
}

/// A metric of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricCell {
    /// The latest point, as tables show it.
    pub latest: Point,
    /// The series as a whole.
    pub extremes: Extremes,
}

/// Run, metric, value, whether it is NaN, step and time of the latest point.
type LatestRow = (i64, i64, f64, bool, i64, i64);

impl Store {
    /// Metrics of runs in few numbers.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a run that does not exist or that the caller may not see; [`Error::Invalid`] where more
    /// metrics are named than one answer may have.
    pub async fn read_values(&self, caller: &Caller, request: &ValuesRequest) -> Result<FoundValues> {
        let _turn = self.search_turn().await?;
        let known = self.inner.keys.find_all(self.db(), request.metrics.iter().map(String::as_str)).await?;
        let mut tx = self.db().read().await?;
        let groups = attempts::find(&mut tx, caller, &request.run_ids, request.joined).await?;
        let runs: Vec<i64> = groups.iter().flat_map(Group::runs).collect();
        let most = MAX_METRICS.min(MAX_CELLS / runs.len().max(1));
        let mut metrics: Vec<(String, Option<i64>)> = if request.metrics.is_empty() {
            read_names(&mut tx, &runs, most + 1).await?
        } else if request.metrics.len() > most {
            return Err(Error::Invalid(format!(
                "'metrics' has {} items; at most {most} are allowed for {} runs",
                request.metrics.len(),
                runs.len()
            )));
        } else {
            request.metrics.iter().map(|name| (name.clone(), known.get(name).copied())).collect()
        };
        let truncated = metrics.len() > most;
        metrics.truncate(most);
        let mut keys: Vec<i64> = metrics.iter().filter_map(|(_, key)| *key).collect();
        keys.sort_unstable();
        let latest = read_latest(&mut tx, &runs, &keys).await?;
        let source = Source::load(&mut tx, &runs, &keys).await?;
        let series = series_of(&groups, &metrics, &latest);
        let parts = series.iter().enumerate().flat_map(|(number, one)| {
            groups[one.group].parts(number, 0, &source, &metrics[one.metric].0, metrics[one.metric].1, false)
        });
        let parts = Arc::new(parts.collect());
        let scan = read::walk(&mut tx, &parts, Scan::new(series.len(), request.step)).await?;
        let found = read::walk(&mut tx, &parts, scan.locate()).await?.finish();
        let mut rows: Vec<MetricRow> =
            metrics.into_iter().map(|(metric, _)| MetricRow { metric, cells: vec![None; groups.len()] }).collect();
        for (Series { group, metric, latest }, extremes) in series.into_iter().zip(found) {
            rows[metric].cells[group] = Some(MetricCell { latest, extremes });
        }
        Ok(FoundValues { run_ids: groups.into_iter().map(|group| group.run_id).collect(), rows, truncated })
    }
}

/// A metric that a run has, or a training, by their places; and its latest point.
struct Series {
    group: usize,
    metric: usize,
    latest: Point,
}

/// What there is of these metrics: the latest point of a training is that of the last attempt that has one.
fn series_of(groups: &[Group], metrics: &[(String, Option<i64>)], latest: &HashMap<(i64, i64), Point>) -> Vec<Series> {
    let mut found = Vec::new();
    for (metric, (_, key)) in metrics.iter().enumerate() {
        let Some(key) = key else { continue };
        for (group, attempts) in groups.iter().enumerate() {
            let last = attempts.attempts.iter().rev().find_map(|attempt| latest.get(&(attempt.id, *key)));
            found.extend(last.map(|latest| Series { group, metric, latest: *latest }));
        }
    }
    found
}

/// The first names of metrics that the runs have.
async fn read_names(tx: &mut Tx, runs: &[i64], limit: usize) -> Result<Vec<(String, Option<i64>)>> {
    let mut statement = sql("SELECT k.name, k.id FROM key k WHERE k.id IN (SELECT s.key_id FROM metric_series s
         WHERE s.run_id");
    statement.bind_ints(tx.dialect(), runs).push(") ORDER BY k.name LIMIT ").bind(limit as i64);
    Ok(tx.all::<(String, i64)>(statement).await?.into_iter().map(|(name, id)| (name, Some(id))).collect())
}

/// The latest point of each of these metrics in each of these runs that has it. Row by row: SQLite writes numbers as JSON
/// with fifteen digits, which is not all of them.
async fn read_latest(tx: &mut Tx, runs: &[i64], keys: &[i64]) -> Result<HashMap<(i64, i64), Point>> {
    let mut statement =
        sql("SELECT s.run_id, s.key_id, s.value, s.is_nan, s.step, s.timestamp_ms FROM metric_series s WHERE s.run_id");
    statement.bind_ints(tx.dialect(), runs).push(" AND s.key_id").bind_ints(tx.dialect(), keys);
    let rows: Vec<LatestRow> = tx.all(statement).await?;
    let point = |(run, key, value, is_nan, step, timestamp_ms): LatestRow| {
        let value = MetricValue::new(if is_nan { f64::NAN } else { value });
        ((run, key), Point { timestamp_ms, step, value })
    };
    Ok(rows.into_iter().map(point).collect())
}
