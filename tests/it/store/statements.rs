//! That both databases understand every statement of the store, because both have run it.
//!
//! The other tests of the store run once more in a process of their own, where all that sqlx executes is written down.
//! Each SQL literal in the sources of the store must be part of something there, for each database where it applies.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::support::databases;

/// Names the file to write statements to.
pub const RECORD: &str = "WINDVANE_TEST_RECORD_STATEMENTS";

/// What SQL in the store begins with; no other text there does.
const FIRST_WORDS: [&str; 24] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "WITH",
    "ON",
    "WHERE",
    "AND",
    "OR",
    "FROM",
    "ORDER",
    "FOR",
    "LIMIT",
    "RETURNING",
    "IN",
    "NOT",
    "ESCAPE",
    "GLOB",
    "LIKE",
    "IS",
    "VALUES",
    "CASE",
    "LEFT",
    "UNION",
];

/// What only SQLite's statements contain. A line in quotes is a whole literal.
const ON_SQLITE: [&str; 8] = [
    "sqlite_master",
    "json_group_array",
    "GLOB",
    "json_each",
    "SELECT max((SELECT",
    "\"AND r.id = e.run_id\"",
    "\"IN (\"",
    "\"VALUES\"",
];

/// What only PostgreSQL's statements contain.
const ON_POSTGRES: [&str; 14] = [
    "CASE WHEN TRUE",
    "CASE WHEN t.points",
    "json_agg",
    "pg_advisory_xact_lock(",
    "pg_try_advisory_xact_lock",
    "information_schema",
    "UNNEST(",
    "pg_current_xact_id",
    "pg_current_snapshot",
    "FOR SHARE",
    "FOR NO KEY UPDATE",
    "FOR UPDATE",
    "ESCAPE ''",
    "\") LIKE\"",
];

/// From now on every statement is written to the file that [`RECORD`] names, if it does.
pub fn record_if_asked() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Some(path) = std::env::var_os(RECORD) else { return };
        let file = OpenOptions::new().append(true).create(true).open(path).unwrap();
        let recorder = Recorder { written: Mutex::new((BTreeSet::new(), file)) };
        // sqlx reports SQLite's statements from threads of its own, so only a subscriber of the process hears of them.
        tracing_subscriber::registry().with(recorder.with_filter(filter_fn(|of| of.target() == "sqlx::query"))).init();
    });
}

/// Writes each statement once, as one line after the name of its database.
struct Recorder {
    written: Mutex<(BTreeSet<String>, File)>,
}

impl<S: Subscriber> Layer<S> for Recorder {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let text = Statement::of(event);
        let database = if Statement::is_on_sqlite() { "sqlite" } else { "postgres" };
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let (seen, file) = &mut *written;
        if seen.insert(format!("{database} {text}")) {
            writeln!(file, "{database} {}", one_line(&text)).unwrap();
        }
    }
}

/// A statement as sqlx reports it.
#[derive(Default)]
pub struct Statement {
    summary: String,
    whole: String,
}

impl Statement {
    /// The statement of an event of the target `sqlx::query`.
    pub fn of(event: &Event<'_>) -> String {
        let mut statement = Statement::default();
        event.record(&mut statement);
        // The summary is the whole statement where it is short, and the other field is empty then.
        if statement.whole.is_empty() { statement.summary } else { statement.whole }
    }

    /// Whether this thread is one of those that talk to SQLite.
    pub fn is_on_sqlite() -> bool {
        std::thread::current().name().is_some_and(|name| name.starts_with("sqlite-"))
    }
}

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => self.summary = value.to_owned(),
            "db.statement" => self.whole = value.to_owned(),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// A statement in one line, whatever its placeholders are called.
pub fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut parts = line.split('$');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |line, part| format!("{line}?{}", part.trim_start_matches(|digit: char| digit.is_ascii_digit())))
}

#[tokio::test]
async fn every_statement_of_the_store_has_run_on_each_database_where_it_applies() {
    let directory = tempfile::tempdir().unwrap();
    let record = directory.path().join("statements");
    let names: Vec<&str> =
        databases().await.iter().map(|database| if database.is_sqlite() { "sqlite" } else { "postgres" }).collect();

    let skipped = ["model_search", "properties", "search_model", "search_plans", "statements"]
        .map(|name| format!("store::{name}::"));
    let tests = ["store::", "--test-threads", "2"].map(str::to_owned).into_iter();
    let tests = tests.chain(skipped.into_iter().flat_map(|name| ["--skip".to_owned(), name]));
    let output = Command::new(std::env::current_exe().unwrap()).args(tests).env(RECORD, &record).output().unwrap();

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let executed = fs::read_to_string(&record).unwrap();
    let literals = literals_beneath(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store"));
    assert!(literals.len() > 80, "{literals:#?}");
    for mark in ON_SQLITE.iter().chain(&ON_POSTGRES) {
        assert!(literals.iter().any(|(_, literal)| has_mark(literal, mark)), "no statement contains {mark} any more");
    }
    let mut missing = Vec::new();
    for name in names {
        let executed: Vec<&str> = executed.lines().filter_map(|line| line.strip_prefix(name)).collect();
        let foreign: &[&str] = if name == "sqlite" { &ON_POSTGRES } else { &ON_SQLITE };
        for (place, literal) in &literals {
            let applies = !foreign.iter().any(|mark| has_mark(literal, mark));
            if applies && !executed.iter().any(|statement| statement.contains(literal)) {
                missing.push(format!("{place} on {name}: {literal}"));
            }
        }
    }
    assert!(missing.is_empty(), "never ran:\n{}", missing.join("\n"));
}

fn has_mark(literal: &str, mark: &str) -> bool {
    match mark.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(whole) => literal == whole,
        None => literal.contains(mark),
    }
}

/// The SQL literals in the sources of a directory, each in one line, with the file it is in.
fn literals_beneath(directory: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            found.extend(literals_beneath(&path));
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        found.extend(literals(source).into_iter().filter(|text| is_sql(text)).map(|text| (name.clone(), text)));
    }
    found
}

fn is_sql(literal: &str) -> bool {
    let first = literal.trim_start_matches([')', ' ']).split([' ', '(']).next().unwrap_or_default();
    FIRST_WORDS.contains(&first)
}

/// The string literals of Rust source, each in one line. Enough for sources without raw strings.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find(['"', '/', '\'']) {
        rest = &rest[start..];
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else if rest.starts_with("'\"'") {
            rest = &rest[3..];
        } else if rest.starts_with('"') {
            let (literal, behind) = literal(&rest[1..]);
            found.push(one_line(&literal));
            rest = behind;
        } else {
            rest = &rest[1..];
        }
    }
    found
}

/// The literal that begins here, and what follows its closing quote.
fn literal(source: &str) -> (String, &str) {
    let mut text = String::new();
    let mut characters = source.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return (text, &source[place + 1..]),
            '\\' => match characters.next() {
                // A line that goes on.
                Some((_, '\n')) => text.push(' '),
                Some((_, escaped)) => text.push(escaped),
                None => break,
            },
            _ => text.push(character),
        }
    }
    panic!("a literal has no end: {source}");
}

#[test]
fn literals_are_found_as_the_compiler_sees_them() {
    let source = r#"
        // "no"
        const A: &str = "SELECT \"x\" \
             FROM y"; fn f<'a>() { push('"'); sql("  ORDER BY
             z ") } / "#;

    assert_eq!(literals(source), ["SELECT \"x\" FROM y", "ORDER BY z"]);
    assert!(is_sql(") SELECT 1") && is_sql("VALUES") && !is_sql("Selection") && !is_sql(""));
}
