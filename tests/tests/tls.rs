//! The real bot over TLS, as it is on the real platforms: a proxy with a certificate stands before Discord and Telegram, and the machine
//! trusts it, or does not.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::sync::Arc;

use loquat_fake_discord::Discord;
use loquat_fake_telegram::Telegram;
use loquat_tests::program::User;
use loquat_tests::server::Server;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A door with TLS on `localhost`.
struct Door {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    /// Its certificate, as PEM.
    certificate: String,
}

impl Door {
    async fn new() -> Self {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let tls = builder.with_single_cert(vec![cert.der().clone()], key).unwrap();
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            acceptor: TlsAcceptor::from(Arc::new(tls)),
            certificate: cert.pem(),
        }
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}", self.listener.local_addr().unwrap().port())
    }

    /// Lets through to this address whoever speaks TLS.
    fn open(self, to: String) {
        tokio::spawn(async move {
            while let Ok((outside, _)) = self.listener.accept().await {
                let (acceptor, to) = (self.acceptor.clone(), to.clone());
                tokio::spawn(async move {
                    let Ok(mut outside) = acceptor.accept(outside).await else { return };
                    let mut inside = TcpStream::connect(to).await.unwrap();
                    let _ended = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
                });
            }
        });
    }
}

/// Somebody whose machine trusts this certificate and no other.
fn trusting(certificate: &str) -> User {
    let user = User::new().unwrap();
    let file = user.write("ca.pem", certificate).unwrap();
    user.with("SSL_CERT_FILE", file)
}

#[tokio::test(flavor = "multi_thread")]
async fn discord_is_talked_to_over_tls() {
    let door = Door::new().await;
    let options = loquat_fake_discord::Options { gateway: Some(door.url("wss")), ..Default::default() };
    let discord = Discord::start(options).await.unwrap();
    let user = trusting(&door.certificate)
        .with("LOQUAT_CONNECTORS__DISCORD__TOKEN", discord.token())
        .with("LOQUAT_CONNECTORS__DISCORD__API", format!("{}/api/v10", door.url("https")));
    door.open(discord.address().to_owned());
    let _server = Server::start(&user, &["--port", "0"]).unwrap();
    discord.ready().await.unwrap();
    let ann = discord.person("ann");
    let channel = discord.direct(ann);
    discord.say(channel, ann, "What is the capital of Bhutan?").unwrap();
    let is_answer = |discord: &Discord| {
        discord.shown(channel).into_iter().find(|shown| shown.is_own && shown.content.contains("Thimphu"))
    };
    discord.until("the answer", is_answer).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn telegram_is_talked_to_over_tls_where_the_certificate_is_trusted() {
    let (door, other) = (Door::new().await, Door::new().await);
    let telegram = Telegram::start(Default::default()).await.unwrap();
    let api = door.url("https");
    let with = |user: User| {
        user.with("LOQUAT_CONNECTORS__TELEGRAM__TOKEN", telegram.token())
            .with("LOQUAT_CONNECTORS__TELEGRAM__API", &api)
    };
    let (user, stranger) = (with(trusting(&door.certificate)), with(trusting(&other.certificate)));
    door.open(telegram.url().trim_start_matches("http://").to_owned());

    let doctor = stranger.run(["doctor"]).unwrap();
    assert_eq!(doctor.code, Some(1), "nobody vouches for it: {doctor:?}");
    assert!(!doctor.out.contains(&telegram.token()), "{doctor:?}");

    let _server = Server::start(&user, &["--port", "0"]).unwrap();
    telegram.ready().await.unwrap();
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    telegram.say(chat, &ann, "What is the capital of Bhutan?").unwrap();
    let is_answer =
        |telegram: &Telegram| telegram.answers(chat).into_iter().find(|seen| seen.text.contains("Thimphu"));
    telegram.until("the answer", is_answer).await.unwrap();
}
