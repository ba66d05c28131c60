//! What a covered sentence states. In: a covered sentence. Out: the facts that it states, or why it may not be said; and where it may
//! not, the facts that say otherwise.

use loquat_contract::Value;

use super::cover::{Cover, Occurrence, Role};
use super::{Evidence, Reason};

impl Evidence<'_> {
    /// The facts that the sentence states, or why it may not be said.
    pub(super) fn judge(&self, cover: &Cover) -> Result<Vec<usize>, Reason> {
        if let Some(at) = cover.unaccounted.first() {
            return Err(Reason::Word(cover.word(*at).to_owned()));
        }
        if let Some(sign) = cover.sign {
            return Err(Reason::Word(sign.to_string()));
        }
        if let Some(unmatched) = cover.unmatched.first() {
            return Err(Reason::Number(unmatched.written.clone()));
        }
        if !cover.denials.is_empty() && !self.facts.is_empty() {
            return Err(Reason::Negated);
        }
        let stated = self.stated(cover);
        if stated.is_empty() {
            return if cover.occurrences.is_empty() { Ok(stated) } else { Err(Reason::SaysNoFact) };
        }
        if cover.asks {
            return Err(Reason::Asks);
        }
        if !cover.past.is_empty() && !stated.iter().all(|fact| self.sayings[*fact].is_past) {
            return Err(Reason::Past);
        }
        let every_name_is_used =
            cover.occurrences.iter().all(|occurrence| stated.iter().any(|fact| occurrence.concerns(*fact)));
        let is_put_right = self.is_attributed(cover, &stated) && self.is_ordered(cover, &stated);
        if !every_name_is_used || !is_put_right || !self.is_paired(cover, &stated) {
            return Err(Reason::Misattributed);
        }
        if cover.repeats_an_object() {
            return Err(Reason::Repeated);
        }
        if self.groups.iter().any(|group| self.is_partial(group, &stated)) {
            return Err(Reason::Incomplete);
        }
        Ok(stated)
    }

    /// The facts whose object stands in the sentence, whose subject is named or is the one talked about, and whose predicate is
    /// named or goes without saying. A yes-or-no fact is stated by its template alone: its name says nothing of its value.
    pub(super) fn stated(&self, cover: &Cover) -> Vec<usize> {
        (0..self.facts.len())
            .filter(|fact| {
                self.is_spoken_of(cover, *fact) && cover.distinct(Role::Subject, Role::Object, *fact)
            })
            .collect()
    }

    /// Whether a sentence speaks of a fact's subject and predicate, whatever value it gives.
    pub(super) fn is_spoken_of(&self, cover: &Cover, fact: usize) -> bool {
        let one_subject = self.facts.windows(2).all(|pair| pair[0].subject.id == pair[1].subject.id);
        let one_predicate = self.facts.windows(2).all(|pair| pair[0].predicate.id == pair[1].predicate.id);
        let begins_with_predicate =
            cover.occurrences.first().is_some_and(|occurrence| !occurrence.predicate_of.is_empty());
        let points_at_subject = one_subject && (!cover.pronouns.is_empty() || begins_with_predicate);
        let names_subject = cover.has(Role::Subject, fact);
        let is_implied = one_predicate && names_subject && self.sayings[fact].goes_without_saying;
        (names_subject || points_at_subject)
            && (cover.has(Role::Predicate, fact) || is_implied)
            && !matches!(self.facts[fact].object, Value::Boolean(_))
    }

    fn is_partial(&self, group: &[usize], stated: &[usize]) -> bool {
        let said = group.iter().filter(|fact| stated.contains(fact)).count();
        said > 0 && said < group.len()
    }

    /// The facts that say otherwise than a sentence that may not be said: it speaks of their subject and predicate, and gives another
    /// value of the same kind, denies theirs, turns them around, or gives a list that is not theirs. Where it is not plain that it
    /// does, nothing.
    pub(super) fn contradicting(&self, cover: &Cover, reason: &Reason) -> Vec<usize> {
        let is_clean = cover.sign.is_none() && !cover.asks && cover.past.is_empty();
        if !is_clean || self.facts.is_empty() {
            return Vec::new();
        }
        match reason {
            Reason::Negated if cover.denials.len() == 1 => {
                let affirmed = Cover { denials: Vec::new(), ..cover.clone() };
                self.judge(&affirmed).unwrap_or_default()
            }
            Reason::Number(_) if cover.denials.is_empty() => self.measured_otherwise(cover),
            Reason::Word(_) if cover.denials.is_empty() && cover.unmatched.is_empty() => {
                if self.is_one_name(cover, &cover.unaccounted) {
                    self.named_otherwise(cover)
                } else {
                    Vec::new()
                }
            }
            Reason::Misattributed => {
                let stated = self.stated(cover);
                let others = || self.named_otherwise(cover);
                if stated.is_empty() { others() } else { self.whole_lists(&stated) }
            }
            Reason::SaysNoFact => self.named_otherwise(cover),
            // "The currency of Bhutan is …" gives all there is; "Bhutan borders India" does not.
            Reason::Incomplete if !cover.attributions.is_empty() => self.whole_lists(&self.stated(cover)),
            _ => Vec::new(),
        }
    }

    /// Facts with a measure of the same kind as each one that no fact has.
    fn measured_otherwise(&self, cover: &Cover) -> Vec<usize> {
        let mut found = Vec::new();
        for unmatched in &cover.unmatched {
            let says_otherwise = |fact: &usize| {
                let known = self.measures[*fact].as_ref();
                self.is_spoken_of(cover, *fact)
                    && !cover.has(Role::Object, *fact)
                    && known.is_some_and(|known| unmatched.measure.is_comparable_with(known))
            };
            let facts: Vec<usize> = (0..self.facts.len()).filter(says_otherwise).collect();
            if facts.is_empty() {
                return Vec::new();
            }
            found.extend(facts);
        }
        found.sort_unstable();
        found.dedup();
        let is_used = |occurrence: &Occurrence| {
            found.iter().any(|fact| occurrence.concerns(*fact))
                || self.stated(cover).iter().any(|fact| occurrence.concerns(*fact))
        };
        if cover.occurrences.iter().all(is_used) && self.is_about(cover, &found) { found } else { Vec::new() }
    }

    /// Facts whose subject and predicate are spoken of, and whose value is not.
    fn named_otherwise(&self, cover: &Cover) -> Vec<usize> {
        let is_named = |fact: &usize| {
            let has_predicate = cover.has(Role::Predicate, *fact);
            self.is_spoken_of(cover, *fact) && has_predicate
        };
        let spoken: Vec<usize> = (0..self.facts.len()).filter(is_named).collect();
        let gives_another = !cover.unaccounted.is_empty()
            || cover.occurrences.iter().any(|occurrence| {
                !occurrence.object_of.is_empty() || spoken.iter().all(|fact| !occurrence.concerns(*fact))
            });
        if !gives_another || spoken.is_empty() || !self.is_about(cover, &spoken) {
            return Vec::new();
        }
        // A number in place of a name, or a name in place of a number, is no other value of its kind.
        let has_name = !cover.unaccounted.is_empty()
            || cover
                .occurrences
                .iter()
                .any(|o| o.is_name() && !spoken.iter().any(|f| o.subject_of.contains(f)));
        let fits = |fact: &usize| self.measures[*fact].is_none() == has_name;
        if spoken.iter().all(fits) { self.whole_lists(&spoken) } else { Vec::new() }
    }

    /// Whether no predicate is said of another than these facts' subject.
    fn is_about(&self, cover: &Cover, facts: &[usize]) -> bool {
        cover.attributions.iter().all(|(predicate, name, _)| {
            facts.iter().any(|fact| {
                cover.occurrences[*predicate].predicate_of.contains(fact)
                    && cover.occurrences[*name].subject_of.contains(fact)
            })
        })
    }

    /// The facts with the rest of the lists that they belong to.
    fn whole_lists(&self, facts: &[usize]) -> Vec<usize> {
        let lists = self.groups.iter().filter(|group| group.iter().any(|fact| facts.contains(fact)));
        let mut whole: Vec<usize> = lists.flatten().chain(facts).copied().collect();
        whole.sort_unstable();
        whole.dedup();
        whole
    }

    /// Whether the words stand together and read as a name: each with a capital, or Han characters.
    fn is_one_name(&self, cover: &Cover, places: &[usize]) -> bool {
        let together = places.windows(2).all(|pair| pair[1] == pair[0] + 1);
        let is_name =
            |at: &usize| cover.words.get(*at).is_some_and(|word| word.is_capitalised || word.is_han());
        together && places.iter().all(is_name)
    }
}
