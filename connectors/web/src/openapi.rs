//! What the API is, for programs. In: the handlers' own descriptions. Out: an OpenAPI 3.1 document, at `/openapi.json`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr};
use utoipa::{IntoResponses, Modify, OpenApi as _, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use crate::serve::Site;
use crate::{Config, receive, serve};

/// A refusal.
#[derive(Serialize, ToSchema)]
pub(crate) struct Problem {
    /// What is wrong.
    error: Wrong,
}

/// What is wrong, and what to do.
#[derive(Serialize, ToSchema)]
pub(crate) struct Wrong {
    /// For programs; stays the same in later versions.
    #[schema(pattern = "^[a-z_]+$")]
    code: String,
    /// For people: what to do next.
    message: String,
}

/// Where files are uploaded.
const UPLOAD: &str = "/api/conversations/{conversation}/files";

/// What any request may be refused with.
pub(crate) struct Refusals;

const REFUSALS: [(&str, &str); 11] = [
    ("400", "It cannot be understood: the query, a header, or JSON that is none."),
    ("401", "It does not say who asks, or not in a way that still holds: POST /api/session."),
    ("403", "It may not be: another site asks, or this person may not."),
    ("404", "There is no such thing, or it is another person's."),
    ("408", "It took too long to arrive."),
    ("413", "It is too long."),
    ("415", "Its `Content-Type` is not the one that is taken."),
    ("422", "Its JSON says something that makes no sense."),
    ("429", "That is too much at once; `Retry-After` says when to come again."),
    ("500", "The bot failed; ask again."),
    ("503", "It could not be kept or read, or the bot is stopping; ask again in a moment."),
];

impl IntoResponses for Refusals {
    fn responses() -> std::collections::BTreeMap<String, RefOr<Response>> {
        let problem = || ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = |description: &str| {
            ResponseBuilder::new().description(description).content("application/json", problem()).build()
        };
        REFUSALS.iter().map(|(status, why)| ((*status).to_owned(), RefOr::T(response(why)))).collect()
    }
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Loquat web chat",
        description = "Conversations with the bot over HTTP and server-sent events. docs/web-api.md tells how to use it."
    ),
    paths(serve::session::session),
    components(schemas(Problem, Wrong)),
    modifiers(&Bearer)
)]
struct Base;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        openapi.components.get_or_insert_default().add_security_scheme("bearer", scheme);
    }
}

/// The document of a bot with this config.
pub(crate) fn document(config: &Config) -> Value {
    let (_, api) = OpenApiRouter::<Arc<Site>>::with_openapi(Base::openapi())
        .merge(receive::described_open())
        .merge(receive::described())
        .merge(receive::described_uploads())
        .split_for_parts();
    let mut document = serde_json::to_value(api).unwrap_or_default();
    let longest = config.max_message_chars;
    let schemas = &mut document["components"]["schemas"];
    for name in ["Message", "Change"] {
        schemas[name]["properties"]["text"]["maxLength"] = json!(longest);
    }
    // The command that feedback becomes counts too.
    let feedback = longest.saturating_sub(receive::FEEDBACK.len());
    schemas["Feedback"]["properties"]["text"]["maxLength"] = json!(feedback);
    let attachments = &mut schemas["Message"]["properties"]["attachments"];
    attachments["maxItems"] = json!(config.files.max_per_message);
    attachments["items"]["pattern"] = json!("^[0-9a-f]{32}$");
    // Words may be missing only beside a file.
    schemas["Message"]["anyOf"] = json!([
        { "properties": { "text": { "pattern": r"\S" } } },
        { "required": ["attachments"], "properties": { "attachments": { "minItems": 1 } } },
    ]);
    let content = &mut document["paths"][UPLOAD]["post"]["requestBody"]["content"];
    *content = config.files.types.iter().map(|kind| (kind.clone(), json!({}))).collect();
    document
}

/// Answers `GET /openapi.json`.
pub(crate) async fn serve(State(site): State<Arc<Site>>) -> Json<Value> {
    Json(document(&site.config))
}
