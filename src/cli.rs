//! The command line: what the flags are called, in MLflow's words too, and what they mean as options.

mod demo;
mod people;
mod sync;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use demo::DemoOptions;
pub use sync::{SyncFlags, ViewFlags};

pub use people::{
    PasswordFlags, RoleCommand, RoleOptions, StoreFlags, TokenCommand, TokenOptions, UserCommand, UserOptions,
};

use crate::config::{Config, ConfigError, Override, Surroundings, redact};

/// Records machine-learning trainings: a tracking server that speaks MLflow's REST API.
///
/// Start `windvane server`, then set MLFLOW_TRACKING_URI to the address it prints, and every MLflow client logs to it.
#[derive(Debug, Parser)]
#[command(name = "windvane", version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API and the web pages until a signal stops it
    ///
    /// Without any option it listens on 127.0.0.1:5000 and keeps everything in ./windvane-data. Every option can also be
    /// set in a file or in the environment; `windvane config --example` explains them all.
    Server(ServerOptions),
    /// Copy runs that were logged offline to a server, under their own ids
    ///
    /// Sends what is not there yet, so that it can be repeated, interrupted and run by cron. The server is asked for by
    /// --destination or MLFLOW_TRACKING_URI; credentials and certificates are taken from the environment variables of
    /// MLflow's own clients. Exit code 0: everything is there; 1: nothing is; 3: some runs are not.
    Sync(SyncFlags),
    /// Show the web pages on runs that were logged offline, without a server, and change nothing
    View(ViewFlags),
    /// Show the configuration that `windvane server` would use, and where each value comes from
    Config(ConfigOptions),
    /// Make, list and remove accounts, and change passwords
    User(UserOptions),
    /// Make, list and revoke tokens
    Token(TokenOptions),
    /// Say who may do what in which namespace
    Role(RoleOptions),
    /// Fill an empty data directory with example trainings, to look around in
    Demo(DemoOptions),
}

/// The flags of `windvane config`.
#[derive(Debug, Args)]
pub struct ConfigOptions {
    /// Print a complete configuration file that explains every option and holds the defaults
    #[arg(long, conflicts_with = "check")]
    pub example: bool,
    /// Print which permission every route needs, and who has it
    #[arg(long, conflicts_with_all = ["check", "example"])]
    pub permissions: bool,
    /// Say only whether the configuration is valid: exit code 0 or 2
    #[arg(long)]
    pub check: bool,
    /// The server's flags, to see their effect.
    #[command(flatten)]
    pub server: ServerOptions,
}

/// The flags of `windvane server`. All are text here: the configuration parses a value in one way, wherever it comes from.
#[derive(Debug, Default, Args)]
pub struct ServerOptions {
    /// Configuration file [default: ./windvane.toml, else /etc/windvane/windvane.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address to serve; may be given several times [default: 127.0.0.1:5000]
    ///
    /// A unix socket is the private choice: only your own account can use it.
    #[arg(long, value_name = "ADDR:PORT or unix:PATH")]
    listen: Vec<String>,
    /// Serve addresses beyond this node although there are no accounts: whoever reaches them can read and write everything
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    allow_open: Option<String>,
    /// Mode of the unix sockets: 0600, 0660 or 0666 [default: 0600]
    #[arg(long, value_name = "MODE")]
    unix_socket_mode: Option<String>,
    /// Certificate in PEM, with which all TCP addresses speak TLS; needs --tls-key [default: none, plain HTTP]
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<String>,
    /// Private key of the certificate in PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Proxy whose headers are believed: an IP address, a network, or unix; may be given several times
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    trusted_proxies: Vec<String>,
    /// Header in which a trusted proxy names the user
    #[arg(long, value_name = "NAME")]
    proxy_user_header: Option<String>,
    /// Serve everything below this path, as /mlflow
    #[arg(long, value_name = "PATH")]
    prefix: Option<String>,
    /// Name under which clients may address the server, besides localhost and private IP addresses; may be given several
    /// times
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    allowed_hosts: Vec<String>,
    /// Web origin (scheme and host) from which browsers may call the API; may be given several times
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',', alias = "cors-allowed-origins")]
    allowed_origins: Vec<String>,
    /// Directory of the server: database, artifacts, lock [default: ./windvane-data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Database: sqlite:PATH or postgres://USER@HOST:PORT/NAME [default: SQLite in the data directory]
    ///
    /// A password given here can be read by everyone on this node in the list of processes. Put it into the configuration
    /// file, into WINDVANE_DATABASE or into ~/.pgpass.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Directory of the artifacts that the server keeps [default: `artifacts` in the data directory]
    #[arg(long, value_name = "DIR")]
    artifacts: Option<String>,
    /// Where clients put the artifacts of new experiments [default: mlflow-artifacts:/, that is, through this server]
    #[arg(long, value_name = "URI")]
    default_artifact_root: Option<String>,
    /// Directory that clients write artifacts to directly, besides the default root; may be given several times
    #[arg(long = "shared-root", value_name = "DIR")]
    shared_roots: Vec<String>,
    /// Do not take or hand out artifacts
    #[arg(long)]
    no_serve_artifacts: bool,
    /// Largest artifact in MiB [default: no limit]
    #[arg(long, value_name = "MIB")]
    artifact_file_limit_mib: Option<String>,
    /// How much the artifacts of one run or logged model may take up in MiB [default: no limit]
    #[arg(long, value_name = "MIB")]
    artifact_run_limit_mib: Option<String>,
    /// How many artifacts one run or logged model may have [default: no limit]
    #[arg(long, value_name = "NUMBER")]
    artifact_run_files: Option<String>,
    /// What uploads leave free on the disk of the artifacts in MiB [default: 256]
    #[arg(long, value_name = "MIB")]
    artifact_free_space_mib: Option<String>,
    /// How many more files uploads leave possible there [default: 1000]
    #[arg(long, value_name = "NUMBER")]
    artifact_free_files: Option<String>,
    /// What SQLite flushes before it acknowledges: full or normal [default: full]
    #[arg(long, value_name = "HOW")]
    synchronous: Option<String>,
    /// Keep SQLite on a network file system, slower and for this process alone
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    allow_network_filesystem: Option<String>,
    /// Cut over-long params and tags (true) or refuse them (false) [default: true]
    #[arg(long, value_name = "BOOL")]
    truncate_long_values: Option<String>,
    /// Largest JSON body in MiB [default: 16]
    #[arg(long, value_name = "MIB")]
    json_body_limit_mib: Option<String>,
    /// Largest body of runs/log-inputs in MiB [default: 64]
    #[arg(long, value_name = "MIB")]
    inputs_body_limit_mib: Option<String>,
    /// JSON bodies held in memory at once in MiB [default: 32]
    #[arg(long, value_name = "MIB")]
    bodies_in_flight_mib: Option<String>,
    /// Connections served at once [default: 4096]
    #[arg(long, value_name = "NUMBER")]
    max_connections: Option<String>,
    /// Hours for which an access token of Anemoi's login is accepted [default: 12]
    #[arg(long, value_name = "HOURS")]
    access_token_hours: Option<String>,
    /// How log records are written: auto, human or json [default: auto]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Which log records are written: error, warn, info, debug or trace [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Seconds that running requests get to finish after the first signal [default: 30]
    #[arg(long, value_name = "SECONDS")]
    shutdown_grace_s: Option<String>,
    /// Threads that serve requests [default: 4]
    #[arg(long, value_name = "NUMBER")]
    worker_threads: Option<String>,
    /// The flags of `mlflow server`.
    #[command(flatten)]
    mlflow: MlflowOptions,
}

/// The flags of `mlflow server`, so that its unit file works with the command swapped.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Flags of `mlflow server`")]
struct MlflowOptions {
    /// Host of the address to serve [default: 127.0.0.1]
    #[arg(long, value_name = "HOST", conflicts_with = "listen")]
    host: Option<String>,
    /// Port of the address to serve [default: 5000]
    #[arg(long, short = 'p', value_name = "PORT", conflicts_with = "listen")]
    port: Option<u16>,
    /// Database in SQLAlchemy's words: sqlite:///PATH or postgresql://…; see --database
    #[arg(long, value_name = "URI", conflicts_with = "database")]
    backend_store_uri: Option<String>,
    /// The same as --artifacts
    #[arg(long, value_name = "DIR", conflicts_with = "artifacts")]
    artifacts_destination: Option<String>,
    /// The same as --prefix
    #[arg(long, value_name = "PATH", conflicts_with = "prefix")]
    static_prefix: Option<String>,
    /// Ignored: artifacts are served unless --no-serve-artifacts is given
    #[arg(long, conflicts_with = "no_serve_artifacts")]
    serve_artifacts: bool,
    /// Ignored: one process serves everything
    #[arg(long, short = 'w', value_name = "NUMBER")]
    workers: Option<String>,
    /// Ignored: there is no gunicorn here
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    gunicorn_opts: Option<String>,
    /// Ignored: there is no uvicorn here
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    uvicorn_opts: Option<String>,
    /// Ignored: there is no waitress here
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    waitress_opts: Option<String>,
    #[arg(long, hide = true)]
    app_name: Option<String>,
    #[arg(long, hide = true)]
    registry_store_uri: Option<String>,
    #[arg(long, hide = true)]
    artifacts_only: bool,
}

/// Why the command line or the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// A flag that is understood but cannot be followed.
    #[error("{0}")]
    Flag(String),
    /// A value, wherever it was given.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// A configuration and what its user should know about it.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Sentences about flags that have no effect or are unwise.
    pub warnings: Vec<String>,
}

impl ServerOptions {
    /// The configuration that follows from these flags, the environment and the file.
    pub fn load(&self, surroundings: &Surroundings) -> Result<Loaded, UsageError> {
        self.mlflow.refuse_unsupported()?;
        let config = Config::load(surroundings, self.config.as_deref(), self.overrides()?)?;
        let mut warnings = self.mlflow.ignored();
        if self.database.iter().chain(&self.mlflow.backend_store_uri).any(|url| redact(url) != *url) {
            warnings.push(
                "the database's password is on the command line, where everyone on this node can read it; put it into \
                 the configuration file, WINDVANE_DATABASE or ~/.pgpass"
                    .to_owned(),
            );
        }
        if !config.serve_artifacts && config.default_artifact_root.starts_with("mlflow-artifacts:") {
            warnings.push(
                "artifacts are not served, yet new experiments send them through this server; name a directory or \
                 bucket that clients reach with --default-artifact-root"
                    .to_owned(),
            );
        }
        Ok(Loaded { config, warnings })
    }

    fn overrides(&self) -> Result<Vec<Override>, UsageError> {
        let mut overrides = Vec::new();
        let mut set = |key, flag, texts: Vec<String>| {
            if !texts.is_empty() {
                overrides.push(Override { key, flag, texts });
            }
        };
        let given = |text: &Option<String>| text.iter().cloned().collect();
        set("listen", "--listen", self.listen.clone());
        set("allow_open", "--allow-open", given(&self.allow_open));
        set("unix_socket_mode", "--unix-socket-mode", given(&self.unix_socket_mode));
        set("tls_certificate", "--tls-certificate", given(&self.tls_certificate));
        set("tls_key", "--tls-key", given(&self.tls_key));
        set("trusted_proxies", "--trusted-proxies", self.trusted_proxies.clone());
        set("proxy_user_header", "--proxy-user-header", given(&self.proxy_user_header));
        set("prefix", "--prefix", given(&self.prefix));
        set("allowed_hosts", "--allowed-hosts", self.allowed_hosts.clone());
        set("allowed_origins", "--allowed-origins", self.allowed_origins.clone());
        set("data", "--data", given(&self.data));
        set("database", "--database", given(&self.database));
        set("artifacts", "--artifacts", given(&self.artifacts));
        set("default_artifact_root", "--default-artifact-root", given(&self.default_artifact_root));
        set("shared_roots", "--shared-root", self.shared_roots.clone());
        set("artifact_file_limit_mib", "--artifact-file-limit-mib", given(&self.artifact_file_limit_mib));
        set("artifact_run_limit_mib", "--artifact-run-limit-mib", given(&self.artifact_run_limit_mib));
        set("artifact_run_files", "--artifact-run-files", given(&self.artifact_run_files));
        set("artifact_free_space_mib", "--artifact-free-space-mib", given(&self.artifact_free_space_mib));
        set("artifact_free_files", "--artifact-free-files", given(&self.artifact_free_files));
        set("synchronous", "--synchronous", given(&self.synchronous));
        set("allow_network_filesystem", "--allow-network-filesystem", given(&self.allow_network_filesystem));
        set("truncate_long_values", "--truncate-long-values", given(&self.truncate_long_values));
        set("json_body_limit_mib", "--json-body-limit-mib", given(&self.json_body_limit_mib));
        set("inputs_body_limit_mib", "--inputs-body-limit-mib", given(&self.inputs_body_limit_mib));
        set("bodies_in_flight_mib", "--bodies-in-flight-mib", given(&self.bodies_in_flight_mib));
        set("max_connections", "--max-connections", given(&self.max_connections));
        set("access_token_hours", "--access-token-hours", given(&self.access_token_hours));
        set("log_format", "--log-format", given(&self.log_format));
        set("log_level", "--log-level", given(&self.log_level));
        set("shutdown_grace_s", "--shutdown-grace-s", given(&self.shutdown_grace_s));
        set("worker_threads", "--worker-threads", given(&self.worker_threads));
        if self.no_serve_artifacts {
            set("serve_artifacts", "--no-serve-artifacts", vec!["false".to_owned()]);
        }
        let mlflow = &self.mlflow;
        if mlflow.host.is_some() || mlflow.port.is_some() {
            let flag = if mlflow.host.is_some() { "--host" } else { "--port" };
            let host = mlflow.host.as_deref().unwrap_or("127.0.0.1");
            let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
            set("listen", flag, vec![format!("{host}:{}", mlflow.port.unwrap_or(5000))]);
        }
        if let Some(uri) = &mlflow.backend_store_uri {
            set("database", "--backend-store-uri", vec![from_sqlalchemy(uri)?]);
        }
        set("artifacts", "--artifacts-destination", given(&mlflow.artifacts_destination));
        set("prefix", "--static-prefix", given(&mlflow.static_prefix));
        Ok(overrides)
    }
}

impl MlflowOptions {
    fn refuse_unsupported(&self) -> Result<(), UsageError> {
        let refuse = |sentence: &str| Err(UsageError::Flag(sentence.to_owned()));
        if self.app_name.is_some() {
            return refuse(
                "--app-name: plug-in applications are Python code and cannot run here. For basic-auth, leave the flag \
                 out and keep the server on a unix socket (--listen unix:PATH) or behind a proxy that asks for passwords",
            );
        }
        if self.registry_store_uri.is_some() {
            return refuse(
                "--registry-store-uri: there is one database for everything; leave the flag out and name it \
                           with --backend-store-uri or --database",
            );
        }
        if self.artifacts_only {
            return refuse(
                "--artifacts-only: this server always serves tracking too; leave the flag out, and give \
                           clients its address as MLFLOW_TRACKING_URI",
            );
        }
        Ok(())
    }

    fn ignored(&self) -> Vec<String> {
        let one_process = "one process serves everything; see worker_threads in `windvane config --example`";
        [
            (self.workers.is_some(), "--workers", one_process),
            (self.gunicorn_opts.is_some(), "--gunicorn-opts", "there is no gunicorn here"),
            (self.uvicorn_opts.is_some(), "--uvicorn-opts", "there is no uvicorn here"),
            (self.waitress_opts.is_some(), "--waitress-opts", "there is no waitress here"),
            (self.serve_artifacts, "--serve-artifacts", "artifacts are served unless --no-serve-artifacts is given"),
        ]
        .into_iter()
        .filter(|(given, ..)| *given)
        .map(|(_, flag, why)| format!("{flag} has no effect: {why}"))
        .collect()
    }
}

/// The option `database` for a database URI as SQLAlchemy writes them: `sqlite:///x` is relative, `sqlite:////x` absolute,
/// and a driver may follow the dialect.
fn from_sqlalchemy(uri: &str) -> Result<String, UsageError> {
    let refuse = |sentence: &str| Err(UsageError::Flag(format!("--backend-store-uri {}: {sentence}", redact(uri))));
    let Some((scheme, rest)) = uri.split_once("://") else {
        return refuse(
            "this is a directory of MLflow's file store; runs are kept in SQLite or PostgreSQL. Name a database, as \
             sqlite:///windvane.db, or leave the flag out",
        );
    };
    let (dialect, _driver) = scheme.split_once('+').unwrap_or((scheme, ""));
    match dialect {
        "postgresql" | "postgres" => Ok(format!("postgres://{rest}")),
        "sqlite" => match rest.strip_prefix('/') {
            Some(path) if !path.is_empty() => Ok(format!("sqlite:{path}")),
            _ => refuse("it names no file; give sqlite:///PATH (relative) or sqlite:////PATH (absolute)"),
        },
        "mysql" | "mssql" => refuse("runs are kept in SQLite or PostgreSQL; give one of these"),
        _ => refuse("it is not a database; give sqlite:///PATH or postgresql://USER@HOST:PORT/NAME"),
    }
}
