//! Runs over a bigram model with analytic gradients: they go on to the bit, and stop where they must.

use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::pack::{Document, Limits, TooLong};
use bigram::{Bigram, Fault, WORDS};

mod bigram;
mod faults;
mod killed;

/// Sentences of a language in which each word is mostly followed by the next one.
fn documents(count: u32, seed: u32) -> Pack {
    let sentence = |number: u32| {
        let mut random = number.wrapping_mul(0x9e37_79b9) ^ seed;
        let mut word = number % WORDS as u32;
        let length = 6 + number as usize % 7;
        let tokens: Vec<u32> = (0..length)
            .map(|_| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                word = if random >> 29 == 0 { random >> 8 } else { word + 1 } % WORDS as u32;
                word
            })
            .collect();
        let weights = (0..length).map(|at| if at < 2 { 0.0 } else { 1.0 }).collect();
        Document { tokens, weights, ..Document::default() }
    };
    let limits = Limits { row_tokens: 24, batch_tokens: 48, too_long: TooLong::Drop };
    Pack::new((0..count).map(sentence).collect(), limits).unwrap()
}

fn options(folder: &Path) -> RunOptions {
    RunOptions {
        folder: folder.to_owned(),
        length: Length::Epochs(2.5),
        accumulate: 2,
        peak: 0.05,
        evaluate_every: 3,
        ..RunOptions::default()
    }
}

/// Writes down what it is told.
#[derive(Debug, Default)]
struct Notes {
    /// Step, loss, rate and norm of each step, to the bit.
    steps: Vec<(u64, [u64; 3])>,
    evaluations: Vec<Evaluation>,
    kept: Vec<u64>,
    published: Vec<u64>,
    told: Vec<String>,
    resumed: Option<u64>,
    left: Option<Duration>,
}

impl Observer for Notes {
    fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::Begun { step, resumed, .. } => self.resumed = resumed.map(|_| *step),
            Event::Stepped(step) => {
                let numbers = [step.loss, step.rate, step.gradient_norm].map(f64::to_bits);
                self.steps.push((step.step, numbers));
                self.left = Some(step.left);
            }
            Event::Evaluated(evaluation) => self.evaluations.push(**evaluation),
            Event::Kept { step, .. } => self.kept.push(*step),
            Event::Published { step, .. } => self.published.push(*step),
            Event::NotKept { problem, .. } => self.told.push((*problem).to_owned()),
            Event::Damaged { problem, .. } => self.told.push((*problem).to_owned()),
            Event::Changed { keys } => self.told.push(keys.join(",")),
            Event::Evaluating { .. } | Event::Loaded { .. } => {}
        }
    }
}

/// Stops after so many steps.
struct Stopping<'a>(Notes, u64, &'a AtomicBool);

impl Observer for Stopping<'_> {
    fn tell(&mut self, event: &Event<'_>) {
        self.0.tell(event);
        if matches!(event, Event::Stepped(step) if step.step == self.1) {
            self.2.store(true, Ordering::Relaxed);
        }
    }
}

fn go(model: &mut Bigram, options: &RunOptions) -> (Result<Outcome, RunError<std::io::Error>>, Notes) {
    let (train, dev) = (documents(60, 1), documents(20, 2));
    let mut notes = Notes::default();
    let outcome = run(model, &train, Some(&dev), options, &mut notes, &AtomicBool::new(false));
    (outcome, notes)
}

#[test]
fn the_models_gradient_is_its_losss() {
    let train = documents(8, 1);
    let batch = train.batch(&train.in_order()[0]);
    let mut model = Bigram::new();
    model.accumulate(&batch).unwrap();
    let gradient = model.gradient().to_vec();
    for (at, gradient) in gradient.into_iter().enumerate() {
        let loss = |by: f32| {
            let mut nudged = Bigram::new();
            nudged.nudge(at, by);
            nudged.accumulate(&batch).unwrap().sum
        };
        let measured = (loss(1e-2) - loss(-1e-2)) / 2e-2;
        assert!((measured - gradient).abs() < 1e-3, "{at}: {measured} {gradient}");
    }
}

#[test]
fn a_run_learns_and_keeps_what_was_best() {
    let folder = TempDir::new().unwrap();
    let mut model = Bigram::new();
    let (outcome, notes) = go(&mut model, &options(folder.path()));
    let outcome = outcome.unwrap();
    assert_eq!(outcome.ended, Ended::Finished);
    let (first, last) = (notes.evaluations[0], *notes.evaluations.last().unwrap());
    assert_eq!((first.step, first.is_best, last.step), (0, false, notes.steps.len() as u64));
    assert!(last.loss < first.loss * 0.8, "{first:?} {last:?}");
    let best = outcome.state.best.unwrap();
    assert!(notes.evaluations[1..].iter().all(|evaluation| evaluation.loss >= best.loss));
    assert_eq!(outcome.published.unwrap(), folder.path().join("best"));
    assert_eq!(notes.published.last(), Some(&best.step));
    assert!(folder.path().join("best/model.txt").is_file());
    // The last two checkpoints stay, the last one of all steps.
    let kept = checkpoints(folder.path());
    assert_eq!(kept.len(), 2);
    assert_eq!(kept.last(), outcome.checkpoint.as_ref());
    let state = RunState::read(&kept[1]).unwrap();
    assert_eq!((state.step, &state), (last.step, &outcome.state));
    assert!((last.epoch - 2.5).abs() < 0.1, "{last:?}");
    assert_eq!(notes.left, Some(Duration::ZERO));
    // Begun again, it has nothing to do.
    let (again, notes) = go(&mut Bigram::new(), &options(folder.path()));
    assert_eq!(again.unwrap().state, outcome.state);
    assert!(notes.steps.is_empty() && notes.evaluations.is_empty() && notes.kept.is_empty());
}

#[test]
fn accumulated_batches_are_one_large_one() {
    let small = documents(60, 1);
    let order: Vec<_> = small.in_order().into_iter().take(4).collect();
    let (mut parts, mut whole) = (Bigram::new(), Bigram::new());
    let sum = order.iter().map(|rows| parts.accumulate(&small.batch(rows)).unwrap().sum).sum::<f64>();
    let all = whole.accumulate(&small.batch(&order.concat())).unwrap();
    assert!((sum - all.sum).abs() < 1e-9);
    let (a, b) = (parts.gradient_norm().unwrap(), whole.gradient_norm().unwrap());
    assert!((a - b).abs() < 1e-9, "{a} {b}");
}

#[test]
fn a_run_that_is_stopped_at_any_step_goes_on_as_if_it_had_not_been() {
    let whole = TempDir::new().unwrap();
    let mut model = Bigram::new();
    let (outcome, reference) = go(&mut model, &options(whole.path()));
    let outcome = outcome.unwrap();
    let total = reference.steps.len() as u64;
    assert!(total > 10);
    for at in 1..total {
        let folder = TempDir::new().unwrap();
        let options = options(folder.path());
        let stop = AtomicBool::new(false);
        let mut stopping = Stopping(Notes::default(), at, &stop);
        let (train, dev) = (documents(60, 1), documents(20, 2));
        let first = run(&mut Bigram::new(), &train, Some(&dev), &options, &mut stopping, &stop).unwrap();
        assert_eq!((first.ended, first.state.step), (Ended::Interrupted, at));
        let notes = stopping.0;
        let mut fresh = Bigram::new();
        let (second, rest) = go(&mut fresh, &options);
        let second = second.unwrap();
        assert_eq!(rest.resumed, Some(at));
        assert_eq!([notes.steps, rest.steps].concat(), reference.steps, "stopped at {at}");
        assert_eq!([notes.evaluations, rest.evaluations].concat(), reference.evaluations, "stopped at {at}");
        assert_eq!(fresh.table(), model.table());
        assert_eq!(second.state.best, outcome.state.best);
        assert_eq!(second.state.history, outcome.state.history);
        let read = |folder: &Path| std::fs::read(folder.join("best/model.txt")).unwrap();
        assert_eq!(read(folder.path()), read(whole.path()));
    }
}

#[test]
fn a_run_ends_early_where_it_gets_no_better() {
    let folder = TempDir::new().unwrap();
    // Much too fast: it soon overshoots.
    let options = RunOptions {
        length: Length::Steps(400),
        patience: 2,
        peak: 1.0,
        shape: crate::optimise::Shape::Constant,
        ..options(folder.path())
    };
    let (outcome, notes) = go(&mut Bigram::new(), &options);
    let outcome = outcome.unwrap();
    assert_eq!(outcome.ended, Ended::Early);
    let (best, count) = (outcome.state.best.unwrap(), notes.evaluations.len());
    assert!(notes.evaluations[count - 2..].iter().all(|evaluation| !evaluation.is_best));
    assert_eq!(best.step, notes.evaluations[count - 3].step);
    assert_eq!(outcome.checkpoint.unwrap(), *checkpoints(folder.path()).last().unwrap());
    // It stays ended; with more patience it goes on, and says that this is new.
    let (again, notes) = go(&mut Bigram::new(), &options);
    assert_eq!((again.unwrap().ended, notes.steps.len()), (Ended::Early, 0));
    let patient = RunOptions { patience: 3, ..options };
    let (again, notes) = go(&mut Bigram::new(), &patient);
    assert!(again.unwrap().state.step > best.step && !notes.steps.is_empty());
    assert_eq!(notes.told, ["patience"]);
}

#[test]
fn without_dev_documents_a_checkpoint_is_kept_when_there_was_none_for_long() {
    let folder = TempDir::new().unwrap();
    let often = RunOptions { checkpoint_after: Duration::ZERO, ..options(folder.path()) };
    let train = documents(60, 1);
    let go = |options: &RunOptions| {
        let mut notes = Notes::default();
        let stop = AtomicBool::new(false);
        run(&mut Bigram::new(), &train, None, options, &mut notes, &stop).unwrap();
        notes.kept
    };
    let kept = go(&often);
    assert_eq!(kept, (1..=kept.len() as u64).collect::<Vec<_>>());
    assert!(kept.len() > 5);
    let seldom = RunOptions { folder: folder.path().join("seldom"), ..options(folder.path()) };
    assert_eq!(go(&seldom), [kept.len() as u64]);
}

#[test]
fn without_dev_documents_the_last_weights_are_the_best() {
    let folder = TempDir::new().unwrap();
    let mut options = options(folder.path());
    options.publish_checkpoints = true;
    options.checkpoint_every = 4;
    let note = folder.path().join("config.json");
    std::fs::write(&note, "{}").unwrap();
    options.companions.push(note);
    options.notes.insert("base.json".to_owned(), "{}\n".to_owned());
    let mut notes = Notes::default();
    let train = documents(60, 1);
    let outcome =
        run(&mut Bigram::new(), &train, None, &options, &mut notes, &AtomicBool::new(false)).unwrap();
    assert!(notes.evaluations.is_empty());
    assert_eq!(notes.published, [outcome.state.step]);
    assert!(notes.kept[..notes.kept.len() - 1].iter().all(|step| step.is_multiple_of(4)));
    assert!(folder.path().join("best/config.json").is_file());
    assert_eq!(std::fs::read_to_string(folder.path().join("best/base.json")).unwrap(), "{}\n");
    assert!(outcome.checkpoint.unwrap().join("weights/model.txt").is_file());
}
