//! Writes small GGUF files for tests: a header builder, and a whole llama model of a few kilobytes.

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

    /// A llama with two layers and a byte-level vocabulary. Element `i` of a matrix is a function of `i` and its
    /// name, so that a row in the wrong place is seen.
    pub(crate) fn llama() -> Self {
        let mut tiny = Self::empty();
        let text = |s: &str| Value::Text(s.to_owned());
        let texts = |list: &[&str]| Value::Array(list.iter().map(|&s| Value::Text(s.to_owned())).collect());
        tiny.set("general.architecture", text("llama"));
        tiny.set("general.name", text("Tiny"));
        for (key, value) in [
            ("block_count", 2),
            ("context_length", 32),
            ("embedding_length", HIDDEN),
            ("feed_forward_length", FEED_FORWARD),
            ("attention.head_count", HEADS),
            ("attention.head_count_kv", KV_HEADS),
            ("rope.dimension_count", HEAD),
        ] {
            tiny.set(&format!("llama.{key}"), Value::Unsigned(value as u64));
        }
        tiny.set("llama.attention.layer_norm_rms_epsilon", Value::Float(1e-5));
        tiny.set("tokenizer.ggml.model", text("gpt2"));
        tiny.set("tokenizer.ggml.pre", text("smollm"));
        let tokens = ["<|im_start|>", "<|im_end|>", "h", "i", "Ġ", "1", "2", "12", "hi", "Ġhi", "<extra>"];
        tiny.set("tokenizer.ggml.tokens", texts(&tokens));
        let kinds = [3u64, 3, 1, 1, 1, 1, 1, 1, 1, 1, 4];
        tiny.set("tokenizer.ggml.token_type", Value::Array(kinds.map(Value::Unsigned).to_vec()));
        tiny.set("tokenizer.ggml.merges", texts(&["h i", "Ġ hi", "1 2"]));
        tiny.set("tokenizer.ggml.bos_token_id", Value::Unsigned(0));
        tiny.set("tokenizer.ggml.eos_token_id", Value::Unsigned(1));
        tiny.set("tokenizer.chat_template", text("{{ messages }}"));

        tiny.matrix("token_embd.weight", tokens.len(), HIDDEN);
        for layer in 0..2 {
            let name = |part: &str| format!("blk.{layer}.{part}.weight");
            for norm in ["attn_norm", "ffn_norm"] {
                tiny.floats(&name(norm), &[HIDDEN], &[1.0; HIDDEN]);
            }
            tiny.matrix(&name("attn_q"), HEADS * HEAD, HIDDEN);
            tiny.matrix(&name("attn_k"), KV_HEADS * HEAD, HIDDEN);
            tiny.matrix(&name("attn_v"), KV_HEADS * HEAD, HIDDEN);
            tiny.matrix(&name("attn_output"), HIDDEN, HEADS * HEAD);
            tiny.matrix(&name("ffn_gate"), FEED_FORWARD, HIDDEN);
            tiny.matrix(&name("ffn_up"), FEED_FORWARD, HIDDEN);
            tiny.matrix(&name("ffn_down"), HIDDEN, FEED_FORWARD);
        }
        tiny.floats("output_norm.weight", &[HIDDEN], &[1.0; HIDDEN]);
        tiny
    }

    fn matrix(&mut self, name: &str, rows: usize, columns: usize) {
        let seed = name.bytes().fold(7u32, |h, b| h.wrapping_mul(31).wrapping_add(u32::from(b)));
        let values = (0..rows * columns)
            .map(|i| {
                (seed.wrapping_add(i as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0 - 0.5
            })
            .collect::<Vec<_>>();
        self.floats(name, &[columns, rows], &values);
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

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn kind(value: &Value) -> u32 {
    match value {
        Value::Unsigned(_) => 10,
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
        Value::Unsigned(n) => out.extend(n.to_le_bytes()),
        Value::Signed(n) => out.extend(n.to_le_bytes()),
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
