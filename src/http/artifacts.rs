//! Artifacts: the proxied store that clients upload to and download from, and the views of one run's files.
//!
//! Contract section 4. Which directory belongs to a run is decided in [`run_root`] and nowhere else. Everything that is
//! served was uploaded by someone: it is sent as a download, in a sandbox, with a type that comes from a fixed table,
//! so that no file can act in the name of the page it was opened from.

use std::collections::HashMap;
use std::ops::Range;
use std::pin::pin;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Serialize;

use crate::artifacts::{ArtifactFile, ArtifactPath, FileInfo};
use crate::error::{Error, Resource, Result};
use crate::http::layers::discard_rest;
use crate::model::{Caller, Lifecycle, RunInfo};
use crate::state::AppState;
use crate::validate;

/// The largest body of `upload-artifact` in bytes; the proxied store has no limit.
const MAX_UPLOAD_BYTES: usize = 10 * 1024 * 1024;

/// Files of these extensions are shown as text (contract section 4.2). It is the reference's table: also what a browser
/// would run, such as XML and JavaScript, is text here.
const TEXT_EXTENSIONS: [&str; 24] = [
    "txt",
    "log",
    "err",
    "cfg",
    "conf",
    "cnf",
    "cf",
    "ini",
    "properties",
    "prop",
    "hocon",
    "toml",
    "yaml",
    "yml",
    "xml",
    "json",
    "js",
    "py",
    "py3",
    "csv",
    "tsv",
    "md",
    "rst",
    "ipynb",
];
/// Files of these names are text, in any case.
const TEXT_NAMES: [&str; 2] = ["mlmodel", "mlproject"];

/// What stays as it is in the `filename*` parameter of a header (RFC 8187).
const KEPT_IN_EXTENDED_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The query string. What is unknown is ignored, and of a repeated field the last counts.
type Parameters = Query<HashMap<String, String>>;
/// The rest of the path, from which axum has removed one percent-encoding; `+` is a plus.
type RawPath = std::result::Result<Path<String>, PathRejection>;

/// The files and directories in a directory.
#[derive(Debug, Serialize)]
struct Listing {
    #[serde(skip_serializing_if = "Option::is_none")]
    root_uri: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<ListedFile>,
}

#[derive(Debug, Serialize)]
struct ListedFile {
    path: String,
    is_dir: bool,
    /// Absent for directories, and, as the reference has it, for empty files.
    #[serde(skip_serializing_if = "is_zero")]
    file_size: u64,
}

impl ListedFile {
    /// `file` as an entry of a directory that the client knows as `directory`.
    fn new(directory: &str, file: FileInfo) -> Self {
        let path = if directory.is_empty() { file.name } else { format!("{directory}/{}", file.name) };
        ListedFile { path, is_dir: file.is_dir, file_size: file.size_bytes }
    }
}

fn is_zero(size: &u64) -> bool {
    *size == 0
}

/// `PUT mlflow-artifacts/artifacts/{path}`: the body becomes the file, whatever its type and size.
pub(super) async fn put_file(
    State(app): State<AppState>,
    _caller: Caller,
    path: RawPath,
    body: Body,
) -> Result<StatusCode> {
    let mut data = received(body);
    let stored = match file_path(path) {
        Ok(path) => app.artifacts.put(&path, &mut data).await,
        Err(error) => Err(error),
    };
    if let Err(error) = stored {
        // A client that is still sending would see a broken connection, try again, and never hear why.
        discard_rest(data).await;
        return Err(error);
    }
    Ok(StatusCode::OK)
}

/// `GET` and `HEAD mlflow-artifacts/artifacts/{path}`
pub(super) async fn get_file(
    State(app): State<AppState>,
    _caller: Caller,
    path: RawPath,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let path = file_path(path)?;
    let file = app.artifacts.read(&path).await?;
    send(&file, path.file_name(), &method, &headers)
}

/// `GET mlflow-artifacts/artifacts?path=`: the names in one directory, the root by default.
pub(super) async fn list_files(
    State(app): State<AppState>,
    _caller: Caller,
    Query(query): Parameters,
) -> Result<Response> {
    let path = ArtifactPath::parse(find(&query, &["path"]).unwrap_or_default())?;
    let files = app.artifacts.list(&path).await?;
    json(&Listing { root_uri: None, files: files.into_iter().map(|file| ListedFile::new("", file)).collect() })
}

/// `DELETE mlflow-artifacts/artifacts/{path}`: a file or a whole tree. That it is absent is fine.
pub(super) async fn delete_path(State(app): State<AppState>, _caller: Caller, path: RawPath) -> Result<Response> {
    let path = file_path(path)?;
    refuse_to_delete_roots(&path)?;
    app.artifacts.delete(&path).await?;
    json(&serde_json::Map::new())
}

/// Everything below `mlflow-artifacts/mpu/`. Clients then upload with one `PUT`.
pub(super) async fn multipart_unsupported(_caller: Caller) -> Error {
    Error::NotImplemented("Multipart upload is not supported for the current artifact repository".to_owned())
}

/// `mlflow-artifacts/presigned/{path}` and the presigned URLs of runs and models. Clients then go through the server.
pub(super) async fn presigned_unsupported(_caller: Caller) -> Error {
    Error::NotImplemented("Presigned URLs are not supported for the current artifact repository".to_owned())
}

/// `GET artifacts/list`: one directory of a run, with paths relative to the run's root.
pub(super) async fn list_run(
    State(app): State<AppState>,
    caller: Caller,
    Query(query): Parameters,
) -> Result<Response> {
    let run_id = find_run_id(&query).ok_or_else(|| {
        Error::Invalid(
            "Missing value for required parameter 'run_id'. See the API docs for more information about request \
             parameters."
                .to_owned(),
        )
    })?;
    let path = ArtifactPath::parse(find(&query, &["path"]).unwrap_or_default())?;
    let run = find_run(&app, &caller, run_id).await?;
    let files = match run_root(&run) {
        Some(root) => app.artifacts.list(&root.join(&path)?).await?,
        None => Vec::new(),
    };
    json(&Listing {
        root_uri: Some(run.artifact_uri),
        files: files.into_iter().map(|file| ListedFile::new(path.as_str(), file)).collect(),
    })
}

/// `GET` and `HEAD /get-artifact`: one file of a run.
pub(super) async fn get_artifact(
    State(app): State<AppState>,
    caller: Caller,
    Query(query): Parameters,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let (run_id, path) = run_and_path(&query)?;
    let run = find_run(&app, &caller, run_id).await?;
    let root = run_root(&run).ok_or_else(|| Error::NotFound(Resource::Artifact(path.as_str().to_owned())))?;
    let file = app.artifacts.read(&root.join(&path)?).await?;
    send(&file, path.file_name(), &method, &headers)
}

/// `POST upload-artifact`: the body, which must not be empty, becomes one file of a run.
pub(super) async fn upload_artifact(
    State(app): State<AppState>,
    caller: Caller,
    Query(query): Parameters,
    body: Body,
) -> Result<StatusCode> {
    let (run_id, path) = run_and_path(&query)?;
    let run = find_run(&app, &caller, run_id).await?;
    if run.lifecycle == Lifecycle::Deleted {
        return Err(Error::Invalid(format!(
            "The run {run_id} must be in the 'active' state. Current state is deleted."
        )));
    }
    let root = run_root(&run).ok_or_else(|| {
        Error::Invalid(format!(
            "The artifacts of run '{run_id}' do not lie in this server's store, so it cannot write them; use a client \
             that can reach the run's artifact_uri."
        ))
    })?;
    let mut data = pin!(limited(received(body), MAX_UPLOAD_BYTES).peekable());
    if data.as_mut().peek().await.is_none() {
        return Err(Error::Invalid("Request must specify data.".to_owned()));
    }
    app.artifacts.put(&root.join(&path)?, data).await?;
    Ok(StatusCode::OK)
}

/// The directory of our own store that holds the files of `run`, whatever clients chose as its location: a location in
/// this server's proxied store, outside the directories that belong to other experiments by their number. Any other
/// location, also one that names a host, is a label that is never opened.
fn run_root(run: &RunInfo) -> Option<ArtifactPath> {
    let location = run.artifact_uri.strip_prefix("mlflow-artifacts:")?;
    // An empty authority means this server, as none does.
    let location = match location.strip_prefix("//") {
        Some(location) => location.strip_prefix('/')?,
        None => location.strip_prefix('/').unwrap_or(location),
    };
    if location.contains('?') {
        return None;
    }
    // Clients put the location into the path of a URL, from which one encoding is removed on its way here.
    let root = ArtifactPath::parse(&percent_decode_str(location).decode_utf8().ok()?).ok()?;
    let first = root.components().next()?;
    (!is_experiment_id(first) || first == run.experiment_id.to_string()).then_some(root)
}

/// Whether this is, or could become, the directory of an experiment.
fn is_experiment_id(component: &str) -> bool {
    component.bytes().all(|byte| byte.is_ascii_digit()) && component.parse::<i64>().is_ok()
}

/// Deleting takes what lies in the artifact directory of a run or a logged model, not that directory or one above it.
fn refuse_to_delete_roots(path: &ArtifactPath) -> Result<()> {
    let mut components = path.components();
    if !components.next().is_some_and(is_experiment_id) {
        return Ok(());
    }
    // `<experiment>/<run>/artifacts`, or `<experiment>/models/<model>/artifacts`.
    let root_components = if matches!(components.next(), Some("models" | "traces")) { 4 } else { 3 };
    if path.components().count() > root_components {
        Ok(())
    } else {
        Err(Error::Invalid(format!(
            "Invalid path: '{path}' is more than the artifacts of one run or model; delete files and directories in it"
        )))
    }
}

/// The path of something that is written, read or deleted: not the root, and not spelled like a directory.
fn file_path(path: RawPath) -> Result<ArtifactPath> {
    let Path(raw) = path.map_err(|_| Error::Invalid("Invalid path: it is not valid UTF-8".to_owned()))?;
    named(&raw)
}

fn named(raw: &str) -> Result<ArtifactPath> {
    let path = ArtifactPath::parse(raw)?;
    if path.is_root() {
        return Err(Error::Invalid("Invalid path: it is empty; name a file".to_owned()));
    }
    if raw.ends_with('/') || raw.ends_with("/.") {
        return Err(Error::Invalid("Invalid path: it ends in a slash; name a file".to_owned()));
    }
    Ok(path)
}

fn run_and_path(query: &HashMap<String, String>) -> Result<(&str, ArtifactPath)> {
    let run_id =
        find_run_id(query).ok_or_else(|| Error::Invalid("Request must specify run_id or run_uuid.".to_owned()))?;
    let path = find(query, &["path"]).ok_or_else(|| Error::Invalid("Request must specify path.".to_owned()))?;
    Ok((run_id, named(path)?))
}

fn find_run_id(query: &HashMap<String, String>) -> Option<&str> {
    find(query, &["run_id", "run_uuid", "runId", "runUuid"])
}

/// The first of these fields that is there and not empty.
fn find<'a>(query: &'a HashMap<String, String>, names: &[&str]) -> Option<&'a str> {
    names.iter().filter_map(|name| query.get(*name)).map(String::as_str).find(|value| !value.is_empty())
}

async fn find_run(app: &AppState, caller: &Caller, run_id: &str) -> Result<RunInfo> {
    validate::no_nul("run_id", run_id)?;
    let run = app.store.find_run_info(caller, run_id).await?;
    run.ok_or_else(|| Error::NotFound(Resource::Run(run_id.to_owned())))
}

fn json(answer: &impl Serialize) -> Result<Response> {
    let body = serde_json::to_vec(answer).map_err(Error::internal)?;
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

/// The body as it arrives. If it breaks off, that is the client's or the network's doing, and nobody is left to be told.
fn received(body: Body) -> impl Stream<Item = Result<Bytes>> + Send + Unpin {
    body.into_data_stream().map_err(|_| {
        Error::Invalid("The upload broke off before the whole file had arrived; nothing is stored.".into())
    })
}

/// Fails as soon as there is more than `limit` bytes.
fn limited(
    body: impl Stream<Item = Result<Bytes>> + Send + Unpin,
    limit: usize,
) -> impl Stream<Item = Result<Bytes>> + Send + Unpin {
    let mut left = limit;
    body.map(move |chunk| {
        let chunk = chunk?;
        left = left
            .checked_sub(chunk.len())
            .ok_or_else(|| Error::Invalid("Artifact size is too large. Max size is 10MB.".to_owned()))?;
        Ok(chunk)
    })
}

/// Answers with the file, a part of it, or that the client has it.
fn send(file: &ArtifactFile, name: &str, method: &Method, headers: &HeaderMap) -> Result<Response> {
    let tag = format!("\"{}\"", file.version);
    let modified = httpdate::fmt_http_date(file.modified);
    let described = [
        (ETAG, tag.clone()),
        (LAST_MODIFIED, modified.clone()),
        // Files are overwritten under their names, some every half minute: ask each time.
        (CACHE_CONTROL, "private, no-cache".to_owned()),
        (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    if text(headers, IF_NONE_MATCH).is_some_and(|known| lists_tag(known, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, described).into_response());
    }

    // A part of another version than the client has the rest of would be worse than the whole.
    let is_current = text(headers, IF_RANGE).is_none_or(|known| known == tag || known == modified);
    let wanted = text(headers, RANGE).filter(|_| is_current && method == Method::GET);
    let part = wanted.map(|range| parse_range(range, file.size_bytes)).transpose()?.flatten();
    let (status, range) = match part {
        Some(range) => (StatusCode::PARTIAL_CONTENT, range),
        None => (StatusCode::OK, 0..file.size_bytes),
    };
    let sent = [
        (CONTENT_TYPE, content_type(name).to_owned()),
        (CONTENT_DISPOSITION, content_disposition(name)),
        (CONTENT_LENGTH, (range.end - range.start).to_string()),
        (ACCEPT_RANGES, "bytes".to_owned()),
    ];
    let position = (status == StatusCode::PARTIAL_CONTENT)
        .then(|| [(CONTENT_RANGE, format!("bytes {}-{}/{}", range.start, range.end - 1, file.size_bytes))]);
    Ok((status, described, sent, position, Body::from_stream(file.stream(range))).into_response())
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Whether the value of `If-None-Match` stands for `tag`.
fn lists_tag(value: &str, tag: &str) -> bool {
    value.split(',').map(str::trim).any(|listed| listed == "*" || listed.strip_prefix("W/").unwrap_or(listed) == tag)
}

/// The bytes that a `Range` header asks for, in a file of `size_bytes`; `None` for everything. Several ranges at once,
/// other units and nonsense are answered with the whole file, as RFC 9110 allows.
///
/// # Errors
///
/// [`Error::RangeNotSatisfiable`] if the file has none of these bytes.
fn parse_range(header: &str, size_bytes: u64) -> Result<Option<Range<u64>>> {
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let Some((first, last)) = header.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
        return Ok(None);
    };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..size_bytes.min(last.saturating_add(1)),
        (Some(first), None) if last.is_empty() => first..size_bytes,
        (None, Some(length)) if first.is_empty() => size_bytes.saturating_sub(length)..size_bytes,
        _ => return Ok(None),
    };
    if range.is_empty() { Err(Error::RangeNotSatisfiable { size_bytes }) } else { Ok(Some(range)) }
}

/// The type of a file by its name alone; never what the uploader said it is.
fn content_type(name: &str) -> &'static str {
    let name = name.to_ascii_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if TEXT_NAMES.contains(&name.as_str()) || TEXT_EXTENSIONS.contains(&extension) {
        return "text/plain";
    }
    mime_guess::from_ext(extension).first_raw().unwrap_or("application/octet-stream")
}

/// Makes browsers save the file as `name`, which may be any text without control characters.
fn content_disposition(name: &str) -> String {
    let is_token = |char: char| char.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(char);
    if name.chars().all(is_token) {
        return format!("attachment; filename={name}");
    }
    let mut value = String::from("attachment; filename=\"");
    for char in name.chars() {
        match char {
            '"' | '\\' => value.extend(['\\', char]),
            ' '..='~' => value.push(char),
            _ => value.push('_'),
        }
    }
    value.push('"');
    if !name.is_ascii() {
        value.push_str("; filename*=UTF-8''");
        value.extend(utf8_percent_encode(name, KEPT_IN_EXTENDED_VALUE));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RunStatus;

    fn run(artifact_uri: &str) -> RunInfo {
        RunInfo {
            run_id: "0123456789abcdef0123456789abcdef".to_owned(),
            experiment_id: 7,
            name: String::new(),
            user_id: String::new(),
            status: RunStatus::Running,
            start_ms: 0,
            end_ms: None,
            lifecycle: Lifecycle::Active,
            artifact_uri: artifact_uri.to_owned(),
        }
    }

    #[test]
    fn a_run_has_a_directory_only_in_its_own_part_of_the_proxied_store() {
        let opened = [
            ("mlflow-artifacts:/7/r/artifacts", "7/r/artifacts"),
            ("mlflow-artifacts:7/r/artifacts", "7/r/artifacts"),
            ("mlflow-artifacts:///7/r/artifacts", "7/r/artifacts"),
            ("mlflow-artifacts:/team/x/r/artifacts", "team/x/r/artifacts"),
            ("mlflow-artifacts:/my%20team/r/artifacts", "my team/r/artifacts"),
            (
                "mlflow-artifacts:/0123456789abcdef0123456789abcdef/artifacts",
                "0123456789abcdef0123456789abcdef/artifacts",
            ),
        ];
        for (uri, root) in opened {
            assert_eq!(run_root(&run(uri)).expect(uri).as_str(), root);
        }

        let labels = [
            "mlflow-artifacts:/8/r/artifacts",
            "mlflow-artifacts:/%38/r/artifacts",
            "mlflow-artifacts:/07/r/artifacts",
            "mlflow-artifacts:/./8/r/artifacts",
            "mlflow-artifacts:////8/r/artifacts",
            "mlflow-artifacts://host:22/7/r/artifacts",
            "mlflow-artifacts:/../..",
            "mlflow-artifacts:/7/../8",
            "mlflow-artifacts:/%2e%2e/8",
            "mlflow-artifacts:/7/r?x=1",
            "mlflow-artifacts:/",
            "mlflow-artifacts:",
            "/etc",
            "file:///etc",
            "s3://bucket/7/r/artifacts",
            "http://x/?/../../etc",
            "",
        ];
        for uri in labels {
            assert_eq!(run_root(&run(uri)), None, "{uri}");
        }
    }

    #[test]
    fn only_what_lies_inside_an_artifact_directory_can_be_deleted() {
        let may_delete = |path: &str| refuse_to_delete_roots(&ArtifactPath::parse(path).unwrap()).is_ok();

        for path in ["7", "7/r", "7/r/artifacts", "7/models", "7/models/m-1/artifacts", "7/traces/t/artifacts"] {
            assert!(!may_delete(path), "{path}");
        }
        for path in ["7/r/artifacts/a", "7/models/m-1/artifacts/MLmodel", "team/x"] {
            assert!(may_delete(path), "{path}");
        }
    }

    #[test]
    fn writing_needs_the_name_of_a_file() {
        for raw in ["", ".", "./", "a/", "a//", "a/."] {
            assert!(matches!(named(raw), Err(Error::Invalid(_))), "{raw:?}");
        }
        assert_eq!(named("a/b").unwrap().as_str(), "a/b");
    }

    #[test]
    fn ranges_are_single_and_within_the_file() {
        let range = |header| parse_range(header, 10).unwrap();

        assert_eq!(range("bytes=0-0"), Some(0..1));
        assert_eq!(range("bytes=2-"), Some(2..10));
        assert_eq!(range("bytes=-3"), Some(7..10));
        assert_eq!(range("bytes=-30"), Some(0..10));
        assert_eq!(range("bytes=5-18446744073709551615"), Some(5..10));
        for whole in ["bytes=0-1,3-4", "bytes=3-2", "bytes=", "bytes=-", "bytes=a-", "bytes=+1-2", "lines=0-1", "0-1"] {
            assert_eq!(range(whole), None, "{whole}");
        }
        for (header, size_bytes) in [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=-0", 10), ("bytes=0-", 0)] {
            let refusal = parse_range(header, size_bytes);
            assert!(matches!(refusal, Err(Error::RangeNotSatisfiable { .. })), "{header}");
        }
    }

    #[test]
    fn types_come_from_the_name() {
        for name in ["a.txt", "b.JSON", "MLmodel", "mlproject", "x.xml", "x.js", "n.ipynb", "a.tar.log", "README.md"] {
            assert_eq!(content_type(name), "text/plain", "{name}");
        }
        assert_eq!(content_type("a.png"), "image/png");
        assert_eq!(content_type("a.html"), "text/html");
        assert_eq!(content_type("a.svg"), "image/svg+xml");
        for name in ["b.pkl", "c.ckpt", "plain", ".txt.", "a.", ""] {
            assert_eq!(content_type(name), "application/octet-stream", "{name:?}");
        }
    }

    #[test]
    fn file_names_cannot_leave_their_header_field() {
        assert_eq!(content_disposition("a+b-1.txt"), "attachment; filename=a+b-1.txt");
        assert_eq!(content_disposition("a b;c=\"d\\\".txt"), "attachment; filename=\"a b;c=\\\"d\\\\\\\".txt\"");
        assert_eq!(content_disposition("é'.txt"), "attachment; filename=\"_'.txt\"; filename*=UTF-8''%C3%A9%27.txt");
    }

    #[test]
    fn a_listed_tag_means_the_client_has_the_file() {
        assert!(lists_tag("\"b\", W/\"a\"", "\"a\""));
        assert!(lists_tag("*", "\"a\""));
        assert!(!lists_tag("\"b\"", "\"a\""));
    }
}
