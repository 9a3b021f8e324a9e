//! Browsers that signed in.

use super::Accounts;
use crate::error::Result;
use crate::store::db::write_tx;
use crate::store::sql::sql;

/// At most this many sessions of one account; the one that ends first gives way.
const SESSIONS_PER_ACCOUNT: i64 = 20;

impl Accounts {
    /// Keeps a session of an account by the hash of its cookie, until `expires_ms` since the epoch.
    ///
    /// # Errors
    /// What the database said.
    pub async fn create_session(&self, hash: &[u8; 32], principal_id: i64, expires_ms: i64) -> Result<()> {
        write_tx!(self.db, tx => {
            let insert = sql("INSERT INTO session (hash, principal_id, expires_ms) VALUES ($1, $2, $3)");
            tx.run(insert.arg(hash.to_vec()).arg(principal_id).arg(expires_ms)).await?;
            let delete = sql("DELETE FROM session WHERE principal_id = $1 AND hash NOT IN (
                     SELECT hash FROM session WHERE principal_id = $1 ORDER BY expires_ms DESC, hash LIMIT $2)");
            tx.run(delete.arg(principal_id).arg(SESSIONS_PER_ACCOUNT)).await?;
        })
    }

    /// The account of a session, and when the session ends.
    ///
    /// # Errors
    /// What the database said.
    pub async fn find_session(&self, hash: &[u8; 32]) -> Result<Option<(i64, i64)>> {
        self.db.optional(sql("SELECT principal_id, expires_ms FROM session WHERE hash = $1").arg(hash.to_vec())).await
    }

    /// Ends a session; whether there was one.
    ///
    /// # Errors
    /// What the database said.
    pub async fn delete_session(&self, hash: &[u8; 32]) -> Result<bool> {
        write_tx!(self.db, tx => {
            tx.run(sql("DELETE FROM session WHERE hash = $1").arg(hash.to_vec())).await? > 0
        })
    }

    /// Whether a principal has a role in some namespace.
    ///
    /// # Errors
    /// What the database said.
    pub async fn has_namespaces(&self, principal_id: i64) -> Result<bool> {
        let statement = sql("SELECT role FROM namespace_role WHERE principal_id = $1 LIMIT 1").arg(principal_id);
        Ok(self.db.optional::<(i64,)>(statement).await?.is_some())
    }
}
