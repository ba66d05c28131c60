//! Texts: sent, drafted, forwarded; and what the app shows while the bot works.

use std::time::Instant;

use serde_json::{Value, json};

use super::answers::{Envelope, post, thread};
use crate::entities::{Formatted, formatted, units};
use crate::refusal::Refusal;
use crate::request::Params;
use crate::world::{Draft, Kind, World};

/// The longest text, in UTF-16 units after the markup is read.
pub(super) const LONGEST: usize = 4096;

/// The text of a method, if a message may have it.
pub(super) fn text(params: &Params) -> Result<Formatted, Refusal> {
    if params.get("text").is_none() {
        return Err(Refusal::bad("message text is empty"));
    }
    let text = formatted(params, "text", "entities")?;
    match units(&text.text) {
        0 => Err(Refusal::bad("text must be non-empty")),
        1..=LONGEST => Ok(text),
        _ => Err(Refusal::bad("message is too long")),
    }
}

/// `sendMessage`.
pub(super) fn send(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let envelope = Envelope::read(world, params)?;
    let text = text(params)?;
    let mut message = envelope.message(world)?;
    message.text = text.text;
    message.entities = text.entities;
    message.mended = text.mended;
    message.link_preview = params.json("link_preview_options")?;
    if params.flag("disable_web_page_preview") {
        message.link_preview = Some(json!({"is_disabled": true}));
    }
    post(world, message)
}

/// Where a draft may be, and its number.
pub(super) fn draft_place(world: &World, params: &Params) -> Result<(i64, i64, Option<i64>), Refusal> {
    let chat = world.writable_chat(params)?;
    if world.chat(chat)?.kind != Kind::Private {
        return Err(Refusal::bad("TEXTDRAFT_PEER_INVALID"));
    }
    let thread = thread(world, chat, params)?;
    if world.options.bot_api_version < (9, 5) && thread.is_none() {
        // Until 9.5 only bots with topics in private chats might.
        return Err(Refusal::bad("TEXTDRAFT_PEER_INVALID"));
    }
    match params.number("draft_id") {
        Some(id) if id != 0 => Ok((chat, id, thread)),
        _ => Err(Refusal::bad("RANDOM_ID_INVALID")),
    }
}

/// Shows a draft: one with the same number changes, any other takes its place.
pub(super) fn show_draft(world: &mut World, chat: i64, draft: Draft) -> Result<(), Refusal> {
    let drafts = &mut world.chat_mut(chat)?.drafts;
    let mut draft = draft;
    if let Some(at) = drafts.iter().position(|other| other.thread == draft.thread) {
        let before = drafts.swap_remove(at);
        if before.id == draft.id {
            draft.history = before.history;
            draft.history.push(before.text);
        }
    }
    drafts.push(draft);
    Ok(())
}

/// `sendMessageDraft`.
pub(super) fn send_draft(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let (chat, id, thread) = draft_place(world, params)?;
    let text = match params.get("text") {
        Some(_) => text(params)?,
        // "Pass an empty text to show a `Thinking...` placeholder", says the documentation since 10.0.
        None if world.options.bot_api_version >= (10, 0) => Formatted::default(),
        None => return Err(Refusal::bad("message text is empty")),
    };
    let draft = Draft {
        id,
        thread,
        text: text.text,
        entities: text.entities,
        rich: None,
        history: Vec::new(),
        can_stop: params.flag("can_stop"),
        since: Instant::now(),
    };
    show_draft(world, chat, draft)?;
    Ok(true.into())
}

/// `sendChatAction`. Here the General topic may be named.
pub(super) fn chat_action(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    const KNOWN: [&str; 15] = [
        "cancel",
        "record_audio",
        "upload_audio",
        "pick_up_location",
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    ];
    let chat = world.writable_chat(params)?;
    let general = params.number("message_thread_id") == Some(1) && world.chat(chat)?.kind == Kind::Forum;
    let thread = if general { Some(1) } else { thread(world, chat, params)? };
    let action = params.get("action").unwrap_or_default().to_ascii_lowercase();
    if !KNOWN.contains(&action.as_str()) {
        return Err(Refusal::bad("wrong parameter action in request"));
    }
    world.chat_mut(chat)?.actions.push((action, thread));
    Ok(true.into())
}

fn original(world: &World, params: &Params, missing: &str) -> Result<crate::world::Message, Refusal> {
    let from: i64 = params.number("from_chat_id").ok_or_else(|| Refusal::bad("chat not found"))?;
    let id = params.number("message_id").unwrap_or_default();
    world.chat(from)?;
    world.message(from, id).cloned().ok_or_else(|| Refusal::bad(missing))
}

/// `forwardMessage`.
pub(super) fn forward(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let envelope = Envelope::read(world, params)?;
    let original = original(world, params, "message to forward not found")?;
    let mut message = envelope.message(world)?;
    message.text = original.text;
    message.entities = original.entities;
    message.media = original.media;
    if let crate::world::Author::User(id) = original.author {
        message.forwarded_from = Some(id);
    }
    post(world, message)
}

/// `copyMessage`.
pub(super) fn copy(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let envelope = Envelope::read(world, params)?;
    let original = original(world, params, "message to copy not found")?;
    let mut message = envelope.message(world)?;
    message.text = original.text;
    message.entities = original.entities;
    message.media = original.media;
    let id = world.post(message)?;
    Ok(json!({"message_id": id}))
}
