//! A server of Discord's with the bot in it. In: what the kit has people do. Out: what they see of the bot.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use loquat_conformance::{Act, Deed, Fault, Heard, Platform, Shown};
use loquat_fake_discord::{Discord, Id, Options};

use crate::Config;

/// The token of all fakes.
pub(super) const TOKEN: &str = "MTAwMDAwMDAwMDAwMDAwMDAx.GfakeX.a-token-for-tests-only-0123456789abcdef";
/// Where the bot's deliveries go.
const DELIVERIES: &str = "POST /channels/*/messages";

/// A server with its channels, and the messages that were said in them.
pub(super) struct Guild {
    pub(super) discord: Discord,
    guild: Id,
    channels: Mutex<HashMap<String, Id>>,
    messages: Mutex<HashMap<String, Id>>,
}

/// What a connector needs to find a fake, with waits that a test can sit out.
pub(super) fn config(address: &str) -> Config {
    Config {
        token: Some(TOKEN.to_owned().into()),
        api: Some(format!("http://{address}/api/v10")),
        request_secs: 2,
        ..Config::default()
    }
}

impl Guild {
    pub(super) async fn with(options: Options) -> anyhow::Result<Self> {
        let discord = Discord::start(Options { token: TOKEN.to_owned(), ..options }).await?;
        let guild = discord.guild("Help");
        Ok(Self { discord, guild, channels: Mutex::default(), messages: Mutex::default() })
    }

    /// The channel of a name, which is made where it is not there.
    pub(super) fn channel(&self, name: &str) -> Id {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        *channels.entry(name.to_owned()).or_insert_with(|| self.discord.text_channel(self.guild, name))
    }

    fn message(&self, id: &str) -> Option<Id> {
        self.messages.lock().unwrap().get(id).copied()
    }

    fn to_bot(&self, text: &str) -> String {
        format!("<@{}> {text}", self.discord.bot())
    }
}

impl Platform for Guild {
    async fn start() -> anyhow::Result<Self> {
        Self::with(Options { heartbeat: Duration::from_millis(500), ..Options::default() }).await
    }

    fn address(&self) -> String {
        self.discord.address().to_owned()
    }

    async fn ready(&self) -> anyhow::Result<()> {
        self.discord.ready().await
    }

    async fn act(&self, act: &Act) -> Heard {
        let (channel, sender) = (self.channel(&act.channel), self.discord.person(&act.sender));
        match &act.deed {
            Deed::Say(text) => match self.message(&act.id) {
                Some(message) => self.discord.repeat(message),
                None => {
                    let said = self.discord.say(channel, sender, self.to_bot(text)).unwrap();
                    self.messages.lock().unwrap().insert(act.id.clone(), said);
                }
            },
            Deed::Edit { message, text } => {
                self.discord.edit(self.message(message).unwrap(), &self.to_bot(text)).unwrap();
            }
            Deed::Delete { message } => self.discord.delete(self.message(message).unwrap()).unwrap(),
        }
        Heard::Unknowable
    }

    fn shown(&self, channel: &str) -> Vec<Shown> {
        let said = self.discord.said(self.channel(channel)).into_iter();
        said.map(|message| Shown {
            notified: self.discord.notified(message.id),
            text: message.content,
            key: message.nonce,
            // What is wrong with a message, Discord refuses.
            fault: None,
        })
        .collect()
    }

    fn arm(&self, fault: &Fault) -> bool {
        let fault = match fault {
            Fault::TooMany(after) => {
                loquat_fake_discord::Fault::TooMany { retry_after: *after, is_global: false }
            }
            Fault::ServerError => loquat_fake_discord::Fault::ServerError(503),
            Fault::TakenWithoutAnswer => loquat_fake_discord::Fault::TakenWithoutAnswer,
            Fault::BrokenOff => loquat_fake_discord::Fault::BrokenOff,
            Fault::HalfOpen => loquat_fake_discord::Fault::HalfOpen,
        };
        self.discord.fault(DELIVERIES, fault, 1);
        true
    }

    fn broken_connections(&self) -> usize {
        self.discord.gateway_ended()
    }

    fn knows(&self, _: &Deed) -> bool {
        true
    }
}
