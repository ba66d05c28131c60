//! The values that were asked for. In: the facts of an answer. Out: names, numbers with their units, dates, yes or no, in the order in
//! which they are said.

use loquat_contract::{Fact, Value};

use crate::conclusion::Conclusion;
use crate::ground::{Grounds, Group};
use crate::lexicon::Lexicon;
use crate::realise::object;

/// The values of one answer, each once.
pub(crate) fn values(grounds: &Grounds, lexicon: &Lexicon) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    let asked_for = grounds.asked_for.unwrap_or(grounds.groups.len());
    for group in &grounds.groups[..asked_for.min(grounds.groups.len())] {
        for value in of_group(grounds, group, lexicon) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }
    values
}

fn of_group(grounds: &Grounds, group: &Group, lexicon: &Lexicon) -> Vec<String> {
    let language = &lexicon.language;
    let facts = || group.facts.iter().filter_map(|index| grounds.facts.get(*index));
    match &group.conclusion {
        None if group.lists_subjects => facts().map(|fact| fact.subject.label(language).to_owned()).collect(),
        None => facts().map(|fact| of_fact(fact, lexicon)).collect(),
        Some(Conclusion::Values { values, .. }) => {
            let stated = |value: &Value| facts().find(|fact| fact.object == *value);
            let said = |value: &Value| match (value, stated(value)) {
                (Value::Entity(entity), _) => entity.label(language).to_owned(),
                (_, Some(fact)) => of_fact(fact, lexicon),
                (value, None) => value.text(language),
            };
            values.iter().map(said).collect()
        }
        Some(Conclusion::Count { count, .. }) => vec![count.to_string()],
        Some(Conclusion::YesNo(true)) => vec![lexicon.lines.yes.clone()],
        Some(Conclusion::YesNo(false)) => vec![lexicon.lines.no.clone()],
        Some(Conclusion::Extreme { entities, .. }) => {
            entities.iter().map(|entity| entity.label(language).to_owned()).collect()
        }
    }
}

/// A fact's object: a name without its article, anything else as it is said.
fn of_fact(fact: &Fact, lexicon: &Lexicon) -> String {
    match &fact.object {
        Value::Entity(entity) => entity.label(&lexicon.language).to_owned(),
        _ => object(fact, lexicon),
    }
}
