//! What a request brings along: JSON, alone or with files beside it.

use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header;
use serde_json::{Value, json};

use super::error::ApiError;

/// A body: its JSON and its files.
pub(super) struct Payload {
    pub(super) json: Value,
    pub(super) files: Vec<Upload>,
}

/// A file: `files[number]`.
pub(super) struct Upload {
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) content_type: Option<String>,
    pub(super) bytes: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Payload {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
            let body = Bytes::from_request(request, state).await.map_err(|_| ApiError::TOO_LARGE)?;
            let json = if body.is_empty() { json!({}) } else { parsed(&body)? };
            return Ok(Self { json, files: Vec::new() });
        }
        let mut form = Multipart::from_request(request, state).await.map_err(|_| ApiError::INVALID_JSON)?;
        let mut payload = Self { json: json!({}), files: Vec::new() };
        while let Some(field) = form.next_field().await.map_err(|_| ApiError::INVALID_JSON)? {
            let field_name = field.name().unwrap_or_default().to_owned();
            let name = field.file_name().map(str::to_owned);
            let content_type = field.content_type().map(str::to_owned);
            let bytes = field.bytes().await.map_err(|_| ApiError::TOO_LARGE)?;
            if field_name == "payload_json" {
                payload.json = parsed(&bytes)?;
            } else if let Some(number) = numbered(&field_name) {
                let name = name.unwrap_or_else(|| "unknown".into());
                payload.files.push(Upload { number, name, content_type, bytes });
            } else if let Value::Object(json) = &mut payload.json {
                json.insert(field_name, String::from_utf8_lossy(&bytes).into());
            }
        }
        Ok(payload)
    }
}

fn parsed(bytes: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(bytes).map_err(|_| ApiError::INVALID_JSON)
}

/// `files[3]` is the fourth; `file` an old way to write the first.
fn numbered(field: &str) -> Option<u64> {
    let number = field.strip_prefix("files[").and_then(|rest| rest.strip_suffix(']'));
    number.map_or((field == "file").then_some(0), |number| number.parse().ok())
}
