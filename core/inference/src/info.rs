//! What a model tells of itself, for `loquat model info` and `loquat doctor`. In: an opened model. Out: plain facts.
//! Must not know: how they are printed.

use std::path::PathBuf;
use std::time::Duration;

use loquat_contract::ModelIdentity;

use crate::engine::Decoding;
use crate::graph::Outlet;
use crate::provider::ProviderReport;

/// How keys and values are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheKind {
    /// One buffer that past and present share.
    Shared,
    /// New tensors at each token.
    Growing,
}

/// An opened model.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ModelInfo {
    /// Its name, and a hash of all that decides what it writes: the model, adapters, the other models of an ensemble, and how tokens
    /// are written.
    pub identity: ModelIdentity,
    /// SHA-256 over the graph and its weights alone, in hexadecimal.
    pub model_sha256: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The graph in it.
    pub graph: PathBuf,
    /// What the graph takes.
    pub inputs: Vec<Outlet>,
    /// What the graph gives.
    pub outputs: Vec<Outlet>,
    /// What it runs on.
    pub provider: ProviderReport,
    /// Threads for an operator; 0 where ONNX Runtime chooses.
    pub threads: usize,
    /// How keys and values are kept.
    pub cache: CacheKind,
    /// Bytes of keys and values of one sequence when the context is full.
    pub cache_bytes: usize,
    /// Layers.
    pub layers: usize,
    /// Tokens that one chat may have.
    pub context: usize,
    /// Tokens that the model was made for, where its folder says so.
    pub model_context: Option<usize>,
    /// Ids that it gives logits for.
    pub vocabulary: usize,
    /// Ids that end its turn.
    pub eos: Vec<u32>,
    /// Requests that are answered at the same time.
    pub sequences: usize,
    /// How tokens are written.
    pub decoding: Decoding,
    /// Names of its adapters.
    pub adapters: Vec<String>,
    /// How long it took to open.
    pub opened_in: Duration,
}
