//! Why a provider does not work, and what to do. In: what the system's loader, CUDA or ONNX Runtime say. Out: the reason in a line, and
//! advice that names the library and the package that carries it. Must not know: where packages are installed.
//!
//! The packages are those that hold the libraries of the versions that `onnxruntime-gpu` 1.31 is built for: CUDA 13, cuDNN 9,
//! TensorRT 10. (The present `tensorrt-cu13-libs` is 11, whose libraries have other names.)

/// Said of a provider that the library was built without.
pub(super) const NOT_BUILT: &str = "this ONNX Runtime is built without it";

const OLD_DRIVER: &str = "update the NVIDIA driver: CUDA 13 needs 580 or later";

/// The Python packages with what the CUDA provider needs beside the driver.
pub const CUDA_PACKAGES: [&str; 7] = [
    "nvidia-cuda-runtime~=13.0",
    "nvidia-cublas~=13.0",
    "nvidia-curand~=10.0",
    "nvidia-cufft~=12.0",
    "nvidia-cuda-nvrtc~=13.0",
    "nvidia-nvjitlink~=13.0",
    "nvidia-cudnn-cu13~=9.0",
];
/// The Python package with what TensorRT needs beside those.
pub const TENSORRT_PACKAGES: [&str; 1] = ["tensorrt-cu13-libs~=10.13"];

/// The beginning of a library's name → the Python package with it.
const PACKAGES: [(&str, &str); 12] = [
    ("cudart", CUDA_PACKAGES[0]),
    ("cublas", CUDA_PACKAGES[1]),
    ("nvblas", CUDA_PACKAGES[1]),
    ("curand", CUDA_PACKAGES[2]),
    ("cufft", CUDA_PACKAGES[3]),
    ("nvrtc", CUDA_PACKAGES[4]),
    ("nvJitLink", CUDA_PACKAGES[5]),
    ("cudnn", CUDA_PACKAGES[6]),
    ("nvinfer", TENSORRT_PACKAGES[0]),
    ("nvonnxparser", TENSORRT_PACKAGES[0]),
    ("onnxruntime_providers", "onnxruntime-gpu~=1.31"),
    ("onnxruntime", "onnxruntime-gpu~=1.31"),
];

/// What CUDA and ONNX Runtime say → what to do.
const FAILURES: [(&[&str], &str); 7] = [
    (
        &[NOT_BUILT],
        "take the library of the Python package `onnxruntime-gpu` (`runtime.library = \"gpu\"`), or take the provider out",
    ),
    (
        &["no CUDA-capable device", "CUDA failure 100", "cudaErrorNoDevice"],
        "check with `nvidia-smi` that a GPU is there; a container needs it passed on (`--gpus all`)",
    ),
    (&["driver version is insufficient", "CUDA failure 35", "cudaErrorInsufficientDriver"], OLD_DRIVER),
    (
        &["invalid device ordinal", "CUDA failure 101", "Invalid device"],
        "correct `runtime.device`: `nvidia-smi -L` lists the GPUs from 0",
    ),
    (
        &["out of memory", "Failed to allocate memory", "CUDA failure 2:"],
        "free memory on the GPU, lower `max_context_tokens`, or take a model with fewer bits a weight",
    ),
    (
        &["no kernel image", "CUDA failure 209", "unsupported GPU architecture"],
        "this GPU is older than the library's kernels; take `cpu`, or a build of ONNX Runtime for it",
    ),
    (
        &["shape profiles provided", "associated profiles"],
        "take `runtime.tensorrt.profile` out: parts of this graph run on CUDA, and a profile would have to name the parts' own inputs",
    ),
];

/// Reason and advice for what was said when a provider was loaded or given a model.
pub(super) fn explain(message: &str) -> (String, Option<String>) {
    if let Some(library) = lacking(message) {
        return (format!("{library} is missing"), Some(bring(library)));
    }
    let reason = first_line(message);
    let advice = FAILURES.iter().find(|(says, _)| says.iter().any(|say| message.contains(say)));
    if let Some((_, advice)) = advice {
        return (reason, Some((*advice).to_owned()));
    }
    // A library that is there and does not fit: of another version than its neighbours.
    // The driver's own functions begin like this; those of CUDA's libraries go on in small letters.
    let driver = message.split("undefined symbol: cu").nth(1).and_then(|rest| rest.chars().next());
    if driver.is_some_and(|first| first.is_ascii_uppercase()) {
        return (reason, Some(OLD_DRIVER.to_owned()));
    }
    let mixed = ["undefined symbol", "version `"].iter().any(|says| message.contains(says));
    let advice = mixed.then(|| {
        "its libraries are of different versions; install those that `onnxruntime-gpu` names, in a folder of their own"
            .to_owned()
    });
    (reason, advice)
}

/// The library that the loader did not find: `libcudnn.so.9: cannot open shared object file …`. On Windows the loader names the one that
/// needs it instead.
fn lacking(message: &str) -> Option<&str> {
    let before =
        message.split(": cannot open shared object file").next().filter(|b| b.len() < message.len())?;
    let name = before.rsplit([' ', '\'', '"', '/', ':']).next()?;
    name.contains(".so").then_some(name)
}

fn bring(library: &str) -> String {
    let bare = library.strip_prefix("lib").unwrap_or(library);
    if bare.starts_with("cuda.so") || bare.starts_with("nvidia-ml.so") {
        return "it comes with the NVIDIA driver (580 or later for CUDA 13); a container needs it passed on (`--gpus all`)"
            .to_owned();
    }
    match PACKAGES.iter().find(|(name, _)| bare.starts_with(name)) {
        Some((_, package)) => format!("the Python package `{package}` has it"),
        None => "install the system package that has it".to_owned(),
    }
}

/// The failure itself, without ONNX Runtime's own code and place in its source.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line = line.split_once(" : FAIL : ").map_or(line, |(_, rest)| rest);
    // “… CUDA failure 100: no CUDA-capable device is detected ; GPU=-1 ; hostname=…”
    let from = line.find("CUDA failure ").map_or(line, |at| line.get(at..).unwrap_or(line));
    from.split(" ; ").next().unwrap_or(from).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{NOT_BUILT, explain};

    /// What ONNX Runtime 1.31.1 puts before what the loader says.
    const FAILED: &str = "/onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:2043 onnxruntime::Provider& \
                          onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load library \
                          /lib/libonnxruntime_providers_cuda.so with error: ";

    fn of_loader(said: &str) -> (String, String) {
        let (reason, advice) = explain(&format!("{FAILED}{said}\n"));
        (reason, advice.unwrap())
    }

    #[test]
    fn a_missing_library_is_named_with_its_package() {
        for (library, package) in [
            ("libcublasLt.so.13", "`nvidia-cublas~=13.0`"),
            ("libcublas.so.13", "`nvidia-cublas~=13.0`"),
            ("libcurand.so.10", "`nvidia-curand~=10.0`"),
            ("libcudart.so.13", "`nvidia-cuda-runtime~=13.0`"),
            ("libcufft.so.12", "`nvidia-cufft~=12.0`"),
            ("libnvrtc.so.13", "`nvidia-cuda-nvrtc~=13.0`"),
            ("libnvJitLink.so.13", "`nvidia-nvjitlink~=13.0`"),
            ("libcudnn.so.9", "`nvidia-cudnn-cu13~=9.0`"),
            ("libcudnn_graph.so.9", "`nvidia-cudnn-cu13~=9.0`"),
            ("libnvinfer.so.10", "`tensorrt-cu13-libs~=10.13`"),
            ("libnvonnxparser.so.10", "`tensorrt-cu13-libs~=10.13`"),
            ("/lib/libonnxruntime_providers_shared.so", "`onnxruntime-gpu~=1.31`"),
            ("libcuda.so.1", "NVIDIA driver"),
            ("libstdc++.so.6", "system package"),
        ] {
            let (reason, advice) =
                of_loader(&format!("{library}: cannot open shared object file: No such file or directory"));
            assert_eq!(reason, format!("{} is missing", library.trim_start_matches("/lib/")));
            assert!(advice.contains(package), "{library}: {advice}");
        }
    }

    #[test]
    fn what_cuda_says_leads_to_advice() {
        let said = |failure: &str| {
            explain(&format!(
                "/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider_info.cc:63 static \
                 onnxruntime::CUDAExecutionProviderInfo \
                 onnxruntime::CUDAExecutionProviderInfo::FromProviderOptions(const onnxruntime::ProviderOptions&) \
                 [ONNXRuntimeError] : 1 : FAIL : provider_options_utils.h:187 Parse Failed to parse provider option \
                 \"device_id\": {failure} ; GPU=-1 ; hostname=vm ; \
                 file=/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider_info.cc ; line=70 ; \
                 expr=cudaGetDeviceCount(&num_devices); \n"
            ))
        };
        let (reason, advice) = said("CUDA failure 100: no CUDA-capable device is detected");
        assert_eq!(reason, "CUDA failure 100: no CUDA-capable device is detected");
        assert!(advice.unwrap().contains("nvidia-smi"));
        let (_, advice) =
            said("CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version");
        assert!(advice.unwrap().contains("580"));
    }

    #[test]
    fn versions_that_do_not_fit_and_missing_builds_are_told_apart() {
        let (reason, advice) =
            of_loader("/lib/libonnxruntime_providers_cuda.so: undefined symbol: cuTensorMapEncodeTiled");
        assert!(reason.contains("cuTensorMapEncodeTiled"), "{reason}");
        assert!(advice.contains("580"), "{advice}");
        let (_, advice) =
            of_loader("/lib/libcublas.so.13: undefined symbol: cublasLtHandle, version libcublasLt.so.13");
        assert!(advice.contains("different versions"), "{advice}");
        let (reason, advice) = explain(NOT_BUILT);
        assert_eq!(reason, NOT_BUILT);
        assert!(advice.unwrap().contains("onnxruntime-gpu"));
        assert_eq!(explain("something new").1, None, "no advice is better than a wrong one");
    }
}
