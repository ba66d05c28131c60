//! What `loquat doctor` says of the settings.

use loquat_contract::Check;
use loquat_fake_discord::Options;
use loquat_fake_discord::permissions::{READ_MESSAGE_HISTORY, VIEW_CHANNEL};

use super::fixture::{Guild, config};
use crate::{Config, examine};

fn of<'a>(checks: &'a [Check], name: &str) -> &'a Check {
    checks.iter().find(|check| check.name.contains(name)).unwrap_or_else(|| panic!("{name}: {checks:?}"))
}

#[tokio::test]
async fn a_bot_that_lacks_nothing_is_told_so() {
    let guild = Guild::with(Options::default()).await.unwrap();
    let checks = examine(&config(guild.discord.address())).await.unwrap();
    assert!(checks.iter().all(|check| check.advice.is_none()), "{checks:?}");
    assert!(of(&checks, "token").what.contains("Mira"));
    assert!(of(&checks, "message content").what.contains("not asked for"));
    let invite = format!("client_id={}&scope=bot+applications.commands&permissions=", guild.discord.bot());
    assert!(of(&checks, "servers").what.contains(&invite), "{checks:?}");
}

#[tokio::test]
async fn what_is_missing_is_named_with_what_to_do() {
    let guild = Guild::with(Options { message_content: false, ..Options::default() }).await.unwrap();
    let discord = &guild.discord;
    let bare = discord.guild_with("Ba\u{1b}[2Jre", VIEW_CHANNEL | READ_MESSAGE_HISTORY);
    discord.set_everyone(bare, VIEW_CHANNEL | READ_MESSAGE_HISTORY);
    let settings = Config {
        message_content: true,
        guilds: vec![bare.to_string(), "4242".into()],
        ..config(discord.address())
    };
    let checks = examine(&settings).await.unwrap();
    assert!(of(&checks, "message content").advice.as_ref().unwrap().contains("developer portal"));
    let missing = &of(&checks, "server Ba[2Jre").what;
    for name in ["Send Messages", "Send Messages In Threads", "Embed Links", "Attach Files"] {
        assert!(missing.contains(name), "{missing}");
    }
    assert!(!missing.contains("View Channel"), "{missing}");
    assert!(checks.iter().any(|check| check.what.contains("not in the server 4242")), "{checks:?}");
}

#[tokio::test]
async fn what_cannot_be_tried_is_said_too() {
    let guild = Guild::with(Options::default()).await.unwrap();
    let wrong = Config { token: Some("wrong".to_owned().into()), ..config(guild.discord.address()) };
    let checks = examine(&wrong).await.unwrap();
    assert!(checks[0].what.contains("401") && checks[0].advice.is_some(), "{checks:?}");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let checks = examine(&config(&free)).await.unwrap();
    assert!(checks[0].what.contains("cannot be reached"), "{checks:?}");
    assert!(examine(&Config::default()).await.is_err());
}
