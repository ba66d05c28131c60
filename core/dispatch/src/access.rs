//! Who may talk to the bot, and how much. In: an event before it is kept. Out: let in, ignored, or a refusal. Identity is the platform's:
//! a person is `platform:id`.

mod pairing;
mod rules;

use std::path::PathBuf;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use loquat_contract::{ConversationId, Event, Inbound, Language, Person, Receipt, Refusal};
use std::num::NonZeroU32;

use crate::words::{self, Words};

pub use pairing::{Code, Paired, Pairing, PairingError};
pub use rules::{Access, sample};

/// How many events there are between two looks for limits that nobody uses any more.
const TIDY: u32 = 1000;

/// Decides over events before they are kept.
pub(crate) struct Gate {
    rules: Access,
    pairing: Option<Pairing>,
    people: Option<DefaultKeyedRateLimiter<Person>>,
    conversations: Option<DefaultKeyedRateLimiter<ConversationId>>,
    /// Of reactions, apart from what people say.
    reactions: Option<DefaultKeyedRateLimiter<Person>>,
    seen: std::sync::atomic::AtomicU32,
    /// Of a language that a stranger may read: nothing is known of theirs.
    words: &'static Words,
}

impl Gate {
    /// A gate with these rules. Pairing is kept in the file `pairing`; without one nobody can be paired.
    pub(crate) fn new(rules: Access, pairing: Option<PathBuf>) -> Self {
        let quota = |a_minute: u32| NonZeroU32::new(a_minute).map(Quota::per_minute);
        Self {
            pairing: pairing.map(Pairing::in_file),
            people: quota(rules.messages_per_minute).map(RateLimiter::keyed),
            conversations: quota(rules.conversation_messages_per_minute).map(RateLimiter::keyed),
            reactions: quota(rules.messages_per_minute).map(RateLimiter::keyed),
            rules,
            seen: Default::default(),
            words: words::of(&Language::english()),
        }
    }

    /// With its words in the first of these languages.
    pub(crate) fn speaking(self, languages: &[Language]) -> Self {
        let words = languages.first().map_or(self.words, words::of);
        Self { words, ..self }
    }

    /// Whether an event was caused by somebody who runs the bot.
    pub(crate) fn is_operator(&self, inbound: &Inbound) -> bool {
        self.rules.is_operator(&inbound.person(), &inbound.sender)
    }

    /// Lets an event in (`None`), or says what is told to the platform in its place. `is_counted` says whether limits count it.
    pub(crate) fn check(&self, inbound: &Inbound, is_counted: bool) -> Result<Option<Receipt>, Refusal> {
        // The platform says so, whoever moved it; nobody is answered.
        if matches!(inbound.event, Event::Moved { .. }) {
            return Ok(None);
        }
        if inbound.sender.is_bot && !self.rules.answer_bots {
            return Ok(Some(Receipt::Ignored));
        }
        let person = inbound.person();
        if self.is_operator(inbound) {
            return Ok(None);
        }
        // A person who stops their question must not be told to wait.
        let is_button = matches!(inbound.event, Event::Button { .. });
        let is_counted = is_counted && (is_button || inbound.text().is_some());
        if is_counted {
            self.tidy();
            within(self.people.as_ref(), &person)?;
        }
        if self.rules.blocks(&person, &inbound.sender) {
            return Err(Refusal::NotAllowed);
        }
        if let Some(receipt) = self.check_pairing(inbound, &person)? {
            return Ok(Some(receipt));
        }
        // Last: what is refused must not use up what others may say.
        if is_counted {
            within(self.conversations.as_ref(), &inbound.conversation)?;
        }
        if matches!(inbound.event, Event::Reaction { .. }) {
            self.tidy();
            // Each one is kept, and looked up in the journal; but nobody is told to react more slowly.
            return Ok(within(self.reactions.as_ref(), &person).err().map(|_| Receipt::Ignored));
        }
        Ok(None)
    }

    fn check_pairing(&self, inbound: &Inbound, person: &Person) -> Result<Option<Receipt>, Refusal> {
        let is_let_in = self.rules.lets_in(person, &inbound.sender);
        let paired = match (&self.pairing, code(inbound)) {
            // First: a code is never a question, and never kept.
            (Some(pairing), Some(code)) => pairing.redeem(code, person),
            _ if is_let_in => return Ok(None),
            (Some(pairing), None) => {
                pairing.has(person).map(|has| if has { Paired::Before } else { Paired::Not })
            }
            (None, _) => return Err(Refusal::NotAllowed),
        };
        match paired {
            Ok(Paired::Before) => Ok(None),
            Ok(Paired::Now) => Ok(Some(Receipt::Answered(self.words.welcome.to_owned()))),
            Ok(Paired::Not) if is_let_in => {
                Ok(Some(Receipt::Answered(self.words.no_need_of_code.to_owned())))
            }
            Ok(Paired::Not) => Err(Refusal::NotAllowed),
            Err(error) => {
                tracing::error!(%error, "pairing cannot be read; nobody new is let in");
                if is_let_in { Ok(None) } else { Err(Refusal::NotAllowed) }
            }
        }
    }

    /// Forgets the limits of those who have been silent, so that memory does not grow with everybody ever seen.
    fn tidy(&self) {
        if self.seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % TIDY == TIDY - 1 {
            self.people.iter().chain(&self.reactions).for_each(RateLimiter::retain_recent);
            self.conversations.iter().for_each(RateLimiter::retain_recent);
        }
    }
}

/// Refuses what comes too fast.
fn within<K: std::hash::Hash + Eq + Clone>(
    limit: Option<&DefaultKeyedRateLimiter<K>>,
    key: &K,
) -> Result<(), Refusal> {
    let Some(limit) = limit else { return Ok(()) };
    limit.check_key(key).map_err(|until| {
        let after = until.wait_time_from(DefaultClock::default().now());
        Refusal::TooFast { after: after.max(Duration::from_secs(1)) }
    })
}

/// The code in `/pair CODE` or `pair CODE`, as text or as a command of the platform. Some clients keep lines that begin with a slash.
fn code(inbound: &Inbound) -> Option<&str> {
    let code = match &inbound.event {
        Event::Command { name, arguments } if name == "pair" => arguments,
        Event::Message(message) => {
            let (word, code) = message.text.trim().split_once(char::is_whitespace)?;
            if !["/pair", "pair"].contains(&word) {
                return None;
            }
            code
        }
        _ => return None,
    };
    // A code is one word; anything else was not meant as one.
    Some(code.trim()).filter(|code| pairing::is_code(code))
}

#[cfg(test)]
mod tests;
