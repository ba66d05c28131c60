//! Runs the graph. In: token ids. Out: the logits after the last of them. Must not know: text, sampling, requests.

use half::f16;
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{IoBinding, Session};
use ort::value::{DynValue, Tensor, TensorElementType};

use crate::cache::Cache;
use crate::graph::{IntInput, Signature};
use crate::provider::Provider;
use crate::{InferenceError, ModelFolder};

/// What generation needs of a model: one sequence at a time.
pub(crate) trait Decode {
    /// Tokens that a sequence may have.
    fn context(&self) -> usize;

    /// Starts a new sequence and gives the logits after `prompt`, or `None` once `gone` says that nobody waits.
    fn prefill(&mut self, prompt: &[u32], gone: &dyn Fn() -> bool) -> Result<Option<&[f32]>, InferenceError>;

    /// Adds one token and gives the logits after it.
    fn step(&mut self, token: u32) -> Result<&[f32], InferenceError>;
}

/// A prompt runs through the graph in blocks of this many tokens.
///
/// Blocks begin at multiples of it, whatever was cached, so a cached block holds what a new run would compute, bit for bit:
/// reuse changes the time and not the tokens. Between blocks a dropped request is noticed.
const BLOCK: usize = 64;

/// A session with its KV cache.
pub(crate) struct Decoder {
    session: Session,
    binding: IoBinding,
    signature: Signature,
    cache: Cache,
    context: usize,
    /// Tokens in the cache.
    length: usize,
    /// The tokens of the whole blocks at the cache's start.
    blocks: Vec<u32>,
    logits: Vec<f32>,
    host: MemoryInfo<'static>,
}

impl Decoder {
    /// Makes ready to run sequences of up to `context` tokens.
    ///
    /// # Errors
    /// The graph is no decoder, or memory for the cache is lacking.
    pub(crate) fn new(
        session: Session,
        provider: Provider,
        folder: &ModelFolder,
        context: usize,
    ) -> Result<Self, InferenceError> {
        let signature = Signature::read(&session, folder)?;
        let mut binding = session.create_binding()?;
        let allocator = provider.allocator(&session)?;
        let cache = if folder.config().share_buffer {
            Cache::shared(&signature, context, &allocator, &mut binding)?
        } else {
            Cache::growing(&signature, allocator, provider.memory()?)?
        };
        let host = MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Device, MemoryType::CPUOutput)?;
        Ok(Self {
            session,
            binding,
            signature,
            cache,
            context,
            length: 0,
            blocks: Vec::new(),
            logits: Vec::new(),
            host,
        })
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Runs `tokens` behind those in the cache; the logits after the last come into `self.logits`.
    fn run(&mut self, tokens: &[u32]) -> Result<(), InferenceError> {
        let ran = self.run_bound(tokens);
        if ran.is_err() {
            // The cache may be half-written.
            self.blocks.clear();
            self.length = 0;
            self.cache.truncate(&self.signature, 0)?;
        }
        ran
    }

    fn run_bound(&mut self, tokens: &[u32]) -> Result<(), InferenceError> {
        let total = self.length + tokens.len();
        let signature = &self.signature;
        let row = |count: usize| [1, count];
        let ids = tokens.iter().map(|&id| i64::from(id));
        bind(&mut self.binding, &signature.input_ids, &row(tokens.len()), ids)?;
        if let Some(mask) = &signature.attention_mask {
            bind(&mut self.binding, mask, &row(total), std::iter::repeat_n(1, total))?;
        }
        if let Some(positions) = &signature.position_ids {
            bind(&mut self.binding, positions, &row(tokens.len()), (0_i64..).take(total).skip(self.length))?;
        }
        if let Some(keep) = &signature.logits_to_keep {
            bind(&mut self.binding, keep, &vec![1; keep.rank], std::iter::once(1))?;
        }
        // Bound anew each time, because the shape depends on the number of tokens.
        self.binding.bind_output_to_device(&signature.logits, &self.host)?;
        self.cache.bind(signature, &mut self.binding)?;

        let mut outputs = self.session.run_binding(&self.binding)?;
        let logits = outputs
            .get(&signature.logits)
            .ok_or_else(|| ort::Error::new(format!("no output `{}`", signature.logits)))?;
        copy_last(logits, &mut self.logits)?;
        self.cache.take(signature, &mut outputs, tokens.len())?;
        self.length = total;
        Ok(())
    }
}

impl Decode for Decoder {
    fn context(&self) -> usize {
        self.context
    }

    fn prefill(&mut self, prompt: &[u32], gone: &dyn Fn() -> bool) -> Result<Option<&[f32]>, InferenceError> {
        let common = prompt.iter().zip(&self.blocks).take_while(|(a, b)| a == b).count();
        // The last token always runs, for its logits.
        let keep = common.min(prompt.len().saturating_sub(1)) / BLOCK * BLOCK;
        self.length = self.cache.truncate(&self.signature, keep)?;
        self.blocks.truncate(self.length);
        for block in prompt[self.length..].chunks(BLOCK) {
            if gone() {
                return Ok(None);
            }
            self.run(block)?;
            if block.len() == BLOCK {
                self.blocks.extend_from_slice(block);
            }
        }
        Ok(Some(&self.logits))
    }

    fn step(&mut self, token: u32) -> Result<&[f32], InferenceError> {
        self.run(&[token])?;
        Ok(&self.logits)
    }
}

fn bind(
    binding: &mut IoBinding,
    input: &IntInput,
    shape: &[usize],
    numbers: impl Iterator<Item = i64>,
) -> Result<(), ort::Error> {
    let value = if input.wide {
        Tensor::from_array((shape.to_vec(), numbers.collect::<Vec<_>>()))?.into_dyn()
    } else {
        let narrow = numbers.map(|number| i32::try_from(number).unwrap_or(i32::MAX));
        Tensor::from_array((shape.to_vec(), narrow.collect::<Vec<_>>()))?.into_dyn()
    };
    binding.bind_input(&input.name, &value)
}

/// The last row of `[1, tokens, vocabulary]`.
fn copy_last(value: &DynValue, into: &mut Vec<f32>) -> Result<(), InferenceError> {
    let width =
        value.shape().last().and_then(|&width| usize::try_from(width).ok()).filter(|&width| width > 0);
    let width = width.ok_or_else(|| ort::Error::new("the logits are empty"))?;
    into.clear();
    match value.data_type() {
        TensorElementType::Float16 => {
            let (_, numbers) = value.try_extract_tensor::<f16>()?;
            into.extend(numbers.rchunks(width).take(1).flatten().map(|number| number.to_f32()));
        }
        _ => {
            let (_, numbers) = value.try_extract_tensor::<f32>()?;
            into.extend(numbers.rchunks(width).take(1).flatten());
        }
    }
    Ok(())
}
