//! Connections: accepted within a limit, served with HTTP/1.1, and ended in two steps. Knows nothing of what is served.

use std::{
    io::{self, Write},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body, extract::Request};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    signal::unix::{SignalKind, signal},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;
use tracing::{debug, error, info, warn};

use super::listen::{Connection, Listener};
use crate::http::layers::Peer;

/// How long a connection may take to bring the head of a request, from its first moment or from the end of the request
/// before. So it also ends connections that never say a word, and those that are kept alive in vain.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);

/// The largest head of a request, and the most that one connection reads ahead.
const READ_BUFFER_BYTES: usize = 64 * 1024;

/// The two steps of stopping.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Accept nothing more; what runs may finish.
    pub stop: CancellationToken,
    /// Wait no longer.
    pub cut: CancellationToken,
}

impl Shutdown {
    /// Stops at the first SIGTERM or SIGINT and cuts at the second.
    pub fn on_signals() -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        // A file above the process's limit (`ulimit -f`) is then an error of the write, as a full disk is, and no longer the
        // end of the process.
        drop(signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?);
        let shutdown = Shutdown::default();
        let steps = shutdown.clone();
        tokio::spawn(async move {
            for step in [steps.stop, steps.cut] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                step.cancel();
            }
        });
        Ok(shutdown)
    }
}

/// What bounds the connections of [`serve`].
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// How many connections are served at once; further ones are answered 503.
    pub max_connections: usize,
    /// How long requests may go on after [`Shutdown::stop`].
    pub grace: Duration,
}

/// Serves the router on all listeners until it is told to stop and every connection has ended.
pub async fn serve(router: Router, listeners: Vec<Listener>, options: ServeOptions, shutdown: Shutdown) {
    let addresses = listeners.iter().map(Listener::to_string).collect::<Vec<_>>().join(" and ");
    let connections = TaskTracker::new();
    let slots = Arc::new(Semaphore::new(options.max_connections));
    let shutdown = Shutdown { cut: shutdown.cut.child_token(), ..shutdown };
    let accepting = listeners
        .into_iter()
        .map(|listener| accept(listener, router.clone(), slots.clone(), connections.clone(), shutdown.clone()));
    futures_util::future::join_all(accepting).await;
    connections.close();
    info!("stopped listening on {addresses}; open connections: {}", connections.len());
    tokio::select! {
        // In this order, so that a cut is also reported when it ends the last connection at once.
        biased;
        () = shutdown.cut.cancelled() => {}
        () = connections.wait() => return,
        () = tokio::time::sleep(options.grace) => {}
    }
    warn!("cutting the connections to {addresses} that are still open: {}", connections.len());
    shutdown.cut.cancel();
    connections.wait().await;
}

/// Accepts connections until it is time to stop; then the listener closes, and with it the way in.
async fn accept(
    listener: Listener,
    router: Router,
    slots: Arc<Semaphore>,
    connections: TaskTracker,
    shutdown: Shutdown,
) {
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(READ_BUFFER_BYTES);
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let connection = match accepted {
            Ok(connection) => connection,
            Err(error) if is_of_the_peer(&error) => continue,
            Err(error) => {
                // Out of files or memory: trying again at once would only burn the processor.
                error!("cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let Ok(slot) = slots.clone().try_acquire_owned() else {
            turn_away(connection);
            continue;
        };
        let (protocol, router, shutdown) = (protocol.clone(), router.clone(), shutdown.clone());
        connections.spawn(async move {
            match connection {
                Connection::Tcp { stream, address, tls: None } => {
                    talk(protocol, stream, Peer::Tcp { address, tls: false }, router, shutdown).await;
                }
                Connection::Tcp { stream, address, tls: Some(tls) } => {
                    // Here and not in the loop: a client that is slow at it holds up nobody else.
                    match shutdown.stop.run_until_cancelled(tls.accept(stream)).await {
                        Some(Ok(stream)) => {
                            talk(protocol, stream, Peer::Tcp { address, tls: true }, router, shutdown).await;
                        }
                        Some(Err(error)) => debug!("a TLS handshake failed: {error}"),
                        None => {}
                    }
                }
                Connection::Unix(stream) => {
                    let user = stream.peer_cred().ok().map(|peer| peer.uid());
                    talk(protocol, stream, Peer::Unix { user }, router, shutdown).await;
                }
            }
            drop(slot);
        });
    }
}

/// One connection, from its first request to its last.
async fn talk<S>(protocol: http1::Builder, stream: S, peer: Peer, router: Router, shutdown: Shutdown)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        router.clone().call(request)
    });
    let mut connection = pin!(protocol.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = shutdown.stop.cancelled() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = shutdown.cut.cancelled() => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        debug!("connection ended: {error}");
    }
}

/// Whether accepting failed because of the connection rather than because of this process.
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | InvalidInput | NotConnected)
}

/// Answers that there are too many connections, without waiting for anything, and closes.
fn turn_away(connection: Connection) {
    const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\nconnection: close\r\n\
        content-type: application/json\r\ncontent-length: 89\r\n\r\n\
        {\"error_code\":\"TEMPORARILY_UNAVAILABLE\",\"message\":\"too many connections; try again soon\"}";
    // Tokio does not know yet whether the socket can be written to; the kernel does.
    let _ = match connection {
        // Saying so would take a handshake, which is the dearest part of a connection.
        Connection::Tcp { tls: Some(_), .. } => Ok(0),
        Connection::Tcp { stream, .. } => stream.into_std().and_then(|mut stream| stream.write(ANSWER)),
        Connection::Unix(stream) => stream.into_std().and_then(|mut stream| stream.write(ANSWER)),
    };
    debug!("turned a connection away: all are taken");
}

#[cfg(test)]
mod tests {
    use axum::routing::post;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpStream, UnixStream},
        sync::Notify,
    };

    use super::*;

    const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n";

    /// A served route whose requests wait for leave to end.
    struct Served {
        tcp: std::net::SocketAddr,
        tls: std::net::SocketAddr,
        unix: std::path::PathBuf,
        entered: Arc<Notify>,
        leave: Arc<Notify>,
        shutdown: Shutdown,
        serving: tokio::task::JoinHandle<()>,
        _directory: tempfile::TempDir,
    }

    async fn served(max_connections: usize) -> Served {
        let directory = tempfile::tempdir().unwrap();
        let unix = directory.path().join("socket");
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = socket.local_addr().unwrap();
        let secret = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tls = secret.local_addr().unwrap();
        let files = crate::server::tls::tests::files(directory.path());
        let certificate = Some(Arc::new(crate::server::Tls::load(&files).unwrap()));
        let listeners = vec![
            Listener::Tcp { socket: secret, tls: certificate },
            Listener::Tcp { socket, tls: None },
            Listener::bind_unix(&unix, None, 0o600).unwrap(),
        ];
        let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (entering, leaving) = (entered.clone(), leave.clone());
        let handler = || async move {
            entering.notify_one();
            leaving.notified().await;
            "done"
        };
        let router = Router::new().route("/", post(handler));
        let shutdown = Shutdown::default();
        let options = ServeOptions { max_connections, grace: Duration::from_secs(30) };
        let serving = tokio::spawn(serve(router, listeners, options, shutdown.clone()));
        Served { tcp, tls, unix, entered, leave, shutdown, serving, _directory: directory }
    }

    async fn read_to_end(stream: &mut (impl AsyncRead + Unpin)) -> String {
        let mut text = Vec::new();
        // A connection that is cut may be reset, which ends it too.
        let _ = stream.read_to_end(&mut text).await;
        String::from_utf8(text).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn connections_that_never_send_a_byte_are_closed_at_the_header_deadline() {
        let served = served(8).await;
        let started = tokio::time::Instant::now();

        let mut tcp = TcpStream::connect(served.tcp).await.unwrap();
        let mut unix = UnixStream::connect(&served.unix).await.unwrap();
        let answers = tokio::join!(read_to_end(&mut tcp), read_to_end(&mut unix));

        assert_eq!(answers, (String::new(), String::new()));
        assert!(started.elapsed() >= HEADER_TIMEOUT && started.elapsed() < HEADER_TIMEOUT * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_handshake_that_never_ends_is_cut_at_a_deadline() {
        let served = served(8).await;
        let started = tokio::time::Instant::now();
        let mut stream = TcpStream::connect(served.tls).await.unwrap();
        // The beginning of a hello.
        stream.write_all(&[0x16, 0x03, 0x01]).await.unwrap();

        assert_eq!(read_to_end(&mut stream).await, "");
        assert!(started.elapsed() < HEADER_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_is_cut_off_at_the_header_deadline() {
        let served = served(8).await;
        let started = tokio::time::Instant::now();
        let mut stream = TcpStream::connect(served.tcp).await.unwrap();

        for byte in REQUEST.iter().cycle() {
            tokio::time::sleep(Duration::from_secs(10)).await;
            if stream.write_all(&[*byte]).await.is_err() {
                break;
            }
        }

        assert!(started.elapsed() < HEADER_TIMEOUT * 2);
    }

    #[tokio::test]
    async fn a_head_larger_than_the_buffer_is_answered_431() {
        let served = served(8).await;
        let mut stream = TcpStream::connect(served.tcp).await.unwrap();

        let head = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {}", "x".repeat(READ_BUFFER_BYTES));
        stream.write_all(head.as_bytes()).await.unwrap();

        assert!(read_to_end(&mut stream).await.starts_with("HTTP/1.1 431 "));
    }

    #[tokio::test]
    async fn a_connection_too_many_is_answered_503_at_once() {
        let served = served(1).await;
        let mut first = TcpStream::connect(served.tcp).await.unwrap();
        first.write_all(REQUEST).await.unwrap();
        served.entered.notified().await;

        let refused = [
            read_to_end(&mut TcpStream::connect(served.tcp).await.unwrap()).await,
            read_to_end(&mut UnixStream::connect(&served.unix).await.unwrap()).await,
        ];

        for answer in refused {
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("\r\nretry-after: "), "{head}");
            assert!(head.contains(&format!("\r\ncontent-length: {}", body.len())), "{head} for {body}");
            assert!(serde_json::from_str::<serde_json::Value>(body).unwrap()["error_code"].is_string());
        }
    }

    #[tokio::test]
    async fn after_a_stop_nothing_is_accepted_and_what_runs_may_finish() {
        let served = served(8).await;
        let mut busy = TcpStream::connect(served.tcp).await.unwrap();
        busy.write_all(REQUEST).await.unwrap();
        served.entered.notified().await;
        let mut idle = TcpStream::connect(served.tcp).await.unwrap();

        served.shutdown.stop.cancel();
        let idle_answer = read_to_end(&mut idle).await;
        let late = TcpStream::connect(served.tcp).await;
        served.leave.notify_one();
        let answer = read_to_end(&mut busy).await;
        served.serving.await.unwrap();

        assert_eq!(idle_answer, "");
        assert!(late.is_err());
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("done"), "{answer}");
        assert!(!served.unix.exists());
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_finish_is_cut_when_the_grace_is_over() {
        let served = served(8).await;
        let mut busy = TcpStream::connect(served.tcp).await.unwrap();
        busy.write_all(REQUEST).await.unwrap();
        served.entered.notified().await;
        let started = tokio::time::Instant::now();

        served.shutdown.stop.cancel();
        served.serving.await.unwrap();

        assert!(started.elapsed() >= Duration::from_secs(30));
        assert_eq!(read_to_end(&mut busy).await, "");
    }
}
