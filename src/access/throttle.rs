//! Guessing passwords takes ever longer. Name and address count together: everybody behind a tunnel has the same address,
//! and nobody shall be able to lock another out.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// So many failures cost nothing: people mistype.
const FREE: u32 = 4;
/// The longest delay.
const LONGEST: Duration = Duration::from_secs(5 * 60);
/// Failures are forgotten after this time without one.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);
/// The most names and addresses that are remembered.
const MAX_KEPT: usize = 50_000;

/// The failures.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<HashMap<u64, Failures>>);

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Failures {
    fn delay(&self) -> Duration {
        match self.count.checked_sub(FREE) {
            None => Duration::ZERO,
            Some(over) => LONGEST.min(Duration::from_secs(1 << over.min(16))),
        }
    }
}

/// Stands for a name at an address. Whoever has one address of this node, or of a network of IPv6, has them all.
pub(super) fn key(name: &str, address: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    match address.parse().map(|address: IpAddr| address.to_canonical()) {
        Ok(address) if address.is_loopback() => Ipv4Addr::LOCALHOST.hash(&mut hasher),
        Ok(IpAddr::V4(address)) => address.hash(&mut hasher),
        Ok(IpAddr::V6(address)) => address.segments()[..4].hash(&mut hasher),
        Err(_) => address.hash(&mut hasher),
    }
    hasher.finish()
}

impl Throttle {
    /// Refuses to look at a password before its time.
    pub fn check(&self, key: u64) -> Result<()> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        let wait = failures.map_or(Duration::ZERO, |failures| failures.delay().saturating_sub(failures.last.elapsed()));
        if wait.is_zero() { Ok(()) } else { Err(Error::TooManyTries { retry_after_s: wait.as_secs() + 1 }) }
    }

    pub fn fail(&self, key: u64) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, failures| failures.last.elapsed() < REMEMBERED);
        }
        // Those that are only mistyped give way to those that are guessed.
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, failures| failures.count > FREE);
        }
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        let failures = kept.entry(key).or_insert(Failures { count: 0, last: Instant::now() });
        let count = if failures.last.elapsed() < REMEMBERED { failures.count + 1 } else { 1 };
        *failures = Failures { count, last: Instant::now() };
    }

    pub fn forget(&self, key: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_grows_for_a_name_at_an_address_and_for_nobody_else() {
        let throttle = Throttle::default();
        let guessed = key("alice", "10.0.0.1");
        let mut delays = Vec::new();
        for _ in 0..3 {
            throttle.fail(guessed);
            throttle.check(guessed).unwrap();
        }
        for _ in 3..20 {
            throttle.fail(guessed);
            delays.push(throttle.0.lock().unwrap()[&guessed].delay().as_secs());
        }

        assert_eq!(delays[..9], [1, 2, 4, 8, 16, 32, 64, 128, 256]);
        assert_eq!(delays[9..], [LONGEST.as_secs(); 8]);
        assert!(matches!(throttle.check(guessed), Err(Error::TooManyTries { retry_after_s: 1.. })));
        throttle.check(key("alice", "10.0.0.2")).unwrap();
        assert_eq!(key("alice", "127.0.0.1"), key("alice", "127.9.9.9"));
        assert_eq!(key("alice", "2001:db8::1"), key("alice", "2001:db8::ffff:1"));
        assert_ne!(key("alice", "2001:db8::1"), key("alice", "2001:db8:0:1::1"));
        throttle.check(key("bob", "10.0.0.1")).unwrap();
        throttle.forget(guessed);
        throttle.check(guessed).unwrap();
    }
}
