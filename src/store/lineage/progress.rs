//! How far runs and trainings came: steps and time, from what is kept of each metric.

use std::collections::HashMap;

use serde::Deserialize;

use super::training::{Member, Training};
use crate::error::Result;
use crate::store::db::Tx;
use crate::store::sql::{packed, sql};
use crate::store::writer::has_ended;

/// What the metrics of a run tell of its training. Metrics of the machine (`system/…`) count steps of their own and are
/// left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(in crate::store) struct Progress {
    run_id: i64,
    /// The least first step of a metric that has two points or more: where the training began, or went on (`storage.md`,
    /// "Joined series").
    pub first_step: Option<i64>,
    /// The greatest step.
    pub last_step: i64,
    /// When the first point was logged, in milliseconds since the epoch.
    pub first_ms: i64,
    /// When the last point was logged.
    pub last_ms: i64,
}

/// The progress of each of `runs` that has points.
pub(in crate::store) async fn read_progress(tx: &mut Tx, runs: &[i64]) -> Result<HashMap<i64, Progress>> {
    if runs.is_empty() {
        return Ok(HashMap::new());
    }
    let mut statement = packed(tx.dialect(), "p.run_id, p.first_step, p.last_step, p.first_ms, p.last_ms");
    statement.push(
        " FROM (SELECT s.run_id, min(CASE WHEN s.count >= 2 THEN s.first_step END) AS first_step,
             max(s.max_step) AS last_step, min(s.first_ms) AS first_ms, max(s.timestamp_ms) AS last_ms
         FROM metric_series s WHERE s.run_id",
    );
    statement.bind_ints(tx.dialect(), runs);
    statement.push(
        " AND s.key_id NOT IN (SELECT k.id FROM key k WHERE k.name >= 'system/' AND k.name < 'system0') \
         GROUP BY s.run_id) p",
    );
    let rows: Vec<Progress> = tx.unpack(statement).await?;
    Ok(rows.into_iter().map(|row| (row.run_id, row)).collect())
}

/// A metric of a fork, which may tell where it left its origin.
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
    let mut statement = sql("SELECT s.run_id, s.first_step, s.min_step, s.max_step, s.count FROM metric_series s
         WHERE s.count >= 2 AND s.run_id");
    statement.bind_ints(tx.dialect(), runs);
    statement.push(
        " AND s.key_id NOT IN (SELECT k.id FROM key k WHERE k.name >= 'system/' AND k.name < 'system0') \
         ORDER BY s.run_id, s.first_step DESC, s.count, s.key_id",
    );
    let rows: Vec<FirstRow> = tx.all(statement).await?;
    let distance = |row: &FirstRow| row.max_step.saturating_sub(row.min_step) / (row.count - 1).max(1);
    // Of each run the last row stays: the least first step, and the densest metric that begins there.
    Ok(rows.into_iter().map(|row| (row.run_id, (row.first_step, distance(&row)))).collect())
}

/// The step at which a fork left its origin, where the data show it: its first step lies within what the origin ran
/// through, and is not near 0, where a training begins that starts its steps anew (`ui.md` section 6.5).
pub(super) fn fork_step(first: (i64, i64), origin: (i64, i64)) -> Option<i64> {
    let ((step, distance), (origin_first, origin_last)) = (first, origin);
    let near_zero = distance.saturating_mul(2).max(origin_last / 100);
    (step > near_zero && (origin_first..=origin_last).contains(&step)).then_some(step)
}

/// How long a run trained, in milliseconds: from start to end where both are its own, else from its first point to its
/// last. A run that was killed has no end, and one that was copied has the times of its copying.
pub(in crate::store) fn time_ms(run: &Member, progress: Option<&Progress>) -> i64 {
    let span = match (run.end_ms, progress) {
        (Some(end_ms), _) if has_ended(run.status) && !run.is_copy() => end_ms.saturating_sub(run.start_ms),
        (_, Some(progress)) => progress.last_ms.saturating_sub(progress.first_ms),
        (Some(end_ms), None) => end_ms.saturating_sub(run.start_ms),
        (None, None) => 0,
    };
    span.max(0)
}

/// The greatest step of all attempts of a training, if any has points, and the time of all of them in milliseconds.
pub(in crate::store) fn totals(training: &Training, progress: &HashMap<i64, Progress>) -> (Option<i64>, i64) {
    let attempts = || training.attempts.iter().map(|attempt| (&attempt.run, progress.get(&attempt.run.id)));
    let steps = attempts().filter_map(|(_, progress)| Some(progress?.last_step)).max();
    let time = attempts().fold(0_i64, |sum, (run, progress)| sum.saturating_add(time_ms(run, progress)));
    (steps, time)
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
