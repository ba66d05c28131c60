//! A conversation's events as a page hears them. In: the last event it saw. Out: a stream of everything after it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::Deserialize;

use super::mailboxes::Reader;
use crate::encode::Event;
use crate::receive::Channel;
use crate::serve::{Site, problem};

/// How often something is sent where nothing happens, so that no proxy takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a page waits before it connects again.
const RETRY: Duration = Duration::from_millis(1500);

/// Where a page that was loaded anew goes on; a reconnecting one says it in `Last-Event-ID`.
#[derive(Deserialize)]
pub(crate) struct Position {
    after: Option<String>,
}

/// Streams a conversation's events.
pub(crate) async fn events(
    State(site): State<Arc<Site>>,
    channel: Channel,
    Query(position): Query<Position>,
    headers: HeaderMap,
) -> Response {
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let seen = header.or(position.after).and_then(|id| number(&id)).unwrap_or(0);
    let reader = match site.mailboxes.read(&site.conversation(channel), site.sink.as_ref()).await {
        Ok(reader) => reader,
        // The page asks again in a moment.
        Err(error) => return problem(StatusCode::SERVICE_UNAVAILABLE, "journal", error),
    };
    let events = stream::unfold((reader, VecDeque::new(), seen), next);
    let stream = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // The second header asks nginx not to hold the stream back.
    ([(header::CACHE_CONTROL.as_str(), "no-store"), ("x-accel-buffering", "no")], stream).into_response()
}

type Reading = (Reader, VecDeque<(u64, Event)>, u64);

async fn next((reader, mut ready, seen): Reading) -> Option<(Result<sse::Event, Infallible>, Reading)> {
    if ready.is_empty() {
        ready = reader.next(seen).await?;
    }
    let (number, event) = ready.pop_front()?;
    let sent = sse::Event::default().id(id(number)).event(event.kind.name()).data(event.data).retry(RETRY);
    Some((Ok(sent), (reader, ready, number)))
}

/// When this process started, in milliseconds: numbers start anew with it, so an id has to tell which start it is from.
fn start() -> u128 {
    static START: OnceLock<u128> = OnceLock::new();
    *START.get_or_init(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis())
}

fn id(number: u64) -> String {
    format!("{:x}-{number}", start())
}

/// The number in an id that this process gave; an id from before its start has seen nothing that is kept.
fn number(id: &str) -> Option<u64> {
    let (from, number) = id.split_once('-')?;
    if u128::from_str_radix(from, 16).ok()? != start() { None } else { number.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::{id, number, start};

    #[test]
    fn an_id_from_another_start_counts_for_nothing() {
        assert_eq!(number(&id(7)), Some(7));
        assert_eq!(number(&format!("{:x}-7", start() - 1)), None);
        assert_eq!(number("7"), None);
    }
}
