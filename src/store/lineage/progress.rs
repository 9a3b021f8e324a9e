//! How far runs and trainings came: steps and time, from what is kept of each metric.

use std::collections::HashMap;

use serde::Deserialize;

use super::training::{Member, Training};
use crate::error::Result;
use crate::store::db::Tx;
use crate::store::sql::packed;
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
