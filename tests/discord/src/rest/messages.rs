//! Messages: said, read, changed, taken away.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::content::Content;
use super::error::ApiError;
use super::payload::Payload;
use super::validate::Form;
use crate::Shared;
use crate::ids::{Id, id_in};
use crate::world::World;
use crate::world::channel::Kind;
use crate::world::mentions::Allowed;
use crate::world::message::{Draft, EPHEMERAL, Message, Reference, SUPPRESS_EMBEDS, kind};
use crate::world::permissions::{
    ATTACH_FILES, EMBED_LINKS, MANAGE_MESSAGES, Permissions, READ_MESSAGE_HISTORY, VIEW_CHANNEL,
};

type Answer<T> = Result<T, ApiError>;
type Of = Path<(Id, Id)>;

/// How long a nonce is remembered: "the past few minutes".
const NONCE_LIFE: Duration = Duration::from_secs(5 * 60);

impl World {
    /// The bot may do this in a channel, or Discord's refusal.
    pub(super) fn allow(&self, channel: Id, what: Permissions) -> Answer<()> {
        if !self.channels.contains_key(&channel) {
            return Err(ApiError::UNKNOWN_CHANNEL);
        }
        let all = self.permissions(self.bot(), channel);
        if all & VIEW_CHANNEL == 0 {
            Err(ApiError::MISSING_ACCESS)
        } else if all & what == what {
            Ok(())
        } else {
            Err(ApiError::MISSING_PERMISSIONS)
        }
    }

    /// A message in a channel where the bot may look back.
    pub(super) fn seen(&self, channel: Id, id: Id) -> Answer<&Message> {
        self.allow(channel, READ_MESSAGE_HISTORY)?;
        let message = self.message(channel, id).filter(|message| message.only_for.is_none());
        message.ok_or(ApiError::UNKNOWN_MESSAGE)
    }

    /// Whether what a message holds may be sent to a channel.
    pub(super) fn allow_content(&self, channel: Id, content: &Content) -> Answer<()> {
        if content.embeds.as_ref().is_some_and(|embeds| !embeds.is_empty()) {
            self.allow(channel, EMBED_LINKS)?;
        }
        if content.files.as_ref().is_some_and(|files| !files.is_empty()) {
            self.allow(channel, ATTACH_FILES)?;
        }
        Ok(())
    }
}

/// Says something.
pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    Path(channel): Path<Id>,
    payload: Payload,
) -> Answer<Json<Value>> {
    shared.change(|world| {
        let to_speak = world.to_speak(channel);
        world.allow(channel, to_speak)?;
        let place = world.channels.get(&channel).ok_or(ApiError::UNKNOWN_CHANNEL)?;
        if !place.is_text() {
            return Err(ApiError::NOT_A_TEXT_CHANNEL);
        }
        if place.thread.as_ref().is_some_and(|thread| thread.is_archived && thread.is_locked) {
            return Err(ApiError::ARCHIVED);
        }
        let bot = world.bot();
        let addressee = place.recipients.iter().find(|user| **user != bot && place.kind == Kind::Direct);
        if addressee.and_then(|user| world.users.get(user)).is_some_and(|user| !user.takes_messages) {
            return Err(ApiError::CANNOT_SEND_TO_USER);
        }
        let (nonce, enforces) = nonce(&payload.json)?;
        if let Some(nonce) = nonce.as_ref().filter(|_| enforces)
            && let Some(there) = world.said_with(bot, nonce)
        {
            let there = world.message(there.channel, there.id).ok_or(ApiError::UNKNOWN_MESSAGE)?;
            let mut json = world.message_json(there);
            json["nonce"] = nonce.clone();
            return Ok(Json(json));
        }
        let reference = reference(world, channel, &payload.json["message_reference"])?;
        let content = Content::read(world, channel, payload)?;
        world.allow_content(channel, &content)?;
        if content.is_empty() {
            return Err(ApiError::EMPTY_MESSAGE);
        }
        let id = world.post(Draft {
            kind: if reference.is_some() { kind::REPLY } else { kind::DEFAULT },
            embeds: content.embeds.unwrap_or_default(),
            components: content.components.unwrap_or_default(),
            files: content.files.unwrap_or_default(),
            flags: content.flags.unwrap_or_default() & !EPHEMERAL,
            nonce: nonce.clone(),
            reference,
            allowed: content.allowed.unwrap_or(Allowed::ALL),
            ..Draft::new(channel, bot, &content.content.unwrap_or_default())
        });
        let mut json = world.messages.get(&id).map(|message| world.message_json(message)).unwrap_or_default();
        if let Some(nonce) = nonce {
            json["nonce"] = nonce;
        }
        Ok(Json(json))
    })
}

impl World {
    /// What this author said with this nonce not long ago, also where it was deleted since.
    fn said_with(&self, author: Id, nonce: &Value) -> Option<&Message> {
        let oldest = Timestamp::now().checked_sub(NONCE_LIFE).unwrap_or_default();
        self.messages.values().find(|message| {
            message.nonce.as_ref() == Some(nonce) && message.author == author && message.id.time() >= oldest
        })
    }
}

fn nonce(json: &Value) -> Answer<(Option<Value>, bool)> {
    let mut form = Form::default();
    let nonce = match &json["nonce"] {
        Value::Null => None,
        number @ Value::Number(_) => Some(number.clone()),
        other => form.text("nonce", other, 25).map(Value::from),
    };
    form.done()?;
    Ok((nonce, json["enforce_nonce"] == true))
}

fn reference(world: &World, channel: Id, json: &Value) -> Answer<Option<Reference>> {
    if json["message_id"].is_null() {
        return Ok(None);
    }
    let there = id_in(&json["message_id"]).and_then(|id| world.message(channel, id));
    let there = there.filter(|message| message.only_for.is_none());
    let Some(there) = there else {
        if json["fail_if_not_exists"] == false {
            return Ok(None);
        }
        let mut form = Form::default();
        form.wrong("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message");
        form.done()?;
        return Ok(None);
    };
    world.allow(channel, READ_MESSAGE_HISTORY).map_err(|_| ApiError::NO_REPLY_WITHOUT_HISTORY)?;
    Ok(Some(Reference { channel, message: there.id }))
}

/// Which messages are asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Range {
    before: Option<Id>,
    after: Option<Id>,
    around: Option<Id>,
    limit: Option<usize>,
}

/// Lists messages, newest first.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Path(channel): Path<Id>,
    Query(range): Query<Range>,
) -> Answer<Json<Vec<Value>>> {
    let limit = range.limit.unwrap_or(50);
    let mut form = Form::default();
    if !(1..=100).contains(&limit) {
        form.wrong("limit", "NUMBER_TYPE_MAX", "int value should be less than or equal to 100.");
    }
    form.done()?;
    let world = shared.look();
    world.allow(channel, 0)?;
    // Without the permission to look back there is simply nothing.
    if world.allow(channel, READ_MESSAGE_HISTORY).is_err() {
        return Ok(Json(Vec::new()));
    }
    let all = world.channels.get(&channel).map(|channel| channel.messages.as_slice()).unwrap_or_default();
    let all: Vec<Id> = all
        .iter()
        .copied()
        .filter(|id| world.message(channel, *id).is_some_and(|message| message.only_for.is_none()))
        .collect();
    let chosen = if let Some(around) = range.around {
        let at = all.partition_point(|id| *id < around);
        let from = at.saturating_sub(limit / 2);
        all.get(from..(from + limit).min(all.len())).unwrap_or_default()
    } else if let Some(after) = range.after {
        let at = all.partition_point(|id| *id <= after);
        all.get(at..(at + limit).min(all.len())).unwrap_or_default()
    } else {
        let end = range.before.map_or(all.len(), |before| all.partition_point(|id| *id < before));
        all.get(end.saturating_sub(limit)..end).unwrap_or_default()
    };
    let chosen = chosen.iter().rev().filter_map(|id| world.messages.get(id));
    Ok(Json(chosen.map(|message| world.message_json(message)).collect()))
}

/// One message.
pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    Path((channel, message)): Of,
) -> Answer<Json<Value>> {
    let world = shared.look();
    Ok(Json(world.message_json(world.seen(channel, message)?)))
}

/// Changes a message of the bot's.
pub(super) async fn edit(
    State(shared): State<Arc<Shared>>,
    Path((channel, id)): Of,
    payload: Payload,
) -> Answer<Json<Value>> {
    shared.change(|world| {
        world.allow(channel, 0)?;
        let message = world.message(channel, id).filter(|message| message.only_for.is_none());
        let message = message.ok_or(ApiError::UNKNOWN_MESSAGE)?;
        if message.author != world.bot() {
            return Err(ApiError::NOT_THE_AUTHOR);
        }
        let content = Content::read(world, channel, payload)?;
        world.allow_content(channel, &content)?;
        apply(world, id, content)?;
        Ok(Json(world.messages.get(&id).map(|message| world.message_json(message)).unwrap_or_default()))
    })
}

/// Puts what a body says into a message that is there.
pub(super) fn apply(world: &mut World, id: Id, content: Content) -> Answer<()> {
    let message = world.messages.get_mut(&id).ok_or(ApiError::UNKNOWN_MESSAGE)?;
    let is_empty = content.content.as_ref().unwrap_or(&message.content).is_empty()
        && content.embeds.as_ref().unwrap_or(&message.embeds).is_empty()
        && content.components.as_ref().unwrap_or(&message.components).is_empty()
        && content.files.as_ref().unwrap_or(&message.files).is_empty();
    if is_empty {
        return Err(ApiError::EMPTY_MESSAGE);
    }
    if let Some(embeds) = content.embeds {
        message.embeds = embeds;
    }
    if let Some(components) = content.components {
        message.components = components;
    }
    if let Some(files) = content.files {
        message.files = files;
    }
    if let Some(flags) = content.flags {
        message.flags = message.flags & !SUPPRESS_EMBEDS | flags & SUPPRESS_EMBEDS;
    }
    let otherwise = if message.interaction.is_some() { Allowed::USERS } else { Allowed::ALL };
    world.edit_message(id, content.content, &content.allowed.unwrap_or(otherwise));
    Ok(())
}

/// Takes a message away: the bot's own, or another's where it may.
pub(super) async fn delete(State(shared): State<Arc<Shared>>, Path((channel, id)): Of) -> Answer<StatusCode> {
    shared.change(|world| {
        world.allow(channel, 0)?;
        let message = world.message(channel, id).ok_or(ApiError::UNKNOWN_MESSAGE)?;
        if message.author != world.bot() {
            world.allow(channel, MANAGE_MESSAGES)?;
        }
        world.delete_message(id);
        Ok(StatusCode::NO_CONTENT)
    })
}

/// Takes several away.
pub(super) async fn bulk_delete(
    State(shared): State<Arc<Shared>>,
    Path(channel): Path<Id>,
    Json(body): Json<Value>,
) -> Answer<StatusCode> {
    shared.change(|world| {
        world.allow(channel, MANAGE_MESSAGES)?;
        let ids: Vec<Id> = body["messages"].as_array().into_iter().flatten().filter_map(id_in).collect();
        if !(2..=100).contains(&ids.len()) {
            let mut form = Form::default();
            form.wrong("messages", "BASE_TYPE_BAD_LENGTH", "Must be between 2 and 100 in length.");
            form.done()?;
        }
        world.delete_messages(channel, &ids);
        Ok(StatusCode::NO_CONTENT)
    })
}
