//! `tokenizer.json` of Hugging Face's `tokenizers`, as it is written. Knows the form, not what fills it.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

#[derive(Serialize)]
pub(super) struct File<'a> {
    pub(super) version: &'static str,
    pub(super) truncation: Option<()>,
    pub(super) padding: Option<()>,
    pub(super) added_tokens: Vec<Value>,
    pub(super) normalizer: Option<Value>,
    pub(super) pre_tokenizer: Option<Value>,
    pub(super) post_processor: Option<Value>,
    pub(super) decoder: Value,
    pub(super) model: Bpe<'a>,
}

#[derive(Serialize)]
pub(super) struct Bpe<'a> {
    pub(super) r#type: &'static str,
    pub(super) dropout: Option<()>,
    pub(super) unk_token: Option<&'a str>,
    pub(super) continuing_subword_prefix: Option<()>,
    pub(super) end_of_word_suffix: Option<()>,
    pub(super) fuse_unk: bool,
    pub(super) byte_fallback: bool,
    pub(super) ignore_merges: bool,
    pub(super) vocab: Vocabulary<'a>,
    pub(super) merges: &'a [(&'a str, &'a str)],
}

/// Token → id, in the order of ids.
pub(super) struct Vocabulary<'a>(pub(super) &'a [&'a str]);

impl Serialize for Vocabulary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (id, token) in self.0.iter().enumerate() {
            map.serialize_entry(token, &id)?;
        }
        map.end()
    }
}
