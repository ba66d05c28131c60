//! python-telegram-bot 22, by long polling and by webhook.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use loquat_fake_telegram::{Calls, Fault, Heard, Kind, Options, Saying, Sent, Telegram, User};
use serde_json::json;

use crate::judge::Judge;

#[tokio::test]
async fn talks_by_polling() {
    let telegram = Telegram::start(Options::default()).await.unwrap();
    let ann = telegram.user("Ann");
    let mut judge = Judge::start("ptb_bot.py", &telegram, &["polling"]);
    talk(&telegram, &ann, &mut judge).await;
    let chat = telegram.private(&ann);
    telegram.say(chat, &ann, "/conflict").unwrap();
    let saw = judge.saw("conflict").await;
    assert_eq!(saw["error"]["error"], "Conflict");
    end(&telegram, chat, &ann, judge).await;
}

#[tokio::test]
async fn talks_by_webhook() {
    let telegram = Telegram::start(Options::default()).await.unwrap();
    let ann = telegram.user("Ann");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut judge = Judge::start("ptb_bot.py", &telegram, &[&port.to_string()]);
    talk(&telegram, &ann, &mut judge).await;
    assert_eq!(telegram.webhook().as_deref(), Some(&*format!("http://127.0.0.1:{port}/hook")));
    assert_eq!(telegram.calls_of("setWebhook")[0].params.get("secret_token"), Some("a-secret_of-42"));
    assert!(telegram.calls_of("getUpdates").is_empty());
    end(&telegram, telegram.private(&ann), &ann, judge).await;
}

async fn talk(telegram: &Telegram, ann: &User, judge: &mut Judge) {
    let chat = telegram.private(ann);
    let login = judge.saw("login").await;
    assert_eq!((&login["id"], &login["username"]), (&json!(telegram.bot().id), &json!("loquat_test_bot")));
    assert_eq!(login["menu"], json!([["ask", "Demander"]]));
    telegram.ready().await.unwrap();

    let told = telegram.say(chat, ann, "/ask who are you").unwrap();
    let saw = judge.saw("command").await;
    assert_eq!((&saw["arguments"], &saw["chat_type"]), (&json!(["who", "are", "you"]), &json!("private")));
    assert_eq!((&saw["replied"], &saw["entities"]), (&json!(told.message), &json!(["bold", "code"])));
    assert_eq!((&saw["edited"], &saw["draft"]), (&json!("shorter"), &json!(true)));
    assert_eq!(saw["again"]["error"], "BadRequest");
    assert_eq!(telegram.heard(told.update.unwrap()).await.unwrap(), Heard::Acknowledged);
    let answer = telegram.answers(chat).pop().unwrap();
    assert_eq!(
        (answer.text.as_str(), answer.history.as_slice()),
        ("shorter", &["Bold 你好 code".to_owned()][..])
    );
    assert_eq!(telegram.drafts(chat)[0].text, "so far");

    let press = telegram.press(chat, answer.id, "why", ann).unwrap();
    let saw = judge.saw("pressed").await;
    assert_eq!((&saw["data"], &saw["under"]), (&json!("why"), &json!(answer.id)));
    assert!(saw["again"]["words"].as_str().unwrap().contains("uery is too old"), "{saw}");
    let toast = telegram.answer_to(&press.query).unwrap();
    assert_eq!((toast.text.as_str(), toast.alert), ("Because", true));

    let notes =
        Sent { kind: "document", name: "notes.txt".into(), mime: None, bytes: (&b"stressed"[..]).into() };
    telegram.say(chat, ann, Saying { file: Some(notes), ..Saying::from("read this") }).unwrap();
    let saw = judge.saw("document").await;
    assert_eq!((&saw["name"], &saw["caption"]), (&json!("notes.txt"), &json!("read this")));
    assert_eq!((&saw["content"], &saw["album"]), (&json!("stressed"), &json!(2)));
    assert!(saw["long"]["words"].as_str().unwrap().contains("caption is too long"), "{saw}");
    let files: Vec<_> = telegram.answers(chat).into_iter().filter_map(|seen| seen.file).collect();
    assert_eq!(&files[0].bytes[..], b"desserts");
    assert_eq!((files[2].kind.as_str(), &files[2].bytes[..]), ("photo", &b"\x89PNG2"[..]));

    telegram.react(chat, answer.id, ann, &["👎"]).unwrap().unwrap();
    let saw = judge.saw("reaction").await;
    assert_eq!((&saw["old"], &saw["new"]), (&json!([]), &json!(["👎"])));
    assert_eq!(telegram.message(chat, answer.id).unwrap().reactions[&telegram.bot().id], ["👌"]);
    telegram.edit(chat, told.message, "what I meant").unwrap();
    assert_eq!(judge.saw("other").await["kind"], "edited");

    let (bob, eve) = (telegram.user("Bob"), telegram.user("Eve"));
    let (blocked, retry) = (telegram.private(&bob), telegram.private(&eve));
    telegram.block(&bob).unwrap();
    assert_eq!(judge.saw("standing").await["new"], "kicked");
    let group = telegram.group(Kind::Group, "Club", &[ann]);
    let new = telegram.migrate(group).unwrap();
    judge.saw("other").await;
    judge.saw("other").await;
    for _ in 0..3 {
        telegram.arm(Calls::Sends, Fault::Slow(std::time::Duration::ZERO));
    }
    telegram.arm(Calls::Sends, Fault::TooMany(Some(9)));
    telegram.arm(Calls::Sends, Fault::Server(502));
    telegram.say(chat, ann, format!("/errors {blocked} {group} {retry}")).unwrap();
    let saw = judge.saw("errors").await;
    assert_eq!(saw["blocked"]["error"], "Forbidden");
    assert_eq!(
        (&saw["migrated"]["error"], &saw["migrated"]["migrate_to"]),
        (&json!("ChatMigrated"), &json!(new))
    );
    assert_eq!(saw["missing"]["error"], "BadRequest");
    assert_eq!((&saw["retry"]["error"], &saw["retry"]["retry_after"]), (&json!("RetryAfter"), &json!(9.0)));
    assert_eq!(saw["server"]["error"], "NetworkError");
    assert_eq!(saw["token"]["error"], "InvalidToken");
    assert_eq!(saw["unknown"]["error"], "EndPointNotFound");
}

async fn end(telegram: &Telegram, chat: i64, user: &User, mut judge: Judge) {
    telegram.say(chat, user, "/end").unwrap();
    judge.saw("end").await;
    judge.end().await;
}
