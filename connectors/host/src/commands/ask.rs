//! `loquat ask`. In: a question. Out: one answer with its citations, or the whole reply as JSON.

use std::io::Write;
use std::process::ExitCode;

use loquat_contract::ConversationId;

use crate::config::Loaded;
use crate::parts::assemble;
use crate::progress::Screen;

pub(super) fn ask(loaded: &Loaded, question: &str, json: bool) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(!question.trim().is_empty(), "the question is empty; write one in quotes after `ask`");
    let screen = Screen::default();
    let parts = assemble(loaded, &screen)?;
    let conversation = ConversationId {
        bot: loaded.config.bot.name.clone(),
        platform: "ask".to_owned(),
        channel: "once".to_owned(),
        thread: None,
    };
    let reply = super::runtime()?.block_on(parts.engine.answer(&conversation, question, &mut |_| ()))?;
    let mut out = anstream::stdout();
    if json {
        serde_json::to_writer_pretty(&mut out, &reply)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", loquat_terminal::render(&reply))?;
    }
    Ok(ExitCode::SUCCESS)
}
