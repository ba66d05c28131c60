//! A KV cache that grows: each run takes past tensors and gives longer ones. In: rows, one a sequence. Out: bindings for a run, and the
//! bytes of blocks of tokens. Must not know: which tokens the rows hold.
//!
//! For graphs that append to the cache by copying it. Such rows cannot run as one batch, because they differ in length.

use std::ops::Range;

use half::{bf16, f16};
use ort::memory::{Allocator, MemoryInfo};
use ort::session::{Adapter, IoBinding, RunOptions, SessionOutputs};
use ort::value::{DynTensor, DynValue, PrimitiveTensorElementType, Shape, Tensor, TensorElementType};

use crate::InferenceError;
use crate::graph::Signature;

/// The rows of all sequences that run with one adapter, or with none.
pub(crate) struct Growing {
    rows: Vec<Past>,
    allocator: Allocator,
    memory: MemoryInfo<'static>,
    pub(crate) options: RunOptions,
}

struct Past {
    /// In the order of [`Signature::cache`].
    values: Vec<DynValue>,
    length: usize,
}

impl Growing {
    pub(crate) fn new(
        allocator: Allocator,
        memory: MemoryInfo<'static>,
        adapter: Option<&Adapter>,
    ) -> Result<Self, InferenceError> {
        let mut options = RunOptions::new()?;
        if let Some(adapter) = adapter {
            options.add_adapter(adapter)?;
        }
        Ok(Self { rows: Vec::new(), allocator, memory, options })
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn length(&self, row: usize) -> usize {
        self.rows[row].length
    }

    pub(crate) fn push(&mut self, signature: &Signature) -> Result<(), InferenceError> {
        let values = self.empty(signature)?;
        self.rows.push(Past { values, length: 0 });
        Ok(())
    }

    pub(crate) fn pop(&mut self) {
        self.rows.pop();
    }

    pub(crate) fn clear_all(&mut self) {
        self.rows.clear();
    }

    pub(crate) fn swap(&mut self, a: usize, b: usize) {
        self.rows.swap(a, b);
    }

    fn empty(&self, signature: &Signature) -> Result<Vec<DynValue>, InferenceError> {
        let shape = [1, signature.kv_heads, 0, signature.head_size];
        let empty = |_: &_| Ok(DynTensor::new(&self.allocator, signature.cache_type, shape)?.into_dyn());
        signature.cache.iter().map(empty).collect()
    }

    /// Before a run.
    pub(crate) fn bind(
        &self,
        row: usize,
        signature: &Signature,
        binding: &mut IoBinding,
    ) -> Result<(), InferenceError> {
        for (slot, past) in signature.cache.iter().zip(&self.rows[row].values) {
            binding.bind_input(&slot.past, past)?;
            binding.bind_output_to_device(&slot.present, &self.memory)?;
        }
        Ok(())
    }

    /// After a run of `tokens` tokens.
    pub(crate) fn take(
        &mut self,
        row: usize,
        signature: &Signature,
        outputs: &mut SessionOutputs<'_>,
        tokens: usize,
    ) -> Result<(), InferenceError> {
        let row = &mut self.rows[row];
        for (slot, past) in signature.cache.iter().zip(&mut row.values) {
            *past = outputs
                .remove(&slot.present)
                .ok_or_else(|| ort::Error::new(format!("no output `{}`", slot.present)))?;
        }
        row.length += tokens;
        Ok(())
    }

    /// Forgets a row.
    pub(crate) fn clear(&mut self, row: usize, signature: &Signature) -> Result<(), InferenceError> {
        self.rows[row] = Past { values: self.empty(signature)?, length: 0 };
        Ok(())
    }

    /// The bytes of these positions of a row in all tensors; `None` where the processor cannot read them.
    pub(crate) fn read(&self, row: usize, positions: Range<usize>) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        for value in &self.rows[row].values {
            match value.dtype().tensor_type()? {
                TensorElementType::Float32 => read(value, &positions, &mut bytes, f32::to_ne_bytes)?,
                TensorElementType::Float16 => read(value, &positions, &mut bytes, f16::to_ne_bytes)?,
                TensorElementType::Bfloat16 => read(value, &positions, &mut bytes, bf16::to_ne_bytes)?,
                _ => return None,
            }
        }
        Some(bytes)
    }

    /// Makes a row of blocks of `positions` positions each, as [`read`](Self::read) gave them.
    pub(crate) fn write(
        &mut self,
        row: usize,
        signature: &Signature,
        positions: usize,
        blocks: &[&[u8]],
    ) -> Result<(), InferenceError> {
        let length = positions * blocks.len();
        let shape = Shape::from([1, signature.kv_heads as i64, length as i64, signature.head_size as i64]);
        let head = signature.cache_type.byte_size(positions * signature.head_size).unwrap_or(0);
        let mut values = Vec::with_capacity(signature.cache.len());
        for slot in 0..signature.cache.len() {
            let mut bytes = Vec::new();
            for at in 0..signature.kv_heads {
                let start = (slot * signature.kv_heads + at) * head;
                blocks.iter().for_each(|block| bytes.extend_from_slice(&block[start..start + head]));
            }
            values.push(match signature.cache_type {
                TensorElementType::Float32 => write(shape.clone(), &bytes, f32::from_ne_bytes)?,
                TensorElementType::Float16 => write(shape.clone(), &bytes, f16::from_ne_bytes)?,
                _ => write(shape.clone(), &bytes, bf16::from_ne_bytes)?,
            });
        }
        self.rows[row] = Past { values, length };
        Ok(())
    }
}

fn read<T, const N: usize>(
    value: &DynValue,
    positions: &Range<usize>,
    bytes: &mut Vec<u8>,
    encode: fn(T) -> [u8; N],
) -> Option<()>
where
    T: PrimitiveTensorElementType + Copy,
{
    let (shape, numbers) = value.try_extract_tensor::<T>().ok()?;
    let size = |at: usize| shape.get(at).and_then(|&size| usize::try_from(size).ok());
    let (tokens, head) = (size(2)?, size(3)?);
    for numbers in numbers.chunks_exact((tokens * head).max(1)) {
        bytes.extend(numbers[positions.start * head..positions.end * head].iter().flat_map(|&x| encode(x)));
    }
    Some(())
}

fn write<T, const N: usize>(
    shape: Shape,
    bytes: &[u8],
    decode: fn([u8; N]) -> T,
) -> Result<DynValue, ort::Error>
where
    T: PrimitiveTensorElementType + Clone + std::fmt::Debug + 'static,
{
    let numbers: Vec<T> = bytes.as_chunks::<N>().0.iter().map(|&chunk| decode(chunk)).collect();
    Ok(Tensor::from_array((shape, numbers))?.into_dyn())
}
