//! The reader of PEFT adapters, and so of safetensors. In: `adapter_config.json` and `adapter_model.safetensors`, with a line of `%%`
//! between them. What is read changes something, and is no larger than its bytes.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use loquat_export::PeftAdapter;
use loquat_fuzz::parts;

fuzz_target!(|data: &[u8]| {
    let [Some(config), Some(tensors)] = parts::<2>(data) else { return };
    let Ok(adapter) = PeftAdapter::parse(Path::new("adapter"), config, tensors) else { return };
    assert!(!adapter.is_empty(), "an adapter that changes nothing is refused");
    assert!(adapter.rank() <= tensors.len(), "each row of a matrix has bytes");
});
