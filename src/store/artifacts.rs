//! What is known of files: how they were when they were stored, and whose the directories are that they lie in.
//!
//! A record is committed before its upload is answered. Many small files arrive at once, and a commit costs as much as
//! writing one of them, so records that wait are committed together, as logging is.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::Store;
use super::db::{Db, Tx, write_tx};
use super::sql::{Column, Columns, Dialect, Sql, sql};
use crate::error::{Error, Result};

/// Records that wait; each belongs to an upload that has arrived.
const QUEUE: usize = 1_024;
/// At most this many records share a commit.
const GROUP: usize = 256;

/// A file as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// The path in the server's own artifact store.
    pub path: String,
    /// The size in bytes.
    pub size_bytes: u64,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// The time of the file itself, in nanoseconds since the epoch: a file with another time is a later one.
    pub modified_ns: i64,
}

/// What the files beneath a directory take up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DirectoryUsage {
    /// Bytes of all files together.
    pub bytes: u64,
    /// The number of files.
    pub files: u64,
}

/// A directory that belongs to an experiment although it is not named by its number.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Claim {
    /// The path in the server's own artifact store.
    pub path: String,
    /// The experiment.
    pub experiment_id: i64,
}

type Job = (FileRecord, oneshot::Sender<Result<()>>);

/// The task that commits records.
#[derive(Debug)]
pub(super) struct Recorder {
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Recorder {
    pub fn start(db: Db) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let task = tokio::spawn(commit_groups(db, receiver));
        Recorder { queue: Mutex::new(Some(sender)), task: Mutex::new(Some(task)) }
    }

    /// Refuses new records, commits what waits and ends the task.
    pub async fn stop(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // A task that panicked has reported it; its uploads were not acknowledged.
            let _ = task.await;
        }
    }

    async fn submit(&self, record: FileRecord) -> Result<()> {
        const STOPPING: Error = Error::Unavailable("the server is stopping; try again");
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(STOPPING)?;
        let (reply, answer) = oneshot::channel();
        queue.send((record, reply)).await.map_err(|_| STOPPING)?;
        drop(queue);
        answer.await.map_err(|_| STOPPING)?
    }
}

async fn commit_groups(db: Db, mut receiver: mpsc::Receiver<Job>) {
    let mut jobs = Vec::new();
    while receiver.recv_many(&mut jobs, GROUP).await > 0 {
        let (records, replies): (Vec<FileRecord>, Vec<_>) = jobs.drain(..).unzip();
        let committed = commit(&db, records).await;
        for reply in replies {
            let answer = match &committed {
                Ok(()) => Ok(()),
                Err(Error::DatabaseFull) => Err(Error::DatabaseFull),
                Err(Error::Unavailable(reason)) => Err(Error::Unavailable(reason)),
                Err(error) => Err(Error::internal(anyhow::anyhow!("cannot record a file: {error:?}"))),
            };
            // Nobody may be left to be told.
            let _ = reply.send(answer);
        }
    }
}

async fn commit(db: &Db, records: Vec<FileRecord>) -> Result<()> {
    // The last one of a path counts; in the order of paths, so that two servers do not wait for each other.
    let last: BTreeMap<String, FileRecord> = records.into_iter().map(|it| (it.path.clone(), it)).collect();
    write_tx!(db, tx => {
        let columns = Columns(vec![
            Column::Text(last.keys().cloned().collect()),
            Column::Int(last.values().map(|record| record.size_bytes as i64).collect()),
            Column::Bytes(last.values().map(|record| record.sha256.to_vec()).collect()),
            Column::Int(last.values().map(|record| record.modified_ns).collect()),
        ]);
        tx.insert(
            "INSERT INTO artifact (path, size_bytes, sha256, modified_ns)",
            columns,
            "ON CONFLICT (path) DO UPDATE SET size_bytes = excluded.size_bytes, sha256 = excluded.sha256,
                 modified_ns = excluded.modified_ns",
        )
        .await?;
    })
}

impl Store {
    /// Records how a file was stored, in place of what was recorded of its path before.
    ///
    /// # Errors
    /// What the database said.
    pub async fn record_file(&self, record: FileRecord) -> Result<()> {
        self.inner.recorder.submit(record).await
    }

    /// What is recorded of the file at a path of the artifact store.
    ///
    /// # Errors
    /// What the database said.
    pub async fn find_file_record(&self, path: &str) -> Result<Option<FileRecord>> {
        let statement = sql("SELECT size_bytes, sha256, modified_ns FROM artifact WHERE path = $1").arg(path);
        let found: Option<(i64, Vec<u8>, i64)> = self.db().optional(statement).await?;
        let record = |(size_bytes, sha256, modified_ns): (i64, Vec<u8>, i64)| {
            let sha256 =
                sha256.try_into().map_err(|_| Error::internal(anyhow::anyhow!("a SHA-256 of another length")))?;
            Ok(FileRecord { path: path.to_owned(), size_bytes: size_bytes as u64, sha256, modified_ns })
        };
        found.map(record).transpose()
    }

    /// Forgets the file at a path of the artifact store, and all beneath it.
    ///
    /// # Errors
    /// What the database said.
    pub async fn forget_files(&self, path: &str) -> Result<()> {
        let (from, to) = beneath(path);
        write_tx!(self.db(), tx => {
            let delete = sql("DELETE FROM artifact WHERE path = $1 OR (path >= $2 AND path < $3)");
            tx.run(delete.arg(path).arg(from.clone()).arg(to.clone())).await?;
        })
    }

    /// What the files beneath a directory of the artifact store took up when they were stored.
    ///
    /// # Errors
    /// What the database said.
    pub async fn directory_usage(&self, directory: &str) -> Result<DirectoryUsage> {
        let (from, to) = beneath(directory);
        let statement = sql("SELECT count(*), CAST(coalesce(sum(size_bytes), 0) AS BIGINT) FROM artifact
             WHERE path >= $1 AND path < $2");
        let found: Option<(i64, i64)> = self.db().optional(statement.arg(from).arg(to)).await?;
        let (files, bytes) = found.unwrap_or_default();
        Ok(DirectoryUsage { bytes: bytes as u64, files: files as u64 })
    }

    /// The claim on the directory at `path` of the artifact store, or on one that it lies in or that lies in it.
    ///
    /// # Errors
    /// What the database said.
    pub async fn find_claim(&self, path: &str) -> Result<Option<Claim>> {
        self.db().optional(select_claim(self.db().dialect(), path)).await
    }
}

/// Selects a claim on the directory at `path`, above it or beneath it.
fn select_claim(dialect: Dialect, path: &str) -> Sql {
    let above: Vec<&str> = path.match_indices('/').map(|(end, _)| &path[..end]).chain([path]).collect();
    let (from, to) = beneath(path);
    let mut statement = sql("SELECT path, experiment_id FROM artifact_claim WHERE (path >= ");
    statement.bind(from).push(" AND path < ").bind(to).push(") OR path");
    statement.bind_texts(dialect, &above).push(" LIMIT 1");
    statement
}

/// Refuses a location that a client chose where the default root has its directories.
pub(super) fn refuse_default_root(root: Option<&str>, location: &str, path: &str) -> Result<()> {
    let holds =
        |above: &str, below: &str| below == above || below.strip_prefix(above).is_some_and(|it| it.starts_with('/'));
    match root.filter(|root| !root.is_empty()) {
        Some(root) if holds(root, path) || holds(path, root) => Err(taken_by_another(location)),
        _ => Ok(()),
    }
}

/// Claims a directory of the artifact store for a new experiment. One that is named by a number belongs to the experiment
/// of that number, and no directory lies in another's.
pub(super) async fn claim(tx: &mut Tx, location: &str, path: &str, experiment_id: i64) -> Result<()> {
    let first = path.split('/').next().unwrap_or_default();
    if !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit()) {
        if first == experiment_id.to_string() {
            return Ok(());
        }
        return Err(Error::Invalid(format!(
            "'artifact_location' is '{location}', but a directory that is named by a number belongs to the experiment of \
             that number; choose a name that is no number, or leave the location out"
        )));
    }
    if tx.dialect() == Dialect::Postgres {
        tx.run(sql("SELECT pg_advisory_xact_lock(7811892)")).await?;
    }
    let taken: Option<Claim> = tx.optional(select_claim(tx.dialect(), path)).await?;
    if path.is_empty() || taken.is_some() {
        return Err(taken_by_another(location));
    }
    let insert = sql("INSERT INTO artifact_claim (path, experiment_id) VALUES ($1, $2)");
    tx.run(insert.arg(path).arg(experiment_id)).await.map(drop)
}

fn taken_by_another(location: &str) -> Error {
    Error::Invalid(format!(
        "'artifact_location' is '{location}', which is, holds or lies in the artifact directory of another experiment; \
         choose another one, or leave the location out"
    ))
}

/// The range of paths that lie beneath a directory: `0` follows `/`.
pub(super) fn beneath(directory: &str) -> (String, String) {
    (format!("{directory}/"), format!("{directory}0"))
}
