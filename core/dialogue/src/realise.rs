//! Facts in words. In: a group of facts. Out: one sentence made from the predicate's template, or from the language's own.

use std::collections::BTreeMap;

use loquat_contract::{Citation, Fact, Label, Unit, Value};

use crate::ground::Group;
use crate::lexicon::Lexicon;
use crate::quantity::parse_iso_date;

/// A sentence with the place where its objects begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Realised {
    pub(crate) text: String,
    /// The words before the objects, where the sentence ends with them: what a model can be made to continue.
    pub(crate) head: Option<String>,
}

/// One sentence that says all facts of the group.
pub(crate) fn realise(facts: &[Fact], group: &Group, lexicon: &Lexicon) -> Option<Realised> {
    let members: Vec<&Fact> = group.facts.iter().filter_map(|index| facts.get(*index)).collect();
    let first = *members.first()?;
    if group.conclusion.is_some() {
        return Some(one_by_one(&members, lexicon));
    }
    let several = members.len() + group.more > 1;
    let template = template(first, several, group.lists_subjects, lexicon);

    let subjects =
        list(members.iter().map(|fact| fact.subject.name_in_sentence(&lexicon.language)), group, lexicon);
    let objects = list(members.iter().map(|fact| object(fact, lexicon)), group, lexicon);
    let (subject, object) = if group.lists_subjects {
        (subjects, object(first, lexicon))
    } else {
        (first.subject.name_in_sentence(&lexicon.language), objects)
    };
    let predicate = first.predicate.label(&lexicon.language);
    let values = [("predicate", predicate), ("subject", subject.as_str()), ("object", object.as_str())];
    let say = |template: &str| capitalised(&fill(template, &values));
    let head = template.split_once("{object}").map(|(head, _)| say(head).trim_end().to_owned());
    let ends_with_object = template.split_once("{object}").is_some_and(|(_, tail)| tail.chars().count() <= 1);
    // A text that ends a sentence by itself brings its own full stop.
    let said = say(&template);
    let text = said.strip_suffix("..").map_or_else(|| said.clone(), |text| format!("{text}."));
    Some(Realised {
        text,
        head: head.filter(|head| ends_with_object && !head.is_empty() && !group.lists_subjects),
    })
}

/// Facts of several relations, each in a sentence of its own: what follows from them is for the reader to see.
fn one_by_one(members: &[&Fact], lexicon: &Lexicon) -> Realised {
    let alone = Group { facts: vec![0], lists_subjects: false, more: 0, conclusion: None };
    let said = members.iter().filter_map(|fact| realise(std::slice::from_ref(*fact), &alone, lexicon));
    let texts: Vec<String> = said.map(|sentence| sentence.text).collect();
    let gap = if lexicon.language.is_unspaced() { "" } else { " " };
    Realised { text: texts.join(gap), head: None }
}

/// The sentence for a group that begins with this fact: the predicate's own where it has one that fits, else the language's.
fn template(fact: &Fact, several: bool, lists_subjects: bool, lexicon: &Lexicon) -> String {
    let templates = &fact.predicate.templates;
    let own = |labels: &[Label]| {
        let of_language =
            |label: &&Label| label.language.as_ref().is_some_and(|l| l.matches(&lexicon.language));
        labels.iter().find(of_language).map(|label| label.text.clone())
    };
    let special = match &fact.object {
        Value::Boolean(true) => own(&templates.when_true),
        Value::Boolean(false) => own(&templates.when_false),
        _ if lists_subjects => own(&templates.inverse),
        _ if several => own(&templates.plural),
        _ => None,
    };
    // A verb after several subjects would have to agree with them.
    let agrees = |template: &String| {
        !several || !lists_subjects || lexicon.language.is_unspaced() || !template.starts_with("{subject}")
    };
    let said = special.or_else(|| own(&templates.single)).filter(agrees);
    let language = &lexicon.realise;
    said.unwrap_or_else(|| {
        let is_phrase = lexicon.ends_in_function_word(fact.predicate.label(&lexicon.language));
        let general = match (several, lists_subjects) {
            (true, true) => &language.subjects_template,
            _ if is_phrase => &language.phrase_template,
            (true, false) => &language.plural_template,
            (false, _) => &language.template,
        };
        general.clone()
    })
}

/// The fact as a citation.
pub(crate) fn cite(fact: &Fact, lexicon: &Lexicon) -> Citation {
    Citation {
        id: fact.id.clone(),
        entity: fact.subject.id.clone(),
        subject: fact.subject.label(&lexicon.language).to_owned(),
        predicate: fact.predicate.label(&lexicon.language).to_owned(),
        object: object(fact, lexicon),
        source: fact.source.clone(),
        since: fact.generation,
    }
}

/// A fact's object in words, with article, digit groups and unit.
pub(crate) fn object(fact: &Fact, lexicon: &Lexicon) -> String {
    match &fact.object {
        Value::Entity(entity) => entity.name_in_sentence(&lexicon.language),
        Value::Number { lexical, value, .. } => {
            let number = grouped(lexical, &lexicon.realise.group);
            match fact.unit().and_then(|unit| unit_name(unit, *value, lexicon)) {
                Some(unit) if lexicon.language.is_unspaced() => format!("{number}{unit}"),
                Some(unit) => format!("{number} {unit}"),
                None => number,
            }
        }
        Value::Date(text) => date(text, lexicon),
        Value::Boolean(true) => lexicon.lines.yes.clone(),
        Value::Boolean(false) => lexicon.lines.no.clone(),
        Value::Text(label) => label.text.clone(),
        Value::Url(text) => text.clone(),
        Value::Coordinate { .. } | Value::Unknown | Value::Nothing => fact.object.text(&lexicon.language),
    }
}

/// The unit as it stands behind a number: the symbol, or the word in languages that write it without a space.
fn unit_name(unit: &Unit, value: f64, lexicon: &Lexicon) -> Option<String> {
    let own = |label: &&Label| label.language.as_ref().is_some_and(|own| own.matches(&lexicon.language));
    let word = unit.labels.iter().find(own).map(|label| &label.text);
    let symbol = (!unit.symbol.is_empty()).then_some(&unit.symbol);
    let name = if lexicon.language.is_unspaced() { word.or(symbol) } else { symbol.or(word) };
    let name = name.or(unit.labels.first().map(|label| &label.text))?;
    // "1 months" reads badly; English words for units are given in the plural.
    let is_word = Some(name) == word && lexicon.language.primary() == "en";
    let is_one = is_word && (value - 1.0).abs() < f64::EPSILON;
    Some(if is_one { name.strip_suffix('s').unwrap_or(name).to_owned() } else { name.clone() })
}

fn list(items: impl Iterator<Item = String>, group: &Group, lexicon: &Lexicon) -> String {
    let mut items: Vec<String> = items.collect();
    if group.more > 0 {
        let more = lexicon.lines.more.replace("{count}", &group.more.to_string());
        let gap = if lexicon.language.is_unspaced() { "" } else { " " };
        return format!("{}{gap}{more}", items.join(&lexicon.realise.separator));
    }
    let Some(last) = items.pop() else { return String::new() };
    if items.is_empty() {
        last
    } else {
        format!("{}{}{last}", items.join(&lexicon.realise.separator), lexicon.realise.last_separator)
    }
}

/// `777486` as `777,486`; four digits stay together, and so do the decimals.
fn grouped(lexical: &str, separator: &str) -> String {
    let (sign, unsigned) = lexical.strip_prefix('-').map_or(("", lexical), |rest| ("-", rest));
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let decimals = if decimals.bytes().all(|b| b == b'0') { "" } else { decimals };
    if !whole.bytes().all(|b| b.is_ascii_digit()) {
        return lexical.to_owned();
    }
    let mut digits = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if whole.len() > 4 && index > 0 && (whole.len() - index).is_multiple_of(3) {
            digits.push_str(separator);
        }
        digits.push(digit);
    }
    if decimals.is_empty() { format!("{sign}{digits}") } else { format!("{sign}{digits}.{decimals}") }
}

fn date(text: &str, lexicon: &Lexicon) -> String {
    let Some(date) = parse_iso_date(text) else { return text.to_owned() };
    let (Some(year), Some(month), Some(day)) = (date.year, date.month, date.day) else {
        return text.to_owned();
    };
    let Some(name) = lexicon.realise.month_names.get(month as usize - 1) else { return text.to_owned() };
    fill(&lexicon.realise.date, &[("year", &year.to_string()), ("month", name), ("day", &day.to_string())])
}

/// With a capital first letter, unless the first word has capitals of its own ("iPhone").
fn capitalised(text: &str) -> String {
    let first_word = text.split_whitespace().next().unwrap_or_default();
    if !first_word.chars().all(char::is_lowercase) {
        return text.to_owned();
    }
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Replaces each `{key}` in one pass, so that a value with braces stays as it is.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let values: BTreeMap<&str, &str> = values.iter().copied().collect();
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        match after.split_once('}').and_then(|(key, tail)| Some((values.get(key)?, tail))) {
            Some((value, tail)) => {
                filled.push_str(value);
                rest = tail;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexicon::Lexicons;

    #[test]
    fn numbers_are_grouped_and_keep_their_decimals() {
        for (lexical, written) in [
            ("884546", "884,546"),
            ("38394.0", "38,394"),
            ("1999", "1999"),
            ("129.50", "129.50"),
            ("-12345.5", "-12,345.5"),
        ] {
            assert_eq!(grouped(lexical, ","), written);
        }
    }

    #[test]
    fn a_value_with_braces_stays_a_value() {
        assert_eq!(fill("{subject}: {object}", &[("subject", "{object}"), ("object", "x")]), "{object}: x");
        assert_eq!(fill("a { b {object}", &[("object", "x")]), "a { b x");
    }

    #[test]
    fn dates_are_written_out() {
        let lexicons = Lexicons::builtin().unwrap();
        assert_eq!(date("2026-12-03", lexicons.of(&loquat_contract::Language::english())), "3 December 2026");
        assert_eq!(date("2026-12-03", lexicons.of(&loquat_contract::Language::chinese())), "2026年12月3日");
    }

    #[test]
    fn only_words_in_lower_case_get_a_capital() {
        assert_eq!(capitalised("the Netherlands borders Belgium."), "The Netherlands borders Belgium.");
        assert_eq!(capitalised("iPhone 15 is in stock."), "iPhone 15 is in stock.");
    }
}
