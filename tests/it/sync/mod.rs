//! `windvane sync`: the real program, from stores on disk to real servers, over networks that fail.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

mod cuts;
mod odds;
mod secure;
mod source;
mod windvane;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::server::Client;

pub use self::source::Draft;

/// The command, with an environment of its own: nothing is noted of earlier times, and nothing is tried again.
pub struct Sync {
    source: PathBuf,
    destination: String,
    state: tempfile::TempDir,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

/// What it did.
#[derive(Debug)]
pub struct Done {
    /// The exit code.
    pub code: i32,
    /// The report; `Null` if it ended before there was one.
    pub report: Value,
    /// What it complained of.
    pub told: String,
}

impl Sync {
    /// From a directory to a server.
    pub fn new(source: &Path, destination: &str) -> Self {
        Sync {
            source: source.to_owned(),
            destination: destination.to_owned(),
            state: tempfile::tempdir().unwrap(),
            arguments: Vec::new(),
            environment: vec![("MLFLOW_HTTP_REQUEST_MAX_RETRIES".to_owned(), "0".to_owned())],
        }
    }

    /// With more flags.
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// With a variable.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it.
    pub fn start(&self) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windvane"));
        command.env_clear().env("XDG_STATE_HOME", self.state.path()).env("TMPDIR", self.state.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.arg("sync").arg("--source").arg(&self.source).args(["--destination", &self.destination, "--json"]);
        command.args(&self.arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs it.
    pub fn run(&self) -> Done {
        Done::of(self.start().wait_with_output().unwrap())
    }
}

impl Done {
    /// What a process left.
    pub fn of(output: Output) -> Self {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!told.contains("panicked"), "{told}");
        Done {
            code: output.status.code().unwrap(),
            report: serde_json::from_slice(&output.stdout).unwrap_or_default(),
            told,
        }
    }

    /// What became of the only run.
    #[track_caller]
    pub fn only(&self) -> &Value {
        let runs = self.report["runs"].as_array().unwrap_or_else(|| panic!("no report: {self:?}"));
        assert_eq!(runs.len(), 1, "{self:?}");
        &runs[0]
    }

    /// What became of the runs, in their order.
    pub fn outcomes(&self) -> Vec<&str> {
        self.report["runs"].as_array().unwrap().iter().map(|run| run["outcome"].as_str().unwrap()).collect()
    }
}

/// What a server has of a run; `None` if it is not there.
pub fn have(client: &mut Client, run_id: &str) -> Option<Value> {
    let body = json!({ "run_id": run_id }).to_string();
    let answer = client.send_to("POST", "/api/windvane/v1/ingest/have", body.as_bytes()).unwrap();
    (answer.status != 404).then(|| answer.json())
}
