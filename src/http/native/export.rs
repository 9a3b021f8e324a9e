//! `GET export/series`: the points of metrics as a file for other programs.

use std::collections::VecDeque;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;

use super::csv;
use super::read_names;
use super::series::{MAX_METRICS, MAX_RUNS};
use crate::error::{Error, Resource, Result};
use crate::http::fields::Fields;
use crate::http::routes::Request;
use crate::model::{Caller, Point};
use crate::state::AppState;

/// Points that are read from the store and written at once, as of a history.
const POINTS_PER_PART: usize = 25_000;

/// `export/series`.
pub struct ExportSeries {
    run_ids: Vec<String>,
    metrics: Vec<String>,
}

impl Request for ExportSeries {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_ids = read_names(fields, "run_ids", MAX_RUNS)?;
        Ok(ExportSeries { run_ids, metrics: read_names(fields, "metrics", MAX_METRICS)? })
    }
}

/// What is still to be written.
struct Rest {
    app: AppState,
    caller: Caller,
    /// Runs and metrics.
    series: VecDeque<(String, String)>,
    /// The last point that was written of the first series.
    after: Option<Point>,
    csv: Vec<u8>,
}

/// `GET export/series`
///
/// In parts, each read in a snapshot of its own: a slow client must not hold one open.
pub async fn series(app: AppState, caller: Caller, request: ExportSeries) -> Result<Response> {
    let ExportSeries { run_ids, metrics } = request;
    let asked: Vec<&str> = run_ids.iter().map(String::as_str).collect();
    if let Some(missing) = app.store.find_missing_run(&caller, &asked).await? {
        return Err(Error::NotFound(Resource::Run(missing)));
    }
    let series = run_ids.iter().flat_map(|run_id| metrics.iter().map(|metric| (run_id.clone(), metric.clone())));
    let csv = b"run_id,metric,step,timestamp,value\r\n".to_vec();
    let rest = Rest { app, caller, series: series.collect(), after: None, csv };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"series.csv\"")),
    ];
    Ok((headers, Body::from_stream(stream::try_unfold(rest, next_part))).into_response())
}

async fn next_part(mut rest: Rest) -> Result<Option<(Bytes, Rest)>> {
    // Short series share a part.
    let mut left = POINTS_PER_PART;
    while left > 0
        && let Some((run_id, metric)) = rest.series.front()
    {
        let page = rest.app.store.list_history(&rest.caller, run_id, metric, rest.after, left).await?;
        put_points(&mut rest.csv, run_id, metric, &page.points);
        left -= page.points.len();
        if page.more
            && let Some(last) = page.points.last()
        {
            rest.after = Some(*last);
        } else {
            rest.series.pop_front();
            rest.after = None;
        }
    }
    let csv = std::mem::take(&mut rest.csv);
    Ok((!csv.is_empty()).then(|| (Bytes::from(csv), rest)))
}

fn put_points(csv: &mut Vec<u8>, run_id: &str, metric: &str, points: &[Point]) {
    let mut opening = Vec::new();
    for text in [run_id, metric] {
        csv::put_text(&mut opening, text);
        opening.push(b',');
    }
    csv.reserve(points.len() * (opening.len() + 48));
    for point in points {
        csv.extend_from_slice(&opening);
        csv::put_integer(csv, point.step);
        csv.push(b',');
        csv::put_integer(csv, point.timestamp_ms);
        csv.push(b',');
        csv::put_number(csv, point.value.get());
        csv.extend_from_slice(csv::END);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MetricValue;

    #[test]
    fn numbers_are_written_as_they_are() {
        let values = [-0.5, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        let points = values.map(|value| Point { timestamp_ms: 0, step: i64::MIN, value: MetricValue::new(value) });
        let mut csv = Vec::new();

        put_points(&mut csv, "r", "-m", &points);

        let expected: String = ["-0.5", "1e300", "NaN", "Infinity", "-Infinity"]
            .map(|value| format!("r,'-m,-9223372036854775808,0,{value}\r\n"))
            .concat();
        assert_eq!(String::from_utf8(csv).unwrap(), expected);
    }
}
