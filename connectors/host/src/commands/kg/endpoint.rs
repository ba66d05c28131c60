//! `loquat kg` on a SPARQL endpoint. In: texts and names. Out: what the endpoint holds. Changes nothing there.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use loquat_contract::{EntityId, Knowledge, Language};
use loquat_sparql::SparqlGraph;
use owo_colors::OwoColorize;

use crate::cli::KgCommand;
use crate::config::Config;

pub(super) fn kg(config: &Config, command: &KgCommand) -> anyhow::Result<ExitCode> {
    let connect = || SparqlGraph::connect(&config.graph.sparql);
    let language = config.bot.languages.first().cloned().unwrap_or_else(Language::english);
    match command {
        KgCommand::Stats => stats(&connect()?)?,
        KgCommand::Link { text } => link(&connect()?, text, &language)?,
        KgCommand::Show { entity, limit } => return show(&connect()?, entity, *limit, &language),
        KgCommand::Ask { .. }
        | KgCommand::Search { .. }
        | KgCommand::Export { .. }
        | KgCommand::Compact
        | KgCommand::Check => bail!(
            "this works on the local graph, and this bot reads its graph from the SPARQL endpoint in `graph.sparql.endpoint`; \
             `loquat kg stats`, `kg link` and `kg show` work there, or take the key out to use the local graph"
        ),
        _ => bail!(
            "this bot reads its graph from the SPARQL endpoint in `graph.sparql.endpoint`, and Loquat writes to none; change the \
             facts there, or take the key out to use the local graph"
        ),
    }
    Ok(ExitCode::SUCCESS)
}

fn stats(graph: &SparqlGraph) -> anyhow::Result<()> {
    let schema = graph.schema();
    let mut out = anstream::stdout();
    writeln!(out, "{:14} {}", "triples", graph.triples()?)?;
    writeln!(out, "{:14} {}", "predicates", schema.predicates.len())?;
    writeln!(out, "{:14} {}", "generation", schema.generation)?;
    writeln!(out, "{:14} {}", "endpoint", graph.endpoint())?;
    Ok(())
}

fn link(graph: &SparqlGraph, text: &str, language: &Language) -> anyhow::Result<()> {
    let mentions = crate::commands::runtime()?.block_on(graph.link(text))?;
    let mut out = anstream::stdout();
    if mentions.is_empty() {
        writeln!(out, "nothing in this text is in the graph")?;
    }
    for mention in mentions {
        writeln!(out, "{} ({}–{})", mention.text.bold(), mention.range.start, mention.range.end)?;
        for candidate in &mention.candidates {
            let label = candidate.entity.label(language);
            writeln!(out, "  {:.2}  {label}  {}", candidate.score, candidate.entity.id.dimmed())?;
        }
    }
    Ok(())
}

/// Shows the entity with this id or, where there is none, those that have this name.
fn show(graph: &SparqlGraph, name: &str, limit: usize, language: &Language) -> anyhow::Result<ExitCode> {
    let runtime = crate::commands::runtime()?;
    let facts = |id: &EntityId| runtime.block_on(graph.facts(id, limit));
    let mut found = vec![(name.into(), name.to_owned(), facts(&name.into())?)];
    if found[0].2.is_empty() {
        found.clear();
        let mentions = runtime.block_on(graph.link(name))?;
        for mention in mentions.into_iter().filter(|mention| mention.text == name) {
            for candidate in mention.candidates {
                let id = candidate.entity.id.clone();
                found.push((id.clone(), candidate.entity.label(language).to_owned(), facts(&id)?));
            }
        }
    }
    let mut out = anstream::stdout();
    if found.is_empty() {
        writeln!(out, "`{name}` is not in the graph; `loquat kg link` shows what is found in a text")?;
        return Ok(ExitCode::FAILURE);
    }
    for (id, label, facts) in &found {
        writeln!(out, "{}  {}", label.bold(), id.dimmed())?;
        for fact in facts {
            super::line(&mut out, fact, language)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
