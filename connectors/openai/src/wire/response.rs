//! What comes back: completions and the chunks of streamed ones. In: parts of an answer. Out: their JSON.

use serde::Serialize;
use serde_json::Value;

use super::grounds::{Annotation, Grounds};

/// `chat.completion`.
#[derive(Serialize)]
pub(crate) struct Completion<'a> {
    pub(crate) id: &'a str,
    pub(crate) object: &'static str,
    pub(crate) created: u64,
    pub(crate) model: &'a str,
    pub(crate) service_tier: &'static str,
    pub(crate) system_fingerprint: Option<&'a str>,
    pub(crate) choices: Vec<Choice>,
    pub(crate) usage: Usage,
    /// Our own: what a grounded answer rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) loquat: Option<Box<Grounds>>,
}

/// One answer.
#[derive(Serialize)]
pub(crate) struct Choice {
    pub(crate) index: usize,
    pub(crate) message: Message,
    pub(crate) logprobs: Option<Logprobs>,
    pub(crate) finish_reason: &'static str,
}

/// The answer's message.
#[derive(Serialize)]
pub(crate) struct Message {
    pub(crate) role: &'static str,
    pub(crate) content: Option<String>,
    pub(crate) refusal: Option<String>,
    pub(crate) annotations: Vec<Annotation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool_calls: Option<Vec<ToolCall>>,
}

/// A call of a tool. In a stream it has an index, and its kind, id and name come once.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ToolCall {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<&'static str>,
    pub(crate) function: Called,
}

/// What is called, or the next piece of the arguments.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Called {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    pub(crate) arguments: String,
}

/// How likely the tokens of the answer were.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Logprobs {
    pub(crate) content: Vec<TokenLogprob>,
    pub(crate) refusal: Option<Value>,
}

/// A token, and the likeliest ones in its place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct TokenLogprob {
    #[serde(flatten)]
    pub(crate) chosen: Likely,
    pub(crate) top_logprobs: Vec<Likely>,
}

/// A token and its logarithm; `bytes` is null where the token is no whole character.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Likely {
    pub(crate) token: String,
    pub(crate) logprob: f32,
    pub(crate) bytes: Option<Vec<u8>>,
}

impl From<loquat_contract::Logprob> for Likely {
    fn from(found: loquat_contract::Logprob) -> Self {
        let loquat_contract::Logprob { text, logprob } = found;
        let bytes = (!text.contains('\u{fffd}')).then(|| text.as_bytes().to_vec());
        // A token that cannot come has no number in JSON; OpenAI says -9999 for it.
        let logprob = if logprob.is_finite() { logprob } else { -9999.0 };
        Self { token: text, logprob, bytes }
    }
}

/// What it cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Usage {
    pub(crate) prompt_tokens: usize,
    pub(crate) completion_tokens: usize,
    pub(crate) total_tokens: usize,
}

impl Usage {
    pub(crate) fn new(prompt: usize, completion: usize) -> Self {
        Self { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion }
    }
}

/// What a chunk adds to its choice.
#[derive(Default, Serialize)]
pub(crate) struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool_calls: Option<[ToolCall; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) annotations: Option<&'a [Annotation]>,
}

/// The one choice of a chunk.
#[derive(Serialize)]
pub(crate) struct ChunkChoice<'a> {
    pub(crate) index: usize,
    pub(crate) delta: Delta<'a>,
    pub(crate) logprobs: Option<&'a Logprobs>,
    pub(crate) finish_reason: Option<&'static str>,
}
