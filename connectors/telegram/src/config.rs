//! What the Telegram connector can be told. In: the `telegram` table of a bot's file. Out: a checked [`Config`]. Connects to nothing.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::TelegramError;

/// The longest poll that Telegram keeps open, in seconds.
const LONGEST_POLL: u64 = 50;
/// The longest that an answer is waited for, in seconds.
const LONGEST_ANSWER: u64 = 60 * 60;
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// How updates come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The bot asks for them, and the answer waits until there are some. Needs no address of its own.
    #[default]
    Polling,
    /// Telegram sends them to an address of the bot's.
    Webhook,
}

/// Where the bot is on Telegram, and how it behaves there.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The token that @BotFather gave. Default: none, and the bot is not on Telegram.
    #[serde(serialize_with = "redacted", skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretString>,
    /// The Bot API server. Default: Telegram's own.
    pub api: String,
    /// How updates come: `polling` or `webhook`. Default: `polling`.
    pub mode: Mode,
    /// How long Telegram waits for an update before it answers that there is none, in seconds; 50 at most. Default: 30.
    pub poll_secs: u64,
    /// How long another program that polls with the same token is put up with, in seconds: an old process may still be ending.
    /// Default: 60.
    pub conflict_secs: u64,
    /// With `webhook`: where the bot listens. Default: `127.0.0.1:8443`.
    pub listen: SocketAddr,
    /// With `webhook`: the `https` address at which Telegram reaches the bot, mostly that of a proxy. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// With `webhook`: what Telegram has to say with each update. Default: one that is made from the token.
    #[serde(serialize_with = "redacted", skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretString>,
    /// The chats that the bot answers in, by their numbers; a group's is negative. Default: none listed, and it answers in all.
    pub allowed_chats: Vec<i64>,
    /// Whether everything said in a group is for the bot, and not only what mentions it, answers it or is a command. Telegram tells it
    /// of everything only with privacy mode off. Private messages always are. Default: false.
    pub answer_all: bool,
    /// Whether the bot is told of people who join a group. Default: false.
    pub joins: bool,
    /// Whether tables are sent as rich messages (Bot API 10.2), which older apps do not show. Default: false.
    pub rich: bool,
    /// The pause between two messages into one private chat in milliseconds. Default: 1000.
    pub private_pause_ms: u64,
    /// The pause between two messages into one group in milliseconds. Telegram takes 20 a minute. Default: 3000.
    pub group_pause_ms: u64,
    /// The pause between any two messages in milliseconds. Telegram takes 30 a second. Default: 34.
    pub overall_pause_ms: u64,
    /// The pause between two changes of a reply that is being written in private, in milliseconds. Default: 300.
    pub draft_pause_ms: u64,
    /// The pause between two changes of a reply that is being written in a group, in milliseconds. Default: 1000.
    pub edit_pause_ms: u64,
    /// How long Telegram may take to answer a request, in seconds. Default: 20.
    pub answer_secs: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            token: None,
            api: teloxide_core::net::TELEGRAM_API_URL.to_owned(),
            mode: Mode::Polling,
            poll_secs: 30,
            conflict_secs: 60,
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            public_url: None,
            secret: None,
            allowed_chats: Vec::new(),
            answer_all: false,
            joins: false,
            rich: false,
            private_pause_ms: 1000,
            group_pause_ms: 3000,
            overall_pause_ms: 34,
            draft_pause_ms: 300,
            edit_pause_ms: 1000,
            answer_secs: 20,
        }
    }
}

impl Config {
    /// Refuses what could not work, and names the key.
    pub(crate) fn check(&self) -> Result<(), TelegramError> {
        let token = self.token.as_ref().ok_or(TelegramError::NoToken)?;
        if !is_token(token.expose_secret()) {
            return Err(TelegramError::Token);
        }
        self.api()?;
        if self.mode == Mode::Webhook {
            self.public_url()?;
        }
        if self.secret.as_ref().is_some_and(|secret| !is_secret(secret.expose_secret())) {
            return Err(TelegramError::Secret);
        }
        Ok(())
    }

    /// The Bot API server's address.
    pub(crate) fn api(&self) -> Result<Url, TelegramError> {
        let refused = || TelegramError::Api(self.without_secrets(&self.api));
        let url = Url::parse(self.api.trim_end_matches('/')).map_err(|_| refused())?;
        // With the token in it, it would be wrong, and shown.
        if self.without_secrets(&self.api) != self.api {
            return Err(refused());
        }
        let is_bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        let is_safe = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
        if is_bare && is_safe && url.has_host() { Ok(url) } else { Err(refused()) }
    }

    /// The address that Telegram is given.
    pub(crate) fn public_url(&self) -> Result<Url, TelegramError> {
        let written = self.public_url.clone().unwrap_or_default();
        let refused = || TelegramError::PublicUrl(self.without_secrets(&written));
        let url = Url::parse(&written).map_err(|_| refused())?;
        // A server for tests, on this machine, reaches the bot without a proxy.
        let is_safe = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
        if is_safe && url.has_host() { Ok(url) } else { Err(refused()) }
    }

    /// An address without the token and without what stands before an `@`, as it can be shown.
    fn without_secrets(&self, address: &str) -> String {
        let token = self.token.as_ref().map_or("", |token| token.expose_secret());
        let mut shown = address.to_owned();
        if !token.is_empty() {
            shown = shown.replace(token, "[token]");
        }
        if let Some((before, host)) = shown.rsplit_once('@') {
            let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
            shown = format!("{scheme}://[hidden]@{host}");
        }
        shown
    }

    /// What Telegram has to say with each update. Made from the token, it is the same after a restart, and tells nothing of the token.
    pub(crate) fn secret(&self) -> SecretString {
        if let Some(secret) = &self.secret {
            return secret.clone();
        }
        let mut hash = Sha256::new();
        hash.update(b"loquat telegram webhook\0");
        hash.update(self.token.as_ref().map_or("", |token| token.expose_secret()));
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
    }

    pub(crate) fn poll(&self) -> Duration {
        Duration::from_secs(self.poll_secs.clamp(1, LONGEST_POLL))
    }

    pub(crate) fn conflict(&self) -> Duration {
        Duration::from_secs(self.conflict_secs)
    }

    pub(crate) fn answer(&self) -> Duration {
        Duration::from_secs(self.answer_secs.clamp(1, LONGEST_ANSWER))
    }

    /// The pause between two changes of a reply that is being written.
    pub(crate) fn draft_pause(&self, is_group: bool) -> Duration {
        pause(if is_group { self.edit_pause_ms } else { self.draft_pause_ms })
    }

    /// The pause between two messages into one conversation.
    pub(crate) fn message_pause(&self, is_group: bool) -> Duration {
        pause(if is_group { self.group_pause_ms } else { self.private_pause_ms })
    }

    /// The pause between any two messages.
    pub(crate) fn overall_pause(&self) -> Duration {
        pause(self.overall_pause_ms)
    }
}

/// A pause, short enough that clocks can add it up.
fn pause(millis: u64) -> Duration {
    Duration::from_millis(millis).min(LONGEST_PAUSE)
}

/// Whether a URL leads to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// As BotFather writes them: the bot's number, a colon, and a word.
fn is_token(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.split_once(':').is_some_and(|(number, word)| {
        !number.is_empty()
            && number.chars().all(|c| c.is_ascii_digit())
            && word.len() >= 20
            && word.chars().all(is_word)
    })
}

/// As Telegram takes them: 1 to 256 of these characters.
fn is_secret(text: &str) -> bool {
    (1..=256).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn redacted<S: Serializer>(_: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("[redacted]")
}

/// The `telegram` table with every key at its default, as TOML.
pub fn sample() -> &'static str {
    r##"# Telegram. Without a token, the bot is not there. In access rules, name people by their number: telegram:123456789.
[telegram]
# What @BotFather gave; better in the environment, as LOQUAT_CONNECTORS__TELEGRAM__TOKEN.
# token = "123456789:a-word-of-35-letters-and-digits-xyz"
# The Bot API server: Telegram's own, or one that you run.
api = "https://api.telegram.org"
# How updates come: polling needs nothing, webhook an https address of your own.
mode = "polling"
# How long Telegram waits for an update before it answers that there is none, in seconds; 50 at most.
poll_secs = 30
# How long another program that polls with the same token is put up with, in seconds.
conflict_secs = 60
# With webhook: where the bot listens, the address at which Telegram reaches it (mostly a proxy's), and what Telegram has to say with each
# update; without a secret, one is made from the token.
listen = "127.0.0.1:8443"
# public_url = "https://bot.example.org/telegram"
# secret = "a-long-random-text"
# The chats that the bot answers in, by their numbers, such as [123456789, -1001234567890]; with none, it answers in all.
allowed_chats = []
# Whether everything said in a group is for the bot, and not only what mentions it, answers it or is a command.
answer_all = false
# Whether the bot is told of people who join a group.
joins = false
# Whether tables are sent as rich messages, which older apps do not show.
rich = false
# The pauses between two messages into one private chat, into one group, and between any two, in milliseconds.
private_pause_ms = 1000
group_pause_ms = 3000
overall_pause_ms = 34
# The pauses between two changes of a reply that is being written, in private and in a group, in milliseconds.
draft_pause_ms = 300
edit_pause_ms = 1000
# How long Telegram may take to answer a request, in seconds.
answer_secs = 20
"##
}
