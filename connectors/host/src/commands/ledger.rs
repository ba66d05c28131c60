//! `loquat ledger`. In: which messages. Out: what was accepted, answered, delivered, unknown; and what an operator wants done about it.

use std::io::Write;
use std::process::ExitCode;

use loquat_contract::{Entry, Event, PartState, Query, Sequence, Settlement, State};
use loquat_journal::{Damage, Ledger};
use owo_colors::OwoColorize;

use crate::cli::{Filter, LedgerCommand};
use crate::config::Loaded;
use crate::operator::{Request, ask};
use crate::parts::Places;

/// How much of a text is shown in a line.
const SHOWN: usize = 48;

pub(super) fn ledger(
    loaded: &Loaded,
    command: Option<&LedgerCommand>,
    filter: &Filter,
) -> anyhow::Result<ExitCode> {
    let places = Places::of(&loaded.config)?;
    let all = |sequences: &[u64], request: fn(Sequence) -> Request| {
        sequences.iter().map(|sequence| request(Sequence(*sequence))).collect::<Vec<_>>()
    };
    let requests = match command {
        None => return list(&Ledger::open(&places.journal)?, filter),
        Some(LedgerCommand::Show { sequence }) => return show(&Ledger::open(&places.journal)?, *sequence),
        Some(LedgerCommand::Retry { sequences }) => all(sequences, Request::Retry),
        Some(LedgerCommand::Discard { sequences }) => all(sequences, Request::Discard),
        Some(LedgerCommand::Compact) => vec![Request::Compact],
    };
    let runtime = super::runtime()?;
    let mut code = ExitCode::SUCCESS;
    for request in requests {
        match runtime.block_on(ask(&places, loaded.config.journal.retention(), &request)) {
            Ok(said) => writeln!(anstream::stdout(), "{said}")?,
            Err(error) => {
                writeln!(anstream::stderr(), "{} {error:#}", "error:".red().bold())?;
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

fn list(ledger: &Ledger, filter: &Filter) -> anyhow::Result<ExitCode> {
    let query = Query {
        conversation: filter.conversation.clone(),
        person: filter.person.clone(),
        state: filter.state.map(State::from),
        limit: (filter.limit > 0).then_some(filter.limit),
        ..Query::default()
    };
    let entries = ledger.entries(&query)?;
    let mut out = anstream::stdout();
    for entry in &entries {
        if filter.json {
            writeln!(out, "{}", json(entry)?)?;
        } else {
            writeln!(out, "{}", line(entry))?;
        }
    }
    if entries.is_empty() && !filter.json {
        writeln!(out, "nothing of that kind is in the journal")?;
    }
    report(ledger.damage())
}

/// All of an entry as a line of JSON, but for its ticket: whoever has that can answer in the bot's name.
pub(super) fn json(entry: &Entry) -> anyhow::Result<String> {
    let mut entry = entry.clone();
    entry.inbound.ticket = None;
    Ok(serde_json::to_string(&entry)?)
}

/// Says what cannot be read, and that it is not all.
pub(super) fn report(damage: &[Damage]) -> anyhow::Result<ExitCode> {
    let damage: Vec<&Damage> = damage.iter().filter(|damage| !damage.is_unfinished).collect();
    for damaged in &damage {
        writeln!(anstream::stderr(), "{} {damaged}", "damaged:".red().bold())?;
    }
    Ok(if damage.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(super::PARTLY) })
}

fn line(entry: &Entry) -> String {
    let state = match entry.state() {
        state @ (State::Unknown | State::Failed) => name(state).red().to_string(),
        state @ State::Delivered => name(state).green().to_string(),
        state => name(state).yellow().to_string(),
    };
    let asked = shorten(&what(entry));
    let answer = entry.prepared.as_ref().and_then(|prepared| prepared.parts.first());
    let answer = answer.map(|part| format!(" → {}", shorten(&part.text))).unwrap_or_default();
    let reason = reason(entry).map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!(
        "{:>6}  {}  {state:9}  {}  {}: {asked}{answer}{}",
        entry.sequence.0,
        time(entry.accepted_at),
        entry.inbound.conversation.dimmed(),
        clean(&entry.inbound.sender.id),
        reason.dimmed()
    )
}

/// What somebody said or did.
fn what(entry: &Entry) -> String {
    match &entry.inbound.event {
        Event::Message(message) | Event::Edit { now: message, .. } if !message.text.is_empty() => {
            message.text.clone()
        }
        Event::Message(message) | Event::Edit { now: message, .. } => {
            let names: Vec<&str> = message.attachments.iter().map(|file| file.name.as_str()).collect();
            format!("[{}]", names.join(", "))
        }
        Event::Command { name, arguments } => format!("/{name} {arguments}").trim_end().to_owned(),
        Event::Button { id, .. } => format!("[button {id}]"),
        Event::Reaction { emoji, removed: false, .. } => format!("[{emoji}]"),
        Event::Reaction { emoji, removed: true, .. } => format!("[{emoji} taken back]"),
        Event::Deletion { .. } => "[deleted]".to_owned(),
        Event::Join => "[joined]".to_owned(),
        Event::Leave => "[left]".to_owned(),
        Event::Moved { to } => format!("[moved to {to}]"),
    }
}

fn name(state: State) -> &'static str {
    match state {
        State::Accepted => "accepted",
        State::Answered => "answered",
        State::Sending => "sending",
        State::Delivered => "delivered",
        State::Unknown => "unknown",
        State::Failed => "failed",
        State::Expired => "expired",
        State::Closed => "closed",
    }
}

fn reason(entry: &Entry) -> Option<String> {
    match &entry.settled.as_ref()?.0 {
        Settlement::Delivered => None,
        Settlement::Noted => Some("called for no reply".to_owned()),
        Settlement::Merged { into } => Some(format!("answered with {into}")),
        Settlement::Superseded { reason }
        | Settlement::Expired { reason }
        | Settlement::Failed { reason }
        | Settlement::Unknown { reason } => Some(clean(reason)),
        Settlement::Discarded => Some("discarded by the operator".to_owned()),
    }
}

fn show(ledger: &Ledger, sequence: u64) -> anyhow::Result<ExitCode> {
    let entries = ledger.entries(&Query::default())?;
    let Some(entry) = entries.iter().find(|entry| entry.sequence.0 == sequence) else {
        anyhow::bail!("the journal has no entry {sequence}; `loquat ledger` lists those it has");
    };
    let mut out = anstream::stdout();
    writeln!(out, "{}", line(entry))?;
    writeln!(out, "message     {}", clean(&entry.inbound.id.0))?;
    writeln!(out, "text        {}", clean(&what(entry)))?;
    if let Some(draft) = &entry.draft {
        writeln!(out, "draft       shown as {}", clean(&draft.0))?;
    }
    if let Some(prepared) = &entry.prepared {
        for (number, (part, state)) in (1..).zip(prepared.parts.iter().zip(&entry.parts)) {
            let state = match state {
                PartState::Prepared => "prepared".to_owned(),
                PartState::Sending { at } => format!("sending since {}", time(*at)),
                PartState::Sent { id: Some(id) } => format!("sent as {}", clean(&id.0)),
                PartState::Sent { id: None } => "sent".to_owned(),
                PartState::Failed { reason } => format!("failed: {}", clean(reason)),
                PartState::Unknown { reason } => format!("unknown: {}", clean(reason)),
            };
            writeln!(
                out,
                "part {number:<6} {state}\n            {}",
                clean(&part.text).replace('\n', "\n            ")
            )?;
        }
        for citation in prepared.reply.iter().flat_map(|reply| &reply.citations) {
            let said = [&citation.subject, &citation.predicate, &citation.object]
                .map(|text| clean(text))
                .join(" — ");
            writeln!(out, "fact        {said} ({}, {})", clean(&citation.source), citation.id)?;
        }
    }
    if let Some((_, at)) = &entry.settled {
        writeln!(out, "settled     {}", time(*at))?;
    }
    report(ledger.damage())
}

fn time(at: loquat_contract::Timestamp) -> String {
    let at = i64::try_from(at.0).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    at.map(|at| format!("{at:.0}")).unwrap_or_else(|| "–".to_owned())
}

fn shorten(text: &str) -> String {
    let text = clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= SHOWN { text } else { text.chars().take(SHOWN - 1).chain(['…']).collect() }
}

/// Without control characters but line breaks: what somebody wrote must not steer the terminal.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').collect()
}

#[cfg(test)]
mod tests {
    use loquat_contract::{ConversationId, Inbound, Sender, Ticket, Timestamp};

    use super::*;

    #[test]
    fn no_ticket_is_printed() {
        let place =
            ConversationId { bot: "b".into(), platform: "p".into(), channel: "c".into(), thread: None };
        let inbound = Inbound {
            ticket: Some(Ticket("the-token-of-an-interaction".into())),
            ..Inbound::message(place, "1", Sender::new("ann"), "capital?")
        };
        let entry = Entry {
            sequence: Sequence(1),
            accepted_at: Timestamp::default(),
            inbound,
            draft: None,
            prepared: None,
            parts: Vec::new(),
            settled: None,
            reopened_at: None,
        };
        for shown in [json(&entry).unwrap(), line(&entry)] {
            assert!(shown.contains("capital?") && !shown.contains("the-token"), "{shown}");
        }
    }
}
