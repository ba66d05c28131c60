//! How a relation is said in a language. In: a predicate and the lexicon. Out: sentences with `{subject}` and `{object}`, and the noun
//! that the object is. The graph's own templates come first, then `lexicon/relations.toml`, then the form of the label.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use loquat_contract::{Predicate, PredicateId};

use super::fill;
use super::form::{Form, form, numbers};
use super::label::readable;
use crate::lexicon::{Lexicon, Relation, Saying};
use crate::words::has_han;

/// How a relation is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phrasing {
    /// One subject, one object.
    pub(crate) single: String,
    /// One subject, several objects.
    pub(crate) plural: String,
    /// Several subjects, one object.
    pub(crate) subjects: String,
    /// The same, for so many subjects that the object comes first.
    pub(crate) many_subjects: String,
    /// What the object is to the subject, for one and for several; `None` where the relation has no noun.
    pub(crate) noun: Option<(String, String)>,
    /// "… whose director is {object}", for one and for several: the subjects, described.
    pub(crate) described: (String, String),
    /// "what {subject} is located in": the objects, described.
    pub(crate) reached: (String, String),
}

impl Phrasing {
    /// Its sentences that may be varied: all of them have the subject where a triple has it.
    pub(crate) fn templates(&self) -> [&str; 3] {
        [&self.single, &self.plural, &self.subjects]
    }

    /// The sentence for several subjects and several objects, by the noun; without a noun that for several subjects.
    pub(super) fn plural_by_noun(&self, lexicon: &Lexicon) -> String {
        let Some((one, several)) = &self.noun else { return self.subjects.clone() };
        fill(&lexicon.realise.plural_template, &[("predicate", one), ("predicates", several)])
    }
}

/// The phrasings that were made, by relation, label and whether a time follows.
pub(crate) type Phrasings = Arc<Mutex<HashMap<(PredicateId, String, bool), Arc<Phrasing>>>>;

/// More than this are made anew: a graph may have tens of thousands of relations.
const KEPT: usize = 4096;

/// How `predicate` is said where the graph has no templates for it. `leads_to_time` says that its object is a date.
pub(crate) fn phrasing(predicate: &Predicate, leads_to_time: bool, lexicon: &Lexicon) -> Arc<Phrasing> {
    let key = (predicate.id.clone(), predicate.label(&lexicon.language).to_owned(), leads_to_time);
    let mut kept = lexicon.phrasings.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(phrasing) = kept.get(&key) {
        return phrasing.clone();
    }
    if kept.len() >= KEPT {
        kept.clear();
    }
    let made = Arc::new(make(predicate, leads_to_time, lexicon));
    kept.insert(key, made.clone());
    made
}

fn make(predicate: &Predicate, leads_to_time: bool, lexicon: &Lexicon) -> Phrasing {
    let label = readable(predicate.label(&lexicon.language));
    let common = relation(predicate, lexicon);
    let saying = common.and_then(|relation| relation.said.get(lexicon.language.primary()));
    // A label in another script gives way to a word of the language.
    let is_readable = lexicon.language.is_unspaced() == has_han(&label);
    let noun_of_saying = saying.and_then(|saying| chosen_noun(saying, predicate));
    let by_label = form(&label, leads_to_time, lexicon);
    let shape = match (&by_label, &noun_of_saying) {
        (_, Some(noun)) if !is_readable || saying.is_some_and(|saying| saying.instead) => {
            Form::Noun(noun.clone())
        }
        _ => by_label.clone(),
    };
    let noun = match &shape {
        Form::Noun(noun) => Some(noun.clone()),
        _ => noun_of_saying,
    };
    let noun = noun.map(|noun| numbers(&noun, lexicon));
    let phrasing = said(&shape, noun, leads_to_time, lexicon);
    match saying {
        Some(Saying { single: Some(single), subjects, .. }) => Phrasing {
            single: single.clone(),
            plural: single.clone(),
            subjects: subjects.clone().unwrap_or_else(|| single.clone()),
            many_subjects: subjects.clone().unwrap_or_else(|| single.clone()),
            ..phrasing
        },
        _ => phrasing,
    }
}

/// The common relation that has one of the predicate's labels as a name.
fn relation<'a>(predicate: &Predicate, lexicon: &'a Lexicon) -> Option<&'a Relation> {
    let labels = predicate.labels.iter().map(|label| label.text.as_str());
    let labels = labels.chain(predicate.labels.is_empty().then(|| predicate.label(&lexicon.language)));
    labels.filter_map(|label| lexicon.relations.named(&readable(label))).next()
}

/// The first of the nouns that the graph calls the relation by too, else the last.
fn chosen_noun(saying: &Saying, predicate: &Predicate) -> Option<String> {
    let is_known = |noun: &&String| predicate.names().any(|name| readable(name) == **noun);
    saying.noun.iter().find(is_known).or(saying.noun.last()).cloned()
}

/// The sentences of a form.
fn said(shape: &Form, noun: Option<(String, String)>, leads_to_time: bool, lexicon: &Lexicon) -> Phrasing {
    let realise = &lexicon.realise;
    let link = |words: &str| fill(&realise.link, &[("predicate", words)]);
    let whose = |noun: &str, several: bool| {
        let template = if several { &realise.described_several } else { &realise.described };
        fill(template, &[("predicate", noun)])
    };
    let that = |words: &str, several: bool| {
        let template = if several { &realise.that_several } else { &realise.that };
        fill(template, &[("predicate", words)])
    };
    let reached = |words: &str, several: bool| {
        let template = if several { &realise.reached_several } else { &realise.reached };
        fill(template, &[("predicate", words)])
    };
    let (one, several) = match shape {
        Form::Noun(_) => {
            let (one, several) = noun.clone().unwrap_or_default();
            let fill = |template: &str| fill(template, &[("predicate", &one), ("predicates", &several)]);
            return Phrasing {
                single: fill(&realise.template),
                plural: fill(&realise.plural_template),
                subjects: fill(&realise.subjects_template),
                many_subjects: fill(&realise.many_subjects_template),
                described: (whose(&one, false), whose(&one, true)),
                reached: (fill(&realise.noun_of), fill(&realise.nouns_of)),
                noun,
            };
        }
        Form::Link { phrase, is_past } => {
            let be = if *is_past { &realise.forms.was } else { &realise.forms.is };
            let phrase = if leads_to_time { format!("{phrase} {{on}}") } else { phrase.clone() };
            let with = |number: usize| format!("{} {phrase}", be.get(number).map_or("", String::as_str));
            (with(0), with(1))
        }
        Form::Verb { one, several } => (one.clone(), several.clone()),
    };
    let of_noun = noun.as_ref().map(|(one, several)| {
        let fill = |template: &str| fill(template, &[("predicate", one), ("predicates", several)]);
        (fill(&realise.noun_of), fill(&realise.nouns_of))
    });
    Phrasing {
        single: link(&one),
        plural: link(&one),
        subjects: link(&several),
        many_subjects: link(&several),
        described: (that(&one, false), that(&several, true)),
        reached: of_noun.unwrap_or_else(|| (reached(&one, false), reached(&one, true))),
        noun,
    }
}
