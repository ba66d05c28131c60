//! How many sessions may begin, and how fast. In: what Discord says of that. Out: permission, once it is there.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep_until};

/// How long a place among those that identify at once is taken.
const EACH: Duration = Duration::from_secs(5);

/// The longest wait that is believed: sessions are counted by the day.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What Discord says of its gateway.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Gateway {
    pub(super) url: String,
    pub(super) shards: u32,
    pub(super) session_start_limit: StartLimit,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct StartLimit {
    pub(super) remaining: u32,
    /// Milliseconds.
    pub(super) reset_after: u64,
    pub(super) max_concurrency: u32,
}

impl StartLimit {
    /// How long to wait before `sessions` may begin.
    pub(super) fn wait(&self, sessions: usize) -> Option<Duration> {
        let has_enough = usize::try_from(self.remaining).unwrap_or(usize::MAX) >= sessions;
        (!has_enough).then(|| Duration::from_millis(self.reset_after).min(LONGEST))
    }
}

/// When the next session may begin, and how many still may.
pub(super) struct Starts {
    state: Mutex<State>,
}

struct State {
    /// For each place among those that begin at once.
    next: Vec<Instant>,
    left: u32,
}

impl Starts {
    pub(super) fn new(limit: StartLimit, shards: u32) -> Self {
        let places = usize::try_from(limit.max_concurrency.clamp(1, shards.max(1))).unwrap_or(1);
        let state = State { next: vec![Instant::now(); places], left: limit.remaining };
        Self { state: Mutex::new(state) }
    }

    /// Returns once this shard may identify; `false` where no session may begin any more. Whoever begins more than Discord allows
    /// loses the token.
    pub(super) async fn permit(&self, shard: u32) -> bool {
        let at = {
            let state = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let place = usize::try_from(shard).unwrap_or_default() % state.next.len();
            let (Some(next), Some(left)) = (state.next.get_mut(place), state.left.checked_sub(1)) else {
                return false;
            };
            state.left = left;
            let at = (*next).max(Instant::now());
            *next = at + EACH;
            at
        };
        sleep_until(at).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn sessions_begin_one_in_five_seconds_for_each_place() {
        let limit = StartLimit { remaining: 5, reset_after: 7_000, max_concurrency: 2 };
        let (starts, begun) = (Starts::new(limit, 5), Instant::now());
        let mut at = Vec::new();
        for shard in 0..5 {
            assert!(starts.permit(shard).await);
            at.push(begun.elapsed().as_secs());
        }
        assert_eq!(at, [0, 0, 5, 5, 10]);
        assert!(!starts.permit(5).await, "all are used up");
        let limit = StartLimit { remaining: 2, max_concurrency: u32::MAX, ..limit };
        assert!(Starts::new(limit, 1).permit(0).await);
        assert_eq!((limit.wait(2), limit.wait(3)), (None, Some(Duration::from_secs(7))));
    }
}
