//! `loquat replay`. In: a conversation in the journal. Out: the same messages answered again, and whether the replies are the same.

use std::io::Write;
use std::process::ExitCode;

use anyhow::ensure;
use loquat_contract::{ConversationId, Query, Reply};
use loquat_journal::Ledger;
use owo_colors::OwoColorize;

use crate::config::Loaded;
use crate::parts::{Places, assemble};
use crate::progress::Screen;

pub(super) fn replay(loaded: &Loaded, conversation: &ConversationId) -> anyhow::Result<ExitCode> {
    let ledger = Ledger::open(&Places::of(&loaded.config)?.journal)?;
    let entries = ledger.entries(&Query { conversation: Some(conversation.clone()), ..Query::default() })?;
    let answered = entries.iter().filter_map(|entry| {
        let prepared = entry.prepared.as_ref()?;
        Some((entry.sequence, prepared.asked.as_ref()?, prepared.reply.as_ref()?))
    });
    let answered: Vec<_> = answered.collect();
    ensure!(
        !answered.is_empty(),
        "no answered message of {conversation} is in the journal; see `loquat ledger`"
    );
    let screen = Screen::default();
    let parts = assemble(loaded, &screen)?;
    let runtime = super::runtime()?;
    let mut out = anstream::stdout();
    let mut differ = 0;
    for (sequence, asked, before) in &answered {
        // In its own conversation, which this process knows nothing of yet.
        let now = runtime.block_on(parts.engine.answer(conversation, asked, &mut |_| ()))?;
        let differences = differences(before, &now);
        if differences.is_empty() {
            writeln!(out, "{sequence:>6}  {}", "same".green())?;
            continue;
        }
        differ += 1;
        writeln!(out, "{sequence:>6}  {}  {}", "differs".red(), differences.join("; "))?;
        writeln!(out, "        then  {}\n        now   {}", before.answer, now.answer)?;
    }
    writeln!(out, "{} replies, {differ} of them differ", answered.len())?;
    Ok(if differ == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What of two replies is not the same; how long they took is no part of them.
fn differences(before: &Reply, now: &Reply) -> Vec<String> {
    let mut found = Vec::new();
    let mut note = |differs: bool, what: String| found.extend(differs.then_some(what));
    note(before.answer != now.answer, "the words".to_owned());
    note(before.sentences != now.sentences, "the verdicts or facts of its sentences".to_owned());
    let (was, is) = (before.tokens, now.tokens);
    note(
        was != is,
        format!(
            "the tokens ({} and {} then, {} and {} now)",
            was.prompt, was.completion, is.prompt, is.completion
        ),
    );
    if !found.is_empty() {
        let mut explain = |differs: bool, what: String| found.extend(differs.then_some(what));
        explain(before.model != now.model, format!("it was another model ({})", before.model.name));
        explain(
            before.graph != now.graph,
            format!("the graph was at generation {}, and is at {}", before.graph, now.graph),
        );
        explain(before.seed != now.seed, "it was another seed".to_owned());
        explain(before.policy != now.policy, "it was another policy".to_owned());
    }
    found
}
