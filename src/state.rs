//! What every handler has at hand.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::access::Access;
use crate::artifacts::ArtifactStore;
use crate::artifacts::location::own_path;
use crate::config::{Config, Database, Synchronous};
use crate::error::Result;
use crate::files::{Files, Limits};
use crate::store::{ArtifactRoot, Store, StoreOptions};
use crate::telemetry::Metrics;
use crate::validate::LongValues;

/// Tells the time in milliseconds since the epoch. Tests bring their own.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What handlers share; complete when made, cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// Experiments, runs and points.
    pub store: Store,
    /// Files, for reading.
    pub artifacts: ArtifactStore,
    /// Files, for storing and deleting.
    pub files: Files,
    /// Who has an account.
    pub access: Access,
    /// The time.
    pub clock: Clock,
    /// What the administrator chose about requests.
    pub options: ApiOptions,
    /// The figures at `/metrics`.
    pub metrics: Metrics,
    /// What this server shows, if it only shows something: then nobody changes anything by way of it.
    pub view_of: Option<Arc<str>>,
}

impl AppState {
    /// Opens the artifact store, and puts it together with the database as `config` says.
    ///
    /// # Errors
    /// Those of [`ArtifactStore::open`].
    pub fn open(config: &Config, store: Store, clock: Clock) -> Result<Self> {
        let artifacts = ArtifactStore::open(&config.artifacts, &config.shared_roots)?;
        let some = |limit: u64| (limit > 0).then_some(limit);
        let limits = Limits {
            file_bytes: some(config.artifact_file_limit),
            run_bytes: some(config.artifact_run_limit),
            run_files: some(config.artifact_run_files),
            free_bytes: config.artifact_free_space,
            free_files: config.artifact_free_files,
        };
        let options = ApiOptions {
            long_values: if config.truncate_long_values { LongValues::Cut } else { LongValues::Refuse },
            json_limit: config.json_body_limit,
            inputs_limit: config.inputs_body_limit,
            serve_artifacts: config.serve_artifacts,
        };
        let files = Files::new(artifacts.clone(), store.clone(), limits);
        let access = Access::new(store.accounts(), config.access_token_lifetime);
        Ok(AppState { store, artifacts, files, access, clock, options, metrics: Metrics::new(), view_of: None })
    }
}

/// What the administrator chose about requests.
#[derive(Debug, Clone, Copy)]
pub struct ApiOptions {
    /// What happens to values of params and tags that are too long.
    pub long_values: LongValues,
    /// The largest JSON body, in bytes.
    pub json_limit: usize,
    /// The largest body of `runs/log-inputs`, which carries schemas and profiles, in bytes.
    pub inputs_limit: usize,
    /// Whether files are served; if not, clients reach them at their locations themselves.
    pub serve_artifacts: bool,
}

/// How long one statement may read from the database.
const READ_LIMIT: Duration = Duration::from_secs(15);

/// How the database is opened that `config` names.
pub fn store_options(config: &Config) -> StoreOptions {
    StoreOptions {
        read_limit: READ_LIMIT,
        url: match &config.database {
            Database::Sqlite(path) => format!("sqlite:{}", path.display()),
            Database::Postgres(url) => url.expose().to_owned(),
        },
        synchronous_full: config.synchronous == Synchronous::Full,
        allow_network_filesystem: config.allow_network_filesystem,
        artifact_root: artifact_root(config),
    }
}

/// Where the artifacts of new experiments lie.
pub fn artifact_root(config: &Config) -> ArtifactRoot {
    let location = config.default_artifact_root.clone();
    ArtifactRoot { own_path: own_path(&location).map(|path| path.as_str().to_owned()), location }
}

/// The time of this machine.
#[expect(clippy::disallowed_methods, reason = "this is the one clock that everything else is given")]
pub fn system_clock() -> Clock {
    // Before 1970 only a machine without a clock would be; it gets the epoch.
    Arc::new(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64))
}
