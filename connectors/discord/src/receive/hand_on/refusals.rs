//! Who was told of a refusal, and when. In: refusals, and a clock. Out: whether the person is told, so that nobody is told over and over.

use std::collections::HashMap;
use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use loquat_contract::Refusal;
use tokio::time::Instant;

/// A person is told at most once in this time of each kind of refusal.
const ONCE_IN: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Refusals {
    told: HashMap<(String, Discriminant<Refusal>), Instant>,
}

impl Refusals {
    /// Whether this person may be told of this now, which then counts as done.
    pub(super) fn may_tell(&mut self, person: String, refusal: &Refusal, now: Instant) -> bool {
        self.told.retain(|_, at| now.duration_since(*at) < ONCE_IN);
        let told = (person, discriminant(refusal));
        if self.told.contains_key(&told) {
            return false;
        }
        self.told.insert(told, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_told_of_a_kind_of_refusal_once_a_minute() {
        let (mut refusals, start) = (Refusals::default(), Instant::now());
        let too_fast = |seconds| Refusal::TooFast { after: Duration::from_secs(seconds) };
        let mut may_tell = |person: &str, refusal: &Refusal, seconds| {
            refusals.may_tell(person.to_owned(), refusal, start + Duration::from_secs(seconds))
        };
        assert!(may_tell("ann", &Refusal::NotAllowed, 0));
        assert!(may_tell("bob", &Refusal::NotAllowed, 0));
        assert!(may_tell("ann", &too_fast(9), 1));
        assert!(!may_tell("ann", &too_fast(8), 2));
        assert!(may_tell("ann", &Refusal::NotAllowed, 61));
    }
}
