//! What the connector can be told. In: the `postbox` table of a bot's file. Out: a checked [`Config`]. Connects to nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::PostboxError;

/// Where the server is, and how patient the connector is with it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The server's host and port. Default: none, and the bot is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How long the server may say nothing, or leave a message without an answer, in seconds; it is asked for a sign of life
    /// five times within that. Default: 5.
    pub silence_secs: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { address: None, silence_secs: 5 }
    }
}

impl Config {
    /// The address, where it can be one. Whether anybody answers there is seen later.
    pub(crate) fn checked_address(&self) -> Result<String, PostboxError> {
        let address = self.address.as_ref().ok_or(PostboxError::NoAddress)?;
        let is_address = |(host, port): (&str, &str)| !host.is_empty() && port.parse::<u16>().is_ok();
        match address.rsplit_once(':').is_some_and(is_address) {
            true => Ok(address.clone()),
            false => Err(PostboxError::Address(address.clone())),
        }
    }

    pub(crate) fn silence(&self) -> Duration {
        // Without any patience, no server would do.
        Duration::from_secs(self.silence_secs.max(1))
    }
}

/// The `postbox` table with every key at its default, as TOML.
pub fn sample() -> &'static str {
    r#"# Postbox. Without an address, the bot is not there.
[postbox]
# address = "127.0.0.1:4000"
# How long the server may say nothing, or leave a message without an answer, in seconds.
silence_secs = 5
"#
}
