//! Who may talk to the bot, and how much. In: an event before it is kept. Out: let in, ignored, or a refusal. Identity is the platform's:
//! a person is `platform:id`.

mod pairing;
mod rules;

use std::path::PathBuf;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use loquat_contract::{ConversationId, Event, Inbound, Person, Receipt, Refusal};
use std::num::NonZeroU32;

pub use pairing::{Code, Paired, Pairing, PairingError};
pub use rules::{Access, sample};

/// What is told to somebody whose code was right.
const WELCOME: &str = "You may talk to this bot now. Ask away.";
/// How many events there are between two looks for limits that nobody uses any more.
const TIDY: u32 = 1000;

/// Decides over events before they are kept.
pub(crate) struct Gate {
    rules: Access,
    pairing: Option<Pairing>,
    people: Option<DefaultKeyedRateLimiter<Person>>,
    conversations: Option<DefaultKeyedRateLimiter<ConversationId>>,
    seen: std::sync::atomic::AtomicU32,
}

impl Gate {
    /// A gate with these rules. Pairing is kept in the file `pairing`; without one nobody can be paired.
    pub(crate) fn new(rules: Access, pairing: Option<PathBuf>) -> Self {
        let quota = |a_minute: u32| NonZeroU32::new(a_minute).map(Quota::per_minute);
        Self {
            pairing: pairing.map(Pairing::in_file),
            people: quota(rules.messages_per_minute).map(RateLimiter::keyed),
            conversations: quota(rules.conversation_messages_per_minute).map(RateLimiter::keyed),
            rules,
            seen: Default::default(),
        }
    }

    /// Lets an event in (`None`), or says what is told to the platform in its place.
    pub(crate) fn check(&self, inbound: &Inbound) -> Result<Option<Receipt>, Refusal> {
        if inbound.sender.is_bot && !self.rules.answer_bots {
            return Ok(Some(Receipt::Ignored));
        }
        let person = inbound.person();
        let is_operator = self.rules.is_operator(&person, &inbound.sender);
        if !is_operator {
            self.check_rate(inbound, &person)?;
        }
        if self.rules.blocks(&person, &inbound.sender) {
            return Err(Refusal::NotAllowed);
        }
        if is_operator || self.rules.lets_in(&person, &inbound.sender) {
            return Ok(None);
        }
        let Some(pairing) = &self.pairing else { return Err(Refusal::NotAllowed) };
        let paired = match code(inbound) {
            Some(code) => pairing.redeem(code, &person),
            None => pairing.has(&person).map(|has| if has { Paired::Before } else { Paired::Not }),
        };
        match paired {
            Ok(Paired::Before) => Ok(None),
            Ok(Paired::Now) => Ok(Some(Receipt::Answered(WELCOME.to_owned()))),
            Ok(Paired::Not) => Err(Refusal::NotAllowed),
            Err(error) => {
                tracing::error!(%error, "pairing cannot be read; nobody new is let in");
                Err(Refusal::NotAllowed)
            }
        }
    }

    /// Counts messages alone: a person who stops their question must not be told to wait.
    fn check_rate(&self, inbound: &Inbound, person: &Person) -> Result<(), Refusal> {
        if inbound.text().is_none() {
            return Ok(());
        }
        let clock = DefaultClock::default();
        let too_fast = |until: governor::NotUntil<_>| {
            let after = until.wait_time_from(clock.now()).max(Duration::from_secs(1));
            Refusal::TooFast { after }
        };
        self.tidy();
        if let Some(limit) = &self.people {
            limit.check_key(person).map_err(too_fast)?;
        }
        if let Some(limit) = &self.conversations {
            limit.check_key(&inbound.conversation).map_err(too_fast)?;
        }
        Ok(())
    }

    /// Forgets the limits of those who have been silent, so that memory does not grow with everybody ever seen.
    fn tidy(&self) {
        if self.seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % TIDY == TIDY - 1 {
            self.people.iter().for_each(RateLimiter::retain_recent);
            self.conversations.iter().for_each(RateLimiter::retain_recent);
        }
    }
}

/// The code in `/pair CODE`, as text or as a command of the platform.
fn code(inbound: &Inbound) -> Option<&str> {
    let code = match &inbound.event {
        Event::Command { name, arguments } if name == "pair" => arguments,
        Event::Message(message) => message.text.trim().strip_prefix("/pair")?,
        _ => return None,
    };
    Some(code.trim())
}

#[cfg(test)]
mod tests;
