//! The store as its callers see it: every public method, with the same assertions on SQLite and on PostgreSQL.

mod changes;
mod compaction;
mod concurrency;
mod experiments;
mod logging;
mod opening;
mod properties;
mod reading;
mod runs;
mod search_model;
mod search_pages;
mod search_plans;
mod searching;
mod searching_experiments;
mod statements;
pub mod support;
mod tables;
