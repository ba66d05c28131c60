//! Reactions of the bot's, and whose there are.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::Value;

use super::error::ApiError;
use crate::Shared;
use crate::ids::Id;
use crate::world::permissions::{ADD_REACTIONS, MANAGE_MESSAGES};

type Answer<T> = Result<T, ApiError>;
type Of = Path<(Id, Id, String)>;

/// A character, or `name:id`; words are no emoji.
fn is_emoji(emoji: &str) -> bool {
    match emoji.split_once(':') {
        Some((_, id)) => id.parse::<Id>().is_ok(),
        None => !emoji.is_empty() && !emoji.chars().any(|c| c.is_ascii_alphabetic()),
    }
}

/// The bot reacts.
pub(super) async fn add(
    State(shared): State<Arc<Shared>>,
    Path((channel, message, emoji)): Of,
) -> Answer<StatusCode> {
    shared.change(|world| {
        let seen = world.seen(channel, message)?;
        if !is_emoji(&emoji) {
            return Err(ApiError::UNKNOWN_EMOJI);
        }
        if !seen.reactions.iter().any(|(there, _)| *there == emoji) {
            world.allow(channel, ADD_REACTIONS)?;
        }
        let bot = world.bot();
        world.react(message, bot, &emoji, true);
        Ok(StatusCode::NO_CONTENT)
    })
}

/// The bot takes its reaction back.
pub(super) async fn take_back(
    State(shared): State<Arc<Shared>>,
    Path((channel, message, emoji)): Of,
) -> Answer<StatusCode> {
    shared.change(|world| {
        world.seen(channel, message)?;
        let bot = world.bot();
        world.react(message, bot, &emoji, false);
        Ok(StatusCode::NO_CONTENT)
    })
}

/// Who reacted with an emoji.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Path((channel, message, emoji)): Of,
) -> Answer<Json<Vec<Value>>> {
    let world = shared.look();
    let message = world.seen(channel, message)?;
    let users = message.reactions.iter().find(|(there, _)| *there == emoji).map(|(_, users)| users);
    Ok(Json(users.into_iter().flatten().map(|user| world.user_json(*user)).collect()))
}

/// Takes somebody's reaction away.
pub(super) async fn take_away_of(
    State(shared): State<Arc<Shared>>,
    Path((channel, message, emoji, user)): Path<(Id, Id, String, Id)>,
) -> Answer<StatusCode> {
    shared.change(|world| {
        world.seen(channel, message)?;
        if user != world.bot() {
            world.allow(channel, MANAGE_MESSAGES)?;
        }
        world.react(message, user, &emoji, false);
        Ok(StatusCode::NO_CONTENT)
    })
}

/// Takes all of one emoji away.
pub(super) async fn clear(
    State(shared): State<Arc<Shared>>,
    Path((channel, message, emoji)): Of,
) -> Answer<StatusCode> {
    take_away(&shared, channel, message, Some(&emoji))
}

/// Takes all reactions away.
pub(super) async fn clear_all(
    State(shared): State<Arc<Shared>>,
    Path((channel, message)): Path<(Id, Id)>,
) -> Answer<StatusCode> {
    take_away(&shared, channel, message, None)
}

fn take_away(shared: &Shared, channel: Id, message: Id, emoji: Option<&str>) -> Answer<StatusCode> {
    shared.change(|world| {
        world.seen(channel, message)?;
        world.allow(channel, MANAGE_MESSAGES)?;
        world.clear_reactions(message, emoji);
        Ok(StatusCode::NO_CONTENT)
    })
}
