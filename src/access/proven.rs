//! What was proven a moment ago.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use sha2::{Digest, Sha256};

use super::{Credentials, FRESH};
use crate::model::Identity;

/// More proofs than this are not kept: each takes about 500 bytes.
const MAX_KEPT: usize = 10_000;

/// Stands for credentials, which themselves are not kept.
pub(super) type Key = [u8; 32];

/// Who it is, and for how long that is certain.
#[derive(Debug, Clone)]
pub(super) struct Proof {
    pub identity: Arc<Identity>,
    /// Of a password: the hash that it was found to match.
    pub password_hash: Option<String>,
    /// The token that was used.
    pub token: Option<i64>,
    /// When the credential ends, in milliseconds since the epoch.
    pub expires_ms: Option<i64>,
    pub at: Instant,
    /// How often all had to be proven anew before.
    pub then: u64,
}

impl Proof {
    pub fn new(identity: Identity) -> Self {
        let at = Instant::now();
        Proof { identity: Arc::new(identity), password_hash: None, token: None, expires_ms: None, at, then: 0 }
    }
}

/// The proofs, and the uses of tokens that were not noted yet.
#[derive(Debug, Default)]
pub(super) struct Proven {
    proofs: Mutex<HashMap<Key, Proof>>,
    /// How often all had to be proven anew.
    forgotten: AtomicU64,
    uses: Mutex<HashMap<i64, i64>>,
}

impl Proven {
    /// What is known of these credentials; may be too old to count by itself.
    pub fn find(&self, key: &Key, now_ms: i64) -> Option<Proof> {
        let proof = self.lock().get(key).cloned()?;
        proof.expires_ms.is_none_or(|end| end > now_ms).then_some(proof)
    }

    /// Whether a proof counts by itself. One that was read before all had to be proven anew does not.
    pub fn is_fresh(&self, proof: &Proof) -> bool {
        proof.then == self.now() && proof.at.elapsed() < FRESH
    }

    /// The time before something is read that is to be kept.
    pub fn now(&self) -> u64 {
        self.forgotten.load(Ordering::Acquire)
    }

    pub fn keep(&self, key: Key, proof: Proof) {
        let mut proofs = self.lock();
        if proofs.len() >= MAX_KEPT {
            proofs.retain(|_, proof| proof.at.elapsed() < FRESH);
            if proofs.len() >= MAX_KEPT {
                proofs.clear();
            }
        }
        proofs.insert(key, proof);
    }

    /// Whether these credentials were found to match this hash already, however long ago.
    pub fn is_verified(&self, key: &Key, hash: Option<&str>) -> bool {
        let proofs = self.lock();
        proofs.get(key).is_some_and(|proof| proof.password_hash.is_some() && proof.password_hash.as_deref() == hash)
    }

    /// Everything must be proven anew. That a password matches its hash stays true, or each change of an account would cost
    /// all others a look at their passwords.
    pub fn forget(&self) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
    }

    pub fn note_use(&self, proof: &Proof, now_ms: i64) {
        if let Some(token) = proof.token {
            self.note_token(token, now_ms);
        }
    }

    pub fn note_token(&self, token: i64, now_ms: i64) {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).insert(token, now_ms);
    }

    pub fn take_uses(&self) -> Vec<(i64, i64)> {
        // A look of so many at once would exceed what a statement takes.
        let uses = std::mem::take(&mut *self.uses.lock().unwrap_or_else(PoisonError::into_inner));
        uses.into_iter().take(4_096).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Proof>> {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stands for these credentials.
pub(super) fn key(credentials: &Credentials) -> Key {
    let mut hash = Sha256::new();
    let mut add = |kind: &[u8], texts: &[&str]| {
        hash.update(kind);
        for text in texts {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
    };
    match credentials {
        Credentials::None => add(b"n", &[]),
        Credentials::Password { name, password } => add(b"p", &[name, password]),
        Credentials::Bearer(text) => add(b"b", &[text]),
        Credentials::Session(cookie) => add(b"s", &[cookie]),
        Credentials::Vouched(name) => add(b"v", &[name]),
        Credentials::SystemUser(uid) => add(b"u", &[&uid.to_string()]),
    }
    hash.finalize().into()
}
