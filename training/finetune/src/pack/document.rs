//! One document as tokens.

use std::ops::Range;

use crate::batch::Row;

/// A dialogue or a text as tokens, with what each of them counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// The tokens.
    pub tokens: Vec<u32>,
    /// What it counts that each token is foretold: 1 where it is learnt, 0 where it is only read. As long as `tokens`. That of the
    /// first token means nothing, as nothing stands before it.
    pub weights: Vec<f32>,
    /// Whether it is learnt what the base foretells at those tokens, not the tokens themselves: the base's knowledge is distilled (Hinton,
    /// Vinyals and Dean 2015), so that it is not lost (Li and Hoiem, "Learning without Forgetting", 2016).
    pub distilled: bool,
}

impl Document {
    /// How many tokens it has.
    pub fn len(&self) -> usize {
        self.tokens.len().min(self.weights.len())
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tokens that are learnt.
    pub fn targets(&self) -> usize {
        self.weights.iter().skip(1).filter(|weight| **weight != 0.0).count()
    }

    /// The first token that is learnt.
    pub(super) fn first_target(&self) -> Option<usize> {
        (1..self.len()).find(|&at| self.weights[at] != 0.0)
    }

    /// How many tokens at its beginning may be shared: the token that foretells the first learnt one is the document's own, as in a
    /// shared beginning each token has one target, and so is one token at least.
    pub(super) fn shareable(&self) -> usize {
        self.first_target().unwrap_or(self.len()).saturating_sub(1)
    }

    pub(super) fn cut(&mut self, tokens: usize) {
        self.tokens.truncate(tokens);
        self.weights.truncate(tokens);
    }

    /// Appends a part of it to a row: each token foretells the one behind it.
    pub(super) fn write(&self, part: Range<usize>, row: &mut Row) {
        for at in part {
            row.tokens.push(self.tokens[at]);
            let next = (at + 1 < self.len()).then_some(at + 1);
            row.targets.push(next.map_or(0, |next| self.tokens[next]));
            row.weights.push(next.map_or(0.0, |next| self.weights[next]));
            row.distilled.push(self.distilled);
        }
    }
}
