//! Execution providers. In: the providers to try, best first. Out: a session on the first that works, and why the others
//! do not. Must not know: tokens, chats.

use std::fmt;
use std::path::Path;

use ort::ep::{CUDA, ExecutionProvider, TensorRT};
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::Session;
use ort::session::builder::SessionBuilder;
use serde::{Deserialize, Serialize};

use crate::{InferenceError, Runtime};

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

/// A provider that was asked for and not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Which.
    pub provider: Provider,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.provider, self.reason)
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

    fn register(self, builder: &mut SessionBuilder) -> Result<(), String> {
        match self {
            Self::Cpu => Ok(()),
            Self::Cuda { device } => {
                built(CUDA::is_available())?;
                CUDA::default().with_device_id(device).register(builder).map_err(first_line)
            }
            Self::TensorRt { device } => {
                built(TensorRT::is_available())?;
                let tensorrt = TensorRT::default().with_device_id(device);
                tensorrt.register(builder).map_err(first_line)?;
                CUDA::default().with_device_id(device).register(builder).map_err(first_line)
            }
        }
    }
}

/// How the processor's threads work on an operator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Threads {
    /// How many; 0 leaves it to ONNX Runtime.
    pub(crate) count: usize,
    /// Whether they wait for work by spinning.
    pub(crate) spin: bool,
}

/// Opens `graph` on the first provider of `wanted` that takes it.
///
/// # Errors
/// None of them works, or the CPU refuses the graph.
pub(crate) fn open(
    runtime: &Runtime,
    graph: &Path,
    wanted: &[Provider],
    threads: Threads,
) -> Result<(Session, ProviderReport), InferenceError> {
    let mut skipped = Vec::new();
    for &provider in wanted {
        let mut builder = builder(runtime, threads)?;
        let opened = provider
            .register(&mut builder)
            .map(|()| builder.commit_from_file(graph))
            .map_err(|reason| Skipped { provider, reason });
        match opened {
            Ok(Ok(session)) => return Ok((session, ProviderReport { used: provider, skipped })),
            Ok(Err(source)) if provider == Provider::Cpu => {
                return Err(InferenceError::GraphRefused { graph: graph.to_owned(), source });
            }
            Ok(Err(error)) => skipped.push(Skipped { provider, reason: first_line(error) }),
            Err(reason) => skipped.push(reason),
        }
        if let Some(last) = skipped.last() {
            tracing::warn!(provider = %last.provider, reason = last.reason, "execution provider not used");
        }
    }
    Err(InferenceError::NoProvider { skipped })
}

fn builder(runtime: &Runtime, threads: Threads) -> Result<SessionBuilder, ort::Error> {
    let builder = Session::builder(runtime.environment())?.with_intra_op_spinning(threads.spin)?;
    Ok(if threads.count == 0 { builder } else { builder.with_intra_threads(threads.count)? })
}

fn built(available: Result<bool, ort::Error>) -> Result<(), String> {
    match available {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err("this ONNX Runtime is built without it; use the library of `onnxruntime-gpu`".to_owned())
        }
        Err(error) => Err(first_line(error)),
    }
}

fn first_line(error: ort::Error) -> String {
    error.message().lines().next().unwrap_or_default().to_owned()
}
