//! One shard: one connection after the other. In: frames. Out: events, in the order in which they came, into the queues to the sink. It
//! goes on reading while the sink is busy, as long as the queues have room, and sends heartbeats even when they have none.

use std::sync::Arc;
use std::time::Duration;

use loquat_contract::{CancellationToken, ConnectorError, Sink};
use serde_json::Value;
use serenity::model::id::ChannelId;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep, sleep_until};

use super::progress::Mark;
use super::session::{Effect, Ending, Session};
use super::socket::{Dial, Socket};
use super::starts::Starts;
use crate::shared::{Place, Shared, id_in};

/// How long Discord may take to say hello, and after that to begin or resume a session.
const GREETING: Duration = Duration::from_secs(30);
/// How long a connection that is worth its name lasts, and after how many shorter ones in a row there are pauses.
const SHORT: Duration = Duration::from_secs(5);
const SHORT_ONES: u32 = 5;
/// How many sessions in a row may end before they begin.
const FALSE_STARTS: u32 = 2;

/// Events that are handed on.
const HANDED_ON: [&str; 6] = [
    "MESSAGE_CREATE",
    "MESSAGE_UPDATE",
    "MESSAGE_DELETE",
    "MESSAGE_DELETE_BULK",
    "MESSAGE_REACTION_ADD",
    "MESSAGE_REACTION_REMOVE",
];
/// Commands and buttons. They want an answer within seconds, and so have a queue of their own.
const INTERACTION: &str = "INTERACTION_CREATE";

/// Something for the sink.
pub(super) struct Item {
    pub(super) mark: Mark,
    pub(super) what: What,
}

/// What it is.
pub(super) enum What {
    /// A new session began, so that messages may have been missed.
    Begun,
    Event {
        name: String,
        data: Value,
        /// Where it happened, as that was then: by the time that the sink gets to it, the bot may have come into a thread.
        place: Option<Place>,
    },
}

/// The two queues.
#[derive(Clone)]
pub(super) struct Queues {
    pub(super) ordinary: Sender<Item>,
    pub(super) urgent: Sender<Item>,
}

/// What a shard works with.
pub(super) struct Shard<'a> {
    pub(super) session: Session,
    pub(super) shared: &'a Shared,
    pub(super) dial: &'a Dial,
    pub(super) starts: &'a Starts,
    pub(super) gateway: &'a str,
    pub(super) queues: Queues,
    pub(super) sink: Arc<dyn Sink>,
    pub(super) stop: CancellationToken,
}

/// How a connection ended, and whether a session was under way.
struct Ended {
    how: Ending,
    was_live: bool,
}

impl Shard<'_> {
    /// Connects until the bot stops, a connection cannot be had, or a person has to act.
    pub(super) async fn live(self) -> Result<(), ConnectorError> {
        let (mut false_starts, mut short_ones) = (0, 0);
        loop {
            let resumable = self.session.memory.resumable();
            let url = resumable.as_ref().and_then(|(resumable, _)| resumable.url.as_deref());
            let url = url.unwrap_or(self.gateway);
            let opened = tokio::select! {
                opened = self.dial.open(url) => opened,
                () = self.stop.cancelled() => return Ok(()),
            };
            let socket = opened.map_err(|reason| {
                self.session.memory.forget_url();
                lost(reason)
            })?;
            let begun = Instant::now();
            let Some(Ended { how, was_live }) = self.connection(socket).await else { return Ok(()) };
            if !was_live {
                self.session.memory.forget_url();
            }
            false_starts = if was_live { 0 } else { false_starts + 1 };
            short_ones = if begun.elapsed() < SHORT { short_ones + 1 } else { 0 };
            let (reason, waits) = match how {
                Ending::Stop(reason) => return Err(ConnectorError::Stop(reason)),
                Ending::Resume(reason) => (reason, short_ones >= SHORT_ONES),
                Ending::Renew(reason) => {
                    self.session.memory.end();
                    (reason, true)
                }
            };
            if waits {
                // Discord asks for a pause of one to five seconds, different for each.
                tokio::select! {
                    () = sleep(Duration::from_secs_f64(1.0 + 4.0 * chance())) => {}
                    () = self.stop.cancelled() => return Ok(()),
                }
            }
            if false_starts >= FALSE_STARTS {
                return Err(lost(reason));
            }
            tracing::info!(shard = self.session.shard.0, reason, "Discord: connecting again");
        }
    }

    /// One connection; `None` when the bot stops.
    async fn connection(&self, mut socket: Socket) -> Option<Ended> {
        let session = &self.session;
        let mut greeted_by = Some(Instant::now() + GREETING);
        let (mut every, mut next_beat) = (Duration::MAX, None::<Instant>);
        let (mut was_live, mut is_answered, mut wants_identify) = (false, true, false);
        let mut waiting: Option<Item> = None;
        let mut permit = std::pin::pin!(self.starts.permit(session.shard.0));
        let broken = |reason: &str| Ending::Resume(reason.to_owned());
        let how = loop {
            let queue = self.queue(waiting.as_ref());
            let frame = tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    socket.close().await;
                    return None;
                }
                () = at(next_beat) => {
                    // What is not read because the sink is busy is nobody's silence.
                    if !is_answered && waiting.is_none() {
                        break broken("the gateway does not answer heartbeats");
                    }
                    if waiting.is_some() {
                        self.sink.alive();
                    }
                    is_answered = waiting.is_some();
                    next_beat = Some(Instant::now() + every);
                    if let Err(closed) = socket.send(&session.heartbeat()).await {
                        break session.closed(closed);
                    }
                    continue;
                }
                () = at(greeted_by) => break broken("the gateway does not greet"),
                may_begin = &mut permit, if wants_identify => {
                    if !may_begin {
                        break broken("no session may begin any more today");
                    }
                    wants_identify = false;
                    greeted_by = Some(Instant::now() + GREETING);
                    if let Err(closed) = socket.send(&session.identify()).await {
                        break session.closed(closed);
                    }
                    continue;
                }
                room = queue.reserve(), if waiting.is_some() => {
                    match (room, waiting.take()) {
                        (Ok(room), Some(item)) => room.send(item),
                        // Nobody takes anything any more, so the run is over.
                        _ => return None,
                    }
                    continue;
                }
                frame = socket.next(), if waiting.is_none() => frame,
            };
            self.sink.alive();
            let frame = match frame {
                Ok(frame) => frame,
                Err(closed) => break session.closed(closed),
            };
            let mut ending = None;
            for effect in session.hear(frame) {
                let sent = match effect {
                    Effect::Send(value) => socket.send(&value).await,
                    Effect::Beat => socket.send(&session.heartbeat()).await,
                    Effect::Identify => {
                        (wants_identify, greeted_by) = (true, None);
                        Ok(())
                    }
                    // Two greetings are one too many: there is no second session on one connection.
                    Effect::Beats(_) if next_beat.is_some() => {
                        ending = Some(Ending::Resume("the gateway greets twice".to_owned()));
                        break;
                    }
                    Effect::Beats(period) => {
                        every = period;
                        // Not all clients at once.
                        next_beat = Some(Instant::now() + period.mul_f64(chance()));
                        Ok(())
                    }
                    Effect::Answered => {
                        is_answered = true;
                        Ok(())
                    }
                    Effect::Begun { number, me, guilds } => {
                        (was_live, greeted_by) = (true, None);
                        tracing::info!(shard = session.shard.0, bot = me.name, "Discord: connected");
                        self.shared.i_am(me);
                        self.shared.places.await_guilds(guilds);
                        waiting = Some(self.begun(number));
                        Ok(())
                    }
                    Effect::Resumed { number } => {
                        (was_live, greeted_by) = (true, None);
                        tracing::info!(shard = session.shard.0, "Discord: the session goes on");
                        match session.memory.owes_backfill() {
                            true => waiting = Some(self.begun(number)),
                            false => session.memory.read(number).done(),
                        }
                        Ok(())
                    }
                    Effect::Event { number, name, data } => {
                        waiting = self.event(number, name, data);
                        Ok(())
                    }
                    Effect::End(how) => {
                        ending = Some(how);
                        Ok(())
                    }
                };
                if let Err(closed) = sent {
                    ending = Some(session.closed(closed));
                }
            }
            if let Some(how) = ending {
                break how;
            }
        };
        if let Some(item) = waiting {
            let queue = self.queue(Some(&item));
            // The queue is gone only with the run.
            let _ = queue.send(item).await;
        }
        Some(Ended { how, was_live })
    }

    fn queue(&self, item: Option<&Item>) -> &Sender<Item> {
        match item.map(|item| &item.what) {
            Some(What::Event { name, .. }) if name == INTERACTION => &self.queues.urgent,
            _ => &self.queues.ordinary,
        }
    }

    fn begun(&self, number: u64) -> Item {
        Item { mark: self.session.memory.read(number), what: What::Begun }
    }

    /// What there is to hand on of an event.
    fn event(&self, number: u64, name: String, data: Value) -> Option<Item> {
        let mark = self.session.memory.read(number);
        if let Some(me) = self.shared.known_me() {
            self.shared.places.learn(&name, &data, me.id);
        }
        if HANDED_ON.contains(&name.as_str()) || name == INTERACTION {
            let channel = id_in(&data, "channel_id").map(ChannelId::new);
            let place = channel.and_then(|channel| self.shared.places.find(channel));
            return Some(Item { mark, what: What::Event { name, data, place } });
        }
        mark.done();
        None
    }
}

fn lost(reason: String) -> ConnectorError {
    ConnectorError::Lost(format!("Discord: {reason}"))
}

/// Returns at a moment; never where there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// A number from 0 to 1, another each time.
fn chance() -> f64 {
    let drawn = getrandom::u32().unwrap_or(u32::MAX / 2);
    f64::from(drawn) / f64::from(u32::MAX)
}
