//! Whatever is logged in whatever order, taken back or said twice: what follows depends only on what is said at last.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const TAG_KEYS: [&str; 6] =
    ["mlflow.parentRunId", "resumedRun", "forkedRunId", "dry_run", "mlflow.offline.parentRunId", "note"];
const PARAM_KEYS: [&str; 4] =
    ["config.training.run_id", "metadata.run_id", "metadata.offline_run_id", "config.training.offline_self_run_id"];

/// Something that happens to a run, by its position.
#[derive(Debug, Clone)]
enum Step {
    Create(usize),
    Tag(usize, usize, String),
    DeleteTag(usize, usize),
    Param(usize, usize, String),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // The last two names are of runs that may never come.
    let value = prop_oneof![
        6 => prop::sample::select(NAMES.to_vec()).prop_map(|name| format!("@{name}")),
        3 => Just("True".to_owned()),
        1 => Just("None".to_owned()),
    ];
    let step = prop_oneof![
        2 => (0..4_usize).prop_map(Step::Create),
        6 => (0..4_usize, 0..TAG_KEYS.len(), value.clone()).prop_map(|(run, key, value)| Step::Tag(run, key, value)),
        2 => (0..4_usize, 0..TAG_KEYS.len()).prop_map(|(run, key)| Step::DeleteTag(run, key)),
        3 => (0..4_usize, 0..PARAM_KEYS.len(), value).prop_map(|(run, key, value)| Step::Param(run, key, value)),
    ];
    prop::collection::vec(step, 1..24)
}

/// What is said at last.
#[derive(Debug, Default)]
struct Final {
    tags: BTreeMap<&'static str, String>,
    params: BTreeMap<&'static str, String>,
}

/// Takes the steps, and answers what they come to: runs that were created, with what is said of them.
async fn take(store: &Store, world: &str, steps: &[Step]) -> Vec<Case> {
    let mut finals: BTreeMap<usize, Final> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Create(run) => {
                finals.entry(*run).or_default();
                arrive(store, world, &cases(&finals), &Arrival::Created(position(&finals, *run))).await;
            }
            Step::Tag(run, key, value) if finals.contains_key(run) => {
                finals.get_mut(run).unwrap().tags.insert(TAG_KEYS[*key], value.clone());
                let tags = pairs(world, &[(TAG_KEYS[*key], value.clone())]);
                let batch = LogBatch { tags, ..LogBatch::default() };
                store.log(&OPEN, &id(world, NAMES[*run]), batch).await.unwrap();
            }
            Step::DeleteTag(run, key) if finals.contains_key(run) => {
                let deleted = store.delete_run_tag(&OPEN, &id(world, NAMES[*run]), TAG_KEYS[*key]).await;
                let had = finals.get_mut(run).unwrap().tags.remove(TAG_KEYS[*key]).is_some();
                assert_eq!(deleted.is_ok(), had);
            }
            Step::Param(run, key, value) if finals.contains_key(run) => {
                let params = &mut finals.get_mut(run).unwrap().params;
                let logged = params.entry(PARAM_KEYS[*key]).or_insert_with(|| value.clone()) == value;
                let params = pairs(world, &[(PARAM_KEYS[*key], value.clone())]);
                let batch = LogBatch { params, ..LogBatch::default() };
                assert_eq!(store.log(&OPEN, &id(world, NAMES[*run]), batch).await.is_ok(), logged);
            }
            Step::Tag(..) | Step::DeleteTag(..) | Step::Param(..) => {}
        }
    }
    cases(&finals)
}

fn position(finals: &BTreeMap<usize, Final>, run: usize) -> usize {
    finals.keys().position(|other| *other == run).unwrap()
}

fn cases(finals: &BTreeMap<usize, Final>) -> Vec<Case> {
    let texts =
        |texts: &BTreeMap<&'static str, String>| texts.iter().map(|(key, value)| (*key, value.clone())).collect();
    let case = |(run, said): (&usize, &Final)| Case {
        name: NAMES[*run],
        start: *run as i64,
        tags: texts(&said.tags),
        params: texts(&said.params),
    };
    finals.iter().map(case).collect()
}

/// The trainings and parents that the tables hold, by public id.
const TABLE: &str = "SELECT r.public_id || ' ' || t.public_id || ' ' || coalesce(p.public_id, '') || ' ' || \
     coalesce(m.origin, '') FROM lineage m JOIN run r ON r.id = m.run_id JOIN run t ON t.id = m.training_id \
     LEFT JOIN run p ON p.id = m.parent_id";

#[tokio::test]
async fn only_what_is_said_at_last_counts() {
    let config = Config { cases: 150, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    for database in databases().await {
        let store = database.open().await;
        let mut runner = TestRunner::new_with_rng(config.clone(), rng.clone());
        for number in 0..config.cases {
            let steps = steps().new_tree(&mut runner).unwrap().current();
            let (moved, straight) = (format!("m{number}"), format!("s{number}"));
            let runs = take(&store, &moved, &steps).await;
            for run in 0..runs.len() {
                for arrival in [Arrival::Created(run), Arrival::Params(run), Arrival::Tags(run)] {
                    arrive(&store, &straight, &runs, &arrival).await;
                }
            }
            let expected = world_lines(&store, &straight, &runs).await;
            assert_eq!(world_lines(&store, &moved, &runs).await, expected, "{steps:?}");
        }
        // What tables of runs are built from, in the names of both worlds. A run whose links were taken back keeps a row
        // that says that it is alone.
        let rows = database.texts(TABLE).await;
        assert_eq!(places(&rows, 'm'), places(&rows, 's'));
    }
}

/// The rows of a world, with the training named by its least public id; those that say nothing are left out.
fn places(rows: &[String], world: char) -> BTreeSet<String> {
    let rows: Vec<Vec<&str>> =
        rows.iter().filter_map(|row| row.strip_prefix(world)).map(|row| row.split(' ').collect()).collect();
    let mates = |training: &str| rows.iter().filter(|row| row[1] == training).map(|row| row[0]).collect::<Vec<_>>();
    let place = |row: &Vec<&str>| {
        let mates = mates(row[1]);
        // A run that was copied stays its own origin when no copy is left, which means nothing.
        let copied = rows.iter().any(|other| other[0] != row[0] && other[3] == row[3]);
        let origin = if row[3].trim_start_matches(world) == row[0] && !copied { "" } else { row[3] };
        let others = [row[2], origin].map(|id| id.trim_start_matches(world));
        let says = mates.len() > 1 || others.iter().any(|other| !other.is_empty() && *other != row[0]);
        says.then(|| format!("{} in {:?} parent {} origin {}", row[0], mates.iter().min(), others[0], others[1]))
    };
    rows.iter().filter_map(place).collect()
}
