//! `windvane sync`: runs that were logged offline arrive at a server whole, once, and as themselves.
//!
//! A sync asks what is there and sends the rest (`transfer`), so the end of an interrupted one is that of a clean one, and
//! a second one sends nothing. What it noted of the last time (`notes`) spares it from reading what has not changed. It
//! never changes the source, and it says of a run that it is there only when the server has proved it.

mod client;
mod compare;
mod files;
mod notes;
mod parts;
mod passage;
mod progress;
mod report;
mod transfer;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context, bail};

pub use client::Server;
pub use notes::Notes;
pub use passage::{Carries, Choice, Manner, Passage};
pub use progress::Progress;
pub use report::{Outcome, Report, RunReport};

use crate::config::ClientSettings;
use crate::offline::Source;

/// Threads that read files.
const BLOCKING_THREADS: usize = 8;

/// What to sync, and how.
#[derive(Debug, Clone)]
pub struct SyncOptions {
    /// Where the runs are.
    pub source: String,
    /// Where the artifacts of an MLflow database are, if not beside it.
    pub artifacts: Option<PathBuf>,
    /// The server; without it `MLFLOW_TRACKING_URI` names it.
    pub destination: Option<String>,
    /// The runs; all if none is named.
    pub run_ids: Vec<String>,
    /// The experiment that they go to, instead of the one of their source.
    pub experiment: Option<String>,
    /// Whether runs that are deleted in the source go too; they arrive in the trash.
    pub with_deleted: bool,
    /// Whether nothing is sent, only told.
    pub dry_run: bool,
    /// Whether runs are told of that have not changed.
    pub verbose: bool,
    /// Whether the report is written to standard output as JSON, instead of lines.
    pub json: bool,
    /// How many runs are sent at once.
    pub jobs: usize,
}

/// Syncs, tells about it, and answers the exit code: 0 everything is there, 1 nothing is, 3 some is.
///
/// # Errors
/// What kept it from beginning.
pub fn run(options: &SyncOptions, settings: &ClientSettings) -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()
        .context("cannot start threads")?;
    let report = match runtime.block_on(sync(options, settings)) {
        Ok(report) => report,
        Err(error) => {
            if options.json {
                say(&serde_json::json!({ "error": format!("{error:#}"), "exit_code": 1 }).to_string());
            }
            return Err(error);
        }
    };
    if options.json {
        say(&serde_json::to_string_pretty(&report)?);
    } else {
        for problem in &report.problems {
            say(&problem.line());
        }
        // For cron: silence is that nothing was to be done.
        if !report.is_idle() || options.verbose || options.dry_run || std::io::stdout().is_terminal() {
            say(&report.summary());
        }
    }
    Ok(report.exit_code)
}

/// Writes a line to standard output. Whoever reads it may have enough: that is no reason to end.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

async fn sync(options: &SyncOptions, settings: &ClientSettings) -> anyhow::Result<Report> {
    let Some(destination) = options.destination.clone().or_else(|| settings.uri.clone()) else {
        bail!("no destination: name a server with --destination or MLFLOW_TRACKING_URI, as http://127.0.0.1:5000");
    };
    let server = Server::new(&destination, settings.clone())?;
    let scratch = tempfile::Builder::new().prefix("windvane-").tempdir_in(&settings.temporary);
    let scratch = scratch.with_context(|| format!("cannot make a directory in {}", settings.temporary.display()))?;
    let source = Source::open(&PathBuf::from(&options.source), options.artifacts.as_deref(), scratch.path()).await?;
    let state_home = settings.state_home.as_deref();
    let notes = Notes::open(state_home, &source.to_string(), server.uri(), options.dry_run)?;
    let choice = Choice { with_deleted: options.with_deleted, run_ids: options.run_ids.clone(), newest_first: false };
    let manner = Manner {
        experiment: options.experiment.clone(),
        dry_run: options.dry_run,
        carries: Carries::Everything,
        jobs: options.jobs,
    };
    let mut passage = Passage { source: &source, server: &server, notes, manner };
    let found = source.find_runs().await?;
    let chosen = choice.of(found.runs, &options.source)?;
    let show = |progress: &Progress, report: &RunReport| {
        if !options.json && is_told(report, options.verbose) {
            progress.tell(&report.lines());
        }
    };
    let reports = passage.pass(&chosen, !options.json, show).await?;
    Ok(Report::new(&source.to_string(), server.uri(), options.dry_run, reports, found.problems))
}

/// Whether a line tells of a run.
fn is_told(report: &RunReport, verbose: bool) -> bool {
    verbose || !matches!(report.outcome, Outcome::Unchanged | Outcome::Skipped)
}
