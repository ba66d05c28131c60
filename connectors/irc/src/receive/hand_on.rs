//! Events go to the sink, one after the other. In: events, and who said them. Out: accepted events, and notices for people whose
//! message was not accepted. Knows no lines.

use std::collections::HashMap;
use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use loquat_contract::{Inbound, Receipt, Refusal, Sink};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::deliver::{Link, Shared};
use crate::encode::cut;

/// A person is told at most once in this time of each kind of refusal.
const ONCE_IN: Duration = Duration::from_secs(60);
/// The most lines of an answer of the host's own.
const LINES: usize = 5;

/// An event, and what it takes to answer the person who caused it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Handed {
    pub(crate) inbound: Inbound,
    /// Their nick as the server writes it.
    pub(crate) nick: String,
    /// Whether they said it to the bot, and not just in a channel where the bot answers everything.
    pub(crate) addressed: bool,
}

/// Hands each event to the sink until there are no more.
pub(super) async fn hand_on(
    mut handed: mpsc::Receiver<Handed>,
    sink: &dyn Sink,
    link: &Link,
    shared: &Shared,
) {
    let mut refusals = Refusals::new(shared.pause);
    while let Some(Handed { inbound, nick, addressed }) = handed.recv().await {
        let (id, person, is_bot) = (inbound.id.clone(), inbound.sender.id.clone(), inbound.sender.is_bot);
        let notice = |text: &str| {
            for line in text.lines().filter(|line| !line.trim().is_empty()).take(LINES) {
                link.write(format!("NOTICE {nick} :{}\r\n", cut(line, shared.room)));
            }
        };
        match sink.accept(inbound).await {
            Ok(Receipt::Accepted) => continue,
            Ok(Receipt::Duplicate | Receipt::Ignored) => {}
            Ok(Receipt::Answered(text)) => notice(&text),
            Err(refusal) => {
                tracing::debug!(nick, "a message was refused: {refusal}");
                if addressed && !is_bot && refusals.may_tell(person, &refusal, Instant::now()) {
                    notice(&refusal.to_string());
                }
            }
        }
        link.answered(&id);
    }
}

/// Who was told of a refusal, and when.
struct Refusals {
    told: HashMap<(String, Discriminant<Refusal>), Instant>,
    last: Option<Instant>,
    pause: Duration,
}

impl Refusals {
    fn new(pause: Duration) -> Self {
        Self { told: HashMap::new(), last: None, pause }
    }

    /// Whether this person may be told of this now, which then counts as done.
    fn may_tell(&mut self, person: String, refusal: &Refusal, now: Instant) -> bool {
        let told = (person, discriminant(refusal));
        self.told.retain(|_, at| now.duration_since(*at) < ONCE_IN);
        let too_fast = self.last.is_some_and(|last| now.duration_since(last) < self.pause);
        if too_fast || self.told.contains_key(&told) {
            return false;
        }
        self.told.insert(told, now);
        self.last = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_told_of_a_refusal_once_a_minute_and_a_crowd_at_the_flood_pause() {
        let mut refusals = Refusals::new(Duration::from_millis(500));
        let start = Instant::now();
        let mut may_tell = |person: &str, refusal: &Refusal, millis| {
            refusals.may_tell(person.to_owned(), refusal, start + Duration::from_millis(millis))
        };
        let too_fast = |seconds| Refusal::TooFast { after: Duration::from_secs(seconds) };
        assert!(may_tell("alice", &Refusal::NotAllowed, 0));
        assert!(!may_tell("bob", &Refusal::NotAllowed, 100), "too fast after alice");
        assert!(may_tell("bob", &Refusal::NotAllowed, 600));
        assert!(may_tell("alice", &too_fast(9), 1_200), "another kind");
        assert!(!may_tell("alice", &too_fast(8), 2_000), "the same kind");
        assert!(!may_tell("alice", &Refusal::NotAllowed, 59_000));
        assert!(may_tell("alice", &Refusal::NotAllowed, 60_500));
    }
}
