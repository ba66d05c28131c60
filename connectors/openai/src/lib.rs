//! The HTTP API that clients of OpenAI speak, over the bot and its models. In: requests below `/v1`. Out: chat completions that are
//! grounded in the bot's facts, with citations as annotations, or come from a model as it is; models; embeddings.
//!
//! [`router`] makes a plain [`axum::Router`] of a [`Service`]. Who may call it, how large a body may be, how long it may take to come and
//! how often somebody may ask are the server's to say, which mounts it. It must not know the journal, the graph or ONNX.
#![doc = ""]
#![doc = include_str!("../README.md")]

mod service;

mod body;
mod wire;

mod chat;

mod grounded;
mod raw;

mod delta;

mod chunks;
mod completion;

mod embeddings;
mod models;

mod error;

use std::sync::Arc;

use axum::Router;
use axum::extract::OriginalUri;
use axum::http::{Method, StatusCode};
use axum::routing::{get, post};

pub use service::{Limits, Offered, Service};

use error::ApiError;

/// The routes, without the `/v1` that they are mounted under.
pub fn router(service: Service) -> Router {
    Router::new()
        .route("/chat/completions", post(chat::complete))
        .route("/embeddings", post(embeddings::embed))
        .route("/models", get(models::list))
        .route("/models/{*id}", get(models::retrieve))
        .method_not_allowed_fallback(no_such_method)
        .fallback(no_such_path)
        .with_state(Arc::new(service))
}

async fn no_such_path(method: Method, OriginalUri(uri): OriginalUri) -> ApiError {
    let message = format!(
        "Unknown request: {method} {}. There are POST /v1/chat/completions, POST /v1/embeddings, GET /v1/models and GET /v1/models/{{id}}.",
        uri.path()
    );
    ApiError::new(StatusCode::NOT_FOUND, message)
}

async fn no_such_method(method: Method, OriginalUri(uri): OriginalUri) -> ApiError {
    let message = format!("Not allowed to {method} on {}; see docs/openai.md for what is.", uri.path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, message)
}
