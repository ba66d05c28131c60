//! What somebody said and what came of it. In: an entry of the journal. Out: one exchange, as `…/exchanges` lists it and the event
//! `message` tells it.

use loquat_contract::{Attachment, Entry, Event, Place, Settlement};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, answered_by};
use crate::receive::FEEDBACK;

/// How far an exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Its answer is still to come.
    Waiting,
    /// It has a reply, or was answered together with a later message.
    Answered,
    /// The bot said something that is no reply, such as what a command does; or it noted what was pressed.
    Told,
    /// There is no answer, and none will come by itself.
    Failed,
    /// It was taken back, or changed before it was answered.
    Withdrawn,
}

/// A file that came with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct File {
    /// Its id.
    pub(crate) id: String,
    /// Its name, as its sender calls it.
    pub(crate) name: String,
    /// Its media type.
    pub(crate) media_type: String,
    /// Its size.
    pub(crate) bytes: u64,
}

impl File {
    fn of(attachment: &Attachment) -> Self {
        let id = match &attachment.place {
            Place::Path(path) => path.file_name().map(|name| name.to_string_lossy().into_owned()),
            Place::Url(id) | Place::PlatformFile(id) => Some(id.clone()),
        };
        Self {
            id: id.unwrap_or_default(),
            name: attachment.name.clone(),
            media_type: attachment.media_type.clone(),
            bytes: attachment.bytes.unwrap_or_default(),
        }
    }
}

/// What somebody said or did, and what the bot said to it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Exchange {
    /// Its number in the journal; grows within a conversation.
    sequence: u64,
    /// The id that its sender gave it.
    id: String,
    /// When it was accepted (RFC 3339).
    #[schema(format = DateTime)]
    at: String,
    /// What they said; for a press, the question that it has answered, where it has one.
    text: String,
    /// The message that this is a change of; its answer takes the place of that one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    edits: Option<String>,
    /// The message whose answer this is about: of a press, and of feedback.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    about: Option<String>,
    /// The button that was pressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    button: Option<String>,
    /// The files that came with it.
    attachments: Vec<File>,
    /// How far it is.
    state: State,
    /// What the bot said to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    answer: Option<Answer>,
}

/// Whether the way of an entry has ended.
pub(crate) fn is_settled(entry: &Entry) -> bool {
    entry.settled.is_some()
}

impl Exchange {
    /// The exchange of an entry; `None` for what nobody has to see: reactions, deletions, changes of nothing, and presses that are neither
    /// answered nor noted yet.
    pub(crate) fn of(entry: &Entry) -> Option<Self> {
        let is_noted = matches!(entry.settled, Some((Settlement::Noted, _)));
        let is_shown = match &entry.inbound.event {
            Event::Message(_) | Event::Command { .. } => true,
            Event::Edit { .. } => !is_noted,
            // A page shows which opinion was noted.
            Event::Button { .. } => entry.prepared.is_some() || is_noted,
            _ => false,
        };
        is_shown.then(|| Self::whatever(entry))
    }

    /// The exchange of an entry that the bot is answering just now.
    pub(crate) fn being_answered(entry: &Entry) -> Option<Self> {
        let has_words = entry.inbound.text().is_some() || matches!(entry.inbound.event, Event::Button { .. });
        has_words.then(|| Self::whatever(entry))
    }

    fn whatever(entry: &Entry) -> Self {
        let inbound = &entry.inbound;
        let asked =
            || entry.prepared.as_ref().and_then(|prepared| prepared.asked.clone()).unwrap_or_default();
        let (mut edits, mut about, mut button, mut files) = (None, None, None, &[][..]);
        let text = match &inbound.event {
            Event::Message(message) => {
                files = &message.attachments;
                about = message.reply_to.as_ref().map(|id| id.0.clone());
                let words = message.text.strip_prefix(FEEDBACK).filter(|_| about.is_some());
                words.unwrap_or(&message.text).to_owned()
            }
            Event::Edit { message, now } => {
                edits = Some(message.0.clone());
                now.text.clone()
            }
            Event::Command { name, arguments } => format!("/{name} {arguments}").trim_end().to_owned(),
            Event::Button { message, id } => {
                about = Some(answered_by(&message.0).to_owned());
                button = Some(id.clone());
                asked()
            }
            _ => String::new(),
        };
        let answer = Answer::kept(entry);
        Self {
            sequence: entry.sequence.0,
            id: inbound.id.0.clone(),
            at: rfc3339(entry.accepted_at.0),
            text,
            edits,
            about,
            button,
            attachments: files.iter().map(File::of).collect(),
            state: state(entry, answer.as_ref()),
            answer,
        }
    }

    /// The same without its answer.
    pub(crate) fn unanswered(mut self) -> Self {
        self.answer = None;
        self
    }

    /// The id that its sender gave it.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What they said.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What the bot said to it.
    pub(crate) fn answer(&self) -> Option<&Answer> {
        self.answer.as_ref()
    }
}

fn state(entry: &Entry, answer: Option<&Answer>) -> State {
    use super::Kind;
    match (entry.settled.as_ref().map(|(settlement, _)| settlement), answer.map(Answer::kind)) {
        (Some(Settlement::Superseded { .. }), _) => State::Withdrawn,
        (_, Some(Kind::Reply)) | (Some(Settlement::Merged { .. }), _) => State::Answered,
        (_, Some(Kind::Problem)) => State::Failed,
        (_, Some(_)) | (Some(_), None) => State::Told,
        (None, None) => State::Waiting,
    }
}

/// A time in milliseconds since 1970, as RFC 3339 writes it.
pub(crate) fn rfc3339(milliseconds: u64) -> String {
    let milliseconds = i64::try_from(milliseconds).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}
