//! Looking around in the graph from what an answer cites. In: an id. Out: its facts in both directions.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use loquat_contract::{EntityId, Language};
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::{Asked, bad_limit, page_size};
use crate::encode::Neighbourhood;
use crate::serve::{Site, problem};

/// How much is shown, and in which language.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Around {
    /// At most so many facts in either direction.
    #[param(nullable = false, minimum = 1, maximum = 100, default = 20)]
    limit: Option<usize>,
    /// The language of names, such as `zh`; without it, the bot's first.
    #[param(nullable = false)]
    language: Option<String>,
}

/// Gives what the graph says of one thing.
#[utoipa::path(
    get, path = "/api/entities/{id}", operation_id = "look_around", tag = "graph",
    params(("id" = String, Path, description = "The thing's id, such as an IRI, percent-encoded."), Around),
    responses((status = 200, description = "Facts about it, and facts that name it.", body = Neighbourhood), crate::openapi::Refusals),
    security(("bearer" = []))
)]
pub(super) async fn around(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    Asked(around): Asked<Around>,
) -> Response {
    let Some(limit) = page_size(around.limit, 20) else { return bad_limit() };
    let Some(graph) = site.knowledge.as_ref().filter(|_| site.config.explore) else {
        return problem(
            StatusCode::NOT_FOUND,
            "no_graph",
            "this bot does not show its graph; ask it instead",
        );
    };
    let spoken = site.bot.languages.first().cloned().unwrap_or_else(Language::english);
    let language = around.language.map_or(spoken, |language| Language::new(&language));
    let id = EntityId::from(id.as_str());
    // One more, to know whether there are more.
    match graph.facts(&id, limit + 1).await {
        Ok(facts) => match Neighbourhood::of(&id, &facts, limit, &language) {
            Some(found) => Json(found).into_response(),
            None => problem(StatusCode::NOT_FOUND, "no_entity", "the graph has nothing of this id"),
        },
        Err(error) => problem(StatusCode::SERVICE_UNAVAILABLE, "graph", error),
    }
}
