//! The `windvane` program: reads the command line, starts the logs, runs, and says how it went with its exit code: 0 done,
//! 1 failed, 2 wrong usage.

use std::process::ExitCode;

use clap::Parser;
use windvane::{
    cli::{Cli, Command, UsageError},
    config::{EXAMPLE, Surroundings},
    logs, server,
};

fn main() -> ExitCode {
    match run(Cli::parse().command, &Surroundings::of_this_process()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("windvane: {error:#}");
            ExitCode::from(if error.is::<UsageError>() { 2 } else { 1 })
        }
    }
}

fn run(command: Command, surroundings: &Surroundings) -> anyhow::Result<()> {
    match command {
        Command::Server(options) => {
            let loaded = options.load(surroundings).map_err(anyhow::Error::new)?;
            logs::start(&loaded.config);
            for warning in &loaded.warnings {
                tracing::warn!("{warning}");
            }
            server::run(loaded.config)
        }
        Command::Config(options) if options.example => {
            print!("{EXAMPLE}");
            Ok(())
        }
        Command::Config(options) => {
            let loaded = options.server.load(surroundings).map_err(anyhow::Error::new)?;
            for warning in &loaded.warnings {
                eprintln!("windvane: {warning}");
            }
            print!(
                "{}",
                if options.check { "the configuration is valid\n".to_owned() } else { loaded.config.describe() }
            );
            Ok(())
        }
    }
}
