//! What a process knows of chats beside the journal. In: what Telegram says in passing. Out: where a chat is now, how long it wants to be left
//! alone, which topic a message is in. All of it may be lost with the process.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::time::Instant;

/// How many chats, and messages, are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);

struct Known {
    moved: LruCache<i64, i64>,
    hushed: LruCache<i64, Instant>,
    drafted: LruCache<i64, Instant>,
    forums: LruCache<i64, ()>,
    topics: LruCache<(i64, i32), i32>,
    lost: LruCache<String, ()>,
}

/// What is known.
pub(crate) struct Memory(Mutex<Known>);

impl Default for Memory {
    fn default() -> Self {
        Self(Mutex::new(Known {
            moved: LruCache::new(REMEMBERED),
            hushed: LruCache::new(REMEMBERED),
            drafted: LruCache::new(REMEMBERED),
            forums: LruCache::new(REMEMBERED),
            topics: LruCache::new(REMEMBERED),
            lost: LruCache::new(REMEMBERED),
        }))
    }
}

impl Memory {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A group became a supergroup.
    pub(crate) fn moved(&self, from: i64, to: i64) {
        if from != to {
            self.known().moved.put(from, to);
        }
    }

    /// Where a chat is now.
    pub(crate) fn now(&self, chat: i64) -> i64 {
        self.known().moved.get(&chat).copied().unwrap_or(chat)
    }

    /// Whether the chat that was `before` is `now`.
    pub(crate) fn is_at(&self, before: i64, now: i64) -> bool {
        self.known().moved.peek(&before) == Some(&now)
    }

    /// Telegram wants nothing for this chat for a while.
    pub(crate) fn hush(&self, chat: i64, wait: Duration) {
        self.known().hushed.put(chat, Instant::now() + wait);
    }

    /// For how long it still wants nothing.
    pub(crate) fn hushed(&self, chat: i64) -> Option<Duration> {
        let chat = self.now(chat);
        let until = self.known().hushed.peek(&chat).copied()?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// When the next draft for this chat may be shown, `pause` after the one before; it counts as shown then.
    pub(crate) fn next_draft(&self, chat: i64, pause: Duration) -> Instant {
        let now = Instant::now();
        let mut known = self.known();
        let at = known.drafted.get(&chat).map_or(now, |last| now.max(*last + pause));
        known.drafted.put(chat, at);
        at
    }

    /// The first draft of a reply may be there under an unknown number.
    pub(crate) fn lost_draft(&self, key: &str) {
        self.known().lost.put(key.to_owned(), ());
    }

    /// Whether that happened, so that another draft would stand beside it.
    pub(crate) fn is_lost(&self, key: &str) -> bool {
        self.known().lost.contains(key)
    }

    pub(crate) fn saw_forum(&self, chat: i64) {
        self.known().forums.put(chat, ());
    }

    pub(crate) fn is_forum(&self, chat: i64) -> bool {
        self.known().forums.contains(&chat)
    }

    /// The bot posted a message into a topic.
    pub(crate) fn posted(&self, chat: i64, message: i32, topic: i32) {
        self.known().topics.put((chat, message), topic);
    }

    /// The topic of a message, where that is known. Telegram does not say it with a reaction.
    pub(crate) fn topic(&self, chat: i64, message: i32) -> Option<i32> {
        self.known().topics.get(&(chat, message)).copied()
    }

    /// Forgets the messages of a chat.
    pub(crate) fn forget(&self, chat: i64) {
        let mut known = self.known();
        let gone: Vec<(i64, i32)> =
            known.topics.iter().map(|(at, _)| *at).filter(|(of, _)| *of == chat).collect();
        for at in gone {
            known.topics.pop(&at);
        }
        known.drafted.pop(&chat);
    }
}
