//! Updates as Telegram writes them (with the fields that its documentation names), and what they become.

use loquat_contract::{Attachment, BotCard, Event, MessageId, Place as At, Timestamp};
use serde_json::{Value, json};

use super::conformance::quick;
use super::harness::menu;
use crate::api::{Api, Me};
use crate::deliver::Shared;
use crate::receive::{Heard, Update, Whither, understand};
use crate::{Config, connect};

const BOT: i64 = 110_201_543;
const GROUP: i64 = -1_001_700_000_001;

fn shared(change: impl FnOnce(Config) -> Config) -> Shared {
    let config = change(quick("http://127.0.0.1:1", "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"));
    connect(config.clone(), BotCard::default()).unwrap();
    let api = Api::new(&config).unwrap();
    let shared = Shared::new(config, BotCard { name: "Test".into(), ..BotCard::default() }, api);
    shared.set_menu(menu().into_iter().map(|command| command.name).collect());
    shared
}

fn me() -> Me {
    serde_json::from_value(
        json!({"id": BOT, "is_bot": true, "first_name": "Loquat", "username": "loquat_test_bot"}),
    )
    .unwrap()
}

fn read(shared: &Shared, update: Value) -> Vec<Heard> {
    let update: Update = serde_json::from_value(update).unwrap();
    understand(update, &me(), shared)
}

fn ann() -> Value {
    json!({"id": 5_000_000_001_i64, "is_bot": false, "first_name": "Ann", "last_name": "Lee", "language_code": "en"})
}

fn private(fields: Value) -> Value {
    let chat = json!({"id": 5_000_000_001_i64, "type": "private", "first_name": "Ann"});
    said(chat, fields)
}

fn group(fields: Value) -> Value {
    said(json!({"id": GROUP, "type": "supergroup", "title": "Friends"}), fields)
}

fn said(chat: Value, fields: Value) -> Value {
    let mut message = json!({"message_id": 7, "from": ann(), "chat": chat, "date": 1_700_000_000});
    message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"update_id": 482_001, "message": message})
}

fn mention(offset: usize) -> Value {
    json!([{"type": "mention", "offset": offset, "length": 16}])
}

/// What the only event of an update says.
fn text(heard: &[Heard]) -> Option<&str> {
    match heard {
        [] => None,
        [one] => one.inbound.text(),
        more => panic!("{more:?}"),
    }
}

#[test]
fn a_private_message_is_for_the_bot() {
    let shared = shared(|config| config);
    let heard = read(&shared, private(json!({"text": "hello"})));
    let inbound = &heard[0].inbound;
    assert_eq!(inbound.id, MessageId("7".into()));
    assert_eq!(inbound.conversation.to_string(), "Test/telegram/5000000001");
    assert_eq!((inbound.sender.id.as_str(), inbound.sender.name.as_deref()), ("5000000001", Some("Ann Lee")));
    assert_eq!(inbound.sent_at, Some(Timestamp(1_700_000_000_000)));
    assert_eq!(text(&heard), Some("hello"));
    assert!(matches!(heard[0].whither, Whither::Reply(_, 7)));
}

#[test]
fn in_groups_only_what_is_meant_for_the_bot_is() {
    let shared = shared(|config| config);
    let own = json!({"message_id": 3, "from": {"id": BOT, "is_bot": true, "first_name": "Loquat"},
        "chat": {"id": GROUP, "type": "supergroup"}, "date": 1, "text": "said"});
    let others =
        json!({"message_id": 4, "from": ann(), "chat": {"id": GROUP, "type": "supergroup"}, "date": 1});
    let command = |text: &str, length: usize| json!({"text": text, "entities": [{"type": "bot_command", "offset": 0, "length": length}]});
    for (fields, expected) in [
        (json!({"text": "hello all"}), None),
        (json!({"text": "@loquat_test_bot hello", "entities": mention(0)}), Some("hello")),
        (
            json!({"caption": "@loquat_test_bot this?", "caption_entities": mention(0),
            "photo": [{"file_id": "P", "width": 1, "height": 1}]}),
            Some("this?"),
        ),
        (json!({"text": "and now?", "reply_to_message": own}), Some("and now?")),
        (json!({"text": "and now?", "reply_to_message": others}), None),
        (command("/why", 4), Some("")),
        (command("/ask@loquat_test_bot where?", 20), Some("where?")),
        (command("/ask@other_bot where?", 14), None),
        (command("/dance", 6), None),
        (command("/dance@loquat_test_bot", 22), Some("/dance@loquat_test_bot")),
    ] {
        let heard = read(&shared, group(fields.clone()));
        assert_eq!(text(&heard), expected, "{fields}");
    }
    let all = super::receive::shared(|config| Config { answer_all: true, ..config });
    assert_eq!(text(&read(&all, group(json!({"text": "hello all"})))), Some("hello all"));
    assert_eq!(text(&read(&all, group(command("/ask@other_bot where?", 14)))), None);
}

#[test]
fn commands_of_the_menu_are_commands_and_others_are_words() {
    let shared = shared(|config| config);
    let event = |text: &str, length: usize| {
        let entities = json!([{"type": "bot_command", "offset": 0, "length": length}]);
        let heard = read(&shared, private(json!({"text": text, "entities": entities})));
        heard.into_iter().next().map(|heard| heard.inbound.event)
    };
    let command =
        |name: &str, arguments: &str| Some(Event::Command { name: name.into(), arguments: arguments.into() });
    assert_eq!(event("/start", 6), command("start", ""));
    assert_eq!(event("/start deep-link_7", 6), command("start", "deep-link_7"));
    assert_eq!(event("/Why@loquat_test_bot 2", 20), command("why", "2"));
    assert_eq!(event("/dance now", 6), Some(Event::Message("/dance now".into())));
    assert_eq!(event("/pair K7Q2", 5), Some(Event::Message("pair K7Q2".into())), "as the host knows it");
}

#[test]
fn a_command_that_replies_to_a_message_says_to_which() {
    let shared = shared(|config| config);
    let said = json!({"message_id": 3, "from": {"id": BOT, "is_bot": true, "first_name": "Loquat"},
        "chat": {"id": GROUP, "type": "supergroup"}, "date": 1, "text": "said"});
    let entities = json!([{"type": "bot_command", "offset": 0, "length": 20}]);
    let heard = read(
        &shared,
        group(json!({"text": "/why@loquat_test_bot 2", "entities": entities, "reply_to_message": said})),
    );
    let Event::Message(message) = &heard[0].inbound.event else { panic!("{heard:?}") };
    assert_eq!((message.text.as_str(), message.reply_to.clone()), ("/why 2", Some(MessageId("3".into()))));
}

#[test]
fn topics_are_conversations_and_rows_of_answers_are_not() {
    let shared = shared(|config| config);
    let thread = |fields: Value| {
        let mut all = json!({"text": "@loquat_test_bot hi", "entities": mention(0)});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let heard = read(&shared, group(all));
        let inbound = heard.into_iter().next().unwrap().inbound;
        let Event::Message(message) = inbound.event else { panic!("no message") };
        (inbound.conversation.thread, message.reply_to.map(|id| id.0))
    };
    let created = json!({"message_id": 12, "from": {"id": BOT, "is_bot": true, "first_name": "Loquat"},
        "chat": {"id": GROUP, "type": "supergroup"}, "date": 1, "forum_topic_created": {"name": "Help"}});
    let in_topic = json!({"message_thread_id": 12, "is_topic_message": true, "reply_to_message": created});
    assert_eq!(thread(in_topic), (Some("12".into()), None), "that a topic was made is not answered");
    let answer =
        json!({"message_id": 5, "from": ann(), "chat": {"id": GROUP, "type": "supergroup"}, "date": 1});
    let in_row = json!({"message_thread_id": 5, "reply_to_message": answer});
    assert_eq!(thread(in_row), (None, Some("5".into())));
    assert_eq!(thread(json!({})), (None, None));
}

#[test]
fn a_message_in_a_topic_that_the_bot_made_is_not_for_the_bot_by_that_alone() {
    let shared = shared(|config| config);
    let created = json!({"message_id": 12, "from": {"id": BOT, "is_bot": true, "first_name": "Loquat"},
        "chat": {"id": GROUP, "type": "supergroup"}, "date": 1, "forum_topic_created": {"name": "Help"}});
    let said = json!({"text": "hello all", "message_thread_id": 12, "is_topic_message": true, "reply_to_message": created});
    assert_eq!(read(&shared, group(said)), []);
}

#[test]
fn files_come_as_attachments() {
    let shared = shared(|config| config);
    let attachments = |fields: Value| {
        let heard = read(&shared, private(fields));
        match heard.into_iter().next().map(|heard| heard.inbound.event) {
            Some(Event::Message(message)) => (message.text, message.attachments),
            other => panic!("{other:?}"),
        }
    };
    let file = |name: &str, media_type: &str, bytes: Option<u64>, id: &str| Attachment {
        name: name.into(),
        media_type: media_type.into(),
        bytes,
        place: At::PlatformFile(id.into()),
    };
    let photo = json!({"caption": "what is this?", "photo": [
        {"file_id": "small", "file_unique_id": "s", "width": 90, "height": 67, "file_size": 1000},
        {"file_id": "large", "file_unique_id": "l", "width": 1280, "height": 960, "file_size": 90000},
        {"file_id": "medium", "file_unique_id": "m", "width": 320, "height": 240, "file_size": 9000},
    ]});
    let expected = file("photo.jpg", "image/jpeg", Some(90_000), "large");
    assert_eq!(attachments(photo), ("what is this?".into(), vec![expected]));
    for (fields, expected) in [
        (
            json!({"voice": {"file_id": "V", "duration": 3, "mime_type": "audio/ogg", "file_size": 9}}),
            file("voice.ogg", "audio/ogg", Some(9), "V"),
        ),
        (
            json!({"document": {"file_id": "D", "file_name": "plan.pdf", "mime_type": "application/pdf"}}),
            file("plan.pdf", "application/pdf", None, "D"),
        ),
        (json!({"audio": {"file_id": "A", "duration": 3}}), file("audio.mp3", "audio/mpeg", None, "A")),
        (json!({"video_note": {"file_id": "N", "length": 240}}), file("video.mp4", "video/mp4", None, "N")),
        (
            json!({"sticker": {"file_id": "S", "is_animated": true, "emoji": "👍"}}),
            file("sticker.tgs", "application/x-tgsticker", None, "S"),
        ),
        (
            json!({"animation": {"file_id": "G", "file_name": "a.mp4"}, "document": {"file_id": "G"}}),
            file("a.mp4", "video/mp4", None, "G"),
        ),
    ] {
        assert_eq!(attachments(fields.clone()), (String::new(), vec![expected]), "{fields}");
    }
    assert_eq!(read(&shared, private(json!({"location": {"latitude": 1.0, "longitude": 2.0}}))), []);
    let vast = json!({"photo": [{"file_id": "vast", "width": u64::MAX, "height": u64::MAX}]});
    assert_eq!(attachments(vast).1.len(), 1);
}

#[test]
fn what_somebody_forwards_is_a_question_and_no_command() {
    let shared = shared(|config| config);
    let forwarded = |text: &str, length: usize| {
        json!({"text": text, "entities": [{"type": "bot_command", "offset": 0, "length": length}],
            "forward_origin": {"type": "hidden_user", "sender_user_name": "Eve", "date": 1}})
    };
    for (text, length, said) in [
        ("/ask where is Thimphu?", 4, "ask where is Thimphu?"),
        ("/leave", 6, "leave"),
        (" /! /leave", 0, "leave"),
    ] {
        let heard = read(&shared, private(forwarded(text, length)));
        assert_eq!(heard[0].inbound.event, Event::Message(said.into()), "{text}");
        assert_eq!(read(&shared, group(forwarded(text, length))), [], "{text}");
    }
}

#[test]
fn an_edit_has_an_id_of_its_own_and_names_the_message() {
    let shared = shared(|config| config);
    let edited = |fields: Value| {
        let mut update = private(fields);
        update["edited_message"] = update["message"].take();
        update
    };
    let heard = read(&shared, edited(json!({"text": "hello again", "edit_date": 1_700_000_009})));
    let inbound = &heard[0].inbound;
    assert_eq!(inbound.id, MessageId("e7.482001".into()));
    let mut next = edited(json!({"text": "hello at last", "edit_date": 1_700_000_009}));
    next["update_id"] = json!(482_002);
    assert_ne!(read(&shared, next)[0].inbound.id, inbound.id, "two changes in one second are two");
    let by_itself = edited(json!({"text": "hello again"}));
    assert_eq!(read(&shared, by_itself), [], "nobody changed the words");
    assert_eq!(inbound.address().in_reply_to, MessageId("7".into()));
    let expected = Event::Edit { message: MessageId("7".into()), now: "hello again".into() };
    assert_eq!(inbound.event, expected);
}

#[test]
fn a_pressed_button_names_its_message_and_has_a_ticket() {
    let shared = shared(|config| config);
    let query = |message: Value| {
        json!({"update_id": 9, "callback_query":
            {"id": "4382", "from": ann(), "chat_instance": "1", "data": "a1b2.up", "message": message}})
    };
    let message = json!({"message_id": 30, "date": 1, "chat": {"id": GROUP, "type": "supergroup"},
        "message_thread_id": 12, "is_topic_message": true, "text": "said"});
    let heard = read(&shared, query(message));
    let inbound = &heard[0].inbound;
    assert_eq!(inbound.conversation.to_string(), format!("Test/telegram/{GROUP}/12"));
    assert_eq!(inbound.event, Event::Button { message: MessageId("30".into()), id: "a1b2.up".into() });
    assert_eq!(inbound.ticket.as_ref().map(|ticket| ticket.0.as_str()), Some("4382"));
    assert_eq!(heard[0].whither, Whither::Press("4382".into()));
    assert_eq!(crate::place::replied_to(&inbound.id), Some(30));
    // Of an old message, only place and number are there; its topic is known where the bot sent it lately.
    shared.memory.posted(GROUP, 31, 14);
    let old = query(json!({"message_id": 31, "date": 0, "chat": {"id": GROUP, "type": "supergroup"}}));
    assert_eq!(read(&shared, old)[0].inbound.conversation.thread.as_deref(), Some("14"));
}

#[test]
fn reactions_come_one_by_one_given_and_taken_back() {
    let shared = shared(|config| config);
    shared.memory.posted(GROUP, 31, 14);
    let emoji = |emoji: &str| json!({"type": "emoji", "emoji": emoji});
    let update = json!({"update_id": 77, "message_reaction": {
        "chat": {"id": GROUP, "type": "supergroup"}, "message_id": 31, "user": ann(), "date": 1_700_000_000,
        "old_reaction": [emoji("👍"), emoji("🔥")],
        "new_reaction": [emoji("🔥"), {"type": "custom_emoji", "custom_emoji_id": "55"}]}});
    let heard = read(&shared, update);
    let reaction = |emoji: &str, removed| Event::Reaction {
        message: MessageId("31".into()),
        emoji: emoji.into(),
        removed,
    };
    let events: Vec<_> =
        heard.iter().map(|heard| (heard.inbound.id.0.as_str(), heard.inbound.event.clone())).collect();
    assert_eq!(events, [("r77.0", reaction("👍", true)), ("r77.1", reaction("55", false))]);
    assert!(heard.iter().all(|heard| heard.inbound.conversation.thread.as_deref() == Some("14")));
}

#[test]
fn the_bot_comes_and_goes() {
    let shared = shared(|config| config);
    let event = |old: Value, new: Value, kind: &str| {
        let update = json!({"update_id": 5, "my_chat_member": {"chat": {"id": GROUP, "type": kind}, "from": ann(),
            "date": 1_700_000_000, "old_chat_member": old, "new_chat_member": new}});
        read(&shared, update).into_iter().next().map(|heard| heard.inbound.event)
    };
    let member = |status: &str| json!({"status": status, "user": {"id": BOT}});
    assert_eq!(event(member("left"), member("member"), "supergroup"), Some(Event::Join));
    assert_eq!(event(member("member"), member("administrator"), "supergroup"), None);
    assert_eq!(event(member("member"), member("kicked"), "private"), Some(Event::Leave));
    assert_eq!(
        event(member("kicked"), json!({"status": "restricted", "is_member": true}), "group"),
        Some(Event::Join)
    );
    assert_eq!(event(member("left"), member("administrator"), "channel"), None);
}

#[test]
fn people_who_join_are_told_of_only_where_that_is_wanted() {
    let joined =
        group(json!({"new_chat_members": [ann(), {"id": BOT, "is_bot": true, "first_name": "Loquat"}]}));
    assert_eq!(read(&shared(|config| config), joined.clone()), []);
    let heard = read(&shared(|config| Config { joins: true, ..config }), joined);
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].inbound.event, Event::Join);
    assert_eq!(heard[0].inbound.sender.id, "5000000001");
}

#[test]
fn who_speaks_as_a_group_or_channel_is_that_and_no_bot() {
    let shared = shared(|config| Config { answer_all: true, ..config });
    let anonymous = json!({"text": "hi", "from": {"id": 1_087_968_824, "is_bot": true, "first_name": "Group"},
        "sender_chat": {"id": GROUP, "type": "supergroup", "title": "Friends"}});
    let heard = read(&shared, group(anonymous));
    let sender = &heard[0].inbound.sender;
    assert_eq!((sender.id.as_str(), sender.is_bot), (format!("chat/{GROUP}").as_str(), false));
    let post = json!({"text": "news", "is_automatic_forward": true, "sender_chat": {"id": -1_002, "type": "channel"}});
    assert_eq!(read(&shared, group(post)), []);
    let bot = json!({"text": "beep", "from": {"id": 9, "is_bot": true, "first_name": "Other"}});
    assert!(read(&shared, group(bot))[0].inbound.sender.is_bot);
}

#[test]
fn chats_that_are_not_listed_are_not_heard() {
    let shared = shared(|config| Config { allowed_chats: vec![GROUP], ..config });
    assert_eq!(read(&shared, private(json!({"text": "hello"}))), []);
    assert_eq!(
        text(&read(&shared, group(json!({"text": "@loquat_test_bot hello", "entities": mention(0)})))),
        Some("hello")
    );
}

#[test]
fn a_group_that_becomes_a_supergroup_moves_once_and_stays_allowed() {
    const OLD: i64 = -1_700_000_001;
    let shared = shared(|config| Config { allowed_chats: vec![OLD], ..config });
    let old =
        said(json!({"id": OLD, "type": "group", "title": "Friends"}), json!({"migrate_to_chat_id": GROUP}));
    let new = group(json!({"migrate_from_chat_id": OLD}));
    let (one, other) = (read(&shared, old), read(&shared, new));
    for heard in [&one, &other] {
        let inbound = &heard[0].inbound;
        assert_eq!(inbound.conversation.channel, OLD.to_string());
        assert!(matches!(&inbound.event, Event::Moved { to } if to.channel == GROUP.to_string()));
    }
    assert_eq!(one[0].inbound.id, other[0].inbound.id, "the host knows that it is the same");
    assert_eq!(shared.memory.now(OLD), GROUP);
    let later = group(json!({"text": "@loquat_test_bot hello", "entities": mention(0)}));
    assert_eq!(text(&read(&shared, later)), Some("hello"));
}

#[test]
fn what_a_later_bot_api_brings_makes_no_question_unreadable() {
    let shared = shared(|config| config);
    let update = private(
        json!({"text": "at 5pm?", "entities": [{"type": "date_time", "offset": 3, "length": 3,
        "unix_time": 1, "date_time_format": "t"}], "rich_thing": {"blocks": []}, "from": {"id": 5_000_000_001_i64,
        "is_bot": false, "first_name": "Ann", "supports_telepathy": true}}),
    );
    let typed: teloxide_core::types::Update = serde_json::from_value(update.clone()).unwrap();
    let is_lost = matches!(typed.kind, teloxide_core::types::UpdateKind::Error(_));
    assert!(is_lost, "teloxide reads it by now; receive/update.rs can go");
    assert_eq!(text(&read(&shared, update)), Some("at 5pm?"));
    assert_eq!(read(&shared, json!({"update_id": 1, "poll_answer": {"poll_id": "1"}})), []);
}
