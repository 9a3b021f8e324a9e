//! What holds for every filter, tried with random ones.

use proptest::prelude::*;

use super::*;

/// Pieces of filters, so that random sequences of them get far into the parser.
fn nearly_a_filter() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "metrics.a",
        "params.",
        "tags",
        ".",
        "`k b`",
        "\"tags\"",
        "'x'",
        "run_id",
        "name",
        "experiment_id",
        "created",
        "dataset.name",
        "=",
        "!=",
        "<",
        "==",
        "LIKE",
        "NOT",
        "IN",
        "IS",
        "NULL",
        "AND",
        "(",
        ")",
        ",",
        ";",
        "1",
        "-1.5e+3",
        "é",
        "'",
        "`",
        "DESC",
        " ",
        "\0",
        "$",
    ]);
    prop::collection::vec((piece, prop::sample::select(vec!["", " "])), 0..12)
        .prop_map(|pieces| pieces.into_iter().map(|(piece, blank)| format!("{piece}{blank}")).collect())
}

/// A key that the grammar can write: one that lacks some kind of quotes.
fn key() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zé0-9_./:-]{1,12}", "[^`\0]{1,12}", "[^'\0]{1,12}"]
}

/// A text that the grammar can write.
fn quotable() -> impl Strategy<Value = String> {
    prop_oneof!["[^'\0]{0,12}", "[^\"\0]{0,12}"]
}

fn number() -> impl Strategy<Value = f64> {
    any::<f64>().prop_map(|number| if number.is_finite() && number != 0.0 { number } else { 0.0 })
}

/// Comparators and values that fit a nullable text.
fn nullable_text() -> impl Strategy<Value = (Comparator, Value)> {
    let comparators = vec![Comparator::Eq, Comparator::NotEq, Comparator::Like, Comparator::ILike];
    prop_oneof![
        (prop::sample::select(comparators), quotable().prop_map(Value::Text)),
        Just((Comparator::IsNull, Value::None)),
        Just((Comparator::IsNotNull, Value::None)),
    ]
}

fn numeric_comparator() -> impl Strategy<Value = Comparator> {
    prop::sample::select(vec![
        Comparator::Gt,
        Comparator::Ge,
        Comparator::Eq,
        Comparator::NotEq,
        Comparator::Lt,
        Comparator::Le,
    ])
}

fn list_comparator() -> impl Strategy<Value = Comparator> {
    prop::sample::select(vec![Comparator::In, Comparator::NotIn])
}

fn run_comparison() -> impl Strategy<Value = Comparison<RunField>> {
    let texts = || prop::collection::vec(quotable(), 1..4).prop_map(Value::List);
    let dataset = prop::sample::select(DatasetAttribute::ALL).prop_map(RunField::Dataset);
    prop_oneof![
        (key().prop_map(RunField::Metric), (numeric_comparator(), number().prop_map(Value::Number))),
        (key().prop_map(RunField::Param), nullable_text()),
        (key().prop_map(RunField::Tag), nullable_text()),
        (
            Just(RunField::Attribute(RunAttribute::StartTime)),
            (numeric_comparator(), any::<i64>().prop_map(Value::Integer))
        ),
        (Just(RunField::Attribute(RunAttribute::RunId)), (list_comparator(), texts())),
        (Just(RunField::Attribute(RunAttribute::Status)), (Just(Comparator::ILike), quotable().prop_map(Value::Text))),
        (dataset, (list_comparator(), texts())),
    ]
    .prop_map(|(field, (comparator, value))| Comparison { field, comparator, value, position: 0..0 })
}

fn experiment_comparison() -> impl Strategy<Value = Comparison<ExperimentField>> {
    let attribute = |attribute| Just(ExperimentField::Attribute(attribute));
    prop_oneof![
        (key().prop_map(ExperimentField::Tag), nullable_text()),
        (attribute(ExperimentAttribute::Name), (Just(Comparator::Like), quotable().prop_map(Value::Text))),
        (attribute(ExperimentAttribute::ExperimentId), (Just(Comparator::NotEq), any::<i64>().prop_map(Value::Id))),
        (
            attribute(ExperimentAttribute::ExperimentId),
            (list_comparator(), prop::collection::vec(any::<i64>(), 1..4).prop_map(Value::Ids))
        ),
        (attribute(ExperimentAttribute::CreationTime), (numeric_comparator(), any::<i64>().prop_map(Value::Integer))),
    ]
    .prop_map(|(field, (comparator, value))| Comparison { field, comparator, value, position: 0..0 })
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in prop_oneof![any::<String>(), nearly_a_filter()]) {
        // What parses must also survive being printed, from whatever it came.
        if let Ok(filter) = parse_run_filter(&text) {
            prop_assert_eq!(parse_run_filter(&filter.to_string()).unwrap(), filter);
        }
        if let Ok(filter) = parse_experiment_filter(&text) {
            prop_assert_eq!(parse_experiment_filter(&filter.to_string()).unwrap(), filter);
        }
        for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            let completion = complete_run_filter(&text, at);
            prop_assert!(completion.word.start <= at && at <= completion.word.end);
            prop_assert!(text.get(completion.word).is_some_and(|word| word.contains(completion.typed)));
        }
        if let Some((place, _)) = run_filter_problem(&text) {
            prop_assert!(text.get(place).is_some());
        }
        let item = [text];
        let _ = parse_run_order(&item);
        let _ = parse_experiment_order(&item);
    }

    #[test]
    fn whatever_is_completed_parses_as_far_as_it_goes(clauses in prop::collection::vec(run_comparison(), 1..3)) {
        let text = Filter { clauses }.to_string();
        for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            let Completion { word, words, expects, .. } = complete_run_filter(&text, at);
            for insert in words {
                let replaced = format!("{}{insert}", &text[..word.start]);
                // Nothing is wrong but what is missing at its end.
                let problem = run_filter_problem(&replaced);
                prop_assert!(problem.as_ref().is_none_or(|(place, _)| place.end == replaced.len()), "{expects:?} {replaced} {problem:?}");
            }
        }
    }

    #[test]
    fn printing_and_parsing_a_filter_for_runs_gives_it_back(clauses in prop::collection::vec(run_comparison(), 0..5)) {
        let filter = Filter { clauses };

        prop_assert_eq!(parse_run_filter(&filter.to_string()).unwrap(), filter);
    }

    #[test]
    fn printing_and_parsing_a_filter_for_experiments_gives_it_back(
        clauses in prop::collection::vec(experiment_comparison(), 0..5),
    ) {
        let filter = Filter { clauses };

        prop_assert_eq!(parse_experiment_filter(&filter.to_string()).unwrap(), filter);
    }
}
