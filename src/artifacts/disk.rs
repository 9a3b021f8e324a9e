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

use std::collections::HashSet;
use std::fs::{DirBuilder, File, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use bytes::Bytes;
use futures_util::future::join;
use futures_util::{Stream, StreamExt, stream};
use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, CWD, Dir, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use tokio::sync::Semaphore;

use super::{ArtifactFile, ArtifactPath, FileInfo, components};
use crate::error::{Error, Resource, Result};

/// Where uploads and deletions are in progress. No [`ArtifactPath`] can name it.
const UPLOADS: &str = ".windvane-uploads";
/// How much of a file is held in memory at once, twice: one piece on its way to the disk while the next arrives.
const PIECE_BYTES: usize = 256 * 1024;
/// How many blocking threads one store may use; the rest of the process needs some too.
const MAX_JOBS: usize = 32;
/// How many directories are remembered as durable, at some hundred bytes each.
const MAX_REMEMBERED: usize = 4096;
/// How often an upload makes its directory again when it is deleted under its hands.
const PUBLISH_ATTEMPTS: usize = 16;

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
/// `NONBLOCK`, because opening a named pipe would wait for a writer.
const EXISTING_FILE: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);
const NEW_FILE: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// An open root.
#[derive(Debug)]
pub(super) struct Disk {
    root: OwnedFd,
    uploads: OwnedFd,
    /// Begins the names in `uploads`, so that they differ from what an earlier process could not remove.
    session: u64,
    next_name: AtomicU64,
    jobs: Arc<Semaphore>,
    /// Directories whose entry in their parent has been synchronised since this process started.
    durable: Mutex<HashSet<String>>,
}

impl Disk {
    /// See [`super::ArtifactStore::open`].
    pub(super) fn open(root: &Path) -> Result<Self> {
        let open = || -> io::Result<Disk> {
            create_durably(root)?;
            let root =
                rustix::fs::openat(CWD, root, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
            match rustix::fs::mkdirat(&root, UPLOADS, Mode::from_raw_mode(0o750)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno.into()),
            }
            let uploads = open_directory_at(&root, UPLOADS)?;
            Ok(Disk {
                root,
                uploads,
                session: getrandom::u64().map_err(io::Error::other)?,
                next_name: AtomicU64::new(0),
                jobs: Arc::new(Semaphore::new(MAX_JOBS)),
                durable: Mutex::default(),
            })
        };
        let disk = open().context("cannot open the artifact directory").map_err(Error::Internal)?;

        // Servers on one PostgreSQL share their artifacts: each holds a shared lock until its process ends, however it
        // ends. Who gets the exclusive one is alone, so what is unfinished belongs to nobody. A file system without
        // locks keeps its leftovers.
        if rustix::fs::flock(&disk.uploads, FlockOperation::NonBlockingLockExclusive).is_ok() {
            disk.remove_leftovers().context("cannot list interrupted uploads").map_err(Error::Internal)?;
        }
        let _ = rustix::fs::flock(&disk.uploads, FlockOperation::NonBlockingLockShared);
        Ok(disk)
    }

    /// See [`super::ArtifactStore::put`].
    pub(super) async fn put(
        self: &Arc<Self>,
        path: &ArtifactPath,
        mut body: impl Stream<Item = Result<Bytes>> + Send + Unpin,
    ) -> Result<u64> {
        if path.is_root() {
            return Err(Error::Invalid("Invalid path: the artifact directory itself cannot be written".to_owned()));
        }
        let mut piece = next_piece(&mut body).await?;
        let target = path.clone();
        if piece.is_last {
            return self
                .run(move |disk| {
                    let mut upload = Upload::begin(disk, target)?;
                    upload.write(&piece)?;
                    upload.publish()
                })
                .await;
        }

        let mut upload = self
            .run(move |disk| {
                disk.refuse_conflict(&target)?;
                Upload::begin(disk, target)
            })
            .await?;
        while !piece.is_last {
            let write = self.run(move |_| {
                upload.write(&piece)?;
                Ok(upload)
            });
            let (written, next) = join(write, next_piece(&mut body)).await;
            (upload, piece) = (written?, next?);
        }
        self.run(move |_| {
            upload.write(&piece)?;
            upload.publish()
        })
        .await
    }

    /// See [`super::ArtifactStore::read`].
    pub(super) async fn read(self: &Arc<Self>, path: &ArtifactPath) -> Result<ArtifactFile> {
        let path = path.clone();
        self.run(move |disk| disk.open_file(&path)).await
    }

    /// See [`super::ArtifactStore::list`]; in the order of the disk.
    pub(super) async fn list(self: &Arc<Self>, path: &ArtifactPath) -> Result<Vec<FileInfo>> {
        let path = path.clone();
        self.run(move |disk| disk.list_directory(&path).map_err(|errno| failure("list", &path, errno))).await
    }

    /// See [`super::ArtifactStore::delete`].
    pub(super) async fn delete(self: &Arc<Self>, path: &ArtifactPath) -> Result<()> {
        let path = path.clone();
        self.run(move |disk| disk.delete_entry(&path)).await
    }

    /// Runs `job` on a blocking thread. It goes on to its end when the future is dropped.
    async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&Arc<Disk>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = self.jobs.clone().acquire_owned().await.expect("the semaphore is never closed");
        let disk = self.clone();
        let job = move || {
            let result = job(&disk);
            drop(permit);
            result
        };
        tokio::task::spawn_blocking(job).await.map_err(Error::internal)?
    }

    fn open_file(self: &Arc<Self>, path: &ArtifactPath) -> Result<ArtifactFile> {
        let is_directory = || Error::Invalid(format!("Invalid path: '{path}' is a directory, not a file"));
        let not_found = || Error::NotFound(Resource::Artifact(path.as_str().to_owned()));
        let failed = |errno: Errno| failure("open", path, errno);

        let (parent, name) = path.split_last().ok_or_else(is_directory)?;
        let directory = self.open_directory(parent).map_err(failed)?.ok_or_else(not_found)?;
        let file = match rustix::fs::openat(&directory, name, EXISTING_FILE, Mode::empty()) {
            Ok(file) => File::from(file),
            // Absent, a link, a socket, a device without a driver.
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::NODEV) => return Err(not_found()),
            Err(errno) => return Err(failed(errno)),
        };
        let metadata = file.metadata().map_err(|error| failure("examine", path, error))?;
        if metadata.is_dir() {
            return Err(is_directory());
        }
        if !metadata.is_file() || metadata.nlink() > 1 {
            return Err(not_found());
        }
        Ok(ArtifactFile {
            size_bytes: metadata.len(),
            modified: metadata.modified().map_err(|error| failure("examine", path, error))?,
            version: version(&metadata),
            contents: Contents { disk: self.clone(), file: Arc::new(file), path: path.clone() },
        })
    }

    fn list_directory(&self, path: &ArtifactPath) -> rustix::io::Result<Vec<FileInfo>> {
        let Some(directory) = self.open_directory(path.as_str())? else { return Ok(Vec::new()) };
        let mut files = Vec::new();
        for entry in Dir::read_from(&directory)? {
            let entry = entry?;
            // What no path can name cannot be read either. `.` is the directory, and `..` no path at all.
            let Ok(name) = entry.file_name().to_str() else { continue };
            if !path.resolve(name).is_ok_and(|entry| entry != *path) {
                continue;
            }
            let stat = match rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(errno),
            };
            let (is_dir, size_bytes) = match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => (true, 0),
                FileType::RegularFile if stat.st_nlink <= 1 => (false, stat.st_size as u64),
                _ => continue,
            };
            files.push(FileInfo { name: name.to_owned(), is_dir, size_bytes });
        }
        Ok(files)
    }

    fn delete_entry(&self, path: &ArtifactPath) -> Result<()> {
        let failed = |errno| failure("delete", path, errno);
        let (parent, name) = path.split_last().ok_or_else(|| {
            Error::Invalid("Invalid path: the artifact directory itself cannot be deleted".to_owned())
        })?;
        let Some(directory) = self.open_directory(parent).map_err(failed)? else { return Ok(()) };

        match rustix::fs::unlinkat(&directory, name, AtFlags::empty()) {
            // Absent may mean that another deletion is under way and not yet durable.
            Ok(()) | Err(Errno::NOENT) => rustix::fs::fsync(&directory).map_err(failed),
            // Linux says the first of a directory, POSIX the second.
            Err(Errno::ISDIR | Errno::PERM) => {
                // Gone at once for everyone; then there is time to take it apart.
                let doomed = self.new_name();
                match rustix::fs::renameat(&directory, name, &self.uploads, &doomed) {
                    Ok(()) => {
                        rustix::fs::fsync(&directory).map_err(failed)?;
                        self.remove(doomed);
                        Ok(())
                    }
                    Err(Errno::NOENT) => rustix::fs::fsync(&directory).map_err(failed),
                    Err(errno) => Err(failed(errno)),
                }
            }
            Err(errno) => Err(failed(errno)),
        }
    }

    /// Fails if nothing can be stored as `path` because of what is there now. An upload finds out in any case when it
    /// is published; this spares the client sending gigabytes first.
    fn refuse_conflict(&self, path: &ArtifactPath) -> Result<()> {
        let check = || -> rustix::io::Result<()> {
            let mut directory = self.open_root()?;
            let (parent, name) = path.split_last().unwrap_or_default();
            for component in components(parent) {
                directory = match open_directory_at(&directory, component) {
                    Err(Errno::NOENT) => return Ok(()),
                    opened => opened?,
                };
            }
            match rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => Err(Errno::ISDIR),
                Ok(_) | Err(Errno::NOENT) => Ok(()),
                Err(errno) => Err(errno),
            }
        };
        check().map_err(|errno| cannot_store(path, errno))
    }

    fn open_root(&self) -> rustix::io::Result<OwnedFd> {
        open_directory_at(&self.root, ".")
    }

    /// Opens a directory by its path; `None` if it, or one on the way, is absent, a link, or no directory.
    fn open_directory(&self, path: &str) -> rustix::io::Result<Option<OwnedFd>> {
        let mut directory = self.open_root()?;
        for component in components(path) {
            directory = match open_directory_at(&directory, component) {
                Ok(child) => child,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
                Err(errno) => return Err(errno),
            };
        }
        Ok(Some(directory))
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

    /// Removes what an earlier process was writing or deleting when it ended.
    fn remove_leftovers(&self) -> rustix::io::Result<()> {
        for entry in Dir::read_from(&self.uploads)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                self.remove(name);
            }
        }
        Ok(())
    }

    /// Removes an entry of `uploads` with all that is in it. It is out of sight already, so a failure, such as a
    /// directory that someone has protected, concerns the operator and not the caller; the next start tries again.
    fn remove(&self, name: String) {
        if let Err(errno) = self.remove_tree(name) {
            tracing::warn!(error = %errno, "cannot remove everything that was deleted; it still takes up space");
        }
    }

    /// Takes a tree apart without holding more than one directory open or calling itself, however deep the tree is:
    /// directories in it are moved up and wait for their turn.
    fn remove_tree(&self, name: String) -> rustix::io::Result<()> {
        let mut doomed = vec![name];
        while let Some(name) = doomed.pop() {
            match rustix::fs::unlinkat(&self.uploads, &name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => continue,
                Err(Errno::ISDIR | Errno::PERM) => {}
                Err(errno) => return Err(errno),
            }
            let directory = open_directory_at(&self.uploads, &name)?;
            // Some file systems leave out entries when a directory changes while it is read: read until it is empty.
            while self.remove_entries(&directory, &mut doomed)? {}
            rustix::fs::unlinkat(&self.uploads, &name, AtFlags::REMOVEDIR)?;
        }
        Ok(())
    }

    /// Removes the entries of `directory`, moving directories to `uploads` and adding their names to `doomed`. Whether
    /// it removed any.
    fn remove_entries(&self, directory: &OwnedFd, doomed: &mut Vec<String>) -> rustix::io::Result<bool> {
        let mut removed_any = false;
        for entry in Dir::read_from(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
                Ok(()) => {}
                Err(Errno::NOENT) => continue,
                Err(Errno::ISDIR | Errno::PERM) => {
                    let moved = self.new_name();
                    rustix::fs::renameat(directory, name, &self.uploads, &moved)?;
                    doomed.push(moved);
                }
                Err(errno) => return Err(errno),
            }
            removed_any = true;
        }
        Ok(removed_any)
    }
}

/// A file on its way to its place. Dropped before it is there, it vanishes.
struct Upload {
    disk: Arc<Disk>,
    target: ArtifactPath,
    name: String,
    file: File,
    size_bytes: u64,
    is_in_place: bool,
}

impl Upload {
    fn begin(disk: &Arc<Disk>, target: ArtifactPath) -> Result<Self> {
        let name = disk.new_name();
        let file = rustix::fs::openat(&disk.uploads, &name, NEW_FILE, Mode::from_raw_mode(0o640))
            .map_err(|errno| failure("create", &target, errno))?;
        Ok(Upload { disk: disk.clone(), target, name, file: file.into(), size_bytes: 0, is_in_place: false })
    }

    fn write(&mut self, piece: &Piece) -> Result<()> {
        self.file.write_all(&piece.bytes).map_err(|error| failure("write", &self.target, error))?;
        self.size_bytes += piece.bytes.len() as u64;
        Ok(())
    }

    /// Puts the file in its place for good and returns its size.
    fn publish(mut self) -> Result<u64> {
        rustix::fs::fsync(&self.file).map_err(|errno| failure("synchronise", &self.target, errno))?;
        for _ in 0..PUBLISH_ATTEMPTS {
            match self.rename_to_target() {
                Ok(()) => return Ok(self.size_bytes),
                // A directory on the way was deleted between being opened and being used.
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(cannot_store(&self.target, errno)),
            }
        }
        Err(Error::Conflict(format!("'{}' cannot be stored: its directory is being deleted all the time", self.target)))
    }

    fn rename_to_target(&mut self) -> rustix::io::Result<()> {
        let (parent, name) = self.target.split_last().ok_or(Errno::ISDIR)?;
        let directory = self.disk.create_directories(parent)?;
        rustix::fs::renameat(&self.disk.uploads, &self.name, &directory, name)?;
        self.is_in_place = true;
        rustix::fs::fsync(&directory)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.is_in_place {
            // Also on the thread of a request that was dropped, because there is no later; it is one quick call. Where
            // it fails, the next start removes the file.
            let _ = rustix::fs::unlinkat(&self.disk.uploads, &self.name, AtFlags::empty());
        }
    }
}

/// Some bytes of a body.
struct Piece {
    bytes: Vec<u8>,
    is_last: bool,
}

/// Gathers what `body` yields until there is enough for one write. Copying, rather than keeping the chunks, bounds the
/// memory whatever their number, and gives the connection its buffer back.
async fn next_piece(body: &mut (impl Stream<Item = Result<Bytes>> + Unpin)) -> Result<Piece> {
    let mut bytes = Vec::new();
    while bytes.len() < PIECE_BYTES {
        match body.next().await {
            Some(chunk) => bytes.extend_from_slice(&chunk?),
            None => return Ok(Piece { bytes, is_last: true }),
        }
    }
    Ok(Piece { bytes, is_last: false })
}

/// The bytes of an open file.
#[derive(Debug)]
pub(super) struct Contents {
    disk: Arc<Disk>,
    file: Arc<File>,
    path: ArtifactPath,
}

impl Contents {
    /// See [`ArtifactFile::stream`]. The next piece is read while the last one is being sent.
    pub(super) fn stream(&self, range: Range<u64>) -> impl Stream<Item = Result<Bytes>> + Send + Unpin + use<> {
        let (disk, file, path) = (self.disk.clone(), self.file.clone(), self.path.clone());
        let read = move |offset: u64| {
            let (disk, file, path) = (disk.clone(), file.clone(), path.clone());
            let length = (range.end - offset).min(PIECE_BYTES as u64) as usize;
            async move {
                disk.run(move |_| read_piece(&file, offset, length).map_err(|error| failure("read", &path, error)))
                    .await
            }
        };
        stream::iter(range.clone().step_by(PIECE_BYTES)).map(read).buffered(2)
    }
}

/// Exactly `length` bytes from `offset` on.
fn read_piece(file: &File, offset: u64, length: usize) -> io::Result<Bytes> {
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let position = offset + bytes.len() as u64;
        if rustix::io::pread(file, spare_capacity(&mut bytes), position)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file was cut while it was being sent"));
        }
    }
    bytes.truncate(length);
    Ok(bytes.into())
}

fn open_directory_at(directory: impl AsFd, name: &str) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(directory, name, DIRECTORY, Mode::empty())
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

/// Differs for every version of a file: a new one is a new inode, and the number of a freed inode comes back with
/// another time. Hashed, because inode numbers are nobody's business.
fn version(metadata: &Metadata) -> String {
    let mut hasher = DefaultHasher::new();
    (metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec()).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// The error of an upload that met what is in the tree.
fn cannot_store(path: &ArtifactPath, errno: Errno) -> Error {
    match errno {
        Errno::NOTDIR | Errno::LOOP => {
            Error::Conflict(format!("'{path}' cannot be stored: a directory on the way to it is a file or a link"))
        }
        Errno::ISDIR | Errno::EXIST | Errno::NOTEMPTY => {
            Error::Conflict(format!("'{path}' cannot be stored: it is a directory"))
        }
        errno => failure("store", path, errno),
    }
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
