//! The names of metrics, params and tags, as the integers that the tables hold.

use std::collections::{BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock};

use super::db::Db;
use super::sql::{Column, Columns, sql};
use crate::error::Result;

/// At most this many names are remembered; a store with more looks the others up.
const CACHED: usize = 100_000;

/// Names to ids. Keys are never deleted, so what is known stays true.
#[derive(Debug, Default)]
pub(super) struct Keys {
    known: RwLock<HashMap<String, i64>>,
}

impl Keys {
    /// The ids of `names`; those that are new get one, in a commit of their own before the batch that needs them, so
    /// that a batch which fails leaves at most unused names and no cached id is ever undone.
    pub async fn intern<'a>(&self, db: &Db, names: impl Iterator<Item = &'a str>) -> Result<HashMap<&'a str, i64>> {
        let (mut found, missing) = self.lookup(names);
        if missing.is_empty() {
            return Ok(found);
        }
        let existing = stored(db, &missing).await?;
        let new: Vec<String> =
            missing.iter().filter(|name| !existing.contains_key(**name)).map(|name| (*name).to_owned()).collect();
        let stored = if new.is_empty() {
            existing
        } else {
            // Sorted (missing is ordered), so that two processes which add the same names cannot deadlock.
            let mut tx = db.write().await?;
            tx.insert("INSERT INTO key (name)", Columns(vec![Column::Text(new)]), "ON CONFLICT (name) DO NOTHING")
                .await?;
            tx.commit().await?;
            stored(db, &missing).await?
        };
        self.remember(&stored);
        for name in missing {
            if let Some(id) = stored.get(name) {
                found.insert(name, *id);
            }
        }
        Ok(found)
    }

    /// Whether all names have been seen before.
    pub fn know<'a>(&self, names: impl Iterator<Item = &'a str>) -> bool {
        self.lookup(names).1.is_empty()
    }

    /// The id of a name that may never have been used.
    pub async fn find(&self, db: &Db, name: &str) -> Result<Option<i64>> {
        let (found, missing) = self.lookup(std::iter::once(name));
        if missing.is_empty() {
            return Ok(found.get(name).copied());
        }
        let stored = stored(db, &missing).await?;
        self.remember(&stored);
        Ok(stored.get(name).copied())
    }

    /// The ids of those of `names` that have ever been used.
    pub async fn find_all<'a>(&self, db: &Db, names: impl Iterator<Item = &'a str>) -> Result<HashMap<String, i64>> {
        let (found, missing) = self.lookup(names);
        let mut ids: HashMap<String, i64> = found.into_iter().map(|(name, id)| (name.to_owned(), id)).collect();
        if !missing.is_empty() {
            let stored = stored(db, &missing).await?;
            self.remember(&stored);
            ids.extend(stored);
        }
        Ok(ids)
    }

    fn lookup<'a>(&self, names: impl Iterator<Item = &'a str>) -> (HashMap<&'a str, i64>, BTreeSet<&'a str>) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = HashMap::new();
        let mut missing = BTreeSet::new();
        for name in names {
            match known.get(name) {
                Some(id) => drop(found.insert(name, *id)),
                None => drop(missing.insert(name)),
            }
        }
        (found, missing)
    }

    fn remember(&self, stored: &HashMap<String, i64>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() + stored.len() <= CACHED {
            known.extend(stored.iter().map(|(name, id)| (name.clone(), *id)));
        }
    }
}

async fn stored(db: &Db, names: &BTreeSet<&str>) -> Result<HashMap<String, i64>> {
    let names: Vec<&str> = names.iter().copied().collect();
    let mut found = HashMap::with_capacity(names.len());
    for part in names.chunks(512) {
        let mut statement = sql("SELECT name, id FROM key WHERE name");
        statement.bind_texts(db.dialect(), part);
        found.extend(db.all::<(String, i64)>(statement).await?);
    }
    Ok(found)
}
