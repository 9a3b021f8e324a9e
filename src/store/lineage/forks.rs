//! What a run was forked from, and at which step it left that.

use std::collections::{BTreeSet, HashMap};

use super::progress::{Progress, read_progress};
use super::training::{Training, read_members};
use crate::error::Result;
use crate::model::Caller;
use crate::store::db::Tx;
use crate::store::sql::sql;

/// The run that a name means.
#[derive(Debug, Clone)]
pub(in crate::store) struct Named {
    pub id: i64,
    /// The public id; another one than the name where only a copy of what that names is here.
    pub run_id: String,
    pub experiment_id: i64,
    pub name: String,
}

/// The runs of these public ids, or where there is none, the oldest copy of it.
pub(in crate::store) async fn read_named(
    tx: &mut Tx,
    caller: &Caller,
    names: &[&str],
) -> Result<HashMap<String, Named>> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    // The last row of a name stays: that of the run itself, else that of the oldest copy.
    let mut statement = sql("SELECT r.public_id, CAST(0 AS BIGINT), r.id, r.public_id, r.experiment_id, r.name
         FROM run r WHERE r.public_id");
    statement.bind_texts(tx.dialect(), names).visible_to(caller, "r.experiment_id");
    statement.push(
        " UNION ALL SELECT l.target, r.id, r.id, r.public_id, r.experiment_id, r.name
         FROM link l JOIN run r ON r.id = l.run_id WHERE l.kind = 4 AND l.target",
    );
    statement.bind_texts(tx.dialect(), names).visible_to(caller, "r.experiment_id").push(" ORDER BY 2 DESC");
    let rows: Vec<(String, i64, i64, String, i64, String)> = tx.all(statement).await?;
    let named = |(target, _, id, run_id, experiment_id, name)| (target, Named { id, run_id, experiment_id, name });
    Ok(rows.into_iter().map(named).collect())
}

/// The steps at which forks left what they were forked from, by fork, where the data show them. `forks` are pairs of a fork
/// and its origin.
pub(in crate::store) async fn read_fork_steps(
    tx: &mut Tx,
    caller: &Caller,
    forks: &[(i64, i64)],
) -> Result<HashMap<i64, i64>> {
    let first_steps = read_first_steps(tx, &Vec::from_iter(forks.iter().map(|(fork, _)| *fork))).await?;
    let trained = forks.iter().filter(|(fork, _)| first_steps.contains_key(fork));
    let origins: BTreeSet<i64> = trained.map(|(_, origin)| *origin).collect();
    let members = read_members(tx, caller, &Vec::from_iter(origins)).await?;
    let trainings: Vec<Training> = members.into_values().map(Training::of).collect();
    let runs: Vec<i64> = trainings.iter().flat_map(Training::members).map(|run| run.id).collect();
    let progress = read_progress(tx, &runs).await?;
    let mut ranges = HashMap::new();
    for training in &trainings {
        let range = range(training, &progress);
        ranges.extend(training.members().filter_map(|run| Some((run.id, range?))));
    }
    let step = |(fork, origin): &(i64, i64)| fork_step(*first_steps.get(fork)?, *ranges.get(origin)?);
    Ok(forks.iter().filter_map(|fork| Some((fork.0, step(fork)?))).collect())
}

/// The steps that a training ran through.
pub(super) fn range(training: &Training, progress: &HashMap<i64, Progress>) -> Option<(i64, i64)> {
    let of_attempts = || training.attempts.iter().filter_map(|attempt| progress.get(&attempt.run.id));
    let first = of_attempts().filter_map(|progress| progress.first_step).min()?;
    Some((first, of_attempts().map(|progress| progress.last_step).max()?))
}

/// The metric of a fork that tells where it left its origin.
#[derive(sqlx::FromRow)]
struct FirstRow {
    run_id: i64,
    first_step: i64,
    min_step: i64,
    max_step: i64,
    count: i64,
}

/// For each of `runs` the first step of its training and the usual distance between steps there.
pub(super) async fn read_first_steps(tx: &mut Tx, runs: &[i64]) -> Result<HashMap<i64, (i64, i64)>> {
    if runs.is_empty() {
        return Ok(HashMap::new());
    }
    // Of each run the least first step, and of the metrics that begin there the densest.
    let mut statement = sql("SELECT f.run_id, f.first_step, f.min_step, f.max_step, f.count FROM (
             SELECT s.run_id, s.first_step, s.min_step, s.max_step, s.count,
                 row_number() OVER (PARTITION BY s.run_id ORDER BY s.first_step, s.count DESC, s.key_id DESC) AS place
             FROM metric_series s WHERE s.count >= 2 AND s.run_id");
    statement.bind_ints(tx.dialect(), runs);
    statement.push(
        " AND s.key_id NOT IN (SELECT k.id FROM key k WHERE k.name >= 'system/' AND k.name < 'system0')) f
         WHERE f.place = 1",
    );
    let rows: Vec<FirstRow> = tx.all(statement).await?;
    let distance = |row: &FirstRow| row.max_step.saturating_sub(row.min_step) / (row.count - 1).max(1);
    Ok(rows.into_iter().map(|row| (row.run_id, (row.first_step, distance(&row)))).collect())
}

/// The step at which a fork left its origin, where the data show it: its first step lies within what the origin ran
/// through, and is not near 0, where a training begins that starts its steps anew (`ui.md` section 6.5).
pub(super) fn fork_step(first: (i64, i64), origin: (i64, i64)) -> Option<i64> {
    let ((step, distance), (origin_first, origin_last)) = (first, origin);
    let near_zero = distance.saturating_mul(2).max(origin_last / 100);
    (step > near_zero && (origin_first..=origin_last).contains(&step)).then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_of_a_fork_is_stated_only_where_the_data_show_it() {
        let origin = (50, 100_000);

        assert_eq!(fork_step((60_050, 50), origin), Some(60_050));
        assert_eq!(fork_step((100_000, 50), origin), Some(100_000));
        assert_eq!(fork_step((0, 50), origin), None, "steps began anew");
        assert_eq!(fork_step((50, 50), origin), None, "the first log of a training that began anew");
        assert_eq!(fork_step((900, 50), origin), None, "a first log late in the first hundredth");
        assert_eq!(fork_step((100_050, 50), origin), None, "beyond what the origin has");
        assert_eq!(fork_step((10, 1), (20, 30)), None, "before what the origin has");
        assert_eq!(fork_step((i64::MAX, i64::MAX), (i64::MIN, i64::MAX)), None);
    }
}
