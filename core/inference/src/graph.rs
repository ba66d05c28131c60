//! What a graph takes and gives. In: a session's inputs and outputs, and the names that the folder gives them. Out: a
//! checked signature of a decoder with a KV cache. Must not know: values, how the graph is run.

use std::path::Path;

use ort::session::Session;
use ort::value::{TensorElementType, ValueType};

use crate::folder::{ModelConfig, Names};
use crate::{InferenceError, ModelFolder};

/// An input or output of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlet {
    /// Its name.
    pub name: String,
    /// Its element type and shape, such as `Tensor<i64>(batch_size, sequence_length)`.
    pub value: String,
}

/// An input of whole numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IntInput {
    pub(crate) name: String,
    /// 64 bits, else 32.
    pub(crate) wide: bool,
    /// Dimensions; 0 is a single number.
    pub(crate) rank: usize,
}

/// A past input and the present output that continues it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CacheSlot {
    pub(crate) past: String,
    pub(crate) present: String,
}

/// The in- and outputs of a decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    /// `[rows, tokens]`.
    pub(crate) input_ids: IntInput,
    /// `[rows, tokens so far]`.
    pub(crate) attention_mask: Option<IntInput>,
    /// `[rows, tokens]`.
    pub(crate) position_ids: Option<IntInput>,
    /// For how many of the last tokens logits are wanted.
    pub(crate) logits_to_keep: Option<IntInput>,
    /// That input has a default; it can be given to a run, but not bound.
    pub(crate) keep_is_optional: bool,
    /// `[rows, tokens, vocabulary]`, or the last token's alone.
    pub(crate) logits: String,
    /// The vocabulary's size, where the graph fixes it.
    pub(crate) vocabulary: Option<usize>,
    /// Keys and values of each layer, each `[rows, kv_heads, tokens, head_size]`.
    pub(crate) cache: Vec<CacheSlot>,
    pub(crate) cache_type: TensorElementType,
    pub(crate) kv_heads: usize,
    pub(crate) head_size: usize,
}

const LOGITS_TO_KEEP: [&str; 2] = ["num_logits_to_keep", "logits_to_keep"];

impl Signature {
    /// Reads and checks `session`'s in- and outputs.
    ///
    /// # Errors
    /// It is not a decoder with a KV cache, or has an input that nothing here can fill.
    pub(crate) fn read(session: &Session, folder: &ModelFolder) -> Result<Self, InferenceError> {
        let reader = Reader { session, graph: folder.graph(), config: folder.config() };
        reader.read()
    }

    /// Bytes of keys and values for `tokens` tokens.
    pub(crate) fn cache_bytes(&self, tokens: usize) -> usize {
        let numbers = self.cache.len() * self.kv_heads * self.head_size * tokens;
        self.cache_type.byte_size(numbers).unwrap_or(0)
    }
}

/// Each as ONNX Runtime names it.
pub(crate) fn outlets(outlets: &[ort::value::Outlet]) -> Vec<Outlet> {
    outlets
        .iter()
        .map(|outlet| Outlet { name: outlet.name().to_owned(), value: outlet.dtype().to_string() })
        .collect()
}

struct Reader<'a> {
    session: &'a Session,
    graph: &'a Path,
    config: &'a ModelConfig,
}

impl Reader<'_> {
    fn read(&self) -> Result<Signature, InferenceError> {
        let names = &self.config.names;
        let cache = self.cache(names)?;
        let (cache_type, kv_heads, head_size) = self.cache_shape(&cache[0])?;
        let logits = self
            .output(&names.logits)
            .ok_or_else(|| self.unfit(format!("it has no output `{}`", names.logits)))?;
        if !matches!(
            logits.tensor_type(),
            Some(TensorElementType::Float32 | TensorElementType::Float16 | TensorElementType::Bfloat16)
        ) {
            return Err(self.unfit(format!("`{}` is {logits}, no floats", names.logits)));
        }
        let keep = LOGITS_TO_KEEP.iter().find_map(|name| self.ints(name).transpose()).transpose()?;
        let keep = keep.or_else(|| self.optional_keep());
        let signature = Signature {
            input_ids: self
                .ints(&names.input_ids)?
                .ok_or_else(|| self.unfit(format!("it has no input `{}`", names.input_ids)))?,
            attention_mask: self.ints(&names.attention_mask)?,
            position_ids: self.ints(&names.position_ids)?,
            keep_is_optional: keep.as_ref().is_some_and(|keep| self.input(&keep.name).is_none()),
            logits_to_keep: keep,
            logits: names.logits.clone(),
            vocabulary: logits.tensor_shape().and_then(|shape| fixed(shape.last().copied())),
            cache,
            cache_type,
            kv_heads,
            head_size,
        };
        self.refuse_unknown(&signature)?;
        Ok(signature)
    }

    fn cache(&self, names: &Names) -> Result<Vec<CacheSlot>, InferenceError> {
        let mut slots = Vec::new();
        for layer in 0.. {
            let number = layer.to_string();
            let pairs = [(&names.past_key, &names.present_key), (&names.past_value, &names.present_value)];
            for (past, present) in pairs {
                let slot =
                    CacheSlot { past: past.replace("%d", &number), present: present.replace("%d", &number) };
                match (self.input(&slot.past), self.output(&slot.present)) {
                    (Some(_), Some(_)) => slots.push(slot),
                    (None, None) if layer > 0 => return Ok(slots),
                    (None, _) => return Err(self.unfit(format!("it has no input `{}`", slot.past))),
                    (_, None) => return Err(self.unfit(format!("it has no output `{}`", slot.present))),
                }
            }
        }
        Ok(slots)
    }

    fn cache_shape(&self, slot: &CacheSlot) -> Result<(TensorElementType, usize, usize), InferenceError> {
        let value = self.input(&slot.past);
        let (Some(element), Some(shape)) =
            (value.and_then(ValueType::tensor_type), value.and_then(ValueType::tensor_shape))
        else {
            return Err(self.unfit(format!("`{}` is no tensor", slot.past)));
        };
        let heads = fixed(shape.get(1).copied()).or(self.config.kv_heads);
        let size = fixed(shape.get(3).copied()).or(self.config.head_size);
        match (shape.len(), heads, size) {
            (4, Some(heads), Some(size)) => Ok((element, heads, size)),
            (4, ..) => Err(self.unfit("config.json must give its heads and their size".to_owned())),
            _ => Err(self.unfit(format!("`{}` is not [batch, heads, tokens, size]", slot.past))),
        }
    }

    fn ints(&self, name: &str) -> Result<Option<IntInput>, InferenceError> {
        let Some(value) = self.input(name) else { return Ok(None) };
        let wide = match value.tensor_type() {
            Some(TensorElementType::Int64) => true,
            Some(TensorElementType::Int32) => false,
            _ => return Err(self.unfit(format!("`{name}` is {value}, not whole numbers"))),
        };
        let rank = value.tensor_shape().map_or(0, |shape| shape.len());
        Ok(Some(IntInput { name: name.to_owned(), wide, rank }))
    }

    /// The number of logits to keep, as an input that has a default.
    fn optional_keep(&self) -> Option<IntInput> {
        self.session.overridable_initializers().into_iter().find_map(|input| {
            let wide = input.dtype().tensor_type()? == TensorElementType::Int64;
            let rank = input.dtype().tensor_shape().map_or(0, |shape| shape.len());
            let is_one = LOGITS_TO_KEEP.contains(&input.name());
            is_one.then(|| IntInput { name: input.name().to_owned(), wide, rank })
        })
    }

    fn refuse_unknown(&self, signature: &Signature) -> Result<(), InferenceError> {
        let optional = [&signature.attention_mask, &signature.position_ids, &signature.logits_to_keep];
        let known: Vec<&str> = std::iter::once(&signature.input_ids)
            .chain(optional.into_iter().flatten())
            .map(|input| input.name.as_str())
            .chain(signature.cache.iter().map(|slot| slot.past.as_str()))
            .collect();
        match self.session.inputs().iter().find(|input| !known.contains(&input.name())) {
            Some(unknown) => {
                Err(self.unfit(format!("it wants an input `{}` of type {}", unknown.name(), unknown.dtype())))
            }
            None => Ok(()),
        }
    }

    fn input(&self, name: &str) -> Option<&ValueType> {
        self.session.inputs().iter().find(|input| input.name() == name).map(|input| input.dtype())
    }

    fn output(&self, name: &str) -> Option<&ValueType> {
        self.session.outputs().iter().find(|output| output.name() == name).map(|output| output.dtype())
    }

    fn unfit(&self, reason: String) -> InferenceError {
        InferenceError::GraphUnfit { graph: self.graph.to_owned(), reason }
    }
}

/// A dimension that the graph fixes.
fn fixed(dimension: Option<i64>) -> Option<usize> {
    dimension.and_then(|size| usize::try_from(size).ok()).filter(|&size| size > 0)
}
