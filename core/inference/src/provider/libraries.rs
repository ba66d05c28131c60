//! The libraries that GPU providers need. In: folders. Out: those libraries loaded, so that ONNX Runtime finds them without
//! `LD_LIBRARY_PATH`. Must not know: who put them there.
//!
//! The system's loader takes a library that is loaded already, by its name, for every later one that asks for that name.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use ort::ep::cuda::{CUDA_DYLIBS, CUDNN_DYLIBS};

/// Needed by libraries of CUDA's own.
const FIRST: [&str; 1] = if cfg!(windows) { ["nvJitLink_130_0.dll"] } else { ["libnvJitLink.so.13"] };
/// TensorRT and its reader of ONNX, each behind what it needs.
const TENSORRT: [&str; 3] = if cfg!(windows) {
    ["nvinfer_10.dll", "nvinfer_plugin_10.dll", "nvonnxparser_10.dll"]
} else {
    ["libnvinfer.so.10", "libnvinfer_plugin.so.10", "libnvonnxparser.so.10"]
};

/// The files that were loaded or tried.
static TRIED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Loads what the folders hold. What they lack is left to the system's loader, and what fails shows when the provider is loaded.
pub(super) fn preload(folders: &[PathBuf]) {
    let mut tried = TRIED.lock().unwrap_or_else(PoisonError::into_inner);
    let names = FIRST.iter().chain(CUDA_DYLIBS).chain(CUDNN_DYLIBS).chain(&TENSORRT);
    for name in names {
        let Some(file) = folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()) else {
            continue;
        };
        if !tried.insert(file.clone()) {
            continue;
        }
        match ort::util::preload_dylib(&file) {
            Ok(()) => tracing::debug!(file = %file.display(), "loaded"),
            // Whether it was needed, the provider tells.
            Err(error) => tracing::debug!(file = %file.display(), ?error, "cannot be loaded"),
        }
    }
}
