//! The first answer to an interaction: once, and within its few seconds.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::content::Content;
use super::error::ApiError;
use super::messages::apply;
use super::payload::Payload;
use super::validate::Form;
use crate::Shared;
use crate::ids::Id;
use crate::world::World;
use crate::world::interaction::{COMPONENT, Interaction};
use crate::world::mentions::Allowed;
use crate::world::message::{Draft, EPHEMERAL, LOADING, Reference, kind};

type Answer<T> = Result<T, ApiError>;

/// Kinds of answers.
const PONG: u64 = 1;
const MESSAGE: u64 = 4;
const DEFER: u64 = 5;
const DEFER_UPDATE: u64 = 6;
const UPDATE: u64 = 7;
const MODAL: u64 = 9;

/// How the answer's answer is to be.
#[derive(Debug, Deserialize)]
pub(super) struct Wishes {
    /// `true`, or `1` as Python's clients write it.
    with_response: Option<String>,
}

/// Answers.
pub(super) async fn answer(
    State(shared): State<Arc<Shared>>,
    Path((id, token)): Path<(Id, String)>,
    Query(wishes): Query<Wishes>,
    mut payload: Payload,
) -> Answer<Response> {
    let wait = shared.options.interaction_wait;
    shared.change(|world| {
        let interaction = world.interactions.get(&id).filter(|interaction| interaction.token == token);
        let interaction = interaction.ok_or(ApiError::UNKNOWN_INTERACTION)?.clone();
        if interaction.answer.is_some() {
            return Err(ApiError::ALREADY_ANSWERED);
        }
        if interaction.begun.elapsed() > wait {
            return Err(ApiError::UNKNOWN_INTERACTION);
        }
        let kind = payload.json["type"].as_u64().unwrap_or_default();
        payload.json = payload.json["data"].take();
        let flags = payload.json["flags"].as_u64().unwrap_or_default();
        let original = match kind {
            PONG | MODAL => None,
            MESSAGE => {
                let content = Content::read(world, interaction.channel, payload)?;
                if content.is_empty() {
                    return Err(ApiError::EMPTY_MESSAGE);
                }
                Some(say(world, &interaction, content, flags & EPHEMERAL != 0))
            }
            DEFER => Some(post(
                world,
                &interaction,
                Draft::new(interaction.channel, world.bot(), ""),
                flags & EPHEMERAL | LOADING,
            )),
            DEFER_UPDATE if interaction.kind == COMPONENT => interaction.message,
            UPDATE if interaction.kind == COMPONENT => {
                let message = interaction.message.ok_or(ApiError::UNKNOWN_MESSAGE)?;
                let content = Content::read(world, interaction.channel, payload)?;
                apply(world, message, content)?;
                Some(message)
            }
            _ => {
                let mut form = Form::default();
                form.wrong(
                    "type",
                    "BASE_TYPE_CHOICES",
                    "Value must be one of the types of answers to this interaction.",
                );
                form.done()?;
                None
            }
        };
        if let Some(interaction) = world.interactions.get_mut(&id) {
            interaction.answer = u8::try_from(kind).ok();
            interaction.original = original;
            interaction.is_ephemeral = flags & EPHEMERAL != 0;
        }
        if !matches!(wishes.with_response.as_deref(), Some("true" | "1")) {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        Ok(Json(told(world, &interaction, kind, original)).into_response())
    })
}

fn told(world: &World, interaction: &Interaction, answer: u64, original: Option<Id>) -> Value {
    let mut told = json!({"interaction": {"id": interaction.id, "type": interaction.kind}});
    if let Some(message) = original.and_then(|id| world.messages.get(&id)) {
        told["interaction"]["response_message_id"] = json!(message.id);
        told["interaction"]["response_message_loading"] = (message.flags & LOADING != 0).into();
        told["interaction"]["response_message_ephemeral"] = (message.flags & EPHEMERAL != 0).into();
        told["resource"] = json!({"type": answer});
        if matches!(answer, MESSAGE | DEFER | UPDATE) {
            told["resource"]["message"] = world.message_json(message);
        }
    }
    told
}

/// Says something in answer to an interaction.
pub(super) fn say(world: &mut World, interaction: &Interaction, content: Content, is_ephemeral: bool) -> Id {
    let draft = Draft {
        embeds: content.embeds.unwrap_or_default(),
        components: content.components.unwrap_or_default(),
        files: content.files.unwrap_or_default(),
        allowed: content.allowed.unwrap_or(Allowed::USERS),
        ..Draft::new(interaction.channel, world.bot(), &content.content.unwrap_or_default())
    };
    let flags = content.flags.unwrap_or_default() & !EPHEMERAL | if is_ephemeral { EPHEMERAL } else { 0 };
    post(world, interaction, draft, flags)
}

fn post(world: &mut World, interaction: &Interaction, draft: Draft, flags: u64) -> Id {
    // An answer to a command says so; one to a button, or a later one, refers to the message before it.
    let before = interaction.original.or(interaction.message);
    let reference = before.map(|message| Reference { channel: interaction.channel, message });
    for file in &draft.files {
        if let Some(file) = world.files.get_mut(file) {
            file.is_ephemeral = flags & EPHEMERAL != 0;
        }
    }
    world.post(Draft {
        kind: if reference.is_some() { kind::REPLY } else { kind::COMMAND },
        reference,
        flags,
        only_for: (flags & EPHEMERAL != 0).then_some(interaction.user),
        interaction: Some(interaction.id),
        ..draft
    })
}
