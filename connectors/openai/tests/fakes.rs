//! A model and a bot that do what a test tells them, and the API over them on a port of its own. In: scripts. Out: an address, and what
//! was asked of both.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "a lock that a failed test has poisoned fails the next")]

#[path = "fakes/bot.rs"]
mod bot;
#[path = "fakes/writer.rs"]
mod writer;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use loquat_contract::testing::HashedEmbedder;
use loquat_openai::{Offered, Service, router};
use serde_json::json;

pub(crate) use bot::Guide;
pub(crate) use writer::Writer;

/// The parts of a service, kept to be asked what happened to them.
pub(crate) struct Parts {
    pub(crate) guide: Arc<Guide>,
    pub(crate) writer: Arc<Writer>,
}

/// A bot called Mira, a model called `scripted` that the config calls after the bot, an embedder called `hashed`.
pub(crate) fn service() -> (Service, Parts) {
    let parts = Parts { guide: Arc::default(), writer: Arc::default() };
    let offered = Offered {
        name: "scripted".to_owned(),
        also: ["mira", "loquat", "writer"].map(str::to_owned).into(),
        model: parts.writer.clone(),
    };
    let service = Service::new("Mira", parts.guide.clone())
        .with_models(move || vec![offered.clone()])
        .with_embedder("hashed", Arc::new(HashedEmbedder::new(8)));
    (service, parts)
}

/// The key that is asked for.
pub(crate) const KEY: &str = "lq_for_tests";

/// Serves it below `/v1` to who has the key, as the bot's server does; gives the address with `/v1`, as clients want it.
pub(crate) async fn serve(service: Service) -> anyhow::Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let routes = axum::Router::new().nest("/v1", router(service)).layer(axum::middleware::from_fn(check));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(format!("http://{address}/v1"))
}

async fn check(request: Request, next: Next) -> Response {
    let header = request.headers().get(header::AUTHORIZATION);
    if header.is_some_and(|value| value.as_bytes() == format!("Bearer {KEY}").as_bytes()) {
        return next.run(request).await;
    }
    let error = json!({ "message": "The key is not known.", "type": "invalid_request_error", "param": null, "code": "unauthorised" });
    (StatusCode::UNAUTHORIZED, axum::Json(json!({ "error": error }))).into_response()
}
