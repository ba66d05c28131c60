//! The GGUF reader. In: a file. It must open it or refuse it, read each tensor that it lists, and tell whether it converts it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use loquat_export::gguf::Gguf;
use loquat_export::inspect_gguf;
use loquat_fuzz::Scratch;

static FOLDER: LazyLock<Scratch> = LazyLock::new(Scratch::default);

fuzz_target!(|data: &[u8]| {
    FOLDER.write("model.gguf", data);
    let path = FOLDER.path().join("model.gguf");
    let Ok(gguf) = Gguf::open(&path) else { return };
    let mut row = Vec::new();
    for tensor in gguf.tensors() {
        let Ok(read) = gguf.read(tensor) else { continue };
        assert_eq!((read.rows(), read.columns()), (tensor.rows(), tensor.columns()));
        row.resize(read.columns(), 0.0);
        for at in [0, read.rows() - 1] {
            read.row(at, &mut row);
        }
    }
    assert!(inspect_gguf(&path).is_ok(), "what opens can be looked at");
});
