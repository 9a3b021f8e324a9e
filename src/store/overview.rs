//! All experiments with what goes on in them, by a few statements whatever their number.

use std::collections::HashMap;

use super::Store;
use super::db::Tx;
use super::experiments::{EXPERIMENT_COLUMNS, ExperimentRow, with_tags};
use super::sql::sql;
use crate::error::Result;
use crate::model::{Caller, Experiment, ViewType};

/// For how long a failure is recent.
const RECENT_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// Users of an experiment that are named.
const NAMED_USERS: usize = 3;

/// An experiment and what goes on in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExperimentSummary {
    /// The experiment.
    pub experiment: Experiment,
    /// Its active runs.
    pub runs: i64,
    /// Those of them in state RUNNING.
    pub running: i64,
    /// Those of them that failed in the last seven days.
    pub failed_recently: i64,
    /// Its runs in the trash.
    pub deleted_runs: i64,
    /// When the last active run started, in milliseconds.
    pub last_start_ms: Option<i64>,
    /// When it was made, or an active run started or ended, or one that runs logged a point, whatever was last.
    pub last_activity_ms: i64,
    /// The users with most active runs, at most three.
    pub users: Vec<String>,
    /// How many users have active runs.
    pub user_count: usize,
    /// The recorded sizes of the artifacts of its runs and models.
    pub artifact_bytes: i64,
}

/// The runs of one user in one experiment.
#[derive(sqlx::FromRow)]
struct UserRow {
    experiment_id: i64,
    user_id: String,
    runs: i64,
    running: i64,
    failed_recently: i64,
    deleted_runs: i64,
    last_start_ms: Option<i64>,
    last_end_ms: Option<i64>,
}

impl Store {
    /// All experiments of this view with what goes on in them at `now_ms`, the one made last first.
    pub async fn list_experiment_summaries(
        &self,
        caller: &Caller,
        view: ViewType,
        now_ms: i64,
    ) -> Result<Vec<ExperimentSummary>> {
        let mut tx = self.db().read().await?;
        let mut statement = sql("SELECT ");
        statement.push(EXPERIMENT_COLUMNS).push(" FROM experiment WHERE id IS NOT NULL").visible_to(caller, "id");
        match view {
            ViewType::ActiveOnly => drop(statement.push(" AND deleted_ms IS NULL")),
            ViewType::DeletedOnly => drop(statement.push(" AND deleted_ms IS NOT NULL")),
            ViewType::All => {}
        }
        statement.push(" ORDER BY created_ms DESC, id");
        let rows: Vec<ExperimentRow> = tx.all(statement).await?;
        let mut users = read_users(&mut tx, caller, now_ms).await?;
        let points = read_last_points(&mut tx, caller).await?;
        let bytes = read_artifact_bytes(&mut tx, caller).await?;
        let summary = |experiment: Experiment| {
            let of_experiment = users.remove(&experiment.id).unwrap_or_default();
            let last_point = points.get(&experiment.id).copied();
            let artifact_bytes = bytes.get(&experiment.id).copied().unwrap_or_default();
            summarise(experiment, of_experiment, last_point, artifact_bytes)
        };
        Ok(with_tags(&mut tx, rows).await?.into_iter().map(summary).collect())
    }
}

fn summarise(
    experiment: Experiment,
    mut users: Vec<UserRow>,
    last_point_ms: Option<i64>,
    artifact_bytes: i64,
) -> ExperimentSummary {
    let sum = |count: fn(&UserRow) -> i64| users.iter().map(count).sum();
    let (runs, running, deleted_runs) = (sum(|row| row.runs), sum(|row| row.running), sum(|row| row.deleted_runs));
    let failed_recently = sum(|row| row.failed_recently);
    let last_start_ms = users.iter().filter_map(|row| row.last_start_ms).max();
    let last_end_ms = users.iter().filter_map(|row| row.last_end_ms).max();
    let times = [last_start_ms, last_end_ms, last_point_ms];
    let last_activity_ms = times.into_iter().flatten().fold(experiment.created_ms, i64::max);
    users.retain(|row| row.runs > 0 && !row.user_id.is_empty());
    users.sort_unstable_by(|left, right| right.runs.cmp(&left.runs).then_with(|| left.user_id.cmp(&right.user_id)));
    let user_count = users.len();
    let users = users.into_iter().take(NAMED_USERS).map(|row| row.user_id).collect();
    ExperimentSummary {
        experiment,
        runs,
        running,
        failed_recently,
        deleted_runs,
        last_start_ms,
        last_activity_ms,
        users,
        user_count,
        artifact_bytes,
    }
}

/// The runs of every user in every experiment, as numbers.
async fn read_users(tx: &mut Tx, caller: &Caller, now_ms: i64) -> Result<HashMap<i64, Vec<UserRow>>> {
    let mut statement = sql("SELECT experiment_id, user_id, count(CASE WHEN deleted_ms IS NULL THEN 1 END) AS runs,
         count(CASE WHEN deleted_ms IS NULL AND status = 1 THEN 1 END) AS running,
         count(deleted_ms) AS deleted_runs,
         max(CASE WHEN deleted_ms IS NULL THEN start_ms END) AS last_start_ms,
         max(CASE WHEN deleted_ms IS NULL THEN end_ms END) AS last_end_ms,
         count(CASE WHEN deleted_ms IS NULL AND status = 4 AND end_ms > ");
    statement.bind(now_ms - RECENT_MS);
    statement.push(" THEN 1 END) AS failed_recently FROM run WHERE experiment_id IS NOT NULL");
    statement.visible_to(caller, "experiment_id").push(" GROUP BY experiment_id, user_id");
    let mut found: HashMap<i64, Vec<UserRow>> = HashMap::new();
    for row in tx.all::<UserRow>(statement).await? {
        found.entry(row.experiment_id).or_default().push(row);
    }
    Ok(found)
}

/// When a run of each experiment that is in state RUNNING logged its last point. Runs that were killed stay in this state,
/// with hundreds of metrics each: of every experiment only the runs are looked at that were logged to last.
async fn read_last_points(tx: &mut Tx, caller: &Caller) -> Result<HashMap<i64, i64>> {
    let mut statement = sql("SELECT l.experiment_id, max(s.timestamp_ms) FROM (
             SELECT r.id, r.experiment_id,
                 row_number() OVER (PARTITION BY r.experiment_id ORDER BY c.points_version DESC) AS place
             FROM run r JOIN run_change c ON c.run_id = r.id WHERE r.status = 1 AND r.deleted_ms IS NULL");
    statement.visible_to(caller, "r.experiment_id");
    statement.push(") l JOIN metric_series s ON s.run_id = l.id WHERE l.place <= 10 GROUP BY l.experiment_id");
    let rows: Vec<(i64, i64)> = tx.all(statement).await?;
    Ok(rows.into_iter().collect())
}

/// How much the files of each experiment take up: those in the directory that its number names, and in those that it
/// claimed. `0` comes right after the slash.
async fn read_artifact_bytes(tx: &mut Tx, caller: &Caller) -> Result<HashMap<i64, i64>> {
    let mut statement = sql("SELECT h.id, CAST(sum(a.size_bytes) AS BIGINT) FROM (
             SELECT id, CAST(id AS TEXT) AS path FROM experiment
             UNION ALL SELECT experiment_id, path FROM artifact_claim) h
         JOIN artifact a ON a.path > h.path || '/' AND a.path < h.path || '0' WHERE h.id IS NOT NULL");
    statement.visible_to(caller, "h.id").push(" GROUP BY h.id");
    let rows: Vec<(i64, i64)> = tx.all(statement).await?;
    Ok(rows.into_iter().collect())
}
