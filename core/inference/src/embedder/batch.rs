//! Padding and pooling. In: the tokens of texts, and hidden states. Out: rectangular batches, and vectors of length 1. Must not
//! know: ONNX Runtime.

use loquat_contract::normalised;

use super::Pooling;

/// Texts that run together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch {
    /// Their places among all texts.
    pub(super) texts: Vec<usize>,
    /// Tokens a row.
    pub(super) width: usize,
    /// `[texts, width]`, padded with 0.
    pub(super) ids: Vec<i64>,
    /// The same shape: 1 for a token, 0 for padding.
    pub(super) mask: Vec<i64>,
}

/// Cuts the texts into batches of at most `size`, those of like length together.
pub(super) fn batches(tokens: &[Vec<u32>], size: usize) -> Vec<Batch> {
    let mut order: Vec<usize> = (0..tokens.len()).collect();
    order.sort_by_key(|&text| tokens[text].len());
    let batch = |texts: &[usize]| {
        let width = texts.iter().map(|&text| tokens[text].len()).max().unwrap_or(0).max(1);
        let (mut ids, mut mask) = (Vec::new(), Vec::new());
        for &text in texts {
            let padding = width - tokens[text].len();
            ids.extend(tokens[text].iter().map(|&id| i64::from(id)).chain(std::iter::repeat_n(0, padding)));
            mask.extend(std::iter::repeat_n(1, width - padding).chain(std::iter::repeat_n(0, padding)));
        }
        Batch { texts: texts.to_vec(), width, ids, mask }
    };
    order.chunks(size.max(1)).map(batch).collect()
}

/// One vector of length 1 for each text of the batch, from hidden states `[texts, width, dimension]`.
pub(super) fn pool(hidden: &[f32], batch: &Batch, dimension: usize, pooling: Pooling) -> Vec<Vec<f32>> {
    let rows = hidden.chunks(dimension * batch.width).zip(batch.mask.chunks(batch.width));
    rows.map(|(states, mask)| {
        let mut sum = vec![0.0; dimension];
        let used = match pooling {
            Pooling::Mean => mask.iter().filter(|&&m| m == 1).count(),
            Pooling::FirstToken => 1,
        };
        // The padding stands at the end. The sum has the direction of the mean, and its length goes away.
        for state in states.chunks(dimension).take(used) {
            sum.iter_mut().zip(state).for_each(|(sum, x)| *sum += x);
        }
        normalised(sum)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::{Pooling, batches, pool};

    #[test]
    fn like_lengths_run_together_and_padding_is_masked() {
        let cut = batches(&[vec![1, 2, 3], vec![4], vec![5, 6]], 2);
        assert_eq!(cut.len(), 2);
        assert_eq!((cut[0].texts.as_slice(), cut[0].width), ([1, 2].as_slice(), 2));
        assert_eq!(
            (cut[0].ids.as_slice(), cut[0].mask.as_slice()),
            ([4, 0, 5, 6].as_slice(), [1, 0, 1, 1].as_slice())
        );
        assert!(batches(&[], 2).is_empty());
    }

    #[test]
    fn padding_takes_no_part_in_the_mean() {
        let batch = &batches(&[vec![1], vec![2, 3]], 2)[0];
        let hidden = [3.0, 4.0, 100.0, 100.0, 1.0, 0.0, 0.0, 1.0];
        let mean = pool(&hidden, batch, 2, Pooling::Mean);
        assert_eq!(mean[0], [0.6, 0.8]);
        assert!((mean[1][0] - mean[1][1]).abs() < 1e-6);
        assert_eq!(pool(&hidden, batch, 2, Pooling::FirstToken)[1], [1.0, 0.0]);
    }
}
