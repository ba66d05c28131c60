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
use crate::session::Session;
use crate::stop;
use crate::watch::{Bar, MetricsFile};

/// The exit code of a run that can go on.
const UNFINISHED: u8 = 3;
/// What a run leaves in its folder, and a fresh one removes.
const LEFT: [&str; 3] = ["checkpoints", "best", "metrics.jsonl"];

/// Trains, or goes on.
///
/// # Errors
/// When the recipe, its base or its set is wrong, or the run ends before its time.
pub fn run(command: &RunCommand) -> anyhow::Result<ExitCode> {
    let recipe = Recipe::load(&command.recipe.recipe, &command.recipe.overrides)?;
    let folder = recipe.run_folder();
    // Before anything takes long, so that Ctrl-C is never lost.
    let stop = stop::flag()?;
    let screen = Screen::default();
    let session = Session::open(&recipe, &screen)?;
    screen.clear();
    if command.fresh {
        LEFT.iter().try_for_each(|name| remove(&folder.join(name)))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let kept = folder.join("recipe.toml");
    fs::write(&kept, recipe.to_toml()?).with_context(|| format!("{} cannot be written", kept.display()))?;

    let mut watching = Watching { bar: Bar::default(), metrics: MetricsFile::open(&folder)? };
    let outcome = session.train(&recipe.run, recipe.seed, &folder, &mut watching, &stop)?;
    let problem = watching.metrics.problem();
    drop(watching);
    let mut out = anstream::stderr();
    if let Some(problem) = problem {
        writeln!(out, "warning: {problem}")?;
    }
    write!(out, "{}", told(&outcome, &command.recipe.recipe))?;
    Ok(match outcome.ended {
        Ended::Interrupted => ExitCode::from(UNFINISHED),
        Ended::Finished | Ended::Early => ExitCode::SUCCESS,
    })
}

struct Watching {
    bar: Bar,
    metrics: MetricsFile,
}

impl Observer for Watching {
    fn tell(&mut self, event: &Event<'_>) {
        self.metrics.tell(event);
        self.bar.tell(event);
    }
}

/// What came of a run, and what to do next.
fn told(outcome: &Outcome, recipe: &Path) -> String {
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
        Ended::Interrupted => format!("go on with: loquat-train run {}", recipe.display()),
        _ => format!("next: loquat-train export {}", recipe.display()),
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
