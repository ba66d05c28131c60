//! A model that writes down what it is told. In: the engine's requests. Out: their prompts to the letter, and for each conversation the
//! sentence that it is to say, so that the engine itself judges it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures::{StreamExt, stream};
use loquat_contract::{
    BoxStream, ChatMessage, ConversationId, Finish, GenerateRequest, LanguageModel, ModelError,
    ModelIdentity, StopReason, Token,
};

/// What it knows of a conversation.
#[derive(Debug, Default)]
struct Heard {
    prompts: Vec<Vec<ChatMessage>>,
    say: Option<String>,
}

/// Keeps the prompts of free first attempts, and says what it was told to say; otherwise, and under a constraint, nothing at all.
#[derive(Debug)]
pub struct Recorder {
    identity: ModelIdentity,
    conversations: Mutex<HashMap<ConversationId, Heard>>,
}

impl Default for Recorder {
    fn default() -> Self {
        let identity = ModelIdentity { name: "recorder".to_owned(), sha256: "0".repeat(64) };
        Self { identity, conversations: Mutex::default() }
    }
}

impl Recorder {
    /// Has it answer the next free request of a conversation with this.
    pub(crate) fn say(&self, conversation: &ConversationId, text: &str) {
        self.with(conversation, |heard| heard.say = Some(text.to_owned()));
    }

    /// The prompts of a conversation since they were last taken; it is forgotten.
    pub(crate) fn take(&self, conversation: &ConversationId) -> Vec<Vec<ChatMessage>> {
        let mut conversations = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        conversations.remove(conversation).unwrap_or_default().prompts
    }

    fn with<T>(&self, conversation: &ConversationId, change: impl FnOnce(&mut Heard) -> T) -> T {
        let mut conversations = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        change(conversations.entry(conversation.clone()).or_default())
    }
}

impl LanguageModel for Recorder {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn generate(&self, request: GenerateRequest) -> BoxStream<'static, Result<Token, ModelError>> {
        let is_free = request.constraint.is_none() && request.prefill.is_empty();
        let said = match &request.conversation {
            Some(conversation) if is_free => self.with(conversation, |heard| {
                heard.prompts.push(request.messages);
                heard.say.take()
            }),
            _ => None,
        };
        let completion = usize::from(said.is_some());
        let finish = Token::Finish(Finish { reason: StopReason::End, completion });
        let items = [Token::Prompt(0)].into_iter().chain(said.map(Token::Text)).chain([finish]);
        stream::iter(items.map(Ok).collect::<Vec<_>>()).boxed()
    }
}
