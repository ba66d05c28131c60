//! Writes small GGUF files for tests: a header builder, and whole models of a few hundred kilobytes.

mod quantise;

use std::path::Path;

use super::Value;

/// A GGUF file under construction.
#[derive(Debug, Clone)]
pub(crate) struct Tiny {
    pub(crate) magic: [u8; 4],
    pub(crate) version: u32,
    pub(crate) pairs: Vec<(String, Value)>,
    /// Name, shape, ggml type, bytes.
    pub(crate) tensors: Vec<(String, Vec<u64>, u32, Vec<u8>)>,
}

pub(crate) const HIDDEN: usize = 64;
pub(crate) const HEADS: usize = 4;
pub(crate) const KV_HEADS: usize = 2;
pub(crate) const HEAD: usize = 16;
pub(crate) const FEED_FORWARD: usize = 96;

impl Tiny {
    pub(crate) fn empty() -> Self {
        Self { magic: *b"GGUF", version: 3, pairs: Vec::new(), tensors: Vec::new() }
    }

    pub(crate) fn set(&mut self, key: &str, value: Value) {
        self.pairs.retain(|(k, _)| k != key);
        self.pairs.push((key.to_owned(), value));
    }

    pub(crate) fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensors.push((name.to_owned(), shape.iter().map(|&n| n as u64).collect(), 0, bytes));
    }

    /// A llama with two layers and a byte-level vocabulary of 11 tokens.
    pub(crate) fn llama() -> Self {
        Self::decoder("llama", 0)
    }

    /// A model of an architecture that [`crate::ARCHITECTURES`] names, with 11 tokens and `more` that no text has.
    /// Element `i` of a tensor is a function of `i` and its name, so that a row in the wrong place is seen.
    pub(crate) fn decoder(architecture: &str, more: usize) -> Self {
        Self::sized(architecture, more, HIDDEN, FEED_FORWARD)
    }

    /// As [`decoder`](Self::decoder), with the given widths.
    pub(crate) fn sized(architecture: &str, more: usize, hidden: usize, feed_forward: usize) -> Self {
        let gemma = architecture == "gemma3";
        let normed = gemma || architecture == "qwen3";
        // Six layers to a pattern: the last one sees everything.
        let (layers, head) = (if gemma { 7 } else { 2 }, if normed { 2 * HEAD } else { HEAD });
        let mut tiny = Self::empty();
        tiny.set("general.architecture", text_value(architecture));
        tiny.set("general.name", text_value("Tiny"));
        for (key, value) in [
            ("block_count", layers),
            ("context_length", 32),
            ("embedding_length", hidden),
            ("feed_forward_length", feed_forward),
            ("attention.head_count", HEADS),
            ("attention.head_count_kv", KV_HEADS),
            ("rope.dimension_count", head),
        ] {
            tiny.set(&format!("{architecture}.{key}"), Value::Unsigned(value as u64));
        }
        tiny.set(&format!("{architecture}.attention.layer_norm_rms_epsilon"), Value::Float(1e-5));
        if normed {
            for key in ["attention.key_length", "attention.value_length"] {
                tiny.set(&format!("{architecture}.{key}"), Value::Unsigned(head as u64));
            }
        }
        if gemma {
            tiny.set("gemma3.attention.sliding_window", Value::Unsigned(4));
            tiny.set("gemma3.rope.freq_base", Value::Float(1e6));
            tiny.set("gemma3.rope.scaling.type", text_value("linear"));
            tiny.set("gemma3.rope.scaling.factor", Value::Float(8.0));
        }
        let vocabulary = tiny.vocabulary(more);
        tiny.matrix("token_embd.weight", vocabulary, hidden);
        for layer in 0..layers {
            let name = |part: &str| format!("blk.{layer}.{part}.weight");
            tiny.norm(&name("attn_norm"), hidden);
            tiny.norm(&name("ffn_norm"), hidden);
            if normed {
                tiny.norm(&name("attn_q_norm"), head);
                tiny.norm(&name("attn_k_norm"), head);
            }
            if gemma {
                tiny.norm(&name("post_attention_norm"), hidden);
                tiny.norm(&name("post_ffw_norm"), hidden);
            }
            tiny.matrix(&name("attn_q"), HEADS * head, hidden);
            tiny.matrix(&name("attn_k"), KV_HEADS * head, hidden);
            tiny.matrix(&name("attn_v"), KV_HEADS * head, hidden);
            tiny.matrix(&name("attn_output"), hidden, HEADS * head);
            tiny.matrix(&name("ffn_gate"), feed_forward, hidden);
            tiny.matrix(&name("ffn_up"), feed_forward, hidden);
            tiny.matrix(&name("ffn_down"), hidden, feed_forward);
            if architecture == "qwen2" {
                tiny.biases(
                    layer,
                    &[("attn_q", HEADS * head), ("attn_k", KV_HEADS * head), ("attn_v", KV_HEADS * head)],
                );
            }
        }
        tiny.norm("output_norm.weight", hidden);
        tiny
    }

    /// A llama with everything that is optional: biases, linear scaling, factors of frequencies, an output layer.
    pub(crate) fn llama_with_options(more: usize) -> Self {
        let mut tiny = Self::decoder("llama", more);
        let rows = tiny.tensors[0].1[1] as usize;
        tiny.matrix("output.weight", rows, HIDDEN);
        let factors = (0..HEAD / 2).map(|i| 1.0 + i as f32 / 4.0).collect::<Vec<_>>();
        tiny.floats("rope_freqs.weight", &[HEAD / 2], &factors);
        tiny.set("llama.rope.scaling.type", text_value("linear"));
        tiny.set("llama.rope.scaling.factor", Value::Float(2.0));
        tiny.set("llama.rope.freq_base", Value::Float(500.0));
        let kv = KV_HEADS * HEAD;
        for layer in 0..2 {
            tiny.biases(
                layer,
                &[("attn_q", HEADS * HEAD), ("attn_k", kv), ("attn_v", kv), ("attn_output", HIDDEN)],
            );
            tiny.biases(layer, &[("ffn_gate", FEED_FORWARD), ("ffn_up", FEED_FORWARD), ("ffn_down", HIDDEN)]);
        }
        tiny
    }

    /// A byte-level vocabulary. Returns the number of its tokens.
    fn vocabulary(&mut self, more: usize) -> usize {
        let texts = |list: &[&str]| Value::Array(list.iter().map(|&s| text_value(s)).collect());
        self.set("tokenizer.ggml.model", text_value("gpt2"));
        self.set("tokenizer.ggml.pre", text_value("smollm"));
        let mut tokens =
            ["<|im_start|>", "<|im_end|>", "h", "i", "Ġ", "1", "2", "12", "hi", "Ġhi", "<extra>"]
                .map(str::to_owned)
                .to_vec();
        tokens.extend((0..more).map(|n| format!("<{n}>")));
        self.set("tokenizer.ggml.tokens", Value::Array(tokens.iter().map(|t| text_value(t)).collect()));
        let mut kinds = [3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 4].map(Value::Signed).to_vec();
        kinds.resize(tokens.len(), Value::Signed(1));
        self.set("tokenizer.ggml.token_type", Value::Array(kinds));
        self.set("tokenizer.ggml.merges", texts(&["h i", "Ġ hi", "1 2"]));
        self.set("tokenizer.ggml.bos_token_id", Value::Unsigned(0));
        self.set("tokenizer.ggml.eos_token_id", Value::Unsigned(1));
        self.set("tokenizer.chat_template", text_value("{{ messages }}"));
        tokens.len()
    }

    fn biases(&mut self, layer: usize, parts: &[(&str, usize)]) {
        for &(part, rows) in parts {
            let name = format!("blk.{layer}.{part}.bias");
            let values = noise(&name, rows);
            self.floats(&name, &[rows], &values);
        }
    }

    fn norm(&mut self, name: &str, length: usize) {
        let values = noise(name, length).iter().map(|v| 1.0 + v).collect::<Vec<_>>();
        self.floats(name, &[length], &values);
    }

    pub(crate) fn matrix(&mut self, name: &str, rows: usize, columns: usize) {
        self.floats(name, &[columns, rows], &noise(name, rows * columns));
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = self.magic.to_vec();
        out.extend(self.version.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.pairs.len() as u64).to_le_bytes());
        for (key, value) in &self.pairs {
            text(&mut out, key);
            out.extend(kind(value).to_le_bytes());
            write(&mut out, value);
        }
        let mut offset = 0u64;
        for (name, shape, kind, bytes) in &self.tensors {
            text(&mut out, name);
            out.extend((shape.len() as u32).to_le_bytes());
            shape.iter().for_each(|n| out.extend(n.to_le_bytes()));
            out.extend(kind.to_le_bytes());
            out.extend(offset.to_le_bytes());
            offset = (offset + bytes.len() as u64).next_multiple_of(32);
        }
        for (.., bytes) in &self.tensors {
            out.resize(out.len().next_multiple_of(32), 0);
            out.extend(bytes);
        }
        out
    }

    pub(crate) fn write(&self, path: &Path) {
        std::fs::write(path, self.bytes()).unwrap();
    }
}

/// Numbers between −½ and ½ that depend on nothing but the name.
pub(crate) fn noise(name: &str, length: usize) -> Vec<f32> {
    let seed = name.bytes().fold(7u32, |h, b| h.wrapping_mul(31).wrapping_add(u32::from(b)));
    let mix = |i: usize| {
        let mut n = seed.wrapping_add((i as u32).wrapping_mul(0x9e37_79b9));
        n = (n ^ n >> 16).wrapping_mul(0x85eb_ca6b);
        n = (n ^ n >> 13).wrapping_mul(0xc2b2_ae35);
        (n ^ n >> 16) >> 8
    };
    (0..length).map(|i| mix(i) as f32 / 16_777_216.0 - 0.5).collect()
}

fn text_value(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn kind(value: &Value) -> u32 {
    match value {
        // llama.cpp takes extents of 32 bits only.
        Value::Unsigned(n) if u32::try_from(*n).is_ok() => 4,
        Value::Unsigned(_) => 10,
        Value::Signed(n) if i32::try_from(*n).is_ok() => 5,
        Value::Signed(_) => 11,
        Value::Float(_) => 6,
        Value::Double(_) => 12,
        Value::Bool(_) => 7,
        Value::Text(_) => 8,
        Value::Array(_) => 9,
    }
}

fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Unsigned(n) => match u32::try_from(*n) {
            Ok(n) => out.extend(n.to_le_bytes()),
            Err(_) => out.extend(n.to_le_bytes()),
        },
        Value::Signed(n) => match i32::try_from(*n) {
            Ok(n) => out.extend(n.to_le_bytes()),
            Err(_) => out.extend(n.to_le_bytes()),
        },
        Value::Float(n) => out.extend(n.to_le_bytes()),
        Value::Double(n) => out.extend(n.to_le_bytes()),
        Value::Bool(b) => out.push(u8::from(*b)),
        Value::Text(s) => text(out, s),
        Value::Array(items) => {
            out.extend(items.first().map_or(8, kind).to_le_bytes());
            out.extend((items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| write(out, item));
        }
    }
}
