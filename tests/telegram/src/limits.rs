//! How fast a bot may write. In go calls; out comes how long to wait. The numbers are those of Telegram's FAQ for bots ("My bot is
//! hitting limits"), which allows "short bursts"; the number for drafts was measured by others on the real server.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::refusal::Refusal;
use crate::world::Kind;

/// The limits of one bot.
pub(crate) struct Pace {
    one: DefaultKeyedRateLimiter<i64>,
    group: DefaultKeyedRateLimiter<i64>,
    draft: DefaultKeyedRateLimiter<i64>,
    all: DefaultDirectRateLimiter,
    clock: DefaultClock,
}

impl Pace {
    /// The documented limits, `faster` times as fast.
    pub(crate) fn new(faster: f64) -> Option<Self> {
        let quota = |every: Duration, burst: u32| {
            let quota = Quota::with_period(every.div_f64(faster.max(0.001)))?;
            Some(quota.allow_burst(NonZeroU32::new(burst)?))
        };
        Some(Self {
            one: RateLimiter::keyed(quota(Duration::from_secs(1), 5)?),
            group: RateLimiter::keyed(quota(Duration::from_secs(3), 20)?),
            draft: RateLimiter::keyed(quota(Duration::from_millis(110), 25)?),
            all: RateLimiter::direct(quota(Duration::from_secs(1) / 30, 30)?),
            clock: DefaultClock::default(),
        })
    }

    /// Whether this call may happen now.
    pub(crate) fn check(&self, method: &str, chat: i64, kind: Kind) -> Result<(), Refusal> {
        let now = self.clock.now();
        let wait = if method.ends_with("messagedraft") {
            self.draft.check_key(&chat).map_err(|until| until.wait_time_from(now))
        } else if writes(method) {
            let chats = if kind.is_group() { &self.group } else { &self.one };
            chats
                .check_key(&chat)
                .map_err(|until| until.wait_time_from(now))
                .and_then(|()| self.all.check().map_err(|until| until.wait_time_from(now)))
        } else {
            return Ok(());
        };
        wait.map_err(|wait| Refusal::too_many(Some(wait.as_secs_f64().ceil().max(1.0) as u64)))
    }
}

/// Whether people see something of a call of this method (in small letters).
pub(crate) fn writes(method: &str) -> bool {
    (method.starts_with("send") && method != "sendchataction" && !method.ends_with("draft"))
        || method.starts_with("editmessage")
        || method.starts_with("copymessage")
        || method.starts_with("forwardmessage")
}
