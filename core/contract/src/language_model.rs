//! The model as the engine sees it. In: a chat and how to sample. Out: a stream of text. Says nothing of ONNX or tokens' ids.

use serde::{Deserialize, Serialize};

use crate::{BoxStream, Language};

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 is greedy: always the likeliest token.
    pub temperature: f32,
    /// Keep the likeliest tokens that together reach this probability (Holtzman et al. 2020); 1 keeps all.
    pub top_p: f32,
    /// Keep this many of the likeliest tokens; 0 keeps all.
    pub top_k: usize,
    /// Divides the positive logits of tokens already seen, and multiplies the negative (Keskar et al. 2019); 1 is off.
    pub repetition_penalty: f32,
    /// Seed of the random choice; the same seed, model and request give the same tokens.
    pub seed: u64,
    /// Stop after this many tokens.
    pub max_tokens: usize,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.0, top_p: 1.0, top_k: 0, repetition_penalty: 1.0, seed: 0, max_tokens: 256 }
    }
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
}

/// How many tokens went in and came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// An item of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// The first item: how many tokens the prompt has, template included. So the cost is known even of a stream that is dropped.
    Prompt(usize),
    /// The next piece of text: whole characters, never empty.
    Text(String),
    /// The end; nothing follows.
    Finish(Finish),
}

/// Which model wrote a reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
