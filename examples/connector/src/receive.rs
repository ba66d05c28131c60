//! The receiving half: one connection, from its first line to its last. In: the server's lines. Out: events for the sink, and for the
//! sending half what the server says of its messages. What replies look like is `encode`'s matter.

mod hand_on;
mod understand;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use loquat_contract::{BoxFuture, CancellationToken, ConnectorError, Delivery, Ingress, MessageId, Sink};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpStream, tcp::OwnedReadHalf};
use tokio::sync::mpsc;
use tokio::time::{interval, timeout};

use crate::PLATFORM;
use crate::deliver::{Connection, Link, Unwritten, refused};
use crate::wire::{BotLine, Happened, ServerLine};

use hand_on::HandOn;

#[cfg(test)]
pub(crate) use understand::understand;

/// How long replies to accepted messages are waited for after a stop.
const GRACE: Duration = Duration::from_secs(10);
/// How many events may wait for the sink before nothing more is read.
const WAITING: usize = 256;

/// The receiving half of Postbox.
pub struct PostboxIngress {
    address: String,
    bot: String,
    link: Arc<Link>,
    was_connected: AtomicBool,
}

impl PostboxIngress {
    pub(crate) fn new(address: String, bot: &str, link: Arc<Link>) -> Self {
        Self { address, bot: bot.to_owned(), link, was_connected: AtomicBool::new(false) }
    }

    async fn serve(&self, sink: &dyn Sink, stop: &CancellationToken) -> Result<(), ConnectorError> {
        let socket = tokio::select! {
            socket = TcpStream::connect(&self.address) => socket,
            () = stop.cancelled() => return Ok(()),
        };
        let socket = socket.map_err(|error| lost(format!("{} cannot be reached ({error})", self.address)))?;
        let (reading, writing) = socket.into_split();
        let open = self.link.open(writing);
        if self.was_connected.swap(true, Ordering::SeqCst) {
            sink.reconnected().await;
        }
        let (events, waiting) = mpsc::channel(WAITING);
        let hand_on = HandOn { bot: &self.bot, link: &self.link, connection: &open.connection, sink };
        // No tasks: when this future is dropped, all of it ends.
        tokio::select! {
            ended = listen(reading, &open.connection, events, sink) => ended,
            ended = hand_on.run(waiting) => ended,
            ended = ping(&open.connection, self.link.silence / 5) => ended,
            () = self.finish(stop) => Ok(()),
        }
    }

    /// Returns after a stop, once every accepted question has its reply. What is still owed after the grace is delivered by the
    /// next process.
    async fn finish(&self, stop: &CancellationToken) {
        stop.cancelled().await;
        let _ = timeout(GRACE, self.link.all_settled()).await;
    }
}

impl Ingress for PostboxIngress {
    fn run<'a>(
        &'a self,
        sink: Arc<dyn Sink>,
        stop: CancellationToken,
    ) -> BoxFuture<'a, Result<(), ConnectorError>> {
        Box::pin(async move { self.serve(&*sink, &stop).await })
    }
}

/// Reads until the connection ends.
async fn listen(
    reading: OwnedReadHalf,
    connection: &Connection,
    events: mpsc::Sender<Happened>,
    sink: &dyn Sink,
) -> Result<(), ConnectorError> {
    let mut lines = BufReader::new(reading).lines();
    while let Some(line) = lines.next_line().await.map_err(Unwritten::from)? {
        // Whatever it says, it is alive.
        sink.alive();
        match serde_json::from_str(&line) {
            Ok(ServerLine::Event(event)) => {
                // It is closed only when this future is dropped too.
                let _ = events.send(event).await;
            }
            Ok(ServerLine::Sent { key, id }) => {
                connection.answered(&key, Delivery::Sent { id: Some(MessageId(id)) });
            }
            Ok(ServerLine::Refused { key, code, retry_after_ms }) => {
                connection.answered(&key, refused(code, retry_after_ms));
            }
            Ok(ServerLine::Ping(number)) => connection.write(&BotLine::Pong(number)).await?,
            Ok(ServerLine::Pong(_)) => {}
            // A newer server may say more than this connector knows.
            Err(error) => tracing::debug!(line, %error, "a line without meaning"),
        }
    }
    Err(lost("the server closed the connection"))
}

/// Asks for signs of life. The host ends a connection that gives none.
async fn ping(connection: &Connection, every: Duration) -> Result<(), ConnectorError> {
    let (mut ticks, mut number) = (interval(every), 0);
    loop {
        ticks.tick().await;
        number += 1;
        connection.write(&BotLine::Ping(number)).await?;
    }
}

fn lost(reason: impl Into<String>) -> ConnectorError {
    ConnectorError::Lost(format!("{PLATFORM}: {}", reason.into()))
}

impl From<Unwritten> for ConnectorError {
    fn from(error: Unwritten) -> Self {
        lost(error.to_string())
    }
}
