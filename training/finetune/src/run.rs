//! A training run. In: a model that learns, packed documents, how long and how fast. Out: checkpoints, the best weights, and events for
//! whoever watches. Must not know: text, which model it is, how progress is drawn.
//!
//! The run's folder has `checkpoints/step-…` (each with `state.safetensors`, from which training goes on, and `run.json`) and `best`
//! (weights or adapter for others to read). Each of them is written under another name, synced and renamed. A run that is begun again in
//! its folder goes on from its last checkpoint, and does on the CPU what it would have done, bit by bit.

mod checkpoint;
mod course;
mod error;
mod folder;
mod observe;
mod options;
mod state;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::batch::Batch;
use crate::optimise::Schedule;
use crate::pack::Pack;
use crate::trainee::{Loss, Trainee};
use checkpoint::Checkpoints;
use course::Course;

pub use checkpoint::checkpoints;
pub use error::{NotFinite, RunError};
pub use observe::{Event, Observer, Step};
pub use options::{Length, RunOptions, Warmup};
pub use state::{Best, Evaluation, RunState, StateError};

/// Checkpoints in a row that cannot be written before the run stops.
const FAILURES: u32 = 3;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All steps are made.
    Finished,
    /// The loss on the dev documents did not fall for as long as patience allows.
    Early,
    /// It was asked to stop, and can go on.
    Interrupted,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub ended: Ended,
    /// Where it stands.
    pub state: RunState,
    /// The last checkpoint; none where no step was made.
    pub checkpoint: Option<PathBuf>,
    /// The best weights; none where there are none yet.
    pub published: Option<PathBuf>,
}

/// Trains, from the last checkpoint in the run's folder where there is one and it is not to begin anew.
///
/// `stop` is looked at between steps, and between batches of an evaluation. Without `dev` there is no evaluation, no early stopping, and
/// the last weights are the best.
///
/// # Errors
/// When the model fails, loss or gradient are no longer finite, nothing can be written, or the folder holds a run of another model, over other data,
/// or one that is over and was made otherwise.
pub fn run<T: Trainee>(
    trainee: &mut T,
    train: &Pack,
    dev: Option<&Pack>,
    options: &RunOptions,
    observer: &mut dyn Observer,
    stop: &AtomicBool,
) -> Result<Outcome, RunError<T::Error>> {
    let checkpoints = Checkpoints::open(options)?;
    if options.fresh {
        checkpoints.clear()?;
    }
    let course = Course::new(train, options);
    let mut state = RunState::new(train, dev, options);
    let resumed = checkpoints.restore(trainee, &state, observer)?;
    if let Some((_, kept)) = &resumed {
        let changed = kept.changed(&state);
        let is_early = options.patience > 0 && kept.without_better >= options.patience;
        let keys = state::learnt_by(&changed);
        if (kept.step >= course.total() || is_early) && !keys.is_empty() {
            return Err(RunError::Over { path: options.folder.clone(), keys });
        }
        if !changed.is_empty() {
            observer.tell(&Event::Changed { keys: &changed });
        }
        state = RunState { options: state.options, ..kept.clone() };
    }
    observer.tell(&Event::Begun {
        step: state.step,
        total: course.total(),
        resumed: resumed.as_ref().map(|(folder, _)| folder.as_path()),
        train: train.report(),
        dev: dev.map(Pack::report),
    });
    let run = Run {
        schedule: options.schedule(course.total()),
        trainee,
        train,
        dev,
        options,
        observer,
        stop,
        course,
        checkpoints,
        state,
        is_kept: true,
        failures: 0,
        begun: Instant::now(),
        kept: Instant::now(),
        made: 0,
    };
    run.go()
}

/// How many steps a run over these documents has.
pub fn steps(train: &Pack, options: &RunOptions) -> u64 {
    Course::new(train, options).total()
}

struct Run<'a, T> {
    trainee: &'a mut T,
    train: &'a Pack,
    dev: Option<&'a Pack>,
    options: &'a RunOptions,
    observer: &'a mut dyn Observer,
    stop: &'a AtomicBool,
    course: Course,
    schedule: Schedule,
    checkpoints: Checkpoints,
    state: RunState,
    /// Whether the last checkpoint has all of `state`.
    is_kept: bool,
    /// Checkpoints in a row that could not be written.
    failures: u32,
    begun: Instant,
    /// When the last checkpoint was written, or tried to be.
    kept: Instant,
    /// Steps since then.
    made: u64,
}

impl<T: Trainee> Run<'_, T> {
    fn go(mut self) -> Result<Outcome, RunError<T::Error>> {
        let ended = loop {
            let step = self.state.step;
            let mut evaluated = false;
            if self.evaluation_is_due() {
                match self.evaluate()? {
                    Some(loss) => self.judge(loss)?,
                    None => break Ended::Interrupted,
                }
                evaluated = true;
            }
            if self.options.patience > 0 && self.state.without_better >= self.options.patience {
                break Ended::Early;
            }
            if step >= self.course.total() {
                break Ended::Finished;
            }
            if self.stop.load(Ordering::Relaxed) {
                break Ended::Interrupted;
            }
            let due = match self.options.checkpoint_every {
                0 => evaluated || self.kept.elapsed() >= self.options.checkpoint_after,
                every => step.is_multiple_of(every),
            };
            if due && step > 0 && !self.is_kept {
                self.keep(evaluated)?;
            }
            self.step()?;
        };
        self.end(ended)
    }

    /// One step: all its batches, then the update.
    fn step(&mut self) -> Result<(), RunError<T::Error>> {
        let begun = Instant::now();
        let step = self.state.step + 1;
        let rate = self.schedule.rate(step);
        let (mut loss, mut tokens, mut tokens_alone) = (Loss::default(), 0, 0);
        let plans = self.course.batches(self.train, self.state.step).to_vec();
        for plan in &plans {
            let batch = self.train.batch(plan);
            let part = self.trainee.accumulate(&batch).map_err(|source| self.failed(step, source))?;
            loss.sum += part.sum;
            loss.weight += part.weight;
            tokens += batch.tokens();
            tokens_alone += self.train.tokens_alone(plan);
        }
        self.finite("the loss", step, loss.mean())?;
        let norm = self.trainee.gradient_norm().map_err(|source| self.failed(step, source))?;
        self.finite("the gradient", step, norm)?;
        let update = self.options.optimiser.update(step, rate, loss.weight, norm);
        self.trainee.update(&update).map_err(|source| self.failed(step, source))?;

        let seconds = begun.elapsed().as_secs_f64();
        self.state.step = step;
        (self.state.epoch, self.state.batch) = self.course.position(step);
        self.state.tokens += tokens as u64;
        self.state.seconds += seconds;
        self.is_kept = false;
        self.made += 1;
        let remaining = self.course.total().saturating_sub(step);
        let each = self.begun.elapsed().as_secs_f64() / self.made as f64;
        self.observer.tell(&Event::Stepped(&Step {
            step,
            total: self.course.total(),
            epoch: self.course.epochs(step),
            loss: loss.mean(),
            rate,
            gradient_norm: norm / loss.weight,
            tokens,
            tokens_alone,
            tokens_per_second: tokens as f64 / seconds.max(1e-9),
            seconds,
            left: Duration::try_from_secs_f64(each * remaining as f64).unwrap_or(Duration::MAX),
        }));
        Ok(())
    }

    fn evaluation_is_due(&self) -> bool {
        let step = self.state.step;
        let due = match self.options.evaluate_every {
            0 => self.course.is_end_of_epoch(step),
            every => step.is_multiple_of(every),
        };
        let is_new = || self.state.history.iter().all(|evaluation| evaluation.step != step);
        self.dev.is_some() && (due || step == 0 || step >= self.course.total()) && is_new()
    }

    /// The loss on the dev documents; none where it was broken off.
    fn evaluate(&mut self) -> Result<Option<Loss>, RunError<T::Error>> {
        let Some(dev) = self.dev else { return Ok(None) };
        let plans = dev.in_order();
        let mut loss = Loss::default();
        for (done, plan) in plans.iter().enumerate() {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            self.observer.tell(&Event::Evaluating { done, of: plans.len() });
            let step = self.state.step;
            let part = self.trainee.evaluate(&dev.batch(plan)).map_err(|source| self.failed(step, source))?;
            loss.sum += part.sum;
            loss.weight += part.weight;
        }
        self.finite("the loss on the dev documents", self.state.step, loss.mean())?;
        Ok(Some(loss))
    }

    /// Notes an evaluation, and publishes the weights where it is the best. The one before the first step is no candidate: it tells what
    /// there was to begin with.
    fn judge(&mut self, loss: Loss) -> Result<(), RunError<T::Error>> {
        let step = self.state.step;
        let is_best = step > 0 && self.state.best.is_none_or(|best| loss.mean() < best.loss);
        let evaluation = Evaluation { step, epoch: self.course.epochs(step), loss: loss.mean(), is_best };
        self.observer.tell(&Event::Evaluated(&evaluation));
        self.state.history.push(evaluation);
        self.is_kept = step == 0;
        if is_best {
            self.state.without_better = 0;
            // Where it could not be written, the next better one is.
            if self.publish(loss.mean()).is_ok() {
                self.state.best = Some(Best { step, loss: loss.mean() });
            }
        } else if step > 0 {
            self.state.without_better += 1;
        }
        Ok(())
    }

    fn publish(&mut self, loss: f64) -> Result<(), RunError<T::Error>> {
        let step = self.state.step;
        match self.checkpoints.publish(self.trainee, self.options) {
            Ok(folder) => {
                self.observer.tell(&Event::Published { folder: &folder, step, loss });
                Ok(())
            }
            Err(error) => {
                self.observer.tell(&Event::NotKept { step, problem: &error.to_string() });
                Err(error)
            }
        }
    }

    /// Keeps a checkpoint. One that cannot be written is told and tried again the next time: the last one stays as it is.
    fn keep(&mut self, evaluated: bool) -> Result<(), RunError<T::Error>> {
        if !evaluated {
            self.probe()?;
        }
        self.kept = Instant::now();
        match self.checkpoints.keep(self.trainee, &self.state, self.options) {
            Ok(folder) => {
                self.failures = 0;
                self.is_kept = true;
                self.observer.tell(&Event::Kept { folder: &folder, step: self.state.step });
                Ok(())
            }
            Err(error) => {
                self.failures += 1;
                self.observer.tell(&Event::NotKept { step: self.state.step, problem: &error.to_string() });
                if self.failures >= FAILURES { Err(error) } else { Ok(()) }
            }
        }
    }

    /// Looks whether the last update left the model sane, so that no checkpoint keeps one that is not.
    fn probe(&mut self) -> Result<(), RunError<T::Error>> {
        let step = self.state.step;
        let Some(plan) = self.course.batches(self.train, step.saturating_sub(1)).first() else {
            return Ok(());
        };
        let batch: Batch = self.train.batch(plan);
        let loss = self.trainee.evaluate(&batch).map_err(|source| self.failed(step, source))?;
        self.finite("the loss", step, loss.mean())
    }

    fn end(mut self, ended: Ended) -> Result<Outcome, RunError<T::Error>> {
        let is_evaluated = self.state.history.iter().any(|evaluation| evaluation.step == self.state.step);
        if self.state.step > 0 && !self.is_kept {
            // Nothing comes after this that could write it.
            self.failures = FAILURES;
            self.keep(is_evaluated)?;
        }
        if self.dev.is_none() && ended == Ended::Finished {
            self.publish(f64::NAN)?;
        }
        Ok(Outcome {
            ended,
            checkpoint: self.checkpoints.last(),
            published: self.checkpoints.published(),
            state: self.state,
        })
    }

    fn finite(&self, what: &'static str, step: u64, value: f64) -> Result<(), RunError<T::Error>> {
        if value.is_finite() {
            return Ok(());
        }
        Err(RunError::NotFinite(NotFinite {
            what,
            value,
            step,
            rate: self.schedule.rate(step),
            last: self.checkpoints.last(),
        }))
    }

    fn failed(&self, step: u64, source: T::Error) -> RunError<T::Error> {
        RunError::Model { step, last: self.checkpoints.last(), source }
    }
}

#[cfg(test)]
mod tests;
