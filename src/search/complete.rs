//! What can be written at a place of a filter of runs.
//!
//! The parser says it: it is run over the text before the word at that place, and has noted what it would take next.

use std::ops::Range;

use super::ast::{DatasetAttribute, Filter, RunAttribute, RunField, written_key, written_value};
use super::field::{Field, RUN_ENTITIES};
use super::lexer::{self, Kind, LexError, Token};
use super::parser::{self, Expected, expected_after};
use super::refusal::Refusal;
use crate::model::RunStatus;

/// What a place of a filter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    /// An entity or an attribute.
    Field,
    /// The key of an entity.
    Key,
    /// A comparator.
    Comparator,
    /// A value, or what belongs to a list of them.
    Value,
    /// `AND`.
    And,
}

impl Expects {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Expects::Field => "field",
            Expects::Key => "key",
            Expects::Comparator => "comparator",
            Expects::Value => "value",
            Expects::And => "and",
        }
    }
}

/// Names and values that are not in the grammar but in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// The names of metrics.
    Metrics,
    /// The names of params.
    Params,
    /// The names of tags.
    Tags,
    /// The values of this field.
    Values(RunField),
}

impl Names {
    /// The name or value as the grammar wants it, in quotes where it needs them; `None` if it has all kinds of quotes.
    pub fn write(&self, name: &str) -> Option<String> {
        match self {
            Names::Metrics | Names::Params | Names::Tags => written_key(name),
            Names::Values(_) => written_value(name),
        }
    }
}

/// What can be written in place of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion<'a> {
    /// The bytes of the word at the cursor; empty where there is none.
    pub word: Range<usize>,
    /// What of it stands before the cursor, without quotes.
    pub typed: &'a str,
    /// What is expected there; `None` if what stands before it is wrong already.
    pub expects: Option<Expects>,
    /// What the grammar itself has for this place and goes with what was typed, best first.
    pub words: Vec<String>,
    /// What only a store knows of.
    pub names: Option<Names>,
}

/// What can be written at the byte `at` of `text`, which lies between two characters.
pub fn complete_run_filter(text: &str, at: usize) -> Completion<'_> {
    let mut word = word_at(text, at);
    let mut expected = expected_after::<RunField>(&text[..word.start]);
    // An entity and its key are one word to the lexer.
    if expected == Some(Expected::Field)
        && let Some(dot) = text[word.start..at].find('.')
    {
        word.start += dot + 1;
        expected = expected_after(&text[..word.start]);
    }
    let typed = unquoted(&text[word.start..at]);
    let mut completion = Completion { word, typed, expects: None, words: Vec::new(), names: None };
    if let Some(expected) = expected {
        completion.fill(expected);
    }
    completion
}

/// Why a text is no filter of runs, if it is none, and the bytes of the piece that is wrong.
pub fn run_filter_problem(text: &str) -> Option<(Range<usize>, Refusal)> {
    let refusal = parser::filter(text).map(drop::<Filter<RunField>>).err()?;
    let Some((start, _)) = refusal.place else { return Some((0..text.len(), refusal)) };
    let (tokens, problem) = lexer::scan(text);
    let token = tokens.iter().find(|token| token.start == start).map(Token::end);
    let end = token.or(problem.map(|problem| problem.start + problem.text.len())).unwrap_or(start);
    Some((start..end.max(start), refusal))
}

impl Completion<'_> {
    fn fill(&mut self, expected: Expected<RunField>) {
        let (expects, words) = match expected {
            Expected::Field => {
                let entities = RUN_ENTITIES.map(|entity| format!("{entity}."));
                let attributes = RunAttribute::ALL.iter().map(|attribute| attribute.as_str().to_owned());
                (Expects::Field, entities.into_iter().chain(attributes).collect())
            }
            Expected::Key(entity) => {
                self.names = names_of(&entity);
                (Expects::Key, attributes_of(&entity))
            }
            Expected::Comparator(field, begun) => (Expects::Comparator, comparators(&field, &begun)),
            Expected::Value(field) | Expected::Item(field) => {
                let words = values(&field);
                self.names = Some(Names::Values(field)).filter(|_| words.is_empty());
                (Expects::Value, words)
            }
            Expected::List => (Expects::Value, vec!["(".to_owned()]),
            Expected::ItemEnd => (Expects::Value, vec![")".to_owned(), ",".to_owned()]),
            Expected::And => (Expects::And, vec!["AND".to_owned()]),
        };
        let typed = self.typed.to_lowercase();
        let begins = |word: &String| unquoted(word).to_lowercase().starts_with(&typed);
        let (mut words, others): (Vec<String>, Vec<String>) = words.into_iter().partition(begins);
        if matches!(expects, Expects::Field | Expects::Key) {
            words.extend(others.into_iter().filter(|word| word.to_lowercase().contains(&typed)));
        }
        self.expects = Some(expects);
        self.words = words;
    }
}

/// The word that the byte `at` is in or behind.
fn word_at(text: &str, at: usize) -> Range<usize> {
    let (tokens, problem) = lexer::scan(text);
    let open_quote = problem.filter(LexError::is_open_quote);
    let is_word = |token: &&Token<'_>| {
        let is_word = matches!(token.kind, Kind::Bare | Kind::Quoted | Kind::Operator);
        is_word && token.start < at && at <= token.end()
    };
    match (tokens.iter().find(is_word), open_quote) {
        // One quote is missing, most likely the one that is being written: what follows is none of it.
        (Some(token), Some(open)) if token.text.get(..1) == open.text.get(..1) => token.start..at,
        (Some(token), _) => token.start..token.end(),
        (None, Some(open)) if open.start < at => open.start..at,
        (None, _) => at..at,
    }
}

/// A word without its quotes, of which the second may be missing.
fn unquoted(word: &str) -> &str {
    let Some(quote) = word.chars().next().filter(|first| matches!(first, '\'' | '"' | '`')) else { return word };
    let inner = &word[1..];
    inner.strip_suffix(quote).unwrap_or(inner)
}

/// What the keys of an entity name, where they are free.
fn names_of(entity: &str) -> Option<Names> {
    match RunField::resolve(Some(entity), "any").ok()? {
        RunField::Metric(_) => Some(Names::Metrics),
        RunField::Param(_) => Some(Names::Params),
        RunField::Tag(_) => Some(Names::Tags),
        RunField::Attribute(_) | RunField::Dataset(_) => None,
    }
}

/// The keys of an entity, where they are not.
fn attributes_of(entity: &str) -> Vec<String> {
    if names_of(entity).is_some() {
        return Vec::new();
    }
    let names = RunAttribute::ALL.iter().map(|attribute| attribute.as_str());
    let names = names.chain(DatasetAttribute::ALL.iter().map(|attribute| attribute.as_str()));
    names.filter(|name| RunField::resolve(Some(entity), name).is_ok()).map(str::to_owned).collect()
}

/// The comparators that fit a field, or what is left of those that begin with some words.
fn comparators(field: &RunField, begun: &str) -> Vec<String> {
    let rule = field.rule();
    let fitting = rule.comparators.iter().filter(|comparator| rule.takes(**comparator));
    let rest = |comparator: &str| match begun {
        "" => Some(comparator.to_owned()),
        _ => comparator.strip_prefix(begun)?.strip_prefix(' ').map(str::to_owned),
    };
    fitting.filter_map(|comparator| rest(comparator.sql())).collect()
}

/// The values that the grammar's own words have for a field.
fn values(field: &RunField) -> Vec<String> {
    match field {
        RunField::Attribute(RunAttribute::Status) => {
            RunStatus::ALL.iter().map(|status| format!("'{}'", status.as_str())).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What can be written at the caret, as `word|expects: words, names`.
    fn at(marked: &str) -> String {
        let at = marked.find('^').expect("each case marks its place");
        let text = marked.replacen('^', "", 1);
        let completion = complete_run_filter(&text, at);
        let expects = completion.expects.map_or("nothing", Expects::as_str);
        let names = completion.names.map(|names| format!(" {names:?}")).unwrap_or_default();
        format!("{}|{}: {}{names}", &text[completion.word], expects, completion.words.join(" "))
    }

    #[test]
    fn the_grammar_says_what_follows() {
        for (marked, expected) in [
            (
                "^",
                "|field: metrics. params. tags. attributes. dataset. run_id run_name user_id status artifact_uri \
                 start_time end_time",
            ),
            ("me^", "me|field: metrics. run_name start_time end_time"),
            ("ta^", "ta|field: tags. dataset. status start_time"),
            ("metrics.^", "|key:  Metrics"),
            ("metrics.val^_loss < 1", "val_loss|key:  Metrics"),
            ("metrics.a > 1 and params.\"config.lr^", "\"config.lr|key:  Params"),
            ("tags.`a b^` = 'x'", "`a b`|key:  Tags"),
            ("attributes.st^", "st|key: status start_time"),
            ("run.^", "|key: run_id run_name user_id status artifact_uri start_time end_time"),
            ("datasets.^", "|key: name digest context"),
            ("bogus.x^", "x|key: "),
            ("metrics.a ^", "|comparator: > >= = != < <="),
            ("metrics.a >^ 1", ">|comparator: > >="),
            ("metrics.a>^", ">|comparator: > >="),
            ("params.a ^", "|comparator: = != LIKE ILIKE IS NULL IS NOT NULL"),
            ("params.a is^", "is|comparator: IS NULL IS NOT NULL"),
            ("params.a is ^", "|comparator: NULL NOT NULL"),
            ("params.a Is  nOt ^", "|comparator: NULL"),
            ("run_id not i^", "i|comparator: IN"),
            ("run_id ^", "|comparator: = != LIKE ILIKE IN NOT IN"),
            ("status ^", "|comparator: = != LIKE ILIKE"),
            ("metrics.a foo ^", "|comparator: "),
            ("metrics.a > ^", "|value:  Values(Metric(\"a\"))"),
            ("params.a = '^", "'|value:  Values(Param(\"a\"))"),
            ("status = ^", "|value: 'RUNNING' 'SCHEDULED' 'FINISHED' 'FAILED' 'KILLED'"),
            ("status = 'f^'", "'f'|value: 'FINISHED' 'FAILED'"),
            ("run_id IN ^", "|value: ("),
            ("run_id IN (^", "|value:  Values(Attribute(RunId))"),
            ("run_id IN ('a'^", "'a'|value:  Values(Attribute(RunId))"),
            ("run_id IN ('a' ^", "|value: ) ,"),
            ("run_id IN ('a', ^", "|value:  Values(Attribute(RunId))"),
            ("params.a > ^", "|nothing: "),
            ("metrics.a > 1 ^", "|and: AND"),
            ("metrics.a > 1 a^", "a|and: AND"),
            ("params.a IS NULL ^", "|and: AND"),
            ("metrics.a > 1 AND ^", ""),
            ("metrics.a > 'x' ^", "|nothing: "),
            ("metrics.a > 1 OR ^", "|nothing: "),
            ("$ ^", "|nothing: "),
            ("é ^", "|nothing: "),
        ] {
            let expected = if expected.is_empty() { at("^") } else { expected.to_owned() };
            assert_eq!(at(marked), expected, "{marked}");
        }
    }

    #[test]
    fn a_quote_that_is_being_written_leaves_what_follows_alone() {
        assert_eq!(at("tags.a = 'lu^ AND tags.b = 'x'"), "'lu|value:  Values(Tag(\"a\"))");
        assert_eq!(at("tags.a = 'lu^mi' AND tags.b = 'x'"), "'lumi'|value:  Values(Tag(\"a\"))");
        assert_eq!(at("params.\"c d^ = 'x'"), "\"c d|key:  Params");
    }

    #[test]
    fn names_are_quoted_where_the_grammar_needs_it() {
        let key = |name| Names::Params.write(name);
        assert_eq!(key("config.lr/x:0").as_deref(), Some("config.lr/x:0"));
        assert_eq!(key("a b").as_deref(), Some("`a b`"));
        assert_eq!(key("a`b").as_deref(), Some("\"a`b\""));
        assert_eq!(key("a`\"'"), None);
        assert_eq!(key("").as_deref(), Some("``"));
        let value = |text| Names::Values(RunField::Tag("x".to_owned())).write(text);
        assert_eq!(value("it's").as_deref(), Some("\"it's\""));
        assert_eq!(value("1e-4").as_deref(), Some("'1e-4'"));
        assert_eq!(value("'\""), None);
    }

    #[test]
    fn the_piece_that_is_wrong_is_found() {
        let wrong = |text: &str| run_filter_problem(text).map(|(place, _)| text[place].to_owned());
        assert_eq!(wrong("metrics.a > 1"), None);
        assert_eq!(wrong("metrics.a > 1 OR metrics.b > 2").as_deref(), Some("OR"));
        assert_eq!(wrong("bogus.é = 'y'").as_deref(), Some("bogus.é"));
        assert_eq!(wrong("tags.a = 'x").as_deref(), Some("'x"));
        assert_eq!(wrong("tags.a $ 'x'").as_deref(), Some("$"));
        assert_eq!(wrong("metrics.a >").as_deref(), Some(""));
        let long = "x".repeat(70_000);
        assert_eq!(wrong(&long), Some(long.clone()));
    }
}
