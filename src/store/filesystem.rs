//! Which file systems an embedded database may not be trusted to.

use std::path::Path;

use crate::error::{Error, Result};

/// The name of the network or user-space file system that `path`, or its nearest existing parent, lies on; `None` for
/// a local one. SQLite's write-ahead log needs shared memory and locks that these do not give across nodes
/// (<https://www.sqlite.org/wal.html>, <https://www.sqlite.org/howtocorrupt.html>, section 2.1).
///
/// # Errors
/// [`Error::Internal`] where the file system cannot be asked.
pub(super) fn network_filesystem(path: &Path) -> Result<Option<&'static str>> {
    let existing = path.ancestors().find(|candidate| candidate.exists());
    // A relative name without a directory lies in the working directory.
    let asked = existing.filter(|candidate| !candidate.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let answer = rustix::fs::statfs(asked).map_err(Error::internal)?;
    Ok(name_of(answer.f_type as u64))
}

/// The magic numbers are those of statfs(2) and of the file systems' own headers.
fn name_of(magic: u64) -> Option<&'static str> {
    // f_type is signed and narrower on some machines: compare 32 bits.
    match magic & 0xffff_ffff {
        0x6969 => Some("NFS"),
        0x0bd0_0bd0 => Some("Lustre"),
        0x4750_4653 => Some("GPFS"),
        0x1983_0326 => Some("BeeGFS"),
        0xff53_4d42 | 0xfe53_4d42 | 0x517b => Some("CIFS/SMB"),
        0x6573_5546 => Some("FUSE"),
        0x00c3_6400 => Some("Ceph"),
        0x5346_414f => Some("AFS"),
        0x0102_1997 => Some("9p"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_named_and_local_ones_are_not() {
        assert_eq!(name_of(0x6969), Some("NFS"));
        assert_eq!(name_of(0xffff_ffff_ff53_4d42), Some("CIFS/SMB"));
        assert_eq!(name_of(0xef53), None, "ext4");
        assert_eq!(name_of(0x5846_5342), None, "XFS");
    }

    #[test]
    fn the_nearest_existing_parent_is_asked() {
        let directory = tempfile::tempdir().unwrap();

        let answer = network_filesystem(&directory.path().join("not/there/yet.db"));

        assert!(answer.is_ok());
    }
}
