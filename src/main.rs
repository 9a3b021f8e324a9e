//! The `windvane` program: reads the command line, starts the logs, runs, and says how it went with its exit code: 0 done,
//! 1 failed, 2 wrong usage, 3 some of it failed.

use std::process::ExitCode;

use clap::Parser;
use windvane::{
    cli::{Cli, Command, DemoOptions, StoreFlags, UsageError},
    config::{ClientSettings, ConfigError, EXAMPLE, Surroundings},
    demo, http, logs, manage, server,
    state::system_clock,
    sync, view,
};

fn main() -> ExitCode {
    match run(Cli::parse().command, &Surroundings::of_this_process()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("windvane: {error:#}");
            ExitCode::from(if error.is::<UsageError>() || error.is::<ConfigError>() { 2 } else { 1 })
        }
    }
}

/// Runs a command about accounts on the database that these flags name.
fn manage(command: manage::Command, flags: &StoreFlags, surroundings: &Surroundings) -> anyhow::Result<()> {
    let loaded = flags.options().load(surroundings).map_err(anyhow::Error::new)?;
    command.must_find(&loaded.config)?;
    server::prepare(&loaded.config)?;
    manage::run(command, &loaded.config, &system_clock())
}

/// Fills an empty store with the example, and says how to look at it.
fn make_demo(options: &DemoOptions, surroundings: &Surroundings) -> anyhow::Result<()> {
    let config = options.store.options().load(surroundings).map_err(anyhow::Error::new)?.config;
    let _claim = server::claim(&config)?;
    let made = demo::run(&config, options.at_ms.unwrap_or_else(|| system_clock()()))?;
    println!("made {made}\nlook at them with: {}", options.store.server_line());
    Ok(())
}

fn run(command: Command, surroundings: &Surroundings) -> anyhow::Result<ExitCode> {
    match command {
        Command::Sync(flags) => {
            return sync::run(&flags.options(), &ClientSettings::load(surroundings)?).map(ExitCode::from);
        }
        Command::View(flags) => view::run(&flags.options(), surroundings, &ClientSettings::load(surroundings)?)?,
        Command::Server(options) => {
            let loaded = options.load(surroundings).map_err(anyhow::Error::new)?;
            logs::start(&loaded.config);
            for warning in &loaded.warnings {
                tracing::warn!("{warning}");
            }
            server::run(loaded.config)?;
        }
        Command::User(options) => manage(manage::Command::User(options.command), &options.store, surroundings)?,
        Command::Token(options) => manage(manage::Command::Token(options.command), &options.store, surroundings)?,
        Command::Role(options) => manage(manage::Command::Role(options.command), &options.store, surroundings)?,
        Command::Demo(options) => make_demo(&options, surroundings)?,
        Command::Config(options) if options.example => print!("{EXAMPLE}"),
        Command::Config(options) if options.permissions => print!("{}", http::routes::describe(&http::table())),
        Command::Config(options) => {
            let loaded = options.server.load(surroundings).map_err(anyhow::Error::new)?;
            for warning in &loaded.warnings {
                eprintln!("windvane: {warning}");
            }
            let valid = || "the configuration is valid\n".to_owned();
            print!("{}", if options.check { valid() } else { loaded.config.describe() });
        }
    }
    Ok(ExitCode::SUCCESS)
}
