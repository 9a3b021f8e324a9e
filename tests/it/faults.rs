//! A server whose database goes away, whose disk is full, or whom everybody wants at once.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::disk::SmallDisk;
use crate::support::ledger::{Fleet, Random};
use crate::support::server::{Answer, Client, Server};
use crate::support::{Database, databases, variable};

/// Between two looks at something that is about to change.
const PAUSE: Duration = Duration::from_millis(20);

// ---- PostgreSQL goes away --------------------------------------------------------------------------------------------

/// A PostgreSQL of a test's own that keeps what it has acknowledged; ended when dropped.
struct Cluster {
    directory: TempDir,
    url: String,
}

impl Cluster {
    /// Starts a new one, where tests have PostgreSQL at all.
    fn start() -> Option<Self> {
        if variable("TEST_POSTGRES_URL").is_none() {
            assert!(variable("CI").is_none(), "TEST_POSTGRES_URL is not set; tests/support/postgres.sh gives it");
            eprintln!("TEST_POSTGRES_URL is not set: nothing is known about a PostgreSQL that stops");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        // PostgreSQL runs as a user of its own when tests run as root.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut cluster = Cluster { directory, url: String::new() };
        cluster.url = cluster.start_again();
        Some(cluster)
    }

    /// Starts it with the data it has, and answers its address.
    fn start_again(&self) -> String {
        let settings = self.script(&["start", "--durable"]);
        settings.split('\'').nth(1).unwrap().to_owned()
    }

    /// Ends it as a crash of its machine's power supply would, but for the disk's own memory.
    fn crash(&self) {
        let home = fs::read_to_string(self.directory.path().join("location")).unwrap();
        let file = fs::read_to_string(Path::new(home.trim()).join("data/postmaster.pid")).unwrap();
        let pid = file.lines().next().unwrap();
        assert!(Command::new("kill").args(["-QUIT", pid]).status().unwrap().success());
        while Path::new("/proc").join(pid).exists() {
            std::thread::sleep(PAUSE);
        }
    }

    fn script(&self, arguments: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/postgres.sh");
        let output = Command::new(script).args(arguments).arg(self.directory.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.script(&["stop"]);
    }
}

fn assert_unavailable(answer: &Answer) {
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!((answer.status, answer.retry_after.as_deref()), (503, Some("1")), "{text}");
    assert!(text.contains("TEMPORARILY_UNAVAILABLE"), "{text}");
}

#[test]
fn a_postgres_that_stops_makes_requests_wait_and_loses_nothing() {
    let Some(cluster) = Cluster::start() else { return };
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--database", &cluster.url]);
    let mut fleet = Fleet::start(directory.path(), 8, 1);

    for _ in 0..3 {
        fleet.wait_for(60);
        cluster.crash();
        // Nobody begins anew, and everybody who had begun is answered: with 503, or from before the crash.
        fleet.close_gate();
        fleet.wait_until_quiet();
        let mut client = Client::new(directory.path());
        // More often than the server has connections (16): it does not look at one that rested for less than a second, so
        // where the database is back by then, a dead one that is left would be taken for a living one.
        for _ in 0..6 {
            assert_unavailable(&client.get("runs/get?run_id=any").unwrap());
            assert_unavailable(&client.post("experiments/create", &json!({ "name": "meanwhile" })).unwrap());
            assert_unavailable(&client.get("metrics/get-history?run_id=any&metric_key=any").unwrap());
        }
        cluster.start_again();
        // The same process finds it again, and what was acknowledged is there before anything new is written.
        while client.get("runs/get?run_id=any").unwrap().status == 503 {
            std::thread::sleep(PAUSE);
        }
        fleet.audit();
        fleet.open_gate();
    }
    fleet.wait_for(60);
    fleet.stop();
    let audited = fleet.audit();

    let (acknowledged, retries) = fleet.count();
    println!("{acknowledged} writes acknowledged, {retries} sent again over 3 crashes of PostgreSQL; found {audited}");
    assert!(retries > 0);
    assert!(server.terminate().success());
}

// ---- the disk is full ------------------------------------------------------------------------------------------------

#[test]
fn a_full_disk_makes_writers_wait_while_readers_go_on_and_ends_when_there_is_space() {
    let Some(disk) = SmallDisk::mount() else { return };
    // The disk is smaller than what uploads leave free.
    let server = Server::start(disk.path(), &["--artifact-free-space-mib", "0", "--artifact-free-files", "0"]);
    let mut client = Client::new(disk.path());
    let created = client.post("runs/create", &json!({ "experiment_id": "0" })).unwrap().json();
    let run_id = created["run"]["info"]["run_id"].as_str().unwrap().to_owned();
    // Values that do not compress, so that the space of the log does not last for long.
    let mut random = Random::new(1);
    let mut batch = |number: u64| {
        let point = |step: u64| json!({ "key": "loss", "timestamp": number, "step": number * 900 + step, "value": random.below(1 << 50) });
        let points: Vec<Value> = (0..900).map(point).collect();
        json!({ "run_id": run_id, "metrics": points, "params": [{ "key": format!("p{number}"), "value": "x" }] })
    };
    let count = |client: &mut Client| {
        let history = client.get(&format!("metrics/get-history?run_id={run_id}&metric_key=loss")).unwrap().json();
        let params = client.get(&format!("runs/get?run_id={run_id}")).unwrap().json();
        let params = params["run"]["data"]["params"].as_array().unwrap().len() as u64;
        (history["metrics"].as_array().unwrap().len() as u64, params)
    };
    assert_eq!(client.post("runs/log-batch", &batch(0)).unwrap().status, 200);

    let filler = disk.fill();
    let mut logged = 1;
    let refused = loop {
        let body = batch(logged);
        let answer = client.post("runs/log-batch", &body).unwrap();
        if answer.status != 200 {
            assert_unavailable(&answer);
            break body;
        }
        logged += 1;
    };
    for _ in 0..20 {
        assert_unavailable(&client.post("runs/log-batch", &refused).unwrap());
        assert_eq!(count(&mut client), (logged * 900, logged), "what was refused left nothing");
    }
    let file = client.send("PUT", "mlflow-artifacts/artifacts/0/file", &vec![7; 1 << 20]).unwrap();
    let health = client.get("runs/search-is-not-a-route").unwrap();
    fs::remove_file(filler).unwrap();
    let after = client.post("runs/log-batch", &refused).unwrap();
    let file_after = client.send("PUT", "mlflow-artifacts/artifacts/0/file", &vec![7; 1 << 20]).unwrap();

    assert_eq!(file.status, 507, "{}", String::from_utf8_lossy(&file.body));
    assert_eq!(health.status, 404);
    assert_eq!((after.status, file_after.status), (200, 200));
    assert_eq!(count(&mut client), ((logged + 1) * 900, logged + 1));
    server.kill();
    let server = Server::start(disk.path(), &[]);
    assert_eq!(count(&mut Client::new(disk.path())), ((logged + 1) * 900, logged + 1));
    assert!(server.terminate().success());
}

// ---- everybody at once -----------------------------------------------------------------------------------------------

const WRITERS: u64 = 64;
const KEYS: u64 = 500;

#[tokio::test]
async fn many_writers_of_the_same_metrics_of_one_run_in_any_order_are_all_served() {
    for database in databases().await {
        // PostgreSQL is shared by two servers; SQLite belongs to one.
        let count = if database.is_sqlite() { 1 } else { 2 };
        let directories: Vec<TempDir> = (0..count).map(|_| tempfile::tempdir().unwrap()).collect();
        let servers: Vec<Server> = directories.iter().map(|directory| start(directory.path(), &database)).collect();
        let mut client = Client::new(directories[0].path());
        let created = client.post("runs/create", &json!({ "experiment_id": "0" })).unwrap().json();
        let run_id = created["run"]["info"]["run_id"].as_str().unwrap();

        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let directory = directories[writer as usize % directories.len()].path();
                scope.spawn(move || write_shuffled(Client::new(directory), run_id, writer));
            }
        });

        let run = client.get(&format!("runs/get?run_id={run_id}")).unwrap().json();
        let latest = run["run"]["data"]["metrics"].as_array().unwrap();
        assert_eq!(latest.len() as u64, KEYS);
        assert!(latest.iter().all(|metric| metric["step"] == WRITERS * 3 - 1));
        for key in [0, 17, KEYS - 1] {
            let history = client.get(&format!("metrics/get-history?run_id={run_id}&metric_key=key/{key}")).unwrap();
            let steps: Vec<u64> = history.json()["metrics"]
                .as_array()
                .unwrap()
                .iter()
                .map(|point| point["step"].as_u64().unwrap())
                .collect();
            assert_eq!(steps, (0..WRITERS * 3).collect::<Vec<_>>());
        }
        assert!(servers.into_iter().all(|server| server.terminate().success()));
    }
}

fn start(directory: &Path, database: &Database) -> Server {
    Server::start(directory, &["--database", database.url()])
}

/// Logs a point of each metric three times over, in three orders; every answer must be 200.
fn write_shuffled(mut client: Client, run_id: &str, writer: u64) {
    let mut random = Random::new(writer);
    for round in 0..3 {
        let step = writer * 3 + round;
        let mut keys: Vec<u64> = (0..KEYS).collect();
        for place in (1..keys.len()).rev() {
            keys.swap(place, random.below(place as u64 + 1) as usize);
        }
        let metric = |key: &u64| json!({ "key": format!("key/{key}"), "timestamp": step, "step": step, "value": 0.5 });
        let params = [json!({ "key": format!("param/{}", writer % 8), "value": "same" })];
        let metrics: Vec<Value> = keys.iter().map(metric).collect();
        let answer = client.post("runs/log-batch", &json!({ "run_id": run_id, "metrics": metrics, "params": params }));
        answer.unwrap().json();
    }
}
