//! What came of a search. In: its trials. Out: a table, plots, a page.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use loquat_finetune::tune::{Range, Setting, Trial, best};
use loquat_report::plot::{Axis, Coordinate, Parallel, Plot, Scale, Series, Style};
use loquat_report::{Machine, Page, Table};

use super::ranked;
use crate::recipe::{Recipe, WHOLE};

/// Losses further above the best than this many times the range of the better half are left out of plots: what nearly diverged would
/// press the rest together.
const FAR: f64 = 3.0;

/// All trials, the best first.
pub(super) fn table(recipe: &Recipe, trials: &[Trial]) -> Table {
    let keys: Vec<&str> = recipe.tune.space.ranges.keys().map(String::as_str).collect();
    let mut table = Table::new(&[&["trial", "loss on dev", "share of a run"], keys.as_slice()].concat());
    table.rows = ranked(trials)
        .into_iter()
        .map(|trial| {
            let loss = trial.loss();
            let loss = if loss.is_finite() { format!("{loss:.4}") } else { "diverged".to_owned() };
            let share = format!("{:.0} %", share(trial.budget()));
            let settings = keys.iter().map(|key| trial.settings.get(*key).map(told).unwrap_or_default());
            [trial.number.to_string(), loss, share].into_iter().chain(settings).collect()
        })
        .collect();
    table
}

/// Writes the page, its plots and the table as CSV.
pub(super) fn write(folder: &Path, recipe: &Recipe, trials: &[Trial]) -> anyhow::Result<PathBuf> {
    let table = table(recipe, trials);
    let csv = folder.join("trials.csv");
    fs::write(&csv, table.csv()).with_context(|| format!("{} cannot be written", csv.display()))?;
    let mut page = Page::new(folder, &format!("Search of settings for {}", recipe.name))?;
    if let Some(best) = best(trials) {
        page.words(&format!(
            "The best of {} trials is trial {}, with a loss on dev of {:.4} nats. `best.toml` is a recipe with its settings.",
            trials.len(),
            best.number,
            best.loss()
        ));
    }
    page.heading("Trials").table(&table);
    page.heading("Plots");
    page.plot("parallel", "All settings and losses", &parallel(recipe, trials).svg())?;
    for (key, range) in &recipe.tune.space.ranges {
        let plot = against(key, range, trials);
        page.plot(&key.replace('.', "-"), &plot.title, &plot.svg())?;
    }
    if trials.iter().any(|trial| trial.losses.len() > 1) {
        let plot = courses(trials);
        page.plot("rungs", &plot.title, &plot.svg())?;
    }
    page.heading("Recipe").listing("toml", &recipe.to_toml()?);
    page.heading("Machine").words(&Machine::here().to_string());
    Ok(page.write("report.md")?)
}

/// A share of a whole run in percent.
fn share(budget: u64) -> f64 {
    budget as f64 / WHOLE as f64 * 100.0
}

/// A setting as a person reads it.
fn told(setting: &Setting) -> String {
    match setting {
        Setting::Number(number) if number.abs() < 0.01 => format!("{number:.2e}"),
        Setting::Number(number) => format!("{number:.4}"),
        other => other.to_string(),
    }
}

/// Above which loss a trial is left out of plots.
fn highest(trials: &[Trial]) -> f64 {
    let mut losses: Vec<f64> = trials.iter().map(Trial::loss).filter(|loss| loss.is_finite()).collect();
    losses.sort_by(f64::total_cmp);
    match (losses.first(), losses.get(losses.len() / 2)) {
        (Some(least), Some(middle)) if middle > least => least + FAR * (middle - least),
        _ => f64::INFINITY,
    }
}

fn scale(range: &Range) -> Scale {
    match range {
        Range::Between { log: true, .. } => Scale::Logarithmic,
        _ => Scale::Linear,
    }
}

fn parallel(recipe: &Recipe, trials: &[Trial]) -> Parallel {
    let most = highest(trials);
    let shown: Vec<&Trial> = trials.iter().filter(|trial| trial.loss() <= most).collect();
    let mut coordinates: Vec<Coordinate> = Vec::new();
    for (key, range) in &recipe.tune.space.ranges {
        let values = || shown.iter().filter_map(|trial| trial.settings.get(key));
        let label = key.strip_prefix("run.").unwrap_or(key).to_owned();
        coordinates.push(match range {
            Range::Between { .. } => Coordinate::Numbers {
                label,
                scale: scale(range),
                values: values().map(|value| value.number().unwrap_or(f64::NAN)).collect(),
            },
            Range::Choice(_) => Coordinate::Words { label, values: values().map(told).collect() },
        });
    }
    let losses = shown.iter().map(|trial| trial.loss()).collect();
    coordinates.push(Coordinate::Numbers { label: "loss on dev".into(), scale: Scale::Linear, values: losses });
    let best = best(trials).and_then(|best| shown.iter().position(|trial| trial.number == best.number));
    Parallel { title: "Settings and losses".into(), coordinates, best }
}

/// Losses against one setting: whole runs, and those that were broken off.
fn against(key: &str, range: &Range, trials: &[Trial]) -> Plot {
    let words: Vec<String> = match range {
        Range::Choice(choices) => choices.iter().map(told).collect(),
        Range::Between { .. } => Vec::new(),
    };
    let (label, scale) = match range {
        // Words stand side by side by their numbers.
        Range::Choice(_) => {
            let named = words.iter().enumerate().map(|(at, word)| format!("{at} {word}")).collect::<Vec<_>>();
            (format!("{key}: {}", named.join(", ")), Scale::Linear)
        }
        Range::Between { .. } => (key.to_owned(), scale(range)),
    };
    let most = highest(trials);
    let place = |setting: &Setting| match range {
        Range::Choice(choices) => choices.iter().position(|choice| choice == setting).map(|at| at as f64),
        Range::Between { .. } => setting.number(),
    };
    let points = |is_whole: bool| -> Vec<(f64, f64)> {
        let shown = trials.iter().filter(|trial| (trial.budget() == WHOLE) == is_whole && trial.loss() <= most);
        shown.filter_map(|trial| Some((place(trial.settings.get(key)?)?, trial.loss()))).collect()
    };
    let series = [("whole runs", true), ("broken off", false)];
    let series = series.map(|(name, is_whole)| Series::new(name, Style::Dots, points(is_whole)));
    Plot {
        title: format!("Loss against {key}"),
        x: Axis { label, scale },
        y: Axis::linear("loss on dev (nats)"),
        series: series.into_iter().filter(|series| !series.points.is_empty()).collect(),
    }
}

/// Losses of each trial over its rungs.
fn courses(trials: &[Trial]) -> Plot {
    let most = highest(trials);
    let course = |trial: &Trial| {
        let points = trial.losses.iter().map(|(budget, loss)| (share(*budget), *loss));
        let points = points.filter(|(_, loss)| *loss <= most).collect();
        Series::new(&trial.number.to_string(), Style::Dotted, points)
    };
    Plot {
        title: "Losses over the rungs, by trial".into(),
        x: Axis::logarithmic("share of a run (%)"),
        y: Axis::linear("loss on dev (nats)"),
        series: trials.iter().map(course).filter(|series| !series.points.is_empty()).collect(),
    }
}
