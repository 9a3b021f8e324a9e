//! Storing and deleting files: the artifact store and what is recorded of it, changed together, within limits.
//!
//! A file is put in its place and then recorded; both are done before the upload is answered. Whoever compares the two
//! later must not take a file that was overwritten for a damaged one: of one path, placing and recording is one turn. A
//! crash between the two leaves a file whose time is not the recorded one, and that is told apart too.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join;
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::{Mutex as TurnMutex, RwLock};
use tracing::Instrument;

use crate::artifacts::location::{Home, directory_around, home};
use crate::artifacts::{ArtifactPath, ArtifactStore, Stored, Upload};
use crate::error::{Error, Result};
use crate::store::{FileRecord, Store};

/// How many uploads of different paths can be placed at once for sure.
const TURNS: usize = 64;
/// How often a growing upload looks at the free space, in bytes.
const LOOK_BYTES: u64 = 16 * 1024 * 1024;
/// For how long what a directory takes up is believed without being asked anew: other servers write too.
const BELIEVED: Duration = Duration::from_secs(60);
/// How many directories' figures are kept.
const MAX_DIRECTORIES: usize = 1_024;

/// How much may be stored. Nothing is limited by default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// The largest file, in bytes.
    pub file_bytes: Option<u64>,
    /// How much all files of a run or logged model may take up, in bytes.
    pub run_bytes: Option<u64>,
    /// How many files a run or logged model may have.
    pub run_files: Option<u64>,
    /// What an upload must leave free where the store lies, in bytes.
    pub free_bytes: u64,
    /// How many more files it must be possible to make there.
    pub free_files: u64,
}

impl Limits {
    fn concern_runs(&self) -> bool {
        self.run_bytes.is_some() || self.run_files.is_some()
    }
}

/// The way to store and delete files. Clones share everything.
#[derive(Debug, Clone)]
pub struct Files {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    artifacts: ArtifactStore,
    store: Store,
    limits: Limits,
    turns: Turns,
    directories: tokio::sync::Mutex<HashMap<String, Directory>>,
}

/// Who may place or delete now.
#[derive(Debug)]
struct Turns {
    /// A deletion takes whole directories; it is alone.
    all: RwLock<()>,
    paths: [TurnMutex<()>; TURNS],
}

impl Files {
    /// Stores files in `artifacts` and records them in `store`.
    pub fn new(artifacts: ArtifactStore, store: Store, limits: Limits) -> Self {
        let turns = Turns { all: RwLock::new(()), paths: std::array::from_fn(|_| TurnMutex::new(())) };
        Files { inner: Arc::new(Inner { artifacts, store, limits, turns, directories: Default::default() }) }
    }

    /// Stores everything that `body` yields as the file `path`, in place of the file that was there, and records it.
    /// `declared` is how many bytes that will be, if the client said so. After an error, also one that `body` yields, and
    /// when the future is dropped before all has arrived, the old file is still there and nothing is left of the new one;
    /// only where the database fails at the very end, and there was an old one, the new one stays.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a file above its limit; [`Error::StorageFull`] where the limits of its run or the space on
    /// the disk are used up; those of [`ArtifactStore::receive`] and [`Upload::place`].
    pub async fn put(
        &self,
        path: &ArtifactPath,
        body: impl Stream<Item = Result<Bytes>> + Send + Unpin,
        declared: Option<u64>,
    ) -> Result<()> {
        let mut allowance = Allowance::begin(self.inner.clone(), path, declared).await?;
        let counted = stream::unfold((body, &mut allowance), |(mut body, allowance)| async {
            let chunk = body.next().await?;
            let chunk = match chunk {
                Ok(bytes) => allowance.take(bytes.len() as u64).await.map(|()| bytes),
                Err(error) => Err(error),
            };
            Some((chunk, (body, allowance)))
        });
        let upload = self.inner.artifacts.receive(path, Box::pin(counted)).await?;

        // What is in its place is recorded, also where the client is gone by now.
        let (inner, path) = (self.inner.clone(), path.clone());
        let placing = async move {
            inner.place(path, upload).await?;
            allowance.keep();
            Ok(())
        };
        tokio::spawn(placing.in_current_span()).await.map_err(Error::internal)?
    }

    /// Deletes the file or directory `path` with all that is in it, and what is recorded of it. That it is absent is fine.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the root, and where `path` is more than what lies in the directory of one run or logged
    /// model.
    pub async fn delete(&self, path: &ArtifactPath) -> Result<()> {
        self.inner.refuse_whole_directory(path).await?;
        let (inner, path) = (self.inner.clone(), path.clone());
        let deleting = async move {
            let removal = {
                let _alone = inner.turns.all.write().await;
                let removal = inner.artifacts.delete(&path).await?;
                inner.store.forget_files(path.as_str()).await?;
                removal
            };
            inner.directories.lock().await.retain(|directory, _| !lie_in_one(directory, path.as_str()));
            removal.finish().await
        };
        tokio::spawn(deleting.in_current_span()).await.map_err(Error::internal)?
    }
}

impl Inner {
    /// Puts an upload in its place and records it.
    async fn place(&self, path: ArtifactPath, upload: Upload) -> Result<()> {
        let number = BuildHasherDefault::<DefaultHasher>::default().hash_one(&path) as usize % TURNS;
        let _no_deletion = self.turns.all.read().await;
        let _alone = self.turns.paths[number].lock().await;
        let placed = upload.place().await?;
        let Stored { size_bytes, sha256, modified_ns } = placed.stored;
        let record = FileRecord { path: path.as_str().to_owned(), size_bytes, sha256, modified_ns };
        // At once, because each waits for the disk. Should only one of them outlive a power cut, the file's time tells.
        let (settled, recorded) = join(placed.settle(), self.store.record_file(record)).await;
        let Err(error) = recorded else { return settled };
        if let Err(error) = placed.take_back().await {
            tracing::warn!(%error, "a file that was refused stays in its place");
        }
        Err(match error {
            // Who logs waits for room and tries again; gigabytes are not to be sent again and again.
            Error::DatabaseFull => {
                Error::StorageFull(format!("cannot store '{path}': the disk of the database is full"))
            }
            error => error,
        })
    }

    /// The directory of the run or logged model that a path lies in; of one that lies nowhere such, the experiment's or
    /// the topmost one. Second whether it is certain that the path lies in, and is not, a directory of a run or model.
    async fn directory_of(&self, path: &ArtifactPath) -> Result<(ArtifactPath, bool)> {
        let depth = match home(path) {
            Home::Experiment(_) => Some(1),
            Home::Elsewhere => {
                let claim = self.store.find_claim(path.as_str()).await?;
                claim.map(|claim| claim.path.split('/').count())
            }
        };
        let Some(depth) = depth else {
            // Nobody's: there is no run that it could belong to.
            return Ok((path.ancestor(1).unwrap_or_else(ArtifactPath::root), true));
        };
        let directory = directory_around(path, depth);
        let is_inside = directory.as_ref().is_some_and(|directory| directory != path);
        Ok((directory.or_else(|| path.ancestor(depth)).unwrap_or_else(|| path.clone()), is_inside))
    }

    /// Deleting takes what lies in the directory of a run or a logged model, not that directory or one above it.
    async fn refuse_whole_directory(&self, path: &ArtifactPath) -> Result<()> {
        if path.is_root() || self.directory_of(path).await?.1 {
            return Ok(());
        }
        Err(Error::Invalid(format!(
            "Invalid path: '{path}' is more than the artifacts of one run or model; delete files and directories in it"
        )))
    }
}

/// Whether one of two paths is or holds the other.
fn lie_in_one(left: &str, right: &str) -> bool {
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What the files of a run or model take up, with those that are arriving.
#[derive(Debug)]
struct Directory {
    used: Arc<Mutex<Used>>,
    asked: Instant,
}

#[derive(Debug)]
struct Used {
    bytes: i64,
    files: i64,
}

/// What one upload may still take, and has taken. Given back when it is dropped, unless the file was kept.
struct Allowance {
    inner: Arc<Inner>,
    path: ArtifactPath,
    received: u64,
    next_look: u64,
    /// Where limits concern runs.
    directory: Option<Arc<Mutex<Used>>>,
    /// What is counted of this upload in its directory: less than nothing where it replaces a larger file.
    bytes: i64,
    files: i64,
}

impl Allowance {
    async fn begin(inner: Arc<Inner>, path: &ArtifactPath, declared: Option<u64>) -> Result<Self> {
        let mut allowance = Allowance {
            path: path.clone(),
            received: 0,
            next_look: LOOK_BYTES,
            directory: None,
            bytes: 0,
            files: 0,
            inner,
        };
        if allowance.inner.limits.concern_runs() {
            allowance.enter_directory().await?;
        }
        let expected = declared.unwrap_or_default();
        allowance.stay_below_file_limit(expected)?;
        if let Some(directory) = &allowance.directory {
            allowance.refuse_above_run_limit(&used(directory), expected)?;
        }
        allowance.look_at_space(expected).await?;
        Ok(allowance)
    }

    /// Finds out what the directory takes up, and counts this upload instead of the file that it replaces.
    async fn enter_directory(&mut self) -> Result<()> {
        let (directory, _) = self.inner.directory_of(&self.path).await?;
        let replaced = self.inner.store.find_file_record(self.path.as_str()).await?;
        let mut known = self.inner.directories.lock().await;
        let is_believed = |it: &Directory| it.asked.elapsed() < BELIEVED || Arc::strong_count(&it.used) > 1;
        if !known.get(directory.as_str()).is_some_and(is_believed) {
            if known.len() >= MAX_DIRECTORIES {
                known.retain(|_, it| Arc::strong_count(&it.used) > 1);
            }
            let usage = self.inner.store.directory_usage(directory.as_str()).await?;
            let used = Arc::new(Mutex::new(Used { bytes: usage.bytes as i64, files: usage.files as i64 }));
            known.insert(directory.as_str().to_owned(), Directory { used, asked: Instant::now() });
        }
        let shared = known[directory.as_str()].used.clone();
        drop(known);
        (self.bytes, self.files) = match replaced {
            Some(record) => (-(record.size_bytes as i64), 0),
            None => (0, 1),
        };
        let mut figures = used(&shared);
        figures.bytes += self.bytes;
        figures.files += self.files;
        drop(figures);
        self.directory = Some(shared);
        Ok(())
    }

    /// Counts bytes that have arrived.
    async fn take(&mut self, bytes: u64) -> Result<()> {
        self.received += bytes;
        self.stay_below_file_limit(self.received)?;
        if let Some(directory) = &self.directory {
            let mut used = used(directory);
            self.refuse_above_run_limit(&used, bytes)?;
            used.bytes += bytes as i64;
            self.bytes += bytes as i64;
        }
        if self.received >= self.next_look {
            self.next_look = self.received + LOOK_BYTES;
            self.look_at_space(0).await?;
        }
        Ok(())
    }

    fn stay_below_file_limit(&self, bytes: u64) -> Result<()> {
        match self.inner.limits.file_bytes {
            Some(limit) if bytes > limit => Err(Error::TooLarge(format!(
                "'{}' is too large: a file may have at most {limit} bytes on this server",
                self.path
            ))),
            _ => Ok(()),
        }
    }

    fn refuse_above_run_limit(&self, used: &Used, more: u64) -> Result<()> {
        let Limits { run_bytes, run_files, .. } = self.inner.limits;
        let is_above = |used: i64, limit: Option<u64>| limit.is_some_and(|limit| used > limit as i64);
        if is_above(used.files, run_files) {
            return Err(Error::StorageFull(format!(
                "cannot store '{}': its run or model may have at most {} files on this server",
                self.path,
                run_files.unwrap_or_default()
            )));
        }
        if is_above(used.bytes.saturating_add(more as i64), run_bytes) {
            return Err(Error::StorageFull(format!(
                "cannot store '{}': the files of its run or model may take up at most {} bytes on this server",
                self.path,
                run_bytes.unwrap_or_default()
            )));
        }
        Ok(())
    }

    /// Fails if the disk would have less free than it must when `more` bytes have been written.
    async fn look_at_space(&self, more: u64) -> Result<()> {
        let Limits { free_bytes, free_files, .. } = self.inner.limits;
        if free_bytes == 0 && free_files == 0 {
            return Ok(());
        }
        let space = self.inner.artifacts.space().await?;
        if space.bytes < free_bytes.saturating_add(more) || space.files.is_some_and(|files| files < free_files) {
            return Err(Error::StorageFull(format!(
                "cannot store '{}': the disk of the artifact store is nearly full; its administrator keeps the rest free",
                self.path
            )));
        }
        Ok(())
    }

    /// What was taken stays taken.
    fn keep(mut self) {
        self.directory = None;
    }
}

impl Drop for Allowance {
    fn drop(&mut self) {
        if let Some(directory) = &self.directory {
            let mut used = used(directory);
            used.bytes -= self.bytes;
            used.files -= self.files;
        }
    }
}

fn used(directory: &Mutex<Used>) -> MutexGuard<'_, Used> {
    directory.lock().unwrap_or_else(PoisonError::into_inner)
}
