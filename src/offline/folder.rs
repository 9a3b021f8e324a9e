//! Directories below a descriptor, so that no link leads out of a source.
//!
//! Every name is opened relative to the directory that holds it and never followed if it is a link: a source may be
//! written by others while it is read, so a check of the path beforehand would prove nothing. Only ordinary files are
//! read. They may have second names: whose files they are is the user's business here, unlike in a server's own store.

use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, SeekFrom, Stat};
use rustix::io::Errno;

/// How deep folders are followed.
pub(super) const MAX_DEPTH: usize = 128;
/// The most names in one directory; above that it is no store of runs.
const MAX_ENTRIES: usize = 2_000_000;

const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
/// `NONBLOCK`, because opening a named pipe would wait for a writer.
const FILE: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

const IS_LINK: &str = "it is a link, and links are not followed";
const IS_NO_FILE: &str = "it is no ordinary file";

/// An open directory.
#[derive(Debug)]
pub(super) struct Folder(OwnedFd);

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    /// A pipe, a socket, a device.
    Other,
}

/// A name in a directory. Names are bytes: not all of them are text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub name: Box<[u8]>,
    pub kind: Kind,
}

impl Entry {
    /// The name, if it is text.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.name).ok()
    }
}

impl Folder {
    /// Opens a directory that the user named, by whatever links; `None` if there is nothing.
    pub fn open(path: &Path) -> io::Result<Option<Folder>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        absent_as_none(rustix::fs::openat(CWD, path, flags, Mode::empty()).map(Folder))
    }

    /// Opens the directory `name` in this one; `None` if there is nothing of that name.
    pub fn enter(&self, name: impl AsRef<[u8]>) -> io::Result<Option<Folder>> {
        let name = checked(name.as_ref())?;
        match rustix::fs::openat(&self.0, name, FOLDER, Mode::empty()) {
            Err(Errno::NOTDIR | Errno::LOOP) => Err(match self.stat(name)? {
                Some(stat) if kind_of(&stat) == Kind::Link => io::Error::other(IS_LINK),
                _ => io::Error::other("it is no directory"),
            }),
            opened => absent_as_none(opened.map(Folder)),
        }
    }

    /// Opens a directory some levels down; `None` if one on the way is absent. An empty path is this directory.
    pub fn descend(&self, path: &str) -> io::Result<Option<Folder>> {
        let mut folder = Folder(rustix::fs::openat(&self.0, ".", FOLDER, Mode::empty())?);
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let Some(below) = folder.enter(name)? else { return Ok(None) };
            folder = below;
        }
        Ok(Some(folder))
    }

    /// Opens an ordinary file, and says what it is; `None` if there is nothing of that name.
    pub fn file(&self, name: impl AsRef<[u8]>) -> io::Result<Option<(File, Stat)>> {
        let name = checked(name.as_ref())?;
        let file = match rustix::fs::openat(&self.0, name, FILE, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(io::Error::other(IS_LINK)),
            // A socket; a device without a driver.
            Err(Errno::NXIO | Errno::NODEV) => return Err(io::Error::other(IS_NO_FILE)),
            Err(errno) => return Err(errno.into()),
        };
        let stat = rustix::fs::fstat(&file)?;
        if kind_of(&stat) != Kind::File {
            return Err(io::Error::other(IS_NO_FILE));
        }
        Ok(Some((File::from(file), stat)))
    }

    /// Reads a whole file of at most `limit` bytes; `None` if there is nothing of that name.
    pub fn read(&self, name: impl AsRef<[u8]>, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let Some((file, stat)) = self.file(name)? else { return Ok(None) };
        let expected = u64::try_from(stat.st_size).unwrap_or(0);
        // Room for one byte more, so that the end is met without growing.
        let mut bytes = Vec::with_capacity(expected.min(limit) as usize + 1);
        file.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(io::Error::other(format!("it is larger than {limit} bytes")));
        }
        Ok(Some(bytes))
    }

    /// What a name stands for, without following it; `None` if there is nothing of that name.
    pub fn stat(&self, name: impl AsRef<[u8]>) -> io::Result<Option<Stat>> {
        absent_as_none(rustix::fs::statat(&self.0, checked(name.as_ref())?, AtFlags::SYMLINK_NOFOLLOW))
    }

    /// What this directory is.
    pub fn stat_self(&self) -> io::Result<Stat> {
        Ok(rustix::fs::fstat(&self.0)?)
    }

    /// The names in this directory, in the order of their bytes.
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        self.each_entry(&mut |name, kind| {
            entries.push(Entry { name: name.into(), kind });
        })?;
        entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    /// Tells every name in this directory, in no order, and what it stands for.
    pub fn each_entry(&self, tell: &mut dyn FnMut(&[u8], Kind)) -> io::Result<()> {
        // Straight from the kernel: what the C library and `Dir` do around it is four calls more for each directory, and a
        // store of a thousand runs has a hundred thousand.
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        rustix::fs::seek(&self.0, SeekFrom::Start(0))?;
        let mut names = RawDir::new(&self.0, &mut buffer);
        let mut count = 0;
        while let Some(entry) = names.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let kind = match entry.file_type() {
                // Not every file system tells it with the name.
                FileType::Unknown => match self.stat(name)? {
                    Some(stat) => kind_of(&stat),
                    None => continue,
                },
                file_type => kind(file_type),
            };
            count += 1;
            if count > MAX_ENTRIES {
                return Err(io::Error::other(format!("it holds more than {MAX_ENTRIES} names")));
            }
            tell(name, kind);
        }
        Ok(())
    }
}

/// What a [`walk`] comes by.
#[derive(Debug)]
pub(super) enum Step<'a> {
    /// An ordinary file.
    File(&'a Entry),
    /// A directory that can be read; what is in it comes next.
    Folder,
    /// What is not read, and why.
    Refused(String),
}

/// What is called for everything that a [`walk`] comes by: with the directory that holds it, its path, and what it is.
pub(super) type Visitor<'a> = &'a mut dyn FnMut(&Folder, &[u8], Step<'_>) -> io::Result<()>;

/// Goes through all that is below `top`; what vanishes meanwhile is left out.
///
/// # Errors
/// Where `top` cannot be read, where there are more than `limit` names, and what `visit` returns.
pub(super) fn walk(top: &Folder, limit: usize, visit: Visitor<'_>) -> io::Result<()> {
    Walk { path: Vec::new(), count: 0, limit, visit }.through(top, 0)
}

struct Walk<'a> {
    path: Vec<u8>,
    count: usize,
    limit: usize,
    visit: Visitor<'a>,
}

impl Walk<'_> {
    fn through(&mut self, folder: &Folder, depth: usize) -> io::Result<()> {
        for entry in folder.entries()? {
            self.count += 1;
            if self.count > self.limit {
                return Err(io::Error::other(format!("there are more than {} of them", self.limit)));
            }
            let length = self.path.len();
            if length > 0 {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(&entry.name);
            match entry.kind {
                Kind::File => self.tell(folder, Step::File(&entry))?,
                Kind::Link => self.tell(folder, Step::Refused(IS_LINK.to_owned()))?,
                Kind::Other => self.tell(folder, Step::Refused(IS_NO_FILE.to_owned()))?,
                Kind::Folder if depth + 1 == MAX_DEPTH => {
                    self.tell(folder, Step::Refused(format!("it lies {MAX_DEPTH} folders deep")))?;
                }
                Kind::Folder => match folder.enter(&entry.name) {
                    Ok(None) => {}
                    Ok(Some(below)) => {
                        self.tell(folder, Step::Folder)?;
                        self.through(&below, depth + 1)?;
                    }
                    Err(error) => self.tell(folder, Step::Refused(reason(&error)))?,
                },
            }
            self.path.truncate(length);
        }
        Ok(())
    }

    fn tell(&mut self, holder: &Folder, step: Step<'_>) -> io::Result<()> {
        (self.visit)(holder, &self.path, step)
    }
}

/// What a file is.
pub(super) fn kind_of(stat: &Stat) -> Kind {
    kind(FileType::from_raw_mode(stat.st_mode))
}

/// When a file was written, in nanoseconds since the epoch.
pub(super) fn modified_ns(stat: &Stat) -> i64 {
    stat.st_mtime.saturating_mul(1_000_000_000).saturating_add(stat.st_mtime_nsec as i64)
}

/// A name or path for people: what is no text, and what would move the cursor of their terminal, is escaped.
pub(super) fn shown(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for char in String::from_utf8_lossy(name).chars() {
        if char.is_control() { text.extend(char.escape_default()) } else { text.push(char) }
    }
    text
}

/// Why something cannot be read, in words and without the number that the standard library appends.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match (error.raw_os_error(), text.find(" (os error")) {
        (Some(_), Some(end)) => text[..end].to_lowercase(),
        _ => text,
    }
}

fn kind(file_type: FileType) -> Kind {
    match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        _ => Kind::Other,
    }
}

/// A name that stays in its directory. Names from directories always do; others come from files that anybody wrote.
fn checked(name: &[u8]) -> io::Result<&[u8]> {
    let stays = !name.is_empty() && name != b"." && name != b".." && !name.contains(&b'/') && !name.contains(&0);
    if stays { Ok(name) } else { Err(io::Error::other("its name leads elsewhere")) }
}

fn absent_as_none<T>(result: rustix::io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}
