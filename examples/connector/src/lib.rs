//! Postbox: a chat server that speaks lines of JSON over TCP.
//!
//! Events come in over one connection ([`PostboxIngress`]) and go to the sink; parts of replies leave over the same connection
//! ([`PostboxEgress`]). What the two halves share is the link. It knows neither the bot behind the sink nor the host. The
//! modules stand in the order in which a message passes them.
//!
//! ```
//! use loquat_postbox::{Config, connect};
//!
//! # fn main() -> Result<(), loquat_postbox::PostboxError> {
//! let config = Config { address: Some("127.0.0.1:4000".into()), ..Config::default() };
//! let (ingress, egress) = connect(config, "Loquat")?;
//! # let _ = (ingress, egress);
//! # Ok(())
//! # }
//! ```
//!
//! # What the server promises
//!
//! An event that was not answered with `received` is sent again after a reconnect; the connector says so once the bot has the
//! event, or has refused it for good. A message is answered with `sent` or
//! `refused`, and its key is remembered: a message that is sent twice is shown once. So nothing is lost, and nothing is
//! read twice, whatever breaks.

mod config;
mod wire;

mod receive;

mod encode;

mod deliver;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use config::{Config, sample};
pub use deliver::PostboxEgress;
pub use receive::PostboxIngress;

/// The platform's name in conversation ids.
pub const PLATFORM: &str = "postbox";

/// Why the connector cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostboxError {
    /// There is nothing to connect to.
    #[error("{PLATFORM}.address is not set; write the server's host and port, or leave the connector out")]
    NoAddress,
    /// This is no address.
    #[error("{PLATFORM}.address {0:?} is no address; write host and port, such as 127.0.0.1:4000")]
    Address(String),
}

/// The two halves of the connector. Nothing is connected before [`PostboxIngress`] runs. `bot` is the bot's name in
/// conversation ids.
///
/// # Errors
/// When the config has no address, or one that cannot be.
pub fn connect(config: Config, bot: &str) -> Result<(PostboxIngress, PostboxEgress), PostboxError> {
    let address = config.checked_address()?;
    let link = Arc::new(deliver::Link::new(config.silence()));
    Ok((PostboxIngress::new(address, bot, link.clone()), PostboxEgress::new(link)))
}
