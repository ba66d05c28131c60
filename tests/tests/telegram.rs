//! The real bot on Telegram: the real program with its real model, and people on a server of the Bot API of our own.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use loquat_fake_telegram::{Kind, Options, Saying, Seen, Standing, Telegram};
use loquat_tests::look;
use loquat_tests::program::User;
use loquat_tests::server::Server;

/// What a bot that is on Telegram is called there.
fn username(telegram: &Telegram) -> String {
    telegram.bot().username.unwrap()
}

/// A home with a bot that is told of this Telegram, and whose log says everything.
fn home(telegram: &Telegram) -> User {
    User::new()
        .unwrap()
        .with("LOQUAT_CONNECTORS__TELEGRAM__TOKEN", telegram.token())
        .with("LOQUAT_CONNECTORS__TELEGRAM__API", telegram.url())
        .with("LOQUAT_CONNECTORS__TELEGRAM__POLL_SECS", "1")
        .with("LOQUAT_LOG", "trace,sled=off")
}

/// The bot's message in a chat that has this in it, once it is there and whole.
async fn hear(telegram: &Telegram, chat: i64, part: &str) -> Seen {
    let seen = telegram.until(part, |telegram| {
        telegram.answers(chat).into_iter().find(|seen| seen.text.contains(part) && !seen.buttons.is_empty())
    });
    seen.await.unwrap_or_else(|error| panic!("{error}: {:#?}", telegram.answers(chat)))
}

fn button(seen: &Seen, label: &str) -> String {
    let button = seen.buttons.iter().flatten().find(|button| button.text.contains(label));
    button.unwrap_or_else(|| panic!("{label}: {seen:?}")).data.clone().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn people_talk_to_the_bot_on_telegram_and_a_kill_doubles_nothing() {
    let telegram = Telegram::start(Options::default()).await.unwrap();
    let user = home(&telegram);
    let (ann, bob) = (telegram.user("Ann"), telegram.user_with_language("Bob", "zh"));
    let (private, group) = (telegram.private(&ann), telegram.group(Kind::Supergroup, "Atlas", &[&ann, &bob]));
    let mut server = Server::start(&user, &["--port", "0"]).unwrap();
    telegram.ready().await.unwrap();

    telegram.say(private, &ann, "What is the capital of Bhutan?").unwrap();
    let answer = hear(&telegram, private, "Thimphu").await;
    assert!(answer.text.contains("The capital of Bhutan is Thimphu. [1]"), "{answer:?}");
    assert!(answer.mended.is_empty(), "{answer:?}");
    telegram.say(private, &ann, "And its currency?").unwrap();
    hear(&telegram, private, "ngultrum").await;

    // Buttons, and what they leave in the journal.
    let pressed = telegram.press(private, answer.id, &button(&answer, "👍"), &ann).unwrap();
    let told = telegram.until("thanks", |telegram| telegram.answer_to(&pressed.query)).await.unwrap();
    assert_eq!(told.text, "Thank you.");
    telegram.press(private, answer.id, &button(&answer, "Why"), &ann).unwrap();
    let is_why = |seen: &Seen| seen.text.contains("supported by") && seen.text.contains("generation");
    telegram.until("why", |telegram| telegram.answers(private).into_iter().find(is_why)).await.unwrap();

    // In a group: only what is for the bot, and in the language of who asks.
    telegram.say(group, &ann, "What is the capital of Nepal?").unwrap();
    telegram.say(group, &bob, format!("@{} 日本的首都是什么？", username(&telegram))).unwrap();
    let answer = hear(&telegram, group, "东京").await;
    telegram.say(group, &ann, Saying { reply_to: Some(answer.id), .."And of Kenya?".into() }).unwrap();
    hear(&telegram, group, "Nairobi").await;
    assert!(!telegram.answers(group).iter().any(|seen| seen.text.contains("Kathmandu")));
    telegram.set_bot(group, Standing::Administrator, &ann).unwrap();
    telegram.react(group, answer.id, &bob, &["👎"]).unwrap();
    let menu = telegram.commands(group, "zh");
    assert!(menu.iter().any(|(name, words)| name == "why" && words.contains("依据")), "{menu:?}");

    // Until it is all on record: a kill before that leaves it unknown, as it has to.
    let ledger = || user.run(["ledger"]).unwrap().out;
    telegram
        .until("the ledger", |_| (ledger().matches("delivered").count() == 5).then_some(()))
        .await
        .unwrap_or_else(|error| panic!("{error}: {}", ledger()));
    server.kill().unwrap();
    telegram.say(private, &ann, "Which countries border Switzerland?").unwrap();
    let again = Server::start(&user, &["--port", "0"]).unwrap();
    let answer = hear(&telegram, private, "Liechtenstein").await;
    assert!(answer.text.contains("Austria"), "{answer:?}");
    let times = |part: &str| telegram.answers(private).iter().filter(|seen| seen.text.contains(part)).count();
    assert_eq!(
        (times("is Thimphu. [1]\n"), times("Liechtenstein.")),
        (1, 1),
        "{:#?}",
        telegram.answers(private)
    );

    for (chat, name) in [(private, "telegram-private"), (group, "telegram-group")] {
        look(&format!("{}/view/{chat}", telegram.url()), name).unwrap();
    }
    let feedback = user.run(["feedback", "--format", "jsonl"]).unwrap();
    let lines: Vec<&str> = feedback.out.lines().collect();
    assert_eq!(lines.len(), 2, "{feedback:?}");
    assert!(lines[0].contains("good") && lines[0].contains("capital of Bhutan"), "{feedback:?}");
    assert!(lines[1].contains("bad") && lines[1].contains("日本"), "{feedback:?}");

    let doctor = user.run(["doctor"]).unwrap();
    assert!(doctor.out.contains(&format!("@{}", username(&telegram))), "{doctor:?}");
    assert!(doctor.out.contains("privacy mode"), "{doctor:?}");

    for said in [server.said(), again.said(), doctor.out, doctor.err, feedback.err] {
        assert!(!said.contains(&telegram.token()), "the token is in the log");
    }
    assert!(again.said().contains("TRACE"), "the log says everything");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_good_ends_the_bot_with_what_to_do() {
    let telegram = Telegram::start(Options::default()).await.unwrap();
    let wrong = "110201543:AAwrongwrongwrongwrongwrongwrongwro";
    let user = home(&telegram).with("LOQUAT_CONNECTORS__TELEGRAM__TOKEN", wrong);
    let server = Server::start(&user, &["--port", "0"]).unwrap();
    assert!(server.says("BotFather"), "{}", server.said());
    assert!(!server.said().contains(wrong), "the token is in the log");
    let doctor = user.run(["doctor"]).unwrap();
    assert_eq!(doctor.code, Some(1), "{doctor:?}");
    assert!(doctor.out.contains("BotFather") && !doctor.out.contains(wrong), "{doctor:?}");
}
