//! What a conversation remembers. In: each understood and answered message. Out: what "its" and "what about …" point at.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use loquat_contract::{ConversationId, Entity, Language, Predicate};
use serde::{Deserialize, Serialize};

/// The memory of one conversation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    /// What was talked about last.
    pub(crate) focus: Vec<Arc<Entity>>,
    /// What was asked of it.
    pub(crate) relations: Vec<Vec<Arc<Predicate>>>,
    /// The last question that was answered.
    pub(crate) asked: Option<Asked>,
    /// What was asked back, until the next message.
    pub(crate) pending: Option<Pending>,
    /// The language used last.
    pub(crate) language: Option<Language>,
    /// The language that was chosen, whatever a message is in.
    pub(crate) spoken: Option<Language>,
    /// When it was used, counted by messages.
    pub(crate) last_used: u64,
}

/// A question, so that the next message can say only what is different.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Asked {
    /// The question in full.
    pub(crate) text: String,
    /// Where it has names, as bytes.
    pub(crate) names: Vec<Range<usize>>,
    /// Where it has a word that compares.
    pub(crate) comparing: Option<Range<usize>>,
}

/// A question that waits until the person has said what a name means.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    /// The question.
    pub(crate) question: String,
    /// What the name may mean, each with the line that was offered.
    pub(crate) meanings: Vec<(Arc<Entity>, String)>,
}

/// The memories of the conversations used last; each conversation sees its own alone.
#[derive(Debug)]
pub(crate) struct Sessions {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    clock: u64,
    sessions: HashMap<ConversationId, Session>,
}

impl Sessions {
    /// Keeps at most `capacity` conversations; the one unused longest is forgotten first.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default() }
    }

    /// The memory of `conversation`, empty when it is new.
    pub(crate) fn get(&self, conversation: &ConversationId) -> Session {
        self.known(conversation).unwrap_or_default()
    }

    /// The memory of `conversation`; `None` when it is new.
    pub(crate) fn known(&self, conversation: &ConversationId) -> Option<Session> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.sessions.get(conversation).cloned()
    }

    /// Forgets `conversation`.
    pub(crate) fn forget(&self, conversation: &ConversationId) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).sessions.remove(conversation);
    }

    /// Replaces the memory of `conversation`.
    pub(crate) fn put(&self, conversation: &ConversationId, session: Session) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.clock += 1;
        let last_used = state.clock;
        state.sessions.insert(conversation.clone(), Session { last_used, ..session });
        if state.sessions.len() > self.capacity {
            let oldest =
                state.sessions.iter().min_by_key(|(_, session)| session.last_used).map(|(id, _)| id.clone());
            oldest.and_then(|id| state.sessions.remove(&id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(channel: &str) -> ConversationId {
        ConversationId { bot: "b".into(), platform: "p".into(), channel: channel.into(), thread: None }
    }

    #[test]
    fn conversations_are_apart_and_the_oldest_is_forgotten() {
        let sessions = Sessions::new(2);
        let remembered = |channel: &str| sessions.get(&conversation(channel)).language;
        for (channel, language) in [("a", Language::english()), ("b", Language::chinese())] {
            sessions.put(&conversation(channel), Session { language: Some(language), ..Session::default() });
        }
        assert_eq!(remembered("a"), Some(Language::english()));
        assert_eq!(remembered("b"), Some(Language::chinese()));
        sessions.put(&conversation("c"), Session::default());
        assert_eq!(remembered("a"), None);
        assert_eq!(remembered("b"), Some(Language::chinese()));
    }
}
