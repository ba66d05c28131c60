//! Facts in words. In: a group of facts. Out: one sentence made from the predicate's template; where the graph has none, from what is
//! known of relations in general (`phrasing`). What follows from several facts is said by `conclude`.

mod conclude;
mod form;
mod label;
mod path;
mod phrasing;
mod value;

use std::collections::BTreeMap;

use loquat_contract::{Citation, Fact, Label, Value};

use crate::ground::Group;
use crate::lexicon::Lexicon;
pub(crate) use label::readable;
pub(crate) use phrasing::{Phrasings, phrasing};
pub(crate) use value::object;

/// So many subjects stand behind their object rather than before it.
const MANY: usize = 3;

/// A sentence with the place where its objects begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Realised {
    pub(crate) text: String,
    /// The words before the objects, where the sentence ends with them: what a model can be made to continue.
    pub(crate) head: Option<String>,
    /// Whether it begins with a word of its own ("The") rather than with a name.
    pub(crate) opens_with_word: bool,
}

/// One sentence that says all facts of the group, or what follows from them.
pub(crate) fn realise(facts: &[Fact], group: &Group, lexicon: &Lexicon) -> Option<Realised> {
    let members: Vec<&Fact> = group.facts.iter().filter_map(|index| facts.get(*index)).collect();
    match &group.conclusion {
        Some(conclusion) => {
            let text = conclude::conclude(&members, conclusion, lexicon)?;
            Some(Realised { text, head: None, opens_with_word: true })
        }
        None => say(&members, group.lists_subjects, group.more, lexicon),
    }
}

/// One sentence that says all of these facts, which have a predicate in common, and their subject or their object.
fn say(members: &[&Fact], lists_subjects: bool, more: usize, lexicon: &Lexicon) -> Option<Realised> {
    let first = *members.first()?;
    let several = members.len() + more;
    let template = template(first, several, lists_subjects, lexicon);
    let subjects = || members.iter().map(|fact| fact.subject.name_in_sentence(&lexicon.language));
    let objects = || members.iter().map(|fact| object(fact, lexicon));
    let (subject, object) = if lists_subjects {
        (list(subjects(), more, lexicon), object(first, lexicon))
    } else {
        (first.subject.name_in_sentence(&lexicon.language), list(objects(), more, lexicon))
    };
    Some(compose(
        &template,
        &first.object,
        first.predicate.label(&lexicon.language),
        &subject,
        &object,
        lexicon,
    ))
    .map(|realised| Realised { head: realised.head.filter(|_| !lists_subjects), ..realised })
}

/// The template with its names.
fn compose(
    template: &str,
    value: &Value,
    predicate: &str,
    subject: &str,
    object: &str,
    lexicon: &Lexicon,
) -> Realised {
    let predicate = readable(predicate);
    let is_day = matches!(value, Value::Date(text) if text.trim_start_matches('-').matches('-').count() == 2);
    let on = if is_day { &lexicon.realise.before_day } else { &lexicon.realise.before_year };
    let values =
        [("predicate", predicate.as_str()), ("subject", subject), ("object", object), ("on", on.as_str())];
    let say = |template: &str| capitalised(&fill(template, &values));
    let parts = template.split_once("{object}");
    let head = parts.map(|(head, _)| say(head).trim_end().to_owned()).filter(|head| !head.is_empty());
    let ends_with_object = parts.is_some_and(|(_, tail)| tail.chars().count() <= 1);
    // A text that ends a sentence by itself brings its own full stop.
    let said = say(template);
    let text = said.strip_suffix("..").map_or_else(|| said.clone(), |text| format!("{text}."));
    Realised { text, head: head.filter(|_| ends_with_object), opens_with_word: !template.starts_with('{') }
}

/// The sentence for a group that begins with this fact: the predicate's own where it has one that fits, else that of relations like it.
fn template(fact: &Fact, count: usize, lists_subjects: bool, lexicon: &Lexicon) -> String {
    let several = count > 1;
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
    special.or_else(|| own(&templates.single)).filter(agrees).unwrap_or_else(|| {
        let made = phrasing(&fact.predicate, matches!(fact.object, Value::Date(_)), lexicon);
        match (several, lists_subjects) {
            (true, true) if count > MANY => made.many_subjects.clone(),
            (true, true) => made.subjects.clone(),
            (true, false) => made.plural.clone(),
            (false, _) => made.single.clone(),
        }
    })
}

/// The fact as a citation.
pub(crate) fn cite(fact: &Fact, lexicon: &Lexicon) -> Citation {
    Citation {
        id: fact.id.clone(),
        entity: fact.subject.id.clone(),
        subject: sayable(fact.subject.label(&lexicon.language)),
        predicate: sayable(fact.predicate.label(&lexicon.language)),
        object: sayable(&object(fact, lexicon)),
        source: fact.source.clone(),
        since: fact.generation,
    }
}

/// "A, B and C", or "A, B and 7 more".
fn list(items: impl Iterator<Item = String>, more: usize, lexicon: &Lexicon) -> String {
    let mut items: Vec<String> = items.collect();
    if more > 0 {
        let more = lexicon.lines.more.replace("{count}", &more.to_string());
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

/// With a capital first letter, unless the first word has capitals of its own ("iPhone").
fn capitalised(text: &str) -> String {
    let first_word = text.split_whitespace().next().unwrap_or_default();
    if !first_word.chars().all(char::is_lowercase) {
        return text.to_owned();
    }
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// A text of the graph, or of a person, as it may be shown: without control characters, marks that turn the direction of the text around
/// them, and characters that nobody sees. Joiners stay; scripts and pictures need them.
fn sayable(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t')
            || matches!(c, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
    };
    text.chars().filter(|c| !is_hidden(*c)).collect()
}

/// Replaces each `{key}` in one pass, so that a value with braces stays as it is. Values are made [`sayable`].
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let values: BTreeMap<&str, &str> = values.iter().copied().collect();
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        match after.split_once('}').and_then(|(key, tail)| Some((values.get(key)?, tail))) {
            Some((value, tail)) => {
                filled.push_str(&sayable(value));
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
mod tests;
