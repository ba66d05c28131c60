//! The gateway: sessions that go on, that begin anew, and that a person has to see to.

use std::sync::atomic::Ordering;
use std::time::Duration;

use loquat_contract::{ConnectorError, JournalError, Refusal};
use loquat_fake_discord::Options;

use super::fakes::{Bot, until};
use super::fixture::Guild;
use crate::Config;

/// Heartbeats that a test can wait for.
fn lively() -> Options {
    Options { heartbeat: Duration::from_millis(200), ..Options::default() }
}

fn disturbed(bot: &Bot, how: impl FnOnce(&loquat_fake_discord::Discord) -> usize) {
    assert_eq!(how(&bot.guild.discord), 1);
}

async fn resumed(bot: &Bot, times: usize) {
    until(|| bot.guild.discord.resumed() >= times && bot.guild.discord.connected() == 1).await;
}

#[tokio::test]
async fn what_is_said_while_the_connection_is_gone_comes_with_the_resumed_session() {
    let bot = Bot::with(lively(), |config| config).await;
    bot.say("a", "ann", format!("{} one", bot.mention()));
    bot.sink.after(1).await;
    disturbed(&bot, |discord| discord.drop_gateway());
    bot.say("a", "ann", format!("{} two", bot.mention()));
    bot.sink.after(2).await;
    disturbed(&bot, |discord| discord.ask_to_reconnect());
    bot.say("a", "ann", format!("{} three", bot.mention()));
    bot.sink.after(3).await;
    resumed(&bot, 2).await;
    disturbed(&bot, |discord| discord.close_gateway(4000));
    bot.say("a", "ann", format!("{} four", bot.mention()));
    bot.sink.after(4).await;
    assert_eq!(bot.sink.texts(), ["one", "two", "three", "four"]);
    assert_eq!(bot.guild.discord.identified(), 1, "one session all the time");
    assert_eq!(bot.sink.reconnected.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_that_looks_alive_and_is_not_is_replaced() {
    let bot = Bot::with(lively(), |config| config).await;
    disturbed(&bot, |discord| discord.make_zombies());
    bot.say("a", "ann", format!("{} hello", bot.mention()));
    bot.sink.after(1).await;
    resumed(&bot, 1).await;
}

#[tokio::test]
async fn a_session_that_is_over_begins_anew_and_the_host_asks_for_what_was_missed() {
    let bot = Bot::with(lively(), |config| config).await;
    until(|| bot.sink.reconnected.load(Ordering::SeqCst) == 1).await;
    disturbed(&bot, |discord| discord.invalidate_sessions(false));
    until(|| bot.sink.reconnected.load(Ordering::SeqCst) == 2).await;
    assert_eq!(bot.guild.discord.identified(), 2);
    disturbed(&bot, |discord| discord.invalidate_sessions(true));
    resumed(&bot, 1).await;
    assert_eq!(bot.guild.discord.identified(), 2);
}

#[tokio::test]
async fn a_session_whose_own_address_is_dead_is_resumed_at_the_gateway() {
    let guild = Guild::with(lively()).await.unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    guild.discord.resume_at(&format!("ws://{free}"));
    let mut bot = Bot::unready(guild, |config| config).await;
    bot.guild.discord.ready().await.unwrap();
    disturbed(&bot, |discord| discord.drop_gateway());
    let ended = bot.ended().await;
    assert!(matches!(&ended, Err(ConnectorError::Lost(reason)) if reason.contains("reached")), "{ended:?}");
    bot.say("a", "ann", format!("{} hello", bot.mention()));
    bot.again();
    bot.sink.after(1).await;
    assert_eq!((bot.guild.discord.resumed(), bot.guild.discord.identified()), (1, 1));
}

#[tokio::test]
async fn no_more_sessions_are_begun_than_discord_allows() {
    let guild = Guild::with(lively()).await.unwrap();
    guild.discord.leave_starts(2);
    let mut bot = Bot::unready(guild, |config| config).await;
    let asked = || bot.guild.discord.requests("GET /gateway/bot").len();
    bot.guild.discord.ready().await.unwrap();
    disturbed(&bot, |discord| discord.invalidate_sessions(false));
    until(|| bot.sink.reconnected.load(Ordering::SeqCst) == 2).await;
    assert_eq!(asked(), 1);
    disturbed(&bot, |discord| discord.invalidate_sessions(false));
    let ended = bot.ended().await;
    assert!(matches!(&ended, Err(ConnectorError::Lost(reason)) if reason.contains("today")), "{ended:?}");
}

#[tokio::test]
async fn what_could_not_be_kept_comes_again() {
    let mut bot = Bot::with(lively(), |config| config).await;
    let full = || JournalError::Store("no space left".into());
    bot.sink.answers.lock().unwrap().push_back(Err(Refusal::NotKept(full())));
    bot.say("a", "ann", format!("{} one", bot.mention()));
    bot.say("a", "ann", format!("{} two", bot.mention()));
    let ended = bot.ended().await;
    assert!(
        matches!(&ended, Err(ConnectorError::Lost(reason)) if reason.contains("comes again")),
        "{ended:?}"
    );
    assert_eq!(bot.sink.texts(), Vec::<String>::new());
    bot.again();
    bot.sink.after(2).await;
    assert_eq!(bot.sink.texts(), ["one", "two"]);
    assert_eq!(bot.guild.discord.identified(), 1);
}

#[tokio::test]
async fn what_was_read_when_the_run_was_dropped_comes_again() {
    let mut bot = Bot::with(lively(), |config| config).await;
    bot.sink.is_held.store(true, Ordering::SeqCst);
    for number in 0..5 {
        bot.say("a", "ann", format!("{} {number}", bot.mention()));
    }
    // It is read, and waits for the sink; the connection lives on meanwhile.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((bot.guild.discord.connected(), bot.guild.discord.gateway_ended()), (1, 0));
    bot.running.abort();
    until(|| bot.running.is_finished()).await;
    bot.sink.is_held.store(false, Ordering::SeqCst);
    bot.again();
    bot.sink.after(5).await;
    assert_eq!(bot.sink.texts(), ["0", "1", "2", "3", "4"]);
    assert_eq!(bot.guild.discord.identified(), 1);
}

#[tokio::test]
async fn a_busy_sink_costs_no_heartbeat_and_no_message() {
    let bot = Bot::with(lively(), |config| config).await;
    bot.sink.is_held.store(true, Ordering::SeqCst);
    // More than wait anywhere, so that nothing more is read.
    for number in 0..400 {
        bot.say("a", "ann", format!("{} {number}", bot.mention()));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    // The host must not take its own business for the platform's silence.
    let heard = bot.sink.alive.load(Ordering::SeqCst);
    until(|| bot.sink.alive.load(Ordering::SeqCst) > heard + 3).await;
    assert_eq!(bot.guild.discord.gateway_ended(), 0);
    bot.sink.is_held.store(false, Ordering::SeqCst);
    bot.sink.after(400).await;
    let in_order: Vec<String> = (0..400).map(|number| number.to_string()).collect();
    assert_eq!(bot.sink.texts(), in_order);
}

async fn stopped(options: Options, set: impl FnOnce(Config) -> Config, code: Option<u16>) -> String {
    let guild = Guild::with(options).await.unwrap();
    if let Some(code) = code {
        guild.discord.refuse_gateway(code, 1);
    }
    let mut bot = Bot::unready(guild, set).await;
    let ended = bot.ended().await;
    let Err(ConnectorError::Stop(reason)) = ended else { panic!("{ended:?}") };
    reason
}

#[tokio::test]
async fn a_person_is_told_what_to_do_where_discord_does_not_let_the_bot_in() {
    let wrong = |config| Config { token: Some("wrong".to_owned().into()), ..config };
    assert!(stopped(Options::default(), wrong, None).await.contains("connectors.discord.token"));
    for (code, advice) in
        [(4004, "Reset Token"), (4010, "shards"), (4011, "shards"), (4012, "report"), (4013, "report")]
    {
        let reason = stopped(Options::default(), |config| config, Some(code)).await;
        assert!(reason.contains(advice) && reason.contains(&code.to_string()), "{reason}");
    }
    let options = Options { message_content: false, ..Options::default() };
    let reason = stopped(options, |config| Config { message_content: true, ..config }, None).await;
    assert!(
        reason.contains("Message Content intent") && reason.contains("message_content = false"),
        "{reason}"
    );
}

#[tokio::test]
async fn the_bot_connects_with_as_many_shards_as_discord_recommends() {
    let guild = Guild::with(Options { shards: 2, ..lively() }).await.unwrap();
    let others: Vec<_> = (0..4).map(|number| guild.discord.guild(&format!("g{number}"))).collect();
    let channels: Vec<_> = others.iter().map(|other| guild.discord.text_channel(*other, "c")).collect();
    let bot = Bot::unready(guild, |config| config).await;
    let discord = &bot.guild.discord;
    until(|| discord.connected() == 2).await;
    let ann = discord.person("ann");
    for channel in &channels {
        discord.say(*channel, ann, format!("{} hello", bot.mention())).unwrap();
    }
    assert_eq!(bot.sink.after(4).await.len(), 4);
}

#[tokio::test]
async fn a_stop_says_goodbye() {
    let mut bot = Bot::with(lively(), |config| config).await;
    bot.stop.cancel();
    assert!(bot.ended().await.is_ok());
    until(|| bot.guild.discord.connected() == 0).await;
}
