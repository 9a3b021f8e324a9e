//! How runs that are at work fare: their speed of late, and whether the loss still falls.
//!
//! What is kept of each series decides which of its points are looked at: of chunks the last two, the one with the least
//! value, and the one from which on there is only NaN; and what is not in chunks yet.

use std::collections::HashMap;

use super::pace::Paced;
use crate::error::{Error, Result};
use crate::model::{Point, RunStatus};
use crate::store::db::Tx;
use crate::store::points::{chunk, merge, segment};
use crate::store::sql::sql;

/// How far back the speed of a run is looked at, in milliseconds before its last point.
const SPEED_MS: i64 = 10 * 60 * 1_000;
/// Runs whose points are read at once: one that goes on has up to half a megabyte of them outside of chunks.
const RUNS: usize = 64;

/// How a run fares that is RUNNING.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// Over the ten minutes before its last point, in the metric with most points; none with fewer than two steps.
    pub steps_per_second: Option<f64>,
    /// The metric that one looks at first, where it has a loss or an error.
    pub loss: Option<LiveLoss>,
}

/// A metric that ought to fall.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveLoss {
    /// Its name.
    pub metric: String,
    /// The value of the latest point, as tables show it.
    pub last: f64,
    /// The step of that.
    pub last_step: i64,
    /// The least finite value, and the first step at which it occurs.
    pub best: Option<(f64, i64)>,
    /// The first step of the NaN that the series ends in, in the order of time; none where it ends in a number.
    pub nan_since: Option<i64>,
    /// How many points there are; exact duplicates may count.
    pub count: i64,
}

/// A metric that may be looked at first, of a run.
#[derive(Debug, Clone, sqlx::FromRow)]
struct LossRow {
    run_id: i64,
    key_id: i64,
    name: String,
    value: f64,
    is_nan: bool,
    step: i64,
    count: i64,
}

/// How the run of each row fares; nothing of one that is not RUNNING, or that has no points.
pub(super) async fn read_live(tx: &mut Tx, paced: &[Option<Paced>]) -> Result<Vec<Option<Live>>> {
    let running: Vec<Paced> =
        paced.iter().flatten().copied().filter(|run| run.status == RunStatus::Running as i64).collect();
    let mut losses = read_losses(tx, &running).await?;
    let mut found: HashMap<i64, Live> = HashMap::new();
    for part in running.chunks(RUNS) {
        let taken: Vec<(Paced, Option<LossRow>)> = part.iter().map(|run| (*run, losses.remove(&run.run))).collect();
        let mut pairs: Vec<(i64, i64)> = taken.iter().flat_map(|(run, loss)| pairs_of(run, loss.as_ref())).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let chunks = read_chunks(tx, &pairs).await?;
        let segments = read_segments(tx, part).await?;
        let judge = move || {
            let mut points = decode(&pairs, chunks, segments)?;
            let live = taken.into_iter().map(|(run, loss)| {
                let steps_per_second =
                    points.get(&(run.run, run.key)).and_then(|points| speed(points, run.pace.last_point_ms));
                let loss =
                    loss.map(|row| judge_loss(points.remove(&(row.run_id, row.key_id)).unwrap_or_default(), row));
                (run.run, Live { steps_per_second, loss })
            });
            Ok::<_, Error>(live.collect::<Vec<_>>())
        };
        found.extend(tokio::task::spawn_blocking(judge).await.map_err(Error::internal)??);
    }
    Ok(paced.iter().map(|run| found.remove(&run.as_ref()?.run)).collect())
}

/// The series of a run whose points are looked at.
fn pairs_of(run: &Paced, loss: Option<&LossRow>) -> impl Iterator<Item = (i64, i64)> + use<> {
    [(run.run, run.key)].into_iter().chain(loss.map(|loss| (loss.run_id, loss.key_id)))
}

/// The metric of each run that one looks at first, with its latest point.
async fn read_losses(tx: &mut Tx, running: &[Paced]) -> Result<HashMap<i64, LossRow>> {
    if running.is_empty() {
        return Ok(HashMap::new());
    }
    let runs: Vec<i64> = running.iter().map(|run| run.run).collect();
    let mut statement = sql("SELECT s.run_id, s.key_id, k.name, s.value, s.is_nan, s.step, s.count
         FROM metric_series s JOIN key k ON k.id = s.key_id
         WHERE s.key_id IN (SELECT n.id FROM key n WHERE ");
    statement
        .contains("n.name", "loss")
        .push(" OR ")
        .contains("n.name", "rmse")
        .push(" OR ")
        .contains("n.name", "wmse");
    statement.push(") AND s.run_id").bind_ints(tx.dialect(), &runs);
    let mut first: HashMap<i64, LossRow> = HashMap::new();
    for row in tx.all::<LossRow>(statement).await? {
        let Some(rank) = rank(&row.name) else { continue };
        let known = first.get(&row.run_id).and_then(|known| self::rank(&known.name).zip(Some(&known.name)));
        if known.is_none_or(|(other, name)| (rank, &row.name) < (other, name)) {
            first.insert(row.run_id, row);
        }
    }
    Ok(first)
}

/// The place of a metric among those that one looks at first, before which comes its name: losses of validations, other
/// losses, errors; of these those of validations, and of these the short names, which are the general ones. The pages have
/// the same rules (`static/src/charts/principal.ts`), but ask first how many runs of the experiment have a metric.
fn rank(name: &str) -> Option<(u8, bool, usize)> {
    let lower = name.to_ascii_lowercase();
    let validates = lower.find("val");
    let kind = if validates.is_some_and(|at| lower[at + 3..].contains("loss")) {
        0
    } else if lower.contains("loss") {
        1
    } else if lower.contains("rmse") || lower.contains("wmse") {
        2
    } else {
        return None;
    };
    (!name.starts_with("system/")).then(|| (kind, validates.is_none(), name.encode_utf16().count()))
}

type SeriesData = (i64, i64, Vec<u8>);

/// The data of the chunks that are looked at, in their order: the last two, the first with the least finite value, those in
/// which a value was minus infinity, the last one with a number and the one behind it.
async fn read_chunks(tx: &mut Tx, pairs: &[(i64, i64)]) -> Result<Vec<SeriesData>> {
    let mut statement = sql("WITH asked (run_id, key_id) AS (");
    statement.bind_pairs(tx.dialect(), pairs);
    statement.push(
        "), placed AS (SELECT c.id, c.run_id, c.key_id, c.count, c.nan_count, c.min_value,
             row_number() OVER (PARTITION BY c.run_id, c.key_id ORDER BY c.ordinal DESC) AS place,
             row_number() OVER (PARTITION BY c.run_id, c.key_id
                 ORDER BY CASE WHEN c.min_value > ",
    );
    statement.bind(f64::MIN).push(" THEN c.min_value ELSE ").bind(f64::MAX);
    statement.push(" END, c.ordinal) AS best_place
         FROM (SELECT DISTINCT run_id, key_id FROM asked) a
         CROSS JOIN metric_chunk c WHERE c.run_id = a.run_id AND c.key_id = a.key_id),
         judged AS (SELECT p.id, p.place, p.best_place, p.min_value,
             coalesce(min(CASE WHEN p.nan_count < p.count THEN p.place END) OVER (PARTITION BY p.run_id, p.key_id),
                 count(*) OVER (PARTITION BY p.run_id, p.key_id)) AS number_place FROM placed p)
         SELECT d.run_id, d.key_id, d.data FROM judged j CROSS JOIN metric_chunk d
         WHERE d.id = j.id AND (j.place <= 2 OR j.best_place = 1 OR j.place BETWEEN j.number_place - 1 AND j.number_place
             OR j.min_value <= ");
    statement.bind(f64::MIN).push(") ORDER BY d.run_id, d.key_id, d.ordinal");
    tx.all(statement).await
}

/// What of these runs is not in chunks yet.
async fn read_segments(tx: &mut Tx, runs: &[Paced]) -> Result<Vec<(i64, Vec<u8>)>> {
    let runs: Vec<i64> = runs.iter().map(|run| run.run).collect();
    let mut statement = sql("SELECT run_id, data FROM metric_segment WHERE run_id");
    statement.bind_ints(tx.dialect(), &runs);
    tx.all(statement).await
}

/// The points of each series, in the order of time; those of chunks that were not read are missing.
fn decode(
    pairs: &[(i64, i64)],
    chunks: Vec<SeriesData>,
    segments: Vec<(i64, Vec<u8>)>,
) -> Result<HashMap<(i64, i64), Vec<Point>>> {
    let mut points: HashMap<(i64, i64), Vec<Point>> = HashMap::new();
    for (run, key, data) in chunks {
        chunk::decode_into(&data, points.entry((run, key)).or_default())?;
    }
    for (run, data) in segments {
        let keys: Vec<i64> = pairs.iter().filter(|(of, _)| *of == run).map(|(_, key)| *key).collect();
        for (key, found) in segment::some_series(&data, &keys)? {
            points.entry((run, key)).or_default().extend(found);
        }
    }
    points.values_mut().for_each(merge::sort);
    Ok(points)
}

/// Steps in a second, over the time up to `last_ms`, as far as steps did not go back in it.
fn speed(points: &[Point], last_ms: i64) -> Option<f64> {
    let from_ms = last_ms.saturating_sub(SPEED_MS);
    let recent = &points[points.partition_point(|point| point.timestamp_ms < from_ms)..];
    let back = recent.windows(2).rposition(|pair| pair[1].step < pair[0].step);
    let recent = &recent[back.map_or(0, |at| at + 1)..];
    let (first, last) = (recent.first()?, recent.last()?);
    let (steps, time_ms) = (last.step.checked_sub(first.step)?, last.timestamp_ms.checked_sub(first.timestamp_ms)?);
    (steps > 0 && time_ms > 0).then(|| steps as f64 / (time_ms as f64 / 1_000.0))
}

fn judge_loss(points: Vec<Point>, row: LossRow) -> LiveLoss {
    let value = |point: &Point| point.value.get();
    let is_finite = |value: f64| value > f64::MIN && value < f64::MAX;
    let numbers = points.iter().filter(|point| is_finite(value(point)));
    // The first of equal ones.
    let best = numbers.min_by(|one, other| value(one).total_cmp(&value(other))).map(|point| (value(point), point.step));
    let behind = points.iter().rposition(|point| !value(point).is_nan()).map_or(0, |at| at + 1);
    LiveLoss {
        metric: row.name,
        last: if row.is_nan { f64::NAN } else { row.value },
        last_step: row.step,
        best,
        nan_since: points.get(behind).map(|point| point.step),
        count: row.count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MetricValue;

    fn point(timestamp_ms: i64, step: i64) -> Point {
        Point { timestamp_ms, step, value: MetricValue::new(0.0) }
    }

    #[test]
    fn a_speed_is_that_of_the_last_ten_minutes_after_the_last_step_back() {
        let steady: Vec<Point> = (0..2_000).map(|at| point(at * 1_000, at * 3)).collect();
        assert_eq!(speed(&steady, 1_999_000), Some(3.0));
        // The last point of the run may be one of another metric.
        assert_eq!(speed(&steady, 1_999_000 + SPEED_MS), None);
        let again = [point(0, 100), point(1_000, 200), point(2_000, 150), point(4_000, 160)];
        assert_eq!(speed(&again, 4_000), Some(5.0));
        assert_eq!(speed(&again[..3], 2_000), None);
        assert_eq!(speed(&[point(0, 1), point(0, 2)], 0), None);
        assert_eq!(speed(&[point(0, 1), point(5, 1)], 5), None);
        assert_eq!(speed(&[point(0, i64::MIN), point(5, i64::MAX)], 5), None);
        assert_eq!(speed(&[], 5), None);
    }

    #[test]
    fn losses_of_validations_come_first_and_short_names_before_long_ones() {
        let mut names =
            ["train_loss", "rmse", "val_loss_epoch", "VAL_mse_LOSS", "val_loss", "val_rmse_500", "lossval", "loss"];
        names.sort_by_key(|name| (rank(name).unwrap(), *name));

        let order =
            ["val_loss", "VAL_mse_LOSS", "val_loss_epoch", "lossval", "loss", "train_loss", "val_rmse_500", "rmse"];
        assert_eq!(names, order);
        for other in ["lr", "acc", "system/loss", "system/val_loss", ""] {
            assert_eq!(rank(other), None, "{other}");
        }
    }
}
