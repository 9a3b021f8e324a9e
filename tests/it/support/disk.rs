//! A disk that is easily filled.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::variable;

/// A file system in memory, of a few MiB; unmounted when dropped.
pub struct SmallDisk {
    directory: TempDir,
}

impl SmallDisk {
    /// Only root may mount; without it that is said, and is a failure in CI.
    pub fn mount() -> Option<Self> {
        let disk = SmallDisk { directory: tempfile::tempdir().unwrap() };
        let options = ["-t", "tmpfs", "-o", "size=24m,mode=0700", "windvane-test"];
        let output = Command::new("mount").args(options).arg(disk.directory.path()).output();
        if output.as_ref().is_ok_and(|output| output.status.success()) {
            return Some(disk);
        }
        assert!(variable("CI").is_none(), "a small file system cannot be mounted: {output:?}");
        eprintln!("a small file system cannot be mounted: nothing is known about a full disk");
        std::mem::forget(disk);
        None
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Takes all the space there is.
    pub fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let mut file = fs::File::create(&path).unwrap();
        for size in [1 << 20, 1 << 12, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}
