//! Rate limits: one bucket for each route and major parameter, one for all, and a count of requests that should not have been made.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use crate::Discord;

/// How many requests in a second there may be in all.
const GLOBAL: u32 = 50;
/// How many invalid requests there may be in [`INVALID_WINDOW`] before the door is shut.
const INVALID: usize = 10_000;
const INVALID_WINDOW: Duration = Duration::from_secs(600);

/// The limit of a route: its bucket's name, how many, in what time.
///
/// Discord publishes none of them; these are of the size that its clients see.
fn of(route: &str) -> (&'static str, u32, Duration) {
    let (name, many, millis) = match route {
        "POST /channels/{channel}/messages" => ("80c17d2f203122d936070c88c8d10f33", 5, 5_000),
        "PATCH /channels/{channel}/messages/{message}" => ("f4e06fb69f1d0f3e9c1bb9ab8a4f7d1c", 5, 5_000),
        "DELETE /channels/{channel}/messages/{message}" => ("cdb6b5a7a0c0d1f6f9a3b4a4f4b0a2c7", 5, 1_000),
        "POST /channels/{channel}/messages/bulk-delete" => ("b05c0d8c2ab83895085006a8eae073a3", 1, 3_000),
        "GET /channels/{channel}/messages" => ("e8feb1e7b0b0a4c7a17e0a9e9f3f5f0d", 10, 5_000),
        route if route.contains("/reactions/") => ("9f5b0e3e2a1b4c0d8e7f6a5b4c3d2e1f", 1, 250),
        "POST /channels/{channel}/typing" => ("d2a1f7c3e4b5a6978899aabbccddeeff", 5, 5_000),
        "POST /users/@me/channels" => ("01a9b8c7d6e5f40312233445566778899", 10, 10_000),
        route if route.contains("/threads") => ("0f1e2d3c4b5a69788796a5b4c3d2e1f0", 10, 10_000),
        "GET /gateway/bot" => ("41f9cd5d28af77da04563bcb1d67fdfd", 2, 5_000),
        route if route.ends_with("/commands") => ("7c3d9e1f5a2b4c6d8e0f1a2b3c4d5e6f", 5, 20_000),
        route if route.contains("/webhooks/") => ("3cd1f278bd0ecaf11e0d2391c374c50a", 5, 2_000),
        _ => ("5f2c9a7b1d3e4f60718293a4b5c6d7e8", 30, 1_000),
    };
    (name, many, Duration::from_millis(millis))
}

/// Whether a route is one of interactions, which no global limit holds.
fn is_of_interactions(route: &str) -> bool {
    route.contains("/interactions/") || route.contains("/webhooks/")
}

/// What has been used up.
pub(crate) struct Limits {
    pace: Option<f64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    windows: HashMap<(&'static str, String), Window>,
    global: Option<Window>,
    invalid: Vec<Instant>,
    hits: usize,
}

#[derive(Clone, Copy)]
struct Window {
    ends: Instant,
    left: u32,
}

/// How a request stands with the limits.
pub(crate) enum Standing {
    /// It may pass, with these headers on its answer.
    Fine(HeaderMap),
    /// It may not.
    Refused { retry_after: Duration, is_global: bool, headers: HeaderMap },
    /// Too many requests of this address were invalid: none passes.
    Banned,
}

impl Limits {
    pub(crate) fn new(pace: Option<f64>) -> Self {
        Self { pace, state: Mutex::default() }
    }

    /// Takes a request to this route (`METHOD /path/{with}/{names}`) with this major parameter.
    pub(crate) fn take(&self, route: &str, major: &str) -> Standing {
        let Some(pace) = self.pace else { return Standing::Fine(HeaderMap::new()) };
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.invalid.retain(|then| now.duration_since(*then) < INVALID_WINDOW);
        if state.invalid.len() >= INVALID {
            return Standing::Banned;
        }
        if !is_of_interactions(route) {
            let fresh = Window { ends: now + Duration::from_secs(1).div_f64(pace), left: GLOBAL };
            let window = state.global.get_or_insert(fresh);
            if window.ends <= now {
                *window = fresh;
            }
            if window.left == 0 {
                let retry_after = window.ends.duration_since(now);
                state.hits += 1;
                let mut headers = HeaderMap::new();
                put(&mut headers, "x-ratelimit-global", "true");
                put(&mut headers, "x-ratelimit-scope", "global");
                return Standing::Refused { retry_after, is_global: true, headers };
            }
            window.left -= 1;
        }
        let (name, many, length) = of(route);
        let fresh = Window { ends: now + length.div_f64(pace), left: many };
        let window = state.windows.entry((name, major.to_owned())).or_insert(fresh);
        if window.ends <= now {
            *window = fresh;
        }
        let after = window.ends.duration_since(now);
        let is_refused = window.left == 0;
        window.left = window.left.saturating_sub(1);
        let mut headers = headers_of(name, many, window.left, after);
        if is_refused {
            state.hits += 1;
            put(&mut headers, "x-ratelimit-scope", "user");
            return Standing::Refused { retry_after: after, is_global: false, headers };
        }
        Standing::Fine(headers)
    }

    /// Counts an answer that says that the request should not have been made.
    pub(crate) fn count_invalid(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).invalid.push(Instant::now());
    }
}

/// The headers of a bucket.
fn headers_of(name: &str, many: u32, left: u32, after: Duration) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let reset = Timestamp::now().as_duration().as_secs_f64() + after.as_secs_f64();
    put(&mut headers, "x-ratelimit-bucket", name);
    put(&mut headers, "x-ratelimit-limit", &many.to_string());
    put(&mut headers, "x-ratelimit-remaining", &left.to_string());
    put(&mut headers, "x-ratelimit-reset", &format!("{reset:.3}"));
    put(&mut headers, "x-ratelimit-reset-after", &format!("{:.3}", after.as_secs_f64()));
    headers
}

/// The headers of a refusal that a test ordered, for this route.
pub(crate) fn refused_headers(route: &str, retry_after: Duration, is_global: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if is_global {
        put(&mut headers, "x-ratelimit-global", "true");
        put(&mut headers, "x-ratelimit-scope", "global");
    } else {
        let (name, many, _) = of(route);
        headers = headers_of(name, many, 0, retry_after);
        put(&mut headers, "x-ratelimit-scope", "user");
    }
    headers
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

impl Discord {
    /// How many requests were refused because a bucket was empty; those of ordered faults are not among them.
    pub fn limits_hit(&self) -> usize {
        self.shared.limits.state.lock().unwrap_or_else(PoisonError::into_inner).hits
    }

    /// How many answers of the last ten minutes were 401, 403 or 429: after 10,000 of them the real one shuts the door.
    pub fn invalid_requests(&self) -> usize {
        self.shared.limits.state.lock().unwrap_or_else(PoisonError::into_inner).invalid.len()
    }
}
