//! A sink that keeps what it is given, envelopes, and a bot on a Discord of our own.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loquat_contract::{
    Address, BotCard, BoxFuture, CancellationToken, ConnectorError, ConversationId, Delivery, Document,
    Draft, Drafts, Egress, Envelope, Format, IdempotencyKey, Inbound, Ingress, MessageId, Part, Receipt,
    Refusal, Sink,
};
use loquat_fake_discord::{Id, Options, Say};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::fixture::{Guild, config};
use crate::{Config, DiscordEgress, DiscordIngress, connect};

/// No test waits longer for anything.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Keeps what it is given.
#[derive(Default)]
pub(super) struct FakeSink {
    accepted: Mutex<Vec<Inbound>>,
    /// What it answers, in order; accepted once there is nothing more.
    pub(super) answers: Mutex<VecDeque<Result<Receipt, Refusal>>>,
    /// Whether it takes its time: until it is told to go on.
    pub(super) is_held: std::sync::atomic::AtomicBool,
    pub(super) go_on: Notify,
    pub(super) reconnected: AtomicUsize,
    pub(super) alive: AtomicUsize,
}

impl FakeSink {
    pub(super) fn accepted(&self) -> Vec<Inbound> {
        self.accepted.lock().unwrap().clone()
    }

    /// The words of what it has.
    pub(super) fn texts(&self) -> Vec<String> {
        self.accepted().iter().filter_map(|inbound| inbound.text().map(str::to_owned)).collect()
    }

    /// Waits until it has so many.
    pub(super) async fn after(&self, count: usize) -> Vec<Inbound> {
        until(|| self.accepted().len() >= count).await;
        self.accepted()
    }
}

impl Sink for FakeSink {
    fn accept(&self, inbound: Inbound) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        Box::pin(async move {
            while self.is_held.load(Ordering::SeqCst) {
                // It may be released between the two.
                let _ = timeout(Duration::from_millis(20), self.go_on.notified()).await;
            }
            let mut accepted = self.accepted.lock().unwrap();
            let answer = self.answers.lock().unwrap().pop_front();
            if accepted
                .iter()
                .any(|known| (&known.conversation, &known.id) == (&inbound.conversation, &inbound.id))
            {
                return Ok(Receipt::Duplicate);
            }
            if answer.as_ref().is_none_or(Result::is_ok) {
                accepted.push(inbound);
            }
            answer.unwrap_or(Ok(Receipt::Accepted))
        })
    }

    fn alive(&self) {
        self.alive.fetch_add(1, Ordering::SeqCst);
    }

    fn reconnected(&self) -> BoxFuture<'_, ()> {
        self.reconnected.fetch_add(1, Ordering::SeqCst);
        Box::pin(async {})
    }
}

/// Waits until something holds.
pub(super) async fn until(mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap();
}

/// A bot that runs on a server of its own.
pub(super) struct Bot {
    pub(super) guild: Guild,
    pub(super) ingress: Arc<DiscordIngress>,
    pub(super) egress: Arc<DiscordEgress>,
    pub(super) sink: Arc<FakeSink>,
    pub(super) stop: CancellationToken,
    pub(super) running: JoinHandle<Result<(), ConnectorError>>,
}

impl Bot {
    pub(super) async fn start() -> Self {
        Self::with(Options::default(), |config| config).await
    }

    pub(super) async fn with(options: Options, set: impl FnOnce(Config) -> Config) -> Self {
        let bot = Self::unready(Guild::with(options).await.unwrap(), set).await;
        bot.guild.discord.ready().await.unwrap();
        bot
    }

    /// One that may not get as far as being ready.
    pub(super) async fn unready(guild: Guild, set: impl FnOnce(Config) -> Config) -> Self {
        let config = set(config(guild.discord.address()));
        let (ingress, egress) =
            connect(config, BotCard { name: "Mira".into(), ..BotCard::default() }).unwrap();
        let (ingress, egress, sink) = (Arc::new(ingress), Arc::new(egress), Arc::new(FakeSink::default()));
        let stop = CancellationToken::new();
        let running = run(&ingress, &sink, &stop);
        Self { guild, ingress, egress, sink, stop, running }
    }

    /// Runs it again, after the first run has ended.
    pub(super) fn again(&mut self) {
        self.running = run(&self.ingress, &self.sink, &self.stop);
    }

    /// How its run ends.
    pub(super) async fn ended(&mut self) -> Result<(), ConnectorError> {
        timeout(PATIENCE, &mut self.running).await.unwrap().unwrap()
    }

    /// Somebody says something in a channel.
    pub(super) fn say(&self, channel: &str, who: &str, what: impl Into<Say>) -> Id {
        let (channel, who) = (self.guild.channel(channel), self.guild.discord.person(who));
        self.guild.discord.say(channel, who, what).unwrap()
    }

    /// The bot's mention.
    pub(super) fn mention(&self) -> String {
        format!("<@{}>", self.guild.discord.bot())
    }

    pub(super) async fn deliver(&self, envelope: &Envelope) -> Delivery {
        timeout(PATIENCE, self.egress.deliver(envelope)).await.unwrap()
    }

    pub(super) async fn draft(&self, draft: &Draft) -> Option<MessageId> {
        timeout(PATIENCE, Drafts::draft(&*self.egress, draft)).await.unwrap()
    }

    /// What the bot said in a channel.
    pub(super) fn said(&self, channel: &str) -> Vec<loquat_fake_discord::Shown> {
        self.guild.discord.said(self.guild.channel(channel))
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.running.abort();
    }
}

fn run(
    ingress: &Arc<DiscordIngress>,
    sink: &Arc<FakeSink>,
    stop: &CancellationToken,
) -> JoinHandle<Result<(), ConnectorError>> {
    let (ingress, sink, stop) = (ingress.clone(), sink.clone(), stop.clone());
    tokio::spawn(async move { ingress.run(sink, stop).await })
}

pub(super) fn conversation(channel: Id) -> ConversationId {
    ConversationId {
        bot: "Mira".into(),
        platform: crate::PLATFORM.into(),
        channel: channel.to_string(),
        thread: None,
    }
}

pub(crate) fn part(markdown: &str) -> Part {
    let document = Document::from_markdown(markdown);
    Part { text: document.render(Format::ChatMarkdown), document, ..Part::default() }
}

/// The only part of an answer.
pub(super) fn envelope(to: Address, markdown: &str) -> Envelope {
    Envelope {
        key: key(1),
        to,
        ticket: None,
        draft: None,
        is_private: false,
        number: 1,
        of: 1,
        part: part(markdown),
        reply: None,
    }
}

pub(super) fn key(number: u32) -> IdempotencyKey {
    IdempotencyKey(format!("0123456789abcdef{number:08x}"))
}

pub(super) fn draft(to: Address, markdown: &str) -> Draft {
    Draft { key: key(1), part: part(markdown), ..Draft::new(to, Vec::new()) }
}

pub(super) fn sent(delivery: Delivery) -> MessageId {
    let Delivery::Sent { id: Some(id) } = delivery else { panic!("{delivery:?}") };
    id
}
