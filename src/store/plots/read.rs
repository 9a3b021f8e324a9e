//! Reading the points of many series: what their chunks are, what is still in segments, then the chunks that are needed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::model::Point;
use crate::store::compaction::stored_value;
use crate::store::curves::walk::{Chunk, Consumer, Feeder, Part, Plan, Planner, Points};
use crate::store::db::Tx;
use crate::store::points::chunk::Summary;
use crate::store::points::{merge, segment};
use crate::store::sql::{Sql, sql};

/// Chunks whose data is read at once.
const CHUNKS: usize = 64;
/// So many of the first ones: the survey mostly sees soon that it need not look at points.
const FIRST_CHUNKS: usize = 2;
/// Runs whose segments are read at once: a run that goes on has up to half a megabyte of them.
const RUNS: usize = 64;

/// What is known of series before their chunks are read.
#[derive(Debug, Default)]
pub struct Source {
    /// How many points each has at most, by run and key.
    counts: HashMap<(i64, i64), i64>,
    points: HashMap<(i64, i64), Arc<Points>>,
}

#[derive(sqlx::FromRow)]
struct ChunkRow {
    id: i64,
    run_id: i64,
    key_id: i64,
    count: i64,
    nan_count: i64,
    min_value: Option<f64>,
    max_value: Option<f64>,
    sum_value: f64,
    min_step: i64,
    max_step: i64,
    first_ms: i64,
    first_step: i64,
    first_value: Option<f64>,
    last_ms: i64,
    last_step: i64,
    last_value: Option<f64>,
    backward_steps: Option<i64>,
}

impl ChunkRow {
    fn chunk(&self) -> Chunk {
        let first = Point { timestamp_ms: self.first_ms, step: self.first_step, value: stored_value(self.first_value) };
        let last = Point { timestamp_ms: self.last_ms, step: self.last_step, value: stored_value(self.last_value) };
        let summary = Summary {
            count: self.count as usize,
            nan_count: self.nan_count as usize,
            min: self.min_value,
            max: self.max_value,
            sum: self.sum_value,
            first,
            last,
            min_step: self.min_step,
            max_step: self.max_step,
            backward_steps: self.backward_steps.map(|steps| steps as usize),
        };
        Chunk { id: self.id, summary }
    }
}

impl Source {
    /// All series of these keys in these runs.
    pub async fn load(tx: &mut Tx, runs: &[i64], keys: &[i64]) -> Result<Self> {
        let mut statement = sql("SELECT s.run_id, s.key_id, s.count FROM metric_series s WHERE s.run_id");
        bind_both(&mut statement, tx, runs, "AND s.key_id", keys);
        let counts: Vec<(i64, i64, i64)> = tx.all(statement).await?;
        let counts: HashMap<(i64, i64), i64> =
            counts.into_iter().map(|(run, key, count)| ((run, key), count)).collect();
        let mut statement = sql("SELECT c.id, c.run_id, c.key_id, c.count, c.nan_count, c.min_value, c.max_value,
                 c.sum_value, c.min_step, c.max_step, c.first_ms, c.first_step, c.first_value, c.last_ms, c.last_step,
                 c.last_value, c.backward_steps
             FROM metric_chunk c WHERE c.run_id");
        bind_both(&mut statement, tx, runs, "AND c.key_id", keys);
        statement.push(" ORDER BY c.run_id, c.key_id, c.ordinal");
        let rows = tx.all::<ChunkRow>(statement).await?;
        Self::with_segments(tx, counts, rows).await
    }

    /// With the points that are in segments still.
    async fn with_segments(tx: &mut Tx, counts: HashMap<(i64, i64), i64>, rows: Vec<ChunkRow>) -> Result<Self> {
        let mut keys: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        counts.keys().for_each(|(run, key)| keys.entry(*run).or_default().push(*key));
        keys.values_mut().for_each(|keys| keys.sort_unstable());
        let runs: Vec<i64> = keys.keys().copied().collect();
        let mut points: HashMap<(i64, i64), Points> = HashMap::new();
        for part in runs.chunks(RUNS) {
            let mut statement = sql("SELECT run_id, data FROM metric_segment WHERE run_id");
            statement.bind_ints(tx.dialect(), part);
            let segments: Vec<(i64, Vec<u8>)> = tx.all(statement).await?;
            if segments.is_empty() {
                continue;
            }
            let decode = move || {
                for (run, data) in segments {
                    for (key, found) in segment::some_series(&data, &keys[&run])? {
                        points.entry((run, key)).or_default().pending.extend(found);
                    }
                }
                Ok::<_, Error>((keys, points))
            };
            (keys, points) = tokio::task::spawn_blocking(decode).await.map_err(Error::internal)??;
        }
        points.values_mut().for_each(|points| merge::sort(&mut points.pending));
        for row in rows {
            points.entry((row.run_id, row.key_id)).or_default().chunks.push(row.chunk());
        }
        let points = points.into_iter().map(|(pair, points)| (pair, Arc::new(points))).collect();
        Ok(Source { counts, points })
    }

    /// The points of a key in a run.
    pub fn points(&self, run: i64, key: i64) -> Arc<Points> {
        self.points.get(&(run, key)).cloned().unwrap_or_default()
    }

    /// Refuses more than `limit` points of the keys that are `counted`.
    pub fn check(&self, what: &str, limit: i64, counted: impl Fn(i64) -> bool) -> Result<()> {
        let counts = self.counts.iter().filter(|((_, key), _)| counted(*key));
        let total: i64 = counts.map(|(_, count)| *count).fold(0, i64::saturating_add);
        if total > limit {
            return Err(Error::Invalid(format!(
                "{what} has {total} points in these runs; at most {limit} are allowed. Ask for fewer runs or metrics"
            )));
        }
        Ok(())
    }
}

fn bind_both(statement: &mut Sql, tx: &Tx, runs: &[i64], and: &'static str, keys: &[i64]) {
    statement.bind_ints(tx.dialect(), runs).push(" ").push(and).bind_ints(tx.dialect(), keys);
}

/// Takes a consumer through all points of parts. The data of a few chunks is read while that of those before is decoded,
/// off the threads that serve requests.
pub async fn walk<C: Consumer + Send + 'static>(tx: &mut Tx, parts: &Arc<Vec<Part>>, consumer: C) -> Result<C> {
    let mut planner = Planner::new(parts.clone());
    let mut limit = FIRST_CHUNKS;
    let mut taking = (Feeder::new(parts.clone()), consumer);
    let mut next = planner.next(&taking.1, limit);
    let mut data = read_data(tx, next.as_ref()).await?;
    while let Some(plan) = next {
        limit = (2 * limit).min(CHUNKS);
        next = planner.next(&taking.1, limit);
        let feed = move || {
            let (mut feeder, mut consumer) = taking;
            feeder.feed(&plan, &mut consumer, &data)?;
            Ok::<_, Error>((feeder, consumer))
        };
        let feeding = tokio::task::spawn_blocking(feed);
        let read = read_data(tx, next.as_ref()).await;
        taking = feeding.await.map_err(Error::internal)??;
        data = read?;
    }
    Ok(taking.1)
}

async fn read_data(tx: &mut Tx, plan: Option<&Plan>) -> Result<HashMap<i64, Vec<u8>>> {
    let Some(plan) = plan.filter(|plan| !plan.ids.is_empty()) else { return Ok(HashMap::new()) };
    let mut statement = sql("SELECT id, data FROM metric_chunk WHERE id");
    statement.bind_ints(tx.dialect(), &plan.ids);
    Ok(tx.all::<(i64, Vec<u8>)>(statement).await?.into_iter().collect())
}
