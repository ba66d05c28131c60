//! What the IRC connector can be told. In: the `irc` table of a bot's file. Out: a checked [`Config`]. Connects to nothing.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use crate::IrcError;
use crate::names::is_channel;

/// Where the bot is on IRC, and how it behaves there.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The server's host name. Default: none, and the bot is not on IRC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The server's port. Default: 6697, the one for TLS; without TLS it is mostly 6667.
    pub port: u16,
    /// Whether the connection is encrypted. Default: true.
    pub tls: bool,
    /// A PEM file with certificate authorities to trust besides the machine's own. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The bot's nickname. Where it is in use, `_` is added, and the nickname is tried again at each sign of life; both address the
    /// bot. Default: `loquat`.
    pub nickname: String,
    /// The user name that the server shows in `nick!user@host`. Default: `loquat`.
    pub username: String,
    /// The name that `/whois` shows. Default: the bot's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realname: Option<String>,
    /// The server's password. Default: none.
    #[serde(serialize_with = "redacted", skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretString>,
    /// The bot's account. Default: the nickname.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The account's password: for SASL PLAIN where the server offers it, else for NickServ. Default: none.
    #[serde(serialize_with = "redacted", skip_serializing_if = "Option::is_none")]
    pub account_password: Option<SecretString>,
    /// The channels to be in: `#name`, or `#name key`. Default: none.
    pub channels: Vec<String>,
    /// Whether everything said in a channel is for the bot, and not only what addresses it (`nick: …`, `nick, …`,
    /// `@nick …`). Private messages always are. Default: false.
    pub answer_all: bool,
    /// Whether the bot is told of people who join a channel. Default: false.
    pub joins: bool,
    /// The pause between two messages in milliseconds. A server that throws the bot out for flooding wants more: up to
    /// 2000. Default: 500.
    pub flood_pause_ms: u64,
    /// How often the server is asked for a sign of life, in seconds. Default: 60.
    pub ping_secs: u64,
    /// How long the server may take to confirm a message, in seconds. Default: 15.
    pub confirm_secs: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            server: None,
            port: 6697,
            tls: true,
            ca_file: None,
            nickname: "loquat".to_owned(),
            username: "loquat".to_owned(),
            realname: None,
            password: None,
            account: None,
            account_password: None,
            channels: Vec::new(),
            answer_all: false,
            joins: false,
            flood_pause_ms: 500,
            ping_secs: 60,
            confirm_secs: 15,
        }
    }
}

impl Config {
    /// Refuses what no server would take, and what would be more than one word or line on the wire.
    pub(crate) fn check(&self) -> Result<(), IrcError> {
        if !is_nickname(&self.nickname) {
            return Err(IrcError::Nickname(self.nickname.clone()));
        }
        for entry in &self.channels {
            let (name, key) = channel(entry);
            if !is_channel(name) || !is_word(name) || name.contains(',') || !key.is_none_or(is_word) {
                return Err(IrcError::Channel(entry.clone()));
            }
        }
        if !is_word(&self.username) || self.username.contains('@') {
            return Err(IrcError::Value("username", ", spaces and @"));
        }
        let lines = [
            ("realname", self.realname.as_deref()),
            ("password", self.password.as_ref().map(ExposeSecret::expose_secret)),
            ("account", self.account.as_deref()),
            ("account_password", self.account_password.as_ref().map(ExposeSecret::expose_secret)),
        ];
        for (key, value) in lines {
            if value.is_some_and(|value| value.is_empty() || value.chars().any(char::is_control)) {
                return Err(IrcError::Value(key, ""));
            }
        }
        Ok(())
    }

    pub(crate) fn flood_pause(&self) -> Duration {
        Duration::from_millis(self.flood_pause_ms)
    }

    pub(crate) fn ping(&self) -> Duration {
        Duration::from_secs(self.ping_secs.max(1))
    }

    pub(crate) fn confirm(&self) -> Duration {
        Duration::from_secs(self.confirm_secs.max(1))
    }
}

/// A channel's name, and its key where it has one.
pub(crate) fn channel(entry: &str) -> (&str, Option<&str>) {
    match entry.split_once(' ') {
        Some((name, key)) => (name, Some(key)),
        None => (entry, None),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.starts_with(':') && !text.chars().any(|c| c.is_control() || c == ' ')
}

/// RFC 2812, section 2.3.1, without its limit of 9, and with the letters of other scripts that some servers take.
fn is_nickname(text: &str) -> bool {
    let special = |c: char| "[]\\`_^{|}".contains(c);
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || special(c))
        && chars.all(|c| c.is_alphanumeric() || special(c) || c == '-')
}

fn redacted<S: Serializer>(_: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("[redacted]")
}

/// The `irc` table with every key at its default, as TOML.
pub fn sample() -> &'static str {
    r##"# IRC. Without a server, the bot is not there. In access rules, name people by their services account, irc:account/alice: a nick
# proves nothing, as anybody can take a free one.
[irc]
# server = "irc.example.org"
# The port; 6697 is the one for TLS, 6667 mostly the one without.
port = 6697
tls = true
# Certificate authorities to trust besides the machine's own, as PEM.
# ca_file = "ca.pem"
# Where the nickname is in use, _ is added, and it is tried again from time to time; both address the bot.
nickname = "loquat"
username = "loquat"
# What /whois shows; without it, the bot's name.
# realname = "Loquat"
# The server's password.
# password = "a word from the server's operator"
# The bot's account; without it, the nickname. The password goes to SASL PLAIN where the server offers it, else to NickServ.
# account = "loquat"
# account_password = "a long random text"
# The channels to be in, such as ["#help", "#staff key"].
channels = []
# Whether everything said in a channel is for the bot, and not only what begins with its nickname.
answer_all = false
# Whether the bot is told of people who join a channel.
joins = false
# The pause between two messages in milliseconds; up to 2000 where the server complains of flooding.
flood_pause_ms = 500
# How often the server is asked for a sign of life, in seconds.
ping_secs = 60
# How long the server may take to confirm a message, in seconds.
confirm_secs = 15
"##
}
