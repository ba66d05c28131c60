//! Text as comparable words. In: text in any language. Out: words with their place and a key that ignores case, width,
//! script variant and inflection. Knows nothing of facts.

use std::borrow::Cow;
use std::ops::Range;

use loquat_contract::Language;
use loquat_text::{is_han, simplified};
use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// Titles and the like, whose full stop ends no sentence.
const ABBREVIATIONS: [&str; 34] = [
    "mr", "mrs", "ms", "dr", "prof", "st", "no", "vs", "etc", "e.g", "i.e", "approx", "inc", "ltd", "bros",
    "capt", "cf", "col", "ft", "gen", "gov", "hon", "jr", "lt", "maj", "mt", "nos", "op", "pt", "rev", "sen",
    "sgt", "sr", "vol",
];

/// A word, or one character of a script without spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Byte offsets into the text.
    pub(crate) range: Range<usize>,
    /// Lower case, NFKC, simplified characters.
    pub(crate) folded: String,
    /// `folded` without its inflection: what words are compared by.
    pub(crate) key: String,
    /// Whether it begins with a capital, as names do.
    pub(crate) is_capitalised: bool,
}

impl Word {
    /// Whether it is a Han character.
    pub(crate) fn is_han(&self) -> bool {
        has_han(&self.folded)
    }
}

/// Whether the text has a Han character.
pub(crate) fn has_han(text: &str) -> bool {
    text.chars().any(is_han)
}

/// Lower case, compatibility forms resolved, traditional characters simplified.
pub(crate) fn fold(text: &str) -> String {
    let folded: String = text.nfkc().collect::<String>().to_lowercase().replace('’', "'");
    folded.chars().map(simplified).collect()
}

/// Splits text into [`Word`]s; the stemmer is that of `language`, so compare only words cut for the same language.
pub(crate) fn words(text: &str, language: &Language) -> Vec<Word> {
    let stemmer = stemmer(language);
    let mut words = Vec::new();
    for (start, piece) in text.unicode_word_indices() {
        let (number, rest) = split_number(piece);
        let number = (!number.is_empty()).then_some(start..start + number.len());
        let rest = start + piece.len() - rest.len()..start + piece.len();
        let rest = with_apostrophe(rest, text);
        for part in number.into_iter().chain(split_possessive(rest, text)) {
            let folded = fold(&text[part.clone()]);
            let key = match &stemmer {
                Some(stemmer) => stemmer.stem(folded.trim_start_matches('\'')),
                None => Cow::Borrowed(folded.trim_start_matches('\'')),
            };
            let is_capitalised = text[part.clone()].chars().next().is_some_and(char::is_uppercase);
            words.push(Word { range: part, key: key.into_owned(), folded: folded.clone(), is_capitalised });
        }
    }
    words
}

/// The keys of a name's words.
pub(crate) fn keys(text: &str, language: &Language) -> Vec<String> {
    words(text, language).into_iter().map(|word| word.key).collect()
}

/// Whether a full stop after this text ends no sentence: "Dr", "D.C".
pub(crate) fn is_abbreviation(before: &str) -> bool {
    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default().to_lowercase();
    let last = word.rsplit('.').next().unwrap_or_default();
    let is_initial = last.chars().count() == 1 && last.chars().all(char::is_alphabetic);
    is_initial || ABBREVIATIONS.contains(&word.as_str())
}

fn stemmer(language: &Language) -> Option<Stemmer> {
    let algorithm = match language.primary() {
        "en" => Algorithm::English,
        "de" => Algorithm::German,
        "fr" => Algorithm::French,
        "es" => Algorithm::Spanish,
        "it" => Algorithm::Italian,
        "pt" => Algorithm::Portuguese,
        _ => return None,
    };
    Some(Stemmer::create(algorithm))
}

/// "200g" as "200" and "g"; "3rd" and "1st" stay whole.
fn split_number(piece: &str) -> (&str, &str) {
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    let rest = piece.trim_start_matches(is_number);
    if rest.is_empty()
        || rest.len() == piece.len()
        || matches!(fold(rest).as_str(), "st" | "nd" | "rd" | "th")
    {
        return ("", piece);
    }
    piece.split_at(piece.len() - rest.len())
}

/// "Bhutan's" as "Bhutan" and "'s".
fn split_possessive(range: Range<usize>, text: &str) -> impl Iterator<Item = Range<usize>> {
    let piece = &text[range.clone()];
    let suffix = ["'s", "’s", "'S", "’S"]
        .into_iter()
        .find(|suffix| piece.ends_with(suffix) && piece.len() > suffix.len());
    let cut = range.end - suffix.map_or(0, str::len);
    [range.start..cut, cut..range.end].into_iter().filter(|part| !part.is_empty())
}

/// "s" with the apostrophe before it where that follows a number: word borders part the possessive of "Vol. 1's" from it.
///
/// After a sign it stays an "s": names are compared without signs, and "C++'s" would be what is said of C.
fn with_apostrophe(range: Range<usize>, text: &str) -> Range<usize> {
    let before = &text[..range.start];
    let owner = before.strip_suffix(['\'', '’']).filter(|owner| owner.ends_with(char::is_numeric));
    match owner {
        Some(owner) if matches!(&text[range.clone()], "s" | "S") => owner.len()..range.end,
        _ => range,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> Vec<String> {
        words(text, &Language::english()).into_iter().map(|word| word.folded).collect()
    }

    #[test]
    fn possessives_numbers_and_contractions_are_words() {
        assert_eq!(
            folded("Bhutan’s area isn't 38,394 km²."),
            ["bhutan", "'s", "area", "isn't", "38,394", "km", "2"]
        );
    }

    #[test]
    fn a_possessive_stands_alone_after_a_number() {
        assert_eq!(folded("Vol. 1's label, Area 51’s"), ["vol", "1", "'s", "label", "area", "51", "'s"]);
        assert_eq!(folded("C++'s designer"), ["c", "s", "designer"]);
        assert_eq!(folded("an 's and a 's'"), ["an", "s", "and", "a", "s"]);
    }

    #[test]
    fn numbers_are_cut_from_their_units() {
        assert_eq!(
            folded("5200g, 9,984,670km² on the 3rd"),
            ["5200", "g", "9,984,670", "km", "2", "on", "the", "3rd"]
        );
    }

    #[test]
    fn chinese_is_cut_into_simplified_characters() {
        assert_eq!(folded("臺灣 GDP"), ["台", "湾", "gdp"]);
    }

    #[test]
    fn inflections_share_a_key() {
        let language = Language::english();
        assert_eq!(keys("neighbouring currencies", &language), keys("neighbours currency", &language));
    }
}
