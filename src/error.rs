//! What can go wrong, without a word about HTTP: `http/reply.rs` gives each variant its status.
//!
//! The texts of [`Error::Invalid`] and of [`Resource`] are the contract's where it has one, because clients match on
//! them (contract section 0.4); everywhere else they say what is wrong, with which value, and what is allowed.

use std::fmt;

/// The result of everything that can fail for a caller.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request was not done. Nothing was changed, whichever variant it is.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is wrong; sending it again will not help.
    #[error("{0}")]
    Invalid(String),
    /// The request breaks a rule of the data for which MLflow has no code of its own, as a rename to a taken name.
    #[error("{0}")]
    BadRequest(String),
    /// The thing is not in a state that allows this, as renaming a deleted experiment.
    #[error("{0}")]
    InvalidState(String),
    /// The request asks for a part of MLflow that this server does not have.
    #[error("{0}")]
    FeatureDisabled(String),
    /// The thing does not exist, or the caller may not know that it does.
    #[error("{0}")]
    NotFound(Resource),
    /// The name is taken.
    #[error("{0}")]
    Exists(Resource),
    /// There is no such endpoint.
    #[error("{0}")]
    NoEndpoint(String),
    /// The path exists, the method does not.
    #[error("{0}")]
    MethodNotAllowed(String),
    /// Nobody proved who the caller is, or the proof is not accepted.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// Too many tries with a wrong password.
    #[error("too many failed attempts to sign in; try again in {retry_after_s} s")]
    TooManyTries {
        /// After how many seconds the next try is looked at.
        retry_after_s: u64,
    },
    /// The caller may not do this.
    #[error("{0}")]
    Denied(String),
    /// The request contradicts what is there, as a file where a directory is.
    #[error("{0}")]
    Conflict(String),
    /// The body is larger than the limit.
    #[error("{0}")]
    TooLarge(String),
    /// The byte range that was asked for does not exist in a file of this size in bytes.
    #[error("the range lies outside a file of {size_bytes} bytes")]
    RangeNotSatisfiable {
        /// The size of the whole file.
        size_bytes: u64,
    },
    /// The contract names it, a store of this kind cannot do it, and clients know what to do instead.
    #[error("{0}")]
    NotImplemented(String),
    /// The disk under the artifacts is full, or a quota is used up.
    #[error("{0}")]
    StorageFull(String),
    /// There is no room on the disk under the database. Who logs may wait for some; who sends a file is told at once.
    #[error("the disk of the database is full; try again")]
    DatabaseFull,
    /// Not now; the same request will work later.
    #[error("{0}")]
    Unavailable(&'static str),
    /// Ours, not the caller's. The source is logged, never sent.
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
}

impl Error {
    /// The `error_code` of MLflow's error body (contract section 0.4).
    pub fn code(&self) -> &'static str {
        match self {
            Error::Invalid(_) | Error::TooLarge(_) | Error::RangeNotSatisfiable { .. } => "INVALID_PARAMETER_VALUE",
            Error::BadRequest(_) | Error::MethodNotAllowed(_) => "BAD_REQUEST",
            Error::InvalidState(_) => "INVALID_STATE",
            Error::FeatureDisabled(_) => "FEATURE_DISABLED",
            Error::NotFound(_) => "RESOURCE_DOES_NOT_EXIST",
            Error::Exists(_) => "RESOURCE_ALREADY_EXISTS",
            Error::NoEndpoint(_) => "ENDPOINT_NOT_FOUND",
            Error::Unauthenticated(_) => "UNAUTHENTICATED",
            Error::TooManyTries { .. } => "REQUEST_LIMIT_EXCEEDED",
            Error::Denied(_) => "PERMISSION_DENIED",
            Error::Conflict(_) => "RESOURCE_CONFLICT",
            Error::NotImplemented(_) => "NOT_IMPLEMENTED",
            Error::StorageFull(_) => "RESOURCE_EXHAUSTED",
            Error::DatabaseFull | Error::Unavailable(_) => "TEMPORARILY_UNAVAILABLE",
            Error::Internal(_) => "INTERNAL_ERROR",
        }
    }

    /// Wraps a failure that is ours.
    pub fn internal(source: impl Into<anyhow::Error>) -> Self {
        Error::Internal(source.into())
    }
}

/// A thing that is absent or taken, displayed with the contract's text for its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// An experiment, by its id.
    Experiment(String),
    /// An experiment, by its name, that is absent.
    ExperimentNamed(String),
    /// An experiment's name that is taken.
    ExperimentName(String),
    /// A tag of an experiment.
    ExperimentTag {
        /// The tag's key.
        key: String,
        /// The experiment's id.
        experiment: String,
    },
    /// A run, by its public id.
    Run(String),
    /// A tag of a run.
    RunTag {
        /// The tag's key.
        key: String,
        /// The run's public id.
        run: String,
    },
    /// A logged model, by its public id.
    LoggedModel(String),
    /// A tag of a logged model.
    LoggedModelTag {
        /// The tag's key.
        key: String,
        /// The model's public id.
        model: String,
    },
    /// An account, a group or a class of callers, by its name.
    Principal(String),
    /// The name of an account or a group that is taken.
    PrincipalName(String),
    /// A role of the principal of this name.
    Grant(String),
    /// A token, by its number.
    Token(i64),
    /// A saved view, by its key.
    View(String),
    /// A file or directory of the artifact store, by its path beneath the root.
    Artifact(String),
}

/// Displays a name that a client wrote; of a very long one, the beginning.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The longest names that exist have 500 characters, the longest paths 4,096 bytes.
        match self.0.char_indices().nth(4_096) {
            None => out.write_str(self.0),
            Some((end, _)) => write!(out, "{}…", &self.0[..end]),
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resource::Experiment(id) => write!(out, "No Experiment with id={} exists", Shown(id)),
            Resource::ExperimentNamed(name) => {
                write!(out, "Could not find experiment with name '{}'", Shown(name))
            }
            Resource::ExperimentName(name) => write!(
                out,
                "Experiment(name={name}) already exists. Choose another name; the name of a deleted experiment is \
                 taken too until it is purged."
            ),
            Resource::ExperimentTag { key, experiment } => {
                write!(out, "No tag with name: {} in experiment with id {experiment}", Shown(key))
            }
            Resource::Run(id) => write!(out, "Run with id={} not found", Shown(id)),
            Resource::RunTag { key, run } => {
                write!(out, "No tag with name: {} in run with id {run}", Shown(key))
            }
            Resource::LoggedModel(id) => write!(out, "Logged model with ID '{}' not found.", Shown(id)),
            Resource::LoggedModelTag { key, model } => {
                write!(out, "No tag with key '{}' found for model with ID '{model}'.", Shown(key))
            }
            Resource::Principal(name) => write!(out, "There is no account or group '{}'", Shown(name)),
            Resource::PrincipalName(name) => write!(out, "The name '{}' is taken", Shown(name)),
            Resource::Grant(name) => write!(out, "'{}' has no role there", Shown(name)),
            Resource::Token(id) => write!(out, "No token with id {id}"),
            Resource::View(key) => write!(out, "There is no saved view '{}'", Shown(key)),
            Resource::Artifact(path) => write!(out, "No such artifact: '{path}'"),
        }
    }
}
