//! `/refreshtoken`: Anemoi's token protocol, to the letter of `anemoi.md` section 4.
//!
//! A refusal is a 200 with a sentence for the person: a 4xx would show a stack trace, and what is retried is retried for an
//! hour. The body calls itself a form and is JSON.

use axum::extract::{Request, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::http::fields::Fields;
use crate::http::layers::read_body;
use crate::http::reply::Json;
use crate::state::AppState;

const MAX_BODY: usize = 64 * 1024;

#[derive(Serialize)]
struct Good {
    access_token: String,
    /// Seconds.
    expires_in: u64,
    refresh_token: String,
}

#[derive(Serialize)]
struct Answer<T> {
    status: &'static str,
    response: T,
}

/// `POST /refreshtoken`. The refresh token that is answered is the one that was sent: it may be used by many jobs at once,
/// and lives on by being used.
pub async fn refresh(State(app): State<AppState>, request: Request) -> Result<Response> {
    let refused = |text: &str| Json(Answer { status: "ERROR", response: text.to_owned() }).into_response();
    let response = match read(request).await {
        Ok(refresh_token) => match app.access.refresh(&refresh_token, (app.clock)()).await? {
            Some(good) => {
                let (access_token, expires_in) = (good.access_token, good.expires_in.as_secs());
                let response = Good { access_token, expires_in, refresh_token };
                Json(Answer { status: "OK", response }).into_response()
            }
            None => refused(
                "The refresh token is not accepted: it has expired, was revoked or is of another server. Get a new one at /seed.",
            ),
        },
        Err(Error::Unavailable(reason)) => return Err(Error::Unavailable(reason)),
        Err(error) => refused(&format!("The request cannot be understood: {error}")),
    };
    Ok(([(CACHE_CONTROL, "no-store")], response).into_response())
}

async fn read(request: Request) -> Result<String> {
    let (body, _room) = read_body(request, MAX_BODY).await?;
    Fields::from_body(&body)?.required_text("refresh_token")
}
