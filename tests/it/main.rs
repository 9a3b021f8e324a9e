//! All integration tests, as one binary.

mod artifacts;
mod config;
mod process;
mod support;
