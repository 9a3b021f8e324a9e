//! Windvane: a tracking server that speaks MLflow's REST API.
//!
//! Read first: `docs/ARCHITECTURE.md`. A request travels from [`http`] to [`store`] and back; [`model`] is what both
//! speak of. [`cli`] and [`server`] put the process around them.

pub mod access;
pub mod artifacts;
pub mod cli;
pub mod config;
pub mod demo;
pub mod digest;
pub mod error;
pub mod files;
pub mod http;
pub mod ingest;
pub mod lineage;
pub mod logs;
pub mod manage;
pub mod model;
pub mod offline;
pub mod run_name;
pub mod search;
pub mod server;
pub mod state;
pub mod store;
pub mod sync;
pub mod telemetry;
pub mod unix_users;
pub mod validate;
pub mod view;
