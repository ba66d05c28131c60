//! The connector against the small server: what becomes of events and messages when something goes wrong on the way.

use std::time::Duration;

use loquat_conformance::{Fault, Heard, Platform};
use loquat_contract::{Delivery, Egress, Refusal};
use tokio::time::{sleep, timeout};

use super::fakes::{Bot, until};
use super::lines::envelope;

#[tokio::test]
async fn an_event_is_acknowledged_and_a_reply_is_shown() {
    let bot = Bot::start().await;
    assert_eq!(bot.say("hello").await, Heard::Acknowledged);
    assert_eq!(bot.sink.0.lock().unwrap()[0].text(), Some("hello"));
    let delivery = bot.egress.deliver(&envelope("Hello, Ann.")).await;
    assert!(matches!(delivery, Delivery::Sent { id: Some(_) }), "{delivery:?}");
    assert_eq!(bot.shown(), ["Hello, Ann."]);
}

#[tokio::test]
async fn what_the_sink_does_not_keep_is_not_acknowledged_and_comes_again() {
    let bot = Bot::start().await;
    let heard = bot.say_and_break("disk full", || bot.heard() == 1).await;
    assert_eq!(heard, Heard::NotAcknowledged);
    until(|| bot.heard() == 2).await;
    assert!(bot.shown().is_empty(), "the person need not do anything");
}

#[tokio::test]
async fn the_hosts_own_answers_and_refusals_are_shown_once() {
    let bot = Bot::start().await;
    assert_eq!(bot.say("code").await, Heard::Acknowledged);
    assert_eq!(bot.shown(), ["You are in."]);
    let bot = Bot::start().await;
    for times in [1, 2] {
        // It would be refused again for ever, so the server may forget it.
        assert_eq!(bot.say("empty").await, Heard::Acknowledged);
        assert_eq!(bot.heard(), times);
    }
    assert_eq!(bot.shown(), [Refusal::Empty.to_string()]);
}

#[tokio::test]
async fn what_nobody_can_tell_is_ambiguous_and_its_key_makes_a_second_try_safe() {
    for (fault, shown) in [(Fault::TakenWithoutAnswer, 1), (Fault::BrokenOff, 0), (Fault::HalfOpen, 0)] {
        let bot = Bot::start().await;
        bot.fake.arm(&fault);
        let delivery = bot.egress.deliver(&envelope("Hello, Ann.")).await;
        assert!(matches!(delivery, Delivery::Ambiguous { .. }), "{fault:?}: {delivery:?}");
        assert_eq!(bot.shown().len(), shown, "{fault:?}");
        if fault != Fault::HalfOpen {
            bot.fake.ready().await.unwrap();
            let delivery = bot.egress.deliver(&envelope("Hello, Ann.")).await;
            assert!(matches!(delivery, Delivery::Sent { .. }), "{fault:?}: {delivery:?}");
            assert_eq!(bot.shown().len(), 1, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn only_the_key_makes_a_second_try_safe() {
    let bot = Bot::start().await;
    bot.fake.forget_keys();
    for _ in 0..2 {
        bot.egress.deliver(&envelope("Hello, Ann.")).await;
    }
    assert_eq!(bot.shown().len(), 2);
}

#[tokio::test]
async fn without_a_connection_a_message_is_surely_not_sent() {
    let bot = Bot::start().await;
    bot.stop.cancel();
    bot.running.await.unwrap().unwrap();
    let delivery = bot.egress.deliver(&envelope("Hello, Ann.")).await;
    assert!(matches!(delivery, Delivery::Retry { .. }), "{delivery:?}");
}

#[tokio::test]
async fn a_stop_waits_for_the_replies_that_are_owed() {
    let bot = Bot::start().await;
    bot.say("hello").await;
    bot.stop.cancel();
    sleep(Duration::from_millis(100)).await;
    assert!(!bot.running.is_finished());
    let mut envelope = envelope("Hello, Ann.");
    envelope.to = bot.sink.0.lock().unwrap()[0].address();
    assert!(matches!(bot.egress.deliver(&envelope).await, Delivery::Sent { .. }));
    // Long before it would give up waiting.
    timeout(Duration::from_secs(5), bot.running).await.unwrap().unwrap().unwrap();
}
