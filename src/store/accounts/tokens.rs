//! Tokens, which stand for accounts. Their texts are never here.

use super::roles::must_exist;
use super::{Accounts, role, unknown};
use crate::error::{Error, Resource, Result};
use crate::model::Role;
use crate::store::db::write_tx;
use crate::store::sql::sql;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// For requests, as they are.
    Api = 1,
    /// For `/refreshtoken`, which makes short-lived access tokens of it.
    Login = 2,
}

impl TokenKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            TokenKind::Api => "api",
            TokenKind::Login => "login",
        }
    }
}

/// A token that does not exist yet.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The account.
    pub principal_id: i64,
    /// What it is for.
    pub kind: TokenKind,
    /// What its owner calls it.
    pub name: String,
    /// The SHA-256 of its text.
    pub hash: [u8; 32],
    /// The greatest role that it allows.
    pub at_most: Role,
    /// The only namespace that it is for.
    pub experiment_id: Option<i64>,
    /// When it ends, in milliseconds since the epoch.
    pub expires_ms: Option<i64>,
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The number.
    pub id: i64,
    /// The account.
    pub principal_id: i64,
    /// The name of the account.
    pub principal: String,
    /// What it is for.
    pub kind: TokenKind,
    /// What its owner calls it.
    pub name: String,
    /// The greatest role that it allows.
    pub at_most: Role,
    /// The only namespace that it is for.
    pub experiment_id: Option<i64>,
    /// When it was made, in milliseconds since the epoch.
    pub created_ms: i64,
    /// When it ends.
    pub expires_ms: Option<i64>,
    /// When it was used last, within a minute.
    pub last_used_ms: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct TokenRow {
    id: i64,
    principal_id: i64,
    principal: String,
    kind: i64,
    name: String,
    at_most: i64,
    experiment_id: Option<i64>,
    created_ms: i64,
    expires_ms: Option<i64>,
    last_used_ms: Option<i64>,
}

impl TokenRow {
    fn token(self) -> Result<Token> {
        let kind = match self.kind {
            1 => TokenKind::Api,
            2 => TokenKind::Login,
            other => return Err(unknown("kind of a token", other)),
        };
        Ok(Token {
            id: self.id,
            principal_id: self.principal_id,
            principal: self.principal,
            kind,
            name: self.name,
            at_most: role(self.at_most)?,
            experiment_id: self.experiment_id,
            created_ms: self.created_ms,
            expires_ms: self.expires_ms,
            last_used_ms: self.last_used_ms,
        })
    }
}

const TOKEN: &str = "SELECT t.id, t.principal_id, p.name AS principal, t.kind, t.name, t.at_most, t.experiment_id,
         t.created_ms, t.expires_ms, t.last_used_ms
     FROM token t JOIN principal p ON p.id = t.principal_id";

impl Accounts {
    /// Keeps a token and answers its number.
    ///
    /// # Errors
    /// [`Error::NotFound`] where the account is gone.
    pub async fn create_token(&self, new: &NewToken, now_ms: i64) -> Result<i64> {
        write_tx!(self.db, tx => {
            if let Some(experiment_id) = new.experiment_id {
                must_exist(&mut tx, experiment_id).await?;
            }
            let insert = sql("INSERT INTO token
                     (principal_id, kind, name, hash, at_most, experiment_id, created_ms, expires_ms)
                 SELECT id, $2, $3, $4, $5, $6, $7, $8 FROM principal WHERE id = $1 RETURNING id");
            let insert = insert.arg(new.principal_id).arg(new.kind as i64).arg(new.name.as_str());
            let insert = insert.arg(new.hash.to_vec()).arg(new.at_most as i64).arg(new.experiment_id);
            let Some((id,)) = tx.optional::<(i64,)>(insert.arg(now_ms).arg(new.expires_ms)).await? else {
                return Err(super::no_principal("?"));
            };
            id
        })
    }

    /// The token of this hash, expired or not.
    ///
    /// # Errors
    /// What the database said.
    pub async fn find_token(&self, hash: &[u8; 32]) -> Result<Option<Token>> {
        let mut statement = sql(TOKEN);
        statement.push(" WHERE t.hash = ").bind(hash.to_vec());
        self.db.optional::<TokenRow>(statement).await?.map(TokenRow::token).transpose()
    }

    /// The token of this number, expired or not.
    ///
    /// # Errors
    /// What the database said.
    pub async fn find_token_by_id(&self, id: i64) -> Result<Option<Token>> {
        let mut statement = sql(TOKEN);
        statement.push(" WHERE t.id = ").bind(id);
        self.db.optional::<TokenRow>(statement).await?.map(TokenRow::token).transpose()
    }

    /// The tokens of an account, or of all accounts; the newest first.
    ///
    /// # Errors
    /// What the database said.
    pub async fn list_tokens(&self, principal_id: Option<i64>) -> Result<Vec<Token>> {
        let mut statement = sql(TOKEN);
        if let Some(principal_id) = principal_id {
            statement.push(" WHERE t.principal_id = ").bind(principal_id);
        }
        statement.push(" ORDER BY t.id DESC");
        self.db.all::<TokenRow>(statement).await?.into_iter().map(TokenRow::token).collect()
    }

    /// Ends a token, if it is of this account where one is named.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a token.
    pub async fn revoke_token(&self, id: i64, principal_id: Option<i64>) -> Result<()> {
        write_tx!(self.db, tx => {
            let mut delete = sql("DELETE FROM token WHERE id = ");
            delete.bind(id);
            if let Some(principal_id) = principal_id {
                delete.push(" AND principal_id = ").bind(principal_id);
            }
            if tx.run(delete).await? == 0 {
                return Err(Error::NotFound(Resource::Token(id)));
            }
        })
    }

    /// Notes when tokens were used, as (number, time in milliseconds), and removes what ended `ended_before_ms`.
    ///
    /// # Errors
    /// What the database said.
    pub async fn note_token_uses(&self, uses: &[(i64, i64)], ended_before_ms: i64) -> Result<()> {
        write_tx!(self.db, tx => {
            if !uses.is_empty() {
                let mut update = sql("WITH used (id, used_ms) AS (");
                update.bind_pairs(tx.dialect(), uses);
                update.push(") UPDATE token SET last_used_ms = (SELECT max(u.used_ms) FROM used u WHERE u.id = token.id)
                     WHERE id IN (SELECT id FROM used)");
                tx.run(update).await?;
            }
            tx.run(sql("DELETE FROM token WHERE expires_ms < $1").arg(ended_before_ms)).await?;
            tx.run(sql("DELETE FROM session WHERE expires_ms < $1").arg(ended_before_ms)).await?;
        })
    }

    /// Moves the end of a token to `expires_ms`, if that is later.
    ///
    /// # Errors
    /// What the database said.
    pub async fn prolong_token(&self, id: i64, expires_ms: i64) -> Result<()> {
        write_tx!(self.db, tx => {
            let update = sql("UPDATE token SET expires_ms = $1 WHERE id = $2 AND expires_ms < $1");
            tx.run(update.arg(expires_ms).arg(id)).await?;
        })
    }
}
