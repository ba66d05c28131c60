//! Which readings of a message stand together. In: readings that may overlap. Out: some that do not, explaining the most.
//!
//! Weighted interval scheduling (Kleinberg and Tardos, Algorithm Design, 6.1): each reading is worth the letters that it
//! explains times its evidence, less a price for each mention. The price makes one long name better than two short ones in
//! its place; where that leaves more of the text unexplained than another way, the other way is taken: "New York" and "City
//! Council" rather than "New York City". Among equals the leftmost stands, then the longest.

use super::scan::Reading;

/// What a mention costs, in letters.
const PRICE: f32 = 4.0;

impl Reading {
    fn worth(&self) -> f32 {
        let explained = self.letters as f32 * self.evidence;
        (explained - PRICE).max(0.1 * self.evidence)
    }
}

/// The readings that stand, in the order of the text.
pub(super) fn cover(mut readings: Vec<Reading>) -> Vec<Reading> {
    readings.sort_by_key(|reading| (reading.range.start, std::cmp::Reverse(reading.range.end)));
    // From the right: the best that can be made of the readings from here on, and whether this one is part of it.
    let mut best = vec![(0.0_f32, false); readings.len() + 1];
    let next = |end: usize| readings.partition_point(|reading| reading.range.start < end);
    for at in (0..readings.len()).rev() {
        let with = readings[at].worth() + best[next(readings[at].range.end)].0;
        let without = best[at + 1].0;
        best[at] = if with + 1e-4 >= without { (with, true) } else { (without, false) };
    }
    let mut stands = vec![false; readings.len()];
    let mut at = 0;
    while at < readings.len() {
        stands[at] = best[at].1;
        at = if best[at].1 { next(readings[at].range.end) } else { at + 1 };
    }
    readings.into_iter().zip(stands).filter_map(|(reading, stands)| stands.then_some(reading)).collect()
}
