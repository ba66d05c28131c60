//! How fast a platform is spoken to. In: its pace. Out: waits before a delivery, for the conversation and for the platform as a whole.

use std::time::Duration;

use governor::clock::DefaultClock;
use governor::state::{InMemoryState, NotKeyed};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use loquat_contract::{ConversationId, Pace};

/// How many conversations are remembered before those that are quiet are forgotten.
const TIDY: usize = 4096;

/// Makes deliveries wait for their turn.
pub(crate) struct Throttle {
    conversations: Option<DefaultKeyedRateLimiter<ConversationId>>,
    overall: Option<RateLimiter<NotKeyed, InMemoryState, DefaultClock>>,
}

fn quota(pause: Duration) -> Option<Quota> {
    Quota::with_period(pause)
}

impl Throttle {
    pub(crate) fn new(pace: Pace) -> Self {
        Self {
            conversations: quota(pace.per_conversation).map(RateLimiter::keyed),
            overall: quota(pace.overall).map(RateLimiter::direct),
        }
    }

    /// Returns when the platform may be spoken to.
    pub(crate) async fn turn(&self, conversation: &ConversationId) {
        if let Some(limit) = &self.conversations {
            limit.until_key_ready(conversation).await;
            if limit.len() > TIDY {
                limit.retain_recent();
            }
        }
        if let Some(limit) = &self.overall {
            limit.until_ready().await;
        }
    }
}
