//! `loquat-train run`. In: a recipe and its set. Out: the run's folder with checkpoints, the best weights and the run's numbers.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use loquat::progress::Screen;
use loquat_finetune::run::{Ended, Outcome};
use loquat_finetune::{Event, Observer};

use crate::cli::RunCommand;
use crate::recipe::Recipe;
use crate::report;
use crate::session::{Session, Task};
use crate::stop;
use crate::watch::{Bar, Board, METRICS, MetricsFile};

/// The exit code of a run that can go on.
const UNFINISHED: u8 = 3;
/// What a run leaves in its folder beside checkpoints and weights, and a fresh one removes.
const LEFT: [&str; 4] = [METRICS, EVENTS, "plots", "report.md"];
/// The recipe that it was made with.
const RECIPE: &str = "recipe.toml";
/// The folder of event files, for TensorBoard.
const EVENTS: &str = "tensorboard";

/// Trains, or goes on.
///
/// # Errors
/// When the recipe, its base or its set is wrong, or the run ends before its time.
pub fn run(command: &RunCommand) -> anyhow::Result<ExitCode> {
    let recipe = Recipe::load(&command.recipe.recipe, &command.recipe.overrides)?;
    let folder = recipe.run_folder();
    // Before anything takes long, so that Ctrl-C is never lost.
    let stop = stop::flag("after this step, with a checkpoint")?;
    let screen = Screen::default();
    let session = Session::open(&recipe, &screen)?;
    screen.clear();
    let mut watching = Watching {
        bar: Bar::default(),
        metrics: MetricsFile::new(&folder),
        board: Board::new(&folder.join(EVENTS), &recipe.name, Vec::new()),
        recipe: recipe.to_toml()?,
        folder: &folder,
        fresh: command.fresh,
        on: String::new(),
        problem: None,
    };
    let task = Task { recipe: &recipe.run, seed: recipe.seed, folder: &folder, fresh: command.fresh };
    let outcome = session.train(task, &mut watching, &stop)?;
    let Watching { metrics, mut board, bar, on, problem, .. } = watching;
    drop(bar);
    // The weights are there; a report that cannot be written takes nothing from them.
    let report = report::write(&recipe, &session, &outcome, &on, &mut board);
    let mut out = anstream::stderr();
    let missing = report.as_ref().err().map(|error| format!("there is no report: {error:#}"));
    let numbers = board.problem().map(|problem| format!("TensorBoard lacks numbers: {problem}"));
    for problem in problem.into_iter().chain(metrics.problem()).chain(numbers).chain(missing) {
        writeln!(out, "warning: {problem}")?;
    }
    if let Ok(report) = report {
        writeln!(out, "report: {}", report.display())?;
    }
    write!(out, "{}", told(&outcome, &command.recipe.again()))?;
    Ok(match outcome.ended {
        Ended::Interrupted => ExitCode::from(UNFINISHED),
        Ended::Finished | Ended::Early => ExitCode::SUCCESS,
    })
}

struct Watching<'a> {
    bar: Bar,
    metrics: MetricsFile,
    board: Board,
    recipe: String,
    folder: &'a Path,
    fresh: bool,
    /// What computes.
    on: String,
    /// What could not be put in order in the folder; the run is worth more.
    problem: Option<String>,
}

impl Watching<'_> {
    /// Puts the folder in order once the run has it: before, it is that of the run that is there, or of another process.
    fn begin(&self) -> anyhow::Result<()> {
        if self.fresh {
            LEFT.iter().try_for_each(|name| remove(&self.folder.join(name)))?;
        }
        let kept = self.folder.join(RECIPE);
        fs::write(&kept, &self.recipe).with_context(|| format!("{} cannot be written", kept.display()))
    }
}

impl Observer for Watching<'_> {
    fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::Loaded { on } => (*on).clone_into(&mut self.on),
            Event::Begun { .. } => self.problem = self.begin().err().map(|error| format!("{error:#}")),
            _ => {}
        }
        self.metrics.tell(event);
        self.board.tell(event);
        self.bar.tell(event);
    }
}

/// What came of a run, and what to do next.
fn told(outcome: &Outcome, recipe: &str) -> String {
    let state = &outcome.state;
    let mut lines = vec![match outcome.ended {
        Ended::Finished => format!("done: {} steps", state.step),
        Ended::Early => {
            format!(
                "done early: after step {}, the loss on dev had not fallen for {} evaluations",
                state.step, state.without_better
            )
        }
        Ended::Interrupted => format!("stopped after step {}", state.step),
    }];
    if let (Some(first), Some(best)) = (state.history.first(), state.best) {
        lines.push(format!(
            "loss on dev: {:.4} before, {:.4} at its best after step {}",
            first.loss, best.loss, best.step
        ));
    }
    if let Some(published) = &outcome.published {
        lines.push(format!("weights: {}", published.display()));
    }
    lines.push(match outcome.ended {
        Ended::Interrupted => format!("go on with: loquat-train run {recipe}"),
        _ => format!("next: loquat-train export {recipe}"),
    });
    lines.join("\n") + "\n"
}

fn remove(path: &Path) -> anyhow::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", path.display()))
        }
        _ => Ok(()),
    }
}
