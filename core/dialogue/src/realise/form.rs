//! What kind of phrase a relation's name is. In: its name as words, and the lexicon's word lists. Out: its form, from which sentences
//! are made. Knows nothing of facts; where the lists are empty, everything is a noun.

use crate::lexicon::Lexicon;

/// The form of a relation's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// "capital", "place of birth": what the object is to the subject.
    Noun(String),
    /// "located in", "directed by", "part of": follows a form of "to be".
    Link {
        phrase: String,
        /// Whether it tells what was done once, rather than what is so.
        is_past: bool,
    },
    /// "belongs to", "borders", and after several subjects "belong to", "border".
    Verb { one: String, several: String },
}

/// Reads a name's form. A name that is only a verb in the past ("released") is followed by a date as "was released on" is, which
/// `leads_to_time` says.
pub(crate) fn form(name: &str, leads_to_time: bool, lexicon: &Lexicon) -> Form {
    if lexicon.language.is_unspaced() {
        return unspaced(name, lexicon);
    }
    let rules = &lexicon.realise.forms;
    let words: Vec<&str> = name.split(' ').collect();
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return Form::Noun(name.to_owned()) };
    let is_in = |list: &[String], word: &str| list.iter().any(|listed| listed.eq_ignore_ascii_case(word));
    let is_preposition = |word: &str| is_in(&rules.prepositions, word);
    let is_participle = |word: &str| {
        is_in(&rules.participles, word)
            || rules
                .participle_endings
                .iter()
                .any(|ending| word.len() > ending.len() + 1 && word.ends_with(ending))
                && !is_in(&rules.no_participles, word)
    };
    let is_past = |word: &str| !is_in(&rules.states, word);
    let several = words.len() > 1;
    if several && is_in(&rules.have, first) {
        return Form::Noun(words[1..].join(" "));
    }
    if several && (is_in(&rules.be, first) || is_in(&rules.been, first)) {
        return Form::Link { phrase: words[1..].join(" "), is_past: is_in(&rules.been, first) };
    }
    if several && is_preposition(first) {
        return Form::Noun(words[1..].join(" "));
    }
    if is_preposition(last) {
        let Some(before) = words.len().checked_sub(2).map(|at| words[at]) else {
            return Form::Link { phrase: name.to_owned(), is_past: false };
        };
        if is_participle(before) {
            return Form::Link { phrase: name.to_owned(), is_past: is_past(before) };
        }
        if is_in(&rules.of, last) && !is_in(&rules.verbs, before) {
            let article = if is_in(&rules.bare, before) { String::new() } else { rules.article(name) };
            return Form::Link { phrase: format!("{article}{name}"), is_past: false };
        }
        if is_in(&rules.verbs, before) || before.ends_with('s') && !before.ends_with("ss") {
            let rest = format!("{before} ");
            let base = name.replacen(&rest, &format!("{} ", pluralizer::pluralize(before, 1, false)), 1);
            return Form::Verb { one: name.to_owned(), several: base };
        }
        // "spouse to", "close to"
        return Form::Link { phrase: name.to_owned(), is_past: false };
    }
    if several && is_participle(first) && is_preposition(words[1]) {
        // "located in the administrative territorial entity": what follows tells the kind of the object.
        return Form::Link { phrase: words[..2].join(" "), is_past: is_past(first) };
    }
    if !several && is_in(&rules.verbs, first) {
        return Form::Verb { one: name.to_owned(), several: pluralizer::pluralize(name, 1, false) };
    }
    if !several && is_participle(first) {
        return if leads_to_time {
            Form::Link { phrase: name.to_owned(), is_past: true }
        } else {
            Form::Verb { one: name.to_owned(), several: name.to_owned() }
        };
    }
    Form::Noun(name.to_owned())
}

/// Chinese has its verbs without inflection: "位于", "毕业于", "包括".
fn unspaced(name: &str, lexicon: &Lexicon) -> Form {
    let rules = &lexicon.realise.forms;
    let ends = |ending: &String| name.chars().count() > 1 && name.ends_with(ending.as_str());
    if rules.verbs.iter().any(|verb| verb == name) || rules.verb_endings.iter().any(ends) {
        return Form::Verb { one: name.to_owned(), several: name.to_owned() };
    }
    Form::Noun(name.to_owned())
}

/// The noun for one and for several: "place of birth" and "places of birth"; a name that is in the plural already has its singular.
pub(crate) fn numbers(noun: &str, lexicon: &Lexicon) -> (String, String) {
    if lexicon.language.primary() != "en" {
        return (noun.to_owned(), noun.to_owned());
    }
    let rules = &lexicon.realise.forms;
    let words: Vec<&str> = noun.split(' ').collect();
    let is_participle = |word: &str| {
        rules.participle_endings.iter().any(|ending| word.ends_with(ending.as_str()))
            && !rules.no_participles.iter().any(|listed| listed == word)
    };
    let ends_head = |word: &&str| {
        rules.prepositions.iter().chain(&rules.participles).any(|listed| listed == word)
            || is_participle(word)
    };
    let head = words.iter().skip(1).position(ends_head).unwrap_or(words.len() - 1);
    let with_head = |number: isize| {
        let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let is_invariable = rules.invariable.iter().any(|word| word.eq_ignore_ascii_case(&words[head]));
        let is_abbreviation = words[head].len() > 1 && !words[head].chars().any(char::is_lowercase);
        if is_abbreviation {
            if number > 1 {
                words[head].push('s');
            }
        } else if !is_invariable {
            words[head] = pluralizer::pluralize(&words[head], number, false);
        }
        words.join(" ")
    };
    (with_head(1), with_head(2))
}
