//! A moment, as journals and platforms write it. In: a clock. Out: milliseconds since 1970.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01 00:00 UTC, by whoever's clock it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

/// How far this process's clock is put forward, in milliseconds.
#[cfg(feature = "testing")]
static SHIFT: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(0);

/// Puts this process's clock forward, or back, as clocks are when they are set.
#[cfg(feature = "testing")]
pub(crate) fn shift(milliseconds: i64) {
    SHIFT.store(milliseconds, std::sync::atomic::Ordering::Relaxed);
}

impl Timestamp {
    /// This machine's clock.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        #[cfg(feature = "testing")]
        let now = Self(now.0.saturating_add_signed(SHIFT.load(std::sync::atomic::Ordering::Relaxed)));
        now
    }

    /// How long ago it was at `now`; zero where a clock was put back in between.
    pub fn age_at(self, now: Self) -> Duration {
        Duration::from_millis(now.0.saturating_sub(self.0))
    }
}
