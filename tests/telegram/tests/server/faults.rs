//! Calls that go wrong on purpose: what the client sees, and whether the server took them.

use std::time::Duration;

use loquat_fake_telegram::{Calls, Fault, Options, Plan, Telegram};
use serde_json::{Value, json};

use crate::bot::{Bot, start};

async fn chatting() -> (Telegram, Bot, i64) {
    let (telegram, bot) = start(Options::default()).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    (telegram, bot, chat)
}

fn hello(chat: i64) -> Value {
    json!({"chat_id": chat, "text": "hello"})
}

#[tokio::test]
async fn a_refused_call_is_not_carried_out() {
    let (telegram, bot, chat) = chatting().await;
    telegram.arm(Calls::Deliveries, Fault::TooMany(Some(3)));
    telegram.arm(Calls::Deliveries, Fault::TooMany(None));
    telegram.arm(Calls::Deliveries, Fault::Server(502));
    bot.call("sendChatAction", json!({"chat_id": chat, "action": "typing"})).await;
    let answer = bot.try_call("sendMessage", hello(chat)).await.unwrap();
    assert_eq!((&answer["error_code"], &answer["parameters"]["retry_after"]), (&json!(429), &json!(3)));
    assert_eq!(answer["description"], "Too Many Requests: retry after 3");
    let answer = bot.try_call("sendMessage", hello(chat)).await.unwrap();
    assert_eq!((&answer["error_code"], &answer["parameters"]), (&json!(429), &Value::Null));
    let answer = bot.try_call("sendMessage", hello(chat)).await.unwrap();
    assert!(answer.as_str().unwrap().contains("502 Bad Gateway"), "no JSON: {answer}");
    assert!(telegram.answers(chat).is_empty());
    bot.call("sendMessage", hello(chat)).await;
    assert_eq!(telegram.answers(chat).len(), 1);
    let statuses: Vec<_> =
        telegram.calls_of("sendMessage").iter().map(|call| (call.status, call.taken)).collect();
    assert_eq!(statuses, [(Some(429), false), (Some(429), false), (Some(502), false), (Some(200), true)]);
}

#[tokio::test]
async fn a_connection_breaks_before_or_after_the_call_is_taken() {
    let (telegram, bot, chat) = chatting().await;
    bot.call("getMe", json!({})).await;
    telegram.arm(Calls::Sends, Fault::BrokenOff);
    // The client may try again by itself, once, on a connection that it had kept; the fault is for one call.
    let broken = bot.try_call("sendMessage", hello(chat)).await;
    assert_eq!(telegram.answers(chat).len(), usize::from(broken.is_ok()));
    let before = telegram.answers(chat).len();
    telegram.arm(Calls::Sends, Fault::TakenThenBroken);
    let _ = bot.try_call("sendMessage", hello(chat)).await;
    assert!(telegram.answers(chat).len() > before);
    assert!(telegram.ended_connections() >= 2);
}

#[tokio::test]
async fn a_call_is_taken_and_never_answered() {
    let (telegram, bot, chat) = chatting().await;
    telegram.arm(Calls::Method("sendMessage"), Fault::TakenWithoutAnswer);
    let call = tokio::spawn(async move { bot.try_call("sendMessage", hello(chat)).await });
    telegram.until("the message is there", |telegram| telegram.answers(chat).pop()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!call.is_finished());
    assert_eq!(telegram.calls_of("sendMessage")[0].status, None);
    call.abort();
    let _ = call.await;
    telegram
        .until("the connection ends", |telegram| (telegram.ended_connections() == 1).then_some(()))
        .await
        .unwrap();
}

#[tokio::test]
async fn nothing_gets_through_until_it_is_calm_again() {
    let (telegram, bot, chat) = chatting().await;
    telegram.arm(Calls::Sends, Fault::HalfOpen);
    let first = tokio::spawn({
        let bot = bot.clone();
        async move { bot.try_call("sendMessage", hello(chat)).await }
    });
    telegram.until("the call arrives", |telegram| telegram.calls_of("sendMessage").pop()).await.unwrap();
    // A new connection opens, and is as dumb.
    let other = Bot::of(&telegram);
    let second = tokio::spawn(async move { other.try_call("getMe", json!({})).await });
    telegram
        .until("it connects", |telegram| (telegram.opened_connections() == 2).then_some(()))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!first.is_finished() && !second.is_finished());
    telegram.calm();
    assert!(first.await.unwrap().is_err());
    let _ = second.await.unwrap();
    assert!(telegram.answers(chat).is_empty(), "it was not taken");
    bot.call("sendMessage", hello(chat)).await;
}

#[tokio::test]
async fn a_plan_draws_the_same_faults_again() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let (telegram, bot, chat) = chatting().await;
        let shares = vec![(Fault::TooMany(Some(1)), 200), (Fault::Server(500), 100)];
        telegram.plan(Plan { seed: 7, calls: Calls::Deliveries, shares });
        for number in 0..100 {
            let text = format!("message {number}");
            let _ = bot.try_call("sendMessage", json!({"chat_id": chat, "text": text})).await.unwrap();
        }
        let faults = telegram.faults();
        assert!((10..=60).contains(&faults), "{faults} of 100 where 30 were to be expected");
        assert_eq!(telegram.answers(chat).len(), 100 - faults);
        runs.push(telegram.answers(chat).into_iter().map(|seen| seen.text).collect::<Vec<_>>());
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn a_wrong_token_and_an_unknown_method() {
    let (telegram, bot, _) = chatting().await;
    assert_eq!(bot.refused("makeCoffee", json!({})).await, (404, "Not Found".into()));
    let address = format!("{}/bot123:wrong/getMe", telegram.url());
    let answer = reqwest::get(address).await.unwrap();
    assert_eq!(answer.status(), 401);
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(body, json!({"ok": false, "error_code": 401, "description": "Unauthorized"}));
}
