//! How the conformance kit connects this connector to the Telegram for tests, and the one line that runs it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::Context;
use loquat_conformance::{Act, Command, Connector, Deed, Fault, Fixture, Heard, Platform, Press, Shown};
use loquat_contract::BotCard;
use loquat_fake_telegram::{Calls, Fault as Broken, Heard as Told, Kind, Options, Seen, Telegram, User};

use crate::encode::LONGEST;
use crate::{Config, connect};

/// The connector on the Telegram for tests.
pub(super) struct OnTelegram;

impl Fixture for OnTelegram {
    const PLATFORM: &'static str = crate::PLATFORM;

    type Platform = Fake;

    fn connect(address: &str, bot: &str) -> anyhow::Result<Connector> {
        let (url, token) = address.split_once(' ').context("no token")?;
        let card = BotCard { name: bot.into(), ..BotCard::default() };
        let (ingress, egress) = connect(Config { answer_all: true, ..quick(url, token) }, card)?;
        Ok(Connector { ingress: Arc::new(ingress), egress: Arc::new(egress) })
    }
}

loquat_conformance::conformance!(OnTelegram);

/// What a connector needs to find the Telegram for tests, with waits that a test can sit out.
pub(super) fn quick(url: &str, token: &str) -> Config {
    Config {
        token: Some(token.into()),
        api: url.to_owned(),
        poll_secs: 1,
        private_pause_ms: 1,
        group_pause_ms: 1,
        overall_pause_ms: 1,
        draft_pause_ms: 1,
        edit_pause_ms: 1,
        answer_secs: 10,
        ..Config::default()
    }
}

/// The Telegram for tests, as the kit sees it.
pub(super) struct Fake {
    telegram: Arc<Telegram>,
    known: Mutex<Known>,
}

/// What the kit's words are on Telegram.
#[derive(Default)]
struct Known {
    people: HashMap<String, User>,
    chats: HashMap<String, i64>,
    /// The message and the update of an act, by channel and id.
    acts: HashMap<(String, String), (i64, i64)>,
}

impl Fake {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap()
    }

    /// Does it, and gives the update by which the bot is told.
    fn act_now(&self, act: &Act) -> anyhow::Result<Option<i64>> {
        let mut known = self.known();
        let key = (act.channel.clone(), act.id.clone());
        if let Some((_, update)) = known.acts.get(&key).copied() {
            if self.telegram.is_acknowledged(update) {
                self.telegram.deliver_again(update)?;
            }
            return Ok(Some(update));
        }
        let telegram = &self.telegram;
        let who =
            known.people.entry(act.sender.clone()).or_insert_with(|| telegram.user(&act.sender)).clone();
        let chat = *known.chats.entry(act.channel.clone()).or_insert_with(|| {
            if is_group(&act.channel) {
                telegram.group(Kind::Supergroup, &act.channel, &[&who])
            } else {
                telegram.private(&who)
            }
        });
        let told = match &act.deed {
            Deed::Say(text) => telegram.say(chat, &who, text.as_str())?,
            Deed::Edit { message, text } => {
                let (message, _) = known.acts[&(act.channel.clone(), message.clone())];
                telegram.edit(chat, message, text)?
            }
            Deed::Delete { .. } => return Ok(None),
        };
        if let Some(update) = told.update {
            known.acts.insert(key, (told.message, update));
        }
        Ok(told.update)
    }
}

/// Where two people are, and every second of the crowd: half of everything is tried out in groups, half in private.
fn is_group(channel: &str) -> bool {
    channel == "two" || channel.ends_with(['1', '3', '5', '7', 'b'])
}

impl Platform for Fake {
    async fn start() -> anyhow::Result<Self> {
        let options = Options { privacy_mode: false, ..Options::default() };
        let telegram = Arc::new(Telegram::start(options).await?);
        Ok(Self { telegram, known: Mutex::default() })
    }

    fn address(&self) -> String {
        format!("{} {}", self.telegram.url(), self.telegram.token())
    }

    async fn ready(&self) -> anyhow::Result<()> {
        self.telegram.ready().await
    }

    async fn act(&self, act: &Act) -> Heard {
        let Some(update) = self.act_now(act).unwrap() else { return Heard::NotAcknowledged };
        loop {
            match self.telegram.heard(update).await.unwrap() {
                Told::Acknowledged => return Heard::Acknowledged,
                Told::Gone => return Heard::NotAcknowledged,
                // It asked for it once more, and has it again now.
                Told::Refused => {}
            }
        }
    }

    async fn press(&self, press: &Press) -> Option<Heard> {
        let (chat, who) = {
            let mut known = self.known();
            let telegram = &self.telegram;
            let who = known
                .people
                .entry(press.sender.clone())
                .or_insert_with(|| telegram.user(&press.sender))
                .clone();
            (known.chats.get(&press.channel).copied(), who)
        };
        let Some(chat) = chat else { return Some(Heard::NotAcknowledged) };
        let under = self.telegram.answers(chat).into_iter().rev().find(|seen| seen.text.contains(&press.on));
        let Some(under) = under else { return Some(Heard::NotAcknowledged) };
        let button = under.buttons.iter().flatten().find(|button| button.text == press.label);
        let Some(data) = button.and_then(|button| button.data.clone()) else {
            return Some(Heard::NotAcknowledged);
        };
        let pressed = self.telegram.press(chat, under.id, &data, &who).unwrap();
        // What the person waits for is the answer to the press.
        let answered =
            self.telegram.until("the press is answered", |telegram| telegram.answer_to(&pressed.query));
        Some(if answered.await.is_ok() { Heard::Acknowledged } else { Heard::NotAcknowledged })
    }

    async fn command(&self, command: &Command) -> Option<Heard> {
        let Command { channel, sender, id, name, argument } = command.clone();
        let deed = Deed::Say(format!("/{name} {argument}"));
        Some(self.act(&Act { channel, id, sender, deed }).await)
    }

    fn keeps_for_absent(&self) -> bool {
        true
    }

    fn shown(&self, channel: &str) -> Vec<Shown> {
        let chat = self.known().chats.get(channel).copied();
        chat.map(|chat| self.telegram.answers(chat)).unwrap_or_default().iter().map(shown).collect()
    }

    fn arm(&self, fault: &Fault) -> bool {
        let broken = match fault {
            Fault::TooMany(after) => Broken::TooMany(after.map(|after| after.as_secs_f64().ceil() as u64)),
            Fault::ServerError => Broken::Server(500),
            Fault::TakenWithoutAnswer => Broken::TakenWithoutAnswer,
            Fault::BrokenOff => Broken::BrokenOff,
            Fault::HalfOpen => {
                // Nothing gets through for a while; then the network is back.
                let (telegram, before) = (self.telegram.clone(), self.telegram.faults());
                tokio::spawn(async move {
                    while telegram.faults() == before {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    tokio::time::sleep(Duration::from_secs(5)).await;
                    telegram.calm();
                });
                Broken::HalfOpen
            }
        };
        self.telegram.arm(Calls::Deliveries, broken);
        true
    }

    fn broken_connections(&self) -> usize {
        self.telegram.ended_connections()
    }

    fn knows(&self, deed: &Deed) -> bool {
        // Telegram tells bots nothing of deleted messages.
        !matches!(deed, Deed::Delete { .. })
    }
}

/// A message as people see it; a link leads where it leads.
pub(super) fn shown(seen: &Seen) -> Shown {
    let mut units: Vec<u16> = seen.text.encode_utf16().collect();
    let length = units.len();
    let mut links: Vec<_> = seen.entities.iter().filter(|entity| entity.kind == "text_link").collect();
    links.sort_by_key(|link| std::cmp::Reverse(link.offset));
    for link in links {
        let url = format!(" ({})", link.url.as_deref().unwrap_or_default());
        units.splice(link.end()..link.end(), url.encode_utf16());
    }
    let fault = (length > LONGEST).then(|| "it is too long".to_owned());
    Shown {
        text: String::from_utf16_lossy(&units),
        key: None,
        notified: seen.mentioned.iter().map(ToString::to_string).collect(),
        fault: fault.or_else(|| seen.mended.first().cloned()),
    }
}
