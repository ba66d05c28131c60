//! A model that knows by heart what follows each prompt, and nothing else. In: rows of tokens. Out: logits that are right only if a row
//! holds exactly what it should. Must not know: the engine.

use std::collections::HashMap;
use std::ops::Range;

use crate::InferenceError;
use crate::decoder::{Block, Decode, Logits};

/// Its vocabulary: that of the tokenizer in `tokenizer::tests`, and some.
pub(crate) const WIDTH: usize = 300;

/// A token that makes every run that has it in a row fail.
pub(crate) const POISON: u32 = b'!' as u32 - 33;

#[derive(Default)]
pub(crate) struct Toy {
    /// Prompts and what follows them, its end included.
    pub(crate) replies: HashMap<Vec<u32>, Vec<u32>>,
    /// Tokens, by lane and row.
    pub(crate) rows: Vec<Vec<Vec<u32>>>,
    /// Each run: how many rows, and how many tokens in all.
    pub(crate) runs: Vec<(usize, usize)>,
    pub(crate) context: usize,
    /// Rows do not run together.
    pub(crate) is_growing: bool,
    /// Gives no numbers for rows that hold this token.
    pub(crate) nan: Option<u32>,
}

impl Toy {
    fn logits(&self, tokens: &[u32]) -> Vec<f32> {
        let mut logits = vec![0.0; WIDTH];
        if self.nan.is_some_and(|nan| tokens.contains(&nan)) {
            return vec![f32::NAN; WIDTH];
        }
        let next = self.replies.iter().find_map(|(prompt, reply)| {
            let written = tokens.strip_prefix(prompt.as_slice())?;
            reply.strip_prefix(written)?.first()
        });
        if let Some(&next) = next {
            logits[next as usize] = 1.0;
        }
        logits
    }

    fn check(&self, tokens: &[u32]) -> Result<(), InferenceError> {
        if tokens.contains(&POISON) { Err(InferenceError::CacheLost) } else { Ok(()) }
    }
}

impl Decode for Toy {
    fn context(&self) -> usize {
        self.context
    }

    fn vocabulary(&self) -> Option<usize> {
        Some(WIDTH)
    }

    fn is_shared(&self) -> bool {
        !self.is_growing
    }

    fn push(&mut self, lane: usize) -> Result<(), InferenceError> {
        self.rows.resize(self.rows.len().max(lane + 1), Vec::new());
        self.rows[lane].push(Vec::new());
        Ok(())
    }

    fn remove(&mut self, lane: usize, row: usize, last: usize) -> Result<(), InferenceError> {
        self.rows[lane].swap(row, last);
        self.rows[lane].swap_remove(last);
        Ok(())
    }

    fn clear(&mut self, lane: usize) {
        self.rows.get_mut(lane).into_iter().for_each(Vec::clear);
    }

    fn swap(&mut self, lane: usize, a: usize, b: usize) -> Result<(), InferenceError> {
        self.rows[lane].swap(a, b);
        Ok(())
    }

    fn extend(
        &mut self,
        lane: usize,
        row: usize,
        tokens: &[u32],
        keep: usize,
    ) -> Result<Logits, InferenceError> {
        let mut all = self.rows[lane][row].clone();
        all.extend_from_slice(tokens);
        self.check(&all)?;
        self.runs.push((1, tokens.len()));
        let ends = all.len() + 1 - keep..=all.len();
        let logits = ends.flat_map(|end| self.logits(&all[..end])).collect();
        self.rows[lane][row] = all;
        Ok(Logits::new(logits, WIDTH))
    }

    fn step(&mut self, lane: usize, tokens: &[u32]) -> Result<Logits, InferenceError> {
        assert!(self.is_shared());
        self.check(tokens)?;
        self.runs.push((tokens.len(), tokens.len()));
        let mut logits = Vec::new();
        for (row, &token) in tokens.iter().enumerate() {
            self.rows[lane][row].push(token);
            logits.extend(self.logits(&self.rows[lane][row]));
        }
        Ok(Logits::new(logits, WIDTH))
    }

    fn truncate(&mut self, lane: usize, row: usize, length: usize) -> Result<(), InferenceError> {
        assert!(length <= self.rows[lane][row].len());
        self.rows[lane][row].truncate(length);
        Ok(())
    }

    fn read(&self, lane: usize, row: usize, positions: Range<usize>) -> Option<Block> {
        let bytes: Vec<u8> = self.rows[lane][row][positions].iter().flat_map(|id| id.to_ne_bytes()).collect();
        Some(vec![bytes.into()])
    }

    fn write(
        &mut self,
        lane: usize,
        row: usize,
        positions: usize,
        blocks: &[Block],
    ) -> Result<(), InferenceError> {
        for block in blocks {
            assert_eq!(block[0].len(), positions * 4);
            let ids = block[0].as_chunks::<4>().0.iter().map(|&bytes| u32::from_ne_bytes(bytes));
            self.rows[lane][row].extend(ids);
        }
        Ok(())
    }
}
