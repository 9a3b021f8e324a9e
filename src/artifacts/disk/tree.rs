//! Reading files in a directory of this machine, and nothing outside it.

use std::fs::{File, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{Jobs, READ_BYTES, failure};
use crate::artifacts::order::natural_order;
use crate::artifacts::path::components;
use crate::artifacts::{ArtifactFile, ArtifactPath, FileInfo};
use crate::error::{Error, Resource, Result};

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
/// `NONBLOCK`, because opening a named pipe would wait for a writer.
const EXISTING_FILE: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// A directory whose files can be read.
#[derive(Debug)]
pub(in crate::artifacts) struct Tree {
    root: Root,
    /// To whom every file belongs, where only the server writes. `None` where clients write, under names of their own.
    owner: Option<u32>,
    jobs: Jobs,
}

#[derive(Debug)]
enum Root {
    /// Held open, so that nobody can put another in its place.
    Held(OwnedFd),
    /// Opened anew each time: a shared file system may be mounted, unmounted, and mounted again.
    Named(PathBuf),
}

impl Tree {
    /// A directory that is open, in which every file belongs to `owner`.
    pub(super) fn held(root: OwnedFd, owner: u32, jobs: &Jobs) -> Self {
        Tree { root: Root::Held(root), owner: Some(owner), jobs: jobs.clone() }
    }

    /// A directory that others write to.
    pub(in crate::artifacts) fn shared(directory: &Path, jobs: &Jobs) -> Self {
        Tree { root: Root::Named(directory.to_owned()), owner: None, jobs: jobs.clone() }
    }

    /// The threads that work on it.
    pub(in crate::artifacts) fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// See [`ArtifactStore::read`](crate::artifacts::ArtifactStore::read).
    pub(in crate::artifacts) async fn read(self: &Arc<Self>, path: &ArtifactPath) -> Result<ArtifactFile> {
        let (tree, path) = (self.clone(), path.clone());
        self.jobs.run(move || tree.open_file(&path)).await
    }

    /// See [`ArtifactStore::list`](crate::artifacts::ArtifactStore::list).
    pub(in crate::artifacts) async fn list(self: &Arc<Self>, path: &ArtifactPath) -> Result<Listing> {
        let (tree, path) = (self.clone(), path.clone());
        self.jobs.run(move || tree.open_listing(&path)).await
    }

    pub(in crate::artifacts) fn open_file(&self, path: &ArtifactPath) -> Result<ArtifactFile> {
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
        if !metadata.is_file() || !self.is_trusted(metadata.nlink(), metadata.uid()) {
            return Err(not_found());
        }
        Ok(ArtifactFile {
            size_bytes: metadata.len(),
            modified: metadata.modified().map_err(|error| failure("examine", path, error))?,
            version: version(&metadata),
            contents: Contents { jobs: self.jobs.clone(), file: Arc::new(file), path: path.clone() },
        })
    }

    /// Whether a file can only be what was meant to be here: it has no second name, and whoever keeps this tree made it.
    fn is_trusted(&self, links: u64, user: u32) -> bool {
        links <= 1 && self.owner.is_none_or(|owner| owner == user)
    }

    /// Opens a directory and reads the names in it.
    pub(in crate::artifacts) fn open_listing(self: &Arc<Self>, path: &ArtifactPath) -> Result<Listing> {
        let read = || -> rustix::io::Result<Listing> {
            let directory = self.open_directory(path.as_str())?;
            let mut names: Vec<Box<str>> = Vec::new();
            if let Some(directory) = &directory {
                for entry in Dir::read_from(directory)? {
                    let entry = entry?;
                    // What no path can name cannot be read either. `.` is the directory, and `..` no path at all.
                    let Ok(name) = entry.file_name().to_str() else { continue };
                    if path.resolve(name).is_ok_and(|entry| entry != *path) {
                        names.push(name.into());
                    }
                }
                names.sort_unstable_by(|a, b| natural_order(a, b));
            }
            Ok(Listing {
                tree: self.clone(),
                directory: directory.map(Arc::new),
                path: path.clone(),
                names: names.into(),
            })
        };
        read().map_err(|errno| failure("list", path, errno))
    }

    pub(super) fn open_root(&self) -> rustix::io::Result<Option<OwnedFd>> {
        match &self.root {
            Root::Held(root) => open_directory_at(root, ".").map(Some),
            Root::Named(path) => {
                match rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
                {
                    Ok(root) => Ok(Some(root)),
                    Err(Errno::NOENT) => Ok(None),
                    Err(errno) => Err(errno),
                }
            }
        }
    }

    /// Opens a directory by its path; `None` if it, or one on the way, is absent, a link, or no directory.
    pub(super) fn open_directory(&self, path: &str) -> rustix::io::Result<Option<OwnedFd>> {
        let Some(mut directory) = self.open_root()? else { return Ok(None) };
        for component in components(path) {
            directory = match open_directory_at(&directory, component) {
                Ok(child) => child,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
                Err(errno) => return Err(errno),
            };
        }
        Ok(Some(directory))
    }
}

/// The names in a directory as they were when it was opened. What each of them is, is looked up a page at a time.
#[derive(Debug, Clone)]
pub struct Listing {
    tree: Arc<Tree>,
    directory: Option<Arc<OwnedFd>>,
    path: ArtifactPath,
    names: Arc<[Box<str>]>,
}

impl Listing {
    /// Whether there is such a directory.
    pub fn is_of_directory(&self) -> bool {
        self.directory.is_some()
    }

    /// How many names there are; of some of them [`page`](Self::page) tells nothing.
    pub fn names(&self) -> usize {
        self.names.len()
    }

    /// The position of the first name after `name`, which need not be there.
    pub fn position_after(&self, name: &str) -> usize {
        self.names.partition_point(|other| natural_order(other, name).is_le())
    }

    /// The name at a position.
    pub fn name(&self, position: usize) -> Option<&str> {
        self.names.get(position).map(AsRef::as_ref)
    }

    /// What the names at these positions are, without those of which nothing could be read: links, files with a second
    /// name, and what is gone since.
    ///
    /// # Errors
    /// Those of the disk.
    pub async fn page(&self, positions: Range<usize>) -> Result<Vec<FileInfo>> {
        let listing = self.clone();
        self.tree.jobs.run(move || listing.look_up(positions)).await
    }

    /// As [`page`](Self::page), for a blocking thread.
    pub(in crate::artifacts) fn look_up(&self, positions: Range<usize>) -> Result<Vec<FileInfo>> {
        let Some(directory) = &self.directory else { return Ok(Vec::new()) };
        let mut files = Vec::with_capacity(positions.len());
        for name in &self.names[positions.start.min(self.names.len())..positions.end.min(self.names.len())] {
            let stat = match rustix::fs::statat(directory, &**name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(failure("list", &self.path, errno)),
            };
            let (is_dir, size_bytes) = match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => (true, 0),
                FileType::RegularFile if self.tree.is_trusted(stat.st_nlink, stat.st_uid) => {
                    (false, stat.st_size as u64)
                }
                _ => continue,
            };
            let modified_ms = stat.st_mtime * 1_000 + stat.st_mtime_nsec as i64 / 1_000_000;
            files.push(FileInfo { name: name.to_string(), is_dir, size_bytes, modified_ms });
        }
        Ok(files)
    }
}

/// The bytes of an open file.
#[derive(Debug)]
pub(in crate::artifacts) struct Contents {
    jobs: Jobs,
    file: Arc<File>,
    path: ArtifactPath,
}

impl Contents {
    /// See [`ArtifactFile::stream`]. The next piece is read while the last one is being sent.
    pub(in crate::artifacts) fn stream(
        &self,
        range: Range<u64>,
    ) -> impl Stream<Item = Result<Bytes>> + Send + Unpin + use<> {
        let (jobs, file, path) = (self.jobs.clone(), self.file.clone(), self.path.clone());
        let read = move |offset: u64| {
            let (jobs, file, path) = (jobs.clone(), file.clone(), path.clone());
            let length = (range.end - offset).min(READ_BYTES as u64) as usize;
            async move {
                jobs.run(move || read_piece(&file, offset, length).map_err(|error| failure("read", &path, error))).await
            }
        };
        stream::iter(range.clone().step_by(READ_BYTES)).map(read).buffered(2)
    }

    /// The piece that begins at `offset` of a file of `size` bytes, for a blocking thread.
    pub(in crate::artifacts) fn piece(&self, offset: u64, size: u64) -> Result<Bytes> {
        let length = (size - offset).min(READ_BYTES as u64) as usize;
        read_piece(&self.file, offset, length).map_err(|error| failure("read", &self.path, error))
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

pub(super) fn open_directory_at(directory: impl AsFd, name: &str) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(directory, name, DIRECTORY, Mode::empty())
}

/// Differs for every version of a file: a new one is a new inode, and the number of a freed inode comes back with
/// another time. Hashed, because inode numbers are nobody's business.
fn version(metadata: &Metadata) -> String {
    let mut hasher = DefaultHasher::new();
    (metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec()).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
