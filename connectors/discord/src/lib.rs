//! Discord: servers, threads and direct messages.
//!
//! Events come in over the gateway ([`DiscordIngress`]) and are handed to the sink; parts of replies leave over the REST API
//! ([`DiscordEgress`]). What the two halves share is who the bot is, which channels there are, and the rate limits. The modules
//! stand in the order in which a message passes them.
//!
//! ```no_run
//! use loquat_contract::BotCard;
//! use loquat_discord::{Config, connect};
//!
//! # fn main() -> Result<(), loquat_discord::DiscordError> {
//! let config = Config { token: Some("from the developer portal".to_owned().into()), ..Config::default() };
//! # let config = Config { token: Some("t".to_owned().into()), ..config };
//! let (ingress, egress) = connect(config, BotCard { name: "Loquat".into(), ..BotCard::default() })?;
//! # let _ = (ingress, egress);
//! # Ok(())
//! # }
//! ```
//!
//! # What is not lost
//!
//! The gateway acknowledges nothing, but a session can be resumed: Discord then sends again what came after the number that it is told.
//! That number is here the last event with which the sink is done, and not the last one that was read. So what was read and not kept comes
//! again: after a broken connection, a run that was dropped, a full disk. Where a session cannot be resumed, such as in a new process, a
//! new one begins, and the host asks for what was missed ([`Backfill`](loquat_contract::Backfill)).
//!
//! # How a delivery is proved
//!
//! | What comes back | What is reported |
//! |---|---|
//! | the message | `Sent` |
//! | 429, or its bucket is known to be empty | `Retry`, after the time that Discord names |
//! | no connection | `Retry` |
//! | 5xx, or no answer to what was written | `Ambiguous`, and it is sent again |
//! | 401 | `Unauthorised` |
//! | any other refusal | `Permanent`, with Discord's words |
//!
//! What is sent again is there once:
//!
//! - Each message has the envelope's key as its nonce, with `enforce_nonce`: Discord keeps it for “the past few minutes”, and answers a
//!   second one of the same nonce with the first. That also makes one message of a draft and its reply, should the process be killed between
//!   them: what comes back is the draft, which is then edited.
//! - Where the question is older than 90 seconds by Discord's own clock, an earlier try may be older than its nonce. Then the bot first looks
//!   through what it has said since: the first part is the reply to the question, and the further ones are behind it. That takes the
//!   permission to read the message history; without it, a nonce is all there is.
//! - What takes the place of a draft that somebody deleted has a nonce of its own, always the same one.
//! - Edits can be made again. An answer to a command or a button is an edit of the “thinking” message. What follows a private answer is
//!   added to it as an embed, up to 6,000 characters; what is longer is `Permanent`.
//!
//! Where the bot may not embed, or not refer to the question because it may not read the history, the words are sent without that.
//!
//! # Ids
//!
//! A conversation is a channel, or a thread in its channel; in private, the channel of the direct messages. A message's id is Discord's. Other
//! events are named after what they are: `interaction ID`, `edit ID TIME`, `deletion ID`, `reaction SESSION NUMBER`.
//!
//! # What no log shows
//!
//! The bot's token, and the tokens of interactions, with which anybody could answer in the bot's place. That is why the connection is not
//! serenity's own (decision 20).

mod config;

mod shared;

mod rest;

mod receive;

mod encode;

mod deliver;

mod examine;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use loquat_contract::BotCard;

pub use config::{Config, ConversationKind, sample};
pub use deliver::DiscordEgress;
pub use examine::examine;
pub use receive::DiscordIngress;

/// The platform's name in conversation ids.
pub const PLATFORM: &str = "discord";

/// Why Discord cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscordError {
    /// There is no token.
    #[error(
        "connectors.discord.token is not set; copy it from the developer portal (Bot, Reset Token), or leave the connector out"
    )]
    NoToken,
    /// This is no token.
    #[error(
        "connectors.discord.token is empty or has a character that no token has; copy it again from the developer portal (Bot, Reset Token), without spaces or line breaks"
    )]
    Token,
    /// This is no address of an API.
    #[error(
        "connectors.discord.api is no address of version 10 of the API that the token may go to; write https://HOST/api/v10, or http:// only for this machine"
    )]
    Api,
    /// This is no id.
    #[error(
        "connectors.discord.{0} has {1:?}, which is no id; switch on the developer mode in Discord (Settings, Advanced), and copy the id from the menu of the server or channel"
    )]
    Id(&'static str, String),
    /// What was said to nobody cannot be read.
    #[error(
        "connectors.discord.answer_all_in needs message_content = true; set it, and switch on the Message Content intent in the developer portal"
    )]
    NeedsContent,
    /// There is nobody to trust.
    #[error(
        "this machine has no certificate authorities to check Discord with; install them (Debian: apt-get install ca-certificates)"
    )]
    NoRoots,
    /// TLS could not be set up.
    #[error("TLS cannot be set up: {0}; this is a fault of the program, report it")]
    Tls(String),
}

/// The two halves of the connector. Nothing is connected yet.
///
/// # Errors
/// When the config has no token, or something in it that Discord would refuse, or TLS cannot be set up.
pub fn connect(config: Config, bot: BotCard) -> Result<(DiscordIngress, DiscordEgress), DiscordError> {
    config.check()?;
    let rest = rest::Rest::new(&config)?;
    let dial = receive::Dial::new(&config)?;
    let shared = Arc::new(shared::Shared::new(config, bot, rest));
    Ok((DiscordIngress::new(dial, shared.clone()), DiscordEgress::new(shared)))
}
