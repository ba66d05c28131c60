//! Checks a sentence against facts before it may leave. In: a sentence and the evidence. Out: a verdict and the facts that
//! support it. Knows neither the model nor the graph.
//!
//! The check is closed-world over words. Every word of a sentence has to be accounted for: as the preferred name of a subject,
//! predicate or object of the evidence, as a word of the predicate's own templates, as a number or date that equals one of the
//! evidence, or as one of the few words that leave a fact as it is (the lexicon's `statement` list). One word left over, and the
//! sentence is unsupported. Then the names must be put together as a triple puts them: in an order that one of the predicate's
//! templates has, or as "P of S" or "S's P"; objects beside their own predicate; lists whole; nothing denied, nothing asked.
//!
//! Aliases are for understanding people, not for speaking: "Swiss" finds Switzerland, and yet "Swiss German" is no language of it.
//! What is refused here costs no truth: the template says the fact instead.

mod cover;
mod pairing;

use loquat_contract::{Fact, FactId, Label, Templates, Value, Verdict};

use crate::lexicon::Lexicon;
use crate::phrases::Phrasebook;
use crate::quantity::{Measure, Units};
use crate::realise::phrasing;
use crate::words::{fold, keys, words};
use cover::{Cover, Occurrence, Role};

/// What verification found, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) verdict: Verdict,
    /// The supporting facts, in the order of the evidence.
    pub(crate) facts: Vec<FactId>,
    /// Why it is not supported; for logs.
    pub(crate) reason: Option<Reason>,
}

/// Why a sentence is not supported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// No fact accounts for this word.
    Word(String),
    /// No fact has this number or date.
    Number(String),
    /// It denies something.
    Negated,
    /// It asks.
    Asks,
    /// It says a predicate of something else than its subject.
    Misattributed,
    /// It gives a part of a list as if it were all.
    Incomplete,
    /// It gives an object twice.
    Repeated,
    /// It names things of the facts without saying a fact.
    SaysNoFact,
}

/// The facts that a reply may state, prepared for checking its sentences.
#[derive(Clone, Debug)]
pub(crate) struct Evidence<'a> {
    facts: &'a [Fact],
    /// Facts that are only said together: the objects of one list.
    groups: Vec<Vec<usize>>,
    lexicon: &'a Lexicon,
    units: Units<'a>,
    measures: Vec<Option<Measure>>,
    names: Phrasebook<(Role, usize)>,
    predicates: Phrasebook<usize>,
    /// Whether a fact's predicate has a template without words of its own ("{subject} is located in {object}").
    goes_without_saying: Vec<bool>,
    /// The words of each group as its template says them.
    realised: Vec<String>,
    /// The bot's name, where small talk is made.
    courtesy: Option<Phrasebook<()>>,
}

impl<'a> Evidence<'a> {
    /// Evidence of `facts`; those of one group have to be said together.
    pub(crate) fn new(facts: &'a [Fact], groups: Vec<Vec<usize>>, lexicon: &'a Lexicon) -> Self {
        let language = &lexicon.language;
        let units = Units::new(lexicon, facts.iter().map(|fact| fact.predicate.as_ref()));
        let (mut names, mut predicates) = (Phrasebook::default(), Phrasebook::default());
        let mut goes_without_saying = Vec::with_capacity(facts.len());
        for (index, fact) in facts.iter().enumerate() {
            let mut name = |text: &str, role| names.insert(keys(text, language), (role, index));
            fact.subject.labels.iter().for_each(|label| name(&label.text, Role::Subject));
            name(fact.subject.label(language), Role::Subject);
            match &fact.object {
                Value::Entity(entity) => {
                    entity.labels.iter().for_each(|label| name(&label.text, Role::Object));
                    name(entity.label(language), Role::Object);
                }
                Value::Text(label) => name(&label.text, Role::Object),
                _ => {}
            }
            let labels = fact.predicate.labels.iter().map(|label| label.text.as_str());
            for label in labels.chain([fact.predicate.label(language)]) {
                predicates.insert(content_words(label, lexicon), index);
            }
            let templates = own_templates(fact, lexicon);
            let mut without_words = false;
            for template in &templates {
                let fragments: Vec<Vec<String>> = template
                    .split(['{', '}'])
                    .step_by(2)
                    .map(|fragment| content_words(fragment, lexicon))
                    .collect();
                without_words |= fragments.iter().all(Vec::is_empty);
                fragments.into_iter().for_each(|words| predicates.insert(words, index));
            }
            goes_without_saying.push(without_words);
        }
        let measures = facts.iter().map(|fact| units.of_fact(fact)).collect();
        Self {
            facts,
            groups,
            lexicon,
            units,
            measures,
            names,
            predicates,
            goes_without_saying,
            realised: Vec::new(),
            courtesy: None,
        }
    }

    /// Evidence for small talk: no facts, and the bot's name.
    pub(crate) fn none(bot: &str, lexicon: &'a Lexicon) -> Self {
        let mut name = Phrasebook::default();
        name.insert(keys(bot, &lexicon.language), ());
        Self { courtesy: Some(name), ..Self::new(&[], Vec::new(), lexicon) }
    }

    /// The same evidence, where a group may also be said word for word as its template says it: one sentence a group, in order.
    pub(crate) fn or_as_realised(mut self, sentences: &[&str]) -> Self {
        self.realised = sentences.iter().map(|sentence| wording(sentence)).collect();
        self
    }

    /// Checks one sentence.
    pub(crate) fn check(&self, sentence: &str) -> Finding {
        let said = wording(sentence);
        if let Some(group) = self.realised.iter().position(|realised| *realised == said)
            && let Some(group) = self.groups.get(group)
        {
            let facts = group.iter().map(|index| self.facts[*index].id.clone()).collect();
            return Finding { verdict: Verdict::Supported, facts, reason: None };
        }
        let cover = self.cover(sentence);
        match self.judge(&cover) {
            Ok(supporting) if supporting.is_empty() => {
                Finding { verdict: Verdict::NoClaim, facts: Vec::new(), reason: None }
            }
            Ok(supporting) => Finding {
                verdict: Verdict::Supported,
                facts: supporting.into_iter().map(|index| self.facts[index].id.clone()).collect(),
                reason: None,
            },
            Err(reason) => Finding { verdict: Verdict::Unsupported, facts: Vec::new(), reason: Some(reason) },
        }
    }

    /// The facts that the sentence states, or why it may not be said.
    fn judge(&self, cover: &Cover) -> Result<Vec<usize>, Reason> {
        if let Some(word) = &cover.unaccounted {
            return Err(Reason::Word(word.clone()));
        }
        if let Some(number) = &cover.unmatched_measure {
            return Err(Reason::Number(number.clone()));
        }
        if cover.denials > 0 && !self.facts.is_empty() {
            return Err(Reason::Negated);
        }
        let stated = self.stated(cover);
        if stated.is_empty() {
            return if cover.occurrences.is_empty() { Ok(stated) } else { Err(Reason::SaysNoFact) };
        }
        if cover.asks {
            return Err(Reason::Asks);
        }
        let every_name_is_used = cover.occurrences.iter().all(|occurrence| {
            occurrence.predicate_of.is_empty()
                && occurrence.subject_of.is_empty()
                && occurrence.object_of.is_empty()
                || stated.iter().any(|fact| occurrence.concerns(*fact))
        });
        let is_put_right = self.is_attributed(cover, &stated) && self.is_ordered(cover, &stated);
        if !every_name_is_used || !is_put_right || !self.is_paired(cover, &stated) {
            return Err(Reason::Misattributed);
        }
        if cover.repeats_an_object() {
            return Err(Reason::Repeated);
        }
        let is_partial = |group: &Vec<usize>| {
            let said = group.iter().filter(|fact| stated.contains(fact)).count();
            said > 0 && said < group.len()
        };
        if self.groups.iter().any(is_partial) {
            return Err(Reason::Incomplete);
        }
        Ok(stated)
    }

    /// The facts whose object stands in the sentence, whose subject is named or is the one talked about, and whose predicate is
    /// named or goes without saying. A yes-or-no fact is stated by its template alone: its name says nothing of its value.
    fn stated(&self, cover: &Cover) -> Vec<usize> {
        let one_subject = self.facts.windows(2).all(|pair| pair[0].subject.id == pair[1].subject.id);
        let one_predicate = self.facts.windows(2).all(|pair| pair[0].predicate.id == pair[1].predicate.id);
        let begins_with_predicate =
            cover.occurrences.first().is_some_and(|occurrence| !occurrence.predicate_of.is_empty());
        let points_at_subject = one_subject && (cover.has_pronoun || begins_with_predicate);
        let is_stated = |fact: &usize| {
            let names_subject = cover.has(Role::Subject, *fact);
            let is_implied = one_predicate && names_subject && self.goes_without_saying[*fact];
            (names_subject || points_at_subject)
                && (cover.has(Role::Predicate, *fact) || is_implied)
                && !matches!(self.facts[*fact].object, Value::Boolean(_))
                && cover.distinct(Role::Subject, Role::Object, *fact)
        };
        (0..self.facts.len()).filter(is_stated).collect()
    }

    /// Subject and object stand in an order that a template of the predicate has, unless "P of S" or "S's P" says which is which.
    /// A number cannot be mistaken for a subject.
    fn is_ordered(&self, cover: &Cover, stated: &[usize]) -> bool {
        stated.iter().all(|fact| {
            let is_attributed = cover.attributions.iter().any(|(predicate, name)| {
                cover.occurrences[*predicate].predicate_of.contains(fact)
                    && cover.occurrences[*name].subject_of.contains(fact)
            });
            let place = |role: Role, other: Role| {
                let plays = |occurrence: &&Occurrence| {
                    occurrence.facts(role).contains(fact) && !occurrence.is_measure
                };
                let alone =
                    cover.occurrences.iter().filter(plays).find(|found| !found.facts(other).contains(fact));
                alone.or(cover.occurrences.iter().find(plays)).map(|found| found.words.start)
            };
            match (place(Role::Subject, Role::Object), place(Role::Object, Role::Subject)) {
                (Some(subject), Some(object)) if !is_attributed => {
                    own_templates(&self.facts[*fact], self.lexicon).iter().any(|template| {
                        let places = (template.find("{subject}"), template.find("{object}"));
                        matches!(places, (Some(s), Some(o)) if (s < o) == (subject < object))
                    })
                }
                _ => true,
            }
        })
    }

    /// "P of X" and "X's P" say P of a subject X, never of an object.
    fn is_attributed(&self, cover: &Cover, stated: &[usize]) -> bool {
        cover.attributions.iter().all(|(predicate, name)| {
            let predicate = &cover.occurrences[*predicate];
            let name = &cover.occurrences[*name];
            stated.iter().any(|fact| {
                let is_subject = predicate.predicate_of.contains(fact) && name.subject_of.contains(fact);
                let is_object = predicate.predicate_of.contains(fact)
                    && name.object_of.contains(fact)
                    && self.is_said_of_its_object(*fact);
                is_subject || is_object
            })
        })
    }

    /// Whether a template of the predicate itself reads "… of {object}" or "{object}的…".
    fn is_said_of_its_object(&self, fact: usize) -> bool {
        own_templates(&self.facts[fact], self.lexicon).iter().any(|template| {
            ["of {object}", "for {object}", "{object}的", "{object}'s"]
                .iter()
                .any(|form| template.contains(form))
        })
    }

    fn is_paired(&self, cover: &Cover, stated: &[usize]) -> bool {
        let same = |key: fn(&Fact) -> &str| {
            stated.windows(2).all(|pair| key(&self.facts[pair[0]]) == key(&self.facts[pair[1]]))
        };
        let by_predicate = same(|fact| fact.predicate.id.as_str())
            || pairing::is_consistent(&cover.occurrences, stated, |occurrence| &occurrence.predicate_of);
        let by_subject = same(|fact| fact.subject.id.as_str())
            || self.objects_are_shared(stated)
            || pairing::is_consistent(&cover.occurrences, stated, |occurrence| &occurrence.subject_of);
        by_predicate && by_subject
    }

    /// Whether all the facts have one object, so that no pairing of subjects with objects can be wrong.
    fn objects_are_shared(&self, stated: &[usize]) -> bool {
        stated.windows(2).all(|pair| self.facts[pair[0]].object == self.facts[pair[1]].object)
    }
}

/// A sentence as it is compared letter by letter: without regard to case, width, spaces and the final full stop.
fn wording(sentence: &str) -> String {
    let letters: String = fold(sentence).chars().filter(|c| !c.is_whitespace()).collect();
    letters.trim_end_matches(['.', '。']).to_owned()
}

/// The predicate's templates in the language of the answer; where it has none, those that sentences about it are made from.
fn own_templates(fact: &Fact, lexicon: &Lexicon) -> Vec<String> {
    let Templates { single, plural, inverse, .. } = &fact.predicate.templates;
    let own = |label: &&Label| label.language.as_ref().is_some_and(|own| own.matches(&lexicon.language));
    let templates = [single, plural, inverse].into_iter().flatten().filter(own);
    let own: Vec<String> = templates.map(|template| template.text.clone()).collect();
    if !own.is_empty() {
        return own;
    }
    let made = phrasing(&fact.predicate, matches!(fact.object, Value::Date(_)), lexicon);
    made.templates().map(str::to_owned).into()
}

/// The words of a phrase, without words at its ends that every statement may have.
fn content_words(phrase: &str, lexicon: &Lexicon) -> Vec<String> {
    let words = words(phrase, &lexicon.language);
    let is_content = |at: &usize| lexicon.statement.longest_at(&words[..=*at], *at).is_none();
    let first = (0..words.len()).find(is_content);
    let last = (0..words.len()).rev().find(is_content);
    match (first, last) {
        (Some(first), Some(last)) => words[first..=last].iter().map(|word| word.key.clone()).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
