//! What follows from several facts, in one sentence. In: facts and a conclusion. Out: the sentence. Every name and number in it is
//! one of the facts', or counts them.

use std::sync::Arc;

use loquat_contract::{Entity, Fact, Predicate, Value};
use loquat_retrieve::Most;

use super::path::phrase;
use super::phrasing::phrasing;
use super::{capitalised, compose, fill, list, object, say, template};
use crate::conclusion::{Conclusion, Walk};
use crate::lexicon::Lexicon;

/// The conclusion as a sentence; `None` where the facts do not carry it.
pub(super) fn conclude(facts: &[&Fact], conclusion: &Conclusion, lexicon: &Lexicon) -> Option<String> {
    match conclusion {
        Conclusion::Values { walk, values, more } => at_the_end(facts, walk, values, *more, lexicon),
        Conclusion::Count { walk, count } => counted(facts, walk, *count, lexicon),
        Conclusion::YesNo(is_so) => answered(facts, *is_so, lexicon),
        Conclusion::Extreme { most, attribute, entities, among } => {
            extreme(facts, *most, attribute, entities, among.as_ref(), lexicon)
        }
    }
}

/// "The genres of those that were directed by Ann Lee are crime and drama."
fn at_the_end(
    facts: &[&Fact],
    walk: &Walk,
    values: &[Value],
    more: usize,
    lexicon: &Lexicon,
) -> Option<String> {
    let last = walk.steps.last()?;
    let start = phrase(walk, walk.steps.len() - 1, false, facts, lexicon);
    // The fact that has the value brings the unit.
    let like = |value: &Value| {
        facts
            .iter()
            .find(|fact| fact.predicate.id == last.predicate.id && (last.inverse || fact.object == *value))
    };
    let said = |value: &Value| match value {
        Value::Entity(entity) => entity.name_in_sentence(&lexicon.language),
        other => like(other).map_or_else(|| other.text(&lexicon.language), |fact| object(fact, lexicon)),
    };
    let first = values.first()?;
    let model = *like(first)?;
    let count = values.len() + more;
    let values = list(values.iter().map(said), more, lexicon);
    let made = phrasing(&last.predicate, matches!(model.object, Value::Date(_)), lexicon);
    let (subject, object, template) = match (last.inverse, start.is_plural) {
        (true, _) => (&values, &start.text, template(model, count, true, lexicon)),
        // "The genres of those …": a template of the graph's would have its verb in the singular.
        (false, true) if count > 1 && made.noun.is_some() => {
            (&start.text, &values, made.plural_by_noun(lexicon))
        }
        (false, true) => (&start.text, &values, made.subjects.clone()),
        (false, false) => (&start.text, &values, template(model, count, false, lexicon)),
    };
    let predicate = last.predicate.label(&lexicon.language);
    Some(compose(&template, &model.object, predicate, subject, object, lexicon).text)
}

/// "Bhutan has 2 neighbours." or "The number of those that were directed by Ann Lee is 12."
fn counted(facts: &[&Fact], walk: &Walk, count: usize, lexicon: &Lexicon) -> Option<String> {
    let lines = &lexicon.realise.conclude;
    let last = walk.steps.last()?;
    let number = count.to_string();
    let noun = phrasing(&last.predicate, false, lexicon).noun.clone().filter(|_| !last.inverse);
    if let (Some((one, several)), [_]) = (noun, walk.steps.as_slice()) {
        let noun = if count == 1 { one } else { several };
        let subject = walk.topic.name_in_sentence(&lexicon.language);
        let values = [("subject", subject.as_str()), ("count", &number), ("predicate", &noun)];
        return Some(capitalised(&fill(&lines.has_count, &values)));
    }
    let things = phrase(walk, walk.steps.len(), true, facts, lexicon).text;
    Some(capitalised(&fill(&lines.number_of, &[("things", &things), ("count", &number)])))
}

/// "Yes, the capital of Bhutan is Thimphu."
fn answered(facts: &[&Fact], is_so: bool, lexicon: &Lexicon) -> Option<String> {
    let lines = &lexicon.realise.conclude;
    let stop = if lexicon.language.is_unspaced() { '。' } else { '.' };
    let together = |a: &&Fact, b: &&Fact| a.predicate.id == b.predicate.id && a.subject.id == b.subject.id;
    let sentences = facts.chunk_by(together).filter_map(|members| say(members, false, 0, lexicon));
    let clauses: Vec<String> = sentences
        .map(|said| {
            let text = said.text.trim_end_matches(stop);
            if said.opens_with_word { uncapitalised(text) } else { text.to_owned() }
        })
        .collect();
    if clauses.is_empty() {
        return None;
    }
    let sentence = format!("{}{stop}", clauses.join(&lines.between));
    Some(fill(if is_so { &lines.yes } else { &lines.no }, &[("sentence", &sentence)]))
}

/// "Of Bhutan and Nepal, Nepal has the greatest area: 147,181 km² against 38,394 km²."
fn extreme(
    facts: &[&Fact],
    most: Most,
    attribute: &Arc<Predicate>,
    entities: &[Arc<Entity>],
    among: Option<&Walk>,
    lexicon: &Lexicon,
) -> Option<String> {
    let lines = &lexicon.realise.conclude;
    let compared: Vec<&Fact> =
        facts.iter().copied().filter(|fact| fact.predicate.id == attribute.id).collect();
    let is_first = |fact: &&&Fact| entities.iter().any(|entity| entity.id == fact.subject.id);
    let best = compared.iter().find(is_first)?;
    let leads_to_time = matches!(best.object, Value::Date(_));
    let is_money =
        best.unit().is_some_and(|unit| unit.symbol.chars().any(|c| matches!(c, '€' | '$' | '£' | '¥')));
    let scale = match (leads_to_time, is_money) {
        (true, _) => &lines.time,
        (_, true) => &lines.money,
        _ => &lines.number,
    };
    let degree = match most {
        Most::Greatest => &scale[0],
        Most::Least => &scale[1],
    };
    let names = |entities: &mut dyn Iterator<Item = String>| list(entities, 0, lexicon);
    let value = object(best, lexicon);
    let (template, among, values) = match among {
        Some(walk) => {
            (&lines.extreme_among, phrase(walk, walk.steps.len(), true, facts, lexicon).text, value)
        }
        None => {
            let all = &mut compared.iter().map(|fact| fact.subject.name_in_sentence(&lexicon.language));
            let others =
                &mut compared.iter().filter(|fact| !is_first(fact)).map(|fact| object(fact, lexicon));
            let (all, others) = (names(all), names(others));
            let values = match others.is_empty() {
                true => value,
                false => fill(&lines.against, &[("value", &value), ("others", &others)]),
            };
            (&lines.extreme_named, all, values)
        }
    };
    let label = super::readable(attribute.label(&lexicon.language));
    let noun =
        phrasing(attribute, leads_to_time, lexicon).noun.as_ref().map_or(label, |(one, _)| one.clone());
    let winners = names(&mut entities.iter().map(|entity| entity.name_in_sentence(&lexicon.language)));
    let values = [
        ("names", among.as_str()),
        ("entities", &winners),
        ("has", &lines.has[usize::from(entities.len() > 1)]),
        ("degree", degree),
        ("predicate", &noun),
        ("values", &values),
    ];
    Some(fill(template, &values))
}

/// "the capital …" for "The capital …".
fn uncapitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
