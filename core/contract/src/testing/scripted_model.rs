//! A model that says what a test tells it to. In: replies in order. Out: the same, streamed, with the requests kept.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use futures::{StreamExt, stream};

use crate::{
    BoxStream, Finish, GenerateRequest, LanguageModel, ModelError, ModelIdentity, StopReason, Token,
};

/// Streams the scripted replies one after another, word by word; an empty script gives empty replies.
#[derive(Debug)]
pub struct ScriptedModel {
    identity: ModelIdentity,
    replies: Mutex<VecDeque<String>>,
    requests: Mutex<Vec<GenerateRequest>>,
}

impl ScriptedModel {
    /// A model that gives `replies` in order.
    pub fn new<I: IntoIterator<Item = S>, S: Into<String>>(replies: I) -> Self {
        Self {
            identity: ModelIdentity { name: "scripted".to_owned(), sha256: "0".repeat(64) },
            replies: Mutex::new(replies.into_iter().map(Into::into).collect()),
            requests: Mutex::default(),
        }
    }

    /// The requests so far, oldest first.
    pub fn requests(&self) -> Vec<GenerateRequest> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl LanguageModel for ScriptedModel {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn generate(&self, request: GenerateRequest) -> BoxStream<'static, Result<Token, ModelError>> {
        let prompt = request.messages.iter().map(|m| m.content.split_whitespace().count()).sum();
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let reply =
            self.replies.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or_default();
        let mut items = vec![Ok(Token::Prompt(prompt))];
        items.extend(reply.split_inclusive(' ').map(|piece| Ok(Token::Text(piece.to_owned()))));
        let completion = items.len() - 1;
        items.push(Ok(Token::Finish(Finish { reason: StopReason::End, completion })));
        stream::iter(items).boxed()
    }
}
