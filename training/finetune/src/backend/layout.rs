//! Where the tokens of a step stand. In: a batch. Out: all its tokens side by side without padding, with positions and what each sees.

use std::ops::Range;

use crate::batch::Batch;

/// A batch that cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// A row's lists do not fit together.
    #[error("row {row} of the batch: {what}")]
    Malformed {
        /// Which row, from 0.
        row: usize,
        /// What does not fit.
        what: String,
    },
    /// A position that the model was not made for.
    #[error(
        "row {row} of the batch has position {position}, and the model's context is {context} tokens: cut it shorter"
    )]
    TooLong {
        /// Which row, from 0.
        row: usize,
        /// The last position.
        position: usize,
        /// How many positions the model has.
        context: usize,
    },
    /// A token that the model does not have.
    #[error(
        "row {row} of the batch has token {token}, and the model has {vocabulary}: the set was made with another tokenizer"
    )]
    UnknownToken {
        /// Which row, from 0.
        row: usize,
        /// The token.
        token: u32,
        /// How many tokens there are.
        vocabulary: usize,
    },
}

/// Tokens one after another. Token `t` of `tokens` sees all of `prefix`, and `tokens.start..=t`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Which tokens of the batch.
    pub tokens: Range<usize>,
    /// Which they all see; empty for a prefix itself. Ends at or before `tokens.start`.
    pub prefix: Range<usize>,
}

/// All tokens of a batch, side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Each token's position.
    pub positions: Vec<u32>,
    /// Which tokens each row has.
    pub rows: Vec<Range<usize>>,
    /// Every token is in one span; spans ascend, and none reaches over two rows.
    pub spans: Vec<Span>,
}

impl Layout {
    /// Of a batch, for a model with `context` positions and `vocabulary` tokens.
    ///
    /// # Errors
    /// When the batch does not fit the model, or itself.
    pub fn new(batch: &Batch, context: usize, vocabulary: usize) -> Result<Self, LayoutError> {
        let mut layout = Self::default();
        for (index, row) in batch.rows.iter().enumerate() {
            let malformed = |what: &str| LayoutError::Malformed { row: index, what: what.to_owned() };
            let length = row.tokens.len();
            if row.targets.len() != length || row.weights.len() != length {
                return Err(malformed("it needs one target and one weight for each token"));
            }
            if !row.distilled.is_empty() && row.distilled.len() != length {
                return Err(malformed(
                    "it needs to be said of all tokens or of none whether they are distilled",
                ));
            }
            if row.weights.iter().any(|weight| !weight.is_finite() || *weight < 0.0) {
                return Err(malformed("a weight is negative or not a number"));
            }
            if row.prefix > length || row.documents.first().copied().unwrap_or(length) != row.prefix {
                return Err(malformed("its first document has to begin where its prefix ends"));
            }
            if row
                .documents
                .iter()
                .zip(&row.documents[1.min(row.documents.len())..])
                .any(|(one, next)| one >= next)
                || row.documents.last().is_some_and(|last| *last >= length && length > 0)
            {
                return Err(malformed("its documents have to ascend, each with a token at least"));
            }
            let learnt = row
                .targets
                .iter()
                .zip(&row.weights)
                .filter(|(_, weight)| **weight > 0.0)
                .map(|(target, _)| target);
            if let Some(&token) = row.tokens.iter().chain(learnt).find(|token| **token as usize >= vocabulary)
            {
                return Err(LayoutError::UnknownToken { row: index, token, vocabulary });
            }
            layout.append(row.prefix, &row.documents, length);
            let last = layout.positions[layout.positions.len() - length..].iter().max();
            if let Some(&position) = last.filter(|position| **position as usize >= context) {
                return Err(LayoutError::TooLong { row: index, position: position as usize, context });
            }
        }
        Ok(layout)
    }

    fn append(&mut self, prefix: usize, documents: &[usize], length: usize) {
        let start = self.positions.len();
        self.rows.push(start..start + length);
        if prefix > 0 {
            self.spans.push(Span { tokens: start..start + prefix, prefix: start..start });
            self.positions.extend(0..prefix as u32);
        }
        for (number, &first) in documents.iter().enumerate() {
            let end = documents.get(number + 1).copied().unwrap_or(length);
            if end > first {
                self.spans.push(Span { tokens: start + first..start + end, prefix: start..start + prefix });
                self.positions.extend((0..end - first).map(|place| (prefix + place) as u32));
            }
        }
    }

    /// How many tokens.
    pub fn tokens(&self) -> usize {
        self.positions.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Row;

    fn row(length: usize, prefix: usize, documents: &[usize]) -> Row {
        Row {
            tokens: vec![1; length],
            targets: vec![1; length],
            weights: vec![1.0; length],
            prefix,
            documents: documents.to_vec(),
            ..Row::default()
        }
    }

    #[test]
    fn documents_go_on_from_their_prefix() {
        let batch = Batch { rows: vec![row(3, 0, &[0]), row(7, 2, &[2, 5])] };
        let layout = Layout::new(&batch, 5, 2).unwrap();
        assert_eq!(layout.positions, [0, 1, 2, 0, 1, 2, 3, 4, 2, 3]);
        assert_eq!(layout.rows, [0..3, 3..10]);
        let spans: Vec<_> =
            layout.spans.iter().map(|span| (span.tokens.clone(), span.prefix.clone())).collect();
        assert_eq!(spans, [(0..3, 0..0), (3..5, 3..3), (5..8, 3..5), (8..10, 3..5)]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let refused = |row: Row| Layout::new(&Batch { rows: vec![row] }, 5, 2).unwrap_err().to_string();
        assert!(refused(row(6, 0, &[0])).contains("position 5"));
        assert!(refused(row(3, 1, &[0])).contains("first document"));
        assert!(refused(row(3, 0, &[0, 0])).contains("ascend"));
        assert!(refused(row(3, 0, &[0, 3])).contains("ascend"));
        assert!(refused(Row { targets: vec![1, 2, 1], ..row(3, 0, &[0]) }).contains("token 2"));
        assert!(
            refused(Row { weights: vec![1.0, f32::NAN, 1.0], ..row(3, 0, &[0]) }).contains("not a number")
        );
        assert!(refused(Row { distilled: vec![true], ..row(3, 0, &[0]) }).contains("all tokens or of none"));
        assert!(refused(Row { targets: vec![1], ..row(3, 0, &[0]) }).contains("one target"));
        assert!(
            Layout::new(
                &Batch {
                    rows: vec![Row {
                        targets: vec![1, 2, 1],
                        weights: vec![1.0, 0.0, 1.0],
                        ..row(3, 0, &[0])
                    }]
                },
                5,
                2
            )
            .is_ok()
        );
    }
}
