//! All integration tests, as one binary.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

mod access;
mod architecture;
mod artifacts;
mod config;
mod crash;
mod demo;
mod experiments;
mod faults;
mod files;
mod histories;
mod logged_models;
mod logging;
mod native;
mod odd_models;
mod process;
mod proxy;
mod routes;
mod runs;
mod search;
mod store;
mod support;
mod sync;
mod tls;
mod unix_sockets;
mod uploads;
mod view;
mod wire;
