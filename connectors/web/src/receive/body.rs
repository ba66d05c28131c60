//! What comes with a request. In: a body, a query. Out: what it says; or why it says nothing, as every refusal is written.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::serve::problem;

/// The most that is listed at once.
const MOST: usize = 100;

/// A body of JSON.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let refuse = |rejection: JsonRejection| {
            let code = match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => "too_large",
                StatusCode::UNSUPPORTED_MEDIA_TYPE => "not_json",
                _ => "bad_request",
            };
            problem(rejection.status(), code, rejection.body_text())
        };
        // A map first: serde takes a list for a struct, too.
        let Json(body) = Json::<Map<String, Value>>::from_request(request, state).await.map_err(refuse)?;
        serde_json::from_value(Value::Object(body))
            .map(Self)
            .map_err(|error| problem(StatusCode::UNPROCESSABLE_ENTITY, "bad_request", error))
    }
}

/// What stands behind `?`.
pub(super) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let refuse =
            |rejection: QueryRejection| problem(StatusCode::BAD_REQUEST, "bad_query", rejection.body_text());
        Query::from_request_parts(parts, state).await.map(|Query(asked)| Self(asked)).map_err(refuse)
    }
}

/// How many are asked for; `None` where that is no number of things that are listed at once.
pub(super) fn page_size(asked: Option<usize>, otherwise: usize) -> Option<usize> {
    Some(asked.unwrap_or(otherwise)).filter(|limit| (1..=MOST).contains(limit))
}

pub(super) fn bad_limit() -> Response {
    problem(StatusCode::BAD_REQUEST, "bad_query", format!("limit is a number from 1 to {MOST}"))
}
