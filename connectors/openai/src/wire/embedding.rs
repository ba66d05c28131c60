//! `POST /v1/embeddings`. In: texts. Out: vectors, as numbers or as base64 of little-endian `f32`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize as Derive, Serialize};

use super::response::Usage;

/// A request for embeddings.
#[derive(Debug, Derive)]
pub(crate) struct EmbeddingRequest {
    pub(crate) model: Option<String>,
    pub(crate) input: Option<Input>,
    pub(crate) encoding_format: Option<String>,
    pub(crate) dimensions: Option<i64>,
}

/// What is embedded. Tokens are told from texts so that they can be refused for what they are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Texts(Vec<String>),
    Tokens,
}

enum Item {
    Text(String),
    Tokens,
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<Item, E> {
                Ok(Item::Text(text.to_owned()))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Item, E> {
                Ok(Item::Tokens)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Item, E> {
                Ok(Item::Tokens)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut tokens: A) -> Result<Item, A::Error> {
                while tokens.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                Ok(Item::Tokens)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Input;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of strings")
            }

            fn visit_str<E>(self, text: &str) -> Result<Input, E> {
                Ok(Input::Texts(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Input, A::Error> {
                let (mut texts, mut has_tokens) = (Vec::new(), false);
                while let Some(item) = items.next_element()? {
                    match item {
                        Item::Text(text) => texts.push(text),
                        Item::Tokens => has_tokens = true,
                    }
                }
                Ok(if has_tokens { Input::Tokens } else { Input::Texts(texts) })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The answer.
#[derive(Serialize)]
pub(crate) struct EmbeddingList<'a> {
    pub(crate) object: &'static str,
    pub(crate) data: Vec<Embedding>,
    pub(crate) model: &'a str,
    pub(crate) usage: Usage,
}

/// One vector.
#[derive(Serialize)]
pub(crate) struct Embedding {
    pub(crate) object: &'static str,
    pub(crate) index: usize,
    pub(crate) embedding: Vector,
}

/// A vector in the form that was asked for.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Vector {
    Numbers(Vec<f32>),
    Base64(String),
}
