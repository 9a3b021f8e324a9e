//! Experiments: their rows, tags and lifecycle. How they are searched stands in `search.rs`.

use std::collections::HashMap;

use super::accounts::{authorize, grant_to_creator};
use super::artifacts::{claim, refuse_default_root};
use super::db::{Db, Tx, write_tx};
use super::runs::lifecycle;
use super::sql::{Column, Columns, Dialect, Sql, sql};
use super::writer::inactive_experiment;
use super::{ArtifactRoot, Store};
use crate::error::{Error, Resource, Result};
use crate::model::{Caller, Experiment, KeyValue, NewLocation, append_to_location};

/// The columns of [`ExperimentRow`].
pub(super) const EXPERIMENT_COLUMNS: &str = "id, name, artifact_location, created_ms, updated_ms, deleted_ms";

/// A row of the table `experiment`.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct ExperimentRow {
    pub id: i64,
    pub name: String,
    pub artifact_location: String,
    pub created_ms: i64,
    pub updated_ms: i64,
    deleted_ms: Option<i64>,
}

impl ExperimentRow {
    pub fn is_active(&self) -> bool {
        self.deleted_ms.is_none()
    }
}

/// Experiment 0, `Default`, exists from the start (contract section 2).
pub(super) async fn create_default(db: &Db, root: &ArtifactRoot, now_ms: i64) -> Result<()> {
    let exists: Option<(i64,)> = db.optional(sql("SELECT id FROM experiment WHERE id = 0")).await?;
    if exists.is_some() {
        return Ok(());
    }
    write_tx!(db, tx => {
        let insert = sql(
            "INSERT INTO experiment (id, name, artifact_location, created_ms, updated_ms)
             VALUES (0, 'Default', $1, $2, $2) ON CONFLICT DO NOTHING",
        );
        if tx.run(insert.arg(append_to_location(&root.location, "0")).arg(now_ms)).await? > 0 {
            claim_default(&mut tx, root, 0).await?;
        }
    })
}

/// Claims the directory of an experiment beneath the default root, where that is a directory of our own store.
async fn claim_default(tx: &mut Tx, root: &ArtifactRoot, id: i64) -> Result<()> {
    match root.own_path.as_deref() {
        // Named by its number.
        None | Some("") => Ok(()),
        Some(path) => claim(tx, &root.location, &format!("{path}/{id}"), id).await,
    }
}

impl Store {
    /// Creates an experiment and answers its id.
    ///
    /// # Errors
    /// [`Error::Exists`] where the name is taken, by a deleted experiment too; [`Error::Invalid`] where its directory
    /// belongs to another one.
    pub async fn create_experiment(
        &self,
        caller: &Caller,
        name: &str,
        location: NewLocation<'_>,
        tags: &[KeyValue],
        now_ms: i64,
    ) -> Result<i64> {
        write_tx!(self.db(), tx => {
            let insert = sql(
                "INSERT INTO experiment (name, artifact_location, created_ms, updated_ms) VALUES ($1, $2, $3, $3)
                 ON CONFLICT (name) DO NOTHING RETURNING id",
            );
            let insert = insert.arg(name).arg(location.text()).arg(now_ms);
            let Some((id,)) = tx.optional::<(i64,)>(insert).await? else {
                return Err(Error::Exists(Resource::ExperimentName(name.to_owned())));
            };
            match location {
                NewLocation::Default => {
                    let root = &self.inner.artifact_root;
                    let update = sql("UPDATE experiment SET artifact_location = $1 WHERE id = $2");
                    tx.run(update.arg(append_to_location(&root.location, &id.to_string())).arg(id)).await?;
                    claim_default(&mut tx, root, id).await?;
                }
                NewLocation::Own { location, path } => {
                    refuse_default_root(self.inner.artifact_root.own_path.as_deref(), location, path)?;
                    claim(&mut tx, location, path, id).await?;
                }
                NewLocation::Label(_) => {}
            }
            set_tags(&mut tx, id, tags).await?;
            grant_to_creator(&mut tx, caller, id).await?;
            self.inner.versions.mark_experiment(&mut tx, id).await?;
            id
        })
    }

    /// The experiment of this id; a deleted one too.
    pub async fn find_experiment(&self, caller: &Caller, id: i64) -> Result<Option<Experiment>> {
        let mut statement = select_experiment();
        statement.push(" WHERE id = ").bind(id).visible_to(caller, "id");
        self.find(statement).await
    }

    /// The experiment of this name; a deleted one too.
    pub async fn find_experiment_by_name(&self, caller: &Caller, name: &str) -> Result<Option<Experiment>> {
        let mut statement = select_experiment();
        statement.push(" WHERE name = ").bind(name).visible_to(caller, "id");
        self.find(statement).await
    }

    async fn find(&self, statement: Sql) -> Result<Option<Experiment>> {
        let mut tx = self.db().read().await?;
        let rows: Vec<ExperimentRow> = tx.all(statement).await?;
        Ok(with_tags(&mut tx, rows).await?.pop())
    }

    /// Renames an active experiment.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such an experiment, [`Error::InvalidState`] where it is deleted,
    /// [`Error::BadRequest`] where another one has the name.
    pub async fn rename_experiment(&self, caller: &Caller, id: i64, name: &str, now_ms: i64) -> Result<()> {
        write_tx!(self.db(), tx => {
            let row = lock_experiment(&mut tx, caller, id).await?;
            if row.deleted_ms.is_some() {
                return Err(Error::InvalidState("Cannot rename a non-active experiment.".to_owned()));
            }
            let taken = sql("SELECT id FROM experiment WHERE name = $1 AND id <> $2").arg(name).arg(id);
            if tx.optional::<(i64,)>(taken).await?.is_some() {
                return Err(name_is_taken(name));
            }
            let update = sql("UPDATE experiment SET name = $1, updated_ms = $2 WHERE id = $3");
            match tx.run(update.arg(name).arg(now_ms).arg(id)).await {
                // Another process took it after the look.
                Err(error) if is_unique_violation(&error) => return Err(name_is_taken(name)),
                done => done?,
            };
            self.inner.versions.mark_experiment(&mut tx, id).await?;
        })
    }

    /// Moves an active experiment and all its runs to the trash.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such an active experiment.
    pub async fn delete_experiment(&self, caller: &Caller, id: i64, now_ms: i64) -> Result<()> {
        self.set_experiment_deleted(caller, id, Some(now_ms), now_ms).await
    }

    /// Takes a deleted experiment and all its runs out of the trash.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a deleted experiment.
    pub async fn restore_experiment(&self, caller: &Caller, id: i64, now_ms: i64) -> Result<()> {
        self.set_experiment_deleted(caller, id, None, now_ms).await
    }

    async fn set_experiment_deleted(
        &self,
        caller: &Caller,
        id: i64,
        deleted_ms: Option<i64>,
        now_ms: i64,
    ) -> Result<()> {
        write_tx!(self.db(), tx => {
            let row = lock_experiment(&mut tx, caller, id).await?;
            if row.deleted_ms.is_some() == deleted_ms.is_some() {
                return Err(no_experiment(id));
            }
            let update = sql("UPDATE experiment SET deleted_ms = $1, updated_ms = $2 WHERE id = $3");
            tx.run(update.arg(deleted_ms).arg(now_ms).arg(id)).await?;
            let update = sql("UPDATE run SET deleted_ms = $1 WHERE experiment_id = $2");
            tx.run(update.arg(deleted_ms).arg(id)).await?;
            self.inner.versions.mark_experiment_with_runs(&mut tx, id).await?;
        })
    }

    /// Sets a tag of an active experiment.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such an experiment, [`Error::Invalid`] where it is deleted.
    pub async fn set_experiment_tag(&self, caller: &Caller, id: i64, tag: &KeyValue, now_ms: i64) -> Result<()> {
        write_tx!(self.db(), tx => {
            change_tags(&mut tx, caller, id, now_ms).await?;
            set_tags(&mut tx, id, std::slice::from_ref(tag)).await?;
            self.inner.versions.mark_experiment(&mut tx, id).await?;
        })
    }

    /// Removes a tag of an active experiment.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such an experiment or tag, [`Error::Invalid`] where it is deleted.
    pub async fn delete_experiment_tag(&self, caller: &Caller, id: i64, key: &str, now_ms: i64) -> Result<()> {
        write_tx!(self.db(), tx => {
            change_tags(&mut tx, caller, id, now_ms).await?;
            let delete = sql("DELETE FROM experiment_tag WHERE experiment_id = $1 AND key = $2").arg(id).arg(key);
            if tx.run(delete).await? == 0 {
                let (key, experiment) = (key.to_owned(), id.to_string());
                return Err(Error::NotFound(Resource::ExperimentTag { key, experiment }));
            }
            self.inner.versions.mark_experiment(&mut tx, id).await?;
        })
    }
}

fn select_experiment() -> Sql {
    let mut statement = sql("SELECT ");
    statement.push(EXPERIMENT_COLUMNS).push(" FROM experiment");
    statement
}

/// The row of an experiment that is about to be changed.
pub(super) async fn lock_experiment(tx: &mut Tx, caller: &Caller, id: i64) -> Result<ExperimentRow> {
    let mut statement = select_experiment();
    statement.push(" WHERE id = ").bind(id).visible_to(caller, "id");
    if tx.dialect() == Dialect::Postgres {
        statement.push(" FOR UPDATE");
    }
    let row: Option<ExperimentRow> = tx.optional(statement).await?;
    let row = row.ok_or_else(|| no_experiment(id))?;
    authorize(tx, caller, id).await?;
    Ok(row)
}

/// Prepares a change of tags: the experiment is there and active, and was updated now.
async fn change_tags(tx: &mut Tx, caller: &Caller, id: i64, now_ms: i64) -> Result<()> {
    let row = lock_experiment(tx, caller, id).await?;
    if row.deleted_ms.is_some() {
        return Err(inactive_experiment(id));
    }
    tx.run(sql("UPDATE experiment SET updated_ms = $1 WHERE id = $2").arg(now_ms).arg(id)).await.map(drop)
}

async fn set_tags(tx: &mut Tx, id: i64, tags: &[KeyValue]) -> Result<()> {
    // The last one of a key wins; one statement cannot touch a row twice.
    let last: HashMap<&str, &str> = tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
    let columns = Columns(vec![
        Column::Int(vec![id; last.len()]),
        Column::Text(last.keys().map(|key| (*key).to_owned()).collect()),
        Column::Text(last.values().map(|value| (*value).to_owned()).collect()),
    ]);
    let tail = "ON CONFLICT (experiment_id, key) DO UPDATE SET value = excluded.value";
    tx.insert("INSERT INTO experiment_tag (experiment_id, key, value)", columns, tail).await.map(drop)
}

/// Completes rows with their tags, in one statement for all.
pub(super) async fn with_tags(tx: &mut Tx, rows: Vec<ExperimentRow>) -> Result<Vec<Experiment>> {
    let mut tags: HashMap<i64, Vec<KeyValue>> = HashMap::new();
    // Below SQLite's limit of variables, for the longest page.
    for part in rows.chunks(16_384) {
        let ids: Vec<i64> = part.iter().map(|row| row.id).collect();
        let mut statement = sql("SELECT experiment_id, key, value FROM experiment_tag WHERE experiment_id");
        statement.bind_ints(tx.dialect(), &ids).push(" ORDER BY experiment_id, key");
        for (id, key, value) in tx.all::<(i64, String, String)>(statement).await? {
            tags.entry(id).or_default().push(KeyValue { key, value });
        }
    }
    let complete = |row: ExperimentRow| Experiment {
        tags: tags.remove(&row.id).unwrap_or_default(),
        id: row.id,
        name: row.name,
        artifact_location: row.artifact_location,
        lifecycle: lifecycle(row.deleted_ms),
        created_ms: row.created_ms,
        updated_ms: row.updated_ms,
    };
    Ok(rows.into_iter().map(complete).collect())
}

fn no_experiment(id: i64) -> Error {
    Error::NotFound(Resource::Experiment(id.to_string()))
}

fn name_is_taken(name: &str) -> Error {
    Error::BadRequest(format!("an experiment named '{name}' exists already; choose another name"))
}

fn is_unique_violation(error: &Error) -> bool {
    let Error::Internal(source) = error else { return false };
    matches!(
        source.downcast_ref::<sqlx::Error>(),
        Some(sqlx::Error::Database(database)) if database.is_unique_violation()
    )
}
