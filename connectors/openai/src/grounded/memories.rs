//! What earlier answers left in the bot's memory. In: a chat as its client tells it. Out: the memory that the bot had behind that chat.
//!
//! A request has no conversation of its own: it carries the whole chat. So the memory behind each answer is kept by what was said up to
//! it, under a cryptographic digest of that and of whose key was used: only who says the same chat, the bot's words included, gets it
//! back, and it says no more than that chat does.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use loquat_contract::{ConversationId, Dialogue, Memory, Person};
use lru::LruCache;
use sha2::{Digest, Sha256};

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    User(String),
    Assistant(String),
}

type Key = [u8; 32];

/// How much of a chat that is not known is asked again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replayed {
    /// How many questions.
    pub(super) questions: usize,
    /// The longest of them, in characters.
    pub(super) chars: usize,
}

impl Replayed {
    fn takes(self, question: &str) -> bool {
        !question.trim().is_empty()
            && question.chars().take(self.chars.saturating_add(1)).count() <= self.chars
    }
}

/// The memories of the chats used last.
pub(crate) struct Memories {
    kept: Mutex<LruCache<Key, Memory>>,
}

impl Memories {
    pub(crate) fn new(capacity: NonZeroUsize) -> Self {
        Self { kept: Mutex::new(LruCache::new(capacity)) }
    }

    /// Keeps what the bot remembers behind `turns` for whoever said them.
    pub(super) fn keep(&self, person: Option<&Person>, turns: &[Turn], memory: Memory) {
        if let Some(key) = keys(person, turns).pop() {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).put(key, memory);
        }
    }

    /// Puts `conversation` where it was behind `turns`: by the memory of as much of them as is known, and by asking again what came
    /// after it, though no more than the last `replayed.questions`, and none that is longer than what the bot takes.
    pub(super) async fn restore(
        &self,
        dialogue: &dyn Dialogue,
        conversation: &ConversationId,
        person: Option<&Person>,
        turns: &[Turn],
        replayed: Replayed,
    ) {
        if turns.is_empty() {
            return;
        }
        let known = self.known(person, turns);
        let rest = match known {
            Some((length, memory)) => {
                dialogue.recall(conversation, memory).await;
                &turns[length..]
            }
            None => turns,
        };
        let questions: Vec<&String> = rest
            .iter()
            .filter_map(|turn| match turn {
                Turn::User(text) if replayed.takes(text) => Some(text),
                Turn::User(_) | Turn::Assistant(_) => None,
            })
            .collect();
        for question in &questions[questions.len().saturating_sub(replayed.questions)..] {
            if let Err(error) = dialogue.answer(conversation, question, &mut |_| ()).await {
                tracing::warn!(%error, "an earlier question of a chat is not remembered");
            }
        }
    }

    /// The longest beginning of `turns` that is known, and the memory behind it.
    fn known(&self, person: Option<&Person>, turns: &[Turn]) -> Option<(usize, Memory)> {
        let keys = keys(person, turns);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut longest_first = keys.iter().enumerate().rev();
        longest_first.find_map(|(index, key)| Some((index + 1, kept.get(key)?.clone())))
    }
}

/// A digest of each beginning of `turns`, the shortest first.
fn keys(person: Option<&Person>, turns: &[Turn]) -> Vec<Key> {
    let mut digest = Sha256::new();
    if let Some(Person { platform, id }) = person {
        for part in [platform, id] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
    }
    let key = |turn: &Turn| {
        let (mark, text) = match turn {
            Turn::User(text) => (b'u', text),
            Turn::Assistant(text) => (b'a', text),
        };
        // Clients trim what they keep. The length keeps one text from reaching into the next.
        let text = text.trim();
        digest.update([mark]);
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
        digest.clone().finalize().into()
    };
    turns.iter().map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> Turn {
        Turn::User(text.to_owned())
    }

    fn bot(text: &str) -> Turn {
        Turn::Assistant(text.to_owned())
    }

    #[test]
    fn the_longest_beginning_that_is_known_is_found_and_no_other_chat() {
        let memories = Memories::new(NonZeroUsize::MIN.saturating_add(7));
        let memory = |text: &str| Memory(text.to_owned());
        let chat = [user("a"), bot("b"), user("c"), bot("d"), user("e")];
        assert_eq!(memories.known(None, &chat), None);
        memories.keep(None, &chat[..2], memory("first"));
        assert_eq!(memories.known(None, &chat), Some((2, memory("first"))));
        memories.keep(None, &chat[..4], memory("second"));
        assert_eq!(memories.known(None, &chat), Some((4, memory("second"))));
        let others = [
            vec![user("a"), bot("x")],
            vec![bot("a"), user("b")],
            vec![user("ab")],
            vec![user("a\u{1}"), bot("b")],
            vec![user("x"), bot("b"), user("c"), bot("d")],
        ];
        for other in others {
            assert_eq!(memories.known(None, &other), None, "{other:?}");
        }
        assert_eq!(memories.known(None, &[user(" a"), bot("b\n")]), Some((2, memory("first"))));
        let ann = Person { platform: "web".to_owned(), id: "ann".to_owned() };
        assert_eq!(memories.known(Some(&ann), &chat), None, "another's");
    }
}
