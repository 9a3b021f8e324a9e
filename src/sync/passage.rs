//! The way from a source to a server: which runs are known to be there, and the others one after the other.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use anyhow::bail;
use futures_util::{StreamExt as _, stream};

use super::client::Server;
use super::notes::{Note, Notes};
use super::progress::Progress;
use super::report::{Outcome, RunReport};
use super::transfer::{Ended, Transfer};
use crate::config::redact;
use crate::ingest::MAX_RUNS;
use crate::model::Lifecycle;
use crate::offline::{Look, RunPlace, Source};

/// Runs that are looked at at once, of which nothing is read but sizes and times.
const LOOKS_AT_ONCE: usize = 4;
/// After so many runs that arrived the notes are written.
const RUNS_PER_SAVE: usize = 50;

/// The way from a source to a server, which may be gone more than once.
#[derive(Debug)]
pub struct Passage<'a> {
    /// From here.
    pub source: &'a Source,
    /// To there.
    pub server: &'a Server,
    /// What is known of earlier times.
    pub notes: Notes,
    /// How.
    pub manner: Manner,
}

/// What has to be done, and what has not.
struct Work<'r> {
    /// By the number of the run: of those that are done already.
    reports: Vec<Option<RunReport>>,
    waiting: Vec<Waiting<'r>>,
}

/// A run that is not known to be there.
struct Waiting<'r> {
    number: usize,
    place: &'r RunPlace,
    look: Look,
    note: Option<Note>,
    /// Whether the server has a run of this id.
    is_there: bool,
}

/// How runs are brought.
#[derive(Debug, Clone)]
pub struct Manner {
    /// The experiment that all go to, instead of that of their source.
    pub experiment: Option<String>,
    /// Whether nothing is sent, only told.
    pub dry_run: bool,
    /// What of each run is brought.
    pub carries: Carries,
    /// How many at once.
    pub jobs: usize,
}

/// What of a run is brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// What it is, its params and tags.
    Words,
    /// Those and its points.
    WordsAndPoints,
    /// All of it.
    Everything,
}

/// Which runs are brought.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Whether those that are deleted in the source are among them.
    pub with_deleted: bool,
    /// Only these; all if none is named.
    pub run_ids: Vec<String>,
    /// Whether the newest come first.
    pub newest_first: bool,
}

impl Passage<'_> {
    /// Brings these runs, as far as they are not there, and answers what became of each, in their order. `told` hears of each
    /// run as it is done.
    ///
    /// # Errors
    /// That the server could not be asked, or the notes not be written.
    pub async fn pass(
        &mut self,
        runs: &[RunPlace],
        with_bar: bool,
        told: impl Fn(&Progress, &RunReport),
    ) -> anyhow::Result<Vec<RunReport>> {
        let Work { mut reports, waiting } = self.look(runs).await?;
        let total = waiting.iter().map(|run| run.look.bytes).sum();
        let progress = Progress::begin(total, with_bar && !waiting.is_empty());
        reports.iter().flatten().for_each(|report| told(&progress, report));

        let transfer = Transfer { source: self.source, server: self.server, progress: &progress, manner: &self.manner };
        let given_up: Mutex<Option<String>> = Mutex::new(None);
        let work = stream::iter(waiting).map(|run| bring(&transfer, run, &given_up));
        let mut all = std::pin::pin!(work.buffer_unordered(self.manner.jobs));
        let mut since_save = 0;
        while let Some((number, Ended { report, note, .. })) = all.next().await {
            if let Some(note) = note {
                self.notes.set(&report.run_id, note);
                since_save += 1;
                if since_save % RUNS_PER_SAVE == 0 {
                    self.notes.save()?;
                }
            }
            told(&progress, &report);
            reports[number] = Some(report);
        }
        progress.end();
        self.notes.save()?;
        Ok(reports.into_iter().flatten().collect())
    }

    /// Looks at all runs from outside, and asks what the server has of them.
    async fn look<'r>(&self, runs: &'r [RunPlace]) -> anyhow::Result<Work<'r>> {
        let looks: Vec<anyhow::Result<Look>> =
            stream::iter(runs).map(|place| self.source.look(place)).buffered(LOOKS_AT_ONCE).collect().await;
        let states = ask_states(self.server, runs).await?;
        let mut work = Work { reports: vec![None; runs.len()], waiting: Vec::new() };
        for (number, (place, look)) in runs.iter().zip(looks).enumerate() {
            let experiment = self.manner.experiment.as_deref().unwrap_or(&place.experiment);
            let done = match look {
                Err(error) => RunReport::new(place, experiment, Outcome::Failed, Some(format!("{error:#}"))),
                Ok(Look { mark, bytes }) => {
                    let look = Look { mark: format!("{mark} {experiment}"), bytes };
                    let state = states.get(place.run_id.as_str());
                    let note = self.notes.get(&place.run_id);
                    // Who asks what would be sent wants to know it, and not what was believed.
                    let is_known = |note: &Note| note.mark == look.mark && Some(&note.state) == state;
                    if self.manner.dry_run || !note.is_some_and(is_known) {
                        let (note, is_there) = (note.cloned(), state.is_some());
                        work.waiting.push(Waiting { number, place, look, note, is_there });
                        continue;
                    }
                    RunReport::new(place, experiment, Outcome::Unchanged, None)
                }
            };
            work.reports[number] = Some(done);
        }
        Ok(work)
    }
}

/// Brings a run, unless it was found that no run can be brought.
async fn bring(transfer: &Transfer<'_>, run: Waiting<'_>, given_up: &Mutex<Option<String>>) -> (usize, Ended) {
    let Waiting { number, place, look, note, is_there } = run;
    let reason = given_up.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(reason) = reason {
        let reason = Some(format!("not tried: {reason}"));
        let report = RunReport::new(place, transfer.experiment_of(place), Outcome::Failed, reason);
        return (number, Ended { report, note: None, give_up: None });
    }
    let ended = transfer.run(place, &look.mark, note.as_ref(), is_there).await;
    if let Some(reason) = &ended.give_up {
        *given_up.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.clone());
    }
    (number, ended)
}

impl Choice {
    /// The runs among these that are meant; `source` is where they were looked for.
    ///
    /// # Errors
    /// That one is named that is not there, or is deleted there.
    pub fn of(&self, mut found: Vec<RunPlace>, source: &str) -> anyhow::Result<Vec<RunPlace>> {
        for run_id in &self.run_ids {
            match found.iter().find(|run| run.run_id == *run_id) {
                None => bail!("there is no run '{run_id}' in {}", redact(source)),
                Some(run) if run.lifecycle == Lifecycle::Deleted && !self.with_deleted => {
                    bail!("run '{run_id}' is deleted in {}; --export-deleted-runs sends it too", redact(source))
                }
                Some(_) => {}
            }
        }
        let is_named = |run: &RunPlace| self.run_ids.is_empty() || self.run_ids.contains(&run.run_id);
        found.retain(|run| is_named(run) && (self.with_deleted || run.lifecycle == Lifecycle::Active));
        if self.newest_first {
            found.reverse();
        }
        Ok(found)
    }
}

/// The states at the server of those of the runs that it has.
async fn ask_states(server: &Server, runs: &[RunPlace]) -> anyhow::Result<HashMap<String, String>> {
    let mut states = HashMap::with_capacity(runs.len());
    for part in runs.chunks(MAX_RUNS) {
        let run_ids: Vec<&str> = part.iter().map(|run| run.run_id.as_str()).collect();
        states.extend(server.states(&run_ids).await?.runs.into_iter().map(|run| (run.run_id, run.state)));
    }
    Ok(states)
}
