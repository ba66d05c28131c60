//! The sending half: one line out, and the proof that the server took it. In: envelopes. Out: what became of each. It does not
//! retry, wait or cut, and knows nothing of how lines are received.

mod accounts;
mod link;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use loquat_contract::{
    BoxFuture, Capabilities, Delivery, Egress, Envelope, Format, Idempotency, Length, LengthUnit, Pace,
};
use tokio::time::{Instant, timeout};

use crate::Config;
use crate::encode::{asker, encode, line, room};
use crate::names::{ACCOUNT, BARE};

pub(crate) use accounts::{Accounts, Whereabouts};
pub(crate) use link::{Link, Live, Outgoing};

/// How long the server may take to say who has a nick.
const WHOIS: Duration = Duration::from_secs(1);

/// What the two halves share.
pub(crate) struct Shared {
    /// The connection, while there is one that is past its greetings.
    link: Mutex<Option<Arc<Link>>>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) room: usize,
    pub(crate) pause: Duration,
    ping: Duration,
    confirm: Duration,
}

impl Shared {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            link: Mutex::default(),
            accounts: Arc::default(),
            room: room(config),
            pause: config.flood_pause(),
            ping: config.ping(),
            confirm: config.confirm(),
        }
    }

    pub(crate) fn link(&self) -> Option<Arc<Link>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_link(&self, link: Option<Arc<Link>>) {
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = link;
    }
}

/// The sending half of IRC.
pub struct IrcEgress {
    shared: Arc<Shared>,
}

impl IrcEgress {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The channel or nick that a part goes to, or what becomes of one for an account that is not known to be there.
    fn target(&self, envelope: &Envelope, link: &Link) -> Result<String, Delivery> {
        let channel = &envelope.to.conversation.channel;
        let Some(account) = channel.strip_prefix(ACCOUNT) else {
            return Ok(channel.strip_prefix(BARE).unwrap_or(channel).to_owned());
        };
        match self.shared.accounts.find(channel, asker(&envelope.to.in_reply_to)) {
            Whereabouts::At(nick) => Ok(nick),
            Whereabouts::Ask(nick) => {
                link.write(format!("WHOIS {}\r\n", line(&nick)));
                let reason = format!("the server is asked whether {nick} is still the account {account}");
                Err(Delivery::Retry { after: Some(WHOIS), reason })
            }
            Whereabouts::Away => {
                let reason = format!(
                    "nobody with the account {account} is known to be on IRC under the nick that asked"
                );
                Err(Delivery::Permanent { reason })
            }
        }
    }

    async fn send(&self, envelope: &Envelope) -> Delivery {
        let Some(link) = self.shared.link() else {
            return Delivery::Retry { after: None, reason: "IRC is not connected".to_owned() };
        };
        let target = match self.target(envelope, &link) {
            Ok(target) => target,
            Err(delivery) => return delivery,
        };
        let encoded = match encode(envelope, target, self.shared.room) {
            Ok(encoded) => encoded,
            Err(reason) => return Delivery::Permanent { reason: reason.to_owned() },
        };
        let began = Instant::now();
        let sending = link.send(&envelope.key.0, encoded);
        match timeout(self.shared.confirm, sending.answer).await {
            Ok(Ok(delivery)) => delivery,
            Ok(Err(_)) if sending.outgoing.withdraw() => {
                let reason = "the connection broke before the line was written".to_owned();
                Delivery::Retry { after: None, reason }
            }
            Ok(Err(_)) => {
                let reason = "the connection broke after the line was written".to_owned();
                Delivery::Ambiguous { reason }
            }
            Err(_) => {
                if link.heard() < began {
                    link.give_up();
                }
                let waited = self.shared.confirm.as_secs();
                match sending.outgoing.withdraw() {
                    true => {
                        let reason = format!("the line could not be written for {waited} seconds");
                        Delivery::Retry { after: None, reason }
                    }
                    false => {
                        let reason = format!("the server did not confirm the line within {waited} seconds");
                        Delivery::Ambiguous { reason }
                    }
                }
            }
        }
    }
}

impl Egress for IrcEgress {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            max_length: Some(Length { limit: self.shared.room, unit: LengthUnit::Bytes }),
            max_lines: Some(1),
            format: Format::Plain,
            idempotency: Idempotency::None,
            outlives_process: true,
            pace: Pace { per_conversation: self.shared.pause, overall: self.shared.pause },
            // One answer to a PING may be missed, and the second come late.
            silence: Some(self.shared.ping * 2 + self.shared.confirm),
            ..Capabilities::default()
        }
    }

    fn deliver<'a>(&'a self, envelope: &'a Envelope) -> BoxFuture<'a, Delivery> {
        Box::pin(async move {
            let delivery = self.send(envelope).await;
            if envelope.is_last()
                && !matches!(delivery, Delivery::Retry { .. })
                && let Some(link) = self.shared.link()
            {
                link.answered(&envelope.to.in_reply_to);
            }
            delivery
        })
    }
}
