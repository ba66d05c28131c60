//! `POST /v1/chat/completions`. In: a chat and what is wanted. Out: the bot's answer or a model's, whole or as a stream.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use loquat_contract::Person;

use crate::body::Body;
use crate::chunks;
use crate::completion;
use crate::delta::Deltas;
use crate::error::ApiError;
use crate::grounded;
use crate::raw;
use crate::service::{Named, Service, seconds};
use crate::wire::message::Said;
use crate::wire::request::ChatRequest;

/// An answer that has begun.
pub(crate) struct Answer {
    pub(crate) id: String,
    pub(crate) created: u64,
    /// The model's name as it was asked for.
    pub(crate) model: String,
    /// Which files wrote it; `None` where the answer itself says so.
    pub(crate) fingerprint: Option<String>,
    pub(crate) choices: Vec<Deltas>,
}

/// Answers a chat.
pub(crate) async fn complete(
    State(service): State<Arc<Service>>,
    person: Option<Extension<Person>>,
    Body(mut request): Body<ChatRequest>,
) -> Result<Response, ApiError> {
    let name = request.model.take().filter(|name| !name.is_empty()).ok_or_else(no_model)?;
    let named = service.named(&name).ok_or_else(|| ApiError::no_model(&name, &service.writers()))?;
    refuse_what_nobody_can(&request)?;
    let said = read(&mut request, &service)?;
    let (streams, usage) = (request.stream == Some(true), wants_usage(&request)?);
    let (fingerprint, choices) = match (named, request.grounding) {
        (Named::Bot, None | Some(true)) => {
            (None, vec![grounded::answer(&service, person.map(|person| person.0), &request, said)?])
        }
        (Named::Bot, Some(false)) => {
            let model = service.first_model()?;
            raw::answer(&service, model, request, said).await?
        }
        (Named::Model(model), None | Some(false)) => raw::answer(&service, model, request, said).await?,
        (Named::Model(_), Some(true)) => {
            let message = format!(
                "A model answers without grounding; for grounded answers name the bot, `{}`.",
                service.name
            );
            return Err(ApiError::value("grounding", message));
        }
    };
    let answer = Answer { id: unique("chatcmpl-"), created: seconds(), model: name, fingerprint, choices };
    if streams {
        return Ok(chunks::stream(answer, usage, service.limits.keep_alive));
    }
    let body = completion::collect(answer).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

fn no_model() -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "You must provide a model parameter.")
        .at("model", "missing_required_parameter")
}

fn refuse_what_nobody_can(request: &ChatRequest) -> Result<(), ApiError> {
    let no_text = |modality: &String| modality != "text";
    if request.audio.is_some() || request.modalities.iter().flatten().any(no_text) {
        return Err(ApiError::unsupported(
            "modalities",
            "Answers are text alone: leave `modalities` and `audio` out.",
        ));
    }
    if request.functions.is_some() || request.function_call.is_some() {
        let message = "`functions` and `function_call` are deprecated: use `tools` and `tool_choice`.";
        return Err(ApiError::unsupported("functions", message));
    }
    if request.store == Some(true) {
        return Err(ApiError::unsupported("store", "Completions are not stored here: set `store` to false."));
    }
    Ok(())
}

fn read(request: &mut ChatRequest, service: &Service) -> Result<Vec<Said>, ApiError> {
    let messages = request.messages.take().filter(|messages| !messages.is_empty()).ok_or_else(|| {
        ApiError::new(StatusCode::BAD_REQUEST, "You must provide at least one message.")
            .at("messages", "missing_required_parameter")
    })?;
    let most = service.limits.max_messages;
    if messages.len() > most {
        let message = format!("A chat has {most} messages at most, and this one {}.", messages.len());
        return Err(ApiError::value("messages", message).at("messages", "array_above_max_length"));
    }
    messages.into_iter().enumerate().map(|(index, message)| message.read(index)).collect()
}

fn wants_usage(request: &ChatRequest) -> Result<bool, ApiError> {
    match (&request.stream_options, request.stream) {
        (None, _) => Ok(false),
        (Some(options), Some(true)) => Ok(options.include_usage == Some(true)),
        (Some(_), _) => {
            let message = "`stream_options` is for streams: set `stream` to true, or leave it out.";
            Err(ApiError::value("stream_options", message))
        }
    }
}

/// An id that no other answer of this process has, and hardly one of another.
pub(crate) fn unique(prefix: &str) -> String {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    static KEYS: OnceLock<RandomState> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let hash = KEYS.get_or_init(RandomState::new).hash_one(count);
    format!("{prefix}{hash:016x}{count:08x}")
}
