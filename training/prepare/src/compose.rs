//! Cases of one part → its examples. In: cases. Out: prompts with answers: facts beside those that answer, other values, slips of the
//! keyboard; and prompts of the same form whose facts do not tell. Nothing of another part gets into them.

mod missing;
mod neighbours;
mod pool;
mod question;

use std::collections::{BTreeMap, BTreeSet};

use loquat_contract::Language;

use crate::case::{Case, echo};
pub(crate) use neighbours::Neighbours;
use pool::Pool;

use crate::dice::{Dice, digest};
use crate::example::{Example, Kind, Message, Role};
use crate::prompt::Prompt;
use crate::settings::{Augment, Graph};
use crate::split::Part;
use crate::wordings::Wordings;

/// How examples are made of cases.
pub(crate) struct Composer<'a> {
    pub(crate) wordings: &'a Wordings,
    pub(crate) graph: &'a Graph,
    pub(crate) augment: &'a Augment,
    /// What is said where the facts do not tell, by the language's first subtag.
    pub(crate) refusals: &'a BTreeMap<String, String>,
    /// Which relations the same subjects have.
    pub(crate) neighbours: &'a Neighbours,
    pub(crate) seed: u64,
}

/// A line of the facts, and whose it is.
#[derive(Clone, Debug)]
struct Line<'a> {
    text: &'a str,
    topics: &'a BTreeSet<String>,
}

impl Composer<'_> {
    /// The examples of one part; `missing` of them beside the cases' own.
    pub(crate) fn compose(&self, cases: &[&Case], part: Part, missing: usize) -> Vec<Example> {
        let pool = Pool::new(cases);
        let mut examples: Vec<Example> = cases.iter().map(|case| self.answered(case, &pool, part)).collect();
        examples.extend(self.missing(&pool, missing));
        examples
    }

    /// The example of a case.
    fn answered(&self, case: &Case, pool: &Pool<'_>, part: Part) -> Example {
        let mut dice = Dice::new(self.seed, "compose", &case.key());
        let mut prompt = case.prompt.clone();
        let mut answer = self.target(case, &mut dice);
        let mut accepted = case.accepted.clone();
        let mut topics = case.topics.clone();
        if part == Part::Train
            && dice.chance(self.augment.substituted)
            && let Some((other, said, value)) = self.substituted(case, &answer, pool, &mut dice)
        {
            (prompt, answer, accepted) = (other, said, vec![value]);
        }
        let is_shown_more = dice.chance(self.augment.distracted) && self.augment.distractors > 0;
        if is_shown_more || case.kind == Kind::MultiHop {
            let count = if is_shown_more { 1 + dice.below(self.augment.distractors) } else { 0 };
            let mut facts = prompt.facts.clone();
            for line in self.distractors(case, pool, count, &mut dice) {
                if !facts.iter().any(|fact| fact == line.text) {
                    facts.push(line.text.to_owned());
                    topics.extend(line.topics.iter().cloned());
                }
            }
            // Facts that answer together keep their order where the answer follows it.
            if case.prompt.facts.len() == 1 || case.kind == Kind::MultiHop {
                dice.shuffle(&mut facts);
            }
            prompt = prompt.with_facts(facts);
        }
        if part == Part::Train {
            prompt = self.as_typed(&prompt, case, &mut dice);
        }
        example(case.kind, &prompt, &answer, &accepted, topics, &case.group)
    }

    /// The wording to learn.
    fn target(&self, case: &Case, dice: &mut Dice) -> String {
        let template = case.answers.first().cloned().unwrap_or_default();
        let (Some(slots), false) = (&case.slots, dice.chance(self.graph.copied)) else { return template };
        // Of those that take up equally much the first that is no copy.
        let rank = |(place, wording): &(usize, &String)| {
            (echo(&case.prompt.question, wording, slots), *place > 0, std::cmp::Reverse(*place))
        };
        let best = case.answers.iter().enumerate().max_by_key(rank).map(|(_, wording)| wording);
        best.cloned().unwrap_or(template)
    }

    /// Another value in the facts and the answer; `None` where it cannot be told apart from the rest of their words.
    fn substituted(
        &self,
        case: &Case,
        answer: &str,
        pool: &Pool<'_>,
        dice: &mut Dice,
    ) -> Option<(Prompt, String, String)> {
        let slots = case.slots.as_ref().filter(|slots| !slots.is_list)?;
        if !matches!(case.kind, Kind::Fact | Kind::FollowUp | Kind::Contradicted) {
            return None;
        }
        let [fact] = case.prompt.facts.as_slice() else { return None };
        let value =
            &pool.other(case, pool.like(case), dice)?.slots.as_ref().filter(|other| !other.is_list)?.object;
        let stands_once = |text: &str| text.matches(slots.object.as_str()).count() == 1;
        let is_plain = stands_once(fact)
            && stands_once(answer)
            && !slots.subject.contains(slots.object.as_str())
            && !case.prompt.question.contains(slots.object.as_str())
            && !case.prompt.question.contains(value.as_str())
            && begins_alike(value, &slots.object)
            && value != &slots.object;
        is_plain.then(|| {
            let other = case.prompt.with_facts(vec![fact.replace(slots.object.as_str(), value)]);
            (other, answer.replace(slots.object.as_str(), value), value.clone())
        })
    }

    /// Lines that do not answer: of the subject, of the same relation, of anything.
    fn distractors<'a>(
        &self,
        case: &'a Case,
        pool: &Pool<'a>,
        count: usize,
        dice: &mut Dice,
    ) -> Vec<Line<'a>> {
        let mut lines: Vec<Line<'a>> = Vec::new();
        let beside: Vec<&str> = self.beside(case);
        // “And its price?” is answered by the price of anything: only what is said of the same thing does not mislead.
        let is_nameless = is_nameless(case);
        for at in 0..count {
            let own = beside.get(at).filter(|_| is_nameless || dice.chance(0.6));
            if let Some(text) = own {
                lines.push(Line { text, topics: &case.topics });
            }
            if own.is_some() || is_nameless {
                continue;
            }
            let other = match dice.below(5) {
                0 | 1 => pool.other(case, pool.cases, dice),
                2 => pool.like_it(case, dice),
                _ => pool.other(case, pool.like(case), dice),
            };
            if let Some(other) = other
                && let Some(text) = dice.pick(&other.prompt.facts)
            {
                lines.push(Line { text, topics: &other.topics });
            }
        }
        lines
    }

    /// Facts of the case's subject whose relation cannot be taken for the one asked for.
    fn beside<'a>(&self, case: &'a Case) -> Vec<&'a str> {
        let is_apart = |relation: &str| !self.wordings.are_alike(&case.group, relation, &case.language);
        case.beside.iter().filter(|one| is_apart(&one.relation)).map(|one| one.line.as_str()).collect()
    }

    fn refusal(&self, language: &Language) -> Option<&String> {
        self.refusals.get(language.primary())
    }
}

/// A prompt with its answer.
fn example(
    kind: Kind,
    prompt: &Prompt,
    answer: &str,
    accepted: &[String],
    topics: BTreeSet<String>,
    group: &str,
) -> Example {
    let mut messages = prompt.messages();
    messages.push(Message::new(Role::Assistant, answer));
    let text: String = messages.iter().map(|message| message.content.as_str()).collect();
    Example {
        id: format!("{}-{:016x}", kind.name(), digest(0, kind.name(), &text)),
        kind,
        messages,
        text: None,
        entities: topics,
        group: Some(group.to_owned()),
        question: Some(prompt.question.trim().to_owned()),
        answers: accepted.to_vec(),
        unfinished: false,
    }
}

/// Whether a question leaves it to the dialogue before it what it is about.
fn is_nameless(case: &Case) -> bool {
    let is_named = |subject| names(&case.prompt.question, subject);
    case.kind == Kind::FollowUp && !case.subject().is_some_and(is_named)
}

/// Whether a text has a name as whole words, whatever its case.
fn names(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    let is_inside = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.match_indices(&name).any(|(at, found)| {
        !is_inside(text[..at].chars().next_back()) && !is_inside(text[at + found.len()..].chars().next())
    })
}

/// Whether an article that stands before the one can stand before the other.
fn begins_alike(one: &str, other: &str) -> bool {
    let is_vowel = |text: &str| text.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']);
    let is_lower = |text: &str| text.chars().next().is_some_and(char::is_lowercase);
    is_vowel(one) == is_vowel(other) && is_lower(one) == is_lower(other)
}
