//! What is pinned in a channel.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::error::ApiError;
use crate::Shared;
use crate::ids::Id;
use crate::world::World;
use crate::world::events::{Event, intents};
use crate::world::message::{Draft, Message, Reference, kind};
use crate::world::permissions::{PIN_MESSAGES, READ_MESSAGE_HISTORY};

type Answer<T> = Result<T, ApiError>;
type Of = Path<(Id, Id)>;

/// Newest first.
fn pinned(world: &World, channel: Id) -> Answer<Vec<&Message>> {
    world.allow(channel, READ_MESSAGE_HISTORY)?;
    let all = world.channels.get(&channel).map(|channel| channel.messages.as_slice()).unwrap_or_default();
    let all = all.iter().rev().filter_map(|id| world.message(channel, *id));
    Ok(all.filter(|message| message.is_pinned).collect())
}

/// What is pinned, and when it was.
pub(super) async fn list(State(shared): State<Arc<Shared>>, Path(channel): Path<Id>) -> Answer<Json<Value>> {
    let world = shared.look();
    let items = pinned(&world, channel)?.into_iter().map(
        |message| json!({"pinned_at": message.id.written_time(), "message": world.message_json(message)}),
    );
    Ok(Json(json!({"items": items.collect::<Vec<_>>(), "has_more": false})))
}

/// What is pinned.
pub(super) async fn plain_list(
    State(shared): State<Arc<Shared>>,
    Path(channel): Path<Id>,
) -> Answer<Json<Value>> {
    let world = shared.look();
    let pinned = pinned(&world, channel)?;
    Ok(Json(pinned.into_iter().map(|message| world.message_json(message)).collect()))
}

/// Pins a message.
pub(super) async fn pin(shared: State<Arc<Shared>>, of: Of) -> Answer<StatusCode> {
    set(&shared, of, true)
}

/// Unpins a message.
pub(super) async fn unpin(shared: State<Arc<Shared>>, of: Of) -> Answer<StatusCode> {
    set(&shared, of, false)
}

fn set(shared: &Shared, Path((channel, id)): Of, is_pinned: bool) -> Answer<StatusCode> {
    shared.change(|world| {
        let guild = world.channels.get(&channel).and_then(|channel| channel.guild);
        if guild.is_some() {
            world.allow(channel, PIN_MESSAGES)?;
        }
        if world.seen(channel, id)?.is_pinned == is_pinned {
            return Ok(StatusCode::NO_CONTENT);
        }
        if let Some(message) = world.messages.get_mut(&id) {
            message.is_pinned = is_pinned;
        }
        world.tell_message("MESSAGE_UPDATE", id);
        let mut data =
            json!({"channel_id": channel, "last_pin_timestamp": is_pinned.then(|| id.written_time())});
        if let Some(guild) = guild {
            data["guild_id"] = json!(guild);
        }
        let intents = if guild.is_some() { intents::GUILDS } else { intents::DIRECT_MESSAGES };
        let channel_seen = Some(channel);
        world.tell(&Event {
            name: "CHANNEL_PINS_UPDATE",
            guild,
            channel: channel_seen,
            intents,
            data,
            closed: None,
        });
        if is_pinned {
            let reference = Some(Reference { channel, message: id });
            world.post(Draft { kind: kind::PINNED, reference, ..Draft::new(channel, world.bot(), "") });
        }
        Ok(StatusCode::NO_CONTENT)
    })
}
