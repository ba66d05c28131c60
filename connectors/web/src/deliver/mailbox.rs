//! One conversation's mailbox. In: events, and the replies of an earlier time. Out: the events after a given one.
//!
//! A mailbox keeps the last [`KEPT`] events, so that a page that lost its connection misses nothing. For each message it keeps
//! one answer, however often that is delivered. One that was made anew, after a restart or because nobody read it for long,
//! has to be filled with what was said before anybody reads it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use loquat_contract::MessageId;
use tokio::sync::Notify;

use crate::encode::{Event, Kind};

/// How many events a mailbox keeps.
pub(super) const KEPT: usize = 64;

/// Numbers for events, growing over all mailboxes together: one that was cleared away and made anew never gives a number twice.
#[derive(Default)]
pub(super) struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

/// What a conversation has been told, and what it is still owed.
pub(super) struct Mailbox {
    events: VecDeque<(u64, Event)>,
    owed: HashSet<MessageId>,
    filled: bool,
    /// Held while it is being filled.
    pub(super) filling: Arc<tokio::sync::Mutex<()>>,
    pub(super) news: Arc<Notify>,
    pub(super) readers: usize,
    pub(super) used: Instant,
}

impl Mailbox {
    pub(super) fn new() -> Self {
        Self {
            events: VecDeque::new(),
            owed: HashSet::new(),
            filled: false,
            filling: Arc::default(),
            news: Arc::default(),
            readers: 0,
            used: Instant::now(),
        }
    }

    /// Forgets what it was told. In a group others' answers come back with the next reading.
    pub(super) fn erase(&mut self) {
        self.events.clear();
        self.filled = false;
    }

    /// What it was told last about a message; not its drafts.
    fn answer(&self, id: &MessageId) -> Option<&Event> {
        let mut events = self.events.iter().map(|(_, event)| event);
        events.find(|event| event.in_reply_to == *id && event.kind.is_final())
    }

    /// Notes that a message is about to be accepted; false where it is answered already, or expected.
    pub(super) fn expect(&mut self, id: &MessageId) -> bool {
        self.answer(id).is_none() && self.owed.insert(id.clone())
    }

    /// Notes that a message needs no answer.
    pub(super) fn forget(&mut self, id: &MessageId) {
        self.owed.remove(id);
    }

    /// How many messages wait for their answer.
    pub(super) fn owed(&self) -> usize {
        self.owed.len()
    }

    /// Puts an event in, unless it says nothing new.
    pub(super) fn post(&mut self, event: Event, numbers: &mut Numbers) {
        if event.kind != Kind::Draft {
            self.forget(&event.in_reply_to);
        }
        // Nothing comes after a reply, and an apology may still be followed by one.
        if self.answer(&event.in_reply_to).is_some_and(|old| old.kind == Kind::Reply || *old == event) {
            return;
        }
        // For those who have not read them yet, an answer replaces all that was said of the message, and a draft the last draft.
        self.events.retain(|(_, old)| {
            old.in_reply_to != event.in_reply_to || old.kind.is_final() && !event.kind.is_final()
        });
        self.events.push_back((numbers.next(), event));
        if self.events.len() > KEPT {
            self.events.pop_front();
        }
        self.news.notify_waiters();
    }

    pub(super) fn is_filled(&self) -> bool {
        self.filled
    }

    /// Puts in the answers of an earlier time, oldest first. Some may have been posted meanwhile; each is kept once, in order.
    /// All events get new numbers, which nobody can have read yet.
    pub(super) fn fill(&mut self, said: Vec<Event>, numbers: &mut Numbers) {
        let kinds: HashMap<MessageId, Kind> =
            said.iter().map(|event| (event.in_reply_to.clone(), event.kind)).collect();
        let mut events: Vec<Event> = self.events.drain(..).map(|(_, event)| event).collect();
        // What was posted is the newer, unless it is less than the reply.
        events.retain(|event| match kinds.get(&event.in_reply_to) {
            Some(Kind::Reply) => event.kind == Kind::Reply,
            Some(_) => event.kind.is_final(),
            None => true,
        });
        // From the newest to the oldest: each goes before the one that was said after it. What only the mailbox knows, it was
        // told after the last of the others.
        let mut place = events
            .iter()
            .rposition(|event| kinds.contains_key(&event.in_reply_to))
            .map_or(0, |last| last + 1);
        for event in said.into_iter().rev() {
            match events.iter().position(|known| known.in_reply_to == event.in_reply_to) {
                Some(known) => place = known,
                None => events.insert(place, event),
            }
        }
        let forgotten = events.len().saturating_sub(KEPT);
        self.events = events.into_iter().skip(forgotten).map(|event| (numbers.next(), event)).collect();
        self.filled = true;
    }

    /// The events after `number`.
    pub(super) fn after(&self, number: u64) -> VecDeque<(u64, Event)> {
        self.events.iter().filter(|(n, _)| *n > number).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, KEPT, Mailbox, MessageId, Numbers};

    fn problem(id: &str) -> Event {
        Event::problem(&MessageId(id.to_owned()), "no model")
    }

    fn reply(id: &str) -> Event {
        Event { kind: super::Kind::Reply, in_reply_to: MessageId(id.to_owned()), data: "{}".to_owned() }
    }

    fn filled(posted: Vec<Event>, said: &[&str]) -> Vec<String> {
        filled_with(posted, said.iter().map(|id| reply(id)).collect())
    }

    /// The mailbox after it was posted one list and filled with the other: kinds and messages.
    fn filled_with(posted: Vec<Event>, said: Vec<Event>) -> Vec<String> {
        let (mut mailbox, mut numbers) = (Mailbox::new(), Numbers::default());
        posted.into_iter().for_each(|event| mailbox.post(event, &mut numbers));
        mailbox.fill(said, &mut numbers);
        let events = mailbox.after(0);
        assert!(events.iter().is_sorted_by(|(one, _), (two, _)| one < two));
        events.iter().map(|(_, event)| format!("{} {}", event.kind.name(), event.in_reply_to.0)).collect()
    }

    #[test]
    fn filling_keeps_each_reply_once_and_in_order() {
        assert_eq!(filled(vec![], &["1", "2"]), ["reply 1", "reply 2"]);
        assert_eq!(filled(vec![problem("3")], &["1", "2"]), ["reply 1", "reply 2", "problem 3"]);
        let delivered_again = vec![reply("2"), reply("3")];
        assert_eq!(filled(delivered_again, &["1", "2"]), ["reply 1", "reply 2", "reply 3"]);
        let in_between = vec![reply("1"), problem("2"), reply("4")];
        assert_eq!(
            filled(in_between, &["0", "1", "3", "4", "5"]),
            ["reply 0", "reply 1", "problem 2", "reply 3", "reply 4", "reply 5"]
        );
    }

    #[test]
    fn a_reply_that_was_said_replaces_what_came_before_it() {
        let draft = Event::draft(&MessageId("2".to_owned()), &[]);
        assert_eq!(
            filled(vec![problem("1"), draft, problem("3")], &["1", "2"]),
            ["reply 1", "reply 2", "problem 3"]
        );
    }

    #[test]
    fn an_apology_that_was_said_does_not_undo_a_reply() {
        let draft = Event::draft(&MessageId("2".to_owned()), &[]);
        let said = vec![problem("1"), problem("2"), problem("3")];
        assert_eq!(
            filled_with(vec![reply("1"), draft, reply("4")], said),
            ["reply 1", "problem 2", "problem 3", "reply 4"]
        );
    }

    #[test]
    fn a_mailbox_that_overflows_while_it_is_filled_keeps_the_newest() {
        let posted = (100..160).map(|id| reply(&id.to_string())).collect();
        let said: Vec<String> = (50..100).map(|id| id.to_string()).collect();
        let events = filled(posted, &said.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(
            (events.len(), events[0].as_str(), events[KEPT - 1].as_str()),
            (KEPT, "reply 96", "reply 159")
        );
    }
}
