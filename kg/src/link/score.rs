//! Which entity a name means. In: the claims of entities to a name, and how well it was found. Out: shares of certainty.

use super::index::Posting;

/// Candidates that a mention keeps.
const CANDIDATES: usize = 16;

/// An entity's claim to the name before any text is read. A preferred name weighs 1 to 2, by how much the graph knows of the
/// entity, and a further name 0.3 times that: so a preferred name always goes before a further one.
fn weight(posting: &Posting) -> f32 {
    // The prior is 8 · log₂(1 + degree).
    let degree = (f32::from(posting.prior) / 8.0).exp2() - 1.0;
    let known = 1.0 + degree / (degree + 20.0);
    if posting.preferred { known } else { 0.3 * known }
}

/// The candidates with their scores, best first; ties in the order of nodes. The scores add up to the certainty of the best
/// fit.
pub(super) fn share(claims: &[(Posting, f32)]) -> Vec<(u32, f32)> {
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(claims.len());
    let mut certainty = 0.0_f32;
    for (posting, fit) in claims {
        certainty = certainty.max(*fit);
        let weighed = weight(posting) * fit;
        match best.iter_mut().find(|(node, _)| *node == posting.node) {
            Some((_, known)) => *known = known.max(weighed),
            None => best.push((posting.node, weighed)),
        }
    }
    let total: f32 = best.iter().map(|(_, weight)| weight).sum();
    best.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
    best.truncate(CANDIDATES);
    best.into_iter().map(|(node, weight)| (node, certainty * weight / total)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Posting, share};

    fn posting(node: u32, prior: u8, preferred: bool) -> Posting {
        Posting { node, prior, preferred, capital: true, acronym: false }
    }

    #[test]
    fn a_preferred_name_goes_before_a_busy_alias() {
        let shares = share(&[(posting(1, 80, false), 1.0), (posting(2, 0, true), 1.0)]);
        assert_eq!(shares[0].0, 2);
        assert!((shares.iter().map(|(_, score)| score).sum::<f32>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn degree_decides_between_equals() {
        let shares = share(&[(posting(1, 16, true), 0.7), (posting(2, 43, true), 0.7)]);
        assert_eq!(shares[0].0, 2);
        assert!((shares.iter().map(|(_, score)| score).sum::<f32>() - 0.7).abs() < 1e-6);
    }
}
