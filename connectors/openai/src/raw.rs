//! Answers without grounding: a model continues the chat as it is. In: a chat and how to sample. Out: pieces of the model's text, or of
//! a call of a tool. The bot's facts play no part.

mod options;
mod tools;

use std::pin::Pin;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::Peekable;
use loquat_contract::{Finish, GenerateRequest, LanguageModel, ModelError, StopReason, Token};

use crate::delta::{Delta, Deltas};
use crate::error::ApiError;
use crate::service::Service;
use crate::wire::message::Said;
use crate::wire::request::ChatRequest;
use crate::wire::response::TokenLogprob;
use tools::Calling;

/// The model's fingerprint, and its choices. Each of them has begun, so that what cannot begin is refused before anything is said.
pub(crate) async fn answer(
    service: &Service,
    model: Arc<dyn LanguageModel>,
    mut request: ChatRequest,
    said: Vec<Said>,
) -> Result<(Option<String>, Vec<Deltas>), ApiError> {
    let count = options::choices(&request, service.limits.max_choices)?;
    let calling = Calling::read(request.tools.take(), request.tool_choice.take())?;
    let mut asked = options::read(&request, &service.sampling, &service.limits)?;
    asked.messages = said.into_iter().map(Said::into_chat).collect();
    asked.conversation = Some(service.conversation());
    calling.instruct(&mut asked.messages);
    let mut choices = Vec::with_capacity(count);
    for index in 0..count {
        let mut asked = asked.clone();
        asked.sampling.seed = asked.sampling.seed.wrapping_add(index as u64);
        let held = model.clone();
        // A model whose place another takes lives on as long as somebody reads what it writes.
        let deltas = calling.run(&model, asked).map(move |delta| {
            let _as_long = &held;
            delta
        });
        choices.push(begun(deltas.boxed()).await?);
    }
    let sha256 = &model.identity().sha256;
    let fingerprint = format!("fp_{}", sha256.get(..12).unwrap_or(sha256));
    Ok((Some(fingerprint), choices))
}

/// Waits for the first piece, and gives the error where there is none.
async fn begun(deltas: Deltas) -> Result<Deltas, ApiError> {
    let mut deltas: Peekable<Deltas> = deltas.peekable();
    match Pin::new(&mut deltas).peek().await {
        Some(Err(error)) => Err(error.clone()),
        _ => Ok(deltas.boxed()),
    }
}

/// What the model writes, piece by piece.
fn written(model: &dyn LanguageModel, request: GenerateRequest) -> Deltas {
    model.generate(request).map(|item| item.map(piece).map_err(ApiError::from)).boxed()
}

fn piece(token: Token) -> Delta {
    match token {
        Token::Prompt(count) => Delta::Prompt(count),
        Token::Text(text) => Delta::Text(text),
        Token::Logprob { chosen, likeliest } => Delta::Logprob(Box::new(TokenLogprob {
            chosen: chosen.into(),
            top_logprobs: likeliest.into_iter().map(Into::into).collect(),
        })),
        Token::Finish(Finish { reason, completion }) => {
            let reason = match reason {
                StopReason::End => "stop",
                StopReason::Length => "length",
            };
            Delta::Finish { reason, completion }
        }
    }
}

/// Everything that is written, where it is short and needed as a whole.
async fn whole(model: &dyn LanguageModel, request: GenerateRequest) -> Result<(String, Finish), ApiError> {
    let mut stream = model.generate(request);
    let mut text = String::new();
    while let Some(item) = stream.next().await {
        match item? {
            Token::Text(piece) => text.push_str(&piece),
            Token::Finish(finish) => return Ok((text, finish)),
            Token::Prompt(_) | Token::Logprob { .. } => {}
        }
    }
    Err(ModelError::Stopped.into())
}
