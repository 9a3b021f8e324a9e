//! Who asks, and whether they may: in front of every route, by the permission that the route declares.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cookie::Cookie;

use super::layers::{Client, ForBrowser, Page};
use super::routes::Permission;
use crate::access::{Credentials, SIGN_IN};
use crate::error::{Error, Result};
use crate::model::{Caller, Identity, Role};
use crate::state::AppState;

/// The cookie of a browser that signed in.
pub(super) const SESSION_COOKIE: &str = "windvane_session";
/// The longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 4_096;
/// The most characters of a name that the audit log shows of someone who is not known.
const MAX_CLAIMED: usize = 128;
const NO_PROOF: Error =
    Error::Unauthenticated("the Authorization header cannot be understood; send 'Basic' or 'Bearer'");

/// What [`admit`] has at hand.
#[derive(Clone)]
pub(super) struct Guard {
    pub app: AppState,
    pub permission: Permission,
}

/// Middleware around each route: lets those through who may do what the route is for, as far as that can be told before its
/// object is known, and tells the route who asks. The rest is decided where the object is read, with the same role.
pub(super) async fn admit(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let Guard { app, permission } = guard;
    // Browsers say that they are some only where the connection is secure.
    let from_browser =
        request.headers().contains_key("sec-fetch-site") || request.extensions().get::<ForBrowser>().is_some();
    if permission == Permission::Public {
        // The sign-in is one of these, and refuses too.
        return without_dialog(next.run(request).await, from_browser);
    }
    if let Some(source) = app.view_of.as_deref().filter(|_| permission.changes_something()) {
        let refusal = Error::Denied(format!(
            "This is a view of {source}, which changes nothing. `windvane sync` copies its runs to a server"
        ));
        return refusal.into_response();
    }
    let client = client(request.extensions()).clone();
    let admitted = match authenticate(&app, request.headers(), request.extensions()).await {
        Ok(identity) => caller(identity.clone(), permission)
            .map_err(|error| (error, identity.map_or_else(String::new, |identity| identity.name.clone()))),
        Err(error) => Err((error, claimed_name(request.headers()))),
    };
    let caller = match admitted {
        Ok(caller) => caller,
        Err((error, who)) => {
            audit("refused", &who, &client, &error.to_string());
            return without_dialog(error.into_response(), from_browser);
        }
    };
    request.extensions_mut().insert(caller.clone());
    let response = next.run(request).await;
    let anonymous = caller != Caller::Open && caller.account().is_none();
    match response.status() {
        // Perhaps it is there for those who sign in.
        StatusCode::NOT_FOUND if anonymous => without_dialog(SIGN_IN.into_response(), from_browser),
        StatusCode::FORBIDDEN => {
            audit("refused", caller.name(), &client, "the role is missing");
            response
        }
        status if status.is_success() && permission.is_audited() => {
            audit("done", caller.name(), &client, "");
            response
        }
        _ => response,
    }
}

/// One record of the audit log. The span around it names the request and its object.
pub(super) fn audit(result: &str, who: &str, client: &Client, reason: &str) {
    let from = address(client);
    tracing::info!(target: "windvane::audit", who, from, result, reason, "audit");
}

/// Where a client is, for people.
pub(super) fn address(client: &Client) -> String {
    client.address.map_or_else(|| "unix".to_owned(), |address| address.to_string())
}

/// What is known of the client of a request.
pub(super) fn client(extensions: &Extensions) -> &Client {
    static LOCAL: std::sync::LazyLock<Client> = std::sync::LazyLock::new(Client::default);
    extensions.get::<Client>().unwrap_or(&LOCAL)
}

/// Who sent a request; `None` on a server that is open.
pub(super) async fn authenticate(
    app: &AppState,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<Option<Arc<Identity>>> {
    if app.access.is_open().await? {
        return Ok(None);
    }
    let client = client(extensions);
    let credentials = credentials(headers, extensions, client)?;
    app.access.identify(&credentials, &address(client), (app.clock)()).await.map(Some)
}

/// The caller that a route of this permission is told of.
fn caller(identity: Option<Arc<Identity>>, permission: Permission) -> Result<Caller> {
    let Some(identity) = identity else {
        return match permission {
            Permission::SignedIn | Permission::Manage | Permission::Admin => Err(Error::Denied(
                "this server has no accounts; its administrator makes the first with `windvane user add NAME --admin`"
                    .to_owned(),
            )),
            _ => Ok(Caller::Open),
        };
    };
    let needs = permission.role();
    if identity.account.is_none() && permission != Permission::Read {
        return Err(SIGN_IN);
    }
    let at_most = identity.at_most;
    let caller = Caller::Known { identity, needs };
    if at_most < needs {
        return Err(Error::Denied(format!(
            "this needs the role '{needs}', and the token is only for scope '{}'",
            at_most.as_scope()
        )));
    }
    if permission == Permission::Admin && !caller.is_admin() {
        return Err(Error::Denied(
            "this needs an administrator of the site, and a credential for all namespaces".to_owned(),
        ));
    }
    if permission == Permission::CreateExperiment && !caller.reach(Role::Reader).is_unbound() {
        return Err(Error::Denied("the token is only for one namespace, and makes no others".to_owned()));
    }
    Ok(caller)
}

/// What a request carries. An `Authorization` header counts before all else: whoever sets one means it.
fn credentials(headers: &HeaderMap, extensions: &Extensions, client: &Client) -> Result<Credentials> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    match (given.next(), given.next()) {
        (Some(one), None) => return by_header(one),
        (Some(_), Some(_)) => return Err(NO_PROOF),
        (None, _) => {}
    }
    // What comes along with every request, of whichever page.
    if !is_own_page(extensions) {
        return Ok(Credentials::None);
    }
    if let Some(name) = &client.proxy_user {
        return Ok(Credentials::Vouched(name.clone()));
    }
    if let Some(cookie) = session_cookie(headers) {
        return Ok(Credentials::Session(cookie));
    }
    Ok(client.unix_user.map_or(Credentials::None, Credentials::SystemUser))
}

fn by_header(value: &HeaderValue) -> Result<Credentials> {
    let text = value.to_str().map_err(|_| NO_PROOF)?;
    let (scheme, rest) = text.split_once(' ').ok_or(NO_PROOF)?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !rest.is_empty() && rest.len() <= MAX_TOKEN {
        return Ok(Credentials::Bearer(rest.to_owned()));
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = STANDARD.decode(rest).map_err(|_| NO_PROOF)?;
        let text = String::from_utf8(decoded).map_err(|_| NO_PROOF)?;
        let (name, password) = text.split_once(':').ok_or(NO_PROOF)?;
        if text.contains('\0') || name.is_empty() {
            return Err(NO_PROOF);
        }
        return Ok(Credentials::Password { name: name.to_owned(), password: password.to_owned() });
    }
    Err(NO_PROOF)
}

/// Whom a refused request says that it comes from, for the audit log.
fn claimed_name(headers: &HeaderMap) -> String {
    match headers.get(header::AUTHORIZATION).map(by_header) {
        Some(Ok(Credentials::Password { name, .. })) => name.chars().take(MAX_CLAIMED).collect(),
        _ => String::new(),
    }
}

/// Whether a request comes from one of our pages, or from no page. Pages of this host at other ports send the cookie too:
/// only our own may use it.
pub(super) fn is_own_page(extensions: &Extensions) -> bool {
    matches!(extensions.get::<Page>(), None | Some(Page::None | Page::Own))
}

/// The session that a browser says it has.
pub(super) fn session_cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut ours = all.flat_map(Cookie::split_parse).filter_map(Result::ok).filter(|it| it.name() == SESSION_COOKIE);
    // A second one is of somebody else on this host, and nobody knows which.
    let (cookie, None) = (ours.next()?, ours.next()) else { return None };
    Some(cookie.value().to_owned()).filter(|value| value.len() <= MAX_TOKEN)
}

/// A browser shows a dialog of its own for a scheme that it knows, over the page that asks better.
fn without_dialog(mut response: Response, from_browser: bool) -> Response {
    if from_browser && response.headers().contains_key(header::WWW_AUTHENTICATE) {
        let scheme = HeaderValue::from_static("Session realm=\"windvane\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    }
    response
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        let caller = parts.extensions.get::<Caller>().cloned();
        caller.ok_or_else(|| Error::internal(anyhow::anyhow!("a route that asks who calls is open to everybody")))
    }
}
