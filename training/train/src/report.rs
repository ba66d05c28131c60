//! The report of a run. In: its recipe, its documents, what came of it, its numbers. Out: `report.md` with plots in the run's folder, and the same in its
//! event file. Trains nothing.

use std::path::{Path, PathBuf};

use anyhow::Context;
use loquat_finetune::Document;
use loquat_finetune::run::{Ended, Outcome};
use loquat_report::plot::{Axis, Style};
use loquat_report::{Curves, Machine, Metrics, RunReport, Table, file_hash};

use crate::recipe::Recipe;
use crate::session::Session;
use crate::watch::{Board, METRICS, words};

/// Writes the report, and gives its path. `on` is what computed.
///
/// # Errors
/// When numbers cannot be read, or something cannot be written.
pub fn write(
    recipe: &Recipe,
    session: &Session,
    outcome: &Outcome,
    on: &str,
    board: &mut Board,
) -> anyhow::Result<PathBuf> {
    let (text, folder) = (recipe.to_toml()?, recipe.run_folder());
    let report = RunReport {
        name: format!("Training of {}", recipe.name),
        outcome: told(outcome),
        data: [("learnt", &session.train), ("evaluated on", &session.dev)].map(documents).to_vec(),
        metrics: Metrics::read(&folder.join(METRICS))?,
        curves: curves(),
        evaluations: evaluations(outcome),
        recipe: text.clone(),
        machine: Machine { accelerator: Some(format!("computing on {on}")), ..Machine::here() },
        hashes: hashes(recipe, outcome)?,
    };
    let (page, plots) = report.write(&folder)?;
    let step = outcome.state.step;
    board.add(|file| {
        file.text(step, "recipe", &format!("```toml\n{text}```"))?;
        plots.iter().try_for_each(|plot| file.image(step, &format!("plots/{}", plot.file), &plot.png))
    })?;
    Ok(page)
}

fn told(outcome: &Outcome) -> Vec<(String, String)> {
    let state = &outcome.state;
    let seconds = std::time::Duration::try_from_secs_f64(state.seconds).unwrap_or_default();
    let mut told = vec![
        (
            "ended".to_owned(),
            match outcome.ended {
                Ended::Finished => "all steps are made",
                Ended::Early => "early, since the loss on dev no longer fell",
                Ended::Interrupted => "not yet: it was asked to stop, and can go on",
            }
            .to_owned(),
        ),
        ("steps".to_owned(), state.step.to_string()),
        ("time of all steps".to_owned(), words(seconds)),
        ("tokens".to_owned(), state.tokens.to_string()),
        ("tokens a second".to_owned(), format!("{:.0}", state.tokens as f64 / state.seconds.max(1e-9))),
    ];
    if let (Some(first), Some(best)) = (state.history.first(), state.best) {
        told.push(("loss on dev before".to_owned(), format!("{:.4} nats", first.loss)));
        told.push((
            "best loss on dev".to_owned(),
            format!("{:.4} nats, after step {}", best.loss, best.step),
        ));
    }
    told
}

fn documents((what, documents): (&str, &Vec<Document>)) -> (String, String) {
    let tokens: usize = documents.iter().map(Document::len).sum();
    let targets: usize = documents.iter().map(Document::targets).sum();
    (what.to_owned(), format!("{} documents, {tokens} tokens, of which {targets} count", documents.len()))
}

/// What is drawn of `metrics.jsonl`.
fn curves() -> Vec<Curves> {
    let one = |file: &str, title: &str, axis: Axis, series: &[(&str, &str, Style)]| Curves {
        file: file.to_owned(),
        title: title.to_owned(),
        axis,
        series: series.iter().map(|&(key, name, style)| (key.to_owned(), name.to_owned(), style)).collect(),
    };
    vec![
        one(
            "loss",
            "Loss",
            Axis::linear("loss (nats a token)"),
            &[("loss", "training", Style::Smoothed), ("eval/loss", "dev", Style::Dotted)],
        ),
        one(
            "rate",
            "Learning rate",
            Axis::linear("learning rate"),
            &[("rate", "learning rate", Style::Line)],
        ),
        one(
            "gradient",
            "Norm of the gradient, before clipping",
            Axis::logarithmic("2-norm"),
            &[("gradient_norm", "norm", Style::Smoothed)],
        ),
        one(
            "speed",
            "Speed",
            Axis::linear("tokens a second"),
            &[("tokens_per_second", "tokens a second", Style::Smoothed)],
        ),
    ]
}

fn evaluations(outcome: &Outcome) -> Table {
    let mut table = Table::new(&["step", "epoch", "loss on dev", "perplexity", ""]);
    for evaluation in &outcome.state.history {
        table.rows.push(vec![
            evaluation.step.to_string(),
            format!("{:.2}", evaluation.epoch),
            format!("{:.4}", evaluation.loss),
            format!("{:.3}", evaluation.loss.exp()),
            if evaluation.is_best { "the best so far".to_owned() } else { String::new() },
        ]);
    }
    table
}

/// Of what it learnt from, and of what it learnt.
fn hashes(recipe: &Recipe, outcome: &Outcome) -> anyhow::Result<Vec<(String, String)>> {
    let set = recipe.run.set.clone().unwrap_or_else(|| recipe.set_folder());
    let mut paths = ["train.jsonl", "dev.jsonl"].map(|name| set.join(name)).to_vec();
    if let Some(published) = &outcome.published {
        let entries =
            published.read_dir().with_context(|| format!("{} cannot be read", published.display()))?;
        let mut own: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        own.sort();
        paths.extend(own);
    }
    paths.retain(|path| path.is_file());
    let shown = |path: &Path| {
        let names = [path.parent().and_then(Path::file_name), path.file_name()];
        names.into_iter().flatten().map(|name| name.to_string_lossy()).collect::<Vec<_>>().join("/")
    };
    paths.iter().map(|path| Ok((shown(path), file_hash(path)?))).collect()
}
