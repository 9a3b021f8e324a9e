//! All runs that hang together with one, as nodes and edges.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::forks::{fork_step, range, read_first_steps, read_named};
use super::progress::{Progress, read_progress, time_ms, totals};
use super::training::{Member, Training, read_members};
use super::write::read_links;
use crate::error::{Error, Resource, Result};
use crate::lineage::{Link, LinkKind};
use crate::model::{Caller, Lifecycle, RunStatus};
use crate::store::Store;
use crate::store::db::Tx;
use crate::store::sql::{packed, sql};

/// A graph is cut off when it has more runs than this.
const MAX_NODES: usize = 5_000;

/// Of a graph with more runs, not all are measured.
const MEASURED_NODES: usize = 250;

/// Runs that hang together.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// The runs, those of a training one after the other, trainings by start.
    pub nodes: Vec<Node>,
    /// What they say about each other, and about runs that are not here.
    pub edges: Vec<Edge>,
    /// The trainings, in the order of the nodes.
    pub trainings: Vec<TrainingSummary>,
    /// Ids that are resumed, forked or nested in, of which neither the run nor a copy is here.
    pub missing: Vec<String>,
    /// Whether there are more runs than a graph may have.
    pub truncated: bool,
}

/// A run of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The public id.
    pub run_id: String,
    /// The experiment's id.
    pub experiment_id: i64,
    /// The run's name.
    pub name: String,
    /// Who the client says started it.
    pub user_id: String,
    /// The state.
    pub status: RunStatus,
    /// In use or in the trash.
    pub lifecycle: Lifecycle,
    /// When it started, in milliseconds since the epoch.
    pub start_ms: i64,
    /// When it ended, once it has.
    pub end_ms: Option<i64>,
    /// The position of its training in [`Graph::trainings`].
    pub training: usize,
    /// What it is in its training.
    pub role: Role,
    /// Where its training began or went on: the least first step of a metric with two points or more.
    pub first_step: Option<i64>,
    /// The greatest step of its metrics, if it has any. Of a graph of more than 250 runs this and the times of points are
    /// told of forks, their origins and trainings of several attempts only.
    pub last_step: Option<i64>,
    /// When its last point was logged, in milliseconds since the epoch.
    pub last_point_ms: Option<i64>,
    /// How long it trained, in milliseconds.
    pub time_ms: i64,
}

/// What a run is in its training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It only reserved an id.
    Prepared,
    /// The attempt of this number, from 1 on.
    Attempt(usize),
    /// A copy of the attempt of this number.
    Copy(usize),
}

/// A link between two runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// What kind.
    pub kind: LinkKind,
    /// The run that resumes, forks, is nested or is a copy.
    pub run_id: String,
    /// The id that it names.
    pub target: String,
    /// The run that this means here: that of the id, or where only copies of it are here, one of them.
    pub target_run_id: Option<String>,
    /// For a fork, the step at which it left its origin, where the data show it.
    pub step: Option<i64>,
}

/// A run and what resumed it, summed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingSummary {
    /// The public id of its first attempt.
    pub training_id: String,
    /// How many attempts it took.
    pub attempts: usize,
    /// The greatest step.
    pub steps: Option<i64>,
    /// The time of all attempts, in milliseconds.
    pub time_ms: i64,
}

/// What was found so far.
#[derive(Default)]
struct Found {
    members: BTreeMap<i64, Member>,
    links: HashMap<i64, Vec<Link>>,
    /// The runs that ids mean: of that id, or copies of it.
    named: HashMap<String, i64>,
    /// Whether no run more may be added.
    is_full: bool,
    /// Whether there are runs that were not read.
    truncated: bool,
}

impl Store {
    /// All runs that hang together with a run by links of any kind, however far.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a run.
    pub async fn find_lineage(&self, caller: &Caller, run_id: &str) -> Result<Graph> {
        let mut tx = self.db().read().await?;
        let mut statement = sql("SELECT id FROM run WHERE public_id = ");
        statement.bind(run_id).visible_to(caller, "experiment_id");
        let start: Option<(i64,)> = tx.optional(statement).await?;
        let (start,) = start.ok_or_else(|| Error::NotFound(Resource::Run(run_id.to_owned())))?;
        let mut found = Found::default();
        let mut next = vec![start];
        while !next.is_empty() && !found.is_full {
            next = found.widen(&mut tx, caller, &next).await?;
        }
        found.assemble(&mut tx).await
    }
}

impl Found {
    /// Adds the trainings of `runs`, and answers the runs that are one link away from them.
    async fn widen(&mut self, tx: &mut Tx, caller: &Caller, runs: &[i64]) -> Result<Vec<i64>> {
        let members = read_members(tx, caller, runs).await?;
        let mut new: Vec<Member> = members.into_values().flatten().collect();
        new.retain(|member| !self.members.contains_key(&member.id));
        new.sort_by_key(|member| member.id);
        let room = MAX_NODES - self.members.len();
        self.is_full = new.len() > room;
        self.truncated |= self.is_full;
        new.truncate(room);

        let ids: Vec<i64> = new.iter().map(|member| member.id).collect();
        let links = read_links(tx, &ids).await?;
        let mut names: BTreeSet<&str> = new.iter().map(|member| member.public_id.as_str()).collect();
        names.extend(new.iter().filter_map(|member| member.origin.as_deref()));
        let mut statement = packed(tx.dialect(), "o.run_id");
        statement.push(" FROM (SELECT l.run_id FROM link l WHERE l.kind IN (1, 3) AND l.target");
        statement.bind_texts(tx.dialect(), &Vec::from_iter(names));
        statement.push(" LIMIT ").bind(MAX_NODES as i64 + 1).push(") o");
        let naming: Vec<(i64,)> = tx.unpack(statement).await?;
        self.truncated |= naming.len() > MAX_NODES;

        self.named.extend(new.iter().map(|member| (member.public_id.clone(), member.id)));
        self.members.extend(new.into_iter().map(|member| (member.id, member)));
        let targets: BTreeSet<&str> = links.values().flatten().map(|link| link.target.as_str()).collect();
        let unknown: Vec<&str> = targets.into_iter().filter(|target| !self.named.contains_key(*target)).collect();
        let named = read_named(tx, caller, &unknown).await?;
        let named: HashMap<String, i64> = named.into_iter().map(|(name, run)| (name, run.id)).collect();
        let mut next: BTreeSet<i64> = named.values().copied().collect();
        next.extend(naming.into_iter().map(|(id,)| id));
        self.named.extend(named);
        self.links.extend(links);
        next.retain(|id| !self.members.contains_key(id));
        Ok(next.into_iter().collect())
    }

    async fn assemble(mut self, tx: &mut Tx) -> Result<Graph> {
        let mut by_training: BTreeMap<i64, Vec<Member>> = BTreeMap::new();
        for member in std::mem::take(&mut self.members).into_values() {
            by_training.entry(member.training_id).or_default().push(member);
        }
        let mut trainings: Vec<Training> = by_training.into_values().map(Training::of).collect();
        trainings.sort_by_cached_key(|training| training.first().map(|run| (run.start_ms, run.public_id.clone())));
        let progress = read_progress(tx, &self.measured(&trainings)).await?;
        let edges = self.edges(tx, &trainings, &progress).await?;
        // What was copied from elsewhere is there.
        let missing = edges.iter().filter(|edge| edge.target_run_id.is_none() && edge.kind != LinkKind::Copy);
        let missing: BTreeSet<String> = missing.map(|edge| edge.target.clone()).collect();
        let summary = |training: &Training| {
            let (steps, time_ms) = totals(training, &progress);
            let training_id = training.first().map(|run| run.public_id.clone()).unwrap_or_default();
            TrainingSummary { training_id, attempts: training.attempts.len(), steps, time_ms }
        };
        let mut nodes = Vec::new();
        for (position, training) in trainings.iter().enumerate() {
            for (role, run) in roles(training) {
                nodes.push(node(run, position, role, progress.get(&run.id))?);
            }
        }
        Ok(Graph {
            nodes,
            edges,
            trainings: trainings.iter().map(summary).collect(),
            missing: missing.into_iter().collect(),
            truncated: self.truncated,
        })
    }

    /// The runs of which it is told how far they came. Where there are many, as in a sweep, reading all their metrics would
    /// take most of the time, and only trainings of several attempts and forks are told of.
    fn measured(&self, trainings: &[Training]) -> Vec<i64> {
        let all: usize = trainings.iter().map(|training| training.members().count()).sum();
        let forks = || self.links.iter().filter(|(_, links)| links.iter().any(|link| link.kind == LinkKind::Fork));
        let ends = forks().flat_map(|(run_id, links)| {
            let origins = links.iter().filter_map(|link| self.named.get(&link.target));
            origins.copied().chain([*run_id])
        });
        let ends: BTreeSet<i64> = ends.collect();
        let wanted = |training: &&Training| {
            all <= MEASURED_NODES || training.attempts.len() > 1 || training.members().any(|run| ends.contains(&run.id))
        };
        trainings.iter().filter(wanted).flat_map(Training::members).map(|run| run.id).collect()
    }

    /// The links, in the order of the runs, with what is known of each.
    async fn edges(&self, tx: &mut Tx, trainings: &[Training], progress: &HashMap<i64, Progress>) -> Result<Vec<Edge>> {
        let mut ranges: HashMap<i64, Option<(i64, i64)>> = HashMap::new();
        let mut ids: HashMap<i64, &str> = HashMap::new();
        for training in trainings {
            let range = range(training, progress);
            for run in training.members() {
                ranges.insert(run.id, range);
                ids.insert(run.id, &run.public_id);
            }
        }
        let forks = self.links.iter().filter(|(_, links)| links.iter().any(|link| link.kind == LinkKind::Fork));
        let first_steps = read_first_steps(tx, &Vec::from_iter(forks.map(|(run_id, _)| *run_id))).await?;
        let mut edges = Vec::new();
        for run in trainings.iter().flat_map(Training::members) {
            for link in self.links.get(&run.id).into_iter().flatten() {
                // A copy is of the run itself; all other links may lead to a copy of what they name.
                let is_meant =
                    |target: &i64| ids.get(target).is_some_and(|id| link.kind != LinkKind::Copy || *id == link.target);
                let target = self.named.get(&link.target).copied().filter(is_meant);
                let fork = link.kind == LinkKind::Fork;
                let first = first_steps.get(&run.id).filter(|_| fork);
                let origin = target.and_then(|target| ranges[&target]);
                edges.push(Edge {
                    kind: link.kind,
                    run_id: run.public_id.clone(),
                    target: link.target.clone(),
                    target_run_id: target.map(|target| ids[&target].to_owned()),
                    step: first.zip(origin).and_then(|(first, origin)| fork_step(*first, origin)),
                });
            }
        }
        Ok(edges)
    }
}

/// The runs of a training in their order, each with what it is there.
pub(in crate::store) fn roles(training: &Training) -> impl Iterator<Item = (Role, &Member)> {
    let prepared = training.prepared.iter().map(|run| (Role::Prepared, run));
    let attempts = (1..).zip(&training.attempts).flat_map(|(number, attempt)| {
        let copies = attempt.copies.iter().map(move |copy| (Role::Copy(number), copy));
        std::iter::once((Role::Attempt(number), &attempt.run)).chain(copies)
    });
    prepared.chain(attempts)
}

fn node(run: &Member, training: usize, role: Role, progress: Option<&Progress>) -> Result<Node> {
    let status = RunStatus::from_number(run.status)
        .ok_or_else(|| Error::internal(anyhow::anyhow!("run {} has the unknown status {}", run.id, run.status)))?;
    Ok(Node {
        run_id: run.public_id.clone(),
        experiment_id: run.experiment_id,
        name: run.name.clone(),
        user_id: run.user_id.clone(),
        status,
        lifecycle: run.lifecycle(),
        start_ms: run.start_ms,
        end_ms: run.end_ms,
        training,
        role,
        first_step: progress.and_then(|progress| progress.first_step),
        last_step: progress.map(|progress| progress.last_step),
        last_point_ms: progress.map(|progress| progress.last_ms),
        time_ms: time_ms(run, progress),
    })
}
