//! IRC: channels and private messages.
//!
//! Lines come in over one connection ([`IrcIngress`]) and become events for the sink; parts of replies leave over the same
//! connection ([`IrcEgress`]). What the two halves share is the link: who is connected, and which deliveries wait for their
//! proof. The modules stand in the order in which a message passes them.
//!
//! ```no_run
//! use loquat_contract::BotCard;
//! use loquat_irc::{Config, connect};
//!
//! # fn main() -> Result<(), loquat_irc::IrcError> {
//! let config = Config {
//!     server: Some("irc.example.org".into()),
//!     channels: vec!["#help".into()],
//!     ..Config::default()
//! };
//! let (ingress, egress) = connect(config, BotCard { name: "Loquat".into(), ..BotCard::default() })?;
//! # let _ = (ingress, egress);
//! # Ok(())
//! # }
//! ```
//!
//! # How a delivery is proved
//!
//! IRC acknowledges nothing. But a server works through the commands of a connection in order, and answers `PING` with `PONG`
//! and the same token. So each `PRIVMSG` is followed, in one write, by a `PING`. Its token is the envelope's key and a count,
//! which tells the tries of one part apart:
//!
//! | What comes back | What is reported |
//! |---|---|
//! | `PONG` with that token | `Sent`: the server has worked through the line before it |
//! | 401, 403, 404 or the like for that target, before the `PONG` | `Permanent`, with the server's words |
//! | the private conversation is that of an account: see [Ids](#ids) | `Retry`, then `Permanent` |
//! | 263, 437, 439 or 707 before the `PONG` | `Retry`, after the time that the server names |
//! | nothing for `confirm_secs`, or the connection breaks, and the line was written | `Ambiguous` |
//! | the same, and the line was still waiting to be written | `Retry` |
//!
//! Where nothing at all was heard since the line was written, the connection is taken for dead as well and made anew.
//!
//! What this does not prove is that a person saw it: a server may drop a line without a word (a channel of mode `+m` with
//! silent refusals, a person who ignores the bot), and a server further on may be lost with what it had not passed on yet.
//!
//! # Ids
//!
//! A person is `account/NAME` where the server says that they are logged in (`account-tag`), else their nick. A nick proves
//! nothing: anybody can take one that is free. So access rules should name services accounts, such as `irc:account/alice`, and a
//! rule for `irc:alice` lets in whoever is called that at the moment.
//!
//! A conversation is a channel, or in private the person. What is for an account goes to the nick that it last spoke from on this
//! connection, and follows it as far as the server tells (`NICK`, `QUIT`). After a restart or a new connection no nick is known;
//! then the server is asked (`WHOIS`) whether the nick that asked still has the account. If not, the delivery is `Permanent`: a
//! nick that somebody else has taken does not get the answer. What the server does not tell is not noticed: somebody who shares
//! no channel with the bot may leave unseen, and another take the nick before the last part of an answer.
//!
//! Names are in lower case by the server's own rule (`CASEMAPPING`, else RFC 1459, where `[]\~` are the upper case of `{}|^`).
//! A message's id is the server's `msgid` where it gives one, else made for the line; behind a space stands the nick of who
//! asked, so that an answer in a channel is addressed to them even after a restart.
//!
//! # Stopping
//!
//! When the host cancels `stop`, the connection stays open until each message that was accepted has its reply, but for no more
//! than 10 seconds. Lines that come in meanwhile are still handed to the sink, which refuses them, and the person is told.

mod config;
mod names;

mod receive;

mod encode;

mod deliver;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use loquat_contract::BotCard;

pub use config::{Config, sample};
pub use deliver::IrcEgress;
pub use receive::IrcIngress;

/// The platform's name in conversation ids.
pub const PLATFORM: &str = "irc";

/// Why IRC cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IrcError {
    /// There is nothing to connect to.
    #[error("connectors.irc.server is not set; write the server's host name, or leave the connector out")]
    NoServer,
    /// No server would take this nickname.
    #[error(
        "connectors.irc.nickname {0:?} is no nickname; use letters, digits and -_[]{{}}\\|^`, and begin with no digit or -"
    )]
    Nickname(String),
    /// This is no channel.
    #[error(
        "connectors.irc.channels has {0:?}, which is no channel; write \"#name\", or \"#name key\" where it has a key"
    )]
    Channel(String),
    /// A value would not fit into a line of IRC.
    #[error(
        "connectors.irc.{0} is empty, or has a character that cannot be sent; take out line breaks and control characters{1}"
    )]
    Value(&'static str, &'static str),
    /// The certificates in a file cannot be read.
    #[error(
        "connectors.irc.ca_file {path} cannot be read as PEM certificates ({problem}); check the path and the file"
    )]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// No certificate authority is known.
    #[error(
        "this machine has no certificate authorities to check the server with; install them (Debian: apt-get install ca-certificates) or set connectors.irc.ca_file"
    )]
    NoRoots,
    /// TLS could not be set up.
    #[error("TLS cannot be set up: {0}; this is a fault of the program, report it")]
    Tls(#[from] tokio_rustls::rustls::Error),
}

/// The two halves of the connector, which share one connection once [`IrcIngress`] runs. Nothing is connected yet.
///
/// # Errors
/// When the config has no server, or something in it that cannot be sent, or TLS cannot be set up with it.
pub fn connect(config: Config, bot: BotCard) -> Result<(IrcIngress, IrcEgress), IrcError> {
    let dial = receive::Dial::new(&config)?;
    config.check()?;
    let shared = Arc::new(deliver::Shared::new(&config));
    let ingress = IrcIngress::new(config, bot, dial, shared.clone());
    Ok((ingress, IrcEgress::new(shared)))
}
