//! `loquat verify`. In: journals. Out: the replies that would no longer hold against the graph as it is now, and why. Reads only, also
//! beside a running bot; asks no model.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use loquat_contract::{Citation, ConversationId, Knowledge, Query, Sequence, Verdict};
use loquat_dialogue::{Doubt, Looked, Problem, Recheck};
use loquat_journal::Ledger;
use owo_colors::OwoColorize;
use serde::Serialize;

use crate::cli::VerifyCommand;
use crate::config::Loaded;
use crate::parts::{GraphSource, Places};
use crate::progress::Screen;

/// How often progress is shown.
const EVERY: usize = 256;

/// A reply that would not be sent any more.
#[derive(Debug, Serialize)]
struct Failing {
    journal: PathBuf,
    sequence: Sequence,
    conversation: ConversationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<String>,
    sentences: Vec<Doubt>,
}

/// What a check came to.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// The state of the graph that was checked against.
    graph: u64,
    /// Replies in the journals.
    replies: usize,
    #[serde(flatten)]
    looked: Looked,
    failing: Vec<Failing>,
    /// Stretches of the journals that cannot be read.
    damaged: usize,
}

pub(super) fn verify(loaded: &Loaded, command: &VerifyCommand) -> anyhow::Result<ExitCode> {
    let screen = Screen::default();
    let places = Places::of(&loaded.config)?;
    let journals =
        if command.journals.is_empty() { vec![places.journal.clone()] } else { command.journals.clone() };
    // Before the graph is opened, which may have to be built.
    let ledgers: Vec<(PathBuf, Ledger)> = journals
        .into_iter()
        .map(|folder| {
            let ledger = Ledger::open(&folder)
                .with_context(|| format!("the journal in {} cannot be read", folder.display()))?;
            Ok((folder, ledger))
        })
        .collect::<anyhow::Result<_>>()?;
    let knowledge = GraphSource::open_to_read(loaded, &places, &screen)?.knowledge();
    let mut report = Report { graph: knowledge.schema().generation.0, ..Report::default() };
    let mut damaged = ExitCode::SUCCESS;
    for (folder, ledger) in &ledgers {
        let checking = check(folder, ledger, knowledge.as_ref(), &mut report, &screen);
        super::runtime()?.block_on(checking)?;
        screen.clear();
        let lost = ledger.damage().iter().filter(|damage| !damage.is_unfinished).count();
        report.damaged += lost;
        if lost > 0 {
            damaged = super::ledger::report(ledger.damage())?;
        }
    }
    let mut out = anstream::stdout();
    if command.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        tell(&mut out, &report, ledgers.len() > 1)?;
    }
    Ok(if report.failing.is_empty() { damaged } else { ExitCode::FAILURE })
}

async fn check(
    folder: &std::path::Path,
    ledger: &Ledger,
    knowledge: &dyn Knowledge,
    report: &mut Report,
    screen: &Screen,
) -> anyhow::Result<()> {
    let recheck = Recheck::new()?;
    let sequences = ledger.sequences(&Query::default());
    let task = format!("checking {}", folder.display());
    for (done, sequence) in sequences.iter().enumerate() {
        if done % EVERY == 0 {
            screen.show(&task, done as u64, Some(sequences.len() as u64), false);
        }
        let entry = ledger.entry(*sequence)?;
        let Some(prepared) = entry.prepared else { continue };
        let Some(reply) = prepared.reply else { continue };
        let (sentences, looked) = recheck.check(&reply, knowledge).await?;
        report.replies += 1;
        report.looked.sentences += looked.sentences;
        report.looked.facts += looked.facts;
        if !sentences.is_empty() {
            report.failing.push(Failing {
                journal: folder.to_owned(),
                sequence: *sequence,
                conversation: entry.inbound.conversation,
                asked: prepared.asked,
                sentences,
            });
        }
    }
    Ok(())
}

fn tell(out: &mut impl Write, report: &Report, are_several: bool) -> std::io::Result<()> {
    for failing in &report.failing {
        let asked = failing.asked.as_deref().map(clean).unwrap_or_default();
        let journal = if are_several { format!("  {}", failing.journal.display()) } else { String::new() };
        writeln!(
            out,
            "{:>6}  {}  {asked}{}",
            failing.sequence.0.bold(),
            failing.conversation.dimmed(),
            journal.dimmed()
        )?;
        for doubt in &failing.sentences {
            writeln!(out, "        “{}”", clean(&doubt.text))?;
            for problem in &doubt.problems {
                writeln!(out, "          {}", said(problem))?;
            }
        }
    }
    let Looked { sentences, facts } = report.looked;
    writeln!(
        out,
        "{} of {} replies would no longer hold; {sentences} sentences with {facts} facts were checked against generation {} of \
         the graph",
        report.failing.len(),
        report.replies,
        report.graph
    )
}

fn said(problem: &Problem) -> String {
    match problem {
        Problem::Gone { fact, now } if now.is_empty() => {
            format!("{} {}; the graph says nothing of that any more", "gone:".red(), cited(fact))
        }
        Problem::Gone { fact, now } => {
            format!("{} {}; the graph says now: {}", "gone:".red(), cited(fact), all(now))
        }
        Problem::Grown { more, count, left_out } => {
            let rest = count.saturating_sub(more.len());
            let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            let beside =
                if *left_out > 0 { format!(", where {left_out} were left out") } else { String::new() };
            format!("{} the graph has {count} more of this kind{beside}: {}{rest}", "grown:".red(), all(more))
        }
        Problem::Renamed { then, now } => {
            format!("{} {} is now {}", "renamed:".red(), cited(then), all(std::slice::from_ref(now)))
        }
        Problem::Unsupported => {
            format!("{} its facts are there, and the verifier does not find them in it", "unsupported:".red())
        }
        Problem::Uncited { fact } => {
            format!("{} the reply does not say what the fact {fact} is", "uncited:".red())
        }
        Problem::SentUnsupported { verdict } => {
            let found =
                if *verdict == Verdict::Contradicted { "contradicted by the facts" } else { "unsupported" };
            format!("{} it was {found} and was sent under the policy strict", "sent:".red())
        }
    }
}

fn cited(citation: &Citation) -> String {
    format!("{} (fact {})", triple(citation), citation.id)
}

fn all(citations: &[Citation]) -> String {
    citations.iter().map(triple).collect::<Vec<_>>().join("; ")
}

fn triple(citation: &Citation) -> String {
    [&citation.subject, &citation.predicate, &citation.object].map(|text| clean(text)).join(" — ")
}

/// On one line, and without what would steer the terminal.
fn clean(text: &str) -> String {
    let bare: String = text.chars().filter(|c| !c.is_control() || c.is_whitespace()).collect();
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}
