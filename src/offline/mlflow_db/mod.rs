//! MLflow's own SQLite database, of versions 1.2 to 3.x.
//!
//! [`rows`] reads its tables, [`connection`] gets at them without changing anything beside them, and [`places`] finds the
//! artifacts, which lie in directories.

mod connection;
mod places;
mod rows;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use self::connection::Connected;
use self::places::{Located, Places};
use self::rows::{KeptPoints, Schema};
use super::database_file::DatabaseFile;
use super::mark::Mark;
use super::{Files, Found, Look, MAX_FILES, OfflineRun, RunPlace, Series, artifact_folder};
use crate::artifacts::ArtifactPath;
use crate::model::KeyValue;

/// A database and the directories of its artifacts. Clones share the connection.
#[derive(Debug, Clone)]
pub(super) struct MlflowDatabase {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: DatabaseFile,
    places: Places,
    /// One connection: whoever reads a source reads one thing after the other.
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    connected: Connected,
    schema: Schema,
    kept: KeptPoints,
}

impl MlflowDatabase {
    /// See [`Source::open`](super::Source::open); `file` is an SQLite database.
    pub async fn open(file: &Path, artifacts: Option<&Path>, scratch: &Path) -> anyhow::Result<Self> {
        let (file, artifacts, scratch) = (file.to_owned(), artifacts.map(Path::to_owned), scratch.to_owned());
        let inner = tokio::task::spawn_blocking(move || -> anyhow::Result<Inner> {
            // What lies beside a database lies beside the file itself, not beside a link to it.
            let file = std::fs::canonicalize(&file).with_context(|| format!("'{}'", file.display()))?;
            let directory = file.parent().map(Path::to_owned).unwrap_or_else(|| PathBuf::from("/"));
            let places = Places::new(directory, artifacts)?;
            Ok(Inner { file: DatabaseFile::new(file, scratch), places, open: Mutex::new(None) })
        })
        .await??;
        let database = MlflowDatabase { inner: Arc::new(inner) };
        drop(database.inner.open().await?);
        Ok(database)
    }

    /// See [`Source::find_runs`](super::Source::find_runs).
    pub async fn find_runs(&self) -> anyhow::Result<Found> {
        let mut open = self.inner.open_as_of(Age::New).await?;
        rows::find_runs(&mut open.connected.connection).await.with_context(|| self.inner.file.to_string())
    }

    /// See [`Source::look`](super::Source::look).
    pub async fn look(&self, run: &RunPlace) -> anyhow::Result<Look> {
        let mut mark = Mark::begin(run);
        let uri = {
            let mut open = self.inner.open().await?;
            let Open { connected, schema, .. } = &mut *open;
            if schema.has_run_index {
                let is_there = rows::add_to_mark(&mut connected.connection, *schema, &run.run_id, &mut mark).await?;
                ensure!(is_there, vanished(run));
            } else {
                // To look at each run would be to read all points of all runs each time.
                mark.text(connected.stamp.to_string().as_bytes());
            }
            rows::artifact_uri(&mut connected.connection, &run.run_id).await?.with_context(|| vanished(run))?
        };
        self.blocking(run, uri, move |located| {
            match &located {
                Located::Folder(found) => mark.files_of(&found.folder, MAX_FILES)?,
                Located::Nowhere => {}
                Located::Unread(problem) => mark.text(problem.why.as_bytes()),
            }
            Ok(mark.finish())
        })
        .await
    }

    /// See [`Source::read`](super::Source::read).
    pub async fn read(&self, run: &RunPlace) -> anyhow::Result<OfflineRun> {
        let mut open = self.inner.open().await?;
        let Open { connected, schema, .. } = &mut *open;
        let read = rows::read_run(&mut connected.connection, *schema, run).await;
        let read = read.with_context(|| format!("run {}", run.run_id))?;
        read.with_context(|| vanished(run))
    }

    /// See [`Source::experiment_tags`](super::Source::experiment_tags).
    pub async fn experiment_tags(&self, run: &RunPlace) -> anyhow::Result<Vec<KeyValue>> {
        let mut open = self.inner.open().await?;
        rows::read_experiment_tags(&mut open.connected.connection, &run.run_id).await
    }

    /// See [`Source::series`](super::Source::series).
    pub async fn series(&self, run: &RunPlace, metric: &str) -> anyhow::Result<Series> {
        let mut open = self.inner.open().await?;
        let Open { connected, kept, .. } = &mut *open;
        let series = kept.series(&mut connected.connection, &run.run_id, metric).await;
        series.with_context(|| format!("metric '{metric}' of run {}", run.run_id))
    }

    /// See [`Source::files`](super::Source::files).
    pub async fn files(&self, run: &RunPlace) -> anyhow::Result<Files> {
        let Some(uri) = self.artifact_uri(run).await? else { return Ok(Files::default()) };
        let run_id = run.run_id.clone();
        self.blocking(run, uri, move |located| match located {
            Located::Folder(found) => {
                artifact_folder::list(&found.folder).with_context(|| format!("the artifacts of run {run_id}"))
            }
            Located::Nowhere => Ok(Files::default()),
            Located::Unread(problem) => Ok(Files { files: Vec::new(), problems: vec![problem] }),
        })
        .await
    }

    /// See [`Source::artifact_directory`](super::Source::artifact_directory).
    pub async fn artifact_directory(&self, run: &RunPlace) -> anyhow::Result<Option<(PathBuf, ArtifactPath)>> {
        let Some(uri) = self.artifact_uri(run).await? else { return Ok(None) };
        self.blocking(run, uri, move |located| match located {
            Located::Folder(found) => Ok(ArtifactPath::parse(&found.path).ok().map(|path| (found.base, path))),
            Located::Nowhere | Located::Unread(_) => Ok(None),
        })
        .await
    }

    /// See [`Source::open_file`](super::Source::open_file).
    pub async fn open_file(&self, run: &RunPlace, path: &str) -> anyhow::Result<Option<File>> {
        let Some(uri) = self.artifact_uri(run).await? else { return Ok(None) };
        let (run_id, path) = (run.run_id.clone(), path.to_owned());
        self.blocking(run, uri, move |located| match located {
            Located::Folder(found) => artifact_folder::open_below(&found.folder, &path)
                .with_context(|| format!("artifact '{path}' of run {run_id}")),
            Located::Nowhere | Located::Unread(_) => Ok(None),
        })
        .await
    }

    async fn artifact_uri(&self, run: &RunPlace) -> anyhow::Result<Option<String>> {
        let mut open = self.inner.open().await?;
        rows::artifact_uri(&mut open.connected.connection, &run.run_id).await
    }

    /// Works on the artifacts of a run in a thread that may wait for a disk.
    async fn blocking<T: Send + 'static>(
        &self,
        run: &RunPlace,
        uri: String,
        work: impl FnOnce(Located) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let (inner, run) = (self.inner.clone(), run.clone());
        tokio::task::spawn_blocking(move || work(inner.places.locate(&run.place, &run.run_id, &uri)?)).await?
    }
}

impl Inner {
    /// The connection, while nobody else has it.
    async fn open(&self) -> anyhow::Result<MappedMutexGuard<'_, Open>> {
        self.open_as_of(Age::AnyCopy).await
    }

    async fn open_as_of(&self, age: Age) -> anyhow::Result<MappedMutexGuard<'_, Open>> {
        let mut open = self.open.lock().await;
        let stamp = self.file.stamp().await.with_context(|| self.file.to_string())?;
        let serves =
            |open: &Open| open.connected.stamp == stamp || (matches!(age, Age::AnyCopy) && open.connected.is_copy());
        if !open.as_ref().is_some_and(serves) {
            // The old one first: it may hold a copy.
            *open = None;
            let mut connected = Connected::open(&self.file).await.with_context(|| self.file.to_string())?;
            let schema = rows::check(&mut connected.connection).await.with_context(|| self.file.to_string())?;
            *open = Some(Open { connected, schema, kept: KeptPoints::default() });
        }
        Ok(MutexGuard::map(open, |open| open.as_mut().expect("it was opened above")))
    }
}

/// How old a connection may be.
enum Age {
    /// As the database is now.
    New,
    /// As it is now, or as it was when it was last copied: to copy it for each run would be too much where a training
    /// writes all the time. Each look for runs makes a new copy.
    AnyCopy,
}

fn vanished(run: &RunPlace) -> String {
    format!("run {} has vanished from the database", run.run_id)
}
