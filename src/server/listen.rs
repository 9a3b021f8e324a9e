//! Sockets to serve: bound, checked, and cleaned up.

use std::{
    ffi::OsStr,
    fmt, io,
    net::IpAddr,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use rustix::{
    fs::{Mode, OFlags},
    net::sockopt,
};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::tls::Tls;
use crate::config::ListenAddress;

/// How long a peer may leave what was sent to it unacknowledged, or be silent without answering a probe, before its
/// connection is given up: it has vanished without a word, as a laptop that was closed.
const PEER_TIMEOUT: Duration = Duration::from_secs(60);

/// A bound socket.
#[derive(Debug)]
pub enum Listener {
    /// Reached by TCP.
    Tcp {
        /// The socket.
        socket: TcpListener,
        /// What its connections begin with.
        tls: Option<Arc<Tls>>,
    },
    /// Reached by path, on this node.
    Unix {
        /// The socket.
        socket: UnixListener,
        /// Its path, which vanishes with it.
        file: SocketFile,
        /// The only user who is served; everybody whom the file's mode lets connect if `None`.
        only_user: Option<u32>,
    },
}

/// An accepted connection.
#[derive(Debug)]
pub enum Connection {
    /// By TCP.
    Tcp {
        /// The connection.
        stream: TcpStream,
        /// Where it comes from.
        address: IpAddr,
        /// What it begins with.
        tls: Option<Arc<Tls>>,
    },
    /// By a unix socket.
    Unix(UnixStream),
}

impl Listener {
    /// Binds an address; a name is resolved and the first of its addresses that can be bound is taken.
    /// TCP addresses speak TLS where there is some; a unix socket gets this mode.
    pub async fn bind(address: &ListenAddress, unix_mode: u32, tls: Option<Arc<Tls>>) -> anyhow::Result<Self> {
        match address {
            ListenAddress::Tcp { host, port } => {
                let socket = TcpListener::bind((host.as_str(), *port)).await;
                let socket = socket.with_context(|| format!("cannot listen on {address}"))?;
                Ok(Listener::Tcp { socket, tls })
            }
            ListenAddress::Unix(path) => {
                // Clients may have another working directory than the server.
                let path = &std::path::absolute(path)?;
                refuse_insecure_directory(path)?;
                Self::bind_unix(path, None, unix_mode).with_context(|| format!("cannot listen on {address}"))
            }
        }
    }

    /// Binds a unix socket of this mode. A file left by a server that died is replaced; that of one that lives is not.
    pub fn bind_unix(path: &Path, only_user: Option<u32>, mode: u32) -> anyhow::Result<Self> {
        match std::fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => bail!("there is a file at this path that is not a socket"),
            Ok(_) => match connect(path) {
                Ok(_) => bail!("another server listens there"),
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)?,
                Err(error) => return Err(error).context("cannot tell whether another server listens there"),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        // The process's umask leaves others no right to connect in the moment before the mode is set.
        let socket = at_short_path(path, |path| UnixListener::bind(path))?;
        let file = SocketFile(path.to_owned());
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        Ok(Listener::Unix { socket, file, only_user })
    }

    /// Waits for the next connection that may be served.
    pub async fn accept(&self) -> io::Result<Connection> {
        loop {
            match self {
                Listener::Tcp { socket, tls } => {
                    let (stream, address) = socket.accept().await?;
                    prepare(&stream)?;
                    return Ok(Connection::Tcp { stream, address: address.ip(), tls: tls.clone() });
                }
                Listener::Unix { socket, only_user, .. } => {
                    let (stream, _) = socket.accept().await?;
                    match only_user {
                        Some(user) if stream.peer_cred()?.uid() != *user => {
                            tracing::warn!(peer.uid = stream.peer_cred()?.uid(), "refused another user's connection");
                        }
                        _ => return Ok(Connection::Unix(stream)),
                    }
                }
            }
        }
    }
}

impl fmt::Display for Listener {
    /// The address as a URL, with the port that was really taken.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listener::Tcp { socket, tls } => {
                let scheme = if tls.is_some() { "https" } else { "http" };
                match socket.local_addr() {
                    Ok(address) => write!(out, "{scheme}://{address}"),
                    Err(_) => write!(out, "{scheme}://?"),
                }
            }
            Listener::Unix { file, .. } => write!(out, "unix:{}", file.0.display()),
        }
    }
}

/// The file of a unix socket, removed when the socket goes.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Whatever is wrong with it now, the next server replaces a file that nobody listens on.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Connects to the unix socket at a path, without waiting.
pub fn connect(path: &Path) -> io::Result<std::os::unix::net::UnixStream> {
    at_short_path(path, std::os::unix::net::UnixStream::connect)
}

/// Calls `work` with a path of the same file that fits into a socket address, which takes 107 bytes; directories of
/// clusters are often deeper.
fn at_short_path<T>(path: &Path, work: impl FnOnce(PathBuf) -> io::Result<T>) -> io::Result<T> {
    if path.as_os_str().len() < 100 {
        return work(path.to_owned());
    }
    let directory: OwnedFd =
        rustix::fs::open(parent(path), OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let name = path.file_name().unwrap_or(OsStr::new(""));
    work(Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name))
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Whoever may write to the directory of a socket can put another server in its place.
fn refuse_insecure_directory(path: &Path) -> anyhow::Result<()> {
    let directory = parent(path);
    let found =
        std::fs::metadata(directory).with_context(|| format!("cannot use the directory {}", directory.display()))?;
    let user = rustix::process::geteuid().as_raw();
    if found.uid() != user && found.uid() != 0 {
        bail!(
            "cannot listen on unix:{}: its directory belongs to another user, who could put another server in the \
             socket's place; make one of your own with `mkdir -m 700`",
            path.display()
        );
    }
    if found.mode() & 0o022 != 0 {
        bail!(
            "cannot listen on unix:{}: others may write to its directory and could put another server in the socket's \
             place; say `chmod go-w {}` or make one of your own with `mkdir -m 700`",
            path.display(),
            directory.display()
        );
    }
    Ok(())
}

/// Answers leave at once, and a peer that vanished is noticed.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, PEER_TIMEOUT / 2)?;
    sockopt::set_tcp_keepintvl(stream, PEER_TIMEOUT / 6)?;
    sockopt::set_tcp_keepcnt(stream, 3)?;
    sockopt::set_tcp_user_timeout(stream, PEER_TIMEOUT.as_millis() as u32)?;
    Ok(())
}
