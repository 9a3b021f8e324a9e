//! Uploads to the real binary that are cut off, killed, held up, in each other's way, or larger than memory and disk.

mod interrupted;
mod large;
mod overwritten;
mod room;

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::support::ledger::Random;
use crate::support::server::{Client, Server, socket};

const FILES: &str = "mlflow-artifacts/artifacts";
/// Between two looks at something that is about to change.
const PAUSE: Duration = Duration::from_millis(5);
/// Sizes of files, in bytes: of one piece, of a few, of many.
const SIZES: [usize; 5] = [33, 5_000, 40_000, 300_001, 1_500_000];

/// Returns when `condition` holds. What a test waits for comes to pass, or the test never ends.
fn eventually(mut condition: impl FnMut() -> bool) {
    while !condition() {
        std::thread::sleep(PAUSE);
    }
}

/// The bytes of one version of a file: of no other file and no other version, so that parts of two are no whole.
fn version(file: u64, number: u64) -> Vec<u8> {
    let size = SIZES[number as usize % SIZES.len()];
    let mut random = Random::new(file << 32 | number);
    let mut bytes = [file.to_le_bytes(), number.to_le_bytes()].concat();
    while bytes.len() < size {
        bytes.extend(random.below(u64::MAX).to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// The number of the version that these bytes are, which must be one from beginning to end.
#[track_caller]
fn number_of(file: u64, bytes: &[u8]) -> u64 {
    let number = u64::from_le_bytes(bytes[8..16].try_into().unwrap());
    assert!(version(file, number) == bytes, "{} bytes that begin as version {number} of file {file}", bytes.len());
    number
}

fn put(client: &mut Client, path: &str, bytes: &[u8]) -> u16 {
    client.send("PUT", &format!("{FILES}/{path}"), bytes).unwrap().status
}

/// The bytes of a file, `None` where there is none.
#[track_caller]
fn get(client: &mut Client, path: &str) -> Option<Vec<u8>> {
    let answer = client.send("GET", &format!("{FILES}/{path}"), b"").unwrap();
    match answer.status {
        200 => Some(answer.body),
        404 => None,
        status => panic!("{status}: {}", String::from_utf8_lossy(&answer.body)),
    }
}

/// The names in a directory.
fn names(client: &mut Client, directory: &str) -> Vec<String> {
    let listed = client.send("GET", &format!("{FILES}?path={directory}"), b"").unwrap().json();
    let files = listed["files"].as_array().into_iter().flatten();
    files.map(|file| file["path"].as_str().unwrap().to_owned()).collect()
}

fn new_run(client: &mut Client) -> String {
    let created = client.post("runs/create", &json!({ "experiment_id": "0" })).unwrap().json();
    created["run"]["info"]["run_id"].as_str().unwrap().to_owned()
}

/// Logs one point, as trainings do all the time.
#[track_caller]
fn log_one(client: &mut Client, run_id: &str, step: u64) {
    let metrics = json!([{ "key": "loss", "value": 0.5, "timestamp": step, "step": step }]);
    client.post("runs/log-batch", &json!({ "run_id": run_id, "metrics": metrics })).unwrap().json();
}

/// An upload that is sent by hand.
struct Arriving {
    stream: UnixStream,
    is_chunked: bool,
}

impl Arriving {
    /// Sends the head of an upload, and returns when the server has begun to read the body. Without a length it comes in
    /// chunks.
    fn begin(directory: &Path, path: &str, length: Option<usize>) -> Self {
        let mut stream = UnixStream::connect(socket(directory)).unwrap();
        let framing = match length {
            Some(length) => format!("content-length: {length}"),
            None => "transfer-encoding: chunked".to_owned(),
        };
        let head = format!(
            "PUT /api/2.0/{FILES}/{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nexpect: 100-continue\r\n\
             {framing}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut go_on = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
        stream.read_exact(&mut go_on).unwrap();
        assert!(go_on.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&go_on));
        Arriving { stream, is_chunked: length.is_none() }
    }

    fn send(&mut self, bytes: &[u8]) {
        if self.is_chunked {
            write!(self.stream, "{:x}\r\n", bytes.len()).unwrap();
        }
        self.stream.write_all(bytes).unwrap();
        if self.is_chunked {
            self.stream.write_all(b"\r\n").unwrap();
        }
    }

    /// Ends the body before it is whole, and goes away.
    fn end_early(self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
        let _ = (&self.stream).read_to_end(&mut Vec::new());
    }

    /// The status of the answer, `None` where the connection ended without.
    fn answer(mut self) -> Option<u16> {
        let mut answer = Vec::new();
        let _ = self.stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|status| status.parse().ok())
    }
}

/// How much of each upload that is under way lies on the disk, in bytes.
fn unfinished(directory: &Path) -> Vec<u64> {
    let entries = fs::read_dir(directory.join("data/artifacts/.windvane-uploads")).unwrap();
    // One that is gone by now is finished.
    entries.filter_map(|entry| entry.unwrap().metadata().ok()).map(|metadata| metadata.len()).collect()
}

fn descriptors(server: &Server) -> usize {
    fs::read_dir(server.process().join("fd")).unwrap().count()
}

/// A figure of the server's memory, in bytes: `VmRSS` is what it takes up now, `VmHWM` the most that it ever took.
fn memory(server: &Server, figure: &str) -> u64 {
    let status = fs::read_to_string(server.process().join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':')).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}
