//! Who asks: from what a request carries to a [`Caller`](crate::model::Caller), and how people prove who they are.
//!
//! What was proven is kept for two seconds, so that a training's calls are not slowed; whatever takes an account, a token,
//! a role or a password away is in force at once on the server that did it, and within these two seconds on every other.
//! Times that are compared with stored ones come from the caller; how long something is kept is measured by the clock that
//! nobody sets.

mod jwt;
mod login;
mod password;
mod proven;
mod secret;
mod session;
mod throttle;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use self::jwt::Signer;
pub use self::login::{LOGIN_LIFETIME_MS, Refreshed};
use self::password::Hashing;
pub use self::password::{check_password, hash_password};
use self::proven::{Proof, Proven};
pub use self::secret::{TOKEN_PREFIX, fresh_token, hash_of};
use self::throttle::Throttle;
use crate::error::{Error, Result};
use crate::model::{Identity, Role};
use crate::store::{ANYONE, Accounts, EVERYONE, NewPrincipal, Principal, PrincipalKind, Token, TokenKind};
use crate::unix_users::{self, UnixUser};

/// How long it is believed that what was read of accounts is still so.
const FRESH: Duration = Duration::from_secs(2);
/// The refusal of everything that proves nothing: it does not tell what was wrong.
const REFUSED: Error = Error::Unauthenticated("the name, password or token is not accepted");
/// The refusal of a request that carries no proof where one is needed.
pub const SIGN_IN: Error = Error::Unauthenticated("this server has accounts: sign in, or send a password or a token");

/// What a request carries to prove who sent it.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    None,
    /// A name and a password, as MLflow's clients send them.
    Password {
        /// The account's name.
        name: String,
        /// The password.
        password: String,
    },
    /// A token of the API, or an access token.
    Bearer(String),
    /// The cookie of a browser that signed in.
    Session(String),
    /// Someone of whom a trusted proxy says who it is.
    Vouched(String),
    /// The user of this number of this machine, as the kernel says.
    SystemUser(u32),
}

/// The part of the server that knows people. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Access {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    accounts: Accounts,
    /// Whether accounts were seen. A server that had some never becomes open again.
    closed: AtomicBool,
    looked: Mutex<Option<Instant>>,
    proven: Proven,
    throttle: Throttle,
    hashing: Hashing,
    signer: tokio::sync::OnceCell<Signer>,
    access_token_lifetime: Duration,
}

impl Access {
    /// Knows who has an account in `accounts`; access tokens live for `access_token_lifetime`.
    pub fn new(accounts: Accounts, access_token_lifetime: Duration) -> Self {
        let inner = Inner {
            accounts,
            closed: AtomicBool::new(false),
            looked: Mutex::default(),
            proven: Proven::default(),
            throttle: Throttle::default(),
            hashing: Hashing::default(),
            signer: tokio::sync::OnceCell::new(),
            access_token_lifetime,
        };
        Access { inner: Arc::new(inner) }
    }

    /// The accounts themselves. Whoever changes them says [`forget`](Self::forget) afterwards.
    pub fn accounts(&self) -> &Accounts {
        &self.inner.accounts
    }

    /// Nothing that was proven counts any more.
    pub fn forget(&self) {
        self.inner.proven.forget();
        *self.inner.looked.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether this server has had accounts, as far as it knows.
    pub fn has_accounts(&self) -> bool {
        self.inner.closed.load(Ordering::Relaxed)
    }

    /// Whether nobody has an account, so that everybody may do everything.
    ///
    /// # Errors
    /// What the database said.
    pub async fn is_open(&self) -> Result<bool> {
        if self.has_accounts() {
            return Ok(false);
        }
        let fresh = |looked: &Option<Instant>| looked.is_some_and(|looked| looked.elapsed() < FRESH);
        if fresh(&self.inner.looked.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(true);
        }
        let exist = self.inner.accounts.exist().await?;
        *self.inner.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        if exist {
            self.inner.closed.store(true, Ordering::Relaxed);
        }
        Ok(!exist)
    }

    /// Who sent a request from `address`, which may be empty. Of [`Credentials::None`] it is anyone.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for what proves nothing; [`Error::TooManyTries`]; [`Error::Unavailable`] while too many
    /// passwords are being looked at.
    pub async fn identify(&self, credentials: &Credentials, address: &str, now_ms: i64) -> Result<Arc<Identity>> {
        let key = proven::key(credentials);
        let known = self.inner.proven.find(&key, now_ms);
        if let Some(proof) = known.as_ref().filter(|proof| self.inner.proven.is_fresh(proof)) {
            self.inner.proven.note_use(proof, now_ms);
            return Ok(proof.identity.clone());
        }
        let then = self.inner.proven.now();
        let proof = match credentials {
            Credentials::None => self.anyone().await?,
            Credentials::Password { name, password } => {
                let verified = known.and_then(|proof| proof.password_hash);
                self.by_password(name, password, address, verified).await?
            }
            Credentials::Bearer(text) if jwt::is_one(text) => self.by_access_token(text, now_ms).await?,
            Credentials::Bearer(text) => {
                let token = self.inner.accounts.find_token(&hash_of(text)).await?;
                self.by_token(token.filter(|token| token.kind == TokenKind::Api), now_ms).await?
            }
            Credentials::Session(cookie) => {
                let found = self.inner.accounts.find_session(&hash_of(cookie)).await?;
                let (account, expires_ms) = found.filter(|(_, end)| *end > now_ms).ok_or(SIGN_IN)?;
                let principal = self.inner.accounts.find_principal_by_id(account).await?.ok_or(REFUSED)?;
                Proof { expires_ms: Some(expires_ms), ..self.in_person(principal, &[]).await? }
            }
            Credentials::Vouched(name) => self.in_person(self.account_for(name, now_ms).await?, &[]).await?,
            Credentials::SystemUser(uid) => self.by_system_user(*uid, now_ms).await?,
        };
        self.inner.proven.note_use(&proof, now_ms);
        let identity = proof.identity.clone();
        self.inner.proven.keep(key, Proof { then, ..proof });
        Ok(identity)
    }

    /// Notes when tokens were used, and removes what ended long ago.
    ///
    /// # Errors
    /// What the database said.
    pub async fn note_uses(&self, now_ms: i64) -> Result<()> {
        const KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
        let uses = self.inner.proven.take_uses();
        if uses.is_empty() {
            return Ok(());
        }
        self.inner.accounts.note_token_uses(&uses, now_ms - KEPT_MS).await
    }

    /// Who did not sign in: someone where anyone may see something.
    async fn anyone(&self) -> Result<Proof> {
        let (principals, site_role) = self.inner.accounts.belonging(&[ANYONE], &[]).await?;
        if site_role.is_none() && !self.inner.accounts.has_namespaces(ANYONE).await? {
            return Err(SIGN_IN);
        }
        let identity = Identity {
            account: None,
            name: "anyone".to_owned(),
            display_name: String::new(),
            email: String::new(),
            principals,
            site_role,
            at_most: Role::Reader,
            only: None,
            in_person: false,
        };
        Ok(Proof::new(identity))
    }

    async fn by_password(&self, name: &str, password: &str, address: &str, verified: Option<String>) -> Result<Proof> {
        let found = self.inner.accounts.find_with_password(name).await?;
        let (principal, hash) = found.filter(|(principal, _)| principal.kind.is_account()).unzip();
        let hash = hash.flatten();
        if verified.is_none() || verified != hash {
            self.verify(name, password, address, hash.as_deref()).await?;
        }
        let proof = self.in_person(principal.ok_or(REFUSED)?, &[]).await?;
        Ok(Proof { password_hash: hash, ..proof })
    }

    /// Looks at a password, of an account that may not exist: it takes as long, and is refused as any other.
    async fn verify(&self, name: &str, password: &str, address: &str, hash: Option<&str>) -> Result<()> {
        if password.len() > password::LONGEST {
            return Err(REFUSED);
        }
        let throttled = throttle::key(name, address);
        self.inner.throttle.check(throttled)?;
        let turn = self.inner.hashing.turn().await?;
        // All ranks of a job send the same: one of them is looked at.
        let key = proven::key(&Credentials::Password { name: name.to_owned(), password: password.to_owned() });
        if self.inner.proven.is_verified(&key, hash) {
            return Ok(());
        }
        // Those that waited together were not counted when they came.
        self.inner.throttle.check(throttled)?;
        if Hashing::matches(&turn, password, hash).await? {
            self.inner.throttle.forget(throttled);
            Ok(())
        } else {
            self.inner.throttle.fail(throttled);
            Err(REFUSED)
        }
    }

    async fn by_token(&self, token: Option<Token>, now_ms: i64) -> Result<Proof> {
        let token = token.filter(|token| token.expires_ms.is_none_or(|end| end > now_ms)).ok_or(REFUSED)?;
        let principal = self.inner.accounts.find_principal_by_id(token.principal_id).await?.ok_or(REFUSED)?;
        let proof = self.in_person(principal, &[]).await?;
        let mut identity = Identity::clone(&proof.identity);
        (identity.at_most, identity.only, identity.in_person) = (token.at_most, token.experiment_id, false);
        let proof = Proof { token: Some(token.id), expires_ms: token.expires_ms, ..Proof::new(identity) };
        Ok(proof)
    }

    /// A user of this machine: by the account of this name, or as a member of a group that has a role. Other users are asked
    /// to sign in. The system may have to ask a directory service.
    async fn by_system_user(&self, uid: u32, now_ms: i64) -> Result<Proof> {
        let found = tokio::task::spawn_blocking(move || unix_users::find(uid)).await.map_err(Error::internal)?;
        let UnixUser { name, groups } = found.ok_or(SIGN_IN)?;
        let account = match self.inner.accounts.find_principal(&name).await? {
            Some(principal) => principal,
            // Of the groups' roles only those are told of that belong to no class.
            None if self.inner.accounts.belonging(&[], &groups).await?.0.is_empty() => return Err(SIGN_IN),
            None => self.account_for(&name, now_ms).await?,
        };
        self.in_person(account, &groups).await
    }

    async fn by_access_token(&self, text: &str, now_ms: i64) -> Result<Proof> {
        let claims = self.signer().await?.verify(text).filter(|claims| claims.expires_ms > now_ms).ok_or(REFUSED)?;
        let token = self.inner.accounts.find_token_by_id(claims.token).await?;
        let token = token.filter(|token| token.kind == TokenKind::Login && token.principal_id == claims.account);
        Ok(Proof { expires_ms: Some(claims.expires_ms), ..self.by_token(token, now_ms).await? })
    }

    /// The account itself, as far as its roles go.
    async fn in_person(&self, principal: Principal, groups: &[String]) -> Result<Proof> {
        if !principal.kind.is_account() {
            return Err(REFUSED);
        }
        let (principals, site_role) = self.inner.accounts.belonging(&[ANYONE, EVERYONE, principal.id], groups).await?;
        Ok(Proof::new(Identity {
            account: Some(principal.id),
            name: principal.name,
            display_name: principal.display_name,
            email: principal.email,
            principals,
            site_role,
            at_most: Role::Admin,
            only: None,
            in_person: true,
        }))
    }

    /// The account of someone of whom others say who it is; made when it is seen first, without a role of its own.
    async fn account_for(&self, name: &str, now_ms: i64) -> Result<Principal> {
        if let Some(principal) = self.inner.accounts.find_principal(name).await? {
            return Ok(principal);
        }
        crate::validate::account_name(name)?;
        let new = NewPrincipal::named(name, PrincipalKind::Person);
        match self.inner.accounts.create_principal(&new, now_ms).await {
            Ok(_) | Err(Error::Exists(_)) => {}
            Err(error) => return Err(error),
        }
        self.inner.accounts.find_principal(name).await?.ok_or(REFUSED)
    }

    async fn signer(&self) -> Result<&Signer> {
        self.inner
            .signer
            .get_or_try_init(async || {
                let key = self.inner.accounts.secret("access tokens", secret::random()?).await?;
                Ok(Signer::new(key))
            })
            .await
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never what they say: this may be logged.
        out.write_str(match self {
            Credentials::None => "None",
            Credentials::Password { .. } => "Password",
            Credentials::Bearer(_) => "Bearer",
            Credentials::Session(_) => "Session",
            Credentials::Vouched(_) => "Vouched",
            Credentials::SystemUser(_) => "SystemUser",
        })
    }
}
