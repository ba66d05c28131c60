//! What a sentence may call the things of the facts. In: facts. Out: phrases for names, for aliases that cannot be mistaken, and for
//! adjectives ("Bhutanese"). Knows no sentence.
//!
//! Aliases are made for understanding people: "Swiss" finds Switzerland, and yet "Swiss German" is no language of it. So one counts as a
//! name only if it has several words, is an abbreviation, or is a part of the name itself ("Aurora" of "Aurora headphones"), and if
//! nothing else in the facts is called so.

use loquat_contract::{Entity, Fact, Language, Value};
use loquat_text::is_han;

use super::cover::Role;
use crate::lexicon::Lexicon;
use crate::phrases::Phrasebook;
use crate::words::{fold, words};

/// The phrases, with the part that each plays in which fact.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) labels: Phrasebook<(Role, usize)>,
    pub(super) aliases: Phrasebook<(Role, usize)>,
    /// One-word aliases of subjects, which name them only right before a predicate: "the Bhutanese capital".
    pub(super) adjectives: Phrasebook<(Role, usize)>,
}

impl Names {
    pub(super) fn new(facts: &[Fact], lexicon: &Lexicon) -> Self {
        let language = &lexicon.language;
        let mut names = Self::default();
        let mut things: Vec<(&Entity, Role, usize)> = Vec::new();
        for (index, fact) in facts.iter().enumerate() {
            things.push((&fact.subject, Role::Subject, index));
            match &fact.object {
                Value::Entity(entity) => things.push((entity, Role::Object, index)),
                Value::Text(label) => names.label(&label.text, (Role::Object, index), lexicon),
                _ => {}
            }
        }
        for (entity, role, index) in &things {
            for label in entity.labels.iter().map(|label| label.text.as_str()).chain([entity.label(language)])
            {
                names.label(label, (*role, *index), lexicon);
            }
        }
        for (entity, role, index) in &things {
            for alias in entity.aliases.iter().map(|label| label.text.as_str()) {
                let is_shared = things.iter().any(|(other, ..)| {
                    other.id != entity.id && other.names().any(|name| fold(name) == fold(alias))
                });
                if is_shared {
                    continue;
                }
                let is_one_word = words(alias, language).len() == 1;
                if stands_for_itself(alias, entity, language) {
                    names.aliases.insert(folded(alias, language), (*role, *index));
                } else if is_one_word && *role == Role::Subject && starts_with_capital(alias) {
                    names.adjectives.insert(folded(alias, language), (*role, *index));
                }
            }
        }
        names
    }

    /// A label, also in the plural where it is a common noun ("credit cards").
    fn label(&mut self, label: &str, tag: (Role, usize), lexicon: &Lexicon) {
        let name = folded(label, &lexicon.language);
        // A name that denies would hide a denial.
        if name.iter().all(|word| lexicon.asks_or_denies(word)) {
            return;
        }
        if let Some(last) = name.last().filter(|_| !label.chars().any(char::is_uppercase)) {
            let other = match last.strip_suffix('s') {
                Some(singular) => singular.to_owned(),
                None if last.chars().all(|c| c.is_ascii_alphabetic()) => format!("{last}s"),
                None => String::new(),
            };
            if other.chars().count() > 2 {
                let mut variant = name.clone();
                if let Some(last) = variant.last_mut() {
                    *last = other;
                }
                self.labels.insert(variant, tag);
            }
        }
        self.labels.insert(name, tag);
    }
}

/// Whether an alias can stand in a sentence as the name does.
fn stands_for_itself(alias: &str, entity: &Entity, language: &Language) -> bool {
    let said = folded(alias, language);
    let letters = alias.chars().filter(|c| c.is_alphabetic()).count();
    if alias.chars().all(is_han) {
        return letters > 1;
    }
    if letters == 0 {
        return false;
    }
    let is_abbreviation = letters > 1
        && alias.chars().all(|c| c.is_uppercase() || c.is_ascii_digit() || matches!(c, '.' | '-'));
    let capitals = alias.split_whitespace().filter(|word| starts_with_capital(word)).count();
    let is_plain_spelling = entity.labels.iter().any(|label| plain(&label.text) == plain(alias));
    let begins_a_label = entity.labels.iter().any(|label| {
        let name = folded(&label.text, language);
        name.starts_with(&said) && capitals > 0
    });
    is_abbreviation || is_plain_spelling || begins_a_label || said.len() > 1 && capitals > 0
}

/// Without accents: "Åland" as "aland".
fn plain(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    fold(text).nfd().filter(|c| c.is_alphanumeric()).collect()
}

fn starts_with_capital(text: &str) -> bool {
    text.chars().next().is_some_and(char::is_uppercase)
}

fn folded(text: &str, language: &Language) -> Vec<String> {
    words(text, language).into_iter().map(|word| word.folded).collect()
}
