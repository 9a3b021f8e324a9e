//! A Windvane server as its client sees it: `ingest/…` and the few of MLflow's calls that sync needs.
//!
//! Every request may be sent again, so all of them are, until an answer comes or the tries are used up: what the network
//! swallows, a request on its way there or the answer on its way back, makes no difference.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::Write as _;

use crate::config::{ClientSettings, Credential};
use crate::ingest::{Have, HaveFiles, IngestedRun, Pair, RunStates};

/// Bodies from this size on are compressed, unless they stay on this machine.
const COMPRESS_FROM: usize = 8 * 1024;
/// What may stand in a path as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// Why a call brought no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The server understood and refused; sending it again does not help.
    #[error("{message}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// MLflow's error code, where there is one.
        code: String,
        /// What the server said.
        message: String,
    },
    /// No answer came, or only such that ask to try again.
    #[error("{0}")]
    Unreachable(String),
    /// What should be sent could not be read.
    #[error("{0}")]
    Source(String),
}

impl CallError {
    /// Whether the thing that was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, CallError::Refused { code, .. } if code == "RESOURCE_DOES_NOT_EXIST")
    }
}

/// The result of a call.
pub type Result<T> = std::result::Result<T, CallError>;

/// A server. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Server {
    http: reqwest::Client,
    base: Arc<str>,
    shown: Arc<str>,
    settings: ClientSettings,
    is_near: bool,
    /// Whether it was said that the server does not answer.
    has_complained: Arc<AtomicBool>,
}

/// An experiment, as far as sync needs it.
#[derive(Debug, Deserialize)]
struct Experiment {
    experiment_id: String,
    lifecycle_stage: String,
}

#[derive(Deserialize)]
struct FoundExperiment {
    experiment: Experiment,
}

#[derive(Deserialize)]
struct CreatedExperiment {
    experiment_id: String,
}

/// The part of a server's answer about what hangs together that sync needs.
#[derive(Debug, Deserialize)]
pub struct Lineage {
    /// The links between runs.
    pub edges: Vec<Edge>,
}

/// A link from one run to another.
#[derive(Debug, Deserialize)]
pub struct Edge {
    /// The run that names the other.
    pub run_id: String,
    /// What it is of the other: `copy` among others.
    pub kind: String,
    /// The id that it names.
    pub target: String,
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(default)]
    error_code: String,
    #[serde(default)]
    message: String,
}

impl Server {
    /// The server at `uri`: `http://…`, `https://…`, or `unix:PATH`.
    ///
    /// # Errors
    /// That the address is none, or that a certificate cannot be read.
    pub fn new(uri: &str, settings: ClientSettings) -> anyhow::Result<Self> {
        // The one provider of this program; that another part has set it already is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("windvane/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(settings.timeout);
        if let Some(path) = &settings.authorities {
            let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem)
                .with_context(|| format!("{} holds no certificates in PEM", path.display()))?;
            builder = builder.tls_certs_only(certificates);
        }
        if let Some(path) = &settings.client_certificate {
            let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let identity = reqwest::Identity::from_pem(&pem)
                .with_context(|| format!("{} holds no certificate with its key in PEM", path.display()))?;
            builder = builder.identity(identity);
        }
        if settings.insecure_tls {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        let (base, shown, is_near) = match uri.strip_prefix("unix:") {
            Some(path) => {
                builder = builder.unix_socket(PathBuf::from(path));
                ("http://localhost".to_owned(), uri.to_owned(), true)
            }
            None => {
                let url = reqwest::Url::parse(uri).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
                let Some(url) = url.filter(|url| url.has_host()) else {
                    anyhow::bail!(
                        "'{}' is no address of a server: it must be http://…, https://… or unix:PATH",
                        crate::config::redact(uri)
                    );
                };
                let is_near = match url.host_str().unwrap_or_default() {
                    "localhost" => true,
                    host => host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
                };
                (uri.trim_end_matches('/').to_owned(), crate::config::redact(uri), is_near)
            }
        };
        let http = builder.build().context("cannot prepare connections")?;
        Ok(Server {
            http,
            base: base.into(),
            shown: shown.trim_end_matches('/').into(),
            settings,
            is_near,
            has_complained: Arc::default(),
        })
    }

    /// The address, as it may be shown.
    pub fn uri(&self) -> &str {
        &self.shown
    }

    /// The states of runs.
    ///
    /// # Errors
    /// Those of all calls; also that the server is none of ours.
    pub async fn states(&self, run_ids: &[&str]) -> Result<RunStates> {
        let answer = self.post("/api/windvane/v1/ingest/states", &json!({ "run_ids": run_ids })).await;
        answer.map_err(|error| match error {
            CallError::Refused { status, code, .. }
                if matches!(status.as_u16(), 404 | 405) && code != "RESOURCE_DOES_NOT_EXIST" =>
            {
                CallError::Unreachable(format!("{} is no Windvane server, or one that is too old", self.shown))
            }
            error => error,
        })
    }

    /// What is there of a run; `None` if it is not there.
    ///
    /// # Errors
    /// Those of all calls.
    pub async fn have(&self, run_id: &str) -> Result<Option<Have>> {
        let have: Result<Have> = self.post("/api/windvane/v1/ingest/have", &json!({ "run_id": run_id })).await;
        let mut have = match have {
            Err(error) if error.is_not_found() => return Ok(None),
            have => have?,
        };
        while let Some(after) = have.files.next_file.take() {
            let body = json!({ "run_id": run_id, "after": after });
            let more: HaveFiles = self.post("/api/windvane/v1/ingest/files", &body).await?;
            have.files.files.extend(more.files);
            have.files.next_file = more.next_file;
        }
        Ok(Some(have))
    }

    /// Makes a run, or finds it.
    ///
    /// # Errors
    /// Those of all calls.
    pub async fn create(&self, body: &Value) -> Result<IngestedRun> {
        self.post("/api/windvane/v1/ingest/create", body).await
    }

    /// Sends params, tags and points.
    ///
    /// # Errors
    /// Those of all calls.
    pub async fn parts(&self, body: Vec<u8>) -> Result<()> {
        let _: Value = self.send_json(Method::POST, "/api/windvane/v1/ingest/parts", body).await?;
        Ok(())
    }

    /// The id of the experiment of this name; `None` if there is none.
    ///
    /// # Errors
    /// Those of all calls; also that it is in the trash.
    pub async fn find_experiment(&self, name: &str) -> Result<Option<String>> {
        let path = format!(
            "/api/2.0/mlflow/experiments/get-by-name?experiment_name={}",
            utf8_percent_encode(name, NON_ALPHANUMERIC)
        );
        let found: Result<FoundExperiment> = self.send_json(Method::GET, &path, Vec::new()).await;
        match found {
            Ok(FoundExperiment { experiment }) if experiment.lifecycle_stage == "deleted" => {
                Err(CallError::Source(format!("the experiment '{name}' is in the trash of {}", self.shown)))
            }
            Ok(FoundExperiment { experiment }) => Ok(Some(experiment.experiment_id)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes an experiment, or finds that it has been made meanwhile.
    ///
    /// # Errors
    /// Those of all calls.
    pub async fn make_experiment(&self, name: &str, tags: &[Pair]) -> Result<String> {
        let body = json!({ "name": name, "tags": tags });
        let made: Result<CreatedExperiment> = self.post("/api/2.0/mlflow/experiments/create", &body).await;
        match made {
            Ok(made) => Ok(made.experiment_id),
            // By another sender, or by this one before the answer was lost.
            Err(CallError::Refused { code, .. }) if code == "RESOURCE_ALREADY_EXISTS" => {
                self.find_experiment(name).await?.ok_or_else(|| {
                    CallError::Source(format!(
                        "the experiment '{name}' is there and not for you; its manager can give you a role"
                    ))
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Sends a JSON body to one of MLflow's own calls below `/api/2.0/mlflow/`.
    ///
    /// # Errors
    /// Those of all calls.
    pub async fn mlflow(&self, call: &str, body: &Value) -> Result<()> {
        let _: Value = self.post(&format!("/api/2.0/mlflow/{call}"), body).await?;
        Ok(())
    }

    /// What hangs together with a run.
    ///
    /// # Errors
    /// Those of all calls.
    pub async fn lineage(&self, run_id: &str) -> Result<Lineage> {
        self.send_json(Method::GET, &format!("/api/windvane/v1/runs/{run_id}/lineage"), Vec::new()).await
    }

    /// Sends a file once, as `path` of the artifact store. `moved` counts its bytes as they go, and `body` says so of each
    /// piece; if neither moves for the timeout the upload is given up.
    ///
    /// # Errors
    /// Those of all calls, but it is not tried again: the body may have to be read anew.
    pub async fn put_file(&self, path: &str, body: reqwest::Body, size: u64, moved: &AtomicU64) -> Result<()> {
        let url = format!("/api/2.0/mlflow-artifacts/artifacts/{}", utf8_percent_encode(path, PATH));
        let request = self.request(Method::PUT, &url).header(CONTENT_TYPE, "application/octet-stream").body(body);
        let request = if size == 0 { request } else { request.header(reqwest::header::CONTENT_LENGTH, size) };
        let stalled = async {
            let mut seen = moved.load(Ordering::Relaxed);
            loop {
                tokio::time::sleep(self.settings.timeout).await;
                let now = moved.load(Ordering::Relaxed);
                if now == seen {
                    break;
                }
                seen = now;
            }
        };
        let response = tokio::select! {
            response = request.send() => response.map_err(|error| self.lost(&error))?,
            () = stalled => {
                let waited = self.settings.timeout.as_secs();
                return Err(CallError::Unreachable(format!("{} took nothing for {waited} s", self.shown)));
            }
        };
        match self.judge(response).await {
            Ok(_) => Ok(()),
            Err((error, _)) => Err(error),
        }
    }

    /// Waits before the retry of this number; `false` when there is none any more.
    pub async fn pause(&self, retry: u32) -> bool {
        if retry >= self.settings.retries {
            return false;
        }
        tokio::time::sleep(self.settings.pause_before(retry)).await;
        true
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let body = serde_json::to_vec(body).map_err(|error| CallError::Source(error.to_string()))?;
        self.send_json(Method::POST, path, body).await
    }

    async fn send_json<T: DeserializeOwned>(&self, method: Method, path: &str, body: Vec<u8>) -> Result<T> {
        let is_packed = body.len() >= COMPRESS_FROM && path.ends_with("/ingest/parts") && !self.is_near;
        let body = Bytes::from(if is_packed { pack(&body) } else { body });
        let mut retry = 0;
        loop {
            let mut request = self.request(method.clone(), path).timeout(self.settings.timeout);
            if method != Method::GET {
                request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
            }
            if is_packed {
                request = request.header(CONTENT_ENCODING, "gzip");
            }
            let (error, wait) = match request.send().await {
                Err(error) => (self.lost(&error), None),
                Ok(response) => match self.judge(response).await {
                    Ok(response) => match response.json().await {
                        Ok(answer) => return Ok(answer),
                        Err(error) => (self.lost(&error), None),
                    },
                    Err((error @ CallError::Unreachable(_), wait)) => (error, wait),
                    Err((error, _)) => return Err(error),
                },
            };
            if retry >= self.settings.retries {
                return Err(error);
            }
            if retry > 0 && !self.has_complained.swap(true, Ordering::Relaxed) {
                eprintln!("windvane: {error}; trying again");
            }
            tokio::time::sleep(wait.unwrap_or_else(|| self.settings.pause_before(retry))).await;
            retry += 1;
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.settings.credential {
            None => request,
            Some(Credential::Token(token)) => request.bearer_auth(token),
            Some(Credential::Password { name, password }) => request.basic_auth(name, Some(password)),
        }
    }

    /// The answer if it is a good one; else what is wrong, and how long the server asks to wait.
    async fn judge(&self, response: Response) -> std::result::Result<Response, (CallError, Option<Duration>)> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let wait = wait.map(|seconds: u64| Duration::from_secs(seconds.min(120)));
        let body = response.bytes().await.unwrap_or_default();
        let ErrorBody { error_code, mut message } =
            serde_json::from_slice(&body).unwrap_or(ErrorBody { error_code: String::new(), message: String::new() });
        if message.is_empty() {
            message = format!("{} answered {status}", self.shown);
        }
        // Those that MLflow's clients send again, and a full disk, which no second try frees.
        if matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504) {
            return Err((CallError::Unreachable(format!("{} cannot now: {message}", self.shown)), wait));
        }
        if status == StatusCode::UNAUTHORIZED {
            message = format!(
                "{message}. Set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
            );
        }
        Err((CallError::Refused { status, code: error_code, message }, None))
    }

    /// The words for a request that brought no answer.
    fn lost(&self, error: &reqwest::Error) -> CallError {
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        CallError::Unreachable(format!("cannot reach {}: {cause}", self.shown))
    }
}

fn pack(body: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::with_capacity(body.len() / 3), Compression::fast());
    packed.write_all(body).and_then(|()| packed.finish()).expect("writing to memory cannot fail")
}
