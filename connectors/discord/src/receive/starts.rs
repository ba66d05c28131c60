//! How many sessions may begin, and how fast. In: what Discord says of that. Out: permission, once it is there.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep_until};

/// How long a place among those that identify at once is taken.
const EACH: Duration = Duration::from_secs(5);

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
        (!has_enough).then(|| Duration::from_millis(self.reset_after))
    }
}

/// When the next session may begin, for each place among those at once.
pub(super) struct Starts {
    next: Mutex<Vec<Instant>>,
}

impl Starts {
    pub(super) fn new(max_concurrency: u32) -> Self {
        let places = usize::try_from(max_concurrency.max(1)).unwrap_or(1);
        Self { next: Mutex::new(vec![Instant::now(); places]) }
    }

    /// Returns once this shard may identify.
    pub(super) async fn permit(&self, shard: u32) {
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let place = usize::try_from(shard).unwrap_or_default() % next.len();
            let Some(next) = next.get_mut(place) else { return };
            let at = (*next).max(Instant::now());
            *next = at + EACH;
            at
        };
        sleep_until(at).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn sessions_begin_one_in_five_seconds_for_each_place() {
        let (starts, begun) = (Starts::new(2), Instant::now());
        let mut at = Vec::new();
        for shard in 0..5 {
            starts.permit(shard).await;
            at.push(begun.elapsed().as_secs());
        }
        assert_eq!(at, [0, 0, 5, 5, 10]);
        let limit = StartLimit { remaining: 2, reset_after: 7_000, max_concurrency: 1 };
        assert_eq!((limit.wait(2), limit.wait(3)), (None, Some(Duration::from_secs(7))));
    }
}
