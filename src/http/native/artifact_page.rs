//! `GET artifacts/page`: a file of a run as a page, for a frame that shuts it in.
//!
//! All other answers with files are downloads; this one is shown, and what it shows was uploaded by someone. So it has an
//! origin of its own that is nobody's, in which no cookie and no address of this server is within reach, and it can load
//! nothing, send nothing and open nothing, whether it may run scripts or not.

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::invalid;
use crate::artifacts::ArtifactPath;
use crate::artifacts::location::Owner;
use crate::error::{Error, Resource, Result};
use crate::http::artifacts::find_run;
use crate::http::fields::Fields;
use crate::model::Caller;
use crate::state::AppState;

/// A larger file is for a program of its own, in bytes.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// What a page may do, behind what says whether it may run scripts. Nothing here may ever be `allow-same-origin`.
const RULES: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; \
     media-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";
const STILL: &str = "sandbox";
const SCRIPTED: &str = "sandbox allow-scripts; script-src 'unsafe-inline' 'unsafe-eval'";

/// `GET` and `HEAD artifacts/page`
pub async fn show(
    State(app): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let mut fields = Fields::from_query(query.as_deref().unwrap_or_default());
    let run_id = fields.required_text("run_id")?;
    let path = ArtifactPath::parse(&fields.required_text("path")?)?;
    let scripted = match fields.text("scripts")?.as_deref() {
        None | Some("" | "0") => false,
        Some("1") => true,
        Some(other) => return Err(invalid("scripts", other, "it must be 0 or 1")),
    };
    let content_type = content_type(&path).ok_or_else(|| {
        invalid("path", path.as_str(), "only .html, .htm, .xhtml and .svg are shown as pages; download other files")
    })?;
    if scripted && headers.get("sec-fetch-dest").is_some_and(|target| target == "document") {
        // With the address of this server above it and nothing around it, it could ask for passwords as if it were us.
        return Err(Error::Invalid(
            "A page that may run scripts is shown only within a frame; open it from the files of its run.".to_owned(),
        ));
    }
    let run = find_run(&app, &caller, &run_id).await?;
    let root = app.artifacts.locate(Owner::from(&run), &run.artifact_uri);
    let root = root.ok_or_else(|| Error::NotFound(Resource::Artifact(path.as_str().to_owned())))?;
    let file = app.artifacts.read(&root.join(&path)?).await?;
    if file.size_bytes > MAX_BYTES {
        return Err(Error::TooLarge(format!(
            "The file has {} bytes; at most {MAX_BYTES} are shown as a page. Download it instead.",
            file.size_bytes
        )));
    }
    let described = [
        (CONTENT_TYPE, content_type.to_owned()),
        (CONTENT_DISPOSITION, "inline".to_owned()),
        (CONTENT_LENGTH, file.size_bytes.to_string()),
        (CACHE_CONTROL, "private, no-store".to_owned()),
        (CONTENT_SECURITY_POLICY, format!("{}; {RULES}", if scripted { SCRIPTED } else { STILL })),
    ];
    Ok((described, Body::from_stream(file.stream(0..file.size_bytes))).into_response())
}

/// The type of a file that is shown, by its name alone.
fn content_type(path: &ArtifactPath) -> Option<&'static str> {
    let (_, extension) = path.file_name().rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        "html" | "htm" | "xhtml" => Some("text/html; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}
