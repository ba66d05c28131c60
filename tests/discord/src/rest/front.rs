//! What each request passes before its route: it is written down, meets its fault, shows its token, and is counted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::error::ApiError;
use crate::doorway::Line;
use crate::faults::Fault;
use crate::limits::{self, Standing};
use crate::{Shared, record};

/// Lets a request pass, or not.
pub(super) async fn pass(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().clone();
    let route = format!("{method} {}", without_version(path.as_str()));
    let asked = format!("{method} {}", without_version(request.uri().path()));
    let fault = shared.faults.meet(&asked);
    match &fault {
        Some(Fault::BrokenOff) => {
            keep(&shared, asked, &request, Bytes::new(), fault);
            line.break_off();
            return StatusCode::BAD_GATEWAY.into_response();
        }
        Some(Fault::HalfOpen) => {
            keep(&shared, asked, &request, Bytes::new(), fault);
            line.half_open();
            for session in &shared.look().sessions {
                if let Some(outlet) = &session.outlet {
                    outlet.line.half_open();
                }
            }
            return std::future::pending().await;
        }
        _ => {}
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, super::MAX_BODY).await else {
        return ApiError::TOO_LARGE.into_response();
    };
    let request = Request::from_parts(parts, Body::from(body.clone()));
    let number = keep(&shared, asked, &request, body, fault.clone());
    let mut response = match fault {
        Some(Fault::TooMany { retry_after, is_global }) => ordered_refusal(&route, retry_after, is_global),
        Some(Fault::ServerError(status)) => server_error(status),
        Some(Fault::TakenWithoutAnswer) => {
            let _ = counted(&shared, &route, request, next).await;
            return std::future::pending().await;
        }
        Some(Fault::Slow(wait)) => {
            tokio::time::sleep(wait).await;
            counted(&shared, &route, request, next).await
        }
        _ => counted(&shared, &route, request, next).await,
    };
    shared.requests.answered(number, response.status().as_u16());
    // What Discord itself answers has come by its proxy; a refusal of the one in front of it has not, which clients tell apart by this.
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/"));
    if !is_page {
        response.headers_mut().insert(header::VIA, HeaderValue::from_static("1.1 google"));
    }
    response
}

fn without_version(path: &str) -> &str {
    path.strip_prefix("/api/v10").or_else(|| path.strip_prefix("/api")).unwrap_or(path)
}

fn keep(shared: &Shared, route: String, request: &Request, body: Bytes, fault: Option<Fault>) -> usize {
    let headers = request.headers().clone();
    shared.requests.keep(record::Request {
        route,
        query: request.uri().query().unwrap_or_default().to_owned(),
        json: record::json_of(&headers, &body),
        headers,
        body,
        at: Instant::now(),
        fault,
        status: None,
    })
}

/// Checks the token and the limits, and goes on.
async fn counted(shared: &Shared, route: &str, request: Request, next: Next) -> Response {
    let standing = shared.limits.take(route, &major(request.uri().path()));
    let headers = match standing {
        Standing::Fine(headers) => headers,
        Standing::Refused { retry_after, is_global, headers } => {
            shared.limits.count_invalid();
            return too_many(retry_after, is_global, headers);
        }
        Standing::Banned => {
            return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "3600")], "error code: 1015")
                .into_response();
        }
    };
    let mut response = if needs_token(route) && !has_token(shared, request.headers()) {
        ApiError::UNAUTHORIZED.into_response()
    } else {
        next.run(request).await
    };
    if matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        shared.limits.count_invalid();
    }
    response.headers_mut().extend(headers);
    response
}

/// Routes of interactions carry a token of their own in their path.
fn needs_token(route: &str) -> bool {
    !route.ends_with(" /gateway") && !route.contains("/interactions/") && !route.contains("/webhooks/")
}

fn has_token(shared: &Shared, headers: &HeaderMap) -> bool {
    let token = headers.get(header::AUTHORIZATION).and_then(|token| token.to_str().ok());
    token.and_then(|token| token.strip_prefix("Bot ")) == Some(&shared.options.token)
}

/// The part of a path that has buckets of its own: a channel, a guild, or a webhook with its token.
fn major(path: &str) -> String {
    let parts: Vec<_> = without_version(path).split('/').skip(1).collect();
    match parts.as_slice() {
        ["channels" | "guilds", id, ..] => (*id).to_owned(),
        ["webhooks", id, token, ..] => format!("{id}/{token}"),
        _ => String::new(),
    }
}

fn ordered_refusal(route: &str, retry_after: Option<Duration>, is_global: bool) -> Response {
    match retry_after {
        Some(wait) => too_many(wait, is_global, limits::refused_headers(route, wait, is_global)),
        None => (
            StatusCode::TOO_MANY_REQUESTS,
            [(header::CONTENT_TYPE, "text/html; charset=UTF-8")],
            "<html><head><title>429 Too Many Requests</title></head><body>You are being rate limited.</body></html>",
        )
            .into_response(),
    }
}

fn too_many(retry_after: Duration, is_global: bool, headers: HeaderMap) -> Response {
    let seconds = (retry_after.as_secs_f64() * 1000.0).ceil() / 1000.0;
    let body = json!({"message": "You are being rate limited.", "retry_after": seconds, "global": is_global});
    let mut response = (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response();
    response.headers_mut().extend(headers);
    // Whole seconds here, and fractions in the body.
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.ceil() as u64));
    response
}

fn server_error(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let page = format!(
        "<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center></body></html>"
    );
    (status, [(header::CONTENT_TYPE, "text/html")], page).into_response()
}
