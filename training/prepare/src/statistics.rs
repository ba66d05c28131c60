//! What a set consists of. In: its parts, and what happened on the way. Out: counts, lengths, and what the parts have in common: no entity,
//! or something is wrong.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::asker::Fate;
use crate::duplicates::Removed;
use crate::example::{Example, Kind, Role};
use crate::split::{Division, Part};

/// How long something is, over many.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Lengths {
    /// The shortest.
    pub least: usize,
    /// The one in the middle.
    pub median: usize,
    /// 95 of 100 are no longer.
    pub p95: usize,
    /// The longest.
    pub most: usize,
    /// All together.
    pub sum: usize,
    /// How many there are from each bound on, which doubles from 1.
    pub by_power: Vec<usize>,
}

impl Lengths {
    fn of(mut lengths: Vec<usize>) -> Self {
        lengths.sort_unstable();
        let at = |share: f64| {
            let place = (lengths.len().saturating_sub(1) as f64 * share).round() as usize;
            lengths.get(place).copied().unwrap_or_default()
        };
        let mut by_power = Vec::new();
        for length in &lengths {
            let power = length.max(&1).ilog2() as usize;
            if by_power.len() <= power {
                by_power.resize(power + 1, 0);
            }
            by_power[power] += 1;
        }
        Self {
            least: at(0.0),
            median: at(0.5),
            p95: at(0.95),
            most: at(1.0),
            sum: lengths.iter().sum(),
            by_power,
        }
    }
}

/// What two parts have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Shared {
    /// Entities: none, unless something is wrong.
    pub entities: usize,
    /// Examples with the same last message and answer.
    pub examples: usize,
}

/// What a set consists of; `statistics.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Statistics {
    /// Examples by part.
    pub examples: BTreeMap<String, usize>,
    /// Examples by kind, then part.
    pub kinds: BTreeMap<String, BTreeMap<String, usize>>,
    /// Examples by relation or other group, then part.
    pub groups: BTreeMap<String, BTreeMap<String, usize>>,
    /// Different entities by part.
    pub entities: BTreeMap<String, usize>,
    /// Characters that are read, by part.
    pub read: BTreeMap<String, Lengths>,
    /// Characters that are learnt, by part.
    pub learnt: BTreeMap<String, Lengths>,
    /// The share of answers of one fact that say it as the prompt has it.
    pub copied: f64,
    /// What became of the questions that the bot was asked.
    pub asked: BTreeMap<Fate, usize>,
    /// What is answered where the facts do not tell, by language.
    pub refusals: BTreeMap<String, String>,
    /// What was there twice, by source.
    pub duplicates: BTreeMap<String, Removed>,
    /// How it was split, by source.
    pub division: BTreeMap<String, Division>,
    /// What each two parts have in common.
    pub shared: BTreeMap<String, Shared>,
    /// What was taken out of dialogues, by kind.
    pub cleaned: BTreeMap<String, usize>,
    /// Lines that were not understood and left out.
    pub bad_lines: usize,
}

impl Statistics {
    pub(crate) fn removed(&mut self, source: &str, removed: Removed) {
        let has = self.duplicates.entry(source.to_owned()).or_default();
        has.exact += removed.exact;
        has.near += removed.near;
    }

    pub(crate) fn divided(&mut self, source: &str, division: Division) {
        self.division.insert(source.to_owned(), division);
    }

    /// What to do about an empty set.
    pub(crate) fn why_nothing(&self) -> String {
        let asked: usize = self.asked.values().sum();
        if asked == 0 {
            return "the files of the recipe have no assistant's message and no text that is long enough".to_owned();
        }
        let counts: Vec<String> =
            self.asked.iter().map(|(fate, count)| format!("{count} {}", fate.told())).collect();
        format!(
            "of {asked} questions {}; check that the questions are about the bot's graph (`loquat ask \"…\"` answers one), and that \
             `[prepare.graph.shares]` wants what was found",
            counts.join(", ")
        )
    }

    pub(crate) fn count(&mut self, parts: &BTreeMap<Part, Vec<Example>>) {
        let mut entities: BTreeMap<Part, BTreeSet<&str>> = BTreeMap::new();
        let mut said: BTreeMap<Part, BTreeSet<(&str, &str)>> = BTreeMap::new();
        let (mut copied, mut facts) = (0_u32, 0_u32);
        for (part, examples) in parts {
            let name = part.name().to_owned();
            self.examples.insert(name.clone(), examples.len());
            let (mut read, mut learnt) = (Vec::new(), Vec::new());
            for example in examples {
                let kind = self.kinds.entry(example.kind.name().to_owned()).or_default();
                *kind.entry(name.clone()).or_default() += 1;
                if let Some(group) = &example.group {
                    *self.groups.entry(group.clone()).or_default().entry(name.clone()).or_default() += 1;
                }
                entities.entry(*part).or_default().extend(example.entities.iter().map(String::as_str));
                let (all, own) = characters(example);
                read.push(all);
                learnt.push(own);
                if let [.., question, answer] = example.messages.as_slice() {
                    said.entry(*part).or_default().insert((&question.content, &answer.content));
                    if example.kind == Kind::Fact {
                        facts += 1;
                        copied += u32::from(question.content.contains(&answer.content));
                    }
                }
            }
            self.read.insert(name.clone(), Lengths::of(read));
            self.learnt.insert(name, Lengths::of(learnt));
        }
        self.copied = if facts == 0 { 0.0 } else { f64::from(copied) / f64::from(facts) };
        for (part, own) in &entities {
            self.entities.insert(part.name().to_owned(), own.len());
        }
        for (one, other) in
            [(Part::Train, Part::Dev), (Part::Train, Part::Test), (Part::Dev, Part::Test)]
        {
            let entities = entities.get(&one).zip(entities.get(&other));
            let examples = said.get(&one).zip(said.get(&other));
            let shared = Shared {
                entities: entities.map_or(0, |(a, b)| a.intersection(b).count()),
                examples: examples.map_or(0, |(a, b)| a.intersection(b).count()),
            };
            self.shared.insert(format!("{} and {}", one.name(), other.name()), shared);
        }
    }
}

/// Characters of an example, and those of them that are learnt.
fn characters(example: &Example) -> (usize, usize) {
    let count = |text: &str| text.chars().count();
    match &example.text {
        Some(text) => (count(text), count(text)),
        None => example.messages.iter().fold((0, 0), |(all, own), message| {
            let length = count(&message.content);
            let is_learnt = message.role == Role::Assistant && message.weight != Some(0);
            (all + length, own + if is_learnt { length } else { 0 })
        }),
    }
}
