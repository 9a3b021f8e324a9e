//! All integration tests, as one binary.

mod architecture;
mod artifacts;
mod config;
mod experiments;
mod histories;
mod logging;
mod process;
mod routes;
mod runs;
mod search;
mod store;
mod support;
