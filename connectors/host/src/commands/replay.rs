//! `loquat replay`. In: a conversation in the journal. Out: the same messages answered again, and whether the replies are the same.

use std::io::Write;
use std::process::ExitCode;

use anyhow::ensure;
use loquat_contract::{ConversationId, Dialogue, Memory, Query, Reply};
use loquat_dialogue::Engine;
use loquat_dispatch::asked_within;
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
        Some((entry, prepared.asked.as_ref()?, prepared.reply.as_ref()?))
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
    for (entry, asked, before) in &answered {
        let sequence = entry.sequence;
        // As the conversation was then: it may have been reset since the reply before, or a button asked for something earlier.
        let earlier = entries.iter().rev().filter(|earlier| earlier.sequence < sequence);
        let last = earlier.filter_map(|earlier| earlier.prepared.as_ref()).find_map(|one| one.memory.clone());
        let now = runtime.block_on(async {
            remember(&parts.engine, conversation, last).await;
            let spoken = parts.engine.spoken(conversation);
            remember(&parts.engine, conversation, asked_within(&entries, entry)).await;
            parts.engine.speak(conversation, spoken);
            parts.engine.answer(conversation, asked, &mut |_| ()).await
        })?;
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

async fn remember(engine: &Engine, conversation: &ConversationId, memory: Option<Memory>) {
    engine.forget(conversation);
    if let Some(memory) = memory {
        engine.recall(conversation, memory).await;
    }
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
