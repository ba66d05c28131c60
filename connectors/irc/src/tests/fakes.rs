//! A sink that keeps what it is given, envelopes, and a bot on a server.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loquat_contract::{
    Address, BotCard, BoxFuture, CancellationToken, ConnectorError, ConversationId, Delivery, Egress,
    Envelope, IdempotencyKey, Inbound, Ingress, MessageId, Part, Receipt, Refusal, Sink,
};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::{Config, IrcEgress, IrcIngress, connect};

/// No test waits longer for anything.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Keeps what it is given.
#[derive(Default)]
pub(super) struct FakeSink {
    accepted: Mutex<Vec<Inbound>>,
    /// What it answers, in order; accepted once there is nothing more.
    pub(super) answers: Mutex<VecDeque<Result<Receipt, Refusal>>>,
    pub(super) alive: AtomicUsize,
    pub(super) reconnected: AtomicUsize,
}

impl FakeSink {
    pub(super) fn accepted(&self) -> Vec<Inbound> {
        self.accepted.lock().unwrap().clone()
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
            self.accepted.lock().unwrap().push(inbound);
            self.answers.lock().unwrap().pop_front().unwrap_or(Ok(Receipt::Accepted))
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

/// A bot that runs.
pub(super) struct Bot {
    pub(super) ingress: Arc<IrcIngress>,
    pub(super) egress: Arc<IrcEgress>,
    pub(super) sink: Arc<FakeSink>,
    pub(super) stop: CancellationToken,
    pub(super) running: JoinHandle<Result<(), ConnectorError>>,
}

impl Bot {
    pub(super) fn start(config: Config) -> Self {
        let (ingress, egress) =
            connect(config, BotCard { name: "Mira".into(), ..BotCard::default() }).unwrap();
        let (ingress, egress, sink) = (Arc::new(ingress), Arc::new(egress), Arc::new(FakeSink::default()));
        let stop = CancellationToken::new();
        let running = run(&ingress, &sink, &stop);
        Self { ingress, egress, sink, stop, running }
    }

    /// Runs it again, after the first run has ended.
    pub(super) fn again(&mut self) {
        self.running = run(&self.ingress, &self.sink, &self.stop);
    }

    /// How its run ends.
    pub(super) async fn ended(&mut self) -> Result<(), ConnectorError> {
        timeout(PATIENCE, &mut self.running).await.unwrap().unwrap()
    }

    pub(super) async fn deliver(&self, channel: &str, to: &str, text: &str) -> Delivery {
        self.egress.deliver(&envelope(channel, to, text)).await
    }
}

fn run(
    ingress: &Arc<IrcIngress>,
    sink: &Arc<FakeSink>,
    stop: &CancellationToken,
) -> JoinHandle<Result<(), ConnectorError>> {
    let (ingress, sink, stop) = (ingress.clone(), sink.clone(), stop.clone());
    tokio::spawn(async move { ingress.run(sink, stop).await })
}

pub(super) fn envelope(channel: &str, to: &str, text: &str) -> Envelope {
    let conversation =
        ConversationId { bot: "Mira".into(), platform: "irc".into(), channel: channel.into(), thread: None };
    Envelope::new(
        IdempotencyKey("0123456789abcdef01234567".into()),
        Address { conversation, in_reply_to: MessageId(to.into()) },
        Part { text: text.into(), ..Part::default() },
    )
}
