//! Saved views: places in the web pages under a name, and short links to them.
//!
//! What an address means is the pages' own; here it is a text. A short link has the key that its address makes, so that
//! sharing one place twice is one row; a named view has the key of its name, so that its link leads to what was saved last.

use sha2::{Digest, Sha256};

use super::Store;
use super::accounts::authorize;
use super::db::{Tx, write_tx};
use super::sql::{Sql, sql};
use crate::error::{Error, Resource, Result};
use crate::model::{Caller, Role};

/// The most views that are kept.
pub const MAX_VIEWS: i64 = 100_000;
/// Of a view that nothing else shares the beginning of a key with.
const KEY_LENGTH: usize = 8;
/// What keys are made of: no letter that looks like a digit.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A place to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewView {
    /// Where it is, as the pages write it.
    pub address: String,
    /// Its name; a short link has none.
    pub name: Option<String>,
    /// The experiment whose readers see it.
    pub experiment_id: Option<i64>,
}

/// A place that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedView {
    /// What its link has in it.
    pub key: String,
    /// The place.
    pub view: NewView,
    /// The name of the account that saved it, if there is one.
    pub made_by: Option<String>,
    /// When it was saved, in milliseconds since the epoch.
    pub created_ms: i64,
}

#[derive(sqlx::FromRow)]
struct ViewRow {
    id: i64,
    key: String,
    address: String,
    name: Option<String>,
    experiment_id: Option<i64>,
    principal_id: Option<i64>,
    made_by: Option<String>,
    created_ms: i64,
}

impl From<ViewRow> for SavedView {
    fn from(row: ViewRow) -> Self {
        let ViewRow { key, address, name, experiment_id, made_by, created_ms, .. } = row;
        SavedView { key, view: NewView { address, name, experiment_id }, made_by, created_ms }
    }
}

impl Store {
    /// Keeps a place. A short link that is there already stays as it is, a view of the same name and experiment is replaced.
    /// If there are too many, the oldest short links go.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an experiment that the caller does not see, [`Error::Denied`] for a name that another one's
    /// view has, [`Error::Invalid`] where nothing but named views could go.
    pub async fn save_view(&self, caller: &Caller, new: NewView, now_ms: i64) -> Result<SavedView> {
        write_tx!(self.db(), tx => {
            if let Some(id) = new.experiment_id {
                let mut statement = sql("SELECT id FROM experiment WHERE id = ");
                statement.bind(id).visible_to(caller, "id");
                if tx.optional::<(i64,)>(statement).await?.is_none() {
                    return Err(Error::NotFound(Resource::Experiment(id.to_string())));
                }
            }
            match find_same(&mut tx, &new).await? {
                None => insert(&mut tx, caller, &new, now_ms).await?,
                Some(old) if new.name.is_none() => old.into(),
                Some(old) => {
                    may_change(&mut tx, caller, &old).await?;
                    let update = sql("UPDATE saved_view SET address = $1, created_ms = $2,
                         principal_id = (SELECT id FROM principal WHERE id = $3) WHERE id = $4");
                    let update = update.arg(new.address.as_str()).arg(now_ms).arg(caller.account());
                    tx.run(update.arg(old.id)).await?;
                    read(&mut tx, old.id).await?
                }
            }
        })
    }

    /// The view of this key, if there is one that the caller may see.
    ///
    /// # Errors
    /// What the database said.
    pub async fn find_view(&self, caller: &Caller, key: &str) -> Result<Option<SavedView>> {
        let mut statement = select();
        statement.push(" WHERE v.key = ").bind(key);
        push_visible(&mut statement, caller);
        Ok(self.db().optional::<ViewRow>(statement).await?.map(SavedView::from))
    }

    /// Named views that the caller may see, of one experiment or all, those saved last first, and one more if they are more
    /// than `limit`.
    ///
    /// # Errors
    /// What the database said.
    pub async fn list_views(
        &self,
        caller: &Caller,
        experiment_id: Option<i64>,
        limit: usize,
    ) -> Result<Vec<SavedView>> {
        let mut statement = select();
        statement.push(" WHERE v.name IS NOT NULL");
        if let Some(id) = experiment_id {
            statement.push(" AND coalesce(v.experiment_id, -1) = ").bind(id);
        }
        push_visible(&mut statement, caller);
        statement.push(" ORDER BY v.created_ms DESC, v.id DESC LIMIT ").bind(limit as i64 + 1);
        Ok(self.db().all::<ViewRow>(statement).await?.into_iter().map(SavedView::from).collect())
    }

    /// Forgets a view.
    ///
    /// # Errors
    /// [`Error::NotFound`] without one that the caller may see, [`Error::Denied`] for one that others look after.
    pub async fn delete_view(&self, caller: &Caller, key: &str) -> Result<()> {
        write_tx!(self.db(), tx => {
            let mut statement = select();
            statement.push(" WHERE v.key = ").bind(key);
            push_visible(&mut statement, caller);
            let row: Option<ViewRow> = tx.optional(statement).await?;
            let row = row.ok_or_else(|| Error::NotFound(Resource::View(key.to_owned())))?;
            may_change(&mut tx, caller, &row).await?;
            tx.run(sql("DELETE FROM saved_view WHERE id = $1").arg(row.id)).await?;
        })
    }
}

fn select() -> Sql {
    sql("SELECT v.id, v.key, v.address, v.name, v.experiment_id, v.principal_id, p.name AS made_by, v.created_ms
         FROM saved_view v LEFT JOIN principal p ON p.id = v.principal_id")
}

/// What has an experiment is seen by who sees that. Of the rest, names are for who signed in, and may look everywhere;
/// without a name it is for whoever knows the key.
fn push_visible(statement: &mut Sql, caller: &Caller) {
    let sees_names = caller.reach(Role::Reader).is_unbound() && (*caller == Caller::Open || caller.account().is_some());
    statement.push(" AND ((v.experiment_id IS NULL");
    if !sees_names {
        statement.push(" AND v.name IS NULL");
    }
    statement.push(") OR (v.experiment_id IS NOT NULL").visible_to(caller, "v.experiment_id").push("))");
}

/// Refuses to change what others look after: it is for who made it, for managers of its experiment, and for administrators.
async fn may_change(tx: &mut Tx, caller: &Caller, row: &ViewRow) -> Result<()> {
    let made = caller.account().is_some() && caller.account() == row.principal_id;
    if made || caller.is_admin() {
        return Ok(());
    }
    let managed = match row.experiment_id {
        Some(id) => authorize(tx, &caller.needing(Role::Manager), id).await,
        None => Err(Error::Denied(String::new())),
    };
    managed.map_err(|error| match error {
        Error::Denied(_) => Error::Denied(format!(
            "the view '{}' was made by {}; they, a manager of its experiment and administrators may change it",
            row.name.as_deref().unwrap_or(&row.key),
            row.made_by.as_deref().unwrap_or("someone else"),
        )),
        error => error,
    })
}

/// What `new` would be a second one of: a short link to the same place, or a view of the same name.
async fn find_same(tx: &mut Tx, new: &NewView) -> Result<Option<ViewRow>> {
    let mut statement = select();
    statement.push(" WHERE coalesce(v.experiment_id, -1) = ").bind(new.experiment_id.unwrap_or(-1));
    match &new.name {
        Some(name) => statement.push(" AND v.name = ").bind(name.as_str()),
        None => {
            let keys: Vec<String> = keys(new).collect();
            statement.push(" AND v.name IS NULL AND v.address = ").bind(new.address.as_str());
            let keys = Vec::from_iter(keys.iter().map(String::as_str));
            statement.push(" AND v.key").bind_texts(tx.dialect(), &keys)
        }
    };
    tx.optional(statement).await
}

async fn insert(tx: &mut Tx, caller: &Caller, new: &NewView, now_ms: i64) -> Result<SavedView> {
    let kept: Option<(i64,)> = tx.optional(sql("SELECT count(*) FROM saved_view")).await?;
    let surplus = kept.map_or(0, |(kept,)| kept + 1 - MAX_VIEWS);
    if surplus > 0 {
        let oldest = sql("DELETE FROM saved_view WHERE id IN
             (SELECT id FROM saved_view WHERE name IS NULL ORDER BY id LIMIT $1)");
        if tx.run(oldest.arg(surplus)).await? == 0 {
            return Err(Error::Invalid(format!("There are {MAX_VIEWS} saved views already; remove some of them.")));
        }
    }
    for key in keys(new) {
        // The account may have been removed a moment ago.
        let insert = sql("INSERT INTO saved_view (key, address, name, experiment_id, created_ms, principal_id)
             VALUES ($1, $2, $3, $4, $5, (SELECT id FROM principal WHERE id = $6))
             ON CONFLICT DO NOTHING RETURNING id");
        let insert = insert.arg(key).arg(new.address.as_str()).arg(new.name.clone()).arg(new.experiment_id);
        if let Some((id,)) = tx.optional::<(i64,)>(insert.arg(now_ms).arg(caller.account())).await? {
            return read(tx, id).await;
        }
        // Another request may have saved the same between our two looks; otherwise the key belongs to something else.
        if let Some(same) = find_same(tx, new).await? {
            return Ok(same.into());
        }
    }
    Err(Error::internal(anyhow::anyhow!("two views have one digest")))
}

async fn read(tx: &mut Tx, id: i64) -> Result<SavedView> {
    let mut statement = select();
    statement.push(" WHERE v.id = ").bind(id);
    let row: Option<ViewRow> = tx.optional(statement).await?;
    row.map(SavedView::from).ok_or_else(|| Error::internal(anyhow::anyhow!("a view vanished while it was saved")))
}

/// The keys that a view may have, the shortest first: a longer one is for who shares its beginning with another.
fn keys(new: &NewView) -> impl Iterator<Item = String> + use<> {
    let mut digest = Sha256::new();
    let experiment = new.experiment_id.unwrap_or(-1).to_le_bytes();
    match &new.name {
        None => digest.update([&experiment[..], b"link", new.address.as_bytes()].concat()),
        Some(name) => digest.update([&experiment[..], b"name", name.as_bytes()].concat()),
    }
    let letters: String =
        digest.finalize().into_iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    (0..3).map(move |doublings| letters[..KEY_LENGTH << doublings].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_from_the_place_or_the_name_and_grow() {
        let link = NewView { address: "#/runs".to_owned(), name: None, experiment_id: None };
        let found: Vec<String> = keys(&link).collect();

        assert_eq!(found.iter().map(String::len).collect::<Vec<_>>(), [8, 16, 32]);
        assert!(found[2].starts_with(&found[1]) && found[1].starts_with(&found[0]));
        assert!(found[2].bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
        let first = |view: &NewView| keys(view).next().unwrap();
        let of_experiment = NewView { experiment_id: Some(1), ..link.clone() };
        assert_ne!(first(&of_experiment), found[0]);
        let named = NewView { name: Some("#/runs".to_owned()), ..link.clone() };
        assert_ne!(first(&named), found[0]);
        assert_eq!(first(&NewView { address: "#/else".to_owned(), ..named.clone() }), first(&named));
    }
}
