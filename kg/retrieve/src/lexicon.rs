//! Words that ask. In: the data files of `kg/retrieve/lexicon`. Out: per language, what stands for what and what is asked by which words.
//! Knows no graph.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use loquat_contract::Language;
use loquat_text::{is_han, simplified};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Deserialize;

use super::words::Stems;

/// What kind of value an answer is expected to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Expected {
    /// Nothing is said of it.
    #[default]
    Any,
    /// Somebody, something or some place.
    Entity,
    /// A date or a year.
    Date,
    /// A number.
    Number,
    /// A number, or how many there are.
    Count,
}

/// What a question word asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    /// Words of relations that it may be answered by.
    pub(super) words: Vec<String>,
    /// The kind of the answer.
    pub(super) expects: Expected,
    /// Whether it is also a word for a relation, as "year" is and "when" is not.
    #[serde(default)]
    pub(super) content: bool,
    /// Whether it asks where something is.
    #[serde(default)]
    pub(super) place: bool,
}

/// Which end of an order is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Most {
    /// The greatest number, the latest date.
    Greatest,
    /// The least number, the earliest date.
    Least,
}

/// Words that compare.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Comparing {
    /// "longer", "longest".
    pub(super) words: Vec<String>,
    /// Words of relations whose values are compared, the likeliest first.
    pub(super) attributes: Vec<String>,
    /// Which end.
    pub(super) most: Most,
    /// Whether dates are compared rather than amounts.
    #[serde(default)]
    pub(super) dates: bool,
}

/// Words that bound a time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeWords {
    pub(super) before: Vec<String>,
    pub(super) after: Vec<String>,
    pub(super) between: Vec<String>,
    pub(super) during: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    stop: Vec<String>,
    plain: Vec<String>,
    #[serde(default)]
    things: Vec<String>,
    #[serde(default)]
    light: Vec<String>,
    articles: Vec<String>,
    of: Vec<String>,
    owner: Vec<String>,
    families: Vec<Vec<String>>,
    common: Vec<String>,
    alternatives: Vec<String>,
    negation: Vec<String>,
    yes_no: Vec<String>,
    list: Vec<String>,
    asks: BTreeMap<String, Ask>,
    comparing: Vec<Comparing>,
    time: TimeWords,
}

/// The words of one language.
#[derive(Debug)]
pub(super) struct Lexicon {
    pub(super) stems: Stems,
    pub(super) stop: FxHashSet<String>,
    /// Function words of several Chinese characters.
    pub(super) stop_phrases: Vec<String>,
    /// Stems of words for what kind of thing is meant, and of talk about the question: they need no fact.
    pub(super) plain: FxHashSet<String>,
    /// Of these, stems of words for things that a question leads over or asks for: "film".
    pub(super) things: FxHashSet<String>,
    /// Chinese words in names of relations that say what kind of value is meant, or narrow it.
    light: Vec<Vec<char>>,
    pub(super) articles: FxHashSet<String>,
    /// Words between a relation and who has it, "the capital of Spain", and behind who has it, "Spain's capital".
    pub(super) of: FxHashSet<String>,
    pub(super) owner: FxHashSet<String>,
    /// A word or phrase, stemmed → the families it belongs to.
    pub(super) member_of: FxHashMap<String, Vec<usize>>,
    /// The members of each family, stemmed.
    pub(super) families: Vec<Vec<String>>,
    /// "share", "same".
    pub(super) common: FxHashSet<String>,
    pub(super) alternatives: FxHashSet<String>,
    pub(super) negation: FxHashSet<String>,
    pub(super) yes_no: Vec<String>,
    pub(super) list: Vec<String>,
    /// Longest first.
    pub(super) asks: Vec<(String, Ask)>,
    pub(super) comparing: Vec<Comparing>,
    pub(super) time: TimeWords,
}

impl Lexicon {
    /// The lexicon for questions in `language`; English where there is none.
    pub(super) fn of(language: &Language) -> &'static Lexicon {
        static ALL: OnceLock<[Lexicon; 3]> = OnceLock::new();
        let all = ALL.get_or_init(|| {
            [
                Lexicon::read(include_str!("../lexicon/en.toml"), Stems::english()),
                Lexicon::read(include_str!("../lexicon/zh.toml"), Stems::none()),
                Lexicon::read(include_str!("../lexicon/de.toml"), Stems::german()),
            ]
        });
        match language.primary() {
            "zh" => &all[1],
            "de" => &all[2],
            _ => &all[0],
        }
    }

    /// For each character of a relation's name, whether a light word begins or ends the name with it; never all of them.
    pub(super) fn light_of(&self, name: &[char]) -> Vec<bool> {
        let mut light = vec![false; name.len()];
        let shorter = |word: &&Vec<char>| word.len() < name.len();
        if let Some(word) = self.light.iter().filter(shorter).find(|word| name.ends_with(word)) {
            light[name.len() - word.len()..].fill(true);
        }
        if let Some(word) = self.light.iter().filter(shorter).find(|word| name.starts_with(word)) {
            light[..word.len()].fill(true);
        }
        if light.iter().all(|light| *light) {
            light.fill(false);
        }
        light
    }

    /// The language that a question's words speak for: Chinese by its script, German where more of its words are German
    /// function words than English ones, else English.
    pub(super) fn guess(text: &str) -> Language {
        if text.chars().any(is_han) {
            return Language::chinese();
        }
        let known = |language: &str| {
            let lexicon = Lexicon::of(&Language::new(language));
            let lower = text.to_lowercase();
            let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
            words
                .filter(|word| {
                    lexicon.stop.contains(*word) || lexicon.asks.iter().any(|(ask, _)| ask == word)
                })
                .count()
        };
        if known("de") > known("en") { Language::new("de") } else { Language::english() }
    }

    /// Reads a data file. One that is wrong leaves its language without words, which a test would show.
    fn read(text: &str, stems: Stems) -> Self {
        let file: Option<File> = toml::from_str(text).ok();
        let file = file.unwrap_or_else(|| File {
            stop: Vec::new(),
            plain: Vec::new(),
            things: Vec::new(),
            light: Vec::new(),
            articles: Vec::new(),
            of: Vec::new(),
            owner: Vec::new(),
            families: Vec::new(),
            common: Vec::new(),
            alternatives: Vec::new(),
            negation: Vec::new(),
            yes_no: Vec::new(),
            list: Vec::new(),
            asks: BTreeMap::new(),
            comparing: Vec::new(),
            time: TimeWords {
                before: Vec::new(),
                after: Vec::new(),
                between: Vec::new(),
                during: Vec::new(),
            },
        });
        let mut member_of: FxHashMap<String, Vec<usize>> = FxHashMap::default();
        let stemmed = |phrase: &String| stems.phrase(&phrase.chars().map(simplified).collect::<String>());
        let families: Vec<Vec<String>> =
            file.families.iter().map(|family| family.iter().map(stemmed).collect()).collect();
        for (number, family) in families.iter().enumerate() {
            for member in family {
                let of = member_of.entry(member.clone()).or_default();
                if !of.contains(&number) {
                    of.push(number);
                }
            }
        }
        let mut light: Vec<Vec<char>> = file.light.iter().map(|word| word.chars().collect()).collect();
        light.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let mut asks: Vec<(String, Ask)> = file.asks.into_iter().collect();
        asks.sort_by_key(|(words, _)| std::cmp::Reverse(words.chars().count()));
        let unspaced = |word: &&String| word.chars().any(is_han) && word.chars().count() > 1;
        let stop_phrases = file.stop.iter().chain(&file.plain).filter(unspaced).cloned().collect();
        Self {
            stop_phrases,
            plain: file.plain.iter().map(|word| stems.stem(word)).collect(),
            things: file.things.iter().map(|word| stems.stem(word)).collect(),
            light,
            stop: file.stop.into_iter().collect(),
            articles: file.articles.into_iter().collect(),
            of: file.of.into_iter().collect(),
            owner: file.owner.into_iter().collect(),
            member_of,
            families,
            common: file.common.iter().map(|word| stems.stem(word)).collect(),
            alternatives: file.alternatives.into_iter().collect(),
            negation: file.negation.into_iter().collect(),
            yes_no: file.yes_no,
            list: file.list,
            asks,
            comparing: file.comparing,
            time: file.time,
            stems,
        }
    }
}

#[cfg(test)]
mod tests {
    use loquat_contract::Language;

    use super::Lexicon;

    #[test]
    fn every_language_has_its_words_and_is_told_by_them() {
        for language in ["en", "zh", "de"] {
            let lexicon = Lexicon::of(&Language::new(language));
            assert!(lexicon.families.len() > 20 && lexicon.asks.len() > 10, "{language}");
        }
        assert_eq!(Lexicon::guess("Wer hat das Buch geschrieben?").as_str(), "de");
        assert_eq!(Lexicon::guess("who wrote the book").as_str(), "en");
        assert_eq!(Lexicon::guess("作者是谁").as_str(), "zh");
    }
}
