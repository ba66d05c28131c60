//! Weights folders: `config.json`, `model.safetensors` and a tokenizer, as Hugging Face's transformers writes them. In: GGUF. Out: such
//! a folder, in place whole; and the way from there to a model folder. What a graph is made of is no matter here.

mod configuration;
mod element;
mod folder;
mod from_gguf;
mod names;
mod shards;
mod soup;
mod tensor_file;
#[cfg(test)]
mod tests;
mod to_onnx;

pub use element::Element;
pub use folder::weights_sha256;
pub use from_gguf::gguf_to_weights;
pub use soup::{Soup, Taste, average_adapters, average_weights, greedy};
pub use to_onnx::{weights_to_onnx, weights_to_onnx_checked};

/// The file that tells a model's shape.
pub(crate) const CONFIG_FILE: &str = "config.json";
/// The file with a model's tensors, where they are in one.
pub(crate) const WEIGHTS_FILE: &str = "model.safetensors";

/// The files beside tensors and shape that go with the weights, where a folder has them.
pub(crate) const BESIDE: [&str; 5] = [
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "tokenizer.json",
];

/// Whether a file of a weights folder holds tensors.
pub(crate) fn is_weights(name: &str) -> bool {
    name.ends_with(".safetensors")
}
