//! Filters and orders of logged models as SQL (contract section 6.3).

use super::{LoggedModel, MODEL_COLUMNS, ModelRow, complete};
use crate::error::{Error, Result};
use crate::model::{Caller, ModelStatus};
use crate::search::{Comparator, Comparison, Filter, ModelAttribute, ModelField, Value};
use crate::store::Store;
use crate::store::search::{push_comparison, push_number, push_time};
use crate::store::sql::{Dialect, Sql, sql};

/// Which logged models to list, and where to go on.
#[derive(Debug, Clone)]
pub struct ModelSearch {
    /// The experiments to look in.
    pub experiment_ids: Vec<i64>,
    /// What must hold.
    pub filter: Filter<ModelField>,
    /// Datasets: only points on one of them count; without a comparison of a metric, a model must have such a point.
    pub datasets: Vec<ModelDataset>,
    /// The order; models that are equal in it come by their creation, newest first, and then by id.
    pub order: Vec<ModelOrder>,
    /// How many models to pass over: MLflow's page tokens say so, too.
    pub offset: i64,
    /// At most this many.
    pub limit: usize,
}

/// A dataset on which a metric was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelDataset {
    /// The name.
    pub name: String,
    /// The digest; any, if absent.
    pub digest: Option<String>,
}

/// One key of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelOrder {
    /// What is ordered by.
    pub field: ModelOrderField,
    /// Whether small values come first. What has no value comes last in either direction.
    pub ascending: bool,
}

/// What logged models can be ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelOrderField {
    /// A property every model has.
    Attribute(ModelAttribute),
    /// The latest value of a metric, on this dataset if one is named.
    Metric(String, Option<ModelDataset>),
}

/// A page of logged models.
#[derive(Debug)]
pub struct ModelPage {
    /// The models.
    pub models: Vec<LoggedModel>,
    /// Whether there are more after them.
    pub more: bool,
}

impl Store {
    /// Logged models that match, in order; deleted ones never do.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a status that there is not.
    pub async fn search_logged_models(&self, caller: &Caller, search: ModelSearch) -> Result<ModelPage> {
        let dialect = self.db().dialect();
        let mut statement = sql("SELECT ");
        statement.push(MODEL_COLUMNS).push(" FROM logged_model m WHERE m.deleted_ms IS NULL AND m.experiment_id");
        statement.bind_ints(dialect, &search.experiment_ids).visible_to(caller, "m.experiment_id");
        for clause in &search.filter.clauses {
            push_clause(&mut statement, dialect, clause, &search.datasets)?;
        }
        let names_metric = |clause: &Comparison<ModelField>| matches!(clause.field, ModelField::Metric(_));
        if !search.datasets.is_empty() && !search.filter.clauses.iter().any(names_metric) {
            statement.push(" AND EXISTS (SELECT 1 FROM model_metric x WHERE x.model_id = m.model_id");
            push_datasets(&mut statement, &search.datasets);
            statement.push(" LIMIT 1 OFFSET 0)");
        }
        push_order(&mut statement, &search);
        statement.push(" LIMIT ").bind(search.limit as i64 + 1).push(" OFFSET ").bind(search.offset);
        let mut tx = self.db().read().await?;
        let mut rows: Vec<ModelRow> = tx.all(statement).await?;
        let more = rows.len() > search.limit;
        rows.truncate(search.limit);
        Ok(ModelPage { models: complete(&mut tx, rows).await?, more })
    }
}

fn push_clause(
    statement: &mut Sql,
    dialect: Dialect,
    clause: &Comparison<ModelField>,
    datasets: &[ModelDataset],
) -> Result<()> {
    // The limits keep PostgreSQL from joining every clause, which its planner does not survive.
    match &clause.field {
        ModelField::Attribute(ModelAttribute::Status) => push_status(statement, dialect, clause)?,
        ModelField::Attribute(attribute @ (ModelAttribute::CreationTime | ModelAttribute::LastUpdatedTime)) => {
            push_time(statement.push(" AND "), column(*attribute), clause);
        }
        ModelField::Attribute(attribute) => {
            push_comparison(statement.push(" AND "), dialect, column(*attribute), clause);
        }
        ModelField::Param(key) => {
            statement
                .push(" AND EXISTS (SELECT 1 FROM logged_model_param p WHERE p.model_id = m.model_id AND p.key = ");
            push_comparison(statement.bind(key.as_str()).push(" AND "), dialect, "p.value", clause);
            statement.push(" LIMIT 1 OFFSET 0)");
        }
        ModelField::Tag(key) => {
            statement.push(" AND EXISTS (SELECT 1 FROM logged_model_tag t WHERE t.model_id = m.model_id AND t.key = ");
            push_comparison(statement.bind(key.as_str()).push(" AND "), dialect, "t.value", clause);
            statement.push(" LIMIT 1 OFFSET 0)");
        }
        ModelField::Metric(key) => {
            statement.push(" AND EXISTS (SELECT 1 FROM (SELECT x.value, x.is_nan");
            push_latest(statement, key, &[datasets]);
            statement.push(") v WHERE v.value IS NOT NULL");
            push_number(statement, "v", clause);
            statement.push(" LIMIT 1 OFFSET 0)");
        }
    }
    Ok(())
}

/// ` FROM …` for the latest point of a metric of the model `m`, on one of each list of datasets that has any.
fn push_latest(statement: &mut Sql, key: &str, datasets: &[&[ModelDataset]]) {
    statement
        .push(" FROM model_metric x WHERE x.model_id = m.model_id AND x.key_id = (SELECT id FROM key WHERE name = ");
    statement.bind(key).push(")");
    datasets.iter().for_each(|datasets| push_datasets(statement, datasets));
    statement.push(" ORDER BY x.step DESC, x.timestamp_ms DESC, x.value DESC, x.is_nan DESC LIMIT 1");
}

fn push_datasets(statement: &mut Sql, datasets: &[ModelDataset]) {
    for (position, dataset) in datasets.iter().enumerate() {
        statement.push(if position == 0 { " AND (" } else { " OR " });
        statement.push("x.dataset_name = ").bind(dataset.name.as_str());
        if let Some(digest) = &dataset.digest {
            statement.push(" AND x.dataset_digest = ").bind(digest.as_str());
        }
    }
    statement.push(if datasets.is_empty() { "" } else { ")" });
}

/// Statuses are words in filters and numbers in rows.
fn push_status(statement: &mut Sql, dialect: Dialect, clause: &Comparison<ModelField>) -> Result<()> {
    let words = match &clause.value {
        Value::Text(word) => std::slice::from_ref(word),
        Value::List(words) => words.as_slice(),
        _ => &[],
    };
    let number = |word: &String| {
        ModelStatus::ALL.into_iter().find(|status| status.word() == word).map(|status| status as i64).ok_or_else(|| {
            Error::Invalid(format!(
                "Unknown model status in filter: '{}'. It must be one of PENDING, READY, FAILED.",
                crate::validate::excerpt(word)
            ))
        })
    };
    let numbers: Vec<i64> = words.iter().map(number).collect::<Result<_>>()?;
    let is_negated = matches!(clause.comparator, Comparator::NotEq | Comparator::NotIn);
    statement.push(if is_negated { " AND NOT m.status" } else { " AND m.status" }).bind_ints(dialect, &numbers);
    Ok(())
}

fn push_order(statement: &mut Sql, search: &ModelSearch) {
    statement.push(" ORDER BY ");
    let mut by_creation = false;
    for ModelOrder { field, ascending } in &search.order {
        let direction = if *ascending { ", " } else { " DESC, " };
        match field {
            ModelOrderField::Attribute(attribute) => {
                by_creation |= *attribute == ModelAttribute::CreationTime;
                let column = column(*attribute);
                statement.push("CASE WHEN ").push(column).push(" IS NULL THEN 1 ELSE 0 END, ");
                statement.push(column).push(direction);
            }
            ModelOrderField::Metric(key, dataset) => {
                let datasets = [search.datasets.as_slice(), dataset.as_slice()];
                // Numbers, then NaN, then what has none.
                statement.push("coalesce((SELECT CASE WHEN x.is_nan THEN 1 ELSE 0 END");
                push_latest(statement, key, &datasets);
                statement.push("), 2), (SELECT x.value");
                push_latest(statement, key, &datasets);
                statement.push(")").push(direction);
            }
        }
    }
    statement.push(if by_creation { "m.model_id" } else { "m.created_ms DESC, m.model_id" });
}

fn column(attribute: ModelAttribute) -> &'static str {
    match attribute {
        ModelAttribute::Name => "m.name",
        ModelAttribute::ModelId => "m.model_id",
        ModelAttribute::ModelType => "m.model_type",
        ModelAttribute::Status => "m.status",
        ModelAttribute::SourceRunId => "m.source_run_id",
        ModelAttribute::ArtifactLocation => "m.artifact_uri",
        ModelAttribute::StatusMessage => "m.status_message",
        ModelAttribute::CreationTime => "m.created_ms",
        ModelAttribute::LastUpdatedTime => "m.updated_ms",
    }
}
