//! The configuration of a model folder. In: `genai_config.json`, `config.json` and `generation_config.json`, with lines of `%%` between
//! them. The folder must be read or refused.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use loquat_fuzz::{Scratch, parts};
use loquat_inference::ModelFolder;

static FOLDER: LazyLock<Scratch> = LazyLock::new(|| {
    let folder = Scratch::default();
    folder.write("model.onnx", b"");
    folder.write("tokenizer.json", b"{}");
    folder
});
const FILES: [&str; 3] = ["genai_config.json", "config.json", "generation_config.json"];

fuzz_target!(|data: &[u8]| {
    for (name, bytes) in FILES.into_iter().zip(parts::<3>(data)) {
        match bytes {
            Some(bytes) if !bytes.is_empty() => FOLDER.write(name, bytes),
            _ => FOLDER.remove(name),
        }
    }
    if let Ok(folder) = ModelFolder::read(FOLDER.path()) {
        assert!(folder.graph().is_file());
        assert!(folder.graph().starts_with(FOLDER.path()), "{}", folder.graph().display());
    }
});
