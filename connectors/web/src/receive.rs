//! The receiving half: what a page asks and says. In: HTTP requests that `serve` let in. Out: events for the sink, and what the journal, the
//! files and the graph have. What answers look like is `encode`'s matter, and how they are told `deliver`'s.

mod address;
mod body;

mod conversations;
mod files;
mod messages;
mod presses;

mod accept;

mod entities;
mod me;
mod session;

use std::sync::Arc;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::deliver;
use crate::serve::Site;

pub(crate) use address::Channel;
pub(crate) use presses::FEEDBACK;

/// The routes of those who have said who they are, and what they are.
pub(crate) fn described() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new()
        .routes(routes!(conversations::begin, conversations::list))
        .routes(routes!(conversations::exchanges))
        .routes(routes!(deliver::events))
        .routes(routes!(messages::receive))
        .routes(routes!(messages::edit, messages::delete))
        .routes(routes!(presses::press))
        .routes(routes!(presses::feedback))
        .routes(routes!(files::download))
        .routes(routes!(me::erase))
        .routes(routes!(entities::around))
}

/// The same for uploads, whose bodies are larger than others.
pub(crate) fn described_uploads() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(files::upload))
}

/// What anybody may know, before they have said who they are.
pub(crate) fn described_open() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(session::bot))
}

/// The routes of those who have said who they are.
pub(crate) fn routes() -> Router<Arc<Site>> {
    let uploads = Router::from(described_uploads()).layer(axum::extract::DefaultBodyLimit::disable());
    Router::from(described()).merge(uploads)
}

/// What anybody may know.
pub(crate) fn open_routes() -> Router<Arc<Site>> {
    Router::from(described_open()).route("/openapi.json", axum::routing::get(crate::openapi::serve))
}
