//! Filters and orders of experiments as SQL; pages by key, never by offset.

use super::clause::push_comparison;
use super::{FieldValue, push_view};
use crate::error::{Error, Result};
use crate::model::{Caller, Experiment, Reach, Role, ViewType};
use crate::search::{Comparator, Comparison, ExperimentAttribute, ExperimentField, Filter, OrderKey, Value};
use crate::store::Store;
use crate::store::db::Tx;
use crate::store::experiments::{EXPERIMENT_COLUMNS, ExperimentRow, with_tags};
use crate::store::sql::{Dialect, Sql, sql};

/// Which experiments to list, and where to go on.
#[derive(Debug, Clone)]
pub struct ExperimentSearch {
    /// Which lifecycle stages.
    pub view: ViewType,
    /// What must hold.
    pub filter: Filter<ExperimentField>,
    /// The order; the default is the time of creation, newest first, then the id.
    pub order: Vec<OrderKey<ExperimentField>>,
    /// The last experiment of the page before, by the keys of the order and its id.
    pub after: Option<Vec<FieldValue>>,
    /// At most this many.
    pub limit: usize,
}

/// A page of experiments.
#[derive(Debug)]
pub struct ExperimentPage {
    /// The experiments.
    pub experiments: Vec<Experiment>,
    /// The place of the last one, if there are more after it.
    pub next: Option<Vec<FieldValue>>,
}

impl Store {
    /// Experiments that match, in order.
    pub async fn search_experiments(&self, caller: &Caller, search: ExperimentSearch) -> Result<ExperimentPage> {
        let keys = experiment_order(&search.order);
        let dialect = self.db().dialect();
        let mut tx = self.db().read().await?;
        let mut statement = sql("SELECT ");
        statement.push(EXPERIMENT_COLUMNS).push(" FROM experiment WHERE id IS NOT NULL").visible_to(caller, "id");
        push_few_roles(&mut tx, &mut statement, caller).await?;
        push_view(&mut statement, "deleted_ms", search.view);
        for clause in &search.filter.clauses {
            push_experiment_clause(&mut statement, dialect, clause);
        }
        if let Some(after) = &search.after {
            push_after(&mut statement, &keys, after)?;
        }
        for (position, (attribute, ascending)) in keys.iter().enumerate() {
            statement.push(if position == 0 { " ORDER BY " } else { ", " });
            statement.push(experiment_column(*attribute)).push(if *ascending { "" } else { " DESC" });
        }
        statement.push(" LIMIT ").bind(search.limit as i64 + 1);
        let mut rows: Vec<ExperimentRow> = tx.all(statement).await?;
        let more = rows.len() > search.limit;
        rows.truncate(search.limit);
        let next = rows.last().filter(|_| more).map(|row| keys.iter().map(|(key, _)| value_of(row, *key)).collect());
        Ok(ExperimentPage { experiments: with_tags(&mut tx, rows).await?, next })
    }
}

/// Says where to begin for a caller who has roles in few namespaces: with these. Whoever has many finds a page of them soon
/// in the order of the page.
async fn push_few_roles(tx: &mut Tx, statement: &mut Sql, caller: &Caller) -> Result<()> {
    const FEW: i64 = 500;
    let Reach::Granted { principals, .. } = caller.reach(Role::Reader) else { return Ok(()) };
    let mut count = sql("SELECT count(*) FROM (SELECT 1 FROM namespace_role WHERE principal_id");
    count.bind_ints(tx.dialect(), principals).push(" LIMIT ").bind(FEW + 1).push(") c");
    if tx.optional::<(i64,)>(count).await?.is_some_and(|(roles,)| roles <= FEW) {
        statement.push(" AND id IN (SELECT namespace_id FROM namespace_role WHERE principal_id");
        statement.bind_ints(tx.dialect(), principals).push(")");
    }
    Ok(())
}

fn push_experiment_clause(statement: &mut Sql, dialect: Dialect, clause: &Comparison<ExperimentField>) {
    match &clause.field {
        ExperimentField::Attribute(attribute) => {
            statement.push(" AND ");
            push_comparison(statement, dialect, experiment_column(*attribute), clause);
        }
        ExperimentField::Tag(key) => {
            let absent = clause.comparator == Comparator::IsNull;
            statement.push(if absent { " AND NOT EXISTS" } else { " AND EXISTS" });
            statement.push(" (SELECT 1 FROM experiment_tag t WHERE t.experiment_id = experiment.id AND t.key = ");
            statement.bind(key.as_str());
            if !matches!(clause.value, Value::None) {
                statement.push(" AND ");
                push_comparison(statement, dialect, "t.value", clause);
            }
            // The limit keeps PostgreSQL from joining every clause, which its planner does not survive.
            statement.push(" LIMIT 1 OFFSET 0)");
        }
    }
}

fn experiment_column(attribute: ExperimentAttribute) -> &'static str {
    match attribute {
        ExperimentAttribute::Name => "name",
        ExperimentAttribute::ExperimentId => "id",
        ExperimentAttribute::CreationTime => "created_ms",
        ExperimentAttribute::LastUpdateTime => "updated_ms",
    }
}

fn value_of(row: &ExperimentRow, attribute: ExperimentAttribute) -> FieldValue {
    match attribute {
        ExperimentAttribute::Name => FieldValue::Text(row.name.clone()),
        ExperimentAttribute::ExperimentId => FieldValue::Int(row.id),
        ExperimentAttribute::CreationTime => FieldValue::Int(row.created_ms),
        ExperimentAttribute::LastUpdateTime => FieldValue::Int(row.updated_ms),
    }
}

/// The keys to sort by and whether each ascends, ending in the id, so that the order is total (contract section 6.2:
/// without an order newest first and then the id upwards, behind explicit keys the id downwards).
fn experiment_order(order: &[OrderKey<ExperimentField>]) -> Vec<(ExperimentAttribute, bool)> {
    let mut keys: Vec<(ExperimentAttribute, bool)> = order
        .iter()
        .filter_map(|key| match key.field {
            ExperimentField::Attribute(attribute) => Some((attribute, key.ascending)),
            // The parser refuses to order by tags.
            ExperimentField::Tag(_) => None,
        })
        .collect();
    let explicit = !keys.is_empty();
    if !explicit {
        keys.push((ExperimentAttribute::CreationTime, false));
    }
    if !keys.iter().any(|(attribute, _)| *attribute == ExperimentAttribute::ExperimentId) {
        keys.push((ExperimentAttribute::ExperimentId, !explicit));
    }
    keys
}

/// ` AND (a > x OR (a = x AND (b < y OR (b = y AND …))))`: what comes after a place in an order of mixed directions.
fn push_after(statement: &mut Sql, keys: &[(ExperimentAttribute, bool)], after: &[FieldValue]) -> Result<()> {
    let fits = |((attribute, _), value): (&(ExperimentAttribute, bool), &FieldValue)| match value {
        FieldValue::Text(text) => *attribute == ExperimentAttribute::Name && !text.contains('\0'),
        FieldValue::Int(_) => *attribute != ExperimentAttribute::Name,
        FieldValue::Missing | FieldValue::Nan | FieldValue::Number(_) => false,
    };
    if keys.len() != after.len() || !keys.iter().zip(after).all(fits) {
        return Err(Error::Invalid("Invalid page token: it belongs to a search with another order".to_owned()));
    }
    let mut open = 0;
    for (position, ((attribute, ascending), value)) in keys.iter().zip(after).enumerate() {
        let column = experiment_column(*attribute);
        statement.push(" AND (").push(column).push(if *ascending { " > " } else { " < " });
        push_value(statement, value);
        open += 1;
        if position + 1 < keys.len() {
            statement.push(" OR (").push(column).push(" = ");
            push_value(statement, value);
            open += 1;
        }
    }
    for _ in 0..open {
        statement.push(")");
    }
    Ok(())
}

fn push_value(statement: &mut Sql, value: &FieldValue) {
    match value {
        FieldValue::Int(value) => statement.bind(*value),
        FieldValue::Text(value) => statement.bind(value.as_str()),
        // Experiments have no such values, which the caller has checked.
        FieldValue::Missing | FieldValue::Nan | FieldValue::Number(_) => statement.push("NULL"),
    };
}
