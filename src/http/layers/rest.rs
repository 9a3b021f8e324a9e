//! What is left of a body when a request is answered.

use std::{
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{body::Body, extract::Request, http::header, middleware::Next, response::Response};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::timeout;

/// What is still read of a body whose request was answered before its end.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// As long as a connection may also rest between two requests.
const MAX_TIME: Duration = Duration::from_secs(60);

/// Middleware around everything that may answer before it has read the body, such as refusals: what is left is read before the
/// answer goes out, within bounds. Who is still sending would else see a broken connection instead of the answer, and so would
/// the client's next request on that connection; MLflow's clients would retry for minutes.
pub async fn read_rest(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let waits_for_leave = request.headers().contains_key(header::EXPECT);
    let mut body = None;
    let request = request.map(|whole| {
        let shared = SharedBody(Arc::new(Mutex::new(Held { body: whole, is_begun: false, is_ended: false })));
        body = Some(shared.clone());
        Body::new(shared)
    });
    let response = next.run(request).await;
    if let Some(body) = body
        // Who waits for leave to send gets the answer instead.
        && (!waits_for_leave || body.held().is_begun)
    {
        body.read_rest().await;
    }
    response
}

/// A body that outlives whoever reads it.
#[derive(Clone)]
struct SharedBody(Arc<Mutex<Held>>);

struct Held {
    body: Body,
    is_begun: bool,
    /// Nobody may ask for more after the end, or after a failure.
    is_ended: bool,
}

impl SharedBody {
    fn held(&self) -> MutexGuard<'_, Held> {
        // A handler that panics does so outside of the body.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read_rest(mut self) {
        let reading = async {
            let mut seen = 0;
            while let Some(Ok(frame)) = self.frame().await {
                seen += frame.data_ref().map_or(0, Bytes::len);
                if seen > MAX_BYTES {
                    return;
                }
            }
        };
        let _ = timeout(MAX_TIME, pin!(reading)).await;
    }
}

impl HttpBody for SharedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, axum::Error>>> {
        let mut held = self.held();
        held.is_begun = true;
        if held.is_ended {
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut held.body).poll_frame(context);
        held.is_ended = matches!(polled, Poll::Ready(None | Some(Err(_))));
        polled
    }

    fn is_end_stream(&self) -> bool {
        let held = self.held();
        held.is_ended || held.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.held().body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::{Router, body::to_bytes, http::StatusCode, middleware::from_fn, routing::post};
    use futures_util::{StreamExt, stream};
    use tower::ServiceExt;

    use super::*;

    const PIECE: usize = 1024 * 1024;

    /// A body of pieces, and how many of them were taken.
    fn counted(pieces: usize) -> (Body, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let count = taken.clone();
        let pieces = stream::iter(0..pieces).map(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>(vec![b' '; PIECE])
        });
        (Body::from_stream(pieces), taken)
    }

    /// Refuses everything after it has read one piece, or nothing.
    async fn refusal(request: Request) -> StatusCode {
        if request.uri().path() == "/one" {
            let _ = request.into_body().frame().await;
        }
        StatusCode::FORBIDDEN
    }

    async fn send(request: Request) -> StatusCode {
        let route = post(refusal);
        let router = Router::new().route("/none", route.clone()).route("/one", route).layer(from_fn(read_rest));
        router.oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn what_is_left_of_a_body_is_read_before_the_answer_within_bounds() {
        for path in ["/none", "/one", "/nowhere"] {
            for (pieces, expected) in [(1, 1), (10, 10), (10_000, MAX_BYTES / PIECE + 1)] {
                let (body, taken) = counted(pieces);
                let status = send(Request::post(path).body(body).unwrap()).await;

                assert!(status.is_client_error());
                let taken = taken.load(Ordering::Relaxed);
                assert!((expected..=expected + 1).contains(&taken), "{path}: {taken} of {pieces} pieces");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_delays_the_answer_for_a_while_only() {
        let body = Body::from_stream(stream::pending::<std::result::Result<Vec<u8>, std::io::Error>>());

        assert_eq!(send(Request::post("/none").body(body).unwrap()).await, StatusCode::FORBIDDEN);
    }

    #[tokio::test]
    async fn who_waits_for_leave_to_send_gets_the_answer_instead() {
        for (path, expected) in [("/none", 0), ("/one", 3)] {
            let (body, taken) = counted(3);
            let request = Request::post(path).header(header::EXPECT, "100-continue").body(body).unwrap();

            assert_eq!(send(request).await, StatusCode::FORBIDDEN);
            assert_eq!(taken.load(Ordering::Relaxed), expected);
        }
    }

    #[tokio::test]
    async fn a_body_that_is_read_is_what_was_sent_and_says_its_length() {
        let route = post(async |request: Request| {
            let length = request.body().size_hint().exact();
            let bytes = to_bytes(request.into_body(), usize::MAX).await.unwrap();
            assert_eq!(length, Some(bytes.len() as u64));
            bytes
        });
        let router = Router::new().route("/", route).layer(from_fn(read_rest));
        let response = router.oneshot(Request::post("/").body(Body::from("whole")).unwrap()).await.unwrap();

        assert_eq!(to_bytes(response.into_body(), 10).await.unwrap(), "whole");
    }
}
