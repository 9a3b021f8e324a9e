//! `POST series`: metrics as curves to be drawn.

use axum::response::Response;

use super::curve_json::Writer;
use super::numbers::Digits;
use super::{invalid, read_bounded, read_flag, read_names};
use crate::error::{Error, Result};
use crate::http::fields::{Fields, double, integer};
use crate::http::reply::json_bytes;
use crate::http::routes::Request;
use crate::model::Caller;
use crate::state::AppState;
use crate::store::SeriesRequest;
use crate::store::curves::axis::Axis;
use crate::store::curves::curve::{Figures, Style};
use crate::store::curves::grid::place_of;
use crate::validate;

/// Runs of one request.
pub const MAX_RUNS: usize = 100;
/// Metrics of one request.
pub const MAX_METRICS: usize = 50;
/// Buckets of one series: more than a screen has pixels.
const MAX_BUCKETS: i64 = 2_000;

/// `series`.
pub struct ReadSeries {
    asked: SeriesRequest,
    digits: Digits,
}

impl Request for ReadSeries {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_ids = read_names(fields, "run_ids", MAX_RUNS)?;
        let metrics = read_names(fields, "metrics", MAX_METRICS)?;
        let axis = read_axis(fields)?;
        let range = read_range(fields, &axis)?;
        let digits = match fields.integer("digits")? {
            None | Some(5) => Digits::Five,
            Some(17) => Digits::All,
            Some(other) => return Err(invalid("digits", &other.to_string(), "it must be 5 or 17")),
        };
        let smoothing = fields.double("smoothing")?.unwrap_or(0.0);
        if !(0.0..=0.99).contains(&smoothing) {
            return Err(invalid("smoothing", &smoothing.to_string(), "it must be from 0 to 0.99"));
        }
        let asked = SeriesRequest {
            run_ids,
            metrics,
            axis,
            range,
            joined: read_flag(fields, "joined")?,
            superseded: read_flag(fields, "superseded")?,
            buckets: read_bounded(fields, "buckets", 1_000, 1..=MAX_BUCKETS)?,
            style: Style { figures: read_columns(fields)?, smoothing, whole: false },
        };
        Ok(ReadSeries { asked, digits })
    }
}

/// `POST series`
pub async fn read(app: AppState, caller: Caller, request: ReadSeries) -> Result<Response> {
    let ReadSeries { asked, digits } = request;
    let style = asked.style;
    let found = app.store.read_series(&caller, asked).await?;
    let write = move || Writer::new(style, digits).write(&found);
    let json = tokio::task::spawn_blocking(write).await.map_err(Error::internal)??;
    Ok(json_bytes(json))
}

fn read_axis(fields: &mut Fields) -> Result<Axis> {
    let Some(text) = fields.text("x")? else { return Ok(Axis::Step) };
    match text.as_str() {
        "step" => Ok(Axis::Step),
        "relative" => Ok(Axis::Relative),
        "wall" => Ok(Axis::Wall),
        _ => match text.strip_prefix("metrics.").filter(|name| !name.is_empty()) {
            Some(name) => {
                validate::no_nul("x", name)?;
                Ok(Axis::Metric(name.to_owned()))
            }
            None => Err(invalid("x", &format!("'{text}'"), "it must be step, relative, wall or metrics.NAME")),
        },
    }
}

/// The first and the last place, of which both are in the range.
fn read_range(fields: &mut Fields, axis: &Axis) -> Result<Option<(i64, i64)>> {
    let Some(value) = fields.take("range")? else { return Ok(None) };
    let refuse =
        || invalid("range", &value.to_string(), "it must be two finite numbers, the first not above the second");
    let (first, last) = match value.as_array().map(Vec::as_slice) {
        Some([first, last]) => (first, last),
        _ => return Err(refuse()),
    };
    let numbers = double(first).zip(double(last)).filter(|(first, last)| first.is_finite() && last.is_finite());
    let (from, to) = numbers.filter(|(from, to)| from <= to).ok_or_else(refuse)?;
    if let Axis::Metric(_) = axis {
        // The one zero that values have.
        return Ok(Some((place_of(from + 0.0), place_of(to + 0.0))));
    }
    // Integers as they are; conversion stops at the ends of what an integer can be.
    let first = integer(first).unwrap_or(from.ceil() as i64);
    let last = integer(last).unwrap_or(to.floor() as i64);
    if first > last {
        return Err(refuse());
    }
    Ok(Some((first, last)))
}

fn read_columns(fields: &mut Fields) -> Result<Figures> {
    let names = fields.texts("columns")?;
    if names.is_empty() {
        return Ok(Figures { mean: true, min: true, max: true, last: true, count: true });
    }
    let mut figures = Figures::default();
    for name in names {
        match name.as_str() {
            "mean" => figures.mean = true,
            "min" => figures.min = true,
            "max" => figures.max = true,
            "last" => figures.last = true,
            "count" => figures.count = true,
            _ => return Err(invalid("columns", &format!("'{name}'"), "it must be of mean, min, max, last, count")),
        }
    }
    Ok(figures)
}
