//! Events go to the sink, one after the other. In: an event, and how to answer who caused it. Out: whether it is done with. A pressed button
//! is answered whatever becomes of it: Telegram shows that it waits until then.

use std::collections::HashMap;
use std::mem::{Discriminant, discriminant};
use std::sync::PoisonError;
use std::time::Duration;

use loquat_contract::{Part, Receipt, Refusal, Sink};
use tokio::time::{Instant, timeout};

use super::{Heard, TelegramIngress, Whither};
use crate::api::Failure;

/// A person is told at most once in this time of each kind of refusal.
const ONCE_IN: Duration = Duration::from_secs(60);
/// How long telling somebody of a refusal may hold up the next event.
const COURTESY: Duration = Duration::from_secs(5);

impl TelegramIngress {
    /// Hands an event to the sink.
    ///
    /// # Errors
    /// Why it is not done with, and has to come again.
    pub(super) async fn hand_on(&self, heard: Heard, sink: &dyn Sink) -> Result<(), String> {
        let Heard { inbound, whither } = heard;
        let (person, is_bot) = (inbound.sender.id.clone(), inbound.sender.is_bot);
        let (text, outcome) = match sink.accept(inbound).await {
            // A press is acknowledged by the host, which knows what follows.
            Ok(Receipt::Accepted) => return Ok(()),
            Ok(Receipt::Duplicate | Receipt::Ignored) => (None, Ok(())),
            Ok(Receipt::Answered(text)) => (Some(text), Ok(())),
            Err(refusal) => {
                tracing::debug!(%refusal, "an event was refused");
                let is_press = matches!(whither, Whither::Press(_));
                let is_told = is_press || refusal.is_final() && !is_bot && self.may_tell(person, &refusal);
                let text = is_told.then(|| refusal.to_string());
                (text, if refusal.is_final() { Ok(()) } else { Err(refusal.to_string()) })
            }
        };
        match (whither, text) {
            (Whither::Press(query), text) => self.answer_press(&query, text.as_deref()).await,
            (Whither::Reply(place, message), Some(text)) => {
                let part = Part { text, ..Part::default() };
                courtesy(async { self.shared.post(place, &part, Some(message)).await.map(drop) }).await;
            }
            _ => {}
        }
        outcome
    }

    /// Answers a press of which the host does not hear, or which it refused; then it says why.
    pub(super) async fn answer_press(&self, query: &str, why: Option<&str>) {
        courtesy(self.shared.answer_press(query, why, why.is_some())).await;
    }

    fn may_tell(&self, person: String, refusal: &Refusal) -> bool {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.may_tell(person, refusal, Instant::now())
    }
}

/// Tells somebody something, which does no harm when it does not get through.
async fn courtesy(telling: impl Future<Output = Result<(), Failure>>) {
    let told = timeout(COURTESY, telling).await;
    let told = told.unwrap_or_else(|_| Err(Failure::Unanswered("it took too long".to_owned())));
    if let Err(failure) = told {
        tracing::debug!(%failure, "somebody was not told of a refusal");
    }
}

/// Who was told of a refusal, and when.
#[derive(Default)]
pub(super) struct Refusals(HashMap<(String, Discriminant<Refusal>), Instant>);

impl Refusals {
    /// Whether this person may be told of this now, which then counts as done.
    fn may_tell(&mut self, person: String, refusal: &Refusal, now: Instant) -> bool {
        self.0.retain(|_, at| now.duration_since(*at) < ONCE_IN);
        let told = (person, discriminant(refusal));
        if self.0.contains_key(&told) {
            return false;
        }
        self.0.insert(told, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_told_of_each_kind_of_refusal_once_a_minute() {
        let mut refusals = Refusals::default();
        let start = Instant::now();
        let mut may_tell = |person: &str, refusal: &Refusal, secs| {
            refusals.may_tell(person.to_owned(), refusal, start + Duration::from_secs(secs))
        };
        assert!(may_tell("1", &Refusal::NotAllowed, 0));
        assert!(may_tell("2", &Refusal::NotAllowed, 1));
        assert!(may_tell("1", &Refusal::Empty, 2), "another kind");
        assert!(!may_tell("1", &Refusal::NotAllowed, 59));
        assert!(may_tell("1", &Refusal::NotAllowed, 61));
    }
}
