//! Rebuilds `tokenizer.json` from the vocabulary and merges of a GGUF file. In: metadata. Out: JSON that the crate
//! `tokenizers` loads and that splits text exactly as llama.cpp does. It must not know model weights.
//!
//! Only byte-level BPE (`tokenizer.ggml.model = gpt2`) is rebuilt. How text is cut before merging is named by
//! `tokenizer.ggml.pre`; an unknown name is refused, because a wrong cut gives wrong tokens without any error.

use std::collections::HashMap;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Value, json};

use crate::error::{ExportError, Result};
use crate::gguf::Gguf;

/// `llama_token_type`: what a vocabulary entry is.
const CONTROL: u64 = 3;
const USER_DEFINED: u64 = 4;

/// The vocabulary of a model and what goes with it.
#[derive(Debug)]
pub(crate) struct Tokenizer<'a> {
    tokens: Vec<&'a str>,
    kinds: Vec<u64>,
    merges: Vec<(&'a str, &'a str)>,
    pre: Pre,
    add_bos: bool,
    pub(crate) bos: Option<u64>,
    pub(crate) eos: Vec<u64>,
    pub(crate) pad: Option<u64>,
    unknown: Option<u64>,
    pub(crate) chat_template: Option<&'a str>,
}

/// The ways of cutting text that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pre {
    /// GPT-2's expression.
    Gpt2,
    /// Digits one by one, then GPT-2's expression.
    Digits,
    /// Llama 3's expression: digits in threes; whole words found in the vocabulary are not merged.
    Llama3,
    /// Qwen 2's expression: like Llama 3's with single digits, after NFC.
    Qwen2,
}

impl Pre {
    /// The names are those of `llm_load_vocab` in llama.cpp.
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "gpt-2" | "phi-2" | "mpt" | "olmo" | "jais" | "roberta-bpe" => Self::Gpt2,
            "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" | "exaone" | "minerva-7b" => {
                Self::Digits
            }
            "llama3" | "llama-v3" | "llama-bpe" | "falcon3" | "pixtral" | "dbrx" | "smaug-bpe" => {
                Self::Llama3
            }
            "qwen2" | "stablelm2" | "deepseek-r1-qwen" => Self::Qwen2,
            _ => return None,
        })
    }

    fn json(self) -> Value {
        let byte_level = |use_regex: bool| json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex });
        let split = |digits: &str| {
            let expression = format!(
                r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
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
            Self::Llama3 => sequence(split(r"\p{N}{1,3}"), byte_level(false)),
            Self::Qwen2 => sequence(split(r"\p{N}"), byte_level(false)),
        }
    }
}

impl<'a> Tokenizer<'a> {
    pub(crate) fn read(gguf: &'a Gguf) -> Result<Self> {
        let metadata = gguf.metadata();
        let refuse =
            |detail: String| ExportError::UnsupportedTokenizer { path: gguf.path().to_owned(), detail };
        let required_text = |key: &str| metadata.required(key, metadata.text(key)?);

        let model = required_text("tokenizer.ggml.model")?;
        if model != "gpt2" {
            return Err(refuse(format!("vocabulary type `{model}` is not byte-level BPE (`gpt2`)")));
        }
        let name = required_text("tokenizer.ggml.pre")?;
        let pre =
            Pre::from_name(name).ok_or_else(|| refuse(format!("pre-tokenizer `{name}` is not known")))?;

        let key = "tokenizer.ggml.tokens";
        let tokens = metadata.required(key, metadata.texts(key)?)?;
        let ids = tokens.iter().enumerate().map(|(id, &t)| (t, id)).collect::<HashMap<_, _>>();
        if ids.len() != tokens.len() {
            return Err(metadata.error(key, "holds an entry twice".to_owned()));
        }
        let kinds = metadata.integers("tokenizer.ggml.token_type")?.unwrap_or_else(|| vec![1; tokens.len()]);
        if kinds.len() != tokens.len() {
            let problem = format!("has {} entries for {} tokens", kinds.len(), tokens.len());
            return Err(metadata.error("tokenizer.ggml.token_type", problem));
        }

        let key = "tokenizer.ggml.merges";
        let lines = metadata.required(key, metadata.texts(key)?)?;
        let mut merges = Vec::with_capacity(lines.len());
        for line in lines {
            let pair = line.split_once(' ').filter(|(left, right)| {
                let joined = format!("{left}{right}");
                [left, right, joined.as_str()].iter().all(|piece| ids.contains_key(piece))
            });
            merges
                .push(pair.ok_or_else(|| metadata.error(key, format!("holds `{line}`, which is no merge")))?);
        }

        let special = |key: &str| match metadata.integer(key)? {
            Some(id) if id >= tokens.len() as u64 => Err(metadata.error(key, format!("is {id}"))),
            id => Ok(id),
        };
        let bos = special("tokenizer.ggml.bos_token_id")?;
        let unknown = special("tokenizer.ggml.unknown_token_id")?;
        let pad = special("tokenizer.ggml.padding_token_id")?;
        let mut eos = Vec::new();
        for key in
            ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"]
        {
            if let Some(id) = special(key)?
                && !eos.contains(&id)
            {
                eos.push(id);
            }
        }
        Ok(Self {
            add_bos: metadata.boolean("tokenizer.ggml.add_bos_token")?.unwrap_or(pre == Pre::Llama3),
            chat_template: metadata.text("tokenizer.chat_template")?,
            tokens,
            kinds,
            merges,
            pre,
            bos,
            eos,
            pad,
            unknown,
        })
    }

    /// The number of entries; the embedding may have more rows, for padding.
    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    fn token(&self, id: Option<u64>) -> Option<&'a str> {
        self.tokens.get(usize::try_from(id?).ok()?).copied()
    }

    /// Tokens that are found in text as a whole, before it is cut.
    fn added(&self) -> impl Iterator<Item = (usize, Value)> {
        self.kinds.iter().enumerate().filter(|(_, kind)| matches!(**kind, CONTROL | USER_DEFINED)).map(
            |(id, &kind)| {
                let token = json!({
                    "content": self.tokens[id],
                    "single_word": false,
                    "lstrip": false,
                    "rstrip": false,
                    "normalized": false,
                    "special": kind == CONTROL,
                });
                (id, token)
            },
        )
    }

    /// `tokenizer.json` of Hugging Face's `tokenizers`.
    pub(crate) fn tokenizer_json(&self) -> impl Serialize {
        let added = self.added().map(|(id, mut token)| {
            token["id"] = json!(id);
            token
        });
        let bos = self.token(self.bos).filter(|_| self.add_bos);
        let post_processor = bos.map(|bos| {
            let first = json!({ "SpecialToken": { "id": bos, "type_id": 0 } });
            json!({
                "type": "TemplateProcessing",
                "single": [first, { "Sequence": { "id": "A", "type_id": 0 } }],
                "pair": [
                    first, { "Sequence": { "id": "A", "type_id": 0 } },
                    { "SpecialToken": { "id": bos, "type_id": 1 } }, { "Sequence": { "id": "B", "type_id": 1 } },
                ],
                "special_tokens": { bos: { "id": bos, "ids": [self.bos], "tokens": [bos] } },
            })
        });
        File {
            version: "1.0",
            truncation: None,
            padding: None,
            added_tokens: added.collect(),
            normalizer: (self.pre == Pre::Qwen2).then(|| json!({ "type": "NFC" })),
            pre_tokenizer: self.pre.json(),
            post_processor,
            decoder: json!({
                "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true
            }),
            model: Bpe {
                r#type: "BPE",
                dropout: None,
                unk_token: None,
                continuing_subword_prefix: None,
                end_of_word_suffix: None,
                fuse_unk: false,
                byte_fallback: false,
                ignore_merges: self.pre == Pre::Llama3,
                vocab: Vocabulary(self.tokens.clone()),
                merges: self.merges.clone(),
            },
        }
    }

    /// `tokenizer_config.json`, which names the special tokens and carries the chat template.
    pub(crate) fn config_json(&self, context: usize) -> Value {
        let decoder =
            self.added().map(|(id, token)| (id.to_string(), token)).collect::<serde_json::Map<_, _>>();
        let mut config = json!({
            "add_bos_token": self.add_bos,
            "add_prefix_space": false,
            "added_tokens_decoder": decoder,
            "bos_token": self.token(self.bos),
            "clean_up_tokenization_spaces": false,
            "eos_token": self.token(self.eos.first().copied()),
            "model_max_length": context,
            "pad_token": self.token(self.pad),
            "tokenizer_class": "PreTrainedTokenizerFast",
            "unk_token": self.token(self.unknown),
        });
        if let Some(template) = self.chat_template {
            config["chat_template"] = json!(template);
        }
        config
    }
}

#[derive(Serialize)]
struct File<'a> {
    version: &'static str,
    truncation: Option<()>,
    padding: Option<()>,
    added_tokens: Vec<Value>,
    normalizer: Option<Value>,
    pre_tokenizer: Value,
    post_processor: Option<Value>,
    decoder: Value,
    model: Bpe<'a>,
}

#[derive(Serialize)]
struct Bpe<'a> {
    r#type: &'static str,
    dropout: Option<()>,
    unk_token: Option<()>,
    continuing_subword_prefix: Option<()>,
    end_of_word_suffix: Option<()>,
    fuse_unk: bool,
    byte_fallback: bool,
    ignore_merges: bool,
    vocab: Vocabulary<'a>,
    merges: Vec<(&'a str, &'a str)>,
}

/// Token → id, in the order of ids.
struct Vocabulary<'a>(Vec<&'a str>);

impl Serialize for Vocabulary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (id, token) in self.0.iter().enumerate() {
            map.serialize_entry(token, &id)?;
        }
        map.end()
    }
}
