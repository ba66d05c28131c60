//! The model as the engine sees it. In: a chat and how to sample. Out: a stream of text. Says nothing of ONNX or tokens' ids.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{BoxStream, ConversationId, Language};

/// Who says a chat message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One message of the chat that the model continues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: String,
}

impl ChatMessage {
    /// A message.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into() }
    }
}

/// How the next token is chosen.
///
/// In this order: bias, penalties (repetition, then presence and frequency), constraint, temperature, top-k, min-p, top-p, and the draw.
/// A model refuses a request with a number that is NaN or outside its range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    /// 0 is greedy: always the likeliest token, of equals the one with the lowest id. Never negative.
    pub temperature: f32,
    /// Keep the likeliest tokens that together reach this share of what the cuts before leave (Holtzman et al. 2020); from 0, which
    /// keeps one, to 1, which keeps all.
    pub top_p: f32,
    /// Keep this many of the likeliest tokens; 0 keeps all.
    pub top_k: usize,
    /// Keep tokens at least this share as probable as the likeliest one at this temperature (Nguyen et al. 2024); from 0, which keeps all, to 1.
    pub min_p: f32,
    /// Divides the positive logits of tokens that stand in the prompt or the reply, and multiplies the negative (Keskar et al.
    /// 2019); above 0, and 1 is off.
    pub repetition_penalty: f32,
    /// Taken from the logit of each token that stands in the reply, once; 0 is off, from -100 to 100.
    pub presence_penalty: f32,
    /// Taken from the logit of each token that stands in the reply, for each time; 0 is off, from -100 to 100.
    pub frequency_penalty: f32,
    /// Added to the logits of these ids; minus infinity forbids one. A model refuses ids that its vocabulary does not have.
    pub logit_bias: BTreeMap<u32, f32>,
    /// Seed of the random choice; the same seed, model and request give the same tokens.
    pub seed: u64,
    /// Stop after this many tokens.
    pub max_tokens: usize,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            logit_bias: BTreeMap::new(),
            seed: 0,
            max_tokens: 256,
        }
    }
}

/// What the reply may consist of, whatever the model would rather write.
///
/// It holds from behind [`GenerateRequest::prefill`] to the end. The model may end the reply where a text is complete, and it ends by itself
/// where nothing more may follow; [`GenerateRequest::stop`] and [`Sampling::max_tokens`] may cut it short. Marks such as the end of a
/// turn are never part of a text. A constraint that is malformed, too large or allows no text is [`ModelError::Refused`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// One of these texts.
    OneOf(Vec<String>),
    /// These pieces, in any order and as often as wanted, and then one of `ends`.
    Pieces {
        /// What the text is put together from, spaces included.
        pieces: Vec<String>,
        /// What ends it, at least one; an empty one lets the text end behind any piece.
        ends: Vec<String>,
    },
    /// A text that this regular expression matches as a whole; in the syntax of crate `regex`, without word boundaries and other
    /// look-around. There `\d` is a digit of any script; `[0-9]` is narrower.
    Regex(String),
    /// JSON that this JSON schema, given as text, accepts; on one line, with one space behind commas and colons, unless the schema
    /// says otherwise in `x-guidance`. References lead within the schema only.
    JsonSchema(String),
    /// A text of this grammar, in the dialect of Lark that `llguidance` reads.
    Lark(String),
}

/// What to write.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GenerateRequest {
    /// The chat so far, the person's message last.
    pub messages: Vec<ChatMessage>,
    /// How the reply begins; the model continues from here, and the stream does not repeat it.
    pub prefill: String,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Texts that end the reply; they are not part of it.
    pub stop: Vec<String>,
    /// What the reply may consist of.
    pub constraint: Option<Constraint>,
    /// The adapter to write with, by the name under which the model has it; without one the base model writes.
    pub adapter: Option<String>,
    /// Whose request it is: conversations take turns where many requests wait.
    pub conversation: Option<ConversationId>,
    /// Give a [`Token::Logprob`] with each token, with this many of the likeliest tokens beside it; 0 gives the chosen one alone.
    pub logprobs: Option<usize>,
}

/// How many tokens went in and came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TokenCount {
    /// Tokens of the prompt, template included.
    pub prompt: usize,
    /// Tokens written.
    pub completion: usize,
}

/// Why the model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// It ended its turn, or wrote a stop text.
    End,
    /// It reached `max_tokens` or the end of its context.
    Length,
}

/// The last item of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finish {
    /// Why it stopped.
    pub reason: StopReason,
    /// How many tokens it wrote.
    pub completion: usize,
}

/// A token and the natural logarithm of its probability before temperature, penalties and constraint.
#[derive(Clone, Debug, PartialEq)]
pub struct Logprob {
    /// Its text, or the name of a mark; what is no whole character stands as U+FFFD.
    pub text: String,
    /// Its logarithm.
    pub logprob: f32,
}

/// An item of a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// The first item: how many tokens the prompt has, template included. So the cost is known even of a stream that is dropped.
    Prompt(usize),
    /// The next piece of text: whole characters, never empty.
    Text(String),
    /// A token that was chosen, before the text that it completes; the one that ends the turn is left out. Only where
    /// [`GenerateRequest::logprobs`] asks for it.
    Logprob {
        /// The one that was chosen.
        chosen: Logprob,
        /// The likeliest ones, the likeliest first.
        likeliest: Vec<Logprob>,
    },
    /// The end; nothing follows.
    Finish(Finish),
}

/// Which model wrote a reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ModelIdentity {
    /// Its name, such as `SmolLM2-135M-Instruct`.
    pub name: String,
    /// SHA-256 over its files, in hexadecimal.
    pub sha256: String,
}

/// Why a model gave no text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The chat does not fit.
    #[error(
        "the prompt has {prompt} tokens and the model's context holds {context}; shorten the message or the persona"
    )]
    ContextTooLong {
        /// Tokens of the prompt.
        prompt: usize,
        /// Tokens that the context holds.
        context: usize,
    },
    /// The request names or asks for what this model does not have, such as an adapter, or cannot be met.
    #[error("the model cannot take this request: {0}")]
    Refused(String),
    /// The runtime failed.
    #[error("the model failed ({0}); run `loquat doctor` to check it")]
    Runtime(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The model's thread is gone.
    #[error("the model has stopped; restart the bot")]
    Stopped,
}

/// A model that continues a chat.
///
/// To implement it: return at once from [`generate`](LanguageModel::generate) with a stream that begins with
/// [`Token::Prompt`], yields [`Token::Text`] pieces and ends with one [`Token::Finish`] or an error; stop working when the stream is dropped.
/// `testing::ScriptedModel` is the smallest complete example.
pub trait LanguageModel: Send + Sync {
    /// Its name and hash.
    fn identity(&self) -> &ModelIdentity;

    /// Continues the chat.
    fn generate(&self, request: GenerateRequest) -> BoxStream<'static, Result<Token, ModelError>>;

    /// Whether it writes `language` well; the engine prefers a model that does.
    fn speaks(&self, language: &Language) -> bool {
        let _ = language;
        true
    }
}
