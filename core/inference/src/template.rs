//! The chat template. In: messages. Out: the prompt's text, ready for the tokenizer.
//! Must not know: tokens, sampling.
//!
//! Templates are the hub's: Jinja with `raise_exception`, `strftime_now`, Python's string methods, and whitespace trimmed
//! around blocks, as `transformers` renders them.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use loquat_contract::{ChatMessage, Role};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{Environment, Error, ErrorKind, context};
use serde::Serialize;
use serde_json::Value as Json;
use serde_json::ser::PrettyFormatter;

use crate::InferenceError;
use crate::folder::read_json;
use crate::tokenizer::Tokenizer;

const NAME: &str = "chat";

/// A model's chat template.
#[derive(Debug)]
pub(crate) struct Template {
    environment: Environment<'static>,
    /// `bos_token`, `eos_token` and the like, as `tokenizer_config.json` names them.
    tokens: Vec<(String, String)>,
}

impl Template {
    /// Reads `chat_template.jinja`, or the template in `tokenizer_config.json`.
    ///
    /// # Errors
    /// The folder has none, or it is no Jinja.
    pub(crate) fn read(folder: &Path) -> Result<Self, InferenceError> {
        let config = read_json(folder, "tokenizer_config.json")?.unwrap_or(Json::Null);
        let file = folder.join("chat_template.jinja");
        let own = match fs::read_to_string(&file) {
            Ok(source) => Some(source),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(source) => return Err(InferenceError::Unreadable { file, source }),
        };
        let source = match own.or_else(|| named(&config["chat_template"])) {
            Some(source) => source,
            None => read_json(folder, "chat_template.json")?
                .as_ref()
                .and_then(|json| named(&json["chat_template"]))
                .ok_or_else(|| InferenceError::PieceMissing {
                    folder: folder.to_owned(),
                    piece: "chat template".to_owned(),
                    advice: "add chat_template.jinja, or use a model that is tuned to chat",
                })?,
        };
        Self::new(source, special_tokens(&config))
    }

    pub(crate) fn new(source: String, tokens: Vec<(String, String)>) -> Result<Self, InferenceError> {
        let mut environment = Environment::new();
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", raise_exception);
        environment.add_function("strftime_now", strftime_now);
        environment.add_filter("tojson", tojson);
        environment.add_template_owned(NAME, source)?;
        Ok(Self { environment, tokens })
    }

    /// The text of the special token that `tokenizer_config.json` calls `name`, such as `eos_token`.
    pub(crate) fn token(&self, name: &str) -> Option<&str> {
        self.tokens.iter().find(|(known, _)| known == name).map(|(_, token)| token.as_str())
    }

    /// The prompt, up to where the model's reply begins and `prefill` beyond it.
    ///
    /// Texts are disarmed on the way: special tokens are the template's alone.
    ///
    /// # Errors
    /// The template refuses the chat.
    pub(crate) fn render(
        &self,
        tokenizer: &Tokenizer,
        messages: &[ChatMessage],
        prefill: &str,
    ) -> Result<String, InferenceError> {
        let mut prompt = self.disarmed(tokenizer, messages, true)?;
        prompt.push_str(&tokenizer.disarm(prefill));
        Ok(prompt)
    }

    /// The whole chat as it stands, with no reply begun.
    ///
    /// # Errors
    /// The template refuses the chat.
    pub(crate) fn transcript(
        &self,
        tokenizer: &Tokenizer,
        messages: &[ChatMessage],
    ) -> Result<String, InferenceError> {
        self.disarmed(tokenizer, messages, false)
    }

    fn disarmed(
        &self,
        tokenizer: &Tokenizer,
        messages: &[ChatMessage],
        begins_reply: bool,
    ) -> Result<String, InferenceError> {
        let messages: Vec<_> = messages
            .iter()
            .map(|message| ChatMessage::new(message.role, tokenizer.disarm(&message.content)))
            .collect();
        match self.apply(&messages, begins_reply) {
            Ok(text) => Ok(text),
            // Some models know no system message; their users put it before the first question.
            Err(refusal) => match fold_system(&messages) {
                Some(folded) => Ok(self.apply(&folded, begins_reply).map_err(|_| refusal)?),
                None => Err(refusal.into()),
            },
        }
    }

    fn apply(&self, messages: &[ChatMessage], begins_reply: bool) -> Result<String, Error> {
        let tokens =
            Value::from_pairs(self.tokens.iter().map(|(name, token)| (name.as_str(), token.as_str())));
        self.environment.get_template(NAME)?.render(context! {
            messages => Value::from(Serde(messages)),
            add_generation_prompt => begins_reply,
            ..tokens
        })
    }
}

/// A template as such, or the list form's `default`.
fn named(template: &Json) -> Option<String> {
    match template {
        Json::String(source) => Some(source.clone()),
        Json::Array(many) => many
            .iter()
            .find(|one| one["name"] == "default")
            .and_then(|one| one["template"].as_str())
            .map(str::to_owned),
        _ => None,
    }
}

fn special_tokens(config: &Json) -> Vec<(String, String)> {
    let entries = config.as_object().into_iter().flatten();
    entries
        .filter(|(name, _)| name.ends_with("_token"))
        .filter_map(|(name, token)| {
            let token = token.as_str().or_else(|| token["content"].as_str())?;
            Some((name.clone(), token.to_owned()))
        })
        .collect()
}

fn fold_system(messages: &[ChatMessage]) -> Option<Vec<ChatMessage>> {
    let (system, rest) = messages.split_first().filter(|(first, _)| first.role == Role::System)?;
    let mut folded = rest.to_vec();
    let first = folded.first_mut().filter(|message| message.role == Role::User)?;
    first.content = format!("{}\n\n{}", system.content, first.content);
    Some(folded)
}

fn raise_exception(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// Today's date as `transformers` gives it to templates, in UTC.
fn strftime_now(format: String) -> Result<String, Error> {
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    jiff::fmt::strtime::format(&format, &now)
        .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
}

/// Python's `json.dumps` with `ensure_ascii=False`: no escapes for HTML, a space after `,` and `:`, or `indent`.
fn tojson(value: Value, options: Kwargs) -> Result<Value, Error> {
    let failed = |error: serde_json::Error| Error::new(ErrorKind::BadSerialization, error.to_string());
    let indent: Option<usize> = options.get("indent")?;
    let mut bytes = Vec::new();
    match indent {
        Some(width) => {
            let indent = " ".repeat(width);
            let pretty = PrettyFormatter::with_indent(indent.as_bytes());
            value
                .serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, pretty))
                .map_err(failed)?;
        }
        None => {
            value
                .serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Spaced))
                .map_err(failed)?;
        }
    }
    Ok(Value::from_safe_string(String::from_utf8_lossy(&bytes).into_owned()))
}

/// `{"a": 1, "b": [2, 3]}`.
struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: std::io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: std::io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: std::io::Write + ?Sized>(&mut self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests;
