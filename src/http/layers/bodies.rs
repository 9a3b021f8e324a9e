//! Bodies of requests: how large, how many at once, how slow.
//!
//! A JSON body is read as a whole before anything is done with it, so that no database connection or lock ever waits for
//! a client. Memory is reserved for it first, and kept until the request is answered, because what is parsed out of it lives
//! that long.

use std::{future::Future, sync::Arc, time::Duration};

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::header,
    middleware::Next,
    response::Response,
};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout, timeout_at},
};
use tower_http::timeout::TimeoutBody;

use crate::{
    error::{Error, Result},
    validate::excerpt,
};

/// How long a request may take that is answered as a whole, with reading its body: a little less than MLflow's clients
/// wait (120 s), so that they hear why.
const REQUEST_DEADLINE: Duration = Duration::from_secs(110);

/// Bodies up to this size have room of their own, a quarter of the budget more: a thousand points are 120 kB.
const SMALL_BYTES: usize = 256 * 1024;

/// How long a request waits for others to free memory. Short bursts, as of all ranks of a job, pass without an error.
const ROOM_WAIT: Duration = Duration::from_secs(5);

/// In every window of this length a body must bring at least so many bytes.
const PACE_WINDOW: Duration = Duration::from_secs(10);
const PACE_BYTES: usize = 16 * 1024;

/// How long an upload may pause; while bytes move it may take for ever.
const UPLOAD_PAUSE: Duration = Duration::from_secs(60);

/// The memory that JSON bodies may take together. `around` puts it into every request.
#[derive(Debug, Clone)]
pub(super) struct BodyBudget {
    free: Arc<Semaphore>,
    total: usize,
    /// For small bodies, so that large and slow ones never make ordinary logging wait.
    free_for_small: Arc<Semaphore>,
}

/// The memory that a body takes, given back when this is dropped: keep it until the request is answered.
#[derive(Debug)]
#[must_use = "the memory counts as free when this is dropped"]
pub struct Room {
    _permit: Option<OwnedSemaphorePermit>,
}

impl BodyBudget {
    /// A budget of `total` bytes, less than 4 GiB.
    pub(super) fn new(total: usize) -> Self {
        let small = (total / 4).max(SMALL_BYTES);
        BodyBudget { free: Arc::new(Semaphore::new(total)), total, free_for_small: Arc::new(Semaphore::new(small)) }
    }

    /// Waits for room, for a while. What is larger than the whole budget is let in when it is alone.
    async fn reserve(&self, bytes: usize) -> Result<Room> {
        let lane = if bytes <= SMALL_BYTES { &self.free_for_small } else { &self.free };
        let bytes = u32::try_from(bytes.min(self.total)).unwrap_or(u32::MAX);
        match timeout(ROOM_WAIT, lane.clone().acquire_many_owned(bytes)).await {
            Ok(Ok(permit)) => Ok(Room { _permit: Some(permit) }),
            _ => Err(Error::Unavailable("too many large requests at once; try again soon")),
        }
    }
}

/// Reads the whole body of a request, at most `limit` bytes, within the budget of all bodies.
///
/// # Errors
///
/// [`Error::TooLarge`] above the limit, [`Error::Invalid`] if the body breaks off, [`Error::Unavailable`] if there is no
/// room or the body trickles.
pub async fn read_body(request: Request, limit: usize) -> Result<(Bytes, Room)> {
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return Ok((Bytes::new(), Room { _permit: None }));
    }
    let declared = body.size_hint().exact().map(|size| usize::try_from(size).unwrap_or(usize::MAX));
    if declared.is_some_and(|size| size > limit) {
        return Err(too_large(limit));
    }
    let room = match parts.extensions.get::<BodyBudget>() {
        // A body that does not say its length may reach the limit.
        Some(budget) => budget.reserve(declared.unwrap_or(limit)).await?,
        None => Room { _permit: None },
    };
    Ok((read(body, declared, limit).await?, room))
}

/// The answer, or [`Error::Unavailable`] if it takes too long. For routes that answer as a whole; a stream begins in time
/// and may then go on.
///
/// # Errors
///
/// Those of `answer` too.
pub async fn within_deadline<T>(answer: impl Future<Output = Result<T>>) -> Result<T> {
    match timeout(REQUEST_DEADLINE, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(Error::Unavailable("the request took too long")),
    }
}

/// Middleware for routes that stream a body of any length: ends an upload whose client fell silent.
pub async fn streamed_body(request: Request, next: Next) -> Response {
    next.run(request.map(|body| Body::new(TimeoutBody::new(UPLOAD_PAUSE, body)))).await
}

/// Middleware for routes that take compressed bodies, behind the layer that unpacks: refuses what that does not know.
///
/// # Errors
///
/// [`Error::Invalid`] for another encoding.
pub async fn unpacked_body(request: Request, next: Next) -> Result<Response> {
    match request.headers().get(header::CONTENT_ENCODING) {
        Some(other) if !other.as_bytes().eq_ignore_ascii_case(b"identity") => Err(Error::Invalid(format!(
            "Invalid value {} for header Content-Encoding supplied: it must be gzip, or the body is not compressed",
            excerpt(&String::from_utf8_lossy(other.as_bytes()))
        ))),
        _ => Ok(next.run(request).await),
    }
}

async fn read(mut body: Body, declared: Option<usize>, limit: usize) -> Result<Bytes> {
    let mut pace = Pace::new();
    let first = pace.next(&mut body).await?.unwrap_or_default();
    if first.len() <= limit && (body.is_end_stream() || Some(first.len()) == declared) {
        // Most bodies arrive in one piece, which is not copied.
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(declared.unwrap_or_default().max(first.len()));
    let mut piece = Some(first);
    while let Some(bytes) = piece {
        if whole.len() + bytes.len() > limit {
            return Err(too_large(limit));
        }
        whole.extend_from_slice(&bytes);
        piece = pace.next(&mut body).await?;
    }
    Ok(whole.freeze())
}

fn too_large(limit: usize) -> Error {
    Error::TooLarge(format!(
        "the request body is too large: at most {limit} bytes are accepted; split it into several requests"
    ))
}

/// Watches that a body comes at a bearable pace: one that trickles would hold its memory for others' loss.
struct Pace {
    window_end: Instant,
    bytes: usize,
}

impl Pace {
    fn new() -> Self {
        Pace { window_end: Instant::now() + PACE_WINDOW, bytes: 0 }
    }

    /// The next bytes, `None` at the end.
    async fn next(&mut self, body: &mut Body) -> Result<Option<Bytes>> {
        loop {
            match timeout_at(self.window_end, body.frame()).await {
                Ok(None) => return Ok(None),
                Ok(Some(Ok(frame))) => {
                    // Trailers, which nobody sends, say nothing here.
                    if let Ok(bytes) = frame.into_data() {
                        self.bytes += bytes.len();
                        return Ok(Some(bytes));
                    }
                }
                Ok(Some(Err(_))) => return Err(Error::Invalid("the request body ended early".to_owned())),
                Err(_) if self.bytes >= PACE_BYTES => *self = Pace::new(),
                Err(_) => return Err(Error::Unavailable("the request body came too slowly")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, http::StatusCode, routing::post};
    use futures_util::{StreamExt, stream};
    use tower::ServiceExt;

    use super::*;

    const MIB: usize = 1024 * 1024;

    /// Answers with the number of bytes it was sent.
    fn echo_length(budget: &BodyBudget, limit: usize) -> Router {
        let route = post(move |request: Request| {
            within_deadline(async move {
                let (body, _room) = read_body(request, limit).await?;
                Ok(body.len().to_string())
            })
        });
        Router::new().route("/", route).layer(axum::Extension(budget.clone()))
    }

    async fn send(router: &Router, body: Body) -> (StatusCode, String) {
        let response = router.clone().oneshot(Request::post("/").body(body).unwrap()).await.unwrap();
        let status = response.status();
        (status, String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
    }

    fn chunked(pieces: usize, size: usize) -> Body {
        Body::from_stream(stream::iter((0..pieces).map(move |_| Ok::<_, std::io::Error>(vec![b' '; size]))))
    }

    /// A body that has sent `start` and then waits for ever.
    fn stalled(start: Vec<u8>) -> Body {
        Body::from_stream(stream::iter([Ok::<_, std::io::Error>(start)]).chain(stream::pending()))
    }

    #[tokio::test]
    async fn bodies_up_to_the_limit_arrive_whole_however_they_are_cut() {
        let router = echo_length(&BodyBudget::new(2 * MIB), MIB);

        for body in [Body::from(vec![0; MIB]), chunked(1, MIB), chunked(1024, 1024), chunked(3, 7), Body::empty()] {
            let expected = match body.size_hint().exact() {
                Some(size) => size.to_string(),
                None => String::new(),
            };
            let (status, length) = send(&router, body).await;
            assert_eq!(status, StatusCode::OK);
            assert!(expected.is_empty() || length == expected);
        }
        assert_eq!(send(&router, chunked(1024, 1024)).await.1, MIB.to_string());
    }

    #[tokio::test]
    async fn a_larger_body_is_refused_whether_or_not_it_says_so() {
        let router = echo_length(&BodyBudget::new(2 * MIB), MIB);

        for body in [Body::from(vec![0; MIB + 1]), chunked(1, MIB + 1), chunked(1025, 1024)] {
            let (status, text) = send(&router, body).await;
            assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
            assert!(text.contains("at most 1048576 bytes"), "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_waits_for_room_and_gets_503_when_none_comes() {
        let budget = BodyBudget::new(MIB);
        let router = echo_length(&budget, 2 * MIB);
        let taken = budget.reserve(SMALL_BYTES + 1).await.unwrap();

        let refused = send(&router, Body::from(vec![0; MIB])).await;
        let small = send(&router, Body::from(vec![0; 1024])).await;
        drop(taken);
        let served = send(&router, Body::from(vec![0; 2 * MIB])).await;

        assert_eq!(refused.0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(small, (StatusCode::OK, "1024".to_owned()), "small bodies never wait for large ones");
        assert_eq!(served, (StatusCode::OK, (2 * MIB).to_string()));
        assert_eq!(budget.free.available_permits(), MIB);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_or_stalls_is_given_up_and_its_room_freed() {
        let budget = BodyBudget::new(MIB);
        let router = echo_length(&budget, MIB);

        for start in [0, 10, PACE_BYTES] {
            let (status, text) = send(&router, stalled(vec![b' '; start])).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
            assert!(text.contains("too slowly"), "{text}");
        }
        assert_eq!(budget.free.available_permits(), MIB);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_the_callers_mistake() {
        let router = echo_length(&BodyBudget::new(MIB), MIB);
        let broken = Body::from_stream(stream::iter([Ok(vec![b'{']), Err(std::io::Error::other("gone"))]));

        assert_eq!(send(&router, broken).await.0, StatusCode::BAD_REQUEST);
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_may_pause_but_not_for_ever() {
        let route = post(|body: Body| async move {
            match body.collect().await {
                Ok(_) => StatusCode::OK,
                Err(_) => StatusCode::BAD_REQUEST,
            }
        });
        let router = Router::new().route("/", route).layer(axum::middleware::from_fn(streamed_body));
        let slow = Body::from_stream(stream::iter(0..10).then(|_| async {
            tokio::time::sleep(UPLOAD_PAUSE / 2).await;
            Ok::<_, std::io::Error>(vec![b' '])
        }));

        assert_eq!(send(&router, slow).await.0, StatusCode::OK);
        assert_eq!(send(&router, stalled(vec![b' '])).await.0, StatusCode::BAD_REQUEST);
    }
}
