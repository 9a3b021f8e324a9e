//! `windvane view`: the pages on a store as it lies.

use std::fs;
use std::io::{BufRead, BufReader, Read as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::http::{Answer, exchange, request};
use crate::support::server::said;
use crate::sync::Draft;

/// A running view; ended when dropped.
struct View {
    child: Child,
    address: String,
    temporary: tempfile::TempDir,
}

impl View {
    fn start(source: &Path, flags: &[&str]) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_windvane"));
        command.env_clear().env("TMPDIR", temporary.path()).arg("view").arg(source).args(flags);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address =
            lines.map(|line| line.trim().to_owned()).find(|line| line.starts_with("http") || line.starts_with("unix:"));
        let Some(address) = address else {
            let mut told = String::new();
            child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
            panic!("no address: {told}");
        };
        View { child, address, temporary }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let text = request(method, path, &[("content-type", "application/json")], &body);
        match self.address.strip_prefix("unix:") {
            Some(path) => exchange(UnixStream::connect(path).unwrap(), &text),
            None => exchange(TcpStream::connect(self.address.trim_start_matches("http://")).unwrap(), &text),
        }
    }

    /// Asks until the answer is as expected: what a view shows comes little by little. Nobody knows how soon, as it rests ten
    /// times as long as its last look took; what is waited for comes to pass, or the test never ends.
    fn wait_for(&self, method: &str, path: &str, body: &Value, is_there: impl Fn(&Value) -> bool) -> Value {
        loop {
            let answer = self.ask(method, path, body);
            if answer.status == 200 {
                let found = answer.json();
                if is_there(&found) {
                    return found;
                }
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    fn history(&self, run_id: &str, metric: &str, count: usize) {
        let path = format!("/api/2.0/mlflow/metrics/get-history?run_id={run_id}&metric_key={metric}&max_results=25000");
        self.wait_for("GET", &path, &Value::Null, |it| it["metrics"].as_array().is_some_and(|all| all.len() == count));
    }

    /// Ends it as Ctrl-C does.
    fn interrupt(mut self) -> tempfile::TempDir {
        assert!(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
        std::mem::replace(&mut self.temporary, tempfile::tempdir().unwrap())
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn all_runs() -> Value {
    json!({ "experiment_ids": ["1"], "run_view_type": "ALL" })
}

#[test]
fn a_store_is_shown_and_grows_and_nothing_is_left_of_it() {
    let source = tempfile::tempdir().unwrap();
    let mut draft = Draft { status: 1, end_ms: None, ..Draft::new(1) };
    draft.series[0].1.truncate(100);
    draft.write(source.path());
    let deleted = Draft { is_deleted: true, ..Draft::new(2) };
    deleted.write(source.path());
    let view = View::start(source.path(), &[]);
    let run_id = draft.run_id.clone();

    view.history(&run_id, "loss", 100);
    let trash = view.wait_for("POST", "/api/2.0/mlflow/runs/search", &all_runs(), |it| {
        it["runs"].as_array().is_some_and(|runs| runs.iter().any(|run| run["info"]["lifecycle_stage"] == "deleted"))
    });
    assert_eq!(trash["runs"].as_array().unwrap().len(), 2);
    let session = view.ask("GET", "/api/windvane/v1/session", &Value::Null).json();
    assert_eq!(session["view_of"], source.path().canonicalize().unwrap().display().to_string());

    // Files are read where they lie, through the pages' calls and through those of MLflow's clients.
    let listed =
        view.ask("GET", &format!("/api/windvane/v1/artifacts?run_id={run_id}&path=plots"), &Value::Null).json();
    let names: Vec<&str> = listed["files"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["empty", "large.bin"]);
    for path in [
        format!("/get-artifact?run_id={run_id}&path=config.json"),
        format!("/api/2.0/mlflow-artifacts/artifacts/1/{run_id}/artifacts/config.json"),
    ] {
        assert_eq!(view.ask("GET", &path, &Value::Null).body, "{}", "{path}");
    }

    draft.series[0].1.push((1_700_000_100_000, 100, 0.5));
    draft.files.push(("late.txt".to_owned(), b"late".to_vec()));
    draft.write(source.path());
    Draft::new(3).write(source.path());
    view.history(&run_id, "loss", 101);
    let late = view.ask("GET", &format!("/get-artifact?run_id={run_id}&path=late.txt"), &Value::Null);
    assert_eq!((late.status, late.body.as_str()), (200, "late"));
    view.history(&Draft::new(3).run_id, "val/loss", 3);

    let temporary = view.interrupt();
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn nothing_can_be_changed_by_way_of_a_view() {
    let source = tempfile::tempdir().unwrap();
    let draft = Draft::new(1);
    draft.write(source.path());
    let view = View::start(source.path(), &[]);
    view.history(&draft.run_id, "val/loss", 3);

    for (method, path, body) in [
        ("POST", "/api/2.0/mlflow/experiments/create", json!({ "name": "x" })),
        ("POST", "/api/2.0/mlflow/runs/set-tag", json!({ "run_id": draft.run_id, "key": "k", "value": "v" })),
        ("POST", "/ajax-api/2.0/mlflow/runs/delete", json!({ "run_id": draft.run_id })),
        ("POST", "/api/windvane/v1/runs/tag", json!({ "run_ids": [draft.run_id], "key": "k", "value": "v" })),
        ("POST", "/api/windvane/v1/ingest/parts", json!({ "run_id": draft.run_id })),
        ("POST", "/api/windvane/v1/views", json!({ "address": "#/" })),
        ("DELETE", "/api/windvane/v1/views/abcdefgh", Value::Null),
        ("POST", "/api/windvane/v1/tokens", json!({ "name": "x" })),
        ("POST", "/api/windvane/v1/users", json!({ "name": "x", "kind": "person" })),
    ] {
        let refused = view.ask(method, path, &body);
        assert_eq!(refused.status, 403, "{path}: {refused:?}");
        assert!(refused.body.contains("which changes nothing"), "{refused:?}");
    }
    let file = format!("/api/2.0/mlflow-artifacts/artifacts/1/{}/artifacts/config.json", draft.run_id);
    for method in ["PUT", "DELETE"] {
        assert_eq!(view.ask(method, &file, &Value::Null).status, 403);
    }
    assert_eq!(fs::read_to_string(draft.directory(source.path()).join("artifacts/config.json")).unwrap(), "{}");
}

#[test]
fn links_among_the_files_of_a_store_lead_nowhere() {
    let (source, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let (draft, linked) = (Draft::new(1), Draft { files: Vec::new(), ..Draft::new(2) });
    draft.write(source.path());
    linked.write(source.path());
    std::os::unix::fs::symlink(outside.path().join("secret"), draft.directory(source.path()).join("artifacts/link"))
        .unwrap();
    let artifacts = linked.directory(source.path()).join("artifacts");
    fs::remove_dir(&artifacts).unwrap();
    std::os::unix::fs::symlink(outside.path(), &artifacts).unwrap();
    let view = View::start(source.path(), &[]);
    view.history(&linked.run_id, "val/loss", 3);

    for (run_id, path) in [(&draft.run_id, "link"), (&linked.run_id, "secret"), (&draft.run_id, "../meta.yaml")] {
        let answer = view.ask("GET", &format!("/get-artifact?run_id={run_id}&path={path}"), &Value::Null);
        assert!([400, 404].contains(&answer.status), "{path}: {answer:?}");
    }
    let listed = view.ask("GET", &format!("/api/windvane/v1/artifacts?run_id={}", linked.run_id), &Value::Null).json();
    assert_eq!(listed["files"], json!([]));
}

#[test]
fn a_view_can_be_private_and_of_a_data_directory() {
    let directory = tempfile::tempdir().unwrap();
    said(directory.path(), &["demo", "--at", "2026-11-23T12:00:00Z"], "");
    let socket = directory.path().join("socket");

    let view = View::start(&directory.path().join("data"), &["--listen", &format!("unix:{}", socket.display())]);

    view.wait_for("GET", "/api/windvane/v1/experiments", &Value::Null, |it| {
        it["experiments"].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == "aifs/global"))
    });
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&socket).unwrap().permissions()) & 0o777, 0o600);
}

#[test]
fn a_view_says_what_it_cannot_show_and_is_for_this_node_alone() {
    let source = tempfile::tempdir().unwrap();
    Draft::new(1).write(source.path());
    let refused = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windvane"));
        let output = command.env_clear().arg("view").args(arguments).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let place = source.path().to_str().unwrap();

    for (arguments, code, expected) in [
        (vec!["/nowhere"], 1, "'/nowhere'"),
        (vec!["/dev/null"], 1, "neither a directory nor a file"),
        (vec![place, "--listen", "0.0.0.0:0"], 1, "can be reached by others"),
        (vec![place, "--listen", "nonsense"], 2, "nonsense"),
        (vec![], 2, "SOURCE"),
    ] {
        let (exit, told) = refused(&arguments);
        assert!(exit == code && told.contains(expected), "{arguments:?}: {exit} {told}");
    }
}
