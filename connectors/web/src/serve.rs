//! The server: a port, every route on it with the checks before them, and when it stops. In: HTTP requests. Out: requests that may be
//! answered, at the routes of `receive`, `deliver` and the page, and of what the host mounts beside them.

mod access;
mod bind;
mod guests;
mod headers;
mod origins;
mod person;
mod proxies;
mod secret;
mod session;
mod signatures;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, middleware};
use loquat_contract::{BotCard, BoxFuture, CancellationToken, ConnectorError, ConversationId, Ingress, Sink};
use serde_json::json;
use subtle::ConstantTimeEq;

use crate::deliver::Mailboxes;
use crate::receive::{self, Channel};
use crate::{Config, page};

pub use bind::{Bound, bind};
pub(crate) use guests::Guests;
#[cfg(test)]
pub(crate) use guests::now;
pub(crate) use origins::Origins;
pub(crate) use person::Person;
pub(crate) use proxies::Proxies;
pub(crate) use secret::Secret;
pub(crate) use session::Wrong;

/// How long replies to accepted messages are waited for after a stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long connections may take to close after that.
const CLOSE: Duration = Duration::from_secs(2);
/// How often mailboxes that nobody uses are looked for.
const SWEEP: Duration = Duration::from_secs(60);

/// What every route sees.
pub(crate) struct Site {
    pub(crate) config: Config,
    pub(crate) bot: BotCard,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) mailboxes: Arc<Mailboxes>,
    pub(crate) stop: CancellationToken,
    pub(crate) guests: Guests,
    pub(crate) wrong: Wrong,
}

impl Site {
    /// The conversation that a page calls by this id.
    pub(crate) fn conversation(&self, channel: Channel) -> ConversationId {
        let bot = self.bot.name.clone();
        ConversationId { bot, platform: "web".to_owned(), channel: channel.0, thread: None }
    }
}

/// Every route, with the checks before them.
pub(crate) fn router(site: Arc<Site>) -> Router {
    // A character takes at most 12 bytes as a pair of JSON escapes; the rest is room for the id and the braces.
    let body_limit = site.config.max_message_chars.saturating_mul(12).saturating_add(1024);
    Router::new()
        .merge(receive::routes().route_layer(middleware::from_fn_with_state(site.clone(), person::required)))
        .merge(receive::open_routes())
        .merge(page::routes())
        .route("/health", get(health))
        .route("/api/session", post(session::session))
        .fallback(async || problem(StatusCode::NOT_FOUND, "not_found", "there is nothing here"))
        .layer(DefaultBodyLimit::max(body_limit))
        .layer(middleware::from_fn_with_state(site.clone(), access::check))
        .layer(middleware::map_response(headers::secure))
        .with_state(site)
}

/// A refusal: `{"error": {"code", "message"}}`. The code is for programs, the message says what to do.
pub(crate) fn problem(status: StatusCode, code: &str, message: impl std::fmt::Display) -> Response {
    (status, Json(json!({ "error": { "code": code, "message": message.to_string() } }))).into_response()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares in a time that does not depend on where the two differ.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

async fn health(State(site): State<Arc<Site>>) -> Response {
    match site.stop.is_cancelled() {
        false => Json(json!({ "status": "ok" })).into_response(),
        true => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "stopping" }))).into_response(),
    }
}

/// The receiving half of the web chat.
pub struct WebIngress {
    pub(crate) bound: Bound,
    pub(crate) bot: BotCard,
    pub(crate) mailboxes: Arc<Mailboxes>,
}

impl Ingress for WebIngress {
    fn run<'a>(
        &'a self,
        sink: Arc<dyn Sink>,
        stop: CancellationToken,
    ) -> BoxFuture<'a, Result<(), ConnectorError>> {
        Box::pin(self.serve(sink, stop))
    }
}

impl WebIngress {
    async fn serve(&self, sink: Arc<dyn Sink>, stop: CancellationToken) -> Result<(), ConnectorError> {
        let failed = |error: std::io::Error| ConnectorError::Stop(format!("the web chat failed: {error}"));
        // A second handle of the same port: between two runs, connections wait on the first.
        let listener = self.bound.listener.try_clone().map_err(failed)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
        let mailboxes = &self.mailboxes;
        let site = Site {
            config: self.bound.config.clone(),
            bot: self.bot.clone(),
            sink,
            mailboxes: mailboxes.clone(),
            stop: stop.clone(),
            guests: Guests::new(&self.bound.secret, self.bound.config.token.as_ref()),
            wrong: Wrong::default(),
        };
        // A run that is dropped takes no further requests on the connections that it has.
        let over = CancellationToken::new();
        let _dropped = over.clone().drop_guard();
        let closed = mailboxes.closed();
        let no_more_requests = async move {
            tokio::select! {
                () = closed.cancelled() => {}
                () = over.cancelled() => {}
            }
        };
        let server = axum::serve(listener, router(Arc::new(site)))
            .with_graceful_shutdown(no_more_requests)
            .into_future();
        let rest = async {
            stop.cancelled().await;
            // Past the grace there is nothing better to do than to close with replies still owed.
            let _ = tokio::time::timeout(GRACE, mailboxes.all_answered()).await;
            mailboxes.close();
            tokio::time::sleep(CLOSE).await;
        };
        let sweep = async {
            let mut every = tokio::time::interval(SWEEP);
            loop {
                every.tick().await;
                mailboxes.sweep();
            }
        };
        tokio::select! {
            served = server => served.map_err(failed),
            () = rest => Ok(()),
            () = sweep => Ok(()),
        }
    }
}
