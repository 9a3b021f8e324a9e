//! The real binary on a unix socket, and a client that keeps its connection: for tests that kill and starve servers.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::RecvFlags;
use serde_json::Value;

/// The lines of a server's log that are shown when a test fails.
const KEPT_LINES: usize = 100;

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    reader: Option<JoinHandle<()>>,
    log: Arc<Mutex<VecDeque<String>>>,
    /// The record that says it is ready.
    ready: Value,
}

impl Server {
    /// Starts a server with its data and its socket in `directory`, and returns when it is ready.
    pub fn start(directory: &Path, flags: &[&str]) -> Self {
        Self::spawn(directory, Command::new(env!("CARGO_BIN_EXE_windvane")), flags)
    }

    /// As [`start`](Self::start), in a shell that ran `preparation` before; limits of the process stand there.
    pub fn start_after(preparation: &str, directory: &Path, flags: &[&str]) -> Self {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &format!("{preparation}; exec \"$@\""), "sh", env!("CARGO_BIN_EXE_windvane")]);
        Self::spawn(directory, shell, flags)
    }

    fn spawn(directory: &Path, mut command: Command, flags: &[&str]) -> Self {
        let socket = format!("unix:{}", socket(directory).display());
        command.env_clear().current_dir(directory).args(["server", "--data", "data", "--listen", &socket]).args(flags);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(VecDeque::new()));
        let (is_ready, ready) = mpsc::channel();
        let (records, kept) = (BufReader::new(child.stderr.take().unwrap()), log.clone());
        // Read to the end, or the server would stand still when the pipe is full.
        let reader = std::thread::spawn(move || {
            for line in records.lines().map_while(Result::ok) {
                if line.contains("windvane is ready") {
                    let _ = is_ready.send(line.clone());
                }
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push_back(line);
                if kept.len() > KEPT_LINES {
                    kept.pop_front();
                }
            }
        });
        let mut server = Server { child, reader: Some(reader), log, ready: Value::Null };
        match ready.recv() {
            Ok(record) => server.ready = serde_json::from_str(&record).unwrap(),
            Err(_) => panic!("the server ended before it was ready:\n{}", server.log()),
        }
        server
    }

    /// The last lines that the server wrote.
    pub fn log(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Waits until the server has written a line with this in it.
    #[track_caller]
    pub fn wait_for_log(&self, part: &str) -> String {
        loop {
            // Asked first: what a server that has ended wrote is in the log by then.
            let has_ended = self.reader.as_ref().is_none_or(JoinHandle::is_finished);
            if let Some(line) = self.log().lines().find(|line| line.contains(part)) {
                return line.to_owned();
            }
            assert!(!has_ended, "the server ended and never wrote {part:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The first of the TCP addresses that the flags named: scheme, and address with port.
    pub fn tcp(&self) -> (&str, SocketAddr) {
        let urls = self.ready["fields"]["listen"].as_str().unwrap().split(' ');
        let (scheme, rest) = urls.filter_map(|url| url.split_once("://")).next().expect("a TCP address");
        (scheme, rest.split('/').next().unwrap().parse().unwrap())
    }

    /// Its directory below `/proc`.
    pub fn process(&self) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string())
    }

    /// Sends a signal, as `-TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until the server ends by itself.
    pub fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Ends the server at once, whatever it is doing.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the server to end, and waits.
    pub fn terminate(self) -> ExitStatus {
        self.signal("-TERM");
        self.wait()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let _ = self.reader.take().map(JoinHandle::join);
            eprintln!("the server's last words:\n{}", self.log());
        }
    }
}

/// Runs a command on the data in `directory`, with this on its standard input.
pub fn windvane(directory: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_windvane"));
    command.env_clear().current_dir(directory).args(arguments).args(["--data", "data"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that reads nothing may have ended.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// What a command that goes well prints: for scripts, then for people.
#[track_caller]
pub fn said(directory: &Path, arguments: &[&str], input: &str) -> String {
    let output = windvane(directory, arguments, input);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {told}");
    String::from_utf8(output.stdout).unwrap() + &told
}

/// Where the server of a directory listens.
pub fn socket(directory: &Path) -> PathBuf {
    directory.join("socket")
}

/// A client of the server in a directory, over all its restarts.
pub struct Client {
    socket: PathBuf,
    stream: Option<BufReader<UnixStream>>,
    /// What proves who asks, for a server with accounts.
    pub authorization: Option<String>,
}

/// An answer that came whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<String>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body of a success.
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Client {
    pub fn new(directory: &Path) -> Self {
        Client { socket: socket(directory), stream: None, authorization: None }
    }

    /// Sends a request of MLflow's API below `/api/2.0/`.
    ///
    /// # Errors
    /// The connection ended before the answer did: the server may or may not have done what was asked.
    pub fn send(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
        self.send_to(method, &format!("/api/2.0/{path}"), body)
    }

    /// `POST` of JSON below `/api/2.0/mlflow/`.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn post(&mut self, path: &str, body: &Value) -> io::Result<Answer> {
        self.send("POST", &format!("mlflow/{path}"), body.to_string().as_bytes())
    }

    /// `GET` below `/api/2.0/mlflow/`.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.send("GET", &format!("mlflow/{path}"), b"")
    }

    /// Sends a request to a path from the root on.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_to(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
        let answer = self.exchange(method, path, body);
        if answer.is_err() {
            self.stream = None;
        }
        answer
    }

    fn exchange(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
        self.stream.take_if(|stream| has_ended(stream));
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(BufReader::new(UnixStream::connect(&self.socket)?)),
        };
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n{}\r\n",
            body.len(),
            self.authorization.iter().map(|value| format!("authorization: {value}\r\n")).collect::<String>(),
        )
        .into_bytes();
        request.extend_from_slice(body);
        stream.get_mut().write_all(&request)?;
        let status = line(stream)?;
        let status = status.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        let (mut length, mut chunked, mut close, mut retry_after) = (0, false, false, None);
        loop {
            let line = line(stream)?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(": ").unwrap();
            match (name, value) {
                ("content-length", value) => length = value.parse().unwrap(),
                ("transfer-encoding", "chunked") => chunked = true,
                ("connection", "close") => close = true,
                ("retry-after", value) => retry_after = Some(value.to_owned()),
                _ => {}
            }
        }
        let body = if chunked { read_chunks(stream)? } else { read_exactly(stream, length)? };
        if close {
            self.stream = None;
        }
        Ok(Answer { status, retry_after, body })
    }
}

/// Whether the server has ended a connection on which nothing was asked: after a minute it does.
fn has_ended(stream: &BufReader<UnixStream>) -> bool {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    !matches!(rustix::net::recv(stream.get_ref(), &mut [0_u8; 1], flags), Err(Errno::AGAIN))
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let line = line.strip_suffix("\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(line.to_owned())
}

fn read_exactly(stream: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_chunks(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = usize::from_str_radix(&line(stream)?, 16).unwrap();
        body.extend(read_exactly(stream, length)?);
        line(stream)?;
        if length == 0 {
            return Ok(body);
        }
    }
}
