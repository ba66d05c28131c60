//! What happened, read back. In: places in the log. Out: entries. Writes nothing, and needs no right to.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use loquat_contract::{
    ConversationId, Entry, JournalError, Memory, PartState, Query, Sequence, Step, Timestamp,
};

use crate::error::{invalid, store};
use crate::fence::{SLED, check_format};
use crate::index::{Index, Location, Row};
use crate::log::scan;
use crate::segment::Damage;

/// How often reading begins again where the bot compacts its journal meanwhile.
const TRIES: usize = 5;

/// A journal that is only read: from a full or read-only disk, or beside the bot that writes it.
#[derive(Debug)]
pub struct Ledger {
    index: RwLock<Index>,
    damage: Vec<Damage>,
}

impl Ledger {
    /// Reads the journal in `folder` as it is now.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        if !folder.join("format").exists() && !folder.join(SLED).exists() {
            return Err(JournalError::Missing(folder.display().to_string()));
        }
        check_format(folder)?;
        let mut tries = 0;
        loop {
            match scan(folder, false) {
                Ok((index, damage, _)) => return Ok(Self { index: RwLock::new(index), damage }),
                Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => tries += 1,
                Err(error) => return Err(store(error)),
            }
        }
    }

    /// The stretches that cannot be read.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// The numbers of the entries asked for, oldest first: to read a large journal one by one.
    pub fn sequences(&self, query: &Query) -> Vec<Sequence> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        index.find(query).into_iter().map(Sequence).collect()
    }

    /// One entry.
    ///
    /// # Errors
    /// When there is none of that number, or it cannot be read.
    pub fn entry(&self, sequence: Sequence) -> Result<Entry, JournalError> {
        entry(&self.index, sequence)
    }

    /// The entries asked for, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn entries(&self, query: &Query) -> Result<Vec<Entry>, JournalError> {
        entries(&self.index, query)
    }
}

/// An entry's frames with the files they are in: enough to read it while the writer goes on.
pub(crate) struct Found {
    sequence: u64,
    row: Row,
    files: HashMap<u64, Arc<File>>,
}

impl Found {
    pub(crate) fn of(index: &Index, sequence: u64) -> Option<Self> {
        let row = index.rows.get(&sequence)?.clone();
        let files =
            row.frames.iter().filter_map(|at| Some((at.segment, index.files.get(&at.segment)?.clone())));
        Some(Self { sequence, files: files.collect(), row })
    }

    fn read(&self) -> io::Result<Entry> {
        let payload = |at: &Location| {
            let file = self.files.get(&at.segment).ok_or_else(|| invalid("a segment is missing"))?;
            read(file, at)
        };
        let (first, steps) =
            self.row.frames.split_first().ok_or_else(|| invalid("an entry has no frames"))?;
        let mut entry = Entry {
            sequence: Sequence(self.sequence),
            accepted_at: Timestamp(self.row.at),
            inbound: serde_json::from_slice(&payload(first)?)?,
            draft: None,
            prepared: None,
            parts: Vec::new(),
            settled: None,
            reopened_at: None,
        };
        for at in steps {
            let (at, steps): Steps = serde_json::from_slice(&payload(at)?)?;
            for step in steps {
                take(&mut entry, step, at);
            }
        }
        Ok(entry)
    }
}

/// Steps as they lie on disk, with when they were taken.
pub(crate) type Steps = (Timestamp, Vec<Step>);

/// Brings an entry a step further.
fn take(entry: &mut Entry, step: Step, at: Timestamp) {
    match step {
        Step::Drafted { message } => entry.draft = Some(message),
        Step::Prepared(prepared) => {
            entry.parts = vec![PartState::Prepared; prepared.parts.len()];
            entry.prepared = Some(*prepared);
        }
        Step::Part { number, state } => {
            let place = usize::from(number).checked_sub(1).and_then(|place| entry.parts.get_mut(place));
            if let Some(part) = place {
                *part = state;
            }
        }
        Step::Settled(settlement) => entry.settled = Some((settlement, at)),
        Step::Reopened => {
            entry.settled = None;
            entry.reopened_at = Some(at);
            if entry.prepared.as_ref().is_some_and(|prepared| prepared.failure.is_some()) {
                // What was sent is an apology: it is to be answered now.
                entry.prepared = None;
                entry.parts.clear();
            }
            for part in &mut entry.parts {
                if !matches!(part, PartState::Sent { .. }) {
                    *part = PartState::Prepared;
                }
            }
        }
    }
}

pub(crate) fn read(file: &File, at: &Location) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; at.length as usize];
    read_at(file, &mut bytes, at.offset)?;
    Ok(bytes)
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (bytes, offset) = (&mut bytes[read..], offset + read as u64);
    }
    Ok(())
}

fn collect(
    index: &RwLock<Index>,
    choose: impl FnOnce(&Index) -> Vec<u64>,
) -> Result<Vec<Entry>, JournalError> {
    let found: Vec<Found> = {
        let index = index.read().unwrap_or_else(PoisonError::into_inner);
        choose(&index).into_iter().filter_map(|sequence| Found::of(&index, sequence)).collect()
    };
    found.iter().map(Found::read).collect::<io::Result<_>>().map_err(store)
}

pub(crate) fn entries(index: &RwLock<Index>, query: &Query) -> Result<Vec<Entry>, JournalError> {
    collect(index, |index| index.find(query))
}

pub(crate) fn owed(index: &RwLock<Index>) -> Result<Vec<Entry>, JournalError> {
    collect(index, |index| index.rows.iter().filter(|(_, row)| row.is_owed()).map(|(at, _)| *at).collect())
}

pub(crate) fn entry(index: &RwLock<Index>, sequence: Sequence) -> Result<Entry, JournalError> {
    let found = collect(index, |_| vec![sequence.0])?;
    found.into_iter().next().ok_or(JournalError::NoEntry(sequence))
}

pub(crate) fn memory(index: &RwLock<Index>, id: &ConversationId) -> Result<Option<Memory>, JournalError> {
    let place = {
        let index = index.read().unwrap_or_else(PoisonError::into_inner);
        let at = index.talk_of(id).and_then(|talk| talk.memory);
        at.and_then(|at| Some((at, index.files.get(&at.segment)?.clone())))
    };
    let Some((at, file)) = place else { return Ok(None) };
    let payload = read(&file, &at).map_err(store)?;
    let (_, steps): Steps = serde_json::from_slice(&payload).map_err(store)?;
    let of_step = |step: Step| match step {
        Step::Prepared(prepared) => prepared.memory,
        _ => None,
    };
    Ok(steps.into_iter().filter_map(of_step).next_back())
}
