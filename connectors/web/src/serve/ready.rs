//! Whether the bot lives, and whether it can answer. In: a probe's request, and what the host looks at. Out: 200 or 503.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Site;

/// Something without which the bot cannot answer, such as a journal that takes no more. `Err` says what is wrong with it.
pub type ReadyCheck = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// `GET /health`: the process lives.
pub(super) async fn health() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// `GET /ready`: it takes messages.
pub(super) async fn ready(State(site): State<Arc<Site>>) -> Response {
    if site.stop.is_cancelled() {
        return not(json!({ "status": "stopping" }));
    }
    let mut failed = Vec::new();
    for (name, check) in &site.checks {
        if let Err(problem) = check() {
            // The name alone is shown: what is wrong is for whoever reads the log.
            tracing::warn!(check = name, problem, "not ready");
            failed.push(name.as_str());
        }
    }
    match failed.is_empty() {
        true => Json(json!({ "status": "ready" })).into_response(),
        false => not(json!({ "status": "not ready", "failed": failed })),
    }
}

fn not(body: serde_json::Value) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}
