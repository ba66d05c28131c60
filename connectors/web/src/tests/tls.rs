//! TLS without a proxy: a client that checks the certificate, one that is renewed, and files that are none.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use loquat_contract::{BotCard, CancellationToken, Ingress};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::fakes::FakeSink;
use crate::{Config, Tls, WebError, bind};

fn certificate(folder: &Path) -> (Tls, CertifiedKey<KeyPair>) {
    let made =
        generate_simple_self_signed(vec!["localhost".to_owned(), "chat.example.org".to_owned()]).unwrap();
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (Tls { certificate: Some(certificate), key: Some(key) }, made)
}

fn config(tls: Tls) -> Config {
    Config { port: 0, tls, allowed_hosts: vec!["chat.example.org".into()], ..Config::default() }
}

async fn connect(
    address: SocketAddr,
    trusted: &CertifiedKey<KeyPair>,
    protocols: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.cert.der().clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

#[tokio::test]
async fn a_client_that_checks_the_certificate_is_served_and_a_renewed_one_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, first) = certificate(folder.path());
    let bound = bind(&config(tls)).unwrap();
    assert!(bound.link().starts_with("https://"));
    let (address, held) = (bound.address(), bound.tls.clone().unwrap());
    let (ingress, _egress) = bound.connect(BotCard { name: "Loquat".into(), ..BotCard::default() });
    let stop = CancellationToken::new();
    let until = stop.clone();
    let run = tokio::spawn(async move { ingress.run(FakeSink::willing(), until).await });

    let mut stream = connect(address, &first, &[b"http/1.1"]).await.unwrap();
    let request = "GET / HTTP/1.1\r\nHost: chat.example.org\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.to_lowercase().contains("strict-transport-security: max-age=31536000"), "{answer}");

    let modern = connect(address, &first, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(modern.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));

    let (_, second) = certificate(folder.path());
    held.reload().unwrap();
    assert!(connect(address, &second, &[b"http/1.1"]).await.is_ok());
    assert!(connect(address, &first, &[b"http/1.1"]).await.is_err(), "the old one is shown no longer");
    // Half of a renewal leaves the one in use.
    std::fs::write(folder.path().join("key.pem"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert!(held.reload().is_err());
    assert!(connect(address, &second, &[b"http/1.1"]).await.is_ok());
    stop.cancel();
    run.await.unwrap().unwrap();
}

#[test]
fn files_that_are_none_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (good, _) = certificate(folder.path());
    let wrong = |tls: Tls| bind(&config(tls)).unwrap_err();
    let missing: Option<PathBuf> = Some(folder.path().join("missing.pem"));
    assert!(matches!(wrong(Tls { key: None, ..good.clone() }), WebError::HalfTls { .. }));
    assert!(matches!(wrong(Tls { certificate: None, ..good.clone() }), WebError::HalfTls { .. }));
    for tls in [
        Tls { certificate: missing.clone(), ..good.clone() },
        Tls { key: missing, ..good.clone() },
        Tls { certificate: good.key.clone(), ..good.clone() },
        Tls { key: good.certificate.clone(), ..good.clone() },
    ] {
        let error = wrong(tls);
        assert!(matches!(error, WebError::Tls { .. }), "{error}");
    }
    let other = tempfile::tempdir().unwrap();
    let (another, _) = certificate(other.path());
    assert!(matches!(wrong(Tls { key: another.key, ..good }), WebError::Tls { .. }), "they do not fit");
}
