//! A person wants to be forgotten. In: who. Out: how much was erased, once nothing of it is left.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use loquat_contract::JournalError;
use serde::Serialize;
use utoipa::ToSchema;

use super::conversations::unreadable;
use crate::serve::{Person, Site, problem};

/// What was erased.
#[derive(Serialize, ToSchema)]
pub(crate) struct Erased {
    /// How many events of the journal.
    erased: usize,
}

/// Erases everything of the person: what they said, the answers, what is remembered, and files.
#[utoipa::path(
    delete, path = "/api/me", operation_id = "erase_me", tag = "person",
    responses(
        (status = 200, description = "Nothing of theirs is left.", body = Erased),
        (status = 409, description = "An answer is being delivered; ask again in a moment.", body = crate::openapi::Problem),
        crate::openapi::Refusals,
    ),
    security(("bearer" = []))
)]
pub(super) async fn erase(State(site): State<Arc<Site>>, person: Person) -> Response {
    // A task of its own: somebody who leaves in between wants it all the same.
    let erasing = tokio::spawn(async move {
        let erased = site.sink.erase(&person.known_as()).await?;
        if let Some(files) = &site.files {
            files.forget_person(&person.id).await;
        }
        site.mailboxes.erase_person(&person.id);
        Ok::<_, JournalError>(erased)
    });
    match erasing.await {
        Ok(Ok(erased)) => Json(Erased { erased }).into_response(),
        Ok(Err(JournalError::OutOfTurn { .. })) => {
            let words = "an answer is being delivered; ask again in a moment";
            problem(StatusCode::CONFLICT, "busy", words)
        }
        Ok(Err(error)) => unreadable(error),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "failed", "the bot failed; ask again"),
    }
}
