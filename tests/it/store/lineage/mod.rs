//! Lineage: what tags and params make of runs, in whatever order they arrive.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

mod cases;
mod existing;
mod graphs;
mod races;
mod random;

use std::collections::BTreeSet;

use windvane::lineage::LinkKind;
use windvane::model::KeyValue;
use windvane::store::{Graph, LogBatch, NewRun, Role, Store};

use super::support::*;

/// A run of a case: its name, when it starts, and what is said of it.
#[derive(Debug, Clone, Default)]
struct Case {
    name: &'static str,
    start: i64,
    tags: Vec<(&'static str, String)>,
    params: Vec<(&'static str, String)>,
}

/// One thing that arrives.
#[derive(Debug, Clone)]
enum Arrival {
    Created(usize),
    Params(usize),
    Tags(usize),
}

/// The id of a run of this name among the runs of one world.
fn id(world: &str, name: &str) -> String {
    format!("{world}-{name}")
}

/// A text with `@name` for the id of a run.
fn resolve(world: &str, text: &str) -> String {
    text.strip_prefix('@').map_or_else(|| text.to_owned(), |name| id(world, name))
}

fn pairs(world: &str, pairs: &[(&'static str, String)]) -> Vec<KeyValue> {
    pairs.iter().map(|(key, value)| pair(key, &resolve(world, value))).collect()
}

async fn arrive(store: &Store, world: &str, runs: &[Case], arrival: &Arrival) {
    match arrival {
        Arrival::Created(run) => {
            let Case { name, start, .. } = &runs[*run];
            let new = NewRun { run_id: id(world, name), start_ms: NOW + start, ..new_run(0) };
            store.create_run(&OPEN, new).await.unwrap();
        }
        Arrival::Params(run) => {
            let batch = LogBatch { params: pairs(world, &runs[*run].params), ..LogBatch::default() };
            store.log(&OPEN, &id(world, runs[*run].name), batch).await.unwrap();
        }
        Arrival::Tags(run) => {
            let batch = LogBatch { tags: pairs(world, &runs[*run].tags), ..LogBatch::default() };
            store.log(&OPEN, &id(world, runs[*run].name), batch).await.unwrap();
        }
    }
}

/// A graph as lines, with names for ids: `run: role in training`, `run -kind-> target`.
fn lines(world: &str, graph: &Graph) -> BTreeSet<String> {
    let name = |id: &str| id.strip_prefix(&format!("{world}-")).unwrap_or(id).to_owned();
    let mut lines = BTreeSet::new();
    for node in &graph.nodes {
        let role = match node.role {
            Role::Prepared => "prepared".to_owned(),
            Role::Attempt(number) => format!("attempt {number}"),
            Role::Copy(number) => format!("copy of attempt {number}"),
        };
        let training = name(&graph.trainings[node.training].training_id);
        lines.insert(format!("{}: {role} in {training}", name(&node.run_id)));
    }
    for edge in &graph.edges {
        let target = match &edge.target_run_id {
            Some(run_id) if *run_id == edge.target => name(run_id),
            Some(run_id) => format!("{} by {}", name(&edge.target), name(run_id)),
            None if edge.kind == LinkKind::Copy => format!("{} elsewhere", name(&edge.target)),
            None => format!("{} (missing)", name(&edge.target)),
        };
        lines.insert(format!("{} -{}-> {target}", name(&edge.run_id), edge.kind.as_str()));
    }
    let missing = graph.edges.iter().filter(|edge| edge.target_run_id.is_none() && edge.kind != LinkKind::Copy);
    let missing: BTreeSet<&String> = missing.map(|edge| &edge.target).collect();
    assert_eq!(graph.missing.iter().collect::<BTreeSet<_>>(), missing);
    lines
}

/// The runs and links that a store has of a world, all graphs together.
async fn world_lines(store: &Store, world: &str, runs: &[Case]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for run in runs {
        let graph = store.find_lineage(&OPEN, &id(world, run.name)).await.unwrap();
        assert!(!graph.truncated);
        let lines = lines(world, &graph);
        // Whichever run is asked for, the same graph is around it.
        assert!(lines.iter().any(|line| line.starts_with(&format!("{}:", run.name))), "{lines:?}");
        all.extend(lines);
    }
    all
}

fn run(name: &'static str, start: i64) -> Case {
    Case { name, start, ..Case::default() }
}

impl Case {
    fn tag(mut self, key: &'static str, value: &str) -> Self {
        self.tags.push((key, value.to_owned()));
        self
    }

    fn param(mut self, key: &'static str, value: &str) -> Self {
        self.params.push((key, value.to_owned()));
        self
    }

    /// What Anemoi logs of every run.
    fn anemoi(self, run_id: &str) -> Self {
        self.param("config.training.run_id", run_id).param("metadata.run_id", run_id)
    }

    fn resumes(self, parent: &str) -> Self {
        self.tag("mlflow.parentRunId", parent).tag("resumedRun", "True").anemoi(parent)
    }

    fn forks(self, origin: &str) -> Self {
        self.tag("forkedRun", "True").tag("forkedRunId", origin).param("config.training.fork_run_id", origin)
    }
}
