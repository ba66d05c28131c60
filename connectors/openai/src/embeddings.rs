//! `POST /v1/embeddings`. In: texts. Out: a vector of length 1 for each.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::body::Body;
use crate::error::ApiError;
use crate::service::Service;
use crate::wire::embedding::{Embedding, EmbeddingList, EmbeddingRequest, Input, Vector};
use crate::wire::response::Usage;

/// Embeds the texts of a request.
pub(crate) async fn embed(
    State(service): State<Arc<Service>>,
    Body(request): Body<EmbeddingRequest>,
) -> Result<Response, ApiError> {
    let missing = |name: &'static str| {
        let message = format!("You must provide {name}.");
        ApiError::new(StatusCode::BAD_REQUEST, message).at(name, "missing_required_parameter")
    };
    let name = request.model.filter(|name| !name.is_empty()).ok_or_else(|| missing("model"))?;
    let embedder = service.embedder(&name)?;
    let texts = texts(request.input.ok_or_else(|| missing("input"))?, service.limits.max_inputs)?;
    let as_base64 = match request.encoding_format.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => {
            let message = format!("'{other}' is no format: use 'float' or 'base64'.");
            return Err(ApiError::value("encoding_format", message));
        }
    };
    let dimension = embedder.dimension();
    if let Some(wanted) = request.dimensions
        && usize::try_from(wanted) != Ok(dimension)
    {
        // The vectors of these models are not nested: the first half of one is no shorter embedding.
        let message = format!(
            "The vectors of `{name}` have {dimension} numbers, and cannot be shortened: leave `dimensions` out."
        );
        return Err(ApiError::unsupported("dimensions", message));
    }
    let (vectors, tokens) = (embedder.embed(&texts).await?, embedder.count(&texts));
    let data = vectors.into_iter().enumerate().map(|(index, vector)| Embedding {
        object: "embedding",
        index,
        embedding: if as_base64 { Vector::Base64(base64(&vector)) } else { Vector::Numbers(vector) },
    });
    let usage = Usage::new(tokens.unwrap_or_default(), 0);
    let list = EmbeddingList { object: "list", data: data.collect(), model: &name, usage };
    Ok(Json(list).into_response())
}

fn texts(input: Input, most: usize) -> Result<Vec<String>, ApiError> {
    let Input::Texts(texts) = input else {
        let message = "Tokens are not embedded, as they would have to be of this model: send texts.";
        return Err(ApiError::unsupported("input", message));
    };
    if texts.is_empty() || texts.len() > most {
        let message = format!("`input` has {} texts; from 1 to {most} are embedded.", texts.len());
        return Err(ApiError::value("input", message));
    }
    if texts.iter().any(String::is_empty) {
        return Err(ApiError::value("input", "`input` has an empty text; leave it out."));
    }
    Ok(texts)
}

fn base64(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}
