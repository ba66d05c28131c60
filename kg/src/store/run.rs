//! Imports on record. In: a source's name and its file's state. Out: a run, a place to go on from.

use loquat_contract::Generation;
use serde::{Deserialize, Serialize};

use super::{BLOCKS, Block, RUNS, Store, numbered};
use crate::GraphError;

/// Bytes that the database may hold in memory before they are flushed.
const UNFLUSHED: usize = 64 << 20;

/// One import of one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// The file's name.
    pub(crate) file: String,
    /// What tells the source from others: a later complete run with the same key takes this one's place.
    pub(crate) key: String,
    /// What the facts cite: the source that the file names, else its name.
    pub(crate) source: String,
    /// A digest of the import's options; an import with others does not go on from this one.
    pub(crate) options: u64,
    /// A digest of the unpacked file.
    pub(crate) content: u64,
    pub(crate) state: RunState,
    pub(crate) facts: u64,
    pub(crate) descriptions: u64,
    /// Blocks that belong to it; further ones were written after the last checkpoint.
    pub(crate) blocks: u64,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RunState {
    /// It stopped, or goes on. Nothing of it is used.
    Begun(Option<Checkpoint>),
    /// It is part of the graph since this generation.
    Complete(u64),
    /// Another has taken its place; its blocks may be removed.
    Retired,
}

/// Where an import can go on after a stop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// Bytes of the unpacked file that are done, up to the end of a line.
    pub(crate) bytes: u64,
    /// Lines that are done.
    pub(crate) lines: u64,
    /// XXH3-64 of those bytes.
    pub(crate) digest: u64,
    /// Bad lines among them.
    pub(crate) bad: u64,
    /// What the reader has to know of them.
    pub(crate) state: Vec<u8>,
}

impl Run {
    /// The generation since which it is part of the graph.
    pub(crate) fn generation(&self) -> Option<Generation> {
        match self.state {
            RunState::Complete(generation) => Some(Generation(generation)),
            RunState::Begun(_) | RunState::Retired => None,
        }
    }
}

/// A run being written. Dropping it without [`complete`](Writer::complete) leaves it interrupted.
pub(crate) struct Writer<'a> {
    store: &'a mut Store,
    pub(super) number: u64,
    pub(super) run: Run,
    /// Bytes written since the last flush.
    unflushed: usize,
}

/// What a complete run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Completed {
    pub(crate) generation: Generation,
    /// Its number; `None` where nothing has changed.
    pub(crate) run: Option<u64>,
    /// The run whose place it took.
    pub(crate) before: Option<u64>,
}

impl Store {
    /// Begins a run, or takes up one of the same source and options that stopped at a checkpoint; another one that stopped
    /// is removed.
    pub(crate) fn begin(
        &mut self,
        file: &str,
        key: &str,
        options: u64,
    ) -> Result<(Writer<'_>, Option<Checkpoint>), GraphError> {
        self.mark_pending()?;
        let runs = self.runs()?;
        for (number, run) in &runs {
            let RunState::Begun(checkpoint) = &run.state else { continue };
            if run.key != key {
                continue;
            }
            if run.options == options && checkpoint.is_some() {
                self.remove_blocks(*number, run.blocks)?;
                let (number, run, checkpoint) = (*number, run.clone(), checkpoint.clone());
                return Ok((Writer { store: self, number, run, unflushed: 0 }, checkpoint));
            }
            self.remove_run(*number)?;
        }
        let number = runs.iter().map(|(number, _)| number + 1).max().unwrap_or(1);
        let run = Run {
            file: file.to_owned(),
            key: key.to_owned(),
            source: file.to_owned(),
            options,
            content: 0,
            state: RunState::Begun(None),
            facts: 0,
            descriptions: 0,
            blocks: 0,
        };
        self.write_run(number, &run)?;
        self.flush()?;
        Ok((Writer { store: self, number, run, unflushed: 0 }, None))
    }

    /// Takes a source's facts out of the graph; whether there were any. They are gone from what is read once the snapshot is
    /// made anew.
    pub(crate) fn retire(&mut self, key: &str) -> Result<bool, GraphError> {
        let runs = self.runs()?;
        let of_source: Vec<_> =
            runs.into_iter().filter(|(_, run)| run.key == key && run.state != RunState::Retired).collect();
        if of_source.is_empty() {
            return Ok(false);
        }
        self.mark_pending()?;
        for (number, mut run) in of_source {
            run.state = RunState::Retired;
            self.write_run(number, &run)?;
        }
        self.raise_generation()?;
        self.flush()?;
        Ok(true)
    }

    /// Removes the runs whose place others have taken, with their blocks.
    pub(crate) fn sweep(&mut self) -> Result<(), GraphError> {
        for (number, run) in self.runs()? {
            if run.state == RunState::Retired {
                self.remove_run(number)?;
            }
        }
        Ok(())
    }

    fn write_run(&mut self, number: u64, run: &Run) -> Result<(), GraphError> {
        let value = self.encode(run)?;
        self.insert(RUNS, &number.to_be_bytes(), value)
    }

    /// Removes a run: its record last, so that a crash in between leaves it as it was.
    fn remove_run(&mut self, number: u64) -> Result<(), GraphError> {
        self.remove_blocks(number, 0)?;
        self.remove(RUNS, &number.to_be_bytes())?;
        self.flush()
    }

    /// Removes a run's blocks from this one on.
    fn remove_blocks(&mut self, run: u64, first: u64) -> Result<(), GraphError> {
        for key in self.block_keys(run)? {
            if key[8..] >= first.to_be_bytes()[..] {
                self.remove(BLOCKS, &key)?;
            }
        }
        self.flush()
    }
}

impl Writer<'_> {
    /// Adds a block; durable with the next checkpoint, and used once the run is complete.
    pub(crate) fn append(&mut self, block: &Block) -> Result<(), GraphError> {
        let packed = block.pack().map_err(|source| self.store.failed(source))?;
        self.unflushed += packed.len();
        self.store.insert(BLOCKS, &numbered(self.number, self.run.blocks), packed)?;
        self.run.blocks += 1;
        self.run.facts += block.facts;
        self.run.descriptions += block.descriptions;
        if self.unflushed >= UNFLUSHED {
            self.unflushed = 0;
            self.store.flush()?;
        }
        Ok(())
    }

    /// Makes everything so far durable: an import that stops from here on can go on from here.
    pub(crate) fn checkpoint(&mut self, checkpoint: Checkpoint) -> Result<(), GraphError> {
        self.unflushed = 0;
        self.store.flush()?;
        self.run.state = RunState::Begun(Some(checkpoint));
        self.store.write_run(self.number, &self.run)?;
        self.store.flush()
    }

    /// Makes the run part of the graph, durably, in the place of an earlier one of the same source. A run of nothing that
    /// takes nothing's place leaves no trace and the generation as it was.
    ///
    /// A file that says, under the same options, what its source says already leaves everything as it was.
    pub(crate) fn complete(mut self, source: String, content: u64) -> Result<Completed, GraphError> {
        let runs = self.store.runs()?;
        let before = runs
            .iter()
            .find(|(_, run)| run.key == self.run.key && run.generation().is_some())
            .map(|(number, run)| (*number, run.clone()));
        let unchanged = before.as_ref().is_some_and(|(_, before)| {
            (before.options, before.content, &before.source) == (self.run.options, content, &source)
        });
        if unchanged || (self.run.blocks == 0 && before.is_none()) {
            let generation = self.store.generation()?;
            self.store.remove_run(self.number)?;
            return Ok(Completed { generation, run: None, before: None });
        }
        self.store.flush()?;
        let generation = self.store.raise_generation()?;
        self.run.source = source;
        self.run.content = content;
        self.run.state = RunState::Complete(generation.0);
        let mut records = vec![(self.number, self.run.clone())];
        if let Some((number, run)) = &before {
            records.push((*number, Run { state: RunState::Retired, ..run.clone() }));
        }
        self.store.write_runs(&records)?;
        self.store.flush()?;
        Ok(Completed { generation, run: Some(self.number), before: before.map(|(number, _)| number) })
    }

    /// Takes the run back; where even that fails, the next import of the source does it.
    pub(crate) fn abandon(self) {
        if let Err(error) = self.store.remove_run(self.number) {
            tracing::warn!(%error, "an interrupted import stays until the next one");
        }
    }
}
