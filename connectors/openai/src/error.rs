//! What is refused, and how it is said. In: a reason. Out: `{"error": {"message", "type", "param", "code"}}` with its status, from which
//! clients make their exceptions. What happens inside is logged, not told.

use std::borrow::Cow;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use loquat_contract::{DialogueError, ModelError};
use serde::Serialize;

/// A refusal, in the shape that OpenAI's has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    /// What the person who calls should do next.
    message: Cow<'static, str>,
    /// The parameter that is wrong, such as `messages[0].role`.
    param: Option<Cow<'static, str>>,
    code: Option<&'static str>,
}

/// The error as it goes over the wire, in a body of its own or in a stream.
#[derive(Serialize)]
pub(crate) struct Envelope<'a> {
    error: Inner<'a>,
}

#[derive(Serialize)]
struct Inner<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'a str>,
    code: Option<&'static str>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into(), param: None, code: None }
    }

    /// A parameter has a value that it may not have.
    pub(crate) fn value(param: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message).at(param, "invalid_value")
    }

    /// A parameter asks for what is not there.
    pub(crate) fn unsupported(
        param: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message).at(param, "unsupported_value")
    }

    pub(crate) fn at(mut self, param: impl Into<Cow<'static, str>>, code: &'static str) -> Self {
        self.param = Some(param.into());
        self.code = Some(code);
        self
    }

    /// There is no model of this name; `known` says which there are.
    pub(crate) fn no_model(name: &str, known: &str) -> Self {
        let message = format!("The model `{name}` does not exist here. {known}");
        Self::new(StatusCode::NOT_FOUND, message).at("model", "model_not_found")
    }

    pub(crate) fn envelope(&self) -> Envelope<'_> {
        let kind = match self.status {
            status if status.is_server_error() => "server_error",
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            _ => "invalid_request_error",
        };
        let (message, param) = (self.message.as_ref(), self.param.as_deref());
        Envelope { error: Inner { message, kind, param, code: self.code } }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.envelope()).unwrap_or_default();
        (self.status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}

impl From<ModelError> for ApiError {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::ContextTooLong { prompt, context } => Self::new(
                StatusCode::BAD_REQUEST,
                format!(
                    "This model's maximum context length is {context} tokens, and your messages have {prompt}. Shorten the messages."
                ),
            )
            .at("messages", "context_length_exceeded"),
            ModelError::Refused(reason) => {
                Self { code: Some("invalid_request"), ..Self::new(StatusCode::BAD_REQUEST, reason) }
            }
            ModelError::Stopped => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "The model has stopped; the bot has to be restarted.")
            }
            other => {
                tracing::error!(error = %other, "a model failed");
                Self::failed("The model failed; the bot's log says why.")
            }
        }
    }
}

impl From<DialogueError> for ApiError {
    fn from(error: DialogueError) -> Self {
        tracing::error!(%error, "a question could not be answered");
        Self::failed("The question could not be answered; the bot's log says why.")
    }
}

impl ApiError {
    fn failed(message: &'static str) -> Self {
        Self { code: Some("server_error"), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, message) }
    }
}
