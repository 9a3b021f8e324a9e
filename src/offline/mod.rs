//! What trainings left on disk: the runs of an MLflow file store, of an MLflow database, of a Windvane data directory.
//!
//! [`Source`] hides which of these it is; everything above works on [`OfflineRun`]s, their [`Series`] and their
//! [`OfflineFile`]s. Nothing here is trusted: names are checked, sizes are bounded, links are not followed, and what cannot
//! be read is a [`Problem`] that is told, never a run that silently has less. A store may be written while it is read: a
//! line that is not complete yet, and a file that has vanished, are no problems. Nothing in a source is ever changed.
//!
//! The layouts are those of `mlflow` 1.x to 3.x (file store: contract/anemoi.md section 5).

mod artifact_folder;
mod database_file;
mod file_store;
mod folder;
mod mark;
mod mlflow_db;
mod recognise;
#[cfg(test)]
mod tests;
mod windvane;

use std::fmt;
use std::path::{Path, PathBuf};

use self::file_store::FileStore;
use self::mlflow_db::MlflowDatabase;
use self::recognise::Recognised;
use self::windvane::WindvaneDirectory;
use crate::artifacts::ArtifactPath;
use crate::model::{DatasetInput, KeyValue, Lifecycle, Point, RunStatus};

/// The most points of one series. Ten million are 240 MB of memory, and more than any training logs.
pub const MAX_POINTS: usize = 10_000_000;
/// The largest param or tag in bytes; MLflow's own limits are 6,000 and 8,000 characters.
pub const MAX_VALUE_BYTES: u64 = 1024 * 1024;
/// The most params, tags or metrics of a run.
pub const MAX_NAMES: usize = 100_000;
/// The most files of a run.
pub const MAX_FILES: usize = 1_000_000;

/// A place where runs were logged without a server.
#[derive(Debug, Clone)]
pub struct Source {
    /// Where it lies.
    location: PathBuf,
    kind: Kind,
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.location.display().fmt(out)
    }
}

#[derive(Debug, Clone)]
enum Kind {
    Files(FileStore),
    Database(MlflowDatabase),
    Windvane(WindvaneDirectory),
}

/// What was found in a source.
#[derive(Debug, Default)]
pub struct Found {
    /// The runs, in the order of their start times, oldest first.
    pub runs: Vec<RunPlace>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// A run that a source holds, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPlace {
    /// The run's id.
    pub run_id: String,
    /// Its name, as far as that is told without reading the run.
    pub name: String,
    /// The name of its experiment.
    pub experiment: String,
    /// In use, or in the trash: its own, or with its whole experiment.
    pub lifecycle: Lifecycle,
    /// When it started.
    pub start_ms: i64,
    /// Where it lies: for a file store the directory below the root, for a database the experiment's id there.
    place: String,
}

/// What a run looks like from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// A text that is another one as soon as anything of the run may have changed.
    pub mark: String,
    /// About how much there is to read, in bytes; 0 where that is not known.
    pub bytes: u64,
}

/// What could not be read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, or the name of the metric, param or artifact.
    pub what: String,
    /// The reason, in words.
    pub why: String,
}

/// A run as it lies in a source, without its points and the contents of its files.
#[derive(Debug, Clone, PartialEq)]
pub struct OfflineRun {
    /// The id.
    pub run_id: String,
    /// The name of its experiment.
    pub experiment: String,
    /// The name that people see.
    pub name: String,
    /// Who started it, as the client wrote it.
    pub user_id: String,
    /// The state.
    pub status: RunStatus,
    /// When it started, in milliseconds since the epoch.
    pub start_ms: i64,
    /// When it ended, once it has.
    pub end_ms: Option<i64>,
    /// In use or in the trash.
    pub lifecycle: Lifecycle,
    /// The params, by key.
    pub params: Vec<KeyValue>,
    /// The tags, by key.
    pub tags: Vec<KeyValue>,
    /// The datasets it read.
    pub datasets: Vec<DatasetInput>,
    /// The names of its metrics, in order.
    pub metrics: Vec<String>,
    /// What it has that is not read at all, each as a few words: `2 logged models`.
    pub left_out: Vec<String>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// The points of one metric.
#[derive(Debug, Default, PartialEq)]
pub struct Series {
    /// The points in (timestamp, step, value) order, without exact duplicates.
    pub points: Vec<Point>,
    /// Lines that could not be read; at most one problem a file, which says how many and where the first is.
    pub problems: Vec<Problem>,
}

/// The artifacts of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// The files, by path.
    pub files: Vec<OfflineFile>,
    /// Links, names that no path may have, directories that cannot be read.
    pub problems: Vec<Problem>,
}

/// An artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfflineFile {
    /// The path beneath the run's artifact directory, with single slashes.
    pub path: String,
    /// The size in bytes when it was looked at.
    pub size_bytes: u64,
    /// When it was written, in nanoseconds since the epoch.
    pub modified_ns: i64,
}

impl Series {
    /// Brings points into their order, and leaves out those that are there twice.
    fn new(mut points: Vec<Point>, problems: Vec<Problem>) -> Self {
        // They nearly always are in order: looking costs little, sorting ten million points does not.
        if !points.is_sorted() {
            points.sort_unstable();
        }
        points.dedup();
        Series { points, problems }
    }
}

impl Source {
    /// Opens what lies at `path`, whichever kind it is. `artifacts` names the directory that holds the artifacts of an
    /// MLflow database, where that is not beside it: nothing outside the source's own directory is read without being
    /// told. `scratch` is a private directory for copies of databases that cannot be opened where they are.
    ///
    /// # Errors
    /// What is there instead, or what keeps it from being read.
    pub async fn open(path: &Path, artifacts: Option<&Path>, scratch: &Path) -> anyhow::Result<Source> {
        let path = path.to_owned();
        let recognised = tokio::task::spawn_blocking(move || recognise::recognise(&path)).await??;
        let (Recognised::FileStore(place) | Recognised::Database(place) | Recognised::Windvane(place)) = &recognised;
        let location = place.canonicalize().unwrap_or_else(|_| place.clone());
        let kind = match recognised {
            Recognised::FileStore(root) => {
                anyhow::ensure!(
                    artifacts.is_none(),
                    "a file store holds its artifacts itself: leave their directory out"
                );
                Kind::Files(FileStore::new(root))
            }
            Recognised::Database(file) => Kind::Database(MlflowDatabase::open(&file, artifacts, scratch).await?),
            Recognised::Windvane(directory) => {
                let database = directory.join(windvane::DATABASE);
                Kind::Windvane(WindvaneDirectory::open(&database, artifacts, scratch).await?)
            }
        };
        Ok(Source { location, kind })
    }

    /// All runs, and what could not be read. What the other methods tell is at least as new as this.
    ///
    /// # Errors
    /// Where the source itself cannot be read any more.
    pub async fn find_runs(&self) -> anyhow::Result<Found> {
        match &self.kind {
            Kind::Files(store) => store.find_runs().await,
            Kind::Database(database) => database.find_runs().await,
            Kind::Windvane(directory) => directory.find_runs().await,
        }
    }

    /// What a run looks like from outside: for a file store made of the sizes and
    /// times of its files without opening them, so that a thousand unchanged runs cost less than a second.
    ///
    /// # Errors
    /// Where the run cannot be looked at.
    pub async fn look(&self, run: &RunPlace) -> anyhow::Result<Look> {
        match &self.kind {
            Kind::Files(store) => store.look(run).await,
            Kind::Database(database) => database.look(run).await,
            Kind::Windvane(directory) => directory.look(run).await,
        }
    }

    /// The run without its points and files.
    ///
    /// # Errors
    /// Where it has vanished, or what it is cannot be read.
    pub async fn read(&self, run: &RunPlace) -> anyhow::Result<OfflineRun> {
        match &self.kind {
            Kind::Files(store) => store.read(run).await,
            Kind::Database(database) => database.read(run).await,
            Kind::Windvane(directory) => directory.read(run).await,
        }
    }

    /// The tags of the run's experiment, by key.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn experiment_tags(&self, run: &RunPlace) -> anyhow::Result<Vec<KeyValue>> {
        match &self.kind {
            Kind::Files(store) => store.experiment_tags(run).await,
            Kind::Database(database) => database.experiment_tags(run).await,
            Kind::Windvane(directory) => directory.experiment_tags(run).await,
        }
    }

    /// The points of one of its metrics; none if it has vanished.
    ///
    /// # Errors
    /// Where the file cannot be read, or has too many points.
    pub async fn series(&self, run: &RunPlace, metric: &str) -> anyhow::Result<Series> {
        match &self.kind {
            Kind::Files(store) => store.series(run, metric).await,
            Kind::Database(database) => database.series(run, metric).await,
            Kind::Windvane(directory) => directory.series(run, metric).await,
        }
    }

    /// The files of the run.
    ///
    /// # Errors
    /// Where there are too many.
    pub async fn files(&self, run: &RunPlace) -> anyhow::Result<Files> {
        match &self.kind {
            Kind::Files(store) => store.files(run).await,
            Kind::Database(database) => database.files(run).await,
            Kind::Windvane(directory) => directory.files(run).await,
        }
    }

    /// Where the artifacts of the run lie, for whoever reads them there: a directory, and the path below it that no link may
    /// lead out of. `None` where there are none that may be read.
    ///
    /// # Errors
    /// Where the source cannot be read any more.
    pub async fn artifact_directory(&self, run: &RunPlace) -> anyhow::Result<Option<(PathBuf, ArtifactPath)>> {
        match &self.kind {
            Kind::Files(store) => Ok(store.artifact_directory(run)),
            Kind::Database(database) => database.artifact_directory(run).await,
            Kind::Windvane(directory) => directory.artifact_directory(run).await,
        }
    }

    /// Opens one of its files for reading, without following links; `None` if it has vanished.
    ///
    /// # Errors
    /// Where it cannot be opened, or is no ordinary file.
    pub async fn open_file(&self, run: &RunPlace, path: &str) -> anyhow::Result<Option<std::fs::File>> {
        match &self.kind {
            Kind::Files(store) => store.open_file(run, path).await,
            Kind::Database(database) => database.open_file(run, path).await,
            Kind::Windvane(directory) => directory.open_file(run, path).await,
        }
    }
}

fn problem(what: &str, why: impl Into<String>) -> Problem {
    Problem { what: what.to_owned(), why: why.into() }
}

fn is_run_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// `1 logged model`, `2 logged models`; nothing for none.
fn counted(count: usize, what: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{count} {}", what.replacen("model", "models", 1))),
    }
}
