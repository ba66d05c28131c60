//! What was measured, a line of JSON for each. In: losses. Out: the same, once the search is begun again.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use loquat_finetune::tune::{Ask, Settings};
use serde::{Deserialize, Serialize};

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
        Self { trial, repeat, budget, settings: ask.settings.clone(), loss: Some(loss).filter(|loss| loss.is_finite()) }
    }
}

/// The lines, in memory and on disk.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    file: File,
    lines: Vec<Line>,
}

impl Kept {
    /// Opens the folder of a search. One of another recipe is refused.
    pub(super) fn open(folder: &Path, recipe: &Recipe) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let (path, about) = (folder.join(FILE), folder.join(RECIPE));
        let unwritten = || format!("{} cannot be written", path.display());
        let text = recipe.to_toml()?;
        match fs::read_to_string(&about) {
            Ok(there) if there != text && path.exists() => bail!(
                "{} has the trials of another recipe ({}); begin anew with --fresh, or name another `output`",
                folder.display(),
                about.display()
            ),
            _ => fs::write(&about, text).with_context(|| format!("{} cannot be written", about.display()))?,
        }
        let before = if path.exists() {
            fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?
        } else {
            String::new()
        };
        let mut lines = Vec::new();
        for (number, line) in (1..).zip(before.split_inclusive('\n')) {
            match serde_json::from_str(line) {
                Ok(line) => lines.push(line),
                // The process ended in the midst of it.
                Err(_) if !line.ends_with('\n') => {}
                Err(error) => bail!("{}, line {number}: {error}; remove the line", path.display()),
            }
        }
        let whole = before.rfind('\n').map_or(0, |end| end + 1);
        let file = OpenOptions::new().create(true).append(true).open(&path).with_context(unwritten)?;
        file.set_len(whole as u64).with_context(unwritten)?;
        Ok(Self { path, file, lines })
    }

    /// What was measured of the same trial with the same settings; infinite where it diverged.
    pub(super) fn loss(&self, ask: &Ask<'_>) -> Option<f64> {
        let is_it = |line: &&Line| {
            (line.trial, line.repeat, line.budget) == (ask.trial, ask.repeat, ask.budget)
                && line.settings == *ask.settings
        };
        self.lines.iter().find(is_it).map(|line| line.loss.unwrap_or(f64::INFINITY))
    }

    pub(super) fn add(&mut self, line: &Line) -> anyhow::Result<()> {
        let unwritten = || format!("{} cannot be written", self.path.display());
        self.file.write_all(format!("{}\n", serde_json::to_string(line)?).as_bytes()).with_context(unwritten)?;
        self.file.sync_data().with_context(unwritten)?;
        self.lines.push(line.clone());
        Ok(())
    }
}
