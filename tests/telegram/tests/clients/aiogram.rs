//! aiogram 3, by long polling.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use loquat_fake_telegram::{Calls, Fault, Heard, Kind, Options, Saying, Sent, Standing, Telegram};
use serde_json::json;

use crate::judge::Judge;

fn file(kind: &'static str, name: &str, bytes: &'static [u8]) -> Option<Sent> {
    Some(Sent { kind, name: name.to_owned(), mime: None, bytes: bytes.into() })
}

#[tokio::test]
async fn talks_in_private() {
    let telegram = Telegram::start(Options::default()).await.unwrap();
    let ann = telegram.user_with_language("Ann", "de");
    let chat = telegram.private(&ann);
    let mut judge = Judge::start("aiogram_bot.py", &telegram, &[]);
    let login = judge.saw("login").await;
    assert_eq!(login["id"], telegram.bot().id);
    assert_eq!(login["username"], "loquat_test_bot");
    assert_eq!(login["reads_all"], false);
    assert_eq!(login["menu"], json!([["ask", "Etwas fragen"]]));
    assert_eq!(login["description"], "What it is for");
    assert_eq!(login["webhook"], "");
    assert_eq!(telegram.commands(chat, "de"), [("ask".to_owned(), "Etwas fragen".to_owned())]);
    assert_eq!(telegram.commands(chat, "en"), [("ask".to_owned(), "Ask something".to_owned())]);
    telegram.ready().await.unwrap();

    let told = telegram.say(chat, &ann, "/ask who are you").unwrap();
    let saw = judge.saw("command").await;
    assert_eq!(saw["arguments"], "who are you");
    assert_eq!((&saw["language"], &saw["chat_type"]), (&json!("de"), &json!("private")));
    assert_eq!(saw["replied"], told.message);
    assert_eq!(saw["entities"], json!(["bold", "code"]));
    assert_eq!(telegram.heard(told.update.unwrap()).await.unwrap(), Heard::Acknowledged);
    let answer = telegram.answers(chat).pop().unwrap();
    assert_eq!((answer.text.as_str(), answer.reply_to), ("Bold 你好 code", Some(told.message)));
    assert_eq!(answer.entities[1].words(&answer.text), "code");
    assert_eq!(answer.buttons[0][0].data.as_deref(), Some("good"));
    assert_eq!(answer.buttons[0][1].url.as_deref(), Some("https://example.org/"));

    let press = telegram.press(chat, answer.id, "good", &ann).unwrap();
    let saw = judge.saw("pressed").await;
    assert_eq!(
        (&saw["data"], &saw["by"], &saw["under"]),
        (&json!("good"), &json!(ann.id), &json!(answer.id))
    );
    assert_eq!(saw["again"]["error"], "TelegramBadRequest");
    assert_eq!(telegram.answer_to(&press.query).unwrap().text, "Thank you");
    assert!(telegram.message(chat, answer.id).unwrap().buttons.is_empty());

    telegram.react(chat, answer.id, &ann, &["👍"]).unwrap().unwrap();
    let saw = judge.saw("reaction").await;
    assert_eq!((&saw["old"], &saw["new"], &saw["by"]), (&json!([]), &json!(["👍"]), &json!(ann.id)));
    assert_eq!(saw["bad"]["words"], "Bad Request: REACTION_INVALID");
    assert_eq!(telegram.message(chat, answer.id).unwrap().reactions[&telegram.bot().id], ["🔥"]);

    telegram.edit(chat, told.message, "/ask who am I").unwrap();
    let saw = judge.saw("edited").await;
    assert_eq!((&saw["message"], &saw["text"]), (&json!(told.message), &json!("/ask who am I")));
    end(&telegram, chat, &ann, judge).await;
}

#[tokio::test]
async fn formats_streams_and_sends_files() {
    let telegram = Telegram::start(Options::default()).await.unwrap();
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let mut judge = Judge::start("aiogram_bot.py", &telegram, &[]);
    judge.saw("login").await;
    telegram.say(chat, &ann, "/stream").unwrap();
    let saw = judge.saw("stream").await;
    assert_eq!(saw["again"]["error"], "TelegramBadRequest");
    assert!(saw["again"]["words"].as_str().unwrap().contains("message is not modified"));
    assert_eq!(saw["html"][0], "bold both <tag> fn main() {}");
    assert_eq!(
        saw["html"][1],
        json!([["bold", 0, 9, null], ["italic", 5, 4, null], ["pre", 16, 12, "rust"]])
    );
    assert_eq!(saw["markdown"][0], "bold it hidden link 1.");
    let link = "https://example.org/a";
    assert_eq!(
        saw["markdown"][1],
        json!([
            ["bold", 0, 4, null],
            ["italic", 5, 2, null],
            ["spoiler", 8, 6, null],
            ["text_link", 15, 4, link]
        ])
    );
    assert_eq!(
        saw["broken"]["words"],
        "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\""
    );
    assert_eq!(saw["draft"], true);
    let drafts = telegram.drafts(chat);
    assert_eq!((drafts[0].id, drafts[0].text.as_str()), (7, "so far"));
    assert_eq!(telegram.actions(chat), [("typing".to_owned(), None)]);
    assert_eq!(telegram.answers(chat)[0].history, ["one"]);

    let file = |kind, name, bytes| file(kind, name, bytes);
    let saying = Saying { file: file("document", "notes.txt", b"stressed"), ..Saying::from("read this") };
    telegram.say(chat, &ann, saying).unwrap();
    let saw = judge.saw("document").await;
    assert_eq!(
        (&saw["name"], &saw["caption"], &saw["content"]),
        (&json!("notes.txt"), &json!("read this"), &json!("stressed"))
    );
    assert_eq!((&saw["again"], &saw["album"]), (&json!(true), &json!(1)));
    let files: Vec<_> = telegram.answers(chat).into_iter().filter_map(|seen| seen.file).collect();
    assert_eq!((files[0].name.as_str(), &files[0].bytes[..]), ("back.txt", &b"desserts"[..]));
    assert_eq!(files[1], files[0]);
    assert_eq!(&files[3].bytes[..], b"second");

    telegram.say(chat, &ann, Saying { file: file("voice", "v.oga", b"OggS"), ..Saying::default() }).unwrap();
    let saw = judge.saw("voice").await;
    assert_eq!((&saw["mime"], &saw["duration"]), (&json!("audio/ogg"), &json!(1)));
    let photo = telegram.answers(chat).pop().unwrap();
    assert_eq!((photo.text.as_str(), photo.file.unwrap().kind.as_str()), ("a photo", "photo"));
    end(&telegram, chat, &ann, judge).await;
}

#[tokio::test]
async fn sends_rich_messages() {
    let telegram = Telegram::start(Options { bot_api_version: (10, 2), ..Options::default() }).await.unwrap();
    let ann = telegram.user("Ann");
    let chat = telegram.private(&ann);
    let mut judge = Judge::start("aiogram_bot.py", &telegram, &[]);
    judge.saw("login").await;
    telegram.say(chat, &ann, "/rich").unwrap();
    let saw = judge.saw("rich").await;
    assert_eq!(saw["kinds"], json!(["heading", "table", "list", "pre"]));
    assert_eq!((&saw["bold"], &saw["align"], &saw["label"]), (&json!("2"), &json!("right"), &json!("1.")));
    assert_eq!((&saw["again"], &saw["draft"]), (&json!(["paragraph", "table"]), &json!(true)));
    assert_eq!(saw["empty"], "Bad Request: rich message must be non-empty");
    assert_eq!(telegram.answers(chat)[0].text, "Title\na | b\n1 | 2\n1. one\n• inner\nfn main() {}");
    assert_eq!(telegram.drafts(chat)[0].text, "so far");
    end(&telegram, chat, &ann, judge).await;
}

#[tokio::test]
async fn talks_in_groups_topics_and_channels() {
    let telegram = Telegram::start(Options::default()).await.unwrap();
    let (ann, bob) = (telegram.user("Ann"), telegram.user("Bob"));
    let mut judge = Judge::start("aiogram_bot.py", &telegram, &[]);
    judge.saw("login").await;

    let group = telegram.group_without_bot(Kind::Group, "Club", &[&ann]);
    telegram.set_bot(group, Standing::Member, &ann).unwrap().unwrap();
    let saw = judge.saw("standing").await;
    assert_eq!((&saw["old"], &saw["new"]), (&json!("left"), &json!("member")));
    assert_eq!(judge.saw("other").await["joined"], json!([telegram.bot().id]));
    // In privacy mode only what is meant for the bot gets there.
    assert_eq!(telegram.say(group, &bob, "nice weather").unwrap().update, None);
    assert_eq!(telegram.say(group, &bob, "/ask@another_bot x").unwrap().update, None);
    telegram.say(group, &bob, "hey @loquat_test_bot").unwrap().update.unwrap();
    assert_eq!(judge.saw("other").await["text"], "hey @loquat_test_bot");
    telegram.say(group, &bob, "/ask@loquat_test_bot x").unwrap().update.unwrap();
    let saw = judge.saw("command").await;
    assert_eq!((&saw["mention"], &saw["chat_type"]), (&json!("loquat_test_bot"), &json!("group")));
    let answer = telegram.answers(group).pop().unwrap();
    let reply = Saying { reply_to: Some(answer.id), quote: Some("Bold".into()), ..Saying::from("why") };
    telegram.say(group, &bob, reply).unwrap().update.unwrap();
    assert_eq!(judge.saw("other").await["quote"], "Bold");
    telegram.join(group, &bob).unwrap().unwrap();
    assert_eq!(judge.saw("other").await["joined"], json!([bob.id]));
    let supergroup = telegram.migrate(group).unwrap();
    assert_eq!(judge.saw("other").await["migrated"], supergroup);
    judge.saw("other").await;

    let forum = telegram.group(Kind::Forum, "Forum", &[&ann]);
    let topic = telegram.open_topic(forum, "Help", &ann).unwrap();
    judge.saw("other").await;
    telegram.say(forum, &ann, Saying { topic: Some(topic), ..Saying::from("/ask x") }).unwrap();
    assert_eq!(judge.saw("command").await["topic"], topic);
    assert_eq!(telegram.answers(forum).pop().unwrap().topic, Some(topic));
    telegram.say(forum, &ann, "/ask in General").unwrap();
    assert_eq!(judge.saw("command").await["topic"], json!(null));
    assert_eq!(telegram.answers(forum).pop().unwrap().topic, None);

    let channel = telegram.group(Kind::Channel, "News", &[&ann]);
    telegram.say(channel, &ann, "a post").unwrap();
    let saw = judge.saw("posted").await;
    assert_eq!((&saw["channel"], &saw["sent_as"]), (&json!(channel), &json!(channel)));
    let private = telegram.private(&ann);
    telegram.say(private, &ann, Saying { forwarded_from: Some(bob.id), ..Saying::from("psst") }).unwrap();
    assert_eq!(judge.saw("other").await["forwarded"], "user");
    end(&telegram, private, &ann, judge).await;
}

#[tokio::test]
async fn errors_are_the_clients_own() {
    let telegram = Telegram::start(Options::default()).await.unwrap();
    let (ann, bob, eve) = (telegram.user("Ann"), telegram.user("Bob"), telegram.user("Eve"));
    let (chat, blocked, retry) = (telegram.private(&ann), telegram.private(&bob), telegram.private(&eve));
    let group = telegram.group(Kind::Group, "Club", &[&ann]);
    let forum = telegram.group(Kind::Forum, "Forum", &[&ann]);
    let mut judge = Judge::start("aiogram_bot.py", &telegram, &[]);
    judge.saw("login").await;
    telegram.block(&bob).unwrap();
    let saw = judge.saw("standing").await;
    assert_eq!((&saw["new"], &saw["chat"]), (&json!("kicked"), &json!(blocked)));
    let new = telegram.migrate(group).unwrap();
    judge.saw("other").await;
    judge.saw("other").await;
    // The calls that come before those two each take one that changes nothing.
    for _ in 0..4 {
        telegram.arm(Calls::Sends, Fault::Slow(std::time::Duration::ZERO));
    }
    telegram.arm(Calls::Sends, Fault::TooMany(Some(9)));
    telegram.arm(Calls::Sends, Fault::Server(502));
    telegram.say(chat, &ann, format!("/errors {blocked} {group} {retry} {forum}")).unwrap();
    let saw = judge.saw("errors").await;
    let error = |name: &str| (saw[name]["error"].clone(), saw[name]["words"].clone());
    assert_eq!(
        error("blocked"),
        (json!("TelegramForbiddenError"), json!("Forbidden: bot was blocked by the user"))
    );
    assert_eq!(
        (error("migrated").0, &saw["migrated"]["migrate_to"]),
        (json!("TelegramMigrateToChat"), &json!(new))
    );
    assert_eq!(error("missing"), (json!("TelegramBadRequest"), json!("Bad Request: chat not found")));
    assert_eq!(error("long"), (json!("TelegramBadRequest"), json!("Bad Request: message is too long")));
    assert_eq!((error("retry").0, &saw["retry"]["retry_after"]), (json!("TelegramRetryAfter"), &json!(9)));
    // aiogram cannot read a proxy's page as JSON, whatever its code says.
    assert_eq!(error("server").0, "ClientDecodeError");
    assert_eq!(error("general").1, "Bad Request: message thread not found");
    assert_eq!(error("token").0, "TelegramUnauthorizedError");
    assert_eq!(error("unknown").0, "TelegramNotFound");
    assert_eq!(error("data").1, "Bad Request: BUTTON_DATA_INVALID");

    telegram.say(chat, &ann, "/conflict").unwrap();
    let saw = judge.saw("conflict").await;
    assert_eq!(saw["error"]["error"], "TelegramConflictError");
    end(&telegram, chat, &ann, judge).await;
}

async fn end(telegram: &Telegram, chat: i64, user: &loquat_fake_telegram::User, mut judge: Judge) {
    telegram.say(chat, user, "/end").unwrap();
    judge.saw("end").await;
    judge.end().await;
}
