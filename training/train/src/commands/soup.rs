//! `loquat-train soup`. In: a recipe, and weights or adapters of several runs or checkpoints. Out: their average as a weights folder, and how good it
//! is beside the best of them.

mod found;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use loquat::progress::Screen;
use loquat_export::{average_adapters, average_weights, greedy};
use loquat_report::{Machine, Page, Table};

use crate::cli::RecipeArgs;
use crate::judge;
use crate::recipe::{Recipe, SoupMethod};
use crate::session::Session;
use crate::stop;
use found::{Found, Kind};

/// The exit code of an average that was not finished.
const UNFINISHED: u8 = 3;
/// The folder of the average, below that of the soup.
const WEIGHTS: &str = "weights";
/// The folder of averages that are tried.
const TRIED: &str = "tried";

/// Averages and evaluates.
///
/// # Errors
/// When the recipe, its base or its set is wrong, weights are not of one model, or an average cannot be written.
pub fn run(args: &RecipeArgs) -> anyhow::Result<ExitCode> {
    let recipe = Recipe::load(&args.recipe, &args.overrides)?;
    let stop = stop::flag("after this average, of which nothing is kept")?;
    let screen = Screen::default();
    let found = found::candidates(&recipe)?;
    let mut session = Session::open(&recipe, &screen)?;
    screen.clear();
    if session.dev.is_empty() {
        bail!(
            "the set has no dev.jsonl, by which averages would be judged; make it with `loquat-train prepare`"
        );
    }
    found::check(&found, &session)?;
    judge::thin(&mut session.dev, recipe.soup.dev_documents);
    let kitchen = Kitchen { recipe: &recipe, session: &session, found: &found, screen: &screen, stop: &stop };
    let outcome = kitchen.cook();
    // What was tried is of no more use, however it ended.
    let _ignored = fs::remove_dir_all(recipe.soup_folder().join(TRIED));
    match outcome {
        Ok(cooked) => {
            writeln!(anstream::stdout(), "{}", cooked.table.markdown())?;
            screen.say(&cooked.verdict);
            screen.say(&format!("weights: {}", recipe.soup_folder().join(WEIGHTS).display()));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) if error.is::<Stopped>() => {
            screen.say(&error.to_string());
            Ok(ExitCode::from(UNFINISHED))
        }
        Err(error) => Err(error),
    }
}

/// It was asked to stop.
#[derive(Debug, thiserror::Error)]
#[error("stopped; nothing was changed, and the same command begins anew")]
struct Stopped;

/// What came of it.
struct Cooked {
    table: Table,
    verdict: String,
}

struct Kitchen<'a> {
    recipe: &'a Recipe,
    session: &'a Session,
    found: &'a [Found],
    screen: &'a Screen,
    stop: &'a AtomicBool,
}

impl Kitchen<'_> {
    fn cook(&self) -> anyhow::Result<Cooked> {
        let mut table = Table::new(&["weights", "loss on dev", "perplexity", ""]);
        let mut losses = Vec::new();
        for (at, one) in self.found.iter().enumerate() {
            let loss = self.loss(&[at])?;
            table.rows.push(row(&one.name, loss, ""));
            losses.push(loss);
        }
        let best = (0..losses.len()).filter(|&at| losses[at].is_finite());
        let best = best.min_by(|&a, &b| losses[a].total_cmp(&losses[b]));
        let best =
            best.context("the loss of none of the weights is a number; train again with a lower rate")?;
        let all: Vec<usize> = (0..self.found.len()).collect();
        let uniform = self.loss(&all)?;
        table.rows.push(row("the average of all", uniform, ""));
        let (of, loss) = match self.recipe.soup.method {
            SoupMethod::Uniform => (all, uniform),
            SoupMethod::Greedy => {
                let known = |of: &[usize]| (of.len() == losses.len()).then_some(uniform);
                let soup = greedy(&losses, |of| known(of).map_or_else(|| self.loss(of), Ok))?;
                let soup = soup.context("there is nothing to average")?;
                for taste in &soup.tastes {
                    let kept = if taste.kept { "kept" } else { "not kept" };
                    table.rows.push(row(&self.names(&taste.of), taste.loss, &format!("the last is {kept}")));
                }
                (soup.of, soup.loss)
            }
        };
        self.write(&of, &self.recipe.soup_folder().join(WEIGHTS))?;
        let verdict = verdict(&self.names(&of), of.len(), loss, &self.found[best].name, losses[best]);
        self.report(&table, &verdict)?;
        Ok(Cooked { table, verdict })
    }

    fn names(&self, of: &[usize]) -> String {
        of.iter().map(|&at| self.found[at].name.as_str()).collect::<Vec<_>>().join(" + ")
    }

    /// The loss on dev of an average.
    fn loss(&self, of: &[usize]) -> anyhow::Result<f64> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Stopped.into());
        }
        let names = self.names(of);
        self.screen.show(&format!("evaluating {names}"), 0, None, false);
        let written;
        let folder = match of {
            // It is a weights folder as it is.
            [only] if self.found[*only].kind == Kind::Weights => &self.found[*only].path,
            _ => {
                written = self.recipe.soup_folder().join(TRIED);
                self.write(of, &written)?;
                &written
            }
        };
        let loss = judge::loss(self.session, &self.recipe.run, folder)?;
        self.screen.clear();
        self.screen.say(&format!("{names}: loss on dev {loss:.4}"));
        Ok(loss)
    }

    fn write(&self, of: &[usize], target: &Path) -> anyhow::Result<()> {
        let paths: Vec<&Path> = of.iter().map(|&at| self.found[at].path.as_path()).collect();
        let element = self.recipe.soup.element;
        let show = &mut |progress: loquat_export::Progress<'_>| {
            self.screen.show("averaging", progress.done, Some(progress.total), false);
        };
        match self.found[of[0]].kind {
            Kind::Weights => average_weights(&paths, target, element, show)?,
            Kind::Adapter => average_adapters(&self.session.weights, &paths, target, element, show)?,
        };
        self.screen.clear();
        Ok(())
    }

    fn report(&self, table: &Table, verdict: &str) -> anyhow::Result<PathBuf> {
        let folder = self.recipe.soup_folder();
        let mut page = Page::new(&folder, &format!("Averaged weights for {}", self.recipe.name))?;
        page.words(verdict);
        page.heading("Losses").table(table);
        page.heading("Machine").words(&Machine::here().to_string());
        Ok(page.write("report.md")?)
    }
}

fn row(name: &str, loss: f64, note: &str) -> Vec<String> {
    vec![name.to_owned(), format!("{loss:.4}"), format!("{:.3}", loss.exp()), note.to_owned()]
}

/// What came of it in a sentence.
fn verdict(names: &str, count: usize, loss: f64, best: &str, alone: f64) -> String {
    if count == 1 {
        return format!(
            "No average is better than {best} alone, with a loss on dev of {alone:.4}; the folder has its weights."
        );
    }
    let than = if loss < alone {
        "better than"
    } else if loss > alone {
        "worse than"
    } else {
        "as good as"
    };
    format!(
        "The average of {names} has a loss on dev of {loss:.4}, {than} the {alone:.4} of the best alone, {best}."
    )
}

#[cfg(test)]
mod tests {
    use super::verdict;

    #[test]
    fn it_is_said_whether_it_helped() {
        assert!(verdict("a + b", 2, 1.5, "a", 1.6).contains("better than the 1.6000 of the best alone, a"));
        assert!(verdict("a + b", 2, 1.7, "a", 1.6).contains("worse than"));
        assert!(verdict("a", 1, 1.6, "a", 1.6).starts_with("No average is better than a alone"));
    }
}
