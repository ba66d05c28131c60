//! A KV cache that past and present share. In: rows, one a sequence. Out: windows on neighbouring rows for a run, moves of rows,
//! and the bytes of blocks of tokens. Must not know: which tokens the rows hold.
//!
//! One buffer for each layer's keys and one for its values hold the rows of all sequences. The graph reads past keys and values
//! there and writes the new ones behind them. What lies behind a row's length is overwritten before it is read: the attention
//! mask says how much counts. So cutting a row short costs nothing.

use std::ops::Range;

use ort::memory::{Allocator, MemoryInfo};
use ort::session::{Adapter, HasSelectedOutputs, OutputSelector, RunOptions};
use ort::value::DynValue;

use super::buffer::Buffer;
use crate::InferenceError;
use crate::graph::Signature;

/// The rows of all sequences that run with one adapter, or with none.
pub(crate) struct Lane {
    // Windows first: fields drop in order, and these look into the buffers.
    /// On row `n` alone.
    single: Vec<Windows>,
    /// On the first `n + 1` rows.
    leading: Vec<Windows>,
    /// In the order of [`Signature::cache`].
    buffers: Vec<Buffer>,
    allocator: Allocator,
    /// Tokens of each row in use.
    lengths: Vec<usize>,
    /// The row behind the last one, for exchanging two.
    spare: usize,
}

/// What a run on some neighbouring rows binds.
pub(crate) struct Windows {
    /// Past keys and values, in the order of [`Signature::cache`].
    pub(crate) past: Vec<DynValue>,
    /// With the same memory as present keys and values, and with the adapter.
    pub(crate) options: RunOptions<HasSelectedOutputs>,
}

impl Windows {
    fn new(
        signature: &Signature,
        buffers: &[Buffer],
        rows: Range<usize>,
        allocator: &Allocator,
        adapter: Option<&Adapter>,
    ) -> Result<Self, InferenceError> {
        let mut past = Vec::with_capacity(buffers.len());
        let mut outputs = OutputSelector::default();
        for (slot, buffer) in signature.cache.iter().zip(buffers) {
            // SAFETY: the lane drops its windows before its buffers, and reads and writes rows only between runs.
            #[expect(unsafe_code, reason = "windows into buffers")]
            let (before, after) =
                unsafe { (buffer.window(rows.clone(), allocator)?, buffer.window(rows.clone(), allocator)?) };
            past.push(before);
            outputs = outputs.preallocate(&slot.present, after);
        }
        let mut options = RunOptions::new()?;
        if let Some(adapter) = adapter {
            options.add_adapter(adapter)?;
        }
        Ok(Self { past, options: options.with_outputs(outputs) })
    }
}

impl Lane {
    /// Room for `rows` sequences of `context` tokens.
    ///
    /// # Errors
    /// There is not enough memory.
    pub(crate) fn new(
        signature: &Signature,
        rows: usize,
        context: usize,
        allocator: Allocator,
        memory: &MemoryInfo<'static>,
        adapter: Option<&Adapter>,
    ) -> Result<Self, InferenceError> {
        let row_shape = [signature.kv_heads, context, signature.head_size];
        let buffer =
            |_: &_| Buffer::new(&allocator, memory.clone(), signature.cache_type, rows + 1, row_shape);
        let buffers: Vec<Buffer> = signature.cache.iter().map(buffer).collect::<Result<_, _>>()?;
        // All are made now, because an adapter cannot go to another thread and what refers to it can.
        let open = |rows| Windows::new(signature, &buffers, rows, &allocator, adapter);
        let single = (0..rows).map(|row| open(row..row + 1)).collect::<Result<_, _>>()?;
        let leading = (0..rows).map(|row| open(0..row + 1)).collect::<Result<_, _>>()?;
        Ok(Self { single, leading, buffers, allocator, lengths: Vec::new(), spare: rows })
    }

    pub(crate) fn rows(&self) -> usize {
        self.lengths.len()
    }

    pub(crate) fn length(&self, row: usize) -> usize {
        self.lengths[row]
    }

    pub(crate) fn set_length(&mut self, row: usize, length: usize) {
        self.lengths[row] = length;
    }

    pub(crate) fn push(&mut self) {
        self.lengths.push(0);
    }

    pub(crate) fn pop(&mut self) {
        self.lengths.pop();
    }

    pub(crate) fn clear(&mut self) {
        self.lengths.clear();
    }

    /// What a run on these rows binds: on one row, or on the first ones.
    pub(crate) fn windows(&self, rows: &Range<usize>) -> &Windows {
        if rows.start == 0 { &self.leading[rows.end - 1] } else { &self.single[rows.start] }
    }

    /// Exchanges two rows.
    pub(crate) fn swap(&mut self, a: usize, b: usize) -> Result<(), InferenceError> {
        for (from, to) in [(a, self.spare), (b, a), (self.spare, b)] {
            let positions = self.lengths.get(from).copied().unwrap_or(self.lengths[a]);
            for buffer in &mut self.buffers {
                buffer.copy(from, to, positions, &self.allocator)?;
            }
        }
        self.lengths.swap(a, b);
        Ok(())
    }

    /// Puts what row `from` holds in the place of what row `to` holds.
    pub(crate) fn replace(&mut self, to: usize, from: usize) -> Result<(), InferenceError> {
        for buffer in &mut self.buffers {
            buffer.copy(from, to, self.lengths[from], &self.allocator)?;
        }
        self.lengths[to] = self.lengths[from];
        Ok(())
    }

    /// The bytes of these positions of a row in all buffers; `None` where the processor cannot read them.
    pub(crate) fn read(&self, row: usize, positions: Range<usize>) -> Option<Vec<u8>> {
        if !self.buffers.iter().all(Buffer::is_on_host) {
            return None;
        }
        let mut bytes = Vec::new();
        for buffer in &self.buffers {
            buffer.read(row, positions.clone(), &mut bytes);
        }
        Some(bytes)
    }

    /// Puts blocks of `positions` positions each, as [`read`](Self::read) gave them, at the start of a row.
    pub(crate) fn write<'a>(&mut self, row: usize, positions: usize, blocks: impl Iterator<Item = &'a [u8]>) {
        let mut length = 0;
        for mut block in blocks {
            for buffer in &mut self.buffers {
                let taken = buffer.write(row, length, positions, block);
                block = &block[taken..];
            }
            length += positions;
        }
        self.lengths[row] = length;
    }
}
