//! `session`: who a browser is signed in as.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use cookie::{Cookie, SameSite, time::Duration};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::http::auth::{self, SESSION_COOKIE, address, audit, authenticate, client, is_own_page, session_cookie};
use crate::http::fields::Fields;
use crate::http::layers::{Prefix, read_body};
use crate::http::reply::{Empty, Json};
use crate::http::routes::must_be_json;
use crate::model::{Caller, Identity};
use crate::state::AppState;

/// The largest body, in bytes.
const MAX_BODY: usize = 64 * 1024;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Who asks.
#[derive(Serialize)]
pub struct SessionReply {
    /// Whether one has to sign in.
    accounts: bool,
    user: Option<User>,
    /// What this server shows, if it only shows something.
    view_of: Option<Arc<str>>,
    /// The version of this program; strangers are not told, who may look for one with a known fault.
    version: Option<&'static str>,
}

#[derive(Serialize)]
struct User {
    name: String,
    display_name: String,
    admin: bool,
}

impl SessionReply {
    fn of(identity: Option<&Identity>) -> Self {
        let user = identity.filter(|identity| identity.account.is_some()).map(|identity| User {
            name: identity.name.clone(),
            display_name: identity.display_name.clone(),
            admin: Caller::Known { identity: identity.clone().into(), needs: crate::model::Role::Admin }.is_admin(),
        });
        SessionReply { accounts: true, user, view_of: None, version: identity.map(|_| VERSION) }
    }
}

/// `GET session`
pub async fn get(State(app): State<AppState>, request: Request) -> Result<Response> {
    let reply = match authenticate(&app, request.headers(), request.extensions()).await {
        Ok(None) => SessionReply { accounts: false, user: None, view_of: app.view_of.clone(), version: Some(VERSION) },
        Ok(Some(identity)) => SessionReply::of(Some(&identity)),
        Err(Error::Unauthenticated(_)) => SessionReply::of(None),
        Err(error) => return Err(error),
    };
    Ok(private(Json(reply).into_response()))
}

/// `POST session`: a new session, whatever there was before.
pub async fn create(State(app): State<AppState>, request: Request) -> Result<Response> {
    must_be_closed(&app).await?;
    must_be_own_page(request.extensions())?;
    let (parts, mut fields) = read(request).await?;
    let (name, password) = (fields.required_text("name")?, fields.required_text("password")?);
    let client = client(&parts.extensions);
    let former = session_cookie(&parts.headers);
    let now_ms = (app.clock)();
    let signed_in = match crate::validate::no_nul("name", &name) {
        Ok(()) => app.access.sign_in(&name, &password, &address(client), former.as_deref(), now_ms).await,
        Err(error) => Err(error),
    };
    let cookie = match signed_in {
        Ok(cookie) => cookie,
        Err(error) => {
            audit("sign-in refused", &name, client, &error.to_string());
            return Err(error);
        }
    };
    audit("signed in", &name, client, "");
    let credentials = crate::access::Credentials::Session(cookie.clone());
    let identity = app.access.identify(&credentials, &address(client), now_ms).await?;
    let mut response = private(Json(SessionReply::of(Some(&identity))).into_response());
    set_cookie(&mut response, &parts, cookie, None);
    Ok(response)
}

/// `DELETE session`
pub async fn delete(State(app): State<AppState>, request: Request) -> Result<Response> {
    let (parts, _) = request.into_parts();
    must_be_own_page(&parts.extensions)?;
    if let Some(cookie) = session_cookie(&parts.headers) {
        app.access.sign_out(&cookie).await?;
    }
    let mut response = private(Json(Empty {}).into_response());
    set_cookie(&mut response, &parts, String::new(), Some(Duration::ZERO));
    Ok(response)
}

/// `POST session/password`: changes one's own password; every session ends, and this browser gets a new one.
pub async fn change_password(State(app): State<AppState>, caller: Caller, request: Request) -> Result<Response> {
    let (parts, mut fields) = read(request).await?;
    let (password, new) = (fields.required_text("password")?, fields.required_text("new_password")?);
    let place = address(client(&parts.extensions));
    app.access.change_password(caller.name(), &password, &new, &place).await?;
    audit("password changed", caller.name(), client(&parts.extensions), "");
    let mut response = private(Json(Empty {}).into_response());
    if session_cookie(&parts.headers).is_some() {
        let cookie = app.access.sign_in(caller.name(), &new, &place, None, (app.clock)()).await?;
        set_cookie(&mut response, &parts, cookie, None);
    }
    Ok(response)
}

async fn must_be_closed(app: &AppState) -> Result<()> {
    if app.access.is_open().await? {
        return Err(Error::BadRequest("this server has no accounts, so there is nobody to sign in as".to_owned()));
    }
    Ok(())
}

/// Whoever may read from a page of its own may still not sign people out, or in as somebody else.
fn must_be_own_page(extensions: &Extensions) -> Result<()> {
    if is_own_page(extensions) {
        return Ok(());
    }
    Err(Error::Denied("only this server's own pages sign in and out".to_owned()))
}

async fn read(request: Request) -> Result<(Parts, Fields)> {
    must_be_json(request.headers())?;
    let (parts, body) = request.into_parts();
    let (body, _room) = read_body(Request::from_parts(parts.clone(), body), MAX_BODY).await?;
    Ok((parts, Fields::from_body(&body)?))
}

/// Only our own pages get the cookie, only over the scheme they came by, and no script.
fn set_cookie(response: &mut Response, parts: &Parts, value: String, max_age: Option<Duration>) {
    let path = parts.extensions.get::<Prefix>().map_or("", |prefix| &prefix.0);
    let path = if path.is_empty() { "/" } else { path }.to_owned();
    let mut cookie = Cookie::build((SESSION_COOKIE, value))
        .path(path)
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(auth::client(&parts.extensions).secure)
        .build();
    if let Some(max_age) = max_age {
        cookie.set_max_age(max_age);
    }
    if let Ok(value) = HeaderValue::try_from(cookie.to_string()) {
        response.headers_mut().insert(SET_COOKIE, value);
    }
}

fn private(mut response: Response) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
