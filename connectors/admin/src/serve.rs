//! The data of the pages. In: requests of somebody who may see it, which was checked before. Out: JSON, events, downloads. Nothing that a page must
//! not have is in it: no ticket, no secret.

mod feedback;
mod ledger;
mod people;
mod row;
mod system;
mod talks;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use loquat_contract::{JournalError, Timestamp};
use serde_json::json;

use crate::operations::{Operations, Problem};
use crate::sampler::History;

/// What every route sees.
#[derive(Clone)]
struct Desk {
    operations: Arc<dyn Operations>,
    history: Arc<History>,
}

/// The data, to be mounted at `/admin/api` for the holders of an operator's key alone. It has to be made within a runtime: from then on, what is
/// counted is looked at every ten seconds for as long as the router is there.
pub fn router(operations: Arc<dyn Operations>) -> Router {
    let history = History::of(&operations);
    Router::new()
        .route("/about", get(system::about))
        .route("/checks", get(system::checks))
        .route("/compact", post(system::compact))
        .route("/gauges", get(system::gauges))
        .route("/history", get(system::history))
        .route("/ledger", get(ledger::list))
        .route("/ledger/events", get(ledger::events))
        .route("/ledger/{sequence}", get(ledger::one))
        .route("/ledger/{sequence}/retry", post(ledger::retry))
        .route("/ledger/{sequence}/discard", post(ledger::discard))
        .route("/conversations", get(talks::list))
        .route("/transcript", get(talks::transcript))
        .route("/feedback", get(feedback::list))
        .route("/feedback.csv", get(feedback::csv))
        .route("/gaps", get(feedback::gaps))
        .route("/person", get(people::one))
        .route("/person", delete(people::erase))
        .fallback(async || Problem::Missing("there is nothing here".to_owned()))
        .with_state(Desk { operations, history })
}

/// What is counted, in Prometheus' text format, at the path that it is mounted at.
pub fn prometheus(operations: Arc<dyn Operations>) -> Router {
    let text = async |State(operations): State<Arc<dyn Operations>>| {
        ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], operations.metrics())
    };
    Router::new().route("/", get(text)).with_state(operations)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::Missing(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            Self::Wrong(_) => (StatusCode::BAD_REQUEST, "bad_request"),
            Self::Failed(_) => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
        };
        let body = json!({ "error": { "code": code, "message": self.to_string() } });
        (status, [NO_STORE], Json(body)).into_response()
    }
}

/// What people said is not to stay in a browser's cache.
const NO_STORE: (HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

/// Something as JSON, or why not.
type Answer<T> = Result<([(HeaderName, &'static str); 1], Json<T>), Problem>;

fn answer<T>(value: T) -> Answer<T> {
    Ok(([NO_STORE], Json(value)))
}

/// What was asked for in the address, where it is written as it should be.
fn asked<T>(
    query: Result<axum::extract::Query<T>, axum::extract::rejection::QueryRejection>,
) -> Result<T, Problem> {
    query.map(|query| query.0).map_err(|rejection| Problem::Wrong(rejection.body_text()))
}

fn failed(error: JournalError) -> Problem {
    Problem::from(error)
}

/// The moment so many days ago; the beginning where nothing is said.
fn days_ago(days: Option<u32>) -> Timestamp {
    let Some(days) = days else { return Timestamp::default() };
    Timestamp(Timestamp::now().0.saturating_sub(u64::from(days) * 86_400_000))
}
