//! What looks like a name by its shape alone. In: a message. Out: its words, and runs of words that are written as names are.
//!
//! A run is capitalised words in a row, joined by small words such as "of" and "van der"; or what stands in Chinese quotation
//! marks. Capitals mean nothing in German, in headlines and in messages all in capitals: those have no runs of words.

use std::ops::Range;

use super::case::is_common;
use super::fold::is_unspaced;
use super::index::Index;
use super::scan::Text;

/// Small words within names. "And", "in" and "for" are none of them: they stand between two names as often.
const PARTICLES: [&str; 20] = [
    "of", "the", "de", "la", "le", "du", "des", "del", "von", "van", "der", "den", "di", "da", "do", "bin",
    "ibn", "al", "el", "y",
];

/// Words that stand before a name, with a capital, and are no part of it.
const TITLES: [&str; 48] = [
    "mr",
    "mrs",
    "ms",
    "miss",
    "dr",
    "prof",
    "professor",
    "sir",
    "dame",
    "lord",
    "lady",
    "saint",
    "president",
    "king",
    "queen",
    "prince",
    "princess",
    "emperor",
    "empress",
    "pope",
    "bishop",
    "chancellor",
    "minister",
    "premier",
    "senator",
    "governor",
    "mayor",
    "general",
    "captain",
    "colonel",
    "judge",
    "uncle",
    "aunt",
    "ceo",
    "director",
    "republic",
    "kingdom",
    "state",
    "city",
    "province",
    "town",
    "county",
    "island",
    "herr",
    "frau",
    "prime",
    "vice",
    "i",
];

/// Marks around titles of works and quotations where capitals cannot tell.
const MARKS: [(char, char); 5] = [('《', '》'), ('〈', '〉'), ('「', '」'), ('『', '』'), ('“', '”')];

/// A word of the message, in scripts with spaces.
#[derive(Clone, Debug)]
pub(super) struct Word {
    /// Its place among the loose characters.
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) range: Range<usize>,
    pub(super) key: String,
    /// It has a capital.
    pub(super) capital: bool,
    /// It is neither of grammar nor of a predicate: it may begin or end a misspelt name.
    pub(super) able: bool,
    /// It begins a sentence, where a capital means nothing.
    pub(super) begins: bool,
}

/// A stretch that looks like a name.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) range: Range<usize>,
    /// The words that make it one; none for what stands in quotation marks.
    pub(super) words: Vec<usize>,
}

/// The words of scripts with spaces.
pub(super) fn words(index: &Index<'_>, text: &Text<'_>) -> Vec<Word> {
    let mut words = Vec::new();
    let mut first = 0;
    for run in text.loose.split_inclusive(|folded| folded.c == ' ') {
        let end = first + run.len();
        let last = end - usize::from(run.last().is_some_and(|folded| folded.c == ' '));
        if last > first {
            let range = text.loose[first].start as usize..text.loose[last - 1].end as usize;
            let key: String = text.loose[first..last].iter().map(|folded| folded.c).collect();
            if !key.contains(is_unspaced) {
                let able = !is_common(&key) && !index.predicates.words.contains(&key);
                let capital = text.text[range.clone()].chars().any(char::is_uppercase);
                let begins = text.begins_sentence(range.start);
                words.push(Word { first, last: last - 1, range, key, capital, able, begins });
            }
        }
        first = end;
    }
    words
}

/// The stretches that look like names, in the order of the text.
pub(super) fn runs(text: &Text<'_>, words: &[Word]) -> Vec<Run> {
    let mut runs = quoted(text.text);
    if text.message.capitals_mark_names() {
        runs.extend(capitalised(text, words));
    }
    runs.sort_by_key(|run| run.range.start);
    runs
}

fn capitalised(text: &Text<'_>, words: &[Word]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut close = |open: &mut Vec<usize>| {
        let is_title = |at: &usize| TITLES.contains(&words[*at].key.as_str());
        let titles = open.iter().take_while(|at| is_title(at)).count();
        // "Republic of Congo" without "Republic"; a title alone names no one.
        let names: Vec<usize> = open.drain(..).skip(titles).collect();
        let able = names.iter().any(|at| words[*at].able);
        if let (Some(first), Some(last), true) = (names.first(), names.last(), able) {
            runs.push(Run { range: words[*first].range.start..words[*last].range.end, words: names });
        }
    };
    let mut last = 0;
    for (at, word) in words.iter().enumerate() {
        let figures = word.key.bytes().all(|b| b.is_ascii_digit());
        let named = word.capital && (word.able || !word.begins);
        let year = figures && last + 1 == at && !open.is_empty();
        let gap = words
            .get(last)
            .map_or("", |before| &text.text[before.range.end.min(word.range.start)..word.range.start]);
        // "Cany-barville"
        let joined = last + 1 == at && !open.is_empty() && matches!(gap, "-" | "‐" | "‑" | "_" | "/");
        if !named && !year && !joined {
            continue;
        }
        // Only small words may lie between, and no punctuation that parts.
        let between = words.get(last + 1..at).unwrap_or_default();
        let small = between.len() <= 2 && between.iter().all(|word| PARTICLES.contains(&word.key.as_str()));
        let abbreviation = words.get(last).is_some_and(|before| before.key.chars().count() <= 3);
        let dash = gap.contains(['—', '–']) && gap.contains(' ');
        let parted = gap.chars().any(|c| ",;:!?()，、。！？\n".contains(c) || is_unspaced(c))
            || dash
            || gap.contains('/') && !joined
            || gap.contains('.') && !abbreviation;
        let possessive = words.get(last).is_some_and(|before| possessive(&text.text[before.range.clone()]));
        if !small || parted || possessive {
            close(&mut open);
        }
        open.push(at);
        last = at;
    }
    close(&mut open);
    runs
}

/// Whether the word ends with a possessive `'s`.
pub(super) fn possessive(word: &str) -> bool {
    ["'s", "’s", "'S", "’S"].iter().any(|ending| word.ends_with(ending))
}

fn quoted(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    for (opening, closing) in MARKS {
        for (at, _) in text.match_indices(opening) {
            let start = at + opening.len_utf8();
            let inside = text[start..].find(closing).map(|length| start..start + length);
            let inside = inside.filter(|range| text[range.clone()].chars().any(is_unspaced));
            runs.extend(
                inside.filter(|range| range.len() < 120).map(|range| Run { range, words: Vec::new() }),
            );
        }
    }
    runs
}
