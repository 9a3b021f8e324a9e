//! That trees are what a plain model says, for random runs with random links and random searches.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use proptest::prelude::*;

use super::forest::{Detail, Forest};
use super::levels::{Item, Level, Tree};
use super::lines::lines;
use crate::model::RunStatus;
use crate::store::lineage::training::{Member, Training};
use crate::store::lineage::{Role, roles};

/// A run as the database has it.
#[derive(Debug, Clone)]
struct Run {
    id: i64,
    training: i64,
    parent: Option<i64>,
    start_ms: i64,
    prepared: bool,
    origin: Option<String>,
    finished: bool,
    /// Whether it has a row in `lineage`.
    linked: bool,
    /// Whether it is searched, and in the view.
    here: bool,
}

impl Run {
    fn public_id(&self) -> String {
        // Backwards, so that no order by it is one by id.
        format!("r{:03}", 999 - self.id)
    }

    fn member(&self) -> Member {
        Member {
            id: self.id,
            public_id: self.public_id(),
            experiment_id: 0,
            name: String::new(),
            user_id: String::new(),
            status: if self.finished { RunStatus::Finished as i64 } else { RunStatus::Running as i64 },
            start_ms: self.start_ms,
            end_ms: None,
            deleted_ms: None,
            training_id: self.training,
            prepared: self.prepared,
            origin: self.origin.clone(),
        }
    }
}

/// Runs with links, and those of them that match, in order.
#[derive(Debug, Clone)]
struct World {
    runs: Vec<Run>,
    order: Vec<i64>,
}

fn world() -> impl Strategy<Value = World> {
    let run = (0..6_usize, 0..40_usize, 0..4_i64, 0..8_u8, 0..4_u8, any::<bool>(), 0..8_u8);
    let runs = prop::collection::vec((run, any::<bool>()), 1..40);
    (runs, any::<bool>()).prop_flat_map(|(rows, whole)| {
        let count = rows.len();
        let mut runs: Vec<Run> = Vec::new();
        for (place, ((group, parent, start_ms, odd, origin, finished, absent), links)) in rows.into_iter().enumerate() {
            let id = place as i64 + 1;
            // Some runs form trainings of several, the others are alone.
            let first = runs.iter().find(|run| group < 4 && run.linked && run.training % 4 == group as i64);
            let training = first.map_or(id, |run| run.training);
            let origin = match origin {
                0 => Some("x".to_owned()),
                1 => Some(format!("r{:03}", 999 - training)),
                2 if odd < 2 => Some(format!("r{:03}", 999 - id)),
                _ => None,
            };
            let parent = Some(parent as i64 + 1).filter(|parent| *parent <= count as i64 && *parent != id);
            let linked = links || training != id;
            let run = Run {
                id,
                training,
                parent: parent.filter(|_| linked),
                start_ms,
                prepared: linked && odd == 7,
                origin: origin.filter(|_| linked),
                finished,
                linked,
                here: absent > 0,
            };
            runs.push(run);
        }
        let here: Vec<i64> = runs.iter().filter(|run| run.here).map(|run| run.id).collect();
        let kept = if whole { here.len() } else { here.len() / 3 };
        Just(here).prop_shuffle().prop_map(move |mut order| {
            order.truncate(kept);
            World { runs: runs.clone(), order }
        })
    })
}

impl World {
    /// As the store makes it.
    fn tree(&self) -> Tree {
        let linked: Vec<&Run> = self.runs.iter().filter(|run| run.here && run.linked).collect();
        let row =
            |run: &&Run| (run.id, run.training, run.parent, run.start_ms, i64::from(run.prepared), run.origin.clone());
        let lines = lines(linked.iter().map(row).collect());
        let parents: BTreeSet<i64> = linked.iter().filter_map(|run| run.parent).collect();
        let alone = self.runs.iter().filter(|run| run.here && !run.linked && parents.contains(&run.id));
        let alone: Vec<i64> = alone.map(|run| run.id).collect();
        let detail = |run: &Run| {
            let member = run.member();
            Detail { id: run.id, public_id: member.public_id, status: member.status, origin: member.origin }
        };
        let unsure = lines.iter().filter(|line| line.unsure);
        let details: HashMap<i64, Detail> =
            unsure.map(|line| (line.run, detail(&self.runs[line.run as usize - 1]))).collect();
        Tree::new(Arc::new(Forest::new(&lines, &alone, &details)), self.order.clone().into())
    }
}

/// The same, told plainly.
struct Model {
    /// The runs of each training in their order, with what they are.
    members: BTreeMap<i64, Vec<(Role, i64)>>,
    /// The run that each training is nested in.
    parents: BTreeMap<i64, i64>,
    places: HashMap<i64, usize>,
}

impl Model {
    fn new(world: &World) -> Self {
        let mut trainings: BTreeMap<i64, Vec<&Run>> = BTreeMap::new();
        for run in world.runs.iter().filter(|run| run.here) {
            trainings.entry(run.training).or_default().push(run);
        }
        let members = trainings.iter().map(|(training, runs)| {
            let judged = Training::of(runs.iter().map(|run| run.member()).collect());
            (*training, roles(&judged).map(|(role, member)| (role, member.id)).collect())
        });
        let members: BTreeMap<i64, Vec<(Role, i64)>> = members.collect();
        let run = |id: i64| &world.runs[id as usize - 1];
        let mut parents = BTreeMap::new();
        for (training, runs) in &members {
            let named = runs.iter().filter_map(|(_, id)| run(*id).parent);
            let mut known = named.filter(|id| run(*id).here && run(*id).training != *training);
            known.next().map(|parent| parents.insert(*training, parent));
        }
        let age = |training: &i64| (trainings[training].iter().map(|run| run.start_ms).min(), *training);
        for training in trainings.keys() {
            let mut path = vec![*training];
            while let Some(parent) = parents.get(&path[path.len() - 1]) {
                let above = run(*parent).training;
                if above == *training {
                    parents.remove(path.iter().min_by_key(|training| age(training)).unwrap());
                    break;
                }
                if path.contains(&above) {
                    break;
                }
                path.push(above);
            }
        }
        let places = world.order.iter().copied().zip(0..).collect();
        Model { members, parents, places }
    }

    fn nested_in(&self, run: i64) -> Vec<i64> {
        self.parents.iter().filter(|(_, parent)| **parent == run).map(|(training, _)| *training).collect()
    }

    /// All runs of a training and beneath it.
    fn all(&self, training: i64) -> Vec<i64> {
        let own: Vec<i64> = self.members[&training].iter().map(|(_, run)| *run).collect();
        own.iter().flat_map(|run| self.all_of_run(*run)).collect()
    }

    fn all_of_run(&self, run: i64) -> Vec<i64> {
        let beneath = self.nested_in(run).into_iter().flat_map(|training| self.all(training));
        std::iter::once(run).chain(beneath).collect()
    }

    fn matching(&self, runs: &[i64]) -> Vec<usize> {
        runs.iter().filter_map(|run| self.places.get(run).copied()).collect()
    }

    fn place(&self, training: i64) -> Option<usize> {
        let own = self.places.get(&self.standing(training)).copied();
        own.or_else(|| self.matching(&self.all(training)).into_iter().min())
    }

    fn standing(&self, training: i64) -> i64 {
        let members = &self.members[&training];
        let last = members.iter().rev().find(|(role, _)| matches!(role, Role::Attempt(_)));
        last.unwrap_or(&members[members.len() - 1]).1
    }

    fn shown(&self, trainings: impl Iterator<Item = i64>) -> Vec<Row> {
        let mut rows: Vec<(usize, i64)> =
            trainings.filter_map(|training| Some((self.place(training)?, training))).collect();
        rows.sort_unstable();
        rows.into_iter().map(|(_, training)| self.training(training)).collect()
    }

    fn top(&self) -> Vec<Row> {
        self.shown(self.members.keys().copied().filter(|training| !self.parents.contains_key(training)))
    }

    fn training(&self, training: i64) -> Row {
        let members = &self.members[&training];
        let all = self.all(training);
        self.row(self.standing(training), None, members, &all)
    }

    fn member(&self, member: (Role, i64)) -> Row {
        self.row(member.1, Some(member.0), &[member], &self.all_of_run(member.1))
    }

    fn row(&self, run: i64, role: Option<Role>, about: &[(Role, i64)], all: &[i64]) -> Row {
        let count = |of: fn(&Role) -> bool| about.iter().filter(|(role, _)| of(role)).count();
        let nested = about.iter().map(|(_, run)| self.shown(self.nested_in(*run).into_iter()).len());
        Row {
            run,
            role,
            counts: [
                count(|role| matches!(role, Role::Attempt(_))),
                count(|role| matches!(role, Role::Copy(_))),
                count(|role| *role == Role::Prepared),
                nested.sum(),
                self.matching(all).len(),
                all.len(),
            ],
            matches: about.iter().any(|(_, run)| self.places.contains_key(run)),
        }
    }
}

/// What of an item can be compared.
#[derive(Debug, PartialEq)]
struct Row {
    run: i64,
    role: Option<Role>,
    counts: [usize; 6],
    matches: bool,
}

impl From<Item> for Row {
    fn from(item: Item) -> Self {
        let Item { run, role, attempts, copies, prepared, nested, matching, runs, matches, .. } = item;
        Row { run, role, counts: [attempts, copies, prepared, nested, matching, runs], matches }
    }
}

fn rows(tree: &Tree, level: Level) -> Vec<Row> {
    let (total, items) = tree.part(level, 0, usize::MAX);
    assert_eq!(total, items.len());
    items.into_iter().map(Row::from).collect()
}

/// All runs that are found by opening everything.
fn open(tree: &Tree, level: Level) -> Vec<i64> {
    let members = rows(tree, level).into_iter().flat_map(|row| rows(tree, Level::Members(row.run)));
    members.flat_map(|row| std::iter::once(row.run).chain(open(tree, Level::Nested(row.run)))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_level_is_that_of_the_model(world in world()) {
        let (tree, model) = (world.tree(), Model::new(&world));

        prop_assert_eq!(rows(&tree, Level::Top), model.top());
        for run in world.runs.iter().filter(|run| run.here) {
            let nested = model.shown(model.nested_in(run.id).into_iter());
            prop_assert_eq!(rows(&tree, Level::Nested(run.id)), nested);
            let members = model.members[&run.training].iter().copied();
            let shown = |run: i64| !model.matching(&model.all_of_run(run)).is_empty();
            let members: Vec<Row> = members.filter(|(_, run)| shown(*run)).map(|member| model.member(member)).collect();
            prop_assert_eq!(rows(&tree, Level::Members(run.id)), members);
        }
        let trainings = model.members.keys().filter(|training| model.place(**training).is_some()).count();
        prop_assert_eq!(tree.trainings(), trainings);
    }

    #[test]
    fn no_run_is_lost_or_there_twice(world in world()) {
        let tree = world.tree();

        let mut found = open(&tree, Level::Top);
        found.sort_unstable();

        let mut unique = found.clone();
        unique.dedup();
        prop_assert_eq!(&unique, &found);
        let missing: Vec<&i64> = world.order.iter().filter(|run| !found.contains(run)).collect();
        prop_assert!(missing.is_empty(), "{:?}", missing);
        prop_assert_eq!(rows(&tree, Level::Top).iter().map(|row| row.counts[4]).sum::<usize>(), world.order.len());
        if world.order.len() == world.runs.iter().filter(|run| run.here).count() {
            prop_assert_eq!(found.len(), world.order.len());
        }
    }

    #[test]
    fn pages_one_after_the_other_are_the_whole_level(world in world(), limit in 1..7_usize) {
        let tree = world.tree();
        let levels = world.runs.iter().flat_map(|run| [Level::Members(run.id), Level::Nested(run.id)]);
        for level in levels.chain([Level::Top]) {
            let (total, whole) = tree.part(level, 0, usize::MAX);
            let pages = (0..).step_by(limit).map(|offset| tree.part(level, offset, limit));
            let pages = pages.take(total / limit + 2).flat_map(|(count, page)| {
                assert!(count == total && page.len() <= limit);
                page
            });
            prop_assert_eq!(pages.collect::<Vec<Item>>(), whole);
        }
    }
}

/// A tree of runs that each are a training of their own, in the order of their ids.
fn nested(parents: impl Iterator<Item = (i64, Option<i64>)>) -> Tree {
    let run = |(id, parent)| Run {
        id,
        training: id,
        parent,
        start_ms: -id,
        prepared: false,
        origin: None,
        finished: true,
        linked: true,
        here: true,
    };
    let runs: Vec<Run> = parents.map(run).collect();
    let order = runs.iter().map(|run| run.id).collect();
    World { runs, order }.tree()
}

#[test]
fn a_cycle_of_a_thousand_begins_with_its_oldest_training() {
    let tree = nested((1..=1_000).map(|id| (id, Some(id % 1_000 + 1))));

    let (mut level, mut depth) = (Level::Top, 0);
    while let [row] = &rows(&tree, level)[..] {
        depth += 1;
        assert_eq!(row.counts[5], 1_001 - depth);
        // 1,000 is the oldest; what is nested in a run is the one before it.
        assert_eq!(row.run, 1_001 - depth as i64);
        level = Level::Nested(row.run);
    }
    assert_eq!(depth, 1_000);
}

#[test]
fn ten_thousand_children_are_listed_in_pages() {
    let tree = nested((1..=10_001).map(|id| (id, (id > 1).then_some(1))));

    assert_eq!(rows(&tree, Level::Top).len(), 1);
    let (total, page) = tree.part(Level::Nested(1), 9_998, 50);
    assert_eq!((total, page.len()), (10_000, 2));
    assert_eq!(page[1].run, 10_001);
}
