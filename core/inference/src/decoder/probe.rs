//! Whether company changes numbers. In: a decoder that is empty still. Out: how it may run so that each sequence gets what it would get
//! alone. Must not know: requests.
//!
//! Which kernel a matrix product takes may depend on how many rows it has, and with the kernel the last bits. Most of all, one row by
//! itself is multiplied as a vector. So this is tried, once, when a model opens.

use super::{Decode, Decoder, Logits};
use crate::InferenceError;

/// How rows may run together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Company {
    /// Any number of rows, any number of tokens from two on.
    Free,
    /// The same, but never one row by itself: it runs beside a row that does not count.
    Paired,
    /// Rows run one by one, and prompts are always cut at the same places.
    None,
}

impl Decoder {
    /// Tries it in a lane, since an adapter brings products of its own, and leaves the lane empty.
    ///
    /// # Errors
    /// A run fails.
    pub(crate) fn probe(&mut self, lane: usize) -> Result<Company, InferenceError> {
        let found = self.compare(lane);
        self.clear(lane);
        found
    }

    fn compare(&mut self, lane: usize) -> Result<Company, InferenceError> {
        let tokens: Vec<u32> = (1..=3).map(|id| id % self.vocabulary().unwrap_or(2).max(2) as u32).collect();
        (0..3).try_for_each(|_| self.push(lane))?;
        // Two tokens, and the same two at the start of three.
        let two = self.extend(lane, 0, &tokens[..2], 2)?;
        let three = self.extend(lane, 1, &tokens, 3)?;
        if !(same(&two, 0, &three, 0)? && same(&two, 1, &three, 1)?) {
            return Ok(Company::None);
        }
        self.extend(lane, 2, &tokens[..2], 1)?;
        let mut step = |rows: usize| {
            let logits = self.step(lane, &[tokens[2], tokens[0], tokens[1]][..rows])?;
            [2, 3, 2]
                .into_iter()
                .take(rows)
                .enumerate()
                .try_for_each(|(row, length)| self.truncate(lane, row, length))?;
            Ok::<Logits, InferenceError>(logits)
        };
        let (one, pair, all) = (step(1)?, step(2)?, step(3)?);
        if !(same(&pair, 0, &all, 0)? && same(&pair, 1, &all, 1)?) {
            return Ok(Company::None);
        }
        Ok(if same(&one, 0, &pair, 0)? { Company::Free } else { Company::Paired })
    }
}

/// Whether two rows of logits are equal, bit for bit.
fn same(a: &Logits, row: usize, b: &Logits, other: usize) -> Result<bool, InferenceError> {
    let (a, b) = (a.row(row)?, b.row(other)?);
    Ok(a.iter().map(|x| x.to_bits()).eq(b.iter().map(|x| x.to_bits())))
}
