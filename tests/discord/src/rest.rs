//! The REST API: what each route takes and answers.
//!
//! Every request passes [`front::pass`] first: there it is written down, meets its fault, shows its token, and is counted.

pub(crate) mod error;
mod front;
mod payload;
mod validate;

mod apps;
mod guilds;

mod channels;
mod threads;

mod content;
mod messages;
mod pins;
mod reactions;

mod interactions;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};

use crate::ids::Id;
use crate::{Shared, gateway, view};
use error::ApiError;

/// How large a request may be.
const MAX_BODY: usize = 26 * 1024 * 1024;

/// Everything on the one port: the API with and without its version, the gateway, files.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let api = api().method_not_allowed_fallback(not_so);
    let api = api.route_layer(from_fn_with_state(shared.clone(), front::pass)).fallback(unknown);
    Router::new()
        .nest("/api/v10", api.clone())
        .nest("/api", api)
        .route("/", get(gateway::open))
        .route("/attachments/{channel}/{file}/{name}", get(file))
        .route("/view/{channel}", get(view::page))
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(shared)
}

fn api() -> Router<Arc<Shared>> {
    Router::new()
        .route("/gateway", get(apps::gateway))
        .route("/gateway/bot", get(apps::gateway_bot))
        .route("/users/@me", get(apps::me))
        .route("/users/@me/guilds", get(apps::my_guilds))
        .route("/users/@me/guilds/{guild}", delete(guilds::leave))
        .route("/users/@me/channels", get(channels::all_direct).post(channels::direct))
        .route("/users/{user}", get(apps::user))
        .route("/applications/@me", get(apps::application))
        .route("/oauth2/applications/@me", get(apps::application))
        .route(
            "/applications/{app}/commands",
            get(apps::commands).put(apps::put_commands).post(apps::post_command),
        )
        .route(
            "/applications/{app}/commands/{command}",
            get(apps::command).patch(apps::patch_command).delete(apps::delete_command),
        )
        .route(
            "/applications/{app}/guilds/{guild}/commands",
            get(apps::guild_commands).put(apps::put_guild_commands).post(apps::post_guild_command),
        )
        .route(
            "/applications/{app}/guilds/{guild}/commands/{command}",
            get(apps::guild_command).patch(apps::patch_guild_command).delete(apps::delete_guild_command),
        )
        .route("/guilds/{guild}", get(guilds::guild))
        .route("/guilds/{guild}/channels", get(guilds::channels).post(guilds::make_channel))
        .route("/guilds/{guild}/roles", get(guilds::roles))
        .route("/guilds/{guild}/members", get(guilds::members))
        .route("/guilds/{guild}/members/{user}", get(guilds::member))
        .route("/guilds/{guild}/threads/active", get(threads::active))
        .route("/channels/{channel}", get(channels::channel).patch(channels::patch).delete(channels::delete))
        .route("/channels/{channel}/typing", post(channels::typing))
        .route("/channels/{channel}/threads", post(threads::without_message))
        .route("/channels/{channel}/threads/archived/public", get(threads::archived))
        .route("/channels/{channel}/thread-members/@me", put(threads::join).delete(threads::leave))
        .route("/channels/{channel}/thread-members", get(threads::members))
        .route("/channels/{channel}/messages", get(messages::list).post(messages::create))
        .route("/channels/{channel}/messages/bulk-delete", post(messages::bulk_delete))
        .route(
            "/channels/{channel}/messages/{message}",
            get(messages::one).patch(messages::edit).delete(messages::delete),
        )
        .route("/channels/{channel}/messages/{message}/threads", post(threads::of_message))
        .route("/channels/{channel}/messages/pins", get(pins::list))
        .route("/channels/{channel}/messages/pins/{message}", put(pins::pin).delete(pins::unpin))
        // The older ones, which clients still use.
        .route("/channels/{channel}/pins", get(pins::plain_list))
        .route("/channels/{channel}/pins/{message}", put(pins::pin).delete(pins::unpin))
        .route(
            "/channels/{channel}/messages/{message}/reactions/{emoji}",
            get(reactions::list).delete(reactions::clear),
        )
        .route(
            "/channels/{channel}/messages/{message}/reactions/{emoji}/@me",
            put(reactions::add).delete(reactions::take_back),
        )
        .route(
            "/channels/{channel}/messages/{message}/reactions/{emoji}/{user}",
            delete(reactions::take_away_of),
        )
        .route("/channels/{channel}/messages/{message}/reactions", delete(reactions::clear_all))
        .route("/interactions/{interaction}/{token}/callback", post(interactions::answer))
        .route("/webhooks/{app}/{token}", post(webhooks::follow_up))
        .route(
            "/webhooks/{app}/{token}/messages/{message}",
            patch(webhooks::edit).get(webhooks::one).delete(webhooks::delete),
        )
}

async fn unknown() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, 0, "404: Not Found")
}

async fn not_so() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, 0, "405: Method Not Allowed")
}

/// A file, as Discord's CDN serves it.
async fn file(
    State(shared): State<Arc<Shared>>,
    Path((channel, file, _)): Path<(Id, Id, String)>,
) -> Response {
    let world = shared.look();
    match world.files.get(&file).filter(|file| file.channel == channel) {
        Some(file) => {
            let kind = file.content_type.clone().unwrap_or_else(|| "application/octet-stream".into());
            ([(header::CONTENT_TYPE, kind)], file.bytes.clone()).into_response()
        }
        None => (StatusCode::NOT_FOUND, "This content is no longer available.").into_response(),
    }
}
