//! `loquat-train tune`. In: a recipe with ranges. Out: a run for each trial, what came of them, and a recipe with the best settings.

mod aside;
mod kept;
mod page;
mod trial;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use loquat::progress::Screen;
use loquat_finetune::tune::{self, Ask, Objective, Settings, Trial};

use crate::cli::RunCommand;
use crate::device;
use crate::judge;
use crate::recipe::{Recipe, WHOLE};
use crate::session::Session;
use crate::stop;
use aside::Aside;
use kept::{Kept, Line};

/// The exit code of a search that can go on.
const UNFINISHED: u8 = 3;
/// The recipe with the best settings.
const BEST: &str = "best.toml";
/// Where that recipe puts what it makes, below `output`: not where a run with other settings may be.
const TUNED: &str = "tuned";

/// Searches, or goes on.
///
/// # Errors
/// When the recipe, its base or its set is wrong, or a trial fails other than by diverging.
pub fn run(command: &RunCommand) -> anyhow::Result<ExitCode> {
    let recipe = Recipe::load(&command.recipe.recipe, &command.recipe.overrides)?;
    if recipe.tune.space.ranges.is_empty() {
        bail!(
            "`tune.space` names no key to try; add one, such as \"run.rate\" = {{ low = 1e-5, high = 1e-3, log = true }}"
        );
    }
    let folder = recipe.tune_folder();
    let stop = stop::flag("after this step, with a checkpoint")?;
    let screen = Screen::default();
    // Every trial's recipe, before any time is spent on one.
    let with = |settings: &Settings| with(command, settings);
    let count = recipe.tune.plan().trials();
    for settings in recipe.tune.space.trials(recipe.seed, count) {
        with(&settings)?;
    }
    let mut session = Session::open(&recipe, &screen)?;
    screen.clear();
    if session.dev.is_empty() {
        bail!(
            "the set has no dev.jsonl, by which trials would be judged; make it with `loquat-train prepare`"
        );
    }
    judge::thin(&mut session.dev, recipe.tune.dev_documents);
    if command.fresh {
        // Nothing is moved for a search that could not even begin.
        drop(device::choose(&recipe.run)?);
    }
    let aside = Aside::begin(&folder, command.fresh)?;
    let kept = match Kept::open(&folder, &recipe) {
        Ok(kept) => kept,
        Err(error) => return Err(aside.put_back(error)),
    };
    let plan = recipe.tune.plan();
    screen.say(&format!(
        "{} trials; all together they cost at most {:.1} whole runs",
        count,
        plan.cost() as f64 / WHOLE as f64 * recipe.tune.seeds as f64
    ));
    let bench = Bench {
        recipe: &recipe,
        session: &session,
        folder: &folder,
        screen: &screen,
        stop: &stop,
        kept,
        aside: &aside,
        with: &with,
    };
    let found = tune::search_with(&recipe.tune.space, &plan, recipe.seed, recipe.tune.seeds, bench);
    let trials = match found {
        Ok(trials) => trials,
        Err(Ended::Stopped) => {
            screen.say(&format!("go on with: loquat-train tune {}", command.recipe.again()));
            return Ok(ExitCode::from(UNFINISHED));
        }
        Err(Ended::Failed(error)) => return Err(aside.put_back(error)),
    };
    let page = page::write(&folder, &recipe, &trials)?;
    let Some(best) = tune::best(&trials) else {
        bail!("every trial diverged; try lower learning rates (what was tried is in {})", page.display());
    };
    for trial in trials.iter().filter(|trial| trial.number != best.number) {
        trial::forget(&folder, trial.number, recipe.tune.seeds);
    }
    let winner = folder.join(BEST);
    fs::write(&winner, tuned(with(&best.settings)?).to_toml()?)
        .with_context(|| format!("{} cannot be written", winner.display()))?;
    let mut out = anstream::stdout();
    writeln!(out, "{}", page::table(&recipe, &trials).markdown())?;
    screen.say(&format!("the best is trial {}, with a loss on dev of {:.4}", best.number, best.loss()));
    screen.say(&format!("report: {}", page.display()));
    screen.say(&format!("next: loquat-train run {}", winner.display()));
    Ok(ExitCode::SUCCESS)
}

/// The recipe with settings over it.
fn with(command: &RunCommand, settings: &Settings) -> anyhow::Result<Recipe> {
    let mut overrides = command.recipe.overrides.clone();
    overrides.extend(settings.iter().map(|(key, setting)| (key.clone(), setting.to_string())));
    let told = || {
        let settings = settings.iter().map(|(key, setting)| format!("{key} = {setting}")).collect::<Vec<_>>();
        format!("a trial with {} would be no recipe", settings.join(", "))
    };
    Recipe::load(&command.recipe.recipe, &overrides).with_context(told)
}

/// A recipe for the best settings, over the same set, with an output of its own.
fn tuned(mut recipe: Recipe) -> Recipe {
    recipe.run.set = Some(recipe.run.set.take().unwrap_or_else(|| recipe.set_folder()));
    recipe.output = recipe.output.join(TUNED);
    recipe
}

/// Why a search did not come to its end.
enum Ended {
    /// It was asked to.
    Stopped,
    /// A trial could not be run.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Ended {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

/// What trials are run with.
struct Bench<'a> {
    recipe: &'a Recipe,
    session: &'a Session,
    folder: &'a Path,
    screen: &'a Screen,
    stop: &'a AtomicBool,
    kept: Kept,
    aside: &'a Aside,
    with: &'a dyn Fn(&Settings) -> anyhow::Result<Recipe>,
}

impl Objective<Ended> for Bench<'_> {
    fn measure(&mut self, ask: &Ask<'_>) -> Result<f64, Ended> {
        if let Some(loss) = self.kept.loss(ask) {
            return Ok(loss);
        }
        if self.stop.load(Ordering::Relaxed) {
            return Err(Ended::Stopped);
        }
        let recipe = (self.with)(ask.settings)?;
        let loss = trial::run(self.session, &recipe, ask, self.folder, self.stop)?;
        let Some(loss) = loss else { return Err(Ended::Stopped) };
        self.kept.add(Line::of(ask, loss))?;
        self.aside.remove();
        let share = ask.budget as f64 / WHOLE as f64 * 100.0;
        let told = if loss.is_finite() { format!("loss on dev {loss:.4}") } else { "diverged".to_owned() };
        self.screen.say(&format!("trial {} after {share:.0} % of a run: {told}", ask.trial));
        Ok(loss)
    }

    fn over(&mut self, trial: usize) {
        trial::forget(self.folder, trial, self.recipe.tune.seeds);
    }
}

/// Trials in the order of how good they are: those that had more first.
fn ranked(trials: &[Trial]) -> Vec<&Trial> {
    let mut ranked: Vec<&Trial> = trials.iter().collect();
    ranked.sort_by(|a, b| b.budget().cmp(&a.budget()).then(a.loss().total_cmp(&b.loss())));
    ranked
}
