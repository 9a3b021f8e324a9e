//! The things that are tracked, as every layer below HTTP sees them.
//!
//! Times are milliseconds since the Unix epoch. Public run ids are 32 lower-case hexadecimal digits; the store's own
//! integer ids never leave it.

mod caller;

use std::cmp::Ordering;

pub use caller::{Caller, Identity, Reach, Role};

/// A metric's value, normalised once, here: ±infinity becomes ±`f64::MAX` (as MLflow stores it), every NaN the one
/// NaN, and -0 becomes 0. What was normalised is kept bit for bit.
#[derive(Debug, Clone, Copy)]
pub struct MetricValue(f64);

impl MetricValue {
    /// Normalises `value`.
    pub fn new(value: f64) -> Self {
        if value.is_nan() {
            MetricValue(f64::NAN)
        } else if value == 0.0 {
            MetricValue(0.0)
        } else {
            MetricValue(value.clamp(f64::MIN, f64::MAX))
        }
    }

    /// The number; NaN when [`is_nan`](Self::is_nan).
    pub fn get(self) -> f64 {
        self.0
    }

    /// Whether the value is not a number.
    pub fn is_nan(self) -> bool {
        self.0.is_nan()
    }

    /// What the value counts as in histories and in "latest": itself, and 0 for NaN (contract section 3).
    pub fn sort_value(self) -> f64 {
        if self.0.is_nan() { 0.0 } else { self.0 }
    }
}

impl PartialEq for MetricValue {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for MetricValue {}

impl PartialOrd for MetricValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MetricValue {
    /// By [`sort_value`](Self::sort_value); NaN comes right after 0, so that the order is total.
    fn cmp(&self, other: &Self) -> Ordering {
        self.sort_value().total_cmp(&other.sort_value()).then(self.is_nan().cmp(&other.is_nan()))
    }
}

/// One logged value of one metric of one run. The derived order, (timestamp, step, value), is that of histories;
/// points that are equal in all three are one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// When the client says the value was measured, in milliseconds since the epoch; not negative.
    pub timestamp_ms: i64,
    /// The training step, any 64-bit integer.
    pub step: i64,
    /// The value.
    pub value: MetricValue,
}

impl Point {
    /// What "latest" compares: the point with the greatest (step, timestamp, value) is a metric's latest value.
    pub fn latest_key(&self) -> (i64, i64, MetricValue) {
        (self.step, self.timestamp_ms, self.value)
    }
}

/// A point with the name of its metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// The metric's name.
    pub key: String,
    /// The logged value.
    pub point: Point,
}

/// A name and a text: a param, a tag of a run, experiment or dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// The name.
    pub key: String,
    /// The text, possibly empty.
    pub value: String,
}

/// Whether an experiment or a run is in use or in the trash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// In use.
    Active,
    /// In the trash: readable, not writable, and restorable.
    Deleted,
}

impl Lifecycle {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Lifecycle::Active => "active",
            Lifecycle::Deleted => "deleted",
        }
    }
}

/// Which lifecycle stages a search wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ViewType {
    /// Only what is in use.
    #[default]
    ActiveOnly,
    /// Only the trash.
    DeletedOnly,
    /// Everything.
    All,
}

/// The state of a run. The numbers are MLflow's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// Being logged to. A job that was killed by its batch system stays in this state.
    Running = 1,
    /// Waiting to start.
    Scheduled = 2,
    /// Ended well.
    Finished = 3,
    /// Ended with an error.
    Failed = 4,
    /// Ended by its user or its system.
    Killed = 5,
}

impl RunStatus {
    /// All states, in the order of their numbers.
    pub const ALL: [RunStatus; 5] =
        [RunStatus::Running, RunStatus::Scheduled, RunStatus::Finished, RunStatus::Failed, RunStatus::Killed];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            RunStatus::Running => "RUNNING",
            RunStatus::Scheduled => "SCHEDULED",
            RunStatus::Finished => "FINISHED",
            RunStatus::Failed => "FAILED",
            RunStatus::Killed => "KILLED",
        }
    }

    /// The state of this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// The state of this number, if there is one.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|status| *status as i64 == number)
    }

    /// Whether no more points are expected.
    pub fn is_end(self) -> bool {
        matches!(self, RunStatus::Finished | RunStatus::Failed | RunStatus::Killed)
    }
}

/// An experiment, which users also call a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    /// The public id; an integer that is never used again.
    pub id: i64,
    /// The name, unique among active and deleted experiments.
    pub name: String,
    /// Where the artifacts of its runs lie, as clients see it.
    pub artifact_location: String,
    /// In use or in the trash.
    pub lifecycle: Lifecycle,
    /// When it was made.
    pub created_ms: i64,
    /// When its name, tags or lifecycle changed last.
    pub updated_ms: i64,
    /// Its tags, by key.
    pub tags: Vec<KeyValue>,
}

/// Where the files of a new experiment shall lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewLocation<'a> {
    /// Beneath the default root, in a directory named by its id.
    Default,
    /// In a directory of the server's own store.
    Own {
        /// The location as the client wrote it.
        location: &'a str,
        /// The path of the directory in the store.
        path: &'a str,
    },
    /// Somewhere that the server never opens.
    Label(&'a str),
}

impl NewLocation<'_> {
    /// The location as the client wrote it; empty for the default.
    pub fn text(&self) -> &str {
        match self {
            NewLocation::Default => "",
            NewLocation::Own { location, .. } | NewLocation::Label(location) => location,
        }
    }
}

/// What a run is, without what was logged to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunInfo {
    /// The public id.
    pub run_id: String,
    /// The id of its experiment.
    pub experiment_id: i64,
    /// The name that people see.
    pub name: String,
    /// Who the client says started it; display only, never an identity.
    pub user_id: String,
    /// The state.
    pub status: RunStatus,
    /// When it started.
    pub start_ms: i64,
    /// When it ended, once it has.
    pub end_ms: Option<i64>,
    /// In use or in the trash.
    pub lifecycle: Lifecycle,
    /// Where its artifacts lie, as clients see it.
    pub artifact_uri: String,
}

/// A run with the latest value of each metric, its params, tags and inputs, each sorted by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What the run is.
    pub info: RunInfo,
    /// The latest point of each metric.
    pub metrics: Vec<Metric>,
    /// The params.
    pub params: Vec<KeyValue>,
    /// The tags.
    pub tags: Vec<KeyValue>,
    /// The datasets it read.
    pub datasets: Vec<DatasetInput>,
    /// The ids of the logged models it read.
    pub model_inputs: Vec<String>,
    /// The logged models it made.
    pub model_outputs: Vec<ModelOutput>,
}

/// A logged model that a run made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelOutput {
    /// The model's public id.
    pub model_id: String,
    /// The training step at which it was made.
    pub step: i64,
}

/// Whether the files of a logged model have arrived. The numbers are MLflow's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelStatus {
    /// They are on their way.
    Pending = 1,
    /// It can be loaded.
    Ready = 2,
    /// They never arrived.
    Failed = 3,
}

impl ModelStatus {
    /// All states, in the order of their numbers.
    pub const ALL: [ModelStatus; 3] = [ModelStatus::Pending, ModelStatus::Ready, ModelStatus::Failed];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ModelStatus::Pending => "LOGGED_MODEL_PENDING",
            ModelStatus::Ready => "LOGGED_MODEL_READY",
            ModelStatus::Failed => "LOGGED_MODEL_UPLOAD_FAILED",
        }
    }

    /// The word in filters.
    pub fn word(self) -> &'static str {
        match self {
            ModelStatus::Pending => "PENDING",
            ModelStatus::Ready => "READY",
            ModelStatus::Failed => "FAILED",
        }
    }

    /// The state of this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// The state of this number, if there is one.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|status| *status as i64 == number)
    }
}

/// A logged model with its params, tags and points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedModel {
    /// The public id: `m-` and 32 hexadecimal digits.
    pub model_id: String,
    /// The experiment's id.
    pub experiment_id: i64,
    /// The name.
    pub name: String,
    /// What kind of model, if the client said.
    pub model_type: Option<String>,
    /// The run that made it, if the client said.
    pub source_run_id: Option<String>,
    /// Whether its files have arrived.
    pub status: ModelStatus,
    /// Why it is in this state, if that is known.
    pub status_message: Option<String>,
    /// Where its files lie, as clients see it.
    pub artifact_uri: String,
    /// When it was made.
    pub created_ms: i64,
    /// When its state changed last.
    pub updated_ms: i64,
    /// In use or in the trash.
    pub lifecycle: Lifecycle,
    /// The params, by key.
    pub params: Vec<KeyValue>,
    /// The tags, by key.
    pub tags: Vec<KeyValue>,
    /// Its points, by metric; of very many those with the greatest steps.
    pub metrics: Vec<ModelPoint>,
}

/// A point of a logged model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPoint {
    /// The metric's name.
    pub key: String,
    /// The run that logged it.
    pub run_id: String,
    /// The dataset it was measured on, or empty.
    pub dataset_name: String,
    /// That dataset's digest, or empty.
    pub dataset_digest: String,
    /// The point.
    pub point: Point,
}

/// A dataset; (experiment, name, digest) identify it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// The name.
    pub name: String,
    /// The digest.
    pub digest: String,
    /// The kind of its source.
    pub source_type: String,
    /// The source.
    pub source: String,
    /// The schema, if known.
    pub schema: Option<String>,
    /// The profile, if known.
    pub profile: Option<String>,
}

/// A dataset that a run read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetInput {
    /// The dataset.
    pub dataset: Dataset,
    /// Tags of this use of it, such as `mlflow.data.context`.
    pub tags: Vec<KeyValue>,
}

/// A dataset that runs of an experiment read, and in which context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetSummary {
    /// The experiment's id.
    pub experiment_id: i64,
    /// The dataset's name.
    pub name: String,
    /// The dataset's digest.
    pub digest: String,
    /// The tag `mlflow.data.context` of its uses, if they have one.
    pub context: Option<String>,
}

/// Appends path segments to a location; a query string stays last (contract section 2: `s3://b/p?x=1` and `7` make
/// `s3://b/p/7?x=1`).
pub fn append_to_location(location: &str, suffix: &str) -> String {
    let (path, query) = match location.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (location, None),
    };
    let separator = if path.ends_with('/') { "" } else { "/" };
    match query {
        Some(query) => format!("{path}{separator}{suffix}?{query}"),
        None => format!("{path}{separator}{suffix}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_number_or_no_end_is_normalised() {
        assert_eq!(MetricValue::new(f64::INFINITY).get(), f64::MAX);
        assert_eq!(MetricValue::new(f64::NEG_INFINITY).get(), f64::MIN);
        assert!(MetricValue::new(-0.0).get().is_sign_positive());
        assert_eq!(MetricValue::new(-f64::NAN).get().to_bits(), f64::NAN.to_bits());
        assert_eq!(MetricValue::new(5e-324).get().to_bits(), 1);
    }

    #[test]
    fn a_nan_counts_as_zero_but_is_not_zero() {
        let (nan, zero, one) = (MetricValue::new(f64::NAN), MetricValue::new(0.0), MetricValue::new(1.0));

        assert!(zero < nan && nan < one && nan > MetricValue::new(-1.0));
        assert_eq!(nan, MetricValue::new(f64::NAN));
        assert_ne!(nan, zero);
    }

    #[test]
    fn a_query_string_stays_at_the_end_of_a_location() {
        assert_eq!(append_to_location("mlflow-artifacts:/", "7"), "mlflow-artifacts:/7");
        assert_eq!(append_to_location("s3://b/p?x=1", "7"), "s3://b/p/7?x=1");
        assert_eq!(append_to_location("/data", "7/r/artifacts"), "/data/7/r/artifacts");
    }
}
