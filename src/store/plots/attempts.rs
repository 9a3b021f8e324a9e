//! Which runs a series is made of, and what of each still counts.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::MAX_POINTS;
use super::read::{self, Source};
use crate::error::{Error, Resource, Result};
use crate::model::{Caller, Lifecycle};
use crate::store::curves::keep::{Keep, MAX_RESTARTS, cuts, restarts_of};
use crate::store::curves::survey::Restarts;
use crate::store::curves::walk::Part;
use crate::store::db::Tx;
use crate::store::history::visible_runs;
use crate::store::lineage::progress::read_progress;
use crate::store::lineage::training::{Training, read_members};
use crate::store::sql::sql;

/// The runs of one series.
#[derive(Debug)]
pub struct Group {
    /// The public id of the run that was asked for.
    pub run_id: String,
    /// The runs in the order of time.
    pub attempts: Vec<AttemptRun>,
}

impl Group {
    /// What its runs give to the series of this number; the first of them has the number `first_run`.
    pub fn parts(
        &self,
        series: usize,
        first_run: usize,
        source: &Source,
        metric: &str,
        key_id: Option<i64>,
        superseded: bool,
    ) -> impl Iterator<Item = Part> {
        self.attempts.iter().enumerate().map(move |(number, attempt)| Part {
            series,
            run: first_run + number,
            // A name that was never used has no points.
            points: key_id.map_or_else(Arc::default, |key_id| source.points(attempt.id, key_id)),
            keep: attempt.keep(metric, superseded),
        })
    }

    /// The internal ids of its runs.
    pub fn runs(&self) -> impl Iterator<Item = i64> + '_ {
        self.attempts.iter().map(|attempt| attempt.id)
    }
}

/// A run as part of a series.
#[derive(Debug)]
pub struct AttemptRun {
    /// The internal id.
    pub id: i64,
    /// The public id.
    pub run_id: String,
    cut: Option<i64>,
    restarts: Arc<Vec<(i64, i64)>>,
}

impl AttemptRun {
    fn new(id: i64, run_id: String) -> Self {
        AttemptRun { id, run_id, cut: None, restarts: Arc::default() }
    }

    /// What of a metric counts. Metrics of the machine count steps of their own, and nothing supersedes them.
    fn keep(&self, metric: &str, superseded: bool) -> Keep {
        if metric.starts_with("system/") {
            return Keep::new(None, Arc::default(), superseded);
        }
        Keep::new(self.cut, self.restarts.clone(), superseded)
    }
}

/// The runs that were asked for, each once, in the order asked; joined, the trainings that they are part of.
pub async fn find(tx: &mut Tx, caller: &Caller, run_ids: &[String], joined: bool) -> Result<Vec<Group>> {
    let asked: Vec<&str> = run_ids.iter().map(String::as_str).collect();
    let visible = visible_runs(tx, caller, &asked).await?;
    let mut seen = HashSet::new();
    let mut runs = Vec::new();
    for run_id in run_ids {
        let id = visible.get(run_id).ok_or_else(|| Error::NotFound(Resource::Run(run_id.clone())))?;
        if seen.insert(*id) {
            runs.push((*id, run_id.clone()));
        }
    }
    if !joined {
        let group = |(id, run_id): (i64, String)| Group { attempts: vec![AttemptRun::new(id, run_id.clone())], run_id };
        return Ok(runs.into_iter().map(group).collect());
    }
    let mut groups = trainings(tx, caller, runs).await?;
    cut(tx, &mut groups).await?;
    Ok(groups)
}

async fn trainings(tx: &mut Tx, caller: &Caller, runs: Vec<(i64, String)>) -> Result<Vec<Group>> {
    let ids: Vec<i64> = runs.iter().map(|(id, _)| *id).collect();
    let mut trainings = read_members(tx, caller, &ids).await?;
    let of_run: HashMap<i64, i64> =
        trainings.iter().flat_map(|(id, members)| members.iter().map(|member| (member.id, *id))).collect();
    let mut groups = Vec::new();
    for (id, run_id) in runs {
        // A training that another asked run is part of was taken already.
        let Some(members) = of_run.get(&id).and_then(|training| trainings.remove(training)) else {
            continue;
        };
        // What lies in the trash is not wanted, unless it was asked for.
        let wanted =
            members.into_iter().filter(|member| member.lifecycle() == Lifecycle::Active || ids.contains(&member.id));
        let attempts = Training::of(wanted.collect()).attempts.into_iter();
        let mut attempts: Vec<AttemptRun> =
            attempts.map(|attempt| AttemptRun::new(attempt.run.id, attempt.run.public_id)).collect();
        if attempts.is_empty() {
            attempts.push(AttemptRun::new(id, run_id.clone()));
        }
        groups.push(Group { run_id, attempts });
    }
    Ok(groups)
}

/// Finds what later attempts supersede, and what a run superseded itself when it went on from an earlier step.
async fn cut(tx: &mut Tx, groups: &mut [Group]) -> Result<()> {
    let runs: Vec<i64> = groups.iter().flat_map(Group::runs).collect();
    let progress = read_progress(tx, &runs).await?;
    let restarts = read_restarts(tx, &runs).await?;
    for group in groups {
        let first: Vec<Option<i64>> =
            group.runs().map(|run| progress.get(&run).and_then(|progress| progress.first_step)).collect();
        for (attempt, cut) in group.attempts.iter_mut().zip(cuts(&first)) {
            attempt.cut = cut;
            attempt.restarts = restarts.get(&attempt.id).cloned().unwrap_or_default();
        }
    }
    Ok(())
}

/// Where the steps of each run went back, as its densest metric shows; runs without such a place are left out.
async fn read_restarts(tx: &mut Tx, runs: &[i64]) -> Result<HashMap<i64, Arc<Vec<(i64, i64)>>>> {
    let mut statement = sql("SELECT s.run_id, s.key_id, s.loose FROM metric_series s
         JOIN (SELECT m.run_id, max(m.count) AS count FROM metric_series m WHERE m.run_id");
    statement.bind_ints(tx.dialect(), runs).push(
        " AND m.key_id NOT IN (SELECT k.id FROM key k WHERE k.name >= 'system/' AND k.name < 'system0') \
         GROUP BY m.run_id) d ON d.run_id = s.run_id AND d.count = s.count WHERE s.run_id",
    );
    statement.bind_ints(tx.dialect(), runs).push(
        " AND s.key_id NOT IN (SELECT k.id FROM key k WHERE k.name >= 'system/' AND k.name < 'system0') \
         ORDER BY s.run_id, s.key_id DESC",
    );
    let rows: Vec<(i64, i64, bool)> = tx.all(statement).await?;
    // Of each run the last row stays, of metrics that are equally dense the oldest. One that always went on shows nothing.
    let densest: BTreeMap<i64, (i64, bool)> = rows.into_iter().map(|(run, key, loose)| (run, (key, loose))).collect();
    let pairs: Vec<(i64, i64)> =
        densest.into_iter().filter(|(_, (_, loose))| *loose).map(|(run, (key, _))| (run, key)).collect();
    if pairs.is_empty() {
        return Ok(HashMap::new());
    }
    let runs: Vec<i64> = pairs.iter().map(|(run, _)| *run).collect();
    // Runs of a training mostly have the same densest metric.
    let keys: BTreeSet<i64> = pairs.iter().map(|(_, key)| *key).collect();
    let source = Source::load(tx, &runs, &Vec::from_iter(keys)).await?;
    source.check("the densest metric", MAX_POINTS, |_| true)?;
    let part = |(number, (run, key)): (usize, &(i64, i64))| Part {
        series: number,
        run: number,
        points: source.points(*run, *key),
        keep: Keep::default(),
    };
    let parts: Arc<Vec<Part>> = Arc::new(pairs.iter().enumerate().map(part).collect());
    let found = read::walk(tx, &parts, Restarts::new(pairs.len())).await?;
    let places = runs.into_iter().zip(found.places).filter(|(_, places)| (1..MAX_RESTARTS).contains(&places.len()));
    Ok(places.map(|(run, places)| (run, Arc::new(restarts_of(places)))).collect())
}

/// When the first point of each group was logged, in milliseconds since the epoch.
pub async fn read_origins(tx: &mut Tx, groups: &[Group]) -> Result<Vec<Option<i64>>> {
    let runs: Vec<i64> = groups.iter().flat_map(Group::runs).collect();
    let mut statement = sql("SELECT s.run_id, min(s.first_ms) FROM metric_series s WHERE s.run_id");
    statement.bind_ints(tx.dialect(), &runs).push(" GROUP BY s.run_id");
    let first: HashMap<i64, i64> = tx.all::<(i64, i64)>(statement).await?.into_iter().collect();
    Ok(groups.iter().map(|group| group.runs().filter_map(|run| first.get(&run).copied()).min()).collect())
}
