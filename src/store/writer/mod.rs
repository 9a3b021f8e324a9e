//! The only way to log: requests queue here as plain data and are committed many at a time.
//!
//! An acknowledged write is on the disk, and an fsync costs as much as a thousand inserts. So one task takes all that
//! waits, decides about each request in memory against what the database holds, writes the effects of all of them with
//! a few statements of many rows, commits once, and only then answers everybody (group commit). SQLite has one such
//! task, because it has one writer; PostgreSQL a few, each with its share of the runs, so that two tasks never wait for
//! one another's rows.
//!
//! A request that breaks a rule is refused by the decision and touches nothing; it needs no savepoint. If the commit of
//! a group fails for a reason of ours, its requests are tried one by one, so that none can spoil the others.

mod group;
mod models;
mod rights;
mod series;

use std::hash::{BuildHasher, DefaultHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) use group::inactive_experiment;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::Store;
use super::changes::Versions;
use super::compaction::Compactor;
use super::db::{Db, is_conflict};
use super::lineage::LineageKeys;
use super::runs::{RunUpdate, inactive_run};
use crate::error::{Error, Resource, Result};
use crate::lineage;
use crate::model::{Caller, DatasetInput, KeyValue, Lifecycle, Point, RunInfo, RunStatus};

/// Requests that wait, per task. Each holds a parsed body, whose size the HTTP layer bounds in sum.
const QUEUE: usize = 1_024;
/// At most this many requests share a commit: enough to make the fsync cheap, few enough to answer soon.
const GROUP_REQUESTS: usize = 256;
/// At most about this many points share a commit.
const GROUP_POINTS: usize = 64_000;
/// Writer tasks of one process on PostgreSQL.
const POSTGRES_TASKS: usize = 4;
/// How often a group is tried that PostgreSQL gave up for the sake of another transaction.
const CONFLICT_RETRIES: usize = 5;

/// What one `log-batch` brings, validated.
#[derive(Debug, Default, Clone)]
pub struct LogBatch {
    /// Points by metric, each list in the order of the request.
    pub series: Vec<(String, Vec<Point>)>,
    /// Params; a key at most once.
    pub params: Vec<KeyValue>,
    /// Tags; the last one of a key wins.
    pub tags: Vec<KeyValue>,
    /// The points among `series` that name a logged model.
    pub model_metrics: Vec<ModelMetric>,
    /// Whether this is one `log-parameter`, whose refusal has a text of its own.
    pub single_param: bool,
}

/// A point of a logged model (contract section 3: it is stored for the run and for the model).
#[derive(Debug, Clone)]
pub struct ModelMetric {
    /// The metric's name.
    pub key: String,
    /// The logged model's id.
    pub model_id: String,
    /// The dataset it was measured on, or empty.
    pub dataset_name: String,
    /// That dataset's digest, or empty.
    pub dataset_digest: String,
    /// The point.
    pub point: Point,
}

/// A run to create.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// The public id, chosen by the caller of the store so that a retry is recognised.
    pub run_id: String,
    /// The experiment, which must be active.
    pub experiment_id: i64,
    /// The name; the tag `mlflow.runName` is set to it.
    pub name: String,
    /// The user that the client names.
    pub user_id: String,
    /// The start time that the client names.
    pub start_ms: i64,
    /// The tags.
    pub tags: Vec<KeyValue>,
}

/// One queued request. Keys are interned before they get here.
#[derive(Debug, Clone)]
enum Work {
    Create { new: NewRun, tags: Vec<(i64, String)>, links: bool },
    Update { run_id: String, update: RunUpdate, name_key: i64 },
    Log { run_id: String, log: Log },
    Inputs { run_id: String, datasets: Vec<DatasetInput>, models: Vec<String> },
}

/// A [`LogBatch`] whose names are integers.
#[derive(Debug, Clone)]
struct Log {
    series: Vec<(i64, Vec<Point>)>,
    params: Vec<Param>,
    tags: Vec<(i64, String)>,
    /// The run's new name, where `mlflow.runName` is among the tags.
    name: Option<String>,
    model_metrics: Vec<(i64, ModelMetric)>,
    single_param: bool,
    /// Whether its tags or params may link the run to others.
    links: bool,
}

/// A param, with its name for the text of a refusal.
#[derive(Debug, Clone)]
struct Param {
    key_id: i64,
    key: String,
    value: String,
}

impl Work {
    /// The run that this is about; a new one has none yet that others could name.
    fn run_id(&self) -> &str {
        match self {
            Work::Create { new, .. } => &new.run_id,
            Work::Update { run_id, .. } | Work::Log { run_id, .. } | Work::Inputs { run_id, .. } => run_id,
        }
    }

    /// Whether this may link its run to others.
    fn links(&self) -> bool {
        match self {
            Work::Create { links, .. } => *links,
            Work::Log { log, .. } => log.links,
            Work::Update { .. } | Work::Inputs { .. } => false,
        }
    }

    fn points(&self) -> usize {
        match self {
            Work::Log { log, .. } => log.series.iter().map(|(_, points)| points.len()).sum(),
            Work::Create { .. } | Work::Update { .. } | Work::Inputs { .. } => 0,
        }
    }
}

#[derive(Debug)]
struct Job {
    caller: Caller,
    work: Work,
    reply: oneshot::Sender<Result<Option<RunInfo>>>,
}

/// The queues and their tasks.
#[derive(Debug)]
pub(super) struct Writer {
    queues: Mutex<Vec<mpsc::Sender<Job>>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the tasks, and compaction behind them.
    pub async fn start(db: Db, versions: Arc<Versions>, lineage: Arc<LineageKeys>) -> Result<Self> {
        let (compactor, compaction) = Compactor::start(db.clone()).await?;
        let count = match db {
            Db::Sqlite { .. } => 1,
            Db::Postgres(_) => POSTGRES_TASKS,
        };
        let mut queues = Vec::with_capacity(count);
        let mut tasks = vec![compaction];
        for _ in 0..count {
            let (sender, receiver) = mpsc::channel(QUEUE);
            queues.push(sender);
            let committer = Committer {
                db: db.clone(),
                versions: versions.clone(),
                lineage: lineage.clone(),
                compactor: compactor.clone(),
            };
            tasks.push(tokio::spawn(run(committer, receiver)));
        }
        Ok(Writer { queues: Mutex::new(queues), tasks: Mutex::new(tasks) })
    }

    /// Refuses new work, commits what waits and ends the tasks.
    pub async fn stop(&self) {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            // A task that panicked has reported it; what it had not acknowledged is the clients' to send again.
            let _ = task.await;
        }
    }

    async fn submit(&self, caller: &Caller, work: Work) -> Result<Option<RunInfo>> {
        const STOPPING: Error = Error::Unavailable("the server is stopping; try again");
        let queue = {
            let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
            if queues.is_empty() {
                return Err(STOPPING);
            }
            // All requests of a run go to one task: they keep their order and never wait for one another's locks.
            let mut hasher = std::hash::BuildHasherDefault::<DefaultHasher>::default().build_hasher();
            hasher.write(work.run_id().as_bytes());
            queues[(hasher.finish() % queues.len() as u64) as usize].clone()
        };
        let (reply, answer) = oneshot::channel();
        queue.try_send(Job { caller: caller.clone(), work, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Unavailable("too many writes are waiting; try again"),
            mpsc::error::TrySendError::Closed(_) => STOPPING,
        })?;
        drop(queue);
        answer.await.map_err(|_| STOPPING)?
    }
}

impl Store {
    /// Creates a run in state RUNNING.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such an experiment, [`Error::Invalid`] where it is deleted.
    pub async fn create_run(&self, caller: &Caller, new: NewRun) -> Result<RunInfo> {
        let mut tags = last_of_each(&new.tags);
        tags.retain(|(key, _)| *key != RUN_NAME_TAG);
        tags.push((RUN_NAME_TAG, &new.name));
        if !self.inner.keys.know(tags.iter().map(|(key, _)| *key)) {
            let id = new.experiment_id;
            let experiment = self.find_experiment(caller, id).await?;
            let experiment = experiment.ok_or_else(|| Error::NotFound(Resource::Experiment(id.to_string())))?;
            if experiment.lifecycle == Lifecycle::Deleted {
                return Err(inactive_experiment(id));
            }
        }
        let keys = self.inner.keys.intern(self.db(), tags.iter().map(|(key, _)| *key)).await?;
        let links = tags.iter().any(|(key, _)| lineage::is_about_tag(key));
        let tags = tags.iter().map(|(key, value)| (keys[key], (*value).to_owned())).collect();
        let created = self.inner.writer.submit(caller, Work::Create { new, tags, links }).await?;
        created.ok_or_else(|| Error::internal(anyhow::anyhow!("a created run has no answer")))
    }

    /// Changes what `update` names, of an active run.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a run, [`Error::Invalid`] where it is deleted.
    pub async fn update_run(&self, caller: &Caller, run_id: &str, update: RunUpdate) -> Result<RunInfo> {
        let keys = self.inner.keys.intern(self.db(), std::iter::once(RUN_NAME_TAG)).await?;
        let work = Work::Update { run_id: run_id.to_owned(), update, name_key: keys[RUN_NAME_TAG] };
        let updated = self.inner.writer.submit(caller, work).await?;
        updated.ok_or_else(|| Error::internal(anyhow::anyhow!("an updated run has no answer")))
    }

    /// Logs a batch, whole or not at all; logging it again changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a run; [`Error::Invalid`] where it is deleted, or a param has another value;
    /// [`Error::BadRequest`] where a point names a logged model that there is not.
    pub async fn log(&self, caller: &Caller, run_id: &str, batch: LogBatch) -> Result<()> {
        let tags = last_of_each(&batch.tags);
        let names = batch.series.iter().map(|(key, _)| key.as_str());
        let names = names.chain(batch.params.iter().map(|param| param.key.as_str()));
        let names = names.chain(tags.iter().map(|(key, _)| *key));
        let names = names.chain(batch.model_metrics.iter().map(|metric| metric.key.as_str()));
        let names: Vec<&str> = names.collect();
        if !self.inner.keys.know(names.iter().copied()) {
            // New names stay for ever: they are not taken from a request that will be refused anyway.
            let run = self.find_run_info(caller, run_id).await?;
            if run.ok_or_else(|| Error::NotFound(Resource::Run(run_id.to_owned())))?.lifecycle == Lifecycle::Deleted {
                return Err(inactive_run(run_id));
            }
        }
        let keys = self.inner.keys.intern(self.db(), names.into_iter()).await?;
        let says = |param: &KeyValue| lineage::is_about_param(run_id, &param.key, &param.value);
        let links = tags.iter().any(|(key, _)| lineage::is_about_tag(key)) || batch.params.iter().any(says);
        let name = tags.iter().find(|(key, _)| *key == RUN_NAME_TAG).map(|(_, value)| (*value).to_owned());
        let tags = tags.iter().map(|(key, value)| (keys[key], (*value).to_owned())).collect();
        let params =
            batch.params.iter().map(|KeyValue { key, value }| (keys[key.as_str()], key.clone(), value.clone()));
        let params = params.map(|(key_id, key, value)| Param { key_id, key, value }).collect();
        let model_metrics =
            batch.model_metrics.iter().map(|metric| (keys[metric.key.as_str()], metric.clone())).collect();
        let ids: Vec<i64> = batch.series.iter().map(|(key, _)| keys[key.as_str()]).collect();
        let series = ids.into_iter().zip(batch.series.into_iter().map(|(_, points)| points)).collect();
        let log = Log { series, params, tags, name, model_metrics, single_param: batch.single_param, links };
        self.inner.writer.submit(caller, Work::Log { run_id: run_id.to_owned(), log }).await.map(drop)
    }

    /// Links datasets and logged models that a run read. What is linked already stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a run, [`Error::Invalid`] where it is deleted.
    pub async fn log_inputs(
        &self,
        caller: &Caller,
        run_id: &str,
        datasets: Vec<DatasetInput>,
        models: Vec<String>,
    ) -> Result<()> {
        let work = Work::Inputs { run_id: run_id.to_owned(), datasets, models };
        self.inner.writer.submit(caller, work).await.map(drop)
    }
}

/// The tag that a run's name is coupled to (contract section 3).
pub(super) const RUN_NAME_TAG: &str = "mlflow.runName";

/// Clients send a tag twice in one batch; the last one wins (Anemoi's sync does so with `mlflow.user`).
fn last_of_each(tags: &[KeyValue]) -> Vec<(&str, &str)> {
    let mut last: std::collections::BTreeMap<&str, &str> = std::collections::BTreeMap::new();
    for tag in tags {
        last.insert(&tag.key, &tag.value);
    }
    last.into_iter().collect()
}

/// One writer task: takes what waits, commits it, answers.
async fn run(committer: Committer, mut queue: mpsc::Receiver<Job>) {
    while let Some(first) = queue.recv().await {
        let mut points = first.work.points();
        let mut jobs = vec![first];
        while jobs.len() < GROUP_REQUESTS && points < GROUP_POINTS {
            let Ok(job) = queue.try_recv() else { break };
            points += job.work.points();
            jobs.push(job);
        }
        committer.commit(jobs).await;
    }
}

/// What a task commits with.
struct Committer {
    db: Db,
    versions: Arc<Versions>,
    lineage: Arc<LineageKeys>,
    compactor: Compactor,
}

impl Committer {
    async fn commit(&self, jobs: Vec<Job>) {
        let (requests, replies): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|job| ((job.caller, job.work), job.reply)).unzip();
        let outcomes = match self.attempt(&requests).await {
            Ok(outcomes) => outcomes,
            Err(Error::Internal(_)) if requests.len() > 1 => {
                let mut outcomes = Vec::with_capacity(requests.len());
                for request in &requests {
                    let alone = self.attempt(std::slice::from_ref(request)).await;
                    outcomes.push(alone.and_then(|mut one| one.pop().expect("one request has one outcome")));
                }
                outcomes
            }
            Err(error) => requests.iter().map(|_| Err(repeat(&error))).collect(),
        };
        for (reply, outcome) in replies.into_iter().zip(outcomes) {
            // Whoever asked may have gone meanwhile; what was committed stays committed.
            let _ = reply.send(outcome);
        }
    }

    /// Commits a group, again where PostgreSQL gave it up for another transaction.
    async fn attempt(&self, requests: &[(Caller, Work)]) -> Result<Vec<Result<Option<RunInfo>>>> {
        let mut tries = 0;
        loop {
            match group::commit(&self.db, &self.versions, &self.lineage, requests).await {
                Ok(done) => {
                    for grown in done.grown {
                        self.compactor.grown(grown);
                    }
                    return Ok(done.outcomes);
                }
                Err(error) if is_conflict(&error) && tries < CONFLICT_RETRIES => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

/// The failure of a group, for each of its requests.
fn repeat(error: &Error) -> Error {
    match error {
        Error::DatabaseFull => Error::DatabaseFull,
        Error::Unavailable(text) => Error::Unavailable(text),
        other => Error::internal(anyhow::anyhow!("{other:?}")),
    }
}

/// Whether a run in this state expects no more points.
pub(super) fn has_ended(status: i64) -> bool {
    RunStatus::from_number(status).is_some_and(RunStatus::is_end)
}
