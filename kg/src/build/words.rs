//! What entities are called. In: descriptions, entity by entity. Out: records, and the keys of the tables of names.

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use super::numbering::{NOBODY, Numbering};
use super::{Builder, RawWord};
use crate::link::{Form, flags, keys_of};
use crate::names::entity_name;
use crate::search::{IN_ALIAS, IN_DESCRIPTION, IN_LABEL, words_of};
use crate::snapshot::Word;
use crate::snapshot::codec::put;
use crate::snapshot::names::{Claim, Keys};
use crate::statement::Describes;

/// Entities whose keys are gathered together.
const PART: usize = 1 << 16;

/// The descriptions of each entity, in the order of their import.
pub(super) struct Words {
    starts: Vec<u32>,
    /// Numbers of words.
    order: Vec<u32>,
}

/// One thing an entity is called, or that is said of it.
pub(super) struct Said<'a> {
    pub(super) kind: Word,
    language: u32,
    pub(super) text: &'a str,
}

impl Words {
    /// Sorts descriptions by entity.
    pub(super) fn new(builder: &Builder, numbering: &Numbering) -> Self {
        let node = |word: &RawWord| numbering.node_of[word.about as usize];
        let mut starts = vec![0_u32; numbering.entities.len() + 1];
        for word in builder.words.iter().filter(|word| node(word) != NOBODY) {
            starts[node(word) as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut order = vec![0; starts.last().copied().unwrap_or_default() as usize];
        for (word, number) in builder.words.iter().zip(0..).filter(|(word, _)| node(word) != NOBODY) {
            let place = &mut next[node(word) as usize];
            order[*place as usize] = number;
            *place += 1;
        }
        Self { starts, order }
    }

    fn of<'a>(&'a self, builder: &'a Builder, node: usize) -> impl Iterator<Item = &'a RawWord> {
        let range = self.starts[node] as usize..self.starts[node + 1] as usize;
        self.order[range].iter().map(|number| &builder.words[*number as usize])
    }

    /// What is said of an entity, each thing once. One preferred name a language: a second is a further name.
    pub(super) fn said<'a>(&self, builder: &'a Builder, numbering: &Numbering, node: usize) -> Vec<Said<'a>> {
        let mut said: Vec<Said<'a>> = Vec::new();
        let (mut known, mut labelled) = (FxHashSet::default(), FxHashSet::default());
        // In a table a name can be an entity and a predicate; the words are then the predicate's.
        if numbering.predicate_of.contains_key(&numbering.entities[node]) {
            return said;
        }
        let words: Vec<RawWord> = self.of(builder, node).copied().collect();
        for word in &words {
            let kind = match word.what {
                Describes::Label => Word::Label,
                Describes::Alias => Word::Alias,
                Describes::Article => Word::Article,
                Describes::Description => Word::Description,
                Describes::Unit if word.language == 0 => Word::Unit,
                _ => continue,
            };
            let (language, text) = (word.language, builder.text(word));
            let sort = if kind == Word::Label { Word::Alias } else { kind };
            if known.insert((sort as u8, language, text)) {
                let second = kind == Word::Label && !labelled.insert(language);
                said.push(Said { kind: if second { Word::Alias } else { kind }, language, text });
            }
        }
        said
    }

    /// The popularity that was given for an entity.
    pub(super) fn popularity(&self, builder: &Builder, node: usize) -> Option<f64> {
        let words = self.of(builder, node).filter(|word| word.what == Describes::Popularity);
        words
            .filter_map(|word| builder.text(word).parse().ok())
            .filter(|number: &f64| *number >= 0.0)
            .reduce(f64::max)
    }

    /// The words of all names and descriptions, with where they stand.
    pub(super) fn search_keys(&self, builder: &Builder, numbering: &Numbering) -> Vec<Keys> {
        let part = |part: usize| {
            let mut keys = Keys::default();
            for node in part * PART..((part + 1) * PART).min(numbering.entities.len()) {
                let mut add = |text: &str, flags: u8| {
                    words_of(text, |word| keys.push(word, Claim { node: node as u32, flags }));
                };
                let mut named = false;
                for said in &self.said(builder, numbering, node) {
                    named |= matches!(said.kind, Word::Label | Word::Alias);
                    match said.kind {
                        Word::Label => add(said.text, IN_LABEL),
                        Word::Alias => add(said.text, IN_ALIAS),
                        Word::Description => add(said.text, IN_DESCRIPTION),
                        Word::Article | Word::Unit => {}
                    }
                }
                if !named {
                    add(&entity_name(builder.term(numbering.entities[node])), IN_LABEL);
                }
            }
            keys.sort();
            keys
        };
        (0..numbering.entities.len().div_ceil(PART)).into_par_iter().map(part).collect()
    }

    /// The keys of all names, with their claims: exact ones and loose ones.
    pub(super) fn keys(&self, builder: &Builder, numbering: &Numbering) -> (Vec<Keys>, Vec<Keys>) {
        let parts = numbering.entities.len().div_ceil(PART);
        let part = |part: usize| {
            let (mut exact, mut loose) = (Keys::default(), Keys::default());
            for node in part * PART..((part + 1) * PART).min(numbering.entities.len()) {
                let said = self.said(builder, numbering, node);
                let mut add = |name: &str, preferred: bool| {
                    keys_of(name, |form, key| {
                        let claim =
                            Claim { node: node as u32, flags: flags(name, preferred && form != Form::Bare) };
                        if form == Form::Loose { loose.push(key, claim) } else { exact.push(key, claim) }
                    });
                };
                let mut named = false;
                for name in &said {
                    if matches!(name.kind, Word::Label | Word::Alias) {
                        add(name.text, name.kind == Word::Label);
                        named = true;
                    }
                }
                if !named {
                    add(&entity_name(builder.term(numbering.entities[node])), true);
                }
            }
            exact.sort();
            loose.sort();
            (exact, loose)
        };
        (0..parts).into_par_iter().map(part).unzip()
    }
}

/// Encodes a record.
pub(super) fn record(said: &[Said<'_>], id: &str, bytes: &mut Vec<u8>) {
    bytes.clear();
    for Said { kind, language, text } in said {
        put(bytes, u64::from(*language) << 3 | *kind as u64);
        let length = (text.len() as u64) << 1;
        if id.ends_with(text) {
            put(bytes, length | 1);
        } else {
            put(bytes, length);
            bytes.extend_from_slice(text.as_bytes());
        }
    }
}
