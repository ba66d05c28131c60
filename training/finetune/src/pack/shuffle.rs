//! Orders that a seed draws.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The numbers below `count` in an order of their own for each seed and epoch.
pub(super) fn order(count: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    shuffle(&mut order, seed, epoch);
    order
}

/// Durstenfeld, "Algorithm 235: Random permutation", 1964.
pub(super) fn shuffle<T>(items: &mut [T], seed: u64, epoch: u64) {
    let mut random = ChaCha12Rng::seed_from_u64(seed);
    random.set_stream(epoch);
    for last in (1..items.len()).rev() {
        items.swap(last, below(&mut random, last as u64 + 1) as usize);
    }
}

/// A number below `bound`, each equally likely: Lemire, "Fast Random Integer Generation in an Interval", 2019, algorithm 5.
fn below(random: &mut ChaCha12Rng, bound: u64) -> u64 {
    let least = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(random.next_u64()) * u128::from(bound);
        if product as u64 >= least {
            return (product >> 64) as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_and_epoch_draw_an_order_of_all() {
        let first = order(50, 7, 0);
        assert_eq!(first, order(50, 7, 0));
        assert_ne!(first, order(50, 7, 1));
        assert_ne!(first, order(50, 8, 0));
        let mut sorted = first.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
        assert!(order(0, 1, 1).is_empty());
    }

    #[test]
    fn each_place_is_equally_likely() {
        let mut places = [[0u32; 4]; 4];
        for seed in 0..4000 {
            for (place, item) in order(4, seed, 0).into_iter().enumerate() {
                places[item][place] += 1;
            }
        }
        // 1000 expected, with a standard deviation of 27.
        assert!(places.iter().flatten().all(|count| (880..1120).contains(count)), "{places:?}");
    }
}
