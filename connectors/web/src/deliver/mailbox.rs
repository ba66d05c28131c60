//! One conversation, while somebody reads it or an answer to it is being written. In: events as they happen. Out: the same to everybody who
//! reads, and what somebody needs who begins to read now. What was said before lies in the journal, not here.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use loquat_contract::{ConversationId, Entry, MessageId, Settlement, Sink};
use tokio::sync::broadcast;

use crate::encode::{Answer, Event, Exchange, Kind, is_settled};

/// How many events a reader may be behind; whoever is further behind reads the journal again.
const BEHIND: usize = 32;
/// How many things are kept that the journal does not have.
const LOOSE: usize = 8;
/// For how many bytes more a draft gets room, when it has none.
const ROOM: usize = 1024;

/// What goes on in a conversation.
pub(super) struct Mailbox {
    pub(super) conversation: ConversationId,
    /// Where those who read hear of it; `None` once nothing more comes.
    news: Option<broadcast::Sender<Arc<Event>>>,
    /// Each answer that is being written; mostly one.
    drafts: Vec<Drafted>,
    /// What was between the host and the person, and is not in the journal.
    loose: VecDeque<Arc<Event>>,
    /// How far the journal is known, while somebody reads.
    followed: Option<Followed>,
    /// Whose it is, and where the journal is, since somebody began to read.
    pub(super) reading: Option<(String, Arc<dyn Sink>)>,
    pub(super) readers: usize,
    /// Whether the journal is looked at again soon.
    pub(super) is_due: bool,
    /// Held while the journal is looked at, so that nothing is told twice or in the wrong order.
    pub(super) looking: Arc<tokio::sync::Mutex<()>>,
    pub(super) used: Instant,
}

/// An answer that is being written: all that was told of it since it began.
struct Drafted {
    about: MessageId,
    sentences: usize,
    /// The lines of its drafts, one after the other.
    lines: Vec<u8>,
}

impl Drafted {
    /// What somebody hears who has heard nothing of it.
    fn whole(&self) -> Arc<Event> {
        Arc::new(Event::drafts(self.about.clone(), self.sentences, self.lines.clone().into()))
    }
}

/// How far the journal is known.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// Everything up to here is settled, and was posted before that.
    pub(super) mark: u64,
    /// Messages up to here were told, or are of no interest.
    told: u64,
    /// Messages after the mark that were told.
    known: HashSet<MessageId>,
    /// Messages that something is being said to and that are not after the mark; they are not looked for again.
    absent: HashSet<MessageId>,
    /// Entries after the mark whose end without an answer was told.
    ended: BTreeSet<u64>,
    /// Answers that were posted and are not settled yet.
    unsettled: HashSet<MessageId>,
}

impl Mailbox {
    pub(super) fn new(conversation: ConversationId) -> Self {
        Self {
            conversation,
            news: Some(broadcast::Sender::new(BEHIND)),
            drafts: Vec::new(),
            loose: VecDeque::new(),
            followed: None,
            reading: None,
            readers: 0,
            is_due: false,
            looking: Arc::default(),
            used: Instant::now(),
        }
    }

    /// Whether there is nothing in it that is needed.
    pub(super) fn is_idle(&self) -> bool {
        self.readers == 0 && self.drafts.is_empty() && self.loose.is_empty()
    }

    /// Tells everybody who reads, and keeps what later readers need.
    pub(super) fn post(&mut self, event: Arc<Event>) {
        if event.kind == Kind::Erased {
            self.drafts.clear();
            self.loose.clear();
            self.followed = None;
        }
        if let (Some(followed), Some(about), true) =
            (&mut self.followed, &event.about, event.kind.ends_drafts())
        {
            followed.absent.remove(about);
        }
        if event.kind.ends_drafts() {
            self.drafts.retain(|drafted| Some(&drafted.about) != event.about.as_ref());
        }
        if event.kind == Kind::Draft && !self.drafted(&event) {
            return;
        }
        if let Some(news) = &self.news {
            // Nobody reads: then the journal tells it.
            let _nobody = news.send(event);
        }
    }

    /// Keeps what is new of an answer; false where what comes before it is not there any more: then it is of no worth to anybody.
    fn drafted(&mut self, event: &Event) -> bool {
        let Some(about) = &event.about else { return false };
        let place = match self.drafts.iter().position(|drafted| drafted.about == *about) {
            Some(place) => place,
            None => {
                self.drafts.push(Drafted { about: about.clone(), sentences: 0, lines: Vec::new() });
                self.drafts.len() - 1
            }
        };
        let drafted = &mut self.drafts[place];
        if event.sentences.start == 0 {
            drafted.lines.clear();
        } else if event.sentences.start != drafted.sentences {
            if drafted.lines.is_empty() {
                self.drafts.remove(place);
            }
            return false;
        }
        drafted.sentences = event.sentences.end;
        let (room, bytes) = (drafted.lines.capacity() - drafted.lines.len(), event.bytes.len());
        if room < bytes {
            // Thousands of answers may be written at the same time: none takes twice what it needs.
            drafted.lines.reserve_exact(bytes.max(ROOM));
        }
        drafted.lines.extend_from_slice(&event.bytes);
        true
    }

    /// Ends the reading: whoever reads hears what was posted, and then the end.
    pub(super) fn close(&mut self) {
        self.news = None;
    }

    /// Tells what the journal will not have.
    pub(super) fn post_loose(&mut self, event: Arc<Event>) {
        self.loose.push_back(event.clone());
        if self.loose.len() > LOOSE {
            self.loose.pop_front();
        }
        self.post(event);
    }

    /// Begins to read: what comes from now on.
    pub(super) fn read(&self) -> broadcast::Receiver<Arc<Event>> {
        match &self.news {
            Some(news) => news.subscribe(),
            None => broadcast::channel(1).1,
        }
    }

    /// What is there that the journal does not have, for somebody who has heard of these events, and did not tell them yet.
    pub(super) fn present(&self, heard: &[Arc<Event>]) -> Vec<Arc<Event>> {
        let is_new = |event: &&Arc<Event>| {
            event.kind != Kind::Draft && !self.loose.iter().any(|loose| Arc::ptr_eq(loose, event))
        };
        let heard = heard.iter().filter(is_new).cloned();
        self.loose.iter().cloned().chain(heard).chain(self.drafts.iter().map(Drafted::whole)).collect()
    }

    /// Forgets how far the journal is known: nobody reads any more.
    pub(super) fn unfollow(&mut self) {
        self.followed = None;
        self.reading = None;
    }

    /// Where the journal has to be read from to know more; `None` where nothing of it is known.
    pub(super) fn mark(&self) -> Option<u64> {
        self.followed.as_ref().map(|followed| followed.mark)
    }

    /// Whether the message of this id was told, or cannot be.
    pub(super) fn knows(&self, message: &MessageId) -> bool {
        let followed = self.followed.as_ref();
        followed.is_some_and(|followed| followed.known.contains(message) || followed.absent.contains(message))
    }

    /// Whether something in the journal has still to end.
    pub(super) fn is_open(&self) -> bool {
        self.followed
            .as_ref()
            .is_some_and(|followed| !followed.known.is_empty() || !followed.unsettled.is_empty())
    }

    /// Whether an answer was posted whose end the journal did not have when it was last looked at.
    pub(super) fn is_unsettled(&self) -> bool {
        self.followed.as_ref().is_some_and(|followed| !followed.unsettled.is_empty())
    }

    /// Notes that an answer was posted, which the journal will have settled soon.
    pub(super) fn answered(&mut self, message: &MessageId) {
        if let Some(followed) = &mut self.followed {
            followed.unsettled.insert(message.clone());
        }
    }

    /// Takes in what the journal has after the mark, oldest first, and tells what was not told yet. `wanted` is a message that something
    /// is about to be said to.
    pub(super) fn look(&mut self, entries: &[Entry], wanted: Option<&MessageId>) {
        let is_first = self.followed.is_none();
        let mut followed = self.followed.take().unwrap_or_default();
        let mut events = Vec::new();
        let (mut is_final, mut mark) = (true, followed.mark);
        for (place, entry) in entries.iter().enumerate() {
            let (sequence, settled) = (entry.sequence.0, is_settled(entry));
            let to = entry.inbound.address().in_reply_to;
            let is_wanted = wanted.is_some_and(|wanted| *wanted == to || *wanted == entry.inbound.id);
            // At first, those that are over were told by whoever read the journal before.
            let is_new = match is_first {
                true => !settled,
                false => {
                    sequence > followed.told || is_noted_now(entry) && !followed.ended.contains(&sequence)
                }
            };
            let exchange = match is_wanted && !settled {
                true => Exchange::being_answered(entry),
                false => Exchange::of(entry),
            };
            let is_told = followed.known.contains(&entry.inbound.id);
            if let Some(exchange) = exchange.filter(|_| (is_new || is_wanted) && !is_told) {
                events.push(Event::message(&exchange.unanswered()));
                followed.known.insert(entry.inbound.id.clone());
                followed.known.insert(to.clone());
            }
            followed.told = followed.told.max(sequence);
            if settled && entry.prepared.is_none() && followed.ended.insert(sequence) && !is_first {
                // What took its place is answered under the same id.
                let is_replaced =
                    entries[place + 1..].iter().any(|later| later.inbound.address().in_reply_to == to);
                match Answer::kept(entry) {
                    Some(answer) => events.push(Event::answer(&answer)),
                    None if !is_replaced && entry.inbound.text().is_some() => {
                        events.push(Event::withdrawn(&to))
                    }
                    None => {}
                }
            }
            is_final &= settled;
            if is_final {
                mark = sequence;
                for over in [&to, &entry.inbound.id] {
                    followed.known.remove(over);
                    followed.unsettled.remove(over);
                }
            }
        }
        followed.absent.extend(wanted.filter(|wanted| !followed.known.contains(*wanted)).cloned());
        followed.ended = followed.ended.split_off(&(mark + 1));
        if mark > followed.mark {
            followed.mark = mark;
            events.push(Event::mark(mark));
        }
        self.followed = Some(followed);
        for event in events {
            self.post(Arc::new(event));
        }
    }

    /// Notes how far a reader has read the journal, where nothing was known of it yet; `open` are messages that are not over.
    pub(super) fn follow(&mut self, mark: u64, told: u64, open: Vec<MessageId>) {
        let known = || open.into_iter().collect();
        self.followed.get_or_insert_with(|| Followed { mark, told, known: known(), ..Followed::default() });
    }
}

/// Whether it is a press that was noted: until then, nobody could tell it from one that is answered, so it was not told.
fn is_noted_now(entry: &Entry) -> bool {
    matches!(
        (&entry.inbound.event, &entry.settled),
        (loquat_contract::Event::Button { .. }, Some((Settlement::Noted, _)))
    )
}
