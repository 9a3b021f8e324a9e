//! MLflow's file store.
//!
//! ```text
//! <root>/<experiment>/meta.yaml                   experiments; deleted ones are in <root>/.trash/
//! <root>/<experiment>/datasets/<id>/meta.yaml     what its runs read
//! <root>/<experiment>/<run>/meta.yaml             runs; a deleted one keeps its place
//! <root>/<experiment>/<run>/params/<key>          a file for each param, tag and metric; a slash in its name makes folders
//! <root>/<experiment>/<run>/inputs/<id>/meta.yaml which datasets
//! <root>/<experiment>/<run>/artifacts/            files, whatever `artifact_uri` says: it is of the machine that trained
//! ```

mod find;
mod mark;
mod meta;
mod metric_file;
mod read;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};

use self::meta::{META, RunMeta};
use super::folder::{Folder, Kind, reason, shown};
use super::{Files, Found, Look, OfflineRun, RunPlace, Series, artifact_folder};
use crate::artifacts::ArtifactPath;
use crate::model::{KeyValue, Lifecycle};

/// Where deleted experiments lie.
const TRASH: &str = ".trash";
/// How long a file that is being written is waited for: MLflow's own client waits about as long.
const PATIENCE: Duration = Duration::from_millis(100);

/// A file store. Its root is opened anew each time: a shared file system may be unmounted and mounted again.
#[derive(Debug, Clone)]
pub(super) struct FileStore {
    root: PathBuf,
}

impl FileStore {
    /// The store at `root`, which is its root already.
    pub fn new(root: PathBuf) -> Self {
        FileStore { root }
    }

    /// See [`Source::find_runs`](super::Source::find_runs).
    pub async fn find_runs(&self) -> anyhow::Result<Found> {
        self.blocking(|root| find::find(&root)).await
    }

    /// See [`Source::look`](super::Source::look).
    pub async fn look(&self, run: &RunPlace) -> anyhow::Result<Look> {
        let run = run.clone();
        self.blocking(move |root| {
            let folder = root.descend(&run.place)?;
            let mark = folder.map(|folder| mark::of_folder(&folder, &run)).transpose()?;
            mark.flatten().with_context(|| vanished(&run))
        })
        .await
    }

    /// See [`Source::read`](super::Source::read).
    pub async fn read(&self, run: &RunPlace) -> anyhow::Result<OfflineRun> {
        let run = run.clone();
        self.blocking(move |root| read::run(&root, &run).with_context(|| format!("run {}", run.run_id))).await
    }

    /// See [`Source::experiment_tags`](super::Source::experiment_tags).
    pub async fn experiment_tags(&self, run: &RunPlace) -> anyhow::Result<Vec<KeyValue>> {
        let run = run.clone();
        self.blocking(move |root| read::experiment_tags(&root, &run)).await
    }

    /// See [`Source::series`](super::Source::series).
    pub async fn series(&self, run: &RunPlace, metric: &str) -> anyhow::Result<Series> {
        let (run, metric) = (run.clone(), metric.to_owned());
        self.blocking(move |root| {
            let Some(folder) = root.descend(&run.place)? else { return Ok(Series::default()) };
            read::series(&folder, &metric).with_context(|| format!("metric '{metric}' of run {}", run.run_id))
        })
        .await
    }

    /// See [`Source::artifact_directory`](super::Source::artifact_directory).
    pub fn artifact_directory(&self, run: &RunPlace) -> Option<(PathBuf, ArtifactPath)> {
        let path = ArtifactPath::parse(&format!("{}/artifacts", run.place)).ok()?;
        Some((self.root.clone(), path))
    }

    /// See [`Source::files`](super::Source::files).
    pub async fn files(&self, run: &RunPlace) -> anyhow::Result<Files> {
        let run = run.clone();
        self.blocking(move |root| {
            let Some(folder) = root.descend(&run.place)? else { return Ok(Files::default()) };
            read::files(&folder, &run).with_context(|| format!("the artifacts of run {}", run.run_id))
        })
        .await
    }

    /// See [`Source::open_file`](super::Source::open_file).
    pub async fn open_file(&self, run: &RunPlace, path: &str) -> anyhow::Result<Option<File>> {
        let (run, path) = (run.clone(), path.to_owned());
        self.blocking(move |root| {
            let Some(folder) = root.descend(&run.place)? else { return Ok(None) };
            let Some(artifacts) = folder.enter("artifacts")? else { return Ok(None) };
            artifact_folder::open_below(&artifacts, &path)
                .with_context(|| format!("artifact '{path}' of run {}", run.run_id))
        })
        .await
    }

    /// Works on the root in a thread that may wait for a disk.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(Folder) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let path = self.root.clone();
        tokio::task::spawn_blocking(move || {
            let root = Folder::open(&path).with_context(|| format!("cannot open '{}'", path.display()))?;
            work(root.with_context(|| format!("'{}' is gone", path.display()))?)
        })
        .await?
    }
}

/// Whether a directory is the root of a file store: it has an experiment, or the place for deleted ones.
pub(super) fn is_root(folder: &Folder) -> anyhow::Result<bool> {
    for entry in folder.entries()? {
        let is_experiment = |below: Folder| matches!(below.stat(META), Ok(Some(_)));
        let is_trash = &*entry.name == TRASH.as_bytes();
        // What may not be entered is somebody else's; it does not keep the others from being seen.
        if entry.kind == Kind::Folder
            && (is_trash || folder.enter(&entry.name).is_ok_and(|below| below.is_some_and(is_experiment)))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The root of the store that a user means by `path`: that directory, or `mlruns` in it.
///
/// # Errors
/// Where it cannot be looked at.
pub(super) fn root_of(path: &Path) -> anyhow::Result<Option<PathBuf>> {
    let Some(folder) = Folder::open(path)? else { return Ok(None) };
    if is_root(&folder)? {
        return Ok(Some(path.to_owned()));
    }
    let mlruns = path.join("mlruns");
    match folder.enter("mlruns") {
        Ok(Some(below)) if is_root(&below)? => Ok(Some(mlruns)),
        Ok(_) => Ok(None),
        Err(error) => bail!("'{}': {}; name the directory itself", mlruns.display(), reason(&error)),
    }
}

/// Whether `meta.yaml` is that of the directory it lies in. MLflow trusts the name of the directory, and so do we.
fn is_of_directory(meta: &RunMeta, run_id: &str) -> Result<(), String> {
    match &meta.run_id {
        Some(id) if id != run_id => Err(format!("it is that of run '{}'", shown(id.as_bytes()))),
        _ => Ok(()),
    }
}

fn either_deleted(one: Lifecycle, other: Lifecycle) -> Lifecycle {
    if one == Lifecycle::Deleted { one } else { other }
}

fn join(above: &str, name: &str) -> String {
    if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") }
}

fn vanished(run: &RunPlace) -> String {
    format!("run {} has vanished from '{}'", run.run_id, run.place)
}
