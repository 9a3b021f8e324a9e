//! Says that the server is ready: to people, to the log, to the service manager.

use std::{
    io::{self, Write},
    os::{
        linux::net::SocketAddrExt,
        unix::{ffi::OsStrExt, net::UnixDatagram},
    },
    path::Path,
};

use tracing::{info, warn};

use crate::{
    config::{Config, ListenAddress},
    logs,
};

/// Tells people, or the log, where the server listens, where data lies, who may use it, and what to export.
pub(super) fn announce(config: &Config, urls: &[String], is_open: bool) {
    let version = env!("CARGO_PKG_VERSION");
    let data = std::path::absolute(&config.data).unwrap_or_else(|_| config.data.clone());
    let access = access_sentence(config, is_open);
    let tracking_uri = urls.iter().find(|url| url.starts_with("http")).map(|url| {
        let reachable = url.replace("//0.0.0.0:", &format!("//{}:", config.node_name));
        reachable.replace("//[::]:", &format!("//{}:", config.node_name))
    });
    if !logs::are_human(config) {
        info!(
            version,
            listen = urls.join(" "),
            data = %data.display(),
            database = %config.database,
            access,
            tracking_uri = tracking_uri.as_deref().unwrap_or_default(),
            "windvane is ready"
        );
        return;
    }
    let mut banner = format!("Windvane {version}\n");
    for url in urls {
        banner += &format!("  listens on  {url}\n");
    }
    banner += &format!("  data        {}\n", data.display());
    banner += &format!("  database    {}\n", config.database);
    banner += &format!("  artifacts   {}\n", config.artifacts.display());
    banner += &format!("  access      {access}\n\n");
    match tracking_uri {
        Some(uri) => banner += &format!("  export MLFLOW_TRACKING_URI={uri}\n"),
        None => {
            // MLflow's clients speak TCP only; ssh takes them to the socket.
            let path = urls.first().and_then(|url| url.strip_prefix("unix:")).unwrap_or_default();
            banner += &format!("  ssh -N -L 5000:{path} {}\n", config.node_name);
            banner += &format!("  export MLFLOW_TRACKING_URI=http://127.0.0.1:5000{}\n", config.prefix.as_str());
        }
    }
    // A terminal that went away is no reason to stop.
    let _ = writeln!(io::stderr(), "\n{banner}");
}

fn access_sentence(config: &Config, is_open: bool) -> &'static str {
    if !is_open {
        "by account: passwords, tokens and sessions; `windvane user list` shows who"
    } else if config.open_address().is_some() {
        "no accounts: anyone who can reach this address can read and write"
    } else if config.listen.iter().any(|address| matches!(address, ListenAddress::Tcp { .. })) {
        "no accounts: anyone on this node can read and write; `--listen unix:PATH` is the private choice"
    } else {
        "no accounts: only your own account on this node can read and write"
    }
}

/// Tells the service manager, if one asked for it, in the way of `sd_notify(3)`.
pub(super) fn notify(config: &Config, state: &str) {
    let Some(path) = &config.notify_socket else { return };
    if let Err(error) = send_datagram(path, state.as_bytes()) {
        warn!("cannot tell the service manager {state}: {error}");
    }
}

fn send_datagram(path: &Path, message: &[u8]) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    match path.as_os_str().as_bytes().strip_prefix(b"@") {
        Some(name) => {
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            socket.send_to_addr(message, &address)?;
        }
        None => {
            socket.send_to(message, path)?;
        }
    }
    Ok(())
}
