//! Which entity a name means, before the message is read. In: the claims of entities to a name, and how well each fits. Out:
//! weights, and shares of certainty.

use super::index::Posting;

/// Candidates that a mention keeps.
const CANDIDATES: usize = 16;

/// Claims that are weighed against the message.
const CLAIMS: usize = 64;

/// What a preferred name of a well-known entity weighs against one of an entity that nothing is known of.
const KNOWN: f32 = 8.0;

/// An entity's prior to be meant, from 0 to 1: how much the graph knows of it, on a logarithmic scale (as the commonness of
/// Milne and Witten 2008 is spread).
fn prior(posting: &Posting) -> f32 {
    // 80 is the prior of a popularity, or a degree, of a thousand; see `Snapshot::prior`.
    (f32::from(posting.prior) / 80.0).min(1.5)
}

/// An entity's claim to the name before any text is read: a preferred name weighs 1 to [`KNOWN`], and a further name so much
/// less that a preferred name always goes before a further one.
pub(super) fn weight(posting: &Posting) -> f32 {
    let known = KNOWN.powf(prior(posting));
    if posting.preferred { known } else { known / (KNOWN * 1.1) }
}

/// The weightiest claims, one a node: a name that thousands have costs no more than that.
pub(super) fn strongest(claims: Vec<(Posting, f32)>) -> Vec<(Posting, f32)> {
    let mut claims = claims;
    let weighed = |(posting, fit): &(Posting, f32)| weight(posting) * fit;
    claims.sort_by(|a, b| a.0.node.cmp(&b.0.node).then(weighed(b).total_cmp(&weighed(a))));
    claims.dedup_by_key(|(posting, _)| posting.node);
    claims.sort_by(|a, b| weighed(b).total_cmp(&weighed(a)).then(a.0.node.cmp(&b.0.node)));
    claims.truncate(CLAIMS);
    claims
}

/// The nodes with their shares of `certainty`, best first; ties in the order of nodes.
pub(super) fn share(mut weighed: Vec<(u32, f32)>, certainty: f32) -> Vec<(u32, f32)> {
    weighed.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
    let total: f32 = weighed.iter().map(|(_, weight)| weight).sum();
    weighed.truncate(CANDIDATES);
    weighed.into_iter().map(|(node, weight)| (node, certainty * weight / total)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Posting, share, strongest, weight};

    fn posting(node: u32, prior: u8, preferred: bool) -> Posting {
        Posting { node, prior, preferred, capital: true, acronym: false }
    }

    fn shares(claims: &[(Posting, f32)], certainty: f32) -> Vec<(u32, f32)> {
        let claims = strongest(claims.to_vec());
        share(claims.iter().map(|(posting, fit)| (posting.node, weight(posting) * fit)).collect(), certainty)
    }

    #[test]
    fn a_preferred_name_goes_before_a_busy_alias() {
        let shares = shares(&[(posting(1, 80, false), 1.0), (posting(2, 0, true), 1.0)], 1.0);
        assert_eq!(shares[0].0, 2);
        assert!((shares.iter().map(|(_, score)| score).sum::<f32>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn degree_decides_between_equals() {
        let shares = shares(&[(posting(1, 16, true), 0.7), (posting(2, 43, true), 0.7)], 0.7);
        assert_eq!(shares[0].0, 2);
        assert!((shares.iter().map(|(_, score)| score).sum::<f32>() - 0.7).abs() < 1e-6);
    }

    #[test]
    fn a_node_with_two_claims_counts_once() {
        let shares = shares(&[(posting(1, 16, false), 1.0), (posting(1, 16, true), 1.0)], 1.0);
        assert_eq!(shares.len(), 1);
    }
}
