//! A request's body must come in time. In: a request. Out: the same, cut off where it is slower than what is allowed; the answer is then
//! 408. Somebody who sends a byte now and then would hold a connection for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use futures::{StreamExt, stream};
use tokio::time::Instant;

use super::{Site, problem};

/// Bytes that earn a body another second.
const A_SECOND: u64 = 16 * 1024;

/// Gives a body its time, and refuses one that says itself that it is too large for any route.
pub(super) async fn in_time(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    if request.body().size_hint().lower() > site.largest_body() {
        let words = "this is more than the bot takes; send less";
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "too_large", words);
    }
    let seconds = site.config.limits.body_timeout_s;
    if seconds == 0 || request.body().is_end_stream() {
        return next.run(request).await;
    }
    let late = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| timed(body, Duration::from_secs(seconds.into()), late.clone()));
    let response = next.run(request).await;
    if !late.load(Ordering::Relaxed) {
        return response;
    }
    let words = "the request came too slowly; send it again over a better connection";
    let mut response = problem(StatusCode::REQUEST_TIMEOUT, "too_slow", words);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

struct Timed {
    body: BodyDataStream,
    begin: Instant,
    time: Duration,
    bytes: u64,
    late: Arc<AtomicBool>,
}

fn timed(body: Body, time: Duration, late: Arc<AtomicBool>) -> Body {
    let timed = Timed { body: body.into_data_stream(), begin: Instant::now(), time, bytes: 0, late };
    Body::from_stream(stream::unfold(Some(timed), |timed| async move {
        let mut timed = timed?;
        let end = timed.begin + timed.time + Duration::from_secs(timed.bytes / A_SECOND);
        match tokio::time::timeout_at(end, timed.body.next()).await {
            Ok(Some(Ok(piece))) => {
                timed.bytes = timed.bytes.saturating_add(piece.len() as u64);
                Some((Ok(piece), Some(timed)))
            }
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(None) => None,
            Err(_) => {
                timed.late.store(true, Ordering::Relaxed);
                Some((Err(axum::Error::new(std::io::Error::from(std::io::ErrorKind::TimedOut))), None))
            }
        }
    }))
}
