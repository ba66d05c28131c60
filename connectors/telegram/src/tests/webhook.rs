//! The webhook: what it lets in, what it answers, and the conformance kit once more.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use loquat_conformance::{
    Act, Command, Connector, Deed, Fault, Fixture, Heard as KitHeard, Platform, Press, Shown,
};
use loquat_contract::{BotCard, Receipt};
use loquat_fake_telegram::{Options, Telegram};
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::conformance::{Fake, quick};
use super::harness::{Bot, not_kept, until};
use crate::{Config, Mode, connect};

/// An address of this machine that nobody listens on.
fn free() -> SocketAddr {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap()
}

fn by_webhook(config: Config, listen: SocketAddr) -> Config {
    Config { mode: Mode::Webhook, listen, public_url: Some(format!("http://{listen}/hook")), ..config }
}

/// Posts an update as somebody who says this secret.
async fn post(listen: SocketAddr, secret: Option<&str>, body: &str) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.post(format!("http://{listen}/hook")).body(body.to_owned());
    if let Some(secret) = secret {
        request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
    }
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn updates_come_by_the_webhook_in_order_each_once_it_is_kept() {
    let options = Options { webhook_retry: std::time::Duration::from_millis(50), ..Options::default() };
    let telegram = Telegram::start(options).await.unwrap();
    let is_full = Arc::new(AtomicBool::new(true));
    let (full, listen) = (is_full.clone(), free());
    let mut bot = Bot::answering(
        &telegram,
        |config| by_webhook(config, listen),
        move |_| if full.load(Ordering::SeqCst) { Err(not_kept()) } else { Ok(Receipt::Accepted) },
    )
    .await;
    telegram.ready().await.unwrap();
    assert_eq!(telegram.webhook(), Some(format!("http://{listen}/hook")));
    let set = telegram.calls_of("setWebhook").remove(0);
    assert_eq!(set.params.get("max_connections"), Some("1"));
    assert!(set.params.get("allowed_updates").unwrap().contains("message_reaction"));

    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let told: Vec<i64> = ["one", "two", "three"]
        .iter()
        .map(|text| telegram.say(chat, &ann, *text).unwrap().update.unwrap())
        .collect();
    assert_eq!(telegram.heard(told[0]).await.unwrap(), loquat_fake_telegram::Heard::Refused);
    is_full.store(false, Ordering::SeqCst);
    until("all are acknowledged", || telegram.pending() == 0).await;
    let texts: Vec<_> =
        bot.notes.after(3).await.iter().map(|inbound| inbound.text().unwrap().to_owned()).collect();
    assert_eq!(texts, ["one", "two", "three"]);

    bot.stop.cancel();
    assert!(bot.ended().await.is_ok());
    assert!(telegram.webhook().is_some(), "what comes while the bot is away waits for it");
}

#[tokio::test]
async fn who_does_not_know_the_secret_is_not_heard() {
    let telegram = Telegram::start(Options::default()).await.unwrap();
    let listen = free();
    let bot = Bot::with(&telegram, |config| by_webhook(config, listen)).await;
    telegram.ready().await.unwrap();
    let secret = by_webhook(quick(&telegram.url(), &telegram.token()), listen).secret();
    let secret = secret.expose_secret();
    let update = r#"{"update_id":1,"message":{"message_id":1,"date":1,"text":"let me in",
        "chat":{"id":5,"type":"private"},"from":{"id":5,"is_bot":false,"first_name":"Eve"}}}"#;
    for wrong in [None, Some(""), Some("guess"), Some(&secret[..63]), Some(&*format!("{secret}0"))] {
        assert_eq!(post(listen, wrong, update).await, 401, "{wrong:?}");
    }
    assert_eq!(bot.notes.accepted.lock().unwrap().len(), 0);
    assert_eq!(post(listen, Some(secret), "no json").await, 400);
    assert_eq!(post(listen, Some(secret), &" ".repeat(2 * 1024 * 1024)).await, 413);
    assert_eq!(post(listen, Some(secret), update).await, 200);
    assert_eq!(bot.notes.after(1).await[0].text(), Some("let me in"));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(client.get(format!("http://{listen}/hook")).send().await.unwrap().status().as_u16(), 405);
}

#[tokio::test]
async fn nothing_is_read_of_who_does_not_know_the_secret() {
    let telegram = Telegram::start(Options::default()).await.unwrap();
    let listen = free();
    let _bot = Bot::with(&telegram, |config| by_webhook(config, listen)).await;
    telegram.ready().await.unwrap();
    let mut stranger = TcpStream::connect(listen).await.unwrap();
    let head = "POST /hook HTTP/1.1\r\nHost: bot\r\nContent-Length: 1000000\r\n\r\n{";
    stranger.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let read = tokio::time::timeout(std::time::Duration::from_secs(60), stranger.read_exact(&mut answer));
    read.await.expect("it waits for the rest").unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
}

#[tokio::test]
async fn a_run_that_is_dropped_takes_nothing_more_and_lets_go_of_the_port() {
    let telegram = Telegram::start(Options::default()).await.unwrap();
    let listen = free();
    let mut bot = Bot::with(&telegram, |config| by_webhook(config, listen)).await;
    telegram.ready().await.unwrap();
    bot.running.abort();
    assert!((&mut bot.running).await.unwrap_err().is_cancelled());
    let ann = telegram.user("Ann");
    telegram.say(telegram.private(&ann), &ann, "one").unwrap();
    assert_eq!(bot.notes.accepted.lock().unwrap().len(), 0);
    bot.again();
    assert_eq!(bot.notes.after(1).await[0].text(), Some("one"));
}

/// The connector with a webhook on the Telegram for tests.
struct ByWebhook;

/// The same fake, and where the bot listens.
struct Hooked {
    fake: Fake,
    listen: SocketAddr,
}

impl Fixture for ByWebhook {
    const PLATFORM: &'static str = crate::PLATFORM;

    type Platform = Hooked;

    fn connect(address: &str, bot: &str) -> anyhow::Result<Connector> {
        let [url, token, listen] = address.split(' ').collect::<Vec<_>>()[..] else {
            anyhow::bail!("no address: {address}")
        };
        let config = by_webhook(quick(url, token), listen.parse()?);
        let card = BotCard { name: bot.into(), ..BotCard::default() };
        let (ingress, egress) = connect(Config { answer_all: true, ..config }, card)?;
        Ok(Connector { ingress: Arc::new(ingress), egress: Arc::new(egress) })
    }
}

impl Platform for Hooked {
    async fn start() -> anyhow::Result<Self> {
        Ok(Self { fake: Fake::start().await?, listen: free() })
    }

    fn address(&self) -> String {
        format!("{} {}", self.fake.address(), self.listen)
    }

    /// A webhook stays set while the bot is away, so it is the port that tells.
    async fn ready(&self) -> anyhow::Result<()> {
        self.fake.ready().await?;
        while TcpStream::connect(self.listen).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn act(&self, act: &Act) -> KitHeard {
        self.fake.act(act).await
    }

    fn shown(&self, channel: &str) -> Vec<Shown> {
        self.fake.shown(channel)
    }

    fn arm(&self, fault: &Fault) -> bool {
        self.fake.arm(fault)
    }

    async fn press(&self, press: &Press) -> Option<KitHeard> {
        self.fake.press(press).await
    }

    async fn command(&self, command: &Command) -> Option<KitHeard> {
        self.fake.command(command).await
    }

    fn keeps_for_absent(&self) -> bool {
        self.fake.keeps_for_absent()
    }

    fn broken_connections(&self) -> usize {
        self.fake.broken_connections()
    }

    fn knows(&self, deed: &Deed) -> bool {
        self.fake.knows(deed)
    }
}

loquat_conformance::conformance!(ByWebhook);
