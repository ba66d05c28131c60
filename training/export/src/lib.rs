//! Writes ONNX model folders: from GGUF, and from quantised ONNX exports; and adapters for them: from PEFT.
//!
//! A *model folder* is laid out as ONNX Runtime GenAI and the hub's ONNX repositories do, so that what this crate
//! writes and what others publish are loaded the same way:
//!
//! | file | holds |
//! |---|---|
//! | `model.onnx`, `model.onnx.data` | the graph, and its tensors |
//! | `config.json`, `generation_config.json` | the shape and the special tokens, as Hugging Face writes them |
//! | `genai_config.json` | names of inputs and outputs, context length, whether the KV cache is shared |
//! | `tokenizer.json`, `tokenizer_config.json`, `chat_template.jinja` | text ↔ tokens, and the form of a dialogue |
//! | `loquat.json` | the [`Manifest`]: source, version and SHA-256 of every file |
//!
//! It is pure Rust: no Python, no ONNX Runtime, no protobuf compiler.
//!
//! # From GGUF
//!
//! ```no_run
//! use std::path::Path;
//! use loquat_export::{Quantisation, gguf_to_onnx};
//!
//! let (source, target) = (Path::new("SmolLM2-135M-Instruct.Q4_1.gguf"), Path::new("models/smollm2"));
//! let manifest = gguf_to_onnx(source, target, Quantisation::Int4, &mut |p| eprintln!("{} {}/{}", p.item, p.done, p.total))?;
//! println!("model {}", manifest.model_sha256);
//! # Ok::<(), loquat_export::ExportError>(())
//! ```
//!
//! [`gguf_to_onnx`] takes the [`ARCHITECTURES`] with vocabularies of byte-level BPE or of SentencePiece:
//!
//! | architecture | differs from `llama` by |
//! |---|---|
//! | `llama` | |
//! | `qwen2` | biases of queries, keys and values |
//! | `qwen3` | queries and keys that are normalised head by head |
//! | `gemma3` (text) | the same, scaled embeddings, norms behind blocks too, GELU, layers with a sliding window and their own rotary base |
//!
//! The tests hold the logits of all four, and the tokens of both vocabularies, against llama.cpp's. The graph uses the
//! operators that ONNX Runtime runs fastest: `GroupQueryAttention` with rotary embedding inside, `MatMulNBits` on packed
//! queries, keys and values, `SkipSimplifiedLayerNormalization`, and `GatherBlockQuantized` on the same bytes as the
//! output layer where the two are tied. A sliding window includes the token itself, as
//! ONNX Runtime counts it since its pull request 25927 of 2025; with earlier releases each token sees one more.
//!
//! Inputs, all of type `int64` or `f32` (`float16` with [`Quantisation::Fp16`]):
//!
//! | name | shape | meaning |
//! |---|---|---|
//! | `input_ids` | `[batch, sequence]` | the new tokens |
//! | `attention_mask` | `[batch, total]` | 1 for each past and new token; shorter sequences are padded on the right |
//! | `past_key_values.N.key`, `….value` | `[batch, kv_heads, past, head_size]` | the cache; `past` may be the capacity of a shared buffer |
//! | `logits_to_keep` | `[1]` | optional: logits for that many last positions only, which saves a fifth of a prefill and most of its memory |
//!
//! Outputs are `logits` `[batch, kept, vocabulary]` and `present.N.key`, `present.N.value`. Bind the same buffer as
//! `past…` and `present…` and nothing is copied. Because `logits_to_keep` is optional by having a default, ONNX
//! Runtime logs one warning about it when it loads the graph.
//!
//! ## Which quantisation
//!
//! Measured on SmolLM2-135M-Instruct Q4_1 with ONNX Runtime 1.32: perplexity on 42 windows of 512 tokens of English prose
//! against llama.cpp's on the same GGUF file, how often the likeliest next token is llama.cpp's, and speed on one thread.
//!
//! | [`Quantisation`] | data file | perplexity | as llama.cpp | decode | prefill |
//! |---|---|---|---|---|---|
//! | `Fp32` | 544 MB | −0.26 % | 96.3 % | | |
//! | `Int8` | 154 MB | +0.18 % | 95.1 % | 115 tokens/s | 895 tokens/s |
//! | `Int4` | 106 MB | +0.04 % | 95.2 % | 145 tokens/s | 757 tokens/s |
//!
//! `Int4` takes over codes and scales of weights that have 4 bits in the file. Their offsets, which integer zero points do
//! not express, are 4-bit columns more, multiplied by the sums of the input over each block of 32. Weights of other
//! quantised types, the embedding and the output layer have 8 bits. Float weights are rounded to 4 bits, and lose by it.
//!
//! `Fp16` is what GPUs compute in: weights, activations and KV cache are `float16`, logits `f32`. On the CPU it is for
//! checking. Of `gemma3` it is refused, whose activations pass what `float16` holds.
//!
//! # Adapters
//!
//! With [`ExportOptions::adapters`] each linear layer but the output layer takes two optional inputs more, `NAME.lora_A`
//! `[in, rank]` and `NAME.lora_B` `[rank, out]`, where `NAME` is `layers.N.attention.` with `q`, `k`, `v` or `output`, or
//! `layers.N.feed_forward.` with `gate`, `up` or `down`. Left out, they have rank 0 and change no logit at all.
//! [`import_lora`] turns what PEFT saves into the file that ONNX Runtime's adapter API loads, with `alpha / rank` folded
//! into `B`; ranks may differ from layer to layer.
//!
//! # From dynamically quantised ONNX
//!
//! [`dequantise_onnx`] turns each `DynamicQuantizeLinear → MatMulInteger → Cast → Mul` back into a `MatMul` with
//! `f32` weights. Small language models suffer badly from one activation scale per tensor; their weights do not.
//!
//! # What is promised
//!
//! - **Whole or not at all.** A folder is written under another name, synced and renamed. A crash, a full disk or
//!   a damaged source leaves the target as it was.
//! - **Nothing is guessed.** An unknown tensor, a setting that would change the arithmetic, a pre-tokenizer that is
//!   not known exactly: each is refused by name.
//! - **Bounded memory.** Tensors are converted one at a time, straight to the file.
//! - **Any bytes.** No GGUF file, adapter or manifest makes the readers panic, hang or allocate out of proportion;
//!   [`gguf::Gguf::from_bytes`], [`check_gguf`], [`PeftAdapter::parse`] and [`Manifest::from_json`] take them from
//!   memory, which is what fuzzing wants.

pub mod card;
mod decoder;
mod dynamic;
pub mod error;
pub mod folder;
pub mod gguf;
mod import;
pub mod inspect;
pub mod lora;
mod onnx;
pub mod parity;
pub mod progress;
mod quantise;
mod tokenizer;
pub mod weights;

pub use card::{CARD_FILE, Card, Table, evaluate_card};
pub use decoder::ARCHITECTURES;
pub use dynamic::dequantise_onnx;
pub use error::{ExportError, Result};
pub use folder::{EXPORT_VERSION, FileEntry, KvCache, Manifest, Source, WEIGHTS_VERSION, WeightsManifest};
pub use import::{Candidate, Check, ExportOptions, check_gguf, gguf_to_onnx};
pub use inspect::{FolderSummary, GgufSummary, inspect_folder, inspect_gguf, model_sha256};
pub use lora::{AdapterSummary, PeftAdapter, import_lora, merge_lora};
pub use parity::Difference;
pub use progress::{Progress, Report, Stage};
pub use quantise::Quantisation;
pub use weights::{
    Element, Soup, Taste, average_adapters, average_weights, gguf_to_weights, greedy, weights_sha256,
    weights_to_onnx, weights_to_onnx_checked,
};
