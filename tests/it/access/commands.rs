//! `windvane user`, `token` and `role` and the real server: the first administrator, and what a running server notices.

use std::path::Path;

use base64::Engine;
use tempfile::TempDir;

use crate::support::server::{Client, Server, said, windvane};

const PASSWORD: &str = "a password of the test";

/// What a command that is refused says.
#[track_caller]
fn refused(directory: &Path, arguments: &[&str], input: &str) -> String {
    let output = windvane(directory, arguments, input);
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn basic(name: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{name}:{PASSWORD}")))
}

/// Asks until the answer has this status: a running server reads accounts at most every two seconds.
fn wait_for(client: &mut Client, authorization: &str, status: u16) {
    for _ in 0..600 {
        client.authorization = Some(authorization.to_owned());
        if client.get("experiments/search?max_results=1").unwrap().status == status {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("the server never answered {status}");
}

#[test]
fn a_team_is_set_up_by_commands_while_the_server_runs_or_not() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path();
    let input = format!("{PASSWORD}\n");

    let made = said(directory, &["user", "add", "boss", "--admin", "--password-stdin"], &input);
    assert_eq!(made, "made the person 'boss', an administrator\n");
    let server = Server::start(directory, &[]);
    let mut client = Client::new(directory);
    assert_eq!(client.get("experiments/search?max_results=1").unwrap().status, 401);
    wait_for(&mut client, &basic("boss"), 200);
    let experiment = client.post("experiments/create", &serde_json::json!({ "name": "forecasts" })).unwrap().json();
    let experiment = experiment["experiment_id"].as_str().unwrap();

    said(directory, &["user", "add", "ann", "--password-stdin", "--display-name", "Ann"], &input);
    said(directory, &["user", "add", "nightly", "--service"], "");
    wait_for(&mut client, &basic("ann"), 200);
    assert!(client.get("experiments/search?max_results=9").unwrap().json().get("experiments").is_none());
    said(directory, &["role", "give", "ann", "reader", "forecasts"], "");
    let found = client.get("experiments/search?max_results=9").unwrap().json();
    assert_eq!(found["experiments"][0]["name"], "forecasts", "roles are part of every query");
    said(directory, &["role", "give", "nightly", "editor", experiment], "");
    let token = said(directory, &["token", "add", "nightly", "--name", "cron", "--expires-days", "30"], "");
    let token = token.lines().find(|line| line.starts_with("wv_")).unwrap().to_owned();
    wait_for(&mut client, &format!("Bearer {token}"), 200);
    let run = client.post("runs/create", &serde_json::json!({ "experiment_id": experiment })).unwrap();
    assert_eq!(run.status, 200);

    let listed = said(directory, &["token", "list", "nightly"], "");
    assert!(listed.contains("cron") && !listed.contains(&token[5..]), "{listed}");
    let roles = said(directory, &["role", "list"], "");
    for words in [["boss", "admin"], ["ann", "reader"], ["nightly", "editor"]] {
        assert!(roles.lines().any(|line| words.iter().all(|word| line.contains(word))), "{roles}");
    }
    let users = said(directory, &["user", "list"], "");
    assert!(users.contains("Ann") && users.contains("everyone"), "{users}");
    said(directory, &["token", "revoke", "1"], "");
    wait_for(&mut client, &format!("Bearer {token}"), 401);
    said(directory, &["user", "password", "ann", "--password-stdin"], "another good one\n");
    wait_for(&mut client, &basic("ann"), 401);
    said(directory, &["user", "remove", "ann"], "");

    let log = server.log();
    assert!(log.contains("windvane::audit"), "{log}");
    for secret in [PASSWORD, &token, &basic("boss"), &basic("ann")["Basic ".len()..]] {
        assert!(!log.contains(secret), "{log}");
    }
    // Whoever lists processes sees none either: a password is never an argument.
    let arguments = std::fs::read(server.process().join("cmdline")).unwrap();
    assert!(!String::from_utf8_lossy(&arguments).contains(PASSWORD));
    assert!(server.terminate().success());
}

#[test]
fn a_server_closes_when_it_gets_its_first_account_and_never_opens_again() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path();
    let server = Server::start(directory, &[]);
    let mut client = Client::new(directory);
    assert_eq!(client.get("experiments/search?max_results=1").unwrap().status, 200);

    let warned = said(directory, &["user", "add", "ann", "--password-stdin"], &format!("{PASSWORD}\n"));
    assert!(warned.contains("there is no administrator"), "{warned}");
    wait_for(&mut client, "Basic", 401);
    said(directory, &["user", "remove", "ann"], "");
    wait_for(&mut client, &basic("ann"), 401);
    assert!(server.terminate().success());
}

#[test]
fn commands_refuse_what_would_harm_and_say_why() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path();
    let input = format!("{PASSWORD}\n");
    said(directory, &["user", "add", "boss", "--admin", "--password-stdin"], &input);
    said(directory, &["user", "add", "bob", "--no-password"], "");
    said(directory, &["user", "add", "robot", "--service"], "");
    let elsewhere = TempDir::new().unwrap();
    let lost = refused(elsewhere.path(), &["user", "list"], "");
    assert!(lost.contains("no server's database at") && lost.contains("--data"), "{lost}");
    assert!(!elsewhere.path().join("data").exists(), "a look at the wrong place makes nothing there");
    for (arguments, input, expected) in [
        (&["user", "add", "boss", "--no-password"][..], "", "taken"),
        (&["user", "add", "ann", "--password-stdin"], "short\n", "12 to 256"),
        (&["user", "add", "ann", "--password-stdin"], "", "12 to 256"),
        (&["user", "add", "ann"], "", "--password-stdin"),
        (&["user", "add", "a b", "--no-password"], "", "a b"),
        (&["user", "add", "everyone", "--no-password"], "", "everyone"),
        (&["user", "remove", "boss"], "", "administrator"),
        (&["user", "remove", "nobody"], "", "nobody"),
        (&["role", "take", "boss", "--everywhere"], "", "administrator"),
        (&["role", "give", "boss", "owner", "Default"], "", "owner"),
        (&["role", "give", "boss", "reader", "absent"], "", "absent"),
        (&["role", "give", "anyone", "admin", "--everywhere"], "", "anyone"),
        (&["role", "give", "anyone", "editor", "--everywhere"], "", "has not signed in"),
        (&["user", "password", "robot", "--password-stdin"], &input, "is a service"),
        (&["token", "add", "everyone"], "", "everyone"),
        (&["token", "add", "boss", "--scope", "all"], "", "read, write or full"),
        (&["token", "add", "boss", "--namespace", "absent"], "", "absent"),
        (&["token", "revoke", "77"], "", "77"),
    ] {
        let text = refused(directory, arguments, input);
        assert!(text.contains(expected), "{arguments:?}: {text}");
        assert!(!text.contains("panicked") && !text.contains("SELECT"), "{text}");
    }
    // Anyone may call a namespace as another is numbered.
    let server = Server::start(directory, &[]);
    let mut client = Client::new(directory);
    client.authorization = Some(basic("boss"));
    client.post("experiments/create", &serde_json::json!({ "name": "0" })).unwrap().json();
    let text = refused(directory, &["role", "give", "bob", "editor", "0"], "");
    assert!(text.contains("is the name of one namespace and the number of another"), "{text}");
    assert!(server.terminate().success());
    let generated = said(directory, &["user", "add", "ann", "--generate-password"], "");
    let generated = generated.lines().next().unwrap();
    assert!(generated.len() >= 20 && !generated.contains(' '), "{generated}");
    let file = std::fs::read(directory.join("data/windvane.db")).unwrap();
    for secret in [PASSWORD, generated] {
        assert!(!file.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "a secret is kept as a hash");
    }
}
