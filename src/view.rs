//! `windvane view`: the web pages on what trainings left on disk, at once and without a server to keep.
//!
//! A view is a server on a database that it throws away, which shows and changes nothing. What it shows is brought there as
//! `sync` brings it, by a socket that is its own: first what the runs are, then their points, then what has grown. Files are
//! read where they lie.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::config::{ClientSettings, Config, Override, Surroundings};
use crate::http;
use crate::offline::{RunPlace, Source};
use crate::server::{Listener, ServeOptions, Shutdown, serve};
use crate::state::{AppState, store_options, system_clock};
use crate::store::Store;
use crate::sync::{Carries, Choice, Manner, Notes, Outcome, Passage, RunReport, Server};

/// Between two looks at the source, at least.
const PAUSE: Duration = Duration::from_secs(2);
/// A look may take this part of the time at most.
const SHARE: u32 = 10;
/// Runs that are brought at once.
const JOBS: usize = 2;
/// Connections that are served at once.
const MAX_CONNECTIONS: usize = 256;
/// Threads for disk work.
const BLOCKING_THREADS: usize = 6;

/// What to view, and where.
#[derive(Debug, Clone)]
pub struct ViewOptions {
    /// Where the runs are.
    pub source: String,
    /// Where the artifacts of an MLflow database are, if not beside it.
    pub artifacts: Option<PathBuf>,
    /// The address to show it at: `ADDR:PORT` or `unix:PATH`.
    pub listen: String,
}

/// Shows a source until a signal ends it.
///
/// # Errors
/// What keeps it from beginning.
pub fn run(options: &ViewOptions, surroundings: &Surroundings, settings: &ClientSettings) -> anyhow::Result<()> {
    let scratch = tempfile::Builder::new().prefix("windvane-view-").tempdir_in(&settings.temporary);
    let scratch = scratch.with_context(|| format!("cannot make a directory in {}", settings.temporary.display()))?;
    // Nothing that was said to a server concerns it.
    let surroundings = Surroundings { node_name: surroundings.node_name.clone(), ..Surroundings::default() };
    let set = |key, text: String| Override { key, flag: "--listen", texts: vec![text] };
    let overrides = vec![
        set("listen", options.listen.clone()),
        set("data", scratch.path().join("data").display().to_string()),
        set("synchronous", "normal".to_owned()),
        set("log_level", "warn".to_owned()),
        // A scratch place may be any.
        set("allow_network_filesystem", "true".to_owned()),
    ];
    let config = Config::load(&surroundings, None, overrides)?;
    crate::logs::start(&config);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()
        .context("cannot start threads")?;
    let shown = runtime.block_on(show(options, &config, settings, scratch.path().join("private")));
    runtime.shutdown_timeout(Duration::from_secs(1));
    shown
}

async fn show(
    options: &ViewOptions,
    config: &Config,
    settings: &ClientSettings,
    private: PathBuf,
) -> anyhow::Result<()> {
    let source = PathBuf::from(&options.source);
    crate::server::prepare(config)?;
    let source = Source::open(&source, options.artifacts.as_deref(), &config.data).await?;
    let shutdown = Shutdown::on_signals().context("cannot listen to signals")?;
    // A terminal that goes away ends a view, and takes its scratch directory with it.
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen to signals")?;
    let stop = shutdown.stop.clone();
    tokio::spawn(async move {
        hangup.recv().await;
        stop.cancel();
    });
    let mut listeners = Vec::new();
    for address in &config.listen {
        anyhow::ensure!(address.is_local(), "{address} can be reached by others; a view is for this node alone");
        listeners.push(Listener::bind(address, config.unix_socket_mode, None).await?);
    }
    let clock = system_clock();
    let store = Store::open(store_options(config), clock()).await?;
    let state = AppState::open(config, store, clock)?;
    let public = AppState { view_of: Some(source.to_string().into()), ..state.clone() };
    tell(&source, &listeners, &config.node_name);

    let limits = ServeOptions { max_connections: MAX_CONNECTIONS, grace: Duration::ZERO };
    let inside = Listener::bind_unix(&private, Some(rustix::process::geteuid().as_raw()), 0o600)?;
    let serving = serve(http::router(public, config), listeners, limits.clone(), shutdown.clone());
    let inner = serve(http::router(state.clone(), config), vec![inside], limits, shutdown.clone());
    let settings = ClientSettings { credential: None, retries: 0, ..settings.clone() };
    let server = Server::new(&format!("unix:{}", private.display()), settings)?;
    let following = follow(&source, &server, &state, &shutdown.stop);
    tokio::join!(serving, inner, following);
    state.store.close().await;
    Ok(())
}

/// Says where it can be looked at.
fn tell(source: &Source, listeners: &[Listener], node_name: &str) {
    let mut text = format!("\nWindvane shows {source} and changes nothing. Ctrl-C ends it.\n\n");
    for listener in listeners {
        text += &match listener {
            Listener::Tcp { .. } => {
                let url = listener.to_string();
                let port = url.rsplit(':').next().unwrap_or_default();
                format!(
                    "  {url}\n\n  from another machine: ssh -N -L {port}:127.0.0.1:{port} {node_name}\n  \
                     everybody on this node can open it; --listen unix:PATH is for you alone\n"
                )
            }
            // Browsers speak TCP only; ssh takes them to the socket.
            Listener::Unix { .. } => {
                let socket = listener.to_string();
                let path = socket.trim_start_matches("unix:");
                format!("  {socket}\n\n  ssh -N -L 5000:{path} {node_name}\n  and then http://127.0.0.1:5000\n")
            }
        };
    }
    // A terminal that went away is no reason to stop.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Brings what the source holds, and goes on with what grows.
async fn follow(source: &Source, server: &Server, state: &AppState, stop: &CancellationToken) {
    let manner = |carries| Manner { experiment: None, dry_run: false, carries, jobs: JOBS };
    let passage = |carries| Passage { source, server, notes: Notes::none(), manner: manner(carries) };
    let (mut told, mut passages) = (Vec::new(), [Carries::Words, Carries::WordsAndPoints].map(passage));
    loop {
        let started = Instant::now();
        for (number, passage) in passages.iter_mut().enumerate() {
            // What is deleted arrives in the trash when all of it is there: nothing can be sent to it then.
            let choice = Choice { with_deleted: number > 0, run_ids: Vec::new(), newest_first: true };
            match stop.run_until_cancelled(look(source, passage, &choice, state)).await {
                None => return,
                // The second time all of it was read.
                Some(Ok(_)) if number == 0 => {}
                Some(Ok(problems)) => {
                    problems.iter().filter(|problem| !told.contains(*problem)).for_each(|problem| warn!("{problem}"));
                    told = problems;
                }
                Some(Err(error)) => warn!("cannot look at {source}: {error:#}"),
            }
        }
        let pause = PAUSE.max(started.elapsed() * SHARE);
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
    }
}

/// Brings what has changed, and answers what could not be read.
async fn look(
    source: &Source,
    passage: &mut Passage<'_>,
    choice: &Choice,
    state: &AppState,
) -> anyhow::Result<Vec<String>> {
    let found = source.find_runs().await?;
    let mut problems: Vec<String> =
        found.problems.iter().map(|problem| format!("{}: {}", problem.what, problem.why)).collect();
    let runs: Vec<RunPlace> = choice.of(found.runs, &source.to_string())?;
    for run in &runs {
        if let Some((root, path)) = source.artifact_directory(run).await? {
            state.artifacts.attach(&run.run_id, &root, path);
        }
    }
    let reports = passage.pass(&runs, false, |_, _| {}).await?;
    let is_bad =
        |report: &&RunReport| matches!(report.outcome, Outcome::Incomplete | Outcome::Refused | Outcome::Failed);
    problems.extend(reports.iter().filter(is_bad).map(RunReport::lines));
    Ok(problems)
}
