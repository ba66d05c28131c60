//! What the Discord connector can be told. In: the `discord` table of a bot's file. Out: a checked [`Config`]. Connects to
//! nothing.

use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use serenity::model::id::{ChannelId, GuildId};

use crate::DiscordError;

/// Discord's own API.
const API: &str = "https://discord.com/api/v10";

/// Whether a mention in a text channel is answered there or in a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversationKind {
    /// In the channel, as a reply.
    #[default]
    Channel,
    /// In a thread that is opened for it.
    Thread,
}

/// What the bot is on Discord, and how it behaves there.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The bot's token. Default: none, and the bot is not on Discord.
    #[serde(serialize_with = "redacted", skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretString>,
    /// Where Discord's API is, with its version. Default: Discord's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// Whether the bot asks for the privileged intent to read what is not said to it. Without it, mentions, replies that ping it,
    /// direct messages and commands are answered. Default: false.
    pub message_content: bool,
    /// The ids of the servers where the bot answers. Default: none, and it answers in all.
    pub guilds: Vec<String>,
    /// The ids of the channels where the bot answers, threads in them included. Default: none, and it answers in all.
    pub channels: Vec<String>,
    /// Whether direct messages are answered. Default: true.
    pub direct_messages: bool,
    /// Where a mention in a text channel is answered. A thread is always a conversation of its own. Default: `channel`.
    pub conversation: ConversationKind,
    /// The ids of channels where everything is said to the bot; needs `message_content`. Default: none.
    pub answer_all_in: Vec<String>,
    /// Whether citations are an embed, and not lines of the text. Default: true.
    pub embeds: bool,
    /// How many shards the bot connects with; 0 for as many as Discord recommends. Default: 0.
    pub shards: u32,
    /// How many requests the bot may make in a second, in all. Discord allows 50, and more to very large bots. Default: 50.
    pub requests_per_second: u32,
    /// How long Discord may take to answer a request, in seconds. Default: 15.
    pub request_secs: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            token: None,
            api: None,
            message_content: false,
            guilds: Vec::new(),
            channels: Vec::new(),
            direct_messages: true,
            conversation: ConversationKind::default(),
            answer_all_in: Vec::new(),
            embeds: true,
            shards: 0,
            requests_per_second: 50,
            request_secs: 15,
        }
    }
}

impl Config {
    /// Refuses what Discord would refuse, and what would send the token in the clear.
    pub(crate) fn check(&self) -> Result<(), DiscordError> {
        let token = self.token.as_ref().ok_or(DiscordError::NoToken)?.expose_secret();
        if token.is_empty() || token.chars().any(|c| c.is_whitespace() || c.is_control() || !c.is_ascii()) {
            return Err(DiscordError::Token);
        }
        let lists =
            [("guilds", &self.guilds), ("channels", &self.channels), ("answer_all_in", &self.answer_all_in)];
        for (key, ids) in lists {
            if let Some(bad) = ids.iter().find(|id| id.parse::<u64>().is_ok_and(|id| id > 0).eq(&false)) {
                return Err(DiscordError::Id(key, bad.clone()));
            }
        }
        if !self.answer_all_in.is_empty() && !self.message_content {
            return Err(DiscordError::NeedsContent);
        }
        self.api().map(|_| ())
    }

    /// Where the API is, without a slash at its end.
    pub(crate) fn api(&self) -> Result<String, DiscordError> {
        let api = self.api.as_deref().unwrap_or(API).trim_end_matches('/');
        let url = Url::parse(api).map_err(|_| DiscordError::Api)?;
        let is_safe = match url.scheme() {
            "https" => true,
            "http" => is_loopback(&url),
            _ => false,
        };
        let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        // Without it, every request would be answered with “not found”.
        let is_of_version = url.path().ends_with("/v10");
        let is_good = is_safe && is_plain && is_of_version && url.has_host();
        if is_good { Ok(api.to_owned()) } else { Err(DiscordError::Api) }
    }

    pub(crate) fn request_time(&self) -> Duration {
        Duration::from_secs(self.request_secs.max(1))
    }

    /// Whether the bot answers in this server.
    pub(crate) fn takes_guild(&self, guild: GuildId) -> bool {
        self.guilds.is_empty() || has(&self.guilds, guild.get())
    }

    /// Whether the bot answers in this channel, or in this thread of it.
    pub(crate) fn takes_channel(&self, channel: ChannelId, thread: Option<ChannelId>) -> bool {
        self.channels.is_empty() || is_one_of(&self.channels, channel, thread)
    }

    /// Whether everything in this channel, or in this thread of it, is for the bot.
    pub(crate) fn answers_all(&self, channel: ChannelId, thread: Option<ChannelId>) -> bool {
        is_one_of(&self.answer_all_in, channel, thread)
    }
}

fn is_one_of(ids: &[String], channel: ChannelId, thread: Option<ChannelId>) -> bool {
    has(ids, channel.get()) || thread.is_some_and(|thread| has(ids, thread.get()))
}

fn has(ids: &[String], id: u64) -> bool {
    ids.iter().any(|known| known.parse() == Ok(id))
}

/// Whether an address is this machine's own.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn redacted<S: Serializer>(_: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("[redacted]")
}

/// The `discord` table with every key at its default, as TOML.
pub fn sample() -> &'static str {
    r##"# Discord. Without a token, the bot is not there. docs/discord.md leads there in five minutes; `loquat doctor` says what is missing.
# In access rules, people are discord:ID, and roles are their ids.
[discord]
# From the developer portal, at Bot, Reset Token. It is better kept in the environment.
# token = "the bot's token"
# Where the API is, with its version, for a proxy; without it, Discord's own.
# api = "https://discord.com/api/v10"
# Whether to ask for the Message Content intent, which has to be switched on in the developer portal too. Without it, the bot answers
# mentions, replies that ping it, direct messages and commands.
message_content = false
# The ids of the servers and channels where it answers, such as ["81384788765712384"]; all where empty.
guilds = []
channels = []
# Whether it answers direct messages.
direct_messages = true
# "channel": a mention in a text channel is answered there. "thread": in a thread that is opened for it.
conversation = "channel"
# The ids of channels, also of forums, where everything is said to the bot; needs message_content.
answer_all_in = []
# Whether citations are an embed, and not lines of the text.
embeds = true
# How many shards; 0 for as many as Discord recommends.
shards = 0
# How many requests in a second, in all; Discord allows 50, and more to very large bots.
requests_per_second = 50
# How long Discord may take to answer a request, in seconds.
request_secs = 15
"##
}
