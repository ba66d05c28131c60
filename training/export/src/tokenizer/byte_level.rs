//! Byte-level BPE: merges in order of rank, and the ways of cutting text that `tokenizer.ggml.pre` names. In:
//! metadata. Out: the parts of `tokenizer.json`.

use serde_json::{Value, json};

use super::{Entries, Parts};
use crate::error::{ExportError, Result};
use crate::gguf::Metadata;

/// The ways of cutting text that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pre {
    /// GPT-2's expression.
    Gpt2,
    /// Digits one by one, then GPT-2's expression.
    Digits,
    /// Llama 3's expression: digits in threes.
    Threes,
    /// As [`Threes`](Self::Threes); whole words found in the vocabulary are not merged, and texts begin with BOS.
    Llama3,
    /// Qwen 2's expression: like Llama 3's with single digits. llama.cpp composes nothing (NFC); Qwen's own tokenizer
    /// does, which is followed here, and which differs for decomposed text only.
    Qwen2,
    /// Qwen 2's expression without NFC.
    Single,
}

impl Pre {
    /// The names are those of `llama_vocab::impl::load` in llama.cpp.
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "gpt-2" | "phi-2" | "mpt" | "olmo" | "jais" | "roberta-bpe" => Self::Gpt2,
            "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" | "exaone" | "minerva-7b" => {
                Self::Digits
            }
            "llama3" | "llama-v3" | "llama-bpe" | "falcon3" | "pixtral" => Self::Llama3,
            "dbrx" | "smaug-bpe" => Self::Threes,
            "qwen2" | "deepseek-r1-qwen" => Self::Qwen2,
            "stablelm2" => Self::Single,
            _ => return None,
        })
    }

    fn json(self) -> Value {
        let byte_level = |use_regex: bool| json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex });
        // Classes in place of a flag for case: under the flag, ſ would count as s.
        let split = |digits: &str| {
            let expression = format!(
                r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
            );
            json!({ "type": "Split", "pattern": { "Regex": expression }, "behavior": "Isolated", "invert": false })
        };
        let sequence =
            |first: Value, second: Value| json!({ "type": "Sequence", "pretokenizers": [first, second] });
        match self {
            Self::Gpt2 => byte_level(true),
            Self::Digits => {
                sequence(json!({ "type": "Digits", "individual_digits": true }), byte_level(true))
            }
            Self::Threes | Self::Llama3 => sequence(split(r"\p{N}{1,3}"), byte_level(false)),
            Self::Qwen2 | Self::Single => sequence(split(r"\p{N}"), byte_level(false)),
        }
    }
}

pub(super) fn read<'a>(
    metadata: &'a Metadata,
    vocabulary: &Entries<'a>,
    refuse: &dyn Fn(String) -> ExportError,
) -> Result<(Parts, Vec<(&'a str, &'a str)>)> {
    let name = metadata.required("tokenizer.ggml.pre", metadata.text("tokenizer.ggml.pre")?)?;
    let pre = Pre::from_name(name).ok_or_else(|| refuse(format!("pre-tokenizer `{name}` is not known")))?;
    let key = "tokenizer.ggml.merges";
    let lines = metadata.required(key, metadata.texts(key)?)?;
    let mut merges = Vec::with_capacity(lines.len());
    for line in lines {
        let pair = line.split_once(' ').filter(|(left, right)| {
            let joined = format!("{left}{right}");
            [left, right, joined.as_str()].iter().all(|piece| vocabulary.ids.contains_key(piece))
        });
        merges.push(pair.ok_or_else(|| metadata.error(key, format!("holds `{line}`, which is no merge")))?);
    }
    let parts = Parts {
        normalizer: (pre == Pre::Qwen2).then(|| json!({ "type": "NFC" })),
        pre_tokenizer: Some(pre.json()),
        decoder: json!({
            "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true
        }),
        ignore_merges: pre == Pre::Llama3,
        add_bos: pre == Pre::Llama3,
        ..Parts::default()
    };
    Ok((parts, merges))
}
