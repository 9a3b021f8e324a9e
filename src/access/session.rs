//! Browsers that signed in. A session is a text that nobody can guess, made anew at every sign-in, of which only the hash is
//! kept.

use super::{Access, REFUSED, fresh_token, hash_of};
use crate::error::Result;

/// For how long one stays signed in.
const LIFETIME_MS: i64 = 24 * 60 * 60 * 1_000;

impl Access {
    /// Signs someone in by a password: the cookie of a new session. The one that the browser had ends.
    ///
    /// # Errors
    /// Those of [`identify`](Self::identify).
    pub async fn sign_in(
        &self,
        name: &str,
        password: &str,
        address: &str,
        former: Option<&str>,
        now_ms: i64,
    ) -> Result<String> {
        let proof = self.by_password(name, password, address, None).await?;
        let account = proof.identity.account.ok_or(REFUSED)?;
        let cookie = fresh_token()?;
        if let Some(former) = former {
            self.sign_out(former).await?;
        }
        self.inner.accounts.create_session(&hash_of(&cookie), account, now_ms + LIFETIME_MS).await?;
        // One too many has ended another.
        self.forget();
        Ok(cookie)
    }

    /// Ends the session of a cookie; that there is none is fine.
    ///
    /// # Errors
    /// What the database said.
    pub async fn sign_out(&self, cookie: &str) -> Result<()> {
        if self.inner.accounts.delete_session(&hash_of(cookie)).await? {
            self.forget();
        }
        Ok(())
    }

    /// Changes the password of an account whose present one is proven. All its sessions end.
    ///
    /// # Errors
    /// Those of [`identify`](Self::identify), and [`Error::Invalid`](crate::error::Error::Invalid) for one that is easily
    /// guessed.
    pub async fn change_password(&self, name: &str, password: &str, new: &str, address: &str) -> Result<()> {
        self.by_password(name, password, address, None).await?;
        super::check_password("new_password", name, new)?;
        let password_hash = Some(self.inner.hashing.hash(new).await?);
        let change = crate::store::AccountChange { password_hash, ..Default::default() };
        self.inner.accounts.change_account(name, &change).await?;
        self.forget();
        Ok(())
    }

    /// The hash of a new password, made in its turn.
    ///
    /// # Errors
    /// Where the system has no randomness.
    pub async fn hash(&self, password: &str) -> Result<String> {
        self.inner.hashing.hash(password).await
    }
}
