//! The configuration: flags over environment over file over defaults, with the origin of every value.
//!
//! `config.example.toml` is compiled in and *is* the defaults: an option exists because that file documents it, and has the
//! type of its default there. Whatever layer a value comes from, one parser reads it, so errors and limits are the same
//! everywhere. This is the only module that reads the environment.

mod client;
mod values;

use std::{
    collections::BTreeMap,
    fmt, io,
    ops::RangeInclusive,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

pub use client::{ClientSettings, Credential};
pub use values::{
    Database, ListenAddress, LogFormat, Prefix, SecretUrl, Synchronous, TlsFiles, TrustedProxy, host_name, redact,
};

/// The documented defaults, as `windvane config --example` prints them.
pub const EXAMPLE: &str = include_str!("../config.example.toml");

/// What every environment variable of ours begins with; the rest is the option's name in upper case.
const ENVIRONMENT_PREFIX: &str = "WINDVANE_";

const MIB: usize = 1024 * 1024;

/// The MiB that an amount of artifacts may have: up to an exbibyte.
const MIBS: RangeInclusive<i64> = 0..=1 << 40;

/// Everything the server can be told, valid as a whole.
#[derive(Debug, Clone)]
pub struct Config {
    /// The addresses to serve; at least one.
    pub listen: Vec<ListenAddress>,
    /// Whether addresses beyond this node may be served although there are no accounts.
    pub allow_open: bool,
    /// The mode of unix sockets: 0600, 0660 or 0666.
    pub unix_socket_mode: u32,
    /// What the TCP addresses speak TLS with, if they do.
    pub tls: Option<TlsFiles>,
    /// Whose headers about others are believed.
    pub trusted_proxies: Vec<TrustedProxy>,
    /// The header in which these name the user, in lower case.
    pub proxy_user_header: Option<String>,
    /// The path below which everything is served.
    pub prefix: Prefix,
    /// Further names of the server, in lower case: a name, `*.domain` or `*`.
    pub allowed_hosts: Vec<String>,
    /// Web origins that may call the API, in lower case: `scheme://host[:port]` or `*`.
    pub allowed_origins: Vec<String>,
    /// The server's own directory.
    pub data: PathBuf,
    /// Where runs are kept.
    pub database: Database,
    /// The directory of the artifacts that the server keeps.
    pub artifacts: PathBuf,
    /// What new experiments get as `artifact_location`, before their id.
    pub default_artifact_root: String,
    /// Absolute directories that clients write artifacts to and the server only reads: the default root, if it is one, and
    /// those that were it once.
    pub shared_roots: Vec<PathBuf>,
    /// Whether clients may send artifacts through this server.
    pub serve_artifacts: bool,
    /// The largest artifact in bytes; 0 for no limit.
    pub artifact_file_limit: u64,
    /// What the artifacts of a run may take up, in bytes; 0 for no limit.
    pub artifact_run_limit: u64,
    /// How many artifacts a run may have; 0 for no limit.
    pub artifact_run_files: u64,
    /// What uploads leave free, in bytes.
    pub artifact_free_space: u64,
    /// How many files uploads leave free.
    pub artifact_free_files: u64,
    /// What SQLite flushes before it acknowledges.
    pub synchronous: Synchronous,
    /// Whether SQLite may lie on a network file system.
    pub allow_network_filesystem: bool,
    /// Whether over-long params and tags are cut rather than refused.
    pub truncate_long_values: bool,
    /// The largest JSON body in bytes.
    pub json_body_limit: usize,
    /// The largest body of `runs/log-inputs` in bytes.
    pub inputs_body_limit: usize,
    /// How many bytes of JSON bodies are held in memory at once.
    pub bodies_in_flight: usize,
    /// How many connections are served at once.
    pub max_connections: usize,
    /// How long an access token of Anemoi's login is accepted.
    pub access_token_lifetime: Duration,
    /// How log records are written.
    pub log_format: LogFormat,
    /// Which log records are written: a level, or levels by target.
    pub log_level: String,
    /// How long requests may go on after the first signal.
    pub shutdown_grace: Duration,
    /// Threads of the runtime.
    pub worker_threads: usize,
    /// The socket on which a service manager wants to hear that the server is ready.
    pub notify_socket: Option<PathBuf>,
    /// The name of this machine, under which it may be addressed.
    pub node_name: String,
    settings: Settings,
}

/// Why the configuration cannot be used: names the option, the value and where it was given.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A configuration file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => out.write_str("default"),
            Origin::File(path) => write!(out, "{}", path.display()),
            Origin::Environment(name) => out.write_str(name),
            Origin::Flag(flag) => out.write_str(flag),
        }
    }
}

/// A value given by a flag.
#[derive(Debug, Clone)]
pub struct Override {
    /// The option's name in the file.
    pub key: &'static str,
    /// The flag as the user wrote it, as `--host`.
    pub flag: &'static str,
    /// The text; one for each time a flag of a list was given.
    pub texts: Vec<String>,
}

/// What surrounds the process, as far as the configuration depends on it. A value, so that tests bring their own.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// The environment variables that can be read as text.
    pub environment: BTreeMap<String, String>,
    /// Where a configuration file is looked for when none is named; the first that exists is read.
    pub files: Vec<PathBuf>,
    /// The name of this machine.
    pub node_name: String,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_this_process() -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let files = vec![PathBuf::from("windvane.toml"), PathBuf::from("/etc/windvane/windvane.toml")];
        let node_name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Surroundings { environment, files, node_name }
    }
}

impl Config {
    /// Puts the layers together and checks the whole.
    ///
    /// `file` is the one that `--config` names. Nothing is opened or made but the configuration file.
    pub fn load(
        surroundings: &Surroundings,
        file: Option<&Path>,
        overrides: Vec<Override>,
    ) -> Result<Self, ConfigError> {
        let mut settings = Settings::defaults();
        let named = file.map(Path::to_owned).or_else(|| {
            let named = surroundings.environment.get("WINDVANE_CONFIG").filter(|path| !path.is_empty())?;
            Some(PathBuf::from(named))
        });
        match &named {
            Some(path) => settings.apply_file(path, true)?,
            None => {
                for path in &surroundings.files {
                    if path.exists() {
                        settings.apply_file(path, false)?;
                        break;
                    }
                }
            }
        }
        settings.apply_environment(&surroundings.environment)?;
        for Override { key, flag, texts } in overrides {
            settings.set_text(key, texts, Origin::Flag(flag))?;
        }
        Self::from_settings(settings, surroundings)
    }

    fn from_settings(mut settings: Settings, surroundings: &Surroundings) -> Result<Self, ConfigError> {
        let data: PathBuf = settings.get_with("data", |text| {
            if text.is_empty() { Err("the directory must not be empty".to_owned()) } else { Ok(text.into()) }
        })?;
        let database = settings.get_with("database", |text| match text {
            "" => Ok(Database::Sqlite(data.join("windvane.db"))),
            text => Database::parse(text),
        })?;
        let artifacts = settings.get_with("artifacts", |text| match text {
            "" => Ok(data.join("artifacts")),
            text => values::artifact_directory(text),
        })?;
        let default_artifact_root = settings.get_with("default_artifact_root", values::artifact_root)?;
        let mut shared_roots = settings.get_list("shared_roots", values::shared_root)?;
        shared_roots.extend(values::local_directory(&default_artifact_root));
        settings.show_effective("database", database.to_string());
        settings.show_effective("artifacts", artifacts.display().to_string());
        let config = Config {
            listen: settings.get("listen")?,
            allow_open: settings.get("allow_open")?,
            unix_socket_mode: settings.get_with("unix_socket_mode", values::socket_mode)?,
            tls: settings.tls_files()?,
            trusted_proxies: settings.get_list("trusted_proxies", values::trusted_proxy)?,
            proxy_user_header: settings.get_with("proxy_user_header", values::header_name)?,
            prefix: settings.get("prefix")?,
            allowed_hosts: settings.get_list("allowed_hosts", values::allowed_host)?,
            allowed_origins: settings.get_list("allowed_origins", values::origin)?,
            data,
            database,
            artifacts,
            default_artifact_root,
            shared_roots,
            serve_artifacts: settings.get("serve_artifacts")?,
            artifact_file_limit: settings.number("artifact_file_limit_mib", MIBS)? as u64 * MIB as u64,
            artifact_run_limit: settings.number("artifact_run_limit_mib", MIBS)? as u64 * MIB as u64,
            artifact_run_files: settings.number("artifact_run_files", 0..=i64::from(u32::MAX))? as u64,
            artifact_free_space: settings.number("artifact_free_space_mib", MIBS)? as u64 * MIB as u64,
            artifact_free_files: settings.number("artifact_free_files", 0..=i64::from(u32::MAX))? as u64,
            synchronous: settings.get("synchronous")?,
            allow_network_filesystem: settings.get("allow_network_filesystem")?,
            truncate_long_values: settings.get("truncate_long_values")?,
            json_body_limit: settings.number("json_body_limit_mib", 1..=1024)? * MIB,
            inputs_body_limit: settings.number("inputs_body_limit_mib", 1..=1024)? * MIB,
            bodies_in_flight: settings.number("bodies_in_flight_mib", 1..=1024)? * MIB,
            max_connections: settings.number("max_connections", 1..=1_000_000)?,
            access_token_lifetime: Duration::from_secs(settings.number("access_token_hours", 1..=720)? as u64 * 3_600),
            log_format: settings.get("log_format")?,
            log_level: settings.get_with("log_level", values::log_levels)?,
            shutdown_grace: Duration::from_secs(settings.number("shutdown_grace_s", 0..=3600)? as u64),
            worker_threads: settings.number("worker_threads", 1..=64)?,
            notify_socket: surroundings
                .environment
                .get("NOTIFY_SOCKET")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            node_name: surroundings.node_name.clone(),
            settings,
        };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.listen.is_empty() {
            return Err(self.settings.error("listen", "there must be at least one address, as 127.0.0.1:5000"));
        }
        if self.proxy_user_header.is_some() && self.trusted_proxies.is_empty() {
            let problem = "without trusted_proxies nobody's header is believed; name the address of the proxy there";
            return Err(self.settings.error("proxy_user_header", problem));
        }
        Ok(())
    }

    /// The first address that others than the server's own account reach.
    pub fn open_address(&self) -> Option<&ListenAddress> {
        self.listen.iter().find(|address| match address {
            ListenAddress::Unix(_) => self.unix_socket_mode != 0o600,
            ListenAddress::Tcp { .. } => !address.is_local(),
        })
    }

    /// Where the value of an option comes from.
    ///
    /// # Panics
    ///
    /// If there is no such option.
    pub fn origin(&self, key: &str) -> &Origin {
        &self.settings.0[key].origin
    }

    /// The configuration in force: one line for each option, valid as a file, with the origin as a comment and without
    /// passwords.
    pub fn describe(&self) -> String {
        self.settings.to_string()
    }
}

impl Default for Config {
    /// What is in force where nobody set anything, on a machine without a name.
    fn default() -> Self {
        Config::load(&Surroundings::default(), None, Vec::new()).expect("a test loads the defaults")
    }
}

#[derive(Debug, Clone)]
struct Setting {
    value: Value,
    origin: Origin,
}

/// Every option with its value, by name.
#[derive(Clone)]
struct Settings(BTreeMap<String, Setting>);

impl Settings {
    fn defaults() -> Self {
        let table: Table = EXAMPLE.parse().expect("a test reads the example");
        let setting = |(key, value)| (key, Setting { value, origin: Origin::Default });
        Settings(table.into_iter().map(setting).collect())
    }

    fn apply_file(&mut self, path: &Path, named: bool) -> Result<(), ConfigError> {
        let in_file = |message: String| ConfigError(format!("configuration file {}: {message}", path.display()));
        let read = || -> io::Result<(String, u32)> {
            Ok((std::fs::read_to_string(path)?, std::fs::metadata(path)?.permissions().mode()))
        };
        let (text, mode) = read().map_err(|error| {
            let hint = if named { "" } else { "; name another one with --config" };
            in_file(format!("cannot read it: {error}{hint}"))
        })?;
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            // The error's own display quotes the line, which may hold a password.
            let before = error.span().map_or("", |span| text.get(..span.start).unwrap_or(""));
            in_file(format!("line {}: {}", before.matches('\n').count() + 1, error.message()))
        })?;
        if mode & 0o002 != 0 {
            return Err(in_file("everyone on this node may change it; say `chmod o-w` on it".to_owned()));
        }
        let holds_password = table.values().filter_map(Value::as_str).any(|text| redact(text) != text);
        if holds_password && mode & 0o004 != 0 {
            return Err(in_file(
                "it holds a password and everyone on this node may read it; say `chmod 600` on it".into(),
            ));
        }
        for (key, value) in table {
            let origin = Origin::File(path.to_owned());
            self.require_known(&key, &origin, &key)?;
            self.set_value(&key, value, origin)?;
        }
        Ok(())
    }

    fn apply_environment(&mut self, environment: &BTreeMap<String, String>) -> Result<(), ConfigError> {
        for (name, text) in environment {
            let Some(rest) = name.strip_prefix(ENVIRONMENT_PREFIX) else { continue };
            // Kubernetes describes a service called `windvane` to every pod beside it with variables of these names.
            let of_kubernetes = rest == "PORT" || rest.starts_with("PORT_") || rest.starts_with("SERVICE_");
            if rest == "CONFIG" || of_kubernetes {
                continue;
            }
            let key = rest.to_ascii_lowercase();
            let origin = Origin::Environment(name.clone());
            self.require_known(&key, &origin, name)?;
            let texts = match self.0[&key].value {
                Value::Array(_) => {
                    text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
                }
                _ => vec![text.clone()],
            };
            self.set_text(&key, texts, origin)?;
        }
        Ok(())
    }

    /// `written` is the name as the user wrote it.
    fn require_known(&self, key: &str, origin: &Origin, written: &str) -> Result<(), ConfigError> {
        if self.0.contains_key(key) {
            return Ok(());
        }
        let nearest = self.0.keys().min_by_key(|known| edit_distance(known, key)).expect("there are options");
        let (nearest, place) = match origin {
            Origin::Environment(_) => {
                (format!("{ENVIRONMENT_PREFIX}{}", nearest.to_ascii_uppercase()), "environment".into())
            }
            origin => (nearest.clone(), origin.to_string()),
        };
        Err(ConfigError(format!(
            "unknown option `{written}` ({place}); did you mean `{nearest}`? `windvane config --example` lists all options"
        )))
    }

    /// Sets an option from text, read as its default's type.
    fn set_text(&mut self, key: &str, mut texts: Vec<String>, origin: Origin) -> Result<(), ConfigError> {
        let like = &self.0[key].value;
        let value = match like {
            Value::Array(_) => Value::Array(texts.into_iter().map(Value::String).collect()),
            _ => {
                let text = texts.pop().unwrap_or_default();
                let parsed = match like {
                    Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
                    Value::Integer(_) => text.parse().ok().map(Value::Integer),
                    _ => Some(Value::String(text.clone())),
                };
                parsed.unwrap_or(Value::String(text))
            }
        };
        self.set_value(key, value, origin)
    }

    fn set_value(&mut self, key: &str, value: Value, origin: Origin) -> Result<(), ConfigError> {
        let setting = self.0.get_mut(key).expect("the name of an option");
        let value = match (&setting.value, value) {
            // One address is written more naturally without brackets.
            (Value::Array(_), Value::String(text)) => Value::Array(vec![Value::String(text)]),
            (_, value) => value,
        };
        let wanted = match &setting.value {
            Value::Array(_) => "a list of texts",
            Value::Boolean(_) => "true or false",
            Value::Integer(_) => "a whole number",
            _ => "a text",
        };
        let same_type =
            setting.value.same_type(&value) && value.as_array().is_none_or(|items| items.iter().all(Value::is_str));
        let problem = format!("{} is not {wanted}", redacted(&value));
        *setting = Setting { value, origin };
        if same_type { Ok(()) } else { Err(self.error(key, &problem)) }
    }

    fn error(&self, key: &str, problem: &str) -> ConfigError {
        ConfigError(format!("option `{key}` ({}): {problem}", self.0[key].origin))
    }

    fn get<T: DeserializeOwned>(&self, key: &str) -> Result<T, ConfigError> {
        T::deserialize(self.0[key].value.clone()).map_err(|error| self.error(key, error.message()))
    }

    fn get_with<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, ConfigError> {
        let text: String = self.get(key)?;
        parse(&text).map_err(|problem| self.error(key, &problem))
    }

    fn get_list<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, ConfigError> {
        let texts: Vec<String> = self.get(key)?;
        texts.iter().map(|text| parse(text).map_err(|problem| self.error(key, &problem))).collect()
    }

    fn number(&self, key: &str, range: RangeInclusive<i64>) -> Result<usize, ConfigError> {
        let number: i64 = self.get(key)?;
        match usize::try_from(number) {
            Ok(wanted) if range.contains(&number) => Ok(wanted),
            _ => Err(self.error(key, &format!("{number} is not between {} and {}", range.start(), range.end()))),
        }
    }

    /// The options `tls_certificate` and `tls_key`, which need each other.
    fn tls_files(&self) -> Result<Option<TlsFiles>, ConfigError> {
        let (certificate, key): (PathBuf, PathBuf) = (self.get("tls_certificate")?, self.get("tls_key")?);
        match (certificate.as_os_str().is_empty(), key.as_os_str().is_empty()) {
            (true, true) => Ok(None),
            (false, false) => Ok(Some(TlsFiles { certificate, key })),
            (false, true) => Err(self.error("tls_certificate", "it needs its private key; name the file in tls_key")),
            (true, false) => Err(self.error("tls_key", "it needs its certificate; name the file in tls_certificate")),
        }
    }

    /// Shows what an option amounts to when it is left empty.
    fn show_effective(&mut self, key: &str, text: String) {
        if let Some(setting) = self.0.get_mut(key) {
            setting.value = Value::String(text);
        }
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, Setting { value, origin }) in &self.0 {
            writeln!(out, "{key} = {}  # {origin}", redacted(value))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.to_string())
    }
}

fn redacted(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(redact(text)),
        Value::Array(items) => Value::Array(items.iter().map(redacted).collect()),
        other => other.clone(),
    }
}

/// How many characters must be put in, taken out or changed to make one text of the other (Levenshtein).
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, left) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in right.iter().enumerate() {
            let changed = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}
