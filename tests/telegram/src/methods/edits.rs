//! Messages changed and taken away.

use serde_json::Value;

use super::{keyboard as keyboards, media, messages, rich};
use crate::entities::Formatted;
use crate::refusal::Refusal;
use crate::request::Params;
use crate::world::{Kind, Message, Standing, World, now};

/// The message that a method wants to edit.
fn target(world: &World, params: &Params) -> Result<(i64, i64), Refusal> {
    if params.get("inline_message_id").is_some() {
        return Err(Refusal::bad("MESSAGE_ID_INVALID"));
    }
    let chat = world.writable_chat(params)?;
    let Some(id) = params.number("message_id") else {
        return Err(Refusal::bad("message identifier is not specified"));
    };
    let message = world.message(chat, id).ok_or_else(|| Refusal::bad("message to edit not found"))?;
    if !message.by_bot || message.service.is_some() || message.forwarded_from.is_some() {
        return Err(Refusal::bad("message can't be edited"));
    }
    Ok((chat, id))
}

fn unchanged() -> Refusal {
    Refusal::bad(
        "message is not modified: specified new message content and reply markup are exactly the same as a current content and \
         reply markup of the message",
    )
}

/// Puts the edited message in place of the old one, unless they are the same.
fn replace(world: &mut World, old: (i64, i64), new: Message) -> Result<Value, Refusal> {
    let before = world.message(old.0, old.1).ok_or_else(|| Refusal::bad("message to edit not found"))?;
    let same = before.text == new.text
        && before.entities == new.entities
        && before.rich == new.rich
        && before.keyboard == new.keyboard;
    if same {
        return Err(unchanged());
    }
    let mut new = new;
    if before.text != new.text || before.rich != new.rich || before.entities != new.entities {
        new.history.push(before.text.clone());
    }
    new.edited = Some(now());
    let shape = world.message_json(&new);
    world.chat_mut(old.0)?.messages.insert(old.1, new);
    Ok(shape)
}

fn with_text(message: &mut Message, text: Formatted) {
    message.text = text.text;
    message.entities = text.entities;
    message.mended = text.mended;
}

/// `editMessageText`. A keyboard that is not given again is gone.
pub(super) fn text(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let (chat, id) = target(world, params)?;
    let rich = match params.get("rich_message") {
        Some(_) if world.options.bot_api_version >= (10, 1) => Some(rich::read(world, params, false)?),
        _ => None,
    };
    let keyboard = keyboards::read(params)?;
    let Some(message) = world.message(chat, id) else {
        return Err(Refusal::bad("message to edit not found"));
    };
    if message.media.is_some() {
        return Err(Refusal::bad("there is no text in the message to edit"));
    }
    let mut message = message.clone();
    match rich {
        Some(rich) => {
            message.text = rich.plain;
            message.entities.clear();
            message.rich = Some(rich.shape);
        }
        None => {
            with_text(&mut message, messages::text(params)?);
            message.rich = None;
        }
    }
    message.keyboard = keyboard;
    if let Some(preview) = params.json("link_preview_options")? {
        message.link_preview = Some(preview);
    }
    replace(world, (chat, id), message)
}

/// `editMessageCaption`.
pub(super) fn caption(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let (chat, id) = target(world, params)?;
    let keyboard = keyboards::read(params)?;
    let caption = media::caption(params)?;
    match world.message(chat, id).cloned() {
        Some(mut message) if message.media.is_some() => {
            with_text(&mut message, caption);
            message.keyboard = keyboard;
            replace(world, (chat, id), message)
        }
        _ => Err(Refusal::bad("there is no caption in the message to edit")),
    }
}

/// `editMessageReplyMarkup`.
pub(super) fn keyboard(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let (chat, id) = target(world, params)?;
    let keyboard = keyboards::read(params)?;
    let Some(mut message) = world.message(chat, id).cloned() else {
        return Err(Refusal::bad("message to edit not found"));
    };
    message.keyboard = keyboard;
    replace(world, (chat, id), message)
}

/// Whether the bot may delete it: its own, and what others say where it may.
fn deletable(world: &World, chat: i64, id: i64) -> Result<(), Refusal> {
    let Some(message) = world.message(chat, id) else {
        return Err(Refusal::bad("message to delete not found"));
    };
    let place = world.chat(chat)?;
    let may = message.by_bot || place.kind == Kind::Private || place.bot == Standing::Administrator;
    let fresh = now().saturating_sub(message.date) < 48 * 3600 || place.bot == Standing::Administrator;
    if may && fresh { Ok(()) } else { Err(Refusal::bad("message can't be deleted")) }
}

/// `deleteMessage`.
pub(super) fn delete(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let chat = world.writable_chat(params)?;
    let id = params.number("message_id").unwrap_or_default();
    deletable(world, chat, id)?;
    world.chat_mut(chat)?.messages.remove(&id);
    Ok(true.into())
}

/// `deleteMessages`, which skips what is not there.
pub(super) fn delete_many(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let chat = world.writable_chat(params)?;
    let list = params.json("message_ids")?.unwrap_or_default();
    let ids: Vec<i64> = list.as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
    if !(1..=100).contains(&ids.len()) {
        return Err(Refusal::bad("message identifiers are not specified"));
    }
    for id in ids {
        if deletable(world, chat, id).is_ok() {
            world.chat_mut(chat)?.messages.remove(&id);
        }
    }
    Ok(true.into())
}
