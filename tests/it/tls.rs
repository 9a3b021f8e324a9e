//! The real server with a certificate of its own.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::json;
use tempfile::TempDir;
use tokio_rustls::rustls::{
    self, ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, StreamOwned, SupportedProtocolVersion,
    version::{TLS12, TLS13},
};

use crate::support::http::{Answer, exchange, request};
use crate::support::server::{Server, said, socket};

const FLAGS: [&str; 6] = ["--listen", "127.0.0.1:0", "--tls-certificate", "certificate.pem", "--tls-key", "key.pem"];
const PASSWORD: &str = "a password of the test";

fn certificate() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

/// Puts a file in the place of a former one, as whoever renews certificates does.
fn put(directory: &Path, name: &str, text: &str, mode: u32) {
    let new = directory.join(format!("{name}.new"));
    fs::write(&new, text).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(mode)).unwrap();
    fs::rename(new, directory.join(name)).unwrap();
}

fn put_pair(directory: &Path, pair: &CertifiedKey<KeyPair>) {
    put(directory, "certificate.pem", &pair.cert.pem(), 0o644);
    put(directory, "key.pem", &pair.signing_key.serialize_pem(), 0o640);
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A connection of a client that trusts these certificates alone, before its handshake.
fn handshake(
    server: &Server,
    trusted: &[&CertifiedKey<KeyPair>],
    version: &'static SupportedProtocolVersion,
) -> Stream {
    let mut roots = RootCertStore::empty();
    for pair in trusted {
        roots.add(pair.cert.der().clone()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
    StreamOwned::new(client, TcpStream::connect(server.tcp().1).unwrap())
}

/// The same after its handshake, which goes well.
fn connect(server: &Server, trusted: &[&CertifiedKey<KeyPair>], version: &'static SupportedProtocolVersion) -> Stream {
    let mut stream = handshake(server, trusted, version);
    stream.conn.complete_io(&mut stream.sock).unwrap();
    stream
}

/// The certificate that a new connection gets.
fn served(server: &Server, trusted: &[&CertifiedKey<KeyPair>]) -> CertificateDer<'static> {
    let stream = connect(server, trusted, &TLS13);
    stream.conn.peer_certificates().unwrap()[0].clone().into_owned()
}

fn health(stream: Stream) -> String {
    exchange(stream, &request("GET", "/health", &[], "")).body
}

#[test]
fn a_tcp_address_speaks_tls_and_nothing_else_and_a_unix_socket_does_not() {
    let folder = TempDir::new().unwrap();
    let pair = certificate();
    put_pair(folder.path(), &pair);
    let server = Server::start(folder.path(), &FLAGS);
    assert_eq!(server.tcp().0, "https");

    for (version, expected) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let stream = connect(&server, &[&pair], version);
        assert_eq!(stream.conn.protocol_version(), Some(expected));
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        // Reading to the end is an error where the server does not say that it is the end.
        assert_eq!(health(stream), "OK");
    }

    let mut plain = TcpStream::connect(server.tcp().1).unwrap();
    plain.write_all(request("GET", "/health", &[], "").as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
    assert_eq!(health(connect(&server, &[&pair], &TLS13)), "OK");
    let mut stranger = handshake(&server, &[], &TLS13);
    assert!(stranger.conn.complete_io(&mut stranger.sock).is_err(), "who does not trust the certificate says so");
    let log = server.log();
    assert!(!log.contains("WARN") && !log.contains("ERROR"), "strangers must not fill the log: {log}");
    let by_unix = UnixStream::connect(socket(folder.path())).unwrap();
    assert_eq!(exchange(by_unix, &request("GET", "/health", &[], "")).body, "OK");
    assert!(server.terminate().success());
}

#[test]
fn whoever_signs_in_over_tls_gets_a_cookie_for_tls_alone() {
    let folder = TempDir::new().unwrap();
    let pair = certificate();
    put_pair(folder.path(), &pair);
    said(folder.path(), &["user", "add", "boss", "--admin", "--password-stdin"], &format!("{PASSWORD}\n"));
    let server = Server::start(folder.path(), &FLAGS);
    let body = json!({ "name": "boss", "password": PASSWORD }).to_string();
    let sign_in = request("POST", "/api/windvane/v1/session", &[("content-type", "application/json")], &body);
    let is_secure = |answer: Answer| {
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.header("set-cookie").unwrap().contains("; Secure")
    };

    assert!(is_secure(exchange(connect(&server, &[&pair], &TLS13), &sign_in)));
    assert!(!is_secure(exchange(UnixStream::connect(socket(folder.path())).unwrap(), &sign_in)));
}

#[test]
fn a_certificate_is_replaced_at_a_signal_and_a_broken_one_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let (first, second, third) = (certificate(), certificate(), certificate());
    let all = [&first, &second, &third];
    put_pair(folder.path(), &first);
    let server = Server::start(folder.path(), &FLAGS);
    let kept = connect(&server, &all, &TLS13);
    assert_eq!(served(&server, &all), *first.cert.der());

    put_pair(folder.path(), &second);
    server.signal("-HUP");
    server.wait_for_log("read the certificate certificate.pem again");

    assert_eq!(served(&server, &all), *second.cert.der());
    assert_eq!(health(kept), "OK", "open connections go on");

    put(folder.path(), "certificate.pem", "-----BEGIN CERTIFICATE-----\nbroken", 0o644);
    server.signal("-HUP");
    server.wait_for_log("cannot use `tls_certificate` certificate.pem");
    assert_eq!(served(&server, &all), *second.cert.der());
    put(folder.path(), "certificate.pem", &third.cert.pem(), 0o644);
    server.signal("-HUP");
    server.wait_for_log("cannot be used together");
    assert_eq!(served(&server, &all), *second.cert.der());
    put(folder.path(), "key.pem", &third.signing_key.serialize_pem(), 0o644);
    server.signal("-HUP");
    server.wait_for_log("chmod o-rw key.pem");
    assert_eq!(served(&server, &all), *second.cert.der());
    assert!(server.terminate().success());
}

#[test]
fn a_client_that_never_says_hello_holds_up_nobody_and_takes_a_place() {
    let folder = TempDir::new().unwrap();
    let pair = certificate();
    put_pair(folder.path(), &pair);
    let server =
        Server::start(folder.path(), &[&FLAGS[..], &["--max-connections", "3", "--shutdown-grace-s", "5"]].concat());
    let silent = TcpStream::connect(server.tcp().1).unwrap();
    let mut slow = TcpStream::connect(server.tcp().1).unwrap();
    slow.write_all(&[0x16, 0x03, 0x01]).unwrap();

    assert_eq!(health(connect(&server, &[&pair], &TLS13)), "OK");

    // The place of the one before may take a moment to be free.
    let third = std::iter::repeat_with(|| handshake(&server, &[&pair], &TLS13))
        .find_map(|mut stream| stream.conn.complete_io(&mut stream.sock).ok().map(|_| stream))
        .unwrap();
    let mut fourth = TcpStream::connect(server.tcp().1).unwrap();
    let mut nothing = Vec::new();
    let _ = fourth.read_to_end(&mut nothing);
    assert_eq!(nothing, b"");
    assert_eq!(health(third), "OK");

    // There is nothing to finish: the end does not wait for their handshakes.
    server.signal("-TERM");
    server.wait_for_log("stopped\"");
    assert!(!server.log().contains("cutting the connections"), "{}", server.log());
    drop((silent, slow));
}

#[test]
fn files_that_cannot_be_used_are_refused_at_the_start_with_their_option_and_name() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path();
    let (one, other) = (certificate(), certificate());
    put_pair(directory, &one);
    put(directory, "other.pem", &other.signing_key.serialize_pem(), 0o600);
    put(directory, "open.pem", &one.signing_key.serialize_pem(), 0o644);
    put(directory, "writable.pem", &one.signing_key.serialize_pem(), 0o602);
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    put(directory, "encrypted.pem", encrypted, 0o600);

    for (certificate, key, parts) in [
        ("certificate.pem", "open.pem", ["`tls_key` open.pem", "chmod o-rw open.pem"]),
        ("certificate.pem", "writable.pem", ["`tls_key` writable.pem", "chmod o-rw writable.pem"]),
        ("certificate.pem", "other.pem", ["`tls_certificate` certificate.pem and `tls_key` other.pem", "together"]),
        ("certificate.pem", "absent.pem", ["`tls_key` absent.pem", "No such file"]),
        ("certificate.pem", "certificate.pem", ["`tls_key` certificate.pem", "chmod"]),
        ("certificate.pem", "encrypted.pem", ["`tls_key` encrypted.pem", "not encrypted"]),
        ("absent.pem", "key.pem", ["`tls_certificate` absent.pem", "No such file"]),
        ("key.pem", "key.pem", ["`tls_certificate` key.pem", "it holds no certificate"]),
    ] {
        let flags = ["server", "--data", "data", "--listen", "127.0.0.1:0"];
        let files = ["--tls-certificate", certificate, "--tls-key", key];
        let mut command = Command::new(env!("CARGO_BIN_EXE_windvane"));
        let output = command.env_clear().current_dir(directory).args(flags).args(files).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{certificate} {key}: {told}");
        assert!(parts.iter().all(|part| told.contains(part)), "{certificate} {key}: {told}");
        assert!(!told.contains("PRIVATE KEY--"), "{told}");
    }
}
