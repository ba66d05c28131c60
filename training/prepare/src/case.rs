//! What the engine made of a question. In: its answer. Out: the prompt, and every wording of the answer that its verifier passes, the
//! template's first.

use std::collections::BTreeSet;

use loquat_contract::{Citation, Language, Outcome, Sentence, Verdict, Wording};
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use crate::bot::Answer;
use crate::example::Kind;
use crate::prompt::Prompt;

/// A question with its facts and the answers to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) kind: Kind,
    /// The relation.
    pub(crate) group: String,
    pub(crate) language: Language,
    pub(crate) prompt: Prompt,
    /// Wordings of the answer; the first is what the engine would have said without a model.
    pub(crate) answers: Vec<String>,
    /// Answers that are right, as values.
    pub(crate) accepted: Vec<String>,
    /// The subjects of the facts.
    pub(crate) topics: BTreeSet<String>,
    pub(crate) slots: Option<Slots>,
    /// Further facts about its subject, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) beside: Vec<Beside>,
}

/// A fact about the subject that does not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Beside {
    pub(crate) relation: String,
    pub(crate) line: String,
}

impl Case {
    /// What tells it from others: the question and the facts.
    pub(crate) fn key(&self) -> String {
        format!("{:?} {} {}", self.kind, self.prompt.question, self.prompt.facts.join(" "))
    }

    /// Its subject, where it has one.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.slots.as_ref().map(|slots| slots.subject.as_str())
    }
}

/// The names of a sentence as they stand in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Slots {
    pub(crate) subject: String,
    pub(crate) object: String,
    /// The relation's label.
    pub(crate) relation: String,
    /// Whether the object is a list.
    pub(crate) is_list: bool,
}

impl Slots {
    /// The names of a sentence that says facts of one subject and one relation; `None` where it says others.
    fn of(sentence: &Sentence, citations: &[Citation]) -> Option<Self> {
        let said: Vec<&Citation> = citations.iter().filter(|one| sentence.facts.contains(&one.id)).collect();
        let first = said.first()?;
        if said.iter().any(|one| one.entity != first.entity || one.predicate != first.predicate) {
            return None;
        }
        let text = sentence.text.as_str();
        let places: Vec<(usize, usize)> = said
            .iter()
            .map(|one| text.rfind(&one.object).map(|at| (at, at + one.object.len())))
            .collect::<Option<_>>()?;
        let start = places.iter().map(|(start, _)| *start).min()?;
        let end = places.iter().map(|(_, end)| *end).max()?;
        let overlaps = |at: usize| at < end && at + first.subject.len() > start;
        let at = text.match_indices(&first.subject).map(|(at, _)| at).find(|at| !overlaps(*at))?;
        Some(Self {
            subject: format!("{}{}", article(&text[..at]), first.subject),
            object: text[start..end].to_owned(),
            relation: first.predicate.clone(),
            is_list: said.len() > 1,
        })
    }
}

/// The article that ends a text, as it stands within a sentence.
fn article(before: &str) -> &'static str {
    let ends = |word: &str| before.len() >= word.len() && before.is_char_boundary(before.len() - word.len());
    let is = |word: &str| ends(word) && before[before.len() - word.len()..].eq_ignore_ascii_case(word);
    if is(" the ") || before.eq_ignore_ascii_case("the ") { "the " } else { "" }
}

/// The sentences in which the engine said facts by its templates; `None` where it said anything else.
pub(crate) fn stated(answer: &Answer) -> Option<Vec<String>> {
    let reply = &answer.reply;
    let is_fact =
        |sentence: &Sentence| sentence.wording == Wording::Template && sentence.verdict == Verdict::Supported;
    let is_whole = reply.outcome == Outcome::Answered && !reply.sentences.is_empty();
    (is_whole && reply.sentences.iter().all(is_fact))
        .then(|| reply.sentences.iter().map(|sentence| sentence.text.clone()).collect())
}

/// The names of the one sentence that answers.
pub(crate) fn slots(answer: &Answer) -> Option<Slots> {
    match answer.reply.sentences.as_slice() {
        [only] => Slots::of(only, &answer.reply.citations),
        _ => None,
    }
}

/// The relation of the facts, and their subjects.
pub(crate) fn about(answer: &Answer) -> (String, BTreeSet<String>) {
    let citations = &answer.reply.citations;
    let group = citations.last().map_or_else(String::new, |citation| citation.predicate.clone());
    (group, citations.iter().map(|citation| citation.entity.to_string()).collect())
}

/// The answers that are right: those that are known, else the values of the answer itself.
pub(crate) fn accepted(answer: &Answer, known: &[String]) -> Vec<String> {
    if known.is_empty() { answer.reply.values.clone() } else { known.to_vec() }
}

/// Whether a reply has one of the accepted answers; where none are known, any does.
pub(crate) fn is_right(answer: &Answer, accepted: &[String]) -> bool {
    let bare = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    accepted.is_empty()
        || accepted.iter().map(|one| bare(one)).any(|accepted| {
            let values = &answer.reply.values;
            values.iter().any(|value| bare(value) == accepted)
                || values.is_empty() && bare(&answer.reply.answer).contains(&accepted)
        })
}

/// How many of the question's words a wording takes up, names apart.
pub(crate) fn echo(question: &str, wording: &str, slots: &Slots) -> usize {
    let words = |text: &str| -> BTreeSet<String> { text.unicode_words().map(str::to_lowercase).collect() };
    let mut names = words(&slots.subject);
    names.extend(words(&slots.object));
    let (asked, said) = (words(question), words(wording));
    asked.intersection(&said).filter(|word| !names.contains(*word)).count()
}
