//! NVIDIA TensorRT. In: its options, the model's inputs. Out: the provider, registered with a session. Must not know: CUDA, which is
//! registered behind it and runs what TensorRT does not know, among it the attention operators of ONNX Runtime's own domain.
//!
//! TensorRT compiles an engine for each part of the graph that it takes, which lasts minutes; engines and timings are kept on disk,
//! in a folder for each model's hash, because an engine holds the weights.

use std::path::PathBuf;

use ort::ep::{ExecutionProvider, TensorRT};
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use super::shapes::{self, ShapeProfile};
use super::{Graph, built, said};

/// How TensorRT works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TensorRtOptions {
    /// The folder for engines and timings; without one, each start compiles anew.
    pub cache: Option<PathBuf>,
    /// Whether 32-bit layers may run in 16 bits. A model in 16 bits runs in them anyway.
    pub fp16: bool,
    /// The most bytes that a layer may use while it runs. None is what the GPU has.
    pub workspace: Option<usize>,
    /// The sizes that engines are compiled for. Without it, TensorRT widens the range with each input outside it, compiling again.
    /// It fits only graphs that TensorRT takes as a whole: a part's own inputs are not the graph's.
    pub profile: Option<ShapeProfile>,
}

pub(super) fn register(
    builder: &mut SessionBuilder,
    device: i32,
    options: &TensorRtOptions,
    graph: Option<Graph<'_>>,
) -> Result<(), String> {
    built(TensorRT::is_available())?;
    let mut tensorrt = provider(device, options);
    if let (Some(cache), Some((_, _, sha256))) = (&options.cache, graph) {
        tensorrt = cached(tensorrt, cache.join(sha256.get(..16).unwrap_or(sha256)))?;
    }
    if let (Some(profile), Some((runtime, path, _))) = (&options.profile, graph) {
        // The plainest way to the inputs: the graph as it is, on the processor, for a moment.
        let plain = Session::builder(runtime.environment())
            .and_then(|builder| Ok(builder.with_optimization_level(GraphOptimizationLevel::Disable)?))
            .and_then(|builder| Ok(builder.with_prepacking(false)?))
            .and_then(|mut builder| builder.commit_from_file(path))
            .map_err(said)?;
        let [least, usual, most] = shapes::of(plain.inputs(), profile)?;
        tensorrt = tensorrt
            .with_profile_min_shapes(least)
            .with_profile_opt_shapes(usual)
            .with_profile_max_shapes(most);
    }
    tensorrt.register(builder).map_err(said)
}

fn provider(device: i32, options: &TensorRtOptions) -> TensorRT {
    let tensorrt = TensorRT::default()
        .with_device_id(device)
        .with_fp16(options.fp16)
        // Norms sum squares, which leave the range of 16 bits.
        .with_layer_norm_fp32_fallback(options.fp16);
    match options.workspace {
        Some(bytes) => tensorrt.with_max_workspace_size(bytes),
        None => tensorrt,
    }
}

fn cached(tensorrt: TensorRT, folder: PathBuf) -> Result<TensorRT, String> {
    std::fs::create_dir_all(&folder)
        .map_err(|error| format!("the folder {} for engines cannot be made: {error}", folder.display()))?;
    let folder = folder.to_string_lossy().into_owned();
    Ok(tensorrt
        .with_engine_cache(true)
        .with_engine_cache_path(&folder)
        .with_timing_cache(true)
        .with_timing_cache_path(&folder))
}

#[cfg(test)]
mod tests {
    use super::{TensorRtOptions, cached, provider};

    #[test]
    fn engines_and_timings_are_kept_in_the_models_own_folder() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("0123456789abcdef");
        let options = TensorRtOptions { fp16: true, workspace: Some(4096), ..TensorRtOptions::default() };
        let shown = format!("{:?}", cached(provider(1, &options), own.clone()).unwrap());
        assert!(own.is_dir());
        for text in [
            "trt_engine_cache_path",
            "trt_timing_cache_path",
            "trt_fp16_enable",
            "4096",
            own.to_str().unwrap(),
        ] {
            assert!(shown.contains(text), "{text}: {shown}");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = cached(provider(0, &options), file.path().join("below")).unwrap_err();
        assert!(error.contains("cannot be made"), "{error}");
    }
}
