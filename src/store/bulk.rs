//! Changes of many runs at once: whole or not at all, and by the same rules as of one.

use std::collections::{BTreeSet, HashMap};

use super::Store;
use super::accounts::authorize;
use super::changes::Touched;
use super::db::{Tx, write_tx};
use super::history::visible_runs;
use super::lineage;
use super::runs::{RUN_COLUMNS, RunRow};
use super::search::RunSearch;
use super::sql::{Column, Columns, Dialect, sql};
use super::texts;
use super::writer::RUN_NAME_TAG;
use crate::error::{Error, Resource, Result};
use crate::model::Caller;

/// Runs of one change.
pub const MAX_BULK_RUNS: usize = 10_000;

/// Which runs to change.
#[derive(Debug, Clone)]
pub enum RunSet {
    /// Those of these public ids.
    Named(Vec<String>),
    /// All that a search finds, whatever its order and limit.
    Matching(RunSearch),
}

/// Which kin of some runs is meant with them; as far as the caller may see it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Kin {
    /// All attempts, copies and prepared runs of their trainings.
    pub attempts: bool,
    /// All trainings that are nested in them, at any depth.
    pub children: bool,
}

impl Store {
    /// Moves runs to the trash. Answers the public ids of those that were not there, in no order.
    ///
    /// # Errors
    /// [`Error::NotFound`] where a named run does not exist, [`Error::Denied`] where the caller may not change one of
    /// them, [`Error::Invalid`] for more than [`MAX_BULK_RUNS`].
    pub async fn delete_runs(&self, caller: &Caller, runs: &RunSet, kin: Kin, now_ms: i64) -> Result<Vec<String>> {
        self.set_all_deleted(caller, runs, kin, Some(now_ms)).await
    }

    /// Takes runs out of the trash. Answers the public ids of those that were there, in no order.
    ///
    /// # Errors
    /// As [`delete_runs`](Self::delete_runs).
    pub async fn restore_runs(&self, caller: &Caller, runs: &RunSet, kin: Kin) -> Result<Vec<String>> {
        self.set_all_deleted(caller, runs, kin, None).await
    }

    async fn set_all_deleted(
        &self,
        caller: &Caller,
        runs: &RunSet,
        kin: Kin,
        deleted_ms: Option<i64>,
    ) -> Result<Vec<String>> {
        let matching = self.find_matching(caller, runs).await?;
        write_tx!(self.db(), tx => {
            let mut rows = read_runs(&mut tx, caller, runs, &matching, kin, true).await?;
            rows.retain(|row| row.deleted_ms.is_some() != deleted_ms.is_some());
            let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
            let mut update = sql("UPDATE run SET deleted_ms = ");
            update.bind(deleted_ms).push(" WHERE id").bind_ints(tx.dialect(), &ids);
            tx.run(update).await?;
            self.mark_all(&mut tx, &ids).await?;
            rows.into_iter().map(|row| row.public_id).collect()
        })
    }

    /// Gives active runs a tag, or takes it away where there is no value; the runs' names follow the value of
    /// `mlflow.runName`, and stay when that is taken away. Answers the public ids of those that it changed, in no order.
    ///
    /// # Errors
    /// As [`delete_runs`](Self::delete_runs), and [`Error::Invalid`] where a run is deleted.
    pub async fn tag_runs(
        &self,
        caller: &Caller,
        runs: &RunSet,
        key: &str,
        value: Option<&str>,
    ) -> Result<Vec<String>> {
        let matching = self.find_matching(caller, runs).await?;
        let key_id = match self.inner.keys.find(self.db(), key).await? {
            Some(key_id) => key_id,
            None => {
                // New names stay for ever: they are not taken from a request that will be refused anyway.
                let mut tx = self.db().read().await?;
                must_be_active(&read_runs(&mut tx, caller, runs, &matching, Kin::default(), false).await?)?;
                drop(tx);
                if value.is_none() {
                    return Ok(Vec::new());
                }
                self.inner.keys.intern(self.db(), std::iter::once(key)).await?[key]
            }
        };
        let links = crate::lineage::is_about_tag(key);
        write_tx!(self.db(), tx => {
            if links {
                lineage::lock(&mut tx).await?;
            }
            let mut rows = read_runs(&mut tx, caller, runs, &matching, Kin::default(), true).await?;
            must_be_active(&rows)?;
            let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
            let present = read_tag(&mut tx, key_id, &ids).await?;
            let name = value.filter(|_| key == RUN_NAME_TAG);
            rows.retain(|row| {
                present.get(&row.id).map(String::as_str) != value || name.is_some_and(|name| row.name != name)
            });
            let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
            match value {
                Some(value) => set_tag(&mut tx, key_id, value, &rows).await?,
                None => {
                    let mut delete = sql("DELETE FROM tag WHERE key_id = ");
                    delete.bind(key_id).push(" AND run_id").bind_ints(tx.dialect(), &ids);
                    tx.run(delete).await?;
                }
            }
            if let Some(name) = name {
                let mut update = sql("UPDATE run SET name = ");
                update.bind(name).push(" WHERE id").bind_ints(tx.dialect(), &ids);
                tx.run(update).await?;
            }
            if links {
                let subjects = rows.iter().map(RunRow::subject).collect();
                let others = lineage::refresh(&mut tx, &self.inner.lineage, subjects).await?;
                if !others.is_empty() {
                    self.inner.versions.mark(&mut tx, others).await?;
                }
            }
            self.mark_all(&mut tx, &ids).await?;
            rows.into_iter().map(|row| row.public_id).collect()
        })
    }

    /// The internal ids of the runs that a search finds.
    async fn find_matching(&self, caller: &Caller, runs: &RunSet) -> Result<Vec<i64>> {
        let RunSet::Matching(search) = runs else { return Ok(Vec::new()) };
        let search = RunSearch { limit: MAX_BULK_RUNS, ..search.clone() };
        let found = self.find_run_ids(caller, &search).await?;
        if found.len() > MAX_BULK_RUNS { Err(too_many()) } else { Ok(found) }
    }

    async fn mark_all(&self, tx: &mut Tx, ids: &[i64]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let info = Touched { info: true, ..Touched::default() };
        self.inner.versions.mark(tx, ids.iter().map(|id| (*id, info)).collect()).await
    }
}

fn too_many() -> Error {
    Error::Invalid(format!("this is about more than {MAX_BULK_RUNS} runs; narrow the filter down, or name fewer runs"))
}

fn must_be_active(rows: &[RunRow]) -> Result<()> {
    rows.iter().try_for_each(RunRow::must_be_active)
}

/// The rows of the runs that are meant, which the caller may change, in the order of their ids. They are `locked` where
/// the database has several writers: in that order, so that no two changes wait for one another.
async fn read_runs(
    tx: &mut Tx,
    caller: &Caller,
    runs: &RunSet,
    matching: &[i64],
    kin: Kin,
    locked: bool,
) -> Result<Vec<RunRow>> {
    let mut ids = BTreeSet::from_iter(matching.iter().copied());
    if let RunSet::Named(run_ids) = runs {
        let asked: Vec<&str> = run_ids.iter().map(String::as_str).collect();
        let visible = visible_runs(tx, caller, &asked).await?;
        let missing = run_ids.iter().find(|run_id| !visible.contains_key(*run_id));
        if let Some(run_id) = missing {
            return Err(Error::NotFound(Resource::Run(run_id.clone())));
        }
        ids.extend(visible.into_values());
    }
    if kin.attempts {
        ids.extend(read_attempts(tx, &Vec::from_iter(ids.iter().copied())).await?);
    }
    if kin.children {
        ids.extend(read_nested(tx, &Vec::from_iter(ids.iter().copied())).await?);
    }
    if ids.len() > MAX_BULK_RUNS {
        return Err(too_many());
    }
    let mut statement = sql("SELECT ");
    statement.push(RUN_COLUMNS).push(" FROM run WHERE id").bind_ints(tx.dialect(), &Vec::from_iter(ids));
    statement.visible_to(caller, "experiment_id").push(" ORDER BY id");
    if locked && tx.dialect() == Dialect::Postgres {
        statement.push(" FOR NO KEY UPDATE");
    }
    let rows: Vec<RunRow> = tx.all(statement).await?;
    for experiment in rows.iter().map(|row| row.experiment_id).collect::<BTreeSet<i64>>() {
        authorize(tx, caller, experiment).await?;
    }
    Ok(rows)
}

/// The runs of the trainings of `runs`.
async fn read_attempts(tx: &mut Tx, runs: &[i64]) -> Result<Vec<i64>> {
    let mut statement = sql("SELECT o.run_id FROM lineage m JOIN lineage o ON o.training_id = m.training_id
         WHERE m.run_id");
    statement.bind_ints(tx.dialect(), runs);
    Ok(tx.all::<(i64,)>(statement).await?.into_iter().map(|(id,)| id).collect())
}

/// The runs of the trainings that are nested in `runs`, at any depth. As in the tree of a table, what resumed a run is
/// nested in what that run is nested in, and not in the run.
async fn read_nested(tx: &mut Tx, runs: &[i64]) -> Result<Vec<i64>> {
    let mut statement = sql("WITH RECURSIVE below (run_id, training_id) AS (
         SELECT r.id, coalesce(m.training_id, r.id) FROM run r LEFT JOIN lineage m ON m.run_id = r.id WHERE r.id");
    statement.bind_ints(tx.dialect(), runs).push(
        " UNION SELECT o.run_id, o.training_id FROM below b
         JOIN lineage c ON c.parent_id = b.run_id AND c.training_id <> b.training_id
         JOIN lineage o ON o.training_id = c.training_id) SELECT run_id FROM below",
    );
    Ok(tx.all::<(i64,)>(statement).await?.into_iter().map(|(id,)| id).collect())
}

async fn read_tag(tx: &mut Tx, key_id: i64, runs: &[i64]) -> Result<HashMap<i64, String>> {
    let mut statement = sql("SELECT run_id, head || coalesce(tail, '') FROM tag WHERE key_id = ");
    statement.bind(key_id).push(" AND run_id").bind_ints(tx.dialect(), runs);
    Ok(tx.all::<(i64, String)>(statement).await?.into_iter().collect())
}

async fn set_tag(tx: &mut Tx, key_id: i64, value: &str, rows: &[RunRow]) -> Result<()> {
    let (head, tail) = texts::split(value);
    let columns = vec![
        Column::Int(rows.iter().map(|row| row.id).collect()),
        Column::Int(vec![key_id; rows.len()]),
        Column::Text(vec![head.to_owned(); rows.len()]),
        Column::OptText(vec![tail.map(str::to_owned); rows.len()]),
        Column::Int(rows.iter().map(|row| row.experiment_id).collect()),
        Column::Int(rows.iter().map(|row| row.start_ms).collect()),
    ];
    let insert = "INSERT INTO tag (run_id, key_id, head, tail, experiment_id, start_ms)";
    let or_replace = "ON CONFLICT (run_id, key_id) DO UPDATE SET head = excluded.head, tail = excluded.tail";
    tx.insert(insert, Columns(columns), or_replace).await.map(drop)
}
