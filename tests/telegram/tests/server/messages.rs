//! What the bot sends, edits and deletes, and why the server refuses some of it.

use loquat_fake_telegram::{Kind, Options, Standing};
use serde_json::json;

use crate::bot::start;

#[tokio::test]
async fn a_message_is_sent_edited_and_deleted() {
    let (telegram, bot) = start(Options::default()).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let keyboard = json!({"inline_keyboard": [[{"text": "Why?", "callback_data": "why"}]]});
    let sent = bot
        .call(
            "sendMessage",
            json!({"chat_id": chat, "text": "one", "entities": [{"type": "bold", "offset": 0, "length": 3}],
                   "reply_markup": keyboard}),
        )
        .await;
    let id = sent["message_id"].as_i64().unwrap();
    let seen = telegram.answers(chat);
    assert_eq!(seen[0].text, "one");
    assert_eq!(seen[0].entities[0].kind, "bold");
    assert_eq!(seen[0].buttons[0][0].data.as_deref(), Some("why"));

    bot.call("editMessageText", json!({"chat_id": chat, "message_id": id, "text": "two"})).await;
    let seen = telegram.answers(chat);
    assert_eq!((seen[0].text.as_str(), seen[0].edited), ("two", true));
    assert_eq!(seen[0].history, ["one"]);
    assert!(seen[0].buttons.is_empty(), "a keyboard that is not given again is gone");
    let (code, why) =
        bot.refused("editMessageText", json!({"chat_id": chat, "message_id": id, "text": "two"})).await;
    assert_eq!(code, 400);
    assert!(why.starts_with("Bad Request: message is not modified"), "{why}");

    bot.call("deleteMessage", json!({"chat_id": chat, "message_id": id})).await;
    assert!(telegram.answers(chat).is_empty());
    let (_, why) = bot.refused("deleteMessage", json!({"chat_id": chat, "message_id": id})).await;
    assert_eq!(why, "Bad Request: message to delete not found");
}

#[tokio::test]
async fn what_is_too_long_or_empty_is_refused() {
    let (telegram, bot) = start(Options::default()).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let send =
        async |text: String| bot.refused("sendMessage", json!({"chat_id": chat, "text": text})).await.1;
    assert_eq!(send("".into()).await, "Bad Request: message text is empty");
    assert_eq!(send(" \n ".into()).await, "Bad Request: text must be non-empty");
    // 2,049 characters outside the basic plane are 4,098 units.
    assert_eq!(send("😀".repeat(2049)).await, "Bad Request: message is too long");
    bot.call("sendMessage", json!({"chat_id": chat, "text": "😀".repeat(2048)})).await;
}

#[tokio::test]
async fn a_chat_that_cannot_be_written_to_is_refused() {
    let (telegram, bot) = start(Options::default()).await;
    let ann = telegram.user("Ann");
    let send = async |chat: i64| bot.refused("sendMessage", json!({"chat_id": chat, "text": "hi"})).await;
    assert_eq!(send(1).await, (400, "Bad Request: chat not found".into()));
    let chat = telegram.unstarted(&ann);
    assert_eq!(send(chat).await, (403, "Forbidden: bot can't initiate conversation with a user".into()));
    telegram.say(chat, &ann, "/start").unwrap();
    telegram.block(&ann).unwrap().unwrap();
    assert_eq!(send(chat).await, (403, "Forbidden: bot was blocked by the user".into()));
    let group = telegram.group(Kind::Group, "Club", &[&ann]);
    telegram.set_bot(group, Standing::Kicked, &ann).unwrap();
    assert_eq!(send(group).await, (403, "Forbidden: bot was kicked from the group chat".into()));
    telegram.set_bot(group, Standing::Member, &ann).unwrap();
    let new = telegram.migrate(group).unwrap();
    let answer = bot.try_call("sendMessage", json!({"chat_id": group, "text": "hi"})).await.unwrap();
    assert_eq!(answer["description"], "Bad Request: group chat was upgraded to a supergroup chat");
    assert_eq!(answer["parameters"]["migrate_to_chat_id"], new);
    bot.call("sendMessage", json!({"chat_id": new, "text": "hi"})).await;
}
