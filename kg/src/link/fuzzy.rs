//! Names with a spelling mistake. In: words that no name covers as a whole. Out: readings as names at a small distance.
//!
//! The distance is optimal string alignment (Damerau 1964, without edits of an edited pair): one for a letter inserted, left
//! out, replaced, or swapped with its neighbour; a letter that has moved further ("Buthan") counts as one too. To keep
//! "Atlantis" from becoming "Atlantic" or "iPhone 14" "iPhone 15": one edit in 5 to 8 characters (6 to 8 in lower case) and
//! two from 9 on; in fewer than 8 characters the first must be right, in fewer than 12 (9, in several words) the last may be
//! missing or swapped but not replaced; figures must agree. How the transducer is searched stands in [`search`](super::search).

use super::LEAST_EVIDENCE;
use super::index::{Index, Posting, Table};
use super::scan::{Reading, Text};
use super::search::{Hit, LONGEST, Work, search};
use super::shape::{Run, Word, possessive};
use crate::snapshot::names::OpenShard;

/// Words that one misspelt name may have.
const WORDS: usize = 7;

/// Words of one message from which a misspelt name is looked for.
const TRIES: usize = 10;

/// The certainty of a misspelt name before its edits are counted.
const MISSPELT: f32 = 0.85;

impl Index<'_> {
    /// Adds the misspelt names that begin within runs which no name covers, or with the word before one. Words in lower case
    /// are tried only where nothing else looks like a name.
    pub(super) fn misspelt(
        &self,
        text: &Text<'_>,
        words: &[Word],
        runs: &[Run],
        readings: &mut Vec<Reading>,
    ) {
        let mut starts: Vec<usize> = Vec::new();
        let covered = |word: &Word| {
            readings.iter().any(|r| r.range.start <= word.range.start && word.range.end <= r.range.end)
        };
        for run in runs {
            let whole = readings
                .iter()
                .any(|r| r.range.start <= run.range.start && run.range.end <= ends(text, run, r));
            let (Some(&first), Some(&last)) = (run.words.first(), run.words.last()) else { continue };
            // "Javier dee Burgos"
            let next = words.get(last + 1..last + 3).unwrap_or_default();
            let goes_on = matches!(next, [slip, name] if slip.able && !slip.capital && slip.key.len() <= 4
                && name.capital && !covered(slip));
            if whole && !goes_on {
                continue;
            }
            starts.push(first);
            // A title or a year before it, "canton of" before it.
            let before = |by: usize| first.checked_sub(by).map(|at| (at, &words[at]));
            let title =
                |word: &Word| !word.begins && word.capital || word.key.bytes().all(|b| b.is_ascii_digit());
            starts.extend(before(1).filter(|(_, word)| title(word)).map(|(at, _)| at));
            let of = before(1).is_some_and(|(_, word)| word.key == "of");
            starts.extend(before(2).filter(|(_, word)| of && word.able).map(|(at, _)| at));
            starts.extend(run.words.iter().filter(|at| !covered(&words[**at])));
        }
        let lower = starts.is_empty() && readings.is_empty();
        if lower || !text.message.capitals_mark_names() {
            starts.extend((0..words.len()).filter(|at| words[*at].able && !covered(&words[*at])));
        }
        let mut once = Vec::new();
        for start in starts {
            if once.len() < TRIES && !once.contains(&start) {
                once.push(start);
            }
        }
        let mut work = Work::default();
        // One edit everywhere before two anywhere: that is far likelier, and costs less.
        for edits in 1..=2 {
            once.retain(|start| {
                let near = self.near(text, words, *start, edits, &mut work);
                let found = !near.is_empty();
                readings.extend(near);
                !found
            });
        }
    }

    /// The misspelt names that begin with this word, one for each place where they may end.
    fn near(
        &self,
        text: &Text<'_>,
        words: &[Word],
        start: usize,
        edits: usize,
        work: &mut Work,
    ) -> Vec<Reading> {
        let Some(first) = words.get(start).map(|word| word.first) else { return Vec::new() };
        let shortest = |capital: bool| if capital { 5 } else { 6 };
        // Where the name may end: characters of the query, and the byte of the message.
        let mut borders: Vec<(usize, usize)> = Vec::new();
        let mut capital = false;
        for at in start..words.len().min(start + WORDS) {
            let word = &words[at];
            let length = word.last + 1 - first;
            if at > start && word.first != words[at - 1].last + 2 || length > LONGEST {
                break;
            }
            capital |= word.capital;
            let ends = word.able || word.capital && !word.begins && text.message.capitals_mark_names();
            if !ends || length < shortest(capital) {
                continue;
            }
            let shown = &text.text[word.range.clone()];
            if possessive(shown) {
                // The loose form has lost the apostrophe.
                let bare = shown.trim_end_matches(['s', 'S']).trim_end_matches(['\'', '’']);
                borders.push((length - 1, word.range.start + bare.len()));
                break;
            }
            borders.push((length, word.range.end));
        }
        let characters = borders.last().and_then(|(longest, _)| text.loose.get(first..first + longest));
        let query: Vec<char> = characters.unwrap_or_default().iter().map(|folded| folded.c).collect();
        if query.is_empty() {
            return Vec::new();
        }
        let lengths: Vec<usize> = borders.iter().map(|(length, _)| *length).collect();
        let mut hits: Vec<Near<'_>> = Vec::new();
        for table in [&self.exact, &self.loose] {
            let found = search(table, &query, &lengths, edits, work).into_iter();
            hits.extend(found.map(|(shard, hit)| Near { table, shard, hit }));
        }
        let of_border = |(length, end): &(usize, usize)| {
            let range = text.loose[first].start as usize..*end;
            self.best(text, range, *length, hits.iter().filter(|near| near.hit.length == *length))
        };
        borders.iter().filter_map(of_border).collect()
    }

    /// The nearest names for one stretch.
    fn best<'a>(
        &self,
        text: &Text<'_>,
        range: std::ops::Range<usize>,
        length: usize,
        hits: impl Iterator<Item = &'a Near<'a>> + Clone,
    ) -> Option<Reading> {
        let least = hits.clone().map(|near| near.hit.edits).min()?;
        let certainty = MISSPELT * (1.0 - least as f32 / length as f32);
        let stretch = text.stretch(range.clone());
        let claims: Vec<(Posting, f32)> = hits
            .filter(|near| near.hit.edits == least)
            .flat_map(|near| near.table.postings(&near.shard, near.hit.name))
            .filter(|posting| !posting.acronym)
            .filter_map(|posting| Some((posting, certainty * self.fit(&stretch, &posting)?)))
            .filter(|(_, fit)| *fit >= LEAST_EVIDENCE)
            .collect();
        Reading::new(text, range, claims)
    }
}

/// A name near to some of the message's words, and where it was found.
struct Near<'a> {
    table: &'a Table<'a>,
    shard: OpenShard<'a>,
    hit: Hit,
}

/// The end of the reading, with a possessive that follows it.
fn ends(text: &Text<'_>, run: &Run, reading: &Reading) -> usize {
    let rest = text.text.get(reading.range.end..run.range.end).unwrap_or_default();
    if matches!(rest, "'s" | "’s" | "'S" | "’S" | "'" | "’" | ".") {
        run.range.end
    } else {
        reading.range.end
    }
}
