//! Runs: reading them whole, their lifecycle, and the changes that are rare enough to commit alone.

use std::collections::HashMap;

use super::Store;
use super::accounts::authorize;
use super::db::{Tx, write_tx};
use super::lineage::{self, Subject};
use super::sql::{Dialect, Sql, sql};
use super::texts;
use super::writer::RUN_NAME_TAG;
use crate::error::{Error, Resource, Result};
use crate::model::{
    Caller, Dataset, DatasetInput, KeyValue, Lifecycle, Metric, MetricValue, ModelOutput, Point, Run, RunInfo,
    RunStatus,
};

/// What to change of a run; what is absent stays.
#[derive(Debug, Default, Clone)]
pub struct RunUpdate {
    /// The new state.
    pub status: Option<RunStatus>,
    /// The end time, in milliseconds since the epoch.
    pub end_ms: Option<i64>,
    /// The new name, not empty; the tag `mlflow.runName` follows it.
    pub name: Option<String>,
}

/// The columns of [`RunRow`].
pub(super) const RUN_COLUMNS: &str =
    "id, public_id, experiment_id, name, user_id, status, start_ms, end_ms, deleted_ms, artifact_uri";

/// A row of the table `run`.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct RunRow {
    pub id: i64,
    pub public_id: String,
    pub experiment_id: i64,
    pub name: String,
    pub user_id: String,
    pub status: i64,
    pub start_ms: i64,
    pub end_ms: Option<i64>,
    pub deleted_ms: Option<i64>,
    pub artifact_uri: String,
}

impl RunRow {
    pub fn info(&self) -> Result<RunInfo> {
        let status = RunStatus::from_number(self.status).ok_or_else(|| {
            Error::internal(anyhow::anyhow!("run {} has the unknown status {}", self.id, self.status))
        })?;
        Ok(RunInfo {
            run_id: self.public_id.clone(),
            experiment_id: self.experiment_id,
            name: self.name.clone(),
            user_id: self.user_id.clone(),
            status,
            start_ms: self.start_ms,
            end_ms: self.end_ms,
            lifecycle: lifecycle(self.deleted_ms),
            artifact_uri: self.artifact_uri.clone(),
        })
    }

    pub fn subject(&self) -> Subject {
        let RunRow { id, experiment_id, start_ms, .. } = *self;
        Subject { id, public_id: self.public_id.clone(), experiment_id, start_ms, is_fresh: false }
    }

    pub fn must_be_active(&self) -> Result<()> {
        if self.deleted_ms.is_none() {
            return Ok(());
        }
        Err(inactive_run(&self.public_id))
    }
}

/// The contract's text for a change of a deleted run.
pub(super) fn inactive_run(run_id: &str) -> Error {
    Error::Invalid(format!("The run {run_id} must be in the 'active' state. Current state is deleted."))
}

/// "deleted_ms IS NULL" means active, in every table.
pub(super) fn lifecycle(deleted_ms: Option<i64>) -> Lifecycle {
    if deleted_ms.is_some() { Lifecycle::Deleted } else { Lifecycle::Active }
}

impl Store {
    /// What a run is; deleted ones too.
    pub async fn find_run_info(&self, caller: &Caller, run_id: &str) -> Result<Option<RunInfo>> {
        let row: Option<RunRow> = self.db().optional(select_run(caller, run_id)).await?;
        row.map(|row| row.info()).transpose()
    }

    /// A run with all that was logged to it; deleted ones too.
    pub async fn find_run(&self, caller: &Caller, run_id: &str) -> Result<Option<Run>> {
        let mut tx = self.db().read().await?;
        let Some(row) = tx.optional::<RunRow>(select_run(caller, run_id)).await? else { return Ok(None) };
        let mut runs = assemble(&mut tx, vec![row]).await?;
        Ok(runs.pop())
    }

    /// Moves a run to the trash; one that is there already stays.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a run.
    pub async fn delete_run(&self, caller: &Caller, run_id: &str, now_ms: i64) -> Result<()> {
        self.set_deleted(caller, run_id, Some(now_ms)).await
    }

    /// Takes a run out of the trash; an active one stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a run.
    pub async fn restore_run(&self, caller: &Caller, run_id: &str) -> Result<()> {
        self.set_deleted(caller, run_id, None).await
    }

    async fn set_deleted(&self, caller: &Caller, run_id: &str, deleted_ms: Option<i64>) -> Result<()> {
        write_tx!(self.db(), tx => {
            let row = lock_run(&mut tx, caller, run_id).await?;
            if row.deleted_ms.is_some() != deleted_ms.is_some() {
                tx.run(sql("UPDATE run SET deleted_ms = $1 WHERE id = $2").arg(deleted_ms).arg(row.id)).await?;
                self.inner.versions.mark_info(&mut tx, row.id).await?;
            }
        })
    }

    /// Removes a tag; the run's name stays when it is `mlflow.runName`.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a run or tag, [`Error::Invalid`] where the run is deleted.
    pub async fn delete_run_tag(&self, caller: &Caller, run_id: &str, key: &str) -> Result<()> {
        let key_id = self.inner.keys.find(self.db(), key).await?;
        let links = crate::lineage::is_about_tag(key);
        write_tx!(self.db(), tx => {
            if links {
                lineage::lock(&mut tx).await?;
            }
            let row = lock_run(&mut tx, caller, run_id).await?;
            row.must_be_active()?;
            let delete = sql("DELETE FROM tag WHERE run_id = $1 AND key_id = $2").arg(row.id).arg(key_id);
            if tx.run(delete).await? == 0 {
                let (key, run) = (key.to_owned(), run_id.to_owned());
                return Err(Error::NotFound(Resource::RunTag { key, run }));
            }
            if links {
                let others = lineage::refresh(&mut tx, &self.inner.lineage, vec![row.subject()]).await?;
                if !others.is_empty() {
                    self.inner.versions.mark(&mut tx, others).await?;
                }
            }
            self.inner.versions.mark_info(&mut tx, row.id).await?;
        })
    }

    /// Replaces a tag by what `change` makes of its present value, in one unit of work.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a run, [`Error::Invalid`] where it is deleted, and what `change` answers.
    pub async fn change_run_tag(
        &self,
        caller: &Caller,
        run_id: &str,
        key: &str,
        change: impl Fn(Option<&str>) -> Result<String>,
    ) -> Result<()> {
        debug_assert_ne!(key, RUN_NAME_TAG, "a run's name changes through the writer");
        debug_assert!(!crate::lineage::is_about_tag(key), "links change through the writer");
        let key_id = self.inner.keys.intern(self.db(), std::iter::once(key)).await?[key];
        write_tx!(self.db(), tx => {
            let row = lock_run(&mut tx, caller, run_id).await?;
            row.must_be_active()?;
            let select = sql("SELECT head || coalesce(tail, '') FROM tag WHERE run_id = $1 AND key_id = $2").arg(row.id).arg(key_id);
            let present: Option<(String,)> = tx.optional(select).await?;
            let value = change(present.as_ref().map(|(value,)| value.as_str()))?;
            let upsert = sql(
                "INSERT INTO tag (run_id, key_id, head, tail, experiment_id, start_ms) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (run_id, key_id) DO UPDATE SET head = excluded.head, tail = excluded.tail",
            );
            let (head, tail) = texts::split(&value);
            let upsert = upsert.arg(row.id).arg(key_id).arg(head).arg(tail.map(str::to_owned));
            let upsert = upsert.arg(row.experiment_id).arg(row.start_ms);
            tx.run(upsert).await?;
            self.inner.versions.mark_info(&mut tx, row.id).await?;
        })
    }
}

pub(super) fn select_run(caller: &Caller, run_id: &str) -> Sql {
    let mut statement = sql("SELECT ");
    statement.push(RUN_COLUMNS).push(" FROM run WHERE public_id = ").bind(run_id);
    statement.visible_to(caller, "experiment_id");
    statement
}

/// The rows of these internal ids, in no order; those that the caller may not see are left out.
pub(super) async fn rows_by_id(tx: &mut Tx, caller: &Caller, ids: &[i64]) -> Result<Vec<RunRow>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = sql("SELECT ");
    statement.push(RUN_COLUMNS).push(" FROM run WHERE id").bind_ints(tx.dialect(), ids);
    statement.visible_to(caller, "experiment_id");
    tx.all(statement).await
}

/// The row of a run that is about to be changed, locked where the database has several writers.
pub(super) async fn lock_run(tx: &mut Tx, caller: &Caller, run_id: &str) -> Result<RunRow> {
    let mut statement = select_run(caller, run_id);
    if tx.dialect() == Dialect::Postgres {
        statement.push(" FOR NO KEY UPDATE");
    }
    let row: Option<RunRow> = tx.optional(statement).await?;
    let row = row.ok_or_else(|| Error::NotFound(Resource::Run(run_id.to_owned())))?;
    authorize(tx, caller, row.experiment_id).await?;
    Ok(row)
}

/// Reads all that was logged to `rows`, with one statement for each kind; the answer keeps their order.
pub(super) async fn assemble(tx: &mut Tx, rows: Vec<RunRow>) -> Result<Vec<Run>> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut params = read_values(
        tx,
        "SELECT v.run_id, k.name, v.head || coalesce(v.tail, '') FROM param v JOIN key k ON k.id = v.key_id WHERE v.run_id",
        &ids,
    )
    .await?;
    let mut runs = assemble_without_params(tx, rows).await?;
    for (run, id) in runs.iter_mut().zip(ids) {
        run.params = params.remove(&id).unwrap_or_default();
    }
    Ok(runs)
}

/// As [`assemble`], without the params: of a training they are most of what there is to read.
pub(super) async fn assemble_without_params(tx: &mut Tx, rows: Vec<RunRow>) -> Result<Vec<Run>> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut metrics = read_metrics(tx, &ids).await?;
    let mut tags = read_values(
        tx,
        "SELECT v.run_id, k.name, v.head || coalesce(v.tail, '') FROM tag v JOIN key k ON k.id = v.key_id WHERE v.run_id",
        &ids,
    )
    .await?;
    let mut datasets = read_datasets(tx, &ids).await?;
    let mut models = read_models(tx, &ids).await?;
    let mut outputs = read_outputs(tx, &ids).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Run {
                info: row.info()?,
                metrics: metrics.remove(&row.id).unwrap_or_default(),
                params: Vec::new(),
                tags: tags.remove(&row.id).unwrap_or_default(),
                datasets: datasets.remove(&row.id).unwrap_or_default(),
                model_inputs: models.remove(&row.id).unwrap_or_default(),
                model_outputs: outputs.remove(&row.id).unwrap_or_default(),
            })
        })
        .collect()
}

#[derive(sqlx::FromRow)]
struct LatestRow {
    run_id: i64,
    name: String,
    value: f64,
    is_nan: bool,
    step: i64,
    timestamp_ms: i64,
}

async fn read_metrics(tx: &mut Tx, ids: &[i64]) -> Result<HashMap<i64, Vec<Metric>>> {
    let mut statement = sql("SELECT s.run_id, k.name, s.value, s.is_nan, s.step, s.timestamp_ms
         FROM metric_series s JOIN key k ON k.id = s.key_id WHERE s.run_id");
    statement.bind_ints(tx.dialect(), ids);
    let mut found: HashMap<i64, Vec<Metric>> = HashMap::new();
    for row in tx.all::<LatestRow>(statement).await? {
        let value = MetricValue::new(if row.is_nan { f64::NAN } else { row.value });
        let point = Point { timestamp_ms: row.timestamp_ms, step: row.step, value };
        found.entry(row.run_id).or_default().push(Metric { key: row.name, point });
    }
    for metrics in found.values_mut() {
        metrics.sort_unstable_by(|left, right| left.key.cmp(&right.key));
    }
    Ok(found)
}

async fn read_values(tx: &mut Tx, select: &'static str, ids: &[i64]) -> Result<HashMap<i64, Vec<KeyValue>>> {
    let mut statement = sql(select);
    statement.bind_ints(tx.dialect(), ids);
    let mut found: HashMap<i64, Vec<KeyValue>> = HashMap::new();
    for (run_id, key, value) in tx.all::<(i64, String, String)>(statement).await? {
        found.entry(run_id).or_default().push(KeyValue { key, value });
    }
    for values in found.values_mut() {
        values.sort_unstable_by(|left, right| left.key.cmp(&right.key));
    }
    Ok(found)
}

#[derive(sqlx::FromRow)]
struct InputRow {
    run_id: i64,
    tags: String,
    name: String,
    digest: String,
    source_type: String,
    source: String,
    schema: Option<String>,
    profile: Option<String>,
}

async fn read_datasets(tx: &mut Tx, ids: &[i64]) -> Result<HashMap<i64, Vec<DatasetInput>>> {
    let mut statement = sql("SELECT i.run_id, i.tags, d.name, d.digest, d.source_type, d.source, d.schema, d.profile
         FROM dataset_input i JOIN dataset d ON d.id = i.dataset_id WHERE i.run_id");
    statement.bind_ints(tx.dialect(), ids).push(" ORDER BY i.run_id, d.name, d.digest");
    let mut found: HashMap<i64, Vec<DatasetInput>> = HashMap::new();
    for row in tx.all::<InputRow>(statement).await? {
        let pairs: Vec<(String, String)> = serde_json::from_str(&row.tags).map_err(Error::internal)?;
        let tags = pairs.into_iter().map(|(key, value)| KeyValue { key, value }).collect();
        let InputRow { name, digest, source_type, source, schema, profile, .. } = row;
        let dataset = Dataset { name, digest, source_type, source, schema, profile };
        found.entry(row.run_id).or_default().push(DatasetInput { dataset, tags });
    }
    Ok(found)
}

async fn read_models(tx: &mut Tx, ids: &[i64]) -> Result<HashMap<i64, Vec<String>>> {
    let mut statement = sql("SELECT run_id, model_id FROM model_input WHERE run_id");
    statement.bind_ints(tx.dialect(), ids).push(" ORDER BY run_id, model_id");
    let mut found: HashMap<i64, Vec<String>> = HashMap::new();
    for (run_id, model_id) in tx.all::<(i64, String)>(statement).await? {
        found.entry(run_id).or_default().push(model_id);
    }
    Ok(found)
}

async fn read_outputs(tx: &mut Tx, ids: &[i64]) -> Result<HashMap<i64, Vec<ModelOutput>>> {
    let mut statement = sql("SELECT run_id, model_id, step FROM model_output WHERE run_id");
    statement.bind_ints(tx.dialect(), ids).push(" ORDER BY run_id, step, model_id");
    let mut found: HashMap<i64, Vec<ModelOutput>> = HashMap::new();
    for (run_id, model_id, step) in tx.all::<(i64, String, i64)>(statement).await? {
        found.entry(run_id).or_default().push(ModelOutput { model_id, step });
    }
    Ok(found)
}
