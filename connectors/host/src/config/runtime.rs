//! What runs the models, as a bot's file says it. In: the table `[runtime]`. Out: checked types. Must not know: how a library is had.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What runs the models.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuntimeConfig {
    /// The ONNX Runtime shared library: `auto`, `cpu`, `gpu`, or a file. Default: `auto`.
    pub library: Library,
    /// Where to run, best first: `tensorrt`, `cuda`, `cpu`. Default: `cpu`.
    pub providers: Vec<ProviderName>,
    /// Which GPU, where one is used. Default: 0.
    pub device: i32,
    /// Threads for an operator; 0 takes the processor's cores. Default: 0.
    pub threads: usize,
    /// Whether threads spin while they wait: faster on cores that are idle otherwise, slower on busy ones. Default: true.
    pub spin: bool,
    /// The processor, numbered from 0, for each thread but the first, which stays where it is: one less than `threads`. Default: any.
    pub affinity: Vec<usize>,
    /// Whether memory of the largest run is kept for the next; without it the peak is a little higher, and what stays lower. Default: true.
    pub arena: bool,
    /// Whether numbers too small for the usual form count as 0. Default: false.
    pub flush_denormals: bool,
    /// CUDA, where it is among the providers.
    pub cuda: CudaConfig,
    /// TensorRT, where it is among the providers.
    pub tensorrt: TensorRtConfig,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            library: Library::Auto,
            providers: vec![ProviderName::Cpu],
            device: 0,
            threads: 0,
            spin: true,
            affinity: Vec::new(),
            arena: true,
            flush_denormals: false,
            cuda: CudaConfig::default(),
            tensorrt: TensorRtConfig::default(),
        }
    }
}

impl RuntimeConfig {
    /// Whether a provider is asked for that needs an NVIDIA GPU.
    pub fn wants_gpu(&self) -> bool {
        self.providers.iter().any(|provider| *provider != ProviderName::Cpu)
    }
}

/// The ONNX Runtime shared library.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(from = "String", into = "String")]
pub enum Library {
    /// That for GPUs where a GPU provider is asked for and this machine has an NVIDIA driver; else that for the processor.
    #[default]
    Auto,
    /// The one of the Python package `onnxruntime`, 28 MB.
    Cpu,
    /// The one of the Python package `onnxruntime-gpu`, 256 MB. The libraries of CUDA are not in it and never fetched.
    Gpu,
    /// A file.
    File(PathBuf),
}

impl From<String> for Library {
    fn from(text: String) -> Self {
        match text.as_str() {
            "auto" => Self::Auto,
            "cpu" => Self::Cpu,
            "gpu" => Self::Gpu,
            _ => Self::File(text.into()),
        }
    }
}

impl From<Library> for String {
    fn from(library: Library) -> Self {
        match library {
            Library::Auto => "auto".to_owned(),
            Library::Cpu => "cpu".to_owned(),
            Library::Gpu => "gpu".to_owned(),
            Library::File(path) => path.to_string_lossy().into_owned(),
        }
    }
}

/// An execution provider of ONNX Runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderName {
    /// NVIDIA TensorRT.
    TensorRt,
    /// NVIDIA CUDA.
    Cuda,
    /// The processor.
    Cpu,
}

/// How CUDA works.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CudaConfig {
    /// The most memory of the GPU for activations and caches, in MB, beside the weights; 0 is all. Default: 0.
    pub memory_limit_mb: usize,
    /// How that memory grows: `powers-of-two` or `as-requested`. Default: `powers-of-two`.
    pub arena: Arena,
    /// Whether models in 32 bits are multiplied in TensorFloat-32: faster, and as exact as 16 bits. Default: false.
    pub tf32: bool,
    /// Folders with the libraries of CUDA, cuDNN and TensorRT, or of Python packages that hold them, searched first. Default: none.
    pub libraries: Vec<PathBuf>,
}

/// How memory grows that is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arena {
    /// By powers of two: fewer and larger steps.
    #[default]
    PowersOfTwo,
    /// By what is asked for: less memory, more steps.
    AsRequested,
}

/// How TensorRT works.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TensorRtConfig {
    /// Whether layers of 32 bits may run in 16. Default: true.
    pub fp16: bool,
    /// The most memory for a layer while it runs, in MB; 0 is what the GPU has. Default: 0.
    pub workspace_mb: usize,
    /// The folder for compiled engines and timings. Default: in the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engines: Option<PathBuf>,
    /// The sizes to compile for. Default: those that come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileConfig>,
}

impl Default for TensorRtConfig {
    fn default() -> Self {
        Self { fp16: true, workspace_mb: 0, engines: None, profile: None }
    }
}

/// The sizes that engines are compiled for, each the least, the usual and the most.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileConfig {
    /// Sequences that run together.
    pub batch: [usize; 3],
    /// Tokens of a sequence in one run.
    pub tokens: [usize; 3],
    /// Tokens of a sequence before that run.
    pub past: [usize; 3],
}
