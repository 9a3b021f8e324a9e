//! Unix sockets as other users of the node find them. Only root can be another user, so others skip these tests.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::server::{Client, Server, said, socket};

const SEARCH: &str = "/api/2.0/mlflow/experiments/search?max_results=9";

/// A directory that others may enter, where this process can be another user.
fn directory_of_root() -> Option<TempDir> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can connect as another user");
        return None;
    }
    let folder = TempDir::new().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    Some(folder)
}

/// What the user `nobody` is answered at the socket in a directory: status and body; `None` if it cannot connect.
fn as_nobody(directory: &Path, path: &str) -> Option<(String, Value)> {
    const CANNOT_CONNECT: i32 = 7;
    let nobody = uzers::get_user_by_name("nobody").unwrap();
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--max-time", "60", "--write-out", "\n%{http_code}", "--unix-socket"]);
    curl.arg(socket(directory)).arg(format!("http://localhost{path}"));
    // Becoming someone else also gives root's other groups up.
    curl.uid(nobody.uid()).gid(nobody.primary_group_id()).current_dir("/");
    let output = curl.output().expect("curl is installed; scripts/setup.sh test does it");
    if output.status.code() == Some(CANNOT_CONNECT) {
        return None;
    }
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    Some((status.to_owned(), serde_json::from_str(body).unwrap()))
}

/// Asks until the answer is this status: a running server reads accounts at most every two seconds.
fn wait_for(directory: &Path, status: &str) -> Value {
    for _ in 0..200 {
        let (answered, body) = as_nobody(directory, SEARCH).unwrap();
        if answered == status {
            return body;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the server never answered {status}");
}

#[test]
fn at_a_socket_for_everyone_each_user_is_who_the_kernel_says() {
    let Some(folder) = directory_of_root() else { return };
    let directory = folder.path();
    said(directory, &["user", "add", "boss", "--admin", "--no-password"], "");
    let server = Server::start(directory, &["--unix-socket-mode", "0666"]);

    assert_eq!(as_nobody(directory, SEARCH).unwrap().0, "401");
    let (_, session) = as_nobody(directory, "/api/windvane/v1/session").unwrap();
    assert_eq!(session["user"], Value::Null);

    said(directory, &["user", "add", "nobody", "--no-password"], "");
    assert!(wait_for(directory, "200").get("experiments").is_none(), "an account alone shows nothing");
    said(directory, &["role", "give", "nobody", "reader", "Default"], "");
    let found = (0..200).find_map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        as_nobody(directory, SEARCH).unwrap().1.get("experiments").cloned()
    });
    assert_eq!(found.unwrap()[0]["name"], "Default");
    let (_, session) = as_nobody(directory, "/api/windvane/v1/session").unwrap();
    assert_eq!(session["user"]["name"], "nobody");
    // Root has no account, and being root is none.
    assert_eq!(Client::new(directory).get("experiments/search?max_results=1").unwrap().status, 401);

    // The file that a dead server leaves is in nobody's way.
    server.kill();
    assert!(socket(directory).exists());
    assert!(as_nobody(directory, SEARCH).is_none());
    let server = Server::start(directory, &["--unix-socket-mode", "0666"]);
    assert_eq!(as_nobody(directory, SEARCH).unwrap().0, "200");
    assert!(server.terminate().success());
}

#[test]
fn at_a_private_socket_others_do_not_even_connect() {
    let Some(folder) = directory_of_root() else { return };
    let server = Server::start(folder.path(), &[]);

    assert!(as_nobody(folder.path(), SEARCH).is_none());
    assert_eq!(Client::new(folder.path()).get("experiments/search?max_results=1").unwrap().status, 200);
    // Nor where they might reach the one in the data directory, which tells what supervisors want to know.
    let control = folder.path().join("data/admin.sock");
    assert_eq!(fs::metadata(control).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(server.terminate().success());
}
