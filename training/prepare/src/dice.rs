//! Chance that is the same every time. In: the recipe's seed and what is drawn for. Out: draws that depend on nothing else, so that a run that
//! goes on, or asks in another order, makes the same set.

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A source of draws.
#[derive(Clone, Debug)]
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// The draws for one purpose, such as `typos of` an example.
    pub(crate) fn new(seed: u64, purpose: &str, of: &str) -> Self {
        Self(ChaCha8Rng::seed_from_u64(digest(seed, purpose, of)))
    }

    /// Whether something of this probability happens.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.0.random_bool(probability.clamp(0.0, 1.0))
    }

    /// A number below `end`; 0 where there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { self.0.random_range(0..end) }
    }

    /// One of these.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.choose(&mut self.0)
    }

    /// Another order.
    pub(crate) fn shuffle<T>(&mut self, of: &mut [T]) {
        of.shuffle(&mut self.0);
    }

    /// The same things in another order.
    pub(crate) fn shuffled<T: Clone>(&mut self, of: &[T]) -> Vec<T> {
        let mut of = of.to_vec();
        self.shuffle(&mut of);
        of
    }
}

/// A number for a text, the same on every machine.
pub(crate) fn digest(seed: u64, purpose: &str, of: &str) -> u64 {
    xxh3_64_with_seed(of.as_bytes(), xxh3_64_with_seed(purpose.as_bytes(), seed))
}
