//! One file, from the source to the server.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::stream;
use sha2::{Digest as _, Sha256};

use super::client::CallError;
use super::notes::FileNote;
use super::transfer::Transfer;
use crate::digest::hexadecimal;
use crate::offline::{OfflineFile, Problem, RunPlace};

/// Bytes that are read at once. Files up to this size are sent as one piece.
const PIECE: usize = 256 * 1024;

/// A file as it is there now.
pub(super) struct SentFile {
    pub path: String,
    pub size: u64,
    pub modified_ns: i64,
    pub digest: String,
}

/// A file that is there, and whether it was sent just now.
pub(super) struct Brought {
    pub file: SentFile,
    pub is_sent: bool,
}

/// Why a file is not there.
pub(super) enum Fault {
    /// It is not here any more either.
    Vanished,
    /// It cannot be read, or the server does not take it.
    Problem(Problem),
    /// The server cannot be reached, or lets nobody in.
    Call(CallError),
}

/// Brings a file there unless it is there. `is_there` is the size and digest of the file of this path, `known` what was
/// noted of it when it arrived.
pub(super) async fn bring(
    transfer: &Transfer<'_>,
    place: &RunPlace,
    root: &str,
    file: OfflineFile,
    is_there: Option<(u64, &str)>,
    known: Option<&FileNote>,
) -> Result<Brought, Fault> {
    let OfflineFile { path, size_bytes, modified_ns } = file;
    let brought = |size: u64, digest: String, is_sent: bool| {
        let file = SentFile { path: path.clone(), size, modified_ns, digest };
        Brought { file, is_sent }
    };
    if let Some((size, digest)) = is_there.filter(|(size, _)| *size == size_bytes) {
        let is_known =
            known.is_some_and(|it| it.modified_ns == modified_ns && it.size == size_bytes && it.digest == digest);
        if is_known || read_digest(transfer, place, &path).await? == (size, digest.to_owned()) {
            transfer.progress.bytes(size_bytes);
            return Ok(brought(size_bytes, digest.to_owned(), false));
        }
    }
    if transfer.manner.dry_run {
        return Ok(brought(size_bytes, String::new(), true));
    }
    let mut retry = 0;
    loop {
        let error = match send(transfer, place, root, &path).await {
            Ok((size, digest)) => return Ok(brought(size, digest, true)),
            Err(Fault::Call(error @ (CallError::Unreachable(_) | CallError::Source(_)))) => error,
            // What is wrong with this one file is no reason to leave the others.
            Err(Fault::Call(CallError::Refused { status, message, .. })) if status.as_u16() != 401 => {
                return Err(Fault::Problem(Problem { what: path, why: message }));
            }
            Err(fault) => return Err(fault),
        };
        if !transfer.server.pause(retry).await {
            return Err(match error {
                CallError::Source(why) => Fault::Problem(Problem { what: path, why }),
                error => Fault::Call(error),
            });
        }
        retry += 1;
    }
}

/// Sends a file as it is now, and answers its size and digest.
async fn send(transfer: &Transfer<'_>, place: &RunPlace, root: &str, path: &str) -> Result<(u64, String), Fault> {
    let mut file = open(transfer, place, path).await?;
    let size = file.metadata().map_err(|error| unreadable(path, &error))?.len();
    let target = format!("{root}/{path}");
    let moved = Arc::new(AtomicU64::new(0));
    if size <= PIECE as u64 {
        let read = move || {
            let mut bytes = Vec::with_capacity(size as usize);
            file.by_ref().take(size).read_to_end(&mut bytes).map(|_| bytes)
        };
        let bytes = blocking(read).await?.map_err(|error| unreadable(path, &error))?;
        let (size, digest) = (bytes.len() as u64, hexadecimal(&Sha256::digest(&bytes)));
        transfer.server.put_file(&target, bytes.into(), size, &moved).await.map_err(Fault::Call)?;
        transfer.progress.bytes(size);
        return Ok((size, digest));
    }
    let reading = Arc::new(Mutex::new(Reading { hasher: Sha256::new(), fault: None }));
    let body = stream::unfold((file, size), {
        let (reading, moved, progress) = (reading.clone(), moved.clone(), transfer.progress.clone());
        move |(file, left)| {
            let (reading, moved, progress) = (reading.clone(), moved.clone(), progress.clone());
            async move {
                if left == 0 {
                    return None;
                }
                let (file, piece) = match blocking(move || next_piece(file, left)).await {
                    Ok(read) => read,
                    Err(_) => return None,
                };
                let mut reading = reading.lock().unwrap_or_else(PoisonError::into_inner);
                match piece {
                    Ok(bytes) => {
                        reading.hasher.update(&bytes);
                        moved.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                        progress.bytes(bytes.len() as u64);
                        let left = left - bytes.len() as u64;
                        Some((Ok(bytes), (file, left)))
                    }
                    Err(error) => {
                        reading.fault = Some(error.to_string());
                        Some((Err(error), (file, 0)))
                    }
                }
            }
        }
    });
    let sent = transfer.server.put_file(&target, reqwest::Body::wrap_stream(body), size, &moved).await;
    let mut reading = reading.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(why) = reading.fault.take() {
        return Err(Fault::Call(CallError::Source(why)));
    }
    sent.map_err(Fault::Call)?;
    Ok((size, hexadecimal(&std::mem::take(&mut reading.hasher).finalize())))
}

/// What is known of a file while it is being read.
struct Reading {
    hasher: Sha256,
    fault: Option<String>,
}

/// The next piece of a file of which `left` bytes are to come.
fn next_piece(mut file: File, left: u64) -> (File, std::io::Result<Bytes>) {
    let mut bytes = Vec::with_capacity(PIECE.min(left as usize));
    let read = file.by_ref().take(left.min(PIECE as u64)).read_to_end(&mut bytes);
    let piece = match read {
        Ok(0) => Err(std::io::Error::new(ErrorKind::UnexpectedEof, "it became shorter while it was being read")),
        Ok(_) => Ok(bytes.into()),
        Err(error) => Err(error),
    };
    (file, piece)
}

/// The size and digest of a file.
async fn read_digest(transfer: &Transfer<'_>, place: &RunPlace, path: &str) -> Result<(u64, String), Fault> {
    let mut file = open(transfer, place, path).await?;
    let read = move || {
        let mut hasher = Sha256::new();
        let (mut piece, mut size) = (vec![0; PIECE], 0);
        loop {
            match file.read(&mut piece)? {
                0 => return Ok((size, hexadecimal(&hasher.finalize()))),
                count => {
                    hasher.update(&piece[..count]);
                    size += count as u64;
                }
            }
        }
    };
    blocking(read).await?.map_err(|error: std::io::Error| unreadable(path, &error))
}

async fn open(transfer: &Transfer<'_>, place: &RunPlace, path: &str) -> Result<File, Fault> {
    match transfer.source.open_file(place, path).await {
        Ok(Some(file)) => Ok(file),
        Ok(None) => Err(Fault::Vanished),
        Err(error) => Err(Fault::Problem(Problem { what: path.to_owned(), why: format!("{error:#}") })),
    }
}

fn unreadable(path: &str, error: &std::io::Error) -> Fault {
    Fault::Problem(Problem { what: path.to_owned(), why: error.to_string() })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Fault::Call(CallError::Source(error.to_string())))
}
