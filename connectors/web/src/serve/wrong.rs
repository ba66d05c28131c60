//! What a wrong token costs. In: somebody who tried one. Out: a pause, one after the other, so that guessing is slow however many guess at
//! once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How long the pause is.
const PAUSE: Duration = Duration::from_millis(250);
/// How many may wait; who comes then is sent away at once, for a wait holds a connection.
const MOST: usize = 40;

/// Slows down who tries wrong tokens and keys.
#[derive(Debug, Default)]
pub(crate) struct Wrong {
    turn: tokio::sync::Mutex<()>,
    waiting: AtomicUsize,
}

impl Wrong {
    /// Waits for the pause; `false` at once where too many wait.
    pub(crate) async fn pause(&self) -> bool {
        let _waits = Waits(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= MOST {
            return false;
        }
        let _one_at_a_time = self.turn.lock().await;
        tokio::time::sleep(PAUSE).await;
        true
    }
}

/// Counts down where the wait ends, or whoever waited has left.
struct Waits<'a>(&'a AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{MOST, Wrong};

    #[tokio::test(start_paused = true)]
    async fn guesses_wait_for_each_other_and_no_more_than_a_few_do() {
        let wrong = Arc::new(Wrong::default());
        let begin = tokio::time::Instant::now();
        let tries: Vec<_> = (0..MOST + 10)
            .map(|_| {
                let wrong = wrong.clone();
                tokio::spawn(async move { wrong.pause().await })
            })
            .collect();
        let outcomes = futures::future::join_all(tries).await;
        let paused = outcomes.into_iter().filter(|outcome| *outcome.as_ref().unwrap()).count();
        assert_eq!(paused, MOST);
        assert!(begin.elapsed() >= super::PAUSE * u32::try_from(MOST).unwrap());
        assert!(wrong.pause().await, "nobody waits any more");
    }
}
