//! The walk over a graph for its external weights. In: an ONNX file. Every file that it names must lie in the folder and be as long as
//! the graph needs.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use loquat_fuzz::Scratch;
use loquat_inference::ModelFolder;

static FOLDER: LazyLock<Scratch> = LazyLock::new(|| {
    let folder = Scratch::default();
    folder.write("config.json", b"{}");
    folder.write("tokenizer.json", b"{}");
    folder.write("model.onnx.data", &[0; 64]);
    folder
});

fuzz_target!(|data: &[u8]| {
    FOLDER.write("model.onnx", data);
    if let Ok(folder) = ModelFolder::read(FOLDER.path()) {
        for file in folder.weights() {
            let whole = file.canonicalize().map(|file| file.starts_with(FOLDER.path()));
            assert!(whole.is_ok_and(|inside| inside), "{}", file.display());
        }
    }
});
