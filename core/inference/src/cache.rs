//! The KV cache. In: a session's slots. Out: past tensors bound to its inputs and present ones to its outputs, for one
//! sequence. Must not know: which tokens they belong to.

use half::f16;
use ort::memory::{Allocator, MemoryInfo};
use ort::session::{IoBinding, SessionOutputs};
use ort::value::{DynTensor, DynValue, PrimitiveTensorElementType, Shape, Tensor, TensorElementType};

use crate::InferenceError;
use crate::graph::Signature;

/// Keys and values of one sequence, for every layer.
pub(crate) enum Cache {
    /// One buffer for each slot, past and present at once: the graph writes new tokens behind the old ones, in place.
    Shared,
    /// Each run gives new, longer tensors.
    Growing {
        /// In the order of [`Signature::cache`].
        past: Vec<DynValue>,
        /// Tokens in them.
        length: usize,
        allocator: Allocator,
        memory: MemoryInfo<'static>,
    },
}

impl Cache {
    /// Buffers for `capacity` tokens, bound for good.
    pub(crate) fn shared(
        signature: &Signature,
        capacity: usize,
        allocator: &Allocator,
        binding: &mut IoBinding,
    ) -> Result<Self, InferenceError> {
        for slot in &signature.cache {
            let mut buffer = DynTensor::new(allocator, signature.cache_type, shape(signature, capacity))?;
            // The same tensor on both sides. It is ONNX Runtime's own memory: binding a borrowed one would copy it.
            binding.bind_input(&slot.past, &buffer)?;
            binding.bind_output(&slot.present, &mut buffer)?;
        }
        Ok(Self::Shared)
    }

    /// Empty tensors that grow.
    pub(crate) fn growing(
        signature: &Signature,
        allocator: Allocator,
        memory: MemoryInfo<'static>,
    ) -> Result<Self, InferenceError> {
        let mut cache = Self::Growing { past: Vec::new(), length: 0, allocator, memory };
        cache.clear(signature)?;
        Ok(cache)
    }

    /// Before a run.
    pub(crate) fn bind(&self, signature: &Signature, binding: &mut IoBinding) -> Result<(), InferenceError> {
        if let Self::Growing { past, memory, .. } = self {
            for (slot, past) in signature.cache.iter().zip(past) {
                binding.bind_input(&slot.past, past)?;
                binding.bind_output_to_device(&slot.present, memory)?;
            }
        }
        Ok(())
    }

    /// After a run of `tokens` tokens.
    pub(crate) fn take(
        &mut self,
        signature: &Signature,
        outputs: &mut SessionOutputs<'_>,
        tokens: usize,
    ) -> Result<(), InferenceError> {
        if let Self::Growing { past, length, .. } = self {
            for (slot, past) in signature.cache.iter().zip(past) {
                *past = outputs
                    .remove(&slot.present)
                    .ok_or_else(|| ort::Error::new(format!("no output `{}`", slot.present)))?;
            }
            *length += tokens;
        }
        Ok(())
    }

    /// Forgets all but the first `keep` tokens, and gives how many it could keep.
    pub(crate) fn truncate(&mut self, signature: &Signature, keep: usize) -> Result<usize, InferenceError> {
        match self {
            // What lies behind is overwritten before it is read: the attention mask says how much counts.
            Self::Shared => Ok(keep),
            Self::Growing { past, length, .. } => {
                if *length == keep {
                    return Ok(keep);
                }
                let cut: Option<Vec<_>> =
                    if keep == 0 { None } else { past.iter().map(|past| head(past, keep)).collect() };
                match cut {
                    Some(cut) => {
                        *past = cut;
                        *length = keep;
                        Ok(keep)
                    }
                    None => {
                        self.clear(signature)?;
                        Ok(0)
                    }
                }
            }
        }
    }

    fn clear(&mut self, signature: &Signature) -> Result<(), InferenceError> {
        if let Self::Growing { past, length, allocator, .. } = self {
            *past = signature
                .cache
                .iter()
                .map(|_| {
                    let empty = DynTensor::new(allocator, signature.cache_type, shape(signature, 0))?;
                    Ok(empty.into_dyn())
                })
                .collect::<Result<_, ort::Error>>()?;
            *length = 0;
        }
        Ok(())
    }
}

fn shape(signature: &Signature, tokens: usize) -> [usize; 4] {
    [1, signature.kv_heads, tokens, signature.head_size]
}

/// The first `keep` tokens of a `[1, heads, tokens, size]` tensor; `None` where the processor cannot read it.
fn head(past: &DynValue, keep: usize) -> Option<DynValue> {
    match past.dtype().tensor_type()? {
        TensorElementType::Float32 => head_of::<f32>(past, keep),
        TensorElementType::Float16 => head_of::<f16>(past, keep),
        _ => None,
    }
}

fn head_of<T>(past: &DynValue, keep: usize) -> Option<DynValue>
where
    T: PrimitiveTensorElementType + std::fmt::Debug + Copy + 'static,
{
    let (shape, numbers) = past.try_extract_tensor::<T>().ok()?;
    let size = |at: usize| shape.get(at).and_then(|&size| usize::try_from(size).ok());
    let (heads, tokens, head) = (size(1)?, size(2)?, size(3)?);
    let kept: Vec<T> = numbers
        .chunks_exact((tokens * head).max(1))
        .take(heads)
        .flat_map(|one| one.iter().take(keep * head))
        .copied()
        .collect();
    let shape = Shape::from([1, heads, keep, head]);
    Some(Tensor::from_array((shape, kept)).ok()?.into_dyn())
}
