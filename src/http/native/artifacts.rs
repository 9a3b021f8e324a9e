//! `GET artifacts`, `GET export/artifacts`: the files of a run a page at a time, and a directory of them as one archive.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::read_bounded;
use crate::artifacts::location::Owner;
use crate::artifacts::{ArtifactPath, FileInfo};
use crate::error::{Error, Resource, Result};
use crate::http::artifacts::{content_disposition, find_run};
use crate::http::fields::Fields;
use crate::http::page_token;
use crate::http::reply::Json;
use crate::http::routes::Request;
use crate::model::Caller;
use crate::state::AppState;

/// The most entries of a page.
const MAX_ENTRIES: i64 = 10_000;

/// A directory of a run.
struct RunDirectory {
    run_id: String,
    path: ArtifactPath,
}

impl RunDirectory {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        let run_id = fields.required_text("run_id")?;
        let path = ArtifactPath::parse(&fields.text("path")?.unwrap_or_default())?;
        Ok(RunDirectory { run_id, path })
    }
}

/// `artifacts`.
pub struct ListFiles {
    directory: RunDirectory,
    max_results: usize,
    page_token: Option<String>,
}

impl Request for ListFiles {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        Ok(ListFiles {
            directory: RunDirectory::from_fields(fields)?,
            max_results: read_bounded(fields, "max_results", 1_000, 1..=MAX_ENTRIES)?,
            page_token: fields.text("page_token")?,
        })
    }
}

/// A page of a directory.
#[derive(Serialize)]
pub struct FoundFiles {
    root_uri: String,
    /// How many names the directory holds; some of them may be of what is never shown, as links.
    entries: usize,
    files: Vec<FileJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

#[derive(Serialize)]
struct FileJson {
    name: String,
    is_dir: bool,
    size_bytes: u64,
    modified_ms: i64,
}

impl From<FileInfo> for FileJson {
    fn from(file: FileInfo) -> Self {
        let FileInfo { name, is_dir, size_bytes, modified_ms } = file;
        FileJson { name, is_dir, size_bytes, modified_ms }
    }
}

/// `GET artifacts`
///
/// A page goes on behind the last name of the one before, so that files which come and go meanwhile neither repeat nor
/// hide another.
pub async fn list(app: AppState, caller: Caller, request: ListFiles) -> Result<Json<FoundFiles>> {
    let ListFiles { directory: RunDirectory { run_id, path }, max_results, page_token } = request;
    let arguments = [run_id.as_str(), path.as_str()];
    let last: Option<String> = page_token::decode(&arguments, page_token.as_deref())?;
    let run = find_run(&app, &caller, &run_id).await?;
    let (mut files, mut entries, mut next) = (Vec::new(), 0, None);
    if let Some(root) = app.artifacts.locate(Owner::from(&run), &run.artifact_uri) {
        let listing = app.artifacts.list(&root.join(&path)?).await?;
        let from = last.map_or(0, |name| listing.position_after(&name));
        let to = listing.names().min(from + max_results);
        entries = listing.names();
        files = listing.page(from..to).await?.into_iter().map(FileJson::from).collect();
        if to < listing.names() {
            next = listing.name(to.saturating_sub(1)).map(|name| page_token::encode(&arguments, name)).transpose()?;
        }
    }
    Ok(Json(FoundFiles { root_uri: run.artifact_uri, entries, files, next_page_token: next }))
}

/// `export/artifacts`.
pub struct ExportArtifacts(RunDirectory);

impl Request for ExportArtifacts {
    fn from_fields(fields: &mut Fields) -> Result<Self> {
        RunDirectory::from_fields(fields).map(ExportArtifacts)
    }
}

/// `GET export/artifacts`
///
/// The archive is made while it is sent. If a file cannot be read, the answer breaks off, so that nobody takes a part for
/// the whole.
pub async fn export(app: AppState, caller: Caller, request: ExportArtifacts) -> Result<Response> {
    let ExportArtifacts(RunDirectory { run_id, path }) = request;
    let run = find_run(&app, &caller, &run_id).await?;
    let root = app.artifacts.locate(Owner::from(&run), &run.artifact_uri);
    let root = root.ok_or_else(|| Error::NotFound(Resource::Artifact(path.as_str().to_owned())))?;
    let archive = app.artifacts.zip(&root.join(&path)?).await?;
    let name = if path.is_root() { &run.name } else { path.file_name() };
    // The name of a run may be any text.
    let name: String = name.chars().map(|char| if char.is_control() || char == '/' { '_' } else { char }).collect();
    let headers = [
        (CONTENT_TYPE, "application/zip".to_owned()),
        (CONTENT_DISPOSITION, content_disposition(&format!("{name}.zip"))),
        (CACHE_CONTROL, "private, no-store".to_owned()),
        (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".to_owned()),
    ];
    Ok((headers, Body::from_stream(archive)).into_response())
}
