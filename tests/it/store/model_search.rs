//! Searches for logged models, compared with what the contract says of them in a few lines of Rust (its section 6.3), on
//! both databases: few names and few values, so that much ties, and values at which databases differ.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use windvane::model::{ModelStatus, NewLocation};
use windvane::search::parse_model_filter;
use windvane::search::{Comparator, Comparison, Filter, ModelAttribute, ModelField, Value, like_matches};
use windvane::store::{
    LogBatch, ModelDataset, ModelMetric, ModelOrder, ModelOrderField, ModelSearch, NewLoggedModel, Store,
};

use super::support::*;
use crate::support::variable;

const EXPERIMENTS: usize = 2;

/// A point of a model: its key, step, time, value and dataset.
#[derive(Debug, Clone)]
struct Measured {
    key: &'static str,
    step: i64,
    time: i64,
    value: f64,
    dataset: (&'static str, &'static str),
}

/// A logged model as the test knows it.
#[derive(Debug, Clone)]
struct Known {
    experiment: usize,
    name: &'static str,
    kind: Option<&'static str>,
    source: Option<&'static str>,
    status: Option<ModelStatus>,
    created: i64,
    updated: i64,
    deleted: bool,
    params: BTreeMap<&'static str, &'static str>,
    tags: BTreeMap<&'static str, &'static str>,
    points: Vec<Measured>,
}

#[derive(Debug, Clone)]
struct Question {
    experiments: [bool; EXPERIMENTS],
    clauses: Vec<(ModelField, Comparator, Value)>,
    datasets: Vec<ModelDataset>,
    order: Vec<ModelOrder>,
    page: usize,
}

// ---- What is asked and what there is

const TEXTS: [&str; 12] = ["a", "A", "b", "ab", "a b", "é", "É", "a*b", "[a]", "a%b", "a_b", "10"];
const PATTERNS: [&str; 12] = ["%", "_", "a%", "%b", "a_b", "A%", "a*b", "%[a]%", "é", "É%", "1%", "a?b"];
const KEYS: [&str; 3] = ["k", "l", "nowhere"];
const DATASETS: [(&str, &str); 4] = [("", ""), ("d", "1"), ("d", "2"), ("e", "1")];

fn one_of<T: Clone + std::fmt::Debug + 'static>(values: &[T]) -> impl Strategy<Value = T> + use<T> {
    prop::sample::select(values.to_vec())
}

fn text() -> impl Strategy<Value = &'static str> {
    prop_oneof![one_of(&["a", "A", "b"]), one_of(&TEXTS)]
}

fn number() -> impl Strategy<Value = f64> {
    one_of(&[-1.0, 0.0, 0.5, 1.0, 2.0, 1e308, f64::MAX, f64::MIN, 5e-324])
}

fn points() -> impl Strategy<Value = Vec<Measured>> {
    let value = prop_oneof![number(), one_of(&[f64::NAN, f64::INFINITY, -0.0])];
    let point = (one_of(&KEYS[..2]), -1..3_i64, 0..2_i64, value, one_of(&DATASETS))
        .prop_map(|(key, step, time, value, dataset)| Measured { key, step, time, value, dataset });
    prop::collection::vec(point, 0..6)
}

fn pairs() -> impl Strategy<Value = BTreeMap<&'static str, &'static str>> {
    prop::collection::btree_map(one_of(&KEYS[..2]), text(), 0..3)
}

prop_compose! {
    fn model()(
        (experiment, created, updated, deleted) in (0..EXPERIMENTS, 0..4_i64, 0..4_i64, prop::bool::weighted(0.15)),
        (name, kind, source) in (text(), prop::option::of(text()), prop::option::of(text())),
        status in prop::option::of(one_of(&ModelStatus::ALL)),
        (params, tags, points) in (pairs(), pairs(), points()),
    ) -> Known {
        Known { experiment, name, kind, source, status, created, updated, deleted, params, tags, points }
    }
}

const NUMERIC: [Comparator; 6] =
    [Comparator::Gt, Comparator::Ge, Comparator::Eq, Comparator::NotEq, Comparator::Lt, Comparator::Le];

fn text_test() -> impl Strategy<Value = (Comparator, Value)> {
    let one = |text: &str| Value::Text(text.to_owned());
    let list = prop::collection::vec(text(), 1..4);
    prop_oneof![
        (one_of(&[Comparator::Eq, Comparator::NotEq]), text()).prop_map(move |(how, text)| (how, one(text))),
        (one_of(&[Comparator::Like, Comparator::ILike]), one_of(&PATTERNS))
            .prop_map(move |(how, text)| (how, one(text))),
        (one_of(&[Comparator::In, Comparator::NotIn]), list)
            .prop_map(|(how, texts)| (how, Value::List(texts.into_iter().map(str::to_owned).collect()))),
    ]
}

fn status_test() -> impl Strategy<Value = (Comparator, Value)> {
    let words = || one_of(&["PENDING", "READY", "FAILED"]);
    prop_oneof![
        (one_of(&[Comparator::Eq, Comparator::NotEq]), words())
            .prop_map(|(how, word)| (how, Value::Text(word.to_owned()))),
        (one_of(&[Comparator::In, Comparator::NotIn]), prop::collection::vec(words(), 1..3))
            .prop_map(|(how, words)| (how, Value::List(words.into_iter().map(str::to_owned).collect()))),
    ]
}

fn clause() -> impl Strategy<Value = (ModelField, Comparator, Value)> {
    use ModelAttribute::*;
    let key = || one_of(&KEYS).prop_map(str::to_owned);
    let with = |field: ModelField, (how, value)| (field, how, value);
    prop_oneof![
        3 => (key(), one_of(&NUMERIC), number())
            .prop_map(|(key, how, value)| (ModelField::Metric(key), how, Value::Number(value))),
        1 => (key(), text_test()).prop_map(move |(key, test)| with(ModelField::Param(key), test)),
        1 => (key(), text_test()).prop_map(move |(key, test)| with(ModelField::Tag(key), test)),
        1 => (one_of(&[Name, ModelType, SourceRunId, StatusMessage]), text_test())
            .prop_map(move |(attribute, test)| with(ModelField::Attribute(attribute), test)),
        1 => status_test().prop_map(move |test| with(ModelField::Attribute(Status), test)),
        1 => (one_of(&[CreationTime, LastUpdatedTime]), one_of(&NUMERIC), 0..4_i64).prop_map(|(attribute, how, time)| (
            ModelField::Attribute(attribute),
            how,
            Value::Integer(NOW + time)
        )),
    ]
}

fn dataset() -> impl Strategy<Value = ModelDataset> {
    (one_of(&["d", "e", "f"]), prop::option::of(one_of(&["1", "2"])))
        .prop_map(|(name, digest)| ModelDataset { name: name.to_owned(), digest: digest.map(str::to_owned) })
}

fn order_key() -> impl Strategy<Value = ModelOrder> {
    let field = prop_oneof![
        (one_of(&KEYS), prop::option::of(dataset()))
            .prop_map(|(key, dataset)| ModelOrderField::Metric(key.to_owned(), dataset)),
        one_of(ModelAttribute::ALL).prop_map(ModelOrderField::Attribute),
    ];
    (field, any::<bool>()).prop_map(|(field, ascending)| ModelOrder { field, ascending })
}

fn question() -> impl Strategy<Value = Question> {
    let datasets = prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(dataset(), 1..3)];
    let parts = (
        any::<[bool; EXPERIMENTS]>(),
        prop::collection::vec(clause(), 0..3),
        datasets,
        prop::collection::vec(order_key(), 0..3),
        1..4_usize,
    );
    parts.prop_map(|(experiments, clauses, datasets, order, page)| Question {
        experiments,
        clauses,
        datasets,
        order,
        page,
    })
}

// ---- What the contract says

fn is_on(point: &Measured, datasets: &[ModelDataset]) -> bool {
    let fits = |dataset: &ModelDataset| {
        dataset.name == point.dataset.0 && dataset.digest.as_deref().is_none_or(|digest| digest == point.dataset.1)
    };
    datasets.is_empty() || datasets.iter().any(fits)
}

fn holds<T: PartialOrd + ?Sized>(how: Comparator, left: &T, right: &T) -> bool {
    match how {
        Comparator::Gt => left > right,
        Comparator::Ge => left >= right,
        Comparator::Lt => left < right,
        Comparator::Le => left <= right,
        Comparator::Eq => left == right,
        Comparator::NotEq => left != right,
        other => panic!("{other:?} compares no numbers"),
    }
}

fn text_holds(how: Comparator, text: Option<&str>, value: &Value) -> bool {
    let Some(text) = text else { return false };
    match (how, value) {
        (Comparator::Eq, Value::Text(value)) => text == value,
        (Comparator::NotEq, Value::Text(value)) => text != value,
        (Comparator::Like, Value::Text(pattern)) => like_matches(pattern, text, false),
        (Comparator::ILike, Value::Text(pattern)) => like_matches(pattern, text, true),
        (Comparator::In, Value::List(values)) => values.iter().any(|value| value == text),
        (Comparator::NotIn, Value::List(values)) => values.iter().all(|value| value != text),
        other => panic!("{other:?} compares no texts"),
    }
}

/// What is missing comes last in either direction.
fn missing_last<T>(left: Option<T>, right: Option<T>, ascending: bool, by: impl Fn(&T, &T) -> Ordering) -> Ordering {
    match (&left, &right) {
        (Some(left), Some(right)) if ascending => by(left, right),
        (Some(left), Some(right)) => by(right, left),
        _ => left.is_none().cmp(&right.is_none()),
    }
}

impl Known {
    /// The latest value of a metric on one of each list of datasets.
    fn latest(&self, key: &str, datasets: &[&[ModelDataset]]) -> Option<f64> {
        // The value that is stored: NaN counts as 0, and comes behind it.
        let rank = |point: &Measured| {
            let value = if point.value.is_nan() { 0.0 } else { point.value.clamp(f64::MIN, f64::MAX) };
            (point.step, point.time, value, point.value.is_nan())
        };
        let points = self.points.iter().filter(|point| point.key == key);
        let points = points.filter(|point| datasets.iter().all(|datasets| is_on(point, datasets)));
        let latest = points.max_by(|left, right| rank(left).partial_cmp(&rank(right)).unwrap())?;
        Some(if latest.value.is_nan() { f64::NAN } else { latest.value.clamp(f64::MIN, f64::MAX) })
    }

    fn status(&self) -> ModelStatus {
        self.status.unwrap_or(ModelStatus::Pending)
    }

    fn updated(&self) -> i64 {
        NOW + if self.status.is_some() { self.updated } else { self.created }
    }

    fn matches(&self, (field, how, value): &(ModelField, Comparator, Value), datasets: &[ModelDataset]) -> bool {
        match field {
            ModelField::Metric(key) => {
                let Value::Number(number) = value else { panic!("{value:?}") };
                match self.latest(key, &[datasets]) {
                    None => false,
                    Some(latest) if latest.is_nan() => *how == Comparator::NotEq,
                    Some(latest) => holds(*how, &latest, number),
                }
            }
            ModelField::Param(key) => text_holds(*how, self.params.get(key.as_str()).copied(), value),
            ModelField::Tag(key) => text_holds(*how, self.tags.get(key.as_str()).copied(), value),
            ModelField::Attribute(attribute) => {
                let time = match attribute {
                    ModelAttribute::CreationTime => Some(NOW + self.created),
                    ModelAttribute::LastUpdatedTime => Some(self.updated()),
                    _ => None,
                };
                match (time, value) {
                    (Some(time), Value::Integer(value)) => holds(*how, &time, value),
                    _ => text_holds(*how, self.attribute(*attribute), value),
                }
            }
        }
    }

    fn attribute(&self, attribute: ModelAttribute) -> Option<&str> {
        match attribute {
            ModelAttribute::Name => Some(self.name),
            ModelAttribute::ModelType => self.kind,
            ModelAttribute::SourceRunId => self.source,
            ModelAttribute::Status => Some(self.status().word()),
            ModelAttribute::StatusMessage => None,
            other => panic!("{other:?} is not asked for"),
        }
    }
}

/// The models of one case in one store.
struct World<'a> {
    store: &'a Store,
    experiments: Vec<i64>,
    models: &'a [Known],
    ids: Vec<String>,
}

impl<'a> World<'a> {
    async fn seed(store: &'a Store, models: &'a [Known], number: i64) -> Self {
        let mut experiments = Vec::new();
        for experiment in 0..EXPERIMENTS {
            let name = format!("{number}-{experiment}");
            experiments.push(store.create_experiment(&OPEN, &name, NewLocation::Default, &[], NOW).await.unwrap());
        }
        let run_id = create_run(store, number).await;
        let mut ids = Vec::new();
        for (place, model) in models.iter().enumerate() {
            let id = format!("m-{number:016x}{place:016x}");
            create(store, model, &id, experiments[model.experiment]).await;
            measure(store, &run_id, model, &id).await;
            if model.deleted {
                store.delete_logged_model(&OPEN, &id, NOW).await.unwrap();
            }
            ids.push(id);
        }
        World { store, experiments, models, ids }
    }

    fn compare(&self, left: usize, right: usize, question: &Question) -> Ordering {
        let (one, other) = (&self.models[left], &self.models[right]);
        let (one_id, other_id) = (&self.ids[left], &self.ids[right]);
        let mut ordering = Ordering::Equal;
        for ModelOrder { field, ascending } in &question.order {
            let directed = |ordering: Ordering| if *ascending { ordering } else { ordering.reverse() };
            ordering = ordering.then_with(|| match field {
                ModelOrderField::Metric(key, dataset) => {
                    let datasets = [question.datasets.as_slice(), dataset.as_slice()];
                    let (one, other) = (one.latest(key, &datasets), other.latest(key, &datasets));
                    let number = |value: Option<f64>| value.filter(|value| !value.is_nan());
                    missing_last(number(one), number(other), *ascending, |one, other| one.partial_cmp(other).unwrap())
                        .then(one.is_none().cmp(&other.is_none()))
                }
                ModelOrderField::Attribute(ModelAttribute::CreationTime) => directed(one.created.cmp(&other.created)),
                ModelOrderField::Attribute(ModelAttribute::LastUpdatedTime) => {
                    directed(one.updated().cmp(&other.updated()))
                }
                ModelOrderField::Attribute(ModelAttribute::Status) => {
                    directed((one.status() as i64).cmp(&(other.status() as i64)))
                }
                ModelOrderField::Attribute(ModelAttribute::ModelId) => directed(one_id.cmp(other_id)),
                ModelOrderField::Attribute(ModelAttribute::ArtifactLocation) => {
                    let location = |model: &Known, id: &str| {
                        format!("mlflow-artifacts:/{}/models/{id}", self.experiments[model.experiment])
                    };
                    directed(location(one, one_id).cmp(&location(other, other_id)))
                }
                ModelOrderField::Attribute(attribute) => {
                    missing_last(one.attribute(*attribute), other.attribute(*attribute), *ascending, |one, other| {
                        one.cmp(other)
                    })
                }
            });
        }
        ordering.then(other.created.cmp(&one.created)).then_with(|| one_id.cmp(other_id))
    }

    fn expected(&self, question: &Question) -> Vec<String> {
        let names_metric = question.clauses.iter().any(|(field, ..)| matches!(field, ModelField::Metric(_)));
        let is_found = |place: &usize| {
            let model = &self.models[*place];
            let is_measured = question.datasets.is_empty()
                || names_metric
                || model.points.iter().any(|point| is_on(point, &question.datasets));
            question.experiments[model.experiment]
                && !model.deleted
                && is_measured
                && question.clauses.iter().all(|clause| model.matches(clause, &question.datasets))
        };
        let mut found: Vec<usize> = (0..self.models.len()).filter(is_found).collect();
        found.sort_by(|left, right| self.compare(*left, *right, question));
        found.into_iter().map(|place| self.ids[place].clone()).collect()
    }

    async fn check(&self, question: &Question) -> Result<(), TestCaseError> {
        let clauses = question.clauses.iter().cloned();
        let clauses = clauses.map(|(field, comparator, value)| Comparison { field, comparator, value, position: 0..0 });
        let filter = Filter { clauses: clauses.collect() };
        let text = filter.to_string();
        let chosen =
            self.experiments.iter().zip(&question.experiments).filter(|(_, chosen)| **chosen).map(|(id, _)| *id);
        let search = ModelSearch {
            // One that is not there, so that the list is never empty.
            experiment_ids: chosen.chain([1_000_000_000]).collect(),
            filter: parse_model_filter(&text).unwrap(),
            datasets: question.datasets.clone(),
            order: question.order.clone(),
            offset: 0,
            limit: 1_000,
        };
        prop_assert_eq!(&search.filter, &filter);
        let expected = self.expected(question);

        for limit in [1_000, question.page] {
            let found = self.find_in_pages(&search, limit).await;
            prop_assert_eq!(&found, &expected, "{} in pages of {}: {:?}", text, limit, question);
        }
        Ok(())
    }

    async fn find_in_pages(&self, search: &ModelSearch, limit: usize) -> Vec<String> {
        let mut found = Vec::new();
        loop {
            let search = ModelSearch { limit, offset: found.len() as i64, ..search.clone() };
            let page = self.store.search_logged_models(&OPEN, search).await.unwrap();
            assert!(page.models.len() == limit || !page.more, "a page that is not the last one is full");
            found.extend(page.models.into_iter().map(|model| model.model_id));
            if !page.more {
                return found;
            }
        }
    }
}

async fn create(store: &Store, model: &Known, id: &str, experiment_id: i64) {
    let owned = |texts: &BTreeMap<&str, &str>| texts.iter().map(|(key, value)| pair(key, value)).collect();
    let new = NewLoggedModel {
        model_id: id.to_owned(),
        experiment_id,
        name: model.name.to_owned(),
        model_type: model.kind.map(str::to_owned),
        source_run_id: model.source.map(str::to_owned),
        params: owned(&model.params),
        tags: owned(&model.tags),
    };
    store.create_logged_model(&OPEN, new, NOW + model.created).await.unwrap();
    if let Some(status) = model.status {
        store.finalize_logged_model(&OPEN, id, status, NOW + model.updated).await.unwrap();
    }
}

async fn measure(store: &Store, run_id: &str, model: &Known, id: &str) {
    let metric = |measured: &Measured| ModelMetric {
        key: measured.key.to_owned(),
        model_id: id.to_owned(),
        dataset_name: measured.dataset.0.to_owned(),
        dataset_digest: measured.dataset.1.to_owned(),
        point: point(NOW + measured.time, measured.step, measured.value),
    };
    let batch = LogBatch { model_metrics: model.points.iter().map(metric).collect(), ..LogBatch::default() };
    store.log(&OPEN, run_id, batch).await.unwrap();
}

#[test]
fn both_databases_find_the_models_that_the_contract_says_in_its_order_in_pages_of_any_size() {
    let cases = if variable("TEST_LARGE").is_some() { 300 } else { 16 };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let stores: Vec<_> = runtime.block_on(async {
        let mut stores = Vec::new();
        for database in databases().await {
            stores.push((database.open().await, database));
        }
        stores
    });
    let worlds = Cell::new(1);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let world = (prop::collection::vec(model(), 0..8), prop::collection::vec(question(), 12));

    let outcome = runner.run(&world, |(models, questions)| {
        let number = worlds.get();
        worlds.set(number + 1);
        let checks = stores.iter().map(|(store, database)| async {
            let world = World::seed(store, &models, number).await;
            for question in &questions {
                world.check(question).await.map_err(|error| {
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
