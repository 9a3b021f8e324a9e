//! A Windvane data directory: a server's database and the artifacts beside it.
//!
//! Its database is copied and the copy opened as a server would open it: a running server is not disturbed, and an older
//! database is brought up to date in the copy alone.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::Mutex;

use super::database_file::{Copy, DatabaseFile, Stamp};
use super::folder::Folder;
use super::mark::Mark;
use super::{Files, Found, Look, MAX_FILES, MAX_POINTS, OfflineRun, RunPlace, Series, artifact_folder, problem};
use crate::artifacts::ArtifactPath;
use crate::artifacts::location::own_path;
use crate::model::{Caller, KeyValue, Run};
use crate::store::{ArtifactRoot, Store, StoreOptions};

/// The name of the database in a data directory.
pub(super) const DATABASE: &str = "windvane.db";
/// How long one statement may read.
const READ_LIMIT: Duration = Duration::from_secs(60);

/// A data directory. Clones share the copy.
#[derive(Debug, Clone)]
pub(super) struct WindvaneDirectory {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: DatabaseFile,
    artifacts: PathBuf,
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    store: Store,
    stamp: Stamp,
    /// Removed when another one takes its place.
    _copy: Copy,
}

impl WindvaneDirectory {
    /// See [`Source::open`](super::Source::open); `database` lies in a data directory.
    pub async fn open(database: &Path, artifacts: Option<&Path>, scratch: &Path) -> anyhow::Result<Self> {
        let database = std::fs::canonicalize(database).with_context(|| format!("'{}'", database.display()))?;
        let beside = || database.with_file_name("artifacts");
        let artifacts = artifacts.map_or_else(beside, Path::to_owned);
        let file = DatabaseFile::new(database, scratch.to_owned());
        let directory = WindvaneDirectory { inner: Arc::new(Inner { file, artifacts, open: Mutex::new(None) }) };
        directory.store().await?;
        Ok(directory)
    }

    /// See [`Source::find_runs`](super::Source::find_runs).
    pub async fn find_runs(&self) -> anyhow::Result<Found> {
        let store = self.newest().await?;
        let runs = store.list_all_runs(&Caller::Open).await?.into_iter().map(|run| RunPlace {
            run_id: run.run_id,
            name: run.name,
            experiment: run.experiment,
            lifecycle: run.lifecycle,
            start_ms: run.start_ms,
            place: String::new(),
        });
        Ok(Found { runs: runs.collect(), problems: Vec::new() })
    }

    /// See [`Source::look`](super::Source::look).
    pub async fn look(&self, run: &RunPlace) -> anyhow::Result<Look> {
        let store = self.store().await?;
        let states = store.run_states(&Caller::Open, &[&run.run_id]).await?;
        let state = states.get(&run.run_id).with_context(|| vanished(run))?;
        let mut mark = Mark::begin(run);
        mark.text(state.as_bytes());
        self.in_artifacts(run, move |folder| {
            if let Some(folder) = folder {
                mark.files_of(&folder, MAX_FILES)?;
            }
            Ok(mark.finish())
        })
        .await
    }

    /// See [`Source::read`](super::Source::read).
    pub async fn read(&self, run: &RunPlace) -> anyhow::Result<OfflineRun> {
        let Run { info, metrics, params, tags, datasets, model_inputs, model_outputs } = self.find(run).await?;
        let models = model_inputs.len() + model_outputs.len();
        let left_out = match models {
            0 => Vec::new(),
            1 => vec!["1 logged model".to_owned()],
            models => vec![format!("{models} logged models")],
        };
        Ok(OfflineRun {
            run_id: info.run_id,
            experiment: run.experiment.clone(),
            name: info.name,
            user_id: info.user_id,
            status: info.status,
            start_ms: info.start_ms,
            end_ms: info.end_ms,
            lifecycle: run.lifecycle,
            params,
            tags,
            datasets,
            metrics: metrics.into_iter().map(|metric| metric.key).collect(),
            left_out,
            problems: Vec::new(),
        })
    }

    /// See [`Source::experiment_tags`](super::Source::experiment_tags).
    pub async fn experiment_tags(&self, run: &RunPlace) -> anyhow::Result<Vec<KeyValue>> {
        let id = self.find(run).await?.info.experiment_id;
        let experiment = self.store().await?.find_experiment(&Caller::Open, id).await?;
        Ok(experiment.map(|experiment| experiment.tags).unwrap_or_default())
    }

    /// See [`Source::series`](super::Source::series).
    pub async fn series(&self, run: &RunPlace, metric: &str) -> anyhow::Result<Series> {
        let store = self.store().await?;
        let page = store.list_history(&Caller::Open, &run.run_id, metric, None, MAX_POINTS).await?;
        anyhow::ensure!(!page.more, "it has more than {MAX_POINTS} points");
        Ok(Series { points: page.points, problems: Vec::new() })
    }

    /// See [`Source::files`](super::Source::files).
    pub async fn files(&self, run: &RunPlace) -> anyhow::Result<Files> {
        let location = self.find(run).await?.info.artifact_uri;
        if own_path(&location).is_none() {
            let why = format!("they lie at '{location}' and are not read");
            return Ok(Files { files: Vec::new(), problems: vec![problem("artifacts", why)] });
        }
        self.in_artifacts(run, |folder| folder.map_or_else(|| Ok(Files::default()), |it| artifact_folder::list(&it)))
            .await
    }

    /// See [`Source::artifact_directory`](super::Source::artifact_directory).
    pub async fn artifact_directory(&self, run: &RunPlace) -> anyhow::Result<Option<(PathBuf, ArtifactPath)>> {
        let location = self.find(run).await?.info.artifact_uri;
        Ok(own_path(&location).map(|path| (self.inner.artifacts.clone(), path)))
    }

    /// See [`Source::open_file`](super::Source::open_file).
    pub async fn open_file(&self, run: &RunPlace, path: &str) -> anyhow::Result<Option<File>> {
        let path = path.to_owned();
        self.in_artifacts(run, move |folder| match folder {
            Some(folder) => artifact_folder::open_below(&folder, &path).with_context(|| format!("artifact '{path}'")),
            None => Ok(None),
        })
        .await
    }

    /// Works in the directory of a run's artifacts, if there is one, in a thread that may wait for a disk.
    async fn in_artifacts<T: Send + 'static>(
        &self,
        run: &RunPlace,
        work: impl FnOnce(Option<Folder>) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let found = self.artifact_directory(run).await?;
        let find = move || {
            let Some((root, path)) = found else { return work(None) };
            let Some(root) = Folder::open(&root)? else { return work(None) };
            work(root.descend(path.as_str())?)
        };
        tokio::task::spawn_blocking(find).await?
    }

    async fn find(&self, run: &RunPlace) -> anyhow::Result<Run> {
        let store = self.store().await?;
        store.find_run(&Caller::Open, &run.run_id).await?.with_context(|| vanished(run))
    }

    /// The store as it was when runs were last looked for.
    async fn store(&self) -> anyhow::Result<Store> {
        let store = self.inner.open.lock().await.as_ref().map(|open| open.store.clone());
        match store {
            Some(store) => Ok(store),
            None => self.newest().await,
        }
    }

    /// The store as it is now.
    async fn newest(&self) -> anyhow::Result<Store> {
        let Inner { file, open, .. } = &*self.inner;
        let mut open = open.lock().await;
        let stamp = file.stamp().await.with_context(|| file.to_string())?;
        if let Some(open) = open.as_ref().filter(|open| open.stamp == stamp) {
            return Ok(open.store.clone());
        }
        let (copy, stamp) = file.copy().await.with_context(|| file.to_string())?;
        let options = StoreOptions {
            url: format!("sqlite:{}", copy.path().display()),
            synchronous_full: false,
            allow_network_filesystem: true,
            read_limit: READ_LIMIT,
            artifact_root: ArtifactRoot { location: "mlflow-artifacts:/".to_owned(), own_path: Some(String::new()) },
        };
        let store = Store::open(options, 0).await.with_context(|| file.to_string())?;
        // Whoever still reads the old copy reads it to the end: a file lives as long as it is open.
        *open = Some(Open { store: store.clone(), stamp, _copy: copy });
        Ok(store)
    }
}

fn vanished(run: &RunPlace) -> String {
    format!("run {} has vanished from the database", run.run_id)
}
