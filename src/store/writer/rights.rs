//! What the callers of a group may do. On a server without accounts, and for callers with a role in all namespaces,
//! nothing is read.

use std::collections::{BTreeSet, HashMap};

use super::Work;
use crate::error::{Error, Resource, Result};
use crate::model::{Caller, Reach, Role};
use crate::store::accounts::denied;
use crate::store::db::Tx;
use crate::store::sql::sql;

/// The roles of the callers of a group in the namespaces that it is about, by principal and namespace.
#[derive(Default)]
pub(super) struct Rights(HashMap<(i64, i64), i64>);

impl Rights {
    /// Reads them, for all callers at once.
    pub async fn load(tx: &mut Tx, requests: &[(Caller, Work)], namespaces: BTreeSet<i64>) -> Result<Self> {
        let mut wanted = BTreeSet::new();
        for (caller, _) in requests {
            if let Reach::Granted { principals, .. } = caller.reach(caller.needs()) {
                wanted.extend(principals);
            }
        }
        if wanted.is_empty() || namespaces.is_empty() {
            return Ok(Rights::default());
        }
        let mut statement = sql("SELECT principal_id, namespace_id, role FROM namespace_role WHERE namespace_id");
        statement.bind_ints(tx.dialect(), &Vec::from_iter(namespaces)).push(" AND principal_id");
        statement.bind_ints(tx.dialect(), &Vec::from_iter(wanted));
        let rows: Vec<(i64, i64, i64)> = tx.all(statement).await?;
        let rights = rows.into_iter().map(|(principal, namespace, role)| ((principal, namespace), role)).collect();
        Ok(Rights(rights))
    }

    /// Refuses what the caller may not do in this namespace: as absent where they may not even see it.
    pub fn check(&self, caller: &Caller, namespace: i64, absent: impl FnOnce() -> Resource) -> Result<()> {
        let needs = caller.needs();
        if self.has(caller, namespace, needs) {
            Ok(())
        } else if self.has(caller, namespace, Role::Reader) {
            Err(denied(needs))
        } else {
            Err(Error::NotFound(absent()))
        }
    }

    fn has(&self, caller: &Caller, namespace: i64, role: Role) -> bool {
        match caller.reach(role) {
            Reach::Everywhere => true,
            Reach::Nowhere => false,
            Reach::One(only) => only == namespace,
            Reach::Granted { principals, only } => {
                only.is_none_or(|only| only == namespace)
                    && principals.iter().any(|id| self.0.get(&(*id, namespace)).is_some_and(|has| *has >= role as i64))
            }
        }
    }
}
