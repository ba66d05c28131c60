//! Channels: looked at, changed, taken away, opened for direct messages, typed in.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::error::ApiError;
use super::validate::Form;
use crate::Shared;
use crate::ids::{Id, id_in};
use crate::world::channel::Overwrite;
use crate::world::permissions::{MANAGE_CHANNELS, MANAGE_THREADS};

type Answer<T> = Result<T, ApiError>;

/// The channels of direct messages. Bots are told of none.
pub(super) async fn all_direct() -> Json<Value> {
    Json(json!([]))
}

/// Opens the direct messages with somebody.
pub(super) async fn direct(
    State(shared): State<Arc<Shared>>,
    Json(body): Json<Value>,
) -> Answer<Json<Value>> {
    let user = id_in(&body["recipient_id"]).ok_or(ApiError::UNKNOWN_USER)?;
    shared.change(|world| {
        let is_person = world.users.get(&user).is_some_and(|user| user.id != world.app.id);
        if !is_person {
            return Err(ApiError::UNKNOWN_USER);
        }
        let id = world.direct(user);
        let channel = world.channels.get(&id).ok_or(ApiError::UNKNOWN_CHANNEL)?;
        Ok(Json(world.channel_json(channel)))
    })
}

/// A channel.
pub(super) async fn channel(State(shared): State<Arc<Shared>>, Path(id): Path<Id>) -> Answer<Json<Value>> {
    let world = shared.look();
    world.allow(id, 0)?;
    let channel = world.channels.get(&id).ok_or(ApiError::UNKNOWN_CHANNEL)?;
    Ok(Json(world.channel_json(channel)))
}

/// Changes a channel's name or topic and what it allows; archives a thread.
pub(super) async fn patch(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<Id>,
    Json(body): Json<Value>,
) -> Answer<Json<Value>> {
    let mut form = Form::default();
    let name = form.text("name", &body["name"], 100).map(str::to_owned);
    let topic = form.text("topic", &body["topic"], 1024).map(str::to_owned);
    form.done()?;
    shared.change(|world| {
        let bot = world.bot();
        let channel = world.channels.get(&id).ok_or(ApiError::UNKNOWN_CHANNEL)?;
        let is_thread = channel.thread.is_some();
        let is_own = channel.thread.as_ref().is_some_and(|thread| thread.owner == bot);
        match (is_thread, is_own) {
            (true, true) => world.allow(id, 0)?,
            (true, false) => world.allow(id, MANAGE_THREADS)?,
            (false, _) => world.allow(id, MANAGE_CHANNELS)?,
        }
        let channel = world.channels.get_mut(&id).ok_or(ApiError::UNKNOWN_CHANNEL)?;
        if let Some(name) = name {
            channel.name = name;
        }
        channel.topic = topic.or(channel.topic.take());
        if let Some(thread) = &mut channel.thread {
            thread.is_archived = body["archived"].as_bool().unwrap_or(thread.is_archived);
            thread.is_locked = body["locked"].as_bool().unwrap_or(thread.is_locked);
            thread.auto_archive_minutes =
                body["auto_archive_duration"].as_u64().unwrap_or(thread.auto_archive_minutes);
        }
        if let Some(overwrites) = body["permission_overwrites"].as_array() {
            channel.overwrites = overwrites.iter().filter_map(overwrite).collect();
        }
        world.tell_channel(if is_thread { "THREAD_UPDATE" } else { "CHANNEL_UPDATE" }, id);
        let channel = world.channels.get(&id).ok_or(ApiError::UNKNOWN_CHANNEL)?;
        Ok(Json(world.channel_json(channel)))
    })
}

/// An overwrite as a body says it.
pub(super) fn overwrite(json: &Value) -> Option<Overwrite> {
    let bits = |key: &str| json[key].as_str().and_then(|bits| bits.parse().ok()).unwrap_or_default();
    let of = id_in(&json["id"])?;
    Some(Overwrite { of, is_user: json["type"] == 1, allow: bits("allow"), deny: bits("deny") })
}

/// Takes a channel or thread away.
pub(super) async fn delete(State(shared): State<Arc<Shared>>, Path(id): Path<Id>) -> Answer<Json<Value>> {
    shared.change(|world| {
        let channel = world.channels.get(&id).ok_or(ApiError::UNKNOWN_CHANNEL)?;
        let json = world.channel_json(channel);
        if channel.guild.is_some() {
            world.allow(id, if channel.thread.is_some() { MANAGE_THREADS } else { MANAGE_CHANNELS })?;
            world.remove_channel(id);
        }
        Ok(Json(json))
    })
}

/// The bot types.
pub(super) async fn typing(State(shared): State<Arc<Shared>>, Path(id): Path<Id>) -> Answer<StatusCode> {
    shared.change(|world| {
        let to_speak = world.to_speak(id);
        world.allow(id, to_speak)?;
        let bot = world.bot();
        world.type_in(id, bot);
        Ok(StatusCode::NO_CONTENT)
    })
}

impl crate::world::World {
    /// Takes a channel away, with its threads, and tells of it.
    pub(crate) fn remove_channel(&mut self, id: Id) {
        let Some(channel) = self.channels.get(&id) else { return };
        let is_thread = channel.thread.is_some();
        if is_thread {
            let (guild, parent) = (channel.guild, channel.parent);
            let data = json!({"id": id, "guild_id": guild, "parent_id": parent, "type": channel.kind as u8});
            let intents = crate::world::events::intents::GUILDS;
            self.tell(&crate::world::events::Event {
                name: "THREAD_DELETE",
                guild,
                channel: Some(id),
                intents,
                data,
                closed: None,
            });
        } else {
            self.tell_channel("CHANNEL_DELETE", id);
            self.channels.retain(|_, other| other.parent != Some(id) || other.thread.is_none());
        }
        self.channels.remove(&id);
    }
}
