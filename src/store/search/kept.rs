//! What is kept of tables of runs: orders, forests and trees, for as long as nothing has changed that they depend on.
//!
//! A table is scrolled and opened, so the same one is asked for again and again. Tables are made one at a time: a site full
//! of open pages must not take all readers of the database.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use super::RunSearch;
use super::plan::Query;
use super::rows::check_size;
use super::tree::{Forest, Tree};
use crate::error::{Error, Result};
use crate::search::RunField;
use crate::store::Store;
use crate::store::changes;
use crate::store::db::Tx;
use crate::store::sql::sql;

/// Bytes that are kept in all. The table that was used last is kept whatever its size: it needed as much to be made.
const KEPT_BYTES: usize = 16 * 1024 * 1024;
/// Parts of tables that are kept.
const KEPT_PARTS: usize = 64;

/// A table that its parts are read from.
#[derive(Debug, Clone)]
pub(super) enum Table {
    /// The runs, by internal id.
    Flat(Arc<[i64]>),
    /// The trainings, with all that is in them.
    Tree(Arc<Tree>),
}

impl Table {
    /// All runs that match, in order.
    pub fn order(&self) -> &[i64] {
        match self {
            Table::Flat(order) => order,
            Table::Tree(tree) => tree.order(),
        }
    }
}

/// What is kept, the part used last at the end.
#[derive(Debug, Default)]
pub(in crate::store) struct Tables {
    kept: Mutex<VecDeque<Kept>>,
    /// Held by whoever makes one.
    pub(super) making: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone)]
struct Kept {
    /// All that it depends on but the data.
    name: String,
    /// The cursor of changes up to which it is true.
    cursor: i64,
    part: Part,
}

#[derive(Debug, Clone)]
enum Part {
    Order(Arc<[i64]>),
    Forest(Arc<Forest>),
    Tree(Arc<Tree>),
}

/// What a part is, as part of its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Order,
    Forest,
    Tree,
}

impl Part {
    fn kind(&self) -> Kind {
        match self {
            Part::Order(_) => Kind::Order,
            Part::Forest(_) => Kind::Forest,
            Part::Tree(_) => Kind::Tree,
        }
    }

    /// Adds the bytes of what it holds, by address: trees share orders and forests.
    fn measure(&self, bytes: &mut BTreeMap<usize, usize>) {
        match self {
            Part::Order(order) => drop(bytes.insert(order.as_ptr().addr(), order.len() * size_of::<i64>())),
            Part::Forest(forest) => drop(bytes.insert(Arc::as_ptr(forest).addr(), forest.bytes())),
            Part::Tree(tree) => {
                bytes.insert(Arc::as_ptr(tree).addr(), tree.bytes());
                Part::Order(tree.order().clone()).measure(bytes);
                Part::Forest(tree.forest().clone()).measure(bytes);
            }
        }
    }
}

impl Tables {
    fn find(&self, kind: Kind, name: &str) -> Option<Kept> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|kept| kept.part.kind() == kind && kept.name == name).cloned()
    }

    fn keep(&self, new: Kept) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|old| old.part.kind() != new.part.kind() || old.name != new.name);
        kept.push_back(new);
        while kept.len() > 1 && (kept.len() > KEPT_PARTS || bytes(&kept) > KEPT_BYTES) {
            kept.pop_front();
        }
    }
}

fn bytes(kept: &VecDeque<Kept>) -> usize {
    let mut bytes = BTreeMap::new();
    kept.iter().for_each(|kept| kept.part.measure(&mut bytes));
    bytes.values().sum()
}

/// A table to look for or to make.
pub(super) struct Wanted<'a> {
    pub store: &'a Store,
    pub search: &'a RunSearch,
    /// Those of the search that the caller may see, each once.
    pub experiments: &'a [i64],
    /// Whether it is to be a tree.
    pub tree: bool,
}

impl Wanted<'_> {
    /// The table, if it is kept and still true.
    pub async fn find(&self, tx: &mut Tx) -> Result<Option<Table>> {
        let kind = if self.tree { Kind::Tree } else { Kind::Order };
        Ok(match self.find_part(tx, kind).await? {
            Some(Part::Order(order)) => Some(Table::Flat(order)),
            Some(Part::Tree(tree)) => Some(Table::Tree(tree)),
            Some(Part::Forest(_)) | None => None,
        })
    }

    /// Makes the table of what of it is kept, and keeps all of it.
    pub async fn make(&self, tx: &mut Tx, query: &mut Query<'_>) -> Result<Table> {
        let order = match self.find_part(tx, Kind::Order).await? {
            Some(Part::Order(order)) => order,
            _ => self.make_order(tx, query).await?,
        };
        if !self.tree {
            return Ok(Table::Flat(order));
        }
        let forest = match self.find_part(tx, Kind::Forest).await? {
            Some(Part::Forest(forest)) => forest,
            _ => {
                let forest = Arc::new(Forest::read(tx, self.experiments, self.search.view).await?);
                self.keep(tx, Part::Forest(forest.clone())).await?;
                forest
            }
        };
        let made = tokio::task::spawn_blocking(move || Arc::new(Tree::new(forest, order)));
        let tree = made.await.map_err(Error::internal)?;
        self.keep(tx, Part::Tree(tree.clone())).await?;
        Ok(Table::Tree(tree))
    }

    async fn make_order(&self, tx: &mut Tx, query: &mut Query<'_>) -> Result<Arc<[i64]>> {
        let found = query.find_ids(tx).await?;
        check_size(found.len())?;
        let order: Arc<[i64]> = found.into();
        self.keep(tx, Part::Order(order.clone())).await?;
        Ok(order)
    }

    async fn keep(&self, tx: &mut Tx, part: Part) -> Result<()> {
        let cursor = changes::cursor(tx).await?;
        self.store.inner.tables.keep(Kept { name: self.name(part.kind()), cursor, part });
        Ok(())
    }

    fn name(&self, kind: Kind) -> String {
        // Whoever may see these experiments sees the same runs in them.
        let experiments = self.experiments;
        let RunSearch { view, filter, order, .. } = self.search;
        match kind {
            Kind::Forest => format!("{experiments:?} {view:?}"),
            Kind::Order | Kind::Tree => format!("{experiments:?} {view:?} {order:?} {filter}"),
        }
    }

    /// A part that is kept, if nothing has changed that it depends on.
    async fn find_part(&self, tx: &mut Tx, kind: Kind) -> Result<Option<Part>> {
        let Some(kept) = self.store.inner.tables.find(kind, &self.name(kind)) else { return Ok(None) };
        // On PostgreSQL a cursor stands still while an old transaction runs anywhere: it says nothing by itself.
        // The sign and CROSS JOIN keep the databases from beginning with all runs of the experiment.
        let mut statement = sql("SELECT c.run_id FROM run_change c CROSS JOIN run r WHERE c.version > ");
        statement.bind(kept.cursor).push(" AND r.id = c.run_id AND +r.experiment_id");
        statement.bind_ints(tx.dialect(), self.experiments);
        statement.push(" AND (c.info_version > ").bind(kept.cursor);
        let clauses = self.search.filter.clauses.iter().map(|clause| &clause.field);
        let mut fields: Vec<&RunField> = clauses.chain(self.search.order.iter().map(|key| &key.field)).collect();
        if kind == Kind::Forest {
            fields.clear();
        }
        if fields.iter().any(|field| matches!(field, RunField::Metric(_))) {
            statement.push(" OR c.points_version > ").bind(kept.cursor);
        }
        if fields.iter().any(|field| matches!(field, RunField::Param(_))) {
            statement.push(" OR c.params_version > ").bind(kept.cursor);
        }
        statement.push(") LIMIT 1");
        if tx.optional::<(i64,)>(statement).await?.is_some() {
            return Ok(None);
        }
        let (now, part) = (changes::cursor(tx).await?, kept.part.clone());
        self.store.inner.tables.keep(Kept { cursor: now, ..kept });
        Ok(Some(part))
    }
}
