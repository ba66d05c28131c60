//! Who may use the chat where a token is set. In: a bearer token, or the cookie of a page that knew it. Out: 401, or on.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Site, problem};

/// What a wrong token costs, one caller after the other, so that guessing is slow however many guess at once.
const WRONG: Duration = Duration::from_millis(250);
/// How long a login lasts, in seconds: 30 days.
const COOKIE_AGE: u32 = 30 * 24 * 60 * 60;

/// The check of tokens and cookies; open where no token is set.
pub(crate) struct Door {
    lock: Option<Lock>,
    wrong: tokio::sync::Mutex<()>,
}

struct Lock {
    token: [u8; 32],
    /// Its name differs from token to token, because browsers share a host's cookies between its ports.
    cookie_name: String,
    cookie: String,
}

impl Door {
    pub(crate) fn new(token: Option<&SecretString>) -> Self {
        let lock = token.map(|token| {
            let cookie = hex(&digest("loquat-web cookie", token.expose_secret()));
            Lock {
                token: digest("", token.expose_secret()),
                cookie_name: format!(
                    "loquat-{}",
                    &hex(&digest("loquat-web name", token.expose_secret()))[..8]
                ),
                cookie,
            }
        });
        Self { lock, wrong: tokio::sync::Mutex::new(()) }
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(lock) = &self.lock else { return true };
        let field = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let bearer =
            field(header::AUTHORIZATION).strip_prefix("Bearer ").is_some_and(|token| lock.knows(token));
        let cookie = field(header::COOKIE)
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .any(|(name, value)| name == lock.cookie_name && same(value.as_bytes(), lock.cookie.as_bytes()));
        bearer || cookie
    }

    async fn refuse(&self, error: &str) -> Response {
        let _one_at_a_time = self.wrong.lock().await;
        tokio::time::sleep(WRONG).await;
        problem(StatusCode::UNAUTHORIZED, error)
    }
}

impl Lock {
    fn knows(&self, token: &str) -> bool {
        same(&digest("", token), &self.token)
    }
}

fn digest(purpose: &str, token: &str) -> [u8; 32] {
    Sha256::new().chain_update(purpose).chain_update([0]).chain_update(token).finalize().into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares in a time that does not depend on where the two differ.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// Lets a request on that carries the token or the cookie.
pub(super) async fn required(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    if site.door.admits(request.headers()) {
        return next.run(request).await;
    }
    // A page without a cookie asks for the token next; only a wrong one is slowed down.
    let tried = request.headers().contains_key(header::AUTHORIZATION);
    let error = "this bot asks for its token";
    if tried { site.door.refuse(error).await } else { problem(StatusCode::UNAUTHORIZED, error) }
}

/// What the page's login form sends.
#[derive(Deserialize)]
pub(super) struct Login {
    token: SecretString,
}

/// Gives a page that knows the token a cookie, because an event stream cannot carry a header.
pub(super) async fn login(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    body: Result<Json<Login>, JsonRejection>,
) -> Response {
    let Json(login) = match body {
        Ok(login) => login,
        Err(rejection) => return problem(rejection.status(), rejection.body_text()),
    };
    let Some(lock) = &site.door.lock else { return StatusCode::NO_CONTENT.into_response() };
    if !lock.knows(login.token.expose_secret()) {
        return site.door.refuse("this is not the token").await;
    }
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let secure = if origin.starts_with("https://") { "; Secure" } else { "" };
    let cookie = format!(
        "{}={}; Path=/; Max-Age={COOKIE_AGE}; HttpOnly; SameSite=Strict{secure}",
        lock.cookie_name, lock.cookie
    );
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
}
