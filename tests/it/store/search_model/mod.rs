//! That whatever runs there are, whatever is asked of them and however long the pages are, both databases find the runs
//! that a plain model finds, in its order. The model is the contract (section 6.1), run by run, without any SQL.

mod strategies;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use windvane::model::{NewLocation, RunStatus, ViewType};
use windvane::search::{
    Comparator, Comparison, DatasetAttribute, Filter, OrderKey, RunAttribute, RunField, Value, parse_run_filter,
};
use windvane::store::{LogBatch, NewRun, RunSearch, RunUpdate, Store};

use super::support::*;
use crate::support::variable;

/// Experiments of one world.
const EXPERIMENTS: usize = 3;
/// More experiments than are walked side by side.
const MANY: i64 = 20;
const RUN_NAME: &str = "mlflow.runName";

/// A run as the model sees it.
#[derive(Debug, Clone)]
struct ModelRun {
    experiment: usize,
    name: Option<String>,
    user: String,
    status: RunStatus,
    start: i64,
    end: Option<i64>,
    deleted: bool,
    metrics: BTreeMap<String, f64>,
    params: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    datasets: BTreeMap<(String, String), Option<String>>,
}

#[derive(Debug, Clone)]
struct Question {
    /// Which of the world's experiments are searched; none is a search of `MANY` others as well.
    experiments: Vec<bool>,
    many: bool,
    view: ViewType,
    clauses: Vec<(RunField, Comparator, Value)>,
    order: Vec<OrderKey<RunField>>,
    page: usize,
}

/// The id of the run at this place: in no order of anything else.
fn run_id(world: u32, place: usize) -> String {
    let number = (u64::from(world) << 20 | place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{number:032x}")
}

impl ModelRun {
    fn text(&self, field: &RunField, id: &str, experiment_id: i64) -> Option<String> {
        match field {
            RunField::Param(key) => self.params.get(key).cloned(),
            RunField::Tag(key) if key == RUN_NAME => self.name.clone(),
            RunField::Tag(key) => self.tags.get(key).cloned(),
            RunField::Attribute(RunAttribute::RunName) => self.name.clone(),
            RunField::Attribute(RunAttribute::RunId) => Some(id.to_owned()),
            RunField::Attribute(RunAttribute::UserId) => Some(self.user.clone()),
            RunField::Attribute(RunAttribute::Status) => Some(self.status.as_str().to_owned()),
            RunField::Attribute(RunAttribute::ArtifactUri) => {
                Some(format!("mlflow-artifacts:/{experiment_id}/{id}/artifacts"))
            }
            RunField::Attribute(RunAttribute::StartTime | RunAttribute::EndTime)
            | RunField::Metric(_)
            | RunField::Dataset(_) => None,
        }
    }

    /// The metric as it is compared: infinities are the largest numbers.
    fn metric(&self, key: &str) -> Option<f64> {
        self.metrics.get(key).map(|value| if value.is_nan() { *value } else { value.clamp(f64::MIN, f64::MAX) })
    }

    fn time(&self, attribute: RunAttribute) -> Option<i64> {
        if attribute == RunAttribute::StartTime { Some(self.start) } else { self.end }
    }

    fn matches(
        &self,
        (field, comparator, value): &(RunField, Comparator, Value),
        id: &str,
        experiment_id: i64,
    ) -> bool {
        match field {
            RunField::Metric(key) => self.metric(key).is_some_and(|metric| {
                let Value::Number(number) = value else { panic!("{value:?}") };
                match metric.partial_cmp(number) {
                    Some(ordering) => holds(*comparator, ordering),
                    None => *comparator == Comparator::NotEq,
                }
            }),
            RunField::Attribute(attribute @ (RunAttribute::StartTime | RunAttribute::EndTime)) => {
                self.time(*attribute).is_some_and(|time| {
                    let ordering = match value {
                        Value::Integer(number) => time.cmp(number),
                        // Times of this century are exact as floats.
                        Value::Number(number) => (time as f64).partial_cmp(number).unwrap(),
                        _ => panic!("{value:?}"),
                    };
                    holds(*comparator, ordering)
                })
            }
            RunField::Dataset(attribute) => self.datasets.iter().any(|((name, digest), context)| {
                let text = match attribute {
                    DatasetAttribute::Name => Some(name),
                    DatasetAttribute::Digest => Some(digest),
                    DatasetAttribute::Context => context.as_ref(),
                };
                text_matches(text.map(String::as_str), *comparator, value)
            }),
            _ => text_matches(self.text(field, id, experiment_id).as_deref(), *comparator, value),
        }
    }
}

fn holds(comparator: Comparator, ordering: Ordering) -> bool {
    match comparator {
        Comparator::Eq => ordering.is_eq(),
        Comparator::NotEq => ordering.is_ne(),
        Comparator::Gt => ordering.is_gt(),
        Comparator::Ge => ordering.is_ge(),
        Comparator::Lt => ordering.is_lt(),
        Comparator::Le => ordering.is_le(),
        _ => panic!("{comparator:?} compares no numbers"),
    }
}

fn text_matches(text: Option<&str>, comparator: Comparator, value: &Value) -> bool {
    let Some(text) = text else { return comparator == Comparator::IsNull };
    match (comparator, value) {
        (Comparator::IsNull, _) => false,
        (Comparator::IsNotNull, _) => true,
        (Comparator::Eq, Value::Text(value)) => text == value,
        (Comparator::NotEq, Value::Text(value)) => text != value,
        (Comparator::Like, Value::Text(pattern)) => is_like(&chars(pattern), &chars(text)),
        (Comparator::ILike, Value::Text(pattern)) => {
            is_like(&chars(&pattern.to_ascii_lowercase()), &chars(&text.to_ascii_lowercase()))
        }
        (Comparator::In, Value::List(values)) => values.iter().any(|value| value == text),
        (Comparator::NotIn, Value::List(values)) => values.iter().all(|value| value != text),
        _ => panic!("{comparator:?} {value:?}"),
    }
}

fn chars(text: &str) -> Vec<char> {
    text.chars().collect()
}

fn is_like(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|skipped| is_like(rest, &text[skipped..])),
        [first, rest @ ..] => {
            matches!(text, [character, behind @ ..] if (*first == '_' || first == character) && is_like(rest, behind))
        }
    }
}

/// Compares what is there, in the direction of the key; what is missing is last in either direction.
fn missing_last<T>(
    left: Option<T>,
    right: Option<T>,
    ascending: bool,
    compare: impl Fn(&T, &T) -> Ordering,
) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) if ascending => compare(&left, &right),
        (Some(left), Some(right)) => compare(&left, &right).reverse(),
        (left, right) => left.is_none().cmp(&right.is_none()),
    }
}

/// One seeded world on one database.
struct World<'a> {
    store: &'a Store,
    experiments: Vec<i64>,
    runs: &'a [ModelRun],
    ids: Vec<String>,
}

impl World<'_> {
    async fn seed<'a>(store: &'a Store, runs: &'a [ModelRun], number: u32) -> World<'a> {
        let mut experiments = Vec::new();
        for place in 0..EXPERIMENTS {
            let name = format!("world-{number}-{place}");
            experiments.push(store.create_experiment(&OPEN, &name, NewLocation::Default, &[], NOW).await.unwrap());
        }
        let ids: Vec<String> = (0..runs.len()).map(|place| run_id(number, place)).collect();
        let creations = runs.iter().zip(&ids).map(|(run, id)| log_run(store, run, id, experiments[run.experiment]));
        futures_util::future::join_all(creations).await;
        World { store, experiments, runs, ids }
    }

    fn experiment(&self, place: usize) -> i64 {
        self.experiments[self.runs[place].experiment]
    }

    fn compare(&self, left: usize, right: usize, order: &[OrderKey<RunField>]) -> Ordering {
        let (one, other) = (&self.runs[left], &self.runs[right]);
        let mut ordering = Ordering::Equal;
        for OrderKey { field, ascending } in order {
            ordering = ordering.then(match field {
                RunField::Metric(key) => {
                    let (one, other) = (one.metric(key), other.metric(key));
                    let number = |value: Option<f64>| value.filter(|value| !value.is_nan());
                    missing_last(number(one), number(other), *ascending, |one, other| one.partial_cmp(other).unwrap())
                        .then(one.is_none().cmp(&other.is_none()))
                }
                RunField::Attribute(attribute @ (RunAttribute::StartTime | RunAttribute::EndTime)) => {
                    missing_last(one.time(*attribute), other.time(*attribute), *ascending, i64::cmp)
                }
                _ => missing_last(
                    one.text(field, &self.ids[left], self.experiment(left)),
                    other.text(field, &self.ids[right], self.experiment(right)),
                    *ascending,
                    String::cmp,
                ),
            });
        }
        ordering.then(other.start.cmp(&one.start)).then(self.ids[left].cmp(&self.ids[right]))
    }

    fn expected(&self, question: &Question) -> Vec<String> {
        let is_found = |place: &usize| {
            let run = &self.runs[*place];
            let is_in_view = match question.view {
                ViewType::ActiveOnly => !run.deleted,
                ViewType::DeletedOnly => run.deleted,
                ViewType::All => true,
            };
            let (id, experiment) = (&self.ids[*place], self.experiment(*place));
            question.experiments[run.experiment]
                && is_in_view
                && question.clauses.iter().all(|clause| run.matches(clause, id, experiment))
        };
        let mut found: Vec<usize> = (0..self.runs.len()).filter(is_found).collect();
        found.sort_by(|left, right| self.compare(*left, *right, &question.order));
        found.into_iter().map(|place| self.ids[place].clone()).collect()
    }

    async fn check(&self, question: &Question) -> Result<(), TestCaseError> {
        let clauses = question.clauses.iter().cloned();
        let clauses = clauses.map(|(field, comparator, value)| Comparison { field, comparator, value, position: 0..0 });
        let filter = Filter { clauses: clauses.collect() };
        let text = filter.to_string();
        let chosen =
            self.experiments.iter().zip(&question.experiments).filter(|(_, chosen)| **chosen).map(|(id, _)| *id);
        let others = (0..MANY).map(|other| 1_000_000_000 + other).filter(|_| question.many);
        let search = RunSearch {
            experiments: others.chain(chosen).collect(),
            view: question.view,
            filter: parse_run_filter(&text).unwrap(),
            order: question.order.clone(),
            after: None,
            limit: 1_000,
        };
        prop_assert_eq!(&search.filter, &filter);
        let order: Vec<String> = search
            .order
            .iter()
            .map(|key| format!("{} {}", key.field, if key.ascending { "ASC" } else { "DESC" }))
            .collect();
        let expected = self.expected(question);

        let whole = find_in_pages(self.store, &search, 1_000).await;
        prop_assert_eq!(&whole, &expected, "{:?} by {:?}", text, order);
        let in_pages = find_in_pages(self.store, &search, question.page).await;
        prop_assert_eq!(&in_pages, &expected, "{:?} by {:?} in pages of {}", text, order, question.page);
        Ok(())
    }
}

async fn log_run(store: &Store, run: &ModelRun, id: &str, experiment_id: i64) {
    let new = NewRun {
        run_id: id.to_owned(),
        experiment_id,
        name: run.name.clone().unwrap_or_else(|| "removed again".to_owned()),
        user_id: run.user.clone(),
        start_ms: run.start,
        tags: Vec::new(),
    };
    store.create_run(&OPEN, new).await.unwrap();
    let pairs = |texts: &BTreeMap<String, String>| texts.iter().map(|(key, value)| pair(key, value)).collect();
    let batch = LogBatch {
        series: run.metrics.iter().map(|(key, value)| (key.clone(), vec![point(NOW, 0, *value)])).collect(),
        params: pairs(&run.params),
        tags: pairs(&run.tags),
        ..LogBatch::default()
    };
    store.log(&OPEN, id, batch).await.unwrap();
    let inputs =
        run.datasets.iter().map(|((name, digest), context)| dataset(name, digest, context.as_deref())).collect();
    store.log_inputs(&OPEN, id, inputs, Vec::new()).await.unwrap();
    let update = RunUpdate { status: Some(run.status), end_ms: run.end, name: None };
    store.update_run(&OPEN, id, update).await.unwrap();
    if run.name.is_none() {
        store.delete_run_tag(&OPEN, id, RUN_NAME).await.unwrap();
    }
    if run.deleted {
        store.delete_run(&OPEN, id, NOW).await.unwrap();
    }
}

/// Names runs by the ids that they have in this world.
fn with_ids(question: &Question, number: u32) -> Question {
    let id = |text: &String| text.parse().map_or_else(|_| text.clone(), |place| run_id(number, place));
    let mut question = question.clone();
    for (field, comparator, value) in &mut question.clauses {
        match (&*field, &mut *value) {
            (RunField::Attribute(RunAttribute::RunId), Value::List(texts)) => *texts = texts.iter().map(id).collect(),
            (RunField::Attribute(RunAttribute::RunId), Value::Text(text))
                if matches!(comparator, Comparator::Eq | Comparator::NotEq) =>
            {
                *text = id(text);
            }
            _ => {}
        }
    }
    question
}

#[test]
fn both_databases_find_what_the_contract_says_in_its_order_in_pages_of_any_size() {
    let cases = if variable("TEST_LARGE").is_some() { 300 } else { 16 };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let stores: Vec<_> = runtime.block_on(async {
        let mut stores = Vec::new();
        for database in databases().await {
            stores.push((database.open().await, database));
        }
        stores
    });
    let worlds = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });

    let outcome = runner.run(&strategies::world(), |(runs, questions)| {
        let number = worlds.get();
        worlds.set(number + 1);
        let checks = stores.iter().map(|(store, database)| async {
            let world = World::seed(store, &runs, number).await;
            for question in &questions {
                let checked = world.check(&with_ids(question, number)).await;
                checked.map_err(|error| {
                    let place = if database.is_sqlite() { "SQLite" } else { "PostgreSQL" };
                    TestCaseError::fail(format!("on {place}: {error}"))
                })?;
            }
            Ok::<(), TestCaseError>(())
        });
        runtime.block_on(futures_util::future::try_join_all(checks)).map(drop)
    });

    if let Err(error) = outcome {
        panic!("{error}");
    }
}
