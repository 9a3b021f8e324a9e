//! Trainings and what is nested in what, for all runs of some experiments, whatever is searched there.
//!
//! Everything is a number here: a *node* is a run, numbered so that the runs of a training follow each other in their
//! order; trainings are numbered likewise. Runs that nothing links to others are in no forest.

use std::collections::HashMap;
use std::ops::Range;

use serde::Deserialize;

use super::lines::Line;
use crate::model::RunStatus;
use crate::store::lineage::training::{Member, Training};
use crate::store::lineage::{self, Role};

/// No node, or no training.
pub(super) const NONE: u32 = u32::MAX;

/// What a [`Line`] leaves open.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::store::search) struct Detail {
    pub id: i64,
    pub public_id: String,
    pub status: i64,
    pub origin: Option<String>,
}

/// See the module.
#[derive(Debug, Default)]
pub(in crate::store::search) struct Forest {
    /// The run of each node.
    runs: Vec<i64>,
    /// What each node is in its training: see [`pack`].
    roles: Vec<u32>,
    /// The training of each node.
    trainings: Vec<u32>,
    /// The nodes, by run.
    by_run: Vec<u32>,
    /// The first node of each training, and behind the last one the number of nodes.
    first: Vec<u32>,
    /// The node that each training is nested in, or [`NONE`].
    parents: Vec<u32>,
    /// How many runs are in each training and in all that is nested in it, at any depth.
    sizes: Vec<u32>,
    /// The trainings that are nested in a node, by node.
    nested: Vec<u32>,
    /// The same ones, each before what it is nested in.
    upward: Vec<u32>,
}

impl Forest {
    /// Builds it from `lines` by training and run, from the runs without a line that others are nested in, and from details
    /// of the lines that are unsure.
    pub fn new(lines: &[Line], alone: &[i64], details: &HashMap<i64, Detail>) -> Self {
        let mut forest = Forest::default();
        // What each node says it is nested in.
        let mut named = Vec::with_capacity(lines.len() + alone.len());
        // The oldest training of a cycle is its top.
        let mut ages = Vec::new();
        for members in lines.chunk_by(|one, other| one.training == other.training) {
            ages.push((members.iter().map(|line| line.start_ms).min(), members[0].training));
            forest.first.push(forest.runs.len() as u32);
            for (run, role) in roles(members, details) {
                let line = members.binary_search_by_key(&run, |line| line.run);
                named.push(line.ok().and_then(|line| members[line].parent));
                forest.add(run, role);
            }
        }
        for run in alone {
            ages.push((None, *run));
            forest.first.push(forest.runs.len() as u32);
            named.push(None);
            forest.add(*run, Role::Attempt(1));
        }
        let count = forest.runs.len() as u32;
        forest.first.push(count);
        forest.by_run = (0..count).collect();
        forest.by_run.sort_unstable_by_key(|node| forest.runs[*node as usize]);
        forest.sizes = forest.first.windows(2).map(|ends| ends[1] - ends[0]).collect();
        forest.parents = (0..ages.len() as u32).map(|training| forest.nest(training, &named)).collect();
        forest.order_upward(&ages);
        forest
    }

    fn add(&mut self, run: i64, role: Role) {
        self.runs.push(run);
        self.roles.push(pack(role));
        self.trainings.push(self.first.len() as u32 - 1);
    }

    /// The node that a training is nested in: the first that its members name which is here and not one of them.
    fn nest(&self, training: u32, named: &[Option<i64>]) -> u32 {
        let members = self.members(training);
        let named = named[members.start as usize..members.end as usize].iter().flatten();
        let mut nodes = named.filter_map(|run| self.node(*run));
        nodes.find(|node| !members.contains(node)).unwrap_or(NONE)
    }

    /// Cuts cycles, and finds the orders of what is nested.
    fn order_upward(&mut self, ages: &[(Option<i64>, i64)]) {
        let count = self.parents.len();
        let mut waiting = vec![0_u32; count];
        for training in 0..count {
            if let Some(above) = self.above(training as u32) {
                waiting[above as usize] += 1;
            }
        }
        let mut upward: Vec<u32> = (0..count as u32).filter(|training| waiting[*training as usize] == 0).collect();
        let mut done = 0;
        while let Some(training) = upward.get(done) {
            done += 1;
            if let Some(above) = self.above(*training) {
                waiting[above as usize] -= 1;
                if waiting[above as usize] == 0 {
                    upward.push(above);
                }
            }
        }
        // What still waits is in a cycle: whatever hangs on one has been taken away.
        for training in 0..count as u32 {
            if waiting[training as usize] == 0 {
                continue;
            }
            let mut cycle = vec![training];
            let mut next = self.above(training);
            while let Some(above) = next.filter(|above| *above != training) {
                cycle.push(above);
                next = self.above(above);
            }
            let oldest = (0..cycle.len()).min_by_key(|place| ages[cycle[*place] as usize]).unwrap_or(0);
            self.parents[cycle[oldest] as usize] = NONE;
            let length = cycle.len();
            cycle.rotate_left((oldest + 1) % length);
            cycle.iter().for_each(|member| waiting[*member as usize] = 0);
            upward.extend(cycle);
        }
        upward.retain(|training| self.parents[*training as usize] != NONE);
        for training in &upward {
            if let Some(above) = self.above(*training) {
                self.sizes[above as usize] += self.sizes[*training as usize];
            }
        }
        self.nested = upward.clone();
        self.nested.sort_unstable_by_key(|training| self.parents[*training as usize]);
        self.upward = upward;
    }

    /// The training that a training is nested in.
    pub fn above(&self, training: u32) -> Option<u32> {
        let parent = self.parents[training as usize];
        (parent != NONE).then(|| self.training(parent))
    }

    /// The node of a run.
    pub fn node(&self, run: i64) -> Option<u32> {
        let place = self.by_run.binary_search_by_key(&run, |node| self.runs[*node as usize]).ok()?;
        Some(self.by_run[place])
    }

    /// The nodes, by run.
    pub fn by_run(&self) -> &[u32] {
        &self.by_run
    }

    /// The run of a node.
    pub fn run(&self, node: u32) -> i64 {
        self.runs[node as usize]
    }

    /// What a node is in its training.
    pub fn role(&self, node: u32) -> Role {
        unpack(self.roles[node as usize])
    }

    /// The training of a node.
    pub fn training(&self, node: u32) -> u32 {
        self.trainings[node as usize]
    }

    /// How many trainings there are.
    pub fn trainings(&self) -> usize {
        self.parents.len()
    }

    /// The nodes of a training.
    pub fn members(&self, training: u32) -> Range<u32> {
        self.first[training as usize]..self.first[training as usize + 1]
    }

    /// The node that stands for a training: its last attempt, or else the last that was prepared.
    pub fn representative(&self, training: u32) -> u32 {
        let members = self.members(training);
        let last = members.end - 1;
        members.rev().find(|node| matches!(self.role(*node), Role::Attempt(_))).unwrap_or(last)
    }

    /// The node that a training is nested in, or [`NONE`].
    pub fn parent(&self, training: u32) -> u32 {
        self.parents[training as usize]
    }

    /// How many runs are in a training and in all that is nested in it.
    pub fn size(&self, training: u32) -> usize {
        self.sizes[training as usize] as usize
    }

    /// The trainings that are nested in some of the nodes.
    pub fn nested_in(&self, nodes: &Range<u32>) -> &[u32] {
        part_in(&self.nested, self, nodes)
    }

    /// The trainings that are nested in something, each before what it is nested in.
    pub fn upward(&self) -> &[u32] {
        &self.upward
    }

    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        let words = 4 * self.runs.len() + self.first.len() + 2 * self.parents.len() + 2 * self.nested.len();
        self.runs.len() * size_of::<i64>() + words * size_of::<u32>()
    }
}

/// The part of `trainings`, which are sorted by what they are nested in, that is nested in `nodes`.
pub(super) fn part_in<'a>(trainings: &'a [u32], forest: &Forest, nodes: &Range<u32>) -> &'a [u32] {
    let place = |node: u32| trainings.partition_point(|training| forest.parent(*training) < node);
    &trainings[place(nodes.start)..place(nodes.end)]
}

/// The runs of a training in their order, each with what it is there.
fn roles(members: &[Line], details: &HashMap<i64, Detail>) -> Vec<(i64, Role)> {
    if let [only] = members {
        return vec![(only.run, if only.prepared { Role::Prepared } else { Role::Attempt(1) })];
    }
    let training = Training::of(members.iter().map(|line| member(line, details.get(&line.run))).collect());
    lineage::roles(&training).map(|(role, member)| (member.id, role)).collect()
}

/// As much of a run as its place in the training depends on: who has no details differs from all others by its start,
/// and has no copies.
fn member(line: &Line, detail: Option<&Detail>) -> Member {
    Member {
        id: line.run,
        public_id: detail.map(|detail| detail.public_id.clone()).unwrap_or_default(),
        experiment_id: 0,
        name: String::new(),
        user_id: String::new(),
        status: detail.map_or(RunStatus::Running as i64, |detail| detail.status),
        start_ms: line.start_ms,
        end_ms: None,
        deleted_ms: None,
        training_id: line.training,
        prepared: line.prepared,
        origin: detail.and_then(|detail| detail.origin.clone()),
    }
}

/// A role as one number.
fn pack(role: Role) -> u32 {
    match role {
        Role::Prepared => 0,
        Role::Attempt(number) => (number as u32) << 1,
        Role::Copy(number) => ((number as u32) << 1) | 1,
    }
}

fn unpack(role: u32) -> Role {
    match (role, role & 1) {
        (0, _) => Role::Prepared,
        (_, 0) => Role::Attempt(role as usize >> 1),
        (_, _) => Role::Copy(role as usize >> 1),
    }
}
