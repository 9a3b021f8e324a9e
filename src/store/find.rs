//! Finding experiments and runs by what people have at hand: a part of a name, the beginning of an id, the number of a job.

use super::Store;
use super::runs::RunRow;
use super::sql::{Sql, sql};
use crate::error::Result;
use crate::model::{Caller, RunInfo};

/// Names of this many of the newest runs are looked at.
const NAMED_RUNS: i64 = 100_000;
/// At most this many runs with an id that begins so are looked at.
const RUNS_BY_ID: i64 = 1_000;
/// The params and tags that have the number of a job.
const JOB_KEYS: [&str; 2] = ["SLURM_JOB_ID", "slurm_job_id"];

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Ids and names of experiments, the newest first.
    pub experiments: Vec<(i64, String)>,
    /// Runs with the name of their experiment, the one that started last first.
    pub runs: Vec<(RunInfo, String)>,
}

#[derive(sqlx::FromRow)]
struct FoundRow {
    #[sqlx(flatten)]
    run: RunRow,
    experiment_name: String,
}

impl Store {
    /// At most `limit` active experiments whose name has `text` in it, and as many active runs whose name has it, whose id
    /// begins with it, or whose job has this number. Case does not matter in names.
    ///
    /// # Errors
    /// What the database said.
    pub async fn find_by_text(&self, caller: &Caller, text: &str, limit: usize) -> Result<Found> {
        if text.is_empty() {
            return Ok(Found::default());
        }
        let _turn = self.search_turn().await?;
        let job_keys = self.inner.keys.find_all(self.db(), JOB_KEYS.into_iter()).await?;
        let mut tx = self.db().read().await?;
        let mut statement = sql("SELECT id, name FROM experiment WHERE deleted_ms IS NULL AND ");
        statement.contains("name", text).visible_to(caller, "id");
        statement.push(" ORDER BY created_ms DESC, id LIMIT ").bind(limit as i64);
        let experiments: Vec<(i64, String)> = tx.all(statement).await?;

        let mut statement = sql("SELECT r.id, r.public_id, r.experiment_id, r.name, r.user_id, r.status, r.start_ms, \
             r.end_ms, r.deleted_ms, r.artifact_uri, e.name AS experiment_name \
             FROM run r JOIN experiment e ON e.id = r.experiment_id WHERE r.id IN (");
        push_named(&mut statement, text);
        push_with_id(&mut statement, text);
        let keys: Vec<i64> = job_keys.into_values().collect();
        if !keys.is_empty() {
            for table in ["param", "tag"] {
                // Experiment by experiment, for the sake of the index.
                statement.push(" UNION SELECT v.run_id FROM experiment x CROSS JOIN ").push(table);
                statement.push(" v WHERE v.experiment_id = x.id AND v.key_id").bind_ints(tx.dialect(), &keys);
                statement.push(" AND v.head = ").bind(text);
            }
        }
        statement.push(") AND r.deleted_ms IS NULL AND e.deleted_ms IS NULL").visible_to(caller, "r.experiment_id");
        statement.push(" ORDER BY r.start_ms DESC, r.public_id LIMIT ").bind(limit as i64);
        let rows: Vec<FoundRow> = tx.all(statement).await?;
        let run = |row: FoundRow| Ok((row.run.info()?, row.experiment_name));
        Ok(Found { experiments, runs: rows.into_iter().map(run).collect::<Result<_>>()? })
    }
}

/// Runs by their name.
fn push_named(statement: &mut Sql, text: &str) {
    statement.push("SELECT n.id FROM run n WHERE n.id > (SELECT max(id) FROM run) - ").bind(NAMED_RUNS);
    statement.push(" AND ").contains("n.name", text);
}

/// Runs by the beginning of their id, which has no letter behind `f`.
fn push_with_id(statement: &mut Sql, text: &str) {
    let is_id = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if is_id {
        statement.push(" UNION SELECT i.id FROM (SELECT b.id FROM run b WHERE b.public_id >= ").bind(text);
        statement.push(" AND b.public_id < ").bind(format!("{text}g")).push(" LIMIT ").bind(RUNS_BY_ID).push(") i");
    }
}
