//! How many different names a file has, in bounded memory. In: names. Out: their number, exact up to some tens of thousands.

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Names of which the digests are kept. The error of an estimate is about one in the square root of half of this: 0.6 %.
const KEPT: usize = 1 << 16;

/// Counts different names: keeps the digests that end in so many zero bits (adaptive sampling; Flajolet 1990).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Distinct {
    kept: FxHashSet<u64>,
    bits: u32,
}

impl Distinct {
    pub(super) fn add(&mut self, name: &str) {
        self.insert(xxh3_64(name.as_bytes()));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        other.kept.iter().for_each(|digest| self.insert(*digest));
        while self.bits < other.bits {
            self.thin();
        }
    }

    pub(super) fn count(&self) -> u64 {
        (self.kept.len() as u64) << self.bits
    }

    fn insert(&mut self, digest: u64) {
        if digest.trailing_zeros() >= self.bits {
            self.kept.insert(digest);
            while self.kept.len() > KEPT {
                self.thin();
            }
        }
    }

    fn thin(&mut self) {
        self.bits += 1;
        let bits = self.bits;
        self.kept.retain(|digest| digest.trailing_zeros() >= bits);
    }
}

#[cfg(test)]
mod tests {
    use super::Distinct;

    #[test]
    fn few_are_counted_and_many_are_estimated() {
        let mut few = Distinct::default();
        (0..5000).for_each(|number| few.add(&(number % 1000).to_string()));
        assert_eq!(few.count(), 1000);
        let (mut one, mut other) = (Distinct::default(), Distinct::default());
        (0..300_000).for_each(|number: u32| one.add(&number.to_string()));
        (200_000..500_000).for_each(|number: u32| other.add(&number.to_string()));
        one.merge(&other);
        assert!((480_000..520_000).contains(&one.count()), "{}", one.count());
    }
}
