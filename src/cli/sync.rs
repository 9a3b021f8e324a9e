//! The commands about runs that were logged offline: `sync`, whose flags are those of `anemoi-training mlflow sync`, and `view`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use crate::sync::SyncOptions;
use crate::view::ViewOptions;

/// `windvane sync`
#[derive(Debug, Args)]
pub struct SyncFlags {
    /// Where the runs are: an mlruns directory (Anemoi's save_dir), an mlflow.db or its directory, a Windvane data directory
    #[arg(short, long, value_name = "SOURCE", value_parser = NonEmptyStringValueParser::new())]
    source: String,
    /// The server: http://…, https://… or unix:PATH [default: MLFLOW_TRACKING_URI]
    #[arg(short, long, value_name = "URI", value_parser = NonEmptyStringValueParser::new())]
    destination: Option<String>,
    /// A run by its id; may be given several times [default: every run]
    #[arg(short, long = "run-id", value_name = "RUN", value_parser = NonEmptyStringValueParser::new())]
    run_ids: Vec<String>,
    /// The experiment that all runs go to [default: for each run the one named in its source]
    #[arg(short, long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    experiment_name: Option<String>,
    /// Send deleted runs too; they arrive in the trash
    #[arg(short = 'x', long)]
    export_deleted_runs: bool,
    /// Tell of unchanged runs too
    #[arg(short, long)]
    verbose: bool,
    /// Send nothing; tell what would be sent
    #[arg(long)]
    dry_run: bool,
    /// Write what was done to standard output as one JSON object
    #[arg(long)]
    json: bool,
    /// How many runs are sent at once
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: u8,
    /// Where the artifacts of an MLflow database are, if not beside it
    #[arg(long, value_name = "DIR")]
    artifacts: Option<PathBuf>,
}

impl SyncFlags {
    /// What they mean.
    pub fn options(self) -> SyncOptions {
        SyncOptions {
            source: self.source,
            artifacts: self.artifacts,
            destination: self.destination,
            run_ids: self.run_ids,
            experiment: self.experiment_name,
            with_deleted: self.export_deleted_runs,
            dry_run: self.dry_run,
            verbose: self.verbose,
            json: self.json,
            jobs: usize::from(self.jobs),
        }
    }
}

/// `windvane view`
#[derive(Debug, Args)]
pub struct ViewFlags {
    /// Where the runs are: an mlruns directory (Anemoi's save_dir), an mlflow.db or its directory, a Windvane data directory
    source: String,
    /// Address to show them at: a port of this node, or unix:PATH, which only your own account can use
    #[arg(long, value_name = "ADDR:PORT or unix:PATH", default_value = "127.0.0.1:0")]
    listen: String,
    /// Where the artifacts of an MLflow database are, if not beside it
    #[arg(long, value_name = "DIR")]
    artifacts: Option<PathBuf>,
}

impl ViewFlags {
    /// What they mean.
    pub fn options(self) -> ViewOptions {
        ViewOptions { source: self.source, artifacts: self.artifacts, listen: self.listen }
    }
}
