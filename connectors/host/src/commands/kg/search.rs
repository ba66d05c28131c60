//! `loquat kg search`. In: words. Out: the entities that have them, best first, and what may have been meant.

use std::io::Write;
use std::process::ExitCode;

use loquat_contract::{Language, best_label};
use loquat_kg::{Found, Graph};
use owo_colors::OwoColorize;

pub(super) fn search(
    graph: &Graph,
    words: &[String],
    limit: usize,
    language: &Language,
) -> anyhow::Result<ExitCode> {
    let search = graph.search(&words.join(" "), limit);
    let mut out = anstream::stdout();
    if let Some(meant) = &search.did_you_mean {
        writeln!(out, "did you mean {}?", meant.bold())?;
    }
    for Found { entity, score } in &search.found {
        writeln!(out, "{score:7.2}  {}  {}", entity.label(language).bold(), entity.id.dimmed())?;
        if let Some(description) = best_label(&entity.descriptions, language) {
            writeln!(out, "         {description}")?;
        }
    }
    if search.found.is_empty() {
        writeln!(out, "no name and no description in the graph has these words")?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
