//! What a message says. In: a text, or parts with texts. Out: one text, or which part is none.

use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor, value::SeqAccessDeserializer};

use crate::error::ApiError;

/// The content of a message.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// A part of a content. What belongs to kinds that are refused is passed over.
#[derive(Clone, Debug, serde::Deserialize)]
pub(crate) struct Part {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    refusal: Option<String>,
}

impl Content {
    /// The text, parts one after another; `at` is the content's path.
    pub(crate) fn text(self, at: &str) -> Result<String, ApiError> {
        let parts = match self {
            Self::Text(text) => return Ok(text),
            Self::Parts(parts) => parts,
        };
        let mut whole = String::new();
        for (number, part) in parts.into_iter().enumerate() {
            let said = match part.kind.as_str() {
                "text" => part.text,
                "refusal" => part.refusal,
                other => {
                    let message = format!(
                        "Content of type '{other}' is not supported: the models here read text alone. Send parts of type 'text'."
                    );
                    return Err(ApiError::unsupported(format!("{at}[{number}].type"), message));
                }
            };
            let said = said.ok_or_else(|| {
                let message = format!("A part of type '{}' needs its text.", part.kind);
                ApiError::value(format!("{at}[{number}].{}", part.kind), message)
            })?;
            if !whole.is_empty() && !whole.ends_with('\n') {
                whole.push('\n');
            }
            whole.push_str(&said);
        }
        Ok(whole)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of content parts")
            }

            fn visit_str<E>(self, text: &str) -> Result<Content, E> {
                Ok(Content::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Content, E> {
                Ok(Content::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<Content, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(parts)).map(Content::Parts)
            }
        }
        deserializer.deserialize_any(Either)
    }
}
