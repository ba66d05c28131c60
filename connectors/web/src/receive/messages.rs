//! What a page says. In: a message, a change of one, or one taken back. Out: an event of its conversation for the sink.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use loquat_contract::{Event, MessageId};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::accept::accept;
use super::address::{Channel, Target, is_message_id};
use crate::serve::hex;
use crate::serve::{Site, problem};

/// What the page sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    /// Made by the page; sending the same id again is recognised as the same message.
    id: String,
    /// As typed.
    text: String,
}

/// What a message is to say from now on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// As typed.
    text: String,
    /// Tells this change from others of the same message; without one, the text does.
    #[serde(default)]
    id: Option<String>,
}

/// Which removal of a message this is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Removal {
    /// Tells this one from others of the same message; without one, there is one alone.
    id: Option<String>,
}

/// `POST …/messages`: somebody says something.
pub(super) async fn receive(
    State(site): State<Arc<Site>>,
    channel: Channel,
    body: Result<Json<Message>, JsonRejection>,
) -> Response {
    let Json(message) = match body {
        Ok(message) => message,
        Err(rejection) => return problem(rejection.status(), "bad_request", rejection.body_text()),
    };
    if !is_message_id(&message.id) {
        return bad_id();
    }
    accept(site, channel, MessageId(message.id), Event::Message(message.text.into())).await
}

/// `PUT …/messages/{message}`: somebody changes what they said.
pub(super) async fn edit(
    State(site): State<Arc<Site>>,
    channel: Channel,
    Target(message): Target,
    body: Result<Json<Change>, JsonRejection>,
) -> Response {
    let Json(change) = match body {
        Ok(change) => change,
        Err(rejection) => return problem(rejection.status(), "bad_request", rejection.body_text()),
    };
    let which = change.id.unwrap_or_else(|| hex(&Sha256::digest(&change.text)[..8]));
    if !is_message_id(&which) {
        return bad_id();
    }
    let event = Event::Edit { message: message.clone(), now: change.text.into() };
    accept(site, channel, event_id(&message, 'e', &which), event).await
}

/// `DELETE …/messages/{message}`: somebody takes back what they said.
pub(super) async fn delete(
    State(site): State<Arc<Site>>,
    channel: Channel,
    Target(message): Target,
    query: Result<Query<Removal>, QueryRejection>,
) -> Response {
    let which = match query {
        Ok(Query(removal)) => removal.id,
        Err(rejection) => return problem(rejection.status(), "bad_request", rejection.body_text()),
    };
    if which.as_deref().is_some_and(|id| !is_message_id(id)) {
        return bad_id();
    }
    let id = event_id(&message, 'd', which.as_deref().unwrap_or_default());
    accept(site, channel, id, Event::Deletion { message }).await
}

/// An id for what happens to a message. No message has such an id, because theirs have no `~`.
fn event_id(message: &MessageId, kind: char, which: &str) -> MessageId {
    MessageId(format!("{}~{kind}{which}", message.0))
}

fn bad_id() -> Response {
    problem(StatusCode::UNPROCESSABLE_ENTITY, "bad_id", "an id is up to 64 letters, digits, - and _")
}
