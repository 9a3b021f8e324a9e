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

        // Held until the process ends, however it ends. A file system without locks is no reason to refuse.
        if rustix::fs::flock(&disk.uploads, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
            return Err(Error::Conflict("another server has this artifact directory open".to_owned()));
        }
        disk.remove_leftovers().context("cannot list interrupted uploads").map_err(Error::Internal)?;
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
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::sync::atomic::AtomicBool;

    use futures_util::future::join_all;
    use tempfile::TempDir;

    use super::super::ArtifactStore;
    use super::*;

    fn store() -> (TempDir, ArtifactStore) {
        let root = tempfile::tempdir().unwrap();
        let store = ArtifactStore::open(root.path()).unwrap();
        (root, store)
    }

    fn path(text: &str) -> ArtifactPath {
        ArtifactPath::parse(text).unwrap()
    }

    /// A body of these chunks.
    fn body<const N: usize>(chunks: [&str; N]) -> impl Stream<Item = Result<Bytes>> + Send + Unpin + use<N> {
        stream::iter(chunks.map(|chunk| Ok(Bytes::copy_from_slice(chunk.as_bytes()))))
    }

    async fn put(store: &ArtifactStore, name: &str, text: &str) -> Result<u64> {
        store.put(&path(name), body([text])).await
    }

    async fn collect(mut pieces: impl Stream<Item = Result<Bytes>> + Unpin) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.next().await {
            bytes.extend_from_slice(&piece?);
        }
        Ok(bytes)
    }

    async fn get(store: &ArtifactStore, name: &str) -> Result<String> {
        let file = store.read(&path(name)).await?;
        Ok(String::from_utf8(collect(file.stream(0..file.size_bytes)).await?).unwrap())
    }

    async fn names(store: &ArtifactStore, directory: &str) -> Vec<String> {
        store.list(&path(directory)).await.unwrap().into_iter().map(|file| file.name).collect()
    }

    fn unfinished(root: &TempDir) -> usize {
        fs::read_dir(root.path().join(UPLOADS)).unwrap().count()
    }

    #[tokio::test]
    async fn what_is_put_is_listed_read_overwritten_and_deleted() {
        let (root, store) = store();

        assert_eq!(store.put(&path("7/r/a 1.txt"), body(["hello ", "", "world"])).await.unwrap(), 11);
        assert_eq!(put(&store, "7/r/a 1.txt", "hi").await.unwrap(), 2);
        assert_eq!(store.put(&path("7/r/d/empty"), body([])).await.unwrap(), 0);

        assert_eq!(get(&store, "7/r/a 1.txt").await.unwrap(), "hi");
        assert_eq!(get(&store, "7/r/d/empty").await.unwrap(), "");
        let expected = [
            FileInfo { name: "a 1.txt".to_owned(), is_dir: false, size_bytes: 2 },
            FileInfo { name: "d".to_owned(), is_dir: true, size_bytes: 0 },
        ];
        assert_eq!(store.list(&path("7/r")).await.unwrap(), expected);
        assert_eq!(names(&store, "").await, ["7"]);
        assert!(names(&store, "7/r/a 1.txt").await.is_empty());
        assert!(names(&store, "7/absent").await.is_empty());

        store.delete(&path("7/r/a 1.txt")).await.unwrap();
        store.delete(&path("7/r/a 1.txt")).await.unwrap();
        store.delete(&path("7/r/absent/x")).await.unwrap();
        assert_eq!(names(&store, "7/r").await, ["d"]);
        store.delete(&path("7")).await.unwrap();
        assert!(names(&store, "").await.is_empty());
        assert_eq!(unfinished(&root), 0);
    }

    #[tokio::test]
    async fn files_of_many_pieces_and_parts_of_them_come_back_byte_for_byte() {
        let (_root, store) = store();
        let bytes: Vec<u8> = (0..PIECE_BYTES as u32 * 3 + 17).map(|index| (index * 31 % 251) as u8).collect();
        let chunks: Vec<Result<Bytes>> = bytes.chunks(10_007).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();

        store.put(&path("big"), stream::iter(chunks)).await.unwrap();

        let file = store.read(&path("big")).await.unwrap();
        assert_eq!(file.size_bytes, bytes.len() as u64);
        let piece = PIECE_BYTES as u64;
        for range in [
            0..file.size_bytes,
            0..0,
            0..1,
            piece - 1..piece + 1,
            5..piece * 2 + 5,
            file.size_bytes - 1..file.size_bytes,
        ] {
            let part = collect(file.stream(range.clone())).await.unwrap();
            assert!(part == bytes[range.start as usize..range.end as usize], "{range:?}");
        }
    }

    #[tokio::test]
    async fn the_root_cannot_be_written_read_or_deleted() {
        let (_root, store) = store();

        assert!(matches!(put(&store, "", "x").await, Err(Error::Invalid(_))));
        assert!(matches!(get(&store, "").await, Err(Error::Invalid(_))));
        assert!(matches!(store.delete(&ArtifactPath::root()).await, Err(Error::Invalid(_))));
    }

    #[tokio::test]
    async fn absent_files_and_directories_are_told_apart() {
        let (_root, store) = store();
        put(&store, "d/a", "x").await.unwrap();

        assert!(matches!(get(&store, "d").await, Err(Error::Invalid(_))));
        for name in ["absent", "absent/x", "d/absent", "d/a/x"] {
            let refusal = get(&store, name).await.unwrap_err();
            assert_eq!(refusal.to_string(), format!("No such artifact: '{name}'"));
        }
    }

    #[tokio::test]
    async fn links_and_special_files_are_neither_followed_nor_shown() {
        let (root, store) = store();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "secret").unwrap();
        put(&store, "8/other/artifacts/secret", "theirs").await.unwrap();
        put(&store, "7/r/artifacts/mine", "mine").await.unwrap();
        let run = root.path().join("7/r/artifacts");
        let links = [
            ("to_etc", Path::new("/etc")),
            ("to_outside", outside.path()),
            ("to_a_file", &outside.path().join("secret")),
            ("to_another_run", Path::new("../../../8/other/artifacts")),
            ("to_itself", Path::new("to_itself")),
            ("to_a_device", Path::new("/dev/zero")),
            ("to_the_environment", Path::new("/proc/self/environ")),
            ("to_nothing", Path::new("nothing")),
            ("to_a_pipe", Path::new("pipe")),
        ];
        for (name, target) in links {
            symlink(target, run.join(name)).unwrap();
        }
        rustix::fs::mknodat(CWD, run.join("pipe"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();

        assert_eq!(names(&store, "7/r/artifacts").await, ["mine"]);
        assert!(matches!(get(&store, "7/r/artifacts/pipe").await, Err(Error::NotFound(_))));
        for (name, _) in links {
            let link = format!("7/r/artifacts/{name}");
            let beneath = format!("{link}/secret");
            assert!(matches!(get(&store, &link).await, Err(Error::NotFound(_))), "{name}");
            assert!(matches!(get(&store, &beneath).await, Err(Error::NotFound(_))), "{name}");
            assert!(names(&store, &link).await.is_empty(), "{name}");
            assert!(matches!(put(&store, &beneath, "x").await, Err(Error::Conflict(_))), "{name}");
            store.delete(&path(&beneath)).await.unwrap();
            store.delete(&path(&link)).await.unwrap();
            assert!(fs::symlink_metadata(run.join(name)).is_err(), "{name}");
        }
        assert_eq!(fs::read_to_string(outside.path().join("secret")).unwrap(), "secret");
        assert_eq!(get(&store, "8/other/artifacts/secret").await.unwrap(), "theirs");
    }

    #[tokio::test]
    async fn an_upload_replaces_a_link_and_a_deleted_tree_takes_links_without_their_targets() {
        let (root, store) = store();
        let outside = tempfile::tempdir().unwrap();
        let secret = outside.path().join("secret");
        fs::write(&secret, "secret").unwrap();
        fs::create_dir(root.path().join("d")).unwrap();
        symlink(&secret, root.path().join("d/a")).unwrap();
        symlink(outside.path(), root.path().join("d/b")).unwrap();

        put(&store, "d/a", "mine").await.unwrap();

        assert_eq!(get(&store, "d/a").await.unwrap(), "mine");
        store.delete(&path("d")).await.unwrap();
        assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
        assert_eq!(unfinished(&root), 0);
    }

    #[tokio::test]
    async fn a_file_with_a_second_name_is_not_served() {
        let (root, store) = store();
        put(&store, "a", "x").await.unwrap();
        fs::hard_link(root.path().join("a"), root.path().join("b")).unwrap();

        for name in ["a", "b"] {
            assert!(matches!(get(&store, name).await, Err(Error::NotFound(_))));
        }
        assert!(names(&store, "").await.is_empty());

        put(&store, "a", "y").await.unwrap();
        assert_eq!(get(&store, "a").await.unwrap(), "y");
        assert_eq!(get(&store, "b").await.unwrap(), "x");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_directory_that_keeps_turning_into_a_link_never_leads_out() {
        let (root, store) = store();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("file"), "outside").unwrap();
        put(&store, "r/d/file", "inside").await.unwrap();
        let (directory, aside) = (root.path().join("r/d"), root.path().join("r/aside"));
        let (target, is_done) = (outside.path().to_owned(), Arc::new(AtomicBool::new(false)));
        let swapper = std::thread::spawn({
            let is_done = is_done.clone();
            move || {
                let mut swaps = 0;
                while !is_done.load(Ordering::Relaxed) {
                    // An upload may have made the directory anew meanwhile; then there is nothing to swap this time.
                    if fs::rename(&directory, &aside).is_ok() && symlink(&target, &directory).is_ok() {
                        fs::remove_file(&directory).unwrap();
                        swaps += 1;
                    }
                    if fs::rename(&aside, &directory).is_err() {
                        let _ = fs::remove_dir_all(&aside);
                    }
                }
                swaps
            }
        });

        for round in 0..250 {
            match get(&store, "r/d/file").await {
                Ok(text) => assert_eq!(text, "inside"),
                Err(error) => assert!(matches!(error, Error::NotFound(_)), "{error:?}"),
            }
            let written =
                [put(&store, &format!("r/d/new{round}"), "new").await, put(&store, "r/d/file", "inside").await];
            for result in written {
                assert!(matches!(result, Ok(_) | Err(Error::Conflict(_))), "{result:?}");
            }
            store.delete(&path(&format!("r/d/new{round}"))).await.unwrap();
            assert!(!names(&store, "r/d").await.contains(&"secret".to_owned()));
        }
        is_done.store(true, Ordering::Relaxed);

        assert!(swapper.join().unwrap() > 0);
        let left: Vec<_> = fs::read_dir(outside.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["file"]);
        assert_eq!(fs::read_to_string(outside.path().join("file")).unwrap(), "outside");
        assert_eq!(unfinished(&root), 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_a_file_and_a_directory_of_one_name_the_second_is_refused() {
        let (root, store) = store();
        let large = "x".repeat(PIECE_BYTES * 2);
        put(&store, "a", "file").await.unwrap();
        put(&store, "b/c", "file").await.unwrap();

        for text in ["small", &large] {
            assert!(matches!(put(&store, "a/b", text).await, Err(Error::Conflict(_))));
            assert!(matches!(put(&store, "a/b/c", text).await, Err(Error::Conflict(_))));
            assert!(matches!(put(&store, "b", text).await, Err(Error::Conflict(_))));
        }
        for round in 0..50 {
            let (file, beneath) = (format!("{round}/a"), format!("{round}/a/b"));
            let results = join(put(&store, &file, "x"), put(&store, &beneath, "y")).await;
            assert!(
                matches!(results, (Ok(_), Err(Error::Conflict(_))) | (Err(Error::Conflict(_)), Ok(_))),
                "{results:?}"
            );
        }
        assert_eq!(get(&store, "a").await.unwrap(), "file");
        assert_eq!(get(&store, "b/c").await.unwrap(), "file");
        assert_eq!(unfinished(&root), 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn uploads_into_a_directory_that_is_being_deleted_are_stored_or_refused() {
        let (root, store) = store();

        for round in 0..100 {
            let name = format!("d/e/{round}");
            let (deeper, target) = (path("d/e"), path("d"));
            let (stored, first, second) = (put(&store, &name, "x"), store.delete(&deeper), store.delete(&target));
            let (stored, (first, second)) = join(stored, join(first, second)).await;

            assert!(matches!(stored, Ok(_) | Err(Error::Conflict(_))), "{stored:?}");
            first.unwrap();
            second.unwrap();
        }
        store.delete(&path("d")).await.unwrap();
        assert!(names(&store, "").await.is_empty());
        drop(store);
        ArtifactStore::open(root.path()).unwrap();
        assert_eq!(unfinished(&root), 0);
    }

    #[tokio::test]
    async fn a_reader_keeps_the_file_it_opened_and_its_version_names_it() {
        let (_root, store) = store();
        let old = "a".repeat(PIECE_BYTES * 4);
        put(&store, "f", &old).await.unwrap();
        let file = store.read(&path("f")).await.unwrap();
        let mut pieces = file.stream(0..file.size_bytes);
        let first = pieces.next().await.unwrap().unwrap();

        put(&store, "f", &"b".repeat(old.len())).await.unwrap();

        let rest = collect(pieces).await.unwrap();
        assert!([first.to_vec(), rest].concat() == old.as_bytes());
        assert_ne!(store.read(&path("f")).await.unwrap().version, file.version);
        store.delete(&path("f")).await.unwrap();
        assert!(collect(file.stream(0..file.size_bytes)).await.unwrap() == old.as_bytes());
    }

    #[tokio::test]
    async fn a_file_that_is_cut_while_it_is_sent_is_an_error_and_not_a_short_answer() {
        let (root, store) = store();
        put(&store, "f", "0123456789").await.unwrap();
        let file = store.read(&path("f")).await.unwrap();

        fs::write(root.path().join("f"), "01234").unwrap();

        assert!(matches!(collect(file.stream(0..10)).await, Err(Error::Internal(_))));
    }

    #[tokio::test]
    async fn an_upload_that_breaks_off_leaves_the_old_file_and_nothing_else() {
        let (root, store) = store();
        put(&store, "f", "old").await.unwrap();
        let piece = Bytes::from(vec![0; PIECE_BYTES]);
        let broken = || Err(Error::Invalid("broken".to_owned()));

        for complete_pieces in [0, 1, 3] {
            let chunks = (0..complete_pieces).map(|_| Ok(piece.clone())).chain([Ok(Bytes::from("x")), broken()]);
            let result = store.put(&path("f"), stream::iter(chunks)).await;
            assert_eq!(result.unwrap_err().to_string(), "broken");
            let result = store.put(&path("new/f"), stream::iter([Ok(piece.clone()), broken()])).await;
            assert!(result.is_err());
        }

        assert_eq!(get(&store, "f").await.unwrap(), "old");
        assert_eq!(names(&store, "").await, ["f"]);
        assert_eq!(unfinished(&root), 0);
    }

    #[tokio::test]
    async fn an_upload_whose_client_is_gone_leaves_the_old_file_and_nothing_else() {
        let (root, store) = store();
        put(&store, "f", "old").await.unwrap();
        let (asked, mut was_asked) = tokio::sync::mpsc::unbounded_channel();
        let endless = Box::pin(stream::unfold(0, move |index| {
            asked.send(index).unwrap();
            async move {
                if index == 3 {
                    std::future::pending::<()>().await;
                }
                Some((Ok(Bytes::from(vec![0; PIECE_BYTES])), index + 1))
            }
        }));
        let upload = tokio::spawn({
            let store = store.clone();
            async move { store.put(&path("f"), endless).await }
        });
        while was_asked.recv().await != Some(3) {}
        assert_eq!(unfinished(&root), 1);

        upload.abort();

        assert!(upload.await.unwrap_err().is_cancelled());
        // A write that was under way ends before its file goes, on its own thread.
        drop(store.disk.jobs.acquire_many(MAX_JOBS as u32).await.unwrap());
        let is_gone = (0..1_000_000).any(|_| {
            std::thread::yield_now();
            unfinished(&root) == 0
        });
        assert!(is_gone);
        assert_eq!(get(&store, "f").await.unwrap(), "old");
    }

    #[tokio::test]
    async fn a_root_has_one_server_and_loses_what_the_last_one_left_unfinished() {
        let (root, store) = store();
        put(&store, "kept", "x").await.unwrap();

        assert!(matches!(ArtifactStore::open(root.path()), Err(Error::Conflict(_))));
        drop(store);
        let uploads = root.path().join(UPLOADS);
        fs::write(uploads.join("0-0"), "half").unwrap();
        fs::create_dir_all(uploads.join("0-1/a/b")).unwrap();
        fs::write(uploads.join("0-1/a/b/c"), "half").unwrap();
        let store = ArtifactStore::open(root.path()).unwrap();

        assert_eq!(unfinished(&root), 0);
        assert_eq!(names(&store, "").await, ["kept"]);
    }

    #[tokio::test]
    async fn the_root_is_made_with_modest_modes() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("data/artifacts");
        let store = ArtifactStore::open(&root).unwrap();

        put(&store, "d/f", "x").await.unwrap();

        let mode = |name| fs::metadata(root.join(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode("") & !0o750, 0);
        assert_eq!(mode("d") & !0o750, 0);
        assert_eq!(mode("d/f") & !0o640, 0);
    }

    #[tokio::test]
    async fn deep_and_wide_trees_are_deleted_whole() {
        let (root, store) = store();
        let mut directory = root.path().join("d");
        for _ in 0..300 {
            directory.push("deep");
        }
        fs::create_dir_all(&directory).unwrap();
        for index in 0..1000 {
            fs::write(root.path().join(format!("d/{index}")), "").unwrap();
        }
        fs::write(directory.join("#unnameable"), "").unwrap();

        store.delete(&path("d")).await.unwrap();

        assert!(!root.path().join("d").exists());
        assert_eq!(unfinished(&root), 0);
    }

    #[tokio::test]
    async fn what_no_path_can_name_is_not_listed() {
        let (root, store) = store();
        for name in ["a", "a#b", "a\nb", "...", "lost+found"] {
            fs::write(root.path().join(name), "").unwrap();
        }
        fs::create_dir(root.path().join("d")).unwrap();
        fs::write(root.path().join("d/lost+found"), "").unwrap();

        assert_eq!(names(&store, "").await, ["a", "d"]);
        assert_eq!(names(&store, "d").await, ["lost+found"]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_uploads_at_once_are_all_stored() {
        let (root, store) = store();

        let stored = join_all((0..200).map(|index| {
            let (store, name) = (store.clone(), path(&format!("7/{}/{index}", index % 7)));
            tokio::spawn(async move { store.put(&name, body(["x"])).await })
        }));

        for result in stored.await {
            assert_eq!(result.unwrap().unwrap(), 1);
        }
        let mut listed = 0;
        for index in 0..7 {
            listed += names(&store, &format!("7/{index}")).await.len();
        }
        assert_eq!(listed, 200);
        assert_eq!(unfinished(&root), 0);
    }

    #[test]
    fn failures_of_the_disk_are_told_by_their_cause() {
        let error = |errno| failure("write", &path("7/f"), errno);

        for errno in [Errno::NOSPC, Errno::DQUOT, Errno::FBIG] {
            assert!(matches!(error(errno), Error::StorageFull(text) if text.contains("'7/f'")));
        }
        assert!(matches!(error(Errno::NAMETOOLONG), Error::Invalid(_)));
        assert!(matches!(error(Errno::MFILE), Error::Unavailable(_)));
        let Error::Internal(source) = error(Errno::IO) else { panic!("EIO is ours") };
        assert!(format!("{source:#}").starts_with("cannot write '7/f': Input/output error"));
    }
}
