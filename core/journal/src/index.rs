//! What lies where in the log, in memory. In: frames as they are written or read. Out: places of an entry's frames, duplicates, what
//! is owed. Holds no contents: about 250 bytes an entry.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use loquat_contract::{
    Address, ConversationId, Inbound, MessageId, Person, Query, Sequence, Settlement, State, Step, Timestamp,
};
use sha2::{Digest as _, Sha256};

use crate::Retention;
use crate::error::invalid;
use crate::frame::{self, Header, Kind};
use crate::segment::Salt;

/// A salted digest of an address: known again, and telling nobody whose it was.
pub(crate) type Digest = [u8; 16];

/// The digest of `address`.
pub(crate) fn digest(salt: &Salt, address: &Address) -> Digest {
    let ConversationId { bot, platform, channel, thread } = &address.conversation;
    let mut hash = Sha256::new_with_prefix(salt);
    for part in [Some(bot), Some(platform), Some(channel), thread.as_ref(), Some(&address.in_reply_to.0)] {
        // The length keeps ("a", "bc") and ("ab", "c") apart, and the absent thread from an empty one.
        hash.update(part.map_or(u64::MAX, |part| part.len() as u64).to_le_bytes());
        hash.update(part.map_or("", String::as_str));
    }
    let whole = hash.finalize();
    std::array::from_fn(|i| whole[i])
}

/// Where a payload lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

/// What the index needs to know of an accepted event.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) address: Address,
    pub(crate) person: Person,
    /// Whether it is a message, which a platform can be asked to go on from.
    pub(crate) is_message: bool,
}

impl Event {
    pub(crate) fn of(inbound: &Inbound) -> Self {
        let is_message = matches!(inbound.event, loquat_contract::Event::Message(_));
        // Its own id, also where the reply goes to another: an edit is an event of its own.
        let address = Address { conversation: inbound.conversation.clone(), in_reply_to: inbound.id.clone() };
        Self { address, person: inbound.person(), is_message }
    }
}

/// What the index needs to know of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) state: State,
    /// Whether the reply is among them.
    pub(crate) has_reply: bool,
    /// Whether the conversation's memory is among them.
    pub(crate) has_memory: bool,
    /// Whether the entry is put back on its way, which alone may happen to a settled one.
    pub(crate) is_reopened: bool,
}

/// The flag of a frame whose steps have the conversation's memory.
const HAS_MEMORY: u8 = 1;
/// The flag of a frame whose steps have the reply.
const HAS_REPLY: u8 = 2;

const STATES: [State; 8] = [
    State::Accepted,
    State::Answered,
    State::Sending,
    State::Delivered,
    State::Unknown,
    State::Failed,
    State::Expired,
    State::Closed,
];

pub(crate) fn number_of(state: State) -> u8 {
    STATES.iter().position(|known| *known == state).and_then(|at| u8::try_from(at).ok()).unwrap_or_default()
}

impl Mark {
    /// How far these steps bring an entry; `None` for no steps.
    pub(crate) fn of(steps: &[Step]) -> Option<Self> {
        let state = match steps.last()? {
            Step::Part { state: loquat_contract::PartState::Sending { .. }, .. } => State::Sending,
            Step::Prepared(_) | Step::Part { .. } => State::Answered,
            // Corrected by the index, which knows whether there is a reply.
            Step::Reopened | Step::Drafted { .. } => State::Accepted,
            Step::Settled(settlement) => match settlement {
                Settlement::Delivered => State::Delivered,
                Settlement::Unknown { .. } => State::Unknown,
                Settlement::Failed { .. } => State::Failed,
                Settlement::Expired { .. } => State::Expired,
                _ => State::Closed,
            },
        };
        let has_reply = steps.iter().any(|step| matches!(step, Step::Prepared(_)));
        let has_memory =
            steps.iter().any(|step| matches!(step, Step::Prepared(prepared) if prepared.memory.is_some()));
        let is_reopened = steps.contains(&Step::Reopened);
        Some(Self { state, has_reply, has_memory, is_reopened })
    }

    pub(crate) fn flags(self) -> u8 {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        flag(self.has_memory, HAS_MEMORY) | flag(self.has_reply, HAS_REPLY)
    }

    fn from(header: &Header) -> io::Result<Self> {
        let state = STATES.get(usize::from(header.state)).copied();
        let state = state.ok_or_else(|| invalid("a frame has a state that is not known"))?;
        let has = |flag: u8| header.flags & flag != 0;
        Ok(Self { state, has_reply: has(HAS_REPLY), has_memory: has(HAS_MEMORY), is_reopened: false })
    }
}

/// An entry.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) at: u64,
    pub(crate) state: State,
    pub(crate) conversation: u32,
    pub(crate) person: u32,
    /// Its frames, the event first.
    pub(crate) frames: Vec<Location>,
    /// Whether one of them has the reply.
    pub(crate) is_answered: bool,
}

impl Row {
    pub(crate) fn is_owed(&self) -> bool {
        matches!(self.state, State::Accepted | State::Answered | State::Sending)
    }

    fn bytes(&self) -> u64 {
        self.frames.iter().map(|at| frame::size(at.length as usize) as u64).sum()
    }
}

/// A conversation.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    pub(crate) id: ConversationId,
    pub(crate) newest: Option<MessageId>,
    pub(crate) used: u64,
    /// The frame with its memory.
    pub(crate) memory: Option<Location>,
    pub(crate) rows: Vec<u64>,
}

/// Everything that is in the log.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) rows: BTreeMap<u64, Row>,
    pub(crate) digests: HashMap<Digest, (u64, u64)>,
    pub(crate) talks: Vec<Talk>,
    talk_of: HashMap<ConversationId, u32>,
    pub(crate) people: Vec<Person>,
    person_of: HashMap<Person, u32>,
    pub(crate) files: HashMap<u64, Arc<File>>,
    /// The sequence that comes next.
    pub(crate) next: u64,
    pub(crate) salt: Salt,
    /// Bytes in all segments.
    pub(crate) bytes: u64,
}

impl Index {
    /// An index of nothing.
    pub(crate) fn new(next: u64, salt: Salt) -> Self {
        Self { next, salt, ..Self::default() }
    }

    /// Takes a frame in, as it is read back.
    pub(crate) fn read(&mut self, header: &Header, payload: &[u8], at: Location) -> io::Result<()> {
        let wrong = |error: serde_json::Error| invalid(format!("a frame cannot be understood: {error}"));
        match header.kind {
            Kind::Accepted => {
                let inbound: Inbound = serde_json::from_slice(payload).map_err(wrong)?;
                let event = Event::of(&inbound);
                let digest = digest(&self.salt, &event.address);
                self.accepted(header.sequence, header.at, digest, &event, at);
            }
            Kind::Steps => {
                self.stepped(header.sequence, Mark::from(header)?, at);
            }
            Kind::Tombstone => {
                let digest: Digest = serde_json::from_slice(payload).map_err(wrong)?;
                self.digests.insert(digest, (header.sequence, header.at));
                self.next = self.next.max(header.sequence + 1);
            }
        }
        Ok(())
    }

    fn talk(&mut self, id: &ConversationId) -> u32 {
        if let Some(known) = self.talk_of.get(id) {
            return *known;
        }
        let number = u32::try_from(self.talks.len()).unwrap_or(u32::MAX);
        self.talks.push(Talk { id: id.clone(), newest: None, used: 0, memory: None, rows: Vec::new() });
        self.talk_of.insert(id.clone(), number);
        number
    }

    fn person(&mut self, person: &Person) -> u32 {
        if let Some(known) = self.person_of.get(person) {
            return *known;
        }
        let number = u32::try_from(self.people.len()).unwrap_or(u32::MAX);
        self.people.push(person.clone());
        self.person_of.insert(person.clone(), number);
        number
    }

    /// Takes an event in.
    pub(crate) fn accepted(
        &mut self,
        sequence: u64,
        at: u64,
        digest: Digest,
        event: &Event,
        place: Location,
    ) {
        let conversation = self.talk(&event.address.conversation);
        let person = self.person(&event.person);
        let talk = &mut self.talks[conversation as usize];
        talk.rows.push(sequence);
        talk.used = talk.used.max(at);
        if event.is_message {
            talk.newest = Some(event.address.in_reply_to.clone());
        }
        let frames = vec![place];
        let row = Row { at, state: State::Accepted, conversation, person, frames, is_answered: false };
        self.rows.insert(sequence, row);
        self.digests.insert(digest, (sequence, at));
        self.next = self.next.max(sequence + 1);
    }

    /// Takes steps of an entry in; those of an entry that damage took away are passed over.
    pub(crate) fn stepped(&mut self, sequence: u64, mark: Mark, place: Location) {
        let Some(row) = self.rows.get_mut(&sequence) else { return };
        row.frames.push(place);
        row.is_answered |= mark.has_reply;
        row.state = match mark.state {
            State::Accepted if row.is_answered => State::Answered,
            state => state,
        };
        if mark.has_memory {
            self.talks[row.conversation as usize].memory = Some(place);
        }
    }

    /// The places of the entries that `query` asks for, oldest first.
    pub(crate) fn find(&self, query: &Query) -> Vec<u64> {
        let person = query.person.as_ref().map(|person| self.person_of.get(person));
        let is_of_platform = |row: &Row, platform: &String| {
            self.talks.get(row.conversation as usize).is_some_and(|talk| talk.id.platform == *platform)
        };
        let mut seen = HashSet::new();
        let mut fits = |row: &Row| {
            query.state.is_none_or(|state| row.state == state)
                && person.is_none_or(|person| person == Some(&row.person))
                && query.platform.as_ref().is_none_or(|platform| is_of_platform(row, platform))
                && (!query.newest_of_each || seen.insert(row.conversation))
        };
        let first = query.after.map_or(0, |after| after.0.saturating_add(1));
        let end = query.before.map_or(u64::MAX, |before| before.0);
        if first >= end {
            return Vec::new();
        }
        let all: Box<dyn DoubleEndedIterator<Item = (u64, &Row)>> = match &query.conversation {
            Some(id) => {
                let rows = self.talk_of.get(id).map_or(&[][..], |talk| &self.talks[*talk as usize].rows);
                let from = rows.partition_point(|sequence| *sequence < first);
                let to = rows.partition_point(|sequence| *sequence < end);
                Box::new(rows[from..to].iter().filter_map(|at| Some((*at, self.rows.get(at)?))))
            }
            None => Box::new(self.rows.range(first..end).map(|(at, row)| (*at, row))),
        };
        let limit = query.limit.unwrap_or(usize::MAX);
        // What is newest is known from the end alone.
        if query.after.is_some() && !query.newest_of_each {
            return all.filter(|(_, row)| fits(row)).take(limit).map(|(at, _)| at).collect();
        }
        let mut found: Vec<u64> =
            all.rev().filter(|(_, row)| fits(row)).take(limit).map(|(at, _)| at).collect();
        found.reverse();
        found
    }

    pub(crate) fn talk_of(&self, id: &ConversationId) -> Option<&Talk> {
        self.talk_of.get(id).map(|talk| &self.talks[*talk as usize])
    }

    pub(crate) fn number_of_person(&self, person: &Person) -> Option<u32> {
        self.person_of.get(person).copied()
    }

    pub(crate) fn conversations(&self, platform: &str, since: Timestamp) -> Vec<(ConversationId, MessageId)> {
        let talks = self.talks.iter().filter(|talk| talk.id.platform == platform && talk.used >= since.0);
        talks.filter_map(|talk| Some((talk.id.clone(), talk.newest.clone()?))).collect()
    }

    /// Under what number an event was accepted.
    pub(crate) fn known(&self, event: &Event) -> Option<Sequence> {
        self.digests.get(&digest(&self.salt, &event.address)).map(|(sequence, _)| Sequence(*sequence))
    }

    /// Bytes in the log, and those that a compaction would drop.
    pub(crate) fn bytes(&self, retention: Retention, now: Timestamp) -> (u64, u64) {
        let old = self.rows.values().filter(|row| is_past(row, retention.entries, now));
        (self.bytes, old.map(Row::bytes).sum())
    }

    /// Where the entry of a sequence lies, for an operation on it.
    pub(crate) fn row(&self, sequence: Sequence) -> Option<&Row> {
        self.rows.get(&sequence.0)
    }
}

/// Whether an entry is settled and older than `limit`.
pub(crate) fn is_past(row: &Row, limit: Duration, now: Timestamp) -> bool {
    !row.is_owed() && Timestamp(row.at).age_at(now) > limit
}
