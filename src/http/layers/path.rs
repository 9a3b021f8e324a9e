//! From the path that a client wrote to the path that routes have.
//!
//! Below a prefix everything moves, as in MLflow; only the files of proxied artifacts can also be reached without it,
//! because clients build their address from the server's root (contract section 0.1).

use std::{borrow::Cow, sync::Arc};

use axum::{
    extract::{OriginalUri, Request, State},
    http::{StatusCode, Uri, header, uri::PathAndQuery},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::error::Error;

/// Where the files of proxied artifacts are, with and without a prefix.
const ARTIFACT_FILES: [&str; 2] = ["/api/2.0/mlflow-artifacts/", "/ajax-api/2.0/mlflow-artifacts/"];

/// What to do with a path.
#[derive(Debug, PartialEq, Eq)]
enum Place<'a> {
    /// Route this one.
    Route(Cow<'a, str>),
    /// The prefix without its slash.
    Front,
    /// Beside the prefix.
    Outside,
}

/// The path below which everything is served, for who writes it into an answer.
#[derive(Debug, Clone)]
pub(in crate::http) struct Prefix(pub Arc<str>);

/// Middleware around the router: routes by the path in its plain form, without the prefix. Handlers that want the path as
/// it was written find it in [`OriginalUri`].
pub(super) async fn enter(State(prefix): State<Arc<str>>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Prefix(prefix.clone()));
    let uri = request.uri();
    let path = match place(uri.path(), &prefix) {
        Place::Route(Cow::Borrowed(path)) if path.len() == uri.path().len() => return next.run(request).await,
        Place::Route(path) => path,
        Place::Front => {
            let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            let front = format!("{prefix}/{query}");
            return super::protected((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, front)]).into_response());
        }
        // No route has an empty first segment: it goes the way of all unknown paths.
        Place::Outside => Cow::Owned(format!("/{}", uri.path())),
    };
    let path_and_query = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.into_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(path_and_query).ok();
    let Ok(routed) = Uri::from_parts(parts) else {
        let error = Error::Invalid("The path cannot be read".to_owned());
        return super::protected(error.into_response());
    };
    let original = std::mem::replace(request.uri_mut(), routed);
    request.extensions_mut().insert(OriginalUri(original));
    next.run(request).await
}

fn place<'a>(path: &'a str, prefix: &str) -> Place<'a> {
    let path = plain(path);
    if prefix.is_empty() || ARTIFACT_FILES.iter().any(|files| path.starts_with(files)) {
        return Place::Route(path);
    }
    match path.strip_prefix(prefix) {
        Some("") => Place::Front,
        Some(rest) if rest.starts_with('/') => {
            let start = path.len() - rest.len();
            Place::Route(match path {
                Cow::Borrowed(path) => Cow::Borrowed(&path[start..]),
                Cow::Owned(path) => Cow::Owned(path[start..].to_owned()),
            })
        }
        _ => Place::Outside,
    }
}

/// The path with one slash for many, and with letters and digits that were percent-encoded without need.
///
/// Everything else that is encoded stays so, `%2F`, `%2E` and `%25` above all: what it means in the name of an artifact is
/// judged there, once.
fn plain(path: &str) -> Cow<'_, str> {
    let has_encoded = path.as_bytes().windows(3).any(|bytes| encoded_alphanumeric(bytes).is_some());
    if !path.contains("//") && !has_encoded {
        return Cow::Borrowed(path);
    }
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(next) = rest.chars().next() {
        if let Some(letter) = rest.as_bytes().get(..3).and_then(encoded_alphanumeric) {
            plain.push(letter);
            rest = &rest[3..];
            continue;
        }
        if next == '%' && rest.len() >= 3 && rest.is_char_boundary(3) {
            // As a whole, so that the `25` of `%2541` does not begin a new sequence.
            plain.push_str(&rest[..3]);
            rest = &rest[3..];
            continue;
        }
        if next != '/' || !plain.ends_with('/') {
            plain.push(next);
        }
        rest = &rest[next.len_utf8()..];
    }
    Cow::Owned(plain)
}

/// The ASCII letter or digit that three bytes as `%61` stand for.
fn encoded_alphanumeric(bytes: &[u8]) -> Option<char> {
    let &[b'%', high, low] = bytes else { return None };
    let code = char::from(high).to_digit(16)? * 16 + char::from(low).to_digit(16)?;
    char::from_u32(code).filter(char::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(path: &str, prefix: &str) -> Option<String> {
        match place(path, prefix) {
            Place::Route(path) => Some(path.into_owned()),
            Place::Front | Place::Outside => None,
        }
    }

    #[test]
    fn many_slashes_are_one_and_needless_encoding_goes() {
        for (path, expected) in [
            ("/api/2.0/mlflow/runs/get", "/api/2.0/mlflow/runs/get"),
            ("//api///2.0//mlflow/runs/get", "/api/2.0/mlflow/runs/get"),
            ("/api/2%2E0/%6Dlflow/run%73/get", "/api/2%2E0/mlflow/runs/get"),
            ("/a//", "/a/"),
            ("//", "/"),
            ("/", "/"),
        ] {
            assert_eq!(routed(path, "").as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn what_must_be_encoded_stays_encoded() {
        for path in
            ["/a/..%2f..%2Fetc", "/a/%2e%2e/b", "/a/%2541", "/a/%25%2541", "/a/img%25step", "/a/%", "/a/%4", "/a/%zz"]
        {
            assert_eq!(routed(path, "").as_deref(), Some(path));
        }
    }

    #[test]
    fn below_a_prefix_everything_moves_but_the_files_of_artifacts_stay_reachable() {
        for (path, expected) in [
            ("/x/health", Some("/health")),
            ("/x/", Some("/")),
            ("//x//api/2.0/mlflow/runs/get", Some("/api/2.0/mlflow/runs/get")),
            ("/%78/health", Some("/health")),
            ("/x/api/2.0/mlflow-artifacts/artifacts/a", Some("/api/2.0/mlflow-artifacts/artifacts/a")),
            ("/api/2.0/mlflow-artifacts/artifacts/a", Some("/api/2.0/mlflow-artifacts/artifacts/a")),
            ("/ajax-api/2.0/mlflow-artifacts/artifacts/a", Some("/ajax-api/2.0/mlflow-artifacts/artifacts/a")),
            ("/health", None),
            ("/", None),
            ("/xy/health", None),
            ("/api/2.0/mlflow/runs/get", None),
        ] {
            assert_eq!(routed(path, "/x").as_deref(), expected, "{path}");
        }
        assert_eq!(place("/x", "/x"), Place::Front);
        assert_eq!(place("//x", "/x"), Place::Front);
    }
}
