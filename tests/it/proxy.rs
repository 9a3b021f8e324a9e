//! The real server behind a real nginx, which signs people in.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::http::{Answer, exchange, read_answer, request};
use crate::support::server::{Server, said};

const PASSWORD: &str = "a password of the test";
const SESSION: &str = "/api/windvane/v1/session";
const JSON: (&str, &str) = ("content-type", "application/json");
const MIB: usize = 1024 * 1024;

/// An nginx of this test alone, as its user; ended when dropped.
struct Nginx {
    child: Child,
    address: SocketAddr,
    /// Holds the port, so that nobody else is given it before nginx listens there.
    _port: TcpListener,
}

impl Nginx {
    /// Starts an nginx on a free port of this node, with these locations.
    fn start(directory: &Path, locations: &str) -> Self {
        let port = hold_port();
        let address = port.local_addr().unwrap();
        fs::write(directory.join("passwords"), "ann:{PLAIN}letmein\n").unwrap();
        fs::write(directory.join("nginx.conf"), configuration(address, locations)).unwrap();
        let program = if Path::new("/usr/sbin/nginx").exists() { "/usr/sbin/nginx" } else { "nginx" };
        let mut command = Command::new(program);
        command.arg("-p").arg(directory).args(["-c", "nginx.conf", "-e", "errors.log"]).stderr(Stdio::null());
        let child = command.spawn().expect("nginx is installed; scripts/setup.sh test does it");
        let mut nginx = Nginx { child, address, _port: port };
        while TcpStream::connect(address).is_err() {
            if nginx.child.try_wait().unwrap().is_some() {
                panic!("nginx does not start: {}", fs::read_to_string(directory.join("errors.log")).unwrap());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        nginx
    }
}

/// A free port that is bound but not listened on: the next one to bind it may only be another process of this user that also
/// says `reuseport`.
fn hold_port() -> TcpListener {
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
    sockopt::set_socket_reuseport(&socket, true).unwrap();
    rustix::net::bind(&socket, &SocketAddr::new("127.0.0.1".parse().unwrap(), 0)).unwrap();
    TcpListener::from(socket)
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The part about proxying is what an administrator would write.
fn configuration(address: SocketAddr, locations: &str) -> String {
    format!(
        r#"
daemon off;
master_process off;
pid nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path bodies;
    proxy_temp_path answers;
    fastcgi_temp_path unused1;
    scgi_temp_path unused2;
    uwsgi_temp_path unused3;
    server {{
        listen {address} reuseport;
        auth_basic "the site";
        auth_basic_user_file passwords;

        # Artifacts of any size, passed on as they come.
        client_max_body_size 0;
        proxy_http_version 1.1;
        proxy_request_buffering off;
        proxy_buffering off;

        proxy_set_header Host $http_host;
        proxy_set_header Connection "";
        # Whom nginx has signed in, in place of whatever the client says.
        proxy_set_header Authorization "";
        proxy_set_header X-Remote-User $remote_user;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        {locations}
    }}
}}
"#
    )
}

/// A server below `/track` that believes the proxy, and the proxy: at `/track/`, and at `/portal/track/`, of which it takes
/// the beginning away.
fn proxied(directory: &Path) -> (Server, Nginx) {
    said(directory, &["user", "add", "boss", "--admin", "--password-stdin"], &format!("{PASSWORD}\n"));
    said(directory, &["user", "add", "ann", "--no-password"], "");
    said(directory, &["role", "give", "ann", "editor", "--everywhere"], "");
    let listen = ["--listen", "127.0.0.1:0", "--prefix", "/track"];
    let trust = ["--trusted-proxies", "127.0.0.1", "--proxy-user-header", "X-Remote-User"];
    let server = Server::start(directory, &[listen, trust].concat());
    let behind = server.tcp().1;
    let locations = format!(
        "location /track/ {{ proxy_pass http://{behind}; }}
         location /portal/track/ {{
             proxy_pass http://{behind}/track/;
             proxy_redirect /track/ /portal/track/;
             proxy_cookie_path /track /portal/track;
         }}"
    );
    let nginx = Nginx::start(directory, &locations);
    (server, nginx)
}

/// Connects from an address of this node.
fn connect_from(source: &str, to: SocketAddr) -> TcpStream {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &SocketAddr::new(source.parse().unwrap(), 0)).unwrap();
    rustix::net::connect(&socket, &to).unwrap();
    TcpStream::from(socket)
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}")))
}

/// What the proxy answers to ann.
fn send(nginx: &Nginx, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let ann = basic("ann", "letmein");
    let headers = [&[("authorization", ann.as_str())], headers].concat();
    exchange(TcpStream::connect(nginx.address).unwrap(), &request(method, path, &headers, body))
}

/// What a new run of ann's keeps its artifacts below.
fn new_run(nginx: &Nginx) -> String {
    let post = |path: &str, body: Value| {
        let answer = send(nginx, "POST", &format!("/track/api/2.0/mlflow/{path}"), &[JSON], &body.to_string());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let experiment = post("experiments/create", json!({ "name": "proxied" }))["experiment_id"].take();
    let run = post("runs/create", json!({ "experiment_id": experiment }))["run"]["info"]["run_id"].take();
    let (experiment, run) = (experiment.as_str().unwrap(), run.as_str().unwrap());
    format!("api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts")
}

/// Text of which every place can be told from every other.
fn numbered_lines(bytes: usize) -> String {
    (0..bytes / 16).map(|line| format!("{line:015}\n")).collect()
}

/// The bytes of all files below a directory.
fn bytes_below(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes_below(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}

#[test]
fn people_are_who_the_proxy_says_whatever_they_say_themselves() {
    let folder = TempDir::new().unwrap();
    let (server, nginx) = proxied(folder.path());
    let forged = [("x-remote-user", "boss"), ("x-forwarded-for", "9.9.9.9"), ("x-forwarded-proto", "https"), JSON];

    for base in ["/track", "/portal/track"] {
        let session = send(&nginx, "GET", &format!("{base}{SESSION}"), &forged, "").json();
        assert_eq!(session["user"]["name"], "ann", "{session}");
        assert_eq!(session["user"]["admin"], false);
    }
    let stranger = exchange(
        TcpStream::connect(nginx.address).unwrap(),
        &request("GET", "/track/api/windvane/v1/session", &[("x-remote-user", "boss")], ""),
    );
    assert_eq!(stranger.status, 401);
    assert!(stranger.header("server").unwrap().starts_with("nginx"));

    let ann = basic("ann", "letmein");
    let headers = [&forged[..], &[("authorization", ann.as_str())]].concat();
    let body = json!({ "name": "cron", "kind": "api", "scope": "read" }).to_string();
    let make_token = request("POST", "/track/api/windvane/v1/tokens", &headers, &body);
    let made = exchange(connect_from("127.0.0.5", nginx.address), &make_token);
    assert_eq!(made.status, 200, "{made:?}");
    let record: Value = serde_json::from_str(&server.wait_for_log(r#""who":"ann""#)).unwrap();
    assert_eq!(record["target"], "windvane::audit");
    assert_eq!(record["fields"]["from"], "127.0.0.5", "{record}");
}

#[test]
fn from_elsewhere_than_the_proxy_its_headers_mean_nothing() {
    let folder = TempDir::new().unwrap();
    said(folder.path(), &["user", "add", "boss", "--admin", "--password-stdin"], &format!("{PASSWORD}\n"));
    let trust = ["--trusted-proxies", "127.0.0.2", "--proxy-user-header", "X-Remote-User"];
    let server = Server::start(folder.path(), &[&["--listen", "127.0.0.1:0"], &trust[..]].concat());
    let forged = [("x-remote-user", "boss"), ("x-forwarded-for", "9.9.9.9"), ("x-forwarded-proto", "https"), JSON];
    let get = |source, path| exchange(connect_from(source, server.tcp().1), &request("GET", path, &forged, ""));
    let search = "/api/2.0/mlflow/experiments/search?max_results=1";

    assert_eq!(get("127.0.0.1", search).status, 401);
    assert_eq!(get("127.0.0.1", SESSION).json()["user"], Value::Null);
    let body = json!({ "name": "boss", "password": PASSWORD }).to_string();
    let sign_in = request("POST", SESSION, &forged, &body);
    let direct = exchange(connect_from("127.0.0.1", server.tcp().1), &sign_in);
    assert!(!direct.header("set-cookie").unwrap().contains("Secure"), "{direct:?}");
    assert!(server.wait_for_log("signed in").contains(r#""from":"127.0.0.1""#));

    assert_eq!(get("127.0.0.2", search).status, 200);
    assert_eq!(get("127.0.0.2", SESSION).json()["user"]["name"], "boss");
    let proxied = exchange(connect_from("127.0.0.2", server.tcp().1), &sign_in);
    assert!(proxied.header("set-cookie").unwrap().contains("Secure"), "{proxied:?}");
}

/// Headers by which proxies and frameworks elsewhere say what was really asked (security case BR-09): here the request line and
/// `Host` alone say it, whoever sends them.
#[test]
fn what_is_asked_for_is_what_the_request_line_says() {
    let folder = TempDir::new().unwrap();
    let server = Server::start(folder.path(), &["--listen", "127.0.0.1:0", "--trusted-proxies", "127.0.0.2"]);
    let search = "/api/2.0/mlflow/experiments/search?max_results=1";
    for source in ["127.0.0.1", "127.0.0.2"] {
        let get = |headers: &[(&str, &str)]| {
            let answer = exchange(connect_from(source, server.tcp().1), &request("GET", search, headers, ""));
            (answer.status, answer.json())
        };
        let plain = get(&[]);
        assert_eq!(plain.0, 200);
        for header in [
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-prefix", "/evil"),
            ("x-original-url", "/metrics"),
            ("x-rewrite-url", "/metrics"),
            ("x-http-method-override", "DELETE"),
            ("x-method-override", "POST"),
        ] {
            assert_eq!(get(&[header]), plain, "{header:?} from {source}");
        }
    }
}

#[test]
fn a_large_artifact_goes_through_as_it_comes_and_back_in_ranges() {
    let folder = TempDir::new().unwrap();
    let (_server, nginx) = proxied(folder.path());
    let artifacts = new_run(&nginx);
    let path = format!("/track/{artifacts}/large.txt");
    let content = numbered_lines(64 * MIB);
    let whole = request("PUT", &path, &[("authorization", &basic("ann", "letmein"))], &content);
    let (first, second) = whole.split_at(whole.len() / 2);

    let mut stream = TcpStream::connect(nginx.address).unwrap();
    stream.write_all(first.as_bytes()).unwrap();
    // It lies on the server's disk before the client has sent the rest.
    let kept = folder.path().join("data/artifacts");
    while (bytes_below(&kept) as usize) < 16 * MIB {
        std::thread::sleep(Duration::from_millis(20));
    }
    stream.write_all(second.as_bytes()).unwrap();
    let put = read_answer(stream);
    assert_eq!(put.status, 200, "{put:?}");

    for base in ["/track", "/portal/track"] {
        let get = |range: &str| send(&nginx, "GET", &format!("{base}/{artifacts}/large.txt"), &[("range", range)], "");
        for (range, from, to) in [
            ("bytes=0-0", 0, 1),
            ("bytes=33000000-33099999", 33_000_000, 33_100_000),
            ("bytes=-1000", content.len() - 1_000, content.len()),
        ] {
            let part = get(range);
            assert_eq!(part.status, 206, "{range}: {}", part.head);
            let expected = format!("bytes {from}-{}/{}", to - 1, content.len());
            assert_eq!(part.header("content-range"), Some(expected.as_str()));
            assert!(part.body == content[from..to], "{range}");
        }
        assert_eq!(get("bytes=99999999-").status, 416);
        let whole = send(&nginx, "GET", &format!("{base}/{artifacts}/large.txt"), &[], "");
        assert!(whole.status == 200 && whole.body == content);
    }
}

#[test]
fn an_upload_of_unknown_length_and_odd_names_pass_both_ways_in() {
    let folder = TempDir::new().unwrap();
    let (_server, nginx) = proxied(folder.path());
    let artifacts = new_run(&nginx);
    let ann = basic("ann", "letmein");

    for base in ["/track", "/portal/track"] {
        let path = format!("{base}/{artifacts}/a%20b%25c%2Bd/%C3%A9.txt");
        let head = format!(
            "PUT {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {ann}\r\nconnection: close\r\n\
             transfer-encoding: chunked\r\n\r\n"
        );
        let put = exchange(TcpStream::connect(nginx.address).unwrap(), &format!("{head}5\r\n{base:.5}\r\n0\r\n\r\n"));
        assert_eq!(put.status, 200, "{put:?}");
        for other in ["/track", "/portal/track"] {
            let got = send(&nginx, "GET", &path.replacen(base, other, 1), &[], "");
            assert_eq!((got.status, got.body.as_str()), (200, &base[..5]), "{other}");
        }
    }
}

#[test]
fn pages_and_cookies_fit_below_whatever_the_proxy_serves_them() {
    let folder = TempDir::new().unwrap();
    let (_server, nginx) = proxied(folder.path());

    for base in ["/track", "/portal/track"] {
        let page = send(&nginx, "GET", &format!("{base}/"), &[], "");
        assert_eq!(page.status, 200, "{page:?}");
        let script = page.body.split("src=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        assert!(!script.starts_with('/') && !script.contains(':'), "{script}");
        assert_eq!(send(&nginx, "GET", &format!("{base}/{script}"), &[], "").status, 200, "{script}");

        let body = json!({ "name": "boss", "password": PASSWORD }).to_string();
        let signed_in = send(&nginx, "POST", &format!("{base}{SESSION}"), &[JSON], &body);
        assert_eq!(signed_in.status, 200, "{signed_in:?}");
        let cookie = signed_in.header("set-cookie").unwrap();
        assert!(cookie.split("; ").any(|part| part == format!("Path={base}")), "{cookie}");
    }
    let front = send(&nginx, "GET", "/portal/track", &[], "");
    let location = front.header("location").unwrap();
    assert!(front.status == 301 && location.ends_with("/portal/track/"), "{front:?}");
}
