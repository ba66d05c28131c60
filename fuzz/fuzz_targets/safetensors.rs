//! The reader of weights folders: `config.json`, and tensors in one file or in those that an index names. In: these three, with lines of `%%` between
//! them. What opens can be hashed, and written again as the same model.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use loquat_export::{Element, average_weights, weights_sha256};
use loquat_fuzz::{Scratch, parts};

static FOLDER: LazyLock<Scratch> = LazyLock::new(Scratch::default);
static WRITTEN: LazyLock<Scratch> = LazyLock::new(Scratch::default);
const FILES: [&str; 3] = ["config.json", "model.safetensors", "model.safetensors.index.json"];

fuzz_target!(|data: &[u8]| {
    for (name, bytes) in FILES.into_iter().zip(parts::<3>(data)) {
        match bytes {
            // Without the whole file, the index counts.
            Some(bytes) if !bytes.is_empty() => FOLDER.write(name, bytes),
            _ => FOLDER.remove(name),
        }
    }
    // Whichever it says.
    drop(weights_sha256(FOLDER.path(), &mut |_| ()));
    let target = WRITTEN.path().join("weights");
    if average_weights(&[FOLDER.path()], &target, Element::F32, &mut |_| ()).is_ok() {
        average_weights(&[&target], &target, Element::F32, &mut |_| ()).unwrap_or_else(|error| panic!("written, and not read: {error}"));
    }
});
