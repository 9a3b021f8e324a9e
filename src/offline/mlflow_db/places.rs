//! Where the artifacts of a database's runs lie.
//!
//! The database says it as the machine that trained knew it. Directories are moved and copied, so what it says is one hint
//! among several, and never leads out of the directory of the database or that which the user named.

use std::path::{Component, Path, PathBuf};

use percent_encoding::percent_decode_str;

use crate::offline::folder::{Folder, reason, shown};
use crate::offline::{Problem, problem};

/// The directories that servers and clients of MLflow make beside a database, and the directory itself.
const USUAL: [&str; 4] = ["mlartifacts/", "mlruns/", "artifacts/", ""];

/// Where artifacts may lie.
#[derive(Debug)]
pub(super) struct Places {
    /// The directory of the database.
    directory: PathBuf,
    /// The directory that the user named.
    artifacts: Option<PathBuf>,
}

/// Where the artifacts of a run are.
#[derive(Debug)]
pub(super) enum Located {
    /// In this directory.
    Folder(FoundFolder),
    /// There are none.
    Nowhere,
    /// Where they are not read, and why.
    Unread(Problem),
}

/// A directory that was found.
#[derive(Debug)]
pub(super) struct FoundFolder {
    /// It itself.
    pub folder: Folder,
    /// The directory that it may not lead out of.
    pub base: PathBuf,
    /// Its path below that.
    pub path: String,
}

impl Places {
    /// The places of a database in `directory`.
    ///
    /// # Errors
    /// Where `artifacts` is no directory.
    pub fn new(directory: PathBuf, artifacts: Option<PathBuf>) -> anyhow::Result<Self> {
        if let Some(artifacts) = &artifacts {
            anyhow::ensure!(artifacts.is_dir(), "'{}' is no directory", artifacts.display());
        }
        Ok(Places { directory, artifacts })
    }

    /// Looks for the artifacts of a run, of which the database says that they are at `uri`.
    pub fn locate(&self, experiment_id: &str, run_id: &str, uri: &str) -> anyhow::Result<Located> {
        let mut search = Search::default();
        let usual = format!("{experiment_id}/{run_id}/artifacts");
        let said = local_path(uri);
        // An artifact server keeps what it calls `mlflow-artifacts:/1/…` in a directory of that name.
        let tail = said.as_deref().or(server_path(uri)).map(|path| tails(path, run_id)).unwrap_or_default();
        let lies_within = |base: &Path, path: &str| below(base, Path::new(path));

        for (base, prefixes) in
            self.artifacts.iter().map(|named| (named, &USUAL[3..])).chain([(&self.directory, &USUAL[..])])
        {
            let Some(folder) = Folder::open(base)? else { continue };
            for prefix in prefixes {
                if let Some(found) = search.try_at(&folder, base, &format!("{prefix}{usual}")) {
                    return Ok(Located::Folder(found));
                }
            }
            let said = said.as_deref().and_then(|path| lies_within(base, path));
            for path in said.iter().map(String::as_str).chain(tail.iter().copied()) {
                if let Some(found) = search.try_at(&folder, base, path) {
                    return Ok(Located::Folder(found));
                }
            }
        }
        if let Some(problem) = search.refused {
            return Ok(Located::Unread(problem));
        }
        Ok(match said {
            // Nothing there: a run that logged none has no directory.
            Some(path) if self.bases().any(|base| lies_within(base, &path).is_some()) => Located::Nowhere,
            _ if uri.is_empty() => Located::Nowhere,
            Some(path) => Located::Unread(problem(
                "artifacts",
                format!(
                    "they lie at '{}', which is outside the database's directory; --artifacts DIR names the directory \
                     that holds them",
                    shown(path.as_bytes())
                ),
            )),
            None if server_path(uri).is_some() => Located::Unread(problem(
                "artifacts",
                format!(
                    "a server keeps them as '{}'; --artifacts DIR names the directory that it keeps them in",
                    shown(uri.as_bytes())
                ),
            )),
            None => {
                let why = format!("they lie at '{}' and are not read", shown(without_secrets(uri).as_bytes()));
                Located::Unread(problem("artifacts", why))
            }
        })
    }

    fn bases(&self) -> impl Iterator<Item = &Path> {
        self.artifacts.as_deref().into_iter().chain([self.directory.as_path()])
    }
}

/// Tries one directory after the other.
#[derive(Default)]
struct Search {
    /// The first that is there and may not be read.
    refused: Option<Problem>,
}

impl Search {
    fn try_at(&mut self, folder: &Folder, base: &Path, path: &str) -> Option<FoundFolder> {
        let found = folder.descend(path).unwrap_or_else(|error| {
            self.refused.get_or_insert_with(|| {
                problem("artifacts", format!("'{}': {}", shown(path.as_bytes()), reason(&error)))
            });
            None
        });
        found.map(|folder| FoundFolder { folder, base: base.to_owned(), path: path.to_owned() })
    }
}

/// The path that a location names on the machine that wrote it.
fn local_path(uri: &str) -> Option<String> {
    if let Some(rest) = uri.strip_prefix("file:") {
        let path = rest.strip_prefix("//").map_or(rest, |rest| rest.strip_prefix("localhost").unwrap_or(rest));
        return percent_decode_str(path).decode_utf8().ok().map(Into::into);
    }
    let is_uri = uri.split_once(':').is_some_and(|(scheme, _)| !scheme.is_empty() && !scheme.contains('/'));
    (!uri.is_empty() && !is_uri).then(|| uri.to_owned())
}

/// The path at a server that keeps artifacts.
fn server_path(uri: &str) -> Option<&str> {
    let rest = uri.strip_prefix("mlflow-artifacts:")?;
    match rest.strip_prefix("//") {
        Some(with_host) => with_host.split_once('/').map(|(_, path)| path),
        None => Some(rest),
    }
}

/// `path` relative to `base`, if it lies there; a relative one does, as MLflow reads it.
fn below(base: &Path, path: &Path) -> Option<String> {
    let relative = if path.is_absolute() { path.strip_prefix(base).ok()? } else { path };
    let mut names = Vec::new();
    for component in relative.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(name) => names.push(name.to_str()?),
            _ => return None,
        }
    }
    Some(names.join("/"))
}

/// The ends of a path that still name the run, the longest first: of a directory that was moved, one of them is right.
fn tails<'a>(path: &'a str, run_id: &str) -> Vec<&'a str> {
    let path = path.trim_end_matches('/');
    let Some(last) = path.rfind(run_id) else { return Vec::new() };
    let starts = [0].into_iter().chain(path.match_indices('/').map(|(slash, _)| slash + 1));
    starts
        .take_while(|start| *start <= last)
        .map(|start| &path[start..])
        .filter(|tail| !tail.starts_with('/') && tail.split('/').all(|name| !matches!(name, "" | "." | "..")))
        .collect()
}

/// A location as it may be shown: without what may be a password or a signature.
fn without_secrets(uri: &str) -> String {
    let uri = uri.split(['?', '#']).next().unwrap_or_default();
    match (uri.split_once("://"), uri.find('@')) {
        (Some((scheme, rest)), Some(_)) => {
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            format!("{scheme}://{}/{path}", authority.rsplit('@').next().unwrap_or_default())
        }
        _ => uri.to_owned(),
    }
}
