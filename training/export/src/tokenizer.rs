//! Rebuilds `tokenizer.json` from the vocabulary of a GGUF file. In: metadata. Out: JSON that the crate `tokenizers`
//! loads and that splits text as llama.cpp does. It must not know model weights.
//!
//! Two kinds of vocabulary are rebuilt: byte-level BPE (`tokenizer.ggml.model = gpt2`) and SentencePiece's BPE with
//! scores and byte fallback (`llama`). What is not known exactly is refused, because a wrong cut gives wrong tokens
//! without any error.

mod byte_level;
mod json;
mod sentencepiece;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::error::{ExportError, Result};
use crate::gguf::{Gguf, Metadata};
use json::{Bpe, File, Vocabulary};

/// `llama_token_type`: what a vocabulary entry is.
const NORMAL: u64 = 1;
const UNKNOWN: u64 = 2;
const CONTROL: u64 = 3;
const USER_DEFINED: u64 = 4;
const BYTE: u64 = 6;

/// Longer entries are no vocabulary; the time to halve one grows with its square.
const LONGEST_TOKEN: usize = 1024;

/// The vocabulary of a model and what goes with it.
#[derive(Debug)]
pub(crate) struct Tokenizer<'a> {
    vocabulary: Entries<'a>,
    merges: Vec<(&'a str, &'a str)>,
    parts: Parts,
    add_bos: bool,
    pub(crate) bos: Option<u64>,
    pub(crate) eos: Vec<u64>,
    pub(crate) pad: Option<u64>,
    unknown: Option<u64>,
    pub(crate) chat_template: Option<&'a str>,
}

/// The entries of a vocabulary, by id and by text.
#[derive(Debug)]
struct Entries<'a> {
    tokens: Vec<&'a str>,
    kinds: Vec<u64>,
    ids: HashMap<&'a str, usize>,
}

/// The pieces of `tokenizer.json` in which the two kinds differ.
#[derive(Debug, Default)]
struct Parts {
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
    decoder: Value,
    ignore_merges: bool,
    byte_fallback: bool,
    add_bos: bool,
    add_space_prefix: bool,
}

impl<'a> Entries<'a> {
    fn read(metadata: &'a Metadata) -> Result<Self> {
        let key = "tokenizer.ggml.tokens";
        let tokens = metadata.required(key, metadata.texts(key)?)?;
        if let Some(long) = tokens.iter().find(|token| token.len() > LONGEST_TOKEN) {
            return Err(metadata.error(key, format!("holds an entry of {} bytes", long.len())));
        }
        let ids = tokens.iter().enumerate().map(|(id, &t)| (t, id)).collect::<HashMap<_, _>>();
        if ids.len() != tokens.len() {
            return Err(metadata.error(key, "holds an entry twice".to_owned()));
        }
        let key = "tokenizer.ggml.token_type";
        let kinds = metadata.integers(key)?.unwrap_or_else(|| vec![NORMAL; tokens.len()]);
        if kinds.len() != tokens.len() {
            let problem = format!("has {} entries for {} tokens", kinds.len(), tokens.len());
            return Err(metadata.error(key, problem));
        }
        Ok(Self { tokens, kinds, ids })
    }
}

impl<'a> Tokenizer<'a> {
    pub(crate) fn read(gguf: &'a Gguf) -> Result<Self> {
        let metadata = gguf.metadata();
        let refuse =
            |detail: String| ExportError::UnsupportedTokenizer { path: gguf.path().to_owned(), detail };
        let model = metadata.required("tokenizer.ggml.model", metadata.text("tokenizer.ggml.model")?)?;
        let vocabulary = Entries::read(metadata)?;
        let (parts, merges) = match model {
            "gpt2" => byte_level::read(metadata, &vocabulary, &refuse)?,
            "llama" => sentencepiece::read(metadata, &vocabulary, &refuse)?,
            other => {
                let kinds = "byte-level BPE (`gpt2`) nor SentencePiece's BPE (`llama`)";
                return Err(refuse(format!("vocabulary type `{other}` is neither {kinds}")));
            }
        };

        let count = vocabulary.tokens.len() as u64;
        let special = |key: &str| match metadata.integer(key)? {
            Some(id) if id >= count => Err(metadata.error(key, format!("is {id}"))),
            id => Ok(id),
        };
        // SentencePiece's ids where the file names none, as llama.cpp has them.
        let usual = |id: u64| (model == "llama" && id < count).then_some(id);
        let bos = special("tokenizer.ggml.bos_token_id")?.or(usual(1));
        let unknown = special("tokenizer.ggml.unknown_token_id")?.or(usual(0));
        let pad = special("tokenizer.ggml.padding_token_id")?;
        let mut eos = Vec::new();
        let first = special("tokenizer.ggml.eos_token_id")?.or(usual(2));
        let others = [special("tokenizer.ggml.eot_token_id")?, special("tokenizer.ggml.eom_token_id")?];
        for id in std::iter::once(first).chain(others).flatten() {
            if !eos.contains(&id) {
                eos.push(id);
            }
        }
        Ok(Self {
            add_bos: metadata.boolean("tokenizer.ggml.add_bos_token")?.unwrap_or(parts.add_bos),
            chat_template: metadata.text("tokenizer.chat_template")?,
            vocabulary,
            merges,
            parts,
            bos,
            eos,
            pad,
            unknown,
        })
    }

    /// The number of entries; the embedding may have more rows, for padding.
    pub(crate) fn len(&self) -> usize {
        self.vocabulary.tokens.len()
    }

    fn token(&self, id: Option<u64>) -> Option<&'a str> {
        self.vocabulary.tokens.get(usize::try_from(id?).ok()?).copied()
    }

    /// Tokens that are found in text as a whole, before it is cut.
    fn added(&self) -> impl Iterator<Item = (usize, Value)> {
        let whole = |kind: u64| matches!(kind, UNKNOWN | CONTROL | USER_DEFINED);
        let entries = self.vocabulary.tokens.iter().zip(&self.vocabulary.kinds).enumerate();
        entries.filter(move |(_, (_, kind))| whole(**kind)).map(|(id, (text, &kind))| {
            let token = json!({
                "content": text,
                "single_word": false,
                "lstrip": false,
                "rstrip": false,
                "normalized": false,
                "special": kind != USER_DEFINED,
            });
            (id, token)
        })
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
            normalizer: self.parts.normalizer.clone(),
            pre_tokenizer: self.parts.pre_tokenizer.clone(),
            post_processor,
            decoder: self.parts.decoder.clone(),
            model: Bpe {
                r#type: "BPE",
                dropout: None,
                unk_token: self.token(self.unknown).filter(|_| self.parts.byte_fallback),
                continuing_subword_prefix: None,
                end_of_word_suffix: None,
                fuse_unk: self.parts.byte_fallback,
                byte_fallback: self.parts.byte_fallback,
                ignore_merges: self.parts.ignore_merges,
                vocab: Vocabulary(&self.vocabulary.tokens),
                merges: &self.merges,
            },
        }
    }

    /// `tokenizer_config.json`, which names the special tokens and carries the chat template.
    pub(crate) fn config_json(&self, context: usize) -> Value {
        let decoder =
            self.added().map(|(id, token)| (id.to_string(), token)).collect::<serde_json::Map<_, _>>();
        let mut config = json!({
            "add_bos_token": self.add_bos,
            "add_prefix_space": self.parts.add_space_prefix,
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
