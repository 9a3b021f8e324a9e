//! A database of SQLite as files, and copies of it.
//!
//! SQLite wants to write even when it reads: it rolls back what a killed process left half done, and shares memory in a file
//! beside a write-ahead log. That memory does not cross nodes: to open it on a login node while a training on another node
//! uses it can destroy the training's database. So whatever has such a log is copied, and the copy is opened; and so is
//! what cannot be opened where it is, or may not be locked there.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

/// How often a copy is tried that is written to meanwhile, and how long is waited between two tries.
const COPY_TRIES: usize = 5;
const COPY_PAUSE: Duration = Duration::from_millis(200);
/// What can lie beside a database: the journal of a change that is not complete, and its write-ahead log.
const COMPANIONS: [&str; 2] = ["-journal", "-wal"];
/// The shared memory of a write-ahead log.
const SHARED_MEMORY: &str = "-shm";

/// A database and the place for copies of it.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    scratch: PathBuf,
}

/// What a database and the files beside it are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    database: FileStamp,
    journal: Option<FileStamp>,
    log: Option<FileStamp>,
}

/// Size, seconds and nanoseconds of the last change, and inode.
type FileStamp = (u64, i64, i64, u64);

impl Stamp {
    fn of(path: &Path) -> io::Result<Stamp> {
        let look = |path: &Path| match std::fs::metadata(path) {
            Ok(it) => Ok(Some((it.len(), it.mtime(), it.mtime_nsec(), it.ino()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let [journal, log] = COMPANIONS.map(|suffix| look(&beside(path, suffix)));
        let database = look(path)?.ok_or(io::ErrorKind::NotFound)?;
        Ok(Stamp { database, journal: journal?, log: log? })
    }

    fn without_log(&self) -> (FileStamp, Option<FileStamp>) {
        (self.database, self.journal)
    }
}

impl fmt::Display for Stamp {
    /// Without the journal, which comes and goes with every change: what a change leaves is in the other two.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?} {:?}", self.database, self.log)
    }
}

impl fmt::Display for DatabaseFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "'{}'", self.path.display())
    }
}

impl DatabaseFile {
    /// The database at `path`; copies go to `scratch`.
    pub fn new(path: PathBuf, scratch: PathBuf) -> Self {
        DatabaseFile { path, scratch }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the database is now.
    ///
    /// # Errors
    /// Those of the disk.
    pub async fn stamp(&self) -> io::Result<Stamp> {
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || Stamp::of(&path)).await?
    }

    /// Whether changes go to a write-ahead log first.
    ///
    /// # Errors
    /// That it is no database.
    pub async fn has_log(&self) -> anyhow::Result<bool> {
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || has_log(&path)).await?
    }

    /// Copies the database with all that belongs to it, and answers what was copied.
    ///
    /// # Errors
    /// Those of the disk; that it is written to all the time.
    pub async fn copy(&self) -> anyhow::Result<(Copy, Stamp)> {
        for _ in 0..COPY_TRIES {
            let before = self.stamp().await?;
            let copy = Copy::begin(&self.scratch).context("cannot copy it")?;
            let (from, to) = (self.path.clone(), copy.0.clone());
            tokio::task::spawn_blocking(move || copy_all(&from, &to)).await?.context("cannot copy it")?;
            // The log was copied last. Had it been brought into the database meanwhile, that would have changed; and what
            // was added to the log is whole changes, and at its end perhaps a part of one, which SQLite leaves out.
            if self.stamp().await?.without_log() == before.without_log() {
                return Ok((copy, before));
            }
            tokio::time::sleep(COPY_PAUSE).await;
        }
        bail!("it must be copied to be read, and is written to all the time")
    }
}

/// A copy of a database, which is removed with all that SQLite made beside it.
#[derive(Debug)]
pub(super) struct Copy(PathBuf);

impl Copy {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn begin(scratch: &Path) -> io::Result<Copy> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        DirBuilder::new().recursive(true).mode(0o700).create(scratch)?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Ok(Copy(scratch.join(format!("copy-{}-{number}.db", std::process::id()))))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        for suffix in ["", COMPANIONS[0], COMPANIONS[1], SHARED_MEMORY] {
            // Whoever made the scratch directory removes it with what is left.
            let _ = std::fs::remove_file(beside(&self.0, suffix));
        }
    }
}

/// Whether changes go to a write-ahead log first.
fn has_log(path: &Path) -> anyhow::Result<bool> {
    let mut header = [0; 20];
    ensure!(File::open(path)?.read_exact(&mut header).is_ok(), "it is no SQLite database");
    Ok(header[18] == 2 || header[19] == 2)
}

/// Copies a database and what belongs to it.
fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    for suffix in ["", COMPANIONS[0], COMPANIONS[1]] {
        let mut source = match File::open(beside(from, suffix)) {
            Ok(source) => source,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !suffix.is_empty() => continue,
            Err(error) => return Err(error),
        };
        let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside(to, suffix))?;
        io::copy(&mut source, &mut target)?;
    }
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
