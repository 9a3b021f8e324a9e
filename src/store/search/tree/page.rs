//! What is told of the rows of a tree beyond their cells.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use super::forest::Forest;
use super::levels::{Item, Tree};
use crate::error::Result;
use crate::lineage::{Link, LinkKind};
use crate::model::Caller;
use crate::store::db::Tx;
use crate::store::lineage::forks::{Named, read_fork_steps, read_named};
use crate::store::lineage::progress::{read_progress, totals};
use crate::store::lineage::training::{Training, read_members};
use crate::store::lineage::{Role, read_links};
use crate::store::search::order::{By, FieldValue, SortKey, read_numbers};
use crate::store::search::rows::Row;
use crate::store::sql::sql;

/// A row of a tree, beside its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeRow {
    /// What the run is in its training; of a row that is a whole training, nothing.
    pub role: Option<Role>,
    /// Attempts that the row is about.
    pub attempts: usize,
    /// Copies of them.
    pub copies: usize,
    /// Runs that only reserved an id.
    pub prepared: usize,
    /// Trainings that are nested in it and are shown.
    pub children: usize,
    /// Runs that match, of it and of all that is nested in it at any depth.
    pub matching: usize,
    /// All of these runs.
    pub runs: usize,
    /// Whether it matches itself, and is not only shown for what is nested in it.
    pub matches: bool,
    /// Of a training at the top that says that it is nested: why it is not.
    pub parent: Option<Parent>,
    /// What it was forked from.
    pub fork: Option<Fork>,
    /// Of a training of several attempts, how far they came.
    pub totals: Option<Totals>,
}

/// A run that a training says it is nested in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// The public id.
    pub run_id: String,
    /// Why it is not shown above the training.
    pub state: ParentState,
}

/// Why a training is not shown beneath the run that it is nested in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParentState {
    /// The run is in the trash.
    Deleted,
    /// It is in an experiment that is not searched, or in use where only the trash is.
    Elsewhere,
    /// No such run is here.
    Missing,
    /// It is itself nested in the training: one of a cycle has to be the first.
    Cycle,
}

/// A run that another one began with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The public id that the fork names, or that of a copy where only that is here.
    pub run_id: String,
    /// What is known of that run, if it is here.
    pub origin: Option<Origin>,
}

/// What a fork was forked from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its name.
    pub name: String,
    /// The experiment that it is in.
    pub experiment_id: i64,
    /// The step at which the fork left it, where the data show it.
    pub step: Option<i64>,
}

/// How far the attempts of a training came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// The greatest step, if there are points.
    pub steps: Option<i64>,
    /// The time that they took, in milliseconds.
    pub time_ms: i64,
}

/// What is told of `items`. `rows` are theirs, and get the metrics that only earlier attempts have.
pub(super) async fn describe(
    tx: &mut Tx,
    caller: &Caller,
    tree: &Tree,
    items: Vec<Item>,
    rows: &mut [Row],
    columns: &[SortKey],
    is_top: bool,
) -> Result<Vec<TreeRow>> {
    let forest = tree.forest();
    fill_metrics(tx, forest, &items, rows, columns).await?;
    let totals = read_totals(tx, caller, forest, &items).await?;
    let links = Links::read(tx, caller, forest, &items, is_top).await?;
    let row = |item: Item| TreeRow {
        role: item.role,
        attempts: item.attempts,
        copies: item.copies,
        prepared: item.prepared,
        children: item.nested,
        matching: item.matching,
        runs: item.runs,
        matches: item.matches,
        parent: links.parent(forest, &item.nodes),
        fork: links.fork(forest, &item.nodes),
        totals: totals.get(&item.run).copied().filter(|_| item.role.is_none()),
    };
    Ok(items.into_iter().map(row).collect())
}

/// Whether a row is a training of several attempts.
fn is_chain(item: &&Item) -> bool {
    item.role.is_none() && item.attempts > 1
}

/// The attempts of a training, the last one first.
fn attempts(forest: &Forest, nodes: &Range<u32>) -> impl Iterator<Item = i64> {
    let nodes = nodes.clone().rev().filter(|node| matches!(forest.role(*node), Role::Attempt(_)));
    nodes.map(|node| forest.run(node))
}

/// Gives trainings the metrics of the last attempt that has one, where the run that stands for them has none.
async fn fill_metrics(
    tx: &mut Tx,
    forest: &Forest,
    items: &[Item],
    rows: &mut [Row],
    columns: &[SortKey],
) -> Result<()> {
    let metric = |column: &SortKey| if let By::Metric(key_id) = column.by { Some(key_id) } else { None };
    let (mut runs, mut keys) = (Vec::new(), BTreeSet::new());
    for (item, row) in items.iter().zip(&*rows).filter(|(item, _)| is_chain(item)) {
        let missing = columns.iter().zip(&row.values).filter(|(_, value)| **value == FieldValue::Missing);
        let missing: Vec<i64> =
            missing.filter_map(|(column, _)| metric(column)).filter(|key_id| *key_id != 0).collect();
        if !missing.is_empty() {
            keys.extend(missing);
            runs.extend(attempts(forest, &item.nodes).skip(1));
        }
    }
    if keys.is_empty() {
        return Ok(());
    }
    let found = read_numbers(tx, &runs, &Vec::from_iter(keys)).await?;
    for (item, row) in items.iter().zip(rows).filter(|(item, _)| is_chain(item)) {
        for (column, value) in columns.iter().zip(&mut row.values).filter(|(_, value)| **value == FieldValue::Missing) {
            let Some(key_id) = metric(column) else { continue };
            *value = match attempts(forest, &item.nodes).skip(1).find_map(|run| found.get(&(run, key_id))) {
                Some((_, true)) => FieldValue::Nan,
                Some((number, false)) => FieldValue::Number(*number),
                None => FieldValue::Missing,
            };
        }
    }
    Ok(())
}

/// How far the trainings of several attempts came, by the run that stands for each.
async fn read_totals(tx: &mut Tx, caller: &Caller, forest: &Forest, items: &[Item]) -> Result<HashMap<i64, Totals>> {
    let chains: Vec<i64> = items.iter().filter(is_chain).map(|item| item.run).collect();
    let runs: Vec<i64> = items.iter().filter(is_chain).flat_map(|item| attempts(forest, &item.nodes)).collect();
    let mut trainings = Vec::new();
    for (_, mut members) in read_members(tx, caller, &chains).await? {
        // Others are in the trash, or elsewhere.
        members.retain(|member| forest.node(member.id).is_some());
        trainings.push(Training::of(members));
    }
    let progress = read_progress(tx, &runs).await?;
    let mut found = HashMap::new();
    for training in trainings {
        let (steps, time_ms) = totals(&training, &progress);
        if let Some(last) = training.attempts.last() {
            found.insert(last.run.id, Totals { steps, time_ms });
        }
    }
    Ok(found)
}

/// What the runs of some rows say about others.
#[derive(Default)]
struct Links {
    /// The id of the run that each is nested in.
    nests: HashMap<i64, String>,
    /// The ids of the runs that each was forked from.
    forks: HashMap<i64, String>,
    /// The runs that each is nested in, where they are here, and whether they are in the trash.
    parents: HashMap<i64, (i64, bool)>,
    /// The runs that these ids mean.
    named: HashMap<String, Named>,
    /// The steps at which forks left these.
    steps: HashMap<i64, i64>,
}

impl Links {
    async fn read(tx: &mut Tx, caller: &Caller, forest: &Forest, items: &[Item], is_top: bool) -> Result<Self> {
        let runs: Vec<i64> = items.iter().flat_map(|item| item.nodes.clone()).map(|node| forest.run(node)).collect();
        let mut links = Links::default();
        if runs.is_empty() {
            return Ok(links);
        }
        for (run, said) in read_links(tx, &runs).await? {
            for Link { kind, target } in said {
                match kind {
                    LinkKind::Fork => drop(links.forks.insert(run, target)),
                    LinkKind::Nest if is_top => drop(links.nests.insert(run, target)),
                    LinkKind::Nest | LinkKind::Resume | LinkKind::Copy => {}
                }
            }
        }
        let nested: Vec<i64> = links.nests.keys().copied().collect();
        links.parents = read_parents(tx, caller, &nested).await?;
        let names: BTreeSet<&str> = links.forks.values().map(String::as_str).collect();
        links.named = read_named(tx, caller, &Vec::from_iter(names)).await?;
        let origin = |(fork, name): (&i64, &String)| Some((*fork, links.named.get(name)?.id));
        let forks: Vec<(i64, i64)> = links.forks.iter().filter_map(origin).collect();
        links.steps = read_fork_steps(tx, caller, &forks).await?;
        Ok(links)
    }

    /// Why the training of these nodes is at the top, if its runs say that it is nested.
    fn parent(&self, forest: &Forest, nodes: &Range<u32>) -> Option<Parent> {
        let parent = |node: u32| {
            let run = forest.run(node);
            let run_id = self.nests.get(&run)?.clone();
            let state = match self.parents.get(&run) {
                None => ParentState::Missing,
                Some((parent, is_deleted)) => match forest.node(*parent) {
                    Some(parent) if nodes.contains(&parent) => return None,
                    Some(_) => ParentState::Cycle,
                    None if *is_deleted => ParentState::Deleted,
                    None => ParentState::Elsewhere,
                },
            };
            Some(Parent { run_id, state })
        };
        nodes.clone().find_map(parent)
    }

    /// What the first of these nodes that is a fork was forked from.
    fn fork(&self, forest: &Forest, nodes: &Range<u32>) -> Option<Fork> {
        let mut runs = nodes.clone().map(|node| forest.run(node));
        let (run, name) = runs.find_map(|run| Some((run, self.forks.get(&run)?)))?;
        let Some(Named { run_id, experiment_id, name, .. }) = self.named.get(name) else {
            return Some(Fork { run_id: name.clone(), origin: None });
        };
        let step = self.steps.get(&run).copied();
        let origin = Origin { name: name.clone(), experiment_id: *experiment_id, step };
        Some(Fork { run_id: run_id.clone(), origin: Some(origin) })
    }
}

/// The runs that `runs` are nested in, and whether these are in the trash.
async fn read_parents(tx: &mut Tx, caller: &Caller, runs: &[i64]) -> Result<HashMap<i64, (i64, bool)>> {
    if runs.is_empty() {
        return Ok(HashMap::new());
    }
    let mut statement = sql("SELECT m.run_id, p.id, p.deleted_ms IS NOT NULL AS is_deleted
         FROM lineage m JOIN run p ON p.id = m.parent_id WHERE m.run_id");
    statement.bind_ints(tx.dialect(), runs).visible_to(caller, "p.experiment_id");
    let rows: Vec<(i64, i64, bool)> = tx.all(statement).await?;
    Ok(rows.into_iter().map(|(run, parent, is_deleted)| (run, (parent, is_deleted))).collect())
}
