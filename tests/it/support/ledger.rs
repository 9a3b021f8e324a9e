//! Writers that remember what a server acknowledged, and an audit of whether it is there: exactly that, and of what was
//! not acknowledged all or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use super::server::{Answer, Client};

/// A point as it is compared: timestamp, step, bits of the value.
type Place = (i64, i64, u64);

/// How long nothing may be acknowledged before a test fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a writer waits that was asked to come again.
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// Random numbers that a seed repeats: xorshift64*.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        // Neighbouring seeds must not begin alike, and zero would stay zero.
        Random(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % end
    }
}

/// One write. It is sent again, as it is, until it is acknowledged.
#[derive(Clone)]
enum Write {
    Batch {
        run_id: String,
        points: Vec<(String, Place)>,
        params: Vec<(String, String)>,
        tags: Vec<(String, String)>,
    },
    Status {
        run_id: String,
        status: &'static str,
        end_ms: i64,
    },
    /// A file's content follows from its path and size.
    File {
        path: String,
        size: usize,
    },
}

/// What one run has.
#[derive(Debug, Default, Clone, PartialEq)]
struct RunState {
    points: BTreeMap<String, BTreeSet<Place>>,
    params: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    status: Option<&'static str>,
    end_ms: Option<i64>,
}

/// What one writer knows.
#[derive(Default)]
struct Ledger {
    runs: BTreeMap<String, RunState>,
    names: BTreeMap<String, String>,
    /// Names of runs whose creation was not acknowledged. They may be there, once and empty.
    lost_names: BTreeSet<String>,
    files: BTreeMap<String, usize>,
    /// What was sent and not yet acknowledged.
    pending: Option<Write>,
}

impl Ledger {
    fn of_shared_run(run_id: &str) -> Self {
        Ledger { runs: BTreeMap::from([(run_id.to_owned(), RunState::default())]), ..Ledger::default() }
    }

    fn apply(&mut self, write: &Write) {
        match write {
            Write::File { path, size } => drop(self.files.insert(path.clone(), *size)),
            Write::Batch { run_id, .. } | Write::Status { run_id, .. } => {
                self.runs.entry(run_id.clone()).or_default().apply(write);
            }
        }
    }
}

impl RunState {
    fn apply(&mut self, write: &Write) {
        match write {
            Write::Batch { points, params, tags, .. } => {
                for (key, place) in points {
                    self.points.entry(key.clone()).or_default().insert(*place);
                }
                self.params.extend(params.iter().cloned());
                self.tags.extend(tags.iter().cloned());
            }
            Write::Status { status, end_ms, .. } => (self.status, self.end_ms) = (Some(*status), Some(*end_ms)),
            Write::File { .. } => {}
        }
    }
}

/// What the writers and the test share.
struct Shared {
    directory: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    ledgers: Vec<Ledger>,
    acknowledged: u64,
    retries: u64,
    /// Writers wait here while they may not send.
    open: bool,
    stopped: bool,
    /// How many writers are sending.
    sending: usize,
    /// Whether a writer has seen what must not be.
    failed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[track_caller]
    fn wait<'a>(&self, state: MutexGuard<'a, State>, mut until: impl FnMut(&State) -> bool) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout_while(state, PATIENCE, |state| !state.failed && !until(state));
        let (state, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!state.failed, "a writer has failed");
        assert!(!outcome.timed_out(), "nothing moves any more: {} writes are acknowledged", state.acknowledged);
        state
    }
}

/// Writers on one server.
pub struct Fleet {
    shared: Arc<Shared>,
    writers: Vec<JoinHandle<()>>,
}

/// What was found to be as it must, in sum.
#[derive(Debug, Clone, Copy)]
pub struct Audited {
    pub runs: usize,
    pub points: usize,
    pub files: usize,
}

impl fmt::Display for Audited {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} runs, {} points, {} files", self.runs, self.points, self.files)
    }
}

impl Fleet {
    /// Starts writers on the server in `directory`. All of them write to one run together, and each to runs of its own.
    pub fn start(directory: &Path, count: usize, seed: u64) -> Self {
        let created =
            Client::new(directory).post("runs/create", &json!({ "experiment_id": "0", "run_name": "shared" }));
        let shared_run = run_id(&created.unwrap().json());
        let state = State {
            ledgers: (0..count).map(|_| Ledger::of_shared_run(&shared_run)).collect(),
            acknowledged: 0,
            retries: 0,
            open: true,
            stopped: false,
            sending: 0,
            failed: false,
        };
        let shared =
            Arc::new(Shared { directory: directory.to_owned(), state: Mutex::new(state), changed: Condvar::new() });
        let writer = |number: usize| {
            let writer = Writer {
                number,
                client: Client::new(directory),
                random: Random::new(seed.wrapping_mul(1_000).wrapping_add(number as u64)),
                shared: shared.clone(),
                shared_run: shared_run.clone(),
                made: 0,
            };
            std::thread::spawn(move || writer.work())
        };
        let writers = (0..count).map(writer).collect();
        Fleet { shared, writers }
    }

    /// Returns when that many more writes are acknowledged.
    #[track_caller]
    pub fn wait_for(&self, writes: u64) {
        let state = self.shared.lock();
        let enough = state.acknowledged + writes;
        drop(self.shared.wait(state, |state| state.acknowledged >= enough));
    }

    /// Lets nobody begin to send. Whoever is sending gets an answer, or the end of the connection.
    pub fn close_gate(&self) {
        self.shared.lock().open = false;
    }

    /// Returns when nobody is sending any more. The gate must be closed.
    #[track_caller]
    pub fn wait_until_quiet(&self) {
        drop(self.shared.wait(self.shared.lock(), |state| state.sending == 0));
    }

    pub fn open_gate(&self) {
        self.shared.lock().open = true;
        self.shared.changed.notify_all();
    }

    /// How many writes were acknowledged, and how many were sent again.
    pub fn count(&self) -> (u64, u64) {
        let state = self.shared.lock();
        (state.acknowledged, state.retries)
    }

    /// Ends the writers, each after an acknowledgement of its last write.
    pub fn stop(&mut self) {
        self.shared.lock().stopped = true;
        self.open_gate();
        for writer in self.writers.drain(..) {
            writer.join().unwrap();
        }
    }

    /// Reads everything and compares. Nobody may be sending.
    #[track_caller]
    pub fn audit(&self) -> Audited {
        let state = self.shared.lock();
        assert_eq!(state.sending, 0, "an audit needs quiet");
        let mut client = Client::new(&self.shared.directory);
        let mut audited = Audited { runs: 0, points: 0, files: 0 };
        let found = find_runs(&mut client);
        // Every run has the name that its one creator gave it, and there is no other run.
        let mut by_name: BTreeMap<&str, &str> = BTreeMap::new();
        for (run_id, name) in &found {
            assert!(by_name.insert(name, run_id).is_none(), "two runs are called {name}");
        }
        let mut shared = [RunState::default(), RunState::default()];
        for ledger in &state.ledgers {
            for (name, run_id) in &ledger.names {
                assert_eq!(by_name.remove(name.as_str()), Some(run_id.as_str()), "{name}");
            }
            for name in &ledger.lost_names {
                if let Some(run_id) = by_name.remove(name.as_str()) {
                    let empty = RunState { status: Some("RUNNING"), ..RunState::default() };
                    assert_eq!(read_run(&mut client, run_id), empty, "{name}");
                }
            }
            for (run_id, known) in &ledger.runs {
                let sure = RunState { status: known.status.or(Some("RUNNING")), ..known.clone() };
                let mut possible = sure.clone();
                match &ledger.pending {
                    Some(write @ (Write::Batch { run_id: of, .. } | Write::Status { run_id: of, .. }))
                        if of == run_id =>
                    {
                        possible.apply(write);
                    }
                    _ => {}
                }
                if !ledger.names.values().any(|own| own == run_id) {
                    // The run that all share: what is sure and what is possible of each writer are joined below.
                    shared[0].join(&sure);
                    shared[1].join(&possible);
                    let mine = read_run(&mut client, run_id).only(&sure, &possible);
                    assert!(mine == sure || mine == possible, "the shared run has {mine:?}\nexpected {sure:?}");
                    continue;
                }
                let found = read_run(&mut client, run_id);
                assert!(
                    found == sure || found == possible,
                    "{run_id} has {found:?}\nexpected {sure:?}\nor {possible:?}"
                );
                audited.runs += 1;
                audited.points += found.points.values().map(BTreeSet::len).sum::<usize>();
            }
            for (path, size) in &ledger.files {
                let file = client.send("GET", &artifact(path), b"").unwrap();
                assert!(file.status == 200 && file.body == content(path, *size), "{path} is not what was sent");
                audited.files += 1;
            }
            let mut listed = list_files(&mut client, ledger.directory());
            if let Some(Write::File { path, size }) = &ledger.pending
                && listed.remove(path)
            {
                let file = client.send("GET", &artifact(path), b"").unwrap();
                assert!(file.status == 200 && file.body == content(path, *size), "{path} is there, but not whole");
            }
            assert_eq!(listed, ledger.files.keys().cloned().collect(), "files that nobody sent");
        }
        by_name.remove("shared");
        assert!(by_name.is_empty(), "runs that nobody made: {by_name:?}");
        let run_id = found.iter().find(|(_, name)| name.as_str() == "shared").map(|(run_id, _)| run_id).unwrap();
        let whole = read_run(&mut client, run_id);
        let [sure, possible] = &shared;
        assert!(sure.is_within(&whole) && whole.is_within(possible), "the shared run has what nobody logged");
        audited.points += whole.points.values().map(BTreeSet::len).sum::<usize>();
        audited
    }
}

impl Ledger {
    /// The directory of this writer's files.
    fn directory(&self) -> Option<&str> {
        let pending = match &self.pending {
            Some(Write::File { path, .. }) => Some(path),
            _ => None,
        };
        self.files.keys().next().or(pending).and_then(|path| path.split('/').next())
    }
}

impl RunState {
    fn join(&mut self, other: &RunState) {
        for (key, places) in &other.points {
            self.points.entry(key.clone()).or_default().extend(places);
        }
        self.params.extend(other.params.clone());
        self.tags.extend(other.tags.clone());
    }

    fn is_within(&self, other: &RunState) -> bool {
        let points = self.points.iter().all(|(key, places)| {
            places.is_empty() || other.points.get(key).is_some_and(|others| places.is_subset(others))
        });
        points && self.params.iter().all(|(key, value)| other.params.get(key) == Some(value))
    }

    /// What of a run that several share is one writer's, by the names it uses.
    fn only(mut self, sure: &RunState, possible: &RunState) -> Self {
        let known = |key: &String| {
            possible.points.contains_key(key) || possible.params.contains_key(key) || possible.tags.contains_key(key)
        };
        self.points.retain(|key, _| known(key));
        self.params.retain(|key, _| known(key));
        self.tags.retain(|key, _| known(key));
        (self.status, self.end_ms) = (sure.status, sure.end_ms);
        self
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.shared.lock().failed = true;
            self.shared.changed.notify_all();
        }
    }
}

struct Writer {
    number: usize,
    client: Client,
    random: Random,
    shared: Arc<Shared>,
    shared_run: String,
    made: u64,
}

impl Writer {
    fn work(mut self) {
        while !self.shared.lock().stopped {
            let run_id = self.create_run();
            for _ in 0..5 + self.random.below(25) {
                if self.shared.lock().stopped {
                    return;
                }
                let write = self.invent(&run_id);
                self.write(write);
            }
        }
    }

    /// A number that nothing of this writer had before.
    fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    fn invent(&mut self, run_id: &str) -> Write {
        let number = self.next() as i64;
        match self.random.below(12) {
            0 => Write::Status { run_id: run_id.to_owned(), status: "FINISHED", end_ms: number },
            1 => Write::Status { run_id: run_id.to_owned(), status: "RUNNING", end_ms: number },
            2 => Write::File { path: format!("writer-{}/{number}.bin", self.number), size: self.size() },
            kind => {
                let to_shared = self.random.below(3) == 0;
                let run_id = if to_shared { self.shared_run.clone() } else { run_id.to_owned() };
                let count = if kind < 6 { 998 } else { 1 + self.random.below(30) as i64 };
                let name = |kind: &str, of: u64| format!("{kind}/writer-{}/{of}", self.number);
                let point = |index: i64| {
                    let value = (number * 1_000 + index) as f64 / 7.0;
                    (
                        name("m", (index % 3) as u64),
                        (number * 1_000 + index / 3, number * 500 + index / 5, value.to_bits()),
                    )
                };
                Write::Batch {
                    points: (0..count).map(point).collect(),
                    params: vec![(name("p", number as u64), number.to_string())],
                    tags: vec![(name("t", number as u64 % 3), number.to_string())],
                    run_id,
                }
            }
        }
    }

    fn size(&mut self) -> usize {
        match self.random.below(3) {
            0 => 0,
            1 => self.random.below(2_000) as usize,
            _ => self.random.below(300_000) as usize,
        }
    }

    fn create_run(&mut self) -> String {
        loop {
            // A name for each attempt, so that one that was lost can be told from one that counts.
            let attempt = self.next();
            let name = format!("writer-{} run-{attempt}", self.number);
            self.ledger(|ledger| _ = ledger.lost_names.insert(name.clone()));
            let body = json!({ "experiment_id": "0", "run_name": name, "start_time": self.made });
            let Some(answer) = self.attempt(|client| client.post("runs/create", &body)) else { continue };
            let run_id = run_id(&answer.json());
            self.ledger(|ledger| {
                ledger.lost_names.remove(&name);
                ledger.runs.insert(run_id.clone(), RunState::default());
                ledger.names.insert(name, run_id.clone());
            });
            return run_id;
        }
    }

    fn write(&mut self, write: Write) {
        self.ledger(|ledger| ledger.pending = Some(write.clone()));
        while self.attempt(|client| write.send(client)).is_none() {}
        self.ledger(|ledger| {
            ledger.apply(&write);
            ledger.pending = None;
        });
    }

    fn ledger(&self, change: impl FnOnce(&mut Ledger)) {
        change(&mut self.shared.lock().ledgers[self.number]);
    }

    /// Sends once the gate is open. Nothing where the connection ended, or the server asked to come again.
    fn attempt(&mut self, send: impl FnOnce(&mut Client) -> std::io::Result<Answer>) -> Option<Answer> {
        let state = self.shared.lock();
        let opened = self.shared.changed.wait_while(state, |state| !state.open);
        let mut state = opened.unwrap_or_else(PoisonError::into_inner);
        state.sending += 1;
        drop(state);
        let answer = send(&mut self.client);
        let mut state = self.shared.lock();
        state.sending -= 1;
        let acknowledged = matches!(&answer, Ok(Answer { status: 200, .. }));
        if acknowledged {
            state.acknowledged += 1;
        } else {
            state.retries += 1;
        }
        self.shared.changed.notify_all();
        drop(state);
        match answer {
            Ok(answer) if answer.status == 200 => Some(answer),
            Ok(answer) => {
                let text = String::from_utf8_lossy(&answer.body);
                assert_eq!((answer.status, answer.retry_after.as_deref()), (503, Some("1")), "{text}");
                // As asked, if not for so long.
                std::thread::sleep(RETRY_AFTER);
                None
            }
            Err(_) => None,
        }
    }
}

impl Write {
    fn send(&self, client: &mut Client) -> std::io::Result<Answer> {
        let pairs = |pairs: &[(String, String)]| {
            pairs.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect::<Vec<_>>()
        };
        match self {
            Write::Batch { run_id, points, params, tags } => {
                let point = |(key, (timestamp, step, bits)): &(String, Place)| json!({ "key": key, "timestamp": timestamp, "step": step, "value": f64::from_bits(*bits) });
                let metrics: Vec<Value> = points.iter().map(point).collect();
                let body =
                    json!({ "run_id": run_id, "metrics": metrics, "params": pairs(params), "tags": pairs(tags) });
                client.post("runs/log-batch", &body)
            }
            Write::Status { run_id, status, end_ms } => {
                client.post("runs/update", &json!({ "run_id": run_id, "status": status, "end_time": end_ms }))
            }
            Write::File { path, size } => client.send("PUT", &artifact(path), &content(path, *size)),
        }
    }
}

fn artifact(path: &str) -> String {
    format!("mlflow-artifacts/artifacts/{path}")
}

/// The bytes of a file: its path tells them apart.
fn content(path: &str, size: usize) -> Vec<u8> {
    let mut random = Random::new(path.bytes().fold(7, |seed, byte| seed * 31 % 1_000_003 + u64::from(byte)));
    (0..size).map(|_| random.below(256) as u8).collect()
}

fn run_id(created: &Value) -> String {
    created["run"]["info"]["run_id"].as_str().unwrap().to_owned()
}

/// The ids of all runs with their names.
fn find_runs(client: &mut Client) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut token = Value::Null;
    loop {
        let body = json!({ "experiment_ids": ["0"], "max_results": 1_000, "page_token": token });
        let page = client.post("runs/search", &body).unwrap().json();
        for run in page["runs"].as_array().into_iter().flatten() {
            let name = run["info"]["run_name"].as_str().unwrap().to_owned();
            assert!(found.insert(run["info"]["run_id"].as_str().unwrap().to_owned(), name).is_none());
        }
        token = page["next_page_token"].clone();
        if token.is_null() {
            return found;
        }
    }
}

/// A run as the server has it. The latest point of each metric must be that of its history.
fn read_run(client: &mut Client, run_id: &str) -> RunState {
    let run = client.get(&format!("runs/get?run_id={run_id}")).unwrap().json()["run"].take();
    let pairs = |list: &Value| {
        let pair = |pair: &Value| {
            (pair["key"].as_str().unwrap().to_owned(), pair["value"].as_str().unwrap_or_default().to_owned())
        };
        list.as_array().into_iter().flatten().map(pair).collect::<BTreeMap<String, String>>()
    };
    let place = |point: &Value| {
        let value = point["value"].as_f64().unwrap();
        (point["timestamp"].as_i64().unwrap(), point["step"].as_i64().unwrap(), value.to_bits())
    };
    let mut points = BTreeMap::new();
    for latest in run["data"]["metrics"].as_array().into_iter().flatten() {
        let key = latest["key"].as_str().unwrap();
        let history = client.get(&format!("metrics/get-history?run_id={run_id}&metric_key={key}")).unwrap().json();
        let history: Vec<Place> = history["metrics"].as_array().unwrap().iter().map(place).collect();
        // All values are positive, so that their bits order as they do.
        let greatest = history.iter().max_by_key(|(timestamp, step, bits)| (*step, *timestamp, *bits));
        assert_eq!(Some(&place(latest)), greatest, "the latest point of {key}");
        let distinct = BTreeSet::from_iter(history.iter().copied());
        assert_eq!(distinct.len(), history.len(), "{key} has a point twice");
        points.insert(key.to_owned(), distinct);
    }
    let mut tags = pairs(&run["data"]["tags"]);
    tags.remove("mlflow.runName");
    let status = run["info"]["status"].as_str().unwrap();
    RunState {
        points,
        params: pairs(&run["data"]["params"]),
        tags,
        status: ["RUNNING", "FINISHED"].into_iter().find(|known| *known == status),
        end_ms: run["info"]["end_time"].as_i64(),
    }
}

/// The paths of the files in a directory of artifacts.
fn list_files(client: &mut Client, directory: Option<&str>) -> BTreeSet<String> {
    let Some(directory) = directory else { return BTreeSet::new() };
    let listed = client.send("GET", &format!("mlflow-artifacts/artifacts?path={directory}"), b"").unwrap().json();
    let path = |file: &Value| format!("{directory}/{}", file["path"].as_str().unwrap());
    listed["files"].as_array().into_iter().flatten().map(path).collect()
}
