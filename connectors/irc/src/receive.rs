//! The receiving half: one connection from its first line to its last. In: lines of a server. Out: events for the sink, and for
//! the sending half the link and what the server says of its lines. What replies look like is `encode`'s matter.

mod hand_on;
mod session;
mod transport;
mod understand;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use irc_proto::Message;
use loquat_contract::{BotCard, BoxFuture, CancellationToken, ConnectorError, Ingress, Sink};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, interval_at, sleep, timeout};

use crate::Config;
use crate::deliver::{Link, Live, Outgoing, Shared};

pub(crate) use hand_on::Handed;
pub(crate) use session::{Effect, Session};
pub(crate) use transport::Dial;
pub(crate) use understand::LineIds;

use hand_on::hand_on;
use session::ALIVE;
use transport::Lines;

/// How long the greetings may take, from connecting to the end of the server's message of the day.
const GREETINGS: Duration = Duration::from_secs(60);
/// How long replies to accepted messages are waited for after a stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long the server may take to say goodbye.
const GOODBYE: Duration = Duration::from_millis(500);
/// How many events may wait for the sink before nothing more is read.
const WAITING: usize = 256;

/// The receiving half of IRC.
pub struct IrcIngress {
    config: Arc<Config>,
    bot: BotCard,
    dial: Dial,
    shared: Arc<Shared>,
    was_connected: AtomicBool,
    ids: Arc<LineIds>,
}

impl IrcIngress {
    pub(crate) fn new(config: Config, bot: BotCard, dial: Dial, shared: Arc<Shared>) -> Self {
        let (config, ids) = (Arc::new(config), Arc::new(LineIds::new()));
        Self { config, bot, dial, shared, was_connected: AtomicBool::new(false), ids }
    }

    async fn serve(&self, sink: Arc<dyn Sink>, stop: CancellationToken) -> Result<(), ConnectorError> {
        let stream = tokio::select! {
            stream = self.dial.open() => stream?,
            () = stop.cancelled() => return Ok(()),
        };
        let (reading, writing) = tokio::io::split(stream);
        let (link, outgoing) = Link::new();
        let (events, handed) = mpsc::channel(WAITING);
        let greeted = Notify::new();
        let connection = async {
            // Whoever waits for a delivery learns of the end at once, whatever still waits for the sink.
            let live = Live::new(self.shared.clone(), link.clone());
            tokio::select! {
                ended = self.listen(Lines::new(reading), &live, &link, &greeted, events, &*sink) => ended,
                ended = write(writing, outgoing) => ended,
                ended = keep_alive(&link, &greeted, &self.config) => ended,
                () = finish(&stop, &link) => Ok(()),
            }
        };
        // What was read is still handed on when the connection is gone.
        let (ended, ()) = futures::join!(connection, hand_on(handed, &*sink, &link, &self.shared));
        match stop.is_cancelled() {
            true => Ok(()),
            false => ended,
        }
    }

    /// Reads until the connection ends.
    async fn listen(
        &self,
        mut lines: Lines<impl AsyncRead + Unpin>,
        live: &Live,
        link: &Link,
        greeted: &Notify,
        events: mpsc::Sender<Handed>,
        sink: &dyn Sink,
    ) -> Result<(), ConnectorError> {
        let mut session =
            Session::new(self.config.clone(), &self.bot, self.ids.clone(), self.shared.accounts.clone());
        link.write(session.greetings());
        loop {
            let line = match lines.next().await {
                Ok(Some(line)) => line,
                Ok(None) => return Err(lost("the server closed the connection")),
                Err(error) => return Err(lost(format!("the connection broke ({error})"))),
            };
            link.hear();
            sink.alive();
            let Ok(message) = line.parse::<Message>() else {
                tracing::debug!(line, "a line that is no IRC");
                continue;
            };
            for effect in session.hear(&message) {
                match effect {
                    Effect::Write(lines) => link.write(lines),
                    Effect::Live => {
                        live.open();
                        greeted.notify_one();
                        if self.was_connected.swap(true, Ordering::SeqCst) {
                            sink.reconnected().await;
                        }
                    }
                    Effect::Hand(handed) => {
                        if handed.inbound.text().is_some() {
                            link.owes(handed.inbound.id.clone());
                        }
                        // It is closed only when this future is dropped too.
                        let _ = events.send(*handed).await;
                    }
                    Effect::Confirmed(token) => link.confirmed(&token),
                    Effect::Refused { target, delivery, words } => {
                        let is_target = |to: &str| target.as_ref().is_none_or(|name| session.same(name, to));
                        if !link.refused(is_target, delivery) {
                            tracing::warn!("IRC: {words}");
                        }
                    }
                    Effect::End(error) => return Err(error),
                }
            }
        }
    }
}

impl Ingress for IrcIngress {
    fn run<'a>(
        &'a self,
        sink: Arc<dyn Sink>,
        stop: CancellationToken,
    ) -> BoxFuture<'a, Result<(), ConnectorError>> {
        Box::pin(self.serve(sink, stop))
    }
}

fn lost(reason: impl Into<String>) -> ConnectorError {
    ConnectorError::Lost(format!("IRC: {}", reason.into()))
}

/// Writes what both halves say. Lines that are given together are written together.
async fn write(
    mut writing: impl AsyncWrite + Unpin,
    mut outgoing: mpsc::UnboundedReceiver<Outgoing>,
) -> Result<(), ConnectorError> {
    while let Some(next) = outgoing.recv().await {
        if !next.begin() {
            continue;
        }
        let written = async {
            writing.write_all(next.lines.as_bytes()).await?;
            writing.flush().await
        };
        written.await.map_err(|error| lost(format!("the connection broke ({error})")))?;
    }
    Ok(())
}

/// Asks the server for a sign of life, and ends a connection that gives none where one is due.
async fn keep_alive(link: &Link, greeted: &Notify, config: &Config) -> Result<(), ConnectorError> {
    if timeout(GREETINGS, greeted.notified()).await.is_err() {
        return Err(lost("the server did not finish its greetings within a minute"));
    }
    let mut every = interval_at(Instant::now() + config.ping(), config.ping());
    let asking = async {
        loop {
            every.tick().await;
            link.write(format!("PING :{ALIVE}\r\n"));
        }
    };
    tokio::select! {
        () = asking => Ok(()),
        () = link.given_up() => Err(lost("the server has gone silent")),
    }
}

/// Returns after a stop, once every accepted message has its reply, or no longer can be waited for.
async fn finish(stop: &CancellationToken, link: &Link) {
    stop.cancelled().await;
    // Past the grace there is nothing better to do than to leave with replies still owed.
    let _ = timeout(GRACE, link.all_answered()).await;
    link.write("QUIT :stopping\r\n");
    sleep(GOODBYE).await;
}
