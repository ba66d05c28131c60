//! A server of Discord's with the bot in it. In: what the kit has people do. Out: what they see of the bot.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use loquat_conformance::{Act, Command, Deed, Fault, Heard, Platform, Press, Shown};
use loquat_fake_discord::{Discord, Id, Options};

use crate::Config;

/// The token of all fakes.
pub(super) const TOKEN: &str = "MTAwMDAwMDAwMDAwMDAwMDAx.GfakeX.a-token-for-tests-only-0123456789abcdef";
/// How long the bot may take to send a heartbeat that it is asked for.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);
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
        requests_per_second: 10_000,
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

    pub(super) fn id(&self) -> Id {
        self.guild
    }

    /// The channel of a name, which is made where it is not there.
    pub(super) fn channel(&self, name: &str) -> Id {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        *channels.entry(name.to_owned()).or_insert_with(|| self.discord.text_channel(self.guild, name))
    }

    fn message(&self, id: &str) -> Option<Id> {
        self.messages.lock().unwrap().get(id).copied()
    }

    /// Waits for an interaction's first answer, for as long as Discord does.
    async fn answered(&self, interaction: Id) -> Heard {
        match tokio::time::timeout(Duration::from_secs(3), self.discord.answered(interaction)).await {
            Ok(Ok(_)) => Heard::Acknowledged,
            _ => Heard::NotAcknowledged,
        }
    }

    fn to_bot(&self, text: &str) -> String {
        format!("<@{}> {text}", self.discord.bot())
    }
}

impl Platform for Guild {
    async fn start() -> anyhow::Result<Self> {
        let options =
            Options { heartbeat: Duration::from_millis(500), pace: Some(200.0), ..Options::default() };
        Self::with(options).await
    }

    fn address(&self) -> String {
        self.discord.address().to_owned()
    }

    /// A process that was killed looks connected until the end of its connection is seen, so the bot is asked for a heartbeat.
    async fn ready(&self) -> anyhow::Result<()> {
        loop {
            self.discord.ready().await?;
            let before = self.discord.heartbeats();
            self.discord.ask_for_heartbeat();
            let answered = self
                .discord
                .until("the bot answers", |discord| (discord.heartbeats() > before).then_some(()));
            if tokio::time::timeout(SIGN_OF_LIFE, answered).await.is_ok_and(|answered| answered.is_ok()) {
                return Ok(());
            }
        }
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

    async fn press(&self, press: &Press) -> Option<Heard> {
        let (channel, sender) = (self.channel(&press.channel), self.discord.person(&press.sender));
        self.discord.join(self.guild, sender);
        let said = self.discord.said(channel);
        let newest = said.iter().rev().find(|message| message.content.contains(&press.on));
        let button =
            newest.and_then(|message| Some((message.id, self.discord.button(message.id, &press.label)?)));
        let pressed = button.and_then(|(message, button)| self.discord.click(message, sender, &button).ok());
        Some(match pressed {
            Some(interaction) => self.answered(interaction).await,
            None => Heard::NotAcknowledged,
        })
    }

    async fn command(&self, command: &Command) -> Option<Heard> {
        let (channel, sender) = (self.channel(&command.channel), self.discord.person(&command.sender));
        self.discord.join(self.guild, sender);
        let menu = self.discord.commands(Some(self.guild));
        let known = menu.iter().find(|known| known["name"] == command.name.as_str());
        let option = known.and_then(|known| known["options"][0]["name"].as_str());
        let options: Vec<_> =
            option.map(|name| (name, command.argument.clone().into())).into_iter().collect();
        Some(match self.discord.slash(channel, sender, &command.name, &options) {
            Ok(interaction) => self.answered(interaction).await,
            Err(_) => Heard::NotAcknowledged,
        })
    }

    fn shown(&self, channel: &str) -> Vec<Shown> {
        // What one person alone sees, such as thanks or a refusal, is not said in the channel.
        let said =
            self.discord.said(self.channel(channel)).into_iter().filter(|said| said.only_for.is_none());
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
