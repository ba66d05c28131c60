//! TLS for real: a certificate that is trusted, one that is not, and a port that speaks none.

use std::sync::Arc;

use loquat_conformance::Platform;
use loquat_contract::{ConnectorError, Delivery};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::conformance::config;
use super::fake::{Fake, Manner};
use super::fakes::Bot;
use crate::Config;

/// A server with a certificate of its own for `localhost`, and a folder with that certificate in `ca.pem`.
async fn server() -> (Fake, tempfile::TempDir) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = builder.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), cert.pem()).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    (Fake::with(Manner { tls: Some(acceptor), ..Manner::default() }).await.unwrap(), folder)
}

fn secured(fake: &Fake) -> Config {
    Config { server: Some("localhost".into()), tls: true, ..config(&fake.address()).unwrap() }
}

#[tokio::test]
async fn a_server_with_a_trusted_certificate_is_talked_to() {
    let (fake, folder) = server().await;
    let bot = Bot::start(Config { ca_file: Some(folder.path().join("ca.pem")), ..secured(&fake) });
    fake.ready().await.unwrap();
    fake.tell(":alice!~a@host PRIVMSG loquat :hello");
    assert_eq!(bot.sink.after(1).await[0].text(), Some("hello"));
    assert_eq!(bot.deliver("alice", "m1 alice", "Hello!").await, Delivery::Sent { id: None });
    assert_eq!(fake.shown("alice")[0].text, "Hello!");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_stops_and_says_what_to_do() {
    let ((fake, _folder), (_, other)) = (server().await, server().await);
    let mut bot = Bot::start(Config { ca_file: Some(other.path().join("ca.pem")), ..secured(&fake) });
    let error = bot.ended().await.unwrap_err();
    assert!(
        matches!(&error, ConnectorError::Stop(what) if what.contains("connectors.irc.ca_file")),
        "{error}"
    );
}

#[tokio::test]
async fn a_port_without_tls_stops_and_says_what_to_do() {
    let (_, folder) = server().await;
    let fake = Fake::start().await.unwrap();
    let mut bot = Bot::start(Config { ca_file: Some(folder.path().join("ca.pem")), ..secured(&fake) });
    let error = bot.ended().await.unwrap_err();
    assert!(matches!(&error, ConnectorError::Stop(what) if what.contains("connectors.irc.port")), "{error}");
}
