//! Files that are overwritten and deleted while others read them.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{FILES, get, number_of, put, unfinished, version};
use crate::support::server::{Client, Server, socket};

const WRITERS: u64 = 3;
const READERS: usize = 3;
const VERSIONS: u64 = 60;

#[test]
fn readers_of_a_file_that_is_overwritten_all_the_time_see_one_version_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    assert_eq!(put(&mut Client::new(directory.path()), "0/r/artifacts/d/f", &version(1, 0)), 200);
    let writing = AtomicUsize::new(WRITERS as usize);

    let mut seen = Vec::new();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (directory, writing) = (directory.path(), &writing);
            scope.spawn(move || {
                let mut client = Client::new(directory);
                for number in (writer..VERSIONS * WRITERS).step_by(WRITERS as usize) {
                    assert_eq!(put(&mut client, "0/r/artifacts/d/f", &version(1, number)), 200);
                }
                writing.fetch_sub(1, Ordering::Relaxed);
            });
        }
        let reader = || {
            let mut client = Client::new(directory.path());
            let mut seen = Vec::new();
            while writing.load(Ordering::Relaxed) > 0 {
                // It never is absent.
                let bytes = get(&mut client, "0/r/artifacts/d/f").unwrap();
                seen.push(number_of(1, &bytes));
            }
            seen
        };
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(reader)).collect();
        seen.extend(readers.into_iter().flat_map(|reader| reader.join().unwrap()));
    });

    println!("{} reads while {} versions were written", seen.len(), WRITERS * VERSIONS);
    let last = number_of(1, &get(&mut Client::new(directory.path()), "0/r/artifacts/d/f").unwrap());
    assert!(last >= (VERSIONS - 1) * WRITERS, "{last} is the last of no writer");
    assert_eq!(unfinished(directory.path()), [0; 0]);
    assert!(server.terminate().success());
}

/// A download that stops after some bytes; the rest is read when its function is called.
fn begin_download(directory: &Path, path: &str) -> impl FnOnce() -> Vec<u8> {
    let mut stream = UnixStream::connect(socket(directory)).unwrap();
    write!(stream, "GET /api/2.0/{FILES}/{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = vec![0; 1_000];
    stream.read_exact(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    move || {
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        answer.split_off(end + 4)
    }
}

#[test]
fn a_download_that_has_begun_ends_with_the_file_it_began_with() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let mut client = Client::new(directory.path());
    // More than sockets hold, so that the server cannot be done with it.
    let old = version(1, 4).repeat(8);

    for is_deleted in [false, true] {
        assert_eq!(put(&mut client, "0/r/artifacts/d/f", &old), 200);
        let rest = begin_download(directory.path(), "0/r/artifacts/d/f");
        if is_deleted {
            assert_eq!(client.send("DELETE", &format!("{FILES}/0/r/artifacts/d"), b"").unwrap().status, 200);
            assert_eq!(get(&mut client, "0/r/artifacts/d/f"), None);
        } else {
            assert_eq!(put(&mut client, "0/r/artifacts/d/f", &version(1, 1)), 200);
            assert_eq!(number_of(1, &get(&mut client, "0/r/artifacts/d/f").unwrap()), 1);
        }
        assert!(rest() == old, "deleted: {is_deleted}");
    }
    assert!(server.terminate().success());
}
