//! NVIDIA CUDA. In: its options. Out: the provider, registered with a session. Must not know: TensorRT, which stands before it.
//!
//! Numbers have the type that the graph gives them: fp16 and bf16 are the model's own, and no option here. Three things are fixed:
//! cuDNN searches convolutions by heuristics (transformers have none, and the search of all variants costs seconds and memory);
//! the channel order stays (it is about convolutions too); weights bypass the arena, which would round 16 GB up to 32.
//!
//! CUDA graphs stay off. A captured graph is replayed with the shapes and addresses of its first run, and ONNX Runtime does not check
//! either: the attention mask of a decoder grows with each token, so a replay would give the logits of another step.

use std::path::PathBuf;

use ort::ep::cuda::ConvAlgorithmSearch;
use ort::ep::{ArenaExtendStrategy, CUDA, ExecutionProvider};
use ort::session::builder::SessionBuilder;

use super::{built, libraries, said};

/// How CUDA works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CudaOptions {
    /// The most bytes that the arena for activations and caches may take of the GPU; weights are not part of it. None is all.
    pub memory_limit: Option<usize>,
    /// How the arena grows.
    pub arena: ArenaGrowth,
    /// Whether 32-bit matrices are multiplied with 10 bits of mantissa (TensorFloat-32, Ampere and later): several times faster,
    /// as exact as 16-bit floats. It changes nothing for models in 16 bits.
    pub tf32: bool,
    /// Folders with the libraries of CUDA, cuDNN and TensorRT, searched before the system's: `nvidia/*/lib` of Python packages.
    pub libraries: Vec<PathBuf>,
}

/// How an arena grows that is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArenaGrowth {
    /// By powers of two: fewer and larger steps.
    #[default]
    PowersOfTwo,
    /// By what is asked for: less memory, more steps.
    AsRequested,
}

pub(super) fn register(
    builder: &mut SessionBuilder,
    device: i32,
    options: &CudaOptions,
) -> Result<(), String> {
    built(CUDA::is_available())?;
    libraries::preload(&options.libraries);
    provider(device, options).register(builder).map_err(said)
}

/// What a session on a GPU needs beside the provider.
pub(super) fn tune(builder: SessionBuilder) -> Result<SessionBuilder, String> {
    builder.with_device_allocated_initializers().map_err(said)
}

fn provider(device: i32, options: &CudaOptions) -> CUDA {
    let growth = match options.arena {
        ArenaGrowth::PowersOfTwo => ArenaExtendStrategy::NextPowerOfTwo,
        ArenaGrowth::AsRequested => ArenaExtendStrategy::SameAsRequested,
    };
    let cuda = CUDA::default()
        .with_device_id(device)
        .with_arena_extend_strategy(growth)
        // ONNX Runtime's own default is on.
        .with_tf32(options.tf32)
        .with_cuda_graph(false)
        .with_conv_algorithm_search(ConvAlgorithmSearch::Heuristic);
    match options.memory_limit {
        Some(bytes) => cuda.with_memory_limit(bytes),
        None => cuda,
    }
}

#[cfg(test)]
mod tests {
    use super::{ArenaGrowth, CudaOptions, provider};

    #[test]
    fn options_reach_onnx_runtime_by_its_keys() {
        let options = CudaOptions {
            memory_limit: Some(1 << 30),
            arena: ArenaGrowth::AsRequested,
            tf32: true,
            libraries: Vec::new(),
        };
        let shown = format!("{:?}", provider(3, &options));
        for pair in [
            ("device_id", "3"),
            ("gpu_mem_limit", "1073741824"),
            ("arena_extend_strategy", "kSameAsRequested"),
            ("use_tf32", "true"),
            ("enable_cuda_graph", "false"),
            ("cudnn_conv_algo_search", "HEURISTIC"),
        ] {
            assert!(
                shown.contains(&format!("{:?}", pair.0)) && shown.contains(&format!("{:?}", pair.1)),
                "{shown}"
            );
        }
        assert!(!format!("{:?}", provider(0, &CudaOptions::default())).contains("gpu_mem_limit"));
    }
}
