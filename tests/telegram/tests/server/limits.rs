//! The documented rate limits: private chats, groups, drafts, all together.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::time::{Duration, Instant};

use loquat_fake_telegram::{Kind, Options};
use serde_json::{Value, json};

use crate::bot::{Bot, start};

/// Slow enough that no machine is too slow for it.
fn slow() -> Options {
    Options { faster_limits: Some(0.01), ..Options::default() }
}

/// How many messages get through at once, and how long the next has to wait.
async fn burst(bot: &Bot, params: impl Fn(usize) -> Value, method: &str) -> (usize, i64) {
    for sent in 0.. {
        let answer = bot.try_call(method, params(sent)).await.unwrap();
        if answer["ok"] == false {
            assert_eq!(answer["error_code"], 429);
            let seconds = answer["parameters"]["retry_after"].as_i64().unwrap();
            assert_eq!(answer["description"], format!("Too Many Requests: retry after {seconds}"));
            return (sent, seconds);
        }
    }
    unreachable!("it counts on for ever")
}

#[tokio::test]
async fn private_chats_groups_and_drafts_have_their_own() {
    let (telegram, bot) = start(slow()).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let group = telegram.group(Kind::Supergroup, "Club", &[&ann]);
    let text = |chat: i64| move |_| json!({"chat_id": chat, "text": "hi"});
    let (sent, wait) = burst(&bot, text(chat), "sendMessage").await;
    assert_eq!(sent, 5);
    assert!((1..=100).contains(&wait), "a hundred times a second, not {wait}");
    let (sent, wait) = burst(&bot, text(group), "sendMessage").await;
    assert_eq!(sent, 20);
    assert!((101..=300).contains(&wait), "a hundred times three seconds, not {wait}");
    // An edit is a message too; what nobody reads is not.
    let first = telegram.answers(chat)[0].id;
    let edit = json!({"chat_id": chat, "message_id": first, "text": "hello"});
    assert_eq!(bot.refused("editMessageText", edit).await.0, 429);
    bot.call("sendChatAction", json!({"chat_id": chat, "action": "typing"})).await;
    bot.call("deleteMessage", json!({"chat_id": chat, "message_id": first})).await;
    let draft = |number| json!({"chat_id": chat, "draft_id": 1, "text": format!("{number}")});
    assert_eq!(burst(&bot, draft, "sendMessageDraft").await.0, 25);
}

#[tokio::test]
async fn all_chats_together_have_one() {
    let (telegram, bot) = start(slow()).await;
    let chats: Vec<i64> =
        (0..40).map(|number| telegram.private(&telegram.user(&format!("Person {number}")))).collect();
    let (sent, _) =
        burst(&bot, |number| json!({"chat_id": chats[number], "text": "hi"}), "sendMessage").await;
    assert_eq!(sent, 30);
}

#[tokio::test]
async fn whoever_waits_as_told_gets_through() {
    let (telegram, bot) = start(Options { faster_limits: Some(4.0), ..Options::default() }).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let begun = Instant::now();
    for number in 0..12 {
        let params = json!({"chat_id": chat, "text": format!("{number}")});
        while bot.try_call("sendMessage", params.clone()).await.unwrap()["ok"] == false {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let texts: Vec<String> = telegram.answers(chat).into_iter().map(|seen| seen.text).collect();
    assert_eq!(texts, (0..12).map(|number| number.to_string()).collect::<Vec<_>>());
    assert!(begun.elapsed() >= Duration::from_millis(1500), "seven messages at four a second take longer");
}
