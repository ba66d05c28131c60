//! One trial, up to its budget. In: its recipe. Out: its loss; a run's folder, from which it goes on with more.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use loquat_finetune::run::{self, NotFinite, RunState};
use loquat_finetune::tune::{Ask, Setting};
use loquat_finetune::{Event, Observer, Pack};
use loquat_report::events::Setting as Shown;

use crate::recipe::{Recipe, WHOLE};
use crate::session::{Session, Task};
use crate::watch::{Bar, Board, MetricsFile};

/// What a run that goes no further needs no more; its numbers stay.
const LEFT: [&str; 2] = ["checkpoints", "best"];

/// Trains until the share of a whole run that is asked for; infinite where the run diverged, none where it was asked to stop.
pub(super) fn run(
    session: &Session,
    recipe: &Recipe,
    ask: &Ask<'_>,
    folder: &Path,
    stop: &AtomicBool,
) -> anyhow::Result<Option<f64>> {
    let seed = recipe.seed.wrapping_add(ask.repeat as u64);
    let folder = folder_of(folder, ask.trial, ask.repeat);
    let mut run = recipe.run.clone();
    // The length, and with it the schedule, is that of the whole run, whatever of it is asked for.
    let pack = Pack::new(session.train.clone(), run.limits()).context("train.jsonl")?;
    let total = run::steps(&pack, &run.options(&folder, seed));
    drop(pack);
    let steps = (u128::from(total) * u128::from(ask.budget)).div_ceil(u128::from(WHOLE)) as u64;
    (run.evaluate_every, run.checkpoint_every, run.patience, run.keep) = (steps.max(1), 0, 0, 1);
    if let Some(loss) = known(&folder, steps) {
        return Ok(Some(loss));
    }
    let enough = AtomicBool::new(false);
    let settings = ask.settings.iter().map(|(key, setting)| (key.clone(), shown(setting))).collect();
    let mut watching = Watching {
        bar: Bar::default(),
        metrics: MetricsFile::new(&folder),
        board: Board::new(&folder, &format!("trial {}", ask.trial), settings),
        steps,
        loss: None,
        enough: &enough,
        stop,
    };
    let task = Task { recipe: &run, seed, folder: &folder, fresh: false };
    let outcome = session.train(task, &mut watching, &enough);
    let loss = watching.loss;
    drop(watching);
    match outcome {
        Ok(_) => Ok(loss),
        Err(error) if error.chain().any(|cause| cause.is::<NotFinite>()) => Ok(Some(f64::INFINITY)),
        Err(error) => Err(error.context(format!("trial {} ({})", ask.trial, folder.display()))),
    }
}

/// The loss after so many steps, where the run came so far before, in a process that ended before it could say so.
fn known(folder: &Path, steps: u64) -> Option<f64> {
    let last = run::checkpoints(folder).pop()?;
    let history = RunState::read(&last).ok()?.history;
    history.iter().find(|evaluation| evaluation.step == steps).map(|evaluation| evaluation.loss)
}

/// Removes what a trial would go on from.
pub(super) fn forget(folder: &Path, trial: usize, repeats: usize) {
    for repeat in 0..repeats {
        for name in LEFT {
            // What cannot be deleted is merely left over.
            let _ignored = fs::remove_dir_all(folder_of(folder, trial, repeat).join(name));
        }
    }
}

fn folder_of(folder: &Path, trial: usize, repeat: usize) -> PathBuf {
    folder.join("trials").join(format!("{trial:03}-{repeat}"))
}

fn shown(setting: &Setting) -> Shown {
    match setting {
        Setting::Switch(on) => Shown::Switch(*on),
        Setting::Word(word) => Shown::Word(word.clone()),
        Setting::Whole(whole) => Shown::Number(*whole as f64),
        Setting::Number(number) => Shown::Number(*number),
    }
}

struct Watching<'a> {
    bar: Bar,
    metrics: MetricsFile,
    board: Board,
    /// After how many steps it is enough.
    steps: u64,
    loss: Option<f64>,
    enough: &'a AtomicBool,
    stop: &'a AtomicBool,
}

impl Observer for Watching<'_> {
    fn tell(&mut self, event: &Event<'_>) {
        self.metrics.tell(event);
        self.board.tell(event);
        self.bar.tell(event);
        if let Event::Evaluated(evaluation) = event
            && evaluation.step >= self.steps
        {
            self.loss = Some(evaluation.loss);
            self.enough.store(true, Ordering::Relaxed);
        }
        if self.stop.load(Ordering::Relaxed) {
            self.enough.store(true, Ordering::Relaxed);
        }
    }
}
