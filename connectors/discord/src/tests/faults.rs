//! Deliveries that go wrong: what is reported of each, and that nothing is there twice.

use std::time::Duration;

use loquat_contract::{Address, Delivery};
use loquat_fake_discord::permissions::{EVERYONE, SEND_MESSAGES};
use loquat_fake_discord::{Fault, Options, Plan};

use super::fakes::{Bot, conversation, envelope, key, part, sent};

const POST: &str = "POST /channels/*/messages";

async fn asked(bot: &Bot) -> Address {
    bot.say("a", "ann", format!("{} hello", bot.mention()));
    bot.sink.after(1).await.remove(0).address()
}

#[tokio::test]
async fn each_fault_is_what_it_is_and_the_message_is_there_once() {
    let bot = Bot::with(Options { pace: None, ..Options::default() }, |config| config).await;
    let to = asked(&bot).await;
    let mut answer = envelope(to, "hi");
    let faults = [
        (Fault::TooMany { retry_after: Some(Duration::from_millis(300)), is_global: false }, true, Some(300)),
        (Fault::TooMany { retry_after: Some(Duration::from_millis(300)), is_global: true }, true, Some(300)),
        (Fault::TooMany { retry_after: None, is_global: false }, true, None),
        (Fault::ServerError(500), false, None),
        (Fault::ServerError(502), false, None),
        (Fault::BrokenOff, false, None),
        (Fault::TakenWithoutAnswer, false, None),
    ];
    for (number, (fault, is_sure, millis)) in (10..).zip(faults) {
        answer.key = key(number);
        bot.guild.discord.fault(POST, fault.clone(), 1);
        match (bot.deliver(&answer).await, is_sure) {
            (Delivery::Retry { after, .. }, true) => {
                assert_eq!(after.is_some(), millis.is_some(), "{fault:?}");
                assert!(after.is_none_or(|after| after >= Duration::from_millis(250)), "{fault:?} {after:?}");
            }
            (Delivery::Ambiguous { .. }, false) => {}
            (delivery, _) => panic!("{fault:?}: {delivery:?}"),
        }
        let before = bot.said("a").len();
        // A limit that is known is kept without asking.
        loop {
            match bot.deliver(&answer).await {
                Delivery::Retry { after, .. } => tokio::time::sleep(after.unwrap_or_default()).await,
                delivery => break drop(sent(delivery)),
            }
        }
        let there = bot.said("a").iter().filter(|said| said.nonce == Some(answer.key.0.clone())).count();
        assert_eq!(there, 1, "{fault:?}, {before} before");
    }
}

#[tokio::test]
async fn a_platform_that_is_not_there_has_taken_nothing() {
    let bot = Bot::start().await;
    let to = asked(&bot).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = super::fixture::config(&free.to_string());
    let (_, egress) = crate::connect(config, loquat_contract::BotCard::default()).unwrap();
    let delivery = loquat_contract::Egress::deliver(&egress, &envelope(to, "hi")).await;
    assert!(matches!(&delivery, Delivery::Retry { after: None, .. }), "{delivery:?}");
}

#[tokio::test]
async fn refusals_are_final_and_say_why() {
    let bot = Bot::start().await;
    let to = asked(&bot).await;
    let permanent = |delivery: Delivery, words: &str| {
        let Delivery::Permanent { reason } = delivery else { panic!("{delivery:?}") };
        assert!(reason.contains(words), "{reason}");
    };
    let nowhere = Address { conversation: conversation(bot.guild.discord.bot()), ..to.clone() };
    permanent(bot.deliver(&envelope(nowhere, "hi")).await, "Unknown Channel");
    let mut blank = envelope(to.clone(), "");
    permanent(bot.deliver(&blank).await, "empty");
    blank.part = part(&"x".repeat(2001));
    permanent(bot.deliver(&blank).await, "2000");
    let mut odd = to.clone();
    odd.conversation.channel = "no id".into();
    permanent(bot.deliver(&envelope(odd, "hi")).await, "no ids");
    let (discord, guild) = (&bot.guild.discord, bot.guild.id());
    discord.set_everyone(guild, EVERYONE & !SEND_MESSAGES);
    discord.set_role(guild, discord.bot_role(guild).unwrap(), EVERYONE & !SEND_MESSAGES);
    permanent(bot.deliver(&envelope(to, "hi")).await, "Permissions");
}

#[tokio::test]
async fn a_token_that_is_not_valid_any_more_stops_the_bot() {
    let bot = Bot::start().await;
    let to = asked(&bot).await;
    let config = crate::Config {
        token: Some("revoked".to_owned().into()),
        ..super::fixture::config(bot.guild.discord.address())
    };
    let (_, egress) = crate::connect(config, loquat_contract::BotCard::default()).unwrap();
    let delivery = loquat_contract::Egress::deliver(&egress, &envelope(to, "hi")).await;
    assert!(
        matches!(&delivery, Delivery::Unauthorised { reason } if reason.contains("token")),
        "{delivery:?}"
    );
}

#[tokio::test]
async fn what_was_asked_may_be_gone_and_the_answer_is_there_all_the_same() {
    let bot = Bot::start().await;
    let to = asked(&bot).await;
    let question = bot.guild.discord.shown(bot.guild.channel("a"))[0].id;
    bot.guild.discord.delete(question).unwrap();
    sent(bot.deliver(&envelope(to, "hi")).await);
    assert_eq!(bot.said("a").len(), 1);
}

/// So many messages go one after the other, as the host sends them, while one in five ends badly.
#[tokio::test]
async fn many_messages_arrive_once_and_in_order_through_faults_and_limits() {
    let count: u32 =
        std::env::var("LOQUAT_DISCORD_MESSAGES").ok().and_then(|n| n.parse().ok()).unwrap_or(150);
    let bot = Bot::with(Options { pace: Some(200.0), ..Options::default() }, |config| crate::Config {
        request_secs: 1,
        ..config
    })
    .await;
    let to = asked(&bot).await;
    bot.guild.discord.fault_by_chance(Plan {
        seed: 7,
        route: POST.to_owned(),
        shares: vec![
            (0.06, Fault::TooMany { retry_after: Some(Duration::from_millis(20)), is_global: false }),
            (0.02, Fault::TooMany { retry_after: None, is_global: false }),
            (0.05, Fault::ServerError(503)),
            (0.05, Fault::BrokenOff),
            (0.02, Fault::TakenWithoutAnswer),
        ],
    });
    for number in 0..count {
        let mut answer = envelope(to.clone(), &format!("message {number}"));
        answer.key = key(number);
        loop {
            match bot.deliver(&answer).await {
                Delivery::Sent { .. } => break,
                Delivery::Retry { after, .. } => tokio::time::sleep(after.unwrap_or_default()).await,
                Delivery::Ambiguous { .. } => {}
                delivery => panic!("{number}: {delivery:?}"),
            }
        }
    }
    let said: Vec<String> = bot.said("a").into_iter().map(|said| said.content).collect();
    let wanted: Vec<String> = (0..count).map(|number| format!("message {number}")).collect();
    assert_eq!(said, wanted);
    assert!(bot.guild.discord.faults_met() > 10, "{}", bot.guild.discord.faults_met());
}
