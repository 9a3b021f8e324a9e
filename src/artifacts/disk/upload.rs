//! Files on their way to their places.

use std::fs::File;
use std::future::{Future, poll_fn};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use rustix::fs::{AtFlags, FileType, Mode};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::tree::open_directory_at;
use super::{Disk, NEW_FILE, PIECE_BYTES, failure};
use crate::artifacts::path::components;
use crate::artifacts::{ArtifactPath, Stored};
use crate::error::{Error, Result};

/// A file up to this size goes to the disk in one job; of a longer one, and of one that arrives slowly, no more than this
/// waits in memory for more to come.
const FIRST_BYTES: usize = 32 * 1024;
/// How often an upload makes its directory again when it is deleted under its hands.
const PUBLISH_ATTEMPTS: usize = 16;

impl Disk {
    /// See [`ArtifactStore::receive`](crate::artifacts::ArtifactStore::receive).
    pub(in crate::artifacts) async fn receive(
        self: &Arc<Self>,
        path: &ArtifactPath,
        mut body: impl Stream<Item = Result<Bytes>> + Send + Unpin,
    ) -> Result<Upload> {
        if path.is_root() {
            return Err(Error::Invalid("Invalid path: the artifact directory itself cannot be written".to_owned()));
        }
        let target = path.clone();
        let first = first_piece(&mut body).await?;
        let is_whole = first.is_last;
        let begin = self.run(move |disk| {
            if !first.is_last {
                disk.refuse_conflict(&target)?;
            }
            Upload::begin(disk, target)?.write(&first)
        });
        if is_whole {
            return begin.await;
        }
        let mut writing: Pin<Box<dyn Future<Output = Result<Upload>> + Send>> = Box::pin(begin);
        loop {
            let (upload, piece) = next_piece(&mut body, writing).await?;
            let is_last = piece.is_last;
            let write = self.run(move |_| upload.write(&piece));
            if is_last {
                return write.await;
            }
            writing = Box::pin(write);
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
}

/// A received file on its way to its place. Dropped before it is there, it vanishes.
#[derive(Debug)]
pub struct Upload {
    disk: Arc<Disk>,
    target: ArtifactPath,
    name: String,
    file: File,
    size_bytes: u64,
    sha256: Sha256,
    is_in_place: bool,
    replaces: bool,
}

impl Upload {
    fn begin(disk: &Arc<Disk>, target: ArtifactPath) -> Result<Self> {
        let name = disk.new_name();
        let file = rustix::fs::openat(&disk.uploads, &name, NEW_FILE, Mode::from_raw_mode(0o640))
            .map_err(|errno| failure("create", &target, errno))?
            .into();
        let (disk, sha256) = (disk.clone(), Sha256::new());
        Ok(Upload { disk, target, name, file, size_bytes: 0, sha256, is_in_place: false, replaces: false })
    }

    fn write(mut self, piece: &Piece) -> Result<Self> {
        self.file.write_all(&piece.bytes).map_err(|error| failure("write", &self.target, error))?;
        self.sha256.update(&piece.bytes);
        self.size_bytes += piece.bytes.len() as u64;
        Ok(self)
    }

    /// Puts the file in its place, instead of the one that was there, and makes the directories above it. It is seen from
    /// then on, and there for good after [`Placed::settle`]. After an error the old file is still there.
    ///
    /// # Errors
    /// [`Error::Conflict`] if its place is a directory or leads through a file; [`Error::StorageFull`].
    pub async fn place(self) -> Result<Placed> {
        let disk = self.disk.clone();
        disk.run(move |_| self.put_in_place()).await
    }

    fn put_in_place(mut self) -> Result<Placed> {
        rustix::fs::fsync(&self.file).map_err(|errno| failure("synchronise", &self.target, errno))?;
        let metadata = self.file.metadata().map_err(|error| failure("examine", &self.target, error))?;
        for _ in 0..PUBLISH_ATTEMPTS {
            match self.rename_to_target() {
                Ok(directory) => {
                    let stored = Stored {
                        size_bytes: self.size_bytes,
                        sha256: std::mem::take(&mut self.sha256).finalize().into(),
                        modified_ns: metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec(),
                    };
                    let (disk, path, directory) = (self.disk.clone(), self.target.clone(), Arc::new(directory));
                    return Ok(Placed { disk, path, directory, replaces: self.replaces, stored });
                }
                // A directory on the way was deleted between being opened and being used.
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(cannot_store(&self.target, errno)),
            }
        }
        Err(Error::Conflict(format!("'{}' cannot be stored: its directory is being deleted all the time", self.target)))
    }

    fn rename_to_target(&mut self) -> rustix::io::Result<OwnedFd> {
        let (parent, name) = self.target.split_last().ok_or(Errno::ISDIR)?;
        let directory = self.disk.create_directories(parent)?;
        self.replaces = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
        rustix::fs::renameat(&self.disk.uploads, &self.name, &directory, name)?;
        self.is_in_place = true;
        Ok(directory)
    }
}

/// A file in its place, of which a power cut might still bring back the old version.
#[derive(Debug)]
#[must_use = "the file is there for good only after `settle`"]
pub struct Placed {
    disk: Arc<Disk>,
    path: ArtifactPath,
    directory: Arc<OwnedFd>,
    replaces: bool,
    /// What was stored.
    pub stored: Stored,
}

impl Placed {
    /// When this returns the file is on the disk for good.
    ///
    /// # Errors
    /// Those of the disk.
    pub async fn settle(&self) -> Result<()> {
        let (path, directory) = (self.path.clone(), self.directory.clone());
        self.disk.run(move |_| rustix::fs::fsync(&directory).map_err(|errno| failure("store", &path, errno))).await
    }

    /// Takes the file away again, unless it replaced one: the one before it cannot be brought back, and the new one is
    /// whole.
    ///
    /// # Errors
    /// Those of the disk.
    pub async fn take_back(self) -> Result<()> {
        let Placed { disk, path, directory, replaces, .. } = self;
        if replaces {
            return Ok(());
        }
        disk.run(move |_| {
            let (_, name) = path.split_last().unwrap_or_default();
            rustix::fs::unlinkat(&directory, name, AtFlags::empty()).map_err(|errno| failure("take back", &path, errno))
        })
        .await
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

/// Gathers what `body` yields first. Copying, rather than keeping the chunks, bounds the memory whatever their number, and
/// gives the connection its buffer back.
async fn first_piece(body: &mut (impl Stream<Item = Result<Bytes>> + Unpin)) -> Result<Piece> {
    let mut bytes = Vec::new();
    while bytes.len() < FIRST_BYTES {
        match body.next().await {
            Some(chunk) => bytes.extend_from_slice(&chunk?),
            None => return Ok(Piece { bytes, is_last: true }),
        }
    }
    Ok(Piece { bytes, is_last: false })
}

/// Gathers what `body` yields while the last piece is being written: the faster it comes, the larger the next piece. Once
/// the disk is ready nothing waits for more, so that hundreds of slow uploads hold hardly any memory.
async fn next_piece(
    body: &mut (impl Stream<Item = Result<Bytes>> + Unpin),
    mut writing: impl Future<Output = Result<Upload>> + Unpin,
) -> Result<(Upload, Piece)> {
    let mut piece = Piece { bytes: Vec::new(), is_last: false };
    let mut written = None;
    let upload = poll_fn(|context| {
        while !piece.is_last && piece.bytes.len() < PIECE_BYTES {
            match body.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(chunk))) => piece.bytes.extend_from_slice(&chunk),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => piece.is_last = true,
                Poll::Pending => break,
            }
        }
        if written.is_none()
            && let Poll::Ready(upload) = Pin::new(&mut writing).poll(context)
        {
            written = Some(upload?);
        }
        let has_some = piece.is_last || !piece.bytes.is_empty();
        match written.take_if(|_| has_some) {
            Some(upload) => Poll::Ready(Ok(upload)),
            None => Poll::Pending,
        }
    })
    .await?;
    Ok((upload, piece))
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
