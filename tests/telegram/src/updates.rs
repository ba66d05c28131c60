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
    /// How many are waiting for an answer now.
    pub(crate) polling: usize,
    /// Polls that ended without an answer.
    pub(crate) abandoned: usize,
}

impl Default for Queue {
    fn default() -> Self {
        Self { next: 482_001, waiting: VecDeque::new(), allowed: None, poll: 0, polling: 0, abandoned: 0 }
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

    /// What an offset says: all before it are acknowledged, and those after it that were handed over are asked for again.
    fn acknowledge(&mut self, offset: i64) -> Vec<Update> {
        let from = if offset < 0 {
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
    let wait = params.number("timeout").unwrap_or(0).clamp(0, 50);
    let deadline = Instant::now() + Duration::from_secs(wait.unsigned_abs());
    let limit = match params.number("limit").unwrap_or(100) {
        limit @ 1..=100 => limit.unsigned_abs() as usize,
        _ => 100,
    };
    let mut changed = shared.changed();
    let mine = {
        let mut world = shared.world();
        if world.webhook.is_some() {
            return Err(Refusal::conflict(
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
            ));
        }
        world.queue.allow(params)?;
        let gone = world.queue.acknowledge(params.number("offset").unwrap_or(0));
        world.forget(gone);
        world.queue.poll += 1;
        world.queue.polling += 1;
        world.queue.poll
    };
    let mut poll = Poll { shared, answered: false };
    loop {
        let found = {
            let mut world = shared.world();
            if world.webhook.is_some() {
                Some(Err(Refusal::conflict("terminated by setWebhook request")))
            } else if world.queue.poll != mine {
                Some(Err(Refusal::conflict(
                    "terminated by other getUpdates request; make sure that only one bot instance is running",
                )))
            } else if !world.queue.waiting.is_empty() || Instant::now() >= deadline {
                Some(Ok(take(&mut world, limit)))
            } else {
                None
            }
        };
        if let Some(answer) = found {
            poll.answered = true;
            return answer;
        }
        // Whether it was a change or the deadline shows above.
        let _ = tokio::time::timeout_at(deadline, changed.changed()).await;
    }
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
