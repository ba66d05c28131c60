//! An answer as a whole. In: the pieces of its choices. Out: `chat.completion` as JSON.

use axum::http::StatusCode;
use futures::TryStreamExt;
use futures::future::try_join_all;

use crate::chat::{Answer, unique};
use crate::delta::{Delta, Deltas};
use crate::error::ApiError;
use crate::wire::grounds::{Annotation, Grounds};
use crate::wire::response::{Called, Choice, Completion, Logprobs, Message, ToolCall, Usage};

/// Room for most answers, in bytes.
const BODY: usize = 2048;

/// Waits for all choices.
pub(crate) async fn collect(answer: Answer) -> Result<Vec<u8>, ApiError> {
    let Answer { id, created, model, fingerprint, choices } = answer;
    let mut gathered = try_join_all(choices.into_iter().map(gather)).await?;
    // The choices of a request share their prompt.
    let prompt = gathered.iter().map(|one| one.prompt).max().unwrap_or_default();
    let usage = Usage::new(prompt, gathered.iter().map(|one| one.completion).sum());
    // A grounded answer is the only one.
    let loquat = gathered.first_mut().and_then(|one| one.grounds.take());
    let completion = Completion {
        choices: gathered.into_iter().enumerate().map(|(index, one)| one.choice(index)).collect(),
        id: &id,
        object: "chat.completion",
        created,
        model: &model,
        service_tier: "default",
        system_fingerprint: fingerprint.as_deref(),
        usage,
        loquat,
    };
    let mut body = Vec::with_capacity(BODY);
    serde_json::to_writer(&mut body, &completion).map_err(|error| {
        tracing::error!(%error, "an answer is no JSON");
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The answer could not be written; the bot's log says why.",
        )
    })?;
    Ok(body)
}

/// One choice, once it is whole.
#[derive(Default)]
struct Gathered {
    prompt: usize,
    completion: usize,
    text: String,
    logprobs: Option<Logprobs>,
    call: Option<Called>,
    annotations: Vec<Annotation>,
    grounds: Option<Box<Grounds>>,
    reason: &'static str,
}

async fn gather(mut deltas: Deltas) -> Result<Gathered, ApiError> {
    let mut whole = Gathered { reason: "stop", ..Gathered::default() };
    while let Some(delta) = deltas.try_next().await? {
        match delta {
            Delta::Prompt(count) => whole.prompt = count,
            Delta::Text(text) if whole.text.is_empty() => whole.text = text,
            Delta::Text(text) => whole.text.push_str(&text),
            Delta::Logprob(token) => whole.logprobs.get_or_insert_default().content.push(*token),
            Delta::Call(name) => {
                whole.call = Some(Called { name: Some(name), arguments: String::new() });
            }
            Delta::Arguments(piece) => {
                if let Some(call) = &mut whole.call {
                    call.arguments.push_str(&piece);
                }
            }
            Delta::Annotations(annotations) => whole.annotations = annotations,
            Delta::Grounds(grounds) => whole.grounds = Some(grounds),
            Delta::Finish { reason, completion } => {
                (whole.reason, whole.completion) = (reason, completion);
            }
        }
    }
    Ok(whole)
}

impl Gathered {
    fn choice(self, index: usize) -> Choice {
        let call = |function| {
            vec![ToolCall { index: None, id: Some(unique("call_")), kind: Some("function"), function }]
        };
        let message = Message {
            role: "assistant",
            content: (self.call.is_none() || !self.text.is_empty()).then_some(self.text),
            refusal: None,
            annotations: self.annotations,
            tool_calls: self.call.map(call),
        };
        Choice { index, message, logprobs: self.logprobs, finish_reason: self.reason }
    }
}
