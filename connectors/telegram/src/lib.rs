//! Telegram: private chats, groups and topics.
//!
//! Updates come in by long polling or a webhook ([`TelegramIngress`]) and become events for the sink; parts of replies leave as requests to
//! the Bot API ([`TelegramEgress`]). The modules stand in the order in which a message passes them.
//!
//! ```no_run
//! use loquat_contract::BotCard;
//! use loquat_telegram::{Config, connect};
//!
//! # fn main() -> Result<(), loquat_telegram::TelegramError> {
//! let config = Config { token: std::env::var("TOKEN").ok().map(Into::into), ..Config::default() };
//! let (ingress, egress) = connect(config, BotCard { name: "Loquat".into(), ..BotCard::default() })?;
//! # let _ = (ingress, egress);
//! # Ok(())
//! # }
//! ```
//!
//! # What teloxide does here, and what it does not
//!
//! What is sent are the requests and types of `teloxide-core`, over its [`Bot`](teloxide_core::Bot)'s client. Three things it does in a way
//! that a promise of the contract cannot live with, so they are done here:
//!
//! - It answers an error of the server (5xx) after ten seconds and without its number, keeps no number of a refusal, and its errors
//!   show the address of the request, in which the token stands. Here each failure says whether the request was written, and never
//!   where to.
//! - Its update is all or nothing: one entity of a kind that came with a later Bot API, and the question that has it cannot be
//!   read. Here only what the bot needs is read of an update, and what is unknown is passed over.
//! - Its dispatcher acknowledges an update whatever its handler did. Here the offset moves once the journal has the event.
//!
//! # How a delivery is judged
//!
//! Telegram has no key by which it would know a message again, so what may have arrived is not sent again.
//!
//! | What comes back | What is reported |
//! |---|---|
//! | the message | `Sent`, with its id |
//! | 429 | `Retry` after the time that Telegram names; nothing is sent to that chat before |
//! | no connection was made; 500, 503; a page with 3xx or 4xx of something on the way | `Retry` |
//! | the request was written and no answer came; 502, 504, an answer that is none | `Ambiguous` |
//! | the group became a supergroup | sent to the supergroup at once |
//! | 401, 404 | `Unauthorised` |
//! | any other refusal | `Permanent`, with Telegram's words |
//!
//! A message that takes the place of a draft is an edit, which does no harm when it is repeated: there, `Ambiguous` becomes `Retry`.
//! Of a part with text and files the text goes first. Once one of its messages is sent, a failure of the next is `Ambiguous`:
//! the part can be neither repeated nor called delivered.
//!
//! # Ids
//!
//! A person is their number, which nobody can take. Who speaks as a group or channel is `chat/NUMBER`. A conversation is a
//! chat, or a topic of it; the General topic of a forum has no number and is the chat itself. A message's id is Telegram's; other events
//! begin with a letter: `e12.482001` an edit, `q…` a button, `r…` a reaction, `m…` a membership, `j…` a join, `v…` a move.
//!
//! # What Telegram cannot do
//!
//! It tells bots nothing of deleted messages, and keeps nothing to catch up with beyond the updates of the last 24 hours. An answer for
//! one person alone does not exist in a group in a form that is sure to arrive (the ephemeral messages of Bot API 10.2 are not, and have
//! to be sent within 15 seconds), so private answers are ordinary replies there.

mod api;
mod config;
mod place;

mod receive;

mod encode;

mod deliver;

mod examine;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use loquat_contract::BotCard;

pub use config::{Config, Mode, sample};
pub use deliver::TelegramEgress;
pub use examine::examine;
pub use receive::TelegramIngress;

/// The platform's name in conversation ids.
pub const PLATFORM: &str = "telegram";

/// Why Telegram cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelegramError {
    /// There is no token.
    #[error(
        "connectors.telegram.token is not set; get one from @BotFather (/newbot), or leave the connector out"
    )]
    NoToken,
    /// The token is none. Its text is not shown.
    #[error(
        "connectors.telegram.token is no token; it looks like 123456789:AAE…, a number, a colon and 35 letters: copy it from @BotFather again (/token)"
    )]
    Token,
    /// The server's address is none, or would show the token to everybody on the way.
    #[error(
        "connectors.telegram.api {0:?} cannot be used; write https://…, or http:// for a server on this machine (127.0.0.1), without a password or query"
    )]
    Api(String),
    /// Telegram could not reach the bot there.
    #[error(
        "connectors.telegram.public_url {0:?} cannot be used with mode = \"webhook\"; write the https:// address at which Telegram reaches the bot, or set mode = \"polling\""
    )]
    PublicUrl(String),
    /// Telegram would not take the secret. Its text is not shown.
    #[error(
        "connectors.telegram.secret cannot be used; write 1 to 256 of A-Z, a-z, 0-9, _ and -, or leave it out"
    )]
    Secret,
    /// The HTTP client could not be made.
    #[error("the HTTP client cannot be set up: {0}; this is a fault of the program, report it")]
    Client(String),
}

/// The two halves of the connector. Nothing is connected yet.
///
/// # Errors
/// When the config has no token, or something in it that cannot work.
pub fn connect(config: Config, bot: BotCard) -> Result<(TelegramIngress, TelegramEgress), TelegramError> {
    config.check()?;
    let api = api::Api::new(&config)?;
    let shared = Arc::new(deliver::Shared::new(config, bot, api));
    Ok((TelegramIngress::new(shared.clone()), TelegramEgress::new(shared)))
}
