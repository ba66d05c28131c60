//! How well a path fits a question. In: a path, the question's words, what their meaning is near to. Out: features, and a score.
//! Knows no store.
//!
//! A log-linear model over paths, as Berant et al. (2013, section 3.2) have it over logical forms: `score = w · φ(question, path)`.
//! No feature names a relation, so the weights serve any graph.

use super::lexicon::Expected;
use super::path::{Path, Step};
use super::phrases::Occurrence;
use super::question::{Kind, Question};
use loquat_contract::{Language, Value};
use loquat_text::is_han;

/// The number of features.
pub(super) const COUNT: usize = 31;

/// The features' names, in their order.
pub(super) const NAMES: [&str; COUNT] = [
    "several steps",
    "three steps",
    "evidence, sum",
    "evidence, least",
    "evidence of the last step",
    "words unexplained, each place by one step",
    "words unexplained by any step",
    "back without a word, something in common asked",
    "back without a word",
    "step without a word",
    "order of words",
    "what is asked for is the last step",
    "what is asked for is not the last step",
    "kind of value as expected",
    "kind of value not as expected",
    "link, logarithm",
    "share of the text that the name is",
    "last step from object to subject",
    "there and back, each with a word",
    "meaning of the last step",
    "meaning of all steps",
    "something in common asked, not there and back",
    "logarithm of the number of values",
    "there and back, something in common asked",
    "the word nearest to the name is not the first step's",
    "back to the subject though the name owns what is asked for",
    "back to the subject though a place, time or measure is asked for",
    "places that name a relation, said by no step",
    "led over things of a kind, one step",
    "things of a kind asked for, back to the subject",
    "somebody asked for, several steps, the last back to the subject",
];

/// One path before the weights.
pub(super) struct Candidate<'a> {
    pub(super) question: &'a Question,
    /// For each token, how surely the graph has a relation for it.
    pub(super) explicable: &'a [f32],
    /// For each step, where the question says it.
    pub(super) said: Vec<&'a [Occurrence]>,
    /// For each step, how many standard deviations its meaning is nearer to the question's than other relations' is.
    pub(super) meaning: Vec<f32>,
    pub(super) path: &'a Path,
    /// The score of the link to the topic.
    pub(super) link: f32,
    /// The share of the question's characters that name the topic.
    pub(super) share: f32,
}

impl Candidate<'_> {
    /// The features, and for each step the occurrence that is taken for it.
    pub(super) fn features(&self) -> ([f32; COUNT], Vec<Option<usize>>) {
        let taken = self.assign();
        let steps = &self.path.steps;
        let scores: Vec<f32> =
            taken.iter().zip(&self.said).map(|(at, said)| at.map_or(0.0, |at| said[at].score)).collect();
        let last = scores.last().copied().unwrap_or(0.0);
        let (mut unexplained, mut loosely) = (0.0, 0.0);
        for (token, known) in self.explicable.iter().enumerate().filter(|(_, known)| **known >= 0.5) {
            let head = self.question.tokens[token].within;
            let by = |occurrence: &Occurrence| {
                let says = |at: usize| at == token || Some(at) == head;
                occurrence.tokens.iter().find(|(at, _)| says(*at)).map_or(0.0, |(_, near)| *near)
            };
            let strict = taken.iter().zip(&self.said).filter_map(|(at, said)| Some(by(&said[(*at)?])));
            let loose = self.said.iter().flat_map(|said| said.iter().map(by));
            unexplained += known * (1.0 - strict.fold(0.0, f32::max));
            loosely += known * (1.0 - loose.fold(0.0, f32::max));
        }
        let (mut back_common, mut back, mut silent, mut both) = (0.0, 0.0, 0.0, 0.0);
        let mut there_and_back = false;
        for (at, score) in scores.iter().enumerate() {
            let undoes = at > 0 && steps[at].undoes(&steps[at - 1]);
            there_and_back |= undoes;
            match (*score > 0.0, undoes) {
                (true, true) => both += 1.0,
                (true, false) => {}
                (false, true) if self.question.common => back_common += 1.0,
                (false, true) => back += 1.0,
                (false, false) => silent += 1.0,
            }
        }
        let (asked, asked_elsewhere) = self.asked();
        let (fits, misfits) = self.kind();
        let (asked_things, over_things) = self.things();
        let flag = |yes: bool| if yes { 1.0 } else { 0.0 };
        let common = self.question.common;
        let meaning = self.meaning.iter().sum::<f32>() / self.meaning.len().max(1) as f32;
        let features = [
            flag(steps.len() > 1),
            flag(steps.len() > 2),
            scores.iter().sum(),
            scores.iter().copied().fold(f32::INFINITY, f32::min).min(1.0),
            last,
            unexplained,
            loosely,
            back_common,
            back,
            silent,
            self.order(&taken),
            asked,
            asked_elsewhere,
            fits,
            misfits,
            self.link.max(0.01).ln(),
            self.share,
            flag(steps.last().is_some_and(|step| step.inverse)),
            both,
            self.meaning.last().copied().unwrap_or(0.0),
            meaning,
            flag(common && !there_and_back),
            (self.path.ends.len() as f32).ln_1p(),
            flag(common && there_and_back),
            self.passes_over(&taken),
            flag(self.is_owned(&taken)),
            flag(self.asks_for_own()),
            self.left_over(),
            flag(over_things && steps.len() == 1),
            flag(asked_things && steps.last().is_some_and(|step| step.inverse)),
            flag(self.asks_who() && steps.len() > 1 && steps.last().is_some_and(|step| step.inverse)),
        ];
        (features, taken)
    }

    /// Gives each step a place of its own in the question, so that the scores' sum is greatest; among equals, places in the
    /// order of the walk.
    fn assign(&self) -> Vec<Option<usize>> {
        let mut best = (f32::NEG_INFINITY, vec![None; self.said.len()]);
        let mut chosen = Vec::with_capacity(self.said.len());
        self.assign_from(&mut chosen, 0.0, &mut best);
        best.1
    }

    fn assign_from(&self, chosen: &mut Vec<Option<usize>>, sum: f32, best: &mut (f32, Vec<Option<usize>>)) {
        if chosen.len() == self.said.len() {
            let value = sum + 0.15 * self.order(chosen);
            if value > best.0 {
                *best = (value, chosen.clone());
            }
            return;
        }
        let said = self.said[chosen.len()];
        let is_last = chosen.len() + 1 == self.said.len();
        let asks = |token: usize| self.question.tokens[token].kind == Kind::Ask;
        for (at, occurrence) in said.iter().enumerate() {
            // A question word on its own asks for the last relation: "where is the capital of …".
            if !is_last && occurrence.tokens.iter().all(|(token, _)| asks(*token)) {
                continue;
            }
            let free = chosen.iter().zip(&self.said).all(|(other, said)| {
                other.is_none_or(|other| {
                    let tokens = &said[other].tokens;
                    // A question word can help several steps.
                    occurrence
                        .tokens
                        .iter()
                        .all(|(token, _)| asks(*token) || tokens.iter().all(|(taken, _)| taken != token))
                })
            });
            if free {
                chosen.push(Some(at));
                self.assign_from(chosen, sum + occurrence.score, best);
                chosen.pop();
            }
        }
        chosen.push(None);
        self.assign_from(chosen, sum, best);
        chosen.pop();
    }

    /// From −1 to 1: whether the words of earlier steps stand nearer to the name.
    fn order(&self, taken: &[Option<usize>]) -> f32 {
        let distances: Vec<usize> = taken
            .iter()
            .zip(&self.said)
            .filter_map(|(at, said)| {
                let tokens = &said[(*at)?].tokens;
                let (token, _) = tokens
                    .iter()
                    .find(|(token, _)| self.question.tokens[*token].kind != Kind::Ask)
                    .or_else(|| tokens.first())?;
                Some(self.question.distance(*token))
            })
            .collect();
        let pairs = distances.windows(2).map(|pair| (pair[1] as f32 - pair[0] as f32).clamp(-1.0, 1.0));
        pairs.sum::<f32>() / distances.len().saturating_sub(1).max(1) as f32
    }

    /// How many separate places of the question name a relation that no step is: one, "written by", for the director of X in "who
    /// directed the films written by the writer of X". Words that stand together are one place. Not for Chinese, whose characters
    /// are in some relation's name or other.
    fn left_over(&self) -> f32 {
        let question = self.question;
        let mut places: Vec<(usize, f32)> = Vec::new();
        for (at, token) in question.tokens.iter().enumerate() {
            let known = self.explicable[at];
            let idle =
                question.lexicon.common.contains(&token.stem) || question.lexicon.plain.contains(&token.stem);
            if known < 0.5 || token.within.is_some() || idle || token.text.chars().any(is_han) {
                continue;
            }
            let said = self.said.iter().flat_map(|said| said.iter()).flat_map(|said| &said.tokens);
            let near = said.filter(|(token, _)| *token == at).map(|(_, near)| *near).fold(0.0, f32::max);
            let miss = known * (1.0 - near);
            match places.last_mut() {
                Some((last, least)) if question.is_joined(*last, at) => {
                    *last = at;
                    *least = least.min(miss);
                }
                _ => places.push((at, miss)),
            }
        }
        places.iter().map(|(_, miss)| miss).sum::<f32>().min(3.0)
    }

    /// Whether the question asks for things of a kind, "which films …", and whether it leads over such, "the films by the writer of
    /// …". "The film Heat" only says what Heat is.
    fn things(&self) -> (bool, bool) {
        let question = self.question;
        let is_said = |at: usize| question.tokens[at].kind == Kind::Content;
        let is_article = |at: usize| question.lexicon.articles.contains(&question.tokens[at].text);
        let ask = question.asks.first();
        let (mut asked, mut over) = (false, false);
        for (at, token) in question.tokens.iter().enumerate() {
            let is_thing = token.kind == Kind::Content && question.lexicon.things.contains(&token.stem);
            if !is_thing || self.explicable[at] >= 0.5 {
                continue;
            }
            let beside = question
                .name_at
                .is_some_and(|name| name == at || at < name && (at + 1..name).all(is_article));
            let asks = match ask {
                Some((ask, Expected::Any | Expected::Count)) => *ask < at && !(*ask + 1..at).any(is_said),
                Some(_) => false,
                None => !asked && !over && !beside,
            };
            asked |= asks;
            over |= !asks && !beside;
        }
        (asked, over)
    }

    /// How surely the word of a relation that stands nearest to the name is no word of the first step: "starred" in "who starred in
    /// films by the director of X".
    fn passes_over(&self, taken: &[Option<usize>]) -> f32 {
        let Some(name_at) = self.question.name_at else { return 0.0 };
        let known =
            |at: &usize| self.explicable[*at] >= 0.5 && self.question.tokens[*at].kind == Kind::Content;
        let before = (0..name_at).rev().find(known);
        let after = (name_at..self.question.tokens.len()).find(known);
        let nearest = match (before, after) {
            (Some(a), Some(b)) if self.question.distance(a) == self.question.distance(b) => vec![a, b],
            (Some(a), Some(b)) if self.question.distance(a) < self.question.distance(b) => vec![a],
            (_, Some(b)) => vec![b],
            (a, None) => a.into_iter().collect(),
        };
        let Some(said) = self.said.first().zip(taken.first()).and_then(|(said, at)| Some(&said[(*at)?]))
        else {
            return nearest.iter().map(|at| self.explicable[*at]).fold(0.0, f32::max);
        };
        let miss = |at: &usize| {
            let head = self.question.tokens[*at].within;
            let near = said.tokens.iter().find(|(token, _)| token == at || Some(*token) == head);
            self.explicable[*at] * (1.0 - near.map_or(0.0, |(_, near)| *near))
        };
        nearest.iter().map(miss).reduce(f32::min).unwrap_or(0.0)
    }

    /// Whether the first step goes back to the subject though its word belongs to the name: "X's child", "the child of X".
    fn is_owned(&self, taken: &[Option<usize>]) -> bool {
        let question = self.question;
        let Some(name_at) = question.name_at else { return false };
        let said = self.said.first().zip(taken.first()).and_then(|(said, at)| Some(&said[(*at)?]));
        let (Some(said), Some(first)) = (said, self.path.steps.first()) else { return false };
        let lexicon = question.lexicon;
        let text = |at: usize| question.tokens.get(at).map_or("", |token| token.text.as_str());
        let before = (0..name_at).rev().find(|at| !lexicon.articles.contains(text(*at)));
        let of = before.is_some_and(|at| {
            lexicon.of.contains(text(at)) && said.tokens.iter().any(|(token, _)| token + 1 == at)
        });
        let owner = lexicon.owner.contains(text(name_at))
            && said.tokens.iter().any(|(token, _)| *token > name_at && *token <= name_at + 3);
        first.inverse && (of || owner)
    }

    /// Whether the last step goes back to the subject by a word that asks for a place, a time or a measure: those are values.
    fn asks_for_own(&self) -> bool {
        let (Some(last), Some(said)) = (self.path.steps.last(), self.said.last()) else { return false };
        let asked = |occurrence: &Occurrence| {
            occurrence.tokens.iter().all(|(at, _)| self.question.tokens[*at].kind == Kind::Ask)
        };
        let kind = self.question.expected;
        let own = matches!(kind, Expected::Date | Expected::Number) || self.question.asks_where;
        last.inverse && own && said.first().is_some_and(asked) || last.inverse && self.question.asks_where
    }

    /// Whether somebody is asked for, and not some place.
    fn asks_who(&self) -> bool {
        self.question.expected == Expected::Entity && !self.question.asks_where
    }

    /// Whether the last step says what the question word asks for, or another step does.
    fn asked(&self) -> (f32, f32) {
        let focus = focus(self.question, self.explicable);
        let says = |said: &[Occurrence]| {
            let near = said.iter().flat_map(|occurrence| &occurrence.tokens);
            near.filter(|(token, _)| focus.contains(token)).map(|(_, near)| *near).fold(0.0, f32::max)
        };
        let last = self.said.last().map_or(0.0, |said| says(said));
        (last, if focus.is_empty() { 0.0 } else { 1.0 - last })
    }

    fn kind(&self) -> (f32, f32) {
        let Some(end) = self.path.ends.first() else { return (0.0, 0.0) };
        match kind_fits(self.question.expected, &end.value) {
            Some(true) => (1.0, 0.0),
            Some(false) => (0.0, 1.0),
            None => (0.0, 0.0),
        }
    }
}

/// Whether a value is of the expected kind; `None` where nothing can be said.
pub(super) fn kind_fits(expected: Expected, value: &Value) -> Option<bool> {
    let is_number = matches!(value, Value::Number { .. }) || has_figures(value);
    match expected {
        Expected::Any => None,
        Expected::Date => Some(year(value).is_some() || has_figures(value)),
        Expected::Number => Some(is_number),
        Expected::Count => is_number.then_some(true),
        Expected::Entity => match value {
            Value::Entity(_) => Some(true),
            Value::Text(_) | Value::Coordinate { .. } | Value::Url(_) => None,
            _ => Some(false),
        },
    }
}

/// Whether a text says an amount or a date: "7200 rpm", "约3500人", "2013年5月". A name may have figures further on.
pub(super) fn has_figures(value: &Value) -> bool {
    let english = Language::english();
    let text = match value {
        Value::Entity(entity) => entity.label(&english),
        Value::Text(text) => text.text.as_str(),
        _ => return false,
    };
    let text =
        text.trim_start_matches(['约', '近', '共', '达', '公', '元', '前', '~', '≈', '>', '<', '+', ' ']);
    let unspaced = text.chars().any(is_han);
    let numeral = |c: char| c.is_ascii_digit() || unspaced && "一二两三四五六七八九十百千万亿".contains(c);
    text.starts_with(numeral) || unspaced && text.chars().take(12).any(|c| c.is_ascii_digit())
}

/// The year of a date, or of a whole number that looks like one.
pub(super) fn year(value: &Value) -> Option<i32> {
    match value {
        Value::Date(text) => {
            let (sign, digits) = text.strip_prefix('-').map_or((1, text.as_str()), |rest| (-1, rest));
            let digits: String = digits.split('-').next()?.replace('X', "0");
            Some(sign * digits.parse::<i32>().ok()?)
        }
        Value::Number { value, unit: None, .. }
            if value.fract() == 0.0 && (1000.0..=2100.0).contains(value) =>
        {
            Some(*value as i32)
        }
        _ => None,
    }
}

/// The tokens that a question word asks for: behind "which", the words up to the next function word; behind "who" and "when",
/// the first words that some relation explains; before the question word where none follow.
pub(super) fn focus(question: &Question, explicable: &[f32]) -> Vec<usize> {
    let Some(&(ask, expected)) = question.asks.first() else { return Vec::new() };
    let mut focus = Vec::new();
    let end = question.name_at.filter(|at| *at > ask).unwrap_or(question.tokens.len());
    let known = |token: usize| explicable.get(token).is_some_and(|known| *known >= 0.5);
    let mut seen = false;
    for at in ask + 1..end {
        let content = question.tokens[at].kind == Kind::Content;
        if content {
            seen = true;
            if known(at) {
                focus.push(at);
            }
        } else if seen && (expected == Expected::Any || !focus.is_empty()) {
            break;
        }
    }
    if !seen {
        let before = (0..ask).rev().find(|&at| question.tokens[at].kind == Kind::Content);
        focus.extend(before.filter(|at| known(*at)));
    }
    if expected == Expected::Date {
        focus.push(ask);
    }
    focus
}

/// Whether the step may be walked though no word asks for it: back along the relation that led here.
pub(super) fn may_be_silent(steps: &[Step], step: &Step) -> bool {
    steps.last().is_some_and(|last| step.undoes(last))
}

/// `w · φ`.
pub(super) fn score(features: &[f32; COUNT], weights: &[f32; COUNT]) -> f32 {
    features.iter().zip(weights).map(|(x, w)| x * w).sum()
}

/// Learnt by `examples/retrieval/learn.py` from EntityQuestions' training questions, and the tuning halves of MetaQA dev and NLPCC 2016.
pub(super) const WEIGHTS: [f32; COUNT] = [
    -1.52, -1.17, 1.45, 0.00, 1.25, 0.00, -0.68, -0.23, -0.82, -1.95, 0.08, 1.92, -1.24, 1.11, -1.00, 2.35,
    1.98, -2.68, 0.00, 0.00, 0.00, -1.60, 0.05, 2.46, 0.00, -0.26, -0.48, -0.32, -1.58, 3.39, -1.39,
];

/// The same where an embedder says what is near in meaning.
pub(super) const WEIGHTS_WITH_MEANING: [f32; COUNT] = [
    -1.41, -2.42, 3.31, 0.00, 0.54, 0.00, -0.13, -0.92, -0.32, -2.00, 0.23, 1.59, -0.86, 1.03, -1.20, 1.78,
    1.69, -2.23, -0.48, 0.20, 0.54, -2.77, -0.07, 3.43, 0.00, -0.42, -0.58, 0.00, 0.00, 0.00, 0.00,
];
