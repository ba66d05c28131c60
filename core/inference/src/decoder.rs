//! Runs the graph. In: token ids of one sequence, or one id for each of many. Out: logits. Must not know: text, sampling, requests.
//!
//! Sequences lie in *lanes*, one for each adapter and one for the base model; in a lane, each has a *row* of the KV cache.
//! A batch is a run over the first rows of a lane, so rows are kept without gaps.
//!
//! Runs of two or more tokens of a sequence give the same numbers, bit for bit, however a text is cut into them; and a run of
//! one token each for many sequences gives each of them what a run of its own would. Between the two kinds the numbers differ
//! in the last bits, since ONNX Runtime attends to a single token with another kernel. So the engine's cutting and
//! batching change the time and not the tokens, as long as each token of a request always takes the same kind. Not every graph is so: `probe`
//! tries it for each lane, and what it finds decides how rows run.

mod buffer;
mod growing;
mod inputs;
mod lane;
mod logits;
mod probe;

use std::ops::Range;
use std::sync::Arc;

use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{Adapter, IoBinding, Session};

use crate::graph::Signature;
use crate::provider::Provider;
use crate::{InferenceError, ModelFolder};
use growing::Growing;
use inputs::inputs;
use lane::Lane;
pub(crate) use logits::Logits;
pub(crate) use probe::Company;

/// Keys and values of some tokens, out of any row that held them.
///
/// One for each model of an ensemble.
pub(crate) type Block = Vec<Arc<[u8]>>;

/// What the engine needs of a model.
pub(crate) trait Decode {
    /// Tokens that a sequence may have.
    fn context(&self) -> usize;

    /// Numbers in a row of logits, where they are known before the first run.
    fn vocabulary(&self) -> Option<usize>;

    /// Whether the first rows of a lane run as one batch, each as if alone, and a row is cut short at no cost. Else each row runs by
    /// itself.
    fn is_shared(&self) -> bool;

    /// Adds an empty row at the end of a lane.
    fn push(&mut self, lane: usize) -> Result<(), InferenceError>;

    /// Takes row `row` away, by moving `last` into its place and the last row into the place of `last`.
    fn remove(&mut self, lane: usize, row: usize, last: usize) -> Result<(), InferenceError>;

    /// Forgets all rows of a lane.
    fn clear(&mut self, lane: usize);

    /// Exchanges two rows.
    fn swap(&mut self, lane: usize, a: usize, b: usize) -> Result<(), InferenceError>;

    /// Runs `tokens` behind those of a row, and gives the logits after each of the last `keep`.
    fn extend(
        &mut self,
        lane: usize,
        row: usize,
        tokens: &[u32],
        keep: usize,
    ) -> Result<Logits, InferenceError>;

    /// Runs one more token for each of the first rows of a lane, and gives the logits after each.
    fn step(&mut self, lane: usize, tokens: &[u32]) -> Result<Logits, InferenceError>;

    /// Forgets all but the first `length` tokens of a row.
    fn truncate(&mut self, lane: usize, row: usize, length: usize) -> Result<(), InferenceError>;

    /// Keys and values of these tokens of a row; `None` where the processor cannot read them.
    fn read(&self, lane: usize, row: usize, positions: Range<usize>) -> Option<Block>;

    /// Begins an empty row with blocks of `positions` tokens each.
    fn write(
        &mut self,
        lane: usize,
        row: usize,
        positions: usize,
        blocks: &[Block],
    ) -> Result<(), InferenceError>;
}

/// A session with its KV cache.
pub(crate) struct Decoder {
    // Before the session, whose allocator it uses.
    cache: Cache,
    binding: IoBinding,
    session: Session,
    signature: Signature,
    context: usize,
    company: Company,
    /// Whether the company that a lane allows is tried.
    is_tried: bool,
    host: MemoryInfo<'static>,
}

enum Cache {
    Shared(Vec<Lane>),
    Growing(Vec<Growing>),
}

impl Decoder {
    /// Makes ready to run `rows` sequences of up to `context` tokens at once, with each of `adapters` and without one.
    ///
    /// # Errors
    /// The graph is no decoder, or memory for the cache is lacking.
    pub(crate) fn new(
        session: Session,
        provider: Provider,
        folder: &ModelFolder,
        context: usize,
        rows: usize,
        adapters: &[Adapter],
    ) -> Result<Self, InferenceError> {
        let signature = Signature::read(&session, folder)?;
        // Three at least, for the probe; two, for a row that runs beside another.
        let rows = rows.max(3);
        let adapters = std::iter::once(None).chain(adapters.iter().map(Some));
        let past = signature.cache.iter().map(|slot| slot.past.as_str());
        let cache = if folder.shares_buffer(past) {
            let memory = provider.memory()?;
            let lane = |adapter: Option<&Adapter>| {
                let allocator = provider.allocator(&session)?;
                Lane::new(&signature, rows, context, allocator, &memory, adapter)
            };
            Cache::Shared(adapters.map(lane).collect::<Result<_, _>>()?)
        } else {
            let lane = |adapter| Growing::new(provider.allocator(&session)?, provider.memory()?, adapter);
            Cache::Growing(adapters.map(lane).collect::<Result<_, _>>()?)
        };
        let binding = session.create_binding()?;
        let host = MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Device, MemoryType::CPUOutput)?;
        let mut decoder = Self {
            cache,
            binding,
            session,
            signature,
            context,
            company: Company::Free,
            is_tried: false,
            host,
        };
        // On a GPU what a batch costs in bits is taken for what it gives in speed.
        if !folder.rows_are_independent() {
            decoder.company = Company::None;
        } else if provider == Provider::Cpu && decoder.shares_buffer() {
            decoder.is_tried = true;
            decoder.company = decoder.probe(0)?;
        }
        Ok(decoder)
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Runs one token in a lane, and forgets it; tries what company the lane allows.
    ///
    /// # Errors
    /// The lane's adapter does not fit the graph.
    pub(crate) fn try_out(&mut self, lane: usize) -> Result<(), InferenceError> {
        self.push(lane)?;
        let ran = self.extend(lane, 0, &[0], 1).map(drop);
        self.clear(lane);
        ran?;
        if self.is_tried {
            self.company = self.company.max(self.probe(lane)?);
        }
        Ok(())
    }

    /// Whether past and present keys and values lie in one buffer.
    pub(crate) fn shares_buffer(&self) -> bool {
        matches!(self.cache, Cache::Shared(_))
    }

    /// Rows of a lane.
    pub(crate) fn rows(&self, lane: usize) -> usize {
        match &self.cache {
            Cache::Shared(lanes) => lanes[lane].rows(),
            Cache::Growing(lanes) => lanes[lane].rows(),
        }
    }

    /// Runs `tokens / rows` tokens for each of some neighbouring rows, of which the first `counted` keep them.
    fn run(
        &mut self,
        lane: usize,
        rows: Range<usize>,
        counted: usize,
        tokens: &[u32],
        keep: usize,
    ) -> Result<Logits, InferenceError> {
        let Self { session, signature, cache, .. } = self;
        let missing = |name: &str| ort::Error::new(format!("no output `{name}`"));
        match cache {
            Cache::Shared(lanes) => {
                let lane = &mut lanes[lane];
                // A row that only keeps another one company may not be in use.
                let lengths: Vec<usize> = rows.clone().map(|row| lane.length(row).unwrap_or(0)).collect();
                let added = tokens.len() / lengths.len().max(1);
                let mut inputs = inputs(signature, tokens, &lengths, keep)?;
                let windows = lane.windows(&rows);
                let past = signature.cache.iter().zip(&windows.past);
                inputs.extend(past.map(|(slot, past)| (slot.past.as_str().into(), past.into())));
                let mut outputs = session.run_with_options(inputs, &windows.options)?;
                let logits = outputs.remove(&signature.logits).ok_or_else(|| missing(&signature.logits))?;
                drop(outputs);
                let logits = Logits::read(logits, keep)?;
                for (row, length) in rows.zip(lengths).take(counted) {
                    lane.set_length(row, length + added);
                }
                Ok(logits)
            }
            Cache::Growing(lanes) => {
                let lane = &mut lanes[lane];
                let row = rows.start;
                for (name, value) in inputs(signature, tokens, &[lane.length(row)], keep)? {
                    // What is optional cannot be bound.
                    let is_optional =
                        signature.logits_to_keep.as_ref().is_some_and(|input| input.name == name)
                            && signature.keep_is_optional;
                    if !is_optional {
                        self.binding.bind_input(name, &value)?;
                    }
                }
                // Bound anew each time, because the shape depends on the number of tokens.
                self.binding.bind_output_to_device(&signature.logits, &self.host)?;
                lane.bind(row, signature, &mut self.binding)?;
                let mut outputs = session.run_binding_with_options(&self.binding, &lane.options)?;
                let logits = outputs.remove(&signature.logits).ok_or_else(|| missing(&signature.logits))?;
                lane.take(row, signature, &mut outputs, tokens.len())?;
                Logits::read(logits, keep)
            }
        }
    }
}

impl Decode for Decoder {
    fn context(&self) -> usize {
        self.context
    }

    fn vocabulary(&self) -> Option<usize> {
        self.signature.vocabulary
    }

    fn is_shared(&self) -> bool {
        self.shares_buffer() && self.company != Company::None
    }

    fn push(&mut self, lane: usize) -> Result<(), InferenceError> {
        match &mut self.cache {
            Cache::Shared(lanes) => lanes[lane].push(),
            Cache::Growing(lanes) => lanes[lane].push(&self.signature)?,
        }
        Ok(())
    }

    fn remove(&mut self, lane: usize, row: usize, last: usize) -> Result<(), InferenceError> {
        match &mut self.cache {
            Cache::Shared(lanes) => {
                let lane = &mut lanes[lane];
                let end = lane.rows() - 1;
                if row != last {
                    lane.replace(row, last)?;
                }
                if last != end {
                    lane.replace(last, end)?;
                }
                lane.pop();
            }
            Cache::Growing(lanes) => {
                let lane = &mut lanes[lane];
                let end = lane.rows() - 1;
                lane.swap(row, last);
                lane.swap(last, end);
                lane.pop();
            }
        }
        Ok(())
    }

    fn clear(&mut self, lane: usize) {
        match &mut self.cache {
            Cache::Shared(lanes) => lanes[lane].clear(),
            Cache::Growing(lanes) => lanes[lane].clear_all(),
        }
    }

    fn swap(&mut self, lane: usize, a: usize, b: usize) -> Result<(), InferenceError> {
        match &mut self.cache {
            _ if a == b => {}
            Cache::Shared(lanes) => lanes[lane].swap(a, b)?,
            Cache::Growing(lanes) => lanes[lane].swap(a, b),
        }
        Ok(())
    }

    fn extend(
        &mut self,
        lane: usize,
        row: usize,
        tokens: &[u32],
        keep: usize,
    ) -> Result<Logits, InferenceError> {
        self.run(lane, row..row + 1, 1, tokens, keep)
    }

    fn step(&mut self, lane: usize, tokens: &[u32]) -> Result<Logits, InferenceError> {
        debug_assert!(self.shares_buffer() || tokens.len() == 1, "rows that grow run one by one");
        match tokens {
            // What the second row gets lies behind its tokens and is overwritten by the next one of its own.
            [alone] if self.company == Company::Paired => self.run(lane, 0..2, 1, &[*alone, *alone], 1),
            _ => self.run(lane, 0..tokens.len(), tokens.len(), tokens, 1),
        }
    }

    fn truncate(&mut self, lane: usize, row: usize, length: usize) -> Result<(), InferenceError> {
        match &mut self.cache {
            Cache::Shared(lanes) => lanes[lane].set_length(row, length),
            Cache::Growing(lanes) if length == 0 => lanes[lane].clear(row, &self.signature)?,
            Cache::Growing(lanes) => {
                let lane = &mut lanes[lane];
                let kept = lane.read(row, 0..length);
                let kept = kept.ok_or_else(|| ort::Error::new("the cache lies where it cannot be cut"))?;
                lane.write(row, &self.signature, length, &[&kept])?;
            }
        }
        Ok(())
    }

    fn read(&self, lane: usize, row: usize, positions: Range<usize>) -> Option<Block> {
        let bytes = match &self.cache {
            Cache::Shared(lanes) => lanes[lane].read(row, positions),
            Cache::Growing(lanes) => lanes[lane].read(row, positions),
        };
        bytes.map(|bytes| vec![bytes.into()])
    }

    fn write(
        &mut self,
        lane: usize,
        row: usize,
        positions: usize,
        blocks: &[Block],
    ) -> Result<(), InferenceError> {
        let blocks: Vec<&[u8]> = blocks.iter().filter_map(|block| block.first()).map(AsRef::as_ref).collect();
        match &mut self.cache {
            Cache::Shared(lanes) => lanes[lane].write(row, positions, blocks.into_iter()),
            Cache::Growing(lanes) => lanes[lane].write(row, &self.signature, positions, &blocks)?,
        }
        Ok(())
    }
}
