//! All integration tests, as one binary.

mod architecture;
mod artifacts;
mod config;
mod experiments;
mod logging;
mod process;
mod routes;
mod runs;
mod store;
mod support;
