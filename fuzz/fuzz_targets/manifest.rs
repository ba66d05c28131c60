//! The manifest of a converted model, and what a folder tells of itself. In: `loquat.json`, `config.json` and a graph, with lines of `%%`
//! between them. What is read must be verified or refused, never more than the folder has.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use loquat_export::{Manifest, inspect_folder};
use loquat_fuzz::{Scratch, parts};

static FOLDER: LazyLock<Scratch> = LazyLock::new(Scratch::default);
const FILES: [&str; 3] = ["loquat.json", "config.json", "model.onnx"];

fuzz_target!(|data: &[u8]| {
    for (name, bytes) in FILES.into_iter().zip(parts::<3>(data)) {
        match bytes {
            Some(bytes) => FOLDER.write(name, bytes),
            None => FOLDER.remove(name),
        }
    }
    if let Ok(Some(manifest)) = Manifest::read(FOLDER.path()) {
        // Sizes and then hashes, of files that are there or not.
        drop(manifest.verify(FOLDER.path(), false, &mut |_| ()));
        drop(manifest.verify(FOLDER.path(), true, &mut |_| ()));
    }
    drop(inspect_folder(FOLDER.path()));
});
