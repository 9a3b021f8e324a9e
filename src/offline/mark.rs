//! What a run looks like from outside, in one text: it differs as soon as one of its files has changed.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;

use rustix::fs::Stat;
use sha2::{Digest, Sha256};

use super::folder::{Folder, Kind, MAX_DEPTH, Step, modified_ns, walk};
use super::{Look, RunPlace};
use crate::digest::hexadecimal;

/// Collects what is seen.
pub(super) struct Mark {
    hasher: Sha256,
    bytes: u64,
}

impl Mark {
    /// Begins with what is known of the run without looking at it: its experiment may have been renamed or deleted.
    pub fn begin(run: &RunPlace) -> Self {
        let mut mark = Mark { hasher: Sha256::new(), bytes: 0 };
        mark.text(run.place.as_bytes());
        mark.text(run.experiment.as_bytes());
        mark.text(run.lifecycle.as_str().as_bytes());
        mark
    }

    /// Adds a name or another text.
    pub fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.hasher.update(text);
    }

    /// Adds a number.
    pub fn number(&mut self, number: u64) {
        self.hasher.update(number.to_le_bytes());
    }

    /// Adds what a file is. Not when its inode was changed: that happens at every change of its rights.
    pub fn stat(&mut self, stat: &Stat) {
        self.bytes += stat.st_size as u64;
        self.number(stat.st_size as u64);
        self.number(modified_ns(stat) as u64);
        self.number(stat.st_ino);
    }

    /// Adds all files below the directory `name`, if it is there.
    pub fn files(&mut self, folder: &Folder, name: &str, limit: usize) -> io::Result<()> {
        match self.enter(folder, name)? {
            Some(top) => self.files_of(&top, limit),
            None => Ok(()),
        }
    }

    /// Adds all files below this directory.
    pub fn files_of(&mut self, top: &Folder, limit: usize) -> io::Result<()> {
        walk(top, limit, &mut |holder, path, step| {
            self.text(path);
            match step {
                Step::File(entry) => match holder.stat(&entry.name) {
                    Ok(Some(stat)) => self.stat(&stat),
                    Ok(None) => {}
                    Err(error) => self.text(error.to_string().as_bytes()),
                },
                Step::Folder => {}
                Step::Refused(why) => self.text(why.as_bytes()),
            }
            Ok(())
        })
    }

    /// Adds the names below the directory `name`, if it is there, and when each directory has changed, without looking at
    /// each file.
    pub fn names(&mut self, folder: &Folder, name: &str) -> io::Result<()> {
        match self.enter(folder, name)? {
            Some(top) => self.names_of(&top, 0),
            None => Ok(()),
        }
    }

    fn names_of(&mut self, top: &Folder, depth: usize) -> io::Result<()> {
        let stat = top.stat_self()?;
        self.stat(&stat);
        // Its own two names, and no directory in it that points back: whatever comes or goes here changes its time, and there
        // is no need to read a thousand names.
        if stat.st_nlink == 2 {
            return Ok(());
        }
        let mut folders: Vec<Box<[u8]>> = Vec::new();
        // A sum does not depend on the order, in which file systems are free: there is nothing to sort.
        let mut sum = 0_u64;
        top.each_entry(&mut |name, kind| {
            let mut hasher = DefaultHasher::new();
            name.hash(&mut hasher);
            sum = sum.wrapping_add(hasher.finish());
            if kind == Kind::Folder && depth < MAX_DEPTH {
                folders.push(name.into());
            }
        })?;
        self.number(sum);
        folders.sort_unstable();
        for name in &folders {
            if let Ok(Some(below)) = top.enter(name) {
                self.names_of(&below, depth + 1)?;
            }
        }
        Ok(())
    }

    fn enter(&mut self, folder: &Folder, name: &str) -> io::Result<Option<Folder>> {
        self.text(name.as_bytes());
        match folder.enter(name) {
            Ok(top) => Ok(top),
            // Reading the run tells it; here it only matters that it is no longer so.
            Err(error) => {
                self.text(error.to_string().as_bytes());
                Ok(None)
            }
        }
    }

    /// What was seen.
    pub fn finish(self) -> Look {
        Look { mark: hexadecimal(&self.hasher.finalize()), bytes: self.bytes }
    }
}
