//! Where files of runs are kept, and the only way to name them.
//!
//! [`ArtifactPath`] is the one key of this store: a string becomes one only if it stays beneath the root, however often
//! it is percent-decoded. [`ArtifactStore`] hides where the bytes lie: in the server's own store, which only it writes,
//! or in a directory that clients write to directly and it only reads. It knows nothing of callers or HTTP; [`location`]
//! says which directory belongs to a run or model, and who may touch it is decided above.

mod disk;
pub mod location;
mod order;
mod path;
mod zip;

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::Stream;

pub use disk::{Listing, Placed, Removal, Upload};
pub use path::{ArtifactPath, MAX_COMPONENT_BYTES, MAX_COMPONENTS, MAX_PATH_BYTES};

use self::disk::{Disk, Jobs, Tree};
use self::location::Owner;
use crate::error::Result;

/// What may be a file or a directory, in the server's own store or in a directory that it shares with clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    volume: Volume,
    path: ArtifactPath,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Volume {
    Own,
    /// The shared root of this number.
    Shared(usize),
}

impl Place {
    /// A path of the server's own store.
    pub fn own(path: ArtifactPath) -> Self {
        Place { volume: Volume::Own, path }
    }

    /// What `relative` names in this directory.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::error::Error::Invalid) if the whole is too long or too deep.
    pub fn join(&self, relative: &ArtifactPath) -> Result<Self> {
        Ok(Place { volume: self.volume, path: self.path.join(relative)? })
    }

    /// The path beneath the root of its volume.
    pub fn path(&self) -> &ArtifactPath {
        &self.path
    }

    /// The path in the server's own store, if it lies there: only then may it be written.
    pub fn own_path(&self) -> Option<&ArtifactPath> {
        (self.volume == Volume::Own).then_some(&self.path)
    }
}

/// One entry of a listed directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// The name in its directory.
    pub name: String,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// The size of a file in bytes; 0 for a directory.
    pub size_bytes: u64,
    /// When it was written, in milliseconds since the epoch.
    pub modified_ms: i64,
}

/// A stored file as it was when it was opened: overwriting or deleting it changes nothing here.
#[derive(Debug)]
pub struct ArtifactFile {
    /// The size in bytes.
    pub size_bytes: u64,
    /// When it was stored.
    pub modified: SystemTime,
    /// Sixteen hexadecimal digits that differ for every stored version of a path.
    pub version: String,
    contents: disk::Contents,
}

impl ArtifactFile {
    /// The bytes of `range`, which lies within the file, in pieces of bounded size; at most two are held in memory.
    pub fn stream(&self, range: Range<u64>) -> impl Stream<Item = Result<Bytes>> + Send + Unpin + use<> {
        self.contents.stream(range)
    }

    /// The piece that begins at `offset`, for a blocking thread.
    fn piece(&self, offset: u64) -> Result<Bytes> {
        self.contents.piece(offset, self.size_bytes)
    }
}

/// What was stored, told so that it can be known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The size in bytes.
    pub size_bytes: u64,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// When the file was written as the disk tells it, in nanoseconds since the epoch: a file with another time is not
    /// the one that this tells of.
    pub modified_ns: i64,
}

/// What is free where the server's own store lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that this process may still write.
    pub bytes: u64,
    /// Files that it may still make; `None` where the file system has no bound of its own.
    pub files: Option<u64>,
}

/// Files by [`Place`]. Clones are handles of one store.
#[derive(Debug, Clone)]
pub struct ArtifactStore {
    disk: Arc<Disk>,
    shared: Arc<[SharedRoot]>,
    /// Directories elsewhere that are shown as those of runs, by the run's id.
    attached: Arc<RwLock<HashMap<String, Attached>>>,
}

/// A directory that is not of the store.
#[derive(Debug)]
struct Attached {
    tree: Arc<Tree>,
    directory: ArtifactPath,
}

/// A directory that clients write to.
#[derive(Debug)]
struct SharedRoot {
    /// Its absolute path, without a slash at the end.
    directory: String,
    tree: Arc<Tree>,
}

impl ArtifactStore {
    /// Opens the directory `root`, makes it if it is not there, and removes what interrupted uploads left in it, unless
    /// another server is using it too. The directories `shared` need not be there yet.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::error::Error::Internal) if the directory cannot be made or opened.
    pub fn open(root: &Path, shared: &[PathBuf]) -> Result<Self> {
        let jobs = Jobs::default();
        let disk = Arc::new(Disk::open(root, &jobs)?);
        let share = |directory: &PathBuf| SharedRoot {
            directory: directory.to_string_lossy().trim_end_matches('/').to_owned(),
            tree: Arc::new(Tree::shared(directory, &jobs)),
        };
        Ok(ArtifactStore { disk, shared: shared.iter().map(share).collect(), attached: Arc::default() })
    }

    /// Shows what lies at `path` beneath `root` as the files of a run, in place of what the store itself has of it. It is
    /// only read, and no link leads out of `root`.
    pub fn attach(&self, run_id: &str, root: &Path, path: ArtifactPath) {
        let tree = Arc::new(Tree::shared(root, self.disk.tree().jobs()));
        self.attached
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(run_id.to_owned(), Attached { tree, directory: path });
    }

    /// The directory that holds the files of `owner`, whose location clients may have chosen; `None` where that is no
    /// place of ours, and so never opened.
    pub fn locate(&self, owner: Owner<'_>, artifact_uri: &str) -> Option<Place> {
        if let Some(path) = location::own_directory(owner, artifact_uri) {
            return Some(Place::own(path));
        }
        let directory = location::local_path(artifact_uri)?;
        let expected = owner.default_directory();
        // Only what the server itself would have chosen: a client's word opens nothing.
        let is_minted = |root: &SharedRoot| {
            let rest = directory.strip_prefix(&root.directory).and_then(|rest| rest.strip_prefix('/'));
            rest == Some(&expected)
        };
        let number = self.shared.iter().position(is_minted)?;
        Some(Place { volume: Volume::Shared(number), path: ArtifactPath::parse(&expected).ok()? })
    }

    /// Receives everything that `body` yields, to be stored as the file `path`. Nothing is seen of it until
    /// [`Upload::place`]; after an error, also one that `body` yields, and when the upload is dropped, nothing of it is
    /// left.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::error::Error::Conflict) if `path` is a directory or leads through a file;
    /// [`Error::StorageFull`](crate::error::Error::StorageFull); [`Error::Invalid`](crate::error::Error::Invalid) for the
    /// root.
    pub async fn receive(
        &self,
        path: &ArtifactPath,
        body: impl Stream<Item = Result<Bytes>> + Send + Unpin,
    ) -> Result<Upload> {
        self.disk.receive(path, body).await
    }

    /// Opens a file. Links are not followed, and files that may be anything are not served: those with a second name,
    /// and in the server's own store those of another user.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::error::Error::NotFound); [`Error::Invalid`](crate::error::Error::Invalid) if it is a
    /// directory.
    pub async fn read(&self, place: &Place) -> Result<ArtifactFile> {
        let (tree, path) = self.resolve(place)?;
        tree.read(&path).await
    }

    /// What a directory holds, one level, in the order of people (`epoch_2` before `epoch_10`). Nothing if it is a file or
    /// absent.
    ///
    /// # Errors
    /// Those of the disk.
    pub async fn list(&self, place: &Place) -> Result<Listing> {
        let (tree, path) = self.resolve(place)?;
        tree.list(&path).await
    }

    /// A directory with all that is beneath it as one zip archive, in pieces of bounded size.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::error::Error::NotFound) if there is no such directory,
    /// [`Error::Invalid`](crate::error::Error::Invalid) if it holds too many files.
    pub async fn zip(&self, place: &Place) -> Result<impl Stream<Item = Result<Bytes>> + Send + Unpin + use<>> {
        let (tree, path) = self.resolve(place)?;
        zip::archive(tree, path).await
    }

    /// Deletes the file or directory `path` of the own store with all that is in it; of a link the link itself. That it is
    /// absent is fine. When this returns it is gone for good; what a tree took up is free once the [`Removal`] has run.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::error::Error::Invalid) for the root.
    pub async fn delete(&self, path: &ArtifactPath) -> Result<Removal> {
        self.disk.delete(path).await
    }

    /// What is free where the own store lies.
    ///
    /// # Errors
    /// Those of the disk.
    pub async fn space(&self) -> Result<Space> {
        self.disk.space().await
    }

    /// Removes what uploads of other processes left behind, if it was not touched for a day before `now_ms`.
    ///
    /// # Errors
    /// Those of the disk.
    pub async fn remove_abandoned(&self, now_ms: i64) -> Result<()> {
        self.disk.remove_abandoned(now_ms / 1_000 - ABANDONED_AFTER_S).await
    }

    /// The tree that holds a place, and the path in it.
    fn resolve(&self, place: &Place) -> Result<(Arc<Tree>, ArtifactPath)> {
        let own = match place.volume {
            Volume::Own => self.disk.tree(),
            Volume::Shared(number) => return Ok((self.shared[number].tree.clone(), place.path.clone())),
        };
        let attached = self.attached.read().unwrap_or_else(PoisonError::into_inner);
        let mut components = place.path.components().skip(1);
        if let Some(run_id) = components.next()
            && let Some(Attached { tree, directory }) = attached.get(run_id)
            && components.next() == Some("artifacts")
        {
            let rest = ArtifactPath::parse(&components.collect::<Vec<_>>().join("/"))?;
            return Ok((tree.clone(), directory.join(&rest)?));
        }
        Ok((own.clone(), place.path.clone()))
    }
}

/// After so many seconds an upload that was not written to has no server any more: while one is alive, it gives an upload
/// up that brings nothing for a minute.
const ABANDONED_AFTER_S: i64 = 24 * 60 * 60;
