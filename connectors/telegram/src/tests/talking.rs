//! Talking with people on the Telegram for tests: answers, topics, buttons, files, menus, groups that move.

use loquat_contract::{
    Acknowledgement, Administration, Attachment, Button, Delivery, Egress, Envelope, Event, Interactions,
    MessageId, Part, Place as At, Receipt, Refusal, Timestamp,
};
use loquat_fake_telegram::{Kind, Options, Saying, Standing, Telegram};

use super::conformance::shown;
use super::harness::{Bot, conversation, envelope, part, to, until};
use crate::Config;

async fn telegram() -> Telegram {
    Telegram::start(Options::default()).await.unwrap()
}

fn id(delivery: &Delivery) -> i64 {
    match delivery {
        Delivery::Sent { id: Some(id) } => id.0.parse().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_answer_replies_to_the_question_with_its_formatting_and_no_preview() {
    let telegram = telegram().await;
    let bot = Bot::start(&telegram).await;
    telegram.ready().await.unwrap();
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let told = telegram.say(chat, &ann, "where is Thimphu?").unwrap();
    let inbound = bot.notes.after(1).await.remove(0);
    assert_eq!((inbound.text(), inbound.sender.id.clone()), (Some("where is Thimphu?"), ann.id.to_string()));
    assert!(inbound.sent_at > Some(Timestamp(1_700_000_000_000)));

    let delivery = bot.deliver(&inbound.address(), "In **Bhutan** [(1)](https://example.org).").await;
    let seen = telegram.message(chat, id(&delivery)).unwrap();
    assert_eq!(seen.text, "In Bhutan (1).");
    assert_eq!(
        seen.entities.iter().map(|entity| entity.kind.as_str()).collect::<Vec<_>>(),
        ["bold", "text_link"]
    );
    assert_eq!((seen.reply_to, seen.without_preview, seen.mended), (Some(told.message), true, vec![]));

    // A later part does not reply again, and a question that is gone is answered all the same.
    let more = Envelope { number: 2, of: 2, ..envelope(&inbound.address(), part("More.")) };
    let more = id(&bot.egress.deliver(&more).await);
    assert_eq!(telegram.message(chat, more).unwrap().reply_to, None);
    telegram.delete(chat, told.message).unwrap();
    let late = id(&bot.deliver(&inbound.address(), "Late.").await);
    assert_eq!(telegram.message(chat, late).unwrap().reply_to, None);
}

#[tokio::test]
async fn a_topic_is_answered_in_the_topic_and_the_general_topic_in_none() {
    let telegram = telegram().await;
    let bot = Bot::start(&telegram).await;
    telegram.ready().await.unwrap();
    let ann = telegram.user("Ann");
    let forum = telegram.group(Kind::Forum, "Forum", &[&ann]);
    let topic = telegram.open_topic(forum, "Help", &ann).unwrap();
    let question = |topic| Saying { topic, ..Saying::from("/ask where?") };
    telegram.say(forum, &ann, question(Some(topic))).unwrap();
    telegram.say(forum, &ann, question(None)).unwrap();
    let asked = bot.notes.after(2).await;
    assert_eq!(asked[0].conversation.thread, Some(topic.to_string()));
    assert_eq!(asked[1].conversation.thread, None);
    for (inbound, expected) in asked.iter().zip([Some(topic), None]) {
        assert!(
            matches!(&inbound.event, Event::Command { name, arguments } if name == "ask" && arguments == "where?")
        );
        bot.egress.signal_typing(&inbound.conversation).await;
        let answer = id(&bot.deliver(&inbound.address(), "Here.").await);
        assert_eq!(telegram.message(forum, answer).unwrap().topic, expected);
    }
    let typing = |topic| ("typing".to_owned(), Some(topic));
    assert_eq!(telegram.actions(forum), [typing(topic), typing(1)]);
}

#[tokio::test]
async fn a_button_is_pressed_and_always_answered() {
    let telegram = telegram().await;
    let bot = Bot::answering(
        &telegram,
        |config| config,
        |inbound| match &inbound.event {
            Event::Button { id, .. } if id == "a.other" => Err(Refusal::NotYours),
            Event::Button { id, .. } if id == "a.twice" => Ok(Receipt::Duplicate),
            _ => Ok(Receipt::Accepted),
        },
    )
    .await;
    telegram.ready().await.unwrap();
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let button = |id: &str, label: &str| Button { id: id.into(), label: label.into() };
    let buttons = vec![vec![button("a.why", "Why?"), button("a.other", "👍")], vec![button("a.twice", "👎")]];
    let answer = Part { buttons, ..part("In Bhutan.") };
    let message = id(&bot.egress.deliver(&envelope(&to(chat, None, 1), answer)).await);
    assert_eq!(telegram.message(chat, message).unwrap().buttons[0][1].data.as_deref(), Some("a.other"));

    let press = |data: &str| telegram.press(chat, message, data, &ann).unwrap().query;
    let answered = async |query: &str| {
        telegram.until("the button is answered", |telegram| telegram.answer_to(query)).await.unwrap()
    };
    let why = press("a.why");
    let inbound = bot.notes.after(1).await.remove(0);
    assert_eq!(inbound.event, Event::Button { message: MessageId(message.to_string()), id: "a.why".into() });
    assert!(telegram.answer_to(&why).is_none(), "the host acknowledges what it accepted");
    bot.egress.acknowledge(&inbound, Acknowledgement::Working { is_private: false }).await.unwrap();
    assert_eq!(answered(&why).await.text, "");
    // The answer replies to the message with the button.
    let reply = id(&bot.deliver(&inbound.address(), "Because.").await);
    assert_eq!(telegram.message(chat, reply).unwrap().reply_to, Some(message));

    let other = answered(&press("a.other")).await;
    assert!(other.alert && other.text.contains("for the person who asked"), "{other:?}");
    let twice = answered(&press("a.twice")).await;
    assert_eq!((twice.text.as_str(), twice.alert), ("", false));

    let thanks = press("a.why");
    let inbound = bot.notes.after(3).await.remove(2);
    bot.egress.acknowledge(&inbound, Acknowledgement::Done { notice: Some("Thanks!") }).await.unwrap();
    let thanks = answered(&thanks).await;
    assert_eq!((thanks.text.as_str(), thanks.alert), ("Thanks!", false));
}

#[tokio::test]
async fn a_button_in_a_chat_that_is_not_listed_is_answered_too() {
    let telegram = telegram().await;
    let bot = Bot::with(&telegram, |config| Config { allowed_chats: vec![-1], ..config }).await;
    telegram.ready().await.unwrap();
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let buttons = vec![vec![Button { id: "a.1".into(), label: "Why?".into() }]];
    let answer = Part { buttons, ..part("In Bhutan.") };
    let message = id(&bot.egress.deliver(&envelope(&to(chat, None, 1), answer)).await);
    let query = telegram.press(chat, message, "a.1", &ann).unwrap().query;
    telegram.until("the button is answered", |telegram| telegram.answer_to(&query)).await.unwrap();
    assert_eq!(bot.notes.accepted.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_button_that_was_pressed_too_long_ago_is_no_fault() {
    let options = Options { callback_lifetime: std::time::Duration::ZERO, ..Options::default() };
    let telegram = Telegram::start(options).await.unwrap();
    let bot = Bot::start(&telegram).await;
    telegram.ready().await.unwrap();
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let buttons = vec![vec![Button { id: "a.1".into(), label: "Why?".into() }]];
    let answer = Part { buttons, ..part("In Bhutan.") };
    let message = id(&bot.egress.deliver(&envelope(&to(chat, None, 1), answer)).await);
    telegram.press(chat, message, "a.1", &ann).unwrap();
    let inbound = bot.notes.after(1).await.remove(0);
    bot.egress.acknowledge(&inbound, Acknowledgement::Working { is_private: false }).await.unwrap();
    assert_eq!(telegram.calls_of("answerCallbackQuery")[0].status, Some(400));
}

#[tokio::test]
async fn a_refusal_is_told_once_and_is_done_with() {
    let telegram = telegram().await;
    let bot = Bot::answering(
        &telegram,
        |config| config,
        |inbound| match inbound.text() {
            Some("pair K7Q2") => Ok(Receipt::Answered("you are paired".into())),
            _ => Err(Refusal::NotAllowed),
        },
    )
    .await;
    telegram.ready().await.unwrap();
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    for text in ["hello", "hello?", "/pair K7Q2"] {
        telegram.say(chat, &ann, text).unwrap();
    }
    until("all is done with", || telegram.pending() == 0 && telegram.answers(chat).len() >= 2).await;
    let answers: Vec<String> = telegram.answers(chat).iter().map(|seen| seen.text.clone()).collect();
    assert_eq!(answers.len(), 2, "{answers:?}");
    assert!(answers[0].contains("pairing code"), "{answers:?}");
    assert_eq!(answers[1], "you are paired");
    drop(bot);
}

#[tokio::test]
async fn the_menu_is_in_each_language_and_without_what_is_for_operators() {
    let telegram = telegram().await;
    let bot = Bot::start(&telegram).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let entry = |name: &str, description: &str| (name.to_owned(), description.to_owned());
    let english = [entry("ask", "Ask a question"), entry("why", "Why was that said?")];
    assert_eq!(telegram.commands(chat, "de"), english);
    assert_eq!(telegram.commands(chat, "en"), english);
    assert_eq!(telegram.commands(chat, "zh"), [entry("ask", "提问"), entry("why", "为什么这么说？")]);
    drop(bot);
}

fn file(name: &str, media_type: &str, place: At) -> Attachment {
    Attachment { name: name.into(), media_type: media_type.into(), bytes: None, place }
}

#[tokio::test]
async fn files_are_sent_behind_the_words_and_by_the_ids_that_they_came_with() {
    let telegram = telegram().await;
    let bot = Bot::start(&telegram).await;
    telegram.ready().await.unwrap();
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let photo = loquat_fake_telegram::Sent {
        kind: "photo",
        name: "mountain.jpg".into(),
        mime: None,
        bytes: vec![1, 2, 3].into(),
    };
    telegram.say(chat, &ann, Saying { file: Some(photo), ..Saying::from("what is this?") }).unwrap();
    let inbound = bot.notes.after(1).await.remove(0);
    let Event::Message(message) = &inbound.event else { panic!("no message") };
    assert_eq!(message.text, "what is this?");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.pdf");
    std::fs::write(&path, b"a plan").unwrap();
    let attachments = vec![
        file("plan.pdf", "application/pdf", At::Path(path)),
        file("mountain.jpg", "image/jpeg", message.attachments[0].place.clone()),
    ];
    let sent = id(&bot
        .egress
        .deliver(&envelope(&inbound.address(), Part { attachments, ..part("A mountain.") }))
        .await);
    let answers = telegram.answers(chat);
    assert_eq!((answers[0].id, answers[0].text.as_str()), (sent, "A mountain."));
    let files: Vec<_> = answers[1..].iter().map(|seen| seen.file.clone().unwrap()).collect();
    assert_eq!((files[0].name.as_str(), files[0].mime.as_str()), ("plan.pdf", "application/pdf"));
    assert_eq!(&files[0].bytes[..], b"a plan");
    assert_eq!((files[1].kind.as_str(), &files[1].bytes[..]), ("photo", &[1, 2, 3][..]));
}

#[tokio::test]
async fn a_part_whose_file_fails_is_neither_repeated_nor_called_delivered() {
    let telegram = telegram().await;
    let bot = Bot::start(&telegram).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let missing = || file("gone.pdf", "", At::Path("/nonexistent/gone.pdf".into()));
    let both = envelope(&to(chat, None, 1), Part { attachments: vec![missing()], ..part("Here it is.") });
    let delivery = bot.egress.deliver(&both).await;
    assert!(
        matches!(&delivery, Delivery::Ambiguous { reason } if reason.contains("gone.pdf")),
        "{delivery:?}"
    );
    let alone = envelope(&to(chat, None, 1), Part { attachments: vec![missing()], ..Part::default() });
    let delivery = bot.egress.deliver(&alone).await;
    assert!(matches!(&delivery, Delivery::Permanent { .. }), "{delivery:?}");
    let folder = tempfile::tempdir().unwrap();
    let attachments = vec![file("plans", "", At::Path(folder.path().to_owned()))];
    let delivery =
        bot.egress.deliver(&envelope(&to(chat, None, 1), Part { attachments, ..Part::default() })).await;
    assert!(matches!(&delivery, Delivery::Permanent { reason } if reason.contains("plans")), "{delivery:?}");
    assert_eq!(telegram.answers(chat).len(), 1);
}

#[tokio::test]
async fn reactions_come_from_private_chats_and_from_groups_where_the_bot_is_an_administrator() {
    let telegram = telegram().await;
    let bot = Bot::start(&telegram).await;
    telegram.ready().await.unwrap();
    let ann = telegram.user("Ann");
    let forum = telegram.group(Kind::Forum, "Forum", &[&ann]);
    let topic = telegram.open_topic(forum, "Help", &ann).unwrap();
    telegram.set_bot(forum, Standing::Administrator, &ann).unwrap();
    let answer = id(&bot.deliver(&to(forum, i32::try_from(topic).ok(), 1), "Here.").await);
    telegram.react(forum, answer, &ann, &["👍"]).unwrap().unwrap();
    telegram.react(forum, answer, &ann, &[]).unwrap().unwrap();
    let heard = bot.notes.after(2).await;
    let given: Vec<(&str, bool)> = heard
        .iter()
        .filter_map(|inbound| match &inbound.event {
            Event::Reaction { message, emoji, removed } if message.0 == answer.to_string() => {
                Some((emoji.as_str(), *removed))
            }
            _ => None,
        })
        .collect();
    assert_eq!(given, [("👍", false), ("👍", true)]);
    assert!(heard.iter().all(|inbound| inbound.conversation.thread == Some(topic.to_string())));
}

#[tokio::test]
async fn a_group_that_moves_is_answered_where_it_is() {
    let telegram = telegram().await;
    let bot = Bot::start(&telegram).await;
    telegram.ready().await.unwrap();
    let ann = telegram.user("Ann");
    let group = telegram.group(Kind::Group, "Friends", &[&ann]);
    telegram.say(group, &ann, "/ask where?").unwrap();
    let asked = bot.notes.after(1).await.remove(0);
    let supergroup = telegram.migrate(group).unwrap();
    let moved = bot.notes.after(2).await.remove(1);
    assert!(matches!(&moved.event, Event::Moved { to } if to.channel == supergroup.to_string()));
    assert_eq!(moved.conversation, asked.conversation);
    id(&bot.deliver(&asked.address(), "Here.").await);
    assert_eq!(telegram.answers(supergroup)[0].text, "Here.");

    // A process that was not told learns it from the refusal.
    let other = Bot::with(&telegram, |config| Config { poll_secs: 1, ..config }).await;
    other.running.abort();
    id(&other.deliver(&asked.address(), "And here.").await);
    assert_eq!(telegram.answers(supergroup)[1].text, "And here.");
    assert_eq!(telegram.calls_of("sendMessage").iter().filter(|call| call.status == Some(400)).count(), 1);
}

#[tokio::test]
async fn numbers_of_messages_do_not_move_with_a_group() {
    let telegram = telegram().await;
    let bot = Bot::start(&telegram).await;
    bot.running.abort();
    let ann = telegram.user("Ann");
    let group = telegram.group(Kind::Group, "Friends", &[&ann]);
    let asked = telegram.say(group, &ann, "/ask where?").unwrap().message;
    let draft = id(&bot.deliver(&to(group, None, asked), "…").await);
    let supergroup = telegram.migrate(group).unwrap();
    // Somebody else's words come to have the numbers that the question and the draft had.
    let mut last = 0;
    while last < draft {
        last = id(&bot.deliver(&to(supergroup, None, "x"), "An older answer.").await);
    }
    let words = || telegram.answers(supergroup).iter().map(|seen| seen.text.clone()).collect::<Vec<_>>();
    let before = words();
    let answer = Envelope {
        draft: Some(MessageId(draft.to_string())),
        ..envelope(&to(group, None, asked), part("Here."))
    };
    id(&bot.egress.deliver(&answer).await);
    let after = words();
    assert_eq!(after, [before, vec!["Here.".to_owned()]].concat(), "nothing else was changed");
    assert_eq!(telegram.answers(supergroup).last().unwrap().reply_to, None);

    let drafts = bot.egress.drafts().unwrap();
    drafts.withdraw(&to(group, None, asked), Some(&MessageId(draft.to_string()))).await;
    assert!(bot.egress.remove(&conversation(group), &MessageId(draft.to_string())).await.is_err());
    assert_eq!(words(), after, "and nothing was removed");
}

#[tokio::test]
async fn the_bot_removes_its_own_messages_and_leaves() {
    let telegram = telegram().await;
    let bot = Bot::start(&telegram).await;
    let ann = telegram.user("Ann");
    let group = telegram.group(Kind::Supergroup, "Friends", &[&ann]);
    let message = id(&bot.deliver(&to(group, None, 1), "Here.").await);
    bot.egress.remove(&conversation(group), &MessageId(message.to_string())).await.unwrap();
    assert_eq!(telegram.answers(group).len(), 0);
    bot.egress.leave(&conversation(group)).await.unwrap();
    let delivery = bot.deliver(&to(group, None, 1), "Still here?").await;
    assert!(matches!(delivery, Delivery::Permanent { .. }), "{delivery:?}");
}

#[tokio::test]
async fn a_table_is_a_rich_message_where_that_is_wanted_and_known() {
    const TABLE: &str = "Two:\n\n| name | value |\n|---|---|\n| a | **1** |\n| b | 2 |";
    for (version, is_rich) in [((10, 3), true), ((10, 1), false), ((9, 6), false)] {
        let options = Options { bot_api_version: version, ..Options::default() };
        let telegram = Telegram::start(options).await.unwrap();
        let bot = Bot::with(&telegram, |config| Config { rich: true, ..config }).await;
        let ann = telegram.user("Ann");
        let chat = telegram.private(&ann);
        for _ in 0..2 {
            let sent = id(&bot.deliver(&to(chat, None, 1), TABLE).await);
            let seen = telegram.message(chat, sent).unwrap();
            assert_eq!(seen.rich.is_some(), is_rich, "{version:?} {seen:?}");
            assert_eq!(seen.mended, Vec::<String>::new());
            assert!(shown(&seen).text.contains("name"), "{seen:?}");
        }
        let tried = telegram.calls_of("sendRichMessage").len();
        assert_eq!(
            tried,
            if version == (9, 6) { 1 } else { 2 },
            "what a server does not have is asked for once"
        );
    }
}

#[tokio::test]
async fn no_other_refusal_of_a_rich_message_is_taken_for_one_of_its_form() {
    let options = Options { bot_api_version: (10, 3), ..Options::default() };
    let telegram = Telegram::start(options).await.unwrap();
    let bot = Bot::with(&telegram, |config| Config { rich: true, ..config }).await;
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    telegram.block(&ann).unwrap();
    let delivery = bot.deliver(&to(chat, None, 1), "| a |\n|---|\n| b |").await;
    assert!(matches!(delivery, Delivery::Permanent { .. }), "{delivery:?}");
    assert_eq!(telegram.calls_of("sendMessage").len(), 0);
}
