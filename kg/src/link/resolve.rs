//! Linking as a whole. In: a message, the graph around its names, what the conversation is about. Out: mentions with their
//! candidates, and what looks like a name and is not in the graph (NIL).

use std::ops::Range;

use super::THRESHOLD;
use super::calibrate::certainty;
use super::context::weigh;
use super::cover::cover;
use super::index::Index;
use super::scan::{Reading, Text};
use super::score::share;
use super::shape::{Run, Word, possessive, runs, words};
use super::surroundings::Surroundings;

/// Factor for a part of what stands in quotation marks.
const PART_OF_QUOTED: f32 = 0.35;

/// The least factor for a part of a longer name where the conversation is about what it names.
const TALKED_ABOUT: f32 = 0.8;

/// A stretch of the message and the nodes that it may mean, best first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) range: Range<usize>,
    /// With scores that add up to the certainty of the mention.
    pub(crate) candidates: Vec<(u32, f32)>,
    /// What the certainty was read from.
    pub(crate) evidence: f32,
}

/// What a message names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Names {
    /// In the order of the text, not overlapping.
    pub(crate) found: Vec<Found>,
    /// What looks like a name and is not in the graph, in the order of the text.
    pub(crate) unlinked: Vec<Range<usize>>,
}

impl Index {
    /// The names in a message, by names and their prior alone.
    #[cfg(test)]
    pub(crate) fn link(&self, text: &str) -> Vec<Found> {
        self.resolve(text, None, &[]).found
    }

    /// The names in a message, in the light of what lies around them and of what the conversation is about.
    pub(crate) fn resolve(&self, text: &str, around: Option<&dyn Surroundings>, about: &[u32]) -> Names {
        let text = Text::new(text);
        let words = words(self, &text);
        let runs = runs(&text, &words);
        let mut readings = self.readings(&text);
        self.misspelt(&text, &words, &runs, &mut readings);
        let mentions = cover(readings);
        let weighed = weigh(&mentions, text.text, &self.relations, around, about);
        let parts = parts(&mentions, &words, &runs);
        let mut names = Names::default();
        for ((mention, weighed), part) in mentions.into_iter().zip(weighed).zip(&parts.factors) {
            let part = if weighed.about >= 0.5 { part.max(TALKED_ABOUT) } else { *part };
            let evidence = mention.evidence * part;
            let certainty = certainty(evidence);
            if certainty >= THRESHOLD {
                let candidates = share(weighed.candidates, certainty);
                names.found.push(Found { range: mention.range, candidates, evidence });
            }
        }
        let linked = |range: &Range<usize>| {
            names.found.iter().any(|found| found.range.start < range.end && range.start < found.range.end)
        };
        for run in parts.incomplete {
            if !linked(&run) {
                names.unlinked.push(without_possessive(text.text, run));
            }
        }
        names
    }
}

/// What the mentions leave out of the stretches that look like names.
struct Parts {
    /// For each mention, from 0 to 1.
    factors: Vec<f32>,
    /// The stretches that are not covered as a whole.
    incomplete: Vec<Range<usize>>,
}

/// A mention that covers only a part of a longer name most likely is none: "Berlin" of "Berlin Philharmonic". Its factor is the
/// square of the share of the letters that the mentions in the name cover.
fn parts(mentions: &[Reading], words: &[Word], runs: &[Run]) -> Parts {
    let mut parts = Parts { factors: vec![1.0; mentions.len()], incomplete: Vec::new() };
    for run in runs {
        let inside =
            |mention: &Reading| mention.range.start < run.range.end && run.range.start < mention.range.end;
        let factor = if run.words.is_empty() {
            let whole =
                mentions.iter().any(|m| m.range.start <= run.range.start && run.range.end <= m.range.end);
            if whole { 1.0 } else { PART_OF_QUOTED }
        } else {
            let covered = |word: &Word| mentions.iter().any(|m| m.range.contains(&word.range.start));
            let letters = |word: &Word| word.last + 1 - word.first;
            let (mut known, mut all) = (0, 0);
            for word in run.words.iter().map(|at| &words[*at]) {
                let is_covered = covered(word);
                // The first word of a sentence has its capital anyway, and "Capital" may be what is asked for.
                all += if (word.begins || !word.able) && !is_covered { 0 } else { letters(word) };
                known += if is_covered { letters(word) } else { 0 };
            }
            if all == 0 { 1.0 } else { (known as f32 / all as f32).powi(2) }
        };
        if factor < 1.0 {
            parts.incomplete.push(run.range.clone());
            for (mention, part) in mentions.iter().zip(&mut parts.factors).filter(|(m, _)| inside(m)) {
                // A name that goes on beyond the run has reasons of its own.
                let beyond = mention.range.start < run.range.start || run.range.end < mention.range.end;
                *part *= if beyond && run.words.is_empty() { 1.0 } else { factor };
            }
        }
    }
    parts
}

fn without_possessive(text: &str, range: Range<usize>) -> Range<usize> {
    let name = &text[range.clone()];
    if !possessive(name) {
        return range;
    }
    let bare = name.trim_end_matches(['s', 'S']).trim_end_matches(['\'', '’']);
    range.start..range.start + bare.len()
}
