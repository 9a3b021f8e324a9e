//! What `windvane demo` does: it fills an empty store with example data, the trainings of a small made-up team.
//!
//! Everything follows from one moment and from names: told the same moment, it makes the same runs with the same ids,
//! texts, times and values (only files have the time at which they were written). The modules say what there is, as plain
//! data; `scribe` writes it. It knows nothing of HTTP.

mod ensemble;
mod files;
mod global;
mod picture;
mod random;
mod scribe;
mod sweep;
mod training;
mod truth;

use std::fmt;
use std::sync::Arc;

use anyhow::{Context, bail};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use self::scribe::{Namespace, Scribe};
use crate::config::Config;
use crate::model::{Caller, ViewType};
use crate::state::{AppState, store_options};
use crate::store::Store;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How much was made.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Made {
    /// Experiments.
    pub experiments: usize,
    /// Runs in them.
    pub runs: usize,
    /// Points of their metrics.
    pub points: usize,
    /// Their artifacts.
    pub files: usize,
}

impl fmt::Display for Made {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Made { experiments, runs, points, files } = self;
        write!(out, "{experiments} experiments with {runs} runs, {points} points and {files} files")
    }
}

/// Fills the store that `config` names with the example as it is at `now_ms`.
///
/// # Errors
/// Where the store holds something already, which is then left as it is; and where it cannot be written.
pub fn run(config: &Config, now_ms: i64) -> anyhow::Result<Made> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.context("cannot start threads")?.block_on(async {
        let store = Store::open(store_options(config), now_ms).await?;
        let made = fill(config, &store, now_ms).await;
        store.close().await;
        made
    })
}

async fn fill(config: &Config, store: &Store, now_ms: i64) -> anyhow::Result<Made> {
    let found = store.list_experiment_summaries(&Caller::Open, ViewType::All, now_ms).await?;
    let runs: i64 = found.iter().map(|summary| summary.runs + summary.deleted_runs).sum();
    // One experiment is there from the start.
    let experiments = found.len().saturating_sub(1);
    if runs > 0 || experiments > 0 {
        bail!(
            "there are {experiments} experiments and {runs} runs here already, and the example is only for an empty store; \
             name another directory with --data"
        );
    }
    let app = AppState::open(config, store.clone(), Arc::new(move || now_ms))?;
    let mut scribe = Scribe { app: &app, made: Made::default() };
    let stories: [fn(i64) -> Namespace; 4] =
        [global::namespace, sweep::namespace, ensemble::namespace, truth::namespace];
    for story in stories {
        scribe.write(story(now_ms)).await?;
    }
    let empty = Namespace { name: "scratch/empty", created_ms: now_ms - HOUR_MS, tags: Vec::new(), runs: Vec::new() };
    scribe.write(empty).await?;
    Ok(scribe.made)
}

/// A time as logs write it, to the second.
fn rfc3339(ms: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(ms.div_euclid(1_000)).ok();
    moment.and_then(|moment| moment.format(&Rfc3339).ok()).unwrap_or_default()
}
