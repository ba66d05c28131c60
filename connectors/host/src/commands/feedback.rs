//! `loquat feedback`. In: the journal. Out: what people think of the bot's replies, as a table or, for training, as lines of JSON. Who it was
//! stands in the table alone; what was erased is not in the journal any more.

use std::io::Write;
use std::process::ExitCode;

use loquat_contract::{Query, Timestamp};
use loquat_dispatch::{Feedback, Gathering, Rating};
use loquat_journal::Ledger;
use owo_colors::OwoColorize;
use serde_json::json;

use crate::cli::{FeedbackCommand, FeedbackFormat};
use crate::config::Loaded;
use crate::parts::Places;

/// How much of a text is shown in a line.
const SHOWN: usize = 60;

pub(super) fn feedback(loaded: &Loaded, command: &FeedbackCommand) -> anyhow::Result<ExitCode> {
    let ledger = Ledger::open(&Places::of(&loaded.config)?.journal)?;
    let since = command.since.as_deref().map(super::since).transpose()?.unwrap_or_default();
    let mut gathering = Gathering::default();
    for sequence in ledger.sequences(&Query::default()) {
        gathering.take(&ledger.entry(sequence)?);
    }
    let mut out = anstream::stdout();
    let found: Vec<Feedback> = gathering.finish().into_iter().filter(|one| one.at >= since).collect();
    if found.is_empty() && command.format == FeedbackFormat::Table {
        writeln!(out, "nobody has said yet what they think of a reply")?;
    }
    for one in &found {
        let entry = ledger.entry(one.reply)?;
        let prepared = entry.prepared.unwrap_or_default();
        let Some(reply) = &prepared.reply else { continue };
        let question = prepared.asked.as_deref().unwrap_or_default();
        match command.format {
            FeedbackFormat::Table => row(&mut out, one, question, &reply.answer)?,
            FeedbackFormat::Jsonl => {
                let line = json!({
                    "question": question,
                    "answer": reply.answer,
                    "language": reply.language,
                    "verdict": one.verdict,
                    "text": one.text,
                    "reply": one.reply,
                    "at": moment(one.at),
                });
                writeln!(out, "{line}")?;
            }
        }
    }
    super::ledger::report(ledger.damage())
}

fn row(out: &mut impl Write, one: &Feedback, question: &str, answer: &str) -> anyhow::Result<()> {
    let verdict = match one.verdict {
        Some(rating @ Rating::Good) => rating.name().green().to_string(),
        Some(rating @ Rating::Bad) => rating.name().red().to_string(),
        None => "–".to_owned(),
    };
    writeln!(
        out,
        "{:>6}  {}  {verdict:4}  {}  {} → {}",
        one.reply,
        moment(one.at),
        one_line(&one.person.to_string()),
        shorten(question),
        shorten(answer)
    )?;
    if let Some(text) = &one.text {
        writeln!(out, "        {}", one_line(text).dimmed())?;
    }
    Ok(())
}

fn moment(at: Timestamp) -> String {
    let at = i64::try_from(at.0).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    at.map(|at| format!("{at:.0}")).unwrap_or_default()
}

fn shorten(text: &str) -> String {
    let text = one_line(text);
    if text.chars().count() <= SHOWN { text } else { text.chars().take(SHOWN - 1).chain(['…']).collect() }
}

/// On one line, without control characters: what somebody wrote must not steer the terminal.
fn one_line(text: &str) -> String {
    let bare: String = text.chars().filter(|c| !c.is_control() || c.is_whitespace()).collect();
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}
