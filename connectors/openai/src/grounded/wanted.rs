//! What a grounded answer can heed of a request. In: its parameters and messages. Out: the question and the turns before it; what is
//! passed over, so that the answer can say so; or a refusal of what cannot hold for it.

use super::memories::Turn;
use crate::error::ApiError;
use crate::wire::message::Said;
use crate::wire::request::{ChatRequest, ToolChoice};

/// What to do where grounding stands in the way.
const WITHOUT: &str = "Set \"grounding\": false in the request (in OpenAI's Python client: extra_body={\"grounding\": False}), or name a \
                       model instead of the bot; GET /v1/models lists them.";

/// The parameters that the bot's own settings stand in for.
pub(super) fn ignored(request: &ChatRequest, said: &[Said]) -> Result<Vec<&'static str>, ApiError> {
    let refused = |param, what: &str| Err(ApiError::unsupported(param, format!("{what} {WITHOUT}")));
    if request.response_format.as_ref().is_some_and(|format| format.kind != "text") {
        return refused(
            "response_format",
            "A grounded answer is sentences that are checked against facts, not JSON.",
        );
    }
    if request.logprobs == Some(true) || request.top_logprobs.is_some_and(|count| count > 0) {
        return refused(
            "logprobs",
            "The sentences of a grounded answer are not a model's alone, and have no logprobs.",
        );
    }
    let must_call = match &request.tool_choice {
        Some(ToolChoice::Mode(mode)) => mode == "required",
        Some(ToolChoice::Named(choice)) => match &choice.allowed_tools {
            Some(allowed) => allowed.mode == "required",
            None => true,
        },
        None => false,
    };
    if must_call {
        return refused("tool_choice", "A grounded answer calls no tools.");
    }
    if request.n.is_some_and(|count| count != 1) {
        return refused("n", "There is one grounded answer to a question.");
    }
    let given = [
        ("temperature", request.temperature.is_some()),
        ("top_p", request.top_p.is_some()),
        ("top_k", request.top_k.is_some()),
        ("min_p", request.min_p.is_some()),
        ("presence_penalty", request.presence_penalty.is_some()),
        ("frequency_penalty", request.frequency_penalty.is_some()),
        ("repetition_penalty", request.repetition_penalty.is_some()),
        ("logit_bias", request.logit_bias.as_ref().is_some_and(|bias| !bias.is_empty())),
        ("seed", request.seed.is_some()),
        ("stop", request.stop.as_ref().is_some_and(|stop| !stop.texts().is_empty())),
        ("max_tokens", request.max_tokens.is_some()),
        ("max_completion_tokens", request.max_completion_tokens.is_some()),
        ("tools", request.tools.as_ref().is_some_and(|tools| !tools.is_empty())),
        ("system messages", said.iter().any(|said| matches!(said, Said::Instructions(_)))),
    ];
    Ok(given.into_iter().filter_map(|(name, is_given)| is_given.then_some(name)).collect())
}

/// The question, which is the last message, and what was said before it.
pub(super) fn question(mut said: Vec<Said>, longest: usize) -> Result<(String, Vec<Turn>), ApiError> {
    let last = said.len().saturating_sub(1);
    let at = format!("messages[{last}]");
    let Some(Said::User(question)) = said.pop() else {
        let message =
            format!("A grounded answer is to the last message, which has to be of role 'user'. {WITHOUT}");
        return Err(ApiError::value(format!("{at}.role"), message));
    };
    if question.trim().is_empty() {
        return Err(ApiError::value(format!("{at}.content"), "The question is empty."));
    }
    let length = question.chars().count();
    if length > longest {
        let message =
            format!("The question has {length} characters, and the bot takes {longest}; shorten it.");
        return Err(
            ApiError::value("messages", message).at(format!("{at}.content"), "string_above_max_length")
        );
    }
    let turns = said.into_iter().filter_map(|said| match said {
        Said::User(text) => Some(Turn::User(text)),
        Said::Assistant(text) => Some(Turn::Assistant(text)),
        Said::Instructions(_) | Said::ToolResult(_) => None,
    });
    Ok((question, turns.collect()))
}
