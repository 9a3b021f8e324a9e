//! What is here of a run, told so that another copy of it can be compared without being sent.

use std::collections::{BTreeMap, HashMap};

use super::Store;
use super::artifacts::beneath;
use super::db::Tx;
use super::points::{chunk, merge, segment};
use super::runs::{RunRow, assemble, lifecycle, select_run};
use super::sql::sql;
use crate::digest::{self, SeriesDigest};
use crate::error::{Error, Result};
use crate::model::{Caller, Lifecycle, Metric, Point, Run};

/// Points that are in memory at once, coded.
const POINTS_AT_ONCE: i64 = 1 << 20;
/// Chunks of one statement.
const CHUNKS: usize = 256;

/// What is here of a run.
#[derive(Debug)]
pub struct Inventory {
    /// The run without its params, whose metrics are only the latest ones.
    pub run: Run,
    /// The name of its experiment.
    pub experiment: String,
    /// What [`Store::run_states`] says of it.
    pub state: String,
    /// How many params it has.
    pub params: usize,
    /// Their digest ([`digest::of_params`]).
    pub params_sha256: [u8; 32],
    /// Its series, by the name of the metric.
    pub series: Vec<SeriesSummary>,
}

/// What is here of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesSummary {
    /// The metric's name.
    pub key: String,
    /// How many points there are, exact duplicates once.
    pub count: usize,
    /// The last one in (timestamp, step, value) order.
    pub last: Point,
    /// Their digest ([`SeriesDigest`]).
    pub sha256: [u8; 32],
}

/// A run as lists of all of them tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRun {
    /// The public id.
    pub run_id: String,
    /// Its name.
    pub name: String,
    /// The name of its experiment.
    pub experiment: String,
    /// In use or in the trash: its own, or with its whole experiment.
    pub lifecycle: Lifecycle,
    /// When it started.
    pub start_ms: i64,
}

#[derive(sqlx::FromRow)]
struct StateRow {
    public_id: String,
    points_version: Option<i64>,
    params_version: Option<i64>,
    info_version: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct ChunkRow {
    id: i64,
    key_id: i64,
    count: i64,
}

impl Store {
    /// Of each of these runs that the caller may see, by public id, a text that is another one after every change. Files
    /// do not count.
    ///
    /// # Errors
    /// What the database said.
    pub async fn run_states(&self, caller: &Caller, run_ids: &[&str]) -> Result<HashMap<String, String>> {
        let mut tx = self.db().read().await?;
        read_states(&mut tx, caller, run_ids).await
    }

    /// What is here of a run, in one snapshot; `None` if there is no such run.
    ///
    /// # Errors
    /// What the database said.
    pub async fn find_inventory(&self, caller: &Caller, run_id: &str) -> Result<Option<Inventory>> {
        let mut tx = self.db().read().await?;
        let Some(row) = tx.optional::<RunRow>(select_run(caller, run_id)).await? else { return Ok(None) };
        let (id, experiment_id) = (row.id, row.experiment_id);
        let state = read_states(&mut tx, caller, &[run_id]).await?.remove(run_id).unwrap_or_default();
        let mut run = assemble(&mut tx, vec![row]).await?.pop().ok_or_else(|| lost("run"))?;
        let name = sql("SELECT name FROM experiment WHERE id = $1").arg(experiment_id);
        let (experiment,) = tx.optional::<(String,)>(name).await?.ok_or_else(|| lost("experiment"))?;
        let params = std::mem::take(&mut run.params);
        let series = read_series(&mut tx, id, &run.metrics).await?;
        let params_sha256 = digest::of_params(&params);
        Ok(Some(Inventory { run, experiment, state, params: params.len(), params_sha256, series }))
    }

    /// All runs that the caller may see, the oldest first.
    ///
    /// # Errors
    /// What the database said.
    pub async fn list_all_runs(&self, caller: &Caller) -> Result<Vec<ListedRun>> {
        let mut statement = sql("SELECT r.public_id, r.name, e.name, coalesce(r.deleted_ms, e.deleted_ms), r.start_ms
             FROM run r JOIN experiment e ON e.id = r.experiment_id WHERE r.id > 0");
        statement.visible_to(caller, "r.experiment_id").push(" ORDER BY r.start_ms, r.public_id");
        let rows: Vec<(String, String, String, Option<i64>, i64)> = self.db().all(statement).await?;
        let listed = |(run_id, name, experiment, deleted_ms, start_ms)| ListedRun {
            run_id,
            name,
            experiment,
            lifecycle: lifecycle(deleted_ms),
            start_ms,
        };
        Ok(rows.into_iter().map(listed).collect())
    }

    /// What is recorded of the files beneath a directory of the artifact store, by path: at most `limit` behind `after`, a
    /// path beneath the directory.
    ///
    /// # Errors
    /// What the database said.
    pub async fn list_file_records(
        &self,
        directory: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<RecordedFile>> {
        let (from, to) = beneath(directory);
        let after = format!("{from}{}", after.unwrap_or_default());
        let statement = sql("SELECT path, size_bytes, sha256 FROM artifact WHERE path > $1 AND path < $2
             ORDER BY path LIMIT $3");
        let rows: Vec<(String, i64, Vec<u8>)> = self.db().all(statement.arg(after).arg(to).arg(limit as i64)).await?;
        let file = |(path, size_bytes, sha256): (String, i64, Vec<u8>)| RecordedFile {
            path: path[from.len()..].to_owned(),
            size_bytes: size_bytes as u64,
            sha256,
        };
        Ok(rows.into_iter().map(file).collect())
    }
}

/// A file as it was stored, by its path beneath a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedFile {
    /// The path beneath the directory.
    pub path: String,
    /// The size in bytes.
    pub size_bytes: u64,
    /// The SHA-256 of its bytes.
    pub sha256: Vec<u8>,
}

async fn read_states(tx: &mut Tx, caller: &Caller, run_ids: &[&str]) -> Result<HashMap<String, String>> {
    let mut statement = sql("SELECT r.public_id, c.points_version, c.params_version, c.info_version
         FROM run r LEFT JOIN run_change c ON c.run_id = r.id WHERE r.public_id");
    statement.bind_texts(tx.dialect(), run_ids).visible_to(caller, "r.experiment_id");
    let rows: Vec<StateRow> = tx.all(statement).await?;
    let state = |row: StateRow| {
        let versions = [row.points_version, row.params_version, row.info_version].map(Option::unwrap_or_default);
        (row.public_id, versions.map(|version| version.to_string()).join("."))
    };
    Ok(rows.into_iter().map(state).collect())
}

/// Sums up the series of a run that has these metrics.
async fn read_series(tx: &mut Tx, run_id: i64, metrics: &[Metric]) -> Result<Vec<SeriesSummary>> {
    if metrics.is_empty() {
        return Ok(Vec::new());
    }
    let select = sql("SELECT k.id, k.name FROM metric_series s JOIN key k ON k.id = s.key_id WHERE s.run_id = $1");
    let names: BTreeMap<i64, String> = tx.all::<(i64, String)>(select.arg(run_id)).await?.into_iter().collect();
    let mut pending: HashMap<i64, Vec<Point>> = HashMap::new();
    let select = sql("SELECT data FROM metric_segment WHERE run_id = $1").arg(run_id);
    for (data,) in tx.all::<(Vec<u8>,)>(select).await? {
        for (key_id, points) in segment::decode_all(&data)? {
            pending.entry(key_id).or_default().extend(points);
        }
    }
    let select = sql("SELECT id, key_id, count FROM metric_chunk WHERE run_id = $1 ORDER BY key_id, ordinal");
    let mut chunks: HashMap<i64, Vec<ChunkRow>> = HashMap::new();
    for row in tx.all::<ChunkRow>(select.arg(run_id)).await? {
        chunks.entry(row.key_id).or_default().push(row);
    }

    let mut found = Vec::with_capacity(names.len());
    let (mut group, mut room) = (Vec::new(), POINTS_AT_ONCE);
    for (key_id, key) in names {
        let rows = chunks.remove(&key_id).unwrap_or_default();
        room -= rows.iter().map(|row| row.count).sum::<i64>();
        group.push(Part { key, rows, pending: pending.remove(&key_id).unwrap_or_default() });
        if room <= 0 {
            found.extend(sum_up(tx, std::mem::take(&mut group)).await?);
            room = POINTS_AT_ONCE;
        }
    }
    found.extend(sum_up(tx, group).await?);
    found.sort_unstable_by(|left: &SeriesSummary, right| left.key.cmp(&right.key));
    Ok(found)
}

/// One series: which chunks hold it, and what is in none yet.
struct Part {
    key: String,
    rows: Vec<ChunkRow>,
    pending: Vec<Point>,
}

async fn sum_up(tx: &mut Tx, parts: Vec<Part>) -> Result<Vec<SeriesSummary>> {
    let ids: Vec<i64> = parts.iter().flat_map(|part| &part.rows).map(|row| row.id).collect();
    let mut blobs: HashMap<i64, Vec<u8>> = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(CHUNKS) {
        let mut statement = sql("SELECT id, data FROM metric_chunk WHERE id");
        statement.bind_ints(tx.dialect(), ids);
        blobs.extend(tx.all::<(i64, Vec<u8>)>(statement).await?);
    }
    let compute = move || parts.into_iter().filter_map(|part| summary(part, &blobs).transpose()).collect();
    tokio::task::spawn_blocking(compute).await.map_err(Error::internal)?
}

/// `None` of a series without points.
fn summary(part: Part, blobs: &HashMap<i64, Vec<u8>>) -> Result<Option<SeriesSummary>> {
    let Part { key, rows, pending } = part;
    let chunks = rows.iter().map(|row| chunk::decode(&blobs[&row.id]));
    let (mut digest, mut count, mut last) = (SeriesDigest::default(), 0, None);
    for points in merge::rechunk(chunks, pending) {
        let points = points?;
        digest.update(&points);
        count += points.len();
        last = points.last().copied().or(last);
    }
    Ok(last.map(|last| SeriesSummary { key, count, last, sha256: digest.finish() }))
}

fn lost(what: &str) -> Error {
    Error::internal(anyhow::anyhow!("the {what} of a run that is there is not"))
}
