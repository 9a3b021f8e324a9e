//! Certificates: the server's, which must be trusted, and the client's own, which something on the way asks for.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedKey, IsCa, Issuer, KeyPair, generate_simple_self_signed};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

use super::{Draft, Sync, have};
use crate::support::server::{Client, Server, socket};

fn source() -> (tempfile::TempDir, Draft) {
    let (directory, draft) = (tempfile::tempdir().unwrap(), Draft::new(1));
    draft.write(directory.path());
    (directory, draft)
}

#[test]
fn a_server_is_trusted_by_the_authority_that_is_named_or_by_word() {
    let directory = tempfile::tempdir().unwrap();
    let pair = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = directory.path().join("certificate.pem");
    fs::write(&certificate, pair.cert.pem()).unwrap();
    fs::write(directory.path().join("key.pem"), pair.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(directory.path().join("key.pem"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    let server = Server::start(
        directory.path(),
        &["--listen", "127.0.0.1:0", "--tls-certificate", "certificate.pem", "--tls-key", "key.pem"],
    );
    let uri = format!("https://localhost:{}", server.tcp().1.port());
    let (store, draft) = source();
    let sync = || Sync::new(store.path(), &uri);

    let unknown = sync().run();
    let named = sync().variable("MLFLOW_TRACKING_SERVER_CERT_PATH", certificate.to_str().unwrap()).run();
    let by_word = sync().variable("MLFLOW_TRACKING_INSECURE_TLS", "true").run();
    let absent = sync().variable("MLFLOW_TRACKING_SERVER_CERT_PATH", "/nowhere.pem").run();

    assert_eq!(unknown.code, 1, "{unknown:?}");
    assert!(unknown.told.contains("certificate"), "{unknown:?}");
    assert_eq!((named.code, named.outcomes()), (0, vec!["arrived"]), "{named:?}");
    assert_eq!((by_word.code, by_word.outcomes()), (0, vec!["unchanged"]), "{by_word:?}");
    assert!(absent.code == 1 && absent.told.contains("/nowhere.pem"), "{absent:?}");
    let there = have(&mut Client::new(directory.path()), &draft.run_id).unwrap();
    assert_eq!(there, draft.expected(&there));
    server.kill();
}

/// Lets through to the socket of a server whoever has a certificate of the authority.
async fn guard(authority: CertificateDer<'static>, own: CertifiedKey<KeyPair>, server: PathBuf) -> SocketAddr {
    let mut roots = RootCertStore::empty();
    roots.add(authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config =
        config.with_client_cert_verifier(verifier).with_single_cert(vec![own.cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (acceptor, server) = (acceptor.clone(), server.clone());
            tokio::spawn(async move {
                // Whoever has no certificate is let go.
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let mut server = tokio::net::UnixStream::connect(server).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    address
}

fn write_client(directory: &Path, name: &str, issuer: &Issuer<'_, KeyPair>) -> PathBuf {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["ada".to_owned()]).unwrap().signed_by(&key, issuer).unwrap();
    let path = directory.join(name);
    fs::write(&path, certificate.pem() + &key.serialize_pem()).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_shows_its_own_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let mine = write_client(directory.path(), "client.pem", &issuer);
    let own = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let trusted = directory.path().join("trusted.pem");
    fs::write(&trusted, own.cert.pem()).unwrap();
    let address = guard(authority.der().clone(), own, socket(directory.path())).await;
    let uri = format!("https://localhost:{}", address.port());
    let (store, _) = source();
    let sync = || Sync::new(store.path(), &uri).variable("MLFLOW_TRACKING_SERVER_CERT_PATH", trusted.to_str().unwrap());

    let without = tokio::task::block_in_place(|| sync().run());
    let with = tokio::task::block_in_place(|| {
        sync().variable("MLFLOW_TRACKING_CLIENT_CERT_PATH", mine.to_str().unwrap()).run()
    });

    assert_eq!(without.code, 1, "{without:?}");
    assert_eq!((with.code, with.outcomes()), (0, vec!["arrived"]), "{with:?}");
    server.kill();
}
