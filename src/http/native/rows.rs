//! `POST rows`: any part of a table of runs.

use serde::Serialize;
use serde::ser::SerializeSeq as _;

use super::{CellJson, read_bounded, read_experiments};
use crate::error::{Error, Result};
use crate::http::fields::Fields;
use crate::http::reply::Json;
use crate::http::routes::Request;
use crate::http::wire::read_view;
use crate::model::{Caller, ViewType};
use crate::search::{RunField, parse_run_columns, parse_run_filter, parse_run_order};
use crate::state::AppState;
use crate::store::{Row, Rows, RowsSearch, RunSearch};

/// Columns of one table.
const MAX_COLUMNS: usize = 200;
/// Rows of one answer.
const MAX_ROWS: i64 = 1_000;
/// Columns times rows: bounds the memory of one answer.
const MAX_CELLS: usize = 20_000;
/// The columns that every row begins with.
const FIXED_COLUMNS: [&str; 3] = ["run_id", "experiment_id", "lifecycle_stage"];

/// `rows`.
pub struct ListRows {
    experiments: Vec<i64>,
    filter: String,
    view: ViewType,
    order_by: Vec<String>,
    columns: Vec<String>,
    offset: usize,
    limit: usize,
}

impl Request for ListRows {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let columns = fields.texts("columns")?;
        let limit = read_bounded(fields, "limit", 50, 0..=MAX_ROWS)?;
        if columns.len() > MAX_COLUMNS || columns.len() * limit > MAX_CELLS {
            return Err(Error::Invalid(format!(
                "'columns' has {} items and 'limit' is {limit}; at most {MAX_COLUMNS} columns and {MAX_CELLS} cells are \
                 allowed",
                columns.len()
            )));
        }
        Ok(ListRows {
            experiments: read_experiments(fields)?,
            filter: fields.text("filter")?.unwrap_or_default(),
            view: read_view(fields, "run_view_type")?,
            order_by: fields.texts("order_by")?,
            columns,
            offset: read_bounded(fields, "offset", 0, 0..=i64::MAX)?,
            limit,
        })
    }
}

/// A part of a table.
pub struct FoundRows {
    columns: Vec<RunField>,
    offset: usize,
    found: Rows,
}

/// `POST rows`
pub async fn list(app: AppState, caller: Caller, request: ListRows) -> Result<Json<FoundRows>> {
    let search = RunSearch {
        experiments: request.experiments,
        view: request.view,
        filter: parse_run_filter(&request.filter)?,
        order: parse_run_order(&request.order_by)?,
        after: None,
        limit: 0,
    };
    let (columns, offset) = (parse_run_columns(&request.columns)?, request.offset);
    let asked = RowsSearch { search, columns: columns.clone(), offset, limit: request.limit };
    let found = app.store.list_rows(&caller, asked).await?;
    Ok(Json(FoundRows { columns, offset, found }))
}

impl Serialize for FoundRows {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Reply<'a> {
            total: usize,
            offset: usize,
            columns: Vec<String>,
            rows: Vec<RowJson<'a>>,
        }
        let fixed = FIXED_COLUMNS.iter().map(|name| (*name).to_owned());
        Reply {
            total: self.found.total,
            offset: self.offset,
            columns: fixed.chain(self.columns.iter().map(RunField::to_string)).collect(),
            rows: self.found.rows.iter().map(RowJson).collect(),
        }
        .serialize(serializer)
    }
}

/// A row as a list of its cells.
struct RowJson<'a>(&'a Row);

impl Serialize for RowJson<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let row = self.0;
        let mut cells = serializer.serialize_seq(Some(FIXED_COLUMNS.len() + row.values.len()))?;
        cells.serialize_element(&row.run_id)?;
        cells.serialize_element(&row.experiment_id.to_string())?;
        cells.serialize_element(row.lifecycle.as_str())?;
        for value in &row.values {
            cells.serialize_element(&CellJson(value))?;
        }
        cells.end()
    }
}
