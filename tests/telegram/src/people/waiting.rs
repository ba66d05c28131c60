//! Waiting: for a bot that is connected, for its acknowledgement, for anything that can be seen.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::Telegram;

/// What is known of the bot having an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It asked for later updates, or its webhook answered with 2xx. Telegram will not deliver this one again.
    Acknowledged,
    /// It had the update and asked for it once more, or its webhook refused it. Telegram goes on delivering.
    Refused,
    /// It has no connection any more, or nobody answers at its webhook's address. Telegram delivers again when it is back.
    Gone,
}

impl Telegram {
    /// Waits until something can be seen, at most for [`Options::patience`](crate::Options::patience).
    ///
    /// # Errors
    /// When it does not happen.
    pub async fn until<T>(&self, what: &str, seen: impl Fn(&Self) -> Option<T>) -> anyhow::Result<T> {
        let deadline = Instant::now() + self.shared.options.patience;
        let mut changed = self.shared.changed();
        loop {
            if let Some(found) = seen(self) {
                return Ok(found);
            }
            // What fades or ends by time alone is looked for too.
            let soon = (Instant::now() + Duration::from_millis(100)).min(deadline);
            let waited = timeout_at(soon, changed.changed()).await;
            if waited.is_err() && Instant::now() >= deadline {
                anyhow::bail!("this did not happen in {:?}: {what}", self.shared.options.patience);
            }
        }
    }

    /// Waits until a bot is connected: a `getUpdates` is waiting, or a webhook is set.
    ///
    /// # Errors
    /// When none comes.
    pub async fn ready(&self) -> anyhow::Result<()> {
        self.until("a bot is connected", |telegram| {
            let world = telegram.shared.world();
            (world.queue.polling > 0 || world.webhook.is_some()).then_some(())
        })
        .await
    }

    /// Waits until the bot has acknowledged an update, or it is clear that it did not.
    ///
    /// # Errors
    /// When neither happens.
    pub async fn heard(&self, update: i64) -> anyhow::Result<Heard> {
        let start = self.refusals(update).unwrap_or_default();
        let gone_after = self.shared.options.gone_after;
        let begun = Instant::now();
        self.until("the bot acknowledges the update", |telegram| {
            let Some((refused, unreachable)) = telegram.refusals(update) else {
                return Some(Heard::Acknowledged);
            };
            if refused > start.0 {
                return Some(Heard::Refused);
            }
            let polls = telegram.shared.world().webhook.is_none();
            let silent = polls
                && begun.elapsed() > gone_after
                && telegram.shared.wires.silent_for().is_some_and(|silent| silent > gone_after);
            (unreachable > start.1 || silent).then_some(Heard::Gone)
        })
        .await
    }

    /// How often an update was refused, and could not be delivered; `None` once it is acknowledged.
    fn refusals(&self, update: i64) -> Option<(u32, u32)> {
        let world = self.shared.world();
        let waiting = world.queue.waiting.iter().find(|waiting| waiting.id == update)?;
        Some((waiting.refused, waiting.unreachable))
    }

    /// Whether the bot has acknowledged an update.
    pub fn is_acknowledged(&self, update: i64) -> bool {
        self.refusals(update).is_none()
    }

    /// Delivers an acknowledged update once more, with the same number, as Telegram may when it has lost the acknowledgement.
    ///
    /// # Errors
    /// When there is no such update.
    pub fn deliver_again(&self, update: i64) -> anyhow::Result<()> {
        let mut world = self.shared.world();
        let Some(at) = world.acknowledged.iter().position(|known| known.id == update) else {
            anyhow::bail!("update {update} was not acknowledged; only such updates can be delivered again");
        };
        let again = world.acknowledged.swap_remove(at);
        world.queue.push_again(again);
        Ok(())
    }
}
