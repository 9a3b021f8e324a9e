//! Whole tables of runs, some rows at a time, with whole values.

use super::order::{self, Extent, SortKey};
use super::rows::{MAX_ROWS, Row, check_size, read_rows};
use super::{FieldValue, RunSearch};
use crate::error::Result;
use crate::model::Caller;
use crate::search::{OrderKey, RunField};
use crate::store::Store;

/// Cells of the first part, before it is known how large they are.
const FIRST_CELLS: usize = 4_096;
/// Bytes of values that are read at once.
const PART_BYTES: usize = 1024 * 1024;
/// Runs that are read at once at most.
const MAX_PART: usize = 512;

/// A table of runs that is read from its first row to its last: the ids of its runs, and one part of their values.
#[derive(Debug)]
pub struct RowsExport {
    store: Store,
    caller: Caller,
    ids: std::vec::IntoIter<i64>,
    columns: Vec<SortKey>,
    /// How many runs the next part has.
    part: usize,
}

impl Store {
    /// All runs that match, in order, with these columns. Place and limit of the search are not looked at.
    ///
    /// # Errors
    /// As [`list_rows`](Self::list_rows).
    pub async fn export_rows(&self, caller: &Caller, search: RunSearch, columns: Vec<RunField>) -> Result<RowsExport> {
        let columns: Vec<OrderKey<RunField>> =
            columns.into_iter().map(|field| OrderKey { field, ascending: true }).collect();
        let keys = self.ids_of(columns.iter().map(|key| &key.field)).await?;
        let found = self.find_run_ids(caller, &RunSearch { after: None, limit: MAX_ROWS, ..search }).await?;
        check_size(found.len())?;
        let part = (FIRST_CELLS / columns.len().max(1)).clamp(1, MAX_PART);
        let columns = order::resolve(&columns, &keys);
        Ok(RowsExport { store: self.clone(), caller: caller.clone(), ids: found.into_iter(), columns, part })
    }
}

impl RowsExport {
    /// The next rows, none when all were read. Runs that were removed meanwhile are left out.
    ///
    /// # Errors
    /// What the database said.
    pub async fn next_part(&mut self) -> Result<Vec<Row>> {
        loop {
            let ids: Vec<i64> = self.ids.by_ref().take(self.part).collect();
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            let turn = self.store.search_turn().await?;
            let mut tx = self.store.db().read().await?;
            let rows = read_rows(&mut tx, &self.caller, &ids, &self.columns, Extent::Whole).await?;
            drop((tx, turn));
            let bytes: usize = rows.iter().flat_map(|row| &row.values).map(size).sum();
            // The runs that follow may be larger than these: a part grows slowly and shrinks at once.
            let fitting = PART_BYTES / (bytes / ids.len()).max(1);
            self.part = fitting.min(2 * self.part).clamp(1, MAX_PART);
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
    }
}

fn size(value: &FieldValue) -> usize {
    size_of::<FieldValue>() + if let FieldValue::Text(text) = value { text.len() } else { 0 }
}
