//! What the bot is told: a queue of updates, each kept until the bot has acknowledged it. In go what people do; out come the
//! answers of `getUpdates`. The webhook takes from the same queue.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::refusal::Refusal;
use crate::request::Params;
use crate::server::Shared;
use crate::world::World;

/// The kinds that a bot gets only when it asks for them.
const ONLY_ASKED: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];

/// How long the server takes to tell of a conflict that follows another.
const CONFLICT_PAUSE: Duration = Duration::from_secs(3);

const WEBHOOK_ACTIVE: &str =
    "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";

/// Why the older of two polls ends.
pub(crate) const OTHER_POLL: &str =
    "terminated by other getUpdates request; make sure that only one bot instance is running";

/// An update that is not acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub(crate) id: i64,
    pub(crate) body: Value,
    /// How often it was handed over.
    pub(crate) handed: u32,
    /// How often the bot, having had it, asked for it again or refused it.
    pub(crate) refused: u32,
    /// How often nobody answered at the webhook's address.
    pub(crate) unreachable: u32,
}

pub(crate) struct Queue {
    next: i64,
    pub(crate) waiting: VecDeque<Update>,
    /// The kinds that the bot asked for; `None` for the usual ones.
    pub(crate) allowed: Option<Vec<String>>,
    /// Grows with every `getUpdates`, so that the older one notices.
    pub(crate) poll: u64,
    /// The offset of the last one, and when it came.
    last: Option<(i64, Instant)>,
    next_conflict: Option<Instant>,
    /// How many are waiting for an answer now.
    pub(crate) polling: usize,
    /// Polls that ended without an answer.
    pub(crate) abandoned: usize,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            next: 482_001,
            waiting: VecDeque::new(),
            allowed: None,
            poll: 0,
            last: None,
            next_conflict: None,
            polling: 0,
            abandoned: 0,
        }
    }
}

impl Queue {
    pub(crate) fn wants(&self, kind: &str) -> bool {
        match &self.allowed {
            Some(kinds) => kinds.iter().any(|wanted| wanted == kind),
            None => !ONLY_ASKED.contains(&kind),
        }
    }

    /// Queues an update, if the bot wants this kind.
    pub(crate) fn push(&mut self, kind: &str, content: Value) -> Option<i64> {
        if !self.wants(kind) {
            return None;
        }
        let id = self.next;
        self.next += 1;
        let mut body = json!({"update_id": id});
        body[kind] = content;
        self.waiting.push_back(Update { id, body, handed: 0, refused: 0, unreachable: 0 });
        Some(id)
    }

    /// Puts an update that was acknowledged there again, as happens when Telegram loses an acknowledgement.
    pub(crate) fn push_again(&mut self, update: Update) {
        let at = self.waiting.partition_point(|waiting| waiting.id < update.id);
        self.waiting.insert(at, update);
    }

    /// Sets the kinds, where a method names some.
    pub(crate) fn allow(&mut self, params: &Params) -> Result<(), Refusal> {
        let Some(kinds) = params.json("allowed_updates")? else { return Ok(()) };
        let Some(kinds) = kinds.as_array() else {
            return Err(Refusal::bad("can't parse allowed updates: Expected an Array"));
        };
        let kinds: Vec<String> = kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        self.allowed = (!kinds.is_empty()).then_some(kinds);
        Ok(())
    }

    /// For how long a poll may wait, and how many updates it gets at most. The server holds up a bot that asks for the same again and
    /// again: within three seconds it waits for three at least, within half a second it gets only one.
    fn patience(&mut self, params: &Params, offset: i64) -> (Duration, usize) {
        let mut wait = params.number("timeout").unwrap_or(0).clamp(0, 50);
        let mut limit = params.number("limit").unwrap_or(100).clamp(1, 100);
        let now = Instant::now();
        if let Some((before, at)) = self.last.replace((offset, now))
            && before == offset
        {
            if now < at + Duration::from_secs(3) {
                wait = wait.max(3);
            }
            if now < at + Duration::from_millis(500) {
                limit = 1;
            }
        }
        (Duration::from_secs(wait.unsigned_abs()), usize::try_from(limit).unwrap_or(100))
    }

    /// What an offset says: all before it are acknowledged, and those after it that were handed over are asked for again.
    fn acknowledge(&mut self, offset: i64) -> Vec<Update> {
        let from = if offset > self.next {
            // One that was never reached says nothing.
            0
        } else if offset < 0 {
            let keep = usize::try_from(-offset).unwrap_or(usize::MAX);
            self.waiting.len().saturating_sub(keep)
        } else {
            self.waiting.partition_point(|update| update.id < offset)
        };
        let gone = self.waiting.drain(..from).collect();
        for update in self.waiting.iter_mut().filter(|update| update.handed > 0) {
            update.refused += 1;
        }
        gone
    }
}

/// Counts a poll for as long as its connection lives.
struct Poll<'a> {
    shared: &'a Shared,
    answered: bool,
}

impl Drop for Poll<'_> {
    fn drop(&mut self) {
        let mut world = self.shared.world();
        world.queue.polling -= 1;
        world.queue.abandoned += usize::from(!self.answered);
    }
}

/// `getUpdates`, which waits until there is something.
pub(crate) async fn get_updates(shared: &Shared, params: &Params) -> Result<Value, Refusal> {
    let mut changed = shared.changed();
    let has_webhook = shared.world().webhook.is_some();
    if has_webhook {
        return Err(conflict(shared, WEBHOOK_ACTIVE).await);
    }
    let (mine, limit, deadline) = {
        let mut world = shared.world();
        world.queue.allow(params)?;
        let offset = params.number("offset").unwrap_or(0);
        let (wait, limit) = world.queue.patience(params, offset);
        let gone = world.queue.acknowledge(offset);
        world.forget(gone);
        if wait.is_zero() || !world.queue.waiting.is_empty() {
            return Ok(take(&mut world, limit));
        }
        // Only a poll that has to wait ends the one that waits already.
        world.queue.poll += 1;
        world.queue.polling += 1;
        (world.queue.poll, limit, Instant::now() + wait)
    };
    let mut poll = Poll { shared, answered: false };
    loop {
        let found = {
            let mut world = shared.world();
            if world.webhook.is_some() {
                Some(Err("terminated by setWebhook request"))
            } else if world.queue.poll != mine {
                Some(Err(OTHER_POLL))
            } else if !world.queue.waiting.is_empty() || Instant::now() >= deadline {
                Some(Ok(take(&mut world, limit)))
            } else {
                None
            }
        };
        if let Some(answer) = found {
            poll.answered = true;
            drop(poll);
            return match answer {
                Ok(updates) => Ok(updates),
                Err(why) => Err(conflict(shared, why).await),
            };
        }
        // Whether it was a change or the deadline shows above.
        let _ = tokio::time::timeout_at(deadline, changed.changed()).await;
    }
}

/// A conflict is told at once, and another within three seconds only after three.
async fn conflict(shared: &Shared, why: &str) -> Refusal {
    let now = Instant::now();
    let soon = {
        let mut world = shared.world();
        let soon = world.queue.next_conflict.is_some_and(|next| now < next);
        if !soon {
            world.queue.next_conflict = Some(now + CONFLICT_PAUSE);
        }
        soon
    };
    if soon {
        tokio::time::sleep(CONFLICT_PAUSE).await;
    }
    Refusal::conflict(why)
}

fn take(world: &mut World, limit: usize) -> Value {
    world
        .queue
        .waiting
        .iter_mut()
        .take(limit)
        .map(|update| {
            update.handed += 1;
            update.body.clone()
        })
        .collect()
}
