//! What a page says. In: a message, a change of one, or one taken back. Out: an event of its conversation for the sink.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use loquat_contract::{Event, Message as Said, MessageId};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::accept::accept;
use super::address::{Channel, Target, bad_id, is_file_id, is_message_id, no_file};
use super::body::{Asked, Body};
use crate::serve::{Person, Site, hex, problem};

/// What somebody says.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    /// Made by the page; sending the same id again is recognised as the same message.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    id: String,
    /// As typed; may be empty where files come with it.
    text: String,
    /// Ids of files that were uploaded to this conversation.
    #[serde(default)]
    attachments: Vec<String>,
}

/// What a message is to say from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// As typed.
    #[schema(pattern = r"\S")]
    text: String,
    /// Tells this change from others of the same message; without one, the text does.
    #[serde(default)]
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$", nullable)]
    id: Option<String>,
}

/// Which removal of a message this is.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Removal {
    /// Tells this one from others of the same message; without one, there is one alone.
    #[param(nullable = false, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    id: Option<String>,
}

/// Says something.
#[utoipa::path(
    post, path = "/api/conversations/{conversation}/messages", operation_id = "send_message", tag = "messages",
    params(("conversation" = String, Path, description = "The conversation's id.")),
    request_body = Message,
    responses((status = 202, description = "It is on disk, and will be answered over the event stream."), crate::openapi::Refusals),
    security(("bearer" = []))
)]
pub(super) async fn receive(
    State(site): State<Arc<Site>>,
    channel: Channel,
    person: Person,
    Body(message): Body<Message>,
) -> Response {
    if !is_message_id(&message.id) {
        return bad_id();
    }
    let most = site.config.files.max_per_message;
    if message.attachments.len() > most {
        let words = format!("a message may have {most} files; send the others with another");
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "too_many_files", words);
    }
    let attachments = match &site.files {
        _ if message.attachments.is_empty() => Some(Vec::new()),
        Some(files) if message.attachments.iter().all(|id| is_file_id(id)) => {
            files.attach(&channel.0, &message.attachments)
        }
        _ => None,
    };
    let Some(attachments) = attachments else { return no_file() };
    if let (Some(files), false) = (&site.files, attachments.is_empty())
        && let Err(error) = files.sent(&channel.0, &message.attachments).await
    {
        let words = format!("the message's files could not be kept ({error}); send it again");
        return problem(StatusCode::SERVICE_UNAVAILABLE, "files", words);
    }
    let said = Said { attachments, ..Said::from(message.text) };
    accept(site, channel, person, MessageId(message.id), Event::Message(said)).await
}

/// Changes what was said. Where it was answered, it is answered again.
#[utoipa::path(
    put, path = "/api/conversations/{conversation}/messages/{message}", operation_id = "edit_message", tag = "messages",
    params(
        ("conversation" = String, Path, description = "The conversation's id."),
        ("message" = String, Path, description = "The message's id.", pattern = "^[A-Za-z0-9_-]{1,64}$"),
    ),
    request_body = Change,
    responses((status = 202, description = "It is on disk. The answer comes as that to the message."), crate::openapi::Refusals),
    security(("bearer" = []))
)]
pub(super) async fn edit(
    State(site): State<Arc<Site>>,
    channel: Channel,
    person: Person,
    Target(message): Target,
    Body(change): Body<Change>,
) -> Response {
    let which = change.id.unwrap_or_else(|| hex(&Sha256::digest(&change.text)[..8]));
    if !is_message_id(&which) {
        return bad_id();
    }
    let event = Event::Edit { message: message.clone(), now: change.text.into() };
    accept(site, channel, person, event_id(&message, 'e', &which), event).await
}

/// Takes back what was said; what is not answered yet, is not answered.
#[utoipa::path(
    delete, path = "/api/conversations/{conversation}/messages/{message}", operation_id = "stop_message", tag = "messages",
    params(
        ("conversation" = String, Path, description = "The conversation's id."),
        ("message" = String, Path, description = "The message's id.", pattern = "^[A-Za-z0-9_-]{1,64}$"),
        Removal,
    ),
    responses((status = 202, description = "It is on disk."), crate::openapi::Refusals),
    security(("bearer" = []))
)]
pub(super) async fn delete(
    State(site): State<Arc<Site>>,
    channel: Channel,
    person: Person,
    Target(message): Target,
    Asked(removal): Asked<Removal>,
) -> Response {
    if removal.id.as_deref().is_some_and(|id| !is_message_id(id)) {
        return bad_id();
    }
    let id = event_id(&message, 'd', removal.id.as_deref().unwrap_or_default());
    accept(site, channel, person, id, Event::Deletion { message }).await
}

/// An id for what happens to a message. No message has such an id, because theirs have no `~`.
fn event_id(message: &MessageId, kind: char, which: &str) -> MessageId {
    MessageId(format!("{}~{kind}{which}", message.0))
}
