//! What happened, as hooks tell it. In: a settled entry, and what it says to those who run the bot. Out: an event's type, its id, which is the
//! same whenever it is made, and its body.

use jiff::Timestamp as Moment;
use loquat_contract::{BoxFuture, Entry, JournalError, Sequence, Settlement, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::config::{EventType, Hook};

/// What an entry says to those who run the bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// What somebody thinks of a reply.
    Feedback {
        /// The entry whose reply it is about.
        reply: Sequence,
        /// `good` or `bad`; `None` where they only say something.
        verdict: Option<String>,
        /// Their words.
        text: Option<String>,
    },
    /// They want to talk to a person.
    Human,
}

/// Knows what entries say: reactions, buttons and commands are the host's.
pub trait Signals: Send + Sync {
    /// What an entry says; `None` for most.
    fn signal<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Option<Signal>, JournalError>>;
}

/// An event, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Happening {
    pub(crate) kind: EventType,
    /// The value of `webhook-id`.
    pub(crate) id: String,
    pub(crate) body: Vec<u8>,
}

impl Happening {
    pub(crate) fn new(kind: EventType, id: String, at: Timestamp, data: &Value) -> Self {
        let body = json!({ "type": kind.name(), "timestamp": moment(at), "data": data });
        Self { kind, id, body: body.to_string().into_bytes() }
    }
}

/// The events that a settled entry is for a hook.
///
/// # Errors
/// When the journal cannot be read.
pub(crate) async fn happenings(
    hook: &Hook,
    entry: &Entry,
    signals: &dyn Signals,
) -> Result<Vec<Happening>, JournalError> {
    let Some((settlement, at)) = &entry.settled else { return Ok(Vec::new()) };
    let mut kinds = Vec::new();
    let has_reply = entry.prepared.as_ref().is_some_and(|prepared| prepared.reply.is_some());
    match settlement {
        Settlement::Delivered if has_reply => kinds.push((EventType::Answered, message(hook, entry, None))),
        Settlement::Failed { reason } | Settlement::Unknown { reason } | Settlement::Expired { reason } => {
            kinds.push((EventType::Failed, message(hook, entry, Some(reason))));
        }
        _ => {}
    }
    if hook.events.iter().any(|kind| matches!(kind, EventType::Feedback | EventType::Human)) {
        match signals.signal(entry).await? {
            Some(Signal::Feedback { reply, verdict, text }) => {
                let mut data = place(entry);
                data["reply"] = reply.0.into();
                data["verdict"] = verdict.into();
                if hook.text {
                    data["text"] = text.into();
                }
                kinds.push((EventType::Feedback, data));
            }
            Some(Signal::Human) => kinds.push((EventType::Human, place(entry))),
            None => {}
        }
    }
    let wanted = kinds.into_iter().filter(|(kind, _)| hook.events.contains(kind));
    Ok(wanted.map(|(kind, data)| Happening::new(kind, id(entry, kind, *at), *at, &data)).collect())
}

/// The id of an event: the same after every restart, another one for everything else that happens to the entry.
fn id(entry: &Entry, kind: EventType, at: Timestamp) -> String {
    let inbound = &entry.inbound;
    let mut hash = Sha256::new();
    for text in [&inbound.conversation.to_string(), &inbound.id.0, kind.name()] {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.update(entry.sequence.0.to_le_bytes());
    hash.update(at.0.to_le_bytes());
    named(&hash.finalize()[..16])
}

pub(crate) fn named(bytes: &[u8]) -> String {
    bytes.iter().fold("msg_".to_owned(), |id, byte| id + &format!("{byte:02x}"))
}

fn place(entry: &Entry) -> Value {
    let inbound = &entry.inbound;
    json!({
        "entry": entry.sequence.0,
        "conversation": inbound.conversation.to_string(),
        "platform": inbound.conversation.platform,
        "person": inbound.person().to_string(),
        "message": inbound.id.0,
        "at": moment(entry.accepted_at),
    })
}

fn message(hook: &Hook, entry: &Entry, reason: Option<&str>) -> Value {
    let mut data = place(entry);
    let prepared = entry.prepared.as_ref();
    let reply = prepared.and_then(|prepared| prepared.reply.as_ref());
    if let Some(reason) = reason {
        data["state"] = json!(entry.state());
        data["reason"] = reason.into();
    }
    if let Some(reply) = reply {
        data["outcome"] = json!(reply.outcome);
        data["language"] = json!(reply.language);
        data["milliseconds"] = reply.timings.total.into();
    }
    if hook.text {
        let asked = prepared.and_then(|prepared| prepared.asked.as_deref());
        data["question"] = asked.or(entry.inbound.text()).into();
    }
    if let Some(reply) = reply.filter(|_| hook.text) {
        data["answer"] = reply.answer.clone().into();
        let citations = reply.citations.iter().map(|cited| {
            json!({
                "id": cited.id,
                "subject": cited.subject,
                "predicate": cited.predicate,
                "object": cited.object,
                "source": cited.source,
            })
        });
        data["citations"] = citations.collect();
    }
    data
}

/// A moment as RFC 3339 writes it.
pub(crate) fn moment(at: Timestamp) -> String {
    let moment = i64::try_from(at.0).ok().and_then(|at| Moment::from_millisecond(at).ok());
    moment.unwrap_or(Moment::UNIX_EPOCH).to_string()
}
