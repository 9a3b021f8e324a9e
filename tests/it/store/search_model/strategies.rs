//! Random runs, and random questions that the grammar allows: few names and few values, so that much ties, and the
//! values at which databases differ.

use proptest::prelude::*;
use windvane::model::{RunStatus, ViewType};
use windvane::search::{Comparator, DatasetAttribute, OrderKey, RunAttribute, RunField, Value};

use super::{EXPERIMENTS, ModelRun, NOW, Question, RUN_NAME};

/// Texts that patterns, collations and indexes of heads might take for one another.
fn texts() -> Vec<String> {
    let short = [
        "", "a", "A", "b", "ab", "aB", "a b", "é", "É", "a*b", "a?b", "[a]", "a]b", "a%b", "a_b", r"a\b", "^a", "10",
        "9",
    ];
    let long = [("x", 199, ""), ("x", 200, ""), ("x", 200, "a"), ("x", 200, "b"), ("é", 200, ""), ("é", 249, "b")];
    let long = long.map(|(head, count, tail)| format!("{}{tail}", head.repeat(count)));
    short.into_iter().map(str::to_owned).chain(long).collect()
}

fn text() -> impl Strategy<Value = String> {
    // Often one of few, so that there are ties.
    prop_oneof![prop::sample::select(vec!["a", "A", "b"]).prop_map(str::to_owned), prop::sample::select(texts()),]
}

fn pattern() -> impl Strategy<Value = String> {
    let patterns = [
        "%", "_", "a%", "%b", "a_b", "A%", "a*b", "a?b", "%[a]%", "[a-z]%", "[^b]", r"a\b", r"a\%", r"%\%", "%%", "__",
        "é", "É%", "%]%", "x%a", "%xx", "^_", "1%", "*", "?",
    ];
    prop_oneof![prop::sample::select(patterns.to_vec()).prop_map(str::to_owned), text()]
}

fn numbers() -> Vec<f64> {
    vec![-1.0, 0.0, 0.5, 1.0, 2.0, 1e308, f64::MAX, f64::MIN, 5e-324]
}

fn metric_value() -> impl Strategy<Value = f64> {
    let special = vec![f64::NAN, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0];
    prop_oneof![prop::sample::select(numbers()), prop::sample::select(special)]
}

/// Names of metrics, params and tags; the last one is logged nowhere.
fn name(known: bool) -> impl Strategy<Value = String> {
    let names = if known { vec!["k", "l"] } else { vec!["k", "k", "l", "l", "nowhere"] };
    prop::sample::select(names).prop_map(str::to_owned)
}

fn users() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["ada", "Ada", "bob", "é"]).prop_map(str::to_owned)
}

fn context() -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop::sample::select(vec!["train", "Train", ""]).prop_map(str::to_owned))
}

fn dataset_word() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["d", "D", "e*", "train"]).prop_map(str::to_owned)
}

prop_compose! {
    fn run()(
        (experiment, start, end, deleted) in (0..EXPERIMENTS, 0..5_i64, prop::option::of(0..4_i64), prop::bool::weighted(0.15)),
        name in prop::option::weighted(0.8, text().prop_filter("a run has a name", |text| !text.is_empty())),
        user in users(),
        status in prop::sample::select(RunStatus::ALL.to_vec()),
        metrics in prop::collection::btree_map(name(true), metric_value(), 0..3),
        params in prop::collection::btree_map(name(true), text(), 0..3),
        tags in prop::collection::btree_map(name(true), text(), 0..3),
        datasets in prop::collection::btree_map((dataset_word(), dataset_word()), context(), 0..3),
    ) -> ModelRun {
        let (start, end) = (NOW + start, end.map(|end| NOW + end));
        ModelRun { experiment, name, user, status, start, end, deleted, metrics, params, tags, datasets }
    }
}

fn field() -> impl Strategy<Value = RunField> {
    let dataset = prop::sample::select(DatasetAttribute::ALL.to_vec()).prop_map(RunField::Dataset);
    prop_oneof![4 => order_field(), 1 => dataset]
}

fn order_field() -> impl Strategy<Value = RunField> {
    prop_oneof![
        3 => name(false).prop_map(RunField::Metric),
        2 => name(false).prop_map(RunField::Param),
        2 => prop_oneof![name(false), Just(RUN_NAME.to_owned())].prop_map(RunField::Tag),
        3 => prop::sample::select(RunAttribute::ALL.to_vec()).prop_map(RunField::Attribute),
    ]
}

fn order() -> impl Strategy<Value = Vec<OrderKey<RunField>>> {
    let key = (order_field(), any::<bool>()).prop_map(|(field, ascending)| OrderKey { field, ascending });
    prop::collection::vec(key, 0..4).prop_map(|keys| {
        let mut order: Vec<OrderKey<RunField>> = Vec::new();
        for key in keys {
            if order.iter().all(|earlier| earlier.field != key.field) {
                order.push(key);
            }
        }
        order
    })
}

fn comparison(
    comparators: &[Comparator],
    value: impl Strategy<Value = Value> + 'static,
) -> BoxedStrategy<(Comparator, Value)> {
    (prop::sample::select(comparators.to_vec()), value).boxed()
}

/// A comparison that the grammar allows of a field. `ids` are those of all runs.
fn clause(ids: Vec<String>) -> impl Strategy<Value = (RunField, Comparator, Value)> {
    use Comparator::{Eq, Ge, Gt, ILike, In, IsNotNull, IsNull, Le, Like, Lt, NotEq, NotIn};
    const NUMERIC: [Comparator; 6] = [Gt, Ge, Eq, NotEq, Lt, Le];
    field().prop_flat_map(move |field| {
        let equal = |words: BoxedStrategy<String>| comparison(&[Eq, NotEq], words.prop_map(Value::Text));
        let like = || comparison(&[Like, ILike], pattern().prop_map(Value::Text));
        let listed = |words: BoxedStrategy<String>| {
            comparison(&[In, NotIn], prop::collection::vec(words, 1..4).prop_map(Value::List))
        };
        let rest: BoxedStrategy<(Comparator, Value)> = match &field {
            RunField::Metric(_) => comparison(&NUMERIC, prop::sample::select(numbers()).prop_map(Value::Number)),
            RunField::Param(_) | RunField::Tag(_) => {
                prop_oneof![3 => equal(text().boxed()), 1 => like(), 1 => comparison(&[IsNull, IsNotNull], Just(Value::None))]
                    .boxed()
            }
            RunField::Attribute(RunAttribute::StartTime | RunAttribute::EndTime) => {
                let whole = (-1..6_i64).prop_map(|time| Value::Integer(NOW + time));
                let broken = (-1..6_i64).prop_map(|time| Value::Number((NOW + time) as f64 + 0.5));
                let huge = prop::sample::select(vec![1e18, -1e18, 9e18, -9e18]).prop_map(Value::Number);
                let even = (-1..6_i64).prop_map(|time| Value::Number((NOW + time) as f64));
                comparison(&NUMERIC, prop_oneof![4 => whole, 2 => broken, 1 => huge, 1 => even])
            }
            RunField::Attribute(RunAttribute::RunId) => {
                let mut words = ids.clone();
                words.push("none".to_owned());
                let words = prop::sample::select(words);
                prop_oneof![equal(words.clone().boxed()), like(), listed(words.boxed())].boxed()
            }
            RunField::Attribute(RunAttribute::Status) => {
                let words = prop::sample::select(vec!["RUNNING", "FINISHED", "KILLED", "failed"]);
                let patterns = prop::sample::select(vec!["%ED", "%i%", "_U%", "finished"]);
                let like = comparison(&[Like, ILike], patterns.prop_map(|pattern| Value::Text(pattern.to_owned())));
                prop_oneof![equal(words.prop_map(str::to_owned).boxed()), like].boxed()
            }
            RunField::Attribute(RunAttribute::UserId) => prop_oneof![equal(users().boxed()), like()].boxed(),
            RunField::Attribute(RunAttribute::RunName) => prop_oneof![equal(text().boxed()), like()].boxed(),
            RunField::Attribute(RunAttribute::ArtifactUri) => {
                let patterns = prop::sample::select(vec!["%/artifacts", "MLFLOW%", "_%0%", "mlflow-artifacts:/"]);
                let patterns = patterns.prop_map(|pattern| Value::Text(pattern.to_owned()));
                comparison(&[Eq, NotEq, Like, ILike], patterns)
            }
            RunField::Dataset(_) => {
                let patterns = prop::sample::select(vec!["d%", "%*", "T%", "_"]);
                let like = comparison(&[Like, ILike], patterns.prop_map(|pattern| Value::Text(pattern.to_owned())));
                prop_oneof![equal(dataset_word().boxed()), like, listed(dataset_word().boxed())].boxed()
            }
        };
        rest.prop_map(move |(comparator, value)| (field.clone(), comparator, value))
    })
}

fn question(ids: Vec<String>) -> impl Strategy<Value = Question> {
    (
        (prop::collection::vec(prop::bool::weighted(0.7), EXPERIMENTS), prop::bool::weighted(0.15)),
        prop::sample::select(vec![ViewType::ActiveOnly, ViewType::ActiveOnly, ViewType::All, ViewType::DeletedOnly]),
        // Few, so that most questions have an answer.
        prop::collection::vec(clause(ids), 0..3),
        order(),
        1..12_usize,
    )
        .prop_map(|((experiments, many), view, clauses, order, page)| Question {
            experiments,
            many,
            view,
            clauses,
            order,
            page,
        })
}

/// Runs and what is asked of them.
pub(super) fn world() -> impl Strategy<Value = (Vec<ModelRun>, Vec<Question>)> {
    prop_oneof![1 => prop::collection::vec(run(), 0..10), 4 => prop::collection::vec(run(), 25..50)].prop_flat_map(
        |runs| {
            // Lists of ids name runs by their place; the world that they belong to is known when it is seeded.
            let places = (0..runs.len().max(1)).map(|place| place.to_string()).collect();
            (Just(runs), prop::collection::vec(question(places), 36))
        },
    )
}
