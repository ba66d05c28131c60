//! One request from chat to text. In: a request. Out: pieces of text and a finish, sent as they come.
//! Must not know: ONNX, queues, threads.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use loquat_contract::{Finish, GenerateRequest, Logprob, ModelError, StopReason, Token};
use tokio::sync::mpsc::UnboundedSender;

use crate::InferenceError;
use crate::constrain::{ConstraintCompiler, Ending};
use crate::decoder::Decode;
use crate::sample::{self, Choice, Sampler};
use crate::stop::StopFilter;
use crate::template::Template;
use crate::tokenizer::Tokenizer;

/// What turns chats into tokens and back.
pub(crate) struct Language {
    pub(crate) tokenizer: Tokenizer,
    pub(crate) template: Template,
    /// Ids that end a turn.
    pub(crate) eos: Vec<u32>,
    /// How many logits the model gives.
    pub(crate) vocabulary: usize,
    pub(crate) constraints: ConstraintCompiler,
}

/// Where a request's text goes.
///
/// Unbounded, so that a slow reader holds up no one else; `max_tokens` bounds it.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) sender: UnboundedSender<Result<Token, ModelError>>,
    /// The model is closing.
    pub(crate) closing: Arc<AtomicBool>,
}

impl Output {
    /// Whether work on it is in vain.
    pub(crate) fn gone(&self) -> bool {
        self.sender.is_closed() || self.closing.load(Ordering::Relaxed)
    }

    fn text(&self, text: String) {
        if !text.is_empty() {
            self.send(Ok(Token::Text(text)));
        }
    }

    pub(crate) fn send(&self, item: Result<Token, ModelError>) {
        // A reader that is gone is noticed by `gone`, at the next token.
        drop(self.sender.send(item));
    }
}

/// Writes the reply to `request` into `output`; ends early, with nothing more sent, once nobody reads.
///
/// # Errors
/// The prompt does not fit, or the model fails.
pub(crate) fn generate(
    decoder: &mut dyn Decode,
    language: &Language,
    request: &GenerateRequest,
    output: &Output,
) -> Result<(), InferenceError> {
    if output.gone() {
        return Ok(());
    }
    let Language { tokenizer, template, eos, vocabulary, constraints } = language;
    sample::validate(&request.sampling, *vocabulary)?;
    let mut mask =
        request.constraint.as_ref().map(|constraint| constraints.compile(constraint)).transpose()?;
    let prompt = tokenizer.encode(&template.render(tokenizer, &request.messages, &request.prefill)?)?;
    let context = decoder.context();
    if prompt.is_empty() || prompt.len() >= context {
        return Err(InferenceError::ContextTooLong { prompt: prompt.len(), context });
    }
    let limit = request.sampling.max_tokens.min(context - prompt.len());
    let finish = |reason, completion| {
        output.send(Ok(Token::Finish(Finish { reason, completion })));
    };
    output.send(Ok(Token::Prompt(prompt.len())));
    if limit == 0 {
        finish(StopReason::Length, 0);
        return Ok(());
    }

    let mut sampler = Sampler::new(request.sampling.clone(), request.logprobs, &prompt);
    let mut text = tokenizer.stream(&prompt);
    let mut stop = StopFilter::new(&request.stop);
    let Some(mut logits) = decoder.prefill(&prompt, &|| output.gone())? else { return Ok(()) };
    // Tokens that the constraint leaves no choice about; where log-probabilities are asked for, each token is chosen.
    let mut forced = VecDeque::new();
    for completion in 0.. {
        if let Some(mask) = mask.as_mut().filter(|_| forced.is_empty() && request.logprobs.is_none()) {
            forced.extend(mask.forced());
        }
        let next = if let Some(next) = forced.pop_front() {
            if let Some(mask) = mask.as_mut() {
                mask.commit(next)?;
            }
            sampler.accept(next);
            next
        } else {
            let Choice { token, logprobs } =
                sampler.choose(logits, mask.as_deref_mut().map(|mask| mask as _))?;
            if let Some(logprobs) = logprobs.filter(|_| !eos.contains(&token)) {
                let logprob = |id, logprob| Logprob { text: tokenizer.bytes().text(id), logprob };
                output.send(Ok(Token::Logprob {
                    chosen: logprob(token, logprobs.chosen),
                    likeliest: logprobs.likeliest.into_iter().map(|(id, value)| logprob(id, value)).collect(),
                }));
            }
            token
        };
        if eos.contains(&next) {
            output.text(stop.finish());
            finish(StopReason::End, completion);
            break;
        }
        let (piece, stopped) = stop.push(&text.push(next));
        output.text(piece);
        if stopped {
            finish(StopReason::End, completion + 1);
            break;
        }
        if mask.as_mut().is_some_and(|mask| mask.ending() == Ending::Forced) {
            output.text(stop.finish());
            finish(StopReason::End, completion + 1);
            break;
        }
        if completion + 1 == limit {
            output.text(stop.finish());
            finish(StopReason::Length, limit);
            break;
        }
        if output.gone() {
            break;
        }
        logits = decoder.step(next)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
