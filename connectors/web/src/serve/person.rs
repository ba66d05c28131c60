//! Who asks. In: a request that was let in. Out: the person, for whoever answers it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use loquat_contract::Sender;

use super::guests::Refused;
use super::{Site, problem};

/// Who asks: a guest, somebody whom the host site named, or the holder of an API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// `guest:<uuid>`, `user:<the site's own id>` or `key:<its name>`.
    pub(crate) id: String,
    /// What to call them, where the site said so.
    pub(crate) name: Option<String>,
}

impl Person {
    /// The same as the sender of an event.
    pub(crate) fn sender(&self) -> Sender {
        Sender { name: self.name.clone(), ..Sender::new(self.id.clone()) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Person {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        // Routes that ask for a person stand behind the check that finds out who it is.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            let words = "say who you are: get a token from POST /api/session, and send it as a bearer token";
            problem(StatusCode::UNAUTHORIZED, "no_token", words)
        })
    }
}

/// Lets a request on that says whose it is, by a guest's token.
pub(super) async fn required(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let Some(token) = bearer(request.headers()) else {
        let words = "say who you are: get a token from POST /api/session, and send it as a bearer token";
        return problem(StatusCode::UNAUTHORIZED, "no_token", words);
    };
    match site.guests.check(token) {
        Ok(person) => {
            request.extensions_mut().insert(person);
            next.run(request).await
        }
        Err(Refused::Expired) => problem(
            StatusCode::UNAUTHORIZED,
            "expired_token",
            "this token is over; get another from POST /api/session",
        ),
        Err(Refused::Wrong) => {
            site.wrong.pause().await;
            problem(
                StatusCode::UNAUTHORIZED,
                "wrong_token",
                "this is no token of this bot; get one from POST /api/session",
            )
        }
    }
}

/// What stands behind `Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
