//! The rows of a table of runs: any part of an order, the columns that are asked for, and how many rows there are.
//!
//! A table is made whole, as internal ids (`kept`); only the rows that are asked for are read.

use super::kept::{Table, Wanted};
use super::live::{Live, read_live};
use super::order::{self, Extent, SortKey};
use super::pace::{Pace, read_paces};
use super::plan::Query;
use super::tree::{self, TreeLevel, TreePart};
use super::{FieldValue, RunSearch};
use crate::error::{Error, Result};
use crate::model::{Caller, Lifecycle, RunStatus};
use crate::search::{OrderKey, RunAttribute, RunField};
use crate::store::Store;
use crate::store::db::Tx;
use crate::store::runs::{RunRow, lifecycle, rows_by_id};

/// A table has at most this many rows.
pub(super) const MAX_ROWS: usize = 1_000_000;

/// Which part of which table.
#[derive(Debug, Clone)]
pub struct RowsSearch {
    /// The runs and their order; its place and its limit are not looked at.
    pub search: RunSearch,
    /// What to tell of each run.
    pub columns: Vec<RunField>,
    /// The position of the first row.
    pub offset: usize,
    /// At most this many rows.
    pub limit: usize,
    /// The level to list of a tree; without one, all runs are listed.
    pub tree: Option<TreeLevel>,
    /// Whether to tell the pace of the runs too.
    pub paces: bool,
    /// Whether to tell how those fare that are at work.
    pub live: bool,
}

/// A part of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// How many rows the table has, or the level of the tree.
    pub total: usize,
    /// The rows.
    pub rows: Vec<Row>,
    /// What else there is to tell of a tree.
    pub tree: Option<TreePart>,
    /// The pace of the run that each row shows, if asked for.
    pub paces: Option<Vec<Option<Pace>>>,
    /// How the run of each row fares, if asked for.
    pub live: Option<Vec<Option<Live>>>,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The run's public id.
    pub run_id: String,
    /// The run's experiment.
    pub experiment_id: i64,
    /// Whether it is in the trash.
    pub lifecycle: Lifecycle,
    /// What it has for each column; in a part of a table texts are cut to 200 characters.
    pub values: Vec<FieldValue>,
}

impl Store {
    /// A part of a table of runs.
    ///
    /// # Errors
    /// As [`search_runs`](Self::search_runs), and [`Error::NotFound`] where the run of a
    /// level is unknown.
    pub async fn list_rows(&self, caller: &Caller, asked: RowsSearch) -> Result<Rows> {
        let search = RunSearch { after: None, limit: MAX_ROWS, ..asked.search };
        let fields: Vec<OrderKey<RunField>> =
            asked.columns.iter().map(|field| OrderKey { field: field.clone(), ascending: true }).collect();
        let (experiments, mut ids) = self.prepare(caller, &search).await?;
        ids.extend(self.ids_of(fields.iter().map(|key| &key.field)).await?);
        let mut query = Query::new(self.db().dialect(), &search, &experiments, &ids)?;
        let level = match &asked.tree {
            Some(level) => Some(level.resolve(self.db(), caller).await?),
            None => None,
        };
        if experiments.is_empty() {
            let tree = level.map(|_| TreePart::default());
            let (paces, live) = (asked.paces.then(Vec::new), asked.live.then(Vec::new));
            return Ok(Rows { total: 0, rows: Vec::new(), tree, paces, live });
        }
        let tree = level.is_some();
        let wanted = Wanted { store: self, search: &search, experiments: &experiments, tree };
        let mut turn = self.search_turn().await?;
        let mut tx = self.db().read().await?;
        let table = match wanted.find(&mut tx).await? {
            Some(table) => table,
            None => {
                // Another request may be making the same table: look again when it has. Whoever waits for that takes
                // no search's turn meanwhile.
                drop((tx, turn));
                let _making = self.inner.tables.making.lock().await;
                turn = self.search_turn().await?;
                tx = self.db().read().await?;
                match wanted.find(&mut tx).await? {
                    Some(table) => table,
                    None => wanted.make(&mut tx, &mut query).await?,
                }
            }
        };
        let columns = order::resolve(&fields, &ids);
        let mut rows = match (table, level) {
            (Table::Tree(tree), Some(level)) => {
                let places = (asked.offset, asked.limit);
                let (total, rows, told) = tree::read_part(&mut tx, caller, &tree, level, places, &columns).await?;
                Rows { total, rows, tree: Some(told), paces: None, live: None }
            }
            (table, _) => {
                let order = table.order();
                let start = asked.offset.min(order.len());
                let part = &order[start..order.len().min(start.saturating_add(asked.limit))];
                let rows = read_rows(&mut tx, caller, part, &columns, Extent::Head).await?;
                Rows { total: order.len(), rows, tree: None, paces: None, live: None }
            }
        };
        if asked.paces || asked.live {
            let paced = read_paces(&mut tx, &rows.rows).await?;
            if asked.live {
                rows.live = Some(read_live(&mut tx, &paced).await?);
            }
            rows.paces = asked.paces.then(|| paced.into_iter().map(|run| Some(run?.pace)).collect());
        }
        drop((tx, turn));
        Ok(rows)
    }
}

/// Refuses a table of more rows than one may have.
pub(super) fn check_size(rows: usize) -> Result<()> {
    if rows <= MAX_ROWS {
        return Ok(());
    }
    Err(Error::Invalid(format!("more than {MAX_ROWS} runs match; narrow the filter down")))
}

/// These runs in this order, as far as the caller may see them.
pub(super) async fn read_rows(
    tx: &mut Tx,
    caller: &Caller,
    ids: &[i64],
    columns: &[SortKey],
    extent: Extent,
) -> Result<Vec<Row>> {
    let found = rows_by_id(tx, caller, ids).await?;
    let values = order::read_values(tx, columns, &found, extent).await?;
    let mut rows: Vec<(i64, Row)> =
        found.into_iter().zip(values).map(|(run, values)| (run.id, row(run, columns, values))).collect();
    let position = |id: i64| ids.iter().position(|other| *other == id);
    rows.sort_by_cached_key(|(id, _)| position(*id));
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

fn row(run: RunRow, columns: &[SortKey], mut values: Vec<FieldValue>) -> Row {
    for (column, value) in columns.iter().zip(&mut values) {
        // An order has numbers for states; people want their names.
        if column.by == order::By::Attribute(RunAttribute::Status)
            && let Some(status) = RunStatus::from_number(run.status)
        {
            *value = FieldValue::Text(status.as_str().to_owned());
        }
    }
    let lifecycle = lifecycle(run.deleted_ms);
    Row { run_id: run.public_id, experiment_id: run.experiment_id, lifecycle, values }
}
