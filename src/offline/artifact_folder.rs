//! A directory of artifacts.

use std::fs::File;

use super::folder::{Folder, Step, modified_ns, reason, shown, walk};
use super::{Files, MAX_FILES, OfflineFile, problem};
use crate::artifacts::ArtifactPath;

/// The files of a directory of artifacts, with what cannot be read.
///
/// # Errors
/// Where there are too many.
pub(super) fn list(artifacts: &Folder) -> anyhow::Result<Files> {
    let mut found = Files::default();
    walk(artifacts, MAX_FILES, &mut |holder, path, step| {
        let refused = match step {
            Step::Folder => return Ok(()),
            Step::Refused(why) => why,
            Step::File(entry) => match std::str::from_utf8(path).map(ArtifactPath::parse) {
                Err(_) => "its name is not UTF-8".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Ok(Ok(path)) => match holder.stat(&entry.name) {
                    Ok(None) => return Ok(()),
                    Ok(Some(stat)) => {
                        let size_bytes = u64::try_from(stat.st_size).unwrap_or(0);
                        let path = path.as_str().to_owned();
                        found.files.push(OfflineFile { path, size_bytes, modified_ns: modified_ns(&stat) });
                        return Ok(());
                    }
                    Err(error) => reason(&error),
                },
            },
        };
        found.problems.push(problem(&format!("artifacts/{}", shown(path)), refused));
        Ok(())
    })?;
    found.files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// Opens a file by its path below `folder`; `None` if it is absent.
pub(super) fn open_below(folder: &Folder, path: &str) -> anyhow::Result<Option<File>> {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    let Some(holder) = folder.descend(above)? else { return Ok(None) };
    Ok(holder.file(name)?.map(|(file, _)| file))
}
