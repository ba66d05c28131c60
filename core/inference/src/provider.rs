//! Execution providers. In: the providers to try, best first. Out: a session on the first that works, and why the others
//! do not. Must not know: tokens, chats, where libraries were fetched from.

mod cpu;
mod cuda;
mod libraries;
mod missing;
mod shapes;
mod tensorrt;

use std::fmt;
use std::path::Path;

use loquat_contract::ModelIdentity;
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::Session;
use ort::session::builder::SessionBuilder;
use serde::{Deserialize, Serialize};

use crate::{InferenceError, Runtime};
pub use cpu::CpuOptions;
pub(crate) use cpu::Threads;
pub use cuda::{ArenaGrowth, CudaOptions};
pub use missing::{CUDA_PACKAGES, TENSORRT_PACKAGES};
pub use shapes::{Range, ShapeProfile};
pub use tensorrt::TensorRtOptions;

/// What computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// NVIDIA TensorRT; what it does not know runs on CUDA.
    TensorRt {
        /// Number of the GPU.
        device: i32,
    },
    /// NVIDIA CUDA.
    Cuda {
        /// Number of the GPU.
        device: i32,
    },
    /// The processor.
    Cpu,
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TensorRt { device } => write!(f, "TensorRT (GPU {device})"),
            Self::Cuda { device } => write!(f, "CUDA (GPU {device})"),
            Self::Cpu => f.write_str("CPU"),
        }
    }
}

/// How each provider works, where it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderOptions {
    /// The processor; also for the operators that a GPU leaves to it.
    pub cpu: CpuOptions,
    /// CUDA; also for the operators that TensorRT leaves to it.
    pub cuda: CudaOptions,
    /// TensorRT.
    pub tensorrt: TensorRtOptions,
}

/// A provider that was asked for and not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Which.
    pub provider: Provider,
    /// Why.
    pub reason: String,
    /// What to do, where that is known.
    pub advice: Option<String>,
}

impl Skipped {
    fn new(provider: Provider, message: &str) -> Self {
        let (reason, advice) = missing::explain(message);
        Self { provider, reason, advice }
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.provider, self.reason)?;
        self.advice.as_ref().map_or(Ok(()), |advice| write!(f, "; {advice}"))
    }
}

/// What a model runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderReport {
    /// The provider in use. ONNX Runtime gives single operators that it does not know to the CPU.
    pub used: Provider,
    /// Those tried before it.
    pub skipped: Vec<Skipped>,
}

impl Provider {
    /// Its name in metrics.
    fn label(self) -> &'static str {
        match self {
            Self::TensorRt { .. } => "tensorrt",
            Self::Cuda { .. } => "cuda",
            Self::Cpu => "cpu",
        }
    }

    /// Where tensors lie that stay on the provider's device from run to run.
    pub(crate) fn memory(self) -> Result<MemoryInfo<'static>, ort::Error> {
        let (device, id) = match self {
            Self::TensorRt { device } | Self::Cuda { device } => (AllocationDevice::CUDA, device),
            Self::Cpu => (AllocationDevice::CPU, 0),
        };
        MemoryInfo::new(device, id, AllocatorType::Device, MemoryType::Default)
    }

    /// Allocates there.
    pub(crate) fn allocator(self, session: &Session) -> Result<Allocator, ort::Error> {
        match self {
            Self::Cpu => Ok(Allocator::default()),
            _ => Allocator::new(session, self.memory()?),
        }
    }
}

/// What the caller asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// Best first.
    pub(crate) providers: &'a [Provider],
    pub(crate) threads: Threads,
    pub(crate) options: &'a ProviderOptions,
}

/// Opens the graph of `model` on the first provider of `wanted` that takes it, and tells which that is: to the log, and as the gauge
/// `loquat_model_provider`.
///
/// # Errors
/// None of them works, the CPU refuses the graph, or an option cannot be.
pub(crate) fn open(
    runtime: &Runtime,
    graph: &Path,
    model: &ModelIdentity,
    wanted: Wanted<'_>,
) -> Result<(Session, ProviderReport), InferenceError> {
    let mut skipped: Vec<Skipped> = Vec::new();
    for &provider in wanted.providers {
        let builder = cpu::builder(runtime, wanted.threads, &wanted.options.cpu)?;
        let opened = register(provider, builder, wanted.options, Some((runtime, graph, &model.sha256)))
            .map(|mut builder| builder.commit_from_file(graph));
        let refused = match opened {
            Ok(Ok(session)) => {
                let report = ProviderReport { used: provider, skipped };
                announce(model, &report);
                return Ok((session, report));
            }
            Ok(Err(source)) if provider == Provider::Cpu => {
                return Err(InferenceError::GraphRefused { graph: graph.to_owned(), source });
            }
            Ok(Err(error)) => error.message().to_owned(),
            Err(message) => message,
        };
        let skip = Skipped::new(provider, &refused);
        let (reason, advice) = (&skip.reason, skip.advice.as_deref().unwrap_or_default());
        tracing::warn!(model = model.name, %provider, reason, advice, "execution provider not used");
        metrics::counter!("loquat_provider_skipped_total", "provider" => provider.label()).increment(1);
        skipped.push(skip);
    }
    Err(InferenceError::NoProvider { skipped })
}

/// Whether `provider` is in this library and its own libraries can be loaded; whether it takes a model is known when one opens.
pub(crate) fn probe(runtime: &Runtime, provider: Provider, options: &ProviderOptions) -> Result<(), Skipped> {
    Session::builder(runtime.environment())
        .map_err(said)
        .and_then(|builder| register(provider, builder, options, None))
        .map(drop)
        .map_err(|message| Skipped::new(provider, &message))
}

/// Where a graph lies and the hash of its model, for providers that keep something of it.
type Graph<'a> = (&'a Runtime, &'a Path, &'a str);

fn register(
    provider: Provider,
    mut builder: SessionBuilder,
    options: &ProviderOptions,
    graph: Option<Graph<'_>>,
) -> Result<SessionBuilder, String> {
    match provider {
        Provider::Cpu => Ok(builder),
        Provider::Cuda { device } => {
            cuda::register(&mut builder, device, &options.cuda)?;
            cuda::tune(builder)
        }
        Provider::TensorRt { device } => {
            libraries::preload(&options.cuda.libraries);
            tensorrt::register(&mut builder, device, &options.tensorrt, graph)?;
            cuda::register(&mut builder, device, &options.cuda)?;
            cuda::tune(builder)
        }
    }
}

fn announce(model: &ModelIdentity, report: &ProviderReport) {
    let (name, used) = (&model.name, report.used);
    if used == Provider::Cpu && report.skipped.is_empty() {
        // What is usual is no news.
        tracing::debug!(model = name, "runs on the {used}");
    } else {
        let skipped: Vec<String> = report.skipped.iter().map(|skip| skip.provider.to_string()).collect();
        tracing::info!(model = name, not_used = skipped.join(", "), "runs on {used}");
    }
    // The others become 0: a model that was opened anew may have changed its provider.
    for provider in [Provider::TensorRt { device: 0 }, Provider::Cuda { device: 0 }, Provider::Cpu] {
        let label = provider.label();
        let is_used = if label == report.used.label() { 1.0 } else { 0.0 };
        metrics::gauge!("loquat_model_provider", "model" => model.name.clone(), "provider" => label)
            .set(is_used);
    }
}

/// Refuses a provider that this build of ONNX Runtime does not hold.
fn built(available: Result<bool, ort::Error>) -> Result<(), String> {
    if available.map_err(said)? { Ok(()) } else { Err(missing::NOT_BUILT.to_owned()) }
}

fn said<T>(error: ort::Error<T>) -> String {
    error.message().to_owned()
}
