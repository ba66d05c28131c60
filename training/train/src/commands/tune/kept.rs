//! What was measured, a line of JSON for each. In: losses. Out: the same, once the search is begun again.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use loquat_finetune::tune::{Ask, Settings};
use serde::{Deserialize, Serialize};

use crate::commands::lines::Lines;
use crate::recipe::Recipe;

/// The file of lines.
const FILE: &str = "trials.jsonl";
/// The recipe that they are of.
const RECIPE: &str = "recipe.toml";

/// A loss.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Line {
    trial: usize,
    repeat: usize,
    budget: u64,
    settings: Settings,
    /// None where the run diverged.
    loss: Option<f64>,
}

impl Line {
    pub(super) fn of(ask: &Ask<'_>, loss: f64) -> Self {
        let Ask { trial, repeat, budget, .. } = *ask;
        Self {
            trial,
            repeat,
            budget,
            settings: ask.settings.clone(),
            loss: Some(loss).filter(|loss| loss.is_finite()),
        }
    }
}

/// What was measured so far.
#[derive(Debug)]
pub(super) struct Kept {
    lines: Lines<Line>,
}

impl Kept {
    /// Opens the folder of a search. One of another recipe is refused.
    pub(super) fn open(folder: &Path, recipe: &Recipe) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let (path, about) = (folder.join(FILE), folder.join(RECIPE));
        let text = recipe.to_toml()?;
        match fs::read_to_string(&about) {
            Ok(there) if there != text && path.exists() => bail!(
                "{} has the trials of another recipe ({}); begin anew with --fresh, or name another `output`",
                folder.display(),
                about.display()
            ),
            _ => fs::write(&about, text).with_context(|| format!("{} cannot be written", about.display()))?,
        }
        Ok(Self { lines: Lines::open(&path)? })
    }

    /// What was measured of the same trial with the same settings; infinite where it diverged.
    pub(super) fn loss(&self, ask: &Ask<'_>) -> Option<f64> {
        let is_it = |line: &&Line| {
            (line.trial, line.repeat, line.budget) == (ask.trial, ask.repeat, ask.budget)
                && line.settings == *ask.settings
        };
        self.lines.all.iter().find(is_it).map(|line| line.loss.unwrap_or(f64::INFINITY))
    }

    pub(super) fn add(&mut self, line: Line) -> anyhow::Result<()> {
        self.lines.push(line)
    }
}
