//! Curves as JSON, written by hand.

use super::numbers::{Digits, put, put_integer};
use crate::error::{Error, Result};
use crate::model::Point;
use crate::store::curves::bucket::Marks;
use crate::store::curves::curve::{Figures, Segment, Style};
use crate::store::curves::grid::{Grid, Position};
use crate::store::{FoundSeries, Series};

/// Writes an answer.
pub struct Writer {
    out: Vec<u8>,
    style: Style,
    digits: Digits,
}

impl Writer {
    /// Of curves that were asked for in this style.
    pub fn new(style: Style, digits: Digits) -> Self {
        Writer { out: Vec::new(), style, digits }
    }

    /// The answer as JSON.
    ///
    /// # Errors
    /// None that can happen: names are always JSON.
    pub fn write(mut self, found: &FoundSeries) -> Result<Vec<u8>> {
        // Where each bucket of the grid stands among those that are told.
        let mut ranks = vec![0_u32; found.places.last().map_or(0, |last| *last as usize + 1)];
        for (rank, place) in found.places.iter().enumerate() {
            ranks[*place as usize] = rank as u32;
        }
        self.text("{\"x\":");
        self.list(&found.places, |writer, place| match found.frame.grid.position(*place) {
            Position::Integer(x) => put_integer(&mut writer.out, x),
            // Near numbers must not fall together.
            Position::Number(x) => put(&mut writer.out, x, Digits::All),
        });
        self.text(if found.frame.grid.is_exact() { ",\"raw\":true,\"grid\":" } else { ",\"raw\":false,\"grid\":" });
        self.grid(&found.frame.grid);
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
            Grid::Exact { .. } => self.text("null"),
            Grid::Integers { start, width, .. } => {
                self.integer("{\"start\":", *start);
                self.integer(",\"width\":", *width);
                self.text("}");
            }
            Grid::Numbers { start, width, .. } => {
                self.text("{\"start\":");
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
            self.integer(",\"first_step\":", attempt.first_step);
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
        self.integer("{\"first_step\":", segment.first_step);
        self.integer(",\"last_step\":", segment.last_step);
        self.text(",\"at\":");
        if segment.at.len() == all {
            self.text("null");
        } else {
            self.list(&segment.at, |writer, at| put_integer(&mut writer.out, ranks[*at as usize]));
        }
        let Figures { mean, min, max, last, count } = self.style.figures;
        for (is_told, name, figures) in [
            (mean, ",\"mean\":", &segment.mean),
            (min, ",\"min\":", &segment.min),
            (max, ",\"max\":", &segment.max),
            (last, ",\"last\":", &segment.last),
            (self.style.smoothing > 0.0, ",\"smooth\":", &segment.smooth),
        ] {
            if is_told {
                self.text(name);
                self.list(figures, |writer, figure| writer.number(*figure));
            }
        }
        if count {
            self.text(",\"count\":");
            self.list(&segment.count, |writer, count| put_integer(&mut writer.out, *count));
        }
        self.text("}");
    }
}
