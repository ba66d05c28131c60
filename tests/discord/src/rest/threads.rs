//! Threads, and posts in forums.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::content::Content;
use super::error::ApiError;
use super::payload::Payload;
use super::validate::Form;
use crate::Shared;
use crate::ids::{Id, id_in};
use crate::world::World;
use crate::world::channel::Kind;
use crate::world::mentions::Allowed;
use crate::world::message::{Draft, HAS_THREAD};
use crate::world::permissions::{
    CREATE_PRIVATE_THREADS, CREATE_PUBLIC_THREADS, READ_MESSAGE_HISTORY, SEND_MESSAGES, VIEW_CHANNEL,
};
use crate::world::thread::NewThread;

type Answer<T> = Result<T, ApiError>;

fn name_of(json: &Value) -> Answer<String> {
    let mut form = Form::default();
    let name = form.needed("name", &json["name"], 100).unwrap_or_default().to_owned();
    if !matches!(json["auto_archive_duration"].as_u64(), None | Some(60 | 1440 | 4320 | 10080)) {
        form.wrong(
            "auto_archive_duration",
            "BASE_TYPE_CHOICES",
            "Value must be one of {60, 1440, 4320, 10080}.",
        );
    }
    form.done()?;
    Ok(name)
}

fn shown(world: &World, id: Id) -> Answer<Json<Value>> {
    let thread = world.channels.get(&id).ok_or(ApiError::UNKNOWN_CHANNEL)?;
    Ok(Json(world.channel_json(thread)))
}

/// A thread that hangs on a message.
pub(super) async fn of_message(
    State(shared): State<Arc<Shared>>,
    Path((channel, message)): Path<(Id, Id)>,
    Json(body): Json<Value>,
) -> Answer<Json<Value>> {
    let name = name_of(&body)?;
    shared.change(|world| {
        let seen = world.seen(channel, message)?;
        if seen.flags & HAS_THREAD != 0 {
            return Err(ApiError::THREAD_EXISTS);
        }
        let place = world.channels.get(&channel).ok_or(ApiError::UNKNOWN_CHANNEL)?;
        if place.kind != Kind::Text {
            return Err(ApiError::WRONG_CHANNEL_TYPE);
        }
        world.allow(channel, CREATE_PUBLIC_THREADS)?;
        let id = world.make_thread(NewThread {
            parent: channel,
            owner: world.bot(),
            name: &name,
            kind: Kind::PublicThread,
            message: Some(message),
            tags: Vec::new(),
            auto_archive_minutes: body["auto_archive_duration"].as_u64().unwrap_or(4320),
        });
        shown(world, id)
    })
}

/// A thread of a channel, or a post in a forum with its first message.
pub(super) async fn without_message(
    State(shared): State<Arc<Shared>>,
    Path(channel): Path<Id>,
    mut payload: Payload,
) -> Answer<(StatusCode, Json<Value>)> {
    let name = name_of(&payload.json)?;
    let auto_archive_minutes = payload.json["auto_archive_duration"].as_u64().unwrap_or(4320);
    shared.change(|world| {
        world.allow(channel, 0)?;
        let place = world.channels.get(&channel).ok_or(ApiError::UNKNOWN_CHANNEL)?;
        let bot = world.bot();
        let new = NewThread {
            parent: channel,
            owner: bot,
            name: &name,
            kind: Kind::PublicThread,
            message: None,
            tags: Vec::new(),
            auto_archive_minutes,
        };
        if place.kind == Kind::Forum {
            world.allow(channel, SEND_MESSAGES)?;
            let known = |tag: &Id| place.tags.iter().any(|(id, _)| id == tag);
            let tags = payload.json["applied_tags"].as_array().into_iter().flatten();
            let tags = tags.filter_map(id_in).filter(known).collect();
            payload.json = payload.json["message"].take();
            let content = Content::read(world, channel, payload)?;
            world.allow_content(channel, &content)?;
            if content.is_empty() {
                return Err(ApiError::EMPTY_MESSAGE);
            }
            let id = world.make_thread(NewThread { tags, ..new });
            world.post(Draft {
                id: Some(id),
                embeds: content.embeds.unwrap_or_default(),
                components: content.components.unwrap_or_default(),
                files: content.files.unwrap_or_default(),
                allowed: content.allowed.unwrap_or(Allowed::ALL),
                ..Draft::new(id, bot, &content.content.unwrap_or_default())
            });
            let Json(mut thread) = shown(world, id)?;
            thread["message"] = world.messages.get(&id).map(|message| world.message_json(message)).into();
            return Ok((StatusCode::CREATED, Json(thread)));
        }
        if place.kind != Kind::Text {
            return Err(ApiError::WRONG_CHANNEL_TYPE);
        }
        // Without a word, a thread is one for some.
        let kind = if payload.json["type"] == 11 { Kind::PublicThread } else { Kind::PrivateThread };
        let needed = if kind == Kind::PublicThread { CREATE_PUBLIC_THREADS } else { CREATE_PRIVATE_THREADS };
        world.allow(channel, needed)?;
        let id = world.make_thread(NewThread { kind, ..new });
        Ok((StatusCode::CREATED, shown(world, id)?))
    })
}

/// The bot enters a thread.
pub(super) async fn join(shared: State<Arc<Shared>>, id: Path<Id>) -> Answer<StatusCode> {
    set_in(&shared, id.0, true)
}

/// The bot leaves a thread.
pub(super) async fn leave(shared: State<Arc<Shared>>, id: Path<Id>) -> Answer<StatusCode> {
    set_in(&shared, id.0, false)
}

fn set_in(shared: &Shared, id: Id, is_in: bool) -> Answer<StatusCode> {
    shared.change(|world| {
        world.allow(id, 0)?;
        let thread = world.channels.get(&id).and_then(|channel| channel.thread.as_ref());
        let thread = thread.ok_or(ApiError::WRONG_CHANNEL_TYPE)?;
        if thread.is_archived {
            return Err(ApiError::ARCHIVED);
        }
        let bot = world.bot();
        world.set_in_thread(id, bot, is_in);
        Ok(StatusCode::NO_CONTENT)
    })
}

/// Who is in a thread.
pub(super) async fn members(State(shared): State<Arc<Shared>>, Path(id): Path<Id>) -> Answer<Json<Value>> {
    let world = shared.look();
    world.allow(id, 0)?;
    let thread = world.channels.get(&id).and_then(|channel| channel.thread.as_ref());
    let thread = thread.ok_or(ApiError::WRONG_CHANNEL_TYPE)?;
    let members = thread
        .members
        .iter()
        .map(|(user, joined)| json!({"id": id, "user_id": user, "join_timestamp": joined, "flags": 0}));
    Ok(Json(members.collect()))
}

/// A channel's public threads that are archived, newest first.
pub(super) async fn archived(
    State(shared): State<Arc<Shared>>,
    Path(parent): Path<Id>,
) -> Answer<Json<Value>> {
    let world = shared.look();
    world.allow(parent, READ_MESSAGE_HISTORY)?;
    let is_archived = |thread: &crate::world::channel::Thread| thread.is_archived;
    let own = world.channels.values().rev().filter(|channel| {
        let is_public = channel.kind == Kind::PublicThread && channel.parent == Some(parent);
        is_public && channel.thread.as_ref().is_some_and(is_archived)
    });
    let threads: Vec<_> = own.map(|channel| world.channel_json(channel)).collect();
    Ok(Json(json!({"threads": threads, "members": [], "has_more": false})))
}

/// A guild's threads that are not archived.
pub(super) async fn active(State(shared): State<Arc<Shared>>, Path(guild): Path<Id>) -> Answer<Json<Value>> {
    let world = shared.look();
    world.member_of(guild)?;
    let bot = world.bot();
    let is_active = |thread: &crate::world::channel::Thread| !thread.is_archived;
    let threads: Vec<_> = world
        .channels
        .values()
        .filter(|channel| channel.guild == Some(guild) && channel.thread.as_ref().is_some_and(is_active))
        .filter(|channel| world.can(bot, channel.id, VIEW_CHANNEL))
        .collect();
    let own = threads.iter().filter_map(|channel| {
        let (user, joined) = channel.thread.as_ref()?.members.iter().find(|(user, _)| *user == bot)?;
        Some(json!({"id": channel.id, "user_id": user, "join_timestamp": joined, "flags": 0}))
    });
    Ok(Json(json!({
        "threads": threads.iter().map(|channel| world.channel_json(channel)).collect::<Vec<_>>(),
        "members": own.collect::<Vec<_>>(),
        "has_more": false,
    })))
}
