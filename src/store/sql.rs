//! SQL text made of literals, with every value bound.
//!
//! [`Sql`] takes its text only from `&'static str`, so nothing a user wrote can become SQL. One statement runs on both
//! databases: placeholders are `$1, $2, …` on each of them. The few things that are spelled differently (a list, many
//! rows) are methods here that ask for the [`Dialect`].

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgArguments, Postgres};
use sqlx::sqlite::{Sqlite, SqliteArguments};

use crate::model::{Caller, Reach, Role};

/// Which database a statement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Dialect {
    /// SQLite 3.
    Sqlite,
    /// PostgreSQL 13 or newer.
    Postgres,
}

/// Longer lists are one variable on SQLite, which allows 32,766 in a statement. Shorter ones are planned better.
const LONGEST_LIST: usize = 256;

/// A bound value. Lists are bound as one array on PostgreSQL only.
#[derive(Debug, Clone)]
pub(super) enum Arg {
    Int(i64),
    OptInt(Option<i64>),
    Float(f64),
    OptFloat(Option<f64>),
    Bool(bool),
    Text(String),
    OptText(Option<String>),
    Bytes(Vec<u8>),
    Ints(Vec<i64>),
    OptInts(Vec<Option<i64>>),
    Floats(Vec<f64>),
    OptFloats(Vec<Option<f64>>),
    Bools(Vec<bool>),
    Texts(Vec<String>),
    OptTexts(Vec<Option<String>>),
    Blobs(Vec<Vec<u8>>),
}

macro_rules! arg_from {
    ($($variant:ident: $type:ty),* $(,)?) => {
        $(impl From<$type> for Arg {
            fn from(value: $type) -> Self {
                Arg::$variant(value)
            }
        })*
    };
}
arg_from!(
    Int: i64, OptInt: Option<i64>, Float: f64, OptFloat: Option<f64>, Bool: bool, Text: String,
    OptText: Option<String>, Bytes: Vec<u8>,
);

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Arg::Text(value.to_owned())
    }
}

/// A statement under construction.
#[derive(Debug, Default, Clone)]
pub(super) struct Sql {
    text: String,
    args: Vec<Arg>,
    /// Whether the text may name a placeholder twice or out of order.
    numbered: bool,
}

/// A statement whose text names its placeholders itself; add their values in order with [`Sql::arg`].
pub(super) fn sql(text: &'static str) -> Sql {
    Sql { text: text.to_owned(), args: Vec::new(), numbered: false }
}

/// Begins a statement that answers all its rows, of these columns, as one text for [`Tx::unpack`](super::db::Tx::unpack).
/// Through sqlx a row of a dozen columns costs three microseconds, and this a third of it. A flag must be a number: the
/// databases write it differently.
pub(super) fn packed(dialect: Dialect, columns: &'static str) -> Sql {
    let (begin, end) = match dialect {
        Dialect::Sqlite => ("SELECT json_group_array(json_array(", "))"),
        Dialect::Postgres => ("SELECT coalesce(json_agg(json_build_array(", ")), '[]')::text"),
    };
    let mut statement = sql(begin);
    statement.push(columns).push(end);
    statement
}

impl Sql {
    /// Appends a literal.
    pub fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends a number, as part of a name such as `o3`.
    pub fn number(&mut self, number: usize) -> &mut Self {
        write!(self.text, "{number}").expect("writing to a String cannot fail");
        self
    }

    /// Whether nothing was appended yet.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Appends the next placeholder and its value.
    pub fn bind(&mut self, value: impl Into<Arg>) -> &mut Self {
        self.args.push(value.into());
        write!(self.text, "${}", self.args.len()).expect("writing to a String cannot fail");
        self
    }

    /// Adds the value of the next placeholder that the text already has.
    pub fn arg(mut self, value: impl Into<Arg>) -> Self {
        self.args.push(value.into());
        self.numbered = true;
        self
    }

    /// Appends ` IN (…)`, or ` = ANY($n)` on PostgreSQL. The list is padded to a power of two with its last value, so
    /// that few texts are prepared; a long one is one JSON text on SQLite. An empty list matches nothing.
    pub fn bind_ints(&mut self, dialect: Dialect, values: &[i64]) -> &mut Self {
        match dialect {
            Dialect::Postgres => self.push(" = ANY(").bind_list(Arg::Ints(values.to_vec())),
            Dialect::Sqlite if values.len() > LONGEST_LIST => self.bind_json(serde_json::json!(values)),
            Dialect::Sqlite => self.push(" IN (").bind_padded(values.iter().map(|value| Arg::Int(*value)).collect()),
        }
    }

    /// As [`bind_ints`](Self::bind_ints), for texts.
    pub fn bind_texts(&mut self, dialect: Dialect, values: &[&str]) -> &mut Self {
        match dialect {
            Dialect::Postgres => {
                self.push(" = ANY(").bind_list(Arg::Texts(values.iter().map(|value| (*value).to_owned()).collect()))
            }
            Dialect::Sqlite if values.len() > LONGEST_LIST => self.bind_json(serde_json::json!(values)),
            Dialect::Sqlite => self.push(" IN (").bind_padded(values.iter().map(|value| Arg::from(*value)).collect()),
        }
    }

    /// Appends rows of two integers, as the body of a common table expression; at most 8,192, for SQLite's limit of
    /// variables. (`(a, b) IN (VALUES …)` would read well, but SQLite scans the table for it.)
    pub fn bind_pairs(&mut self, dialect: Dialect, pairs: &[(i64, i64)]) -> &mut Self {
        match dialect {
            Dialect::Postgres => {
                let (left, right) = pairs.iter().copied().unzip();
                self.push("SELECT * FROM UNNEST(").bind(Arg::Ints(left)).push("::bigint[], ");
                self.bind(Arg::Ints(right)).push("::bigint[])")
            }
            Dialect::Sqlite => {
                self.push("VALUES ");
                let padding = pairs.last().into_iter().cycle().take(pairs.len().next_power_of_two() - pairs.len());
                for (position, (left, right)) in pairs.iter().chain(padding).enumerate() {
                    self.push(if position == 0 { "(" } else { ",(" });
                    self.bind(*left).push(",").bind(*right).push(")");
                }
                self
            }
        }
    }

    /// Appends a condition: the text in `column` begins with `start`, letter by letter.
    pub fn begins(&mut self, column: &'static str, start: &str) -> &mut Self {
        let length = start.chars().count() as i64;
        self.push("substr(").push(column).push(", 1, CAST(").bind(length).push(" AS INTEGER)) = ").bind(start)
    }

    /// Appends a condition: the text in `column` has `part` in it, in any case of ASCII letters. No character is a
    /// wildcard, so that it is not LIKE: taking out what is there changes the text, on both databases alike.
    pub fn contains(&mut self, column: &'static str, part: &str) -> &mut Self {
        if part.is_empty() {
            return self.push(column).push(" IS NOT NULL");
        }
        self.push("replace(lower(").push(column).push("), ").bind(part.to_ascii_lowercase());
        self.push(", '') <> lower(").push(column).push(")")
    }

    fn bind_list(&mut self, list: Arg) -> &mut Self {
        self.args.push(list);
        write!(self.text, "${})", self.args.len()).expect("writing to a String cannot fail");
        self
    }

    fn bind_json(&mut self, list: serde_json::Value) -> &mut Self {
        self.push(" IN (SELECT value FROM json_each(").bind(list.to_string()).push("))")
    }

    fn bind_padded(&mut self, values: Vec<Arg>) -> &mut Self {
        let padded = if values.is_empty() { 0 } else { values.len().next_power_of_two() };
        let last = values.last().cloned();
        let padding = last.into_iter().cycle().take(padded - values.len());
        for (position, value) in values.into_iter().chain(padding).enumerate() {
            if position > 0 {
                self.push(",");
            }
            self.bind(value);
        }
        self.push(")")
    }

    /// Appends ` AND …` so that only rows of experiments which `caller` may see remain; `column` is the experiment's
    /// id in this statement. Every read goes through here, so that accounts change no query.
    pub fn visible_to(&mut self, caller: &Caller, column: &'static str) -> &mut Self {
        self.push(" AND ").push(column);
        match caller.reach(Role::Reader) {
            // The condition only proves that the column exists.
            Reach::Everywhere => self.push(" IS NOT NULL"),
            Reach::Nowhere => self.push(" IS NULL"),
            Reach::One(only) => self.push(" = ").bind(only),
            Reach::Granted { principals, only } => {
                match only {
                    Some(only) => self.push(" = ").bind(only),
                    None => self.push(" IS NOT NULL"),
                };
                // Looked up for each row, and not joined, of which the offset keeps PostgreSQL: whoever has roles in
                // thousands of namespaces asks about few.
                self.push(" AND EXISTS (SELECT 1 FROM namespace_role granted WHERE granted.namespace_id = ");
                self.push(column).push(" AND granted.principal_id IN (");
                self.bind_padded(principals.iter().map(|id| Arg::Int(*id)).collect()).push(" LIMIT 1 OFFSET 0)")
            }
        }
    }

    pub(super) fn into_sqlite(self) -> (AssertSqlSafe<String>, SqliteArguments) {
        let mut arguments = SqliteArguments::default();
        for value in self.args {
            bind_sqlite(&mut arguments, value);
        }
        let text = if self.numbered { self.text } else { without_numbers(&self.text) };
        (AssertSqlSafe(text), arguments)
    }

    pub(super) fn into_postgres(self) -> (AssertSqlSafe<String>, PgArguments) {
        let mut arguments = PgArguments::default();
        for value in self.args {
            bind_postgres(&mut arguments, value);
        }
        (AssertSqlSafe(self.text), arguments)
    }
}

/// The text with `?` for each `$n`. SQLite looks the name of a placeholder up in a list, and sqlx asks for the name of
/// each: with numbers, binding a thousand values would take half a million steps.
fn without_numbers(text: &str) -> String {
    let mut parts = text.split('$');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push('?');
        plain.push_str(part.trim_start_matches(|character: char| character.is_ascii_digit()));
    }
    plain
}

/// The columns of many rows, for [`insert_rows`].
#[derive(Debug, Default)]
pub(super) struct Columns(pub Vec<Column>);

/// One column of many rows.
#[derive(Debug)]
pub(super) enum Column {
    Int(Vec<i64>),
    OptInt(Vec<Option<i64>>),
    Float(Vec<f64>),
    OptFloat(Vec<Option<f64>>),
    Bool(Vec<bool>),
    Text(Vec<String>),
    OptText(Vec<Option<String>>),
    Bytes(Vec<Vec<u8>>),
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Column::Int(values) => values.len(),
            Column::OptInt(values) => values.len(),
            Column::Float(values) => values.len(),
            Column::OptFloat(values) => values.len(),
            Column::Bool(values) => values.len(),
            Column::Text(values) => values.len(),
            Column::OptText(values) => values.len(),
            Column::Bytes(values) => values.len(),
        }
    }

    fn array(self) -> (Arg, &'static str) {
        match self {
            Column::Int(values) => (Arg::Ints(values), "bigint[]"),
            Column::OptInt(values) => (Arg::OptInts(values), "bigint[]"),
            Column::Float(values) => (Arg::Floats(values), "double precision[]"),
            Column::OptFloat(values) => (Arg::OptFloats(values), "double precision[]"),
            Column::Bool(values) => (Arg::Bools(values), "boolean[]"),
            Column::Text(values) => (Arg::Texts(values), "text[]"),
            Column::OptText(values) => (Arg::OptTexts(values), "text[]"),
            Column::Bytes(values) => (Arg::Blobs(values), "bytea[]"),
        }
    }

    fn take(&mut self, row: usize) -> Arg {
        match self {
            Column::Int(values) => Arg::Int(values[row]),
            Column::OptInt(values) => Arg::OptInt(values[row]),
            Column::Float(values) => Arg::Float(values[row]),
            Column::OptFloat(values) => Arg::OptFloat(values[row]),
            Column::Bool(values) => Arg::Bool(values[row]),
            Column::Text(values) => Arg::Text(std::mem::take(&mut values[row])),
            Column::OptText(values) => Arg::OptText(values[row].take()),
            Column::Bytes(values) => Arg::Bytes(std::mem::take(&mut values[row])),
        }
    }
}

impl Columns {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.0.first().map_or(0, Column::len)
    }

    /// The rows from `start` on, `count` of them, as `VALUES` with a placeholder for each value.
    fn values(&mut self, start: usize, count: usize) -> Vec<Arg> {
        let mut values = Vec::with_capacity(count * self.0.len());
        for row in start..start + count {
            values.extend(self.0.iter_mut().map(|column| column.take(row)));
        }
        values
    }
}

/// Statements that insert all `rows`: `head VALUES (…), … tail` in sizes of powers of two up to 512 on SQLite, so that
/// few texts stay prepared whatever the number of rows; one `head SELECT * FROM UNNEST(…) tail` on PostgreSQL.
pub(super) fn insert_rows(dialect: Dialect, head: &'static str, mut rows: Columns, tail: &'static str) -> Vec<Insert> {
    const LARGEST: usize = 512;
    let total = rows.rows();
    if total == 0 {
        return Vec::new();
    }
    if dialect == Dialect::Postgres {
        let mut statement = sql(head);
        statement.push(" SELECT * FROM UNNEST(");
        for (position, column) in rows.0.into_iter().enumerate() {
            if position > 0 {
                statement.push(", ");
            }
            let (list, cast) = column.array();
            statement.bind(list);
            statement.push("::").push(cast);
        }
        statement.push(") ").push(tail);
        return vec![Insert { text: statement.text.into(), args: statement.args }];
    }
    let mut statements = Vec::new();
    let mut start = 0;
    while start < total {
        let left = total - start;
        let count = if left >= LARGEST { LARGEST } else { 1 << left.ilog2() };
        statements.push(Insert { text: values_text(head, rows.0.len(), count, tail), args: rows.values(start, count) });
        start += count;
    }
    statements
}

/// A finished insert of many rows.
pub(super) struct Insert {
    text: Arc<str>,
    args: Vec<Arg>,
}

impl Insert {
    pub(super) fn into_sqlite(self) -> (AssertSqlSafe<Arc<str>>, SqliteArguments) {
        let mut arguments = SqliteArguments::default();
        for value in self.args {
            bind_sqlite(&mut arguments, value);
        }
        (AssertSqlSafe(self.text), arguments)
    }

    pub(super) fn into_postgres(self) -> (AssertSqlSafe<Arc<str>>, PgArguments) {
        let mut arguments = PgArguments::default();
        for value in self.args {
            bind_postgres(&mut arguments, value);
        }
        (AssertSqlSafe(self.text), arguments)
    }
}

/// A text of 512 rows has tens of kilobytes: each is made once and kept, about ten a table. Its placeholders have no
/// numbers, see [`without_numbers`].
fn values_text(head: &'static str, columns: usize, rows: usize, tail: &'static str) -> Arc<str> {
    type Texts = HashMap<(&'static str, &'static str, usize), Arc<str>>;
    static TEXTS: LazyLock<Mutex<Texts>> = LazyLock::new(Mutex::default);
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    let make = || {
        let mut text = format!("{head} VALUES ");
        for row in 0..rows {
            text.push_str(if row == 0 { "(" } else { ",(" });
            for column in 0..columns {
                text.push_str(if column == 0 { "?" } else { ",?" });
            }
            text.push(')');
        }
        text.push(' ');
        text.push_str(tail);
        text.into()
    };
    texts.entry((head, tail, rows)).or_insert_with(make).clone()
}

// `add` fails only where a value cannot be encoded at all, as a text of more than 2 GiB; bodies are far smaller.
const ENCODES: &str = "plain values always encode";

fn bind_sqlite(arguments: &mut SqliteArguments, value: Arg) {
    use sqlx::Arguments as _;
    let added = match value {
        Arg::Int(value) => arguments.add(value),
        Arg::OptInt(value) => arguments.add(value),
        Arg::Float(value) => arguments.add(value),
        Arg::OptFloat(value) => arguments.add(value),
        Arg::Bool(value) => arguments.add(value),
        Arg::Text(value) => arguments.add(value),
        Arg::OptText(value) => arguments.add(value),
        Arg::Bytes(value) => arguments.add(value),
        Arg::Ints(_)
        | Arg::OptInts(_)
        | Arg::Floats(_)
        | Arg::OptFloats(_)
        | Arg::Bools(_)
        | Arg::Texts(_)
        | Arg::OptTexts(_)
        | Arg::Blobs(_) => unreachable!("arrays are bound on PostgreSQL only"),
    };
    added.expect(ENCODES);
}

fn bind_postgres(arguments: &mut PgArguments, value: Arg) {
    use sqlx::Arguments as _;
    let added = match value {
        Arg::Int(value) => arguments.add(value),
        Arg::OptInt(value) => arguments.add(value),
        Arg::Float(value) => arguments.add(value),
        Arg::OptFloat(value) => arguments.add(value),
        Arg::Bool(value) => arguments.add(value),
        Arg::Text(value) => arguments.add(value),
        Arg::OptText(value) => arguments.add(value),
        Arg::Bytes(value) => arguments.add(value),
        Arg::Ints(values) => arguments.add(values),
        Arg::OptInts(values) => arguments.add(values),
        Arg::Floats(values) => arguments.add(values),
        Arg::OptFloats(values) => arguments.add(values),
        Arg::Bools(values) => arguments.add(values),
        Arg::Texts(values) => arguments.add(values),
        Arg::OptTexts(values) => arguments.add(values),
        Arg::Blobs(values) => arguments.add(values),
    };
    added.expect(ENCODES);
}

/// A row that decodes from both databases.
pub(super) trait Row:
    for<'r> sqlx::FromRow<'r, <Sqlite as sqlx::Database>::Row>
    + for<'r> sqlx::FromRow<'r, <Postgres as sqlx::Database>::Row>
    + Send
    + Unpin
{
}

impl<T> Row for T where
    T: for<'r> sqlx::FromRow<'r, <Sqlite as sqlx::Database>::Row>
        + for<'r> sqlx::FromRow<'r, <Postgres as sqlx::Database>::Row>
        + Send
        + Unpin
{
}
