//! As many facts as there is room for. In: ranked groups, and how facts are counted. Out: the same, cut between groups where it can be,
//! and marked where it cannot. Knows no graph.

use loquat_contract::{Fact, FactId, Language, Value, best_label};
use loquat_text::is_han;
use rustc_hash::FxHashSet;

use super::{Retrieval, RetrieveOptions};

/// A fact as a sentence: by its predicate's template, else "subject — predicate — object".
pub fn verbalise(fact: &Fact, language: &Language) -> String {
    let unit = fact.unit().map(|unit| {
        let name = best_label(&unit.labels, language).unwrap_or_default();
        if unit.symbol.is_empty() { format!(" {name}") } else { format!(" {}", unit.symbol) }
    });
    let object = match &fact.object {
        Value::Entity(entity) => entity.name_in_sentence(language),
        value => format!("{}{}", value.text(language), unit.unwrap_or_default()),
    };
    let templates = &fact.predicate.templates;
    let forms = match fact.object {
        Value::Boolean(true) => &templates.when_true,
        Value::Boolean(false) => &templates.when_false,
        _ => &templates.single,
    };
    let fits = forms.iter().find(|label| label.language.as_ref().is_none_or(|l| l.matches(language)));
    match fits {
        Some(form) => form
            .text
            .replace("{subject}", &fact.subject.name_in_sentence(language))
            .replace("{object}", &object),
        None => format!("{} — {} — {object}", fact.subject.label(language), fact.predicate.label(language)),
    }
}

/// About how many tokens a text has: 4 characters to one, 1.5 in Chinese.
pub(super) fn estimate(text: &str) -> usize {
    let han = text.chars().filter(|c| is_han(*c)).count() as f32;
    let other = text.chars().count() as f32 - han;
    (han / 1.5 + other / 4.0).ceil() as usize
}

/// Keeps the computed result and the groups that fit. The first of these is cut where it is too long on its own, and then says so;
/// later ones are left out whole.
pub(super) fn cut(retrieval: &mut Retrieval, options: &RetrieveOptions) {
    let language = retrieval.language.clone();
    let count = |fact: &Fact| {
        let text = verbalise(fact, &language);
        options.token_counter.as_ref().map_or_else(|| estimate(&text), |counter| counter(&text))
    };
    let mut room =
        Room { facts: options.max_facts, tokens: options.token_budget, taken: FxHashSet::default() };
    if let Some(computed) = &mut retrieval.computed {
        let all = computed.facts.len();
        let fitting =
            computed.facts.iter().take_while(|fact| room.take(std::slice::from_ref(*fact), &count)).count();
        computed.facts.truncate(fitting);
        retrieval.truncated |= fitting < all;
    }
    let mut kept = 0;
    for (number, group) in retrieval.groups.iter_mut().enumerate() {
        let fitting = group.answers.iter().take_while(|answer| room.take(&answer.facts, &count)).count();
        if fitting < group.answers.len() {
            retrieval.truncated = true;
            if number > 0 {
                break;
            }
            group.answers.truncate(fitting);
            group.truncated = true;
            kept += usize::from(fitting > 0);
            break;
        }
        kept += 1;
    }
    retrieval.groups.truncate(kept);
}

struct Room {
    facts: usize,
    tokens: usize,
    taken: FxHashSet<FactId>,
}

impl Room {
    /// Takes the facts together, or none of them.
    fn take(&mut self, facts: &[Fact], count: &dyn Fn(&Fact) -> usize) -> bool {
        let new: Vec<&Fact> = facts.iter().filter(|fact| !self.taken.contains(&fact.id)).collect();
        let tokens: usize = new.iter().map(|fact| count(fact)).sum();
        if new.len() > self.facts || tokens > self.tokens {
            return false;
        }
        self.facts -= new.len();
        self.tokens -= tokens;
        self.taken.extend(new.iter().map(|fact| fact.id.clone()));
        true
    }
}
