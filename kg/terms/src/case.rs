//! What case and common words say about a stretch of text. In: the stretch and how a name is spelt. Out: a factor, or a no.

use std::ops::Range;

use crate::fold::{fold, is_unspaced, key, loosen};

/// English, German and French words of grammar, and words that questions begin with. Alone they name nothing, whatever
/// the graph holds.
const COMMON: &[&str] = &[
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "because",
    "been", "before", "being", "between", "both", "but", "by", "can", "compare", "could", "describe", "did",
    "do", "does", "each", "either", "else", "every", "few", "find", "first", "for", "from", "get", "give",
    "good", "had", "has", "have", "he", "hello", "her", "here", "hers", "hey", "hi", "him", "his", "how",
    "i", "if", "in", "into", "is", "it", "its", "just", "know", "last", "let", "like", "list", "made",
    "make", "many", "may", "me", "mine", "more", "most", "much", "must", "my", "name", "near", "need", "new",
    "no", "nor", "not", "now", "of", "off", "ok", "okay", "old", "on", "one", "only", "or", "other", "our",
    "ours", "out", "over", "please", "same", "say", "see", "shall", "she", "should", "show", "so", "some",
    "such", "sure", "take", "tell", "than", "thank", "thanks", "that", "the", "their", "them", "then",
    "there", "these", "they", "this", "those", "to", "too", "two", "under", "until", "up", "us", "use",
    "used", "very", "want", "was", "we", "well", "were", "what", "when", "where", "which", "who", "whom",
    "whose", "why", "will", "with", "would", "yes", "yet", "you", "your", "yours", "kind", "type", "sort",
    "thing", "things", "live", "lives", "work", "works", "born", "went", "der", "die", "das", "den", "dem",
    "des", "ein", "eine", "einen", "einer", "eines", "und", "oder", "ist", "sind", "war", "wer", "wie", "wo",
    "was", "wann", "warum", "welche", "welcher", "welches", "von", "zu", "mit", "im", "am", "in", "auf",
    "aus", "bei", "nach", "nicht", "ich", "du", "er", "sie", "es", "wir", "ihr", "hat", "haben", "man", "le",
    "la", "les", "un", "une", "et", "est", "que", "qui", "quel", "quelle", "où", "du", "au", "aux", "en",
];

/// Whether a folded word is one of grammar.
pub fn is_common(word: &str) -> bool {
    COMMON.contains(&word)
}

/// Words of German that hardly stand in another language's text.
const GERMAN: &[&str] = &[
    "ist", "und", "wie", "wer", "wo", "wann", "warum", "welche", "welcher", "welches", "nicht", "das", "ein",
    "eine", "einen", "sind", "wurde", "heißt", "heisst", "liegt", "hat", "gibt", "viele", "mit", "für",
    "dem",
];

/// What the message says about case as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// It has letters with case and all are capitals, so capitals mean nothing.
    pub shouting: bool,
    /// Words of grammar have capitals too, as in a headline.
    pub headline: bool,
    /// It is German, where any noun has a capital.
    pub german: bool,
}

impl Message {
    /// Reads the whole message.
    pub fn of(text: &str) -> Self {
        let capitals = text.chars().filter(|c| c.is_uppercase()).count();
        let words = || text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let lower = |word: &str| word.chars().all(char::is_lowercase);
        let capital = words().skip(1).filter(|word| !lower(word)).count();
        let grammar = words().skip(1).filter(|word| !lower(word) && is_common(&word.to_lowercase())).count();
        let german = words().filter(|word| GERMAN.contains(&word.to_lowercase().as_str())).count();
        Self {
            shouting: capitals > 3 && !text.chars().any(char::is_lowercase),
            headline: capital >= 4 && grammar >= 2 && words().skip(1).all(|word| !lower(word)),
            german: german >= 2,
        }
    }

    /// Whether a capital within a sentence marks a name.
    pub fn capitals_mark_names(self) -> bool {
        !self.shouting && !self.headline && !self.german
    }
}

/// How a name is spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spelling {
    /// It has a capital letter.
    pub capital: bool,
    /// It is three letters or fewer and has no lower-case letter: "US".
    pub acronym: bool,
}

impl Spelling {
    /// How this name is spelt.
    pub fn of(name: &str) -> Self {
        let capital = name.chars().any(char::is_uppercase);
        let short = || name.chars().filter(|c| c.is_alphabetic()).count() <= 3;
        Self { capital, acronym: capital && short() && !name.chars().any(char::is_lowercase) }
    }
}

/// A stretch of the message that some name matches.
pub struct Stretch<'a> {
    /// As it stands there.
    pub text: &'a str,
    /// As folded loosely.
    pub key: String,
    /// It is the first word of a sentence, where a capital means nothing.
    pub begins_sentence: bool,
    capital: bool,
    lower: bool,
    words: usize,
}

impl<'a> Stretch<'a> {
    /// The stretch of `message` in this range, which lies at the borders of characters.
    pub fn of(message: &'a str, range: Range<usize>) -> Self {
        let begins_sentence = begins_sentence(message, range.start);
        let text = &message[range];
        let key = key(&loosen(&fold(text)));
        let capital = text.chars().any(char::is_uppercase);
        let lower = text.chars().any(char::is_lowercase);
        let words = text.split_whitespace().count();
        Self { text, key, begins_sentence, capital, lower, words }
    }

    /// Whether these words cannot name anything: a single word of grammar, unless it is written as a name.
    pub fn is_grammar(&self, message: Message) -> bool {
        let letters = self.text.chars().filter(|c| c.is_alphabetic()).count();
        let as_name = self.capital && !self.begins_sentence && !message.shouting;
        let as_acronym = self.capital && !self.lower && letters > 1 && !message.shouting;
        self.words == 1 && is_common(&self.key) && !as_name && !as_acronym
    }

    /// Whether it begins in lower case, with no article, and goes on with a capital: "movie Crazy" of "the movie Crazy Heart".
    fn is_ragged(&self) -> bool {
        let first = self.text.split_whitespace().next().unwrap_or_default();
        let article = ["the", "a", "an", "der", "die", "das"].contains(&first);
        self.words > 1 && self.capital && !article && first.chars().all(char::is_lowercase)
    }

    /// How well the stretch fits a name by case, from 0 to 1; `None` where it cannot mean it. `is_predicate` tells whether
    /// a folded name is also that of a predicate, `of_predicate` whether it is a word of one.
    pub fn fit(
        &self,
        name: Spelling,
        is_predicate: impl Fn(&str) -> bool,
        of_predicate: impl Fn(&str) -> bool,
    ) -> Option<f32> {
        let letters = self.text.chars().filter(|c| c.is_alphabetic()).count();
        if letters == 0 && self.text.is_ascii() {
            // "7" or "$" is far more often a figure than a name.
            return (self.text.len() > 2).then_some(0.5);
        }
        if name.acronym && self.lower {
            return None;
        }
        let plain = self.text.chars().all(|c| c.is_alphabetic() && !is_unspaced(c));
        let noun = plain && self.lower && !self.capital;
        if noun && !name.capital {
            // A noun rather than a name; and one that names a predicate more likely asks for it.
            return Some(if of_predicate(&self.key) { 0.72 } else { 0.78 });
        }
        if !name.capital || self.capital || !self.lower {
            return Some(if self.is_ragged() { 0.85 } else { 1.0 });
        }
        // Lower case, and the name has a capital: people do write so, unless it is a word of its own.
        if letters <= 3 || is_predicate(&self.key) {
            return None;
        }
        Some(if self.words == 1 { 0.78 } else { 0.9 })
    }
}

/// Whether a sentence begins at this byte of a message.
pub fn begins_sentence(message: &str, at: usize) -> bool {
    let before = message[..at].trim_end_matches(|c: char| c.is_whitespace() || "\"'“‘«(¿¡".contains(c));
    before.is_empty() || before.ends_with(['.', '!', '?', ':', ';', '。', '！', '？', '\n'])
}

/// Whether the range is a single character of an unspaced script within a longer run of it: part of a word, not a name.
pub fn is_lone_character(message: &str, range: &Range<usize>) -> bool {
    let mut characters = message[range.clone()].chars();
    let alone = characters.next().is_some_and(is_unspaced) && characters.next().is_none();
    let before = message[..range.start].chars().next_back().is_some_and(is_unspaced);
    let after = message[range.end..].chars().next().is_some_and(is_unspaced);
    alone && (before || after)
}
