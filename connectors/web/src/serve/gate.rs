//! How often somebody may ask. In: a request, its client and who it says that it is. Out: the request, or 429 with how long to wait. The
//! numbers are `limits`' matter.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;

use super::limits::Wait;
use super::person::{Person, Who};
use super::proxies::Client;
use super::{Site, problem};

/// Where an event stream is.
const STREAM: &str = "/events";

/// Finds out where a request comes from and who asks, and lets on those who do not ask too often.
pub(super) async fn admit(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let client = site.proxies.client(&request);
    let who = Who::of(&site, request.headers());
    // A program with a key asks for many people.
    let pace = match &who {
        Who::Key(key) => site.limits.key(&key.name),
        _ => site.limits.request(client),
    };
    if let Err(wait) = pace {
        return too_fast("too_fast", wait, "too many requests; wait a little");
    }
    request.extensions_mut().insert(client);
    request.extensions_mut().insert(who);
    next.run(request).await
}

/// Lets on what a person does, as often as they may.
pub(super) async fn paced(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let client = client(&request);
    let Some(person) = request.extensions().get::<Person>() else { return next.run(request).await };
    // A key's own limit has been looked at.
    let is_key = matches!(request.extensions().get(), Some(Who::Key(_)));
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    let is_stream = *request.method() == Method::GET && route.ends_with(STREAM);
    if is_stream {
        let held = match site.limits.stream(&person.id, client) {
            Ok(held) => held,
            Err(_) if is_key => return next.run(request).await,
            Err(wait) => {
                let words = "too many of your tabs listen at the same time; close one of them";
                return too_fast("too_many_streams", wait, words);
            }
        };
        let response = next.run(request).await;
        return response.map(|body| {
            Body::from_stream(body.into_data_stream().map(move |piece| {
                let _until_it_ends = &held;
                piece
            }))
        });
    }
    let is_deed = !is_key && *request.method() != Method::GET;
    if is_deed && let Err(wait) = site.limits.message(&person.id, client) {
        return too_fast("too_fast", wait, "too many messages; wait a little");
    }
    next.run(request).await
}

/// Where a request that was admitted comes from.
pub(super) fn client(request: &Request) -> Client {
    request.extensions().get().copied().unwrap_or(Client::Here)
}

/// 429, with the time to wait.
pub(super) fn too_fast(code: &str, Wait(wait): Wait, words: &str) -> Response {
    metrics::counter!("loquat_web_refused_total", "reason" => "too_fast").increment(1);
    // Rounded up, because asking too early is refused again.
    let seconds = (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1);
    let refusal = problem(StatusCode::TOO_MANY_REQUESTS, code, words);
    ([(header::RETRY_AFTER, seconds.to_string())], refusal).into_response()
}
