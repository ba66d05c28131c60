//! The finer points of sending: keyboards, replies, topics, captions, drafts, files.

use std::time::Duration;

use loquat_fake_telegram::{Calls, Fault, Kind, Options, Saying, Standing};
use serde_json::{Value, json};

use crate::bot::start;

#[tokio::test]
async fn keyboards_have_limits() {
    let (telegram, bot) = start(Options::default()).await;
    let chat = telegram.private(&telegram.user("Ann"));
    let send = |rows: Value| json!({"chat_id": chat, "text": "x", "reply_markup": {"inline_keyboard": rows}});
    let button = |data: &str| json!({"text": "b", "callback_data": data});
    bot.call("sendMessage", send(json!(vec![vec![button(&"d".repeat(64)); 8]; 12]))).await;
    for (rows, why) in [
        (
            json!([[button("")]]),
            "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            json!([button("d")]),
            "Bad Request: field \"inline_keyboard\" of the InlineKeyboardMarkup must be an Array of Arrays",
        ),
        (json!([[button(&"é".repeat(33))]]), "Bad Request: BUTTON_DATA_INVALID"),
        (json!(vec![vec![button("d"); 10]; 11]), "Bad Request: REPLY_MARKUP_TOO_LONG"),
        (
            json!([[{"text": "b"}]]),
            "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            json!([[{"callback_data": "d"}]]),
            "Bad Request: can't parse inline keyboard button: Can't find field \"text\"",
        ),
        (
            json!([[{"text": "b", "url": "nowhere"}]]),
            "Bad Request: inline keyboard button URL 'nowhere' is invalid: Wrong HTTP URL",
        ),
        (json!("x"), "Bad Request: field \"inline_keyboard\" must be of type Array"),
    ] {
        assert_eq!(bot.refused("sendMessage", send(rows)).await.1, why);
    }
}

#[tokio::test]
async fn a_reply_needs_its_message_unless_it_says_otherwise() {
    let (telegram, bot) = start(Options::default()).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let asked = telegram.say(chat, &ann, "how are you").unwrap().message;
    telegram.delete(chat, asked).unwrap();
    let reply = |more: Value| {
        let mut reply = json!({"message_id": asked});
        reply.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"chat_id": chat, "text": "x", "reply_parameters": reply})
    };
    assert_eq!(
        bot.refused("sendMessage", reply(json!({}))).await.1,
        "Bad Request: message to be replied not found"
    );
    bot.call("sendMessage", reply(json!({"allow_sending_without_reply": true}))).await;
    assert_eq!(telegram.answers(chat)[0].reply_to, None);
}

#[tokio::test]
async fn the_general_topic_has_no_number_for_messages() {
    let (telegram, bot) = start(Options::default()).await;
    let ann = telegram.user("Ann");
    let forum = telegram.group(Kind::Forum, "Forum", &[&ann]);
    let send = |thread: i64| json!({"chat_id": forum, "text": "x", "message_thread_id": thread});
    for thread in [1, 77] {
        assert_eq!(bot.refused("sendMessage", send(thread)).await.1, "Bad Request: message thread not found");
    }
    bot.call("sendChatAction", json!({"chat_id": forum, "action": "typing", "message_thread_id": 1})).await;
    assert_eq!(telegram.actions(forum), [("typing".to_owned(), Some(1))]);
    let sent = bot.call("sendMessage", json!({"chat_id": forum, "text": "x"})).await;
    assert_eq!((&sent["message_thread_id"], &sent["is_topic_message"]), (&Value::Null, &Value::Null));
    assert_eq!(sent["chat"]["is_forum"], true);

    let topic = telegram.open_topic(forum, "Help", &ann).unwrap();
    let said = telegram.say(forum, &ann, Saying { topic: Some(topic), ..Saying::from("/x") }).unwrap();
    let sent = bot
        .call(
            "sendMessage",
            json!({"chat_id": forum, "text": "x", "reply_parameters": {"message_id": said.message}}),
        )
        .await;
    assert_eq!((&sent["message_thread_id"], &sent["is_topic_message"]), (&json!(topic), &json!(true)));
    assert_eq!(
        bot.refused("createForumTopic", json!({"chat_id": forum, "name": "Own"})).await.1,
        "Bad Request: not enough rights to create a topic"
    );
    telegram.set_bot(forum, Standing::Administrator, &ann).unwrap();
    let own =
        bot.call("createForumTopic", json!({"chat_id": forum, "name": "Own"})).await["message_thread_id"]
            .clone();
    bot.call("sendMessage", send(own.as_i64().unwrap())).await;
    bot.call("closeForumTopic", json!({"chat_id": forum, "message_thread_id": topic})).await;
    telegram.set_bot(forum, Standing::Member, &ann).unwrap();
    assert_eq!(bot.refused("sendMessage", send(topic)).await.1, "Bad Request: TOPIC_CLOSED");
}

#[tokio::test]
async fn a_talk_of_replies_in_a_supergroup_is_no_topic() {
    let (telegram, bot) = start(Options { privacy_mode: false, ..Options::default() }).await;
    let ann = telegram.user("Ann");
    let group = telegram.group(Kind::Supergroup, "Club", &[&ann]);
    let first = telegram.say(group, &ann, "first").unwrap().message;
    let second = telegram
        .say(group, &ann, Saying { reply_to: Some(first), ..Saying::from("second") })
        .unwrap()
        .message;
    telegram.say(group, &ann, Saying { reply_to: Some(second), ..Saying::from("third") }).unwrap();
    let got = bot.call("getUpdates", json!({})).await;
    assert_eq!(got[0]["message"]["message_thread_id"], Value::Null);
    assert_eq!(got[2]["message"]["message_thread_id"], first);
    assert_eq!(got[2]["message"]["is_topic_message"], Value::Null);
}

#[tokio::test]
async fn drafts_are_for_private_chats() {
    let (telegram, bot) = start(Options::default()).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let draft = |id: i64, text: &str| json!({"chat_id": chat, "draft_id": id, "text": text});
    bot.call("sendMessageDraft", draft(1, "one")).await;
    bot.call("sendMessageDraft", draft(1, "one two")).await;
    let drafts = telegram.drafts(chat);
    assert_eq!(
        (drafts.len(), drafts[0].text.as_str(), &*drafts[0].history),
        (1, "one two", &["one".to_owned()][..])
    );
    bot.call("sendMessageDraft", draft(2, "another")).await;
    let drafts = telegram.drafts(chat);
    assert_eq!((drafts.len(), drafts[0].id, drafts[0].history.len()), (1, 2, 0));
    bot.call("sendMessage", json!({"chat_id": chat, "text": "another one"})).await;
    assert!(telegram.drafts(chat).is_empty(), "the message takes its place");
    assert_eq!(bot.refused("sendMessageDraft", draft(0, "x")).await.1, "Bad Request: RANDOM_ID_INVALID");
    assert_eq!(bot.refused("sendMessageDraft", draft(1, "")).await.1, "Bad Request: message text is empty");
    let group = telegram.group(Kind::Supergroup, "Club", &[&ann]);
    let in_group = json!({"chat_id": group, "draft_id": 1, "text": "x"});
    assert_eq!(bot.refused("sendMessageDraft", in_group).await.1, "Bad Request: TEXTDRAFT_PEER_INVALID");
    for (version, why) in [((9, 2), "Not Found"), ((9, 4), "Bad Request: TEXTDRAFT_PEER_INVALID")] {
        let (telegram, bot) = start(Options { bot_api_version: version, ..Options::default() }).await;
        telegram.private(&telegram.user("Ann"));
        assert_eq!(bot.refused("sendMessageDraft", draft(1, "x")).await.1, why);
    }
}

#[tokio::test]
async fn a_draft_that_is_left_alone_fades() {
    let (telegram, bot) =
        start(Options { draft_lifetime: Duration::from_millis(50), ..Options::default() }).await;
    let chat = telegram.private(&telegram.user("Ann"));
    bot.call("sendMessageDraft", json!({"chat_id": chat, "draft_id": 3, "text": "left alone"})).await;
    telegram.until("it fades", |telegram| telegram.drafts(chat).is_empty().then_some(())).await.unwrap();
}

#[tokio::test]
async fn captions_are_shorter_and_edited_apart() {
    let (telegram, bot) = start(Options::default()).await;
    let chat = telegram.private(&telegram.user("Ann"));
    let first = bot.call("sendMessage", json!({"chat_id": chat, "text": "x"})).await["message_id"].clone();
    let id = {
        // A file that was sent before is named by its id; a first one comes as a part.
        let boundary = "frontier";
        let body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n{chat}\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"document\"\r\n\r\nattach://part\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"part\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--{boundary}--\r\n"
        );
        let request =
            reqwest::Client::new().post(format!("{}/bot{}/sendDocument", telegram.url(), telegram.token()));
        let answer = request
            .header("Content-Type", format!("multipart/form-data; boundary={boundary}"))
            .body(body)
            .send()
            .await
            .unwrap();
        let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(answer["result"]["document"]["mime_type"], "text/plain");
        answer["result"]["document"]["file_id"].clone()
    };
    let send = |caption: String| json!({"chat_id": chat, "document": id, "caption": caption});
    let sent = bot.call("sendDocument", send("c".repeat(1024))).await["message_id"].clone();
    assert_eq!(
        bot.refused("sendDocument", send("c".repeat(1025))).await.1,
        "Bad Request: message caption is too long"
    );
    bot.call("editMessageCaption", json!({"chat_id": chat, "message_id": sent, "caption": "short"})).await;
    assert_eq!(telegram.answers(chat)[2].text, "short");
    assert_eq!(
        bot.refused("editMessageText", json!({"chat_id": chat, "message_id": sent, "text": "t"})).await.1,
        "Bad Request: there is no text in the message to edit"
    );
    assert_eq!(
        bot.refused("editMessageCaption", json!({"chat_id": chat, "message_id": first, "caption": "t"}))
            .await
            .1,
        "Bad Request: there is no caption in the message to edit"
    );
    let path = bot.call("getFile", json!({"file_id": id})).await["file_path"].as_str().unwrap().to_owned();
    let file = reqwest::get(format!("{}/file/bot{}/{path}", telegram.url(), telegram.token())).await.unwrap();
    assert_eq!(file.text().await.unwrap(), "hello");
    assert_eq!(bot.refused("getFile", json!({"file_id": "x"})).await.1, "Bad Request: invalid file_id");
    telegram.arm(Calls::Method("download"), Fault::Server(502));
    let file = reqwest::get(format!("{}/file/bot{}/{path}", telegram.url(), telegram.token())).await.unwrap();
    assert_eq!(file.status(), 502);
    let file =
        reqwest::get(format!("{}/file/bot{}/{path}x", telegram.url(), telegram.token())).await.unwrap();
    assert_eq!(file.status(), 404);
    let taken: Vec<bool> = telegram.calls_of("download").iter().map(|call| call.taken).collect();
    assert_eq!(taken, [true, false, false]);
}

#[tokio::test]
async fn what_others_wrote_cannot_be_edited_and_only_an_administrator_deletes_it() {
    let (telegram, bot) = start(Options::default()).await;
    let ann = telegram.user("Ann");
    let group = telegram.group(Kind::Supergroup, "Club", &[&ann]);
    let said = telegram.say(group, &ann, "/x").unwrap().message;
    let it = json!({"chat_id": group, "message_id": said, "text": "y"});
    assert_eq!(bot.refused("editMessageText", it.clone()).await.1, "Bad Request: message can't be edited");
    assert_eq!(bot.refused("deleteMessage", it.clone()).await.1, "Bad Request: message can't be deleted");
    telegram.set_bot(group, Standing::Administrator, &ann).unwrap();
    bot.call("deleteMessage", it).await;
    // As an administrator it hears everything.
    telegram.say(group, &ann, "nothing for the bot").unwrap().update.unwrap();
    telegram.react(group, telegram.messages(group)[0].id, &ann, &["👍"]).unwrap();
    let member = bot.call("getChatMember", json!({"chat_id": group, "user_id": telegram.bot().id})).await;
    assert_eq!((&member["status"], &member["can_delete_messages"]), (&json!("administrator"), &json!(true)));
}
