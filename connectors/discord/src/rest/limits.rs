//! The rate limits. In: the headers of answers, and a clock. Out: whether a call may go now, or how long it has to wait. The limits are
//! Discord's to name: nothing is known of a route before its first answer.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::time::Instant;

use super::Route;

const SECOND: Duration = Duration::from_secs(1);
/// The longest wait that is believed: limits of a day are the longest that there are.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// From how many buckets on those are forgotten that are full again.
const MANY: usize = 1000;

/// What an answer says of limits.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    bucket: Option<String>,
    remaining: Option<u32>,
    reset_after: Option<Duration>,
    retry_after: Option<Duration>,
    is_global: bool,
}

impl Seen {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let seconds = |name: &str| text(name).and_then(|text| duration(text.parse().ok()?));
        Self {
            bucket: text("x-ratelimit-bucket").map(str::to_owned),
            remaining: text("x-ratelimit-remaining").and_then(|text| text.parse().ok()),
            reset_after: seconds("x-ratelimit-reset-after"),
            retry_after: seconds("retry-after"),
            is_global: text("x-ratelimit-global") == Some("true")
                || text("x-ratelimit-scope") == Some("global"),
        }
    }

    /// How long to wait; the body says it more exactly than the header.
    pub(super) fn retry_after(&self, body: Option<&Value>) -> Option<Duration> {
        let exact = body.and_then(|body| body.get("retry_after")?.as_f64()).and_then(duration);
        exact.or(self.retry_after).or(self.reset_after)
    }

    pub(super) fn is_global(&self, body: Option<&Value>) -> bool {
        self.is_global || body.and_then(|body| body.get("global")?.as_bool()) == Some(true)
    }
}

fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok().map(|wait| wait.min(LONGEST))
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    remaining: u32,
    full_at: Instant,
}

#[derive(Default)]
struct State {
    /// What Discord calls the bucket of a route.
    names: HashMap<String, String>,
    /// By name and major parameter.
    buckets: HashMap<(String, String), Bucket>,
    /// Nothing goes before that.
    shut_until: Option<Instant>,
    /// When the calls of the last second went.
    sent: VecDeque<Instant>,
}

impl State {
    fn key(&self, name: &str, route: &Route) -> (String, String) {
        let bucket = self.names.get(name).map_or(name, String::as_str);
        (bucket.to_owned(), route.major().to_owned())
    }
}

/// What is known of all limits.
pub(crate) struct Limits {
    /// How many calls a second the whole bot may make.
    overall: usize,
    state: Mutex<State>,
}

impl Limits {
    pub(crate) fn new(overall: u32) -> Self {
        Self { overall: usize::try_from(overall.max(1)).unwrap_or(usize::MAX), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call that goes now; else says how long it has to wait. `reserve` calls are left for others.
    pub(crate) fn take(&self, name: &str, route: &Route, reserve: u32, now: Instant) -> Result<(), Duration> {
        let state = &mut *self.state();
        let key = state.key(name, route);
        if route.is_limited_as_a_whole() {
            if let Some(until) = state.shut_until.filter(|until| *until > now) {
                return Err(until - now);
            }
            while state.sent.front().is_some_and(|at| now.duration_since(*at) >= SECOND) {
                state.sent.pop_front();
            }
            if let Some(first) = state.sent.front().filter(|_| state.sent.len() >= self.overall) {
                return Err(SECOND.saturating_sub(now.duration_since(*first)));
            }
        }
        if let Some(bucket) = state.buckets.get_mut(&key).filter(|bucket| bucket.full_at > now) {
            if bucket.remaining <= reserve {
                return Err(bucket.full_at - now);
            }
            bucket.remaining -= 1;
        }
        if route.is_limited_as_a_whole() {
            state.sent.push_back(now);
        }
        Ok(())
    }

    /// Takes in what an answer says.
    pub(crate) fn learn(
        &self,
        name: &str,
        route: &Route,
        status: u16,
        seen: &Seen,
        body: Option<&Value>,
        now: Instant,
    ) {
        let state = &mut *self.state();
        if let Some(bucket) = &seen.bucket {
            state.names.insert(name.to_owned(), bucket.clone());
        }
        let key = state.key(name, route);
        let wait = seen.retry_after(body).filter(|_| status == 429);
        if let Some(wait) = wait {
            if seen.is_global(body) {
                state.shut_until = Some(now + wait);
            } else {
                state.buckets.insert(key, Bucket { remaining: 0, full_at: now + wait });
            }
        } else if let (Some(remaining), Some(reset)) = (seen.remaining, seen.reset_after) {
            let full_at = now + reset;
            // Calls that are still under way count too, and their answers may come in another order.
            let known = state.buckets.get(&key).filter(|bucket| bucket.full_at > now);
            let remaining = known.map_or(remaining, |known| known.remaining.min(remaining));
            state.buckets.insert(key, Bucket { remaining, full_at });
        }
        if state.buckets.len() > MANY {
            state.buckets.retain(|_, bucket| bucket.full_at > now);
        }
    }
}
