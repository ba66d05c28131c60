//! `loquat kg`. In: files, texts, names. Out: a fuller graph, or what it holds.

mod ask;
mod edit;
mod endpoint;
mod gaps;
mod import;
mod names;
mod search;
mod snapshot;

pub(crate) use gaps::{Gathered, Missing};

use std::io::Write;
use std::process::ExitCode;

use loquat_contract::{Fact, Language};
use loquat_kg::{Graph, Shown};
use owo_colors::OwoColorize;

use crate::cli::KgCommand;
use crate::config::Loaded;
use crate::parts::{Places, graph};
use crate::progress::Screen;

pub(super) fn kg(loaded: &Loaded, command: &KgCommand) -> anyhow::Result<ExitCode> {
    // Of the journal, whatever the graph is.
    if let KgCommand::Gaps(command) = command {
        return gaps::gaps(loaded, command);
    }
    if loaded.config.graph.sparql.endpoint.is_some() {
        return endpoint::kg(&loaded.config, command);
    }
    let screen = Screen::default();
    if let KgCommand::Import(command) = command {
        return if command.check {
            import::check_files(command, &screen)
        } else {
            import::import_files(loaded, command, &screen)
        };
    }
    if let KgCommand::Ask { question, hops, limit } = command {
        return ask::ask(loaded, question, usize::from(*hops), *limit);
    }
    let graph = graph(loaded, &Places::of(&loaded.config)?, &screen)?;
    screen.clear();
    let language = loaded.config.bot.languages.first().cloned().unwrap_or_else(Language::english);
    match command {
        KgCommand::Stats => stats(&graph)?,
        KgCommand::Add(command) => edit::add(&graph, command, &language)?,
        KgCommand::Remove(command) => edit::remove(&graph, command, &language)?,
        KgCommand::Search { words, limit } => return search::search(&graph, words, *limit, &language),
        KgCommand::Export { file } => snapshot::export(&graph, file.as_deref(), &screen)?,
        KgCommand::Compact => snapshot::compact(&graph)?,
        KgCommand::Check => snapshot::check(&graph)?,
        KgCommand::Link { text } => link(&graph, text, &language)?,
        KgCommand::Show { entity, limit } => return show(&graph, entity, *limit, &language),
        KgCommand::Import(_) | KgCommand::Ask { .. } | KgCommand::Gaps(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn stats(graph: &Graph) -> anyhow::Result<()> {
    let stats = graph.stats()?;
    let mut out = anstream::stdout();
    for (name, count) in [
        ("entities", stats.entities as u64),
        ("facts", stats.facts as u64),
        ("predicates", stats.predicates as u64),
        ("generation", stats.generation.0),
        ("edits", stats.edits as u64),
        ("bytes on disk", stats.bytes),
        ("snapshot bytes", stats.snapshot_bytes),
    ] {
        writeln!(out, "{name:14} {count}")?;
    }
    for source in &stats.sources {
        writeln!(out, "{:14} {} ({})", "source", source.file, source.name)?;
    }
    for file in &stats.interrupted {
        writeln!(out, "{:14} {file}: the import was interrupted; import it again", "incomplete")?;
    }
    writeln!(out, "{:14} {}", "store", graph.path().display())?;
    Ok(())
}

fn link(graph: &Graph, text: &str, language: &Language) -> anyhow::Result<()> {
    let mut out = anstream::stdout();
    let linked = graph.linked(text, &[]);
    if linked.mentions.is_empty() {
        writeln!(out, "nothing in this text is in the graph")?;
    }
    for mention in linked.mentions {
        writeln!(out, "{} ({}–{})", mention.text.bold(), mention.range.start, mention.range.end)?;
        for candidate in &mention.candidates {
            let label = candidate.entity.label(language);
            writeln!(out, "  {:.2}  {label}  {}", candidate.score, candidate.entity.id.dimmed())?;
        }
    }
    for name in linked.unlinked {
        writeln!(
            out,
            "{} ({}–{})\n  looks like a name and is not in the graph",
            name.text.bold(),
            name.range.start,
            name.range.end
        )?;
    }
    Ok(())
}

fn show(graph: &Graph, entity: &str, limit: usize, language: &Language) -> anyhow::Result<ExitCode> {
    let found = graph.show(entity, limit);
    let mut out = anstream::stdout();
    if found.is_empty() {
        writeln!(out, "`{entity}` is not in the graph; `loquat kg link` shows what is found in a text")?;
        return Ok(ExitCode::FAILURE);
    }
    for Shown { entity, facts, incoming } in &found {
        writeln!(out, "{}  {}", entity.label(language).bold(), entity.id.dimmed())?;
        let aliases: Vec<&str> = entity.aliases.iter().map(|alias| alias.text.as_str()).collect();
        if !aliases.is_empty() {
            writeln!(out, "  also {}", aliases.join(", "))?;
        }
        for fact in facts.iter().chain(incoming) {
            line(&mut out, fact, language)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(out: &mut impl Write, fact: &Fact, language: &Language) -> std::io::Result<()> {
    let unit = fact.unit().map(|unit| {
        let name = loquat_contract::best_label(&unit.labels, language).unwrap_or_default();
        if unit.symbol.is_empty() { format!(" {name}") } else { format!(" {}", unit.symbol) }
    });
    writeln!(
        out,
        "  {} — {} — {}{}  {}",
        fact.subject.label(language),
        fact.predicate.label(language),
        fact.object.text(language),
        unit.unwrap_or_default(),
        fact.id.dimmed()
    )
}
