//! An entry as a row of the ledger, and as a whole. In: an entry. Out: what a page shows of it, without the ticket: whoever has that can answer in the
//! bot's name.

use loquat_contract::{Entry, Event, Outcome, Sequence, Settlement, State, Timestamp};
use serde::Serialize;
use serde_json::Value;

/// How much of a text is in a row, in characters.
const SHOWN: usize = 160;

/// A row of the ledger.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) sequence: Sequence,
    pub(super) at: Timestamp,
    pub(super) state: State,
    platform: String,
    conversation: String,
    person: String,
    /// Their name, where the platform says it.
    name: Option<String>,
    kind: &'static str,
    text: String,
    answer: Option<String>,
    outcome: Option<Outcome>,
    milliseconds: Option<f64>,
    reason: Option<String>,
    is_settled: bool,
}

impl Row {
    pub(super) fn of(entry: &Entry) -> Self {
        let inbound = &entry.inbound;
        let prepared = entry.prepared.as_ref();
        let reply = prepared.and_then(|prepared| prepared.reply.as_ref());
        let part = || prepared.and_then(|prepared| Some(prepared.parts.first()?.text.as_str()));
        let (kind, text) = what(&inbound.event);
        Self {
            sequence: entry.sequence,
            at: entry.accepted_at,
            state: entry.state(),
            platform: inbound.conversation.platform.clone(),
            conversation: inbound.conversation.to_string(),
            person: inbound.person().to_string(),
            name: inbound.sender.name.clone(),
            kind,
            text: short(&text),
            answer: reply.map(|reply| reply.answer.as_str()).or_else(part).map(short),
            outcome: reply.map(|reply| reply.outcome),
            milliseconds: reply.map(|reply| reply.timings.total),
            reason: reason(entry),
            is_settled: entry.settled.is_some(),
        }
    }
}

/// All of an entry.
pub(super) fn whole(entry: &Entry) -> Value {
    let mut entry = entry.clone();
    entry.inbound.ticket = None;
    serde_json::to_value(&entry).unwrap_or(Value::Null)
}

/// What somebody said or did.
pub(super) fn what(event: &Event) -> (&'static str, String) {
    match event {
        Event::Message(message) => ("message", of_message(message)),
        Event::Edit { now, .. } => ("edit", of_message(now)),
        Event::Command { name, arguments } => {
            ("command", format!("/{name} {arguments}").trim_end().to_owned())
        }
        Event::Button { id, .. } => ("button", id.clone()),
        Event::Reaction { emoji, removed: false, .. } => ("reaction", emoji.clone()),
        Event::Reaction { emoji, removed: true, .. } => ("reaction", format!("− {emoji}")),
        Event::Deletion { message } => ("deletion", message.0.clone()),
        Event::Join => ("join", String::new()),
        Event::Leave => ("leave", String::new()),
        Event::Moved { to } => ("moved", to.to_string()),
    }
}

fn of_message(message: &loquat_contract::Message) -> String {
    let files = message.attachments.iter().map(|file| format!("[{}]", file.name));
    let text = (!message.text.is_empty()).then(|| message.text.clone());
    text.into_iter().chain(files).collect::<Vec<_>>().join(" ")
}

fn reason(entry: &Entry) -> Option<String> {
    match &entry.settled.as_ref()?.0 {
        Settlement::Delivered | Settlement::Noted => None,
        Settlement::Merged { into } => Some(format!("→ {into}")),
        Settlement::Discarded => Some("discarded".to_owned()),
        Settlement::Superseded { reason }
        | Settlement::Expired { reason }
        | Settlement::Failed { reason }
        | Settlement::Unknown { reason } => Some(reason.clone()),
    }
}

fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= SHOWN {
        return line;
    }
    line.chars().take(SHOWN - 1).chain(['…']).collect()
}
