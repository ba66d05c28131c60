//! A model small enough to know what it does: the logits of the next token are a row of a table. Its gradient is exact, its optimiser is
//! AdamW, it has dropout of its own, and it fails where a test asks it to.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::batch::Batch;
use crate::trainee::{Loss, Trainee, Update};

pub(super) const WORDS: usize = 8;

/// What goes wrong, and at which update.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Fault {
    #[default]
    None,
    /// The parameters become infinite with this update.
    Infinite(u64),
    /// The loss is not a number before this update.
    NoNumber(u64),
    /// The gradient is infinite before this update.
    Steep(u64),
    /// The disk is full from this update on, until the second one.
    FullDisk(u64, u64),
    /// Computing fails before this update.
    Broken(u64),
    /// The process waits for ever, in the midst of writing its state after this update.
    StuckSaving(u64),
}

#[derive(Clone, Debug)]
pub(super) struct Bigram {
    table: Vec<f32>,
    moments: Vec<(f32, f32)>,
    gradient: Vec<f64>,
    /// Drawn numbers so far: the state of its dropout.
    drawn: u64,
    updates: u64,
    pub(super) fault: Fault,
}

impl Bigram {
    pub(super) fn new() -> Self {
        let size = WORDS * WORDS;
        let table = (0..size).map(|at| ((at * 37 % 11) as f32 - 5.0) * 0.02).collect();
        Self {
            table,
            moments: vec![(0.0, 0.0); size],
            gradient: vec![0.0; size],
            drawn: 0,
            updates: 0,
            fault: Fault::None,
        }
    }

    pub(super) fn table(&self) -> &[f32] {
        &self.table
    }

    pub(super) fn gradient(&self) -> &[f64] {
        &self.gradient
    }

    pub(super) fn nudge(&mut self, at: usize, by: f32) {
        self.table[at] += by;
    }

    /// What each position of a batch says: token, target, weight.
    fn pairs(batch: &Batch) -> impl Iterator<Item = (usize, usize, f64)> {
        batch.rows.iter().flat_map(|row| {
            let pairs = row.tokens.iter().zip(&row.targets).zip(&row.weights);
            pairs.map(|((token, target), weight)| (*token as usize, *target as usize, f64::from(*weight)))
        })
    }

    fn probabilities(&self, token: usize) -> Vec<f64> {
        let logits = &self.table[token * WORDS..(token + 1) * WORDS];
        let exponentials: Vec<f64> = logits.iter().map(|logit| f64::from(*logit).exp()).collect();
        let sum: f64 = exponentials.iter().sum();
        exponentials.into_iter().map(|each| each / sum).collect()
    }

    fn disk_is_full(&self) -> bool {
        matches!(self.fault, Fault::FullDisk(from, to) if (from..to).contains(&self.updates))
    }
}

impl Trainee for Bigram {
    type Error = io::Error;

    fn accumulate(&mut self, batch: &Batch) -> io::Result<Loss> {
        let step = self.updates + 1;
        if self.fault == Fault::Broken(step) {
            return Err(io::Error::other("out of memory"));
        }
        let mut random = ChaCha12Rng::seed_from_u64(3);
        random.set_word_pos(u128::from(self.drawn));
        let mut loss = Loss::default();
        for (token, target, weight) in Self::pairs(batch).filter(|(_, _, weight)| *weight != 0.0) {
            self.drawn += 1;
            // A tenth of all targets teaches nothing, though it counts.
            let kept = if random.next_u32() < u32::MAX / 10 { 0.0 } else { weight };
            let probabilities = self.probabilities(token);
            loss.sum -= kept * probabilities[target].ln();
            loss.weight += weight;
            for (word, probability) in probabilities.iter().enumerate() {
                let is = if word == target { 1.0 } else { 0.0 };
                self.gradient[token * WORDS + word] += kept * (probability - is);
            }
        }
        if self.fault == Fault::NoNumber(step) {
            loss.sum = f64::NAN;
        }
        if self.fault == Fault::Steep(step) {
            self.gradient[0] = f64::INFINITY;
        }
        Ok(loss)
    }

    fn evaluate(&mut self, batch: &Batch) -> io::Result<Loss> {
        let mut loss = Loss::default();
        for (token, target, weight) in Self::pairs(batch).filter(|(_, _, weight)| *weight != 0.0) {
            loss.sum -= weight * self.probabilities(token)[target].ln();
            loss.weight += weight;
        }
        Ok(loss)
    }

    fn gradient_norm(&mut self) -> io::Result<f64> {
        Ok(self.gradient.iter().map(|each| each * each).sum::<f64>().sqrt())
    }

    fn update(&mut self, update: &Update) -> io::Result<()> {
        self.updates = update.step;
        let (beta1, beta2) = update.betas;
        let (correct1, correct2) =
            (1.0 - beta1.powi(update.step as i32), 1.0 - beta2.powi(update.step as i32));
        for ((parameter, moments), gradient) in
            self.table.iter_mut().zip(&mut self.moments).zip(&self.gradient)
        {
            let gradient = *gradient as f32 * update.gradient_scale;
            moments.0 = beta1 * moments.0 + (1.0 - beta1) * gradient;
            moments.1 = beta2 * moments.1 + (1.0 - beta2) * gradient * gradient;
            *parameter -= update.rate * update.decay * *parameter;
            *parameter -=
                update.rate * (moments.0 / correct1) / ((moments.1 / correct2).sqrt() + update.epsilon);
        }
        if self.fault == Fault::Infinite(update.step) {
            self.table.fill(f32::INFINITY);
        }
        self.forget()
    }

    fn forget(&mut self) -> io::Result<()> {
        self.gradient.fill(0.0);
        Ok(())
    }

    fn keep(&mut self, folder: &Path) -> io::Result<()> {
        let mut file = fs::File::create(folder.join("state.bin"))?;
        let numbers = self.table.iter().copied().chain(self.moments.iter().flat_map(|pair| [pair.0, pair.1]));
        let bytes: Vec<u8> = numbers.flat_map(f32::to_le_bytes).collect();
        file.write_all(&bytes[..100])?;
        if self.disk_is_full() {
            return fill_disk();
        }
        if self.fault == Fault::StuckSaving(self.updates) {
            println!("\nsaving");
            loop {
                std::thread::park();
            }
        }
        file.write_all(&bytes[100..])?;
        file.write_all(&self.drawn.to_le_bytes())?;
        file.write_all(&self.updates.to_le_bytes())
    }

    fn restore(&mut self, folder: &Path) -> io::Result<()> {
        let bytes = fs::read(folder.join("state.bin"))?;
        if bytes.len() != WORDS * WORDS * 12 + 16 {
            return Err(io::Error::other("state.bin is cut short"));
        }
        let (numbers, rest) = bytes.split_at(WORDS * WORDS * 12);
        let mut numbers = numbers.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
        self.table.iter_mut().for_each(|parameter| *parameter = numbers.next().unwrap());
        self.moments.iter_mut().for_each(|pair| *pair = (numbers.next().unwrap(), numbers.next().unwrap()));
        self.drawn = u64::from_le_bytes(rest[..8].try_into().unwrap());
        self.updates = u64::from_le_bytes(rest[8..].try_into().unwrap());
        self.forget()
    }

    fn publish(&mut self, folder: &Path) -> io::Result<()> {
        if self.disk_is_full() {
            return fill_disk();
        }
        let text: Vec<String> = self.table.iter().map(f32::to_string).collect();
        fs::write(folder.join("model.txt"), text.join("\n"))
    }
}

/// What a full disk says: on Linux, by one that is always full.
fn fill_disk() -> io::Result<()> {
    if cfg!(target_os = "linux") {
        fs::File::options().write(true).open("/dev/full")?.write_all(&[0; 100])?;
    }
    Err(io::ErrorKind::StorageFull.into())
}
