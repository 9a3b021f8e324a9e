//! The `meta.yaml` files of a file store.
//!
//! They are written by PyYAML, in place: whoever looks in that moment finds an empty file, or one that lacks its end.
//! MLflow waits and looks again, and so do we. What YAML's own rules would make of an unquoted scalar does not matter:
//! every scalar is read as text and judged here.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::model::{Dataset, KeyValue, Lifecycle, RunStatus};
use crate::offline::folder::{Folder, reason};

/// The name of these files.
pub(super) const META: &str = "meta.yaml";
/// The largest of them; a profile of a dataset may be some hundred kilobytes.
const MAX_META_BYTES: u64 = 1024 * 1024;

/// What is known of such a file.
#[derive(Debug)]
pub(super) enum Meta<T> {
    /// There is none.
    Absent,
    /// It seems to be written just now.
    Unfinished,
    Read(T),
}

/// What a run is.
#[derive(Debug, PartialEq)]
pub(super) struct RunMeta {
    /// The id, if it is given.
    pub run_id: Option<String>,
    /// The id of the experiment, if it is given.
    pub experiment_id: Option<String>,
    /// The name as it is given since MLflow 1.28; empty if it is not.
    pub run_name: String,
    /// The name as the oldest versions gave it.
    pub old_name: String,
    pub user_id: String,
    pub status: RunStatus,
    pub start_ms: i64,
    pub end_ms: Option<i64>,
    pub lifecycle: Lifecycle,
    /// Where its artifacts lay on the machine that trained.
    pub artifact_uri: String,
}

/// What an experiment is.
#[derive(Debug, PartialEq)]
pub(super) struct ExperimentMeta {
    pub name: String,
    pub lifecycle: Lifecycle,
}

/// Something that a run read.
#[derive(Debug)]
pub(super) enum InputMeta {
    /// A dataset, by its id in the experiment, with the tags of this use.
    Dataset { id: String, tags: Vec<KeyValue> },
    /// A logged model, or what later versions may know.
    Other,
}

/// Reads the file in `folder` with `parse`. `last` accepts what may be unfinished: it has been waited for.
pub(super) fn read<T>(folder: &Folder, last: bool, parse: fn(&[u8]) -> anyhow::Result<T>) -> anyhow::Result<Meta<T>> {
    let bytes = match folder.read(META, MAX_META_BYTES) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(Meta::Absent),
        Err(error) => bail!("{}", reason(&error)),
    };
    // PyYAML ends with a line break. Without one, and cut at the end of a line, YAML would still be valid.
    if !last && bytes.last() != Some(&b'\n') {
        return Ok(Meta::Unfinished);
    }
    ensure!(!bytes.is_empty(), "it is empty");
    parse(&bytes).map(Meta::Read)
}

/// Reads what a run is.
pub(super) fn parse_run(bytes: &[u8]) -> anyhow::Result<RunMeta> {
    #[derive(Deserialize)]
    struct Yaml {
        run_id: Option<String>,
        run_uuid: Option<String>,
        experiment_id: Option<String>,
        run_name: Option<String>,
        name: Option<String>,
        user_id: Option<String>,
        status: Option<String>,
        start_time: Option<String>,
        end_time: Option<String>,
        lifecycle_stage: Option<String>,
        artifact_uri: Option<String>,
    }

    let yaml: Yaml = parse(bytes)?;
    Ok(RunMeta {
        run_id: yaml.run_id.or(yaml.run_uuid),
        experiment_id: yaml.experiment_id,
        run_name: yaml.run_name.unwrap_or_default(),
        old_name: yaml.name.unwrap_or_default(),
        user_id: yaml.user_id.unwrap_or_default(),
        status: status(yaml.status.as_deref(), bytes)?,
        start_ms: time(yaml.start_time.as_deref()).context("start_time")?.unwrap_or(0),
        end_ms: time(yaml.end_time.as_deref()).context("end_time")?,
        lifecycle: lifecycle(yaml.lifecycle_stage.as_deref())?,
        artifact_uri: yaml.artifact_uri.unwrap_or_default(),
    })
}

/// Reads what an experiment is.
pub(super) fn parse_experiment(bytes: &[u8]) -> anyhow::Result<ExperimentMeta> {
    #[derive(Deserialize)]
    struct Yaml {
        name: Option<String>,
        lifecycle_stage: Option<String>,
    }

    let yaml: Yaml = parse(bytes)?;
    let name = yaml.name.filter(|name| !name.is_empty()).context("it gives no name")?;
    Ok(ExperimentMeta { name, lifecycle: lifecycle(yaml.lifecycle_stage.as_deref())? })
}

/// Reads what a run read.
pub(super) fn parse_input(bytes: &[u8]) -> anyhow::Result<InputMeta> {
    #[derive(Deserialize)]
    struct Yaml {
        source_type: Option<String>,
        source_id: Option<String>,
        tags: Option<BTreeMap<String, Option<String>>>,
    }

    let yaml: Yaml = parse(bytes)?;
    if yaml.source_type.as_deref() != Some("DATASET") {
        return Ok(InputMeta::Other);
    }
    let pairs = yaml.tags.unwrap_or_default().into_iter();
    let tags = pairs.map(|(key, value)| KeyValue { key, value: value.unwrap_or_default() }).collect();
    Ok(InputMeta::Dataset { id: yaml.source_id.context("it names no dataset")?, tags })
}

/// Reads a dataset.
pub(super) fn parse_dataset(bytes: &[u8]) -> anyhow::Result<Dataset> {
    #[derive(Deserialize)]
    struct Yaml {
        name: String,
        digest: String,
        source_type: Option<String>,
        source: Option<String>,
        schema: Option<String>,
        profile: Option<String>,
    }

    let yaml: Yaml = parse(bytes)?;
    Ok(Dataset {
        name: yaml.name,
        digest: yaml.digest,
        source_type: yaml.source_type.unwrap_or_default(),
        source: yaml.source.unwrap_or_default(),
        schema: yaml.schema,
        profile: yaml.profile,
    })
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> anyhow::Result<T> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_events: 100_000, max_nodes: 50_000, max_aliases: 100, max_depth: 16 },
        // As PyYAML.
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
        with_snippet: false,
    };
    // One line, and not with what the file says.
    serde_saphyr::from_slice_with_options(bytes, options).map_err(|error| match error.location() {
        Some(place) => anyhow::anyhow!("it is no YAML of MLflow's, see line {}", place.line()),
        None => anyhow::anyhow!("it is no YAML of MLflow's"),
    })
}

fn status(text: Option<&str>, bytes: &[u8]) -> anyhow::Result<RunStatus> {
    // MLflow takes a run without a state for a running one. If the end is missing, so may be the line with the state.
    let Some(text) = text else {
        ensure!(bytes.ends_with(b"\n"), "its end is missing");
        return Ok(RunStatus::Running);
    };
    let status = match text.parse() {
        Ok(number) => RunStatus::from_number(number),
        Err(_) => RunStatus::from_name(&text.to_ascii_uppercase()),
    };
    status.with_context(|| format!("status: '{}' is none of MLflow's", text.escape_debug()))
}

fn time(text: Option<&str>) -> anyhow::Result<Option<i64>> {
    let Some(text) = text else { return Ok(None) };
    if let Ok(number) = text.parse() {
        return Ok(Some(number));
    }
    let number: f64 = text.parse().with_context(|| format!("'{}' is no time", text.escape_debug()))?;
    ensure!(number.is_finite() && number.abs() < 9e15, "'{}' is no time", text.escape_debug());
    Ok(Some(number as i64))
}

fn lifecycle(text: Option<&str>) -> anyhow::Result<Lifecycle> {
    match text {
        None | Some("active") => Ok(Lifecycle::Active),
        Some("deleted") => Ok(Lifecycle::Deleted),
        Some(other) => bail!("lifecycle_stage: '{}' is none of MLflow's", other.escape_debug()),
    }
}
