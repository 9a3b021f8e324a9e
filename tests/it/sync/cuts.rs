//! The network is cut at every request in turn: before the server hears of it, in its middle, and when it is done but the
//! answer is lost. What is sent again then is what was missing, and nothing is called done before it is.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustix::net::sockopt;
use rustix::process::Pid;

use super::{Draft, Sync, have};
use crate::support::server::{Client, Server, socket};
use crate::support::{Database, databases};

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The connection ends before the server hears of it.
    Before,
    /// It ends when half of the request is on its way.
    During,
    /// The server has done it, and its answer is lost.
    After,
    /// Somebody on the way answers instead.
    Answered(u16),
}

/// What happens to the requests of one program.
#[derive(Default)]
struct Plan {
    /// The request of this number, counted from 0, meets a fault.
    fault: Option<(usize, Fault)>,
    requests: AtomicUsize,
    /// The request that met it.
    met: Mutex<Option<String>>,
}

/// Stands between client and server and does to the requests of each program what is planned when that begins.
struct Proxy {
    path: PathBuf,
    plan: Arc<Mutex<Arc<Plan>>>,
}

impl Proxy {
    fn start(directory: &Path) -> Self {
        let path = directory.join("proxy");
        let listener = UnixListener::bind(&path).unwrap();
        let proxy = Proxy { path, plan: Arc::default() };
        let (server, planned) = (socket(directory), proxy.plan.clone());
        std::thread::spawn(move || {
            // What a program had sent when it gave up may be read when the next one is at work; it is none of that one's.
            let mut last: Option<(Pid, Arc<Plan>)> = None;
            for client in listener.incoming().map_while(Result::ok) {
                let program = sockopt::socket_peercred(&client).unwrap().pid;
                let plan = match last.take() {
                    Some((of, plan)) if of == program => plan,
                    _ => planned.lock().unwrap().clone(),
                };
                last = Some((program, plan.clone()));
                let server = server.clone();
                std::thread::spawn(move || {
                    // Either end may go at any time; then the connection ends.
                    let _ = carry(client, &server, &plan);
                });
            }
        });
        proxy
    }

    fn uri(&self) -> String {
        format!("unix:{}", self.path.display())
    }

    /// For programs that begin from now on.
    fn plan(&self, fault: Option<(usize, Fault)>) {
        *self.plan.lock().unwrap() = Arc::new(Plan { fault, ..Plan::default() });
    }

    /// The request that met the fault, if one did.
    fn met(&self) -> Option<String> {
        self.plan.lock().unwrap().met.lock().unwrap().clone()
    }
}

/// Carries requests of one connection to the server and answers back.
fn carry(client: UnixStream, server: &Path, plan: &Plan) -> std::io::Result<()> {
    let mut upstream = BufReader::new(UnixStream::connect(server)?);
    let mut client = BufReader::new(client);
    loop {
        let head = read_head(&mut client)?;
        if head.is_empty() {
            return Ok(());
        }
        let body = read_body(&mut client, &head)?;
        let number = plan.requests.fetch_add(1, Ordering::SeqCst);
        let fault = plan.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        if fault.is_some() {
            *plan.met.lock().unwrap() = head.lines().next().map(str::to_owned);
        }
        match fault {
            Some(Fault::Before) => return Ok(()),
            Some(Fault::During) => {
                upstream.get_mut().write_all(head.as_bytes())?;
                upstream.get_mut().write_all(&body[..body.len() / 2])?;
                return Ok(());
            }
            Some(Fault::Answered(status)) => {
                let answer = format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n");
                client.get_mut().write_all(answer.as_bytes())?;
                continue;
            }
            Some(Fault::After) | None => {}
        }
        upstream.get_mut().write_all(head.as_bytes())?;
        upstream.get_mut().write_all(&body)?;
        let answer_head = read_head(&mut upstream)?;
        let answer = read_body(&mut upstream, &answer_head)?;
        if fault.is_some() {
            return Ok(());
        }
        client.get_mut().write_all(answer_head.as_bytes())?;
        client.get_mut().write_all(&answer)?;
    }
}

fn read_head(from: &mut impl BufRead) -> std::io::Result<String> {
    let mut head = String::new();
    while from.read_line(&mut head)? > 0 && !head.ends_with("\r\n\r\n") {}
    Ok(head)
}

/// A body as it is on the wire.
fn read_body(from: &mut impl BufRead, head: &str) -> std::io::Result<Vec<u8>> {
    let value = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name))?;
        Some(line[name.len()..].trim().to_owned())
    };
    if value("transfer-encoding:").is_some() {
        let mut body = Vec::new();
        loop {
            let start = body.len();
            from.read_until(b'\n', &mut body)?;
            let size = std::str::from_utf8(&body[start..]).unwrap().trim();
            let size = usize::from_str_radix(size, 16).unwrap();
            from.take(size as u64 + 2).read_to_end(&mut body)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
    let mut body = vec![0; value("content-length:").map_or(0, |length| length.parse().unwrap())];
    from.read_exact(&mut body)?;
    Ok(body)
}

fn start(database: &Database) -> (Server, Proxy, Client) {
    let server = Server::start(database.directory(), &["--database", database.url()]);
    (server, Proxy::start(database.directory()), Client::new(database.directory()))
}

async fn cut_everywhere(database: Database, fault: Fault) {
    let (server, proxy, mut client) = start(&database);
    let mut met = Vec::new();
    for number in 0.. {
        let source = tempfile::tempdir().unwrap();
        let draft = Draft::new(number as u64 + 1);
        draft.write(source.path());
        let sync = Sync::new(source.path(), &proxy.uri()).with(&["--jobs", "1"]);

        proxy.plan(Some((number, fault)));
        let first = sync.run();
        let Some(request) = proxy.met() else {
            assert_eq!((first.code, first.only()["outcome"].as_str()), (0, Some("arrived")));
            break;
        };
        assert_eq!(first.code, 1, "{request}: {first:?}");
        if first.report["runs"].is_array() {
            assert_eq!(first.only()["outcome"], "failed", "{request}: {first:?}");
        }
        proxy.plan(None);
        let second = sync.run();
        assert_eq!(second.code, 0, "{request}: {second:?}");
        let there = have(&mut client, &draft.run_id).unwrap();
        assert_eq!(there, draft.expected(&there), "{request}");
        let third = sync.run();
        assert_eq!(third.only()["outcome"], "unchanged", "{request}: {third:?}");
        met.push(request.split(' ').take(2).collect::<Vec<_>>().join(" "));
    }
    server.kill();

    for kind in ["states", "get-by-name", "create", "parts", "have", "PUT /api", "runs/update", "lineage"] {
        assert!(met.iter().any(|request| request.contains(kind)), "{kind} was never met: {met:#?}");
    }
}

#[tokio::test]
async fn a_request_that_the_server_never_heard_of_is_sent_the_next_time() {
    for database in databases().await {
        cut_everywhere(database, Fault::Before).await;
    }
}

#[tokio::test]
async fn a_request_of_which_half_came_is_sent_the_next_time() {
    for database in databases().await {
        cut_everywhere(database, Fault::During).await;
    }
}

#[tokio::test]
async fn a_request_whose_answer_was_lost_does_nothing_the_second_time() {
    for database in databases().await {
        cut_everywhere(database, Fault::After).await;
    }
}

#[tokio::test]
async fn a_credential_that_ends_in_the_middle_is_said_and_no_other_run_is_tried() {
    let database = Database::sqlite();
    let (server, proxy, mut client) = start(&database);
    for number in 2..12 {
        let source = tempfile::tempdir().unwrap();
        let drafts = [Draft::new(2 * number), Draft::new(2 * number + 1)];
        drafts.iter().for_each(|draft| draft.write(source.path()));
        let sync = Sync::new(source.path(), &proxy.uri()).with(&["--jobs", "1"]);

        proxy.plan(Some((number as usize, Fault::Answered(401))));
        let refused = sync.run();
        proxy.plan(None);
        let again = sync.run();

        assert!([1, 3].contains(&refused.code), "{refused:?}");
        let told = refused.report.to_string();
        assert!(told.contains("MLFLOW_TRACKING_TOKEN"), "{refused:?}");
        assert_eq!(again.code, 0, "{again:?}");
        for draft in &drafts {
            let there = have(&mut client, &draft.run_id).unwrap();
            assert_eq!(there, draft.expected(&there));
        }
    }
    server.kill();
}

#[tokio::test]
async fn what_asks_to_be_tried_again_is_and_each_run_arrives() {
    for fault in [Fault::Before, Fault::After, Fault::Answered(503), Fault::Answered(429)] {
        let database = Database::sqlite();
        let (server, proxy, mut client) = start(&database);
        for number in 0.. {
            let source = tempfile::tempdir().unwrap();
            let draft = Draft::new(number as u64 + 1);
            draft.write(source.path());
            let sync = Sync::new(source.path(), &proxy.uri())
                .variable("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
                .variable("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0");

            proxy.plan(Some((number, fault)));
            let done = sync.run();

            assert_eq!(done.code, 0, "{done:?}");
            let there = have(&mut client, &draft.run_id).unwrap();
            assert_eq!(there, draft.expected(&there));
            if proxy.met().is_none() {
                break;
            }
        }
        server.kill();
    }
}
