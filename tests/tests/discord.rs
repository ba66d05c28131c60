//! The real bot on Discord: the real program with its real model, and people on a Discord of our own.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use loquat_fake_discord::{Discord, Id, Options, Say, Shown};
use loquat_tests::look;
use loquat_tests::program::User;
use loquat_tests::server::Server;

/// Where its API is.
fn api(discord: &Discord) -> String {
    format!("{}/api/v10", discord.url())
}

/// A home with a bot that is told of this Discord, and whose log says everything.
fn home(discord: &Discord) -> User {
    User::new()
        .unwrap()
        .with("LOQUAT_CONNECTORS__DISCORD__TOKEN", discord.token())
        .with("LOQUAT_CONNECTORS__DISCORD__API", api(discord))
        .with("LOQUAT_LOG", "trace,sled=off")
}

/// The bot's message in a channel that has this in it, once it is there and whole.
async fn hear(discord: &Discord, channel: Id, part: &str) -> Shown {
    let own = |discord: &Discord| discord.shown(channel).into_iter().filter(|shown| shown.is_own);
    let heard = discord.until(part, |discord| {
        own(discord).find(|shown| shown.content.contains(part) && !shown.buttons().is_empty())
    });
    heard.await.unwrap_or_else(|error| panic!("{error}: {:#?}", own(discord).collect::<Vec<_>>()))
}

/// Everything that an embed says.
fn embedded(shown: &Shown) -> String {
    shown.embeds.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn people_talk_to_the_bot_on_discord_and_a_kill_doubles_nothing() {
    let discord = Discord::start(Options::default()).await.unwrap();
    let user = home(&discord);
    let guild = discord.guild("Atlas");
    let channel = discord.text_channel(guild, "general");
    let (ann, bob) = (discord.person("ann"), discord.person("bob"));
    discord.set_locale(bob, "zh-CN");
    let direct = discord.direct(ann);
    let mut server = Server::start(&user, &["--port", "0"]).unwrap();
    discord.ready().await.unwrap();

    // In a channel what mentions it, in private everything, and each message once though it grows as it is written.
    discord.say(channel, bob, "What is the capital of Nepal?").unwrap();
    discord.say(channel, ann, format!("<@{}> What is the capital of Bhutan?", discord.bot())).unwrap();
    let answer = hear(&discord, channel, "Thimphu").await;
    assert!(answer.content.contains("The capital of Bhutan is Thimphu."), "{answer:?}");
    assert!(embedded(&answer).contains("Bhutan"), "what it rests on is an embed: {answer:?}");
    assert!(answer.notified.is_empty(), "{answer:?}");
    discord.say(channel, bob, Say::from("And its currency?").reply_to(answer.id)).unwrap();
    hear(&discord, channel, "ngultrum").await;
    discord.say(direct, ann, "日本的首都是什么？").unwrap();
    hear(&discord, direct, "东京").await;
    let own = |channel| discord.shown(channel).into_iter().filter(|shown| shown.is_own).count();
    assert_eq!((own(channel), own(direct)), (2, 1));

    // A command, and buttons; only who pressed sees why.
    let asked =
        discord.slash(channel, bob, "ask", &[("question", "What is the capital of Kenya?".into())]).unwrap();
    let acknowledged = discord.answered(asked).await.unwrap();
    assert!(!acknowledged.is_ephemeral, "{acknowledged:?}");
    let answer = hear(&discord, channel, "Nairobi").await;
    let why = discord.button(answer.id, "Why?").unwrap();
    let pressed = discord.click(answer.id, ann, &why).unwrap();
    assert!(discord.answered(pressed).await.unwrap().is_ephemeral);
    let is_why = |shown: &Shown| shown.content.contains("supported by") && shown.only_for == Some(ann);
    discord.until("why", |discord| discord.shown(channel).into_iter().find(is_why)).await.unwrap();
    let good = discord.button(answer.id, "👍").unwrap();
    let pressed = discord.click(answer.id, bob, &good).unwrap();
    discord.answered(pressed).await.unwrap();
    discord.react(answer.id, ann, "👎").unwrap();

    // Until it is all on record: a kill before that leaves it unknown, as it has to.
    let ledger = || user.run(["ledger"]).unwrap().out;
    discord
        .until("the ledger", |_| (ledger().matches("delivered").count() == 5).then_some(()))
        .await
        .unwrap_or_else(|error| panic!("{error}: {}", ledger()));
    server.kill().unwrap();
    discord.say(channel, ann, format!("<@{}> Which countries border Switzerland?", discord.bot())).unwrap();
    let again = Server::start(&user, &["--port", "0"]).unwrap();
    let answer = hear(&discord, channel, "Liechtenstein").await;
    assert!(answer.content.contains("Austria"), "what was said while it was away is answered: {answer:?}");
    let visible = discord.shown(channel).into_iter().filter(|shown| shown.is_own && shown.only_for.is_none());
    assert_eq!(visible.count(), 4, "{:#?}", discord.shown(channel));

    look(&format!("{}/view/{channel}", discord.url()), "discord").unwrap();
    let feedback = user.run(["feedback", "--format", "jsonl"]).unwrap();
    let verdicts = ["good", "bad"].map(|verdict| feedback.out.matches(&format!("\"{verdict}\"")).count());
    assert_eq!(verdicts, [1, 1], "{feedback:?}");
    assert!(feedback.out.contains("capital of Kenya"), "{feedback:?}");

    let doctor = user.run(["doctor"]).unwrap();
    assert!(doctor.out.contains("client_id="), "the address that invites it: {doctor:?}");

    for said in [server.said(), again.said(), doctor.out, doctor.err, feedback.err] {
        assert!(!said.contains(discord.token()), "the token is in the log");
    }
    assert!(again.said().contains("TRACE"), "the log says everything");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_good_ends_the_bot_with_what_to_do() {
    let discord = Discord::start(Options::default()).await.unwrap();
    let wrong = "MTAwMDAwMDAwMDAwMDAwMDAx.Gwrong.a-token-that-is-no-good-0123456789abcdef";
    let user = home(&discord).with("LOQUAT_CONNECTORS__DISCORD__TOKEN", wrong);
    let server = Server::start(&user, &["--port", "0"]).unwrap();
    assert!(server.says("connectors.discord.token"), "{}", server.said());
    assert!(!server.said().contains(wrong), "the token is in the log");
    let doctor = user.run(["doctor"]).unwrap();
    assert_eq!(doctor.code, Some(1), "{doctor:?}");
    assert!(!doctor.out.contains(wrong), "{doctor:?}");
}
