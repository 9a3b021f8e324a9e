//! Which kind of source lies at a place that a user names.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use percent_encoding::percent_decode_str;

use super::folder::{Folder, Kind, kind_of};
use super::{file_store, windvane};

/// How an SQLite database begins.
const SQLITE: &[u8; 16] = b"SQLite format 3\0";
/// The name that MLflow and Anemoi give their database.
const DATABASE: &str = "mlflow.db";

/// What lies there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recognised {
    /// A file store, and its root.
    FileStore(PathBuf),
    /// A file that is an SQLite database.
    Database(PathBuf),
    /// A Windvane data directory.
    Windvane(PathBuf),
}

/// Looks at what lies at `path`, which may also be written as MLflow's `file://…` or `sqlite:///…`.
///
/// # Errors
/// Where there is nothing, or nothing known, or more than one.
pub(super) fn recognise(path: &Path) -> anyhow::Result<Recognised> {
    let text = path.to_str().unwrap_or_default();
    if let Some(file) = text.strip_prefix("sqlite:") {
        // As SQLAlchemy reads it: three slashes before a relative path, four before an absolute one.
        let file = file.strip_prefix("///").with_context(|| format!("'{text}': write sqlite:///PATH"))?;
        let file = file.split('?').next().unwrap_or_default();
        return recognise_file(Path::new(file)).with_context(|| quoted(Path::new(file)));
    }
    if let Some(place) = text.strip_prefix("file:") {
        let place = local_path(place).with_context(|| format!("'{text}' names no file of this machine"))?;
        // Said with MLflow's word for a file store, so a database beside it is not meant.
        if place.is_dir() {
            let root = file_store::root_of(&place).with_context(|| quoted(&place))?;
            return root.map(Recognised::FileStore).with_context(|| nothing_in(&place));
        }
        return recognise_file(&place).with_context(|| quoted(&place));
    }
    let metadata = std::fs::metadata(path).with_context(|| quoted(path))?;
    if metadata.is_dir() {
        recognise_directory(path).with_context(|| quoted(path))
    } else {
        recognise_file(path).with_context(|| quoted(path))
    }
}

fn recognise_directory(path: &Path) -> anyhow::Result<Recognised> {
    let folder = Folder::open(path)?.context("it is gone")?;
    let kind = |name: &str| folder.stat(name).map(|stat| stat.as_ref().map(kind_of));
    match kind(windvane::DATABASE)? {
        None => {}
        Some(Kind::File) => return Ok(Recognised::Windvane(path.to_owned())),
        Some(_) => bail!("'{}' in it is a link or no ordinary file", windvane::DATABASE),
    }
    let has_database = match kind(DATABASE)? {
        None => false,
        Some(Kind::File) => true,
        Some(_) => bail!("'{DATABASE}' in it is a link or no ordinary file; name the database itself"),
    };
    // Directories of artifacts, as `mlartifacts` and `mlruns` beside a database, have no `meta.yaml`.
    let root = file_store::root_of(path)?;
    match (has_database, root) {
        (true, None) => recognise_file(&path.join(DATABASE)),
        (false, Some(root)) => Ok(Recognised::FileStore(root)),
        (true, Some(root)) => bail!(
            "it holds both a database and a file store; name one of them: '{}' or 'file://{}'",
            path.join(DATABASE).display(),
            std::path::absolute(&root).unwrap_or(root).display()
        ),
        (false, None) => bail!(nothing_in(path)),
    }
}

fn recognise_file(path: &Path) -> anyhow::Result<Recognised> {
    // Not opened before it is known to be a file: opening a pipe would wait for a writer.
    ensure!(std::fs::metadata(path)?.is_file(), "it is neither a directory nor a file");
    let mut beginning = Vec::with_capacity(SQLITE.len());
    File::open(path)?.take(SQLITE.len() as u64).read_to_end(&mut beginning)?;
    ensure!(beginning == SQLITE, "it is no SQLite database; looked for MLflow's, or a directory with runs");
    Ok(Recognised::Database(path.to_owned()))
}

/// The path of a `file:` URL without its scheme.
fn local_path(url: &str) -> Option<PathBuf> {
    let path = match url.strip_prefix("//") {
        Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
        None => url,
    };
    let decoded: Vec<u8> = percent_decode_str(path).collect();
    path.starts_with('/').then(|| PathBuf::from(OsString::from_vec(decoded)))
}

fn nothing_in(path: &Path) -> String {
    format!(
        "no runs in '{}': looked for experiments of an MLflow file store (directories with a 'meta.yaml', here or in \
         'mlruns'), and for '{DATABASE}'",
        path.display()
    )
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}
