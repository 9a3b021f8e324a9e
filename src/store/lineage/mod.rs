//! Which runs belong together: links between runs, kept as rows when the tags and params are written that say so.
//!
//! `link` has what each run says about others, by public id, whether these are here or not. `lineage` has what follows:
//! the training of a run and the run that it is nested in. Whoever reads finds both by an index and looks at no tag.
//!
//! # Trainings
//!
//! A training is a run with all that resume it and all copies of these. Two runs are in one training if one of them
//! resumes or copies the other, or if both name the same id so, whether a run of that id is here or not. So a training
//! needs no order, no end and no beginning: cycles are nothing special, and whatever arrives last only joins what was
//! apart. It is named by the least internal id of its runs, so that joining gives one of the two names to the other.
//! Which of its runs are attempts, and in which order, is judged when it is read ([`training`]).
//!
//! Links are rarely taken back, by another value of a tag or its removal. Then the runs of the training are put together
//! anew, from their links.

pub(super) mod forks;
mod graph;
mod join;
pub(super) mod progress;
pub(super) mod training;
mod write;

use std::collections::HashMap;

pub(super) use graph::roles;
pub use graph::{Edge, Graph, Node, Role, TrainingSummary};
pub(super) use write::{Subject, read_links, refresh};

use super::db::{Db, Tx};
use super::keys::Keys;
use super::sql::{Dialect, sql};
use crate::error::Result;
use crate::lineage::{PARAMS, TAGS};

/// The ids of the tags and params that tell of lineage.
#[derive(Debug)]
pub(super) struct LineageKeys {
    tags: Vec<i64>,
    params: Vec<i64>,
    names: HashMap<i64, &'static str>,
}

impl LineageKeys {
    /// Looks the names up; they are interned, so that their ids never change.
    pub async fn load(keys: &Keys, db: &Db) -> Result<Self> {
        let ids = keys.intern(db, TAGS.into_iter().chain(PARAMS)).await?;
        let of = |names: &[&'static str]| names.iter().map(|name| ids[name]).collect();
        let names = TAGS.into_iter().chain(PARAMS).map(|name| (ids[name], name)).collect();
        Ok(LineageKeys { tags: of(&TAGS), params: of(&PARAMS), names })
    }
}

/// Runs of the backlog that are linked in one transaction.
const BACKLOG_PART: i64 = 500;

/// Links the runs that were there before links were kept.
pub(super) async fn link_backlog(db: &Db, keys: &LineageKeys) -> Result<()> {
    loop {
        let mut tx = db.write().await?;
        lock(&mut tx).await?;
        let select = sql("SELECT r.id, r.public_id, r.experiment_id, r.start_ms FROM lineage_backlog b
             JOIN run r ON r.id = b.run_id ORDER BY b.run_id LIMIT $1");
        let subjects: Vec<Subject> = tx.all(select.arg(BACKLOG_PART)).await?;
        let Some(last) = subjects.last().map(|subject| subject.id) else { return Ok(()) };
        refresh(&mut tx, keys, subjects).await?;
        tx.run(sql("DELETE FROM lineage_backlog WHERE run_id <= $1").arg(last)).await?;
        tx.commit().await?;
    }
}

/// Keeps other processes from changing trainings, and from creating runs, until this transaction ends: a run must not be
/// created unseen while another one is linked to its id. Taken before any row is locked.
pub(super) async fn lock(tx: &mut Tx) -> Result<()> {
    if tx.dialect() == Dialect::Postgres {
        tx.run(sql("SELECT pg_advisory_xact_lock(7811891)")).await?;
    }
    Ok(())
}

/// The other side of [`lock`] for whoever creates runs, as a condition in PostgreSQL's first statement of the transaction:
/// all of them may go on at once, while nobody is linking.
pub(super) const CREATING: &str = "pg_advisory_xact_lock_shared(7811891)::text IS NOT NULL";
