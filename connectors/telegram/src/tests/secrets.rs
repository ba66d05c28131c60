//! The token and the webhook's secret are in no log at any level, whatever goes wrong, and in no error and no Debug print.

use std::io::Write;
use std::sync::{Arc, Mutex};

use loquat_contract::{Egress, Interactions};
use loquat_fake_telegram::{Calls, Fault, Options, Telegram};
use tracing_subscriber::fmt::MakeWriter;

use super::conformance::quick;
use super::harness::{Bot, menu, to};
use crate::{Config, Mode, connect, examine};

/// The token of this test alone, since other tests may log too.
const TOKEN: &str = "424242424:ThisIsTheTokenThatNobodyMaySee_4242";
const SECRET: &str = "this-is-the-secret-that-nobody-may-see";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_log_error_or_print_shows_the_token_or_the_secret() {
    let log = Log::default();
    // Everything at every level, what libraries say by `log` included.
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).init();
    let mut said = String::new();

    let telegram = Telegram::start(Options { token: TOKEN.into(), ..Options::default() }).await.unwrap();
    let bot = Bot::start(&telegram).await;
    telegram.ready().await.unwrap();
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    telegram.say(chat, &ann, "hello").unwrap();
    bot.notes.after(1).await;
    for fault in [
        Fault::Server(500),
        Fault::Server(502),
        Fault::BrokenOff,
        Fault::TakenThenBroken,
        Fault::Refused(401, "Unauthorized".into()),
        Fault::Refused(404, "Not Found".into()),
        Fault::Refused(400, format!("Bad Request: {TOKEN}")),
        Fault::TooMany(None),
    ] {
        telegram.arm(Calls::Sends, fault);
        said += &format!("{:?}\n", bot.deliver(&to(chat, None, 1), "hi").await);
    }
    said += &format!("{:?}\n", bot.egress.offer(&menu()).await);
    said += &format!("{:?}\n", examine(&quick(&telegram.url(), TOKEN)).await);

    // Other ends of a run: another program, a broken poll, a token that is not known, a server that is gone.
    for fault in [Fault::Conflict, Fault::BrokenOff] {
        let mut bot = Bot::with(&telegram, |config| Config { conflict_secs: 0, ..config }).await;
        for _ in 0..4 {
            telegram.arm(Calls::Method("getUpdates"), fault.clone());
        }
        said += &format!("{:?}\n", bot.ended().await);
        telegram.calm();
    }
    let stranger = Telegram::start(Options::default()).await.unwrap();
    let mut bot = Bot::with(&stranger, |config| Config { token: Some(TOKEN.into()), ..config }).await;
    said += &format!("{:?}\n", bot.ended().await);
    said += &format!("{:?}\n", examine(&quick(&stranger.url(), TOKEN)).await);

    let listen = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let hooked = Bot::with(&telegram, |config| Config {
        mode: Mode::Webhook,
        listen,
        public_url: Some(format!("http://{listen}/")),
        secret: Some(SECRET.into()),
        ..config
    })
    .await;
    telegram.ready().await.unwrap();
    telegram.say(chat, &ann, "hello").unwrap();
    hooked.notes.after(1).await;

    let url = telegram.url();
    drop(telegram);
    let config = Config { secret: Some(SECRET.into()), ..quick(&url, TOKEN) };
    let (_, egress) = connect(config.clone(), loquat_contract::BotCard::default()).unwrap();
    let part = super::harness::part("hi");
    said += &format!("{:?}\n", egress.deliver(&super::harness::envelope(&to(chat, None, 1), part)).await);
    said += &format!("{:?} {:?}\n", config, examine(&config).await);
    said += &toml::to_string(&config).unwrap();

    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    for library in ["hyper", "reqwest", "loquat_telegram"] {
        assert!(logged.contains(library), "the log does not have what {library} says");
    }
    assert!(said.contains("Unauthorised") && said.contains("Ambiguous") && said.contains("Retry"), "{said}");
    for secret in [TOKEN, "ThisIsTheToken", SECRET] {
        for (where_, text) in [("the log", &logged), ("what was said", &said)] {
            let at = text.find(secret);
            let around = at.map(|at| text.get(at.saturating_sub(200)..at + 80));
            assert!(at.is_none(), "{where_} shows a secret: {around:?}");
        }
    }
}
