//! Checks a sentence against facts before it may leave. In: a sentence and the evidence. Out: a verdict and the facts that
//! support it. Knows neither the model nor the graph.
//!
//! The check is closed-world over words. Every word of a sentence has to be accounted for: as a name of a subject or object of the
//! evidence (`names`), as words by which a predicate may be said (`sayings`), as a number or date that equals one of the evidence
//! (`quantity`), or as one of the few words that leave a fact as it is (the lexicon's `statement` list). One word left over, and the
//! sentence is unsupported. Then the names must be put together as a triple puts them (`order`): in an order that one of the
//! predicate's templates has, or as "P of S" or "S's P"; objects beside their own predicate (`pairing`); lists whole; nothing denied,
//! nothing asked (`judge`).
//!
//! A sentence that fails is contradicted where it is plain which facts say otherwise. What is refused here costs no truth: the template
//! says the fact instead.

mod attribution;
mod computed;
mod cover;
mod judge;
mod names;
mod order;
mod pairing;
mod pattern;
mod sayings;

use std::collections::HashMap;
use std::sync::Arc;

use loquat_contract::{Fact, FactId, Language, PredicateId, Span, Value, Verdict};

use crate::EngineError;
use crate::ground::Group;
use crate::lexicon::{Lexicon, Lexicons};
use crate::phrases::Phrasebook;
use crate::quantity::{Measure, Units};
use crate::realise::{fill, realise};
use crate::words::{fold, keys};
use computed::Whole;
use cover::Cover;
use names::Names;
use sayings::Sayings;

pub(crate) use computed::Claim;
pub(crate) use pattern::{Order, Pattern};

/// Checks sentences outside of a dialogue: of past replies, of labelled sets.
///
/// ```
/// use std::sync::Arc;
/// use loquat_contract::{Entity, Fact, Label, Language, Predicate, Value, Verdict};
/// use loquat_dialogue::Verifier;
///
/// let named = |name: &str| Arc::new(Entity { id: name.into(), labels: vec![Label::plain(name)], ..Entity::default() });
/// let capital = Predicate { id: "capital".into(), labels: vec![Label::plain("capital")], ..Predicate::default() };
/// let thimphu = Value::Entity(named("Thimphu"));
/// let facts = [Fact::new("1".into(), named("Bhutan"), capital.into(), thimphu, "atlas".into())];
///
/// let verifier = Verifier::new()?;
/// let evidence = verifier.evidence(&facts, &[vec![0]], &Language::english());
/// assert_eq!(evidence.check("Bhutan's capital is Thimphu.").verdict, Verdict::Supported);
/// assert_eq!(evidence.check("The capital of Bhutan is Paro.").verdict, Verdict::Contradicted);
/// # Ok::<(), loquat_dialogue::EngineError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Verifier {
    lexicons: Lexicons,
}

impl Verifier {
    /// Reads the word lists.
    ///
    /// # Errors
    ///
    /// Where one of the files that are built in does not parse.
    pub fn new() -> Result<Self, EngineError> {
        Ok(Self { lexicons: Lexicons::builtin()? })
    }

    /// The evidence of `facts` for sentences in `language`. Each of `lists` has the places of facts that are said together, such as
    /// everything that Bhutan borders; a list is taken as complete. A fact that is in none stands for itself. What the
    /// template makes of a list passes word for word.
    pub fn evidence<'a>(
        &'a self,
        facts: &'a [Fact],
        lists: &[Vec<usize>],
        language: &Language,
    ) -> Evidence<'a> {
        let lexicon = self.lexicons.of(language);
        let is_listed = |fact: &usize| lists.iter().any(|list| list.contains(fact));
        let alone = (0..facts.len()).filter(|fact| !is_listed(fact)).map(|fact| vec![fact]);
        let mut groups = Vec::new();
        let mut said = Vec::new();
        let mut wholes = Vec::new();
        for (place, list) in lists.iter().cloned().chain(alone).enumerate() {
            let subject = |fact: &usize| facts.get(*fact).map(|fact| &fact.subject.id);
            let lists_subjects = list.iter().any(|fact| subject(fact) != list.first().and_then(subject));
            let group = Group { facts: list.clone(), lists_subjects, more: 0, conclusion: None };
            if place < lists.len() {
                wholes.push(Whole { facts: list.clone(), lists_subjects });
            }
            said.push(realise(facts, &group, lexicon).map(|realised| realised.text).unwrap_or_default());
            groups.push(list);
        }
        let said: Vec<&str> = said.iter().map(String::as_str).collect();
        Evidence { wholes, ..Evidence::new(facts, groups, lexicon).or_as_realised(&said) }
    }
}

/// What verification found, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it comes to.
    pub verdict: Verdict,
    /// The supporting facts, in the order of the evidence; of a contradicted sentence, those that say otherwise.
    pub facts: Vec<FactId>,
    /// Where in the sentence the names, the predicate's words and the values of each supporting fact stand.
    pub spans: Vec<Span>,
    /// Why it is not supported; for logs.
    pub reason: Option<Reason>,
}

/// Why a sentence is not supported.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// No fact accounts for this word.
    Word(String),
    /// No fact has this number or date.
    Number(String),
    /// It denies something.
    Negated,
    /// It speaks of the past where the facts speak of now.
    Past,
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
pub struct Evidence<'a> {
    facts: &'a [Fact],
    /// Facts that are only said together: the objects of one list.
    groups: Vec<Vec<usize>>,
    lexicon: &'a Lexicon,
    units: Units<'a>,
    measures: Vec<Option<Measure>>,
    names: Names,
    predicates: Phrasebook<usize>,
    /// How each fact's predicate may be said.
    sayings: Vec<Arc<Sayings>>,
    /// The words of each group as its template says them.
    realised: Vec<String>,
    /// Sentences that say yes or no of a yes-or-no fact, and whether that is what the fact says.
    judgements: Vec<(String, usize, bool)>,
    /// Lists that have everything, in which may be counted.
    wholes: Vec<Whole>,
    /// What the facts say to a question that wants a yes or no.
    decided: Vec<(bool, Vec<usize>)>,
    /// Nouns for what is counted, with the fact and whether they mean its subject.
    kinds: Phrasebook<(usize, bool)>,
    /// The bot's name, where small talk is made.
    courtesy: Option<Phrasebook<()>>,
}

impl<'a> Evidence<'a> {
    /// Evidence of `facts`; those of one group have to be said together.
    pub(crate) fn new(facts: &'a [Fact], groups: Vec<Vec<usize>>, lexicon: &'a Lexicon) -> Self {
        let units = Units::new(lexicon, facts);
        let mut known: HashMap<&PredicateId, Arc<Sayings>> = HashMap::new();
        let mut predicates = Phrasebook::default();
        let mut sayings = Vec::with_capacity(facts.len());
        let mut kinds = Phrasebook::default();
        for (index, fact) in facts.iter().enumerate() {
            let said = known
                .entry(&fact.predicate.id)
                .or_insert_with(|| Arc::new(Sayings::new(&fact.predicate, lexicon)))
                .clone();
            said.phrases.iter().for_each(|phrase| predicates.insert(phrase.clone(), index));
            for (kind, of_subjects) in &said.kinds {
                kinds.insert(kind.clone(), (index, *of_subjects));
            }
            sayings.push(said);
        }
        Self {
            facts,
            groups,
            lexicon,
            measures: facts.iter().map(|fact| units.of_fact(fact)).collect(),
            units,
            names: Names::new(facts, lexicon),
            predicates,
            sayings,
            realised: Vec::new(),
            judgements: judgements(facts, lexicon),
            wholes: Vec::new(),
            decided: Vec::new(),
            kinds,
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
    pub fn check(&self, sentence: &str) -> Finding {
        let finding = self.check_plain(sentence);
        if finding.verdict == Verdict::Supported {
            return finding;
        }
        self.decided(sentence).unwrap_or(finding)
    }

    /// Checks a sentence that does not begin with a yes or no.
    fn check_plain(&self, sentence: &str) -> Finding {
        let said = wording(sentence);
        let cover = self.cover(sentence);
        let is_said = |realised: &String| !realised.is_empty() && *realised == said;
        if let Some(group) = self.realised.iter().position(is_said).and_then(|at| self.groups.get(at)) {
            return self.supported(group, &cover);
        }
        if let Some((_, fact, agrees)) = self.judgements.iter().find(|(words, ..)| *words == said) {
            return if *agrees {
                self.supported(&[*fact], &cover)
            } else {
                self.finding(Verdict::Contradicted, &[*fact], Some(Reason::Negated))
            };
        }
        match self.judge(&cover) {
            Ok(stated) if stated.is_empty() => self.finding(Verdict::NoClaim, &[], None),
            Ok(stated) => self.supported(&stated, &cover),
            Err(reason) => match self.computed(sentence, &cover) {
                Some((true, facts)) => self.supported(&facts, &cover),
                Some((false, facts)) => self.finding(Verdict::Contradicted, &facts, Some(reason)),
                None => self.otherwise(&cover, reason),
            },
        }
    }

    /// What a sentence that the facts do not support comes to.
    fn otherwise(&self, cover: &Cover, reason: Reason) -> Finding {
        match self.contradicting(cover, &reason) {
            facts if facts.is_empty() => self.finding(Verdict::Unsupported, &[], Some(reason)),
            facts => self.finding(Verdict::Contradicted, &facts, Some(reason)),
        }
    }

    fn finding(&self, verdict: Verdict, facts: &[usize], reason: Option<Reason>) -> Finding {
        let facts = facts.iter().filter_map(|index| self.facts.get(*index)).map(|fact| fact.id.clone());
        Finding { verdict, facts: facts.collect(), spans: Vec::new(), reason }
    }

    /// A sentence that says these facts, with what of it each supports.
    fn supported(&self, facts: &[usize], cover: &Cover) -> Finding {
        let mut spans = Vec::new();
        for index in facts {
            let Some(fact) = self.facts.get(*index) else { continue };
            let own = cover.occurrences.iter().filter(|occurrence| occurrence.concerns(*index));
            spans.extend(own.map(|occurrence| Span {
                fact: fact.id.clone(),
                start: occurrence.bytes.start,
                end: occurrence.bytes.end,
            }));
        }
        Finding { spans, ..self.finding(Verdict::Supported, facts, None) }
    }
}

/// The sentences that say yes or no of each yes-or-no fact, with every name of its subject.
fn judgements(facts: &[Fact], lexicon: &Lexicon) -> Vec<(String, usize, bool)> {
    let mut sentences = Vec::new();
    for (index, fact) in facts.iter().enumerate() {
        let Value::Boolean(value) = fact.object else { continue };
        let entity = &fact.subject;
        let label = entity.label(&lexicon.language).to_owned();
        let names = [entity.name_in_sentence(&lexicon.language), label];
        let templates = &fact.predicate.templates;
        for (says, labels) in [(true, &templates.when_true), (false, &templates.when_false)] {
            for template in labels {
                for name in &names {
                    let said = fill(&template.text, &[("subject", name)]);
                    sentences.push((wording(&said), index, says == value));
                }
            }
        }
    }
    sentences
}

/// A sentence as it is compared letter by letter: without regard to case, width, spaces and the final full stop.
fn wording(sentence: &str) -> String {
    let letters: String = fold(sentence).chars().filter(|c| !c.is_whitespace()).collect();
    letters.strip_suffix(['.', '。']).unwrap_or(&letters).to_owned()
}

#[cfg(test)]
mod tests;
