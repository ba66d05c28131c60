//! What relations are called. In: a schema's predicates. Out: their phrases as stems with weights, and where a question says
//! them. Knows no facts.

use std::sync::Arc;

use loquat_contract::{Generation, Label, Language, Predicate, PredicateId, Schema};
use loquat_text::{is_han, simplified};
use rustc_hash::{FxHashMap, FxHashSet};

use super::lexicon::Lexicon;
use super::question::{Kind, Question, words};
use super::words::likeness;

/// One way to say a predicate.
#[derive(Clone, Debug)]
struct Phrase {
    text: String,
    /// Stems with the share of the phrase's meaning that each carries; they add up to 1.
    words: Vec<(String, f32)>,
    /// Its characters, where it is Chinese.
    han: Vec<char>,
    weight: f32,
    /// Whether it names what stands at the subject, "countries in", and so only says the way back to it.
    names_subjects: bool,
}

/// The ways to say one predicate.
#[derive(Debug)]
pub(super) struct Phrases(Vec<Phrase>);

/// A place where a question says a predicate.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Occurrence {
    /// How much of the predicate is said there, from 0 to 1.
    pub(super) score: f32,
    /// The tokens that say it, with how surely.
    pub(super) tokens: Vec<(usize, f32)>,
    /// The name that was matched.
    pub(super) phrase: String,
}

/// A schema's predicates by their words.
#[derive(Debug, Default)]
pub(super) struct PhraseIndex {
    pub(super) generation: Generation,
    phrases: FxHashMap<PredicateId, Arc<Phrases>>,
    /// Stems of all predicates, sorted, and how telling each is: its inverse document frequency (Spärck Jones 1972) over
    /// predicates, at most 1.
    stems: Vec<(String, f32)>,
    /// Pairs of neighbouring characters, and whole names of one character.
    han: FxHashSet<(char, char)>,
}

/// Templates have more words than say the relation.
const TEMPLATE: f32 = 0.8;
/// The least likeness that counts.
const LEAST: f32 = 0.3;

impl PhraseIndex {
    pub(super) fn new(schema: &Schema) -> Self {
        let cut: Vec<(PredicateId, Vec<Phrase>)> =
            schema.predicates.iter().map(|predicate| (predicate.id.clone(), phrases(predicate))).collect();
        let mut counts: FxHashMap<&str, f32> = FxHashMap::default();
        for (_, phrases) in &cut {
            let stems: FxHashSet<&str> =
                phrases.iter().flat_map(|phrase| &phrase.words).map(|(stem, _)| stem.as_str()).collect();
            stems.into_iter().for_each(|stem| *counts.entry(stem).or_default() += 1.0);
        }
        let all = 1.0 + cut.len() as f32;
        let mut stems: Vec<(String, f32)> = counts
            .into_iter()
            .map(|(stem, n)| (stem.to_owned(), (1.0 + all / n).ln() / (1.0 + all).ln()))
            .collect();
        stems.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut index = Self { generation: schema.generation, stems, ..Self::default() };
        for (id, mut phrases) in cut {
            for phrase in &mut phrases {
                index.han.extend(phrase.han.windows(2).map(|pair| (pair[0], pair[1])));
                index.weigh(phrase);
            }
            index.phrases.insert(id, Arc::new(Phrases(phrases)));
        }
        index
    }

    /// The predicate's phrases; a predicate that the schema lacks is read as it comes.
    pub(super) fn of(&self, predicate: &Predicate) -> Arc<Phrases> {
        self.phrases.get(&predicate.id).cloned().unwrap_or_else(|| {
            let mut phrases = phrases(predicate);
            phrases.iter_mut().for_each(|phrase| self.weigh(phrase));
            Arc::new(Phrases(phrases))
        })
    }

    fn idf(&self, stem: &str) -> f32 {
        self.stems.binary_search_by(|(known, _)| known.as_str().cmp(stem)).map_or(1.0, |at| self.stems[at].1)
    }

    fn weigh(&self, phrase: &mut Phrase) {
        let weights: Vec<f32> = phrase.words.iter().map(|(stem, _)| self.idf(stem)).collect();
        let total: f32 = weights.iter().sum();
        for ((_, share), weight) in phrase.words.iter_mut().zip(weights) {
            *share = weight / total.max(f32::EPSILON);
        }
    }

    /// For each token of the question, how surely any predicate of the schema has a word like it.
    pub(super) fn explicable(&self, question: &Question) -> Vec<f32> {
        let tokens = &question.tokens;
        let mut known: Vec<f32> = tokens
            .iter()
            .map(|token| match token.kind {
                Kind::Content => {
                    token.terms.iter().map(|(term, weight)| weight * self.nearest(term)).fold(0.0, f32::max)
                }
                _ => 0.0,
            })
            .collect();
        for at in 1..tokens.len() {
            let pair = (tokens[at - 1].text.chars().next(), tokens[at].text.chars().next());
            if let (Some(a), Some(b)) = pair
                && question.name_at != Some(at)
                && self.han.contains(&(a, b))
            {
                known[at - 1] = 1.0;
                known[at] = 1.0;
            }
        }
        // What is counted or listed is a kind of thing and needs no relation: "how many countries …".
        if let Some(at) = question.listed() {
            known[at] = 0.0;
        }
        known
    }

    fn nearest(&self, term: &str) -> f32 {
        if self.stems.binary_search_by(|(known, _)| known.as_str().cmp(term)).is_ok() {
            return 1.0;
        }
        let Some(prefix) = term.get(..4) else { return 0.0 };
        let from = self.stems.partition_point(|(known, _)| known.as_str() < prefix);
        let near = self.stems[from..].iter().take_while(|(known, _)| known.starts_with(prefix));
        near.map(|(known, _)| likeness(term, known)).fold(0.0, f32::max)
    }
}

/// The phrases of a predicate, each word with the same share.
fn phrases(predicate: &Predicate) -> Vec<Phrase> {
    let named = |label: &Label, weight: f32| phrase(&label.text, label.language.as_ref(), weight);
    let names = predicate.labels.iter().chain(&predicate.aliases);
    let mut phrases: Vec<Phrase> = names.map(|label| named(label, 1.0)).collect();
    if phrases.is_empty() {
        phrases.push(phrase(predicate.label(&Language::english()), None, 1.0));
    }
    let said = predicate.templates.single.iter().chain(&predicate.templates.inverse);
    phrases.extend(said.map(|label| named(label, TEMPLATE)));
    phrases.retain(|phrase| !phrase.words.is_empty() || !phrase.han.is_empty());
    phrases
}

fn phrase(text: &str, language: Option<&Language>, weight: f32) -> Phrase {
    let bare = text.replace("{subject}", " ").replace("{object}", " ");
    // Words without a language are taken for English, unless they have letters that English does not have.
    let foreign = bare.chars().any(|c| c.is_alphabetic() && !c.is_ascii());
    let likely = if foreign { Language::new("de") } else { Language::english() };
    let lexicon = Lexicon::of(language.unwrap_or(&likely));
    let mut stems: Vec<String> = Vec::new();
    let mut stops: Vec<String> = Vec::new();
    for (_, word) in words(&bare).into_iter().filter(|(_, word)| !word.chars().any(is_han)) {
        for part in parts(word) {
            let stem = lexicon.stems.stem(&part);
            let to = if lexicon.stop.contains(&part) { &mut stops } else { &mut stems };
            if !to.contains(&stem) {
                to.push(stem);
            }
        }
    }
    let han: Vec<char> = bare.chars().filter(|c| is_han(*c)).map(simplified).collect();
    if stems.is_empty() && han.is_empty() {
        stems = stops;
    }
    let things = |stem: &String| lexicon.things.contains(stem);
    let open = bare.split_whitespace().next_back().is_some_and(|word| lexicon.stop.contains(word));
    let names_subjects = if han.is_empty() {
        open && !stems.is_empty() && stems.iter().all(things)
    } else {
        han.first().is_some_and(|c| lexicon.owner.contains(&c.to_string()))
            && things(&han[1..].iter().collect())
    };
    let share = 1.0 / stems.len().max(1) as f32;
    let words = stems.into_iter().map(|stem| (stem, share)).collect();
    Phrase { text: text.to_owned(), words, han, weight, names_subjects }
}

/// A word in lower case, cut where camel case begins a new one.
fn parts(word: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut lower = false;
    for c in word.chars() {
        if c.is_uppercase() && lower {
            parts.push(String::new());
        }
        lower = c.is_lowercase();
        if let Some(last) = parts.last_mut() {
            last.extend(c.to_lowercase());
        }
    }
    parts
}

impl Phrases {
    /// Where the question says the predicate, in either direction; the surest first; no two share a token.
    pub(super) fn occurrences(&self, question: &Question) -> Vec<Occurrence> {
        self.towards(question, true)
    }

    /// Where the question says the predicate from subject to object, or back.
    pub(super) fn towards(&self, question: &Question, inverse: bool) -> Vec<Occurrence> {
        let mut found: Vec<Occurrence> = Vec::new();
        for phrase in self.0.iter().filter(|phrase| inverse || !phrase.names_subjects) {
            if phrase.han.is_empty() {
                phrase.spoken(question, &mut found);
            } else {
                phrase.written(question, &mut found);
            }
        }
        found.sort_by(|a, b| {
            b.score.total_cmp(&a.score).then(b.tokens.len().cmp(&a.tokens.len())).then_with(|| {
                let first = |o: &Occurrence| o.tokens.first().map(|(token, _)| *token);
                first(a).cmp(&first(b)).then_with(|| a.phrase.cmp(&b.phrase))
            })
        });
        let mut taken = vec![false; question.tokens.len()];
        found.retain(|occurrence| {
            let free = occurrence.tokens.iter().all(|(token, _)| !taken[*token]);
            if free {
                occurrence.tokens.iter().for_each(|(token, _)| taken[*token] = true);
            }
            free
        });
        found.truncate(4);
        found
    }
}

impl Phrase {
    /// Words that stand near each other say the phrase together; a question word stands near everything.
    fn spoken(&self, question: &Question, found: &mut Vec<Occurrence>) {
        let like = |token: usize, stem: &str| {
            let terms = question.tokens[token].terms.iter();
            terms.map(|(term, weight)| weight * likeness(term, stem)).fold(0.0, f32::max)
        };
        // (token, word, likeness)
        let mut hits: Vec<(usize, usize, f32)> = Vec::new();
        for token in 0..question.tokens.len() {
            for (word, (stem, _)) in self.words.iter().enumerate() {
                let near = like(token, stem);
                if near >= LEAST {
                    hits.push((token, word, near));
                }
            }
        }
        let (asked, plain): (Vec<_>, Vec<_>) =
            hits.into_iter().partition(|(token, _, _)| question.tokens[*token].kind == Kind::Ask);
        let mut groups: Vec<Vec<(usize, usize, f32)>> = Vec::new();
        for hit in plain {
            match groups.last_mut() {
                Some(group)
                    if group.iter().all(|(token, word, _)| *word != hit.1 && *token != hit.0)
                        && group.last().is_some_and(|(token, _, _)| hit.0 - token <= 3) =>
                {
                    group.push(hit);
                }
                // "wrote the screenplay" says it once.
                Some(group)
                    if group
                        .last()
                        .is_some_and(|last| hit.0 > last.0 && question.is_joined(last.0, hit.0)) =>
                {
                    group.push(hit);
                }
                // "Starred" says both words of "starred actors".
                Some(group) if group.last().is_some_and(|last| last.0 == hit.0) => group.push(hit),
                _ => groups.push(vec![hit]),
            }
        }
        if groups.is_empty() && !asked.is_empty() {
            groups.push(Vec::new());
        }
        for mut group in groups {
            for hit in &asked {
                if group.iter().all(|(_, word, _)| *word != hit.1) {
                    group.push(*hit);
                }
            }
            let best = |word: usize| {
                let near = group.iter().filter(|hit| hit.1 == word).map(|hit| hit.2);
                self.words[word].1 * near.fold(0.0, f32::max)
            };
            let score: f32 = (0..self.words.len()).map(best).sum();
            let mut tokens: Vec<(usize, f32)> = Vec::new();
            for (token, _, near) in &group {
                match tokens.iter_mut().find(|(known, _)| known == token) {
                    Some((_, known)) => *known = known.max(*near),
                    None => tokens.push((*token, *near)),
                }
            }
            found.push(Occurrence { score: score * self.weight, tokens, phrase: self.text.clone() });
        }
    }

    /// Chinese: how much of the phrase the question says, character by character: in runs that both have, in what the question
    /// stands for, in what its question word asks for, and at the least in single characters.
    fn written(&self, question: &Question, found: &mut Vec<Occurrence>) {
        let mut said = Said::new(self.han.len());
        said.in_runs(&self.han, question);
        for run in &question.runs {
            let (length, in_phrase, _) = longest_common(&self.han, &run.text);
            let longer = self.han.len().max(run.text.len());
            if length < 2 && (length == 0 || longer > 2 && !self.han.ends_with(&run.text)) {
                continue;
            }
            let near = run.weight * length as f32 / run.text.len() as f32;
            said.cover(in_phrase..in_phrase + length, near);
            said.by(run.token, run.weight);
        }
        said.in_characters(&self.han, question);
        let light = question.lexicon.light_of(&self.han);
        let mut whole = 0.0;
        let mut covered = 0.0;
        for (at, near) in said.near.iter().enumerate() {
            let weight = if light[at] { LIGHT } else { 1.0 };
            whole += weight;
            covered += weight * near;
        }
        for (stem, _) in &self.words {
            whole += LATIN;
            if let Some(at) = question.tokens.iter().position(|token| token.stem == *stem) {
                covered += LATIN;
                said.by(at, 1.0);
            }
        }
        let score = covered / f32::max(whole, 1.0);
        if score >= LEAST_WRITTEN && !said.tokens.is_empty() {
            said.tokens.sort_by_key(|(token, _)| *token);
            found.push(Occurrence {
                score: score * self.weight,
                tokens: said.tokens,
                phrase: self.text.clone(),
            });
        }
    }
}

/// How much a character counts that says what kind of value is meant or narrows it, "时间", "主要", against others; a Latin word.
const LIGHT: f32 = 0.5;
const LATIN: f32 = 2.0;
/// How much a character on its own says of a phrase.
const SINGLE: f32 = 0.4;
/// The least of a Chinese phrase that has to be said.
const LEAST_WRITTEN: f32 = 0.15;

/// What of a Chinese phrase a question says.
struct Said {
    /// For each character, how surely.
    near: Vec<f32>,
    /// By which tokens.
    tokens: Vec<(usize, f32)>,
}

impl Said {
    fn new(size: usize) -> Self {
        Self { near: vec![0.0; size], tokens: Vec::new() }
    }

    fn cover(&mut self, range: std::ops::Range<usize>, near: f32) {
        self.near[range].iter_mut().for_each(|known| *known = known.max(near));
    }

    fn by(&mut self, token: usize, near: f32) {
        match self.tokens.iter_mut().find(|(known, _)| *known == token) {
            Some((_, known)) => *known = known.max(near),
            None => self.tokens.push((token, near)),
        }
    }

    /// Runs of two and more characters that both have, the longest first; a phrase of one character is a run.
    fn in_runs(&mut self, phrase: &[char], question: &Question) {
        let text: Vec<char> =
            question.tokens.iter().map(|token| token.text.chars().next().unwrap_or(' ')).collect();
        let split = question.name_at.unwrap_or(text.len());
        let (mut phrase, mut text) = (phrase.to_vec(), text);
        let size = phrase.len();
        loop {
            let before = longest_common(&phrase, &text[..split]);
            let after = longest_common(&phrase, &text[split..]);
            let (length, in_phrase, at) =
                if after.0 > before.0 { (after.0, after.1, after.2 + split) } else { before };
            if length == 0 || length < 2 && size > 1 {
                return;
            }
            self.cover(in_phrase..in_phrase + length, if size == 1 { 0.6 } else { 1.0 });
            (at..at + length).for_each(|token| self.by(token, 1.0));
            // What is said once is not said again.
            phrase[in_phrase..in_phrase + length].fill('\u{0}');
            text[at..at + length].fill('\u{1}');
        }
    }

    /// Single characters of content.
    fn in_characters(&mut self, phrase: &[char], question: &Question) {
        for (at, c) in phrase.iter().enumerate().filter(|_| phrase.len() > 1) {
            if self.near[at] > 0.0 {
                continue;
            }
            let same = question.tokens.iter().enumerate().find(|(token, known)| {
                known.kind == Kind::Content
                    && known.text.chars().eq([*c])
                    && self.tokens.iter().all(|(taken, _)| taken != token)
            });
            if let Some((token, _)) = same {
                self.near[at] = SINGLE;
                self.by(token, 0.6);
            }
        }
    }
}

/// The longest common substring: its length, and where it begins in either.
fn longest_common(phrase: &[char], text: &[char]) -> (usize, usize, usize) {
    let mut best = (0, 0, 0);
    for from in 0..phrase.len() {
        for start in 0..text.len() {
            let length = phrase[from..].iter().zip(&text[start..]).take_while(|(a, b)| a == b).count();
            if length > best.0 {
                best = (length, from, start);
            }
        }
    }
    best
}
