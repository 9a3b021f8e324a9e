//! What a sync did, for people, for programs, and as an exit code.

use std::fmt::Write as _;

use serde::Serialize;

use crate::offline::{Problem, RunPlace};

/// What became of all runs.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Where they came from.
    pub source: String,
    /// Where they went.
    pub destination: String,
    /// Whether nothing was sent, only compared.
    pub dry_run: bool,
    /// What became of each, in the order of their start times.
    pub runs: Vec<RunReport>,
    /// What could not be read besides.
    pub problems: Vec<ProblemReport>,
    /// How many runs each outcome had.
    pub totals: Totals,
    /// As the process ends: 0 all is there, 1 nothing is, 3 some is.
    pub exit_code: u8,
}

/// What became of a run.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// Its id.
    pub run_id: String,
    /// Its name.
    pub run_name: String,
    /// The name of its experiment at the destination.
    pub experiment: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, where that is no matter of course.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was sent, or would be.
    pub sent: Sent,
    /// What could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<ProblemReport>,
    /// What differs there, and was left as it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
    /// What it has that is not carried.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// Runs there that another tool made of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<CopyReport>,
}

/// What can become of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All of it is there now, and was not before.
    Arrived,
    /// All of it was there already.
    Unchanged,
    /// It would be sent.
    WouldArrive,
    /// It is not wanted: deleted here or there.
    Skipped,
    /// What could be read of it is there; some could not be read.
    Incomplete,
    /// It belongs to another run there, or contradicts it.
    Refused,
    /// It could not be read or sent.
    Failed,
}

/// What was sent of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// Whether the run was not there before.
    pub new: bool,
    /// Params.
    pub params: usize,
    /// Tags.
    pub tags: usize,
    /// Datasets.
    pub datasets: usize,
    /// Metrics of which points were sent.
    pub metrics: usize,
    /// Points.
    pub points: usize,
    /// Files.
    pub files: usize,
    /// Their bytes.
    pub file_bytes: u64,
    /// Whether a run that was there before got another state or end, or was moved to the trash.
    pub state: bool,
}

/// What could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProblemReport {
    /// The file, or the name of the thing.
    pub what: String,
    /// The reason.
    pub why: String,
}

impl ProblemReport {
    /// What cannot be read of a source, in a line.
    pub fn line(&self) -> String {
        format!("not readable: {}: {}", plain(&self.what), plain(&self.why))
    }
}

impl From<Problem> for ProblemReport {
    fn from(Problem { what, why }: Problem) -> Self {
        ProblemReport { what, why }
    }
}

/// A copy of a run that another tool made, under another id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyReport {
    /// Its id.
    pub run_id: String,
    /// What it lacks of the run, in words; empty if it lacks nothing.
    pub lacks: Vec<String>,
}

/// How many runs had which outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    arrived: usize,
    unchanged: usize,
    would_arrive: usize,
    skipped: usize,
    incomplete: usize,
    refused: usize,
    failed: usize,
}

impl Report {
    /// Puts it together.
    pub fn new(source: &str, destination: &str, dry_run: bool, runs: Vec<RunReport>, problems: Vec<Problem>) -> Self {
        let mut totals = Totals::default();
        for run in &runs {
            *match run.outcome {
                Outcome::Arrived => &mut totals.arrived,
                Outcome::Unchanged => &mut totals.unchanged,
                Outcome::WouldArrive => &mut totals.would_arrive,
                Outcome::Skipped => &mut totals.skipped,
                Outcome::Incomplete => &mut totals.incomplete,
                Outcome::Refused => &mut totals.refused,
                Outcome::Failed => &mut totals.failed,
            } += 1;
        }
        let bad = totals.incomplete + totals.refused + totals.failed + problems.len();
        let good = totals.arrived + totals.unchanged + totals.would_arrive + totals.skipped + totals.incomplete;
        let exit_code = match (good, bad) {
            (_, 0) => 0,
            (0, _) => 1,
            _ => 3,
        };
        Report {
            source: source.to_owned(),
            destination: destination.to_owned(),
            dry_run,
            runs,
            problems: problems.into_iter().map(ProblemReport::from).collect(),
            totals,
            exit_code,
        }
    }

    /// Whether there is anything to tell: something moved, or went wrong.
    pub fn is_idle(&self) -> bool {
        self.exit_code == 0 && self.totals.arrived + self.totals.would_arrive == 0
    }

    /// All of it in one line.
    pub fn summary(&self) -> String {
        let Totals { arrived, unchanged, would_arrive, skipped, incomplete, refused, failed } = self.totals;
        let counts = [
            (arrived, "arrived"),
            (would_arrive, "would arrive"),
            (unchanged, "unchanged"),
            (skipped, "skipped"),
            (incomplete, "incomplete"),
            (refused, "refused"),
            (failed, "failed"),
            (self.problems.len(), "not readable"),
        ];
        let mut words: Vec<String> =
            counts.iter().filter(|it| it.0 > 0).map(|it| format!("{} {}", it.0, it.1)).collect();
        if words.is_empty() {
            words.push("no runs".to_owned());
        }
        format!("{} -> {}: {}", self.source, self.destination, words.join(", "))
    }
}

impl RunReport {
    /// About a run of which nothing was sent yet.
    pub fn new(place: &RunPlace, experiment: &str, outcome: Outcome, reason: Option<String>) -> Self {
        RunReport {
            run_id: place.run_id.clone(),
            run_name: place.name.clone(),
            experiment: experiment.to_owned(),
            outcome,
            reason,
            sent: Sent::default(),
            problems: Vec::new(),
            kept: Vec::new(),
            left_out: Vec::new(),
            copies: Vec::new(),
        }
    }

    /// The run in a line, and a line for each thing to know of it.
    pub fn lines(&self) -> String {
        let word = match self.outcome {
            Outcome::Arrived => "arrived",
            Outcome::Unchanged => "unchanged",
            Outcome::WouldArrive => "would arrive",
            Outcome::Skipped => "skipped",
            Outcome::Incomplete => "incomplete",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
        };
        let mut text = format!("{word}: {} '{}' in '{}'", self.run_id, plain(&self.run_name), plain(&self.experiment));
        let sent = self.sent.words();
        if !sent.is_empty() {
            let _ = write!(text, ": {sent}");
        }
        if let Some(reason) = &self.reason {
            let _ = write!(text, ": {}", plain(reason));
        }
        for ProblemReport { what, why } in &self.problems {
            let _ = write!(text, "\n  not read: {}: {}", plain(what), plain(why));
        }
        for left_out in &self.left_out {
            let _ = write!(text, "\n  not carried: {}", plain(left_out));
        }
        for kept in &self.kept {
            let _ = write!(text, "\n  left as it is there: {}", plain(kept));
        }
        for CopyReport { run_id, lacks } in &self.copies {
            let _ = match lacks.as_slice() {
                [] => write!(text, "\n  copy by another tool: {run_id}, complete"),
                lacks => write!(text, "\n  copy by another tool: {run_id}, lacks {}", plain(&lacks.join(", "))),
            };
        }
        text
    }
}

impl Sent {
    /// Whether anything was sent.
    pub fn is_something(&self) -> bool {
        *self != Sent::default()
    }

    fn words(&self) -> String {
        let Sent { new, params, tags, datasets, metrics, points, files, file_bytes, state } = *self;
        let mut words = Vec::new();
        if new {
            words.push("new".to_owned());
        }
        let mut count = |number: usize, one: &str, many: &str| {
            if number > 0 {
                words.push(format!("{} {}", grouped(number as u64), if number == 1 { one } else { many }));
            }
        };
        count(params, "param", "params");
        count(tags, "tag", "tags");
        count(datasets, "dataset", "datasets");
        if points > 0 {
            let of = if metrics == 1 { "metric" } else { "metrics" };
            let point = if points == 1 { "point" } else { "points" };
            words.push(format!("{} {point} of {} {of}", grouped(points as u64), grouped(metrics as u64)));
        }
        if files > 0 {
            let file = if files == 1 { "file" } else { "files" };
            words.push(format!("{} {file} ({})", grouped(files as u64), bytes(file_bytes)));
        }
        if state {
            words.push("state".to_owned());
        }
        words.join(", ")
    }
}

/// What users wrote, as part of a line: nothing of it ends the line or moves the cursor.
fn plain(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// A number with commas between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An amount of bytes in words.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if number < 1_000 {
        return format!("{number} B");
    }
    let (mut value, mut unit) = (number as f64 / 1_000.0, 0);
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1_000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(outcome: Outcome) -> RunReport {
        RunReport {
            run_id: "0f".to_owned(),
            run_name: "a\u{1b}[2J\nb".to_owned(),
            experiment: "e".to_owned(),
            outcome,
            reason: None,
            sent: Sent::default(),
            problems: Vec::new(),
            kept: Vec::new(),
            left_out: Vec::new(),
            copies: Vec::new(),
        }
    }

    #[test]
    fn the_exit_code_says_whether_all_some_or_nothing_is_there() {
        use Outcome::{Arrived, Failed, Incomplete, Refused, Skipped, Unchanged};
        let code = |outcomes: &[Outcome]| {
            Report::new("s", "d", false, outcomes.iter().map(|outcome| run(*outcome)).collect(), Vec::new()).exit_code
        };

        assert_eq!(code(&[]), 0);
        assert_eq!(code(&[Arrived, Unchanged, Skipped]), 0);
        assert_eq!(code(&[Failed]), 1);
        assert_eq!(code(&[Refused, Failed]), 1);
        assert_eq!(code(&[Arrived, Failed]), 3);
        assert_eq!(code(&[Unchanged, Refused]), 3);
        assert_eq!(code(&[Incomplete]), 3, "something arrived");
        let problem = Problem { what: "x".to_owned(), why: "y".to_owned() };
        assert_eq!(Report::new("s", "d", false, vec![run(Arrived)], vec![problem.clone()]).exit_code, 3);
        assert_eq!(Report::new("s", "d", false, Vec::new(), vec![problem]).exit_code, 1);
    }

    #[test]
    fn a_line_stays_a_line_whatever_users_wrote() {
        let mut report = run(Outcome::Arrived);
        report.sent = Sent {
            new: true,
            params: 944,
            tags: 1,
            metrics: 66,
            points: 12_315,
            files: 16,
            file_bytes: 9_940_000,
            ..Sent::default()
        };

        let lines = report.lines();

        assert_eq!(
            lines,
            "arrived: 0f 'a\u{fffd}[2J\u{fffd}b' in 'e': new, 944 params, 1 tag, 12,315 points of 66 metrics, 16 files (9.9 MB)"
        );
    }

    #[test]
    fn amounts_have_the_unit_that_fits() {
        let amounts = [0, 999, 1_000, 999_949, 999_950, 19_000_000, 1_000_000_000];

        assert_eq!(amounts.map(bytes), ["0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "19.0 MB", "1.0 GB"]);
        assert_eq!([1, 1_000, 1_234_567].map(grouped), ["1", "1,000", "1,234,567"]);
    }
}
