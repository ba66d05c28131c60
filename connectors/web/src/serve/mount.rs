//! What the host serves beside the chat: `/v1`, `/admin` and such. In: a path, who may ask, and a router that knows nothing of either.
//! Out: the router behind the same checks as the chat.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;

use super::gate::client;
use super::person::{self, Who};
use super::proxies::Client;
use super::{Site, access};
use crate::WebError;
use crate::keys::Scope;

/// Who may ask for what is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Everybody whom the server lets in.
    Public,
    /// The holders of an API key with this scope; with [`Scope::Chat`] also anybody on this machine, where nothing is
    /// configured that says otherwise.
    Key(Scope),
}

/// A router and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Mount {
    pub(crate) path: String,
    pub(crate) access: Access,
    router: Router,
}

impl Mount {
    pub(crate) fn new(path: &str, access: Access, router: Router) -> Result<Self, WebError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
        let is_path = path.starts_with('/')
            && path.len() > 1
            && !path.ends_with('/')
            && !path.contains("//")
            && path.chars().all(is_plain);
        match is_path {
            true => Ok(Self { path: path.to_owned(), access, router }),
            false => Err(WebError::MountPath(path.to_owned())),
        }
    }

    /// Whether a path is this mount's.
    pub(crate) fn has(&self, path: &str) -> bool {
        path.strip_prefix(self.path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The routes of the server with this one's.
    pub(super) fn on(self, routes: Router<Arc<Site>>, site: &Arc<Site>) -> Router<Arc<Site>> {
        let Self { path, access, router } = self;
        let guarded = router
            .layer(DefaultBodyLimit::max(site.config.limits.body_bytes))
            .layer(middleware::from_fn_with_state((site.clone(), access), check));
        routes.nest(&path, guarded.with_state(()))
    }
}

async fn check(
    State((site, access)): State<(Arc<Site>, Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    let Access::Key(scope) = access else { return next.run(request).await };
    let who = request.extensions().get::<Who>().cloned().unwrap_or(Who::Unsaid);
    if let Some(key) = who.has(scope) {
        // The contract's word for somebody, which whoever wrote the router knows.
        let person = Who::person_of(key);
        request.extensions_mut().insert(person);
        return next.run(request).await;
    }
    let is_here = client(&request) == Client::Here && access::is_here(access::host(&request));
    if scope == Scope::Chat && site.config.is_open_here() && is_here {
        return next.run(request).await;
    }
    person::refuse(&site, &who, scope).await
}
