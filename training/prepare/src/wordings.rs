//! How people ask and answer. In: files of patterns. Out: the questions and the answers that they make of a fact. What of it is right, the
//! engine decides.

use std::path::Path;

use loquat_contract::Language;
use serde::Deserialize;

use crate::error::PrepareError;

const BUILT_IN: [(&str, &str); 2] =
    [("en.toml", include_str!("../wordings/en.toml")), ("zh.toml", include_str!("../wordings/zh.toml"))];

/// The patterns of several languages.
#[derive(Clone, Debug)]
pub struct Wordings(Vec<File>);

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    language: String,
    #[serde(default)]
    general: Forms,
    #[serde(default)]
    relation: Vec<Relation>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Relation {
    of: Vec<String>,
    #[serde(default)]
    noun: Vec<String>,
    #[serde(default)]
    ask: Vec<String>,
    #[serde(default)]
    say: Vec<String>,
    #[serde(default)]
    several: Vec<String>,
    #[serde(default)]
    polar: Vec<String>,
    #[serde(default)]
    wrong: Vec<String>,
    #[serde(default)]
    again: Vec<String>,
}

/// The patterns of one language for any relation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Forms {
    ask: Vec<String>,
    say: Vec<String>,
    several: Vec<String>,
    polar: Vec<String>,
    wrong: Vec<String>,
    again: Vec<String>,
    its: Vec<String>,
    hop: Vec<String>,
}

/// What patterns are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// To ask for the object.
    Ask,
    /// To say a fact.
    Say,
    /// To say several facts of one subject.
    Several,
    /// To ask whether the object is that.
    Polar,
    /// To ask for more about what is wrong.
    Wrong,
    /// To ask the same of another subject.
    Again,
    /// To ask something else of the same subject.
    Its,
    /// To ask for something of the object.
    Hop,
}

/// The words of a fact, or of several that are said together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names<'a> {
    pub(crate) subject: &'a str,
    pub(crate) object: &'a str,
    /// The relation's label in the graph.
    pub(crate) relation: &'a str,
    /// The label of a further relation.
    pub(crate) second: &'a str,
}

impl Wordings {
    /// The built-in patterns, behind those of these files.
    ///
    /// # Errors
    /// When a file cannot be read or is not understood.
    pub fn read<'a>(files: impl IntoIterator<Item = &'a Path>) -> Result<Self, PrepareError> {
        let mut all = Vec::new();
        for path in files {
            let text = std::fs::read_to_string(path)
                .map_err(|source| PrepareError::Read { path: path.to_owned(), source })?;
            all.push(parse(path, &text)?);
        }
        for (name, text) in BUILT_IN {
            all.push(parse(Path::new(name), text)?);
        }
        Ok(Self(all))
    }

    /// The texts that the patterns for `of` make of these names, the relation's own first; each once.
    pub(crate) fn make(&self, of: Use, names: &Names<'_>, language: &Language) -> Vec<String> {
        let mut made: Vec<String> = Vec::new();
        let mut add = |pattern: &str, noun: &str, second: &str| {
            let said = fill(pattern, names, noun, second);
            if let Some(said) = said.filter(|said| !made.contains(said)) {
                made.push(said);
            }
        };
        let seconds = self.nouns(names.second, language);
        let second = seconds.first().map_or("", String::as_str);
        for relation in self.about(names.relation, language) {
            relation.forms(of).iter().for_each(|pattern| add(pattern, "", second));
        }
        let nouns = self.nouns(names.relation, language);
        for file in self.of(language) {
            for pattern in file.general.of(of) {
                let is_of_relation = pattern.contains("{relation}");
                let nouns: &[String] = if is_of_relation { &nouns } else { &[String::new()] };
                nouns.iter().for_each(|noun| add(pattern, noun, second));
            }
        }
        made
    }

    /// The nouns by which a relation is called; its label, where nothing is known of it and it reads as one.
    pub(crate) fn nouns(&self, label: &str, language: &Language) -> Vec<String> {
        let mut known = self.about(label, language).peekable();
        if known.peek().is_some() {
            let mut nouns: Vec<String> = known.flat_map(|relation| relation.noun.iter().cloned()).collect();
            nouns.dedup();
            return nouns;
        }
        let readable = label.replace('_', " ");
        if reads_as_noun(&readable, language) { vec![readable] } else { Vec::new() }
    }

    /// Whether one relation may be said, or asked for, in the words of the other.
    pub(crate) fn are_alike(&self, one: &str, other: &str, language: &Language) -> bool {
        if folded(one) == folded(other) {
            return true;
        }
        let forms = |label: &str| -> Vec<&String> {
            self.about(label, language).flat_map(|relation| relation.say.iter().chain(&relation.ask)).collect()
        };
        let others = forms(other);
        forms(one).iter().any(|form| others.contains(form))
    }

    fn of(&self, language: &Language) -> impl Iterator<Item = &File> {
        self.0.iter().filter(|file| Language::new(&file.language).matches(language))
    }

    fn about(&self, label: &str, language: &Language) -> impl Iterator<Item = &Relation> {
        let label = folded(label);
        self.of(language)
            .flat_map(|file| &file.relation)
            .filter(move |relation| relation.of.iter().any(|name| folded(name) == label))
    }
}

impl Relation {
    fn forms(&self, of: Use) -> &[String] {
        match of {
            Use::Ask => &self.ask,
            Use::Say => &self.say,
            Use::Several => &self.several,
            Use::Polar => &self.polar,
            Use::Wrong => &self.wrong,
            Use::Again => &self.again,
            Use::Its | Use::Hop => &[],
        }
    }
}

impl Forms {
    fn of(&self, of: Use) -> &[String] {
        match of {
            Use::Ask => &self.ask,
            Use::Say => &self.say,
            Use::Several => &self.several,
            Use::Polar => &self.polar,
            Use::Wrong => &self.wrong,
            Use::Again => &self.again,
            Use::Its => &self.its,
            Use::Hop => &self.hop,
        }
    }
}

fn parse(path: &Path, text: &str) -> Result<File, PrepareError> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        PrepareError::Line { path: path.to_owned(), line, reason: error.message().to_owned() }
    })
}

/// The pattern with its names; `None` where it wants one that there is not.
fn fill(pattern: &str, names: &Names<'_>, noun: &str, second: &str) -> Option<String> {
    let begins_with_vowel = names.object.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']);
    let article = if begins_with_vowel { "an" } else { "a" };
    let mut filled = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let (key, after) = after.split_once('}')?;
        let value = match key {
            "subject" => names.subject,
            "object" => names.object,
            "relation" => noun,
            "second" => second,
            "a" => article,
            _ => return None,
        };
        if value.is_empty() {
            return None;
        }
        filled.push_str(before);
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    // What was written with a small letter on purpose stays so.
    let begins_with_name = pattern.starts_with('{') && !names.subject.starts_with(|c: char| c.is_uppercase());
    Some(if begins_with_name { capitalised(&filled) } else { filled })
}

/// With a capital first letter, unless the first word has capitals of its own ("iPhone").
fn capitalised(text: &str) -> String {
    let first = text.split_whitespace().next().unwrap_or_default();
    let mut chars = text.chars();
    match chars.next() {
        Some(c) if first.chars().all(|c| !c.is_uppercase()) => c.to_uppercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

/// Whether "the LABEL of X" can be said: no verb, no preposition at its end.
fn reads_as_noun(label: &str, language: &Language) -> bool {
    if language.is_unspaced() {
        return label.chars().all(|c| !c.is_ascii_alphabetic());
    }
    let words: Vec<&str> = label.split_whitespace().collect();
    let ends = ["by", "in", "at", "on", "of", "to", "from", "with", "for", "as", "into", "about", "through"];
    let begins = ["has", "is", "was", "are", "were", "had"];
    let is_word = |list: &[&str], word: Option<&&str>| word.is_some_and(|word| list.contains(word));
    let is_plain = label.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'));
    !words.is_empty() && is_plain && !is_word(&ends, words.last()) && !is_word(&begins, words.first())
}

fn folded(label: &str) -> String {
    label.replace('_', " ").trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(of: Use, relation: &str, language: &str) -> Vec<String> {
        let names = Names { subject: "Bhutan", object: "Thimphu", relation, second: "population" };
        Wordings::read([]).unwrap().make(of, &names, &Language::new(language))
    }

    #[test]
    fn a_relation_is_asked_for_by_its_own_patterns_and_by_its_nouns() {
        let asked = made(Use::Ask, "capital", "en");
        assert_eq!(asked[0], "Which city is the capital of Bhutan?");
        assert!(asked.contains(&"What is the capital city of Bhutan?".to_owned()), "{asked:?}");
        assert_eq!(made(Use::Hop, "capital", "en")[0], "What is the population of the capital of Bhutan?");
        assert!(made(Use::Ask, "首都", "zh").contains(&"Bhutan的首都在哪里？".to_owned()));
    }

    #[test]
    fn what_is_no_noun_is_not_made_one() {
        assert_eq!(made(Use::Ask, "educated at", "en").iter().filter(|q| q.contains("educated at of")).count(), 0);
        assert_eq!(made(Use::Ask, "twinned_with", "en"), Vec::<String>::new());
        assert_eq!(made(Use::Ask, "motto", "en")[0], "What is the motto of Bhutan?");
        let actor = Names { subject: "nimbus", object: "actor", relation: "occupation", second: "" };
        let said = Wordings::read([]).unwrap().make(Use::Say, &actor, &Language::english());
        assert_eq!(said[0], "Nimbus works as an actor.");
    }

    #[test]
    fn a_file_that_is_wrong_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.toml");
        std::fs::write(&path, "language = \"en\"\n[[relation]]\nof = [\"x\"]\nsays = []\n").unwrap();
        let said = Wordings::read([path.as_path()]).unwrap_err().to_string();
        assert!(said.contains("own.toml:4") && said.contains("says"), "{said}");
    }
}
