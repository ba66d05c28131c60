//! Rate limits: what the headers say, and a clock that the test turns.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use serenity::model::id::{ChannelId, InteractionId};
use tokio::time::Instant;

use crate::rest::{Limits, Route, Seen};

fn seen(headers: &[(&'static str, &'static str)]) -> Seen {
    let pairs =
        headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    Seen::of(&pairs.collect::<HeaderMap>())
}

fn channel(id: u64) -> Route {
    Route::messages(ChannelId::new(id))
}

struct Clock {
    limits: Limits,
    start: Instant,
}

impl Clock {
    fn new(overall: u32) -> Self {
        Self { limits: Limits::new(overall), start: Instant::now() }
    }

    fn take(&self, name: &str, route: &Route, reserve: u32, millis: u64) -> Result<(), u128> {
        let now = self.start + Duration::from_millis(millis);
        self.limits.take(name, route, reserve, now).map_err(|wait| wait.as_millis())
    }

    fn learn(&self, name: &str, route: &Route, status: u16, seen: &Seen, body: Option<Value>, millis: u64) {
        let now = self.start + Duration::from_millis(millis);
        self.limits.learn(name, route, status, seen, body.as_ref(), now);
    }
}

#[test]
fn a_bucket_is_of_a_route_and_a_channel_and_is_waited_for() {
    let clock = Clock::new(1000);
    let (one, two) = (channel(1), channel(2));
    assert_eq!(clock.take("POST", &one, 0, 0), Ok(()), "nothing is known yet");
    let left = seen(&[
        ("x-ratelimit-bucket", "b"),
        ("x-ratelimit-remaining", "2"),
        ("x-ratelimit-reset-after", "4.5"),
    ]);
    clock.learn("POST", &one, 200, &left, None, 0);
    assert_eq!(clock.take("POST", &one, 1, 10), Ok(()));
    assert_eq!(clock.take("POST", &one, 1, 20), Err(4480), "the last one is left for the reply");
    assert_eq!(clock.take("POST", &one, 0, 20), Ok(()));
    assert_eq!(clock.take("POST", &one, 0, 30), Err(4470));
    assert_eq!(clock.take("POST", &two, 0, 30), Ok(()), "another channel");
    // Another route that Discord says shares the bucket.
    clock.learn("PATCH", &two, 200, &seen(&[("x-ratelimit-bucket", "b")]), None, 40);
    assert_eq!(clock.take("PATCH", &one, 0, 50), Err(4450));
    assert_eq!(clock.take("POST", &one, 0, 4501), Ok(()));
}

#[test]
fn answers_that_come_late_do_not_fill_a_bucket() {
    let clock = Clock::new(1000);
    let headers = |remaining| {
        seen(&[
            ("x-ratelimit-bucket", "b"),
            ("x-ratelimit-remaining", remaining),
            ("x-ratelimit-reset-after", "1"),
        ])
    };
    clock.learn("POST", &channel(1), 200, &headers("0"), None, 0);
    clock.learn("POST", &channel(1), 200, &headers("1"), None, 1);
    assert!(clock.take("POST", &channel(1), 0, 2).is_err());
}

#[test]
fn a_refusal_shuts_its_bucket_or_the_whole_bot_for_as_long_as_it_says() {
    let clock = Clock::new(1000);
    let (one, two) = (channel(1), channel(2));
    let body = json!({ "message": "slow down", "retry_after": 0.65, "global": false });
    clock.learn("POST", &one, 429, &seen(&[("retry-after", "1")]), Some(body), 0);
    assert_eq!(clock.take("POST", &one, 0, 100), Err(550), "the body says it more exactly");
    assert_eq!(clock.take("POST", &two, 0, 100), Ok(()));
    let global = seen(&[("retry-after", "2"), ("x-ratelimit-global", "true")]);
    clock.learn("POST", &two, 429, &global, None, 100);
    assert_eq!(clock.take("POST", &two, 0, 600), Err(1500));
    assert_eq!(clock.take("GET", &one, 0, 600), Err(1500), "every route");
    let callback = Route::callback(InteractionId::new(1), "token");
    assert_eq!(clock.take("POST callback", &callback, 0, 600), Ok(()), "but those of interactions");
    // A wait that no clock can count is none to believe in.
    let endless = json!({ "retry_after": 1e19 });
    clock.learn("POST", &channel(4), 429, &seen(&[("x-ratelimit-reset-after", "1e19")]), Some(endless), 5000);
    assert_eq!(clock.take("POST", &channel(4), 0, 5000), Err(24 * 60 * 60 * 1000));
    // Without a word on how long, nothing is known.
    clock.learn("POST", &channel(3), 429, &seen(&[]), None, 3000);
    assert_eq!(clock.take("POST", &channel(3), 0, 3000), Ok(()));
}

#[test]
fn the_whole_bot_makes_no_more_calls_in_a_second_than_it_may() {
    let clock = Clock::new(3);
    for millis in [0, 100, 200] {
        assert_eq!(clock.take("POST", &channel(millis + 1), 0, millis), Ok(()));
    }
    assert_eq!(clock.take("POST", &channel(9), 0, 300), Err(700));
    assert_eq!(clock.take("POST", &channel(9), 0, 1000), Ok(()));
    assert!(clock.take("POST", &channel(9), 0, 1001).is_err());
}
