//! How a text looks. In go a text and what a client says of it, as entities or as markup; out comes what the server makes of
//! that: the same text without control characters and blank ends, and entities that nest as they should. It knows nothing of chats.

mod detect;
mod html;
mod markdown;
mod mend;

use serde_json::{Value, json};

pub(crate) use self::detect::detect;
use crate::refusal::Refusal;
use crate::request::Params;
use crate::world::World;

/// A stretch of a text that means or looks something, counted in UTF-16 units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// Such as `bold`, `pre`, `mention`.
    pub kind: String,
    /// Where it begins.
    pub offset: usize,
    /// How long it is.
    pub length: usize,
    /// Where a `text_link` leads.
    pub url: Option<String>,
    /// Whom a `text_mention` means.
    pub user: Option<i64>,
    /// The language of a `pre`.
    pub language: Option<String>,
    /// The sticker of a `custom_emoji`.
    pub custom_emoji: Option<String>,
}

impl Entity {
    pub(crate) fn new(kind: &str, offset: usize, length: usize) -> Self {
        let kind = kind.to_owned();
        Self { kind, offset, length, url: None, user: None, language: None, custom_emoji: None }
    }

    /// Where it ends.
    pub fn end(&self) -> usize {
        self.offset + self.length
    }

    /// The words that it covers.
    pub fn words(&self, text: &str) -> String {
        let units: Vec<u16> = text.encode_utf16().collect();
        let end = self.end().min(units.len());
        String::from_utf16_lossy(units.get(self.offset.min(end)..end).unwrap_or_default())
    }

    pub(crate) fn is_code(&self) -> bool {
        matches!(self.kind.as_str(), "pre" | "code")
    }

    pub(crate) fn shape(&self, world: &World) -> Value {
        let mut shape = json!({"type": self.kind, "offset": self.offset, "length": self.length});
        if let Some(url) = &self.url {
            shape["url"] = url.clone().into();
        }
        if let Some(user) = self.user {
            shape["user"] = world.user_json(user);
        }
        if let Some(language) = &self.language {
            shape["language"] = language.clone().into();
        }
        if let Some(emoji) = &self.custom_emoji {
            shape["custom_emoji_id"] = emoji.clone().into();
        }
        shape
    }
}

/// A text as the server keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Formatted {
    pub(crate) text: String,
    pub(crate) entities: Vec<Entity>,
    /// What was wrong with the entities and was mended without a word, as the real server does.
    pub(crate) mended: Vec<String>,
}

/// The length of a text as Telegram counts it.
pub(crate) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The most bytes of a text that is looked at.
const MOST_BYTES: usize = 1 << 15;

/// The text of a message or caption as a method gives it.
pub(crate) fn formatted(params: &Params, text: &str, entities: &str) -> Result<Formatted, Refusal> {
    let given = params.get(text).unwrap_or_default();
    if given.len() > MOST_BYTES {
        return Err(Refusal::bad("text is too long"));
    }
    let mode = params.get("parse_mode").map(str::to_ascii_lowercase);
    let (given, list, ignored) = match mode.as_deref().filter(|mode| !given.is_empty() && *mode != "none") {
        None => {
            // What is no list of entities is passed over.
            let list = params.get(entities).map(serde_json::from_str::<Value>);
            match list {
                None => (given.to_owned(), Vec::new(), false),
                Some(Ok(Value::Array(list))) => (given.to_owned(), explicit(&list)?, false),
                Some(_) => (given.to_owned(), Vec::new(), true),
            }
        }
        Some("html") => with_marks(html::parse(given))?,
        Some("markdownv2") => with_marks(markdown::parse(given))?,
        Some("markdown") => with_marks(markdown::parse_old(given))?,
        Some(_) => return Err(Refusal::bad("unsupported parse_mode")),
    };
    let mut formatted = mend::mend(given, list)?;
    if ignored {
        formatted.mended.push(format!("\"{entities}\" is no list of entities"));
    }
    Ok(formatted)
}

type Read = (String, Vec<Entity>, bool);

fn with_marks(read: Result<(String, Vec<Entity>), String>) -> Result<Read, Refusal> {
    read.map(|(text, entities)| (text, entities, false)).map_err(unparsed)
}

fn unparsed(why: String) -> Refusal {
    Refusal::bad(format!("can't parse entities: {why}"))
}

/// The kinds that a client may give.
const GIVEN: [&str; 13] = [
    "bold",
    "italic",
    "underline",
    "strikethrough",
    "spoiler",
    "blockquote",
    "expandable_blockquote",
    "code",
    "pre",
    "text_link",
    "text_mention",
    "custom_emoji",
    "date_time",
];

/// The kinds that the server finds itself, and passes over here.
const FOUND: [&str; 8] =
    ["mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bank_card_number"];

fn explicit(list: &[Value]) -> Result<Vec<Entity>, Refusal> {
    let wrong = |why: &str| Refusal::bad(format!("can't parse MessageEntity: {why}"));
    let mut found = Vec::new();
    for entity in list {
        if !entity.is_object() {
            return Err(wrong("expected an Object"));
        }
        let number = |name: &str| match entity.get(name) {
            None => Err(wrong(&format!("Can't find field \"{name}\""))),
            Some(value) => {
                value.as_i64().ok_or_else(|| wrong(&format!("Field \"{name}\" must be a valid Number")))
            }
        };
        let text = |name: &str| entity.get(name).and_then(Value::as_str).map(str::to_owned);
        let (offset, length) = (number("offset")?, number("length")?);
        let kind = text("type").ok_or_else(|| wrong("Can't find field \"type\""))?;
        if FOUND.contains(&kind.as_str()) {
            continue;
        }
        if !GIVEN.contains(&kind.as_str()) {
            return Err(wrong("Unsupported type specified"));
        }
        let (Ok(offset), Ok(length)) = (usize::try_from(offset), usize::try_from(length)) else { continue };
        let mut known = Entity::new(&kind, offset, length);
        known.url = text("url");
        known.language = text("language").filter(|language| !language.is_empty());
        known.custom_emoji = text("custom_emoji_id");
        known.user = entity.get("user").and_then(|user| user.get("id")).and_then(Value::as_i64);
        if kind == "text_link" && known.url.as_deref().is_none_or(str::is_empty) {
            return Err(wrong("Can't find field \"url\""));
        }
        if kind == "text_mention" && known.user.is_none() {
            return Err(wrong("Can't find field \"user\""));
        }
        found.push(known);
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
