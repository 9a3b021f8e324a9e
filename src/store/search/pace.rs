//! How far the runs of a table came, and how often they log: what tells a run at work from one that fell silent.

use std::collections::HashMap;

use super::rows::Row;
use crate::error::Result;
use crate::store::db::Tx;
use crate::store::sql::sql;

/// How far a run came, and how often it logs. Metrics of the machine (`system/…`) count only where there are no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The greatest step.
    pub last_step: i64,
    /// When the last point was logged, in milliseconds since the epoch.
    pub last_point_ms: i64,
    /// From one point to the next of the metric with most points, in milliseconds; none with a single point.
    pub usual_gap_ms: Option<i64>,
    /// The step at which its params say that it ends.
    pub max_steps: Option<i64>,
}

/// The pace of a run, and which run and metric it is of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paced {
    /// The run's internal id.
    pub run: i64,
    /// Its state, by its number.
    pub status: i64,
    /// The metric with most points.
    pub key: i64,
    /// How far it came.
    pub pace: Pace,
}

/// The params that may say where a run ends; the first one counts that is a whole number above 0.
const MAX_STEPS: [&str; 3] = ["config.training.max_steps", "training.max_steps", "max_steps"];

/// The metric of a run with most points, of those of the machine or of the others, with what all of its kind came to.
#[derive(sqlx::FromRow)]
struct SeriesRow {
    public_id: String,
    run_id: i64,
    status: i64,
    key_id: i64,
    of_machine: bool,
    last_step: i64,
    last_ms: i64,
    first_ms: i64,
    end_ms: i64,
    count: i64,
}

/// The pace of the run of each row; nothing of a run without points.
pub(super) async fn read_paces(tx: &mut Tx, rows: &[Row]) -> Result<Vec<Option<Paced>>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let run_ids: Vec<&str> = rows.iter().map(|row| row.run_id.as_str()).collect();
    let max_steps = read_max_steps(tx, &run_ids).await?;
    let mut statement = sql("SELECT public_id, run_id, status, key_id, of_machine, last_step, last_ms, first_ms, end_ms, count FROM (
             SELECT public_id, run_id, status, key_id, of_machine, first_ms, timestamp_ms AS end_ms, count,
                 max(max_step) OVER (PARTITION BY public_id, of_machine) AS last_step,
                 max(timestamp_ms) OVER (PARTITION BY public_id, of_machine) AS last_ms,
                 row_number() OVER (PARTITION BY public_id, of_machine ORDER BY count DESC, key_id) AS place
             FROM (SELECT r.public_id, r.id AS run_id, r.status, s.key_id, s.max_step, s.timestamp_ms, s.first_ms, s.count,
                       s.key_id IN (SELECT k.id FROM key k WHERE k.name >= 'system/' AND k.name < 'system0') AS of_machine
                   FROM run r JOIN metric_series s ON s.run_id = r.id WHERE r.public_id");
    statement.bind_texts(tx.dialect(), &run_ids);
    statement.push(") every_series) placed WHERE place = 1");
    let mut found: HashMap<String, SeriesRow> = HashMap::new();
    for row in tx.all::<SeriesRow>(statement).await? {
        if !row.of_machine || !found.contains_key(&row.public_id) {
            found.insert(row.public_id.clone(), row);
        }
    }
    let pace = |run_id: &str| {
        let series = found.get(run_id)?;
        let gaps = series.count - 1;
        let span_ms = series.end_ms.saturating_sub(series.first_ms).max(0);
        let pace = Pace {
            last_step: series.last_step,
            last_point_ms: series.last_ms,
            usual_gap_ms: (gaps > 0).then(|| span_ms / gaps),
            max_steps: max_steps.get(run_id).copied(),
        };
        Some(Paced { run: series.run_id, status: series.status, key: series.key_id, pace })
    };
    Ok(run_ids.into_iter().map(pace).collect())
}

async fn read_max_steps(tx: &mut Tx, run_ids: &[&str]) -> Result<HashMap<String, i64>> {
    let mut statement = sql("SELECT r.public_id, k.name, p.head FROM run r
         CROSS JOIN key k JOIN param p ON p.run_id = r.id AND p.key_id = k.id WHERE k.name");
    statement.bind_texts(tx.dialect(), &MAX_STEPS).push(" AND r.public_id").bind_texts(tx.dialect(), run_ids);
    let mut said: HashMap<String, [Option<i64>; MAX_STEPS.len()]> = HashMap::new();
    for (run_id, name, value) in tx.all::<(String, String, String)>(statement).await? {
        let number = value.trim().parse().ok().filter(|number: &i64| *number > 0);
        if let Some(place) = MAX_STEPS.iter().position(|key| *key == name) {
            said.entry(run_id).or_default()[place] = number;
        }
    }
    Ok(said.into_iter().filter_map(|(run_id, said)| Some((run_id, said.into_iter().flatten().next()?))).collect())
}
