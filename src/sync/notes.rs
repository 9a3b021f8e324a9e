//! What an earlier sync of the same source to the same server noted: with it, what has not changed costs nothing.
//!
//! Notes are a convenience. Without them everything is compared with the server again, and nothing is sent twice. They lie
//! in the user's own state directory, never in the source, and beside them a lock: one sync at a time.

use std::collections::{BTreeMap, HashMap};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::digest::hexadecimal;
use crate::model::KeyValue;

/// Another form of notes gets another number; notes of other forms are not read.
const FORM: u32 = 1;

/// What was noted of all runs of a source.
#[derive(Debug)]
pub struct Notes {
    file: Option<PathBuf>,
    runs: HashMap<String, Note>,
    is_changed: bool,
    _lock: Option<File>,
}

/// What was noted of a run when all of it had arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What the source looked like.
    pub mark: String,
    /// The run's state at the server.
    pub state: String,
    /// The beginning of the digest of each tag's value in the source, by key.
    pub tags: BTreeMap<String, String>,
    /// The files of a run that has not ended, by path: they are looked at again each time, and not all are read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, FileNote>,
}

impl Note {
    /// Of a run of which not everything is known to have arrived, but these tags.
    pub fn of_tags(tags: BTreeMap<String, String>) -> Self {
        Note { mark: String::new(), state: String::new(), tags, files: BTreeMap::new() }
    }
}

/// What was noted of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileNote {
    /// When it was written, in nanoseconds since the epoch.
    pub modified_ns: i64,
    /// Its size in bytes.
    pub size: u64,
    /// The digest of its bytes.
    pub digest: String,
}

#[derive(Deserialize)]
struct Kept {
    form: u32,
    runs: HashMap<String, Note>,
}

#[derive(Serialize)]
struct KeptRef<'a> {
    form: u32,
    runs: &'a HashMap<String, Note>,
}

impl Notes {
    /// Notes that are kept in memory alone.
    pub fn none() -> Self {
        Notes { file: None, runs: HashMap::new(), is_changed: false, _lock: None }
    }

    /// The notes about `source` and `destination` below `state_home`, locked against another sync of the two unless they
    /// are `only_read`. Where there is no place for notes, that is said, and nothing is noted.
    ///
    /// # Errors
    /// That another sync is at work, or that they cannot be read.
    pub fn open(state_home: Option<&Path>, source: &str, destination: &str, only_read: bool) -> anyhow::Result<Self> {
        let Some(home) = state_home else { return Ok(Notes::none()) };
        let directory = home.join("windvane/sync");
        let name = hexadecimal(&Sha256::digest(format!("{source}\0{destination}")))[..32].to_owned();

        let file = directory.join(format!("{name}.json"));
        if only_read {
            return Ok(Notes { runs: read(&file)?, ..Notes::none() });
        }
        if let Err(error) = DirBuilder::new().recursive(true).mode(0o700).create(&directory) {
            eprintln!(
                "windvane: the next sync will compare everything again: cannot make {}: {error}; XDG_STATE_HOME can name \
                 another place",
                directory.display()
            );
            return Ok(Notes::none());
        }
        let lock = directory.join(format!("{name}.lock"));
        let lock_file = OpenOptions::new().create(true).append(true).mode(0o600).open(&lock);
        let lock_file = lock_file.with_context(|| format!("cannot open {}", lock.display()))?;
        match lock_file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("another sync from {source} to {destination} is at work"),
            // A file system without locks: two syncs at once are slower, not wrong.
            Err(TryLockError::Error(_)) => {}
        }

        Ok(Notes { runs: read(&file)?, file: Some(file), is_changed: false, _lock: Some(lock_file) })
    }

    /// What was noted of a run.
    pub fn get(&self, run_id: &str) -> Option<&Note> {
        self.runs.get(run_id)
    }

    /// Notes that all of a run has arrived.
    pub fn set(&mut self, run_id: &str, note: Note) {
        if self.runs.get(run_id) != Some(&note) {
            self.runs.insert(run_id.to_owned(), note);
            self.is_changed = true;
        }
    }

    /// Writes what has changed.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn save(&mut self) -> anyhow::Result<()> {
        let Some(file) = self.file.as_ref().filter(|_| self.is_changed) else { return Ok(()) };
        let text = serde_json::to_vec(&KeptRef { form: FORM, runs: &self.runs })?;
        let new = file.with_extension("new");
        let write = || {
            let mut out = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
            out.write_all(&text)?;
            std::fs::rename(&new, file)
        };
        write().with_context(|| format!("cannot write {}", file.display()))?;
        self.is_changed = false;
        Ok(())
    }
}

/// What is noted in a file; nothing in one that is not there or cannot be understood.
fn read(file: &Path) -> anyhow::Result<HashMap<String, Note>> {
    let kept = match std::fs::read(file) {
        Ok(text) => serde_json::from_slice(&text).ok().filter(|kept: &Kept| kept.form == FORM),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };
    Ok(kept.map(|kept| kept.runs).unwrap_or_default())
}

/// What is noted of the tags of a run.
pub fn tags_note(tags: &[KeyValue]) -> BTreeMap<String, String> {
    tags.iter().map(|tag| (tag.key.clone(), tag_note(&tag.value))).collect()
}

/// What is noted of a tag's value.
pub fn tag_note(value: &str) -> String {
    hexadecimal(&Sha256::digest(value)[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(mark: &str) -> Note {
        Note { mark: mark.to_owned(), state: "1".to_owned(), tags: BTreeMap::new(), files: BTreeMap::new() }
    }

    #[test]
    fn what_was_noted_is_there_the_next_time_for_the_same_two_places_alone() {
        let home = tempfile::tempdir().unwrap();
        let open = |destination| Notes::open(Some(home.path()), "/src", destination, false).unwrap();
        let mut notes = open("http://a");
        notes.set("run", note("m"));
        notes.save().unwrap();
        notes.set("other", note("m"));
        drop(notes);

        let again = open("http://a");
        assert_eq!(again.get("run"), Some(&note("m")));
        assert_eq!(again.get("other"), None, "it was not saved");
        assert_eq!(open("http://b").get("run"), None);
    }

    #[test]
    fn a_second_sync_is_told_of_the_first() {
        let home = tempfile::tempdir().unwrap();
        let first = Notes::open(Some(home.path()), "/src", "http://a", false).unwrap();

        let second = Notes::open(Some(home.path()), "/src", "http://a", false).unwrap_err().to_string();

        assert_eq!(second, "another sync from /src to http://a is at work");
        drop(first);
        Notes::open(Some(home.path()), "/src", "http://a", false).unwrap();
    }

    #[test]
    fn notes_that_cannot_be_understood_are_none() {
        let home = tempfile::tempdir().unwrap();
        let mut notes = Notes::open(Some(home.path()), "/src", "http://a", false).unwrap();
        notes.set("run", note("m"));
        notes.save().unwrap();
        std::fs::write(notes.file.clone().unwrap(), "{\"form\": 1, \"runs\": [").unwrap();
        drop(notes);

        assert_eq!(Notes::open(Some(home.path()), "/src", "http://a", false).unwrap().get("run"), None);
    }
}
