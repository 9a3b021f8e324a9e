//! The mark of a run of a file store.

use std::io;

use super::meta::META;
use crate::offline::folder::Folder;
use crate::offline::mark::Mark;
use crate::offline::{Look, MAX_FILES, MAX_NAMES, RunPlace};

/// The mark of the run in `folder`; `None` if it has vanished.
pub(super) fn of_folder(folder: &Folder, run: &RunPlace) -> io::Result<Option<Look>> {
    let mut mark = Mark::begin(run);
    let Some(stat) = folder.stat(META)? else { return Ok(None) };
    mark.stat(&stat);
    mark.files(folder, "tags", MAX_NAMES)?;
    mark.files(folder, "metrics", MAX_NAMES)?;
    mark.files(folder, "artifacts", MAX_FILES)?;
    mark.files(folder, "inputs", MAX_NAMES)?;
    mark.names(folder, "outputs")?;
    // A param never changes once it is written, and most files are params. (One that is being written is waited for when
    // the run is read.)
    mark.names(folder, "params")?;
    Ok(Some(mark.finish()))
}
