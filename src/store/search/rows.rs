//! The rows of a table of runs: any part of an order, the columns that are asked for, and how many rows there are.
//!
//! A table is scrolled, so its order is asked for again and again, at any position. The internal ids of all runs of an
//! order are kept, eight bytes a run, and serve as long as nothing has changed that the order depends on. Orders are
//! made one at a time: a site full of open pages must not take all readers of the database.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::order::{self, Extent, SortKey};
use super::plan::Query;
use super::{FieldValue, RunSearch};
use crate::error::{Error, Result};
use crate::model::{Caller, Lifecycle, RunStatus};
use crate::search::{OrderKey, RunAttribute, RunField};
use crate::store::Store;
use crate::store::changes;
use crate::store::db::Tx;
use crate::store::runs::{RunRow, lifecycle, rows_by_id};
use crate::store::sql::sql;

/// A table has at most this many rows.
const MAX_ROWS: usize = 1_000_000;
/// Ids that are kept in all: 8 MB.
const KEPT_IDS: usize = 1_000_000;
/// Orders that are kept.
const KEPT_ORDERS: usize = 64;

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
}

/// A part of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// How many rows the table has.
    pub total: usize,
    /// The rows.
    pub rows: Vec<Row>,
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
    /// What it has for each column; texts are cut to 200 characters.
    pub values: Vec<FieldValue>,
}

/// The orders that are kept, the one used last at the end.
#[derive(Debug, Default)]
pub(in crate::store) struct Orders {
    kept: Mutex<VecDeque<Kept>>,
    making: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone)]
struct Kept {
    search: String,
    /// The cursor of changes up to which the order is true.
    cursor: i64,
    ids: Arc<[i64]>,
}

impl Orders {
    fn find(&self, search: &str) -> Option<Kept> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|kept| kept.search == search).cloned()
    }

    fn keep(&self, new: Kept) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|old| old.search != new.search);
        if new.ids.len() <= KEPT_IDS {
            kept.push_back(new);
        }
        while kept.len() > KEPT_ORDERS || kept.iter().map(|kept| kept.ids.len()).sum::<usize>() > KEPT_IDS {
            kept.pop_front();
        }
    }
}

impl Store {
    /// A part of a table of runs.
    ///
    /// # Errors
    /// As [`search_runs`](Self::search_runs).
    pub async fn list_rows(&self, caller: &Caller, asked: RowsSearch) -> Result<Rows> {
        let search = RunSearch { after: None, limit: MAX_ROWS, ..asked.search };
        let fields: Vec<OrderKey<RunField>> =
            asked.columns.iter().map(|field| OrderKey { field: field.clone(), ascending: true }).collect();
        let (experiments, mut ids) = self.prepare(&search).await?;
        ids.extend(self.ids_of(fields.iter().map(|key| &key.field)).await?);
        let mut query = Query::new(self.db().dialect(), caller, &search, &experiments, &ids)?;
        if experiments.is_empty() {
            return Ok(Rows { total: 0, rows: Vec::new() });
        }
        let mut turn = self.search_turn().await?;
        let mut tx = self.db().read().await?;
        let order = match self.kept_order(&mut tx, caller, &search, &experiments).await? {
            Some(order) => order,
            None => {
                // Another request may be making the same order: look again when it has. Whoever waits for that takes
                // no search's turn meanwhile.
                drop((tx, turn));
                let _making = self.inner.orders.making.lock().await;
                turn = self.search_turn().await?;
                tx = self.db().read().await?;
                match self.kept_order(&mut tx, caller, &search, &experiments).await? {
                    Some(order) => order,
                    None => self.make_order(&mut tx, caller, &search, &mut query).await?,
                }
            }
        };
        let start = asked.offset.min(order.len());
        let part = &order[start..order.len().min(start.saturating_add(asked.limit))];
        let rows = read_rows(&mut tx, caller, part, &order::resolve(&fields, &ids)).await?;
        drop((tx, turn));
        Ok(Rows { total: order.len(), rows })
    }

    /// The order, if it is kept and nothing has changed that it depends on.
    async fn kept_order(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        search: &RunSearch,
        experiments: &[i64],
    ) -> Result<Option<Arc<[i64]>>> {
        let Some(kept) = self.inner.orders.find(&name(caller, search)) else { return Ok(None) };
        // On PostgreSQL a cursor stands still while an old transaction runs anywhere: it says nothing by itself.
        // The sign and CROSS JOIN keep the databases from beginning with all runs of the experiment.
        let mut statement = sql("SELECT c.run_id FROM run_change c CROSS JOIN run r WHERE c.version > ");
        statement.bind(kept.cursor).push(" AND r.id = c.run_id AND +r.experiment_id");
        statement.bind_ints(tx.dialect(), experiments);
        statement.push(" AND (c.info_version > ").bind(kept.cursor);
        let clauses = search.filter.clauses.iter().map(|clause| &clause.field);
        let fields: Vec<&RunField> = clauses.chain(search.order.iter().map(|key| &key.field)).collect();
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
        let now = changes::cursor(tx).await?;
        let ids = kept.ids.clone();
        self.inner.orders.keep(Kept { cursor: now, ..kept });
        Ok(Some(ids))
    }

    async fn make_order(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        search: &RunSearch,
        query: &mut Query<'_>,
    ) -> Result<Arc<[i64]>> {
        let cursor = changes::cursor(tx).await?;
        let found = query.find(tx).await?;
        if found.len() > MAX_ROWS {
            return Err(Error::Invalid(format!("more than {MAX_ROWS} runs match; narrow the filter down")));
        }
        let ids: Arc<[i64]> = found.into_iter().map(|place| place.id).collect();
        self.inner.orders.keep(Kept { search: name(caller, search), cursor, ids: ids.clone() });
        Ok(ids)
    }
}

/// All that an order depends on but the data.
fn name(caller: &Caller, search: &RunSearch) -> String {
    let RunSearch { experiments, view, filter, order, .. } = search;
    format!("{caller:?} {experiments:?} {view:?} {order:?} {filter}")
}

async fn read_rows(tx: &mut Tx, caller: &Caller, ids: &[i64], columns: &[SortKey]) -> Result<Vec<Row>> {
    let found = rows_by_id(tx, caller, ids).await?;
    let values = order::read_values(tx, columns, &found, Extent::Head).await?;
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
