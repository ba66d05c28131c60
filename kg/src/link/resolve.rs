//! Linking as a whole. In: a message, the graph around its names, what the conversation is about. Out: mentions with their
//! candidates, and what looks like a name and is not in the graph (NIL).

use std::ops::Range;

use super::THRESHOLD;
use super::calibrate::certainty;
use super::case::is_common;
use super::context::{Weighed, is_beside, weigh};
use super::cover::cover;
use super::index::Index;
use super::scan::{Reading, Text};
use super::score::share;
use super::shape::{Run, Word, possessive, runs, words};
use super::surroundings::Surroundings;

/// Factor for a name in lower case beside a word that nothing explains.
const UNEXPLAINED: f32 = 0.7;

/// Factor for names that stand beside each other and have nothing to do with each other: "Charles Heath", where only a Charles and
/// a Heath are known.
const STRANGER: f32 = 0.3;

/// The most evidence for a name among other words: it may be a part of a longer one that the graph does not have.
const IN_SENTENCE: f32 = 0.97;

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

impl Index<'_> {
    /// The names in a message, in the light of what lies around them and of what the conversation is about.
    pub(crate) fn resolve(&self, text: &str, around: Option<&dyn Surroundings>, about: &[u32]) -> Names {
        let text = Text::new(text);
        let words = words(self, &text);
        let runs = runs(&text, &words);
        let mut readings = self.readings(&text);
        self.misspelt(&text, &words, &runs, &mut readings);
        let mentions = cover(readings);
        let weighed = weigh(&mentions, text.text, &self.predicates.relations, around, about);
        let parts = parts(&mentions, &words, &runs);
        let strangers = strangers(&text, &mentions, &weighed);
        let beside = unexplained(&text, &mentions, &words);
        let mut names = Names::default();
        let mut doubtful: Vec<Range<usize>> = Vec::new();
        let factors: Vec<f32> =
            parts.factors.iter().zip(strangers).zip(beside).map(|((a, b), c)| a * b * c).collect();
        for ((mention, weighed), part) in mentions.into_iter().zip(weighed).zip(factors) {
            let part = if weighed.to_about >= 0.5 { part.max(TALKED_ABOUT) } else { part };
            let alone = text.is_alone(&mention.range);
            let evidence = (mention.evidence * part).min(if alone { 1.0 } else { IN_SENTENCE });
            let certainty = certainty(evidence);
            if certainty < THRESHOLD {
                doubtful.push(mention.range);
            } else {
                let candidates = share(weighed.candidates, certainty);
                names.found.push(Found { range: mention.range, candidates, evidence });
            }
        }
        let linked = |range: &Range<usize>| {
            names.found.iter().any(|found| found.range.start < range.end && range.start < found.range.end)
        };
        let names_of = |run: &Run| {
            let doubted =
                doubtful.iter().any(|range| range.start < run.range.end && run.range.start < range.end);
            doubted || parts.incomplete.contains(&run.range)
        };
        let unlinked = runs.iter().filter(|run| names_of(run) && !linked(&run.range));
        names.unlinked = unlinked.map(|run| without_possessive(text.text, run.range.clone())).collect();
        names
    }
}

/// For each mention, [`UNEXPLAINED`] where it is a name in lower case beside a word that is neither of grammar nor of a
/// predicate, and that no mention covers: "annie lowrey".
fn unexplained(text: &Text<'_>, mentions: &[Reading], words: &[Word]) -> Vec<f32> {
    let covered = |word: &Word| mentions.iter().any(|m| m.range.contains(&word.range.start));
    let strange = |word: Option<&Word>| word.is_some_and(|word| word.able && !covered(word));
    let factor = |mention: &Reading| {
        let lower = !text.text[mention.range.clone()].contains(|c: char| c.is_uppercase() || c == ' ');
        let named = mention.claims.iter().any(|(posting, _)| posting.capital);
        let at = words.iter().position(|word| word.range.start == mention.range.start);
        let Some(at) = at.filter(|_| lower && named) else { return 1.0 };
        let joined = |first: usize, second: usize| match (words.get(first), words.get(second)) {
            (Some(a), Some(b)) => text.text.get(a.range.end..b.range.start) == Some(" "),
            _ => false,
        };
        let before = at > 0 && joined(at - 1, at) && strange(words.get(at - 1));
        let after = joined(at, at + 1) && strange(words.get(at + 1));
        if before || after { UNEXPLAINED } else { 1.0 }
    };
    mentions.iter().map(factor).collect()
}

/// For each mention, [`STRANGER`] where it stands in a row of names with capitals that the graph does not relate: two single
/// words, or three names.
fn strangers(text: &Text<'_>, mentions: &[Reading], weighed: &[Weighed]) -> Vec<f32> {
    let mut factors = vec![1.0; mentions.len()];
    if !text.message.capitals_mark_names() {
        return factors;
    }
    let shown = |at: usize| &text.text[mentions[at].range.clone()];
    let goes_on = |at: usize| {
        let related = weighed[at - 1].to_others.max(weighed[at].to_others) >= 0.5;
        let names =
            shown(at - 1).starts_with(char::is_uppercase) && shown(at).starts_with(char::is_uppercase);
        names && !related && is_beside(text.text, &mentions[at - 1], &mentions[at])
    };
    let mut first = 0;
    for end in 1..=mentions.len() {
        if end < mentions.len() && goes_on(end) {
            continue;
        }
        let single = (first..end).all(|at| !shown(at).contains([' ', '-']));
        if end - first > 2 || end - first == 2 && single {
            factors[first..end].fill(STRANGER);
        }
        first = end;
    }
    factors
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
                let written = word.capital || word.key.bytes().all(|b| b.is_ascii_digit());
                let counts = is_covered || written && !word.begins && (word.able || is_common(&word.key));
                all += if counts { letters(word) } else { 0 };
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
