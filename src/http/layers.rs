//! What every request passes through, around its route.
//!
//! [`around`] puts it all in place, from the outside in: what an answer leaves of a body is read, the path is brought
//! to the form that routes have, the answer is compressed where that pays, the request gets an id, a span, a log record
//! and its place in the figures, what must not come in is refused, and a panic becomes an answer. What concerns bodies
//! depends on the route: [`read_body`], [`within_deadline`] and [`streamed_body`].

mod bodies;
mod browser;
mod path;
mod peer;
mod rest;
mod revalidation;

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use axum::{
    Router,
    body::HttpBody,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use tower_http::{
    CompressionLevel,
    compression::{CompressionLayer, Predicate},
};
use tracing::{Instrument, debug, info_span};

use crate::{
    access::Access,
    config::Config,
    error::{Error, Result},
    http::reply::json_bytes,
    telemetry::Metrics,
};

use bodies::BodyBudget;
use browser::BrowserRules;
use peer::Proxies;

pub use bodies::{Room, read_body, streamed_body, unpacked_body, within_deadline};
pub(in crate::http) use browser::Page;
pub(in crate::http) use path::Prefix;
pub use peer::{Client, Peer};
pub use revalidation::revalidate;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const WORKSPACE: HeaderName = HeaderName::from_static("x-mlflow-workspace");

/// Paths that are answered under any host name: a load balancer or a container's probe knows only an address.
const ANY_HOST_PATHS: [&str; 2] = ["/health", "/version"];

/// The one endpoint that clients ask, with a workspace, whether there are workspaces.
const SERVER_INFO: &str = "/3.0/mlflow/server-info";

/// Answers smaller than this are not compressed, in bytes: below it, packing costs more time than sending.
const COMPRESS_FROM: u64 = 32 * 1024;

/// Puts everything that holds for all routes around them.
pub fn around(routes: Router, config: &Config, metrics: Metrics, access: Access) -> Router {
    let gate = Arc::new(Gate::new(config, metrics, access));
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(LargeJsonForBrowsers);
    let router = routes.layer(from_fn_with_state(gate, pass)).layer(compression);
    // Routing happens in the inner router, so that the path can be changed before.
    let prefix: Arc<str> = config.prefix.as_str().into();
    Router::new()
        .fallback_service(router)
        .layer(from_fn_with_state(prefix, path::enter))
        .layer(from_fn(rest::read_rest))
}

/// What decides over requests and counts them.
struct Gate {
    rules: BrowserRules,
    proxies: Proxies,
    metrics: Metrics,
    access: Access,
    ids: RequestIds,
    bodies: BodyBudget,
}

impl Gate {
    fn new(config: &Config, metrics: Metrics, access: Access) -> Self {
        let bodies = BodyBudget::new(config.bodies_in_flight);
        Gate {
            rules: BrowserRules::new(config),
            proxies: Proxies::new(config),
            metrics,
            access,
            ids: RequestIds::new(),
            bodies,
        }
    }

    /// Refuses what must not reach a route, whichever it is.
    fn admit(&self, request: &Request, page: Page) -> Result<()> {
        let path = request.uri().path();
        let by_unix_socket = matches!(request.extensions().get::<Peer>(), Some(Peer::Unix { .. }));
        if !by_unix_socket && !ANY_HOST_PATHS.contains(&path) && !self.rules.is_for_us(request.headers(), request.uri())
        {
            return Err(Error::Denied(
                "Invalid Host header - possible DNS rebinding attack detected. If clients may use this name for the \
                 server, its administrator adds it to allowed_hosts"
                    .to_owned(),
            ));
        }
        if page == Page::Foreign && (browser::changes_something(request.method()) || is_preflight(request)) {
            return Err(Error::Denied(
                "Cross-origin request blocked. If pages of this origin may use the server, its administrator adds it to \
                 allowed_origins"
                    .to_owned(),
            ));
        }
        let names_workspace =
            request.headers().get(&WORKSPACE).is_some_and(|name| !name.as_bytes().trim_ascii().is_empty());
        if names_workspace && !path.ends_with(SERVER_INFO) {
            // MLflow answers 500, which clients repeat for minutes; the status is decided with all others.
            return Err(Error::FeatureDisabled(
                "Workspaces are not available on this server; unset MLFLOW_WORKSPACE".to_owned(),
            ));
        }
        Ok(())
    }
}

/// One request, from its head to the head of its answer.
async fn pass(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = gate.ids.of(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    // The template, not the path: the path holds names that clients chose.
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let for_browser =
        request.uri().path().starts_with("/ajax-api/") || request.uri().path().starts_with("/api/windvane/");
    if for_browser {
        request.extensions_mut().insert(ForBrowser);
    }
    let with_accounts = gate.access.has_accounts();
    let page = gate.rules.page(request.headers());
    let origin = request.headers().get(header::ORIGIN).cloned();
    request.extensions_mut().insert(page);
    request.extensions_mut().insert(gate.bodies.clone());
    let object = tracing::field::Empty;
    let span = info_span!("request", id = id.to_str().unwrap_or_default(), %method, route, object);

    let answer = async {
        let admitted = gate.admit(&request, page).and_then(|()| gate.proxies.client(&request));
        let admitted = admitted.map(|client| drop(request.extensions_mut().insert(client)));
        let mut response = match admitted {
            Err(error) => error.into_response(),
            Ok(()) if page != Page::None && is_preflight(&request) => preflight(),
            // The panic hook has logged a panic, in this span.
            Ok(()) => AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| internal_error()),
        };
        let took = started.elapsed();
        let status = response.status();
        // A training sends thousands of requests an hour: what went well is a figure, not a line in the log. Refusals
        // and failures are logged with their reason where they become an answer.
        debug!(status = status.as_u16(), latency_us = took.as_micros() as u64, "answered");
        gate.metrics.record(route, method.as_str(), status.as_u16(), took);
        if for_browser {
            response.extensions_mut().insert(ForBrowser);
        }
        response
    };
    let mut response = answer.instrument(span).await;

    response.headers_mut().insert(REQUEST_ID, id);
    share_with(page, origin, with_accounts, response.headers_mut());
    protected(response)
}

/// With the headers that every answer has: its type is what it says, no foreign page shows it in a frame, and nobody on the way
/// keeps what does not say that it may be kept.
fn protected(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::X_FRAME_OPTIONS).or_insert(HeaderValue::from_static("SAMEORIGIN"));
    response
}

/// The envelope of an internal error that has been logged already.
fn internal_error() -> Response {
    let body = r#"{"error_code":"INTERNAL_ERROR","message":"internal error"}"#;
    (StatusCode::INTERNAL_SERVER_ERROR, json_bytes(body)).into_response()
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        && request.headers().contains_key(header::ORIGIN)
}

/// The answer to a browser that asks what a page of an allowed origin may send.
fn preflight() -> Response {
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE, OPTIONS, PATCH"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, x-mlflow-workspace, x-request-id"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, allowed).into_response()
}

/// Tells the browser that a page of an allowed origin may read the answer. Every answer to a page differs by its origin.
/// With accounts a page of localhost may not use what the browser knows of the user: anybody on this node can serve one.
fn share_with(page: Page, origin: Option<HeaderValue>, with_accounts: bool, headers: &mut HeaderMap) {
    match (page, origin) {
        (Page::Allowed | Page::Local, Some(origin)) => {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            if page == Page::Allowed || !with_accounts {
                headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            }
        }
        (Page::AnyAllowed, Some(_)) => {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
        _ => return,
    }
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

/// Names requests, so that an answer, its log records and a proxy's can be brought together.
struct RequestIds {
    /// Differs between processes.
    process: u32,
    next: AtomicU64,
}

impl RequestIds {
    fn new() -> Self {
        // Without randomness the ids of two processes may be alike, which only confuses readers of both their logs.
        RequestIds { process: getrandom::u32().unwrap_or_else(|_| std::process::id()), next: AtomicU64::new(0) }
    }

    /// The id that a proxy gave, if it is a harmless word, else a new one.
    fn of(&self, headers: &HeaderMap) -> HeaderValue {
        match headers.get(&REQUEST_ID) {
            Some(given) if is_sane_id(given.as_bytes()) => given.clone(),
            _ => {
                let id = format!("{:08x}-{:06x}", self.process, self.next.fetch_add(1, Ordering::Relaxed));
                HeaderValue::try_from(id).expect("hexadecimal digits")
            }
        }
    }
}

fn is_sane_id(id: &[u8]) -> bool {
    (1..=64).contains(&id.len()) && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

/// Marks a request to an address that only web pages ask, and its answer.
#[derive(Clone)]
pub(in crate::http) struct ForBrowser;

/// Marks an answer that is compressed however short it is: where hardly anything is sent, it is most of it.
#[derive(Clone, Copy)]
pub(in crate::http) struct CompressAnyway;

/// What is compressed: large JSON for browsers, which often sit behind an ssh tunnel.
///
/// MLflow's Python client says with every request that it takes gzip, and compressing a history for it would take longer
/// than sending it: at its fastest, gzip takes a whole core for 100 MB/s, and the network of a cluster carries more.
/// (MLflow's own server compresses nothing.) Artifacts are sent as they were stored.
#[derive(Clone, Copy)]
struct LargeJsonForBrowsers;

impl Predicate for LargeJsonForBrowsers {
    fn should_compress<B: HttpBody>(&self, response: &axum::http::Response<B>) -> bool {
        let is_json = response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        // A stream does not know its length, and is long.
        let is_large = response.body().size_hint().exact().is_none_or(|size| size >= COMPRESS_FROM);
        let extensions = response.extensions();
        is_json
            && (is_large && extensions.get::<ForBrowser>().is_some() || extensions.get::<CompressAnyway>().is_some())
    }
}
