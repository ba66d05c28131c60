//! What becomes of a delivery, by what goes wrong.

use std::time::Duration;

use loquat_contract::{Check, Delivery, Egress};
use loquat_fake_telegram::{Calls, Fault, Options, Telegram};

use super::conformance::quick;
use super::harness::{Bot, envelope, part, to};
use crate::{Config, Mode, examine};

async fn started() -> (Telegram, Bot, i64) {
    let telegram = Telegram::start(Options::default()).await.unwrap();
    let bot = Bot::start(&telegram).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    (telegram, bot, chat)
}

#[tokio::test]
async fn each_failure_says_whether_the_message_may_be_sent_again() {
    let (telegram, bot, chat) = started().await;
    let refused = |code, text: &str| Fault::Refused(code, text.to_owned());
    for (fault, expected, is_shown) in [
        (Fault::Server(500), "Retry", false),
        (Fault::Server(503), "Retry", false),
        (Fault::Server(502), "Ambiguous", false),
        (Fault::Server(504), "Ambiguous", false),
        (Fault::BrokenOff, "Ambiguous", false),
        (Fault::TakenThenBroken, "Ambiguous", true),
        (refused(400, "Bad Request: chat not found"), "Permanent", false),
        (refused(403, "Forbidden: bot was blocked by the user"), "Permanent", false),
        (refused(401, "Unauthorized"), "Unauthorised", false),
        (refused(404, "Not Found"), "Unauthorised", false),
        // Pages of something on the way, which knows neither the token nor the chat.
        (Fault::Server(302), "Retry", false),
        (Fault::Server(401), "Retry", false),
        (Fault::Server(403), "Retry", false),
        (Fault::Server(404), "Retry", false),
        (Fault::Server(429), "Retry", false),
    ] {
        let before = telegram.answers(chat).len();
        telegram.arm(Calls::Sends, fault.clone());
        let delivery = bot.deliver(&to(chat, None, 1), "hi").await;
        assert!(format!("{delivery:?}").starts_with(expected), "{fault:?}: {delivery:?}");
        assert_eq!(telegram.answers(chat).len() - before, usize::from(is_shown), "{fault:?}");
        let mut next = bot.deliver(&to(chat, None, 1), "and on").await;
        if let Delivery::Retry { after: Some(after), .. } = next {
            tokio::time::sleep(after).await;
            next = bot.deliver(&to(chat, None, 1), "and on").await;
        }
        assert!(matches!(next, Delivery::Sent { .. }), "after {fault:?}: {next:?}");
    }
}

#[tokio::test]
async fn a_message_that_was_taken_and_never_confirmed_is_ambiguous() {
    let telegram = Telegram::start(Options::default()).await.unwrap();
    let bot = Bot::with(&telegram, |config| Config { answer_secs: 1, ..config }).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    telegram.arm(Calls::Sends, Fault::TakenWithoutAnswer);
    let delivery = bot.deliver(&to(chat, None, 1), "hi").await;
    assert!(matches!(delivery, Delivery::Ambiguous { .. }), "{delivery:?}");
}

#[tokio::test]
async fn too_many_messages_are_not_tried_again_before_the_time() {
    let (telegram, bot, chat) = started().await;
    telegram.arm(Calls::Sends, Fault::TooMany(Some(2)));
    let first = bot.deliver(&to(chat, None, 1), "hi").await;
    assert!(
        matches!(first, Delivery::Retry { after: Some(after), .. } if after == Duration::from_secs(2)),
        "{first:?}"
    );
    let calls = telegram.calls_of("sendMessage").len();
    let Delivery::Retry { after: Some(left), .. } = bot.deliver(&to(chat, None, 1), "hi").await else {
        panic!()
    };
    assert_eq!(telegram.calls_of("sendMessage").len(), calls, "nothing was sent");
    // Another chat need not wait.
    let bob = telegram.user("Bob");
    let elsewhere = bot.deliver(&to(telegram.private(&bob), None, 1), "hi").await;
    assert!(matches!(elsewhere, Delivery::Sent { .. }), "{elsewhere:?}");
    tokio::time::sleep(left).await;
    let last = bot.deliver(&to(chat, None, 1), "hi").await;
    assert!(matches!(last, Delivery::Sent { .. }), "{last:?}");
}

#[tokio::test]
async fn no_time_that_is_asked_for_is_too_long_to_be_reckoned_with() {
    let (telegram, bot, chat) = started().await;
    telegram.arm(Calls::Sends, Fault::TooMany(Some(u64::MAX)));
    for _ in 0..2 {
        let delivery = bot.deliver(&to(chat, None, 1), "hi").await;
        let Delivery::Retry { after: Some(after), .. } = delivery else { panic!("{delivery:?}") };
        assert!(after <= Duration::from_secs(86_400), "{after:?}");
    }
    let bot = Bot::with(&telegram, |config| Config {
        poll_secs: u64::MAX,
        answer_secs: u64::MAX,
        draft_pause_ms: u64::MAX,
        edit_pause_ms: u64::MAX,
        private_pause_ms: u64::MAX,
        group_pause_ms: u64::MAX,
        overall_pause_ms: u64::MAX,
        ..config
    })
    .await;
    telegram.ready().await.unwrap();
    assert!(bot.egress.capabilities().silence.unwrap() < Duration::from_secs(120));
    assert!(bot.egress.pause(&to(chat, None, 1).conversation) <= Duration::from_secs(3600));
    assert!(!bot.running.is_finished());
}

#[tokio::test]
async fn a_server_that_is_not_there_does_not_have_the_message() {
    let (telegram, bot, chat) = started().await;
    drop(telegram);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let delivery = bot.deliver(&to(chat, None, 1), "hi").await;
    assert!(matches!(&delivery, Delivery::Retry { .. }), "{delivery:?}");
}

#[tokio::test]
async fn words_are_worth_more_than_their_formatting() {
    let (telegram, bot, chat) = started().await;
    telegram.arm(Calls::Sends, Fault::Refused(400, "Bad Request: can't parse MessageEntity: no".into()));
    let delivery = bot.deliver(&to(chat, None, 1), "It is **so**.").await;
    assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
    let answers = telegram.answers(chat);
    assert_eq!((answers[0].text.as_str(), answers[0].entities.len()), ("It is so.", 0));

    // Without the formatting, links still say where they lead, and names call nobody.
    telegram.arm(Calls::Sends, Fault::Refused(400, "Bad Request: ENTITIES_TOO_LONG".into()));
    let delivery = bot.deliver(&to(chat, None, 1), "[Bhutan](https://example.org/b) by @durov").await;
    assert!(matches!(delivery, Delivery::Sent { .. }), "{delivery:?}");
    let answer = &telegram.answers(chat)[1];
    assert_eq!(answer.text, "Bhutan (https://example.org/b) by ＠durov");
    assert!(!answer.entities.iter().any(|entity| entity.kind == "mention"), "{answer:?}");
}

#[tokio::test]
async fn what_is_no_conversation_of_telegrams_is_never_delivered() {
    let (_telegram, bot, chat) = started().await;
    let mut elsewhere = to(chat, None, 1);
    elsewhere.conversation.channel = "#rust".into();
    let delivery = bot.egress.deliver(&envelope(&elsewhere, part("hi"))).await;
    assert!(matches!(delivery, Delivery::Permanent { .. }), "{delivery:?}");
}

/// What was found of this name, and whether there is something to do about it.
fn found<'c>(checks: &'c [Check], name: &str) -> (&'c str, bool) {
    let check =
        checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("{name}: {checks:?}"));
    (&check.what, check.advice.is_some())
}

#[tokio::test]
async fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let telegram = Telegram::start(Options::default()).await.unwrap();
    let config = quick(&telegram.url(), &telegram.token());
    let checks = examine(&config).await;
    assert_eq!(found(&checks, "token"), ("it is Loquat's, @loquat_test_bot", false));
    assert!(!found(&checks, "privacy mode").1 && !found(&checks, "updates").1, "{checks:?}");
    assert!(found(&examine(&Config { answer_all: true, ..config.clone() }).await, "privacy mode").1);

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let hook = format!("{}/bot{}/setWebhook?url=https://example.org/hook", telegram.url(), telegram.token());
    client.get(hook).send().await.unwrap();
    let checks = examine(&config).await;
    let (what, is_advised) = found(&checks, "updates");
    assert!(what.contains("left over") && is_advised, "{checks:?}");
    let public_url = Some("https://example.org/mine".to_owned());
    let checks = examine(&Config { mode: Mode::Webhook, public_url, ..config.clone() }).await;
    assert!(found(&checks, "updates").1, "{checks:?}");

    let other = quick(&telegram.url(), "110201543:BBHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw");
    let checks = examine(&other).await;
    assert!(found(&checks, "token").1 && checks.len() == 1, "{checks:?}");
    assert!(examine(&Config::default()).await.is_empty());
    drop(telegram);
    assert!(found(&examine(&config).await, "server").1);
}
