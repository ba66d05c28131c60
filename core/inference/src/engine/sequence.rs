//! One request on its way. In: a chat, then logits, one row after another. Out: pieces of text and a finish, sent as they come.
//! Must not know: rows, sessions, other requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use loquat_contract::{ConversationId, Finish, GenerateRequest, ModelError, StopReason, Token};
use tokio::sync::mpsc::UnboundedSender;

use super::draft::Drafter;
use crate::InferenceError;
use crate::sample::Sampler;
use crate::stop::StopFilter;
use crate::template::Template;
use crate::tokenizer::{TextStream, Tokenizer};

/// What turns chats into tokens and back, and what a model's tokens may be.
#[derive(Debug)]
pub(crate) struct Language {
    pub(crate) tokenizer: Tokenizer,
    pub(crate) template: Template,
    /// Ids that end a turn.
    pub(crate) eos: Vec<u32>,
    /// Tokens that a sequence may have.
    pub(crate) context: usize,
    /// Ids that the model has, where it is known.
    pub(crate) vocabulary: Option<usize>,
    /// The adapters' names; adapter `n` has lane `n + 1`.
    pub(crate) adapters: Vec<String>,
    /// The one for requests that name none.
    pub(crate) adapter: Option<String>,
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

/// A request whose text is tokens, and whose reply goes somewhere.
pub(crate) struct Sequence {
    /// The prompt, and behind it what was written.
    pub(crate) tokens: Vec<u32>,
    /// Tokens of the prompt.
    pub(crate) prompt: usize,
    /// Tokens of the prompt that the row has.
    pub(crate) prefilled: usize,
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) lane: usize,
    pub(crate) drafter: Drafter,
    /// When it got its row, counted in requests.
    pub(crate) admitted: u64,
    output: Output,
    sampler: Sampler,
    text: TextStream,
    stop: StopFilter,
    /// The most tokens that it may write.
    limit: usize,
}

impl Sequence {
    /// Makes the prompt.
    ///
    /// # Errors
    /// It does not fit, the tokenizer is another model's, or the request asks for what is not there.
    pub(crate) fn new(
        language: &Language,
        request: GenerateRequest,
        output: Output,
    ) -> Result<Self, InferenceError> {
        let Language { tokenizer, template, context, .. } = language;
        let tokens = tokenizer.encode(&template.render(tokenizer, &request.messages, &request.prefill)?)?;
        if tokens.is_empty() || tokens.len() >= *context {
            return Err(InferenceError::ContextTooLong { prompt: tokens.len(), context: *context });
        }
        if let Some(vocabulary) = language.vocabulary
            && let Some(&id) = tokens.iter().find(|&&id| id as usize >= vocabulary)
        {
            return Err(InferenceError::UnknownToken { id, vocabulary });
        }
        let lane = match request.adapter.as_ref().or(language.adapter.as_ref()) {
            None => 0,
            Some(name) => {
                language.adapters.iter().position(|known| known == name).map(|at| at + 1).ok_or_else(
                    || InferenceError::UnknownAdapter {
                        name: name.clone(),
                        known: language.adapters.clone(),
                    },
                )?
            }
        };
        Ok(Self {
            prompt: tokens.len(),
            prefilled: 0,
            conversation: request.conversation,
            lane,
            drafter: Drafter::new(),
            admitted: 0,
            output,
            limit: request.sampling.max_tokens.min(context - tokens.len()),
            sampler: Sampler::new(request.sampling, &tokens),
            text: tokenizer.stream(&tokens),
            stop: StopFilter::new(&request.stop),
            tokens,
        })
    }

    /// Tells the length of the prompt; whether anything is to be written.
    pub(crate) fn begin(&self) -> bool {
        self.output.send(Ok(Token::Prompt(self.prompt)));
        if self.limit == 0 {
            self.finish(StopReason::Length);
        }
        self.limit > 0
    }

    /// Whether nobody waits for it any more.
    pub(crate) fn gone(&self) -> bool {
        self.output.gone()
    }

    pub(crate) fn is_prefilled(&self) -> bool {
        self.prefilled == self.prompt
    }

    /// Tokens of the prompt that are still to run.
    pub(crate) fn remaining(&self) -> usize {
        self.prompt - self.prefilled
    }

    /// The token written last, which has not run yet.
    pub(crate) fn last(&self) -> u32 {
        self.tokens.last().copied().unwrap_or_default()
    }

    /// Tokens written.
    pub(crate) fn written(&self) -> usize {
        self.tokens.len() - self.prompt
    }

    /// Tokens that it may still write.
    pub(crate) fn room(&self) -> usize {
        self.limit - self.written()
    }

    /// Ends it with an error.
    pub(crate) fn fail(&self, error: InferenceError) {
        self.output.send(Err(error.into()));
    }

    /// Chooses the token after those so far and sends what it completes; whether the reply goes on.
    ///
    /// # Errors
    /// The logits are no numbers.
    pub(crate) fn advance(&mut self, language: &Language, logits: &[f32]) -> Result<bool, InferenceError> {
        let token = self.sampler.choose(logits)?;
        if language.eos.contains(&token) {
            self.output.text(self.stop.finish());
            self.finish(StopReason::End);
            return Ok(false);
        }
        self.tokens.push(token);
        let (piece, stopped) = self.stop.push(&self.text.push(&language.tokenizer, token));
        self.output.text(piece);
        if stopped {
            self.finish(StopReason::End);
            return Ok(false);
        }
        if self.room() == 0 {
            self.output.text(self.stop.finish());
            self.finish(StopReason::Length);
            return Ok(false);
        }
        Ok(true)
    }

    fn finish(&self, reason: StopReason) {
        let completion = self.written();
        self.output.send(Ok(Token::Finish(Finish { reason, completion })));
    }
}
