//! What evidence is worth. In: evidence, from 0 to 1. Out: the probability that the mention has the right entity among its
//! candidates.
//!
//! A monotone map, fitted by isotonic regression (Zadrozny and Elkan 2002) on 15,000 training questions of EntityQuestions,
//! with a tenth of the subjects not in the graph, a slip in 20 % of the names and 15 % of the questions in lower case:
//!
//! ```text
//! cargo run --release -p loquat-kg --example linking -- calibrate --sample 15000
//! ```
//!
//! For that, `THRESHOLD` has to be 0. The knots are the blocks it prints, small ones joined. A message that is nothing but a name is certain, by definition.

/// Where the map bends: evidence, certainty.
const KNOTS: [(f32, f32); 13] = [
    (0.0, 0.0),
    (0.30, 0.01),
    (0.36, 0.03),
    (0.43, 0.12),
    (0.55, 0.22),
    (0.57, 0.38),
    (0.63, 0.43),
    (0.69, 0.50),
    (0.72, 0.76),
    (0.77, 0.78),
    (0.80, 0.95),
    (0.97, 0.967),
    (1.0, 1.0),
];

/// The certainty of a mention with this evidence.
pub(super) fn certainty(evidence: f32) -> f32 {
    let at = KNOTS.partition_point(|(known, _)| *known < evidence).clamp(1, KNOTS.len() - 1);
    let ((x, a), (y, b)) = (KNOTS[at - 1], KNOTS[at]);
    (a + (b - a) * (evidence - x) / (y - x)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::{KNOTS, certainty};

    #[test]
    fn the_map_is_monotone_and_within_bounds() {
        assert!(KNOTS.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1));
        assert_eq!((certainty(0.0), certainty(1.0)), (0.0, 1.0));
        assert!(certainty(0.3) <= certainty(0.6));
    }
}
