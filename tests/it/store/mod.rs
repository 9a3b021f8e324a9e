//! The store as its callers see it: every public method, with the same assertions on SQLite and on PostgreSQL.

mod compaction;
mod concurrency;
mod experiments;
mod logging;
mod opening;
mod properties;
mod reading;
mod runs;
mod searching;
mod statements;
pub mod support;
