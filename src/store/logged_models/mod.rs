//! Logged models: what a run made that can be loaded and used again (contract section 7.1).
//!
//! They are few, so they are kept under their public ids as they are. Their points are written by the writer, in the
//! commit that stores these for their run.

mod search;

use std::collections::HashMap;

pub use self::search::{ModelDataset, ModelOrder, ModelOrderField, ModelPage, ModelSearch};
use super::Store;
use super::accounts::authorize;
use super::db::{Tx, write_tx};
use super::experiments::lock_experiment;
use super::runs::{lifecycle, lock_run};
use super::sql::{Column, Columns, Dialect, Sql, sql};
use super::writer::inactive_experiment;
use crate::error::{Error, Resource, Result};
use crate::model::{
    Caller, KeyValue, LoggedModel, MetricValue, ModelOutput, ModelPoint, ModelStatus, Point, append_to_location,
};
use crate::validate::python_string;

/// Points of one model that an answer holds at most: the latest of each metric, then those before them, and so on.
const MAX_POINTS: usize = 1_000;
/// Points that an answer with many models holds at most; they share them equally.
const MAX_POINTS_OF_ALL: usize = 50_000;

/// A logged model to create.
#[derive(Debug, Clone)]
pub struct NewLoggedModel {
    /// The public id.
    pub model_id: String,
    /// The experiment, which must be active.
    pub experiment_id: i64,
    /// The name.
    pub name: String,
    /// What kind of model, if the client says.
    pub model_type: Option<String>,
    /// The run that made it, if the client says.
    pub source_run_id: Option<String>,
    /// Its params; a key at most once.
    pub params: Vec<KeyValue>,
    /// Its tags; the last one of a key counts.
    pub tags: Vec<KeyValue>,
}

#[derive(Debug, sqlx::FromRow)]
struct ModelRow {
    model_id: String,
    experiment_id: i64,
    name: String,
    model_type: Option<String>,
    source_run_id: Option<String>,
    status: i64,
    status_message: Option<String>,
    artifact_uri: String,
    created_ms: i64,
    updated_ms: i64,
    deleted_ms: Option<i64>,
}

/// The columns of [`ModelRow`], of the table under the name `m`.
const MODEL_COLUMNS: &str = "m.model_id, m.experiment_id, m.name, m.model_type, m.source_run_id, m.status, \
     m.status_message, m.artifact_uri, m.created_ms, m.updated_ms, m.deleted_ms";

impl Store {
    /// Creates a logged model that waits for its files.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such an experiment, [`Error::Invalid`] where it is deleted.
    pub async fn create_logged_model(&self, caller: &Caller, new: NewLoggedModel, now_ms: i64) -> Result<LoggedModel> {
        write_tx!(self.db(), tx => {
            let experiment = lock_experiment(&mut tx, caller, new.experiment_id).await?;
            if !experiment.is_active() {
                return Err(inactive_experiment(new.experiment_id));
            }
            let suffix = format!("models/{}/artifacts", new.model_id);
            let row = ModelRow {
                model_id: new.model_id.clone(),
                experiment_id: new.experiment_id,
                name: new.name.clone(),
                model_type: new.model_type.clone(),
                source_run_id: new.source_run_id.clone(),
                status: ModelStatus::Pending as i64,
                status_message: None,
                artifact_uri: append_to_location(&experiment.artifact_location, &suffix),
                created_ms: now_ms,
                updated_ms: now_ms,
                deleted_ms: None,
            };
            insert(&mut tx, &row).await?;
            add_params(&mut tx, &row.model_id, &new.params).await?;
            set_tags(&mut tx, &row.model_id, &new.tags).await?;
            one(complete(&mut tx, vec![row]).await?)?
        })
    }

    /// A logged model; a deleted one only with `deleted_too`.
    ///
    /// # Errors
    /// What the database said.
    pub async fn find_logged_model(
        &self,
        caller: &Caller,
        model_id: &str,
        deleted_too: bool,
    ) -> Result<Option<LoggedModel>> {
        let mut tx = self.db().read().await?;
        let row: Option<ModelRow> = tx.optional(select_model(caller, model_id)).await?;
        let rows = row.into_iter().filter(|row| deleted_too || row.deleted_ms.is_none()).collect();
        Ok(complete(&mut tx, rows).await?.pop())
    }

    /// Says whether the files of a logged model have arrived.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a model, or where it is deleted.
    pub async fn finalize_logged_model(
        &self,
        caller: &Caller,
        model_id: &str,
        status: ModelStatus,
        now_ms: i64,
    ) -> Result<LoggedModel> {
        write_tx!(self.db(), tx => {
            let mut row = lock_model(&mut tx, caller, model_id).await?;
            (row.status, row.updated_ms) = (status as i64, now_ms);
            let update = sql("UPDATE logged_model SET status = $1, updated_ms = $2 WHERE model_id = $3");
            tx.run(update.arg(status as i64).arg(now_ms).arg(model_id)).await?;
            one(complete(&mut tx, vec![row]).await?)?
        })
    }

    /// Moves a logged model to the trash; one that is there already stays.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a model.
    pub async fn delete_logged_model(&self, caller: &Caller, model_id: &str, now_ms: i64) -> Result<()> {
        write_tx!(self.db(), tx => {
            find_row(&mut tx, caller, model_id).await?;
            let update = sql("UPDATE logged_model SET deleted_ms = $1, updated_ms = $1
                 WHERE model_id = $2 AND deleted_ms IS NULL");
            tx.run(update.arg(now_ms).arg(model_id)).await?;
        })
    }

    /// Sets tags of a logged model; the last one of a key counts.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a model, or where it is deleted.
    pub async fn set_logged_model_tags(&self, caller: &Caller, model_id: &str, tags: &[KeyValue]) -> Result<()> {
        write_tx!(self.db(), tx => {
            lock_model(&mut tx, caller, model_id).await?;
            set_tags(&mut tx, model_id, tags).await?;
        })
    }

    /// Removes a tag of a logged model.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a model or tag, or where the model is deleted.
    pub async fn delete_logged_model_tag(&self, caller: &Caller, model_id: &str, key: &str) -> Result<()> {
        write_tx!(self.db(), tx => {
            lock_model(&mut tx, caller, model_id).await?;
            let delete = sql("DELETE FROM logged_model_tag WHERE model_id = $1 AND key = $2").arg(model_id).arg(key);
            if tx.run(delete).await? == 0 {
                let (key, model) = (key.to_owned(), model_id.to_owned());
                return Err(Error::NotFound(Resource::LoggedModelTag { key, model }));
            }
        })
    }

    /// Adds params to a logged model; one that is there with the same value stays.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a model, or where it is deleted; [`Error::Invalid`] where a param has another
    /// value.
    pub async fn log_logged_model_params(&self, caller: &Caller, model_id: &str, params: &[KeyValue]) -> Result<()> {
        write_tx!(self.db(), tx => {
            lock_model(&mut tx, caller, model_id).await?;
            add_params(&mut tx, model_id, params).await?;
        })
    }

    /// Says which logged models a run made.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a run, [`Error::Invalid`] where it is deleted.
    pub async fn log_outputs(&self, caller: &Caller, run_id: &str, models: &[ModelOutput]) -> Result<()> {
        write_tx!(self.db(), tx => {
            let run = lock_run(&mut tx, caller, run_id).await?;
            run.must_be_active()?;
            let columns = Columns(vec![
                Column::Int(vec![run.id; models.len()]),
                Column::Text(models.iter().map(|model| model.model_id.clone()).collect()),
                Column::Int(models.iter().map(|model| model.step).collect()),
            ]);
            let head = "INSERT INTO model_output (run_id, model_id, step)";
            tx.insert(head, columns, "ON CONFLICT (run_id, model_id, step) DO NOTHING").await?;
            self.inner.versions.mark_info(&mut tx, run.id).await?;
        })
    }
}

/// Those of these ids that logged models have, deleted ones too, with their experiments.
pub(super) async fn known_models(tx: &mut Tx, model_ids: &[&str]) -> Result<HashMap<String, i64>> {
    let mut statement = sql("SELECT model_id, experiment_id FROM logged_model WHERE model_id");
    statement.bind_texts(tx.dialect(), model_ids);
    Ok(tx.all::<(String, i64)>(statement).await?.into_iter().collect())
}

fn select_model(caller: &Caller, model_id: &str) -> Sql {
    let mut statement = sql("SELECT ");
    statement.push(MODEL_COLUMNS).push(" FROM logged_model m WHERE m.model_id = ").bind(model_id);
    statement.visible_to(caller, "m.experiment_id");
    statement
}

/// The row of a model that may be changed, deleted or not.
async fn find_row(tx: &mut Tx, caller: &Caller, model_id: &str) -> Result<ModelRow> {
    let mut statement = select_model(caller, model_id);
    if tx.dialect() == Dialect::Postgres {
        statement.push(" FOR UPDATE");
    }
    let row: Option<ModelRow> = tx.optional(statement).await?;
    let row = row.ok_or_else(|| no_model(model_id))?;
    authorize(tx, caller, row.experiment_id).await?;
    Ok(row)
}

/// The row of a model that is about to be changed.
async fn lock_model(tx: &mut Tx, caller: &Caller, model_id: &str) -> Result<ModelRow> {
    let row = find_row(tx, caller, model_id).await?;
    if row.deleted_ms.is_some() { Err(no_model(model_id)) } else { Ok(row) }
}

async fn insert(tx: &mut Tx, row: &ModelRow) -> Result<()> {
    let insert = sql("INSERT INTO logged_model (model_id, experiment_id, name, model_type, source_run_id, status,
             artifact_uri, created_ms, updated_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)");
    let insert = insert.arg(row.model_id.as_str()).arg(row.experiment_id).arg(row.name.as_str());
    let insert = insert.arg(row.model_type.clone()).arg(row.source_run_id.clone()).arg(row.status);
    tx.run(insert.arg(row.artifact_uri.as_str()).arg(row.created_ms)).await.map(drop)
}

/// Params never change, as those of runs: the same value again is fine.
async fn add_params(tx: &mut Tx, model_id: &str, params: &[KeyValue]) -> Result<()> {
    let mut statement = sql("SELECT key, value FROM logged_model_param WHERE model_id = ");
    statement.bind(model_id);
    let known: HashMap<String, String> = tx.all::<(String, String)>(statement).await?.into_iter().collect();
    let mut new: HashMap<&str, &str> = HashMap::new();
    for KeyValue { key, value } in params {
        let present = known.get(key).map(String::as_str).or_else(|| new.get(key.as_str()).copied());
        match present {
            Some(present) if present != value => {
                return Err(Error::Invalid(format!(
                    "Changing param values is not allowed. Param with key={} was already logged with value={} for model \
                     ID='{model_id}'. Attempted logging new value {}.",
                    python_string(key),
                    python_string(present),
                    python_string(value)
                )));
            }
            Some(_) => {}
            None => {
                new.insert(key, value);
            }
        }
    }
    let head = "INSERT INTO logged_model_param (model_id, key, value)";
    tx.insert(head, pair_columns(model_id, &new), "ON CONFLICT (model_id, key) DO NOTHING").await.map(drop)
}

async fn set_tags(tx: &mut Tx, model_id: &str, tags: &[KeyValue]) -> Result<()> {
    // The last one of a key wins; one statement cannot touch a row twice.
    let last: HashMap<&str, &str> = tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
    let head = "INSERT INTO logged_model_tag (model_id, key, value)";
    let tail = "ON CONFLICT (model_id, key) DO UPDATE SET value = excluded.value";
    tx.insert(head, pair_columns(model_id, &last), tail).await.map(drop)
}

fn pair_columns(model_id: &str, pairs: &HashMap<&str, &str>) -> Columns {
    Columns(vec![
        Column::Text(vec![model_id.to_owned(); pairs.len()]),
        Column::Text(pairs.keys().map(|key| (*key).to_owned()).collect()),
        Column::Text(pairs.values().map(|value| (*value).to_owned()).collect()),
    ])
}

#[derive(sqlx::FromRow)]
struct PointRow {
    model_id: String,
    key: String,
    run_id: String,
    timestamp_ms: i64,
    step: i64,
    value: f64,
    is_nan: bool,
    dataset_name: String,
    dataset_digest: String,
}

/// Adds to rows what belongs to them, with one statement for each kind; the answer keeps their order.
async fn complete(tx: &mut Tx, rows: Vec<ModelRow>) -> Result<Vec<LoggedModel>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&str> = rows.iter().map(|row| row.model_id.as_str()).collect();
    let mut params = read_pairs(tx, "SELECT model_id, key, value FROM logged_model_param WHERE model_id", &ids).await?;
    let mut tags = read_pairs(tx, "SELECT model_id, key, value FROM logged_model_tag WHERE model_id", &ids).await?;
    let mut metrics = read_points(tx, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let status = ModelStatus::from_number(row.status).ok_or_else(|| {
                Error::internal(anyhow::anyhow!("model {} has the unknown status {}", row.model_id, row.status))
            })?;
            Ok(LoggedModel {
                params: params.remove(&row.model_id).unwrap_or_default(),
                tags: tags.remove(&row.model_id).unwrap_or_default(),
                metrics: metrics.remove(&row.model_id).unwrap_or_default(),
                model_id: row.model_id,
                experiment_id: row.experiment_id,
                name: row.name,
                model_type: row.model_type,
                source_run_id: row.source_run_id,
                status,
                status_message: row.status_message,
                artifact_uri: row.artifact_uri,
                created_ms: row.created_ms,
                updated_ms: row.updated_ms,
                lifecycle: lifecycle(row.deleted_ms),
            })
        })
        .collect()
}

async fn read_pairs(tx: &mut Tx, select: &'static str, ids: &[&str]) -> Result<HashMap<String, Vec<KeyValue>>> {
    let mut statement = sql(select);
    statement.bind_texts(tx.dialect(), ids).push(" ORDER BY model_id, key");
    let mut found: HashMap<String, Vec<KeyValue>> = HashMap::new();
    for (model_id, key, value) in tx.all::<(String, String, String)>(statement).await? {
        found.entry(model_id).or_default().push(KeyValue { key, value });
    }
    Ok(found)
}

async fn read_points(tx: &mut Tx, ids: &[&str]) -> Result<HashMap<String, Vec<ModelPoint>>> {
    let limit = (MAX_POINTS_OF_ALL / ids.len().max(1)).clamp(1, MAX_POINTS) as i64;
    // The inner window is in the order of an index; without it, points of a long training would be sorted in memory.
    let mut statement = sql("SELECT p.model_id, k.name AS key, r.public_id AS run_id, p.timestamp_ms, p.step, p.value,
             p.is_nan, p.dataset_name, p.dataset_digest
         FROM (SELECT y.*, row_number() OVER (PARTITION BY y.model_id ORDER BY y.turn, y.key_id) AS place
             FROM (SELECT x.*, row_number() OVER (PARTITION BY x.model_id, x.key_id
                     ORDER BY x.step DESC, x.timestamp_ms DESC, x.value DESC, x.is_nan DESC) AS turn
                 FROM model_metric x WHERE x.model_id");
    statement.bind_texts(tx.dialect(), ids).push(") y WHERE y.turn <= ").bind(limit);
    statement.push(") p JOIN key k ON k.id = p.key_id JOIN run r ON r.id = p.run_id WHERE p.place <= ");
    statement.bind(limit).push(" ORDER BY p.model_id, k.name, p.step, p.timestamp_ms, p.value, p.dataset_name");
    let mut found: HashMap<String, Vec<ModelPoint>> = HashMap::new();
    for row in tx.all::<PointRow>(statement).await? {
        let value = MetricValue::new(if row.is_nan { f64::NAN } else { row.value });
        let point = Point { timestamp_ms: row.timestamp_ms, step: row.step, value };
        let PointRow { model_id, key, run_id, dataset_name, dataset_digest, .. } = row;
        found.entry(model_id).or_default().push(ModelPoint { key, run_id, dataset_name, dataset_digest, point });
    }
    Ok(found)
}

fn one(models: Vec<LoggedModel>) -> Result<LoggedModel> {
    models.into_iter().next().ok_or_else(|| Error::internal(anyhow::anyhow!("a model that was written is not there")))
}

fn no_model(model_id: &str) -> Error {
    Error::NotFound(Resource::LoggedModel(model_id.to_owned()))
}
