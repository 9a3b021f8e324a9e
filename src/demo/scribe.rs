//! What the example says about a run before it is written, and how it is written.

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::Made;
use crate::artifacts::ArtifactPath;
use crate::artifacts::location::Owner;
use crate::error::Result;
use crate::model::{Caller, KeyValue, NewLocation, Point, RunStatus};
use crate::state::AppState;
use crate::store::{LogBatch, NewRun, RunUpdate};

/// Points of one commit.
const POINTS: usize = 32_000;
/// Files that are stored at once.
const FILES: usize = 8;

/// An experiment with its runs.
pub(super) struct Namespace {
    pub name: &'static str,
    pub created_ms: i64,
    pub tags: Vec<KeyValue>,
    pub runs: Vec<Draft>,
}

/// A run with all that is logged to it.
#[derive(Default)]
pub(super) struct Draft {
    pub run_id: String,
    pub name: String,
    pub user: String,
    pub start_ms: i64,
    /// How and when it ended; nothing while it runs.
    pub end: Option<(RunStatus, i64)>,
    pub tags: Vec<KeyValue>,
    pub params: Vec<KeyValue>,
    pub series: Vec<(String, Vec<Point>)>,
    /// Paths and contents.
    pub files: Vec<(String, Vec<u8>)>,
    /// When it was moved to the trash, if it was.
    pub deleted_ms: Option<i64>,
}

impl Draft {
    /// Adds a tag.
    pub fn tag(&mut self, key: &str, value: &str) {
        self.tags.push(pair(key, value));
    }

    /// Sets a param, also one that is there.
    pub fn param(&mut self, key: &str, value: &str) {
        self.params.retain(|param| param.key != key);
        self.params.push(pair(key, value));
    }

    /// Adds a metric.
    pub fn metric(&mut self, key: &str, points: Vec<Point>) {
        self.series.push((key.to_owned(), points));
    }

    /// Adds a file.
    pub fn file(&mut self, path: &str, contents: impl Into<Vec<u8>>) {
        self.files.push((path.to_owned(), contents.into()));
    }
}

pub(super) fn pair(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: value.to_owned() }
}

/// Writes experiments, one run after the other, so that the store's own numbers are the same each time too.
pub(super) struct Scribe<'a> {
    pub app: &'a AppState,
    pub made: Made,
}

impl Scribe<'_> {
    /// Writes an experiment with its runs.
    ///
    /// # Errors
    /// Those of the store and of the disk; what was written until then stays.
    pub async fn write(&mut self, namespace: Namespace) -> Result<()> {
        let Namespace { name, created_ms, tags, runs } = namespace;
        let store = &self.app.store;
        let id = store.create_experiment(&Caller::Open, name, NewLocation::Default, &tags, created_ms).await?;
        self.made.experiments += 1;
        for run in runs {
            self.write_run(id, run).await?;
        }
        Ok(())
    }

    async fn write_run(&mut self, experiment_id: i64, draft: Draft) -> Result<()> {
        let (store, caller) = (&self.app.store, Caller::Open);
        let Draft { run_id, name, user, start_ms, end, tags, params, series, files, deleted_ms } = draft;
        let new = NewRun { run_id, experiment_id, name, user_id: user, start_ms, tags };
        let run = store.create_run(&caller, new).await?;
        self.made.runs += 1;
        for batch in batches(params, series) {
            self.made.points += batch.series.iter().map(|(_, points)| points.len()).sum::<usize>();
            store.log(&caller, &run.run_id, batch).await?;
        }
        self.store_files(experiment_id, &run.run_id, &run.artifact_uri, files).await?;
        if let Some((status, end_ms)) = end {
            let update = RunUpdate { status: Some(status), end_ms: Some(end_ms), name: None };
            store.update_run(&caller, &run.run_id, update).await?;
        }
        if let Some(deleted_ms) = deleted_ms {
            store.delete_run(&caller, &run.run_id, deleted_ms).await?;
        }
        Ok(())
    }

    /// Stores the files of a run, where the artifacts of runs are kept by the server itself.
    async fn store_files(
        &mut self,
        experiment_id: i64,
        run_id: &str,
        artifact_uri: &str,
        files: Vec<(String, Vec<u8>)>,
    ) -> Result<()> {
        let app = self.app;
        let place = app.artifacts.locate(Owner::Run { experiment_id, run_id }, artifact_uri);
        let Some(directory) = place.as_ref().and_then(|place| place.own_path()) else { return Ok(()) };
        let count = files.len();
        let store = |(path, contents): (String, Vec<u8>)| async move {
            let path = directory.join(&ArtifactPath::parse(&path)?)?;
            let length = contents.len() as u64;
            let body = stream::iter([Ok(Bytes::from(contents))]);
            app.files.put(&path, body, Some(length)).await
        };
        stream::iter(files).map(store).buffer_unordered(FILES).try_collect::<()>().await?;
        self.made.files += count;
        Ok(())
    }
}

/// What is logged to a run as requests of bounded size, the params first.
fn batches(params: Vec<KeyValue>, series: Vec<(String, Vec<Point>)>) -> Vec<LogBatch> {
    let mut batches = vec![LogBatch { params, ..LogBatch::default() }];
    let mut room = POINTS;
    for (key, points) in series {
        for part in points.chunks(POINTS) {
            if part.len() > room {
                batches.push(LogBatch::default());
                room = POINTS;
            }
            room -= part.len();
            let batch = batches.last_mut().expect("there is one from the start");
            batch.series.push((key.clone(), part.to_vec()));
        }
    }
    batches
}
