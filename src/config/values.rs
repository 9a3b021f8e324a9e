//! The kinds of values that options have: each parses from text and explains what it would have taken.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    path::{Path, PathBuf},
    str::FromStr,
};

use ipnet::IpNet;
use serde::Deserialize;
use tracing_subscriber::filter::{LevelFilter, Targets};

/// One address to serve.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum ListenAddress {
    /// A TCP address.
    Tcp {
        /// An IP address or a name; IPv6 without brackets.
        host: String,
        /// The port; 0 takes any that is free.
        port: u16,
    },
    /// The path of a unix socket.
    Unix(PathBuf),
}

impl ListenAddress {
    /// Whether only this node reaches the address. A name other than `localhost` counts as reachable from elsewhere,
    /// because what it resolves to is not known until it is asked for and may change.
    pub fn is_local(&self) -> bool {
        match self {
            ListenAddress::Unix(_) => true,
            ListenAddress::Tcp { host, .. } => match host.parse::<IpAddr>() {
                Ok(address) => address.to_canonical().is_loopback(),
                Err(_) => host.eq_ignore_ascii_case("localhost"),
            },
        }
    }
}

impl TryFrom<String> for ListenAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused =
            || format!("'{text}' is not an address; give ADDR:PORT, as 127.0.0.1:5000 or [::1]:5000, or unix:PATH");
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(refused()) } else { Ok(ListenAddress::Unix(path.into())) };
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(refused)?;
        let port = port.parse().map_err(|_| refused())?;
        let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(host) => host,
            None if host.contains(':') => return Err(refused()),
            None => host,
        };
        if host.is_empty() || host.contains(['/', ' ', '[', ']']) {
            return Err(refused());
        }
        Ok(ListenAddress::Tcp { host: host.to_owned(), port })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddress::Tcp { host, port } if host.contains(':') => write!(out, "[{host}]:{port}"),
            ListenAddress::Tcp { host, port } => write!(out, "{host}:{port}"),
            ListenAddress::Unix(path) => write!(out, "unix:{}", path.display()),
        }
    }
}

/// A neighbour whose headers about others are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustedProxy {
    /// At one of these addresses.
    Network(IpNet),
    /// At a unix socket.
    Unix,
}

/// One of the option `trusted_proxies`.
pub(super) fn trusted_proxy(text: &str) -> Result<TrustedProxy, String> {
    if text == "unix" {
        return Ok(TrustedProxy::Unix);
    }
    let network = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    network
        .map(TrustedProxy::Network)
        .ok_or_else(|| format!("'{text}' is not an address; give an IP address, a network as 10.0.0.0/8, or unix"))
}

/// The option `proxy_user_header`: the name of a header, or nothing.
pub(super) fn header_name(text: &str) -> Result<Option<String>, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !text.bytes().all(plain) || ["authorization", "cookie", "host"].contains(&text.to_ascii_lowercase().as_str()) {
        return Err(format!("'{text}' is not the name of a header for a user; give one as x-forwarded-user"));
    }
    Ok((!text.is_empty()).then(|| text.to_ascii_lowercase()))
}

/// The option `unix_socket_mode`.
pub(super) fn socket_mode(text: &str) -> Result<u32, String> {
    match text {
        "0600" => Ok(0o600),
        "0660" => Ok(0o660),
        "0666" => Ok(0o666),
        _ => Err(format!(
            "'{text}' is not a mode for a socket; give 0600 (own account), 0660 (group) or 0666 (everyone)"
        )),
    }
}

/// Where a certificate and its private key are, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, and after it the ones that lead to an authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The path below which everything is served: empty, or `/x` without a slash at its end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Prefix(String);

impl Prefix {
    /// The prefix as the start of a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Prefix {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let path = text.trim_end_matches('/');
        let mut segments = path.split('/').skip(1);
        let plain = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        };
        if path.is_empty() || (path.starts_with('/') && segments.all(plain)) {
            Ok(Prefix(path.to_owned()))
        } else {
            Err(format!("'{text}' is not a path prefix; give letters, digits and '-._~' after a slash, as /mlflow"))
        }
    }
}

/// Where runs are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(SecretUrl),
}

impl Database {
    /// Reads the option `database`, which is not empty.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            if path.starts_with("//") {
                // `sqlite:///x` is an absolute path to some programs and a relative one to others.
                return Err(format!("'{text}' can be read in two ways; give sqlite:PATH, as sqlite:/srv/windvane.db"));
            }
            if path.is_empty() || path.contains(['?', '\0']) {
                return Err(format!("'{text}' does not name a file; give sqlite:PATH, as sqlite:/srv/windvane.db"));
            }
            return Ok(Database::Sqlite(path.into()));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Database::Postgres(SecretUrl(text.to_owned())));
        }
        Err(format!(
            "'{}' is not a database that Windvane can use; give sqlite:PATH or postgres://USER@HOST:PORT/NAME, or leave \
             it empty for SQLite in the data directory",
            redact(text)
        ))
    }
}

impl fmt::Display for Database {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Database::Sqlite(path) => write!(out, "sqlite:{}", path.display()),
            Database::Postgres(url) => write!(out, "{url}"),
        }
    }
}

/// A URL that may hold a password; only [`expose`](Self::expose) shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(String);

impl SecretUrl {
    /// The whole URL, for whoever connects with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&redact(&self.0))
    }
}

/// The text with every password of a URL replaced by `***`: the one before the host, and a `password=` in the query.
///
/// The user's part ends at the *last* `@`: people forget to encode the `@` of a password, and too much hidden is the
/// better mistake.
pub fn redact(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let mut hidden = match rest.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{scheme}://{user}:***@{host}"),
            None => text.to_owned(),
        },
        None => text.to_owned(),
    };
    let mut from = 0;
    while let Some(at) = hidden[from..].find("password=") {
        let start = from + at + "password=".len();
        let end = hidden[start..].find('&').map_or(hidden.len(), |length| start + length);
        hidden.replace_range(start..end, "***");
        from = start;
    }
    hidden
}

/// How log records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Human on a terminal, JSON otherwise.
    Auto,
    /// Lines for people.
    Human,
    /// One JSON object per line.
    Json,
}

/// What SQLite flushes to the disk before it acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// Everything: an acknowledged write survives a power cut.
    Full,
    /// Less: the last moments before a power cut may be lost.
    Normal,
}

/// The option `log_level`: a level, or levels by target.
pub(super) fn log_levels(text: &str) -> Result<String, String> {
    // Alone, a word that is no level would be taken for a target of which everything is wanted.
    let is_directive = |part: &str| {
        let level = part.rsplit_once('=').map_or(part, |(_target, level)| level);
        level.trim().parse::<LevelFilter>().is_ok()
    };
    if text.split(',').all(is_directive) && text.parse::<Targets>().is_ok() {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "'{text}' is not a log level; give error, warn, info, debug or trace, or as info,windvane::store=debug"
        ))
    }
}

/// The directory that the option `artifacts` names; a `file:` URL is taken as the path in it.
pub(super) fn artifact_directory(text: &str) -> Result<PathBuf, String> {
    let path = match text.strip_prefix("file:") {
        Some(rest) => rest.strip_prefix("//").unwrap_or(rest),
        None => text,
    };
    if path.contains("://") || path.starts_with("mlflow-artifacts:") {
        return Err(format!(
            "'{}' is not a directory; this version keeps artifacts on disk only, so give a path",
            redact(text)
        ));
    }
    if text.starts_with("file:") && !path.starts_with('/') {
        return Err(format!("'{text}' does not name a path on this machine; give file:///PATH or a plain path"));
    }
    Ok(path.into())
}

/// The location that the option `default_artifact_root` names. A relative path is made absolute, as MLflow does, because
/// clients have another working directory.
pub(super) fn artifact_root(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("the location must not be empty; the default is mlflow-artifacts:/".to_owned());
    }
    let is_uri = text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    });
    if is_uri {
        return Ok(text.to_owned());
    }
    let absolute = std::path::absolute(Path::new(text)).map_err(|error| format!("'{text}' is not a path: {error}"))?;
    Ok(absolute.display().to_string())
}

/// The directory that one of the option `shared_roots` names.
pub(super) fn shared_root(text: &str) -> Result<PathBuf, String> {
    local_directory(text)
        .ok_or_else(|| format!("'{text}' is not the absolute path of a directory; give it as /project/artifacts"))
}

/// The directory on this machine that an artifact root names, if it is one: an absolute path, or `file:` without a host.
pub(super) fn local_directory(root: &str) -> Option<PathBuf> {
    let path = match root.strip_prefix("file:") {
        Some(rest) => rest.strip_prefix("//localhost").or_else(|| rest.strip_prefix("//")).unwrap_or(rest),
        None => root,
    };
    path.starts_with('/').then(|| path.into())
}

/// The name in an authority as `Name.:5000` or `[::1]:5000`: without its port and final dot, which make no difference to
/// who is meant. `None` for what is no authority.
pub fn host_name(authority: &str) -> Option<&str> {
    if authority.parse::<Ipv6Addr>().is_ok() {
        return Some(authority);
    }
    let (name, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (name, after) = rest.split_once(']')?;
            name.parse::<Ipv6Addr>().ok()?;
            (name, after)
        }
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            let (name, after) = authority.split_at(end);
            let name = name.strip_suffix('.').unwrap_or(name);
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte);
            if name.is_empty() || !name.bytes().all(plain) {
                return None;
            }
            (name, after)
        }
    };
    let port_is_fine = match port.strip_prefix(':') {
        // "*" is how lists for MLflow's server say "any port".
        Some(port) => port.is_empty() || port == "*" || port.parse::<u16>().is_ok(),
        None => port.is_empty(),
    };
    port_is_fine.then_some(name)
}

/// An entry of `allowed_hosts`: a name, `*.domain` or `*`, in lower case.
pub(super) fn allowed_host(text: &str) -> Result<String, String> {
    match host_name(text) {
        Some(name) if name == "*" || !name.strip_prefix("*.").unwrap_or(name).contains('*') => {
            Ok(name.to_ascii_lowercase())
        }
        _ => Err(format!("'{text}' is not a host name; give a name, *.DOMAIN or *")),
    }
}

/// A web origin in the form in which browsers send it.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let origin = text.trim_end_matches('/').to_ascii_lowercase();
    let is_origin = origin.split_once("://").is_some_and(|(scheme, host)| {
        matches!(scheme, "http" | "https") && !host.is_empty() && !host.contains(['/', '@', '*', ' '])
    });
    if origin == "*" || is_origin {
        Ok(origin)
    } else {
        Err(format!("'{text}' is not an origin; give scheme and host, as https://portal.example.org, or *"))
    }
}
