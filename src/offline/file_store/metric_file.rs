//! The files of metrics in a file store: a line for each point.
//!
//! MLflow appends `<timestamp> <value> <step>` and a line break, with the name and digest of a dataset between them where
//! the point was measured on one. Versions before 1.0 had no step. A line without its break is being written: what is
//! there of `1700000000000 0.5 1` may become step 12.

use std::io::{BufRead, Read};

use anyhow::bail;

use crate::model::{MetricValue, Point};
use crate::offline::{MAX_POINTS, Problem, Series};

/// The longest line; the longest that MLflow writes has the name of a dataset, 500 characters.
const MAX_LINE_BYTES: usize = 4096;

/// Reads all lines of `file`, of which problems speak as `what`. `has_ended` is asked when the last line lacks its break: of
/// a run that has ended nobody will write the rest, and what is there may be half a number.
///
/// # Errors
/// Where it cannot be read, or has too many lines.
pub(super) fn read(file: impl Read, what: &str, has_ended: impl FnOnce() -> bool) -> anyhow::Result<Series> {
    let mut input = std::io::BufReader::with_capacity(64 * 1024, file);
    let mut lines = Lines::default();
    let mut rest: Vec<u8> = Vec::new();
    let mut has_ended = Some(has_ended);
    loop {
        let available = input.fill_buf()?;
        if available.is_empty() {
            let Some(has_ended) = has_ended.take() else {
                lines.break_off();
                break;
            };
            if rest.is_empty() || !has_ended() {
                break;
            }
            // More may have been written between the end of the file, as it was met, and the end of the run.
            continue;
        }
        let end = available.iter().position(|byte| *byte == b'\n');
        let part = &available[..end.unwrap_or(available.len())];
        if rest.len() + part.len() > MAX_LINE_BYTES {
            lines.give_up();
            break;
        }
        match end {
            Some(_) if rest.is_empty() => lines.take(part)?,
            Some(_) => {
                rest.extend_from_slice(part);
                lines.take(&rest)?;
                rest.clear();
            }
            None => rest.extend_from_slice(part),
        }
        let consumed = part.len() + usize::from(end.is_some());
        input.consume(consumed);
    }
    Ok(lines.finish(what))
}

#[derive(Default)]
struct Lines {
    points: Vec<Point>,
    number: usize,
    unreadable: usize,
    first: Option<(usize, &'static str)>,
    is_cut: bool,
}

impl Lines {
    fn take(&mut self, line: &[u8]) -> anyhow::Result<()> {
        if self.number == MAX_POINTS {
            bail!("it has more than {MAX_POINTS} lines");
        }
        self.number += 1;
        match parse(line) {
            Ok(point) => self.points.extend(point),
            Err(why) => self.miss(why),
        }
        Ok(())
    }

    fn break_off(&mut self) {
        self.number += 1;
        self.miss("it has no end, and may be cut");
    }

    fn give_up(&mut self) {
        self.number += 1;
        self.miss("it is too long; from there on the file is not read");
        self.is_cut = true;
    }

    fn miss(&mut self, why: &'static str) {
        self.unreadable += 1;
        self.first.get_or_insert((self.number, why));
    }

    fn finish(self, what: &str) -> Series {
        let problems = self.first.map(|(number, why)| {
            let why = match self.unreadable {
                1 => format!("line {number} cannot be read: {why}"),
                count if self.is_cut => format!(
                    "{count} lines cannot be read. The first is line {number}: {why}. The last is line {}: it is too \
                     long; from there on the file is not read",
                    self.number
                ),
                count => format!("{count} lines cannot be read. The first is line {number}: {why}"),
            };
            Problem { what: what.to_owned(), why }
        });
        Series::new(self.points, problems.into_iter().collect())
    }
}

/// The point of a line; `None` for a blank one.
fn parse(line: &[u8]) -> Result<Option<Point>, &'static str> {
    let line = std::str::from_utf8(line).map_err(|_| "it is not UTF-8")?.trim();
    if line.is_empty() {
        return Ok(None);
    }
    let mut fields = line.split(' ');
    let mut next = || fields.next();
    let (timestamp, value, step) = (next().unwrap_or_default(), next().ok_or("it has one field")?, next());
    // A dataset's name may have blanks, which MLflow's own client fails on.
    match (next(), next()) {
        (None, _) => {}
        (Some(_), None) => return Err("it has four fields"),
        // What is left of a line that a full disk cut, with the next line behind it.
        (Some(name), Some(digest)) if name.parse::<f64>().is_ok() && digest.parse::<i64>().is_ok() => {
            return Err("it is two lines in one");
        }
        (Some(_), Some(_)) => {}
    }
    let timestamp_ms: i64 = timestamp.parse().map_err(|_| "its timestamp is no whole number")?;
    if timestamp_ms < 0 {
        return Err("its timestamp is negative");
    }
    let value: f64 = value.parse().map_err(|_| "its value is no number")?;
    // MLflow's own client gives every point that was measured on a dataset step 0; the step is there.
    let step = step.map_or(Ok(0), str::parse).map_err(|_| "its step is no whole number")?;
    Ok(Some(Point { timestamp_ms, step, value: MetricValue::new(value) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The points of these lines, as (timestamp, step, value), and the problems.
    fn read_all(lines: impl AsRef<[u8]>) -> (Vec<(i64, i64, f64)>, Vec<String>) {
        let series = read(lines.as_ref(), "metrics/m", || false).unwrap();
        let points = series.points.iter().map(|it| (it.timestamp_ms, it.step, it.value.get())).collect();
        (points, series.problems.into_iter().map(|problem| problem.why).collect())
    }

    #[test]
    fn points_are_in_order_and_each_is_there_once() {
        let lines = "20 2 2\n10 1 1\n10 1 1\n20 nan 2\n30 inf 3\n30 -Infinity 3\n40 1e400 4\n50 0.5 5 data set 12ab34cd\n\
                     5 7\n\n60 1e-3 -4\r\n";

        let (points, problems) = read_all(lines);

        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(points.len(), 9);
        assert_eq!(points[0..2], [(5, 0, 7.0), (10, 1, 1.0)]);
        assert!(points[2].2.is_nan() && points[2].0 == 20);
        let rest =
            [(20, 2, 2.0), (30, 3, f64::MIN), (30, 3, f64::MAX), (40, 4, f64::MAX), (50, 5, 0.5), (60, -4, 0.001)];
        assert_eq!(points[3..], rest);
    }

    #[test]
    fn lines_that_cannot_be_read_are_counted_and_the_first_is_named() {
        let cases: [(&[u8], &str); 9] = [
            (b"10 0.5 1 x\n", "it has four fields"),
            (b"-10 0.5 1\n", "its timestamp is negative"),
            (b"1.5 0.5 1\n", "its timestamp is no whole number"),
            (b"10 x 1\n", "its value is no number"),
            (b"10 0.5 1.5\n", "its step is no whole number"),
            (b"10 0.5 99999999999999999999\n", "its step is no whole number"),
            (b"10 \xff 1\n", "it is not UTF-8"),
            (b"\0\0\0\0\n", "it has one field"),
            (b"10 0.5 120 0.5 2\n", "it is two lines in one"),
        ];
        for (line, why) in cases {
            assert_eq!(read_all(line), (vec![], vec![format!("line 1 cannot be read: {why}")]));
        }
        let all: Vec<u8> = cases.iter().flat_map(|(line, _)| line.iter().copied()).collect();

        let (points, problems) = read_all([b"1 2 3\n".as_slice(), &all, b"4 5 6\n"].concat());

        assert_eq!(points, [(1, 3, 2.0), (4, 6, 5.0)]);
        assert_eq!(problems, ["9 lines cannot be read. The first is line 2: it has four fields"]);
    }

    #[test]
    fn lines_are_whole_wherever_the_buffer_ends() {
        let lines: String = (0..20_000).map(|step| format!("{} 0.5 {step}\n", 1_700_000_000_000_i64 + step)).collect();
        assert!(lines.len() > 5 * 64 * 1024);

        let (points, problems) = read_all(lines);

        assert_eq!((points.len(), problems.len()), (20_000, 0));
        assert!(points.iter().enumerate().all(|(step, point)| point.1 == step as i64));
    }

    #[test]
    fn what_was_added_before_the_run_ended_is_read_after_its_end() {
        /// A file that grows once its end was met.
        struct Growing(Vec<&'static [u8]>);

        impl Read for Growing {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let part = self.0.pop().unwrap_or_default();
                buffer[..part.len()].copy_from_slice(part);
                Ok(part.len())
            }
        }

        let file = || Growing(vec![b"2\n30 0.5 3", b"", b"10 0.5 1\n20 0.5 1"]);
        let steps = |ended: bool| -> Vec<i64> {
            read(file(), "", || ended).unwrap().points.iter().map(|point| point.step).collect()
        };

        assert_eq!(steps(true), [1, 12], "the last line has no end");
        assert_eq!(steps(false), [1]);
    }
}
