//! Who is next. In: requests, each perhaps of a conversation. Out: the same, conversations taking turns. Must not know: what is asked.

use std::collections::{HashMap, VecDeque};

use loquat_contract::ConversationId;

/// Requests that wait for a row.
///
/// Conversations take turns, each with its oldest request; a request without a conversation is a conversation of its own.
pub(crate) struct Waiting<T> {
    /// Whose turn it is, the next one first; each that has something waiting, once.
    turns: VecDeque<Turn>,
    queues: HashMap<Turn, VecDeque<T>>,
    anonymous: u64,
    length: usize,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Turn {
    Conversation(ConversationId),
    Anonymous(u64),
}

impl<T> Waiting<T> {
    pub(crate) fn new() -> Self {
        Self { turns: VecDeque::new(), queues: HashMap::new(), anonymous: 0, length: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn push(&mut self, conversation: Option<ConversationId>, item: T) {
        let turn = conversation.map_or_else(
            || {
                self.anonymous += 1;
                Turn::Anonymous(self.anonymous)
            },
            Turn::Conversation,
        );
        let queue = self.queues.entry(turn.clone()).or_default();
        if queue.is_empty() {
            self.turns.push_back(turn);
        }
        queue.push_back(item);
        self.length += 1;
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let turn = self.turns.pop_front()?;
        let queue = self.queues.get_mut(&turn)?;
        let item = queue.pop_front()?;
        self.length -= 1;
        if queue.is_empty() {
            self.queues.remove(&turn);
        } else {
            self.turns.push_back(turn);
        }
        Some(item)
    }

    /// Forgets those that nobody waits for any more.
    pub(crate) fn retain(&mut self, mut wanted: impl FnMut(&T) -> bool) {
        self.queues.values_mut().for_each(|queue| queue.retain(&mut wanted));
        self.queues.retain(|_, queue| !queue.is_empty());
        self.turns.retain(|turn| self.queues.contains_key(turn));
        self.length = self.queues.values().map(VecDeque::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use loquat_contract::ConversationId;

    use super::Waiting;

    fn conversation(channel: &str) -> Option<ConversationId> {
        let (bot, platform) = ("bot".to_owned(), "web".to_owned());
        Some(ConversationId { bot, platform, channel: channel.to_owned(), thread: None })
    }

    fn drain(waiting: &mut Waiting<u32>) -> Vec<u32> {
        std::iter::from_fn(|| waiting.pop()).collect()
    }

    #[test]
    fn conversations_take_turns() {
        let mut waiting = Waiting::new();
        for item in [1, 2, 3, 4] {
            waiting.push(conversation("a"), item);
        }
        waiting.push(conversation("b"), 10);
        waiting.push(None, 20);
        waiting.push(None, 21);
        assert_eq!(waiting.len(), 7);
        assert_eq!(drain(&mut waiting), [1, 10, 20, 21, 2, 3, 4]);
        assert_eq!(waiting.len(), 0);
    }

    #[test]
    fn forgotten_requests_leave_no_turn_behind() {
        let mut waiting = Waiting::new();
        waiting.push(conversation("a"), 1);
        waiting.push(conversation("b"), 2);
        waiting.push(conversation("b"), 3);
        waiting.retain(|&item| item != 1);
        assert_eq!(waiting.len(), 2);
        waiting.push(conversation("a"), 4);
        assert_eq!(drain(&mut waiting), [2, 4, 3]);
    }
}
