//! One request on its way. In: a chat, then logits, one row after another. Out: pieces of text and a finish, sent as they come.
//! Must not know: rows, sessions, other requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use loquat_contract::{ConversationId, Finish, GenerateRequest, Logprob, ModelError, StopReason, Token};
use tokio::sync::mpsc::UnboundedSender;

use super::draft::Drafter;
use crate::InferenceError;
use crate::constrain::{ConstraintCompiler, Ending, LogitMask};
use crate::sample::{self, Choice, Logprobs, Sampler};
use crate::stop::StopFilter;
use crate::template::Template;
use crate::tokenizer::{TextStream, Tokenizer};

/// The most likeliest tokens that are told with each token, as elsewhere.
const MOST_LOGPROBS: usize = 20;

/// What turns chats into tokens and back, and what a model's tokens may be.
pub(crate) struct Language {
    pub(crate) tokenizer: Tokenizer,
    pub(crate) template: Template,
    /// Ids that end a turn.
    pub(crate) eos: Vec<u32>,
    /// Tokens that a sequence may have.
    pub(crate) context: usize,
    /// How many logits the model gives.
    pub(crate) vocabulary: usize,
    pub(crate) constraints: ConstraintCompiler,
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
    /// Tokens that have run: the row has their keys and values.
    pub(crate) ran: usize,
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) lane: usize,
    pub(crate) drafter: Drafter,
    /// When it got its row, counted in requests.
    pub(crate) admitted: u64,
    output: Output,
    sampler: Sampler,
    mask: Option<Box<dyn LogitMask>>,
    /// Whether tokens that the constraint leaves no choice about are written without asking the model. Not where each is to be told with
    /// its probability.
    forces: bool,
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
        let Language { tokenizer, template, context, vocabulary, .. } = language;
        sample::validate(&request.sampling, *vocabulary)?;
        if let Some(count) = request.logprobs.filter(|&count| count > MOST_LOGPROBS) {
            let reason = format!("`logprobs` is {count}, and at most {MOST_LOGPROBS} are given");
            return Err(InferenceError::Sampling(reason));
        }
        let tokens = tokenizer.encode(&template.render(tokenizer, &request.messages, &request.prefill)?)?;
        if tokens.is_empty() || tokens.len() >= *context {
            return Err(InferenceError::ContextTooLong { prompt: tokens.len(), context: *context });
        }
        if let Some(&id) = tokens.iter().find(|&&id| id as usize >= *vocabulary) {
            return Err(InferenceError::UnknownToken { id, vocabulary: *vocabulary });
        }
        let compile = |constraint| language.constraints.compile(constraint);
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
            ran: 0,
            conversation: request.conversation,
            lane,
            drafter: Drafter::new(),
            admitted: 0,
            output,
            limit: request.sampling.max_tokens.min(context - tokens.len()),
            sampler: Sampler::new(request.sampling, request.logprobs, &tokens),
            mask: request.constraint.as_ref().map(compile).transpose()?,
            forces: request.logprobs.is_none(),
            text: tokenizer.stream(&tokens),
            stop: StopFilter::new(&request.stop),
            tokens,
        })
    }

    /// Tells the length of the prompt and writes what the constraint forces from the start; whether more is to be written.
    ///
    /// # Errors
    /// The constraint forces what it does not allow.
    pub(crate) fn begin(&mut self, language: &Language) -> Result<bool, InferenceError> {
        self.output.send(Ok(Token::Prompt(self.prompt)));
        if self.limit == 0 {
            self.finish(StopReason::Length);
            return Ok(false);
        }
        self.force(language)
    }

    /// Whether nobody waits for it any more.
    pub(crate) fn gone(&self) -> bool {
        self.output.gone()
    }

    /// Tokens that are still to run before the first logits.
    pub(crate) fn remaining(&self) -> usize {
        self.tokens.len() - self.ran
    }

    /// Tokens that have not run: of a reply the one written last, and those that were forced before it.
    pub(crate) fn pending(&self) -> &[u32] {
        &self.tokens[self.ran..]
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

    /// Chooses the token after those so far, writes it and those that the constraint then leaves no choice about, and sends what
    /// they complete; whether the reply goes on.
    ///
    /// # Errors
    /// The logits are no numbers, or no token goes on with the constraint.
    pub(crate) fn advance(&mut self, language: &Language, logits: &[f32]) -> Result<bool, InferenceError> {
        let mask = self.mask.as_deref_mut().map(|mask| mask as _);
        let Choice { token, logprobs } = self.sampler.choose(logits, mask)?;
        if let Some(logprobs) = logprobs.filter(|_| !language.eos.contains(&token)) {
            self.tell(language, token, logprobs);
        }
        Ok(self.write(language, token) && self.force(language)?)
    }

    /// Writes the tokens that the constraint leaves no choice about; whether the reply goes on.
    fn force(&mut self, language: &Language) -> Result<bool, InferenceError> {
        let Some(mask) = self.mask.as_mut().filter(|_| self.forces) else { return Ok(true) };
        for token in mask.forced() {
            if let Some(mask) = self.mask.as_mut() {
                mask.commit(token)?;
            }
            self.sampler.accept(token);
            if !self.write(language, token) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn tell(&self, language: &Language, token: u32, logprobs: Logprobs) {
        let logprob = |id, logprob| Logprob { text: language.tokenizer.bytes().text(id), logprob };
        self.output.send(Ok(Token::Logprob {
            chosen: logprob(token, logprobs.chosen),
            likeliest: logprobs.likeliest.into_iter().map(|(id, value)| logprob(id, value)).collect(),
        }));
    }

    /// Writes one token; whether the reply goes on.
    fn write(&mut self, language: &Language, token: u32) -> bool {
        if language.eos.contains(&token) {
            self.output.text(self.stop.finish());
            self.finish(StopReason::End);
            return false;
        }
        self.tokens.push(token);
        let (piece, stopped) = self.stop.push(&self.text.push(&language.tokenizer, token));
        self.output.text(piece);
        if stopped {
            self.finish(StopReason::End);
            return false;
        }
        if self.mask.as_mut().is_some_and(|mask| mask.ending() == Ending::Forced) {
            self.output.text(self.stop.finish());
            self.finish(StopReason::End);
            return false;
        }
        if self.room() == 0 {
            self.output.text(self.stop.finish());
            self.finish(StopReason::Length);
            return false;
        }
        true
    }

    fn finish(&self, reason: StopReason) {
        let completion = self.written();
        self.output.send(Ok(Token::Finish(Finish { reason, completion })));
    }
}
