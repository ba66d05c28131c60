//! The log without what is no longer wanted. In: the index and what to drop. Out: one new segment in place of all others. If it cannot
//! be written, everything stays as it was.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{PoisonError, RwLock};

use loquat_contract::{Erased, Event, Inbound, Person, Step, Timestamp};

use crate::error::invalid;
use crate::frame::{self, HEADER, Header, Kind};
use crate::index::{Index, Location, Row, is_past, number_of};
use crate::ledger::{self, Steps};
use crate::log::Log;
use crate::segment::HEAD;
use crate::{Compacted, Retention};

/// Drops the settled entries that are past retention, and the tombstones that are.
pub(crate) fn compact(
    log: &mut Log,
    index: &RwLock<Index>,
    retention: Retention,
    now: Timestamp,
    is_ours: impl FnOnce() -> io::Result<()>,
) -> io::Result<Compacted> {
    let old = index.read().unwrap_or_else(PoisonError::into_inner);
    let keeps = |row: &Row| !is_past(row, retention.entries, now);
    let dropped = old.rows.values().filter(|row| !keeps(row)).count();
    let before = old.bytes;
    let mut rewriting = Rewriting::new(&old);
    for (digest, (sequence, at)) in &old.digests {
        let is_kept = old.rows.get(sequence).is_some_and(keeps);
        if !is_kept && Timestamp(*at).age_at(now) <= retention.tombstones {
            rewriting.tombstone(*sequence, *at, digest)?;
        }
    }
    for (sequence, row) in old.rows.iter().filter(|(_, row)| keeps(row)) {
        rewriting.entry(*sequence, row, |_, payload| Ok(payload))?;
    }
    let (after, removed) = rewriting.finish(log, index, old, is_ours)?;
    if let Err(error) = removed {
        tracing::warn!(%error, "files of the journal that are void could not be removed; the next start does it");
    }
    Ok(Compacted { dropped, before, after })
}

/// Drops every trace of a person: what they caused, and what explains or repeats the replies to it, whoever asked for that. The memories of
/// their conversations go too, because nobody can tell what of them is theirs, and so do those of where these went on. A conversation
/// without entries is forgotten.
pub(crate) fn erase(
    log: &mut Log,
    index: &RwLock<Index>,
    person: &Person,
    is_ours: impl FnOnce() -> io::Result<()>,
) -> io::Result<Erased> {
    let old = index.read().unwrap_or_else(PoisonError::into_inner);
    let number = old.number_of_person(person);
    let is_theirs = |row: &Row| Some(row.person) == number;
    let theirs = old.rows.values().filter(|row| is_theirs(row)).map(|row| row.conversation).collect();
    let mut erased = Erased::default();
    let mut rewriting = Rewriting::new(&old);
    let theirs = rewriting.with_moves(theirs, &old)?;
    let mut gone: HashSet<u64> =
        old.rows.iter().filter(|(_, row)| is_theirs(row)).map(|(sequence, _)| *sequence).collect();
    for (sequence, row) in &old.rows {
        // They quote what was asked. Oldest first: what is asked again can be asked again once more.
        if theirs.contains(&row.conversation) && !is_theirs(row) && rewriting.is_about(row, &gone)? {
            gone.insert(*sequence);
        }
    }
    for (digest, (sequence, at)) in &old.digests {
        // A message that comes again after it was erased is still not answered again. The digest is salted.
        if gone.contains(sequence) || !old.rows.contains_key(sequence) {
            rewriting.tombstone(*sequence, *at, digest)?;
        }
    }
    for place in &theirs {
        erased.conversations.extend(old.talks.get(*place as usize).map(|talk| talk.id.clone()));
    }
    for (sequence, row) in &old.rows {
        if gone.contains(sequence) {
            erased.events += usize::from(is_theirs(row));
            continue;
        }
        let is_beside = theirs.contains(&row.conversation);
        let same_platform =
            old.people.get(row.person as usize).is_some_and(|who| who.platform == person.platform);
        rewriting.entry(*sequence, row, |kind, payload| match kind {
            Kind::Accepted if same_platform => without_mentions(payload, person),
            Kind::Steps if is_beside => without_memory(payload),
            _ => Ok(payload),
        })?;
    }
    let (_, removed) = rewriting.finish(log, index, old, is_ours)?;
    // They are still on the disk then, so nothing is promised.
    removed?;
    Ok(erased)
}

fn without_mentions(payload: Vec<u8>, person: &Person) -> io::Result<Vec<u8>> {
    let mut inbound: Inbound = serde_json::from_slice(&payload)?;
    if let Event::Message(message) | Event::Edit { now: message, .. } = &mut inbound.event {
        message.mentions.retain(|mentioned| mentioned.id != person.id);
    }
    Ok(serde_json::to_vec(&inbound)?)
}

fn without_memory(payload: Vec<u8>) -> io::Result<Vec<u8>> {
    let (at, mut steps): Steps = serde_json::from_slice(&payload)?;
    for step in &mut steps {
        if let Step::Prepared(prepared) = step {
            prepared.memory = None;
        }
    }
    Ok(serde_json::to_vec(&(at, steps))?)
}

/// A log that is being written anew, with the index of it.
struct Rewriting {
    bytes: Vec<u8>,
    index: Index,
    segments: HashMap<u64, std::sync::Arc<std::fs::File>>,
    number: u64,
}

impl Rewriting {
    fn new(old: &Index) -> Self {
        let number = old.files.keys().max().copied().unwrap_or(0) + 1;
        let index = Index::new(old.next, old.salt);
        Self { bytes: Vec::new(), index, segments: old.files.clone(), number }
    }

    fn put(&mut self, header: &Header, payload: &[u8]) -> io::Result<()> {
        let offset = (HEAD + self.bytes.len() + HEADER) as u64;
        let length = u32::try_from(payload.len()).map_err(|_| invalid("a frame is too long"))?;
        frame::put(&mut self.bytes, header, payload);
        self.index.read(header, payload, Location { segment: self.number, offset, length })
    }

    fn payload(&self, at: &Location) -> io::Result<Vec<u8>> {
        let file = self.segments.get(&at.segment).ok_or_else(|| invalid("a segment is missing"))?;
        ledger::read(file, at)
    }

    /// Conversations, and those that they went on in under another id: these remember what was said in the first.
    fn with_moves(&self, mut places: HashSet<u32>, index: &Index) -> io::Result<HashSet<u32>> {
        let mut unseen: Vec<u32> = places.iter().copied().collect();
        while let Some(talk) = unseen.pop().and_then(|place| index.talks.get(place as usize)) {
            // A move is answered with nothing.
            let rows = talk.rows.iter().filter_map(|sequence| index.rows.get(sequence));
            for first in rows.filter(|row| !row.is_answered).filter_map(|row| row.frames.first()) {
                let inbound: Inbound = serde_json::from_slice(&self.payload(first)?)?;
                let Event::Moved { to } = inbound.event else { continue };
                let place = index.talks.iter().position(|talk| talk.id == to);
                if let Some(place) = place.and_then(|place| u32::try_from(place).ok())
                    && places.insert(place)
                {
                    unseen.push(place);
                }
            }
        }
        Ok(places)
    }

    /// Whether what was answered to an entry explains or repeats one of these.
    fn is_about(&self, row: &Row, gone: &HashSet<u64>) -> io::Result<bool> {
        if !row.is_answered {
            return Ok(false);
        }
        for place in row.frames.iter().skip(1) {
            let (_, steps): Steps = serde_json::from_slice(&self.payload(place)?)?;
            let is_about = |step: &Step| match step {
                Step::Prepared(prepared) => {
                    [prepared.explains, prepared.again].iter().flatten().any(|of| gone.contains(&of.0))
                }
                _ => false,
            };
            if steps.iter().any(is_about) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn tombstone(&mut self, sequence: u64, at: u64, digest: &[u8; 16]) -> io::Result<()> {
        let header = Header { kind: Kind::Tombstone, sequence, at, state: 0, flags: 0 };
        self.put(&header, &serde_json::to_vec(digest)?)
    }

    /// Copies an entry; `change` may alter a payload on the way.
    fn entry(
        &mut self,
        sequence: u64,
        row: &Row,
        change: impl Fn(Kind, Vec<u8>) -> io::Result<Vec<u8>>,
    ) -> io::Result<()> {
        let Some((first, steps)) = row.frames.split_first() else { return Ok(()) };
        let header = Header { kind: Kind::Accepted, sequence, at: row.at, state: 0, flags: 0 };
        self.put(&header, &change(Kind::Accepted, self.payload(first)?)?)?;
        for place in steps {
            let payload = change(Kind::Steps, self.payload(place)?)?;
            let (at, parsed): Steps = serde_json::from_slice(&payload)?;
            let Some(mark) = crate::index::Mark::of(&parsed) else { continue };
            let (state, flags) = (number_of(mark.state), mark.flags());
            let header = Header { kind: Kind::Steps, sequence, at: at.0, state, flags };
            self.put(&header, &payload)?;
        }
        Ok(())
    }

    /// Puts it in place of the old log, if that is still ours; gives its bytes, and whether the old files are gone.
    fn finish(
        mut self,
        log: &mut Log,
        shared: &RwLock<Index>,
        old: std::sync::RwLockReadGuard<'_, Index>,
        is_ours: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<(u64, io::Result<()>)> {
        drop(old);
        let file = log.replace(self.index.next, self.index.salt, &self.bytes, is_ours)?;
        self.index.bytes = (HEAD + self.bytes.len()) as u64;
        self.index.files = HashMap::from([(self.number, file)]);
        let bytes = self.index.bytes;
        *shared.write().unwrap_or_else(PoisonError::into_inner) = self.index;
        // Only now: whatever comes of it, what is written from here on is found.
        Ok((bytes, log.remove_void()))
    }
}
