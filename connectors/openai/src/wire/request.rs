//! What is asked for: the parameters of `POST /v1/chat/completions`. In: JSON. Out: the same, typed. Fields that are not here are
//! passed over, as OpenAI adds some every month.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::message::Message;

/// A request for a chat completion.
#[derive(Debug, Deserialize)]
pub(crate) struct ChatRequest {
    pub(crate) model: Option<String>,
    pub(crate) messages: Option<Vec<Message>>,
    /// Our own: false asks the model as it is, without the bot's facts.
    pub(crate) grounding: Option<bool>,
    pub(crate) stream: Option<bool>,
    pub(crate) stream_options: Option<StreamOptions>,
    pub(crate) n: Option<i64>,
    pub(crate) temperature: Option<f32>,
    pub(crate) top_p: Option<f32>,
    pub(crate) presence_penalty: Option<f32>,
    pub(crate) frequency_penalty: Option<f32>,
    pub(crate) logit_bias: Option<BTreeMap<String, f32>>,
    pub(crate) seed: Option<i64>,
    pub(crate) stop: Option<Stop>,
    pub(crate) max_tokens: Option<i64>,
    pub(crate) max_completion_tokens: Option<i64>,
    /// Of other local servers, as are the two that follow.
    pub(crate) top_k: Option<i64>,
    pub(crate) min_p: Option<f32>,
    pub(crate) repetition_penalty: Option<f32>,
    pub(crate) logprobs: Option<bool>,
    pub(crate) top_logprobs: Option<i64>,
    pub(crate) response_format: Option<ResponseFormat>,
    pub(crate) tools: Option<Vec<Tool>>,
    pub(crate) tool_choice: Option<ToolChoice>,
    pub(crate) store: Option<bool>,
    pub(crate) modalities: Option<Vec<String>>,
    pub(crate) audio: Option<IgnoredAny>,
    pub(crate) functions: Option<IgnoredAny>,
    pub(crate) function_call: Option<IgnoredAny>,
}

/// What a stream has beside its text.
#[derive(Debug, Deserialize)]
pub(crate) struct StreamOptions {
    pub(crate) include_usage: Option<bool>,
}

/// Texts that end the answer.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string or an array of strings")]
pub(crate) enum Stop {
    One(String),
    Several(Vec<String>),
}

impl Stop {
    pub(crate) fn texts(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Several(texts) => texts,
        }
    }
}

/// The form of the answer.
#[derive(Debug, Deserialize)]
pub(crate) struct ResponseFormat {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) json_schema: Option<NamedSchema>,
}

/// A JSON schema. Whether it is `strict` makes no difference: it is always kept to.
#[derive(Debug, Deserialize)]
pub(crate) struct NamedSchema {
    pub(crate) schema: Option<Value>,
}

/// A tool that the model may ask to be called.
#[derive(Debug, Deserialize)]
pub(crate) struct Tool {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) function: Option<Function>,
}

/// A function.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) parameters: Option<Value>,
}

/// Which tool is to be called.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected 'none', 'auto', 'required' or an object that names a function")]
pub(crate) enum ToolChoice {
    Mode(String),
    Named(Choice),
}

/// A choice that names tools.
#[derive(Debug, Deserialize)]
pub(crate) struct Choice {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) function: Option<Name>,
    pub(crate) allowed_tools: Option<Allowed>,
}

/// The tools of which one may be called.
#[derive(Debug, Deserialize)]
pub(crate) struct Allowed {
    pub(crate) mode: String,
    pub(crate) tools: Vec<Choice>,
}

/// A function's name.
#[derive(Debug, Deserialize)]
pub(crate) struct Name {
    pub(crate) name: String,
}
