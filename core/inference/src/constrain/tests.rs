//! Every text that is written under a constraint is allowed, and every allowed text can be written; on vocabularies of every kind.

mod costs;

mod grammars;

mod texts;

use loquat_contract::{Constraint, Sampling};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{ConstraintCompiler, Ending, LogitMask};
use crate::sample::Sampler;
use crate::tokenizer::Tokenizer;
use crate::tokenizer::bytes::tests::{sentencepiece, wordpiece};
use crate::tokenizer::tests::bytes;

/// More than any of the vocabularies has: models pad theirs.
const WIDTH: usize = 512;

struct Model {
    compiler: ConstraintCompiler,
    tokenizer: Tokenizer,
    eos: u32,
}

impl Model {
    fn new(tokenizer: Tokenizer, end: &str) -> Self {
        let eos = tokenizer.id(end).unwrap();
        Self { compiler: ConstraintCompiler::new(tokenizer.clone(), vec![eos], WIDTH), tokenizer, eos }
    }

    fn byte_level() -> Self {
        Self::new(bytes(), "<|im_end|>")
    }

    fn sentencepiece() -> Self {
        Self::new(sentencepiece(), "</s>")
    }

    fn wordpiece() -> Self {
        Self::new(wordpiece(), "[SEP]")
    }

    fn mask(&self, constraint: &Constraint) -> Box<dyn LogitMask> {
        self.compiler.compile(constraint).unwrap()
    }

    fn text(&self, ids: &[u32]) -> String {
        String::from_utf8(ids.iter().flat_map(|&id| self.tokenizer.bytes().of(id).unwrap()).collect())
            .unwrap()
    }

    /// What a model with random logits writes; `None` where it did not come to an end.
    fn write(&self, constraint: &Constraint, seed: u64, force: bool) -> Option<String> {
        let mut mask = self.mask(constraint);
        let mut random = ChaCha12Rng::seed_from_u64(seed);
        let mut sampler = Sampler::new(Sampling { temperature: 1.0, seed, ..Sampling::default() }, None, &[]);
        let mut ids = Vec::new();
        while ids.len() < 400 {
            if force {
                for id in mask.forced() {
                    assert!(mask.mask().unwrap().is_allowed(id), "{mask} forces what it forbids");
                    mask.commit(id).unwrap();
                    ids.push(id);
                }
            }
            if mask.ending() == Ending::Forced {
                return Some(self.text(&ids));
            }
            let logits: Vec<f32> = (0..WIDTH).map(|_| (random.next_u32() % 1000) as f32 / 100.0).collect();
            let id = sampler.choose(&logits, Some(&mut *mask)).unwrap().token;
            if id == self.eos {
                return Some(self.text(&ids));
            }
            ids.push(id);
        }
        None
    }

    /// Whether `text` can be written in a tokenisation of `choices`, which takes any of the tokens that fit.
    fn writes(&self, constraint: &Constraint, text: &str, mut choice: impl FnMut(usize) -> usize) -> bool {
        let mut mask = self.mask(constraint);
        let mut left = text.as_bytes();
        while !left.is_empty() {
            let fit = |id: &u32| {
                self.tokenizer.bytes().of(*id).is_some_and(|word| !word.is_empty() && left.starts_with(&word))
            };
            let fitting: Vec<u32> = (0..self.tokenizer.bytes().len() as u32).filter(fit).collect();
            let id = fitting[choice(fitting.len())];
            if !mask.mask().is_ok_and(|mask| mask.is_allowed(id)) || mask.commit(id).is_err() {
                return false;
            }
            left = &left[self.tokenizer.bytes().of(id).unwrap().len()..];
        }
        mask.ending() != Ending::Forbidden && mask.mask().unwrap().is_allowed(self.eos)
    }
}

fn one_of(texts: &[&str]) -> Constraint {
    Constraint::OneOf(texts.iter().map(|&text| text.to_owned()).collect())
}

fn pieces(pieces: &[&str], ends: &[&str]) -> Constraint {
    let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    Constraint::Pieces { pieces: owned(pieces), ends: owned(ends) }
}
