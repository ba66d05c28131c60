//! Many requests at once. In: requests from anywhere. Out: their text, token by token, each to its own reader. Must not know: prompts,
//! facts, platforms.
//!
//! One thread owns the model. Each of its rounds takes in what has come, gives free rows to whose turn it is, runs one piece of
//! one prompt, and then one token for each sequence that is past its prompt, all of them in one run. So a request joins and leaves
//! between two tokens, and a long prompt holds the others up by one piece at a time.
//!
//! In a lane, the rows that write stand before those whose prompt still runs.

mod draft;
mod prefix;
mod sequence;
mod stats;
mod waiting;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::error::TryRecvError;

use crate::InferenceError;
use crate::decoder::{Decode, Logits};
use prefix::{BLOCK, PrefixCache};
pub(crate) use sequence::{Language, Output, Sequence};
pub use stats::ModelStats;
pub(crate) use stats::Stats;
use waiting::Waiting;

/// How tokens are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decoding {
    /// One run for all sequences, a token each: the most tokens a second where many talk at once.
    #[default]
    Batched,
    /// A run for each sequence in turn, of several tokens guessed from the prompt: faster for one person where replies repeat
    /// what the prompt says. Needs a shared KV cache; else it is as `Batched`.
    Speculative,
}

/// How an engine runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Sequences at once.
    pub(crate) rows: usize,
    /// Requests that may wait here; more of them wait in their callers.
    pub(crate) queue: usize,
    pub(crate) decoding: Decoding,
    /// Bytes for the prefix cache.
    pub(crate) prefix_bytes: usize,
}

/// Tokens of a prompt that run at once, before others have their turn. A run ends at a multiple of it, whatever was cached.
const CHUNK: usize = 2 * BLOCK;

/// The most prompts that have a row while they run.
///
/// More than one, so that a short prompt need not wait for a long one; few, since a row that does not write yet is of no use.
const PREFILLING: usize = 4;

/// Every so many blocks, the prompt that waits longest has its turn instead of the shortest.
const OLDEST_EVERY: u64 = 4;

/// What reaches the engine's thread.
pub(crate) enum Request {
    /// Write this.
    Write(Box<Sequence>),
    /// The model closes.
    Close,
}

/// Runs requests on a model, until all senders are gone.
pub(crate) struct Engine<D> {
    decoder: D,
    language: Arc<Language>,
    settings: Settings,
    lanes: Vec<Lane>,
    waiting: Waiting<Sequence>,
    prefix: PrefixCache,
    stats: Arc<Stats>,
    admitted: u64,
    blocks: u64,
}

/// The sequences of a lane, in the order of their rows.
#[derive(Default)]
struct Lane {
    sequences: Vec<Sequence>,
    /// How many of them, the first ones, are past their prompt.
    writing: usize,
}

impl<D: Decode> Engine<D> {
    pub(crate) fn new(decoder: D, language: Arc<Language>, settings: Settings, stats: Arc<Stats>) -> Self {
        let lanes = (0..=language.adapters.len()).map(|_| Lane::default()).collect();
        Self {
            decoder,
            language,
            settings,
            lanes,
            waiting: Waiting::new(),
            prefix: PrefixCache::new(settings.prefix_bytes),
            stats,
            admitted: 0,
            blocks: 0,
        }
    }

    /// Works until `closing` is set or no request can come any more.
    pub(crate) fn serve(mut self, mut requests: Receiver<Request>, closing: &AtomicBool) {
        loop {
            let is_open = self.take_in(&mut requests);
            if closing.load(Ordering::Relaxed) || (!is_open && self.is_idle()) {
                return;
            }
            self.round();
        }
    }

    /// Takes requests in as long as there is room, and waits for one if there is nothing else to do; whether more may come.
    fn take_in(&mut self, requests: &mut Receiver<Request>) -> bool {
        if self.is_idle() {
            match requests.blocking_recv() {
                Some(Request::Write(first)) => self.enqueue(*first),
                Some(Request::Close) | None => return false,
            }
        }
        while self.waiting.len() < self.settings.queue {
            match requests.try_recv() {
                Ok(Request::Write(next)) => self.enqueue(*next),
                Err(TryRecvError::Empty) => break,
                Ok(Request::Close) | Err(TryRecvError::Disconnected) => return false,
            }
        }
        true
    }

    fn enqueue(&mut self, sequence: Sequence) {
        self.waiting.push(sequence.conversation.clone(), sequence);
    }

    fn is_idle(&self) -> bool {
        self.waiting.len() == 0 && self.active() == 0
    }

    fn active(&self) -> usize {
        self.lanes.iter().map(|lane| lane.sequences.len()).sum()
    }

    /// One block of a prompt and one token for each that writes.
    fn round(&mut self) {
        self.drop_gone();
        self.admit();
        self.stats.set_load(self.waiting.len(), self.active());
        self.prefill();
        for lane in 0..self.lanes.len() {
            match self.settings.decoding {
                Decoding::Speculative if self.decoder.is_shared() => self.speculate(lane),
                _ => self.write(lane),
            }
        }
        self.stats.set_load(self.waiting.len(), self.active());
    }

    /// Takes the rows of those that nobody waits for.
    fn drop_gone(&mut self) {
        self.waiting.retain(|sequence| !sequence.gone());
        for lane in 0..self.lanes.len() {
            for row in (0..self.lanes[lane].sequences.len()).rev() {
                if self.lanes[lane].sequences.get(row).is_some_and(Sequence::gone) {
                    self.remove(lane, row);
                }
            }
        }
    }

    /// Gives free rows to those whose turn it is.
    fn admit(&mut self) {
        let prefilling: usize = self.lanes.iter().map(|lane| lane.sequences.len() - lane.writing).sum();
        let free = self.settings.rows.saturating_sub(self.active());
        for _ in 0..free.min(PREFILLING.saturating_sub(prefilling)) {
            let Some(mut sequence) = self.waiting.pop() else { return };
            match sequence.begin(&self.language) {
                Ok(true) => {}
                Ok(false) => {
                    self.stats.wrote(sequence.written());
                    continue;
                }
                Err(error) => {
                    sequence.fail(error);
                    continue;
                }
            }
            sequence.admitted = self.admitted;
            self.admitted += 1;
            if let Err(error) = self.decoder.push(sequence.lane) {
                sequence.fail(error);
                continue;
            }
            self.lanes[sequence.lane].sequences.push(sequence);
        }
    }

    /// Runs one piece of one prompt: mostly of the one that is done soonest, at times of the oldest.
    fn prefill(&mut self) {
        let is_oldest = self.blocks % OLDEST_EVERY == OLDEST_EVERY - 1;
        let order = |sequence: &Sequence| {
            let first = if is_oldest { 0 } else { sequence.remaining() };
            (first, sequence.admitted)
        };
        let prompts = self.lanes.iter().enumerate().flat_map(|(lane, sequences)| {
            let rows = sequences.writing..sequences.sequences.len();
            rows.map(move |row| (lane, row))
        });
        let next = prompts.min_by_key(|&(lane, row)| order(&self.lanes[lane].sequences[row]));
        let Some((lane, row)) = next else { return };
        self.blocks += 1;
        if let Err(error) = self.prefill_block(lane, row) {
            self.advance(lane, row, 0, Err(error));
        }
    }

    /// Begins a row with what the prefix cache has of its prompt: as late as can be, since another one with the same beginning may
    /// just have run.
    fn take_cached(&mut self, lane: usize, row: usize) -> Result<(), InferenceError> {
        let sequence = &mut self.lanes[lane].sequences[row];
        // The last token always runs, for its logits.
        let mut cached = self.prefix.find(lane, &sequence.tokens[..sequence.tokens.len() - 1]);
        if !self.decoder.is_shared() {
            // Where it is not known that the cutting changes nothing, the same cuts are kept.
            cached.truncate(cached.len() * BLOCK / CHUNK * (CHUNK / BLOCK));
        }
        let cut = cached.len() * BLOCK;
        if sequence.tokens.len() - cut == 1 && !cut.is_multiple_of(CHUNK) {
            // One token by itself gets other numbers than at the end of a piece, where it would run without the cache.
            cached.pop();
        }
        if !cached.is_empty() {
            self.decoder.write(lane, row, BLOCK, &cached)?;
            sequence.ran = cached.len() * BLOCK;
        }
        self.stats.prompt(sequence.prompt, sequence.ran.min(sequence.prompt));
        Ok(())
    }

    fn prefill_block(&mut self, lane: usize, row: usize) -> Result<(), InferenceError> {
        if self.lanes[lane].sequences[row].ran == 0 {
            self.take_cached(lane, row)?;
        }
        let sequence = &mut self.lanes[lane].sequences[row];
        let start = sequence.ran;
        let end = (start / CHUNK * CHUNK + CHUNK).min(sequence.tokens.len());
        let logits = self.decoder.extend(lane, row, &sequence.tokens[start..end], 1)?;
        sequence.ran = end;
        for end in (start + BLOCK..=end).step_by(BLOCK) {
            if self.prefix.lacks(lane, &sequence.tokens[..end])
                && let Some(block) = self.decoder.read(lane, row, end - BLOCK..end)
            {
                self.prefix.add(lane, &sequence.tokens[..end], block, &self.stats);
            }
        }
        if end < sequence.tokens.len() {
            return Ok(());
        }
        let goes_on = sequence.advance(&self.language, logits.row(0)?)?;
        self.stats.wrote(sequence.written());
        if !goes_on {
            self.remove(lane, row);
            return Ok(());
        }
        let writing = self.lanes[lane].writing;
        if let Err(error) = self.decoder.swap(lane, writing, row) {
            self.lose(lane, &error);
            return Ok(());
        }
        self.lanes[lane].sequences.swap(writing, row);
        self.lanes[lane].writing += 1;
        Ok(())
    }

    /// One token for each sequence that is past its prompt.
    fn write(&mut self, lane: usize) {
        self.catch_up(lane);
        let writing = self.lanes[lane].writing;
        if writing == 0 {
            return;
        }
        let sequences = &self.lanes[lane].sequences[..writing];
        let tokens: Vec<u32> = sequences.iter().filter_map(|s| s.pending().first().copied()).collect();
        debug_assert_eq!(tokens.len(), writing, "each has a token to run");
        self.stats.stepped();
        let together = self.decoder.is_shared().then(|| self.decoder.step(lane, &tokens));
        // From the last row on, since those that end are taken out.
        for row in (0..writing).rev() {
            match &together {
                Some(Ok(logits)) => self.advance(lane, row, 1, logits.row(row)),
                // Where all cannot run together, each is tried by itself: what one of them cannot have fails that one alone.
                _ => match self.retry(lane, row, tokens[row]) {
                    Ok(logits) => self.advance(lane, row, 1, logits.row(0)),
                    Err(error) => self.advance(lane, row, 0, Err(error)),
                },
            }
        }
    }

    /// Runs one token of one row, whether or not a run for all has got as far as this row.
    fn retry(&mut self, lane: usize, row: usize, token: u32) -> Result<Logits, InferenceError> {
        let Some(sequence) = self.lanes[lane].sequences.get(row) else {
            return Err(InferenceError::CacheLost);
        };
        if self.decoder.is_shared() {
            self.decoder.truncate(lane, row, sequence.ran)?;
        }
        self.decoder.extend(lane, row, &[token], 1)
    }

    /// Runs what constraints forced, all but the last token of each, which then goes with the others.
    fn catch_up(&mut self, lane: usize) {
        for row in (0..self.lanes[lane].writing).rev() {
            let Some(sequence) = self.lanes[lane].sequences.get_mut(row) else { continue };
            let Some((_, forced @ [_, ..])) = sequence.pending().split_last() else { continue };
            match self.decoder.extend(lane, row, forced, 1) {
                Ok(_) => sequence.ran = sequence.tokens.len() - 1,
                Err(error) => self.advance(lane, row, 0, Err(error)),
            }
        }
    }

    /// Some tokens for each sequence that is past its prompt: those that were guessed right, and one more.
    fn speculate(&mut self, lane: usize) {
        for row in (0..self.lanes[lane].writing).rev() {
            let Some(sequence) = self.lanes[lane].sequences.get(row) else { continue };
            let draft = sequence.drafter.draft(&sequence.tokens, sequence.room() - 1);
            let run = [sequence.pending(), &draft].concat();
            self.stats.stepped();
            match self.decoder.extend(lane, row, &run, draft.len() + 1) {
                Ok(logits) => self.accept(lane, row, run.len() - draft.len(), &draft, &logits),
                Err(error) => self.advance(lane, row, 0, Err(error)),
            }
        }
    }

    /// Takes what was guessed as far as it is what is written; `pending` tokens ran before it.
    fn accept(&mut self, lane: usize, row: usize, pending: usize, draft: &[u32], logits: &Logits) {
        let writing = self.lanes[lane].writing;
        let mut ran = pending;
        let mut accepted = 0;
        loop {
            let before = self.lanes[lane].sequences[row].tokens.len();
            self.advance(lane, row, ran, logits.row(accepted));
            if self.lanes[lane].writing < writing {
                self.stats.drafted(draft.len(), accepted);
                return;
            }
            let written = &self.lanes[lane].sequences[row].tokens[before..];
            let came_true = written.iter().zip(&draft[accepted..]).take_while(|(a, b)| a == b).count();
            accepted += came_true;
            ran = came_true;
            if came_true < written.len() {
                break;
            }
        }
        self.stats.drafted(draft.len(), accepted);
        let sequence = &mut self.lanes[lane].sequences[row];
        sequence.drafter.learn(draft.len(), accepted);
        sequence.ran += ran;
        if let Err(error) = self.decoder.truncate(lane, row, sequence.ran) {
            self.advance(lane, row, 0, Err(error));
        }
    }

    /// Gives a sequence its logits after `ran` more tokens, and takes its row if it ends with them.
    fn advance(&mut self, lane: usize, row: usize, ran: usize, logits: Result<&[f32], InferenceError>) {
        let Some(sequence) = self.lanes[lane].sequences.get_mut(row) else { return };
        sequence.ran += ran;
        let before = sequence.written();
        let goes_on = logits.and_then(|logits| sequence.advance(&self.language, logits));
        self.stats.wrote(sequence.written() - before);
        match goes_on {
            Ok(true) => {}
            Ok(false) => self.remove(lane, row),
            Err(error) => {
                sequence.fail(error);
                self.remove(lane, row);
            }
        }
    }

    /// Takes a sequence out. Those that write stay before the others.
    fn remove(&mut self, lane: usize, row: usize) {
        let sequences = &mut self.lanes[lane];
        let last = if row < sequences.writing { sequences.writing - 1 } else { row };
        let removed = self.decoder.remove(lane, row, last);
        sequences.sequences.swap(row, last);
        sequences.sequences.swap_remove(last);
        if row < sequences.writing {
            sequences.writing -= 1;
        }
        if let Err(error) = removed {
            self.lose(lane, &error);
        }
    }

    /// Ends all of a lane: rows that could not be moved hold what belongs to nobody.
    fn lose(&mut self, lane: usize, error: &InferenceError) {
        tracing::error!(%error, "the KV cache could not be moved; the requests in it are ended");
        for sequence in std::mem::take(&mut self.lanes[lane]).sequences {
            sequence.fail(InferenceError::CacheLost);
        }
        self.decoder.clear(lane);
    }
}

#[cfg(test)]
pub(crate) mod tests;
