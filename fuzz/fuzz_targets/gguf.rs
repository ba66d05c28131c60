//! The GGUF reader. In: a file. It must open it or refuse it, read each tensor that it lists, and tell whether it converts it.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use loquat_export::check_gguf;
use loquat_export::gguf::Gguf;

fuzz_target!(|data: &[u8]| {
    let Ok(gguf) = Gguf::from_bytes(Path::new("model.gguf"), data.to_vec()) else { return };
    let mut row = Vec::new();
    for tensor in gguf.tensors() {
        let Ok(read) = gguf.read(tensor) else { continue };
        assert_eq!((read.rows(), read.columns()), (tensor.rows(), tensor.columns()));
        row.resize(read.columns(), 0.0);
        for at in [0, read.rows() - 1] {
            read.row(at, &mut row);
        }
    }
    // Whichever it says.
    drop(check_gguf(&gguf));
});
