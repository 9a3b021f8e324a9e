//! The store as its callers see it: every public method, with the same assertions on SQLite and on PostgreSQL.

mod access;
mod artifacts;
mod changes;
mod compaction;
mod concurrency;
mod curves;
mod documents;
mod experiments;
mod lineage;
mod logged_models;
mod logging;
mod migrations;
mod model_search;
mod opening;
mod properties;
mod reading;
mod run_changes;
mod runs;
mod search_model;
mod search_pages;
mod search_plans;
mod searching;
mod searching_experiments;
mod statements;
pub mod support;
mod tables;
mod trees;
