//! Weights folders: `config.json`, `model.safetensors` and a tokenizer, as Hugging Face's transformers writes them. In: GGUF. Out: such
//! a folder, in place whole. It must not know graphs.

mod element;
mod from_gguf;
mod names;
mod tensor_file;
#[cfg(test)]
mod tests;

pub use element::Element;
pub use from_gguf::gguf_to_weights;

/// The file that tells a model's shape.
pub(crate) const CONFIG_FILE: &str = "config.json";
/// The file with a model's tensors, where they are in one.
pub(crate) const WEIGHTS_FILE: &str = "model.safetensors";

/// Whether a file of a weights folder holds tensors.
pub(crate) fn is_weights(name: &str) -> bool {
    name.ends_with(".safetensors")
}
