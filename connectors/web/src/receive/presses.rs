//! What people do with an answer. In: a button that is pressed, or words about it. Out: an event of its conversation for the sink.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use loquat_contract::{Event, Message, MessageId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::accept::accept;
use super::address::{Channel, Target, bad_id, is_message_id};
use super::body::Body;
use crate::encode::answer_id;
use crate::serve::{Person, Site, problem};

/// What words about an answer begin with in the journal, as on every platform.
pub(crate) const FEEDBACK: &str = "/feedback ";

/// A press of a button.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Press {
    /// Made by the page; the same id again is the same press. What answers it has this as its `in_reply_to`.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    id: String,
    /// The button's id, as the answer has it.
    #[schema(pattern = r"^[a-z0-9.]{1,32}$")]
    button: String,
}

/// Words about an answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Feedback {
    /// Made by the page; the same id again is the same feedback.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    id: String,
    /// What they think of it.
    #[schema(pattern = r"\S")]
    text: String,
}

/// Presses a button below the answer to a message.
#[utoipa::path(
    post, path = "/api/conversations/{conversation}/messages/{message}/presses", operation_id = "press_button", tag = "answers",
    params(
        ("conversation" = String, Path, description = "The conversation's id."),
        ("message" = String, Path, description = "What is answered by the answer that has the button.", pattern = "^[A-Za-z0-9_-]{1,64}$"),
    ),
    request_body = Press,
    responses(
        (status = 202, description = "It is on disk, and answered where it calls for that."),
        (status = 410, description = "The button belongs to an answer that is not kept any more.", body = crate::openapi::Problem),
        crate::openapi::Refusals,
    ),
    security(("bearer" = []))
)]
pub(super) async fn press(
    State(site): State<Arc<Site>>,
    channel: Channel,
    person: Person,
    Target(message): Target,
    Body(press): Body<Press>,
) -> Response {
    if !is_message_id(&press.id) {
        return bad_id();
    }
    if !is_button(&press.button) {
        let words = "a button's id is that of a button below the answer";
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "bad_button", words);
    }
    let event = Event::Button { message: answer_id(&message.0), id: press.button };
    accept(site, channel, person, MessageId(press.id), event).await
}

/// Whether this can be a button's id: up to 32 out of `a-z`, `0-9` and `.`.
fn is_button(id: &str) -> bool {
    (1..=32).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.')
}

/// Says what somebody thinks of the answer to a message.
#[utoipa::path(
    post, path = "/api/conversations/{conversation}/messages/{message}/feedback", operation_id = "give_feedback", tag = "answers",
    params(
        ("conversation" = String, Path, description = "The conversation's id."),
        ("message" = String, Path, description = "What is answered by the answer that this is about.", pattern = "^[A-Za-z0-9_-]{1,64}$"),
    ),
    request_body = Feedback,
    responses((status = 202, description = "It is on disk."), crate::openapi::Refusals),
    security(("bearer" = []))
)]
pub(super) async fn feedback(
    State(site): State<Arc<Site>>,
    channel: Channel,
    person: Person,
    Target(message): Target,
    Body(feedback): Body<Feedback>,
) -> Response {
    if !is_message_id(&feedback.id) {
        return bad_id();
    }
    // Nothing but words: the command alone asks how it is used.
    let text = feedback.text.trim();
    let said = match text.is_empty() {
        true => Message::default(),
        false => Message { reply_to: Some(message), ..Message::from(format!("{FEEDBACK}{text}")) },
    };
    accept(site, channel, person, MessageId(feedback.id), Event::Message(said)).await
}
