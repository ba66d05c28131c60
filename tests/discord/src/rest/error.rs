//! Errors as Discord writes them.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A refusal.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    code: u32,
    message: &'static str,
    errors: Option<Value>,
}

impl ApiError {
    pub(crate) const fn new(status: StatusCode, code: u32, message: &'static str) -> Self {
        Self { status, code, message, errors: None }
    }

    pub(crate) const UNAUTHORIZED: Self = Self::new(StatusCode::UNAUTHORIZED, 0, "401: Unauthorized");
    pub(crate) const UNKNOWN_APPLICATION: Self =
        Self::new(StatusCode::NOT_FOUND, 10002, "Unknown Application");
    pub(crate) const UNKNOWN_CHANNEL: Self = Self::new(StatusCode::NOT_FOUND, 10003, "Unknown Channel");
    pub(crate) const UNKNOWN_GUILD: Self = Self::new(StatusCode::NOT_FOUND, 10004, "Unknown Guild");
    pub(crate) const UNKNOWN_MEMBER: Self = Self::new(StatusCode::NOT_FOUND, 10007, "Unknown Member");
    pub(crate) const UNKNOWN_MESSAGE: Self = Self::new(StatusCode::NOT_FOUND, 10008, "Unknown Message");
    pub(crate) const UNKNOWN_USER: Self = Self::new(StatusCode::NOT_FOUND, 10013, "Unknown User");
    pub(crate) const UNKNOWN_EMOJI: Self = Self::new(StatusCode::BAD_REQUEST, 10014, "Unknown Emoji");
    pub(crate) const UNKNOWN_WEBHOOK: Self = Self::new(StatusCode::NOT_FOUND, 10015, "Unknown Webhook");
    pub(crate) const UNKNOWN_INTERACTION: Self =
        Self::new(StatusCode::NOT_FOUND, 10062, "Unknown interaction");
    pub(crate) const UNKNOWN_COMMAND: Self =
        Self::new(StatusCode::NOT_FOUND, 10063, "Unknown application command");
    pub(crate) const ALREADY_ANSWERED: Self =
        Self::new(StatusCode::BAD_REQUEST, 40060, "Interaction has already been acknowledged.");
    pub(crate) const INVALID_TOKEN: Self =
        Self::new(StatusCode::UNAUTHORIZED, 50027, "Invalid Webhook Token");
    pub(crate) const TOO_LARGE: Self =
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, 40005, "Request entity too large");
    pub(crate) const MISSING_ACCESS: Self = Self::new(StatusCode::FORBIDDEN, 50001, "Missing Access");
    pub(crate) const NOT_THE_AUTHOR: Self =
        Self::new(StatusCode::FORBIDDEN, 50005, "Cannot edit a message authored by another user");
    pub(crate) const EMPTY_MESSAGE: Self =
        Self::new(StatusCode::BAD_REQUEST, 50006, "Cannot send an empty message");
    pub(crate) const CANNOT_SEND_TO_USER: Self =
        Self::new(StatusCode::FORBIDDEN, 50007, "Cannot send messages to this user");
    pub(crate) const NOT_A_TEXT_CHANNEL: Self =
        Self::new(StatusCode::BAD_REQUEST, 50008, "Cannot send messages in a non-text channel");
    pub(crate) const MISSING_PERMISSIONS: Self =
        Self::new(StatusCode::FORBIDDEN, 50013, "Missing Permissions");
    pub(crate) const WRONG_CHANNEL_TYPE: Self =
        Self::new(StatusCode::BAD_REQUEST, 50024, "Cannot execute action on this channel type");
    pub(crate) const ARCHIVED: Self = Self::new(StatusCode::BAD_REQUEST, 50083, "Thread is archived");
    pub(crate) const INVALID_JSON: Self =
        Self::new(StatusCode::BAD_REQUEST, 50109, "The request body contains invalid JSON.");
    pub(crate) const NO_REPLY_WITHOUT_HISTORY: Self = Self::new(
        StatusCode::BAD_REQUEST,
        160_002,
        "Cannot reply without permission to read message history",
    );
    pub(crate) const THREAD_EXISTS: Self =
        Self::new(StatusCode::BAD_REQUEST, 160_004, "A thread has already been created for this message");

    /// What is wrong with a body, field by field.
    pub(crate) fn form(errors: Value) -> Self {
        Self { errors: Some(errors), ..Self::new(StatusCode::BAD_REQUEST, 50035, "Invalid Form Body") }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = json!({"message": self.message, "code": self.code});
        if let Some(errors) = self.errors {
            body["errors"] = errors;
        }
        (self.status, Json(body)).into_response()
    }
}
