//! The data directory: one process at a time, known to the others by its control socket.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::listen;
use crate::config::{Config, Database};

/// How long a second process waits for the first to say who it is.
const STATUS_TIMEOUT: Duration = Duration::from_secs(10);

/// What a server says about itself on its control socket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// Its process id.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// Where it listens, as URLs.
    pub listen: Vec<String>,
    /// Its data directory.
    pub data: PathBuf,
    /// How long it has been serving, in seconds.
    pub uptime_s: u64,
}

/// Holds the locks; the kernel releases them with the process, however that ends, so a lock is never stale.
#[derive(Debug)]
pub struct DataDirectory {
    _locks: Vec<File>,
}

impl DataDirectory {
    /// Makes the directory if it is missing, and locks it, and an SQLite database elsewhere, against a second process.
    pub fn lock(config: &Config) -> anyhow::Result<Self> {
        let data = &config.data;
        make(data)?;
        let mut locks = vec![lock_file(&data.join("windvane.lock"), config)?];
        if let Database::Sqlite(database) = &config.database {
            // By its real name: a link, or another server's data directory, leads to the same file.
            let parent = database.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let real = database.canonicalize().or_else(|_| {
                let name = database.file_name().unwrap_or_default();
                parent.canonicalize().map(|parent| parent.join(name))
            });
            let mut name = real.as_deref().unwrap_or(database).as_os_str().to_owned();
            name.push(".lock");
            locks.push(lock_file(Path::new(&name), config)?);
        }
        Ok(DataDirectory { _locks: locks })
    }
}

/// The path of the control socket.
pub fn control_socket(data: &Path) -> PathBuf {
    data.join("admin.sock")
}

/// Makes a directory of ours if it is missing. What hashes and keys lie in is for nobody else, whatever their group.
pub fn make(path: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("cannot make the directory {}", path.display()))?;
    let mode = std::fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?.mode();
    if mode & 0o002 != 0 {
        bail!(
            "everyone on this node may write to {}, and could replace what is kept there; say `chmod o-w {}`",
            path.display(),
            path.display()
        );
    }
    Ok(())
}

fn lock_file(path: &Path, config: &Config) -> anyhow::Result<File> {
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o640).open(path);
    let mut file = opened.with_context(|| format!("cannot open the lock file {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => bail!(in_use(&mut file, config)),
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| {
                format!(
                    "cannot lock {}: the file system there has no file locks that can be trusted; use --data with a \
                     directory on a local disk",
                    path.display()
                )
            });
        }
    }
    // For whoever finds the lock taken before this process answers on its control socket.
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())?;
    Ok(file)
}

/// Says who holds the lock, as far as that can be found out.
fn in_use(lock: &mut File, config: &Config) -> String {
    let data = config.data.display();
    let advice = "stop it, or give this one another directory with --data";
    if let Ok(status) = ask_status(&config.data) {
        let listen = status.listen.join(" and ");
        return format!("process {} already serves {data}, on {listen}; {advice}", status.pid);
    }
    let mut pid = String::new();
    match lock.read_to_string(&mut pid) {
        Ok(_) if !pid.trim().is_empty() => format!("process {} already uses {data}; {advice}", pid.trim()),
        _ => format!("another process already uses {data}; {advice}"),
    }
}

/// Asks the server of a data directory who it is.
fn ask_status(data: &Path) -> anyhow::Result<Status> {
    let mut stream = listen::connect(&control_socket(data))?;
    stream.set_read_timeout(Some(STATUS_TIMEOUT))?;
    stream.set_write_timeout(Some(STATUS_TIMEOUT))?;
    stream.write_all(b"GET /status HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    // A process that is not ours may sit behind the socket: it gets no more than this.
    io::Read::take(&mut stream, 64 * 1024).read_to_end(&mut answer)?;
    let body = answer.windows(4).position(|window| window == b"\r\n\r\n").context("no HTTP answer")? + 4;
    Ok(serde_json::from_slice(&answer[body..])?)
}
