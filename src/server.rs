//! The process around the router: sockets, connections, signals, and the way down.
//!
//! [`serve`] knows HTTP/1.1 and nothing of what is served; [`run`] puts the parts of the server together.

mod announce;
mod connections;
mod directory;
mod listen;
mod tls;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use axum::routing::get;
use rustix::{
    fs::Mode,
    process::{Resource, Rlimit},
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use crate::{
    config::{Config, TrustedProxy},
    http::{self, ops, reply::Json},
    state::{AppState, store_options, system_clock},
    store::Store,
    telemetry::Metrics,
};

use announce::{announce, notify};
pub use connections::{ServeOptions, Shutdown, serve};
pub use directory::DataDirectory;
use directory::{Status, control_socket};
pub use listen::{Connection, Listener};
pub use tls::Tls;

/// The most files to ask the system for; what connections and artifacts need beyond the usual soft limit of 1,024.
const OPEN_FILES: u64 = 65_536;

/// Threads for disk work, beside the runtime's own and those of SQLite (16 in all).
const BLOCKING_THREADS: usize = 6;

/// How often it is looked for what uploads of other servers left behind.
const TIDY_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How often it is noted which tokens were used.
const NOTE_INTERVAL: Duration = Duration::from_secs(60);

/// How often the histograms' samples are folded into their buckets.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(10);

/// Runs the server with this configuration until a signal stops it.
///
/// # Errors
///
/// What keeps it from starting: a taken data directory, address, or a database that cannot be opened.
pub fn run(config: Config) -> anyhow::Result<()> {
    let directory = claim(&config)?;
    let options = ServeOptions {
        max_connections: config.max_connections.min(open_file_limit() * 3 / 4),
        grace: config.shutdown_grace,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.worker_threads)
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name("windvane")
        .enable_all()
        .build()
        .context("cannot start threads")?;
    let result = runtime.block_on(start(&config, options));
    // What is still blocked now, as on a disk that hangs, is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(5));
    drop(directory);
    result
}

/// Makes the data directory if it is missing, and keeps other servers from it as long as the answer lives.
///
/// # Errors
/// Who uses it already; what keeps it from being made or locked.
pub fn claim(config: &Config) -> anyhow::Result<DataDirectory> {
    guard_files();
    DataDirectory::lock(config)
}

/// Makes the data directory, for a command that works on the database beside the server or before it.
///
/// # Errors
/// Where it cannot be made, or where everyone may write to it.
pub fn prepare(config: &Config) -> anyhow::Result<()> {
    guard_files();
    directory::make(&config.data)
}

/// Before anything is made: nothing of ours is for others, whatever the umask of the shell was.
fn guard_files() {
    let umask = rustix::process::umask(Mode::empty());
    rustix::process::umask(umask | Mode::from_raw_mode(0o027));
}

async fn start(config: &Config, options: ServeOptions) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals().context("cannot listen to signals")?;
    // Before anything says that the server is there: SIGHUP would end it.
    let tls = match &config.tls {
        Some(files) => Some((Arc::new(Tls::load(files)?), signal(SignalKind::hangup())?)),
        None => None,
    };
    let mut listeners = Vec::new();
    for address in &config.listen {
        let tls = tls.as_ref().map(|(tls, _)| tls.clone());
        listeners.push(Listener::bind(address, config.unix_socket_mode, tls).await?);
    }
    // Bound before the server is ready, and before whoever asks for it may come.
    let control = bind_control(config);
    let state = tokio::select! {
        state = open(config) => state?,
        () = shutdown.stop.cancelled() => return Ok(()),
    };
    let is_open = state.access.is_open().await?;
    refuse_open_addresses(config, is_open)?;
    warn_of_neighbours(config);
    let background = TaskTracker::new();
    background.spawn(keep_up(state.metrics.clone(), shutdown.stop.clone()));
    background.spawn(note_uses(state.clone(), shutdown.stop.clone()));
    if let Some((tls, hangup)) = tls {
        background.spawn(tls.follow(hangup, shutdown.stop.clone()));
    }
    background.spawn(tidy_up(state.clone(), shutdown.stop.clone()));

    let urls: Vec<String> = listeners
        .iter()
        .map(|listener| match listener {
            Listener::Tcp { .. } => format!("{listener}{}", config.prefix.as_str()),
            Listener::Unix { .. } => listener.to_string(),
        })
        .collect();
    announce(config, &urls, is_open);
    notify(config, "READY=1");
    let public = serve(http::router(state.clone(), config), listeners, options.clone(), shutdown.clone());
    let control = serve_control(control, config, urls, &state, options, shutdown.clone());
    tokio::join!(public, control);

    background.close();
    background.wait().await;
    state.store.close().await;
    info!("stopped");
    Ok(())
}

/// Without accounts, an address that others reach gives them everything; that must be said aloud.
fn refuse_open_addresses(config: &Config, is_open: bool) -> anyhow::Result<()> {
    match config.open_address() {
        Some(address) if is_open && !config.allow_open => anyhow::bail!(
            "{address} can be reached by others, and without accounts whoever reaches it can read and write everything. \
             Make an account first (windvane user add NAME --admin), listen on 127.0.0.1 or on a unix socket of mode \
             0600, or say --allow-open"
        ),
        _ => Ok(()),
    }
}

/// A proxy on this node that is believed by its address cannot be told from anybody else on this node.
fn warn_of_neighbours(config: &Config) {
    let local = |proxy: &&TrustedProxy| match proxy {
        TrustedProxy::Network(network) => {
            [IpAddr::V4(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].iter().any(|own| network.contains(own))
        }
        TrustedProxy::Unix => config.unix_socket_mode & 0o002 != 0,
    };
    if config.proxy_user_header.is_some() && config.trusted_proxies.iter().any(|proxy| local(&proxy)) {
        warn!(
            "every process on this node can send the header of proxy_user_header and be whoever it likes, as trusted_proxies \
             has a loopback address, or a socket that everyone may open; on a node that others use, let the proxy come by a \
             unix socket that only it may open"
        );
    }
}

/// Opens what the server keeps.
async fn open(config: &Config) -> anyhow::Result<AppState> {
    let clock = system_clock();
    let store = Store::open(store_options(config), clock()).await?;
    Ok(AppState::open(config, store, clock)?)
}

/// The control socket in the data directory, for this user only. The server can do without.
fn bind_control(config: &Config) -> Option<Listener> {
    let user = rustix::process::geteuid().as_raw();
    match Listener::bind_unix(&control_socket(&config.data), Some(user), 0o600) {
        Ok(listener) => Some(listener),
        Err(error) => {
            warn!("there is no control socket: {error:#}");
            None
        }
    }
}

/// Serves the control socket: what supervisors ask, and who this is.
async fn serve_control(
    listener: Option<Listener>,
    config: &Config,
    listen: Vec<String>,
    state: &AppState,
    options: ServeOptions,
    shutdown: Shutdown,
) {
    let data = std::path::absolute(&config.data).unwrap_or_else(|_| config.data.clone());
    let started = Instant::now();
    let status = move || async move {
        Json(Status {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            listen,
            data,
            uptime_s: started.elapsed().as_secs(),
        })
    };
    let router = ops::routes().with_state(state.clone()).route("/status", get(status));
    serve(router, listener.into_iter().collect(), options, shutdown).await;
}

async fn keep_up(metrics: Metrics, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(UPKEEP_INTERVAL)).await.is_some() {
        metrics.upkeep();
    }
}

/// Notes when tokens were used, and whatever is left at the end.
async fn note_uses(state: AppState, stop: CancellationToken) {
    let mut goes_on = true;
    while goes_on {
        goes_on = stop.run_until_cancelled(tokio::time::sleep(NOTE_INTERVAL)).await.is_some();
        if let Err(error) = state.access.note_uses((state.clock)()).await {
            warn!("cannot note when tokens were used: {error}");
        }
    }
}

/// Removes what uploads left behind whose server ended long ago: servers that share a store start and end at any time.
async fn tidy_up(state: AppState, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(TIDY_INTERVAL)).await.is_some() {
        if let Err(error) = state.artifacts.remove_abandoned((state.clock)()).await {
            warn!("cannot look for abandoned uploads: {error}");
        }
    }
}

/// Raises the soft limit on open files as far as that is useful and allowed, and says what it is now.
fn open_file_limit() -> usize {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let wanted = OPEN_FILES.min(limit.maximum.unwrap_or(OPEN_FILES));
    let mut current = limit.current.unwrap_or(OPEN_FILES);
    let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
    if current < wanted && rustix::process::setrlimit(Resource::Nofile, raised).is_ok() {
        current = wanted;
    }
    usize::try_from(current).unwrap_or(usize::MAX)
}
