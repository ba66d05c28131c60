//! How fast a platform is spoken to. In: its pace. Out: waits before a delivery, for the conversation and for the platform as a whole.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::DefaultClock;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use loquat_contract::ConversationId;
use tokio::time::Instant;

/// How many conversations are remembered before those that are quiet are forgotten.
const TIDY: usize = 4096;

/// Makes deliveries wait for their turn.
pub(crate) struct Throttle {
    /// When a conversation may be spoken to again. Its lane delivers one part after another, so nobody else waits for the same.
    ready: Mutex<HashMap<ConversationId, Instant>>,
    overall: Option<RateLimiter<NotKeyed, InMemoryState, DefaultClock>>,
}

impl Throttle {
    /// With this pause between any two messages.
    pub(crate) fn new(overall: Duration) -> Self {
        Self { ready: Mutex::default(), overall: Quota::with_period(overall).map(RateLimiter::direct) }
    }

    fn ready(&self) -> MutexGuard<'_, HashMap<ConversationId, Instant>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when the platform may be spoken to; the next message into this conversation comes no sooner than `pause` after that.
    pub(crate) async fn turn(&self, conversation: &ConversationId, pause: Duration) {
        let at = self.ready().get(conversation).copied();
        if let Some(at) = at {
            tokio::time::sleep_until(at).await;
        }
        if let Some(limit) = &self.overall {
            limit.until_ready().await;
        }
        if pause.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut ready = self.ready();
        if ready.len() > TIDY {
            ready.retain(|_, at| *at > now);
        }
        ready.insert(conversation.clone(), now + pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_conversation_has_its_own_pause() {
        let throttle = Throttle::new(Duration::ZERO);
        let of = |channel: &str| ConversationId {
            bot: "b".into(),
            platform: "p".into(),
            channel: channel.into(),
            thread: None,
        };
        let begun = Instant::now();
        for _ in 0..3 {
            throttle.turn(&of("private"), Duration::from_secs(1)).await;
        }
        assert_eq!(begun.elapsed().as_secs(), 2);
        for _ in 0..3 {
            throttle.turn(&of("group"), Duration::from_secs(3)).await;
        }
        assert_eq!(begun.elapsed().as_secs(), 8);
        throttle.turn(&of("private"), Duration::from_secs(1)).await;
        assert_eq!(begun.elapsed().as_secs(), 8, "the other one was waited for long enough");
    }
}
