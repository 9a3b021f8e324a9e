//! Moves points out of the segments that commits append, into the chunks that reads want.
//!
//! One task, one run at a time, and off the write path: on SQLite everything is read and coded beside the writer, which
//! then only swaps rows; segments never change and nobody else removes them, so what was read is still true. On
//! PostgreSQL the whole move is one transaction under an advisory lock of the run, because other processes compact too.
//! A crash at any point leaves the state before or the state after.

use std::collections::{BTreeMap, HashMap};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::db::{Db, Tx};
use super::points::compaction::{ChunkRef, Decision, decide};
use super::points::{chunk, merge, segment};
use super::sql::{Column, Columns, Dialect, sql};
use super::writer::has_ended;
use crate::error::{Error, Result};
use crate::model::{MetricValue, Point};

/// A run is compacted when this many segments wait: each is a row that every read of a history decodes.
const SEGMENTS: i64 = 512;
/// Or when this many points do.
const POINTS: i64 = 65_536;
/// A remainder of at least this many points is compressed; below it the saving is not worth the work.
const COMPRESSED_POINTS: usize = 4_096;
/// What remains of a run with thousands of metrics is cut into segments of about this many points.
const REMAINDER_POINTS: usize = 262_144;

/// What a commit added to a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grown {
    /// The run's internal id.
    pub run_id: i64,
    /// How many points.
    pub points: i64,
    /// Whether the run ended: then nothing needs to wait for more points.
    pub ended: bool,
}

/// Where commits report what they added. When all clones are gone, the task ends.
#[derive(Debug, Clone)]
pub(super) struct Compactor {
    // Unbounded, because the writer must not wait for compaction; a message is 24 bytes and the task takes them all
    // between two runs.
    reports: mpsc::UnboundedSender<Grown>,
}

/// What waits in the segments of one run.
#[derive(Debug, Default, Clone, Copy)]
struct Waiting {
    segments: i64,
    points: i64,
    ended: bool,
}

impl Waiting {
    fn is_due(&self) -> bool {
        self.segments >= SEGMENTS || self.points >= POINTS || self.ended
    }
}

impl Compactor {
    /// Starts the task, which first looks at what an earlier process left.
    pub async fn start(db: Db) -> Result<(Self, JoinHandle<()>)> {
        let left: Vec<(i64, i64, i64, i64)> = db
            .all(sql("SELECT s.run_id, count(*), CAST(sum(s.points) AS BIGINT), r.status
                      FROM metric_segment s JOIN run r ON r.id = s.run_id GROUP BY s.run_id, r.status"))
            .await?;
        let waiting = left
            .into_iter()
            // One segment of an ended run is what its last compaction did not find worth a chunk of its own.
            .map(|(run_id, segments, points, status)| (run_id, Waiting { segments, points, ended: has_ended(status) }))
            .collect();
        let (reports, receiver) = mpsc::unbounded_channel();
        Ok((Compactor { reports }, tokio::spawn(run(db, receiver, waiting))))
    }

    /// Reports what a commit added.
    pub fn grown(&self, grown: Grown) {
        // The task ends only after its last reporter.
        let _ = self.reports.send(grown);
    }
}

async fn run(db: Db, mut reports: mpsc::UnboundedReceiver<Grown>, mut waiting: HashMap<i64, Waiting>) {
    loop {
        let mut due: Vec<i64> = waiting.iter().filter(|(_, state)| state.is_due()).map(|(id, _)| *id).collect();
        due.sort_unstable();
        for run_id in due {
            let state = waiting.remove(&run_id).unwrap_or_default();
            if let Err(error) = compact(&db, run_id, state.ended).await {
                // Nothing is lost: the points stay in their segments, and the next growth tries again.
                tracing::warn!(run = run_id, %error, "could not compact a run's metrics");
            }
        }
        let Some(grown) = reports.recv().await else { return };
        let mut next = Some(grown);
        while let Some(grown) = next {
            let state = waiting.entry(grown.run_id).or_default();
            state.segments += i64::from(grown.points > 0);
            state.points += grown.points;
            state.ended |= grown.ended;
            next = reports.try_recv().ok();
        }
    }
}

/// What replaces what, in the tables of one run.
#[derive(Default)]
struct Swap {
    old_segments: Vec<i64>,
    old_chunks: Vec<i64>,
    new_chunks: Vec<(i64, i64, chunk::Summary, Vec<u8>)>,
    remainder: Vec<(i64, Vec<u8>)>,
}

/// The chunks of one series that are to be merged with its pending points.
struct Rewrite {
    key_id: i64,
    from_ordinal: i64,
    chunks: Vec<Vec<u8>>,
    pending: Vec<Point>,
}

/// Moves what is worth a chunk of its own out of the segments of a run; everything, if the run `ended`.
async fn compact(db: &Db, run_id: i64, ended: bool) -> Result<()> {
    let dialect = db.dialect();
    let mut tx = match dialect {
        Dialect::Sqlite => db.read().await?,
        Dialect::Postgres => db.write().await?,
    };
    if dialect == Dialect::Postgres {
        let locked: Option<(bool,)> = tx.optional(sql("SELECT pg_try_advisory_xact_lock($1)").arg(run_id)).await?;
        if locked != Some((true,)) {
            return Ok(());
        }
    }
    let segments: Vec<(i64, Vec<u8>)> =
        tx.all(sql("SELECT id, data FROM metric_segment WHERE run_id = $1 ORDER BY id").arg(run_id)).await?;
    if segments.is_empty() {
        return Ok(());
    }
    let mut swap = Swap { old_segments: segments.iter().map(|(id, _)| *id).collect(), ..Swap::default() };
    let mut pending: BTreeMap<i64, Vec<Point>> = BTreeMap::new();
    for (_, blob) in &segments {
        for (key_id, points) in segment::decode_all(blob)? {
            pending.entry(key_id).or_default().extend(points);
        }
    }
    drop(segments);
    let rewrites = choose(&mut tx, run_id, ended, &mut pending, &mut swap).await?;
    if rewrites.is_empty() && swap.old_segments.len() == 1 {
        return Ok(());
    }
    let coded = tokio::task::spawn_blocking(move || code(rewrites, pending, swap)).await.map_err(Error::internal)??;
    match dialect {
        Dialect::Sqlite => {
            drop(tx);
            write(db.write().await?, run_id, coded).await
        }
        Dialect::Postgres => write(tx, run_id, coded).await,
    }
}

#[derive(sqlx::FromRow)]
struct ChunkRow {
    id: i64,
    key_id: i64,
    ordinal: i64,
    count: i64,
    last_ms: i64,
    last_step: i64,
    last_value: Option<f64>,
}

/// Takes the series that are worth it out of `pending`, with the chunks that they touch.
async fn choose(
    tx: &mut Tx,
    run_id: i64,
    ended: bool,
    pending: &mut BTreeMap<i64, Vec<Point>>,
    swap: &mut Swap,
) -> Result<Vec<Rewrite>> {
    let rows: Vec<ChunkRow> = tx
        .all(
            sql("SELECT id, key_id, ordinal, count, last_ms, last_step, last_value
                  FROM metric_chunk WHERE run_id = $1 ORDER BY key_id, ordinal")
            .arg(run_id),
        )
        .await?;
    let mut chunks: HashMap<i64, Vec<(i64, ChunkRef)>> = HashMap::new();
    for row in rows {
        let last = Point { timestamp_ms: row.last_ms, step: row.last_step, value: stored_value(row.last_value) };
        let chunk = ChunkRef { ordinal: row.ordinal, count: row.count as usize, last };
        chunks.entry(row.key_id).or_default().push((row.id, chunk));
    }
    let mut rewrites = Vec::new();
    for key_id in Vec::from_iter(pending.keys().copied()) {
        let existing = chunks.remove(&key_id).unwrap_or_default();
        let refs: Vec<ChunkRef> = existing.iter().map(|(_, chunk)| *chunk).collect();
        let Decision::Rewrite { from_ordinal } = decide(&refs, &pending[&key_id], ended) else { continue };
        let touched = existing.iter().filter(|(_, chunk)| chunk.ordinal >= from_ordinal).map(|(id, _)| *id);
        swap.old_chunks.extend(touched);
        let pending = pending.remove(&key_id).unwrap_or_default();
        rewrites.push(Rewrite { key_id, from_ordinal, chunks: Vec::new(), pending });
    }
    let mut blobs: HashMap<i64, Vec<Vec<u8>>> = HashMap::new();
    for part in swap.old_chunks.chunks(256) {
        let mut statement = sql("SELECT key_id, data FROM metric_chunk WHERE id");
        statement.bind_ints(tx.dialect(), part).push(" ORDER BY key_id, ordinal");
        for (key_id, data) in tx.all::<(i64, Vec<u8>)>(statement).await? {
            blobs.entry(key_id).or_default().push(data);
        }
    }
    for rewrite in &mut rewrites {
        rewrite.chunks = blobs.remove(&rewrite.key_id).unwrap_or_default();
    }
    Ok(rewrites)
}

/// NULL is NaN in the tables: SQLite cannot store one.
pub(super) fn stored_value(value: Option<f64>) -> MetricValue {
    MetricValue::new(value.unwrap_or(f64::NAN))
}

fn value_to_store(value: MetricValue) -> Option<f64> {
    (!value.is_nan()).then(|| value.get())
}

/// Merges and codes: the part that needs a processor and no database.
fn code(rewrites: Vec<Rewrite>, mut rest: BTreeMap<i64, Vec<Point>>, mut swap: Swap) -> Result<Swap> {
    for Rewrite { key_id, from_ordinal, chunks, pending } in rewrites {
        let decoded = chunks.iter().map(|blob| chunk::decode(blob));
        for (ordinal, points) in (from_ordinal..).zip(merge::rechunk(decoded, pending)) {
            let points = points?;
            if let Some(summary) = chunk::Summary::of(&points) {
                swap.new_chunks.push((key_id, ordinal, summary, chunk::encode(&points)));
            }
        }
    }
    rest.values_mut().for_each(merge::sort);
    let mut series: Vec<(i64, &[Point])> = Vec::new();
    let mut count = 0;
    for (key_id, points) in &rest {
        if count + points.len() > REMAINDER_POINTS {
            swap.remainder.push((count as i64, encode_remainder(&series, count)));
            (series, count) = (Vec::new(), 0);
        }
        series.push((*key_id, points));
        count += points.len();
    }
    if count > 0 {
        swap.remainder.push((count as i64, encode_remainder(&series, count)));
    }
    Ok(swap)
}

fn encode_remainder(series: &[(i64, &[Point])], count: usize) -> Vec<u8> {
    if count >= COMPRESSED_POINTS { segment::encode_compressed(series) } else { segment::encode(series) }
}

async fn write(mut tx: Tx, run_id: i64, swap: Swap) -> Result<()> {
    let expected = swap.old_segments.len() as u64;
    let mut deleted = 0;
    for part in swap.old_segments.chunks(1_024) {
        let mut statement = sql("DELETE FROM metric_segment WHERE id");
        // Exactly what was read: padding a list repeats ids, which deletes nothing twice.
        statement.bind_ints(tx.dialect(), part);
        deleted += tx.run(statement).await?;
    }
    if deleted != expected {
        return Err(Error::internal(anyhow::anyhow!("{deleted} of {expected} segments were still there")));
    }
    for part in swap.old_chunks.chunks(1_024) {
        let mut statement = sql("DELETE FROM metric_chunk WHERE id");
        statement.bind_ints(tx.dialect(), part);
        tx.run(statement).await?;
    }
    let head = "INSERT INTO metric_chunk (run_id, key_id, ordinal, count, nan_count, min_value, max_value, \
                sum_value, min_step, max_step, first_ms, first_step, first_value, last_ms, last_step, last_value, \
                backward_steps, data)";
    tx.insert(head, chunk_columns(run_id, swap.new_chunks), "").await?;
    let (counts, blobs): (Vec<i64>, Vec<Vec<u8>>) = swap.remainder.into_iter().unzip();
    let columns = vec![Column::Int(vec![run_id; counts.len()]), Column::Int(counts), Column::Bytes(blobs)];
    tx.insert("INSERT INTO metric_segment (run_id, points, data)", Columns(columns), "").await?;
    tx.commit().await
}

fn chunk_columns(run_id: i64, chunks: Vec<(i64, i64, chunk::Summary, Vec<u8>)>) -> Columns {
    let int = |field: fn(&chunk::Summary) -> i64| {
        Column::Int(chunks.iter().map(|(_, _, summary, _)| field(summary)).collect())
    };
    let float = |field: fn(&chunk::Summary) -> Option<f64>| {
        Column::OptFloat(chunks.iter().map(|(_, _, summary, _)| field(summary)).collect())
    };
    let mut columns = vec![
        Column::Int(vec![run_id; chunks.len()]),
        Column::Int(chunks.iter().map(|(key_id, ..)| *key_id).collect()),
        Column::Int(chunks.iter().map(|(_, ordinal, ..)| *ordinal).collect()),
        int(|summary| summary.count as i64),
        int(|summary| summary.nan_count as i64),
        float(|summary| summary.min),
        float(|summary| summary.max),
        float(|summary| Some(summary.sum)),
        int(|summary| summary.min_step),
        int(|summary| summary.max_step),
        int(|summary| summary.first.timestamp_ms),
        int(|summary| summary.first.step),
        float(|summary| value_to_store(summary.first.value)),
        int(|summary| summary.last.timestamp_ms),
        int(|summary| summary.last.step),
        float(|summary| value_to_store(summary.last.value)),
        Column::OptInt(
            chunks.iter().map(|(_, _, summary, _)| summary.backward_steps.map(|steps| steps as i64)).collect(),
        ),
    ];
    columns.push(Column::Bytes(chunks.into_iter().map(|(_, _, _, data)| data).collect()));
    Columns(columns)
}
