//! The table of all routes, from which the router is built and with which `docs/API.md` is compared.
//!
//! A route names its method, path, aliases, the permission it needs, and the types of its request and reply. There is
//! no other way to add one, so none can be without a permission.

use std::any::type_name;
use std::convert::Infallible;
use std::future::Future;

use axum::Router;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{MethodFilter, MethodRouter, on};
use tower_http::decompression::RequestDecompressionLayer;

use super::auth::{Guard, admit};
use super::fields::Fields;
use super::layers::{Room, read_body, revalidate, streamed_body, unpacked_body, within_deadline};
use crate::error::{Error, Result};
use crate::model::{Caller, Role};
use crate::state::AppState;

/// What a caller must be allowed to do: the permission table is this column of the table of routes. On a server without
/// accounts everyone may do everything, and accounts cannot be made by way of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Nothing: also for those who are not signed in.
    Public,
    /// To be signed in, where there are accounts: the server's own figures.
    Monitor,
    /// To be signed in, for what is one's own.
    SignedIn,
    /// To read the namespace that the request is about; searches show only what may be read.
    Read,
    /// To keep views of what one sees, for others too: whoever is signed in, with a credential that is not for reading.
    Share,
    /// To create namespaces: whoever is signed in, with a credential that is not for reading or for one namespace.
    CreateExperiment,
    /// To log to, and to change, what is in the namespace.
    Write,
    /// To move to the trash, to restore, to delete.
    Delete,
    /// To say who has which role in the namespace.
    Manage,
    /// To make and change accounts.
    Admin,
}

impl Permission {
    /// All permissions, in the order of the documentation.
    pub const ALL: [Permission; 10] = [
        Permission::Public,
        Permission::Monitor,
        Permission::SignedIn,
        Permission::Read,
        Permission::Share,
        Permission::CreateExperiment,
        Permission::Write,
        Permission::Delete,
        Permission::Manage,
        Permission::Admin,
    ];

    /// Who has it, on a server with accounts.
    fn holders(self) -> &'static str {
        match self {
            Permission::Public => "everyone, signed in or not",
            Permission::Monitor | Permission::SignedIn => "whoever is signed in",
            Permission::Read => "reader of the namespace; searches and lists show what one may read",
            Permission::Share => {
                "whoever is signed in, by a credential that may write; what others made is for managers of its namespace"
            }
            Permission::CreateExperiment => {
                "whoever is signed in, by a credential that may write and is not for one namespace; becomes its manager"
            }
            Permission::Write => "editor of the namespace",
            Permission::Delete | Permission::Manage => "manager of the namespace",
            Permission::Admin => "administrator of the site",
        }
    }

    /// The least role that the caller must have in the namespace that the request is about.
    pub fn role(self) -> Role {
        match self {
            Permission::Public | Permission::Monitor | Permission::SignedIn | Permission::Read => Role::Reader,
            Permission::Share | Permission::CreateExperiment | Permission::Write => Role::Editor,
            Permission::Delete | Permission::Manage => Role::Manager,
            Permission::Admin => Role::Admin,
        }
    }

    /// Whether it is there to change things.
    pub fn changes_something(self) -> bool {
        !matches!(self, Permission::Public | Permission::Monitor | Permission::Read)
    }

    /// Whether what was done goes into the audit log, and not only what was refused.
    pub fn is_audited(self) -> bool {
        matches!(self, Permission::Delete | Permission::Manage | Permission::Admin | Permission::SignedIn)
    }
}

/// Where below the server's prefix a path is found (contract section 0.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// `/api/2.0/` and `/ajax-api/2.0/`.
    Api2,
    /// `/api/3.0/` and `/ajax-api/3.0/`.
    Api3,
    /// `/ajax-api/2.0/` alone.
    Ajax2,
    /// `/api/windvane/v1/`: our own API, where no client of MLflow can trip over it.
    Own,
    /// The path as it is.
    Plain,
}

impl Root {
    fn as_pattern(self) -> &'static str {
        match self {
            Root::Api2 => "/{api,ajax-api}/2.0/",
            Root::Api3 => "/{api,ajax-api}/3.0/",
            Root::Ajax2 => "/ajax-api/2.0/",
            Root::Own => "/api/windvane/v1/",
            Root::Plain => "/",
        }
    }

    fn prefixes(self) -> &'static [&'static str] {
        match self {
            Root::Api2 => &["/api/2.0/", "/ajax-api/2.0/"],
            Root::Api3 => &["/api/3.0/", "/ajax-api/3.0/"],
            Root::Ajax2 => &["/ajax-api/2.0/"],
            Root::Own => &["/api/windvane/v1/"],
            Root::Plain => &["/"],
        }
    }
}

/// A request that can be read from fields, or from a body in a faster way of its own.
pub trait Request: Sized + Send + 'static {
    /// Reads and checks the fields.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the field.
    fn from_fields(fields: &mut Fields) -> Result<Self>;

    /// Reads a JSON body.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the field.
    fn from_body(body: &[u8]) -> Result<Self> {
        Self::from_fields(&mut Fields::from_body(body)?)
    }
}

/// One route.
pub struct Route {
    /// The method.
    pub method: Method,
    /// Where the path lies.
    pub root: Root,
    /// The path below the root, with axum's placeholders.
    pub path: &'static str,
    /// What the caller must be allowed to do.
    pub permission: Permission,
    /// The type of the request.
    pub request: &'static str,
    /// The type of the reply.
    pub reply: &'static str,
    handler: MethodRouter<AppState>,
}

impl Route {
    /// All paths that lead here, below the server's prefix.
    pub fn paths(&self) -> impl Iterator<Item = String> + '_ {
        self.root.prefixes().iter().map(|prefix| format!("{prefix}{}", self.path))
    }
}

/// A route whose fields come as JSON, or in the query string of a GET, and whose handler has one request type.
pub fn fields<Q, R, F, Answer>(method: Method, root: Root, path: &'static str, permission: Permission, run: F) -> Route
where
    Q: Request,
    R: IntoResponse,
    F: Fn(AppState, Caller, Q) -> Answer + Clone + Send + Sync + 'static,
    Answer: Future<Output = Result<R>> + Send + 'static,
{
    sized(method, root, path, permission, |app| app.options.json_limit, run)
}

/// As [`fields`], with a limit of its own for the body.
pub fn sized<Q, R, F, Answer>(
    method: Method,
    root: Root,
    path: &'static str,
    permission: Permission,
    limit: fn(&AppState) -> usize,
    run: F,
) -> Route
where
    Q: Request,
    R: IntoResponse,
    F: Fn(AppState, Caller, Q) -> Answer + Clone + Send + Sync + 'static,
    Answer: Future<Output = Result<R>> + Send + 'static,
{
    let handler = move |State(app): State<AppState>,
                        caller: Caller,
                        path: std::result::Result<RawPathParams, RawPathParamsRejection>,
                        request: axum::extract::Request| async move {
        within_deadline(async {
            let path = path.map_err(|_| Error::Invalid("Invalid path: it is not valid UTF-8".to_owned()))?;
            let (request, _room) = read(request, &path, limit(&app)).await?;
            Ok::<_, Error>(run(app, caller, request).await?.into_response())
        })
        .await
    };
    raw(method, root, path, permission, handler).typed(short::<Q>(), short::<R>())
}

/// A route with an axum handler of its own: bytes in or out.
pub fn raw<H, T>(method: Method, root: Root, path: &'static str, permission: Permission, handler: H) -> Route
where
    H: axum::handler::Handler<T, AppState>,
    T: 'static,
{
    let filter = MethodFilter::try_from(method.clone()).expect("the table has only methods that axum knows");
    Route { method, root, path, permission, request: "bytes", reply: "bytes", handler: on(filter, handler) }
}

impl Route {
    /// The route takes a body of any length, which is not read as a whole: a client that falls silent is cut off.
    #[must_use]
    pub fn streamed(mut self) -> Self {
        self.handler = self.handler.layer(axum::middleware::from_fn(streamed_body));
        self
    }

    /// The route takes a body that is compressed with gzip; what comes out of it is bounded as if it had come as it is.
    #[must_use]
    pub fn unpacked(mut self) -> Self {
        let unpack = RequestDecompressionLayer::new().pass_through_unaccepted(true);
        self.handler = self.handler.layer::<_, Infallible>(axum::middleware::from_fn(unpacked_body)).layer(unpack);
        self
    }

    /// The answer has an entity tag: who has it already is told so, and nothing else.
    #[must_use]
    pub fn revalidated(mut self) -> Self {
        self.handler = self.handler.layer(axum::middleware::from_fn(revalidate));
        self
    }

    /// Names what goes in and out.
    #[must_use]
    pub fn typed(mut self, request: &'static str, reply: &'static str) -> Self {
        (self.request, self.reply) = (request, reply);
        self
    }
}

/// The router of all routes, each behind its permission.
pub fn router(table: Vec<Route>, app: &AppState) -> Router<AppState> {
    let mut router = Router::new();
    for route in table {
        let paths: Vec<String> = route.paths().collect();
        let guard = Guard { app: app.clone(), permission: route.permission };
        let handler = route.handler.layer(from_fn_with_state(guard, admit));
        for path in paths {
            router = router.route(&path, handler.clone());
        }
    }
    router
}

/// The permission table for people: `windvane config --permissions`, and a part of `docs/SECURITY.md`.
pub fn describe(table: &[Route]) -> String {
    let mut text = String::new();
    for permission in Permission::ALL {
        let mut routes: Vec<_> = table
            .iter()
            .filter(|route| route.permission == permission)
            .map(|route| (route.root.as_pattern(), route.path, route.method.as_str()))
            .collect();
        routes.sort_unstable();
        let gap = if text.is_empty() { "" } else { "\n" };
        text += &format!("{gap}{permission:?}: {}\n", permission.holders());
        text.extend(routes.iter().map(|(root, path, method)| format!("  {method:6} {root}{path}\n")));
    }
    text
}

/// The name of a type without its module.
fn short<T>() -> &'static str {
    let full = type_name::<T>();
    let full = full.strip_suffix('>').unwrap_or(full);
    full.rsplit("::").next().unwrap_or(full)
}

/// A request, and the room in memory that its body takes until it is answered. What the path names counts, whatever the
/// body says.
async fn read<Q: Request>(
    request: axum::extract::Request,
    path: &RawPathParams,
    limit: usize,
) -> Result<(Q, Option<Room>)> {
    if request.method() == Method::GET || request.method() == Method::HEAD {
        let query = request.uri().query().unwrap_or_default();
        let mut fields = Fields::from_query(query);
        path.iter().for_each(|(name, value)| fields.set_from_path(name, value));
        return Ok((Q::from_fields(&mut fields)?, None));
    }
    // PATCH and DELETE are not checked (contract section 0.2).
    if matches!(*request.method(), Method::POST | Method::PUT) {
        must_be_json(request.headers())?;
    }
    let (body, room) = read_body(request, limit).await?;
    if path.iter().next().is_none() {
        return Ok((Q::from_body(&body)?, Some(room)));
    }
    let mut fields = Fields::from_body(&body)?;
    path.iter().for_each(|(name, value)| fields.set_from_path(name, value));
    Ok((Q::from_fields(&mut fields)?, Some(room)))
}

/// Refuses what does not call itself `application/json`, so that a form of another site cannot write (contract section 0.2).
pub(super) fn must_be_json(headers: &HeaderMap) -> Result<()> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Err(Error::Invalid("Bad Request. Content-Type header is missing.".to_owned()));
    };
    let media_type = value.to_str().ok().and_then(|text| text.split(';').next()).map(str::trim);
    if media_type.is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    Err(Error::Invalid("Bad Request. Content-Type must be one of ['application/json'].".to_owned()))
}
