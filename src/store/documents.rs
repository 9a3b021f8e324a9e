//! Runs as stored text: what searches answer, so that a page is made by copying bytes instead of by reading rows.
//!
//! A run is kept in two parts, because a training writes its params once and its metrics for days: the params, and all
//! the rest. A part is true if its version is that of the last change of what it holds (`changes.rs`); nothing on the
//! write path ever touches one. Who finds a part stale or missing reads the rows in its own snapshot, answers, and
//! offers the text to be kept. Keeping it is work of the lowest priority: it is dropped when too much of it waits, and
//! an older text never replaces a newer one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Store;
use super::db::{Db, Tx, write_tx};
use super::runs::{assemble, assemble_without_params, rows_by_id};
use super::sql::{Column, Columns, sql};
use crate::error::Result;
use crate::model::{Caller, Run};

/// What the bytes mean. Another number makes every kept text stale: raise it when the wire format of runs changes.
const FORMAT: i64 = 1;
/// Offers that wait to be kept.
const QUEUE: usize = 16;
/// Bytes that are kept in one commit: the writer waits for it.
const COMMIT_BYTES: usize = 512 * 1024;

/// A run as text, made by whoever knows the wire format.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct RunDocument {
    /// All but the params.
    pub rest: Vec<u8>,
    /// The params.
    pub params: Vec<u8>,
}

/// A part to keep.
#[derive(Debug)]
struct Part {
    run_id: i64,
    is_params: bool,
    version: i64,
    json: Vec<u8>,
}

/// The task that keeps texts.
#[derive(Debug)]
pub(super) struct Documents {
    offers: Mutex<Option<mpsc::Sender<Vec<Part>>>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Documents {
    /// Starts the task.
    pub fn start(db: Db) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let task = tokio::spawn(keep_all(db, receiver));
        Documents { offers: Mutex::new(Some(sender)), task: Mutex::new(Some(task)) }
    }

    /// Keeps what waits and ends the task.
    pub async fn stop(&self) {
        self.offers.lock().unwrap_or_else(PoisonError::into_inner).take();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // A task that panicked has reported it; a text that is not kept is made again.
            let _ = task.await;
        }
    }

    fn offer(&self, parts: Vec<Part>) {
        if let Some(sender) = &*self.offers.lock().unwrap_or_else(PoisonError::into_inner)
            && !parts.is_empty()
        {
            // Full: the next reader offers it again.
            let _ = sender.try_send(parts);
        }
    }
}

async fn keep_all(db: Db, mut offers: mpsc::Receiver<Vec<Part>>) {
    while let Some(parts) = offers.recv().await {
        let mut parts = parts.into_iter().peekable();
        while parts.peek().is_some() {
            let mut commit = Vec::new();
            let mut bytes = 0;
            while let Some(part) = parts.next_if(|part| commit.is_empty() || bytes + part.json.len() <= COMMIT_BYTES) {
                bytes += part.json.len();
                commit.push(part);
            }
            if let Err(error) = keep(&db, &commit).await {
                tracing::debug!(%error, "could not keep the text of runs; it is made again when it is asked for");
            }
        }
    }
}

async fn keep(db: &Db, parts: &[Part]) -> Result<()> {
    let tail = "ON CONFLICT (run_id) DO UPDATE \
                SET version = excluded.version, format = excluded.format, json = excluded.json \
                WHERE d.version < excluded.version OR d.format <> excluded.format";
    write_tx!(db, tx => {
        let head = "INSERT INTO document_rest AS d (run_id, version, format, json)";
        tx.insert(head, columns(parts, false), tail).await?;
        let head = "INSERT INTO document_params AS d (run_id, version, format, json)";
        tx.insert(head, columns(parts, true), tail).await?;
    })
}

fn columns(parts: &[Part], is_params: bool) -> Columns {
    let parts: Vec<&Part> = parts.iter().filter(|part| part.is_params == is_params).collect();
    Columns(vec![
        Column::Int(parts.iter().map(|part| part.run_id).collect()),
        Column::Int(parts.iter().map(|part| part.version).collect()),
        Column::Int(vec![FORMAT; parts.len()]),
        Column::Bytes(parts.iter().map(|part| part.json.clone()).collect()),
    ])
}

/// The versions that the parts of a run must have to be true.
#[derive(sqlx::FromRow)]
struct VersionRow {
    run_id: i64,
    rest_version: i64,
    params_version: i64,
}

/// The parts of a run that are kept and true.
#[derive(sqlx::FromRow)]
struct KeptRow {
    run_id: i64,
    rest: Option<Vec<u8>>,
    params_version: i64,
    params: Option<Vec<u8>>,
}

/// The parts of a run that are known; the params with the version that they have.
#[derive(Default)]
struct Known {
    rest: Option<Vec<u8>>,
    params: Option<(i64, Vec<u8>)>,
}

impl Store {
    /// The runs of these internal ids as text, in their order; `render` makes it where it is not kept. The ids are of
    /// runs that the caller may see; one that is gone is left out.
    pub(super) async fn run_documents(
        &self,
        caller: &Caller,
        ids: &[i64],
        render: fn(&Run) -> Result<RunDocument>,
    ) -> Result<Vec<RunDocument>> {
        let mut known = self.kept(ids).await?;
        let is_complete = |known: &Known| known.rest.is_some() && known.params.is_some();
        let stale: Vec<i64> = ids.iter().copied().filter(|id| !known.get(id).is_some_and(is_complete)).collect();
        if !stale.is_empty() {
            self.render(caller, &stale, &mut known, render).await?;
        }
        let text = |Known { rest, params }| {
            let (rest, params) = (rest?, params?.1);
            Some(RunDocument { rest, params })
        };
        Ok(ids.iter().filter_map(|id| known.remove(id).and_then(text)).collect())
    }

    async fn kept(&self, ids: &[i64]) -> Result<HashMap<i64, Known>> {
        let mut statement = sql("SELECT c.run_id, d.json AS rest, c.params_version, p.json AS params FROM run_change c
             LEFT JOIN document_rest d ON d.run_id = c.run_id AND d.version =
                 CASE WHEN c.points_version > c.info_version THEN c.points_version ELSE c.info_version END
                 AND d.format = ");
        statement.bind(FORMAT);
        statement.push(" LEFT JOIN document_params p ON p.run_id = c.run_id AND p.version = c.params_version");
        statement.push(" AND p.format = ").bind(FORMAT);
        statement.push(" WHERE c.run_id").bind_ints(self.db().dialect(), ids);
        let rows: Vec<KeptRow> = self.db().all(statement).await?;
        let known = |row: KeptRow| Known { rest: row.rest, params: row.params.map(|json| (row.params_version, json)) };
        Ok(rows.into_iter().map(|row| (row.run_id, known(row))).collect())
    }

    /// Makes what is not known of `stale` from rows, in one snapshot, and offers it to be kept.
    async fn render(
        &self,
        caller: &Caller,
        stale: &[i64],
        known: &mut HashMap<i64, Known>,
        render: fn(&Run) -> Result<RunDocument>,
    ) -> Result<()> {
        let mut tx = self.db().read().await?;
        let versions = versions(&mut tx, stale).await?;
        // Params that were true a moment ago may be stale in this snapshot, and both parts must tell of one state.
        let still_true = |id: &i64| {
            let kept = known.get(id).and_then(|run| run.params.as_ref()).map(|(version, _)| *version);
            kept.is_some() && kept == versions.get(id).map(|row| row.params_version)
        };
        let (without_params, whole): (Vec<i64>, Vec<i64>) = stale.iter().copied().partition(still_true);
        let mut offers = Vec::new();
        for (ids, is_whole) in [(whole, true), (without_params, false)] {
            if ids.is_empty() {
                continue;
            }
            let rows = rows_by_id(&mut tx, caller, &ids).await?;
            let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
            let runs =
                if is_whole { assemble(&mut tx, rows).await? } else { assemble_without_params(&mut tx, rows).await? };
            for (run_id, run) in ids.into_iter().zip(&runs) {
                let Some(VersionRow { rest_version, params_version, .. }) = versions.get(&run_id) else { continue };
                let RunDocument { rest, params } = render(run)?;
                offers.push(Part { run_id, is_params: false, version: *rest_version, json: rest.clone() });
                let run = known.entry(run_id).or_default();
                run.rest = Some(rest);
                if is_whole {
                    offers.push(Part { run_id, is_params: true, version: *params_version, json: params.clone() });
                    run.params = Some((*params_version, params));
                }
            }
        }
        drop(tx);
        self.inner.documents.offer(offers);
        Ok(())
    }
}

async fn versions(tx: &mut Tx, ids: &[i64]) -> Result<HashMap<i64, VersionRow>> {
    let mut statement = sql("SELECT run_id, params_version,
             CASE WHEN points_version > info_version THEN points_version ELSE info_version END AS rest_version
         FROM run_change WHERE run_id");
    statement.bind_ints(tx.dialect(), ids);
    let rows: Vec<VersionRow> = tx.all(statement).await?;
    Ok(rows.into_iter().map(|row| (row.run_id, row)).collect())
}
