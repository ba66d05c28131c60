//! Which batches each step reads. In: packed documents. Out: batches by the number of the step, which is all that a resumed run needs.

use crate::pack::{Pack, RowPlan};

use super::options::{Length, RunOptions};

/// The steps of a run, epoch after epoch.
#[derive(Debug)]
pub(super) struct Course {
    seed: u64,
    accumulate: usize,
    /// After how many steps each epoch ends; the last may be broken off.
    ends: Vec<u64>,
    /// How many steps each epoch has as a whole.
    whole: Vec<u64>,
    /// The epoch that was read last, with its batches.
    open: Option<(usize, Vec<Vec<RowPlan>>)>,
}

impl Course {
    pub(super) fn new(pack: &Pack, options: &RunOptions) -> Self {
        let accumulate = options.accumulate.max(1);
        let (mut ends, mut whole): (Vec<u64>, Vec<u64>) = (Vec::new(), Vec::new());
        loop {
            let epoch = ends.len();
            let begin = ends.last().copied().unwrap_or(0);
            // Each order of the documents fills its rows in its own way, so epochs differ by a few batches.
            let steps = pack.epoch(options.seed, epoch as u64).len().div_ceil(accumulate) as u64;
            whole.push(steps);
            let (steps, is_last) = match options.length {
                Length::Steps(total) => (steps.min(total - begin), begin + steps >= total),
                Length::Epochs(epochs) => {
                    let part = (epochs - epoch as f64).clamp(0.0, 1.0);
                    ((part * steps as f64).ceil() as u64, epochs <= (epoch + 1) as f64)
                }
            };
            ends.push(begin + steps);
            if is_last {
                return Self { seed: options.seed, accumulate, ends, whole, open: None };
            }
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The batches of the step that follows `done` steps.
    pub(super) fn batches(&mut self, pack: &Pack, done: u64) -> &[Vec<RowPlan>] {
        let (epoch, batch) = self.place(done);
        if self.open.as_ref().is_none_or(|(open, _)| *open != epoch) {
            self.open = Some((epoch, pack.epoch(self.seed, epoch as u64)));
        }
        let batches = self.open.as_ref().map_or(&[][..], |(_, batches)| batches);
        let end = batches.len().min(batch + self.accumulate);
        batches.get(batch..end).unwrap_or_default()
    }

    /// The epoch, and the batch in it, that come after `done` steps.
    pub(super) fn position(&self, done: u64) -> (u64, u64) {
        let (epoch, batch) = self.place(done);
        (epoch as u64, batch as u64)
    }

    /// How often all documents were read after `done` steps.
    pub(super) fn epochs(&self, done: u64) -> f64 {
        let epoch = self.epoch(done);
        let whole = self.whole.get(epoch).copied().unwrap_or(1);
        epoch as f64 + (done - self.begin(epoch)) as f64 / whole as f64
    }

    pub(super) fn is_end_of_epoch(&self, done: u64) -> bool {
        self.ends.contains(&done)
    }

    fn place(&self, done: u64) -> (usize, usize) {
        let epoch = self.epoch(done);
        (epoch, (done - self.begin(epoch)) as usize * self.accumulate)
    }

    /// The epoch of the next step; after the last step, the last epoch.
    fn epoch(&self, done: u64) -> usize {
        let before_last = self.ends.len().saturating_sub(1);
        self.ends[..before_last].partition_point(|&end| end <= done)
    }

    fn begin(&self, epoch: usize) -> u64 {
        epoch.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0)
    }
}
