//! `export/rows`: a whole table of runs as a file for other programs.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;

use super::csv;
use super::read_search;
use super::rows::FIXED_COLUMNS;
use crate::error::{Error, Result};
use crate::http::fields::Fields;
use crate::http::routes::Request;
use crate::model::Caller;
use crate::search::{RunField, parse_run_columns};
use crate::state::AppState;
use crate::store::{Row, RowsExport, RunSearch};

/// Columns of one file: a run of Anemoi has more than a thousand params.
const MAX_COLUMNS: usize = 2_000;

/// `export/rows`.
pub struct ExportRows {
    search: RunSearch,
    columns: Vec<RunField>,
}

impl Request for ExportRows {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let columns = fields.texts("columns")?;
        if columns.len() > MAX_COLUMNS {
            return Err(Error::Invalid(format!(
                "'columns' has {} items; at most {MAX_COLUMNS} are allowed",
                columns.len()
            )));
        }
        Ok(ExportRows { search: read_search(fields)?, columns: parse_run_columns(&columns)? })
    }
}

/// `GET` and `POST export/rows`
///
/// Which runs, and in which order, is decided at once; what they have is read part by part, each in a snapshot of its own.
pub async fn export(app: AppState, caller: Caller, request: ExportRows) -> Result<Response> {
    let ExportRows { search, columns } = request;
    let names: Vec<String> = columns.iter().map(RunField::to_string).collect();
    let export = app.store.export_rows(&caller, search, columns).await?;
    let mut head = Vec::new();
    for (position, name) in FIXED_COLUMNS.into_iter().chain(names.iter().map(String::as_str)).enumerate() {
        if position > 0 {
            head.push(b',');
        }
        csv::put_text(&mut head, name);
    }
    head.extend_from_slice(csv::END);
    let parts = stream::try_unfold((head, export), next_part);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"runs.csv\"")),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// What was written already goes in front of the first part. If a part cannot be read the answer breaks off.
async fn next_part((mut csv, mut export): (Vec<u8>, RowsExport)) -> Result<Option<(Bytes, (Vec<u8>, RowsExport))>> {
    for row in export.next_part().await? {
        put_row(&mut csv, &row);
    }
    Ok((!csv.is_empty()).then(|| (Bytes::from(csv), (Vec::new(), export))))
}

fn put_row(csv: &mut Vec<u8>, row: &Row) {
    csv::put_text(csv, &row.run_id);
    csv.push(b',');
    csv::put_integer(csv, row.experiment_id);
    csv.push(b',');
    csv::put_text(csv, row.lifecycle.as_str());
    for value in &row.values {
        csv.push(b',');
        csv::put_value(csv, value);
    }
    csv.extend_from_slice(csv::END);
}
