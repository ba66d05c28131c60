//! The web chat under the conformance kit: the fake of the platform is a browser, and the bot is the server that it asks.

mod browser;
mod tab;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::Context;
use loquat_conformance::{Act, Connector, Deed, Fault, Fixture, Heard, Platform};
use loquat_contract::{
    BotCard, BoxFuture, CancellationToken, Egress, Entry, Envelope, Event, Inbound, JournalError, Query,
    Receipt, Refusal, Sink,
};
use tokio::runtime::Runtime;

use super::fakes::{FakeSink, address, envelope, reply, sent};
use crate::serve::Secret;
use crate::{Config, Limits, bind};
use browser::{Browser, uuid};

/// How long a bot waits for the port that an earlier one had.
const PORT_FREE: Duration = Duration::from_secs(10);

/// The web chat and a browser.
pub(super) struct WebFixture;

impl Fixture for WebFixture {
    const PLATFORM: &'static str = "web";
    type Platform = Browser;

    fn connect(address: &str, bot: &str) -> anyhow::Result<Connector> {
        let address: SocketAddr = address.parse().context("the browser's address")?;
        // The kit says more in a minute than people do.
        let limits = Limits {
            messages_per_minute: 0,
            address_messages_per_minute: 0,
            address_requests_per_minute: 0,
            streams: 0,
            ..Limits::default()
        };
        let config = Config { host: address.ip(), port: address.port(), limits, ..Config::default() };
        let since = Instant::now();
        let bound = loop {
            // The browser knows one port, so another is of no use.
            let bound = bind(&config)?.with_secret(Secret::known());
            if !bound.moved() {
                break bound;
            }
            anyhow::ensure!(since.elapsed() < PORT_FREE, "{address} stays taken");
            drop(bound);
            std::thread::sleep(Duration::from_millis(20));
        };
        let (ingress, egress) = bound.connect(BotCard { name: bot.to_owned(), ..BotCard::default() });
        Ok(Connector { ingress: Arc::new(ingress), egress: Arc::new(egress) })
    }
}

loquat_conformance::conformance!(WebFixture);

/// A journal that outlives its bots.
struct Journal {
    kept: Arc<FakeSink>,
    /// Whether replies are made and not delivered, as if the bot were killed in between.
    holds_back: AtomicBool,
}

impl Journal {
    fn new() -> Arc<Self> {
        Arc::new(Self { kept: FakeSink::willing(), holds_back: AtomicBool::new(false) })
    }

    /// What was said and is not delivered, with its answer.
    fn owed(&self) -> Vec<Envelope> {
        let entries = self.kept.entries.lock().unwrap();
        let owed = entries.iter().filter(|entry| entry.settled.is_none());
        let answer = |entry: &Entry| {
            let Event::Message(message) = &entry.inbound.event else { return None };
            Some(envelope(&entry.inbound.address(), &reply(&format!("You said {}.", message.text))))
        };
        owed.filter_map(answer).collect()
    }
}

struct Echo {
    journal: Arc<Journal>,
    egress: OnceLock<Arc<dyn Egress>>,
}

impl Sink for Echo {
    fn accept(&self, inbound: Inbound) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        Box::pin(async move {
            let is_known = |entry: &Entry| entry.inbound.id == inbound.id;
            if self.journal.kept.entries.lock().unwrap().iter().any(is_known) {
                return Ok(Receipt::Duplicate);
            }
            // What is answered already is not answered again because it is changed.
            if !matches!(inbound.event, Event::Message(_)) {
                return Ok(Receipt::Accepted);
            }
            self.journal.kept.keep(inbound);
            if !self.journal.holds_back.load(Ordering::Relaxed) {
                deliver_owed(self.egress.get().unwrap().as_ref(), &self.journal).await;
            }
            Ok(Receipt::Accepted)
        })
    }

    fn history(&self, query: Query) -> BoxFuture<'_, Result<Vec<Entry>, JournalError>> {
        self.journal.kept.history(query)
    }
}

async fn deliver_owed(egress: &dyn Egress, journal: &Journal) {
    for envelope in journal.owed() {
        deliver(egress, &envelope).await;
        journal.kept.settle(&envelope);
    }
}

async fn deliver(egress: &dyn Egress, envelope: &Envelope) {
    assert_eq!(egress.deliver(envelope).await, sent(&envelope.to.in_reply_to.0));
}

/// A bot that can be killed: with its runtime, all its connections end.
struct Bot {
    runtime: Option<Runtime>,
    egress: Arc<dyn Egress>,
}

impl Bot {
    fn start(address: &str, journal: &Arc<Journal>) -> Self {
        let runtime = Runtime::new().unwrap();
        let entered = runtime.enter();
        let Connector { ingress, egress } = WebFixture::connect(address, "Loquat").unwrap();
        let sink = Echo { journal: journal.clone(), egress: OnceLock::new() };
        let _ = sink.egress.set(egress.clone());
        runtime.spawn(async move { ingress.run(Arc::new(sink), CancellationToken::new()).await });
        drop(entered);
        Self { runtime: Some(runtime), egress }
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn act(id: &str, deed: Deed) -> Act {
    Act { channel: "room".into(), id: id.into(), sender: "alice".into(), deed }
}

async fn says(browser: &Browser, id: &str) -> Heard {
    browser.act(&act(id, Deed::Say(format!("message {id}")))).await
}

/// Waits until the browser shows these answers, and then until nothing could be added any more.
async fn shows(browser: &Browser, expected: &[&str]) {
    let shown = || browser.shown("room").into_iter().map(|shown| shown.key.unwrap()).collect::<Vec<_>>();
    let since = Instant::now();
    while shown().len() < expected.len() && since.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(shown(), expected);
}

#[tokio::test]
async fn the_browser_shows_each_answer_once_whatever_breaks() {
    let browser = Browser::start().await.unwrap();
    let journal = Journal::new();
    let bot = Bot::start(&browser.address(), &journal);
    browser.ready().await.unwrap();
    assert_eq!(says(&browser, "1").await, Heard::Acknowledged);
    assert_eq!(says(&browser, "1").await, Heard::Acknowledged);
    shows(&browser, &["1"]).await;
    assert_eq!(browser.shown("room")[0].text, "You said message 1.");
    assert!(browser.shown("elsewhere").is_empty());

    let edit = Deed::Edit { message: "1".into(), text: "changed".into() };
    assert_eq!(browser.act(&act("2", edit)).await, Heard::Acknowledged);
    let deletion = Deed::Delete { message: "1".into() };
    assert_eq!(browser.act(&act("3", deletion)).await, Heard::Acknowledged);
    shows(&browser, &["1"]).await;
    // A browser that is told no does not take it for a yes.
    assert_eq!(browser.act(&act("4", Deed::Say(" ".into()))).await, Heard::NotAcknowledged);

    assert!(!browser.arm(&Fault::ServerError) && !browser.arm(&Fault::TooMany(None)));
    assert!(!browser.arm(&Fault::TakenWithoutAnswer));
    let mut expected = vec!["1"];
    for (fault, id) in [(Fault::BrokenOff, "5"), (Fault::HalfOpen, "6")] {
        assert!(browser.arm(&fault));
        assert_eq!(says(&browser, id).await, Heard::Acknowledged);
        expected.push(id);
        shows(&browser, &expected).await;
    }
    assert_eq!(browser.faults(), 2, "both happened");
    drop(bot);
}

#[tokio::test]
async fn a_killed_bot_comes_back_on_its_port_and_nothing_is_lost_or_shown_twice() {
    let browser = Browser::start().await.unwrap();
    let journal = Journal::new();
    let bot = Bot::start(&browser.address(), &journal);
    browser.ready().await.unwrap();
    assert_eq!(says(&browser, "1").await, Heard::Acknowledged);
    shows(&browser, &["1"]).await;
    journal.holds_back.store(true, Ordering::Relaxed);
    assert_eq!(says(&browser, "2").await, Heard::Acknowledged);
    drop(bot);
    while says(&browser, "3").await == Heard::Acknowledged {
        // The bot's runtime is still ending.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    journal.holds_back.store(false, Ordering::Relaxed);
    let bot = Bot::start(&browser.address(), &journal);
    browser.ready().await.unwrap();
    // The first again, as it is where nobody knows whether it arrived.
    let first = address(&uuid("room"), "1");
    deliver(bot.egress.as_ref(), &envelope(&first, &reply("You said message 1."))).await;
    let owed = journal.owed();
    deliver_owed(bot.egress.as_ref(), &journal).await;
    assert_eq!(says(&browser, "2").await, Heard::Acknowledged);
    assert_eq!(says(&browser, "4").await, Heard::Acknowledged);
    let mut expected = vec!["1"];
    expected.extend(owed.iter().map(|envelope| envelope.to.in_reply_to.0.as_str()));
    expected.push("4");
    shows(&browser, &expected).await;
}
