//! Anemoi's login (`anemoi.md` section 4): a login token that is kept for a month, and access tokens made of it.

use std::time::Duration;

use super::jwt::Claims;
use super::{Access, hash_of};
use crate::error::Result;
use crate::store::TokenKind;

/// How long a login token lives after it was used last: Anemoi believes that it is 29 days.
pub const LOGIN_LIFETIME_MS: i64 = 31 * 24 * 60 * 60 * 1_000;
/// A token that would live longer than this is not prolonged: 256 ranks that come together write nothing.
const PROLONGED_BELOW_MS: i64 = LOGIN_LIFETIME_MS - 24 * 60 * 60 * 1_000;

/// An access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refreshed {
    /// The access token.
    pub access_token: String,
    /// For how long it is accepted.
    pub expires_in: Duration,
}

impl Access {
    /// An access token for a login token, which may be used as often as one likes and lives on by being used. `None` for
    /// one that is not accepted. On an open server everyone gets one, which nobody looks at.
    ///
    /// # Errors
    /// What the database said.
    pub async fn refresh(&self, login_token: &str, now_ms: i64) -> Result<Option<Refreshed>> {
        let lifetime = self.inner.access_token_lifetime;
        let claims = if self.is_open().await? {
            Claims {
                account: 0,
                token: 0,
                user: "anyone".to_owned(),
                name: "anyone".to_owned(),
                email: String::new(),
                issued_ms: now_ms,
                expires_ms: now_ms + lifetime.as_millis() as i64,
            }
        } else {
            let found = self.inner.accounts.find_token(&hash_of(login_token)).await?;
            let is_good = |end: Option<i64>| end.is_none_or(|end| end > now_ms);
            let Some(token) = found.filter(|token| token.kind == TokenKind::Login && is_good(token.expires_ms)) else {
                return Ok(None);
            };
            let Some(principal) = self.inner.accounts.find_principal_by_id(token.principal_id).await? else {
                return Ok(None);
            };
            if token.expires_ms.is_some_and(|end| end < now_ms + PROLONGED_BELOW_MS) {
                self.inner.accounts.prolong_token(token.id, now_ms + LOGIN_LIFETIME_MS).await?;
            }
            self.inner.proven.note_token(token.id, now_ms);
            let name = if principal.display_name.is_empty() { &principal.name } else { &principal.display_name };
            Claims {
                account: principal.id,
                token: token.id,
                name: name.clone(),
                user: principal.name,
                email: principal.email,
                issued_ms: now_ms,
                expires_ms: now_ms + lifetime.as_millis() as i64,
            }
        };
        let access_token = self.signer().await?.sign(&claims);
        Ok(Some(Refreshed { access_token, expires_in: lifetime }))
    }
}
