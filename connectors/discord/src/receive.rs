//! The receiving half: shards of the gateway from their first frame to their last. In: events of Discord. Out: events for the sink. How
//! replies leave is `deliver`'s matter.

pub(crate) mod events;
mod hand_on;
mod progress;
mod session;
mod shard;
mod socket;
mod starts;
pub(crate) mod understand;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::try_join_all;
use loquat_contract::{BoxFuture, CancellationToken, ConnectorError, Ingress, Sink};
use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::rest::{Call, Route};
use crate::shared::Shared;

pub(crate) use session::intents;
pub(crate) use socket::Dial;

use hand_on::HandOn;
use progress::Memory;
use session::Session;
use shard::{Queues, Shard};
use starts::{Gateway, Starts};

/// How many events may wait for the sink before nothing more is read.
const WAITING: usize = 256;
/// The most shards that are believed in; the largest bots have less.
const MOST_SHARDS: u32 = 100_000;
/// How often the host hears that nothing is wrong while sessions have to wait.
const STILL_THERE: Duration = Duration::from_secs(20);

/// The receiving half of Discord.
pub struct DiscordIngress {
    dial: Dial,
    shared: Arc<Shared>,
    /// The sessions of each shard, by its number and how many there are.
    sessions: Mutex<HashMap<(u32, u32), Memory>>,
}

impl DiscordIngress {
    pub(crate) fn new(dial: Dial, shared: Arc<Shared>) -> Self {
        Self { dial, shared, sessions: Mutex::default() }
    }

    async fn serve(&self, sink: Arc<dyn Sink>, stop: CancellationToken) -> Result<(), ConnectorError> {
        let gateway: Gateway = tokio::select! {
            gateway = self.shared.rest.ask(Call::get(Route::gateway())) => gateway?,
            () = stop.cancelled() => return Ok(()),
        };
        let of = match self.shared.config.shards {
            0 => gateway.shards.max(1),
            shards => shards,
        };
        if of > MOST_SHARDS {
            return Err(match self.shared.config.shards {
                0 => ConnectorError::Lost(format!("Discord recommends {of} shards, which no bot has")),
                _ => ConnectorError::Stop(format!(
                    "connectors.discord.shards is {of}, which no bot has; set it to 0, for as many as Discord recommends"
                )),
            });
        }
        let memories = self.memories(of);
        let new = memories.iter().filter(|memory| memory.resumable().is_none()).count();
        if let Some(wait) = gateway.session_start_limit.wait(new) {
            let minutes = wait.as_secs().div_ceil(60);
            tracing::warn!("Discord allows no more sessions today; the bot waits for {minutes} minutes");
            tokio::select! {
                () = sleep(wait) => return Err(ConnectorError::Lost("Discord: sessions may begin again".to_owned())),
                () = stop.cancelled() => return Ok(()),
                never = still_there(&*sink) => match never {},
            }
        }
        let starts = Starts::new(gateway.session_start_limit, of);
        let (ordinary, ordinary_items) = mpsc::channel(WAITING);
        let (urgent, urgent_items) = mpsc::channel(WAITING);
        let shards: Vec<Shard<'_>> = (0..of)
            .zip(memories)
            .map(|(number, memory)| Shard {
                session: Session {
                    token: self.shared.config.token.clone().unwrap_or_else(|| SecretString::from("")),
                    shard: (number, of),
                    intents: intents(self.shared.config.message_content),
                    memory,
                },
                shared: &self.shared,
                dial: &self.dial,
                starts: &starts,
                gateway: &gateway.url,
                queues: Queues { ordinary: ordinary.clone(), urgent: urgent.clone() },
                sink: sink.clone(),
                stop: stop.clone(),
            })
            .collect();
        drop((ordinary, urgent));
        let hand_on = HandOn::new(&self.shared, &*sink);
        tokio::select! {
            ended = try_join_all(shards.into_iter().map(Shard::live)) => ended.map(|_| ()),
            ended = hand_on.all(ordinary_items) => ended,
            ended = hand_on.all(urgent_items) => ended,
        }
    }

    /// What is remembered of each shard. What an earlier run had read and not handed on comes again.
    fn memories(&self, of: u32) -> Vec<Memory> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|(_, count), _| *count == of);
        let memories: Vec<Memory> =
            (0..of).map(|number| sessions.entry((number, of)).or_default().clone()).collect();
        memories.iter().for_each(Memory::rewind);
        memories
    }
}

impl Ingress for DiscordIngress {
    fn run<'a>(
        &'a self,
        sink: Arc<dyn Sink>,
        stop: CancellationToken,
    ) -> BoxFuture<'a, Result<(), ConnectorError>> {
        Box::pin(self.serve(sink, stop))
    }
}

async fn still_there(sink: &dyn Sink) -> std::convert::Infallible {
    loop {
        sink.alive();
        sleep(STILL_THERE).await;
    }
}
