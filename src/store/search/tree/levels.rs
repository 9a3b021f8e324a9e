//! The rows of a tree: which of the trainings of a forest are shown for a search, where, and what is in them.

use std::ops::Range;
use std::sync::Arc;

use super::forest::{Forest, NONE, part_in};
use crate::store::lineage::Role;

/// In [`Tree::top`], what distinguishes a training from a position of the order.
const TRAINING: u32 = 1 << 31;

/// A level of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::search) enum Level {
    /// The trainings that are nested in nothing.
    Top,
    /// The runs of the training of a run.
    Members(i64),
    /// The trainings that are nested in a run.
    Nested(i64),
}

/// A row of a level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store::search) struct Item {
    /// The run that it shows.
    pub run: i64,
    /// What the run is in its training; of a row that is a training itself, nothing.
    pub role: Option<Role>,
    /// The nodes that it is about: the members of the training, or the run. Empty for a run that nothing is linked to.
    pub nodes: Range<u32>,
    /// Attempts, copies and prepared runs among them.
    pub attempts: usize,
    pub copies: usize,
    pub prepared: usize,
    /// How many rows are nested in it.
    pub nested: usize,
    /// How many runs match, of it and of all that is nested in it at any depth.
    pub matching: usize,
    /// How many runs there are.
    pub runs: usize,
    /// Whether a run of its own matches.
    pub matches: bool,
}

/// The trainings and runs that a search shows.
#[derive(Debug)]
pub(in crate::store::search) struct Tree {
    forest: Arc<Forest>,
    /// The runs that match, in order.
    order: Arc<[i64]>,
    /// The rows of the top level: trainings, marked with [`TRAINING`], and positions in the order of runs that are in no
    /// forest.
    top: Vec<u32>,
    /// Trainings that are nested in something and are shown, by what they are nested in and then in order.
    nested: Vec<u32>,
    /// How many runs match, of each training and of all that is nested in it.
    matching: Vec<u32>,
    /// Whether the run of each node matches.
    matches: Vec<bool>,
    /// How many trainings are shown at any depth.
    trainings: usize,
}

impl Tree {
    /// The tree of the runs that match, in order.
    pub fn new(forest: Arc<Forest>, order: Arc<[i64]>) -> Self {
        let places = places(&forest, &order);
        let matches: Vec<bool> = places.iter().map(|place| *place != NONE).collect();
        let count = forest.trainings();
        let mut matching = vec![0; count];
        // The first run that matches, of each training and of all that is nested in it.
        let mut first = vec![NONE; count];
        for (node, place) in places.iter().enumerate().filter(|(_, place)| **place != NONE) {
            let training = forest.training(node as u32) as usize;
            matching[training] += 1;
            first[training] = first[training].min(*place);
        }
        for training in forest.upward() {
            if let Some(above) = forest.above(*training) {
                matching[above as usize] += matching[*training as usize];
                first[above as usize] = first[above as usize].min(first[*training as usize]);
            }
        }
        let place = |training: u32| match places[forest.representative(training) as usize] {
            NONE => first[training as usize],
            place => place,
        };
        let shown = |training: &u32| matching[*training as usize] > 0;
        let mut nested: Vec<(u32, u32, u32)> = Vec::new();
        for training in forest.upward().iter().copied().filter(shown) {
            nested.push((forest.parent(training), place(training), training));
        }
        nested.sort_unstable();

        // A place in the order is that of one row at most: rows of one level have no run in common.
        let mut rows: Vec<u32> = (0..order.len() as u32).collect();
        for place in places.iter().filter(|place| **place != NONE) {
            rows[*place as usize] = NONE;
        }
        let tops = (0..count as u32).filter(|training| forest.parent(*training) == NONE).filter(shown);
        for training in tops {
            rows[place(training) as usize] = TRAINING | training;
        }
        rows.retain(|row| *row != NONE);
        let alone = rows.iter().filter(|row| **row & TRAINING == 0).count();
        let trainings = alone + matching.iter().filter(|matching| **matching > 0).count();
        rows.shrink_to_fit();
        let nested = nested.into_iter().map(|(_, _, training)| training).collect();
        Tree { forest, order, top: rows, nested, matching, matches, trainings }
    }

    /// The forest that it is a part of.
    pub fn forest(&self) -> &Arc<Forest> {
        &self.forest
    }

    /// The runs that match, in order.
    pub fn order(&self) -> &Arc<[i64]> {
        &self.order
    }

    /// How many trainings are shown at any depth.
    pub fn trainings(&self) -> usize {
        self.trainings
    }

    /// How many rows a level has, and those from `offset` on, `limit` at most.
    pub fn part(&self, level: Level, offset: usize, limit: usize) -> (usize, Vec<Item>) {
        match level {
            Level::Top => part(&self.top, offset, limit, |row| match row & TRAINING {
                0 => alone(self.order[*row as usize], None),
                _ => self.training(row & !TRAINING),
            }),
            Level::Nested(run) => {
                let rows = self.forest.node(run).map_or(&[][..], |node| self.nested_in(&(node..node + 1)));
                part(rows, offset, limit, |training| self.training(*training))
            }
            Level::Members(run) => match self.forest.node(run) {
                Some(node) => {
                    let members = self.forest.members(self.forest.training(node));
                    let shown: Vec<u32> = members.filter(|node| self.shows(*node)).collect();
                    part(&shown, offset, limit, |node| self.member(*node))
                }
                None => {
                    let rows: Vec<i64> = self.order.iter().copied().filter(|other| *other == run).collect();
                    part(&rows, offset, limit, |run| alone(*run, Some(Role::Attempt(1))))
                }
            },
        }
    }

    fn nested_in(&self, nodes: &Range<u32>) -> &[u32] {
        part_in(&self.nested, &self.forest, nodes)
    }

    /// Whether the run of a node matches, or one that is nested in it.
    fn shows(&self, node: u32) -> bool {
        self.matches[node as usize] || !self.nested_in(&(node..node + 1)).is_empty()
    }

    fn training(&self, training: u32) -> Item {
        let nodes = self.forest.members(training);
        Item {
            run: self.forest.run(self.forest.representative(training)),
            role: None,
            matching: self.matching[training as usize] as usize,
            runs: self.forest.size(training),
            ..self.about(nodes)
        }
    }

    fn member(&self, node: u32) -> Item {
        let nodes = node..node + 1;
        let size = |training: &u32| self.forest.size(*training);
        let matching = |training: &u32| self.matching[*training as usize] as usize;
        Item {
            run: self.forest.run(node),
            role: Some(self.forest.role(node)),
            matching: usize::from(self.matches[node as usize])
                + self.nested_in(&nodes).iter().map(matching).sum::<usize>(),
            runs: 1 + self.forest.nested_in(&nodes).iter().map(size).sum::<usize>(),
            ..self.about(nodes)
        }
    }

    /// What rows of trainings and of runs have in common.
    fn about(&self, nodes: Range<u32>) -> Item {
        let mut item = alone(0, None);
        (item.attempts, item.nested) = (0, self.nested_in(&nodes).len());
        for node in nodes.clone() {
            match self.forest.role(node) {
                Role::Attempt(_) => item.attempts += 1,
                Role::Copy(_) => item.copies += 1,
                Role::Prepared => item.prepared += 1,
            }
        }
        item.matches = self.matches[nodes.start as usize..nodes.end as usize].contains(&true);
        item.nodes = nodes;
        item
    }

    /// About how much memory it takes, without the order and the forest.
    pub fn bytes(&self) -> usize {
        (self.top.len() + self.nested.len() + self.matching.len()) * size_of::<u32>() + self.matches.len()
    }
}

/// A run that matches and that nothing is linked to.
fn alone(run: i64, role: Option<Role>) -> Item {
    Item { run, role, nodes: 0..0, attempts: 1, copies: 0, prepared: 0, nested: 0, matching: 1, runs: 1, matches: true }
}

fn part<T>(rows: &[T], offset: usize, limit: usize, item: impl Fn(&T) -> Item) -> (usize, Vec<Item>) {
    (rows.len(), rows.iter().skip(offset).take(limit).map(item).collect())
}

/// The place of each node in the order, or [`NONE`].
fn places(forest: &Forest, order: &[i64]) -> Vec<u32> {
    let mut places = vec![NONE; forest.by_run().len()];
    let mut by_run: Vec<(i64, u32)> = order.iter().copied().zip(0..).collect();
    by_run.sort_unstable();
    let mut found = by_run.into_iter().peekable();
    for node in forest.by_run() {
        let run = forest.run(*node);
        while found.next_if(|(other, _)| *other < run).is_some() {}
        if let Some((_, place)) = found.next_if(|(other, _)| *other == run) {
            places[*node as usize] = place;
        }
    }
    places
}
