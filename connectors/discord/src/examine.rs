//! The settings, tried on Discord, for `loquat doctor`. In: a config. Out: what was found, and what to do about it. It changes nothing.

use loquat_contract::Check;
use serde::Deserialize;
use serenity::all::Permissions;
use serenity::model::id::ApplicationId;

use crate::config::ConversationKind;
use crate::rest::{Call, Failure, Rest, Route};
use crate::{Config, DiscordError};

/// Flags of an application that may read messages: as one of a few servers, and as one of many.
const CONTENT: u64 = (1 << 18) | (1 << 19);
/// The most servers that Discord lists at once.
const PAGE: usize = 200;

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Deserialize)]
struct Application {
    id: ApplicationId,
    #[serde(default)]
    flags: u64,
}

#[derive(Deserialize)]
struct Guild {
    id: String,
    name: String,
    /// What the bot may do there.
    permissions: Permissions,
}

/// Tries the settings: the token, the intents, and what the bot may do in each of its servers.
///
/// # Errors
/// When the settings cannot be tried at all; the same as [`connect`](crate::connect).
pub async fn examine(config: &Config) -> Result<Vec<Check>, DiscordError> {
    config.check()?;
    let rest = Rest::new(config)?;
    let mut checks = Vec::new();
    if let Err(failure) = look(config, &rest, &mut checks).await {
        let advice = match failure {
            Failure::Unauthorised => "copy a new token from the developer portal (Bot, Reset Token)",
            _ => "check the network, and connectors.discord.api",
        };
        checks.push(check("connection", failure.to_string(), Some(advice.to_owned())));
    }
    Ok(checks)
}

async fn look(config: &Config, rest: &Rest, checks: &mut Vec<Check>) -> Result<(), Failure> {
    let user: User = rest.ask(Call::get(Route::me())).await?;
    checks.push(check("token", format!("the bot is {}", user.username), None));
    let application: Application = rest.ask(Call::get(Route::application())).await?;
    checks.push(content(config, application.flags));
    let guilds = guilds(rest).await?;
    let needed = needed(config);
    let invite = invite(application.id, needed);
    if guilds.is_empty() {
        let advice = format!("open {invite} and choose a server");
        checks.push(check("servers", "the bot is in no server".to_owned(), Some(advice)));
    } else {
        let found = format!("the bot is in {} of them; it is invited with {invite}", guilds.len());
        checks.push(check("servers", found, None));
    }
    for guild in &guilds {
        checks.extend(permissions(config, guild, needed, &invite));
    }
    for missing in config.guilds.iter().filter(|id| !guilds.iter().any(|guild| guild.id == **id)) {
        let advice = format!("open {invite} and choose it, or take it out of connectors.discord.guilds");
        checks.push(check("servers", format!("the bot is not in the server {missing}"), Some(advice)));
    }
    Ok(())
}

fn content(config: &Config, flags: u64) -> Check {
    let is_allowed = flags & CONTENT != 0;
    let (what, advice) = match (config.message_content, is_allowed) {
        (true, true) => ("asked for, and allowed", None),
        (true, false) => (
            "asked for, and not allowed",
            Some(
                "switch on the Message Content intent in the developer portal (Bot, Privileged Gateway Intents), or set message_content = false",
            ),
        ),
        (false, _) => (
            "not asked for: mentions, replies that ping the bot, direct messages and commands are answered; other messages in its threads are not read",
            None,
        ),
    };
    check("message content", what.to_owned(), advice.map(str::to_owned))
}

async fn guilds(rest: &Rest) -> Result<Vec<Guild>, Failure> {
    let mut guilds: Vec<Guild> = Vec::new();
    loop {
        let mut call = Call::get(Route::my_guilds());
        call.query = vec![("limit", PAGE.to_string())];
        call.query.extend(guilds.last().map(|last| ("after", last.id.clone())));
        let page: Vec<Guild> = rest.ask(call).await?;
        // One that says the same again has no next one.
        let ends = |guilds: &[Guild]| guilds.last().map(|last| last.id.clone());
        let is_last = page.len() < PAGE || ends(&page) == ends(&guilds);
        guilds.extend(page);
        if is_last {
            return Ok(guilds);
        }
    }
}

/// What is missing in a server, where anything is.
fn permissions(config: &Config, guild: &Guild, needed: Permissions, invite: &str) -> Option<Check> {
    let is_served = config.guilds.is_empty() || config.guilds.contains(&guild.id);
    let missing = needed - guild.permissions;
    if !is_served || guild.permissions.contains(Permissions::ADMINISTRATOR) {
        return None;
    }
    let name = format!("server {}", guild.name);
    if missing.is_empty() {
        return Some(check(&name, "nothing is missing; channels may take permissions away".to_owned(), None));
    }
    let names = missing.iter_names().map(|(name, _)| title(name)).collect::<Vec<_>>().join(", ");
    let advice = format!("give the bot's role these permissions, or invite it again with {invite}");
    Some(check(&name, format!("missing: {names}"), Some(advice)))
}

/// As Discord's settings call it: `SEND_MESSAGES` is “Send Messages”.
fn title(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        format!("{first}{}", rest.to_ascii_lowercase())
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What the bot needs to do all that it is set to do.
fn needed(config: &Config) -> Permissions {
    let mut needed = Permissions::VIEW_CHANNEL
        | Permissions::SEND_MESSAGES
        | Permissions::SEND_MESSAGES_IN_THREADS
        | Permissions::READ_MESSAGE_HISTORY
        | Permissions::ATTACH_FILES;
    needed.set(Permissions::EMBED_LINKS, config.embeds);
    needed.set(Permissions::CREATE_PUBLIC_THREADS, config.conversation == ConversationKind::Thread);
    needed
}

fn invite(application: ApplicationId, permissions: Permissions) -> String {
    let permissions = permissions.bits();
    format!(
        "https://discord.com/oauth2/authorize?client_id={application}&scope=bot+applications.commands&permissions={permissions}"
    )
}

/// Names of servers are other people's words, and must not move a terminal's cursor.
fn check(name: &str, what: String, advice: Option<String>) -> Check {
    let plain = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>();
    Check { name: plain(name), what: plain(&what), advice }
}
