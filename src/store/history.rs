//! Reading the points of metrics: chunks and segments, merged, in one snapshot.
//!
//! Every method looks at both in one transaction: between two, compaction could move points from one to the other, and
//! they would be read twice or not at all.

use std::collections::{BTreeMap, HashMap};

use super::Store;
use super::compaction::stored_value;
use super::db::Tx;
use super::points::{chunk, merge, sample_indices, segment};
use super::sql::sql;
use crate::error::Result;
use crate::model::{Caller, Point};

/// A page of a history.
#[derive(Debug)]
pub struct HistoryPage {
    /// The points in (timestamp, step, value) order.
    pub points: Vec<Point>,
    /// Whether there are more.
    pub more: bool,
}

/// The points of one metric in one run.
#[derive(Debug)]
pub struct RunPoints {
    /// The run's public id.
    pub run_id: String,
    /// The points, in the order that the method names.
    pub points: Vec<Point>,
}

impl Store {
    /// At most `limit` points of a metric after `after`. An unknown run or metric has none (contract section 3).
    pub async fn list_history(
        &self,
        caller: &Caller,
        run_id: &str,
        key: &str,
        after: Option<Point>,
        limit: usize,
    ) -> Result<HistoryPage> {
        let empty = HistoryPage { points: Vec::new(), more: false };
        let Some(key_id) = self.inner.keys.find(self.db(), key).await? else { return Ok(empty) };
        let mut tx = self.db().read().await?;
        let Some((_, id)) = visible_runs(&mut tx, caller, &[run_id]).await?.into_iter().next() else {
            return Ok(empty);
        };
        let mut series = Series::load(&mut tx, &[id], key_id).await?;
        let mut points = series.read(&mut tx, id, after, limit + 1).await?;
        let more = points.len() > limit;
        points.truncate(limit);
        Ok(HistoryPage { points, more })
    }

    /// The first of `run_ids` that does not exist, or that the caller may not see.
    pub async fn find_missing_run(&self, caller: &Caller, run_ids: &[&str]) -> Result<Option<String>> {
        let mut tx = self.db().read().await?;
        let visible = visible_runs(&mut tx, caller, run_ids).await?;
        Ok(run_ids.iter().find(|run_id| !visible.contains_key(**run_id)).map(|run_id| (*run_id).to_owned()))
    }

    /// The points of a metric in several runs, ordered by run id and then as histories are; at most `limit` in all.
    pub async fn list_bulk_history(
        &self,
        caller: &Caller,
        run_ids: &[&str],
        key: &str,
        limit: usize,
    ) -> Result<Vec<RunPoints>> {
        let Some(key_id) = self.inner.keys.find(self.db(), key).await? else { return Ok(Vec::new()) };
        let mut tx = self.db().read().await?;
        let runs = visible_runs(&mut tx, caller, run_ids).await?;
        let mut series = Series::load(&mut tx, &Vec::from_iter(runs.values().copied()), key_id).await?;
        let (mut found, mut left) = (Vec::new(), limit);
        for (run_id, id) in runs {
            if left == 0 {
                break;
            }
            let points = series.read(&mut tx, id, None, left).await?;
            left -= points.len();
            found.push(RunPoints { run_id, points });
        }
        Ok(found)
    }

    /// For each run, in the order given, an evenly spread sample of at most `limit` points with a step in `steps`,
    /// ordered by (step, timestamp, value); the first and the last are always in it.
    pub async fn sample_histories(
        &self,
        caller: &Caller,
        run_ids: &[&str],
        key: &str,
        steps: Option<(i64, i64)>,
        limit: usize,
    ) -> Result<Vec<RunPoints>> {
        let Some(key_id) = self.inner.keys.find(self.db(), key).await? else { return Ok(Vec::new()) };
        let mut tx = self.db().read().await?;
        let runs = visible_runs(&mut tx, caller, run_ids).await?;
        let mut series = Series::load(&mut tx, &Vec::from_iter(runs.values().copied()), key_id).await?;
        let mut found = Vec::new();
        for run_id in run_ids {
            let Some(id) = runs.get(*run_id) else { continue };
            // One run at a time: a hundred of a million points each must not be in memory together.
            let mut points = series.read_steps(&mut tx, *id, steps).await?;
            points.sort_by_key(Point::latest_key);
            let points = sample_indices(points.len(), limit).into_iter().map(|index| points[index]).collect();
            found.push(RunPoints { run_id: (*run_id).to_owned(), points });
        }
        Ok(found)
    }
}

/// The internal ids of the runs that exist and that the caller may see, by public id.
pub(super) async fn visible_runs(tx: &mut Tx, caller: &Caller, run_ids: &[&str]) -> Result<BTreeMap<String, i64>> {
    let mut statement = sql("SELECT public_id, id FROM run WHERE public_id");
    statement.bind_texts(tx.dialect(), run_ids).visible_to(caller, "experiment_id");
    Ok(tx.all::<(String, i64)>(statement).await?.into_iter().collect())
}

/// One metric of some runs: what its chunks are, without their points, and what is still in segments.
struct Series {
    chunks: HashMap<i64, Vec<ChunkRow>>,
    pending: HashMap<i64, Vec<Point>>,
}

#[derive(sqlx::FromRow)]
struct ChunkRow {
    id: i64,
    run_id: i64,
    count: i64,
    min_step: i64,
    max_step: i64,
    last_ms: i64,
    last_step: i64,
    last_value: Option<f64>,
}

impl ChunkRow {
    fn last(&self) -> Point {
        Point { timestamp_ms: self.last_ms, step: self.last_step, value: stored_value(self.last_value) }
    }
}

impl Series {
    async fn load(tx: &mut Tx, runs: &[i64], key_id: i64) -> Result<Self> {
        let mut chunks: HashMap<i64, Vec<ChunkRow>> = HashMap::new();
        let mut statement = sql("SELECT id, run_id, count, min_step, max_step, last_ms, last_step, last_value
             FROM metric_chunk WHERE key_id = $1 AND run_id")
        .arg(key_id);
        statement.bind_ints(tx.dialect(), runs).push(" ORDER BY run_id, ordinal");
        for row in tx.all::<ChunkRow>(statement).await? {
            chunks.entry(row.run_id).or_default().push(row);
        }
        let mut pending: HashMap<i64, Vec<Point>> = HashMap::new();
        let mut statement = sql("SELECT run_id, data FROM metric_segment WHERE run_id");
        statement.bind_ints(tx.dialect(), runs);
        for (run_id, data) in tx.all::<(i64, Vec<u8>)>(statement).await? {
            if let Some(points) = segment::series(&data, key_id)? {
                pending.entry(run_id).or_default().extend(points);
            }
        }
        Ok(Series { chunks, pending })
    }

    /// The first `limit` points after `after`; takes what it reads.
    async fn read(&mut self, tx: &mut Tx, run_id: i64, after: Option<Point>, limit: usize) -> Result<Vec<Point>> {
        let mut rows = self.chunks.remove(&run_id).unwrap_or_default();
        if let Some(after) = after {
            rows.drain(..rows.partition_point(|row| row.last() <= after));
        }
        // The first chunk may hold points up to `after`; those behind it count in full.
        let mut reach = 0;
        let needed = rows.iter().skip(1).take_while(|row| {
            let before = reach;
            reach += row.count as usize;
            before < limit
        });
        let needed = 1 + needed.count();
        rows.truncate(needed);
        let blobs = read_chunks(tx, &rows).await?;
        let pending = self.pending.remove(&run_id).unwrap_or_default();
        merge::page(blobs.iter().map(|blob| chunk::decode(blob)), pending, after.as_ref(), limit)
    }

    /// All points with a step in `steps`; takes what it reads.
    async fn read_steps(&mut self, tx: &mut Tx, run_id: i64, steps: Option<(i64, i64)>) -> Result<Vec<Point>> {
        let (start, end) = steps.unwrap_or((i64::MIN, i64::MAX));
        let mut rows = self.chunks.remove(&run_id).unwrap_or_default();
        rows.retain(|row| row.max_step >= start && row.min_step <= end);
        let mut pending = self.pending.remove(&run_id).unwrap_or_default();
        pending.retain(|point| (start..=end).contains(&point.step));
        let blobs = read_chunks(tx, &rows).await?;
        let mut points = merge::page(blobs.iter().map(|blob| chunk::decode(blob)), pending, None, usize::MAX)?;
        points.retain(|point| (start..=end).contains(&point.step));
        Ok(points)
    }
}

/// The data of chunks, in their order.
async fn read_chunks(tx: &mut Tx, rows: &[ChunkRow]) -> Result<Vec<Vec<u8>>> {
    let mut blobs = Vec::with_capacity(rows.len());
    for part in rows.chunks(256) {
        let ids: Vec<i64> = part.iter().map(|row| row.id).collect();
        let mut statement = sql("SELECT data FROM metric_chunk WHERE id");
        statement.bind_ints(tx.dialect(), &ids).push(" ORDER BY ordinal");
        blobs.extend(tx.all::<(Vec<u8>,)>(statement).await?.into_iter().map(|(data,)| data));
    }
    Ok(blobs)
}
