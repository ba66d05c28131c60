//! Whether names stand as a triple puts them. In: a covered sentence and the facts that it seems to state. Out: yes or no.

use super::Evidence;
use super::attribution::Link;
use super::cover::{Cover, Occurrence, Role};
use super::pairing;
use super::sayings::{Place, Shape};

impl Evidence<'_> {
    /// Whether each stated fact is said in an order that its predicate can be said in.
    pub(super) fn is_ordered(&self, cover: &Cover, stated: &[usize]) -> bool {
        stated.iter().all(|fact| self.is_said_in_order(cover, *fact, stated))
    }

    fn is_said_in_order(&self, cover: &Cover, fact: usize, stated: &[usize]) -> bool {
        if self.is_said_of_subject(cover, fact) {
            return true;
        }
        let place = |role: Role, other: Role| {
            let plays =
                |occurrence: &&Occurrence| occurrence.facts(role).contains(&fact) && !occurrence.is_measure;
            let alone =
                cover.occurrences.iter().filter(plays).find(|found| !found.facts(other).contains(&fact));
            alone.or(cover.occurrences.iter().find(plays))
        };
        let Some(object) = place(Role::Object, Role::Subject) else {
            // A number cannot be mistaken for a subject.
            return true;
        };
        let named = place(Role::Subject, Role::Object).map(|subject| subject.words.clone());
        let pronoun = cover.pronouns.first().map(|at| *at..at + 1);
        let is_named = named.is_some();
        let Some(subject) = named.or(pronoun) else { return true };
        let predicates = cover.occurrences.iter().filter(|found| found.predicate_of.contains(&fact));
        let predicate = predicates.min_by_key(|found| found.words.start.abs_diff(object.words.start));
        let sayings = &self.sayings[fact];
        let said = Said {
            cover,
            subject: subject.clone(),
            object: object.words.clone(),
            predicate: predicate.map(|found| found.words.clone()),
        };
        let grammar = &self.lexicon.grammar;
        let possessed = predicate.is_some_and(|predicate| {
            let near = predicate.words.start.saturating_sub(2)..predicate.words.start;
            near.into_iter()
                .any(|at| grammar.own.iter().any(|own| own == cover.word(at)) && at >= subject.start)
        });
        // "With Thimphu as its capital, Bhutan": the pronoun points ahead.
        let points_ahead = grammar.has.iter().any(|has| has == cover.before(subject.start));
        if possessed && points_ahead {
            return false;
        }
        if sayings.shapes.iter().any(|shape| said.has(shape, &self.lexicon.grammar, sayings.is_noun)) {
            return true;
        }
        if !sayings.is_noun {
            return false;
        }
        if possessed && (!is_named || subject.start < object.words.start) {
            return true;
        }
        let begins = cover.occurrences.first().is_some_and(|first| first.words.start == subject.start);
        let is_topic = is_named && begins && subject.start < object.words.start && {
            let before = cover.before(subject.start);
            let article = grammar.articles.iter().any(|article| article == before);
            let before = if article { cover.before(subject.start.saturating_sub(1)) } else { before };
            !points_ahead && grammar.topic.iter().any(|preposition| preposition == before)
        };
        let is_owner = predicate.is_some_and(|predicate| {
            subject.start < object.words.start
                && (subject.end..predicate.words.start.max(subject.end))
                    .any(|at| grammar.has.iter().any(|has| has == cover.word(at)))
        });
        // "Thimphu is the capital and the ngultrum the currency of Bhutan": what is said of one is said of all.
        let is_shared = stated.iter().any(|other| {
            *other != fact
                && self.facts[*other].subject.id == self.facts[fact].subject.id
                && self.facts[*other].predicate.id != self.facts[fact].predicate.id
                && self.is_said_of_subject(cover, *other)
        });
        is_topic || is_owner || is_shared
    }

    /// Whether "P of S" or "S's P" stands in the sentence.
    fn is_said_of_subject(&self, cover: &Cover, fact: usize) -> bool {
        let sayings = &self.sayings[fact];
        cover.attributions.iter().any(|(predicate, name, link)| {
            let is_plain = match link {
                Link::Of => !sayings.is_said_of_its_object,
                Link::Possessive => true,
                Link::Beside => !sayings.follows_its_object,
            };
            is_plain
                && cover.occurrences[*predicate].predicate_of.contains(&fact)
                && cover.occurrences[*name].subject_of.contains(&fact)
        })
    }

    /// "P of X" and "X's P" say P of a subject X, never of an object.
    pub(super) fn is_attributed(&self, cover: &Cover, stated: &[usize]) -> bool {
        cover.attributions.iter().all(|(predicate, name, _)| {
            let predicate = &cover.occurrences[*predicate];
            let name = &cover.occurrences[*name];
            stated.iter().any(|fact| {
                let is_subject = predicate.predicate_of.contains(fact) && name.subject_of.contains(fact);
                let is_object = predicate.predicate_of.contains(fact)
                    && name.object_of.contains(fact)
                    && self.sayings[*fact].is_said_of_its_object;
                is_subject || is_object
            })
        })
    }

    pub(super) fn is_paired(&self, cover: &Cover, stated: &[usize]) -> bool {
        let same = |of: &dyn Fn(usize) -> String| stated.windows(2).all(|pair| of(pair[0]) == of(pair[1]));
        let by_predicate = same(&|fact| self.facts[fact].predicate.id.to_string())
            || pairing::is_consistent(&cover.occurrences, stated, |occurrence| &occurrence.predicate_of);
        let by_subject = same(&|fact| self.facts[fact].subject.id.to_string())
            || self.objects_are_shared(stated)
            || pairing::is_consistent(&cover.occurrences, stated, |occurrence| &occurrence.subject_of);
        by_predicate && by_subject
    }

    /// Whether all the facts have one object, so that no pairing of subjects with objects can be wrong.
    fn objects_are_shared(&self, stated: &[usize]) -> bool {
        stated.windows(2).all(|pair| self.facts[pair[0]].object == self.facts[pair[1]].object)
    }
}

/// Where the parts of one fact stand in a sentence.
struct Said<'a> {
    cover: &'a Cover,
    subject: std::ops::Range<usize>,
    object: std::ops::Range<usize>,
    predicate: Option<std::ops::Range<usize>>,
}

impl Said<'_> {
    fn has(&self, shape: &Shape, grammar: &crate::lexicon::Grammar, is_noun: bool) -> bool {
        let subject_first = self.subject.start < self.object.start;
        let (first, second) =
            if subject_first { (&self.subject, &self.object) } else { (&self.object, &self.subject) };
        let place = self.predicate.as_ref().map(|predicate| {
            if predicate.start < first.start {
                Place::Before
            } else if predicate.start < second.start {
                Place::Between
            } else {
                Place::After
            }
        });
        let is_placed = match place {
            Some(place) => shape.places.contains(&place),
            None => shape.places.is_empty(),
        };
        let from =
            self.predicate.as_ref().filter(|_| place == Some(Place::Between)).map_or(first.end, |p| p.end);
        let between: Vec<&str> = (from..second.start).map(|at| self.cover.word(at)).collect();
        let by = between.iter().any(|word| grammar.agent.iter().any(|agent| agent == word));
        let copula = |range: std::ops::Range<usize>| {
            range.into_iter().any(|at| grammar.copula.iter().any(|be| be == self.cover.word(at)))
        };
        // "YouTube is owned by Google" says what "Google owns YouTube" says.
        if shape.subject_first != subject_first {
            let is_active = shape.places == [Place::Between] && !shape.by && shape.preposition.is_none();
            return is_active && !is_noun && by && place == Some(Place::Between);
        }
        if !is_placed || by != shape.by {
            return false;
        }
        match &shape.preposition {
            Some(preposition) if !subject_first || place == Some(Place::Between) || place.is_none() => {
                between.contains(&preposition.as_str())
            }
            // A noun right before its value follows no "is": "Bhutan is the capital Thimphu" is not what "Bhutan, capital Thimphu" is.
            None if place == Some(Place::Between) && is_noun && !shape.has_copula && !shape.by => {
                let predicate = self.predicate.as_ref().map_or(first.end, |predicate| predicate.start);
                !copula(first.end..predicate)
            }
            _ => true,
        }
    }
}
