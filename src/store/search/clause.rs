//! Comparisons as SQL: as a condition on a run, and as the entries of an index that match.

use std::collections::{HashMap, HashSet};

use super::order::Texts;
use crate::model::RunStatus;
use crate::search::{
    Comparator, Comparison, DatasetAttribute, RunAttribute, RunField, Value, like_matches, like_to_glob,
};
use crate::store::sql::{Dialect, Sql};
use crate::store::texts;
use crate::store::writer::RUN_NAME_TAG;

/// What comparisons are compiled for.
pub(super) struct Scope<'a> {
    pub dialect: Dialect,
    /// The experiments that are searched.
    pub experiments: &'a [i64],
    /// The ids of the names that comparisons and orders use, where there are any.
    pub ids: &'a HashMap<String, i64>,
    /// The params and tags of which some values have a tail, among those that it matters for.
    pub long: HashSet<(Texts, i64)>,
}

/// Where a condition finds the run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject {
    /// In its row, `r`.
    Run,
    /// In the index entry of this name, which leads to the row: a run that fails is never read.
    Entry(&'static str),
}

impl Subject {
    fn push_id(self, statement: &mut Sql) {
        match self {
            Subject::Run => statement.push("r.id"),
            Subject::Entry(alias) => statement.push(alias).push(".run_id"),
        };
    }

    fn push_column(self, statement: &mut Sql, column: &'static str) {
        let alias = match self {
            Subject::Run => "r",
            Subject::Entry(alias) => alias,
        };
        statement.push(alias).push(column);
    }
}

/// Where the value of a comparison is looked up.
enum Place {
    Metric(Option<i64>),
    Text(Texts, Option<i64>),
    Attribute(RunAttribute),
    Dataset(DatasetAttribute),
}

/// The value of a param or a tag `s`.
const VALUE: &str = "(s.head || coalesce(s.tail, ''))";

impl Scope<'_> {
    fn place(&self, field: &RunField) -> Place {
        let id = |key: &str| self.ids.get(key).copied();
        match field {
            RunField::Metric(key) => Place::Metric(id(key)),
            RunField::Param(key) => Place::Text(Texts::Params, id(key)),
            RunField::Tag(key) => Place::Text(Texts::Tags, id(key)),
            // The name is compared as the tag that it is coupled to (contract section 6.1).
            RunField::Attribute(RunAttribute::RunName) => Place::Text(Texts::Tags, id(RUN_NAME_TAG)),
            RunField::Attribute(attribute) => Place::Attribute(*attribute),
            RunField::Dataset(attribute) => Place::Dataset(*attribute),
        }
    }

    /// ` AND …`: what a run `r`, found by `subject`, must fulfil.
    pub fn push_condition(&self, statement: &mut Sql, subject: Subject, clause: &Comparison<RunField>) {
        let is_null = clause.comparator == Comparator::IsNull;
        match self.place(&clause.field) {
            // What nobody ever logged matches nothing, and is absent everywhere.
            Place::Metric(None) | Place::Text(_, None) => {
                statement.push(if is_null { "" } else { " AND 1 = 0" });
            }
            Place::Metric(Some(key_id)) => {
                statement.push(" AND EXISTS (SELECT 1 FROM metric_series s WHERE s.run_id = ");
                subject.push_id(statement);
                statement.push(" AND s.key_id = ").bind(key_id);
                push_number(statement, "s", clause);
                // The limit keeps PostgreSQL from joining every clause, which its planner does not survive.
                statement.push(" LIMIT 1 OFFSET 0)");
            }
            Place::Text(texts, Some(key_id)) => {
                statement.push(if is_null { " AND NOT EXISTS (SELECT 1 FROM " } else { " AND EXISTS (SELECT 1 FROM " });
                statement.push(texts.table()).push(" s");
                self.push_text(statement, subject, texts, key_id, clause);
                statement.push(" LIMIT 1 OFFSET 0)");
            }
            Place::Attribute(attribute) => {
                statement.push(" AND ");
                self.push_attribute(statement, attribute, clause);
            }
            Place::Dataset(attribute) => {
                statement.push(
                    " AND EXISTS (SELECT 1 FROM dataset_input i JOIN dataset d ON d.id = i.dataset_id \
                     WHERE i.run_id = ",
                );
                subject.push_id(statement);
                statement.push(" AND ");
                push_comparison(statement, self.dialect, dataset_column(attribute), clause);
                statement.push(" LIMIT 1 OFFSET 0)");
            }
        }
    }

    /// ` WHERE …` on the param or tag `s` of one run. An equal value has a place in the index, and the places of all
    /// runs with that value lie side by side, while the rows of the runs lie far apart.
    fn push_text(
        &self,
        statement: &mut Sql,
        subject: Subject,
        texts: Texts,
        key_id: i64,
        clause: &Comparison<RunField>,
    ) {
        if let (Comparator::Eq, Value::Text(value)) = (clause.comparator, &clause.value) {
            if self.dialect == Dialect::Sqlite {
                statement.push(" INDEXED BY ").push(texts.index());
            }
            statement.push(" WHERE s.experiment_id = ");
            subject.push_column(statement, ".experiment_id");
            statement.push(" AND s.key_id = ").bind(key_id);
            push_equal(statement, "s", value);
            statement.push(" AND s.start_ms = ");
            subject.push_column(statement, ".start_ms");
            statement.push(" AND s.run_id = ");
            subject.push_id(statement);
            return;
        }
        statement.push(" WHERE s.run_id = ");
        subject.push_id(statement);
        statement.push(" AND s.key_id = ").bind(key_id);
        if clause.value != Value::None {
            statement.push(" AND ");
            push_comparison(statement, self.dialect, VALUE, clause);
        }
    }

    fn push_attribute(&self, statement: &mut Sql, attribute: RunAttribute, clause: &Comparison<RunField>) {
        match attribute {
            RunAttribute::StartTime => push_time(statement, "r.start_ms", clause),
            RunAttribute::EndTime => push_time(statement, "r.end_ms", clause),
            RunAttribute::Status => {
                let matching: Vec<i64> = RunStatus::ALL
                    .into_iter()
                    .filter(|status| matches(clause, status.as_str()))
                    .map(|status| status as i64)
                    .collect();
                statement.push("r.status").bind_ints(self.dialect, &matching);
            }
            RunAttribute::UserId => push_comparison(statement, self.dialect, "r.user_id", clause),
            RunAttribute::ArtifactUri => push_comparison(statement, self.dialect, "r.artifact_uri", clause),
            RunAttribute::RunId | RunAttribute::RunName => {
                push_comparison(statement, self.dialect, "r.public_id", clause);
            }
        }
    }

    /// Whether an index knows the runs that match.
    pub fn has_index(&self, clause: &Comparison<RunField>) -> bool {
        match self.place(&clause.field) {
            Place::Metric(Some(_)) => clause.comparator != Comparator::NotEq,
            Place::Text(_, Some(_)) => {
                matches!(clause.comparator, Comparator::Eq | Comparator::Like | Comparator::ILike)
            }
            Place::Attribute(RunAttribute::RunId) | Place::Dataset(_) => {
                matches!(clause.comparator, Comparator::Eq | Comparator::In)
            }
            Place::Attribute(RunAttribute::StartTime) => clause.comparator != Comparator::NotEq,
            Place::Metric(None) | Place::Text(_, None) | Place::Attribute(_) => false,
        }
    }

    /// The param or tag that a pattern is compared with, if it is one.
    pub fn pattern_text(&self, clause: &Comparison<RunField>) -> Option<(Texts, i64)> {
        match self.place(&clause.field) {
            Place::Text(texts, Some(key_id)) if matches!(clause.comparator, Comparator::Like | Comparator::ILike) => {
                Some((texts, key_id))
            }
            _ => None,
        }
    }

    /// The table whose entries, each of another run, match a comparison that has an index: where there is none, they
    /// are listed by [`push_list`](Self::push_list).
    pub fn entries(&self, clause: &Comparison<RunField>) -> Option<&'static str> {
        match self.place(&clause.field) {
            Place::Metric(_) => Some("metric_series"),
            Place::Text(texts, _) => Some(texts.table()),
            Place::Attribute(_) | Place::Dataset(_) => None,
        }
    }

    /// What the entries `e` of a comparison fulfil.
    pub fn push_entry(&self, statement: &mut Sql, clause: &Comparison<RunField>) {
        statement.push("e.experiment_id").bind_ints(self.dialect, self.experiments).push(" AND e.key_id = ");
        match (self.place(&clause.field), &clause.value) {
            (Place::Metric(key_id), _) => {
                statement.bind(key_id.unwrap_or(0));
                push_number(statement, "e", clause);
            }
            (Place::Text(texts, key_id), Value::Text(value)) => {
                let key_id = key_id.unwrap_or(0);
                statement.bind(key_id);
                if clause.comparator == Comparator::Eq {
                    push_equal(statement, "e", value);
                    return;
                }
                if clause.comparator == Comparator::Like {
                    push_prefix(statement, value);
                }
                statement.push(" AND ");
                // Where no value has a tail, the index alone answers.
                let is_long = self.long.contains(&(texts, key_id));
                let value = if is_long { "(e.head || coalesce(e.tail, ''))" } else { "e.head" };
                push_comparison(statement, self.dialect, value, clause);
            }
            _ => {
                statement.bind(0);
            }
        }
    }

    /// `SELECT …` of the internal ids of the runs that match, some perhaps twice.
    pub fn push_list(&self, statement: &mut Sql, clause: &Comparison<RunField>) {
        if let Some(table) = self.entries(clause) {
            statement.push("SELECT e.run_id FROM ").push(table).push(" e WHERE ");
            self.push_entry(statement, clause);
        } else if let Place::Dataset(attribute) = self.place(&clause.field) {
            statement.push(
                "SELECT i.run_id FROM dataset d JOIN dataset_input i ON i.dataset_id = d.id WHERE d.experiment_id",
            );
            statement.bind_ints(self.dialect, self.experiments).push(" AND ");
            push_comparison(statement, self.dialect, dataset_column(attribute), clause);
        } else if let Place::Attribute(attribute) = self.place(&clause.field) {
            // SQLite would rather read all runs of the experiment than look each id up.
            let is_id = attribute == RunAttribute::RunId;
            statement.push("SELECT r.id FROM run r WHERE ").push(if is_id { "+" } else { "" }).push("r.experiment_id");
            statement.bind_ints(self.dialect, self.experiments).push(" AND ");
            self.push_attribute(statement, attribute, clause);
        }
    }
}

/// ` AND …` for the heads that can be like `pattern`, by what stands before its first wildcard.
fn push_prefix(statement: &mut Sql, pattern: &str) {
    let prefix = pattern.split(['%', '_']).next().unwrap_or_default();
    let (head, _) = texts::split(prefix);
    // What begins with a text lies between it and the same with a last character that is one greater.
    let Some(last) = head.chars().next_back() else { return };
    let Some(next) = (last..=char::MAX).nth(1) else { return };
    let mut beyond = head[..head.len() - last.len_utf8()].to_owned();
    beyond.push(next);
    statement.push(" AND e.head >= ").bind(head).push(" AND e.head < ").bind(beyond);
}

/// ` AND …` for a param or tag that is `value`.
fn push_equal(statement: &mut Sql, alias: &'static str, value: &str) {
    let (head, tail) = texts::split(value);
    statement.push(" AND ").push(alias).push(".head = ").bind(head);
    match tail {
        Some(tail) => statement.push(" AND ").push(alias).push(".tail = ").bind(tail),
        // Only a full head can have a tail, and only the row knows it.
        None if texts::is_full(head) => statement.push(" AND ").push(alias).push(".tail IS NULL"),
        None => statement,
    };
}

/// ` AND …` on the value of a row of `metric_series`. NaN matches nothing but `!=`.
pub(in crate::store) fn push_number<F>(statement: &mut Sql, alias: &'static str, clause: &Comparison<F>) {
    let Value::Number(number) = clause.value else { return };
    if clause.comparator == Comparator::NotEq {
        statement.push(" AND (").push(alias).push(".is_nan OR ").push(alias).push(".value <> ").bind(number).push(")");
        return;
    }
    // "= FALSE" and not "NOT", so that the index is entered by it.
    statement.push(" AND ").push(alias).push(".is_nan = FALSE AND ").push(alias).push(".value ");
    statement.push(clause.comparator.sql()).push(" ").bind(number);
}

/// A time compared with any number, by whole milliseconds: `> 1.5` is `> 1`, `< 1.5` is `< 2`.
pub(in crate::store) fn push_time<F>(statement: &mut Sql, column: &'static str, clause: &Comparison<F>) {
    let number = match clause.value {
        Value::Integer(number) => {
            statement.push(column).push(" ").push(clause.comparator.sql()).push(" ").bind(number);
            return;
        }
        Value::Number(number) => number,
        _ => f64::NAN,
    };
    // Rounded towards the side on which nothing changes.
    let whole = match clause.comparator {
        Comparator::Gt | Comparator::Le => number.floor(),
        _ => number.ceil(),
    };
    match clause.comparator {
        Comparator::Eq if number.fract() != 0.0 => statement.push("1 = 0"),
        Comparator::NotEq if number.fract() != 0.0 => statement.push(column).push(" IS NOT NULL"),
        comparator => statement.push(column).push(" ").push(comparator.sql()).push(" ").bind(whole as i64),
    };
}

/// Whether a text comparison holds for `text`.
fn matches(clause: &Comparison<RunField>, text: &str) -> bool {
    match (&clause.value, clause.comparator) {
        (Value::Text(value), Comparator::Eq) => value == text,
        (Value::Text(value), Comparator::NotEq) => value != text,
        (Value::Text(pattern), Comparator::Like) => like_matches(pattern, text, false),
        (Value::Text(pattern), Comparator::ILike) => like_matches(pattern, text, true),
        _ => false,
    }
}

fn dataset_column(attribute: DatasetAttribute) -> &'static str {
    match attribute {
        DatasetAttribute::Name => "d.name",
        DatasetAttribute::Digest => "d.digest",
        DatasetAttribute::Context => "i.context",
    }
}

/// `column comparator value`. A column that is NULL matches nothing.
pub(in crate::store) fn push_comparison<F>(
    statement: &mut Sql,
    dialect: Dialect,
    column: &'static str,
    clause: &Comparison<F>,
) {
    match (&clause.value, clause.comparator) {
        // SQLite's LIKE ignores the case of ASCII letters, which is ILIKE; its GLOB does not. PostgreSQL folds by the
        // column's collation, "C", and so ASCII letters only, as well.
        (Value::Text(pattern), Comparator::Like) => match dialect {
            Dialect::Sqlite => statement.push(column).push(" GLOB ").bind(like_to_glob(pattern)),
            Dialect::Postgres => statement.push(column).push(" LIKE ").bind(pattern.as_str()).push(" ESCAPE ''"),
        },
        (Value::Text(pattern), Comparator::ILike) => match dialect {
            Dialect::Sqlite => statement.push(column).push(" LIKE ").bind(pattern.as_str()),
            Dialect::Postgres => {
                statement.push("lower(").push(column).push(") LIKE ").bind(pattern.to_ascii_lowercase());
                statement.push(" ESCAPE ''")
            }
        },
        (Value::Text(text), comparator) => {
            statement.push(column).push(" ").push(comparator.sql()).push(" ").bind(text.as_str())
        }
        (Value::Integer(number) | Value::Id(number), comparator) => {
            statement.push(column).push(" ").push(comparator.sql()).push(" ").bind(*number)
        }
        (Value::Number(number), comparator) => {
            statement.push(column).push(" ").push(comparator.sql()).push(" ").bind(*number)
        }
        (Value::List(texts), comparator) => {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            push_negation(statement, comparator).push(column).bind_texts(dialect, &texts)
        }
        (Value::Ids(ids), comparator) => push_negation(statement, comparator).push(column).bind_ints(dialect, ids),
        (Value::None, Comparator::IsNull) => statement.push(column).push(" IS NULL"),
        (Value::None, _) => statement.push(column).push(" IS NOT NULL"),
    };
}

fn push_negation(statement: &mut Sql, comparator: Comparator) -> &mut Sql {
    statement.push(if comparator == Comparator::NotIn { "NOT " } else { "" })
}
