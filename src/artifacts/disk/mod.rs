//! Files in a directory of this machine.
//!
//! **Nothing outside the root is reached.** The root is held open, and every operation walks from it one component at a
//! time, opening each directory relative to the one before and following no link. Someone who can write to the tree
//! may put links into it and swap them with directories at any moment: there is no path left to be resolved anew.
//! `openat2` would do the same in one call, but clusters run kernels that do not have it.
//!
//! **Nothing acknowledged is lost.** A file is written under a name of the store's own, synchronised, renamed to its
//! place, and its directory is synchronised; so is every directory above it that this process has not seen to be
//! durable. Whatever fails before the rename leaves the old file as it was.
//!
//! **Nothing is left behind.** Files that are being written, and directories that are being deleted, lie in one
//! directory at the root, so that what a crash leaves there is found without a search.
//!
//! System calls may wait for the disk, so they run on blocking threads; none of these ever waits for the network.

mod removal;
mod tree;
mod upload;

use std::collections::HashSet;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use tokio::sync::Semaphore;

pub use self::removal::Removal;
pub use self::tree::Listing;
pub(super) use self::tree::{Contents, Tree};
pub use self::upload::{Placed, Upload};

use self::tree::open_directory_at;
use super::path::components;
use super::{ArtifactPath, Space};
use crate::error::{Error, Result};

/// Where uploads and deletions are in progress. No [`ArtifactPath`] can name it.
const UPLOADS: &str = ".windvane-uploads";
/// How much of an upload is held in memory at once, twice: one piece on its way to the disk while the next arrives.
const PIECE_BYTES: usize = 256 * 1024;
/// How much of a download is held in memory at once, twice. Less, because a slow reader leaves all of it waiting.
pub(super) const READ_BYTES: usize = 128 * 1024;
/// How many blocking threads one store may use; the rest of the process needs some too.
const MAX_JOBS: usize = 32;
/// How many directories are remembered as durable, at some hundred bytes each.
const MAX_REMEMBERED: usize = 4096;

const NEW_FILE: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Blocking threads, as many at once as a store may use.
#[derive(Debug, Clone)]
pub(super) struct Jobs(Arc<Semaphore>);

impl Default for Jobs {
    fn default() -> Self {
        Jobs(Arc::new(Semaphore::new(MAX_JOBS)))
    }
}

impl Jobs {
    /// Runs `job` on a blocking thread. It goes on to its end when the future is dropped.
    pub(super) async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let permit = self.0.clone().acquire_owned().await.expect("the semaphore is never closed");
        let job = move || {
            let result = job();
            drop(permit);
            result
        };
        tokio::task::spawn_blocking(job).await.map_err(Error::internal)?
    }
}

/// The server's own store: a tree that only it writes.
#[derive(Debug)]
pub(super) struct Disk {
    tree: Arc<Tree>,
    uploads: OwnedFd,
    /// Begins the names in `uploads`, so that they differ from what an earlier process could not remove.
    session: u64,
    next_name: AtomicU64,
    /// Directories whose entry in their parent has been synchronised since this process started.
    durable: Mutex<HashSet<String>>,
}

impl Disk {
    /// See [`super::ArtifactStore::open`].
    pub(super) fn open(root: &Path, jobs: &Jobs) -> Result<Self> {
        let open = || -> io::Result<Disk> {
            create_durably(root)?;
            let root =
                rustix::fs::openat(CWD, root, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
            match rustix::fs::mkdirat(&root, UPLOADS, Mode::from_raw_mode(0o750)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno.into()),
            }
            let uploads = open_directory_at(&root, UPLOADS)?;
            let session = getrandom::u64().map_err(io::Error::other)?;
            // A disk that is full or may only be read is no reason not to start: what it has is still served.
            let owner = owner_of_new_files(&uploads, session).unwrap_or(rustix::process::geteuid().as_raw());
            Ok(Disk {
                tree: Arc::new(Tree::held(root, owner, jobs)),
                uploads,
                session,
                next_name: AtomicU64::new(0),
                durable: Mutex::default(),
            })
        };
        let disk = open().context("cannot open the artifact directory").map_err(Error::Internal)?;

        // Servers on one PostgreSQL share their artifacts: each holds a shared lock until its process ends, however it
        // ends. Who gets the exclusive one is alone, so what is unfinished belongs to nobody. A file system without
        // locks keeps its leftovers for a day.
        if rustix::fs::flock(&disk.uploads, FlockOperation::NonBlockingLockExclusive).is_ok() {
            disk.remove_leftovers(|_| true).context("cannot list interrupted uploads").map_err(Error::Internal)?;
        }
        let _ = rustix::fs::flock(&disk.uploads, FlockOperation::NonBlockingLockShared);
        Ok(disk)
    }

    /// The files, for reading.
    pub(super) fn tree(&self) -> &Arc<Tree> {
        &self.tree
    }

    /// See [`super::ArtifactStore::space`].
    pub(super) async fn space(self: &Arc<Self>) -> Result<Space> {
        self.run(|disk| {
            let system = rustix::fs::fstatvfs(&disk.uploads)
                .map_err(|errno| Error::internal(anyhow::Error::new(io::Error::from(errno))))?;
            // File systems that make inodes as they go say that there are none.
            let files = (system.f_files > 0).then_some(system.f_favail);
            Ok(Space { bytes: system.f_bavail.saturating_mul(system.f_frsize), files })
        })
        .await
    }

    /// Runs `job` on a blocking thread. It goes on to its end when the future is dropped.
    async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&Arc<Disk>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let disk = self.clone();
        self.tree.jobs().run(move || job(&disk)).await
    }

    fn open_root(&self) -> rustix::io::Result<OwnedFd> {
        self.tree.open_root()?.ok_or(Errno::NOENT)
    }

    /// Opens a directory by its path, makes those that are missing, and sees to it that all are durable.
    fn create_directories(&self, path: &str) -> rustix::io::Result<OwnedFd> {
        let mut directory = self.open_root()?;
        let mut reached = String::with_capacity(path.len());
        for component in components(path) {
            if !reached.is_empty() {
                reached.push('/');
            }
            reached.push_str(component);

            let child = match open_directory_at(&directory, component) {
                Err(Errno::NOENT) => {
                    // Before it is there again, so that no one who finds it takes the memory of an earlier one for it.
                    self.durable().remove(&reached);
                    match rustix::fs::mkdirat(&directory, component, Mode::from_raw_mode(0o750)) {
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(errno) => return Err(errno),
                    }
                    open_directory_at(&directory, component)?
                }
                opened => opened?,
            };
            if !self.durable().contains(&reached) {
                rustix::fs::fsync(&directory)?;
                let mut durable = self.durable();
                if durable.len() >= MAX_REMEMBERED {
                    durable.clear();
                }
                durable.insert(reached.clone());
            }
            directory = child;
        }
        Ok(directory)
    }

    fn durable(&self) -> MutexGuard<'_, HashSet<String>> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A name in `uploads` that was never used.
    fn new_name(&self) -> String {
        format!("{:016x}-{}", self.session, self.next_name.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether this process gave this name.
    fn is_of_this_process(&self, name: &str) -> bool {
        name.split_once('-').is_some_and(|(session, _)| session == format!("{:016x}", self.session))
    }
}

/// The user to whom files belong that this process makes here: not always its own, as on NFS, where the server of the
/// files has a say.
fn owner_of_new_files(uploads: &OwnedFd, session: u64) -> io::Result<u32> {
    let name = format!("{session:016x}-probe");
    let probe = rustix::fs::openat(uploads, &name, NEW_FILE, Mode::from_raw_mode(0o640))?;
    let owner = File::from(probe).metadata()?.uid();
    rustix::fs::unlinkat(uploads, &name, AtFlags::empty())?;
    Ok(owner)
}

/// Makes a directory and those above it, each of them durable.
fn create_durably(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let parent = directory.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_durably(parent)?;
    DirBuilder::new().mode(0o750).create(directory)?;
    File::open(parent)?.sync_all()
}

/// What a failed system call means to the caller.
fn failure(operation: &str, path: &ArtifactPath, error: impl Into<io::Error>) -> Error {
    let error = error.into();
    match Errno::from_io_error(&error) {
        Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => Error::StorageFull(format!(
            "cannot {operation} '{path}': the disk of the artifact store is full or a quota is used up"
        )),
        Some(Errno::NAMETOOLONG | Errno::ILSEQ) => {
            Error::Invalid(format!("Invalid path: '{path}' is too long or not allowed on the server's file system"))
        }
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => {
            Error::Unavailable("the server has too many files open; try again later")
        }
        _ => Error::Internal(anyhow::Error::new(error).context(format!("cannot {operation} '{path}'"))),
    }
}

#[cfg(test)]
mod tests;
