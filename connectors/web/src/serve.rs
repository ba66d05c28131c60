//! The server: a port, every route on it with the checks before them, and when it stops. In: HTTP requests. Out: requests that may be
//! answered, at the routes of `receive`, `deliver` and the page, and of what the host mounts beside them.

mod bind;
mod listen;
mod tls;

mod proxies;

mod access;
mod headers;
mod origins;

mod gate;
mod limits;
mod wrong;

mod guests;
mod identity;
mod person;
mod secret;
pub(crate) mod session;
mod signatures;
mod tidy;

mod body;

mod mount;
mod ready;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use axum_server::Handle;
use loquat_contract::{
    BotCard, BoxFuture, CancellationToken, ConnectorError, ConversationId, Ingress, Knowledge, Sink,
};
use serde_json::json;
use subtle::ConstantTimeEq;

use crate::deliver::Mailboxes;
use crate::files::Store;
use crate::keys::{Ring, Scope};
use crate::receive::{self, Channel};
use crate::{Config, page};

use gate::too_fast;
use limits::{Limits, Wait};

pub use bind::{Bound, bind};
pub(crate) use guests::Guests;
#[cfg(test)]
pub(crate) use guests::now;
pub(crate) use headers::Fence;
#[cfg(test)]
pub(crate) use headers::Nonce;
pub(crate) use identity::HostSite;
pub use mount::Access;
pub(crate) use mount::Mount;
pub(crate) use origins::Origins;
pub(crate) use person::Person;
#[cfg(test)]
pub(crate) use person::Who;
pub(crate) use proxies::Proxies;
pub use ready::ReadyCheck;
pub(crate) use secret::Secret;
pub(crate) use tls::Tls;
pub(crate) use wrong::Wrong;

/// How long replies to accepted messages are waited for after a stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long connections may take to close after that.
const CLOSE: Duration = Duration::from_secs(2);
/// How often mailboxes and limits that nobody uses are looked for.
const SWEEP: Duration = Duration::from_secs(15);

/// What every route sees.
pub(crate) struct Site {
    pub(crate) config: Config,
    pub(crate) bot: BotCard,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) mailboxes: Arc<Mailboxes>,
    pub(crate) stop: CancellationToken,
    pub(crate) guests: Guests,
    pub(crate) host_site: Option<Arc<HostSite>>,
    pub(crate) keys: Ring,
    pub(crate) wrong: Wrong,
    pub(crate) limits: Limits,
    pub(crate) proxies: Proxies,
    pub(crate) origins: Origins,
    pub(crate) fence: Fence,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) checks: Vec<(String, ReadyCheck)>,
    /// The files that came with messages, where there is a place for them.
    pub(crate) files: Option<Arc<Store>>,
    /// The graph, where people may look around in it.
    pub(crate) knowledge: Option<Arc<dyn Knowledge>>,
}

/// The connector's name in conversation ids.
pub(crate) const PLATFORM: &str = "web";

impl Site {
    /// What a bot that has its port shows.
    pub(crate) fn new(
        bound: &Bound,
        bot: BotCard,
        sink: Arc<dyn Sink>,
        mailboxes: Arc<Mailboxes>,
        stop: CancellationToken,
    ) -> Self {
        let config = bound.config.clone();
        Self {
            bot,
            sink,
            mailboxes,
            stop,
            guests: Guests::new(&bound.secret, config.token.as_ref()),
            host_site: bound.host_site.clone(),
            keys: Ring::new(bound.keys.clone()),
            wrong: Wrong::default(),
            limits: Limits::new(&config.limits),
            proxies: bound.proxies.clone(),
            fence: Fence::new(&bound.origins, config.images, bound.tls.is_some()),
            origins: bound.origins.clone(),
            mounts: bound.mounts.clone(),
            checks: bound.checks.clone(),
            files: bound.files.clone(),
            knowledge: bound.knowledge.clone(),
            config,
        }
    }

    /// Whether somebody may come in the way that this person once did: a session outlives the config that allowed it.
    pub(crate) fn still_admits(&self, person: &Person) -> bool {
        match person.is_guest() {
            true => self.config.lets_anybody_in() || self.config.token.is_some(),
            false => self.host_site.is_some(),
        }
    }

    /// The conversation that a page calls by this id.
    pub(crate) fn conversation(&self, channel: Channel) -> ConversationId {
        let bot = self.bot.name.clone();
        ConversationId { bot, platform: PLATFORM.to_owned(), channel: channel.0, thread: None }
    }

    /// The largest message that is read, in bytes: a character takes at most 12 as a pair of JSON escapes; the rest is room for ids and
    /// braces.
    fn body_limit(&self) -> usize {
        self.config.max_message_chars.saturating_mul(12).saturating_add(1024)
    }

    /// The largest body that any route takes, in bytes.
    fn largest_body(&self) -> u64 {
        let routes = [self.body_limit(), self.config.files.max_bytes, self.config.limits.body_bytes];
        routes.into_iter().max().and_then(|most| u64::try_from(most).ok()).unwrap_or(u64::MAX)
    }

    /// Whether a path is for pages of this server alone, whatever other sites may ask.
    fn is_private(&self, path: &str) -> bool {
        self.mounts.iter().any(|mount| mount.has(path) && mount.access != Access::Key(Scope::Chat))
    }
}

/// Every route, with the checks before them.
pub(crate) fn router(site: Arc<Site>) -> Router {
    let talk = receive::routes()
        .route_layer(middleware::from_fn_with_state(site.clone(), gate::paced))
        .route_layer(middleware::from_fn_with_state(site.clone(), person::required));
    let own = Router::new()
        .merge(talk)
        .merge(receive::open_routes())
        .merge(page::routes())
        .route("/health", get(ready::health))
        .route("/ready", get(ready::ready))
        .route("/api/session", post(session::session))
        .fallback(async || problem(StatusCode::NOT_FOUND, "not_found", "there is nothing here"))
        .method_not_allowed_fallback(async || {
            problem(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", "this path takes another method")
        })
        .layer(DefaultBodyLimit::max(site.body_limit()));
    let routes = site.mounts.iter().fold(own, |routes, mount| mount.clone().on(routes, &site));
    // The outermost is the last one here.
    routes
        .layer(middleware::from_fn_with_state(site.clone(), body::in_time))
        .layer(middleware::from_fn_with_state(site.clone(), gate::admit))
        .layer(access::cross_origin(&site.origins))
        .layer(middleware::from_fn_with_state(site.clone(), access::check))
        .layer(middleware::from_fn_with_state(site.clone(), headers::secure))
        .with_state(site)
}

/// A refusal: `{"error": {"code", "message", "type", "param"}}`. The code is for programs, the message says what to do; the rest is for
/// clients of OpenAI, whom the server may refuse before `/v1` does.
pub(crate) fn problem(status: StatusCode, code: &str, message: impl std::fmt::Display) -> Response {
    let kind = match status {
        status if status.is_server_error() => "server_error",
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        _ => "invalid_request_error",
    };
    let error = json!({ "code": code, "message": message.to_string(), "type": kind, "param": null });
    (status, Json(json!({ "error": error }))).into_response()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares in a time that does not depend on where the two differ.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
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
        let (bound, mailboxes) = (&self.bound, &self.mailboxes);
        // A second handle of the same port: between two runs, connections wait on the first.
        let listener = bound.listener.try_clone().map_err(failed)?;
        let site = Arc::new(Site::new(bound, self.bot.clone(), sink, mailboxes.clone(), stop.clone()));
        let handle = Handle::<SocketAddr>::new();
        // A run that is dropped takes no further requests on the connections that it has.
        let _dropped = EndOfRun(handle.clone());
        let limits = &bound.config.limits;
        let routes = router(site.clone());
        let server =
            listen::serve(listener, routes, limits, &bound.proxies, bound.tls.as_ref(), handle.clone());
        let rest = async {
            stop.cancelled().await;
            // Past the grace there is nothing better to do than to close with replies still owed.
            let _ = tokio::time::timeout(GRACE, mailboxes.all_answered()).await;
            mailboxes.close();
            handle.graceful_shutdown(Some(CLOSE));
            std::future::pending::<()>().await;
        };
        let sweep = async {
            let mut every = tokio::time::interval(SWEEP);
            loop {
                every.tick().await;
                mailboxes.sweep().await;
                site.limits.sweep();
            }
        };
        let renew = async {
            match &bound.tls {
                Some(tls) => tls.renew().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            served = server => served.map_err(failed),
            () = rest => Ok(()),
            () = sweep => Ok(()),
            () = renew => Ok(()),
            () = tidy::files(&site) => Ok(()),
        }
    }
}

/// Ends connections as soon as they have answered what they were asked.
struct EndOfRun(Handle<SocketAddr>);

impl Drop for EndOfRun {
    fn drop(&mut self) {
        self.0.graceful_shutdown(None);
    }
}
