//! Answers: JSON that went well, and errors with their status.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;

use crate::error::Error;

/// How long a client should wait before it sends a refused request again, in seconds.
const RETRY_AFTER_S: &str = "1";

/// A JSON answer, always with status 200 (contract section 0.3).
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => json_bytes(body),
            Err(error) => Error::internal(error).into_response(),
        }
    }
}

/// The empty answer `{}`.
#[derive(Debug, Serialize)]
pub struct Empty {}

/// A finished JSON body.
pub fn json_bytes(body: impl Into<Bytes>) -> Response {
    json_body(Body::from(body.into()))
}

/// A JSON body that is still being made.
pub fn json_body(body: Body) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

#[derive(Serialize)]
struct Envelope<'a> {
    error_code: &'a str,
    message: String,
}

fn status(error: &Error) -> StatusCode {
    match error {
        // MLflow answers INVALID_STATE and FEATURE_DISABLED with 500, which makes clients send a hopeless request
        // again for minutes; a caller's mistake is a 400 here.
        Error::Invalid(_)
        | Error::BadRequest(_)
        | Error::InvalidState(_)
        | Error::FeatureDisabled(_)
        | Error::Exists(_) => StatusCode::BAD_REQUEST,
        Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Error::TooManyTries { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Denied(_) => StatusCode::FORBIDDEN,
        Error::NotFound(_) | Error::NoEndpoint(_) => StatusCode::NOT_FOUND,
        Error::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Error::RangeNotSatisfiable { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
        Error::NotImplemented(_) => StatusCode::NOT_IMPLEMENTED,
        Error::StorageFull(_) => StatusCode::INSUFFICIENT_STORAGE,
        Error::DatabaseFull | Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Error {
    /// The error envelope of the contract (section 0.4). A failure of ours is logged here, once.
    fn into_response(self) -> Response {
        let status = status(&self);
        match &self {
            Error::Internal(source) => tracing::error!(error = format!("{source:#}"), "a request failed"),
            other => tracing::info!(reason = %other, code = other.code(), "a request was refused"),
        }
        let envelope = Envelope { error_code: self.code(), message: self.to_string() };
        let body = serde_json::to_vec(&envelope).expect("two texts are always JSON");
        let mut response = json_bytes(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if let Error::DatabaseFull | Error::Unavailable(_) = self {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
        }
        if let Error::Unauthenticated(_) = self {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"mlflow\""));
        }
        if let Error::TooManyTries { retry_after_s } = self {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
        }
        if let Error::RangeNotSatisfiable { size_bytes } = self
            && let Ok(range) = HeaderValue::from_str(&format!("bytes */{size_bytes}"))
        {
            headers.insert(header::CONTENT_RANGE, range);
        }
        response
    }
}
