//! Directories as answers.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::Serialize;

use crate::artifacts::{FileInfo, Listing};
use crate::error::{Error, Result};
use crate::http::reply::{json_body, json_bytes};

/// How many entries are looked up and written at once.
const ENTRIES: usize = 1_000;

#[derive(Debug, Serialize)]
struct ListedFile {
    path: String,
    is_dir: bool,
    /// Absent for directories, and, as the reference has it, for empty files.
    #[serde(skip_serializing_if = "is_zero")]
    file_size: u64,
}

fn is_zero(size: &u64) -> bool {
    *size == 0
}

/// The answer `{"root_uri": …, "files": […]}` of MLflow's two listings, in which there is no field that would be empty.
/// The client knows the directory as `directory`, which begins the path of each entry.
///
/// MLflow's clients read one answer and ask for no further page, so everything is in it: a long listing is written while
/// it is sent.
pub(super) async fn answer(root_uri: Option<String>, directory: &str, listing: Listing) -> Result<Response> {
    let begin = match &root_uri {
        Some(root_uri) => format!("{{\"root_uri\":{}", serde_json::to_string(root_uri).map_err(Error::internal)?),
        None => "{".to_owned(),
    };
    let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
    // What is read before the answer begins can still become an error.
    let mut writer = Writer { prefix, has_fields: root_uri.is_some(), has_files: false };
    let mut first = begin.into_bytes();
    writer.put_entries(&mut first, listing.page(0..ENTRIES).await?)?;
    if listing.names() <= ENTRIES {
        writer.put_end(&mut first);
        return Ok(json_bytes(first));
    }
    let rest = stream::try_unfold((writer, listing, ENTRIES), |(mut writer, listing, position)| async move {
        if position > listing.names() {
            return Ok::<_, Error>(None);
        }
        let mut part = Vec::new();
        writer.put_entries(&mut part, listing.page(position..position + ENTRIES).await?)?;
        if position + ENTRIES > listing.names() {
            writer.put_end(&mut part);
        }
        Ok(Some((Bytes::from(part), (writer, listing, position + ENTRIES))))
    });
    Ok(json_body(Body::from_stream(stream::iter([Ok(Bytes::from(first))]).chain(rest))))
}

/// What of the object was written.
struct Writer {
    prefix: String,
    has_fields: bool,
    has_files: bool,
}

impl Writer {
    fn put_entries(&mut self, json: &mut Vec<u8>, files: Vec<FileInfo>) -> Result<()> {
        for file in files {
            let opening: &[u8] = match (self.has_files, self.has_fields) {
                (true, _) => b",",
                (false, true) => b",\"files\":[",
                (false, false) => b"\"files\":[",
            };
            json.extend_from_slice(opening);
            self.has_files = true;
            let path = format!("{}{}", self.prefix, file.name);
            let entry = ListedFile { path, is_dir: file.is_dir, file_size: file.size_bytes };
            serde_json::to_writer(&mut *json, &entry).map_err(Error::internal)?;
        }
        Ok(())
    }

    fn put_end(&self, json: &mut Vec<u8>) {
        json.extend_from_slice(if self.has_files { b"]}" } else { b"}" });
    }
}
