//! TLS: a certificate and its key from files, which may be replaced while the server runs.
//!
//! Whoever renews certificates replaces the files and need not know this server: their modification times are looked at
//! every minute, and SIGHUP makes it at once. What cannot be used is logged, and what was in use stays.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use anyhow::{Context, bail};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};
use tokio::{net::TcpStream, signal::unix::Signal};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{self, ServerConfig, version},
    server::TlsStream,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::config::TlsFiles;

/// How long a handshake may take. One that is cut off costs a client no more than a new connection.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often the files' modification times are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(60);

/// Speaks TLS with the certificate that is in use.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    in_use: Mutex<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    config: Arc<ServerConfig>,
    /// When the files were changed that were read last, whether they could be used or not.
    changed: Changed,
}

/// When the certificate and the key were changed, as far as that can be seen.
type Changed = [Option<SystemTime>; 2];

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// What is wrong with which of them.
    pub fn load(files: &TlsFiles) -> anyhow::Result<Self> {
        let changed = changed(files);
        let config = Arc::new(read(files)?);
        Ok(Tls { files: files.clone(), in_use: Mutex::new(Loaded { config, changed }) })
    }

    /// The server's side of a handshake, in the time that one may take.
    ///
    /// # Errors
    /// What the client did wrong, or that the connection ended.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let config = self.in_use.lock().unwrap_or_else(PoisonError::into_inner).config.clone();
        tokio::time::timeout(HANDSHAKE_TIMEOUT, TlsAcceptor::from(config).accept(stream)).await?
    }

    /// Reads the files again whenever they change or `hangup` comes, until it is time to stop.
    pub(super) async fn follow(self: Arc<Self>, mut hangup: Signal, stop: CancellationToken) {
        loop {
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                _ = hangup.recv() => true,
                () = tokio::time::sleep(LOOK_INTERVAL) => false,
            };
            let tls = self.clone();
            // The files may lie on a file system that hangs.
            let reading =
                tokio::task::spawn_blocking(move || if asked { tls.reload() } else { tls.reload_if_changed() });
            if stop.run_until_cancelled(reading).await.is_none() {
                return;
            }
        }
    }

    fn reload_if_changed(&self) {
        let former = self.in_use.lock().unwrap_or_else(PoisonError::into_inner).changed;
        if changed(&self.files) != former {
            self.reload();
        }
    }

    fn reload(&self) {
        // Looked at before the files are read: a change in between is then seen at the next look.
        let changed = changed(&self.files);
        let read = read(&self.files);
        let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        in_use.changed = changed;
        match read {
            Ok(config) => {
                in_use.config = Arc::new(config);
                info!("read the certificate {} again", self.files.certificate.display());
            }
            Err(error) => error!("the certificate that was in use stays: {error:#}"),
        }
    }
}

fn changed(files: &TlsFiles) -> Changed {
    [&files.certificate, &files.key].map(|path| std::fs::metadata(path).and_then(|found| found.modified()).ok())
}

/// What both files make together.
fn read(files: &TlsFiles) -> anyhow::Result<ServerConfig> {
    let chain = read_certificates(&files.certificate)
        .with_context(|| format!("cannot use `tls_certificate` {}", files.certificate.display()))?;
    let key = read_key(&files.key).with_context(|| format!("cannot use `tls_key` {}", files.key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .with_context(|| {
            format!(
                "`tls_certificate` {} and `tls_key` {} cannot be used together",
                files.certificate.display(),
                files.key.display()
            )
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn read_certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&std::fs::read(path)?).collect::<Result<_, _>>()?;
    if chain.is_empty() {
        bail!(
            "it holds no certificate; give a PEM file with the server's own first and the ones that signed it after it"
        );
    }
    Ok(chain)
}

fn read_key(path: &Path) -> anyhow::Result<PrivateKeyDer<'static>> {
    let mut file = File::open(path)?;
    if file.metadata()?.mode() & 0o006 != 0 {
        bail!("everyone on this node may read or change it; say `chmod o-rw {}`", path.display());
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    match PrivateKeyDer::from_pem_slice(&text) {
        Err(pem::Error::NoItemsFound) => {
            bail!("it holds no private key; give a PEM file with one that is not encrypted")
        }
        key => Ok(key?),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    /// A new certificate and its key, in files that were changed at this time.
    fn write(files: &TlsFiles, changed: SystemTime) {
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(&files.certificate, pair.cert.pem()).unwrap();
        fs::write(&files.key, pair.signing_key.serialize_pem()).unwrap();
        fs::set_permissions(&files.key, fs::Permissions::from_mode(0o600)).unwrap();
        for path in [&files.certificate, &files.key] {
            File::options().write(true).open(path).unwrap().set_modified(changed).unwrap();
        }
    }

    /// A certificate for tests in files of a directory.
    pub fn files(directory: &Path) -> TlsFiles {
        let files = TlsFiles { certificate: directory.join("certificate.pem"), key: directory.join("key.pem") };
        write(&files, SystemTime::UNIX_EPOCH);
        files
    }

    #[test]
    fn files_are_read_again_when_they_have_changed_and_only_then() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        let tls = Tls::load(&files).unwrap();
        let config = || tls.in_use.lock().unwrap().config.clone();
        let first = config();

        tls.reload_if_changed();
        assert!(Arc::ptr_eq(&config(), &first));

        write(&files, SystemTime::UNIX_EPOCH + LOOK_INTERVAL);
        tls.reload_if_changed();
        let second = config();
        assert!(!Arc::ptr_eq(&second, &first));

        // Half of what belongs together is there, then everything.
        fs::remove_file(&files.key).unwrap();
        tls.reload_if_changed();
        assert!(Arc::ptr_eq(&config(), &second));
        write(&files, SystemTime::UNIX_EPOCH + LOOK_INTERVAL);
        tls.reload_if_changed();
        assert!(!Arc::ptr_eq(&config(), &second));
    }
}
