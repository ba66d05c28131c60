//! Which predicates a message asks for, roughly. In: predicates' names, and a message. Out: how much of a predicate's name stands there.
//!
//! Words are compared by their stems (Snowball: English and German), scripts without spaces by pairs of characters.

use std::ops::Range;

use loquat_contract::Predicate;
use rust_stemmers::{Algorithm, Stemmer};
use rustc_hash::{FxHashMap, FxHashSet};
use unicode_segmentation::UnicodeSegmentation;

use super::case::is_common;
use super::fold::{fold, is_unspaced, key, loosen};

/// Words of a predicate's name that are looked at.
const WORDS: usize = 32;

/// Names of predicates by their stems.
#[derive(Default)]
pub(super) struct Relations {
    /// A stem's places: the name's number, and which of its words it is.
    by_stem: FxHashMap<String, Vec<(u32, u8)>>,
    /// Each name's predicate, and how many words it has.
    names: Vec<(u32, u8)>,
}

/// The stems of a message, with their places.
pub(super) struct Stems(Vec<(Range<usize>, Vec<String>)>);

impl Stems {
    pub(super) fn of(text: &str) -> Self {
        let (english, german) = (Stemmer::create(Algorithm::English), Stemmer::create(Algorithm::German));
        let mut stems = Vec::new();
        let mut last: Option<(usize, &str)> = None;
        for (start, word) in text.split_word_bound_indices() {
            if word.chars().all(is_unspaced) {
                for (offset, c) in word.char_indices() {
                    let at = start + offset;
                    let character = &text[at..at + c.len_utf8()];
                    if let Some((before, pair)) = last.filter(|(before, pair)| before + pair.len() == at) {
                        stems.push((
                            before..at + c.len_utf8(),
                            vec![key(&fold(&format!("{pair}{character}")))],
                        ));
                    }
                    last = Some((at, character));
                }
                continue;
            }
            let folded = key(&loosen(&fold(word)));
            if folded.is_empty() || is_common(&folded) {
                continue;
            }
            let mut forms = vec![english.stem(&folded).into_owned(), german.stem(&folded).into_owned()];
            forms.dedup();
            stems.push((start..start + word.len(), forms));
        }
        Self(stems)
    }

    /// How many of the words stand in another text.
    pub(super) fn shared(&self, text: &str, without: &Range<usize>) -> usize {
        let theirs = Self::of(text);
        let theirs: FxHashSet<&String> = theirs.0.iter().flat_map(|(_, forms)| forms).collect();
        self.outside(without).filter(|forms| forms.iter().any(|form| theirs.contains(form))).count()
    }

    fn outside(&self, without: &Range<usize>) -> impl Iterator<Item = &Vec<String>> {
        let apart = |range: &Range<usize>| range.end <= without.start || without.end <= range.start;
        self.0.iter().filter(move |(range, _)| apart(range)).map(|(_, forms)| forms)
    }
}

impl Relations {
    pub(super) fn of<'a>(predicates: impl Iterator<Item = &'a Predicate>) -> Self {
        let mut relations = Self::default();
        for (predicate, number) in predicates.zip(0_u32..) {
            for name in predicate.names() {
                let Stems(words) = Stems::of(name);
                let words = words.get(..words.len().min(WORDS)).unwrap_or_default();
                if words.is_empty() {
                    continue;
                }
                let name = relations.names.len() as u32;
                relations.names.push((number, words.len() as u8));
                for ((_, forms), place) in words.iter().zip(0_u8..) {
                    for form in forms {
                        relations.by_stem.entry(form.clone()).or_default().push((name, place));
                    }
                }
            }
        }
        relations
    }

    /// The predicates that words outside of `mention` may ask for: the largest share of one of their names that stands there.
    pub(super) fn asked(&self, stems: &Stems, mention: &Range<usize>) -> FxHashMap<u32, f32> {
        let mut seen: FxHashMap<u32, u32> = FxHashMap::default();
        for form in stems.outside(mention).flatten() {
            for (name, place) in self.by_stem.get(form).into_iter().flatten() {
                *seen.entry(*name).or_default() |= 1 << place;
            }
        }
        let mut asked: FxHashMap<u32, f32> = FxHashMap::default();
        for (name, places) in seen {
            if let Some((predicate, words)) = self.names.get(name as usize) {
                let share = places.count_ones() as f32 / f32::from(*words);
                let known = asked.entry(*predicate).or_default();
                *known = known.max(share);
            }
        }
        asked
    }
}
