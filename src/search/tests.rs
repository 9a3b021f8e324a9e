use super::*;
use crate::error::Error;

/// The text with which something was refused.
fn refusal<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(Error::Invalid(text)) => text,
        other => panic!("not refused as invalid: {other:?}"),
    }
}

/// The only comparison of a filter for runs.
fn run_clause(text: &str) -> (RunField, Comparator, Value) {
    let mut clauses = parse_run_filter(text).unwrap_or_else(|refusal| panic!("{text}: {refusal}")).clauses;
    assert_eq!(clauses.len(), 1, "{text}");
    let Comparison { field, comparator, value, .. } = clauses.remove(0);
    (field, comparator, value)
}

/// The only comparison of a filter for experiments.
fn experiment_clause(text: &str) -> (ExperimentField, Comparator, Value) {
    let mut clauses = parse_experiment_filter(text).unwrap_or_else(|refusal| panic!("{text}: {refusal}")).clauses;
    assert_eq!(clauses.len(), 1, "{text}");
    let Comparison { field, comparator, value, .. } = clauses.remove(0);
    (field, comparator, value)
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

/// Asserts that each filter for runs is refused with a text that begins so.
fn assert_refused(cases: &[(&str, &str)]) {
    for (filter, expected) in cases {
        let actual = refusal(parse_run_filter(filter));

        assert!(actual.starts_with(expected), "{filter}\n  actual: {actual}\nexpected: {expected}");
    }
}

fn items(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

#[test]
fn an_empty_or_blank_filter_matches_everything() {
    for filter in ["", "  ", "\t\n"] {
        assert_eq!(parse_run_filter(filter).unwrap().clauses, []);
        assert_eq!(parse_experiment_filter(filter).unwrap().clauses, []);
    }
}

#[test]
fn clauses_are_joined_by_and_in_any_case_and_the_last_and_is_tolerated() {
    let filter = parse_run_filter("metrics.a>1 and params.b='x'\nAND tags.c IS NULL aNd").unwrap();

    let fields: Vec<RunField> = filter.clauses.into_iter().map(|clause| clause.field).collect();
    assert_eq!(
        fields,
        [RunField::Metric("a".to_owned()), RunField::Param("b".to_owned()), RunField::Tag("c".to_owned())]
    );
}

#[test]
fn the_key_is_everything_after_the_first_dot() {
    let cases = [
        ("params.config.training.x.0 = 'v'", RunField::Param("config.training.x.0".to_owned())),
        ("params.config.0.x = 'v'", RunField::Param("config.0.x".to_owned())),
        ("tags.mlflow.runName = 'v'", RunField::Tag("mlflow.runName".to_owned())),
        ("tags.and = 'v'", RunField::Tag("and".to_owned())),
        ("tags.in='v'", RunField::Tag("in".to_owned())),
        ("tags.a:b/c-d = 'v'", RunField::Tag("a:b/c-d".to_owned())),
        ("tags.größe = 'v'", RunField::Tag("größe".to_owned())),
        ("tags.`a b` = 'v'", RunField::Tag("a b".to_owned())),
        ("tags.\"a b\" = 'v'", RunField::Tag("a b".to_owned())),
        ("tags.'a b' = 'v'", RunField::Tag("a b".to_owned())),
        ("`tags`.`a.b` = 'v'", RunField::Tag("a.b".to_owned())),
        ("\"tags\".a.b = 'v'", RunField::Tag("a.b".to_owned())),
        ("tags.`it's \"x\"` = 'v'", RunField::Tag("it's \"x\"".to_owned())),
    ];
    for (filter, field) in cases {
        assert_eq!(run_clause(filter), (field, Comparator::Eq, text("v")), "{filter}");
    }
    for (filter, key) in [
        ("metrics.val_WeightedMSELoss/var_001/1 > 0.5", "val_WeightedMSELoss/var_001/1"),
        ("metrics.lr-Adam>0.5", "lr-Adam"),
        ("metrics.1 > 0.5", "1"),
        ("metrics.`a b` > 0.5", "a b"),
    ] {
        assert_eq!(
            run_clause(filter),
            (RunField::Metric(key.to_owned()), Comparator::Gt, Value::Number(0.5)),
            "{filter}"
        );
    }
}

#[test]
fn entities_and_attributes_of_runs_have_several_names() {
    for (names, field) in [
        (&["metric", "metrics"][..], RunField::Metric("k".to_owned())),
        (&["parameter", "parameters", "param", "params"], RunField::Param("k".to_owned())),
        (&["tag", "tags"], RunField::Tag("k".to_owned())),
    ] {
        for name in names {
            assert_eq!(parse_run_order(&items(&[&format!("{name}.k")])).unwrap()[0].field, field);
        }
    }
    let run_name = RunField::Attribute(RunAttribute::RunName);
    for name in
        ["run_name", "attributes.`Run name`", "`run name`", "attr.\"Run Name\"", "run.run_name", "attribute.'run name'"]
    {
        assert_eq!(run_clause(&format!("{name} = 'x'")).0, run_name, "{name}");
    }
    for name in ["start_time", "created", "attributes.Created", "attribute.start_time"] {
        assert_eq!(run_clause(&format!("{name} > 5")).0, RunField::Attribute(RunAttribute::StartTime), "{name}");
    }
    for name in ["dataset.digest", "datasets.digest"] {
        assert_eq!(run_clause(&format!("{name} = 'x'")).0, RunField::Dataset(DatasetAttribute::Digest), "{name}");
    }
}

#[test]
fn every_comparator_is_understood_in_any_case() {
    for (written, comparator) in [
        (">", Comparator::Gt),
        (">=", Comparator::Ge),
        ("=", Comparator::Eq),
        ("!=", Comparator::NotEq),
        ("<", Comparator::Lt),
        ("<=", Comparator::Le),
    ] {
        assert_eq!(run_clause(&format!("metrics.a{written}1")).1, comparator);
    }
    for (written, comparator) in [("LIKE", Comparator::Like), ("ilike", Comparator::ILike)] {
        assert_eq!(
            run_clause(&format!("params.a {written} '%x_'")),
            (RunField::Param("a".to_owned()), comparator, text("%x_"))
        );
    }
    let list = Value::List(items(&["x", "it's"]));
    for (written, comparator) in [("IN", Comparator::In), ("not\n in", Comparator::NotIn)] {
        let clause = run_clause(&format!("run_id {written} ('x', \"it's\",)"));
        assert_eq!(clause, (RunField::Attribute(RunAttribute::RunId), comparator, list.clone()));
    }
    for (written, comparator) in [("IS NULL", Comparator::IsNull), ("is  Not null", Comparator::IsNotNull)] {
        assert_eq!(run_clause(&format!("tags.a {written}")), (RunField::Tag("a".to_owned()), comparator, Value::None));
    }
}

#[test]
fn numbers_may_have_a_sign_a_fraction_and_an_exponent() {
    for (written, number) in [
        ("1", 1.0),
        ("-1", -1.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("-1.5E-3", -0.0015),
        ("2e+2", 200.0),
        ("1.7976931348623157e308", f64::MAX),
        ("1e-999", 0.0),
    ] {
        assert_eq!(run_clause(&format!("metrics.a > {written}")).2, Value::Number(number), "{written}");
    }
    assert_eq!(run_clause("start_time > 1700000000001").2, Value::Integer(1_700_000_000_001));
    assert_eq!(run_clause("end_time > 5.5").2, Value::Number(5.5));
    assert_eq!(run_clause("end_time < 1e18").2, Value::Number(1e18));
    for written in ["+1", "- 1", "0x10", "1_000", "inf", "NaN", "1e", "."] {
        assert!(parse_run_filter(&format!("metrics.a > {written}")).is_err(), "{written}");
    }
}

#[test]
fn texts_run_to_the_next_quote_of_their_kind() {
    for (written, content) in [
        ("''", ""),
        ("\"it's\"", "it's"),
        ("'say \"x\"'", "say \"x\""),
        ("' AND tags.b = 1'", " AND tags.b = 1"),
        (r"'a\'", r"a\"),
        ("'x\ny'", "x\ny"),
    ] {
        assert_eq!(run_clause(&format!("tags.a = {written}")).2, text(content), "{written}");
    }
}

#[test]
fn what_anemoi_and_its_tools_ask_is_understood() {
    assert_eq!(
        run_clause("params.metadata.offline_run_id = '0123'"),
        (RunField::Param("metadata.offline_run_id".to_owned()), Comparator::Eq, text("0123"))
    );
    let order = parse_run_order(&items(&["attribute.start_time DESC"])).unwrap();
    assert_eq!(order, [OrderKey { field: RunField::Attribute(RunAttribute::StartTime), ascending: false }]);
}

#[test]
fn fields_that_do_not_exist_are_refused() {
    let attributes =
        "Valid keys are '{'run_id', 'run_name', 'user_id', 'status', 'artifact_uri', 'start_time', 'end_time'}'";
    assert_refused(&[
        (
            "bogus.a = 'x'",
            "Invalid entity type 'bogus'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset'] (at \
             byte 0: expected a field such as metrics.rmse)",
        ),
        ("TAGS.a = 'x'", "Invalid entity type 'TAGS'."),
        ("`tags.a` = 'x'", "Invalid entity type '`tags'."),
        ("bogus. = 'x'", "Invalid entity type 'bogus'."),
        ("x = 1", &format!("Invalid attribute key 'x' specified. {attributes}")),
        ("attribute.x = 'y'", &format!("Invalid attribute key 'x' specified. {attributes}")),
        ("tags = 'x'", "Invalid attribute key 'tags' specified."),
        ("foo is null", "Invalid attribute key 'foo' specified."),
        ("dataset.foo = 'x'", "Invalid dataset key 'foo' specified. Valid keys are '{'name', 'digest', 'context'}'"),
    ]);
}

#[test]
fn what_is_no_clause_is_refused_with_its_place() {
    assert_refused(&[
        (
            "metrics.a > 1 OR metrics.b > 2",
            "Invalid clause(s) in filter string: 'OR' (at byte 14: expected AND or the end of the filter)",
        ),
        ("metrics.a > 1 NAND params.b = 'x'", "Invalid clause(s) in filter string: 'NAND'"),
        ("(metrics.a > 1)", "Invalid clause(s) in filter string: '(' (at byte 0:"),
        ("metrics.a > 1 AND (tags.b = 'x')", "Invalid clause(s) in filter string: '(' (at byte 18:"),
        ("NOT tags.a = 'x'", "Invalid clause(s) in filter string: 'NOT'"),
        (
            "params.a BETWEEN 'a' AND 'b'",
            "Invalid clause(s) in filter string: 'BETWEEN' (at byte 9: expected a comparator)",
        ),
        ("tags.a = 'x' 'y'", "Invalid clause(s) in filter string: ''y''"),
        ("tags.a = 'x' tags.b = 'y'", "Invalid clause(s) in filter string: 'tags.b'"),
        ("tags.a = 'x', tags.b = 'y'", "Invalid clause(s) in filter string: ','"),
        ("tags.a = = 'x'", "Invalid clause(s) in filter string: '='"),
        ("= 'x'", "Invalid clause(s) in filter string: '='"),
        ("tag.x", "Invalid clause(s) in filter string: 'tag.x' (at byte 5: expected a comparator)"),
        ("tag.x AND tag.y = 'z'", "Invalid clause(s) in filter string: 'tag.x' (at byte 6: expected a comparator)"),
        ("tag.x = ", "Invalid clause(s) in filter string: 'tag.x', '=' (at byte 8: expected a value)"),
        ("params.acc LR !=", "Invalid clause(s) in filter string: 'LR'"),
        ("params.a NULL", "Invalid clause(s) in filter string: 'NULL'"),
        ("params.a IS 'x'", "Invalid clause(s) in filter string: 'params.a', 'IS' (at byte 12: expected IS NULL"),
        ("params.a IS NOT", "Invalid clause(s) in filter string: 'params.a', 'IS', 'NOT' (at byte 15:"),
        ("run_id NOT ('a')", "Invalid clause(s) in filter string: 'run_id', 'NOT' (at byte 11: expected NOT IN)"),
        ("tags. = 'x'", "Invalid clause(s) in filter string: 'tags.' (at byte 6: expected a key after the dot)"),
        ("tags.`` = 'x'", "Invalid clause(s) in filter string: 'tags.', '``'"),
        ("tags.a`b` = 'x'", "Invalid clause(s) in filter string: '`b`'"),
        ("tags.a$ = 'x'", "Invalid clause(s) in filter string: '$' (at byte 6:"),
        ("tags.a = 'x", "Invalid clause(s) in filter string: ''x' (at byte 9: expected a closing quote)"),
        ("`metrics.A > 0.1", "Invalid clause(s) in filter string: '`metrics.A > 0.1'"),
        ("params.acc = LR'", "Invalid clause(s) in filter string: '''"),
        ("tags.a = 'x' --comment", "Invalid clause(s) in filter string: '--comment'"),
        ("metrics.a > 1;", "Invalid clause(s) in filter string: ';'"),
        (
            "metrics.a > 1; metrics.b > 1",
            "Search filter contained multiple expression 'metrics.a > 1; metrics.b > 1'. Provide AND-ed expression \
             list. (at byte 13:",
        ),
        ("AND metrics.a > 1", "Invalid comparison clause. Expected 3 tokens found 0 (at byte 0:"),
        ("metrics.a > 1 AND AND metrics.b > 1", "Invalid comparison clause. Expected 3 tokens found 0 (at byte 18:"),
        ("1.0 > metrics.acc", "Invalid comparison clause. Expected 'Identifier' found '1.0'"),
        ("'x' = tags.a", "Invalid comparison clause. Expected 'Identifier' found ''x''"),
        ("NULL = 'x'", "Invalid comparison clause. Expected 'Identifier' found 'NULL'"),
    ]);
}

#[test]
fn values_of_the_wrong_kind_are_refused() {
    let unquoted = "Parameter value is either not quoted or unidentified quote types used for string value";
    assert_refused(&[
        ("metrics.a > 'a'", "Expected numeric value type for metric. Found 'a' (at byte 12: expected a number)"),
        ("metrics.a = NaN", "Expected numeric value type for metric. Found NaN"),
        ("metrics.a != metrics.a", "Expected numeric value type for metric. Found metrics.a"),
        ("metrics.a IN ('b')", "Expected numeric value type for metric. Found ('b')"),
        ("start_time > '5'", "Expected numeric value type for numeric attribute: start_time. Found '5'"),
        ("params.a = 1", "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1 (at byte 11:"),
        (
            "params.a IN ('x','y')",
            "Expected a quoted string value for parameter (e.g. 'my-value'). Got value ('x','y')",
        ),
        ("tags.a = 5", "Expected a quoted string value for tag (e.g. 'my-value'). Got value 5"),
        ("status = 1", "Expected a quoted string value for attributes. Got value 1"),
        ("dataset.name = 1", "Expected a quoted string value for dataset attributes. Got value 1"),
        ("params.a = A", &format!("{unquoted} A. Use either single or double quotes.")),
        ("params.a = `A`", &format!("{unquoted} `A`. Use either single or double quotes.")),
        ("status IN ('RUNNING')", "Only ['run_id'] attributes support comparison with a list of quoted string values."),
        (
            "end_time IS NULL",
            "IS NULL / IS NOT NULL is only supported for tags and params, not for 'attribute' 'end_time' (at byte 9:",
        ),
        ("metrics.a IS NOT NULL", "IS NULL / IS NOT NULL is only supported for tags and params, not for 'metric' 'a'"),
        (
            "dataset.name IS NULL",
            "IS NULL / IS NOT NULL is only supported for tags and params, not for 'dataset' 'name'",
        ),
    ]);
}

#[test]
fn comparators_that_do_not_fit_are_refused_with_those_that_do() {
    let param = "{'=', '!=', 'LIKE', 'ILIKE', 'IS NULL', 'IS NOT NULL'}";
    assert_refused(&[
        ("params.a > 'x'", &format!("Invalid comparator '>' not one of '{param}' (at byte 9: expected a comparator)")),
        ("params.a == 'x'", &format!("Invalid comparator '==' not one of '{param}'")),
        ("params.a <> 'x'", &format!("Invalid comparator '<>' not one of '{param}'")),
        ("tags.a ~= 'x'", &format!("Invalid comparator '~=' not one of '{param}'")),
        ("tags.a RLIKE 'x'", &format!("Invalid comparator 'RLIKE' not one of '{param}'")),
        ("tags.a not like 'x'", &format!("Invalid comparator 'not like' not one of '{param}'")),
        ("metrics.a LIKE 1", "Invalid comparator 'LIKE' not one of '{'>', '>=', '=', '!=', '<', '<='}'"),
        ("status > 'x'", "Invalid comparator '>' not one of '{'=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN'}'"),
        ("dataset.name > 'x'", "Invalid comparator '>' not one of '{'=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN'}'"),
        ("run_id = ('x')", "Invalid comparator '=' not one of '{'IN', 'NOT IN'}'"),
    ]);
}

#[test]
fn ill_formed_lists_are_refused() {
    let ill_formed =
        "While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list.";
    assert_refused(&[
        (
            "run_id IN ()",
            "While parsing a list in the query, expected a non-empty list of string values, but got empty list (at byte \
             11: expected a quoted text)",
        ),
        (
            "run_id IN ('a', 2)",
            "While parsing a list in the query, expected string value, punctuation, or whitespace, but got different \
             type in list (at byte 16:",
        ),
        ("run_id IN ('a',,'b')", ill_formed),
        ("run_id IN (,)", ill_formed),
        ("run_id IN ('a' 'b')", ill_formed),
        ("run_id IN (`a`)", ill_formed),
        ("run_id IN (a)", ill_formed),
        ("run_id IN 'x'", "Invalid clause(s) in filter string: 'run_id', 'IN' (at byte 10: expected a list such as"),
        (
            "run_id IN ('a'",
            "Invalid clause(s) in filter string: 'run_id', 'IN', '(', ''a'' (at byte 14: expected a comma",
        ),
        ("run_id IN ('a'))", "Invalid clause(s) in filter string: ')'"),
    ]);
}

#[test]
fn filters_beyond_the_limits_are_refused() {
    let clauses = |count: usize| vec!["metrics.a > 1"; count].join(" AND ");
    let pattern = |bytes: usize| format!("tags.a LIKE '{}'", "*".repeat(bytes));
    assert_eq!(parse_run_filter(&format!("{} AND", clauses(200))).unwrap().clauses.len(), 200);
    assert!(parse_run_filter(&pattern(16 * 1024)).is_ok());

    assert_refused(&[
        (&clauses(201), "Invalid filter: it has too many comparisons, at most 200 are allowed."),
        (&" AND".repeat(201), "Invalid filter: it has too many comparisons, at most 200 are allowed."),
        (&" ".repeat(65_537), "Invalid filter: it has 65537 bytes, at most 65536 are allowed."),
        (&pattern(16 * 1024 + 1), "Invalid pattern '**"),
        ("tags.a = 'x\0'", "Invalid value for parameter 'filter' supplied: it contains a NUL character"),
    ]);
    assert!(refusal(parse_run_filter(&format!("tags.a = '{}", "x".repeat(60_000)))).len() < 2000);
}

#[test]
fn a_clause_knows_where_it_stands() {
    let filter = "metrics.é > 1 AND run_id IN ('é') AND tags.a IS NULL ";

    let clauses = parse_run_filter(filter).unwrap().clauses;

    let places: Vec<&str> = clauses.into_iter().map(|clause| &filter[clause.position]).collect();
    assert_eq!(places, ["metrics.é > 1", "run_id IN ('é')", "tags.a IS NULL"]);
}

#[test]
fn experiments_have_their_own_fields() {
    let attribute = ExperimentField::Attribute;
    assert_eq!(
        experiment_clause("name LIKE 'x%'"),
        (attribute(ExperimentAttribute::Name), Comparator::Like, text("x%"))
    );
    assert_eq!(
        experiment_clause("attributes.creation_time >= -5"),
        (attribute(ExperimentAttribute::CreationTime), Comparator::Ge, Value::Integer(-5))
    );
    assert_eq!(
        experiment_clause("attribute.`last_update_time` < 5"),
        (attribute(ExperimentAttribute::LastUpdateTime), Comparator::Lt, Value::Integer(5))
    );
    assert_eq!(
        experiment_clause("experiment_id != '7'"),
        (attribute(ExperimentAttribute::ExperimentId), Comparator::NotEq, Value::Id(7))
    );
    assert_eq!(
        experiment_clause("experiment_id NOT IN ('1', '2')"),
        (attribute(ExperimentAttribute::ExperimentId), Comparator::NotIn, Value::Ids(vec![1, 2]))
    );
    assert_eq!(
        experiment_clause("tag.mlflow.x IS NOT NULL"),
        (ExperimentField::Tag("mlflow.x".to_owned()), Comparator::IsNotNull, Value::None)
    );
}

#[test]
fn what_experiments_do_not_have_is_refused() {
    for (filter, expected) in [
        ("params.a = 'x'", "Invalid entity type 'params'. Valid values are ['attribute', 'tag'] (at byte 0:"),
        (
            "bogus = 'x'",
            "Invalid attribute key 'bogus' specified. Valid keys are '{'name', 'experiment_id', 'creation_time', \
             'last_update_time'}'",
        ),
        ("name IS NULL", "IS NULL / IS NOT NULL is only supported for tags, not for attribute 'name'"),
        ("name > 'x'", "Invalid comparator '>' not one of '{'=', '!=', 'LIKE', 'ILIKE'}'"),
        ("name IN ('x')", "Only ['experiment_id'] attributes support comparison with a list of quoted string values."),
        ("experiment_id LIKE '1'", "Invalid comparator 'LIKE' not one of '{'=', '!=', 'IN', 'NOT IN'}'"),
        ("experiment_id = ('1')", "Invalid comparator '=' not one of '{'IN', 'NOT IN'}'"),
        ("experiment_id = 1", "Expected a quoted string value for attributes. Got value 1"),
        ("experiment_id = x", "Parameter value is either not quoted"),
        (
            "experiment_id IN ('1', 'x')",
            "Invalid experiment ID 'x'. Experiment ID must be a valid integer. (at byte 17:",
        ),
        ("creation_time > 5.5", "Invalid value for numeric attribute 'creation_time': '5.5'"),
        ("creation_time > 99999999999999999999", "Invalid value for numeric attribute 'creation_time'"),
        ("creation_time > '5'", "Expected numeric value type for numeric attribute: creation_time. Found '5'"),
        ("tags.a IN ('x')", "Expected a quoted string value for tag (e.g. 'my-value'). Got value ('x')"),
        ("name = 'x' OR name = 'y'", "Invalid clause(s) in filter string: 'OR'"),
    ] {
        let actual = refusal(parse_experiment_filter(filter));

        assert!(actual.starts_with(expected), "{filter}\n  actual: {actual}\nexpected: {expected}");
    }
}

#[test]
fn an_order_has_fields_and_directions() {
    let order =
        parse_run_order(&items(&["metrics.lr-Adam/1 DESC", "params.`a b`", " tags.x  asc ", "run_id Desc"])).unwrap();

    assert_eq!(
        order,
        [
            OrderKey { field: RunField::Metric("lr-Adam/1".to_owned()), ascending: false },
            OrderKey { field: RunField::Param("a b".to_owned()), ascending: true },
            OrderKey { field: RunField::Tag("x".to_owned()), ascending: true },
            OrderKey { field: RunField::Attribute(RunAttribute::RunId), ascending: false },
        ]
    );
    let order = parse_experiment_order(&items(&["name", "attribute.experiment_id DESC"])).unwrap();
    assert_eq!(
        order,
        [
            OrderKey { field: ExperimentField::Attribute(ExperimentAttribute::Name), ascending: true },
            OrderKey { field: ExperimentField::Attribute(ExperimentAttribute::ExperimentId), ascending: false },
        ]
    );
    assert_eq!(parse_run_order(&[]).unwrap(), []);
}

#[test]
fn what_is_no_order_is_refused() {
    for (item, expected) in [
        ("", "Invalid order_by clause ''. Could not be parsed. (at byte 0: expected a field such as metrics.rmse)"),
        ("  ", "Invalid order_by clause '  '. Could not be parsed."),
        ("DESC", "Invalid order_by clause 'DESC'. Could not be parsed."),
        ("metrics.a DESC NULLS LAST", "Invalid order_by clause 'metrics.a DESC NULLS LAST'. Could not be parsed."),
        ("metrics.a, metrics.b", "Invalid order_by clause 'metrics.a, metrics.b'. Could not be parsed."),
        ("start_time > 1", "Invalid order_by clause 'start_time > 1'. Could not be parsed."),
        (
            "tags.x;",
            "Invalid order_by clause 'tags.x;'. Could not be parsed. (at byte 6: expected ASC, DESC or the end)",
        ),
        ("`metrics.A", "Invalid order_by clause '`metrics.A'. Could not be parsed."),
        (
            "metrics.",
            "Invalid order_by clause 'metrics.'. Could not be parsed. (at byte 8: expected a key after the dot)",
        ),
        (
            "run_id ACS",
            "Invalid ordering key in order_by clause 'run_id ACS'. (at byte 7: expected ASC, DESC or the end)",
        ),
        ("`metrics.A`", "Invalid entity type '`metrics'."),
        ("m.acc", "Invalid entity type 'm'."),
        ("bogus", "Invalid attribute key 'bogus' specified."),
        ("dataset.name", "Invalid identifier type 'dataset'"),
    ] {
        let actual = refusal(parse_run_order(&items(&[item])));

        assert!(actual.starts_with(expected), "{item}\n  actual: {actual}\nexpected: {expected}");
    }
    assert!(refusal(parse_experiment_order(&items(&["tags.a"]))).starts_with("Invalid order_by entity: tag"));
    assert!(refusal(parse_experiment_order(&items(&["created"]))).starts_with("Invalid attribute key 'created'"));
}

#[test]
fn an_order_names_each_field_once_and_not_too_many() {
    let twice = refusal(parse_run_order(&items(&["created", "metrics.a", "start_time DESC"])));
    let many: Vec<String> = (0..101).map(|index| format!("metrics.m{index}")).collect();

    assert!(twice.starts_with("`order_by` contains duplicate fields: attribute.start_time"), "{twice}");
    assert_eq!(parse_run_order(&many[..100]).unwrap().len(), 100);
    assert!(refusal(parse_run_order(&many)).contains("101 keys, at most 100 are allowed"));
}
