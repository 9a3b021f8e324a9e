//! What a filter and an order say, for whoever turns them into a query.
//!
//! Everything here displays as filter text, and parsing that text gives an equal filter.

use std::fmt;
use std::ops::Range;

use super::lexer;

/// Comparisons that must all hold; none matches everything.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter<F> {
    /// The comparisons, as written. Several may be about one field, and then all of them count.
    pub clauses: Vec<Comparison<F>>,
}

/// One comparison, such as `metrics.rmse < 0.5`. The parser makes only those whose comparator and value fit the field.
#[derive(Debug, Clone)]
pub struct Comparison<F> {
    /// What is compared.
    pub field: F,
    /// How.
    pub comparator: Comparator,
    /// With what.
    pub value: Value,
    /// Where it stands in the text, in bytes, for errors that only a store can find. Two comparisons that say the
    /// same in different places are equal.
    pub position: Range<usize>,
}

impl<F: PartialEq> PartialEq for Comparison<F> {
    fn eq(&self, other: &Self) -> bool {
        self.field == other.field && self.comparator == other.comparator && self.value == other.value
    }
}

/// How a field and a value are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    /// `=`
    Eq,
    /// `!=`; what has no value does not match it.
    NotEq,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `LIKE`: case-sensitive, `%` and `_` are wildcards, there is no escape character.
    Like,
    /// `ILIKE`: the same in any case.
    ILike,
    /// `IN`
    In,
    /// `NOT IN`; what has no value does not match it.
    NotIn,
    /// `IS NULL`: there is no value.
    IsNull,
    /// `IS NOT NULL`: there is a value.
    IsNotNull,
}

impl Comparator {
    /// The word of the grammar, which is PostgreSQL's too. SQLite has no `ILIKE`, and its `LIKE` ignores case: see
    /// [`like_to_glob`](super::like_to_glob).
    pub fn sql(self) -> &'static str {
        match self {
            Comparator::Eq => "=",
            Comparator::NotEq => "!=",
            Comparator::Gt => ">",
            Comparator::Ge => ">=",
            Comparator::Lt => "<",
            Comparator::Le => "<=",
            Comparator::Like => "LIKE",
            Comparator::ILike => "ILIKE",
            Comparator::In => "IN",
            Comparator::NotIn => "NOT IN",
            Comparator::IsNull => "IS NULL",
            Comparator::IsNotNull => "IS NOT NULL",
        }
    }
}

/// The right side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A finite number, for metrics, and for the times of runs where it is not a 64-bit integer.
    Number(f64),
    /// For times in milliseconds since the epoch.
    Integer(i64),
    /// For everything that is text.
    Text(String),
    /// What `IN` and `NOT IN` look in; not empty.
    List(Vec<String>),
    /// The id of an experiment. It is written as a text: `experiment_id = '7'`.
    Id(i64),
    /// Ids of experiments; not empty.
    Ids(Vec<i64>),
    /// `IS NULL` and `IS NOT NULL` have none.
    None,
}

/// One key of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderKey<F> {
    /// What is ordered by. No two keys of an order have the same.
    pub field: F,
    /// Whether small values come first. What has no value comes last in either direction.
    pub ascending: bool,
}

/// What runs can be searched by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunField {
    /// The latest value of the metric of this name.
    Metric(String),
    /// The param of this name.
    Param(String),
    /// The tag of this name.
    Tag(String),
    /// A property every run has.
    Attribute(RunAttribute),
    /// A property of any dataset the run read.
    Dataset(DatasetAttribute),
}

/// Defines an enum of attributes with the canonical word of each.
macro_rules! attributes {
    ($(#[$about:meta])* $name:ident { $($(#[$meaning:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$meaning])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word in filters.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)+
                }
            }

            /// The attribute of this word, if there is one.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|attribute| attribute.as_str() == name)
            }
        }
    };
}

attributes! {
    /// A property every run has.
    RunAttribute {
        /// The public id.
        RunId = "run_id",
        /// The name that people see, which is the tag `mlflow.runName`.
        RunName = "run_name",
        /// Who the client says started it.
        UserId = "user_id",
        /// The state, in upper case and compared exactly.
        Status = "status",
        /// Where its artifacts lie.
        ArtifactUri = "artifact_uri",
        /// When it started, in milliseconds.
        StartTime = "start_time",
        /// When it ended, in milliseconds.
        EndTime = "end_time",
    }
}

attributes! {
    /// A property of a dataset that a run read.
    DatasetAttribute {
        /// The dataset's name.
        Name = "name",
        /// The dataset's digest.
        Digest = "digest",
        /// The tag `mlflow.data.context` of this use of the dataset.
        Context = "context",
    }
}

/// What experiments can be searched by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExperimentField {
    /// A property every experiment has.
    Attribute(ExperimentAttribute),
    /// The tag of this name.
    Tag(String),
}

attributes! {
    /// A property every experiment has.
    ExperimentAttribute {
        /// The name.
        Name = "name",
        /// The id; it is compared and ordered as a number.
        ExperimentId = "experiment_id",
        /// When it was made, in milliseconds.
        CreationTime = "creation_time",
        /// When its name, tags or lifecycle changed last, in milliseconds.
        LastUpdateTime = "last_update_time",
    }
}

/// What logged models can be searched by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelField {
    /// The latest value of the metric of this name.
    Metric(String),
    /// The param of this name.
    Param(String),
    /// The tag of this name.
    Tag(String),
    /// A property every model has.
    Attribute(ModelAttribute),
}

attributes! {
    /// A property every logged model has.
    ModelAttribute {
        /// The name.
        Name = "name",
        /// The public id.
        ModelId = "model_id",
        /// What kind of model.
        ModelType = "model_type",
        /// Whether its files have arrived: PENDING, READY or FAILED.
        Status = "status",
        /// The run that made it.
        SourceRunId = "source_run_id",
        /// Where its files lie.
        ArtifactLocation = "artifact_location",
        /// Why it is in its state.
        StatusMessage = "status_message",
        /// When it was made, in milliseconds.
        CreationTime = "creation_timestamp",
        /// When its state changed last, in milliseconds.
        LastUpdatedTime = "last_updated_timestamp",
    }
}

impl<F: fmt::Display> fmt::Display for Filter<F> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, clause) in self.clauses.iter().enumerate() {
            let conjunction = if index == 0 { "" } else { " AND " };
            write!(out, "{conjunction}{clause}")?;
        }
        Ok(())
    }
}

impl<F: fmt::Display> fmt::Display for Comparison<F> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.field, self.comparator.sql())?;
        match self.value {
            Value::None => Ok(()),
            _ => write!(out, " {}", self.value),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(number) => write!(out, "{number:?}"),
            Value::Integer(number) => write!(out, "{number}"),
            Value::Text(text) => write_quoted(out, text, VALUE_QUOTES),
            Value::List(texts) => write_list(out, texts, |out, text| write_quoted(out, text, VALUE_QUOTES)),
            Value::Id(id) => write!(out, "'{id}'"),
            Value::Ids(ids) => write_list(out, ids, |out, id| write!(out, "'{id}'")),
            Value::None => Ok(()),
        }
    }
}

impl fmt::Display for RunField {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunField::Metric(key) => write_keyed(out, "metrics", key),
            RunField::Param(key) => write_keyed(out, "params", key),
            RunField::Tag(key) => write_keyed(out, "tags", key),
            RunField::Attribute(attribute) => write!(out, "attribute.{}", attribute.as_str()),
            RunField::Dataset(attribute) => write!(out, "dataset.{}", attribute.as_str()),
        }
    }
}

impl fmt::Display for ExperimentField {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExperimentField::Attribute(attribute) => write!(out, "attribute.{}", attribute.as_str()),
            ExperimentField::Tag(key) => write_keyed(out, "tags", key),
        }
    }
}

impl fmt::Display for ModelField {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ModelField::Metric(key) => write_keyed(out, "metrics", key),
            ModelField::Param(key) => write_keyed(out, "params", key),
            ModelField::Tag(key) => write_keyed(out, "tags", key),
            ModelField::Attribute(attribute) => write!(out, "attributes.{}", attribute.as_str()),
        }
    }
}

fn write_keyed(out: &mut fmt::Formatter<'_>, entity: &str, key: &str) -> fmt::Result {
    write!(out, "{entity}.")?;
    if is_bare_key(key) { out.write_str(key) } else { write_quoted(out, key, KEY_QUOTES) }
}

/// Writes `text` in the first of `quotes` that it does not contain. What came out of the parser lacks at least one.
fn write_quoted(out: &mut fmt::Formatter<'_>, text: &str, quotes: &[char]) -> fmt::Result {
    let quote = fitting_quote(text, quotes).unwrap_or(quotes[0]);
    write!(out, "{quote}{text}{quote}")
}

/// The quotes of keys, the preferred ones first.
const KEY_QUOTES: &[char] = &['`', '"', '\''];
/// The quotes of values.
pub(super) const VALUE_QUOTES: &[char] = &['\'', '"'];

/// The quote for a text: the first that it does not contain, for the grammar has no escapes.
fn fitting_quote(text: &str, quotes: &[char]) -> Option<char> {
    quotes.iter().copied().find(|quote| !text.contains(*quote))
}

fn is_bare_key(key: &str) -> bool {
    !key.is_empty() && key.chars().all(lexer::is_bare)
}

/// A key as it is written after the dot of its entity; `None` if the grammar cannot write it.
pub(super) fn written_key(key: &str) -> Option<String> {
    if is_bare_key(key) {
        Some(key.to_owned())
    } else {
        fitting_quote(key, KEY_QUOTES).map(|quote| format!("{quote}{key}{quote}"))
    }
}

/// A text as it is written on the right side of a comparison; `None` if the grammar cannot write it.
pub(super) fn written_value(text: &str) -> Option<String> {
    fitting_quote(text, VALUE_QUOTES).map(|quote| format!("{quote}{text}{quote}"))
}

fn write_list<T>(
    out: &mut fmt::Formatter<'_>,
    items: &[T],
    write_item: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    out.write_str("(")?;
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.write_str(", ")?;
        }
        write_item(out, item)?;
    }
    out.write_str(")")
}
