//! Questions and answers over a connection: in a channel, in private, refused, and around a stop.

use std::sync::atomic::Ordering;
use std::time::Duration;

use loquat_conformance::{Act, Deed, Platform};
use loquat_contract::{ConnectorError, Delivery, Receipt, Refusal};

use super::conformance::config;
use super::fake::{Fake, Manner};
use super::fakes::{Bot, until};
use crate::Config;

async fn started(manner: Manner) -> (Fake, Bot) {
    let fake = Fake::with(manner).await.unwrap();
    let bot = Bot::start(config(&fake.address()).unwrap());
    fake.ready().await.unwrap();
    (fake, bot)
}

fn asks(channel: &str, text: &str) -> Act {
    Act { channel: channel.into(), id: "m1".into(), sender: "alice".into(), deed: Deed::Say(text.into()) }
}

#[tokio::test]
async fn a_question_in_a_channel_is_answered_there_to_the_one_who_asked() {
    let (fake, bot) = started(Manner::default()).await;
    fake.act(&asks("help", "What is the capital of Bhutan?")).await;
    let asked = &bot.sink.after(1).await[0];
    assert_eq!((asked.text(), asked.id.0.as_str()), (Some("What is the capital of Bhutan?"), "m1 alice"));
    assert_eq!(bot.deliver("#help", "m1 alice", "Thimphu.").await, Delivery::Sent { id: None });
    assert_eq!(fake.shown("help")[0].text, "Thimphu.");
    let lines = fake.state.now.lock().unwrap().lines.clone();
    assert!(lines.iter().any(|line| line == "PRIVMSG #help :alice: Thimphu."), "{lines:?}");
}

#[tokio::test]
async fn a_private_question_is_answered_in_private() {
    let (fake, bot) = started(Manner::default()).await;
    fake.tell(":Alice!~a@host PRIVMSG loquat :hello");
    assert_eq!(bot.sink.after(1).await[0].conversation.channel, "alice");
    assert_eq!(bot.deliver("alice", "m2 Alice", "Hello!").await, Delivery::Sent { id: None });
    assert_eq!(fake.shown("alice")[0].text, "Hello!");
}

#[tokio::test]
async fn messages_reach_the_sink_in_the_order_in_which_they_were_said() {
    let (fake, bot) = started(Manner::default()).await;
    for number in 0..500 {
        fake.tell(&format!(":alice!~a@host PRIVMSG loquat :{number}"));
    }
    let heard = bot.sink.after(500).await;
    let said: Vec<String> = heard.iter().filter_map(|inbound| inbound.text().map(str::to_owned)).collect();
    assert_eq!(said, (0..500).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn deliveries_at_once_are_told_apart() {
    let (fake, bot) = started(Manner::default()).await;
    fake.open("#a");
    let deliveries = ["#a", "#none", "nobody", "#A"].map(|channel| bot.deliver(channel, "m1 alice", "hi"));
    let [a, none, nobody, other] = futures::future::join_all(deliveries).await.try_into().unwrap();
    assert_eq!(a, Delivery::Sent { id: None });
    for (delivery, words) in [(none, "No such channel"), (nobody, "No such nick"), (other, "No such channel")]
    {
        assert!(
            matches!(&delivery, Delivery::Permanent { reason } if reason.contains(words)),
            "{delivery:?}"
        );
    }
}

#[tokio::test]
async fn the_host_s_answers_and_refusals_are_told_in_private_once_a_minute() {
    let (fake, bot) = started(Manner::default()).await;
    let refused = || Err(Refusal::NotAllowed);
    let answers = [Ok(Receipt::Answered("You are paired.\nWelcome.".into())), refused(), refused()];
    bot.sink.answers.lock().unwrap().extend(answers);
    for _ in 0..3 {
        fake.act(&asks("help", "hello")).await;
    }
    bot.sink.after(3).await;
    fake.ready().await.unwrap();
    let lines = fake.state.now.lock().unwrap().lines.clone();
    let notices: Vec<&String> = lines.iter().filter(|line| line.starts_with("NOTICE")).collect();
    assert_eq!(notices[..2], ["NOTICE alice :You are paired.", "NOTICE alice :Welcome."]);
    assert_eq!(notices.len(), 3, "{notices:?}");
    assert!(notices[2].starts_with("NOTICE alice :you may not talk to this bot"), "{notices:?}");
}

#[tokio::test]
async fn everything_from_the_server_is_a_sign_of_life_and_the_bot_asks_for_one() {
    let (fake, bot) = started(Manner::default()).await;
    let before = bot.sink.alive.load(Ordering::SeqCst);
    until(|| fake.state.now.lock().unwrap().lines.iter().any(|line| line == "PING :alive")).await;
    until(|| bot.sink.alive.load(Ordering::SeqCst) > before).await;
}

#[tokio::test]
async fn a_nickname_in_use_gets_a_tail_and_the_bot_answers_to_it() {
    let (fake, bot) = started(Manner { taken: vec!["loquat".into()], ..Manner::default() }).await;
    assert_eq!(fake.nick().as_deref(), Some("loquat_"));
    fake.tell(":a!~a@host PRIVMSG #help :loquat: by its own name");
    fake.tell(":a!~a@host PRIVMSG #help :loquat_: by the present one");
    let heard = bot.sink.after(2).await;
    assert_eq!(heard[0].text(), Some("by its own name"));
    assert_eq!(heard[1].text(), Some("by the present one"));
}

#[tokio::test]
async fn a_nickname_that_is_free_again_is_taken() {
    let (fake, bot) = started(Manner { taken: vec!["loquat".into()], ..Manner::default() }).await;
    let nicks = || {
        let lines = fake.state.now.lock().unwrap().lines.clone();
        lines.iter().filter(|line| *line == "NICK loquat").count()
    };
    until(|| nicks() == 2).await;
    assert_eq!(fake.nick().as_deref(), Some("loquat_"));
    fake.free("loquat");
    until(|| fake.nick().as_deref() == Some("loquat")).await;
    fake.tell(":a!~a@host PRIVMSG loquat :hello");
    assert_eq!(bot.sink.after(1).await[0].conversation.channel, "a");
    let (asked, before) = (nicks(), pings(&fake));
    until(|| pings(&fake) > before + 1).await;
    assert_eq!(nicks(), asked, "it has it and asks no more");
}

fn pings(fake: &Fake) -> usize {
    fake.state.now.lock().unwrap().lines.iter().filter(|line| *line == "PING :alive").count()
}

#[tokio::test]
async fn a_private_answer_follows_the_account_to_its_nick_and_not_whoever_takes_the_nick() {
    let (fake, bot) = started(Manner::default()).await;
    fake.tell("@account=Alice :Alice!~a@host PRIVMSG loquat :hello");
    let asked = bot.sink.after(1).await[0].clone();
    assert_eq!(asked.conversation.channel, "account/alice");
    assert_eq!(bot.deliver("account/alice", &asked.id.0, "one").await, Delivery::Sent { id: None });
    assert_eq!(fake.shown("alice")[0].text, "one");
    fake.tell(":Alice!~a@host NICK Alice_away");
    fake.tell(":Alice!~m@host PRIVMSG loquat :I am somebody else");
    assert_eq!(bot.sink.after(2).await[1].conversation.channel, "alice");
    assert_eq!(bot.deliver("account/alice", &asked.id.0, "two").await, Delivery::Sent { id: None });
    assert_eq!((fake.shown("alice").len(), fake.shown("alice_away").len()), (1, 1));
}

#[tokio::test]
async fn the_server_is_asked_for_an_account_that_was_not_seen() {
    let (fake, bot) = started(Manner::default()).await;
    fake.state.now.lock().unwrap().accounts.insert("Alice".into(), "Alice".into());
    for (nick, name) in [("Alice", "alice"), ("Bob", "bob")] {
        let channel = format!("account/{name}");
        let nobody = bot.deliver(&channel, "m1", "hi").await;
        assert!(matches!(nobody, Delivery::Permanent { .. }), "nobody to ask for: {nobody:?}");
        let id = format!("m1 {nick}");
        assert!(matches!(bot.deliver(&channel, &id, "hi").await, Delivery::Retry { after: Some(_), .. }));
        fake.ready().await.unwrap();
        let delivery = bot.deliver(&channel, &id, "hi").await;
        match name {
            "alice" => assert_eq!(delivery, Delivery::Sent { id: None }),
            _ => assert!(matches!(&delivery, Delivery::Permanent { reason } if reason.contains("bob"))),
        }
    }
    assert_eq!((fake.shown("alice").len(), fake.shown("bob").len()), (1, 0));
}

#[tokio::test]
async fn a_wrong_password_stops_and_says_which_key() {
    let fake = Fake::with(Manner { password: Some("sesame".into()), ..Manner::default() }).await.unwrap();
    let mut bot = Bot::start(Config { password: Some("open".into()), ..config(&fake.address()).unwrap() });
    let error = bot.ended().await.unwrap_err();
    assert!(
        matches!(&error, ConnectorError::Stop(what) if what.contains("connectors.irc.password")),
        "{error}"
    );
}

#[tokio::test]
async fn a_stop_waits_for_the_reply_that_is_owed_and_no_longer() {
    let (fake, mut bot) = started(Manner::default()).await;
    fake.act(&asks("help", "hello")).await;
    bot.sink.after(1).await;
    bot.stop.cancel();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!bot.running.is_finished());
    assert_eq!(bot.deliver("#help", "m1 alice", "Hello!").await, Delivery::Sent { id: None });
    assert!(tokio::time::timeout(Duration::from_secs(3), bot.ended()).await.unwrap().is_ok());
    let quit = fake.state.now.lock().unwrap().lines.last().cloned();
    assert_eq!(quit.as_deref(), Some("QUIT :stopping"));
    assert!(matches!(bot.deliver("#help", "m1 alice", "late").await, Delivery::Retry { .. }));
}
