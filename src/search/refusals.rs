//! Each text of the contract (section 6) that refuses a filter or an order, in full: with the byte of the problem and what
//! was expected there. Then what nobody writes by accident.
//!
//! A caret in a case marks the byte; it is taken out before parsing.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::error::Error;
use crate::validate::excerpt;

/// What was asked, with the caret; the contract's text; what was expected.
type Case = (&'static str, &'static str, &'static str);

/// More than any refusal needs, whatever it repeats of a filter.
const MAX_REFUSAL_BYTES: usize = 2000;

fn refusal<T>(result: Result<T>, asked: &str) -> String {
    match result {
        Err(Error::Invalid(text)) => text,
        Err(other) => panic!("{}\nnot refused as invalid: {other:?}", excerpt(asked)),
        Ok(_) => panic!("{}\nnot refused", excerpt(asked)),
    }
}

fn assert_refused<T>(parse: impl Fn(&str) -> Result<T>, cases: &[Case]) {
    for (marked, text, expected) in cases {
        let byte = marked.find('^').expect("each case marks its place");
        let asked = marked.replacen('^', "", 1);

        assert_eq!(refusal(parse(&asked), &asked), format!("{text} (at byte {byte}: expected {expected})"), "{asked}");
    }
}

/// Asserts that `asked` is refused in few words that name a byte where a character starts or the text ends.
fn assert_refused_briefly<T>(parse: impl Fn(&str) -> Result<T>, asked: &str) {
    let refusal = refusal(parse(asked), asked);
    assert!(refusal.len() <= MAX_REFUSAL_BYTES, "{} bytes: {refusal}", refusal.len());
    let (_, place) = refusal.rsplit_once("at byte ").unwrap_or_else(|| panic!("no place: {refusal}"));
    let byte = place.split(|character: char| !character.is_ascii_digit()).next().unwrap().parse().unwrap();
    assert!(asked.is_char_boundary(byte), "no character starts there: {refusal}");
}

fn one_run_key(item: &str) -> Result<Vec<OrderKey<RunField>>> {
    parse_run_order(&[item.to_owned()])
}

fn one_experiment_key(item: &str) -> Result<Vec<OrderKey<ExperimentField>>> {
    parse_experiment_order(&[item.to_owned()])
}

const RUN_FIELD: &str = "a field such as metrics.rmse";
const EXPERIMENT_FIELD: &str = "a field such as name";
const END_OF_CLAUSE: &str = "AND or the end of the filter";
const DIRECTION: &str = "ASC, DESC or the end";

#[test]
fn every_refusal_of_a_filter_for_runs_names_the_byte_and_what_was_expected_there() {
    let ill_formed =
        "While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list.";
    let other_type = "While parsing a list in the query, expected string value, punctuation, or whitespace, but got \
                      different type in list";
    let unquoted = "Parameter value is either not quoted or unidentified quote types used for string value A. Use \
                    either single or double quotes.";
    let attributes = "Invalid attribute key 'x' specified. Valid keys are '{'run_id', 'run_name', 'user_id', 'status', \
                      'artifact_uri', 'start_time', 'end_time'}'";
    let entities = "Invalid entity type 'bogus'. Valid values are ['metric', 'parameter', 'tag', 'attribute', \
                    'dataset']";
    assert_refused(
        parse_run_filter,
        &[
            // Clauses.
            ("metrics.a > 1 ^OR metrics.b > 2", "Invalid clause(s) in filter string: 'OR'", END_OF_CLAUSE),
            ("^(metrics.a > 1)", "Invalid clause(s) in filter string: '('", RUN_FIELD),
            ("metrics.a > 1^)", "Invalid clause(s) in filter string: ')'", END_OF_CLAUSE),
            ("^NOT metrics.a > 1", "Invalid clause(s) in filter string: 'NOT'", RUN_FIELD),
            ("tags.größe ^BETWEEN 'a' AND 'b'", "Invalid clause(s) in filter string: 'BETWEEN'", "a comparator"),
            ("metrics.a > 1 AND ^AND", "Invalid comparison clause. Expected 3 tokens found 0", RUN_FIELD),
            ("^1 < metrics.a", "Invalid comparison clause. Expected 'Identifier' found '1'", RUN_FIELD),
            ("metrics.a >^", "Invalid clause(s) in filter string: 'metrics.a', '>'", "a value"),
            ("tags.é^", "Invalid clause(s) in filter string: 'tags.é'", "a comparator"),
            ("tags. ^= 'x'", "Invalid clause(s) in filter string: 'tags.'", "a key after the dot"),
            ("metrics.a > ^\u{7f}", "Invalid clause(s) in filter string: '\u{7f}'", "a name, a comparator or a value"),
            (
                "metrics.a > 1 ^; metrics.b > 2",
                "Search filter contained multiple expression 'metrics.a > 1 ; metrics.b > 2'. Provide AND-ed \
                 expression list.",
                END_OF_CLAUSE,
            ),
            ("metrics.a > 1^;", "Invalid clause(s) in filter string: ';'", END_OF_CLAUSE),
            // Fields.
            ("tags.a = 'x' AND ^bogus.x = 'y'", entities, RUN_FIELD),
            ("^x = 'y'", attributes, RUN_FIELD),
            ("^attr.x = 'y'", attributes, RUN_FIELD),
            (
                "^datasets.foo = 'x'",
                "Invalid dataset key 'foo' specified. Valid keys are '{'name', 'digest', 'context'}'",
                RUN_FIELD,
            ),
            // Comparators.
            (
                "params.a ^> 'x'",
                "Invalid comparator '>' not one of '{'=', '!=', 'LIKE', 'ILIKE', 'IS NULL', 'IS NOT NULL'}'",
                "a comparator",
            ),
            (
                "metrics.a ^=> 1",
                "Invalid comparator '=>' not one of '{'>', '>=', '=', '!=', '<', '<='}'",
                "a comparator",
            ),
            (
                "user_id ^< 'x'",
                "Invalid comparator '<' not one of '{'=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN'}'",
                "a comparator",
            ),
            (
                "attributes.end_time ^IS NULL",
                "IS NULL / IS NOT NULL is only supported for tags and params, not for 'attribute' 'end_time'",
                "another comparator",
            ),
            (
                "tags.a IS NOT ^'x'",
                "Invalid clause(s) in filter string: 'tags.a', 'IS', 'NOT'",
                "IS NULL or IS NOT NULL",
            ),
            // Numbers.
            ("metrics.a > ^'a'", "Expected numeric value type for metric. Found 'a'", "a number"),
            ("metrics.a < ^inf", "Expected numeric value type for metric. Found inf", "a number"),
            (
                "metrics.a > ^1e400",
                "Invalid value for metric: '1e400' is beyond the largest number, 1.797e308",
                "a number",
            ),
            (
                "metrics.a > ^-1e400",
                "Invalid value for metric: '-1e400' is beyond the largest number, 1.797e308",
                "a number",
            ),
            (
                "created > ^'1'",
                "Expected numeric value type for numeric attribute: start_time. Found '1'",
                "a number within 64 bits",
            ),
            (
                "start_time < ^99999999999999999999",
                "Invalid value for numeric attribute 'start_time': '99999999999999999999'",
                "a number within 64 bits",
            ),
            ("end_time < ^-1e19", "Invalid value for numeric attribute 'end_time': '-1e19'", "a number within 64 bits"),
            ("end_time < ^1e400", "Invalid value for numeric attribute 'end_time': '1e400'", "a number within 64 bits"),
            // Texts.
            ("params.a = ^A", unquoted, "a quoted text"),
            (
                "params.a = ^1",
                "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1",
                "a quoted text",
            ),
            (
                "tags.a = ^1e400",
                "Expected a quoted string value for tag (e.g. 'my-value'). Got value 1e400",
                "a quoted text",
            ),
            (
                "run_id = ^1",
                "Expected a quoted string value for attributes. Got value 1",
                "a quoted text or a list of them",
            ),
            ("tags.a = ^'x", "Invalid clause(s) in filter string: ''x'", "a closing quote"),
            ("tags.^`a = 'x'", "Invalid clause(s) in filter string: '`a = 'x''", "a closing quote"),
            ("tags.a = 'it's^'", "Invalid clause(s) in filter string: '''", "a closing quote"),
            // Lists.
            (
                "status IN ^('RUNNING')",
                "Only ['run_id'] attributes support comparison with a list of quoted string values.",
                "a quoted text",
            ),
            (
                "tags.a IN ^('x')",
                "Expected a quoted string value for tag (e.g. 'my-value'). Got value ('x')",
                "a quoted text",
            ),
            ("run_id ^= ('x')", "Invalid comparator '=' not one of '{'IN', 'NOT IN'}'", "a comparator"),
            (
                "run_id IN (^)",
                "While parsing a list in the query, expected a non-empty list of string values, but got empty list",
                "a quoted text",
            ),
            ("run_id IN ('a', ^1)", other_type, "a quoted text"),
            ("run_id IN ('a' ^1)", other_type, "a comma or a closing parenthesis"),
            ("run_id IN ('a', ^b)", ill_formed, "a quoted text"),
            ("run_id IN ('a' ^'b')", ill_formed, "a comma or a closing parenthesis"),
            ("run_id IN (^('a'))", ill_formed, "a quoted text"),
            (
                "run_id IN ('a'^",
                "Invalid clause(s) in filter string: 'run_id', 'IN', '(', ''a''",
                "a comma or a closing parenthesis",
            ),
            (
                "run_id NOT IN ^'a'",
                "Invalid clause(s) in filter string: 'run_id', 'NOT', 'IN'",
                "a list such as ('a', 'b')",
            ),
        ],
    );
}

#[test]
fn every_refusal_of_a_filter_for_experiments_names_the_byte_and_what_was_expected_there() {
    assert_refused(
        parse_experiment_filter,
        &[
            (
                "name = 'a' AND ^params.a = 'x'",
                "Invalid entity type 'params'. Valid values are ['attribute', 'tag']",
                EXPERIMENT_FIELD,
            ),
            (
                "^attribute.x = 'y'",
                "Invalid attribute key 'x' specified. Valid keys are '{'name', 'experiment_id', 'creation_time', \
                 'last_update_time'}'",
                EXPERIMENT_FIELD,
            ),
            ("^AND name = 'x'", "Invalid comparison clause. Expected 3 tokens found 0", EXPERIMENT_FIELD),
            ("name ^>= 'x'", "Invalid comparator '>=' not one of '{'=', '!=', 'LIKE', 'ILIKE'}'", "a comparator"),
            (
                "name ^IS NULL",
                "IS NULL / IS NOT NULL is only supported for tags, not for attribute 'name'",
                "another comparator",
            ),
            (
                "name IN ^('x')",
                "Only ['experiment_id'] attributes support comparison with a list of quoted string values.",
                "a quoted text",
            ),
            (
                "creation_time > ^99999999999999999999",
                "Invalid value for numeric attribute 'creation_time': '99999999999999999999'",
                "a 64-bit integer",
            ),
            (
                "last_update_time > ^1.5",
                "Invalid value for numeric attribute 'last_update_time': '1.5'",
                "a 64-bit integer",
            ),
            (
                "experiment_id = ^1",
                "Expected a quoted string value for attributes. Got value 1",
                "a quoted id or a list of them",
            ),
            (
                "experiment_id = ^'99999999999999999999'",
                "Invalid experiment ID '99999999999999999999'. Experiment ID must be a valid integer.",
                "a quoted id or a list of them",
            ),
        ],
    );
}

#[test]
fn every_refusal_of_an_order_names_the_byte_and_what_was_expected_there() {
    assert_refused(
        one_run_key,
        &[
            ("^", "Invalid order_by clause ''. Could not be parsed.", RUN_FIELD),
            ("^DESC", "Invalid order_by clause 'DESC'. Could not be parsed.", RUN_FIELD),
            ("metrics.é ^> 1", "Invalid order_by clause 'metrics.é > 1'. Could not be parsed.", DIRECTION),
            (
                "metrics.a DESC ^NULLS LAST",
                "Invalid order_by clause 'metrics.a DESC NULLS LAST'. Could not be parsed.",
                "the end",
            ),
            ("metrics.a^; --", "Invalid order_by clause 'metrics.a; --'. Could not be parsed.", DIRECTION),
            ("metrics.^`a", "Invalid order_by clause 'metrics.`a'. Could not be parsed.", "a closing quote"),
            ("start_time ^DOWN", "Invalid ordering key in order_by clause 'start_time DOWN'.", DIRECTION),
            (" ^dataset.name", "Invalid identifier type 'dataset'", "a field that can be ordered by"),
            (
                " ^bogus",
                "Invalid attribute key 'bogus' specified. Valid keys are '{'run_id', 'run_name', 'user_id', 'status', \
                 'artifact_uri', 'start_time', 'end_time'}'",
                RUN_FIELD,
            ),
        ],
    );
    assert_refused(
        one_experiment_key,
        &[
            (" ^tags.a", "Invalid order_by entity: tag", "a field that can be ordered by"),
            ("^ASC", "Invalid order_by clause 'ASC'. Could not be parsed.", EXPERIMENT_FIELD),
        ],
    );
}

const SQL_FRAGMENTS: &[&str] = &[
    "'; DROP TABLE run; --",
    "\"; DROP TABLE run; --",
    "; DROP TABLE run",
    "--",
    "-- comment",
    "/* */",
    "/*",
    "*/",
    "#",
    "OR 1=1",
    "' OR ''='",
    ") OR (1=1",
    "UNION SELECT sql FROM sqlite_master",
    "(SELECT pg_sleep(10))",
    "CAST('1' AS text)",
    "||",
    "$1",
    "?",
    "\\'",
    "$$",
];

#[test]
fn a_fragment_of_sql_is_refused_in_every_place_between_tokens() {
    let filters: [&[&str]; 2] = [
        &["tags.a", "=", "'x'", "AND", "metrics.b", ">", "1", "AND", "params.`c d`", "IS", "NOT", "NULL"],
        &["run_id", "NOT", "IN", "(", "'a'", ",", "\"b\"", ")", "AND", "dataset.name", "LIKE", "'x%'"],
    ];
    for tokens in filters {
        assert!(parse_run_filter(&tokens.join(" ")).is_ok());
        for fragment in SQL_FRAGMENTS {
            for place in 0..=tokens.len() {
                let (before, after) = tokens.split_at(place);
                assert_refused_briefly(parse_run_filter, &[before, &[*fragment], after].concat().join(" "));
            }
        }
    }
    for fragment in SQL_FRAGMENTS {
        for item in [
            format!("{fragment} metrics.a DESC"),
            format!("metrics.a {fragment} DESC"),
            format!("metrics.a DESC {fragment}"),
        ] {
            assert_refused_briefly(one_run_key, &item);
        }
    }
}

#[test]
fn a_fragment_of_sql_in_quotes_is_a_text_or_a_key() {
    for fragment in SQL_FRAGMENTS {
        let quote = if fragment.contains('\'') { '"' } else { '\'' };

        let filter = parse_run_filter(&format!(
            "tags.`{fragment}` = {quote}{fragment}{quote} AND run_id IN ({quote}{fragment}{quote})"
        ));

        let clauses = filter.unwrap_or_else(|refusal| panic!("{fragment}: {refusal}")).clauses;
        assert_eq!(clauses[0].field, RunField::Tag((*fragment).to_owned()));
        assert_eq!(clauses[0].value, Value::Text((*fragment).to_owned()));
        assert_eq!(clauses[1].value, Value::List(vec![(*fragment).to_owned()]));
    }
}

#[test]
fn a_filter_of_1000_comparisons_is_refused_where_it_has_one_too_many() {
    let filter = vec!["metrics.a > 1"; 1000].join(" AND ");

    let place = filter.match_indices("AND").nth(200).unwrap().0;
    let limit = "Invalid filter: it has too many comparisons, at most 200 are allowed.";
    assert_eq!(
        refusal(parse_run_filter(&filter), "1000 comparisons"),
        format!("{limit} (at byte {place}: expected the end of the filter)")
    );
}

#[test]
fn long_nonsense_is_refused_in_few_words() {
    let quotes_in_quotes = ["'\"`", "`'\"", "''\"\"``'", "tags.`'\"` = '\"`\"' "];
    let nested = ["(", ")", "run_id IN (", "tags.a = (", "NOT ", "tags.a ", ".", "tags.a IS NOT "];
    let repeated =
        ["AND ", ";", ",", "=", "1", "-", "9e", "e+", "metrics.a > 1 ", "'x' ", "\u{10ffff}", "é", "\0", "/* "];
    for piece in quotes_in_quotes.iter().chain(&nested).chain(&repeated) {
        for bytes in [10_000, 64 * 1024] {
            let nonsense = piece.repeat(bytes / piece.len());

            assert_refused_briefly(parse_run_filter, &nonsense);
            assert_refused_briefly(parse_experiment_filter, &nonsense);
            assert_refused_briefly(one_run_key, &nonsense);
            assert_refused_briefly(one_experiment_key, &nonsense);
        }
    }
}

#[test]
fn a_long_value_of_the_wrong_kind_is_refused_in_few_words() {
    let long = "9".repeat(60_000);
    let texts = vec!["'x'"; 12_000].join(", ");
    for filter in [
        format!("metrics.a > {long}"),
        format!("start_time > {long}"),
        format!("tags.a = {long}"),
        format!("tags.a = x{long}"),
        format!("metrics.a > '{long}'"),
        format!("metrics.a > 1 OR{long}"),
        format!("x{long} = 'x'"),
        format!("x{long}.a = 'x'"),
        format!("dataset.`{long}` = 'x'"),
        format!("metrics.`{long}` IS NULL"),
        format!("metrics.a {} 1", "<>".repeat(30_000)),
        format!("tags.a LIKE '{long}'"),
        format!("tags.a IN ({texts})"),
        format!("status IN ({texts})"),
        format!("run_id IN ({texts}, 1)"),
        format!("run_id IN ({texts}"),
    ] {
        assert_refused_briefly(parse_run_filter, &filter);
    }
    assert_refused_briefly(parse_experiment_filter, &format!("experiment_id = '{long}'"));
    assert_refused_briefly(parse_experiment_filter, &format!("experiment_id IN ({texts})"));
}

#[test]
fn the_seeds_of_the_fuzzer_are_what_their_folders_say() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let seeds = |folder: &str| -> Vec<(PathBuf, String)> {
        let entries = fs::read_dir(corpus.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
    };
    for (folder, valid) in [("valid", true), ("refused", false)] {
        for (path, text) in seeds(&format!("filter/{folder}")) {
            let parses = parse_run_filter(&text).is_ok() || parse_experiment_filter(&text).is_ok();

            assert_eq!(parses, valid, "{}", path.display());
        }
        for (path, text) in seeds(&format!("order/{folder}")) {
            let items: Vec<String> = text.lines().map(str::to_owned).collect();

            let parses = parse_run_order(&items).is_ok() || parse_experiment_order(&items).is_ok();

            assert_eq!(parses, valid, "{}", path.display());
        }
    }
}
