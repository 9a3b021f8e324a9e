//! How a run arrives that was logged elsewhere: what have you of it, and take these parts (docs/API.md, "Ingest").
//!
//! The types are what goes over the wire, for the server that answers and for the client that asks. The functions are
//! what the server does, for whoever asks it: HTTP, or a part of this process that follows a source.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::artifacts::ArtifactStore;
use crate::artifacts::location::Owner;
use crate::digest::hexadecimal;
use crate::error::{Error, Resource, Result};
use crate::model::{Caller, KeyValue, RunInfo};
use crate::store::{Inventory, NewRun, SeriesSummary, Store};

/// Files of one answer.
pub const FILES_PER_PAGE: usize = 10_000;
/// Runs of one question after their states.
pub const MAX_RUNS: usize = 1_000;
/// The largest body that brings parts, in bytes, unpacked.
pub const MAX_PARTS_BYTES: usize = 4 * 1024 * 1024;

/// A number that JSON may lack.
#[derive(Debug, Clone, Copy)]
pub struct Number(pub f64);

impl PartialEq for Number {
    /// A NaN is like every other.
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.0.is_nan() && other.0.is_nan()
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            number if number.is_nan() => serializer.serialize_str("NaN"),
            number if number >= f64::MAX => serializer.serialize_str("Infinity"),
            number if number <= f64::MIN => serializer.serialize_str("-Infinity"),
            number => serializer.serialize_f64(number),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;
        impl Visitor<'_> for NumberVisitor {
            type Value = Number;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
            }
            fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
                Ok(Number(number))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                match text {
                    "NaN" => Ok(Number(f64::NAN)),
                    "Infinity" => Ok(Number(f64::INFINITY)),
                    "-Infinity" => Ok(Number(f64::NEG_INFINITY)),
                    other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
                }
            }
        }
        deserializer.deserialize_any(NumberVisitor)
    }
}

/// A param or a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The name.
    pub key: String,
    /// The text.
    pub value: String,
}

impl From<KeyValue> for Pair {
    fn from(KeyValue { key, value }: KeyValue) -> Self {
        Pair { key, value }
    }
}

/// The states of runs.
#[derive(Debug, Serialize, Deserialize)]
pub struct RunStates {
    /// Of the runs that are here.
    pub runs: Vec<RunState>,
}

/// The state of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct RunState {
    /// The run.
    pub run_id: String,
    /// A text that is another one after every change of the run.
    pub state: String,
}

/// What is here of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Have {
    /// What it is.
    pub run: HaveRun,
    /// As in [`RunState`].
    pub state: String,
    /// Its params.
    pub params: HaveParams,
    /// Its tags, by key.
    pub tags: Vec<Pair>,
    /// How many datasets it read.
    pub datasets: usize,
    /// Its series, by key.
    pub series: Vec<HaveSeries>,
    /// Its first files.
    #[serde(flatten)]
    pub files: HaveFiles,
}

/// What a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaveRun {
    /// The id.
    pub run_id: String,
    /// Its experiment here.
    pub experiment_id: String,
    /// The name of that.
    pub experiment_name: String,
    /// The name of the run.
    pub run_name: String,
    /// Who started it, as the client wrote it.
    pub user_id: String,
    /// The state, as MLflow writes it.
    pub status: String,
    /// When it started, in milliseconds since the epoch.
    pub start_time: i64,
    /// When it ended, once it has.
    pub end_time: Option<i64>,
    /// `active` or `deleted`.
    pub lifecycle_stage: String,
}

/// The params of a run, summed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaveParams {
    /// How many there are.
    pub count: usize,
    /// Their digest.
    pub digest: String,
}

/// A series, summed up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HaveSeries {
    /// The metric's name.
    pub key: String,
    /// How many points there are, exact duplicates once.
    pub count: usize,
    /// Timestamp, step and value of the last one.
    pub last: (i64, i64, Number),
    /// Their digest.
    pub digest: String,
}

/// Files of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct HaveFiles {
    /// Where they are sent to beneath `mlflow-artifacts/artifacts/`; `None` where this server does not keep them.
    pub artifact_root: Option<String>,
    /// The files, by path.
    pub files: Vec<HaveFile>,
    /// Behind which path there are more.
    pub next_file: Option<String>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HaveFile {
    /// The path beneath `artifact_root`.
    pub path: String,
    /// The size in bytes.
    pub size: u64,
    /// The digest of its bytes.
    pub digest: String,
}

/// A run that was made, or found.
#[derive(Debug, Serialize, Deserialize)]
pub struct IngestedRun {
    /// The id.
    pub run_id: String,
    /// Its experiment.
    pub experiment_id: String,
    /// Whether it was made just now.
    pub created: bool,
    /// As in [`HaveFiles`].
    pub artifact_root: Option<String>,
}

/// The states of these runs, as far as they are here and the caller may see them.
///
/// # Errors
/// What the database said.
pub async fn states(store: &Store, caller: &Caller, run_ids: &[&str]) -> Result<RunStates> {
    let states: BTreeMap<String, String> = store.run_states(caller, run_ids).await?.into_iter().collect();
    Ok(RunStates { runs: states.into_iter().map(|(run_id, state)| RunState { run_id, state }).collect() })
}

/// What is here of a run.
///
/// # Errors
/// [`Error::NotFound`] without such a run.
pub async fn have(store: &Store, artifacts: &ArtifactStore, caller: &Caller, run_id: &str) -> Result<Have> {
    let found = store.find_inventory(caller, run_id).await?;
    let Inventory { run, experiment, state, params, params_sha256, series } = found.ok_or_else(|| absent(run_id))?;
    let root = artifact_root(artifacts, &run.info);
    let series = series.into_iter().map(|SeriesSummary { key, count, last, sha256 }| HaveSeries {
        key,
        count,
        last: (last.timestamp_ms, last.step, Number(last.value.get())),
        digest: hexadecimal(&sha256),
    });
    let info = run.info;
    Ok(Have {
        state,
        params: HaveParams { count: params, digest: hexadecimal(&params_sha256) },
        tags: run.tags.into_iter().map(Pair::from).collect(),
        datasets: run.datasets.len(),
        series: series.collect(),
        files: list_files(store, root, None).await?,
        run: HaveRun {
            run_id: info.run_id,
            experiment_id: info.experiment_id.to_string(),
            experiment_name: experiment,
            run_name: info.name,
            user_id: info.user_id,
            status: info.status.as_str().to_owned(),
            start_time: info.start_ms,
            end_time: info.end_ms,
            lifecycle_stage: info.lifecycle.as_str().to_owned(),
        },
    })
}

/// The files of a run behind the path `after`.
///
/// # Errors
/// [`Error::NotFound`] without such a run.
pub async fn files(
    store: &Store,
    artifacts: &ArtifactStore,
    caller: &Caller,
    run_id: &str,
    after: Option<&str>,
) -> Result<HaveFiles> {
    let info = store.find_run_info(caller, run_id).await?.ok_or_else(|| absent(run_id))?;
    list_files(store, artifact_root(artifacts, &info), after).await
}

/// Makes a run in state RUNNING, or finds it as it was made.
///
/// # Errors
/// [`Error::Conflict`] where the id belongs to another run; those of [`Store::create_run`].
pub async fn create(store: &Store, artifacts: &ArtifactStore, caller: &Caller, new: NewRun) -> Result<IngestedRun> {
    // The store answers a run that is there as it is, because it takes this for a retry.
    store.authorize(caller, new.experiment_id).await?;
    let created = store.find_run_info(caller, &new.run_id).await?.is_none();
    let wanted = new.clone();
    let info = store.create_run(caller, new).await?;
    let mut differences = differences(&wanted, &info);
    if !differences.is_empty() {
        if store.find_run_info(caller, &wanted.run_id).await?.is_none() {
            differences = vec!["it lies in an experiment that you may not see".to_owned()];
        }
        let (id, differences) = (&wanted.run_id, differences.join(", "));
        return Err(Error::Conflict(format!("The run id '{id}' belongs to another run: {differences}.")));
    }
    Ok(IngestedRun {
        artifact_root: artifact_root(artifacts, &info),
        run_id: info.run_id,
        experiment_id: info.experiment_id.to_string(),
        created,
    })
}

/// In what a run that is here differs from the one that should be made.
fn differences(wanted: &NewRun, found: &RunInfo) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, here: String, there: String| {
        if here != there {
            differences.push(format!("{what} is {here} here and {there} there"));
        }
    };
    compare("experiment_id", found.experiment_id.to_string(), wanted.experiment_id.to_string());
    compare("start_time", found.start_ms.to_string(), wanted.start_ms.to_string());
    compare("user_id", format!("'{}'", found.user_id), format!("'{}'", wanted.user_id));
    differences
}

fn absent(run_id: &str) -> Error {
    Error::NotFound(Resource::Run(run_id.to_owned()))
}

/// The directory of the server's own store that holds the files of a run.
fn artifact_root(artifacts: &ArtifactStore, run: &RunInfo) -> Option<String> {
    let owner = Owner::Run { experiment_id: run.experiment_id, run_id: &run.run_id };
    let place = artifacts.locate(owner, &run.artifact_uri)?;
    place.own_path().map(|path| path.as_str().to_owned())
}

async fn list_files(store: &Store, artifact_root: Option<String>, after: Option<&str>) -> Result<HaveFiles> {
    let Some(root) = &artifact_root else {
        return Ok(HaveFiles { artifact_root, files: Vec::new(), next_file: None });
    };
    let mut found = store.list_file_records(root, after, FILES_PER_PAGE + 1).await?;
    let is_more = found.len() > FILES_PER_PAGE;
    found.truncate(FILES_PER_PAGE);
    let next_file = if is_more { found.last().map(|file| file.path.clone()) } else { None };
    let files = found.into_iter().map(|file| HaveFile {
        path: file.path,
        size: file.size_bytes,
        digest: hexadecimal(&file.sha256),
    });
    Ok(HaveFiles { files: files.collect(), artifact_root, next_file })
}
