//! `GET /v1/models`. In: nothing, or a name. Out: what can be named as `model`, and what it is.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::service::{Named, Service};

/// All of them, the bot first.
pub(crate) async fn list(State(service): State<Arc<Service>>) -> Json<Value> {
    let data: Vec<Value> = service.catalogue().map(|(name, kind)| card(&service, &name, kind)).collect();
    Json(json!({ "object": "list", "data": data }))
}

/// One of them.
pub(crate) async fn retrieve(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let mut all = service.catalogue();
    let found = all.find(|(known, _)| known.eq_ignore_ascii_case(&name)).or_else(|| {
        // Another name, under which it is no second model of the list.
        let is_bot = matches!(service.named(&name)?, Named::Bot);
        service.catalogue().find(|(_, kind)| is_bot == (*kind == "grounded"))
    });
    let (_, kind) = found.ok_or_else(|| ApiError::no_model(&name, "GET /v1/models lists those that do."))?;
    Ok(Json(card(&service, &name, kind)))
}

fn card(service: &Service, name: &str, kind: &str) -> Value {
    json!({
        "id": name, "object": "model", "created": service.began, "owned_by": "loquat",
        "loquat": { "kind": kind },
    })
}
