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

/// What the message says about case as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// It has letters with case and all are capitals, so capitals mean nothing.
    pub shouting: bool,
}

impl Message {
    /// Reads the whole message.
    pub fn of(text: &str) -> Self {
        let capitals = text.chars().filter(|c| c.is_uppercase()).count();
        Self { shouting: capitals > 3 && !text.chars().any(char::is_lowercase) }
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
        let (before, text) = (&message[..range.start], &message[range]);
        let before = before.trim_end_matches(|c: char| c.is_whitespace() || "\"'“‘«(¿¡".contains(c));
        let begins_sentence =
            before.is_empty() || before.ends_with(['.', '!', '?', ':', ';', '。', '！', '？', '\n']);
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

    /// How well the stretch fits a name by case, from 0 to 1; `None` where it cannot mean it. `is_predicate` tells whether
    /// a folded name is also that of a predicate.
    pub fn fit(&self, name: Spelling, is_predicate: impl Fn(&str) -> bool) -> Option<f32> {
        let letters = self.text.chars().filter(|c| c.is_alphabetic()).count();
        if letters == 0 && self.text.is_ascii() {
            // "7" or "$" is far more often a figure than a name.
            return (self.text.len() > 2).then_some(0.5);
        }
        if name.acronym && self.lower {
            return None;
        }
        if !name.capital || self.capital || !self.lower {
            return Some(1.0);
        }
        // Lower case, and the name has a capital: people do write so, unless it is a word of its own.
        if letters <= 3 || is_predicate(&self.key) {
            return None;
        }
        Some(if self.words == 1 { 0.7 } else { 0.9 })
    }
}

/// Whether the range is a single character of an unspaced script within a longer run of it: part of a word, not a name.
pub fn is_lone_character(message: &str, range: &Range<usize>) -> bool {
    let mut characters = message[range.clone()].chars();
    let alone = characters.next().is_some_and(is_unspaced) && characters.next().is_none();
    let before = message[..range.start].chars().next_back().is_some_and(is_unspaced);
    let after = message[range.end..].chars().next().is_some_and(is_unspaced);
    alone && (before || after)
}
