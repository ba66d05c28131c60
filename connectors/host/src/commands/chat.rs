//! `loquat chat`. In: lines from a terminal or a pipe. Out: answers, sentence by sentence.

use std::process::ExitCode;

use crate::config::Loaded;
use crate::connectors::terminal;
use crate::parts::{Places, assemble_over};
use crate::progress::Screen;
use crate::run;

pub(super) fn chat(loaded: &Loaded) -> anyhow::Result<ExitCode> {
    let screen = Screen::default();
    let places = Places::of(&loaded.config)?;
    let (graph, journal) = run::open(loaded, &places, &screen)?;
    let parts = assemble_over(graph, loaded, &screen)?;
    super::introduce(&parts, &screen)?;
    super::runtime()?.block_on(async {
        let connectors = vec![terminal(&loaded.config, &places)?];
        // The exchange has them: one whose place another takes is freed.
        drop(parts.models);
        run::run(&loaded.config, &places, journal, parts.exchange, connectors, None, |_| Ok(())).await
    })?;
    Ok(ExitCode::SUCCESS)
}
