//! Deleting files and trees, and what interrupted uploads left behind.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir};
use rustix::io::Errno;

use super::tree::open_directory_at;
use super::{Disk, failure};
use crate::artifacts::ArtifactPath;
use crate::error::{Error, Result};

impl Disk {
    /// See [`ArtifactStore::delete`](crate::artifacts::ArtifactStore::delete).
    pub(in crate::artifacts) async fn delete(self: &Arc<Self>, path: &ArtifactPath) -> Result<Removal> {
        let path = path.clone();
        self.run(move |disk| Ok(Removal { doomed: disk.detach(&path)?, disk: disk.clone() })).await
    }

    /// See [`ArtifactStore::remove_abandoned`](crate::artifacts::ArtifactStore::remove_abandoned).
    pub(in crate::artifacts) async fn remove_abandoned(self: &Arc<Self>, latest_s: i64) -> Result<()> {
        self.run(move |disk| {
            let is_abandoned = |name: &str| {
                let stat = rustix::fs::statat(&disk.uploads, name, AtFlags::SYMLINK_NOFOLLOW);
                !disk.is_of_this_process(name) && stat.is_ok_and(|stat| stat.st_mtime < latest_s)
            };
            disk.remove_leftovers(is_abandoned)
                .map_err(|errno| failure("list unfinished files of", &ArtifactPath::root(), errno))
        })
        .await
    }

    /// Takes an entry out of the tree for good; of a directory, answers the name under which it waits to be taken apart.
    fn detach(&self, path: &ArtifactPath) -> Result<Option<String>> {
        let failed = |errno| failure("delete", path, errno);
        let (parent, name) = path.split_last().ok_or_else(|| {
            Error::Invalid("Invalid path: the artifact directory itself cannot be deleted".to_owned())
        })?;
        let Some(directory) = self.tree().open_directory(parent).map_err(failed)? else { return Ok(None) };

        let doomed = match rustix::fs::unlinkat(&directory, name, AtFlags::empty()) {
            // Absent may mean that another deletion is under way and not yet durable.
            Ok(()) | Err(Errno::NOENT) => None,
            // Linux says the first of a directory, POSIX the second.
            Err(Errno::ISDIR | Errno::PERM) => {
                let doomed = self.new_name();
                match rustix::fs::renameat(&directory, name, &self.uploads, &doomed) {
                    Ok(()) => Some(doomed),
                    Err(Errno::NOENT) => None,
                    Err(errno) => return Err(failed(errno)),
                }
            }
            Err(errno) => return Err(failed(errno)),
        };
        rustix::fs::fsync(&directory).map_err(failed)?;
        Ok(doomed)
    }

    /// Removes what other processes were writing or deleting when they ended.
    pub(super) fn remove_leftovers(&self, is_leftover: impl Fn(&str) -> bool) -> rustix::io::Result<()> {
        for entry in Dir::read_from(&self.uploads)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." && is_leftover(&name) {
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

/// A tree that is out of sight and still takes up space.
#[derive(Debug)]
#[must_use = "the space is free only after `finish`"]
pub struct Removal {
    disk: Arc<Disk>,
    doomed: Option<String>,
}

impl Removal {
    /// Takes the tree apart. Should this not come to its end, the next start does it.
    ///
    /// # Errors
    /// None but that of a thread that died.
    pub async fn finish(self) -> Result<()> {
        let Removal { disk, doomed } = self;
        match doomed {
            Some(name) => {
                disk.run(move |disk| {
                    disk.remove(name);
                    Ok(())
                })
                .await
            }
            None => Ok(()),
        }
    }
}
