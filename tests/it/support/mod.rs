//! What tests of the router share: databases to run on, the whole server without a port, and readable replies.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

mod app;
mod database;
pub mod disk;
pub mod http;
pub mod ledger;
mod reply;
pub mod server;

pub use app::{App, START_MS, app, app_with, points};
pub use database::{Database, databases};
pub use reply::Reply;

/// As insta's macro, but a test may assert the same text for each database.
macro_rules! assert_snapshot {
    ($reply:expr, @$expected:literal) => {
        match &$reply {
            reply => insta::allow_duplicates! { insta::assert_snapshot!(reply, @$expected) },
        }
    };
}
pub(crate) use assert_snapshot;

/// A variable of the environment that tests run in; empty is as good as absent.
#[expect(clippy::disallowed_methods, reason = "tests are told by their environment what there is")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
