//! The real binary: start, sockets, signals, locks.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

mod surroundings;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::{UnixDatagram, UnixListener, UnixStream},
        process::ExitStatusExt,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Output, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::http::{Answer, exchange, read_answer, request};

const CREATE: &str = "/api/2.0/mlflow/experiments/create";

/// A running server; killed when dropped.
struct Server {
    child: Child,
    records: BufReader<ChildStderr>,
    /// The record that says it is ready.
    ready: Value,
}

impl Server {
    /// Starts a server on a free port, with its data in `directory`.
    fn start(directory: &Path, flags: &[&str]) -> Self {
        Self::spawn(command(directory, &[&["--listen", "127.0.0.1:0"], flags].concat()))
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let records = BufReader::new(child.stderr.take().unwrap());
        let mut server = Server { child, records, ready: Value::Null };
        server.ready = server.wait_for("windvane is ready");
        server
    }

    /// Reads log records up to the one whose message begins like this.
    fn wait_for(&mut self, message: &str) -> Value {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            self.records.read_line(&mut line).unwrap();
            assert!(!line.is_empty(), "the server ended before it said {message:?}:\n{seen}");
            let record: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not one JSON record: {line}"));
            if record["fields"]["message"].as_str().is_some_and(|text| text.starts_with(message)) {
                return record;
            }
            seen += &line;
        }
    }

    /// The first TCP address it listens on.
    fn address(&self) -> String {
        let urls = self.ready["fields"]["listen"].as_str().unwrap();
        let url = urls.split(' ').find_map(|url| url.strip_prefix("http://")).expect("a TCP address");
        url.split('/').next().unwrap().to_owned()
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address()).unwrap()
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    /// Sends one request; a `host` among the headers replaces the usual one.
    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        exchange(self.connect(), &request(method, path, headers, body))
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn exit_code(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `windvane server` with its data in `directory` and nothing of this process's environment.
fn command(directory: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_windvane"));
    command.env_clear().current_dir(directory).args(["server", "--data", "data"]).args(flags);
    command
}

/// Runs a server that is not expected to start.
fn refused(mut command: Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

/// A directory that only we may use, for sockets.
fn directory() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    (directory, path)
}

/// Sends the head of a request and half of its body, and returns when the server has begun to read it.
fn half_a_request(server: &Server, path: &str) -> (TcpStream, &'static str) {
    let body = r#"{"name":"halved"}"#;
    let (first, second) = body.split_at(5);
    let mut stream = server.connect();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n\
         content-length: {}\r\n\r\n{first}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The server says so when it wants the body: the handler is at work.
    let mut go_on = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut go_on).unwrap();
    assert!(go_on.starts_with(b"HTTP/1.1 100"));
    (stream, second)
}

// ---- start -----------------------------------------------------------------------------------------------------------

#[test]
fn a_server_says_where_it_listens_and_what_it_keeps_is_private_whatever_the_umask() {
    let (_guard, path) = directory();
    let mut shell = Command::new("/bin/sh");
    let start = format!("umask 000; exec {} server --listen 127.0.0.1:0", env!("CARGO_BIN_EXE_windvane"));
    shell.env_clear().current_dir(&path).args(["-c", &start]);

    let server = Server::spawn(shell);

    assert_eq!(server.get("/health").body, "OK");
    let data = path.join("windvane-data");
    assert_eq!(server.ready["fields"]["data"], data.to_str().unwrap());
    assert_eq!(server.ready["fields"]["tracking_uri"], format!("http://{}", server.address()));
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("admin.sock")), 0o600);
    for entry in fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o027, 0, "{} is open to others", path.display());
    }
}

#[test]
fn people_get_a_banner_with_the_line_to_export() {
    let (_guard, path) = directory();
    let flags = ["--log-format", "human", "--listen", "127.0.0.1:0", "--prefix", "/lab"];
    let mut child = command(&path, &flags).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();

    let banner: Vec<String> =
        lines.by_ref().map(Result::unwrap).take_while(|line| !line.contains("MLFLOW_TRACKING_URI")).collect();
    child.kill().unwrap();
    child.wait().unwrap();

    let banner = banner.join("\n");
    for part in ["listens on  http://127.0.0.1:", "/lab", "no accounts: anyone on this node", "data        /"] {
        assert!(banner.contains(part), "no {part} in\n{banner}");
    }
}

#[test]
fn addresses_beyond_this_node_need_accounts_or_to_be_allowed_aloud() {
    let (_guard, path) = directory();

    for address in ["0.0.0.0:0", "[::]:0"] {
        let (code, text) = refused(command(&path, &["--listen", address]));
        assert_eq!(code, Some(1), "{address}: {text}");
        assert!(text.contains("--allow-open") && text.contains("user add") && text.contains(address), "{text}");
    }
    let status = |server: &Server, path: &str| {
        let port = server.address().rsplit(':').next().unwrap().to_owned();
        exchange(TcpStream::connect(format!("127.0.0.1:{port}")).unwrap(), &request("GET", path, &[], "")).status
    };
    let search = "/api/2.0/mlflow/experiments/search?max_results=1";
    let open = Server::spawn(command(&path, &["--listen", "0.0.0.0:0", "--allow-open"]));
    assert_eq!((status(&open, "/health"), status(&open, search)), (200, 200));
    drop(open);
    let arguments = ["user", "add", "boss", "--admin", "--no-password", "--data", "data"];
    let made = Command::new(env!("CARGO_BIN_EXE_windvane")).current_dir(&path).args(arguments).status().unwrap();
    assert!(made.success());
    let closed = Server::spawn(command(&path, &["--listen", "0.0.0.0:0"]));
    assert_eq!((status(&closed, "/health"), status(&closed, search)), (200, 401));
}

#[test]
fn a_taken_address_is_a_failure_that_names_it() {
    let (_guard, path) = directory();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();

    let (code, text) = refused(command(&path, &["--listen", &address]));

    assert_eq!(code, Some(1));
    assert!(text.contains(&format!("cannot listen on {address}")), "{text}");
}

#[test]
fn a_data_directory_that_everyone_may_change_is_refused() {
    let (_guard, path) = directory();
    fs::create_dir(path.join("data")).unwrap();
    fs::set_permissions(path.join("data"), fs::Permissions::from_mode(0o777)).unwrap();

    let (code, text) = refused(command(&path, &["--listen", "127.0.0.1:0"]));

    assert_eq!(code, Some(1));
    assert!(text.contains("chmod o-w data"), "{text}");
}

#[test]
fn a_service_manager_hears_when_the_server_is_ready() {
    let (_guard, path) = directory();
    let manager = UnixDatagram::bind(path.join("notify")).unwrap();
    let mut command = command(&path, &["--listen", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", path.join("notify"));

    let _server = Server::spawn(command);

    let mut message = [0; 64];
    let length = manager.recv(&mut message).unwrap();
    assert_eq!(&message[..length], b"READY=1");
}

// ---- one directory, one process --------------------------------------------------------------------------------------

#[test]
fn a_second_server_on_a_directory_is_refused_with_who_holds_it() {
    let (_guard, path) = directory();
    let first = Server::start(&path, &[]);

    let (code, text) = refused(command(&path, &["--listen", "127.0.0.1:0"]));

    assert_eq!(code, Some(1));
    let expected = format!("process {} already serves data, on http://{}", first.child.id(), first.address());
    assert!(text.contains(&expected), "{text}");
    assert_eq!(first.get("/health").status, 200);
}

#[test]
fn a_second_server_on_the_same_sqlite_file_is_refused_too() {
    let (_guard, path) = directory();
    let (first, second) = (path.join("first"), path.join("second"));
    fs::create_dir(&first).unwrap();
    fs::create_dir(&second).unwrap();
    let database = format!("sqlite:{}", path.join("runs.db").display());
    let _server = Server::start(&first, &["--database", &database]);

    let (code, text) = refused(command(&second, &["--listen", "127.0.0.1:0", "--database", &database]));

    assert_eq!(code, Some(1));
    assert!(text.contains("already uses"), "{text}");
}

#[test]
fn after_kill_9_the_next_server_starts_at_once_with_the_same_sockets() {
    let (_guard, path) = directory();
    let flags = ["--listen", "unix:socket"];
    let mut server = Server::start(&path, &flags);
    server.signal("-KILL");
    assert_eq!(server.child.wait().unwrap().signal(), Some(9));
    assert!(fs::symlink_metadata(path.join("socket")).unwrap().file_type().is_socket(), "the file outlives the server");

    let server = Server::start(&path, &flags);

    assert_eq!(server.get("/health").body, "OK");
    let stream = UnixStream::connect(path.join("socket")).unwrap();
    assert_eq!(exchange(stream, &request("GET", "/health", &[], "")).body, "OK");
}

#[test]
fn the_control_socket_tells_who_serves() {
    let (_guard, path) = directory();
    let server = Server::start(&path, &[]);
    let stream = UnixStream::connect(path.join("data/admin.sock")).unwrap();

    let status = exchange(stream, &request("GET", "/status", &[], "")).json();

    assert_eq!(status["pid"], server.child.id());
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["listen"], json!([format!("http://{}", server.address())]));
    assert_eq!(status["data"], path.join("data").to_str().unwrap());
    assert!(status["uptime_s"].is_u64());
    assert_eq!(server.get("/status").status, 404, "it is not for everyone");
}

#[test]
fn a_data_directory_may_lie_deeper_than_a_socket_address_is_long() {
    let (_guard, path) = directory();
    let deep = path.join("d".repeat(120)).join("e".repeat(120));
    fs::create_dir_all(&deep).unwrap();
    let _server = Server::start(&deep, &[]);

    let (code, text) = refused(command(&deep, &["--listen", "127.0.0.1:0"]));

    assert_eq!(code, Some(1));
    assert!(text.contains("already serves data, on http://"), "{text}");
}

// ---- unix sockets ----------------------------------------------------------------------------------------------------

#[test]
fn a_unix_socket_is_private_takes_any_host_name_and_goes_with_the_server() {
    let (_guard, path) = directory();
    let server = Server::spawn(command(&path, &["--listen", "unix:socket"]));
    let socket = path.join("socket");

    let answer = exchange(UnixStream::connect(&socket).unwrap(), &request("GET", "/", &[("host", "any.example")], ""));
    assert_eq!(answer.status, 200);
    assert_eq!(mode(&socket), 0o600);
    server.signal("-TERM");
    assert_eq!(server.exit_code(), Some(0));
    assert!(!socket.exists());
}

#[test]
fn a_living_socket_a_file_and_an_insecure_directory_are_refused() {
    let (_guard, path) = directory();
    let _living = UnixListener::bind(path.join("living")).unwrap();
    fs::write(path.join("file"), "mine").unwrap();
    let open = path.join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();

    for (socket, expected) in [
        ("unix:living", "another server listens there"),
        ("unix:file", "not a socket"),
        ("unix:open/socket", "chmod go-w"),
        ("unix:absent/socket", "cannot use the directory"),
    ] {
        let (code, text) = refused(command(&path, &["--listen", socket]));
        assert_eq!(code, Some(1), "{socket}");
        assert!(text.contains(expected), "{socket}: {text}");
    }
    assert_eq!(fs::read_to_string(path.join("file")).unwrap(), "mine");
    assert!(UnixStream::connect(path.join("living")).is_ok());
}

// ---- stopping --------------------------------------------------------------------------------------------------------

#[test]
fn the_first_signal_lets_running_requests_finish() {
    for signal in ["-TERM", "-INT"] {
        let (_guard, path) = directory();
        let mut server = Server::start(&path, &[]);
        let (mut stream, rest) = half_a_request(&server, CREATE);

        server.signal(signal);
        server.wait_for(&format!("stopped listening on http://{}", server.address()));
        let late = TcpStream::connect(server.address());
        stream.write_all(rest.as_bytes()).unwrap();
        let answer = read_answer(&stream);

        assert!(late.is_err(), "a stopping server accepts nothing");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.json()["experiment_id"].is_string());
        assert_eq!(server.exit_code(), Some(0));
    }
}

#[test]
fn the_second_signal_cuts_what_is_still_running() {
    let (_guard, path) = directory();
    let mut server = Server::start(&path, &[]);
    let (mut stream, _rest) = half_a_request(&server, CREATE);

    server.signal("-TERM");
    server.wait_for("stopped listening on http://");
    server.signal("-TERM");
    server.wait_for("cutting the connections");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);

    assert_eq!(answer, b"");
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn without_a_grace_time_the_first_signal_cuts() {
    let (_guard, path) = directory();
    let server = Server::start(&path, &["--shutdown-grace-s", "0"]);
    let (_stream, _rest) = half_a_request(&server, CREATE);

    server.signal("-TERM");

    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn what_is_refused_is_read_to_its_end_so_that_the_connection_lasts() {
    let (_guard, path) = directory();
    let server = Server::start(&path, &["--static-prefix", "/lab"]);
    // More than the buffers of a connection hold: who closes it before has not read it.
    let body = vec![b' '; 32 * 1024 * 1024];
    for (endpoint, header, status) in [
        ("/lab/api/2.0/mlflow-artifacts/mpu/create/1/r/artifacts", "accept: */*", 501),
        ("/lab/api/2.0/mlflow/artifacts/presigned-upload-url", "accept: */*", 501),
        ("/lab/api/2.0/mlflow/nothing", "accept: */*", 404),
        ("/lab/version", "accept: */*", 405),
        ("/nothing", "accept: */*", 404),
        (&format!("/lab{CREATE}"), "content-type: text/plain", 400),
        (&format!("/lab{CREATE}"), "content-type: application/json", 413),
        (&format!("/lab{CREATE}"), "origin: https://elsewhere.example", 403),
        ("/lab/api/2.0/mlflow/upload-artifact?run_id=none&path=a", "accept: */*", 404),
    ] {
        let mut stream = server.connect();
        let head = format!(
            "POST {endpoint} HTTP/1.1\r\nhost: localhost\r\n{header}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let next = "GET /lab/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(&[head.as_bytes(), &body, next.as_bytes()].concat()).unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).unwrap();

        assert!(answers.starts_with(&format!("HTTP/1.1 {status} ")), "{endpoint}, {header}: {answers}");
        assert!(answers.ends_with("\r\n\r\nOK"), "{endpoint}, {header}: {answers}");
    }
}
