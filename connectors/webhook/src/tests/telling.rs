//! What is told, how it is signed, and in what order.

use loquat_contract::{Event, MessageId, Sequence, Settlement};
use standardwebhooks::Webhook;

use super::receiver::Got;
use super::{Bench, EARLIER, SECRET};
use crate::{Config, EventType, sample};

#[tokio::test]
async fn what_happens_is_told_in_order_and_the_reference_library_finds_the_signatures_right() {
    let bench = Bench::new(|_| {}).await;
    let (one, two) = (bench.ask("ann", "1").await, bench.ask("ann", "2").await);
    // The second is settled first.
    bench.answer(two).await;
    bench.receiver.once(1).await;
    bench.settle(one, Settlement::Failed { reason: "no model".into() }).await;
    let event = Event::Reaction { message: MessageId("out-2".into()), emoji: "👎".into(), removed: false };
    let reaction = bench.accept("bob", "3", event).await;
    bench.settle(reaction, Settlement::Noted).await;
    let human = Event::Command { name: "human".into(), arguments: String::new() };
    let human = bench.accept("bob", "4", human).await;
    bench.settle(human, Settlement::Delivered).await;

    let got = bench.receiver.once(4).await;
    let about: Vec<String> = got.iter().map(Got::about).collect();
    assert_eq!(about, ["message.answered 2", "message.failed 1", "feedback.given 3", "human.requested 4"]);
    for one in &got {
        for secret in [SECRET, EARLIER] {
            Webhook::new(secret).unwrap().verify(&one.body, &one.headers).unwrap();
        }
        let other = Webhook::new("whsec_dGhlIHNlY3JldCBvZiBzb21lYm9keSBlbHNl").unwrap();
        assert!(other.verify(&one.body, &one.headers).is_err());
    }
    let answered = got[0].json();
    assert_eq!(answered["data"]["question"], "question of 2?");
    assert_eq!(answered["data"]["answer"], "answer 2");
    assert_eq!(answered["data"]["conversation"], "b/p/c");
    assert_eq!(answered["data"]["person"], "p:ann");
    assert!(answered["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(got[1].json()["data"]["reason"], "no model");
    assert_eq!(got[2].json()["data"]["verdict"], "bad");
}

#[tokio::test]
async fn without_text_no_word_goes_along_and_what_was_not_asked_for_is_not_told() {
    let bench = Bench::new(|config| {
        config.text = false;
        config.events = vec![EventType::Answered, EventType::Feedback];
    })
    .await;
    let one = bench.ask("ann", "1").await;
    bench.settle(one, Settlement::Failed { reason: "no model".into() }).await;
    let two = bench.ask("ann", "2").await;
    bench.answer(two).await;
    let event = Event::Reaction { message: MessageId("out-2".into()), emoji: "👎".into(), removed: false };
    let reaction = bench.accept("bob", "3", event).await;
    bench.settle(reaction, Settlement::Noted).await;
    let got = bench.receiver.once(2).await;
    assert_eq!(got.iter().map(Got::about).collect::<Vec<_>>(), ["message.answered 2", "feedback.given 3"]);
    for one in got {
        let body = String::from_utf8(one.body.to_vec()).unwrap();
        assert!(!["question", "answer 2", "out of date"].iter().any(|text| body.contains(text)), "{body}");
    }
}

#[tokio::test]
async fn a_new_hook_begins_with_what_happens_from_now_on() {
    let mut bench = Bench::new(|_| {}).await;
    let one = bench.ask("ann", "1").await;
    bench.answer(one).await;
    bench.receiver.once(1).await;
    bench.config.name = Some("second".into());
    bench.restart(async |_| {}).await;
    let two = bench.ask("ann", "2").await;
    bench.answer(two).await;
    let got = bench.receiver.once(2).await;
    assert_eq!(got[1].about(), "message.answered 2");
}

#[tokio::test]
async fn a_thousand_that_came_while_nothing_ran_are_told_once_and_in_order() {
    let mut bench = Bench::new(|_| {}).await;
    bench
        .restart(async |bench| {
            for id in 1..=1_000 {
                let sequence = bench.ask("ann", &id.to_string()).await;
                bench.answer(sequence).await;
            }
        })
        .await;
    let got = bench.receiver.once(1_000).await;
    let one = bench.ask("ann", "last").await;
    bench.answer(one).await;
    assert_eq!(bench.receiver.once(1_001).await.len(), 1_001);
    let expected: Vec<String> = (1..=1_000).map(|id| format!("message.answered {id}")).collect();
    assert_eq!(got.iter().map(Got::about).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn what_is_put_back_on_its_way_is_told_again() {
    let bench = Bench::new(|_| {}).await;
    let one = bench.ask("ann", "1").await;
    bench.settle(one, Settlement::Failed { reason: "no model".into() }).await;
    bench.receiver.once(1).await;
    let steps = vec![loquat_contract::Step::Reopened];
    loquat_contract::Journal::record(&bench.journal, Sequence(1), steps).await.unwrap();
    bench.answer(one).await;
    let got = bench.receiver.once(2).await;
    assert_eq!(got.iter().map(Got::about).collect::<Vec<_>>(), ["message.failed 1", "message.answered 1"]);
}

#[test]
fn hooks_are_checked_and_keep_their_secrets() {
    let hook = |url: &str, secret: &str, events: &str| {
        let text = format!("url = '{url}'\nsecret = '{secret}'\nevents = [{events}]");
        toml::from_str::<Config>(&text).unwrap().check().map_err(|error| error.to_string())
    };
    let url = "https://example.com/?token=in-the-address";
    hook(url, SECRET, "'message.answered'").unwrap();
    for (url, secret, events, expected) in [
        ("ftp://example.com", SECRET, "'message.answered'", "http"),
        ("example.com", SECRET, "'message.answered'", "https://host/path"),
        ("https://ann:hunter@example.com", SECRET, "'message.answered'", "leave them out"),
        ("http://169.254.169.254/latest", SECRET, "'message.answered'", "link-local"),
        ("http://[fe80::1]/", SECRET, "'message.answered'", "link-local"),
        (url, "short", "'message.answered'", "openssl rand"),
        (url, SECRET, "", "names no events"),
    ] {
        let told = hook(url, secret, events).unwrap_err();
        assert!(
            told.contains(expected) && !told.contains("hunter") && !told.contains("in-the-address"),
            "{told}"
        );
    }
    let printed = format!("{:?}", hook(url, SECRET, "'message.answered'").unwrap());
    assert!(!printed.contains("MfKQ"), "{printed}");
    let uncommented: String = sample()
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.contains(" = "))
        .fold(String::new(), |all, line| all + line + "\n");
    let config: Config = toml::from_str(&uncommented.replace("whsec_…", SECRET)).unwrap();
    config.check().unwrap();
    let shown = toml::to_string(&config).unwrap();
    assert!(!shown.contains("MfKQ") && shown.contains("[redacted]"), "{shown}");
}
