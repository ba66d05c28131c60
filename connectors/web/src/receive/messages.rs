//! A message comes in. In: `{"id", "text"}` for a conversation. Out: 202 once it is durable, or why not.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use loquat_contract::{ConversationId, Inbound, MessageId, Refusal, Sender};
use serde::Deserialize;

use super::address::{Channel, is_message_id};
use super::{Site, problem};

/// What the page sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    /// Made by the page; sending the same id again is recognised as the same message.
    id: String,
    /// As typed.
    text: String,
}

/// Hands a message to the sink, and says 202 only when the sink has it.
pub(super) async fn receive(
    State(site): State<Arc<Site>>,
    channel: Channel,
    body: Result<Json<Message>, JsonRejection>,
) -> Response {
    let Json(message) = match body {
        Ok(message) => message,
        Err(rejection) => return problem(rejection.status(), rejection.body_text()),
    };
    if !is_message_id(&message.id) {
        return problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "a message's id is up to 64 letters, digits, - and _",
        );
    }
    match accept(&site, channel, message).await {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(refusal) => problem(status(&refusal), refusal),
    }
}

async fn accept(site: &Site, channel: Channel, message: Message) -> Result<(), Refusal> {
    if site.stop.is_cancelled() {
        return Err(Refusal::Stopping);
    }
    if message.text.trim().is_empty() {
        return Err(Refusal::Empty);
    }
    let (length, limit) = (message.text.chars().count(), site.config.max_message_chars);
    if length > limit {
        return Err(Refusal::TooLong { length, limit });
    }
    let inbound = Inbound {
        id: MessageId(message.id),
        conversation: ConversationId {
            bot: site.bot.name.clone(),
            platform: "web".to_owned(),
            channel: channel.0.clone(),
            thread: None,
        },
        // Nobody signs in with a name, so a conversation is one person.
        sender: Sender { id: channel.0, name: None },
        text: message.text,
    };
    let address = inbound.address();
    // Before the sink has it, because the reply may come before the sink returns.
    site.mailboxes.expect(&address);
    let accepted = site.sink.accept(inbound).await;
    if accepted.is_err() {
        site.mailboxes.forget(&address);
    }
    accepted
}

fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Empty => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}
