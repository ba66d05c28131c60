//! Rate limits: their headers, their refusals, and what they are counted by.

use std::time::Duration;

use loquat_fake_discord::{Fault, Options};
use serde_json::{Value, json};

use crate::asking::Place;

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_says_what_is_left_and_refuses_when_nothing_is() {
    // A window of five minutes, so that no machine is too slow for it.
    let place = Place::new(Options { pace: Some(1.0 / 60.0), ..Options::default() }).await;
    for left in (0..5).rev() {
        let got = place.post(json!({"content": "x"}));
        assert_eq!(got.status, 200);
        assert_eq!(got.header("x-ratelimit-limit"), Some("5"));
        assert_eq!(got.header("x-ratelimit-remaining"), Some(left.to_string().as_str()));
        let after: f64 = got.header("x-ratelimit-reset-after").unwrap().parse().unwrap();
        assert!((0.0..=300.0).contains(&after), "{after}");
    }
    let refused = place.post(json!({"content": "x"}));
    let body = refused.json();
    assert_eq!((refused.status, &body["global"]), (429, &json!(false)), "{refused:?}");
    assert_eq!(refused.header("x-ratelimit-scope"), Some("user"));
    let whole: f64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(whole >= body["retry_after"].as_f64().unwrap() && whole.fract() == 0.0, "{refused:?}");
    assert_eq!((place.discord.limits_hit(), place.discord.invalid_requests()), (1, 1));
    // Another channel has a bucket of its own, of the same name.
    let other = place.discord.text_channel(place.guild, "other");
    let got = place.ask("POST", &format!("/api/v10/channels/{other}/messages"), &json!({"content": "x"}));
    assert_eq!((got.status, got.header("x-ratelimit-bucket")), (200, refused.header("x-ratelimit-bucket")));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_routes_together_have_a_limit_but_not_interactions() {
    let place = Place::new(Options { pace: Some(1.0 / 300.0), ..Options::default() }).await;
    let mut refused = None;
    for number in 0..51 {
        // A bucket each, as each guild is one.
        let got = place.ask("GET", &format!("/api/v10/guilds/{number}"), &Value::Null);
        if got.status == 429 {
            refused = Some((number, got));
        }
    }
    let (number, got) = refused.unwrap();
    assert_eq!((number, &got.json()["global"]), (50, &json!(true)), "{got:?}");
    assert_eq!(got.header("x-ratelimit-global"), Some("true"));
    assert_eq!(got.header("x-ratelimit-bucket"), None);
    let got = place.ask("POST", "/api/v10/interactions/1/x/callback", &json!({"type": 5}));
    assert_eq!(got.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_bucket_fills_again() {
    let place = Place::new(Options { pace: Some(50.0), ..Options::default() }).await;
    let mut said = 0;
    while said < 12 {
        let got = place.post(json!({"content": "x"}));
        match got.status {
            200 => said += 1,
            _ => {
                tokio::time::sleep(Duration::from_secs_f64(got.json()["retry_after"].as_f64().unwrap())).await
            }
        }
    }
    assert_eq!(place.discord.said(place.channel).len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_can_be_ordered_with_and_without_how_long() {
    let place = Place::free().await;
    let route = "POST /channels/*/messages";
    let wait = Some(Duration::from_millis(1500));
    place.discord.fault(route, Fault::TooMany { retry_after: wait, is_global: true }, 1);
    place.discord.fault(route, Fault::TooMany { retry_after: None, is_global: false }, 1);
    let told = place.post(json!({"content": "x"}));
    assert_eq!((told.status, &told.json()["retry_after"]), (429, &json!(1.5)), "{told:?}");
    assert_eq!((told.header("retry-after"), told.header("x-ratelimit-scope")), (Some("2"), Some("global")));
    let untold = place.post(json!({"content": "x"}));
    assert_eq!(
        (untold.status, untold.header("retry-after"), untold.header("via")),
        (429, None, None),
        "{untold:?}"
    );
    assert_eq!(untold.json(), Value::Null);
    assert_eq!(place.post(json!({"content": "x"})).status, 200);
    assert_eq!(place.discord.said(place.channel).len(), 1);
}
