//! `POST complete`: what can be written at a place of a filter of runs. The parser says what kind of thing, the store which
//! there are.

use serde::Serialize;

use super::numbers::{self, Digits};
use super::{read_bounded, read_experiments};
use crate::error::Result;
use crate::http::fields::Fields;
use crate::http::reply::Json;
use crate::http::routes::Request;
use crate::model::Caller;
use crate::search::{Names, RunAttribute, RunField, complete_run_filter, run_filter_problem};
use crate::state::AppState;
use crate::store::{KeyKind, KeySearch, KeySummary, KeyValues, NamePart, Store, ValueSearch, ValuesOf};
use crate::validate;

/// Suggestions of one answer.
const MAX_SUGGESTIONS: usize = 20;

/// `complete`.
pub struct CompleteFilter {
    experiments: Vec<i64>,
    filter: String,
    /// UTF-16 code units before the cursor, as JavaScript counts.
    at: usize,
}

impl Request for CompleteFilter {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let filter = fields.text("filter")?.unwrap_or_default();
        validate::no_nul("filter", &filter)?;
        let experiments = read_experiments(fields)?;
        Ok(CompleteFilter { experiments, filter, at: read_bounded(fields, "at", 0, 0..=i64::MAX)? })
    }
}

/// What to offer. Positions count UTF-16 code units.
#[derive(Serialize)]
pub struct Suggestions {
    from: usize,
    to: usize,
    expects: Option<&'static str>,
    suggestions: Vec<Suggestion>,
    error: Option<ProblemJson>,
}

#[derive(Serialize)]
struct Suggestion {
    insert: String,
    label: String,
    about: String,
}

#[derive(Serialize)]
struct ProblemJson {
    from: usize,
    to: usize,
    message: String,
}

/// `POST complete`
pub async fn suggest(app: AppState, caller: Caller, request: CompleteFilter) -> Result<Json<Suggestions>> {
    let text = &request.filter;
    let completion = complete_run_filter(text, byte_of(text, request.at));
    let words = completion.words.iter().map(|word| Suggestion::new(word.clone(), word.clone(), String::new()));
    let mut suggestions: Vec<Suggestion> = words.collect();
    if let Some(names) = &completion.names {
        suggestions.extend(found(&app.store, &caller, request.experiments, names, completion.typed).await?);
    }
    // What is there already is no suggestion.
    suggestions.retain(|suggestion| suggestion.insert != text[completion.word.clone()]);
    let problem = run_filter_problem(text).map(|(place, refusal)| ProblemJson {
        from: units_before(text, place.start),
        to: units_before(text, place.end),
        message: match refusal.place {
            Some((_, expected)) => format!("{}: expected {expected}", refusal.text),
            None => refusal.text,
        },
    });
    Ok(Json(Suggestions {
        from: units_before(text, completion.word.start),
        to: units_before(text, completion.word.end),
        expects: completion.expects.map(|expects| expects.as_str()),
        suggestions,
        error: problem,
    }))
}

/// The names or values in use that go with what was typed.
async fn found(
    store: &Store,
    caller: &Caller,
    experiments: Vec<i64>,
    names: &Names,
    typed: &str,
) -> Result<Vec<Suggestion>> {
    let limit = MAX_SUGGESTIONS;
    let (kind, of) = match names {
        Names::Metrics => (Some(KeyKind::Metric), None),
        Names::Params => (Some(KeyKind::Param), None),
        Names::Tags => (Some(KeyKind::Tag), None),
        Names::Values(field) => (None, values_of(field)),
    };
    let suggestion =
        |name: String, about: String| names.write(&name).map(|insert| Suggestion::new(insert, name, about));
    if let Some(kind) = kind {
        let search = KeySearch { experiments, kind, text: NamePart::Within(typed.to_owned()), limit };
        let keys = store.list_keys(caller, search).await?;
        return Ok(keys.into_iter().filter_map(|key| suggestion(key.key.clone(), about_key(&key))).collect());
    }
    let Some(of) = of else { return Ok(Vec::new()) };
    let search = ValueSearch { experiments, of, text: typed.to_owned(), limit };
    let values = store.list_values(caller, search).await?;
    Ok(values.into_iter().filter_map(|(value, runs)| suggestion(value, count_of(runs))).collect())
}

/// What of a field there are values of; nobody types the others by heart.
fn values_of(field: &RunField) -> Option<ValuesOf> {
    match field {
        RunField::Param(key) => Some(ValuesOf::Param(key.clone())),
        RunField::Tag(key) => Some(ValuesOf::Tag(key.clone())),
        RunField::Attribute(RunAttribute::UserId) => Some(ValuesOf::Users),
        RunField::Metric(_) | RunField::Attribute(_) | RunField::Dataset(_) => None,
    }
}

fn about_key(key: &KeySummary) -> String {
    let runs = count_of(key.runs);
    match &key.values {
        KeyValues::Range { min: Some(min), max: Some(max) } if min == max => format!("{runs}, {}", number(*min)),
        KeyValues::Range { min: Some(min), max: Some(max) } => {
            format!("{runs}, {} to {}", number(*min), number(*max))
        }
        KeyValues::Range { .. } => format!("{runs}, not a number"),
        KeyValues::Top { values, differs } => match values.first() {
            Some((value, _)) if *differs => format!("{runs}, most often {}", validate::excerpt(value)),
            Some((value, _)) => format!("{runs}, {}", validate::excerpt(value)),
            None => runs,
        },
    }
}

fn count_of(runs: i64) -> String {
    if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") }
}

/// A number for people.
fn number(value: f64) -> String {
    let mut json = Vec::new();
    numbers::put(&mut json, value, Digits::Five);
    String::from_utf8_lossy(&json).replace('"', "")
}

impl Suggestion {
    fn new(insert: String, label: String, about: String) -> Self {
        Suggestion { insert, label, about }
    }
}

/// The byte where so many UTF-16 code units end; the end of the text where there are fewer.
fn byte_of(text: &str, units: usize) -> usize {
    let mut before = 0;
    for (byte, character) in text.char_indices() {
        before += character.len_utf16();
        if before > units {
            return byte;
        }
    }
    text.len()
}

/// How many UTF-16 code units lie before a byte.
fn units_before(text: &str, byte: usize) -> usize {
    text[..byte].encode_utf16().count()
}
