//! Every conversation's mailbox, behind one lock. In: what is posted, who reads, and the end. Out: readers that wait for news.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use loquat_contract::{Address, CancellationToken, ConversationId, JournalError, Sink};
use tokio::sync::{futures::OwnedNotified, watch};

use super::mailbox::{Mailbox, Numbers};
use crate::encode::{self, Event};

/// How many mailboxes there are at most.
const MAILBOXES: usize = 4096;
/// How long a mailbox that nobody reads is kept.
const IDLE: Duration = Duration::from_secs(60 * 60);
/// How many answers of an earlier time a mailbox is filled with.
const SAID: usize = 50;

/// Every conversation's mailbox.
pub(crate) struct Mailboxes {
    inner: Mutex<Inner>,
    /// How many accepted messages have no answer.
    owed: watch::Sender<usize>,
    /// Set once nothing more can come.
    finished: CancellationToken,
    /// Set once nothing more can be posted.
    closed: CancellationToken,
}

#[derive(Default)]
struct Inner {
    numbers: Numbers,
    boxes: HashMap<String, Mailbox>,
}

impl Inner {
    /// The mailbox of `channel`, made where there is none; the longest unused one makes room for it.
    fn mailbox(&mut self, channel: &str) -> (&mut Mailbox, &mut Numbers) {
        if !self.boxes.contains_key(channel) && self.boxes.len() >= MAILBOXES {
            let unread = self.boxes.iter().filter(|(_, mailbox)| mailbox.readers == 0);
            let oldest = unread.min_by_key(|(_, mailbox)| mailbox.used).map(|(channel, _)| channel.clone());
            if let Some(oldest) = oldest {
                self.boxes.remove(&oldest);
            }
        }
        let mailbox = self.boxes.entry(channel.to_owned()).or_insert_with(Mailbox::new);
        mailbox.used = std::time::Instant::now();
        (mailbox, &mut self.numbers)
    }

    fn owed(&self) -> usize {
        self.boxes.values().map(Mailbox::owed).sum()
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

    /// Notes that a message is about to be accepted; false where it is answered already, or expected.
    pub(crate) fn expect(&self, address: &Address) -> bool {
        let mut inner = self.lock();
        let new = inner.mailbox(&address.conversation.channel).0.expect(&address.in_reply_to);
        self.count_owed(&inner);
        new
    }

    /// Notes that a message needs no answer: it was not accepted after all, or taken back.
    pub(crate) fn forget(&self, address: &Address) {
        let mut inner = self.lock();
        inner.mailbox(&address.conversation.channel).0.forget(&address.in_reply_to);
        self.count_owed(&inner);
    }

    /// Puts an event into a mailbox; false where the server has closed.
    pub(crate) fn post(&self, channel: &str, event: Event) -> bool {
        let mut inner = self.lock();
        // Under the lock, so that no event slips in after the last reader has looked.
        if self.closed.is_cancelled() {
            return false;
        }
        let (mailbox, numbers) = inner.mailbox(channel);
        mailbox.post(event, numbers);
        self.count_owed(&inner);
        true
    }

    /// The events after `number`, and where there are none, what to wait for.
    fn after(&self, channel: &str, number: u64) -> Result<VecDeque<(u64, Event)>, OwnedNotified> {
        let mut inner = self.lock();
        let (mailbox, _) = inner.mailbox(channel);
        let new = mailbox.after(number);
        if new.is_empty() { Err(mailbox.news.clone().notified_owned()) } else { Ok(new) }
    }

    /// Starts to read a mailbox; it is not cleared away until the reader is dropped.
    ///
    /// One that was made anew is first filled with what `sink` says was said.
    pub(crate) async fn read(
        self: &Arc<Self>,
        conversation: &ConversationId,
        sink: &dyn Sink,
    ) -> Result<Reader, JournalError> {
        let channel = conversation.channel.clone();
        self.lock().mailbox(&channel).0.readers += 1;
        let reader = Reader { mailboxes: self.clone(), channel };
        let filling = self.lock().mailbox(&reader.channel).0.filling.clone();
        let _one_at_a_time = filling.lock().await;
        if !self.lock().mailbox(&reader.channel).0.is_filled() {
            // What is still on its way is not among it, and comes by itself: it is in the mailbox already, or will be.
            let said = sink.said(conversation, SAID).await?;
            let said = said
                .iter()
                .map(|said| encode::answer(&said.to, said.reply.as_deref(), &said.parts))
                .collect();
            let mut inner = self.lock();
            let (mailbox, numbers) = inner.mailbox(&reader.channel);
            mailbox.fill(said, numbers);
        }
        Ok(reader)
    }

    /// Empties a mailbox. Those who read it go on with what comes from now on.
    pub(crate) fn erase(&self, channel: &str) {
        if let Some(mailbox) = self.lock().boxes.get_mut(channel) {
            mailbox.erase();
        }
    }

    /// Clears away the mailboxes that nobody has used for long.
    pub(crate) fn sweep(&self) {
        self.sweep_idle(IDLE);
    }

    /// Clears away the mailboxes that nobody has used for `idle`.
    pub(crate) fn sweep_idle(&self, idle: Duration) {
        let mut inner = self.lock();
        inner.boxes.retain(|_, mailbox| mailbox.readers > 0 || mailbox.used.elapsed() < idle);
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
        let (mailbox, _) = inner.mailbox(&self.channel);
        mailbox.readers = mailbox.readers.saturating_sub(1);
    }
}
