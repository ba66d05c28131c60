//! What an interaction's token is good for after the first answer: to change it, and to say more.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::Value;

use super::content::Content;
use super::error::ApiError;
use super::interactions::say;
use super::messages::apply;
use super::payload::Payload;
use crate::Shared;
use crate::ids::Id;
use crate::world::World;
use crate::world::interaction::Interaction;
use crate::world::message::{EPHEMERAL, LOADING, Message};

type Answer<T> = Result<T, ApiError>;

fn of(world: &World, app: Id, token: &str, life: Duration) -> Answer<Interaction> {
    if app != world.app.id {
        return Err(ApiError::UNKNOWN_WEBHOOK);
    }
    let interaction = world.interactions.values().find(|interaction| interaction.token == token);
    let interaction = interaction.ok_or(ApiError::UNKNOWN_WEBHOOK)?;
    if interaction.begun.elapsed() > life {
        return Err(ApiError::INVALID_TOKEN);
    }
    // Before its first answer, an interaction's webhook is not there.
    interaction.answer.ok_or(ApiError::UNKNOWN_WEBHOOK)?;
    Ok(interaction.clone())
}

/// A message of this interaction: its first answer, or a later one.
fn meant<'a>(world: &'a World, interaction: &Interaction, message: &str) -> Answer<&'a Message> {
    let id = match message {
        "@original" => interaction.original,
        id => id.parse().ok(),
    };
    let message = id.and_then(|id| world.message(interaction.channel, id));
    let is_own = |message: &&Message| {
        message.interaction == Some(interaction.id) || Some(message.id) == interaction.original
    };
    message.filter(is_own).ok_or(ApiError::UNKNOWN_MESSAGE)
}

fn shown(world: &World, id: Id) -> Json<Value> {
    Json(world.messages.get(&id).map(|message| world.message_json(message)).into())
}

/// Says more.
pub(super) async fn follow_up(
    State(shared): State<Arc<Shared>>,
    Path((app, token)): Path<(Id, String)>,
    payload: Payload,
) -> Answer<Json<Value>> {
    let life = shared.options.token_life;
    shared.change(|world| {
        let interaction = of(world, app, &token, life)?;
        let flags = payload.json["flags"].as_u64().unwrap_or_default();
        let content = Content::read(world, interaction.channel, payload)?;
        if content.is_empty() {
            return Err(ApiError::EMPTY_MESSAGE);
        }
        // Right after a deferred answer, this is that answer.
        let waiting = interaction.original.and_then(|id| world.messages.get(&id));
        if let Some(waiting) = waiting.filter(|message| message.flags & LOADING != 0) {
            let id = waiting.id;
            apply(world, id, content)?;
            return Ok(shown(world, id));
        }
        let id = say(world, &interaction, content, flags & EPHEMERAL != 0);
        Ok(shown(world, id))
    })
}

/// One of its messages.
pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    Path((app, token, message)): Path<(Id, String, String)>,
) -> Answer<Json<Value>> {
    let world = shared.look();
    let interaction = of(&world, app, &token, shared.options.token_life)?;
    Ok(Json(world.message_json(meant(&world, &interaction, &message)?)))
}

/// Changes one of its messages.
pub(super) async fn edit(
    State(shared): State<Arc<Shared>>,
    Path((app, token, message)): Path<(Id, String, String)>,
    payload: Payload,
) -> Answer<Json<Value>> {
    let life = shared.options.token_life;
    shared.change(|world| {
        let interaction = of(world, app, &token, life)?;
        let id = meant(world, &interaction, &message)?.id;
        let content = Content::read(world, interaction.channel, payload)?;
        apply(world, id, content)?;
        Ok(shown(world, id))
    })
}

/// Takes one of its messages away.
pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    Path((app, token, message)): Path<(Id, String, String)>,
) -> Answer<StatusCode> {
    let life = shared.options.token_life;
    shared.change(|world| {
        let interaction = of(world, app, &token, life)?;
        let id = meant(world, &interaction, &message)?.id;
        world.delete_message(id);
        Ok(StatusCode::NO_CONTENT)
    })
}
