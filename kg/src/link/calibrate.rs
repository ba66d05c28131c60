//! What evidence is worth. In: evidence, from 0 to 1. Out: the probability that the mention has the right entity among its
//! candidates.
//!
//! A monotone map, fitted by isotonic regression (Zadrozny and Elkan 2002) on 20,000 training questions of EntityQuestions,
//! with a tenth of the subjects not in the graph, a slip in 20 % of the names and 15 % of the questions in lower case:
//!
//! ```text
//! cargo run --release -p loquat-kg --example linking -- calibrate --sample 20000
//! ```
//!
//! The knots are the blocks it prints, small ones joined. A message that is nothing but a name is certain, by definition.

/// Where the map bends: evidence, certainty.
const KNOTS: [(f32, f32); 12] = [
    (0.0, 0.0),
    (0.14, 0.01),
    (0.22, 0.06),
    (0.32, 0.14),
    (0.57, 0.30),
    (0.69, 0.38),
    (0.72, 0.74),
    (0.77, 0.91),
    (0.80, 0.94),
    (0.90, 0.956),
    (0.97, 0.964),
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
