//! Directories as zip archives that are made while they are sent.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, stream};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use super::disk::{READ_BYTES, Tree};
use super::{ArtifactFile, ArtifactPath};
use crate::error::{Error, Resource, Result};

/// An archive keeps some hundred bytes for each file until its end.
const MAX_FILES: usize = 100_000;

/// All files beneath `directory`, under their names there. They are stored as they are: plots and checkpoints are
/// compressed already. A file that is deleted meanwhile is left out; after any other failure the archive breaks off.
///
/// # Errors
/// [`Error::NotFound`] if there is no such directory, [`Error::Invalid`] if it holds too many files.
pub(super) async fn archive(
    tree: Arc<Tree>,
    directory: ArtifactPath,
) -> Result<impl Stream<Item = Result<Bytes>> + Send + Unpin + use<>> {
    let jobs = tree.jobs().clone();
    let archive = jobs.run(move || Archive::begin(tree, directory)).await?;
    let pieces = stream::try_unfold(Some(archive), move |archive| {
        let jobs = jobs.clone();
        async move {
            match archive {
                Some(archive) => jobs.run(move || archive.next_piece()).await.map(Some),
                None => Ok(None),
            }
        }
    });
    Ok(Box::pin(pieces))
}

/// An archive in the making.
struct Archive {
    tree: Arc<Tree>,
    /// How many bytes of the files' paths are the directory's.
    prefix: usize,
    files: std::vec::IntoIter<ArtifactPath>,
    current: Option<(ArtifactFile, u64)>,
    writer: ZipWriter<StreamWriter<Sink>>,
    sink: Sink,
}

impl Archive {
    fn begin(tree: Arc<Tree>, directory: ArtifactPath) -> Result<Self> {
        let files = files_beneath(&tree, &directory)?.into_iter();
        let prefix = if directory.is_root() { 0 } else { directory.as_str().len() + 1 };
        let sink = Sink::default();
        let writer = ZipWriter::new_stream(sink.clone());
        Ok(Archive { tree, prefix, files, current: None, writer, sink })
    }

    /// The next bytes, and what is left to do after them.
    fn next_piece(mut self) -> Result<(Bytes, Option<Self>)> {
        while self.sink.len() < READ_BYTES {
            if let Some((file, offset)) = &mut self.current {
                if *offset < file.size_bytes {
                    let piece = file.piece(*offset)?;
                    self.writer.write_all(&piece).map_err(Error::internal)?;
                    *offset += piece.len() as u64;
                } else {
                    self.current = None;
                }
                continue;
            }
            let Some(path) = self.files.next() else {
                self.writer.finish().map_err(Error::internal)?;
                return Ok((self.sink.take(), None));
            };
            let file = match self.tree.open_file(&path) {
                Ok(file) => file,
                Err(Error::NotFound(_)) => continue,
                Err(error) => return Err(error),
            };
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Stored)
                .large_file(file.size_bytes >= u64::from(u32::MAX));
            self.writer.start_file(&path.as_str()[self.prefix..], options).map_err(Error::internal)?;
            self.current = Some((file, 0));
        }
        Ok((self.sink.take(), Some(self)))
    }
}

/// The paths of all files beneath a directory, those of one directory in the order of people.
fn files_beneath(tree: &Arc<Tree>, directory: &ArtifactPath) -> Result<Vec<ArtifactPath>> {
    let mut files = Vec::new();
    let mut waiting = vec![directory.clone()];
    while let Some(path) = waiting.pop() {
        let listing = tree.open_listing(&path)?;
        if path == *directory && !listing.is_of_directory() {
            return Err(Error::NotFound(Resource::Artifact(path.as_str().to_owned())));
        }
        let entries = listing.look_up(0..listing.names())?;
        let mut deeper = Vec::new();
        for entry in entries {
            let found = if entry.is_dir { &mut deeper } else { &mut files };
            found.push(path.resolve(&entry.name)?);
        }
        waiting.extend(deeper.into_iter().rev());
        if files.len() + waiting.len() > MAX_FILES {
            return Err(Error::Invalid(format!(
                "'{directory}' holds more than {MAX_FILES} files, too many for one archive; download its directories \
                 one by one"
            )));
        }
    }
    Ok(files)
}

/// What the writer wrote and nobody took yet.
#[derive(Debug, Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
