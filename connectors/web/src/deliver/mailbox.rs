//! What each conversation has been told, and what it is still owed. In: events. Out: those after a given one.
//!
//! A mailbox keeps the last [`KEPT`] events, so that a page that lost its connection misses nothing. Numbers grow over
//! all mailboxes together: a mailbox that was cleared away and made anew never gives a number twice.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use loquat_contract::{Address, CancellationToken, MessageId};
use tokio::sync::{Notify, futures::OwnedNotified, watch};

use crate::encode::{Event, Kind};

/// How many events a mailbox keeps.
const KEPT: usize = 64;
/// How many mailboxes there are at most.
const MAILBOXES: usize = 4096;
/// How long a mailbox that nobody reads is kept.
const IDLE: Duration = Duration::from_secs(60 * 60);

/// Every conversation's mailbox.
pub(crate) struct Mailboxes {
    inner: Mutex<Inner>,
    /// How many accepted messages have neither reply nor apology.
    owed: watch::Sender<usize>,
    /// Set once nothing more can come.
    finished: CancellationToken,
    /// Set once nothing more can be posted.
    closed: CancellationToken,
}

#[derive(Default)]
struct Inner {
    last_number: u64,
    boxes: HashMap<String, Mailbox>,
}

struct Mailbox {
    events: VecDeque<(u64, Event)>,
    owed: HashSet<MessageId>,
    news: Arc<Notify>,
    readers: usize,
    used: Instant,
}

impl Mailbox {
    fn new() -> Self {
        Self {
            events: VecDeque::new(),
            owed: HashSet::new(),
            news: Arc::default(),
            readers: 0,
            used: Instant::now(),
        }
    }
}

impl Inner {
    /// The mailbox of `channel`, made where there is none; the longest unused one makes room for it.
    fn mailbox(&mut self, channel: &str) -> &mut Mailbox {
        if !self.boxes.contains_key(channel) && self.boxes.len() >= MAILBOXES {
            let unread = self.boxes.iter().filter(|(_, mailbox)| mailbox.readers == 0);
            let oldest = unread.min_by_key(|(_, mailbox)| mailbox.used).map(|(channel, _)| channel.clone());
            if let Some(oldest) = oldest {
                self.boxes.remove(&oldest);
            }
        }
        let mailbox = self.boxes.entry(channel.to_owned()).or_insert_with(Mailbox::new);
        mailbox.used = Instant::now();
        mailbox
    }

    fn owed(&self) -> usize {
        self.boxes.values().map(|mailbox| mailbox.owed.len()).sum()
    }
}

impl Mailboxes {
    pub(crate) fn new() -> Self {
        Self {
            inner: Mutex::default(),
            owed: watch::Sender::new(0),
            finished: CancellationToken::new(),
            closed: CancellationToken::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_owed(&self, inner: &Inner) {
        self.owed.send_replace(inner.owed());
    }

    /// Notes that a message is about to be accepted, unless it has been answered before.
    pub(crate) fn expect(&self, address: &Address) {
        let mut inner = self.lock();
        let mailbox = inner.mailbox(&address.conversation.channel);
        let answered = |(_, event): &(u64, Event)| {
            event.in_reply_to == address.in_reply_to && event.kind != Kind::Sentence
        };
        if !mailbox.events.iter().any(answered) {
            mailbox.owed.insert(address.in_reply_to.clone());
        }
        self.count_owed(&inner);
    }

    /// Notes that a message was not accepted after all.
    pub(crate) fn forget(&self, address: &Address) {
        let mut inner = self.lock();
        inner.mailbox(&address.conversation.channel).owed.remove(&address.in_reply_to);
        self.count_owed(&inner);
    }

    /// Puts an event into a mailbox; false where the server has closed.
    pub(crate) fn post(&self, channel: &str, event: Event) -> bool {
        let mut inner = self.lock();
        // Under the lock, so that no event slips in after the last reader has looked.
        if self.closed.is_cancelled() {
            return false;
        }
        inner.last_number += 1;
        let number = inner.last_number;
        let mailbox = inner.mailbox(channel);
        if event.kind != Kind::Sentence {
            // The whole reply replaces its sentences, for those who have not read them yet.
            mailbox.events.retain(|(_, old)| old.in_reply_to != event.in_reply_to);
            mailbox.owed.remove(&event.in_reply_to);
        }
        mailbox.events.push_back((number, event));
        if mailbox.events.len() > KEPT {
            mailbox.events.pop_front();
        }
        mailbox.news.notify_waiters();
        self.count_owed(&inner);
        true
    }

    /// The events after `number`, and where there are none, what to wait for.
    pub(crate) fn after(&self, channel: &str, number: u64) -> Result<VecDeque<(u64, Event)>, OwnedNotified> {
        let mut inner = self.lock();
        let mailbox = inner.mailbox(channel);
        let new: VecDeque<_> = mailbox.events.iter().filter(|(n, _)| *n > number).cloned().collect();
        if new.is_empty() { Err(mailbox.news.clone().notified_owned()) } else { Ok(new) }
    }

    /// Starts to read a mailbox; it is not cleared away until the reader is dropped.
    pub(crate) fn read(self: &Arc<Self>, channel: String) -> Reader {
        self.lock().mailbox(&channel).readers += 1;
        Reader { mailboxes: self.clone(), channel }
    }

    /// Clears away the mailboxes that nobody has used for long.
    pub(crate) fn sweep(&self) {
        let mut inner = self.lock();
        inner.boxes.retain(|_, mailbox| mailbox.readers > 0 || mailbox.used.elapsed() < IDLE);
        self.count_owed(&inner);
    }

    /// Notes that the sending half is gone.
    pub(crate) fn nothing_more_comes(&self) {
        self.finished.cancel();
    }

    /// Waits until nothing is owed, or nothing more can come.
    pub(crate) async fn all_answered(&self) {
        let mut owed = self.owed.subscribe();
        tokio::select! {
            _ = owed.wait_for(|owed| *owed == 0) => {}
            () = self.finished.cancelled() => {}
        }
    }

    /// Ends every stream once it has sent what it holds; nothing can be posted from now on.
    pub(crate) fn close(&self) {
        let _inner = self.lock();
        self.closed.cancel();
    }

    /// Set once [`close`](Self::close) was called.
    pub(crate) fn closed(&self) -> CancellationToken {
        self.closed.clone()
    }
}

/// Somebody who reads a mailbox.
pub(crate) struct Reader {
    mailboxes: Arc<Mailboxes>,
    channel: String,
}

impl Reader {
    /// The next events after `number`, as soon as there are some; `None` at the end.
    pub(crate) async fn next(&self, number: u64) -> Option<VecDeque<(u64, Event)>> {
        loop {
            // Asked before looking: what was posted before the close is then certain to be seen.
            let closed = self.mailboxes.closed.is_cancelled();
            match self.mailboxes.after(&self.channel, number) {
                Ok(events) => return Some(events),
                Err(_) if closed => return None,
                Err(news) => tokio::select! {
                    () = news => {}
                    () = self.mailboxes.closed.cancelled() => {}
                },
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut inner = self.mailboxes.lock();
        let mailbox = inner.mailbox(&self.channel);
        mailbox.readers = mailbox.readers.saturating_sub(1);
    }
}
