//! A file that is larger than the memory of the server may ever be. `TEST_LARGE=1` makes it 10 GiB, or as many
//! as `TEST_LARGE_GIB` says.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

use super::{FILES, memory, unfinished};
use crate::support::server::{Server, socket};
use crate::support::variable;

const BLOCK: usize = 1 << 20;
/// How much more memory than at rest an upload or a download may take, in bytes.
const MORE: u64 = 32 << 20;

/// The blocks of the file, each with its number in it, so that none is taken for another.
fn fill(block: &mut [u8], number: u64) {
    for (place, bytes) in block.chunks_mut(4096).enumerate() {
        bytes[..8].copy_from_slice(&(number << 16 | place as u64).to_le_bytes());
    }
}

fn head(stream: &mut impl BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).unwrap(), 0, "{head}");
    }
    head
}

#[test]
fn a_file_of_any_size_goes_in_and_out_in_constant_memory() {
    let asked = variable("TEST_LARGE_GIB").map_or(10, |gibibytes| gibibytes.parse().unwrap());
    let gibibytes: u64 = if variable("TEST_LARGE").is_some() { asked } else { 0 };
    let blocks: u64 = if gibibytes > 0 { gibibytes * 1024 } else { 200 };
    let directory = tempfile::tempdir().unwrap();
    let space = rustix::fs::statvfs(directory.path()).unwrap();
    let free = space.f_bavail * space.f_frsize;
    if gibibytes > 0 && free < (gibibytes + 1) << 30 {
        assert!(variable("CI").is_none(), "{} MiB are free for a file of {gibibytes} GiB; set TMPDIR", free >> 20);
        eprintln!("only {} MiB are free: nothing is known about a file of {gibibytes} GiB; set TMPDIR", free >> 20);
        return;
    }
    let server = Server::start(directory.path(), &["--artifact-free-space-mib", "0"]);
    let idle = memory(&server, "VmHWM");
    let mut stream = BufReader::new(UnixStream::connect(socket(directory.path())).unwrap());
    let mut block: Vec<u8> = (0..BLOCK).map(|index| (index * 31 % 251) as u8).collect();

    let length = blocks * BLOCK as u64;
    let request = |method: &str, more: &str| {
        format!("{method} /api/2.0/{FILES}/0/large HTTP/1.1\r\nhost: localhost\r\n{more}\r\n")
    };
    stream.get_mut().write_all(request("PUT", &format!("content-length: {length}\r\n")).as_bytes()).unwrap();
    for number in 0..blocks {
        fill(&mut block, number);
        stream.get_mut().write_all(&block).unwrap();
    }
    let answer = head(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let after_upload = memory(&server, "VmHWM");

    stream.get_mut().write_all(request("GET", "").as_bytes()).unwrap();
    let answer = head(&mut stream);
    assert!(answer.contains(&format!("content-length: {length}\r\n")), "{answer}");
    let mut received = vec![0; BLOCK];
    for number in 0..blocks {
        stream.read_exact(&mut received).unwrap();
        fill(&mut block, number);
        assert!(received == block, "block {number}");
    }
    let after_download = memory(&server, "VmHWM");

    let mebibytes = |bytes: u64| bytes >> 20;
    println!(
        "{} MiB: at rest {} MiB of memory, at most {} while they came, {} while they went",
        mebibytes(length),
        mebibytes(idle),
        mebibytes(after_upload),
        mebibytes(after_download)
    );
    assert!(after_download < idle + MORE, "{after_download} bytes instead of {idle}");
    assert_eq!(unfinished(directory.path()), [0; 0]);
    assert!(server.terminate().success());
}
