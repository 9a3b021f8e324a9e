//! Passwords: argon2id with the parameters that OWASP names as a minimum (19 MiB, two passes), on threads of its own and
//! few at a time, so that a flood of them takes neither the processors nor the memory.

use std::sync::LazyLock;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::{Error, Result};

/// The fewest and the most characters of a password. The most keeps hashing cheap.
const LENGTHS: std::ops::RangeInclusive<usize> = 12..=256;
/// Nothing longer is a password, in bytes: it is not looked at.
pub(super) const LONGEST: usize = 1_024;
/// How many passwords are looked at together.
const AT_ONCE: usize = 2;
/// How long one waits for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);

/// Looked at where there is no account, so that this takes as long.
static NOBODYS: LazyLock<Option<String>> = LazyLock::new(|| hash_password("nobody has this").ok());

/// Refuses a password that is easily guessed. `field` is what its user calls it.
///
/// # Errors
/// [`Error::Invalid`] with the rule. The password is not repeated.
pub fn check_password(field: &str, name: &str, password: &str) -> Result<()> {
    let length = password.chars().count();
    let problem = if !LENGTHS.contains(&length) || password.len() > LONGEST {
        format!("has {length} characters; {} to {} are allowed", LENGTHS.start(), LENGTHS.end())
    } else if password.contains('\0') {
        "contains a NUL character; every other is allowed".to_owned()
    } else if password.to_lowercase().contains(&name.to_lowercase()) && name.chars().count() > 3 {
        "contains the account's name; choose one that does not".to_owned()
    } else if password.chars().collect::<std::collections::HashSet<_>>().len() < 5 {
        "repeats few characters; use at least five different ones".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::Invalid(format!("'{field}' {problem}")))
}

/// The hash of a password in PHC form, with a salt of its own. Takes tens of milliseconds.
///
/// # Errors
/// Where the system has no randomness.
pub fn hash_password(password: &str) -> Result<String> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    Ok(hash.map_err(|error| Error::internal(anyhow::anyhow!("cannot hash a password: {error}")))?.to_string())
}

/// The turns of passwords to be looked at.
#[derive(Debug)]
pub(super) struct Hashing(Semaphore);

impl Default for Hashing {
    fn default() -> Self {
        Hashing(Semaphore::new(AT_ONCE))
    }
}

impl Hashing {
    /// Waits for the turn of a password to be looked at.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where that takes too long.
    pub async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        let turn = tokio::time::timeout(TURN_TIMEOUT, self.0.acquire()).await;
        let turn = turn.map_err(|_| Error::Unavailable("too many people sign in at once; try again"))?;
        turn.map_err(Error::internal)
    }

    /// Whether a password matches a hash; false if there is none, which takes as long.
    pub async fn matches(_turn: &SemaphorePermit<'_>, password: &str, hash: Option<&str>) -> Result<bool> {
        let (password, hash) = (password.to_owned(), hash.map(str::to_owned));
        let look = move || {
            let is_there = hash.is_some();
            let hash = hash.as_deref().or(NOBODYS.as_deref()).unwrap_or_default();
            let hash =
                PasswordHash::new(hash).map_err(|error| anyhow::anyhow!("a password hash is broken: {error}"))?;
            Ok(is_there & Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
        };
        tokio::task::spawn_blocking(look).await.map_err(Error::internal)?.map_err(Error::Internal)
    }

    /// The hash of a new password, in its turn.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let _turn = self.0.acquire().await.map_err(Error::internal)?;
        let password = password.to_owned();
        tokio::task::spawn_blocking(move || hash_password(&password)).await.map_err(Error::internal)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_is_easily_guessed_is_refused_without_being_repeated() {
        for password in ["", "short", "elevenchars", "aaaaaaaaaaaaaaa", "alice-in-wonderland", "with\0a nul in it"] {
            let error = check_password("password", "Alice", password).unwrap_err().to_string();
            assert!(error.starts_with("'password' ") && (password.is_empty() || !error.contains(password)), "{error}");
        }
        assert!(check_password("password", "alice", &"x1yz!".repeat(60)).is_err());
        for password in ["correct horse battery", "päßwörter sind länger", "al is no part of it"] {
            check_password("password", "al", password).unwrap();
        }
    }

    #[tokio::test]
    async fn only_the_password_itself_matches_its_hash() {
        let hash = hash_password("correct horse battery").unwrap();
        let hashing = Hashing::default();
        let turn = hashing.turn().await.unwrap();

        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(Hashing::matches(&turn, "correct horse battery", Some(&hash)).await.unwrap());
        assert!(!Hashing::matches(&turn, "correct horse batterx", Some(&hash)).await.unwrap());
        assert!(!Hashing::matches(&turn, "nobody has this", None).await.unwrap());
    }
}
