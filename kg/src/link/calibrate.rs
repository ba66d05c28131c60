//! What evidence is worth. In: evidence, from 0 to 1. Out: the probability that the mention means its best candidate.

/// Where the map bends: evidence, certainty.
const KNOTS: [(f32, f32); 2] = [(0.0, 0.0), (1.0, 1.0)];

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
