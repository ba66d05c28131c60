//! Faults: what is taken, what is not, and what the client sees of it.

use std::time::Duration;

use loquat_fake_discord::{Fault, Plan};
use serde_json::json;

use crate::asking::Place;

const ROUTE: &str = "POST /channels/*/messages";

/// Says something with little patience; `None` where there is no answer.
fn say(place: &Place, words: &str) -> Option<u16> {
    let token = format!("Bot {}", place.discord.token());
    let wait = Duration::from_secs(2);
    place
        .ask_as(&token, "POST", &place.messages(), &json!({"content": words}), wait)
        .ok()
        .map(|got| got.status)
}

fn said(place: &Place) -> Vec<String> {
    place.discord.said(place.channel).into_iter().map(|message| message.content).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_and_what_was_not() {
    let place = Place::free().await;
    place.discord.fault(ROUTE, Fault::ServerError(503), 1);
    assert_eq!(say(&place, "refused"), Some(503));
    place.discord.fault(ROUTE, Fault::BrokenOff, 1);
    assert_eq!(say(&place, "broken off"), None);
    place.discord.fault(ROUTE, Fault::TakenWithoutAnswer, 1);
    assert_eq!(say(&place, "taken"), None);
    place.discord.fault(ROUTE, Fault::HalfOpen, 1);
    assert_eq!(say(&place, "half open"), None);
    place.discord.fault(ROUTE, Fault::Slow(Duration::from_millis(200)), 1);
    assert_eq!(say(&place, "slow"), Some(200));
    assert_eq!(say(&place, "fine"), Some(200));
    assert_eq!(said(&place), ["taken", "slow", "fine"]);
    assert_eq!((place.discord.faults_met(), place.discord.broken_off()), (5, 1));
    let requests = place.discord.requests(ROUTE);
    assert_eq!(requests.len(), 6);
    assert_eq!((requests[0].status, &requests[0].json["content"]), (Some(503), &json!("refused")));
    // A fault is for its route alone.
    place.discord.fault("GET /nothing", Fault::ServerError(500), 1);
    assert_eq!(say(&place, "other"), Some(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn half_open_until_it_is_calm() {
    let place = Place::free().await;
    place.discord.half_open();
    assert_eq!(say(&place, "lost"), None);
    place.discord.calm();
    assert_eq!(say(&place, "found"), Some(200));
    assert_eq!(said(&place), ["found"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn chance_is_the_same_for_the_same_seed() {
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        let place = Place::free().await;
        let shares = vec![(0.3, Fault::ServerError(500)), (0.2, Fault::BrokenOff)];
        place.discord.fault_by_chance(Plan { seed: 7, route: ROUTE.into(), shares });
        let statuses: Vec<_> = (0..40).map(|number| say(&place, &number.to_string())).collect();
        let fine = statuses.iter().filter(|status| **status == Some(200)).count();
        assert_eq!(said(&place).len(), fine);
        assert!((10..35).contains(&fine), "{fine}");
        assert!(statuses.contains(&None) && statuses.contains(&Some(500)));
        place.discord.calm();
        assert_eq!(say(&place, "calm"), Some(200));
        outcomes.push(statuses);
    }
    assert_eq!(outcomes[0], outcomes[1]);
}
