//! Parts become messages of Discord. In: a part, and what stands beside it. Out: JSON for the API. Pure: it knows no connection. Whatever
//! the text says, nobody is called by it.

mod embed;
mod menu;

use loquat_contract::{
    Block, Button, Citation, Document, Envelope, IdempotencyKey, Inline, LengthUnit, Part,
};
use serde_json::{Value, json};
use serenity::all::{
    ButtonStyle, CreateActionRow, CreateAllowedMentions, CreateButton, MessageFlags, UserId,
};
use serenity::model::id::MessageId;

pub(crate) use menu::{is_same, menu};

/// The most characters of a message. Discord does not say of what kind; counted in UTF-16 it is never too many.
pub(crate) const LONGEST: usize = 2000;
pub(crate) const UNIT: LengthUnit = LengthUnit::Utf16;
/// The most characters on a button.
const LABEL: usize = 80;
/// The most buttons in a row, and rows on a message.
pub(crate) const ROW: usize = 5;

/// A message as it is to be, without where it goes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Encoded {
    body: Value,
}

/// The message that a part becomes.
///
/// # Errors
/// What is wrong with it, where Discord would refuse it.
pub(crate) fn encode(envelope: &Envelope, embeds: bool) -> Result<Encoded, &'static str> {
    let part = &envelope.part;
    let citations: &[Citation] = match &envelope.reply {
        Some(reply) if embeds && envelope.is_last() => &reply.citations,
        _ => &[],
    };
    let language = envelope.reply.as_ref().map(|reply| &reply.language);
    let embed = language.and_then(|language| embed::citations(citations, language));
    if part.text.trim().is_empty()
        && embed.is_none()
        && part.attachments.is_empty()
        && part.buttons.is_empty()
    {
        return Err("the message is empty; report this, since no part may be");
    }
    if UNIT.measure(&part.text) > LONGEST {
        return Err("the message has more than 2000 characters; report this, since parts are cut to that");
    }
    // A preview of each link would bury a short answer; with it, the embed of the citations would go as well.
    let flags = if embed.is_none() { MessageFlags::SUPPRESS_EMBEDS } else { MessageFlags::empty() };
    let body = json!({
        "content": part.text,
        "embeds": embed.into_iter().collect::<Vec<_>>(),
        "components": rows(&part.buttons),
        "allowed_mentions": allowed_mentions(&mentioned(&part.document)),
        "flags": flags.bits(),
    });
    Ok(Encoded { body })
}

/// What shows a reply that is still being written.
pub(crate) fn draft(part: &Part) -> Encoded {
    let body = json!({
        "content": part.text,
        "allowed_mentions": allowed_mentions(&[]),
        "flags": MessageFlags::SUPPRESS_EMBEDS.bits(),
    });
    Encoded { body }
}

/// A line of the connector's own, below a message.
pub(crate) fn notice(text: &str, below: Option<MessageId>) -> Value {
    let body = json!({ "content": cut(text), "allowed_mentions": allowed_mentions(&[]) });
    with_reference(body, below)
}

/// A first answer to an interaction, for one person's eyes.
pub(crate) fn whisper(text: &str) -> Value {
    json!({ "type": 4, "data": {
        "content": cut(text),
        "allowed_mentions": allowed_mentions(&[]),
        "flags": MessageFlags::EPHEMERAL.bits(),
    }})
}

impl Encoded {
    /// As a new message. Made twice with one key, it is there once.
    pub(crate) fn create(&self, key: &IdempotencyKey, below: Option<MessageId>) -> Value {
        let mut body = with_reference(self.body.clone(), below);
        if let Some(fields) = body.as_object_mut() {
            fields.insert("nonce".to_owned(), json!(key.0));
            fields.insert("enforce_nonce".to_owned(), json!(true));
        }
        body
    }

    /// As what a message becomes.
    pub(crate) fn edit(&self) -> Value {
        self.body.clone()
    }

    /// Whether a message that Discord shows is this one, and not an earlier state of it.
    pub(crate) fn is(&self, shown: &Value) -> bool {
        let count = |value: &Value| value.get("embeds").and_then(Value::as_array).map_or(0, Vec::len);
        // Only the draft has no embed of ours while the reply has one; previews are suppressed.
        self.says(shown) && count(&self.body) == count(shown)
    }

    /// Whether a message that Discord shows says the same. Its embed may be left out where the bot may not embed.
    pub(crate) fn says(&self, shown: &Value) -> bool {
        let text = |value: &Value| {
            value.get("content").and_then(Value::as_str).unwrap_or_default().trim().to_owned()
        };
        let rows = |value: &Value| value.get("components").and_then(Value::as_array).map_or(0, Vec::len);
        text(&self.body) == text(shown) && rows(&self.body) == rows(shown)
    }
}

fn with_reference(mut body: Value, below: Option<MessageId>) -> Value {
    if let (Some(fields), Some(message)) = (body.as_object_mut(), below) {
        // What was asked may be deleted by now.
        let reference = json!({ "message_id": message.to_string(), "fail_if_not_exists": false });
        fields.insert("message_reference".to_owned(), reference);
    }
    body
}

fn cut(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if UNIT.measure(&out) + c.len_utf16() > LONGEST {
            break;
        }
        out.push(c);
    }
    out
}

/// Who is told that a message names them: those of [`Inline::Mention`], and nobody else.
fn allowed_mentions(users: &[UserId]) -> CreateAllowedMentions {
    CreateAllowedMentions::new().users(users.iter().copied()).replied_user(false)
}

fn mentioned(document: &Document) -> Vec<UserId> {
    let mut users = Vec::new();
    for block in &document.blocks {
        match block {
            Block::Paragraph(line) | Block::Heading(line) => in_line(line, &mut users),
            Block::List { items, .. } => users.extend(items.iter().flat_map(mentioned)),
            Block::Quote(inner) => users.extend(mentioned(inner)),
            // Both are shown as code, where nobody is called.
            Block::Code { .. } | Block::Table { .. } => {}
        }
    }
    users.sort_unstable();
    users.dedup();
    // Discord takes no more.
    users.truncate(100);
    users
}

fn in_line(line: &[Inline], users: &mut Vec<UserId>) {
    for inline in line {
        match inline {
            Inline::Mention(person) => {
                users.extend(person.id.parse().ok().filter(|id: &u64| *id > 0).map(UserId::new));
            }
            Inline::Strong(inner) | Inline::Emphasis(inner) | Inline::Link { label: inner, .. } => {
                in_line(inner, users);
            }
            Inline::Text(_) | Inline::Code(_) | Inline::Citation(_) | Inline::Break => {}
        }
    }
}

fn rows(buttons: &[Vec<Button>]) -> Vec<CreateActionRow> {
    let rows = buttons.iter().flat_map(|row| row.chunks(ROW)).take(ROW);
    rows.map(|row| CreateActionRow::Buttons(row.iter().map(button).collect())).collect()
}

fn button(button: &Button) -> CreateButton {
    let mut label: String = button.label.chars().filter(|c| !c.is_control()).collect();
    if UNIT.measure(&label) > LABEL {
        while UNIT.measure(&label) > LABEL - 1 {
            label.pop();
        }
        label.push('…');
    }
    if label.trim().is_empty() {
        label = "…".to_owned();
    }
    CreateButton::new(&button.id).label(label).style(ButtonStyle::Secondary)
}
