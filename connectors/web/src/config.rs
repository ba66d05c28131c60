//! What the web chat can be told. In: the `web` table of a bot's file. Out: a checked [`Config`].

use std::net::{IpAddr, Ipv4Addr};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use crate::WebError;

/// How the web chat is served.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The address to listen on. Default: `127.0.0.1`, this machine alone.
    pub host: IpAddr,
    /// The port; where it is taken, the next free one of the 20 that follow. 0 takes any. Default: 8080.
    pub port: u16,
    /// What people must know to use the chat. Needed for any `host` but a loopback address. Default: none.
    #[serde(serialize_with = "redacted", skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretString>,
    /// Names under which people reach the page, such as behind a proxy, besides `localhost` and IP addresses.
    /// Default: none.
    pub allowed_hosts: Vec<String>,
    /// The longest message taken, in characters. Default: 4000.
    pub max_message_chars: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 8080,
            token: None,
            allowed_hosts: Vec::new(),
            max_message_chars: 4000,
        }
    }
}

impl Config {
    /// Refuses what would leave the bot open to a network.
    pub(crate) fn check(&self) -> Result<(), WebError> {
        match &self.token {
            Some(token) if token.expose_secret().trim().is_empty() => Err(WebError::EmptyToken),
            None if !self.host.is_loopback() => Err(WebError::Open(self.host)),
            _ => Ok(()),
        }
    }
}

fn redacted<S: Serializer>(_: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("[redacted]")
}

/// The `web` table with every key at its default, as TOML.
pub fn sample() -> &'static str {
    r#"# Web chat.
[web]
# The address to listen on; 127.0.0.1 is this machine alone.
host = "127.0.0.1"
# The port; where it is taken, the next free one of the 20 that follow.
port = 8080
# What people must know to use the chat. Needed for any host but a loopback address.
# token = "a long random text"
# Names under which people reach the page, such as behind a proxy: ["chat.example.org"].
allowed_hosts = []
# The longest message taken, in characters.
max_message_chars = 4000
"#
}
