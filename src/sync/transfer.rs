//! One run, from the source to the server: what is there, what is missing, the missing parts, and proof that they arrived.

use std::collections::{BTreeMap, HashMap};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use tokio::sync::mpsc;

use super::client::{CallError, Server};
use super::compare::{
    Expected, compare, end_of, first_tags, is_storable_experiment_tag, lacks, leave_out_unstorable, missing_tags, prove,
};
use super::files::{self, SentFile};
use super::notes::{FileNote, Note, tags_note};
use super::parts::Parts;
use super::passage::{Carries, Manner};
use super::progress::Progress;
use super::report::{CopyReport, Outcome, ProblemReport, RunReport, Sent};
use crate::digest::{self, hexadecimal};
use crate::ingest::{Have, HaveRun, HaveSeries, Pair};
use crate::model::{KeyValue, Lifecycle};
use crate::offline::{OfflineRun, Problem, RunPlace, Series, Source};

/// Bodies with parts of a run that are on their way at once.
const PARTS_AT_ONCE: usize = 3;
/// Series that are read at once.
const SERIES_AT_ONCE: usize = 4;
/// Files of a run that are on their way at once.
const FILES_AT_ONCE: usize = 6;
/// Runs with more files than this are noted without them.
const NOTED_FILES: usize = 20_000;

/// The tag that a run's name is coupled to.
pub(super) const RUN_NAME_TAG: &str = "mlflow.runName";

/// What all transfers share.
pub(super) struct Transfer<'a> {
    pub source: &'a Source,
    pub server: &'a Server,
    pub progress: &'a Progress,
    pub manner: &'a Manner,
}

/// How a transfer ended.
pub(super) struct Ended {
    pub report: RunReport,
    /// What can be noted, if everything is there.
    pub note: Option<Note>,
    /// Why no other run needs to be tried.
    pub give_up: Option<String>,
}

/// Why a transfer ended early.
enum Stop {
    Skipped(String),
    Refused(String),
    Failed(String),
    /// The server cannot be reached, or lets nobody in.
    GivenUp(String),
}

impl From<CallError> for Stop {
    fn from(error: CallError) -> Self {
        match &error {
            CallError::Refused { status, .. } if status.as_u16() == 401 => Stop::GivenUp(error.to_string()),
            CallError::Refused { status, .. } if matches!(status.as_u16(), 400 | 409) => {
                Stop::Refused(error.to_string())
            }
            CallError::Unreachable(_) => Stop::GivenUp(error.to_string()),
            CallError::Refused { .. } | CallError::Source(_) => Stop::Failed(error.to_string()),
        }
    }
}

impl Transfer<'_> {
    /// The name of the experiment that a run goes to.
    pub fn experiment_of<'a>(&'a self, place: &'a RunPlace) -> &'a str {
        self.manner.experiment.as_deref().unwrap_or(&place.experiment)
    }

    /// Brings one run there. `is_there` is whether the server has just said that it has a run of this id.
    pub async fn run(&self, place: &RunPlace, mark: &str, note: Option<&Note>, is_there: bool) -> Ended {
        let mut report = RunReport::new(place, self.experiment_of(place), Outcome::Failed, None);
        let (mut give_up, mut tags) = (None, None);
        let done = self.bring(place, note, is_there, &mut report, &mut tags).await;
        let note = match done {
            Ok(note) => {
                report.outcome = if !report.problems.is_empty() {
                    Outcome::Incomplete
                } else if !report.sent.is_something() {
                    Outcome::Unchanged
                } else if self.manner.dry_run {
                    Outcome::WouldArrive
                } else {
                    Outcome::Arrived
                };
                note.filter(|_| report.problems.is_empty()).map(|note| Note { mark: mark.to_owned(), ..note })
            }
            Err(stop) => {
                let (outcome, reason) = match stop {
                    Stop::Skipped(reason) => (Outcome::Skipped, reason),
                    Stop::Refused(reason) => (Outcome::Refused, reason),
                    Stop::Failed(reason) => (Outcome::Failed, reason),
                    Stop::GivenUp(reason) => {
                        give_up = Some(reason.clone());
                        (Outcome::Failed, reason)
                    }
                };
                report.outcome = outcome;
                report.reason = Some(reason);
                // What of it is there is told when all of it is.
                report.sent = Sent::default();
                None
            }
        };
        // Which tags arrived is noted whatever became of the rest: they may change here before the next time.
        let note = note.or_else(|| tags.map(Note::of_tags));
        Ended { report, note, give_up }
    }

    async fn bring(
        &self,
        place: &RunPlace,
        note: Option<&Note>,
        is_there: bool,
        report: &mut RunReport,
        tags: &mut Option<BTreeMap<String, String>>,
    ) -> Result<Option<Note>, Stop> {
        let unread = |error: anyhow::Error| Stop::Failed(format!("cannot be read: {error:#}"));
        let mut run = self.source.read(place).await.map_err(unread)?;
        if self.manner.carries == Carries::Words {
            run.metrics.clear();
        }
        leave_out_unstorable(&mut run, report);
        // The name counts: what a client made of the tag is the same, or was overtaken by the name.
        if !run.name.is_empty() {
            run.tags.retain(|tag| tag.key != RUN_NAME_TAG);
            run.tags.push(KeyValue { key: RUN_NAME_TAG.to_owned(), value: run.name.clone() });
            run.tags.sort_unstable_by(|left, right| left.key.cmp(&right.key));
        }
        report.run_name.clone_from(&run.name);
        report.problems.extend(std::mem::take(&mut run.problems).into_iter().map(Into::into));
        report.left_out = std::mem::take(&mut run.left_out);

        let have = if is_there { self.server.have(&run.run_id).await? } else { None };
        let root = match &have {
            Some(have) => {
                self.refuse_another(&run, &have.run, report).await?;
                have.files.artifact_root.clone()
            }
            None => self.create(place, &run, report).await?,
        };
        self.send_params(&run, have.as_ref(), report).await?;
        let expected = self.send_parts(place, &run, have.as_ref(), note, report).await?;
        if !self.manner.dry_run {
            *tags = Some(tags_note(&run.tags));
        }
        self.send_datasets(&run, have.as_ref(), report).await?;
        let files = match self.manner.carries {
            Carries::Everything => self.send_files(place, root, have.as_ref(), note, report).await?,
            Carries::Words | Carries::WordsAndPoints => Vec::new(),
        };
        self.finish(&run, have.as_ref(), report).await?;
        if self.manner.dry_run {
            return Ok(None);
        }
        if !report.sent.is_something() {
            return Ok(have.map(|have| self.note(&run, have.state, files)));
        }
        let there = self.server.have(&run.run_id).await?;
        let there = there.ok_or_else(|| Stop::Failed("it is gone there while it was being sent".to_owned()))?;
        prove(&run, &there, &expected, &files).map_err(Stop::Failed)?;
        // Where the server has more than the source, all is sent that may be missing, and mostly nothing was.
        if have.is_some_and(|have| have.series == there.series) {
            (report.sent.points, report.sent.metrics) = (0, 0);
        }
        if self.manner.carries == Carries::Everything {
            report.copies = self.find_copies(&there, &expected).await?;
        }
        Ok(Some(self.note(&run, there.state, files)))
    }

    fn note(&self, run: &OfflineRun, state: String, files: Vec<SentFile>) -> Note {
        let is_noted = !run.status.is_end() && files.len() <= NOTED_FILES;
        let files = files.into_iter().filter(|_| is_noted);
        Note {
            mark: String::new(),
            state,
            tags: tags_note(&run.tags),
            files: files
                .map(|file| {
                    let SentFile { path, size, modified_ns, digest } = file;
                    (path, FileNote { modified_ns, size, digest })
                })
                .collect(),
        }
    }

    /// Refuses a run that only has the same id, and leaves alone what was deleted there.
    async fn refuse_another(&self, run: &OfflineRun, there: &HaveRun, report: &mut RunReport) -> Result<(), Stop> {
        if there.lifecycle_stage == "deleted" {
            return Err(Stop::Skipped(match run.lifecycle {
                // As it should be; what is missing cannot be sent to a deleted run.
                Lifecycle::Deleted => "it is in the trash there".to_owned(),
                Lifecycle::Active => "it was deleted there".to_owned(),
            }));
        }
        let mut differences = Vec::new();
        let mut compare = |what: &str, here: &str, there: &str| {
            if here != there {
                differences.push(format!("its {what} is '{there}' there and '{here}' here"));
            }
        };
        compare("start time", &run.start_ms.to_string(), &there.start_time.to_string());
        compare("user", &run.user_id, &there.user_id);
        if !differences.is_empty() {
            let differences = differences.join(", ");
            return Err(Stop::Refused(format!("the server has another run of this id: {differences}")));
        }
        if report.experiment != there.experiment_name {
            // Where there is no experiment of the name in the source, that of the run was renamed.
            let is_renamed =
                self.manner.experiment.is_none() && self.server.find_experiment(&report.experiment).await?.is_none();
            if !is_renamed {
                return Err(Stop::Refused(format!(
                    "it is there already, in the experiment '{}'; --experiment-name can name that",
                    there.experiment_name
                )));
            }
        }
        report.experiment.clone_from(&there.experiment_name);
        Ok(())
    }

    /// Makes the run there, and answers where its files go.
    async fn create(&self, place: &RunPlace, run: &OfflineRun, report: &mut RunReport) -> Result<Option<String>, Stop> {
        report.sent.new = true;
        let experiment_id = match self.server.find_experiment(&report.experiment).await? {
            _ if self.manner.dry_run => return Ok(Some(String::new())),
            Some(id) => id,
            None => self.make_experiment(place, &report.experiment).await?,
        };
        let made = self
            .server
            .create(&json!({
                "run_id": run.run_id,
                "experiment_id": experiment_id,
                "run_name": run.name,
                "user_id": run.user_id,
                "start_time": run.start_ms,
                "tags": first_tags(run),
            }))
            .await?;
        Ok(made.artifact_root)
    }

    /// Makes the experiment of a run there. Its tags are those of the source, unless all runs go to another one.
    async fn make_experiment(&self, place: &RunPlace, name: &str) -> Result<String, Stop> {
        let tags = match self.manner.experiment {
            Some(_) => Vec::new(),
            None => {
                let tags = self.source.experiment_tags(place).await;
                tags.map_err(|error| Stop::Failed(format!("cannot read the tags of '{name}': {error:#}")))?
            }
        };
        let tags = tags.into_iter().filter(is_storable_experiment_tag).map(Pair::from).collect::<Vec<_>>();
        Ok(self.server.make_experiment(name, &tags).await?)
    }

    /// Sends the params, alone and before all else: should one contradict what is there, it is another run, and nothing of
    /// this one may get into it.
    async fn send_params(&self, run: &OfflineRun, have: Option<&Have>, report: &mut RunReport) -> Result<(), Stop> {
        let digest = hexadecimal(&digest::of_params(&run.params));
        if have.is_some_and(|have| have.params.count == run.params.len() && have.params.digest == digest) {
            return Ok(());
        }
        report.sent.params = run.params.len().saturating_sub(have.map_or(0, |have| have.params.count));
        if self.manner.dry_run {
            return Ok(());
        }
        let mut parts = Parts::new(&run.run_id);
        for param in run.params.iter().cloned() {
            if let Some(full) = parts.param(Pair::from(param)) {
                self.server.parts(full.to_json()).await?;
            }
        }
        if !parts.is_empty() {
            self.server.parts(parts.to_json()).await?;
        }
        Ok(())
    }

    /// Sends tags and points that are not there, and answers what the source has of series.
    async fn send_parts(
        &self,
        place: &RunPlace,
        run: &OfflineRun,
        have: Option<&Have>,
        note: Option<&Note>,
        report: &mut RunReport,
    ) -> Result<Vec<Expected>, Stop> {
        let (bodies, waiting) = mpsc::channel(PARTS_AT_ONCE);
        let sending = stream::unfold(waiting, |mut waiting: mpsc::Receiver<Parts>| async {
            waiting.recv().await.map(|parts| (parts, waiting))
        });
        let sending = sending.map(Ok).try_for_each_concurrent(PARTS_AT_ONCE, |parts: Parts| async move {
            if self.manner.dry_run {
                return Ok(());
            }
            self.server.parts(parts.to_json()).await.map_err(Stop::from)
        });
        let reading = async {
            let read = self.read_parts(place, run, have, note, report, &bodies).await;
            drop(bodies);
            read
        };
        // Should sending fail, its end is what ends reading, and is the reason to tell.
        let (sent, read) = tokio::join!(sending, reading);
        sent?;
        read
    }

    async fn read_parts(
        &self,
        place: &RunPlace,
        run: &OfflineRun,
        have: Option<&Have>,
        note: Option<&Note>,
        report: &mut RunReport,
        bodies: &mpsc::Sender<Parts>,
    ) -> Result<Vec<Expected>, Stop> {
        let gone = |_| Stop::Failed("sending has ended".to_owned());
        let mut parts = Parts::new(&run.run_id);
        for tag in missing_tags(run, have, note, report) {
            report.sent.tags += 1;
            if let Some(full) = parts.tag(tag) {
                bodies.send(full).await.map_err(gone)?;
            }
        }

        let known: HashMap<&str, &HaveSeries> =
            have.iter().flat_map(|have| &have.series).map(|series| (series.key.as_str(), series)).collect();
        let read = |key: &String| {
            let known = known.get(key.as_str()).map(|series| (series.count, series.digest.clone()));
            let key = key.clone();
            async move {
                let series = match self.source.series(place, &key).await {
                    Ok(series) => series,
                    // The others are no worse for it.
                    Err(error) => {
                        let problem = Problem { what: format!("metrics/{key}"), why: format!("{error:#}") };
                        Series { points: Vec::new(), problems: vec![problem] }
                    }
                };
                let (points, problems) = (series.points, series.problems);
                let compare = move || compare(key, points, known);
                let read = tokio::task::spawn_blocking(compare).await;
                Ok::<_, Stop>((read.map_err(|error| Stop::Failed(error.to_string()))?, problems))
            }
        };
        let mut all = stream::iter(run.metrics.iter().map(read)).buffered(SERIES_AT_ONCE);
        let mut expected = Vec::with_capacity(run.metrics.len());
        while let Some((series, problems)) = all.try_next().await? {
            report.problems.extend(problems.into_iter().map(Into::into));
            self.progress.points(series.expected.count);
            if !series.rest.is_empty() {
                report.sent.metrics += 1;
                report.sent.points += series.rest.len();
            }
            let mut rest = series.rest.as_slice();
            while !rest.is_empty() {
                if let Some(full) = parts.points(&series.expected.key, &mut rest) {
                    bodies.send(full).await.map_err(gone)?;
                }
            }
            expected.push(series.expected);
        }
        if !parts.is_empty() {
            bodies.send(parts).await.map_err(gone)?;
        }
        Ok(expected)
    }

    async fn send_datasets(&self, run: &OfflineRun, have: Option<&Have>, report: &mut RunReport) -> Result<(), Stop> {
        let there = have.map_or(0, |have| have.datasets);
        if run.datasets.len() <= there {
            return Ok(());
        }
        report.sent.datasets = run.datasets.len() - there;
        if self.manner.dry_run {
            return Ok(());
        }
        let pairs = |tags: &[KeyValue]| tags.iter().cloned().map(Pair::from).collect::<Vec<_>>();
        let datasets = run.datasets.iter().map(|input| {
            let dataset = &input.dataset;
            json!({
                "tags": pairs(&input.tags),
                "dataset": {
                    "name": dataset.name,
                    "digest": dataset.digest,
                    "source_type": dataset.source_type,
                    "source": dataset.source,
                    "schema": dataset.schema,
                    "profile": dataset.profile,
                },
            })
        });
        let body = json!({ "run_id": run.run_id, "datasets": datasets.collect::<Vec<_>>() });
        Ok(self.server.mlflow("runs/log-inputs", &body).await?)
    }

    /// Sends the files that are not there as they are here, and answers what there is here.
    async fn send_files(
        &self,
        place: &RunPlace,
        root: Option<String>,
        have: Option<&Have>,
        note: Option<&Note>,
        report: &mut RunReport,
    ) -> Result<Vec<SentFile>, Stop> {
        let found = self.source.files(place).await;
        let found = found.map_err(|error| Stop::Failed(format!("cannot list its files: {error:#}")))?;
        report.problems.extend(found.problems.into_iter().map(Into::into));
        if found.files.is_empty() {
            return Ok(Vec::new());
        }
        let Some(root) = root else {
            let why = format!("{} does not keep the artifacts of this experiment", self.server.uri());
            let what = match found.files.len() {
                1 => "1 file".to_owned(),
                count => format!("{count} files"),
            };
            report.problems.push(ProblemReport { what, why });
            return Ok(Vec::new());
        };
        let there: HashMap<&str, (u64, &str)> = have
            .iter()
            .flat_map(|have| &have.files.files)
            .map(|file| (file.path.as_str(), (file.size, file.digest.as_str())))
            .collect();
        let (root, there) = (root.as_str(), &there);
        let sending = stream::iter(found.files).map(|file| async move {
            let known = note.filter(|_| !self.manner.dry_run).and_then(|note| note.files.get(&file.path));
            let is_there = there.get(file.path.as_str()).copied();
            files::bring(self, place, root, file, is_there, known).await
        });
        let mut all = sending.buffered(FILES_AT_ONCE);
        let mut kept = Vec::new();
        while let Some(done) = all.next().await {
            self.progress.file();
            match done {
                Ok(files::Brought { file, is_sent }) => {
                    if is_sent {
                        report.sent.files += 1;
                        report.sent.file_bytes += file.size;
                    }
                    kept.push(file);
                }
                Err(files::Fault::Problem(problem)) => report.problems.push(problem.into()),
                Err(files::Fault::Vanished) => {}
                Err(files::Fault::Call(error)) => return Err(error.into()),
            }
        }
        Ok(kept)
    }

    /// Ends the run there as it ended here, and moves it to the trash if it lies there here.
    async fn finish(&self, run: &OfflineRun, have: Option<&Have>, report: &mut RunReport) -> Result<(), Stop> {
        let is_new = have.is_none();
        if let Some(end) = end_of(run, have.map(|have| &have.run), report) {
            report.sent.state |= !is_new;
            if !self.manner.dry_run {
                let (status, end_time) = end;
                let body = json!({ "run_id": run.run_id, "status": status.as_str(), "end_time": end_time });
                self.server.mlflow("runs/update", &body).await?;
            }
        }
        if run.lifecycle == Lifecycle::Deleted {
            report.sent.state |= !is_new;
            if !self.manner.dry_run {
                self.server.mlflow("runs/delete", &json!({ "run_id": run.run_id })).await?;
            }
        }
        Ok(())
    }

    /// Runs there that other tools made of this one, and what each lacks of it.
    async fn find_copies(&self, there: &Have, expected: &[Expected]) -> Result<Vec<CopyReport>, Stop> {
        let lineage = self.server.lineage(&there.run.run_id).await?;
        let is_copy = |edge: &super::client::Edge| edge.kind == "copy" && edge.target == there.run.run_id;
        let mut copies = Vec::new();
        for edge in lineage.edges.iter().filter(|edge| is_copy(edge)) {
            let Some(copy) = self.server.have(&edge.run_id).await? else { continue };
            copies.push(CopyReport { run_id: edge.run_id.clone(), lacks: lacks(there, &copy, expected) });
        }
        Ok(copies)
    }
}
