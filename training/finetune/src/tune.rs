//! The search for settings. In: what may be tried, how long, and a function from settings and a budget to a loss. Out: every trial with its
//! losses, and the best. It must not know what a setting means, how a model is trained, or files.
//!
//! Trials are drawn from the seed alone: a search that is begun again asks for the same trials in the same
//! order, and whoever kept the losses can answer without measuring again.

mod plan;
mod space;

use std::collections::BTreeMap;

pub use plan::{Bracket, Plan, PlanError, Rung};
pub use space::{Range, Setting, Space, SpaceError};

/// Settings by their names.
pub type Settings = BTreeMap<String, Setting>;

/// What is to be measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ask<'a> {
    /// Which trial, from 0.
    pub trial: usize,
    /// Its settings.
    pub settings: &'a Settings,
    /// Which of the seeds, from 0: a trial may be measured several times.
    pub repeat: usize,
    /// How much it may cost. It goes on from what this trial and repeat had before, of which it is the sum.
    pub budget: u64,
}

/// Settings that were tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Which, from 0.
    pub number: usize,
    /// Of which bracket, from 0.
    pub bracket: usize,
    /// The settings.
    pub settings: Settings,
    /// The mean loss after each budget that it had, ascending; infinite where a measurement was no number.
    pub losses: Vec<(u64, f64)>,
}

impl Trial {
    /// The largest budget that it had.
    pub fn budget(&self) -> u64 {
        self.losses.last().map_or(0, |(budget, _)| *budget)
    }

    /// The loss after that budget; infinite where it had none.
    pub fn loss(&self) -> f64 {
        self.losses.last().map_or(f64::INFINITY, |(_, loss)| *loss)
    }
}

/// What tells how good settings are. A function is one.
pub trait Objective<E> {
    /// The loss, lower is better; one that is no number (a run that diverged) counts as the worst.
    ///
    /// # Errors
    /// When it cannot be told; the search ends.
    fn measure(&mut self, ask: &Ask<'_>) -> Result<f64, E>;

    /// A trial goes no further: what it would go on from is of no more use.
    fn over(&mut self, trial: usize) {
        let _ = trial;
    }
}

impl<E, F: FnMut(&Ask<'_>) -> Result<f64, E>> Objective<E> for F {
    fn measure(&mut self, ask: &Ask<'_>) -> Result<f64, E> {
        self(ask)
    }
}

/// Searches over a function, as [`search_with`].
///
/// # Errors
/// Those of the function.
pub fn search<E>(
    space: &Space,
    plan: &Plan,
    seed: u64,
    repeats: usize,
    measure: impl FnMut(&Ask<'_>) -> Result<f64, E>,
) -> Result<Vec<Trial>, E> {
    search_with(space, plan, seed, repeats, measure)
}

/// Searches. Each trial is measured `repeats` times, with another seed each, and judged by the mean.
///
/// # Errors
/// When something cannot be measured: what was measured so far is the caller's to keep.
pub fn search_with<E>(
    space: &Space,
    plan: &Plan,
    seed: u64,
    repeats: usize,
    mut objective: impl Objective<E>,
) -> Result<Vec<Trial>, E> {
    let mut trials: Vec<Trial> = Vec::new();
    let mut drawn = space.trials(seed, plan.trials()).into_iter();
    for (bracket, Bracket { rungs }) in plan.brackets().into_iter().enumerate() {
        let first = trials.len();
        let count = rungs.first().map_or(0, |rung| rung.trials);
        let numbered = (first..).zip(drawn.by_ref().take(count));
        trials.extend(numbered.map(|(number, settings)| Trial {
            number,
            bracket,
            settings,
            losses: Vec::new(),
        }));
        let mut left: Vec<usize> = (first..first + count).collect();
        for rung in rungs {
            // Of two that are equally good the earlier stays.
            left.sort_by(|&a, &b| trials[a].loss().total_cmp(&trials[b].loss()).then(a.cmp(&b)));
            let is_lost =
                |number: usize| !trials[number].losses.is_empty() && trials[number].loss().is_infinite();
            let place = left.iter().take(rung.trials).take_while(|&&number| !is_lost(number)).count();
            left.split_off(place).into_iter().for_each(|number| objective.over(number));
            for &number in &left {
                let trial = &trials[number];
                let mut sum = 0.0;
                for repeat in 0..repeats.max(1) {
                    let ask = Ask { trial: number, settings: &trial.settings, repeat, budget: rung.budget };
                    sum += objective.measure(&ask)?;
                }
                let mean = sum / repeats.max(1) as f64;
                let loss = if mean.is_nan() { f64::INFINITY } else { mean };
                trials[number].losses.push((rung.budget, loss));
            }
        }
    }
    Ok(trials)
}

/// The trial with the least loss among those that had the largest budget; none where no loss is a number.
pub fn best(trials: &[Trial]) -> Option<&Trial> {
    let finite = || trials.iter().filter(|trial| trial.loss().is_finite());
    let most = finite().map(Trial::budget).max()?;
    finite().filter(|trial| trial.budget() == most).min_by(|a, b| a.loss().total_cmp(&b.loss()))
}

#[cfg(test)]
mod tests;
