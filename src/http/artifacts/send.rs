//! Stored files as answers.
//!
//! Everything that is served was uploaded by someone: it is sent as a download, in a sandbox, with a type that comes from
//! a fixed table, so that no file can act in the name of the page it was opened from.

use std::ops::Range;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::artifacts::ArtifactFile;
use crate::error::{Error, Result};

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

/// Answers with the file, a part of it, or that the client has it.
pub(in crate::http) fn send(file: &ArtifactFile, name: &str, method: &Method, headers: &HeaderMap) -> Result<Response> {
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
pub(in crate::http) fn content_disposition(name: &str) -> String {
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
