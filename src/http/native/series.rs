//! `POST series`: metrics as curves to be drawn.

use axum::response::Response;

use super::numbers::{Digits, put, put_integer};
use super::read_bounded;
use crate::error::{Error, Result};
use crate::http::fields::{Fields, double, integer};
use crate::http::reply::json_bytes;
use crate::http::routes::Request;
use crate::model::{Caller, Point};
use crate::state::AppState;
use crate::store::{Axis, Buckets, FoundSeries, Grid, Marks, Position, Segment, Series, SeriesRequest, place_of};
use crate::validate::{self, excerpt};

/// Runs of one request.
const MAX_RUNS: usize = 100;
/// Metrics of one request.
const MAX_METRICS: usize = 50;
/// Buckets of one series: more than a screen has pixels.
const MAX_BUCKETS: i64 = 2_000;
/// Buckets times columns of one answer: bounds its memory. Numbers with all digits take up to twice the room.
const MAX_CELLS: usize = 4_000_000;

/// What is told of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Mean,
    Min,
    Max,
    Last,
    Count,
}

impl Column {
    const ALL: [Column; 5] = [Column::Mean, Column::Min, Column::Max, Column::Last, Column::Count];

    fn name(self) -> &'static str {
        match self {
            Column::Mean => "mean",
            Column::Min => "min",
            Column::Max => "max",
            Column::Last => "last",
            Column::Count => "count",
        }
    }
}

/// `series`.
pub struct ReadSeries {
    asked: SeriesRequest,
    columns: Vec<Column>,
    digits: Digits,
}

impl Request for ReadSeries {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_ids = read_names(fields, "run_ids", MAX_RUNS)?;
        let metrics = read_names(fields, "metrics", MAX_METRICS)?;
        let axis = read_axis(fields)?;
        let range = read_range(fields, &axis)?;
        let columns = read_columns(fields)?;
        let digits = match fields.integer("digits")? {
            None | Some(5) => Digits::Five,
            Some(17) => Digits::All,
            Some(other) => {
                return Err(invalid("digits", &other.to_string(), "it must be 5 or 17"));
            }
        };
        let smoothing = fields.double("smoothing")?.unwrap_or(0.0);
        if !(0.0..=0.99).contains(&smoothing) {
            return Err(invalid("smoothing", &smoothing.to_string(), "it must be from 0 to 0.99"));
        }
        let cells = if digits == Digits::All { MAX_CELLS / 2 } else { MAX_CELLS };
        let asked = SeriesRequest {
            run_ids,
            metrics,
            axis,
            range,
            joined: read_flag(fields, "joined")?,
            superseded: read_flag(fields, "superseded")?,
            buckets: read_bounded(fields, "buckets", 1_000, 1..=MAX_BUCKETS)?,
            smoothing,
            // The place of a bucket and its smoothed value are numbers too.
            max_buckets: cells / (columns.len() + 2),
        };
        Ok(ReadSeries { asked, columns, digits })
    }
}

/// `POST series`
pub async fn read(app: AppState, caller: Caller, request: ReadSeries) -> Result<Response> {
    let ReadSeries { asked, columns, digits } = request;
    let is_smoothed = asked.smoothing > 0.0;
    let found = app.store.read_series(&caller, asked).await?;
    let write = move || Writer { out: Vec::new(), columns, digits, is_smoothed }.write(&found);
    let json = tokio::task::spawn_blocking(write).await.map_err(Error::internal)??;
    Ok(json_bytes(json))
}

fn invalid(name: &str, value: &str, allowed: &str) -> Error {
    Error::Invalid(format!("Invalid value {} for parameter '{name}' supplied: {allowed}.", excerpt(value)))
}

/// A list of ids or names that must have an item, and at most `limit`.
pub fn read_names(fields: &mut Fields, name: &str, limit: usize) -> Result<Vec<String>> {
    let names = fields.texts(name)?;
    if names.is_empty() {
        return Err(fields.missing(name));
    }
    if names.len() > limit {
        return Err(Error::Invalid(format!("'{name}' has {} items; at most {limit} are allowed", names.len())));
    }
    let mut unique: Vec<String> = Vec::with_capacity(names.len());
    for item in names {
        validate::no_nul(name, &item)?;
        if !unique.contains(&item) {
            unique.push(item);
        }
    }
    Ok(unique)
}

/// A field that is true or false, and false where it is absent.
pub fn read_flag(fields: &mut Fields, name: &str) -> Result<bool> {
    match fields.take(name)? {
        None => Ok(false),
        Some(serde_json::Value::Bool(flag)) => Ok(flag),
        Some(other) => Err(invalid(name, &other.to_string(), "it must be true or false")),
    }
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
    let refuse = || invalid("range", &value.to_string(), "it must be two finite numbers, the first not above the second");
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

fn read_columns(fields: &mut Fields) -> Result<Vec<Column>> {
    let names = fields.texts("columns")?;
    if names.is_empty() {
        return Ok(Column::ALL.to_vec());
    }
    let mut columns = Vec::new();
    for name in names {
        let Some(column) = Column::ALL.into_iter().find(|column| column.name() == name) else {
            let allowed = "it must be of mean, min, max, last and count";
            return Err(invalid("columns", &format!("'{name}'"), allowed));
        };
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    Ok(columns)
}

/// Writes an answer.
struct Writer {
    out: Vec<u8>,
    columns: Vec<Column>,
    digits: Digits,
    is_smoothed: bool,
}

impl Writer {
    fn write(mut self, found: &FoundSeries) -> Result<Vec<u8>> {
        // Where each bucket of the grid stands among those that are told.
        let mut ranks = vec![0_u32; found.places.last().map_or(0, |last| *last as usize + 1)];
        for (rank, place) in found.places.iter().enumerate() {
            ranks[*place as usize] = rank as u32;
        }
        self.text("{\"x\":");
        self.list(&found.places, |writer, place| match found.grid.position(*place) {
            Position::Integer(x) => put_integer(&mut writer.out, x),
            // Near numbers must not fall together.
            Position::Number(x) => put(&mut writer.out, x, Digits::All),
        });
        self.text(",\"grid\":");
        self.grid(&found.grid);
        self.text(",\"series\":[");
        for (number, series) in found.series.iter().enumerate() {
            self.text(if number > 0 { "," } else { "" });
            self.series(series, &ranks, found.places.len())?;
        }
        self.text("]}");
        Ok(self.out)
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn string(&mut self, text: &str) -> Result<()> {
        serde_json::to_writer(&mut self.out, text).map_err(Error::internal)
    }

    /// `"name":` after a comma, and an integer.
    fn integer(&mut self, name: &str, value: impl itoa::Integer) {
        self.text(name);
        put_integer(&mut self.out, value);
    }

    fn number(&mut self, value: f64) {
        put(&mut self.out, value, self.digits);
    }

    fn list<T>(&mut self, items: &[T], mut put: impl FnMut(&mut Self, &T)) {
        self.out.push(b'[');
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                self.out.push(b',');
            }
            put(self, item);
        }
        self.out.push(b']');
    }

    fn grid(&mut self, grid: &Grid) {
        match grid {
            Grid::Exact { .. } => self.text("{\"raw\":true}"),
            Grid::Integers { start, width, .. } => {
                self.integer("{\"raw\":false,\"start\":", *start);
                self.integer(",\"width\":", *width);
                self.text("}");
            }
            Grid::Numbers { start, width, .. } => {
                self.text("{\"raw\":false,\"start\":");
                put(&mut self.out, *start, Digits::All);
                self.text(",\"width\":");
                put(&mut self.out, *width, Digits::All);
                self.text("}");
            }
        }
    }

    fn series(&mut self, series: &Series, ranks: &[u32], all: usize) -> Result<()> {
        let (outline, curve) = (&series.outline, &series.curve);
        self.text("{\"run_id\":");
        self.string(&series.run_id)?;
        self.text(",\"metric\":");
        self.string(&series.metric)?;
        self.integer(",\"total\":", outline.total);
        self.integer(",\"points\":", curve.points);
        if let Some((min, max)) = outline.steps {
            self.integer(",\"min_step\":", min);
            self.integer(",\"max_step\":", max);
        }
        if let Some((min, max)) = outline.values {
            self.text(",\"min\":");
            self.number(min);
            self.text(",\"max\":");
            self.number(max);
        }
        if let Some((first, last)) = outline.first.zip(outline.last) {
            self.point(",\"first_point\":", first);
            self.point(",\"last_point\":", last);
        }
        if let Some(origin_ms) = series.origin_ms {
            self.integer(",\"origin\":", origin_ms);
        }
        if curve.without_x > 0 {
            self.integer(",\"without_x\":", curve.without_x);
        }
        if curve.disordered {
            self.text(",\"disordered\":true");
        }
        if series.superseded {
            self.text(",\"superseded\":true");
        } else if !series.attempts.is_empty() {
            self.integer(",\"superseded_points\":", outline.dropped);
            self.attempts(series)?;
        }
        for (name, marks) in [
            (",\"nan\":", &curve.nan),
            (",\"infinity\":", &curve.infinity),
            (",\"negative_infinity\":", &curve.negative_infinity),
        ] {
            self.marks(name, marks, ranks);
        }
        self.text(",\"segments\":[");
        for (number, segment) in curve.segments.iter().enumerate() {
            self.text(if number > 0 { "," } else { "" });
            self.segment(segment, ranks, all);
        }
        self.text("]}");
        Ok(())
    }

    fn point(&mut self, name: &str, point: Point) {
        self.text(name);
        self.integer("{\"step\":", point.step);
        self.integer(",\"timestamp\":", point.timestamp_ms);
        self.text(",\"value\":");
        self.number(point.value.get());
        self.text("}");
    }

    fn attempts(&mut self, series: &Series) -> Result<()> {
        self.text(",\"attempts\":[");
        for (number, attempt) in series.attempts.iter().enumerate() {
            self.text(if number > 0 { ",{\"run_id\":" } else { "{\"run_id\":" });
            self.string(&attempt.run_id)?;
            match attempt.first_step {
                Some(step) => self.integer(",\"first_step\":", step),
                None => self.text(",\"first_step\":null"),
            }
            self.integer(",\"points\":", attempt.points);
            self.text("}");
        }
        self.text("]");
        Ok(())
    }

    fn marks(&mut self, name: &str, marks: &Marks, ranks: &[u32]) {
        let Some(first_step) = marks.first_step else { return };
        self.text(name);
        self.integer("{\"count\":", marks.count);
        self.integer(",\"first_step\":", first_step);
        self.text(",\"at\":");
        self.list(&marks.at, |writer, at| put_integer(&mut writer.out, ranks[*at as usize]));
        self.text("}");
    }

    fn segment(&mut self, segment: &Segment, ranks: &[u32], all: usize) {
        let Buckets { at, buckets } = &segment.buckets;
        self.integer("{\"first_step\":", segment.first_step);
        self.integer(",\"last_step\":", segment.last_step);
        self.text(",\"at\":");
        if at.len() == all {
            self.text("null");
        } else {
            self.list(at, |writer, at| put_integer(&mut writer.out, ranks[*at as usize]));
        }
        for column in self.columns.clone() {
            self.text(",\"");
            self.text(column.name());
            self.text("\":");
            self.list(buckets, |writer, bucket| match column {
                Column::Mean => writer.number(bucket.mean()),
                Column::Min => writer.number(bucket.min),
                Column::Max => writer.number(bucket.max),
                Column::Last => writer.number(bucket.last),
                Column::Count => put_integer(&mut writer.out, bucket.count),
            });
        }
        if self.is_smoothed {
            self.text(",\"smooth\":");
            self.list(buckets, |writer, bucket| writer.number(bucket.smooth()));
        }
        self.text("}");
    }
}
