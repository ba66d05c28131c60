//! Every conversation at work, behind one lock. In: what is posted, who reads, and the end. Out: readers, and what they are told. An event is
//! made once, and shared by all who read it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use loquat_contract::{
    Address, CancellationToken, ConversationId, JournalError, MessageId, Query, Sequence, Sink,
};
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{broadcast, watch};

use super::mailbox::Mailbox;
use crate::encode::{Event, Kind};

/// How long something is kept that the journal does not have, while nobody reads it.
const IDLE: Duration = Duration::from_secs(60 * 60);
/// How many conversations keep such things.
const MAILBOXES: usize = 4096;
/// How much of the journal is looked at at once.
const LOOK: usize = 256;
/// How often it is looked at anew where what is known of it changes meanwhile.
const TRIES: usize = 3;
/// When the journal is looked at after an answer, whose end it has a little later: again and again, each time later.
const AFTER: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(1500),
    Duration::from_secs(5),
];

/// Every conversation at work.
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
    boxes: HashMap<String, Mailbox>,
    owed: HashSet<(String, MessageId)>,
}

impl Inner {
    fn mailbox(&mut self, conversation: &ConversationId) -> &mut Mailbox {
        let make = || Mailbox::new(conversation.clone());
        let mailbox = self.boxes.entry(conversation.channel.clone()).or_insert_with(make);
        mailbox.used = std::time::Instant::now();
        mailbox
    }

    /// Lets go of a mailbox that nobody needs.
    fn tidy(&mut self, channel: &str) {
        if self.boxes.get(channel).is_some_and(Mailbox::is_idle) {
            self.boxes.remove(channel);
        }
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

    /// Notes that a message is about to be accepted; false where it is expected already.
    pub(crate) fn expect(&self, address: &Address) -> bool {
        let mut inner = self.lock();
        let new = inner.owed.insert((address.conversation.channel.clone(), address.in_reply_to.clone()));
        self.owed.send_replace(inner.owed.len());
        new
    }

    /// Notes that a message needs no answer: it has one, was not accepted after all, or was taken back.
    pub(crate) fn forget(&self, address: &Address) {
        let mut inner = self.lock();
        inner.owed.remove(&(address.conversation.channel.clone(), address.in_reply_to.clone()));
        self.owed.send_replace(inner.owed.len());
    }

    /// Tells an event to everybody who reads the conversation; false where the server has closed.
    pub(crate) fn post(self: &Arc<Self>, to: &ConversationId, event: Event) -> bool {
        let mut inner = self.lock();
        // Under the lock, so that no event slips in after the last reader has looked.
        if self.closed.is_cancelled() {
            return false;
        }
        if event.kind.ends_drafts()
            && let Some(about) = &event.about
            && inner.owed.remove(&(to.channel.clone(), about.clone()))
        {
            self.owed.send_replace(inner.owed.len());
        }
        let is_answer = event.kind.ends_drafts() && event.kind != Kind::Withdrawn;
        let is_kept = event.kind == Kind::Draft;
        if is_kept || inner.boxes.contains_key(&to.channel) {
            let mailbox = inner.mailbox(to);
            if let Some(about) = event.about.as_ref().filter(|_| is_answer) {
                mailbox.answered(about);
            }
            mailbox.post(Arc::new(event));
            let looks = is_answer && mailbox.readers > 0 && !std::mem::replace(&mut mailbox.is_due, true);
            if looks {
                tokio::spawn(self.clone().look_soon(to.clone()));
            }
            inner.tidy(&to.channel);
        }
        true
    }

    /// Has the journal looked at soon for what became of a press: mostly nothing is said to it, and then nothing else tells of it.
    pub(crate) fn follow_up(self: &Arc<Self>, to: &ConversationId, press: &MessageId) {
        let mut inner = self.lock();
        let Some(mailbox) = inner.boxes.get_mut(&to.channel).filter(|mailbox| mailbox.readers > 0) else {
            return;
        };
        mailbox.answered(press);
        if !std::mem::replace(&mut mailbox.is_due, true) {
            tokio::spawn(self.clone().look_soon(to.clone()));
        }
    }

    /// Tells what is between the host and the person, and not in the journal.
    pub(crate) fn post_loose(&self, to: &ConversationId, event: Event) {
        let mut inner = self.lock();
        if inner.boxes.contains_key(&to.channel) || inner.boxes.len() < MAILBOXES {
            inner.mailbox(to).post_loose(Arc::new(event));
        }
    }

    /// Begins to read a conversation. `person` is whose it is.
    pub(crate) fn read(
        self: &Arc<Self>,
        conversation: &ConversationId,
        person: &str,
        sink: &Arc<dyn Sink>,
    ) -> Reader {
        let mut inner = self.lock();
        let is_closed = self.closed.is_cancelled();
        let mailbox = inner.mailbox(conversation);
        if is_closed {
            mailbox.close();
        }
        mailbox.readers += 1;
        mailbox.reading = Some((person.to_owned(), sink.clone()));
        let news = mailbox.read();
        metrics::gauge!("loquat_web_streams").increment(1.0);
        Reader { mailboxes: self.clone(), conversation: conversation.clone(), news, heard: Vec::new() }
    }

    /// Makes sure that whoever reads knows of a message before something is said to it.
    pub(crate) async fn announce(&self, to: &ConversationId, message: &MessageId) {
        let is_needed = |inner: &Inner| {
            let mailbox = inner.boxes.get(&to.channel);
            mailbox.is_some_and(|mailbox| mailbox.readers > 0 && !mailbox.knows(message))
        };
        let needed = is_needed(&self.lock());
        if needed {
            // What cannot be read now is told by the journal later.
            let _failed = self.look(to, Some(message)).await;
        }
    }

    /// Looks what the journal has that was not told.
    async fn look(&self, to: &ConversationId, wanted: Option<&MessageId>) -> Result<(), JournalError> {
        let looking = {
            let inner = self.lock();
            let Some(mailbox) = inner.boxes.get(&to.channel) else { return Ok(()) };
            mailbox.looking.clone()
        };
        let _one_at_a_time = looking.lock().await;
        for _ in 0..TRIES {
            let (sink, mark) = {
                let inner = self.lock();
                let Some(mailbox) = inner.boxes.get(&to.channel) else { return Ok(()) };
                let Some((_, sink)) = &mailbox.reading else { return Ok(()) };
                if wanted.is_some_and(|wanted| mailbox.knows(wanted)) {
                    return Ok(());
                }
                (sink.clone(), mailbox.mark())
            };
            let query = Query {
                conversation: Some(to.clone()),
                after: mark.map(Sequence),
                limit: Some(LOOK),
                ..Query::default()
            };
            let entries = sink.history(query).await?;
            let mut inner = self.lock();
            let mailbox = inner.boxes.get_mut(&to.channel).filter(|mailbox| mailbox.readers > 0);
            let Some(mailbox) = mailbox else { return Ok(()) };
            if mailbox.mark() == mark {
                mailbox.look(&entries, wanted);
                return Ok(());
            }
            // Somebody has begun to read meanwhile, or everything was erased: what was read does not fit what is known now.
        }
        Ok(())
    }

    async fn look_soon(self: Arc<Self>, to: ConversationId) {
        for after in AFTER {
            tokio::time::sleep(after).await;
            let _failed = self.look(&to, None).await;
            let mut inner = self.lock();
            let Some(mailbox) = inner.boxes.get_mut(&to.channel) else { return };
            if !mailbox.is_unsettled() {
                mailbox.is_due = false;
                return;
            }
        }
        if let Some(mailbox) = self.lock().boxes.get_mut(&to.channel) {
            mailbox.is_due = false;
        }
    }

    /// Tells everybody who reads this conversation that all of it is gone.
    pub(crate) fn erase(&self, conversation: &ConversationId) {
        let mut inner = self.lock();
        inner.owed.retain(|(channel, _)| *channel != conversation.channel);
        self.owed.send_replace(inner.owed.len());
        if let Some(mailbox) = inner.boxes.get_mut(&conversation.channel) {
            mailbox.post(Arc::new(Event::erased()));
        }
        inner.tidy(&conversation.channel);
    }

    /// Tells a person on all their streams that everything of theirs is gone.
    pub(crate) fn erase_person(&self, person: &str) {
        for mailbox in self.lock().boxes.values_mut() {
            if mailbox.reading.as_ref().is_some_and(|(reader, _)| reader == person) {
                mailbox.post(Arc::new(Event::erased()));
            }
        }
    }

    /// Lets go of what nobody has asked for in long, and looks whether something ended without an answer.
    pub(crate) async fn sweep(&self) {
        let open: Vec<ConversationId> = {
            let mut inner = self.lock();
            inner.boxes.retain(|_, mailbox| mailbox.readers > 0 || mailbox.used.elapsed() < IDLE);
            let open = inner.boxes.values().filter(|mailbox| mailbox.readers > 0 && mailbox.is_open());
            open.map(|mailbox| mailbox.conversation.clone()).collect()
        };
        for conversation in open {
            let _failed = self.look(&conversation, None).await;
        }
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
        let mut inner = self.lock();
        self.closed.cancel();
        inner.boxes.values_mut().for_each(Mailbox::close);
    }
}

/// Somebody who reads a conversation.
pub(crate) struct Reader {
    mailboxes: Arc<Mailboxes>,
    conversation: ConversationId,
    news: broadcast::Receiver<Arc<Event>>,
    /// What was heard while the journal was read, and is not told yet.
    heard: Vec<Arc<Event>>,
}

/// What a reader hears.
pub(crate) enum News {
    /// Events, in order.
    Events(Vec<Arc<Event>>),
    /// More than it could take: the journal has to be read again, and then what is there that the journal does not have.
    Missed,
    /// Nothing more comes.
    End,
}

impl Reader {
    /// What there is now that the journal does not have; what is heard next goes on exactly where it ends. Asked for once the journal was read: a
    /// draft of before would be shown over the answer that took its place meanwhile. `None` where more happened meanwhile than could be
    /// kept: the journal has to be read again.
    pub(crate) fn present(&mut self) -> Option<Vec<Arc<Event>>> {
        let mailboxes = self.mailboxes.clone();
        // Under the lock, so that nothing is posted in between.
        let inner = mailboxes.lock();
        let is_whole = self.take_in();
        let mailbox = inner.boxes.get(&self.conversation.channel);
        is_whole.then(|| {
            let heard = std::mem::take(&mut self.heard);
            mailbox.map_or(Vec::new(), |mailbox| mailbox.present(&heard))
        })
    }

    /// Keeps what there is to hear, drafts aside; false where some of it is lost.
    fn take_in(&mut self) -> bool {
        let mut is_whole = true;
        loop {
            match self.news.try_recv() {
                Ok(event) if event.kind == Kind::Draft => {}
                Ok(event) => self.heard.push(event),
                Err(TryRecvError::Lagged(_)) => is_whole = false,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return is_whole,
            }
        }
    }

    /// Notes how far the journal was read; `open` are messages that were told and are not over.
    pub(crate) fn has_read(&self, mark: u64, told: u64, open: Vec<MessageId>) {
        if let Some(mailbox) = self.mailboxes.lock().boxes.get_mut(&self.conversation.channel) {
            mailbox.follow(mark, told, open);
        }
    }

    /// The next events, as soon as there are some. Drafts of which nothing is left are left out.
    pub(crate) async fn next(&mut self) -> News {
        use broadcast::error::RecvError;
        let first = match self.news.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(_)) => return self.missed(),
            Err(RecvError::Closed) => return News::End,
        };
        let mut events = vec![first];
        loop {
            match self.news.try_recv() {
                Ok(event) => events.push(event),
                Err(TryRecvError::Lagged(_)) => {
                    self.heard.extend(events.into_iter().filter(|event| event.kind != Kind::Draft));
                    return self.missed();
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => return News::Events(current(events)),
            }
        }
    }

    /// Goes on after a gap. What a draft adds is of no use without what came before: [`present`](Self::present) has them as a whole.
    fn missed(&mut self) -> News {
        self.take_in();
        News::Missed
    }
}

/// Without drafts that a later event has taken the place of.
fn current(mut events: Vec<Arc<Event>>) -> Vec<Arc<Event>> {
    if events.len() < 2 {
        return events;
    }
    let mut over: HashSet<&MessageId> = HashSet::new();
    let mut kept = vec![true; events.len()];
    for (event, kept) in events.iter().zip(&mut kept).rev() {
        let Some(about) = &event.about else { continue };
        *kept = event.kind != Kind::Draft || !over.contains(about);
        if event.kind.ends_drafts() || event.kind == Kind::Draft && event.sentences.start == 0 {
            over.insert(about);
        }
    }
    let mut kept = kept.into_iter();
    events.retain(|_| kept.next().unwrap_or(true));
    events
}

impl Drop for Reader {
    fn drop(&mut self) {
        metrics::gauge!("loquat_web_streams").decrement(1.0);
        let mut inner = self.mailboxes.lock();
        if let Some(mailbox) = inner.boxes.get_mut(&self.conversation.channel) {
            mailbox.readers = mailbox.readers.saturating_sub(1);
            if mailbox.readers == 0 {
                mailbox.unfollow();
            }
        }
        inner.tidy(&self.conversation.channel);
    }
}
