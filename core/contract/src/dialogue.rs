//! The engine as the host sees it. In: a text of a conversation. Out: a reply, and what the conversation is about after it.

use serde::{Deserialize, Serialize};

use crate::{BoxFuture, ConversationId, Language, Reply, Sentence};

/// What an engine remembers of a conversation, in a form of its own: the journal keeps it with the reply, so that “and its
/// currency?” is understood after a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Memory(pub String);

/// Why a message could not be answered.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DialogueError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What answers messages.
pub trait Dialogue: Send + Sync {
    /// Answers one message. `show` gets each sentence as soon as it may be seen; the reply has them all. Dropping the future
    /// leaves the conversation's memory as it was.
    fn answer<'a>(
        &'a self,
        conversation: &'a ConversationId,
        text: &'a str,
        show: &'a mut (dyn FnMut(&Sentence) + Send),
    ) -> BoxFuture<'a, Result<Reply, DialogueError>>;

    /// What is remembered of a conversation; `None` where nothing is.
    fn memory(&self, conversation: &ConversationId) -> Option<Memory> {
        let _ = conversation;
        None
    }

    /// Puts back what an earlier process remembered. What cannot be read is forgotten: it helps to understand, and proves nothing.
    fn recall<'a>(&'a self, conversation: &'a ConversationId, memory: Memory) -> BoxFuture<'a, ()> {
        let _ = (conversation, memory);
        Box::pin(async {})
    }

    /// Answers in this language from now on, whatever a message is in; `None` answers each in its own again.
    fn speak(&self, conversation: &ConversationId, language: Option<Language>) {
        let _ = (conversation, language);
    }

    /// The language that was chosen with [`speak`](Self::speak); `None` where each message is answered in its own.
    fn spoken(&self, conversation: &ConversationId) -> Option<Language> {
        let _ = conversation;
        None
    }

    /// Forgets a conversation.
    fn forget(&self, conversation: &ConversationId) {
        let _ = conversation;
    }
}
