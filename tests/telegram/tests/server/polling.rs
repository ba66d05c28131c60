//! Long polling: updates come again until they are acknowledged, and two bots of one token get in each other's way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use loquat_fake_telegram::{Heard, Options};
use serde_json::json;

use crate::bot::start;

#[tokio::test]
async fn an_update_comes_again_until_it_is_acknowledged() {
    let (telegram, bot) = start(Options::default()).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let told = telegram.say(chat, &ann, "hello /start").unwrap();
    let update = told.update.unwrap();
    for _ in 0..2 {
        let got = bot.call("getUpdates", json!({})).await;
        assert_eq!(got.as_array().unwrap().len(), 1);
        assert_eq!(got[0]["update_id"], update);
        assert_eq!(got[0]["message"]["text"], "hello /start");
        assert_eq!(got[0]["message"]["entities"], json!([{"type": "bot_command", "offset": 6, "length": 6}]));
        assert_eq!(got[0]["message"]["from"]["language_code"], "en");
    }
    assert!(!telegram.is_acknowledged(update));
    assert_eq!(bot.call("getUpdates", json!({"offset": update + 1})).await, json!([]));
    assert_eq!(telegram.heard(update).await.unwrap(), Heard::Acknowledged);
    telegram.deliver_again(update).unwrap();
    assert_eq!(bot.call("getUpdates", json!({"offset": update})).await[0]["update_id"], update);
}

#[tokio::test]
async fn a_bot_that_asks_again_has_refused() {
    let (telegram, bot) = start(Options::default()).await;
    let telegram = Arc::new(telegram);
    let ann = telegram.user("Ann");
    let update = telegram.say(telegram.private(&ann), &ann, "hello").unwrap().update.unwrap();
    bot.call("getUpdates", json!({})).await;
    let waiting = tokio::spawn({
        let telegram = Arc::clone(&telegram);
        async move { telegram.heard(update).await.unwrap() }
    });
    telegram.until("somebody waits", |_| Arc::strong_count(&telegram).ge(&2).then_some(())).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    bot.call("getUpdates", json!({})).await;
    assert_eq!(waiting.await.unwrap(), Heard::Refused);
}

#[tokio::test]
async fn a_bot_without_connections_is_gone() {
    let (telegram, bot) =
        start(Options { gone_after: Duration::from_millis(100), ..Options::default() }).await;
    let ann = telegram.user("Ann");
    bot.call("getMe", json!({})).await;
    drop(bot);
    let update = telegram.say(telegram.private(&ann), &ann, "hello").unwrap().update.unwrap();
    assert_eq!(telegram.heard(update).await.unwrap(), Heard::Gone);
}

#[tokio::test]
async fn the_older_of_two_polls_ends_with_a_conflict() {
    let (telegram, bot) = start(Options::default()).await;
    let older = tokio::spawn({
        let bot = bot.clone();
        async move { bot.refused("getUpdates", json!({"timeout": 50})).await }
    });
    telegram.ready().await.unwrap();
    let newer = tokio::spawn({
        let bot = bot.clone();
        async move { bot.refused("getUpdates", json!({"timeout": 50})).await }
    });
    let why =
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";
    assert_eq!(older.await.unwrap(), (409, why.to_owned()));
    // The next conflict, soon after, is told more slowly.
    let begun = Instant::now();
    assert_eq!(bot.call("getUpdates", json!({"timeout": 1})).await, json!([]));
    assert_eq!(newer.await.unwrap(), (409, why.to_owned()));
    assert!(begun.elapsed() >= Duration::from_secs(2));
}

#[tokio::test]
async fn a_long_poll_is_answered_when_something_happens() {
    let (telegram, bot) = start(Options::default()).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let poll = tokio::spawn(async move { bot.call("getUpdates", json!({"timeout": 50, "limit": 1})).await });
    telegram.ready().await.unwrap();
    telegram.say(chat, &ann, "one").unwrap();
    assert_eq!(poll.await.unwrap()[0]["message"]["text"], "one");
}

#[tokio::test]
async fn limits_offsets_and_kinds_of_updates() {
    let (telegram, bot) = start(Options::default()).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    for word in ["one", "two", "three"] {
        telegram.say(chat, &ann, word).unwrap();
    }
    assert_eq!(bot.call("getUpdates", json!({"limit": 2})).await.as_array().unwrap().len(), 2);
    // An offset that was never reached acknowledges nothing.
    assert_eq!(bot.call("getUpdates", json!({"offset": 999_999_999})).await.as_array().unwrap().len(), 3);
    let last = bot.call("getUpdates", json!({"offset": -1})).await;
    assert_eq!(last.as_array().unwrap().len(), 1);
    assert_eq!(last[0]["message"]["text"], "three");
    assert_eq!(telegram.pending(), 1);

    let said = telegram.messages(chat)[0].id;
    assert_eq!(telegram.react(chat, said, &ann, &["👍"]).unwrap(), None, "nobody asked for reactions");
    let next = last[0]["update_id"].as_i64().unwrap() + 1;
    bot.call("getUpdates", json!({"offset": next, "allowed_updates": ["message_reaction"]})).await;
    assert_eq!(telegram.say(chat, &ann, "four").unwrap().update, None, "nobody asked for messages");
    telegram.react(chat, said, &ann, &[]).unwrap().unwrap();
    let got = bot.call("getUpdates", json!({})).await;
    assert_eq!(got[0]["message_reaction"]["old_reaction"], json!([{"type": "emoji", "emoji": "👍"}]));
    assert_eq!(got[0]["message_reaction"]["new_reaction"], json!([]));
}
