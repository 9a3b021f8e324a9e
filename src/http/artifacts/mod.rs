//! Artifacts: the proxied store that clients upload to and download from, and the views of one run's files.
//!
//! Contract section 4. Which directory belongs to a run or model is decided in `artifacts::location` and nowhere else.

mod listing;
mod send;

use std::collections::HashMap;
use std::pin::pin;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};

pub(super) use self::send::{content_disposition, send};
use crate::artifacts::location::{Home, Owner, home};
use crate::artifacts::{ArtifactPath, Place};
use crate::error::{Error, Resource, Result};
use crate::http::reply::{Empty, Json};
use crate::model::{Caller, Lifecycle, Reach, RunInfo};
use crate::state::AppState;
use crate::validate;

/// The largest body of `upload-artifact` in bytes; the proxied store has no limit of its own.
const MAX_UPLOAD_BYTES: usize = 10 * 1024 * 1024;

/// The query string. What is unknown is ignored, and of a repeated field the last counts.
pub(super) type Parameters = Query<HashMap<String, String>>;
/// The rest of the path, from which axum has removed one percent-encoding; `+` is a plus.
pub(super) type RawPath = std::result::Result<Path<String>, PathRejection>;

/// `PUT mlflow-artifacts/artifacts/{path}`: the body becomes the file, whatever its type and size.
pub(super) async fn put_file(
    State(app): State<AppState>,
    caller: Caller,
    path: RawPath,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode> {
    must_serve(&app)?;
    let path = file_path(path)?;
    authorize(&app, &caller, &path).await?;
    app.files.put(&path, &mut received(body), declared_size(&headers)).await?;
    Ok(StatusCode::OK)
}

/// `GET` and `HEAD mlflow-artifacts/artifacts/{path}`
pub(super) async fn get_file(
    State(app): State<AppState>,
    caller: Caller,
    path: RawPath,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    must_serve(&app)?;
    let path = file_path(path)?;
    authorize(&app, &caller, &path).await?;
    let place = Place::own(path);
    let file = app.artifacts.read(&place).await?;
    send(&file, place.path().file_name(), &method, &headers)
}

/// `GET mlflow-artifacts/artifacts?path=`: the names in one directory, the root by default.
pub(super) async fn list_files(
    State(app): State<AppState>,
    caller: Caller,
    Query(query): Parameters,
) -> Result<Response> {
    must_serve(&app)?;
    let path = ArtifactPath::parse(find(&query, &["path"]).unwrap_or_default())?;
    match authorize(&app, &caller, &path).await {
        // As of a directory that is not there.
        Err(Error::NotFound(_)) => return Ok(Json(Empty {}).into_response()),
        done => done?,
    }
    listing::answer(None, "", app.artifacts.list(&Place::own(path)).await?).await
}

/// `DELETE mlflow-artifacts/artifacts/{path}`: a file or a whole tree. That it is absent is fine.
pub(super) async fn delete_path(State(app): State<AppState>, caller: Caller, path: RawPath) -> Result<Response> {
    must_serve(&app)?;
    let path = file_path(path)?;
    tracing::Span::current().record("object", path.as_str());
    authorize(&app, &caller, &path).await?;
    app.files.delete(&path).await?;
    Ok(Json(Empty {}).into_response())
}

/// Makes sure that the caller may do what the route is for with this path of the store. It belongs to the namespace whose
/// number it begins with, or that claimed a directory above it; all else is for those who may do it everywhere.
async fn authorize(app: &AppState, caller: &Caller, path: &ArtifactPath) -> Result<()> {
    if caller.reach(caller.needs()) == Reach::Everywhere {
        return Ok(());
    }
    let absent = || Error::NotFound(Resource::Artifact(path.as_str().to_owned()));
    let owner = match home(path) {
        Home::Experiment(id) => id,
        Home::Elsewhere => {
            let lies_in =
                |above: &str| path.as_str().strip_prefix(above).is_some_and(|it| it.is_empty() || it.starts_with('/'));
            let claim = app.store.find_claim(path.as_str()).await?.filter(|claim| lies_in(&claim.path));
            claim.ok_or_else(absent)?.experiment_id
        }
    };
    app.store.authorize(caller, owner).await.map_err(|error| match error {
        Error::NotFound(_) => absent(),
        error => error,
    })
}

/// Where artifacts are not served, the proxied store is closed. MLflow answers 503, which clients repeat for minutes.
fn must_serve(app: &AppState) -> Result<()> {
    if app.options.serve_artifacts {
        return Ok(());
    }
    Err(Error::NotImplemented(
        "This server does not take or hand out artifacts (serve_artifacts is false); clients reach them at the run's \
         artifact_uri themselves"
            .to_owned(),
    ))
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
    list_of(&app, Owner::from(&run), run.artifact_uri.clone(), &path).await
}

/// The answer to a listing of one directory of a run or model; paths in it are relative to the directory of `owner`.
pub(super) async fn list_of(
    app: &AppState,
    owner: Owner<'_>,
    artifact_uri: String,
    path: &ArtifactPath,
) -> Result<Response> {
    match app.artifacts.locate(owner, &artifact_uri) {
        Some(root) => {
            listing::answer(Some(artifact_uri), path.as_str(), app.artifacts.list(&root.join(path)?).await?).await
        }
        None => Ok(Json(serde_json::json!({ "root_uri": artifact_uri })).into_response()),
    }
}

/// The answer to a request for one file of a run or model.
pub(super) async fn file_of(
    app: &AppState,
    owner: Owner<'_>,
    artifact_uri: &str,
    path: &ArtifactPath,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response> {
    let root = app.artifacts.locate(owner, artifact_uri);
    let root = root.ok_or_else(|| Error::NotFound(Resource::Artifact(path.as_str().to_owned())))?;
    let file = app.artifacts.read(&root.join(path)?).await?;
    send(&file, path.file_name(), method, headers)
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
    file_of(&app, Owner::from(&run), &run.artifact_uri, &path, &method, &headers).await
}

/// `POST upload-artifact`: the body, which must not be empty, becomes one file of a run.
pub(super) async fn upload_artifact(
    State(app): State<AppState>,
    caller: Caller,
    Query(query): Parameters,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode> {
    let (run_id, path) = run_and_path(&query)?;
    let run = find_run(&app, &caller, run_id).await?;
    app.store.authorize(&caller, run.experiment_id).await?;
    if run.lifecycle == Lifecycle::Deleted {
        return Err(Error::Invalid(format!(
            "The run {run_id} must be in the 'active' state. Current state is deleted."
        )));
    }
    let root = app.artifacts.locate(Owner::from(&run), &run.artifact_uri);
    let target = root.map(|root| root.join(&path)).transpose()?;
    let target = target.as_ref().and_then(Place::own_path).ok_or_else(|| {
        Error::Invalid(format!(
            "The artifacts of run '{run_id}' do not lie in this server's store, so it cannot write them; use a client \
             that can reach the run's artifact_uri."
        ))
    })?;
    let mut data = pin!(limited(received(body), MAX_UPLOAD_BYTES).peekable());
    if data.as_mut().peek().await.is_none() {
        return Err(Error::Invalid("Request must specify data.".to_owned()));
    }
    app.files.put(target, data, declared_size(&headers)).await?;
    Ok(StatusCode::OK)
}

impl<'a> From<&'a RunInfo> for Owner<'a> {
    fn from(run: &'a RunInfo) -> Self {
        Owner::Run { experiment_id: run.experiment_id, run_id: &run.run_id }
    }
}

/// The path of something that is written, read or deleted: not the root, and not spelled like a directory.
fn file_path(path: RawPath) -> Result<ArtifactPath> {
    let Path(raw) = path.map_err(|_| Error::Invalid("Invalid path: it is not valid UTF-8".to_owned()))?;
    named(&raw)
}

pub(super) fn named(raw: &str) -> Result<ArtifactPath> {
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
pub(super) fn find<'a>(query: &'a HashMap<String, String>, names: &[&str]) -> Option<&'a str> {
    names.iter().filter_map(|name| query.get(*name)).map(String::as_str).find(|value| !value.is_empty())
}

pub(super) async fn find_run(app: &AppState, caller: &Caller, run_id: &str) -> Result<RunInfo> {
    validate::no_nul("run_id", run_id)?;
    let run = app.store.find_run_info(caller, run_id).await?;
    run.ok_or_else(|| Error::NotFound(Resource::Run(run_id.to_owned())))
}

/// How many bytes the client says that it sends. (The body itself does not know any more: watching its pace hides it.)
fn declared_size(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_needs_the_name_of_a_file() {
        for raw in ["", ".", "./", "a/", "a//", "a/."] {
            assert!(matches!(named(raw), Err(Error::Invalid(_))), "{raw:?}");
        }
        assert_eq!(named("a/b").unwrap().as_str(), "a/b");
    }
}
