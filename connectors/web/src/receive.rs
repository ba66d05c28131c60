//! The receiving half: what a page asks and says. In: HTTP requests that `serve` let in. Out: events for the sink. What replies look
//! like is `encode`'s matter, and where they wait `deliver`'s.

mod address;
mod messages;

mod accept;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::json;

use crate::deliver::events;
use crate::serve::Site;

pub(crate) use address::Channel;

/// The routes of a conversation.
pub(crate) fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/api/conversations/{conversation}/messages", post(messages::receive))
        .route(
            "/api/conversations/{conversation}/messages/{message}",
            put(messages::edit).delete(messages::delete),
        )
        .route("/api/conversations/{conversation}/events", get(events))
}

/// What anybody may know, before they have said who they are.
pub(crate) fn open_routes() -> Router<Arc<Site>> {
    Router::new().route("/api/bot", get(bot))
}

async fn bot(State(site): State<Arc<Site>>) -> Response {
    Json(json!({
        "name": site.bot.name,
        "greeting": site.bot.greeting,
        "suggestions": site.bot.suggestions,
        "languages": site.bot.languages,
        "max_message_chars": site.config.max_message_chars,
    }))
    .into_response()
}
