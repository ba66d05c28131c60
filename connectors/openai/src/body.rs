//! A request's body. In: bytes. Out: what they say, or a refusal that names the parameter that is wrong.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// A body of JSON.
///
/// Another media type is refused: a page of another site can send one without asking the browser's leave, but not this one.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            let message = "The body has to be JSON: send the header `Content-Type: application/json`.";
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|refused| {
            let message = match refused.status() {
                StatusCode::PAYLOAD_TOO_LARGE => "The request is too large; send fewer or shorter messages.",
                _ => "The request's body did not come as a whole; send it again.",
            };
            ApiError::new(refused.status(), message)
        })?;
        // Where it went wrong is worked out only once it has: keeping track costs time.
        serde_json::from_slice(&bytes).map(Self).map_err(|_| explain::<T>(&bytes))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn explain<T: DeserializeOwned>(bytes: &[u8]) -> ApiError {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let failed = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Ok(_) => return ApiError::new(StatusCode::BAD_REQUEST, "Something follows the JSON of the request."),
        Err(failed) => failed,
    };
    let (path, error) = (failed.path().to_string(), failed.into_inner());
    if !error.is_data() {
        let message = format!("We could not parse the JSON body of your request: {error}.");
        return ApiError::new(StatusCode::BAD_REQUEST, message);
    }
    match path.as_str() {
        "." => ApiError::new(StatusCode::BAD_REQUEST, format!("Invalid request: {error}.")),
        _ => {
            let message = format!("Invalid value for '{path}': {error}.");
            ApiError::new(StatusCode::BAD_REQUEST, message).at(path, "invalid_type")
        }
    }
}
