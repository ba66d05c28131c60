//! Likeness of words. In: two words. Out: how surely they mean the same, from 0 to 1. Knows no questions and no graph.

use std::fmt;

use loquat_text::is_han;
use rust_stemmers::{Algorithm, Stemmer};

/// The stemmer of a language (Porter 1980 and its successors in Snowball), if it has one.
pub(super) struct Stems(Option<Stemmer>);

impl fmt::Debug for Stems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Stems" } else { "Stems(none)" })
    }
}

impl Stems {
    pub(super) fn english() -> Self {
        Self(Some(Stemmer::create(Algorithm::English)))
    }

    pub(super) fn german() -> Self {
        Self(Some(Stemmer::create(Algorithm::German)))
    }

    pub(super) fn none() -> Self {
        Self(None)
    }

    /// The stem of a word in lower case.
    pub(super) fn stem(&self, word: &str) -> String {
        match &self.0 {
            Some(stemmer) if !word.chars().any(is_han) => stemmer.stem(word).into_owned(),
            _ => word.to_owned(),
        }
    }

    /// The stems of a phrase, with one space between them.
    pub(super) fn phrase(&self, phrase: &str) -> String {
        phrase.to_lowercase().split_whitespace().map(|word| self.stem(word)).collect::<Vec<_>>().join(" ")
    }
}

/// The shortest word that is compared by its parts.
const PART: usize = 4;

/// How like two stems are: the same, one the beginning of the other or nearly, one a part of the other's compound ("Geburtsort",
/// "screenwriter"), or one mistyped (Jaro–Winkler, Winkler 1990).
pub(super) fn likeness(a: &str, b: &str) -> f32 {
    if a == b {
        return 1.0;
    }
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    if short.len() < PART || short.chars().any(is_han) {
        return 0.0;
    }
    let common = short.bytes().zip(long.bytes()).take_while(|(x, y)| x == y).count();
    let prefix = common as f32 / long.len() as f32;
    let begins = if common >= PART && prefix >= 0.6 {
        0.9 * prefix.max(common as f32 / short.len() as f32 * 0.95)
    } else {
        0.0
    };
    // What stands before it has to be a word too: "screen", and not "per" in "perform".
    let rest = long.len() - short.len();
    let is_part = long.ends_with(short) && (rest >= PART || short.len() > PART)
        || (short.len() > PART && long.contains(short));
    let part = if is_part { 0.75 } else { 0.0 };
    let mistyped = if short.len() >= 5 && long.len() - short.len() <= 2 {
        Some(0.8 * strsim::jaro_winkler(short, long) as f32).filter(|near| *near >= 0.8 * 0.92).unwrap_or(0.0)
    } else {
        0.0
    };
    begins.max(part).max(mistyped)
}

#[cfg(test)]
mod tests {
    use super::{Stems, likeness};

    #[test]
    fn forms_compounds_and_misspellings_are_like_and_others_are_not() {
        let stems = Stems::english();
        assert_eq!(stems.phrase("Directed by"), "direct by");
        assert!(likeness("direct", "director") > 0.6);
        assert!(likeness("screenwrit", "writ") > 0.7);
        assert!(likeness("capitol", "capital") > 0.7);
        assert_eq!(likeness("form", "perform"), 0.0);
        assert_eq!(likeness("born", "died"), 0.0);
        assert_eq!(likeness("label", "language"), 0.0);
    }
}
