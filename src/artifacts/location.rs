//! Which directory a location means, and whose it is (product.md section 2, "What the server opens").
//!
//! A location is a text that clients may have chosen. It opens a directory only in two cases: it lies in the server's own
//! store, in a part that belongs to the experiment, or it is exactly what the server itself would have chosen in a
//! directory that its administrator named. Everything else is a label.

use percent_encoding::percent_decode_str;

use super::ArtifactPath;

/// A run or a logged model, which has a directory of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner<'a> {
    /// A run.
    Run {
        /// Its experiment.
        experiment_id: i64,
        /// Its public id.
        run_id: &'a str,
    },
    /// A logged model.
    Model {
        /// Its experiment.
        experiment_id: i64,
        /// Its public id.
        model_id: &'a str,
    },
}

impl Owner<'_> {
    fn experiment_id(&self) -> i64 {
        match self {
            Owner::Run { experiment_id, .. } | Owner::Model { experiment_id, .. } => *experiment_id,
        }
    }

    /// The directory beneath an artifact root, where nobody chose another.
    pub(super) fn default_directory(&self) -> String {
        match self {
            Owner::Run { experiment_id, run_id } => format!("{experiment_id}/{run_id}/artifacts"),
            Owner::Model { experiment_id, model_id } => format!("{experiment_id}/models/{model_id}/artifacts"),
        }
    }
}

/// To whom a path of the own store belongs by its first component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// The directory of the experiment of this number.
    Experiment(i64),
    /// To whoever claimed a directory above it, or nobody.
    Elsewhere,
}

/// To whom `path` belongs by its first component; a number is an experiment's, whether there is one or not.
pub fn home(path: &ArtifactPath) -> Home {
    let number = path.components().next().filter(|first| first.bytes().all(|byte| byte.is_ascii_digit()));
    number.and_then(|first| first.parse().ok()).map_or(Home::Elsewhere, Home::Experiment)
}

/// The directory in the own store that a location names: `mlflow-artifacts:` without a host. Clients put a location into
/// the path of a URL, from which one encoding is removed on its way here.
pub fn own_path(location: &str) -> Option<ArtifactPath> {
    let path = location.strip_prefix("mlflow-artifacts:")?;
    // An empty authority means this server, as none does.
    let path = match path.strip_prefix("//") {
        Some(path) => path.strip_prefix('/')?,
        None => path.strip_prefix('/').unwrap_or(path),
    };
    if path.contains('?') {
        return None;
    }
    ArtifactPath::parse(&percent_decode_str(path).decode_utf8().ok()?).ok()
}

/// The directory of the own store that holds the files of `owner`. That no other experiment has claimed it is seen to
/// where a location is chosen; directories named by numbers belong to the experiments of these numbers.
pub(super) fn own_directory(owner: Owner<'_>, artifact_uri: &str) -> Option<ArtifactPath> {
    let path = own_path(artifact_uri).filter(|path| !path.is_root())?;
    let first = path.components().next()?;
    let is_its_own = match home(&path) {
        Home::Experiment(_) => first == owner.experiment_id().to_string(),
        Home::Elsewhere => true,
    };
    is_its_own.then_some(path)
}

/// The path on this machine that a location names: `file:` without a host, or an absolute path.
pub(super) fn local_path(location: &str) -> Option<String> {
    let Some(rest) = location.strip_prefix("file:") else {
        return location.starts_with('/').then(|| location.to_owned());
    };
    let path = match rest.strip_prefix("//") {
        Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
        None => rest,
    };
    let path = percent_decode_str(path).decode_utf8().ok()?;
    path.starts_with('/').then(|| path.into_owned())
}

/// The directory of one run or model that `path` is, or lies in, where the experiment's own directory has `depth`
/// components: `<home>/<run>/artifacts` or `<home>/models/<model>/artifacts`.
pub fn directory_around(path: &ArtifactPath, depth: usize) -> Option<ArtifactPath> {
    let of_models = matches!(path.components().nth(depth), Some("models" | "traces"));
    path.ancestor(depth + if of_models { 3 } else { 2 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Owner<'static> = Owner::Run { experiment_id: 7, run_id: "r" };

    #[test]
    fn a_run_has_a_directory_only_in_its_own_part_of_the_store() {
        let opened = [
            ("mlflow-artifacts:/7/r/artifacts", "7/r/artifacts"),
            ("mlflow-artifacts:7/r/artifacts", "7/r/artifacts"),
            ("mlflow-artifacts:///7/r/artifacts", "7/r/artifacts"),
            ("mlflow-artifacts:/team/x/r/artifacts", "team/x/r/artifacts"),
            ("mlflow-artifacts:/my%20team/r/artifacts", "my team/r/artifacts"),
            (
                "mlflow-artifacts:/0123456789abcdef0123456789abcdef/artifacts",
                "0123456789abcdef0123456789abcdef/artifacts",
            ),
        ];
        for (uri, root) in opened {
            assert_eq!(own_directory(RUN, uri).expect(uri).as_str(), root);
        }

        let labels = [
            "mlflow-artifacts:/8/r/artifacts",
            "mlflow-artifacts:/%38/r/artifacts",
            "mlflow-artifacts:/07/r/artifacts",
            "mlflow-artifacts:/./8/r/artifacts",
            "mlflow-artifacts:////8/r/artifacts",
            "mlflow-artifacts://host:22/7/r/artifacts",
            "mlflow-artifacts:/../..",
            "mlflow-artifacts:/7/../8",
            "mlflow-artifacts:/%2e%2e/8",
            "mlflow-artifacts:/7/r?x=1",
            "mlflow-artifacts:/",
            "mlflow-artifacts:",
            "/etc",
            "file:///etc",
            "s3://bucket/7/r/artifacts",
            "http://x/?/../../etc",
            "",
        ];
        for uri in labels {
            assert_eq!(own_directory(RUN, uri), None, "{uri}");
        }
    }

    #[test]
    fn a_local_path_is_absolute_and_names_no_host() {
        for (location, path) in [
            ("/project/a b", "/project/a b"),
            ("/project/a%20b", "/project/a%20b"),
            ("file:///project/a%20b", "/project/a b"),
            ("file:/project", "/project"),
            ("file://localhost/project", "/project"),
        ] {
            assert_eq!(local_path(location).as_deref(), Some(path), "{location}");
        }
        for location in ["file://host/project", "file:project", "project", "s3://x/y", "", "file://localhostx/y"] {
            assert_eq!(local_path(location), None, "{location}");
        }
    }

    #[test]
    fn the_directory_of_a_run_or_model_is_found_around_what_lies_in_it() {
        let around = |text: &str, depth| {
            let path = ArtifactPath::parse(text).unwrap();
            directory_around(&path, depth).map(|directory| directory.as_str().to_owned())
        };

        assert_eq!(around("7/r/artifacts/a/b", 1).as_deref(), Some("7/r/artifacts"));
        assert_eq!(around("7/r/artifacts", 1).as_deref(), Some("7/r/artifacts"));
        assert_eq!(around("7/models/m-1/artifacts/MLmodel", 1).as_deref(), Some("7/models/m-1/artifacts"));
        assert_eq!(around("team/x/r/artifacts/a", 2).as_deref(), Some("team/x/r/artifacts"));
        for shallow in ["7", "7/r", "7/models", "7/models/m-1", "7/traces/t"] {
            assert_eq!(around(shallow, 1), None, "{shallow}");
        }
    }
}
