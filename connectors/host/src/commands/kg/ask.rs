//! `loquat kg ask`. In: a question. Out: the facts worth citing, with their scores, the paths that led to them, and what was computed.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use loquat_contract::Language;
use loquat_retrieve::{
    Computed, Group, Most, Outcome, Retrieval, RetrieveOptions, Retriever, Shape, verbalise,
};
use owo_colors::OwoColorize;

use crate::config::Loaded;
use crate::parts::{Places, cache, embedders, graph};
use crate::progress::Screen;

/// Groups that are shown.
const SHOWN: usize = 5;

pub(super) fn ask(loaded: &Loaded, question: &str, hops: usize, limit: usize) -> anyhow::Result<ExitCode> {
    let screen = Screen::default();
    let config = &loaded.config;
    let graph = Arc::new(graph(loaded, &Places::of(config)?, &screen)?);
    let options = RetrieveOptions { hops, max_facts: limit, ..RetrieveOptions::default() };
    let mut retriever = Retriever::new(graph, options);
    for embedder in embedders(config, &cache(config)?, &screen)? {
        retriever = retriever.with_embedder(embedder);
    }
    screen.clear();
    let found = crate::commands::runtime()?.block_on(retriever.retrieve(question))?;
    print(&mut anstream::stdout(), &found)?;
    Ok(if found.groups.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(out: &mut impl Write, found: &Retrieval) -> std::io::Result<()> {
    let language = &found.language;
    if found.groups.is_empty() && found.computed.is_none() {
        return writeln!(
            out,
            "nothing in this question is in the graph; `loquat kg link` shows what is found in a text"
        );
    }
    writeln!(out, "asks for {}", shape(found.shape).bold())?;
    if let Some(computed) = &found.computed {
        writeln!(out, "{} {}", "=".bold(), outcome(computed, language).bold())?;
        for fact in &computed.facts {
            writeln!(out, "  {}  {}", verbalise(fact, language), fact.id.dimmed())?;
        }
    }
    for group in found.groups.iter().take(SHOWN) {
        print_group(out, group, language)?;
    }
    if found.truncated {
        writeln!(out, "there is more than fits; `--limit` shows more")?;
    }
    Ok(())
}

fn print_group(out: &mut impl Write, group: &Group, language: &Language) -> std::io::Result<()> {
    let matched: Vec<&str> = group.matched.iter().flatten().map(String::as_str).collect();
    let by =
        if matched.is_empty() { String::new() } else { format!("  (by “{}”)", matched.join("”, “")) };
    writeln!(out, "{:.3}  {}{}", group.score, group.reason(language), by.dimmed())?;
    for answer in &group.answers {
        for fact in answer.facts.iter().rev().take(1) {
            writeln!(out, "  {}  {}", verbalise(fact, language), fact.id.dimmed())?;
        }
    }
    if group.truncated {
        writeln!(out, "  …")?;
    }
    Ok(())
}

fn shape(shape: Shape) -> &'static str {
    match shape {
        Shape::Value => "a value",
        Shape::List => "a list",
        Shape::Count => "a count",
        Shape::YesNo => "yes or no",
        Shape::Date => "a date",
        Shape::Comparison(_) => "a comparison",
        Shape::Superlative(Most::Greatest) => "the greatest",
        Shape::Superlative(Most::Least) => "the least",
    }
}

fn outcome(computed: &Computed, language: &Language) -> String {
    match &computed.outcome {
        Outcome::Count { count, at_least: true } => format!("at least {count}"),
        Outcome::Count { count, at_least: false } => count.to_string(),
        Outcome::YesNo(true) => "yes".to_owned(),
        Outcome::YesNo(false) => "no".to_owned(),
        Outcome::Extreme { entities, .. } => {
            entities.iter().map(|entity| entity.label(language)).collect::<Vec<_>>().join(", ")
        }
        Outcome::Within(values) => {
            values.iter().map(|value| value.text(language)).collect::<Vec<_>>().join(", ")
        }
    }
}
