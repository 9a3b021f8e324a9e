//! Tables as trees: a training as one row, what is nested in it beneath it, at any depth.
//!
//! A training is a run with those that resume it, prepared it, or are copies of these; it is nested in the run that the
//! first of its runs names which is here and not one of them. Only runs of the searched experiments and of the view
//! count. Whatever is linked to what does not count, or to nothing, or in a circle, is at the top: no run is lost, none is
//! there twice.
//!
//! Two things are kept apart, because a filter is changed far more often than a link: the `forest` of some experiments,
//! judged from its rows (`lines`), and for each search the tree (`levels`), which says which trainings of the forest
//! are shown and in which order. Both are pure. `page` reads what is told of each row that is shown.

mod forest;
mod levels;
mod lines;
mod page;
#[cfg(test)]
mod properties;
mod read;

pub(super) use self::forest::Forest;
pub(super) use self::levels::{Level, Tree};
use self::page::describe;
pub use self::page::{Fork, Origin, Parent, ParentState, Totals, TreeRow};
use super::order::Extent;
use super::order::SortKey;
use super::rows::{Row, read_rows};
use crate::error::{Error, Resource, Result};
use crate::model::Caller;
use crate::store::db::{Db, Tx};
use crate::store::sql::sql;

/// A level of a tree of runs; runs are named by their public ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeLevel {
    /// The trainings that are nested in nothing.
    Top,
    /// The runs of the training that this one is part of.
    AttemptsOf(String),
    /// The trainings that are nested in this run.
    ChildrenOf(String),
}

/// What a tree tells beyond the cells of its rows.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct TreePart {
    /// How many runs match.
    pub runs: usize,
    /// How many trainings are shown, at any depth.
    pub trainings: usize,
    /// One for each row.
    pub rows: Vec<TreeRow>,
}

impl TreeLevel {
    /// The level by internal id.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a run.
    pub(super) async fn resolve(&self, db: &Db, caller: &Caller) -> Result<Level> {
        match self {
            TreeLevel::Top => Ok(Level::Top),
            TreeLevel::AttemptsOf(run_id) => find_run(db, caller, run_id).await.map(Level::Members),
            TreeLevel::ChildrenOf(run_id) => find_run(db, caller, run_id).await.map(Level::Nested),
        }
    }
}

/// Rows of a level of a tree, and what is told of each; and how many rows the level has.
pub(super) async fn read_part(
    tx: &mut Tx,
    caller: &Caller,
    tree: &Tree,
    level: Level,
    places: (usize, usize),
    columns: &[SortKey],
) -> Result<(usize, Vec<Row>, TreePart)> {
    let level = match level {
        Level::Members(run) if tree.forest().node(run).is_none() => Level::Members(in_tree(tx, tree, run).await?),
        level => level,
    };
    let (total, items) = tree.part(level, places.0, places.1);
    let runs: Vec<i64> = items.iter().map(|item| item.run).collect();
    let mut rows = read_rows(tx, caller, &runs, columns, Extent::Head).await?;
    let told = describe(tx, caller, tree, items, &mut rows, columns, level == Level::Top).await?;
    Ok((total, rows, TreePart { runs: tree.order().len(), trainings: tree.trainings(), rows: told }))
}

async fn find_run(db: &Db, caller: &Caller, run_id: &str) -> Result<i64> {
    let mut statement = sql("SELECT id FROM run WHERE public_id = ");
    statement.bind(run_id).visible_to(caller, "experiment_id");
    let found: Option<(i64,)> = db.optional(statement).await?;
    found.map(|(id,)| id).ok_or_else(|| Error::NotFound(Resource::Run(run_id.to_owned())))
}

/// A run of the training of `run` that is in the tree, if that one is not: it may be in the trash, or elsewhere.
async fn in_tree(tx: &mut Tx, tree: &Tree, run: i64) -> Result<i64> {
    let statement = sql("SELECT o.run_id FROM lineage m JOIN lineage o ON o.training_id = m.training_id
         WHERE m.run_id = $1 ORDER BY o.run_id");
    let members: Vec<(i64,)> = tx.all(statement.arg(run)).await?;
    Ok(members.into_iter().map(|(id,)| id).find(|id| tree.forest().node(*id).is_some()).unwrap_or(run))
}
