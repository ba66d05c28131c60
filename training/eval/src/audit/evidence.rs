//! What a sentence may rest on. In: facts, or what was said. Out: the names, words, numbers and dates in them.

use std::collections::HashSet;

use loquat_contract::{Entity, Fact, Knowledge, KnowledgeError, Language, Predicate, Reply, Value};

use crate::normal::{Word, composed, words_of};
use crate::quantity::{Quantity, quantities};

/// Names, words, numbers and dates that may stand in a sentence.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// Names and texts, each as its words, the longest first.
    names: Vec<Vec<String>>,
    /// Words that say how facts are put, such as those of a predicate's templates.
    pub(super) wording: HashSet<String>,
    /// Every word of what was said.
    pub(super) bag: HashSet<String>,
    /// Numbers and dates.
    pub(super) quantities: Vec<Quantity>,
}

impl Evidence {
    fn add_name(&mut self, name: &str) {
        let name = composed(name);
        self.quantities.extend(quantities(&name).into_iter().map(|found| found.value));
        let words: Vec<String> = words_of(&name).into_iter().map(|word| word.folded).collect();
        if !words.is_empty() {
            self.names.push(words);
        }
    }

    fn add_entity(&mut self, entity: &Entity) {
        entity.names().for_each(|name| self.add_name(name));
        if entity.labels.is_empty() {
            self.add_name(entity.label(&Language::english()));
        }
        for article in &entity.articles {
            self.wording.extend(folded(&article.text));
        }
    }

    fn add_predicate(&mut self, predicate: &Predicate) {
        let templates = &predicate.templates;
        let said = [
            &templates.single,
            &templates.plural,
            &templates.inverse,
            &templates.when_true,
            &templates.when_false,
        ];
        let texts = said.into_iter().flatten().chain(&predicate.labels).chain(&predicate.aliases);
        for text in texts {
            self.wording.extend(folded(&text.text.replace("{subject}", " ").replace("{object}", " ")));
        }
        self.wording.extend(folded(predicate.label(&Language::english())));
        if let Some(unit) = &predicate.unit {
            self.add_unit(unit);
        }
    }

    fn add_unit(&mut self, unit: &loquat_contract::Unit) {
        self.wording.extend(folded(&unit.symbol));
        unit.labels.iter().for_each(|label| self.wording.extend(folded(&label.text)));
    }

    fn add_value(&mut self, value: &Value) {
        match value {
            Value::Entity(entity) => self.add_entity(entity),
            Value::Number { lexical, value, unit } => {
                self.quantities.push(Quantity::Number(*value));
                self.add_name(lexical);
                if let Some(unit) = unit {
                    self.add_unit(unit);
                }
            }
            Value::Coordinate { latitude, longitude } => {
                let degrees =
                    [*latitude, *longitude].into_iter().flat_map(|degrees| [degrees, degrees.abs()]);
                self.quantities.extend(degrees.map(Quantity::Number));
                // They are said with a letter for the direction.
                self.wording.extend(["n", "s", "e", "w"].map(str::to_owned));
            }
            Value::Date(date) => {
                self.add_name(date);
                // A decade and a century: “the 1980s” of `198X`.
                let year = date.trim_start_matches('-').replace('X', "0");
                if let Ok(year) = year.parse::<f64>() {
                    self.quantities.push(Quantity::Number(year));
                    self.names.push(vec![format!("{year}s")]);
                }
            }
            other => self.add_name(&other.text(&Language::english())),
        }
    }

    /// Everything that was said may be said again.
    fn add_said(&mut self, text: &str) {
        let text = composed(text);
        self.quantities.extend(quantities(&text).into_iter().map(|found| found.value));
        self.bag.extend(words_of(&text).into_iter().map(|word| word.folded));
    }

    /// What the names in what was said may mean, for a bot that asks which of them is meant.
    pub(super) async fn add_candidates(
        &mut self,
        graph: &dyn Knowledge,
        said: &[String],
    ) -> Result<(), KnowledgeError> {
        for text in said {
            for candidate in graph.link(text).await?.iter().flat_map(|mention| &mention.candidates) {
                let entity = &candidate.entity;
                entity.names().for_each(|name| self.add_said(name));
                entity.descriptions.iter().for_each(|description| self.add_said(&description.text));
            }
        }
        Ok(())
    }

    /// Which words belong to a name that stands there whole.
    pub(super) fn cover(&self, words: &[Word]) -> Vec<bool> {
        let mut covered = vec![false; words.len()];
        for name in &self.names {
            let Some(last) = words.len().checked_sub(name.len()) else { continue };
            for start in 0..=last {
                let stretch = start..start + name.len();
                if words[stretch.clone()].iter().zip(name).all(|(word, name)| word.folded == *name) {
                    covered[stretch].fill(true);
                }
            }
        }
        covered
    }

    /// Which words were said.
    pub(super) fn cover_by_words(&self, words: &[Word]) -> Vec<bool> {
        words.iter().map(|word| self.bag.contains(&word.folded)).collect()
    }
}

fn folded(text: &str) -> Vec<String> {
    words_of(&composed(text)).into_iter().map(|word| word.folded).collect()
}

/// What facts say.
pub(super) fn of_facts(facts: &[Fact]) -> Evidence {
    let mut evidence = Evidence::default();
    for fact in facts {
        evidence.add_entity(&fact.subject);
        evidence.add_predicate(&fact.predicate);
        evidence.add_value(&fact.object);
        for qualifier in &fact.qualifiers {
            evidence.add_predicate(&qualifier.predicate);
            evidence.add_value(&qualifier.value);
        }
    }
    evidence
}

/// What was said, and what the reply takes it to mean.
pub(super) fn of_conversation(reply: &Reply, said: &[String], bot: &str) -> Evidence {
    let mut evidence = Evidence::default();
    said.iter().for_each(|text| evidence.add_said(text));
    evidence.add_said(bot);
    for entity in &reply.entities {
        evidence.add_said(&entity.label);
    }
    for choice in &reply.choices {
        evidence.add_said(&choice.label);
        evidence.add_said(&choice.value);
    }
    for gap in &reply.gaps {
        evidence.add_said(&gap.name);
        evidence.add_said(&gap.asked);
    }
    evidence
}
