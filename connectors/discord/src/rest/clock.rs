//! What time it is at Discord. In: the date of each answer. Out: how old something is, by the clock that made its id; whoever sets this
//! machine's clock changes nothing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::fmt::rfc2822;
use loquat_contract::Timestamp;
use reqwest::header::{DATE, HeaderMap};
use tokio::time::Instant;

/// Discord's clock, as of its last answer.
#[derive(Default)]
pub(super) struct Clock(Mutex<Option<(Timestamp, Instant)>>);

impl Clock {
    pub(super) fn learn(&self, headers: &HeaderMap, now: Instant) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let Some(date) = date.and_then(|date| rfc2822::parse(date).ok()) else { return };
        let Ok(millis) = u64::try_from(date.timestamp().as_millisecond()) else { return };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Timestamp(millis), now));
    }

    /// How long ago something was; `None` before Discord has answered at all.
    pub(super) fn age(&self, at: Timestamp, now: Instant) -> Option<Duration> {
        let (then, seen) = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(at.age_at(then) + now.saturating_duration_since(seen))
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn the_age_of_something_is_told_by_discords_clock() {
        let (clock, now) = (Clock::default(), Instant::now());
        assert_eq!(clock.age(Timestamp(0), now), None);
        let date = HeaderValue::from_static("Thu, 26 Nov 2026 11:48:47 GMT");
        clock.learn(&HeaderMap::from_iter([(DATE, date)]), now);
        let at = Timestamp(1_795_693_727_000 - 5_000);
        assert_eq!(clock.age(at, now + Duration::from_secs(2)), Some(Duration::from_secs(7)));
    }
}
