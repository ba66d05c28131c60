//! A sink that keeps what it is given, and a bot on the small server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use loquat_conformance::{Act, Deed, Heard, Platform};
use loquat_contract::{
    BoxFuture, CancellationToken, ConnectorError, Inbound, Ingress, JournalError, Receipt, Refusal, Sink,
};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::fake::Fake;
use crate::{Config, PostboxEgress, connect};

/// Keeps what it is given, and refuses what its text says.
#[derive(Default)]
pub(super) struct FakeSink(pub(super) Mutex<Vec<Inbound>>);

impl Sink for FakeSink {
    fn accept(&self, inbound: Inbound) -> BoxFuture<'_, Result<Receipt, Refusal>> {
        let answer = match inbound.text() {
            Some("empty") => Err(Refusal::Empty),
            Some("disk full") => Err(JournalError::Store("no space left".into()).into()),
            Some("code") => Ok(Receipt::Answered("You are in.".to_owned())),
            _ => Ok(Receipt::Accepted),
        };
        self.0.lock().unwrap().push(inbound);
        Box::pin(async { answer })
    }
}

/// A bot on a small server.
pub(super) struct Bot {
    pub(super) fake: Fake,
    pub(super) sink: Arc<FakeSink>,
    pub(super) egress: PostboxEgress,
    pub(super) stop: CancellationToken,
    pub(super) running: JoinHandle<Result<(), ConnectorError>>,
}

impl Bot {
    pub(super) async fn start() -> Self {
        let fake = Fake::start().await.unwrap();
        let config = Config { address: Some(fake.address()), silence_secs: 1 };
        let (ingress, egress) = connect(config, "Mira").unwrap();
        let (sink, stop) = (Arc::new(FakeSink::default()), CancellationToken::new());
        let (given, told) = (sink.clone(), stop.clone());
        let running = tokio::spawn(async move {
            // As the host does it, but for the pauses.
            loop {
                match ingress.run(given.clone(), told.clone()).await {
                    Err(ConnectorError::Lost(_)) => sleep(Duration::from_millis(50)).await,
                    ended => return ended,
                }
            }
        });
        fake.ready().await.unwrap();
        Self { fake, sink, egress, stop, running }
    }

    pub(super) async fn say(&self, text: &str) -> Heard {
        let [channel, id, sender] = ["den", "7", "ann"].map(str::to_owned);
        self.fake.act(&Act { channel, id, sender, deed: Deed::Say(text.to_owned()) }).await
    }

    /// Says something that is not acknowledged, and breaks the connection once `seen`: that ends the server's wait.
    pub(super) async fn say_and_break(&self, text: &str, seen: impl Fn() -> bool) -> Heard {
        let breaking = async {
            until(seen).await;
            self.fake.disconnect();
        };
        tokio::join!(self.say(text), breaking).0
    }

    /// How many events the sink was given.
    pub(super) fn heard(&self) -> usize {
        self.sink.0.lock().unwrap().len()
    }

    pub(super) fn shown(&self) -> Vec<String> {
        self.fake.shown("den").into_iter().map(|shown| shown.text).collect()
    }
}

/// Waits until something holds, though not for ever.
pub(super) async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(10), waiting).await.expect("it holds within ten seconds");
}
