//! `POST /api/session`: how somebody becomes known. In: a token of the bot, of the host site, of an earlier session, or nothing. Out: a
//! token that says who they are, or 401. What it is needed for is the other routes' matter.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::guests::{Guests, Refused, now};
use super::person::Person;
use super::{Site, problem, same};

const DAY: u64 = 24 * 60 * 60;
/// What a wrong token costs, one caller after the other, so that guessing is slow however many guess at once.
const WRONG: Duration = Duration::from_millis(250);

/// What a page knows when it comes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// `web.token`, where the bot asks for it.
    #[serde(default)]
    token: Option<SecretString>,
    /// Who the host site says that it is.
    #[serde(default)]
    identity: Option<SecretString>,
    /// The token of an earlier session, to stay the same person.
    #[serde(default)]
    renew: Option<SecretString>,
}

/// What it is told.
#[derive(Debug, Serialize)]
struct Session {
    token: String,
    expires_at: String,
    person: Shown,
}

#[derive(Debug, Serialize)]
struct Shown {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// Slows down who tries wrong tokens and keys.
#[derive(Debug, Default)]
pub(crate) struct Wrong(tokio::sync::Mutex<()>);

impl Wrong {
    /// Waits, one after the other.
    pub(crate) async fn pause(&self) {
        let _one_at_a_time = self.0.lock().await;
        tokio::time::sleep(WRONG).await;
    }
}

/// Answers `POST /api/session`.
pub(crate) async fn session(
    State(site): State<Arc<Site>>,
    body: Result<Json<Asked>, JsonRejection>,
) -> Response {
    let asked = match body {
        Ok(Json(asked)) => asked,
        Err(rejection) => return problem(rejection.status(), "bad_request", rejection.body_text()),
    };
    match admit(&site, &asked) {
        Ok(person) => {
            let expires = now().saturating_add(u64::from(site.config.guest_days).saturating_mul(DAY));
            answer(&site, person, expires)
        }
        Err(Denied { code, words, guessed }) => {
            if guessed {
                site.wrong.pause().await;
            }
            problem(StatusCode::UNAUTHORIZED, code, words)
        }
    }
}

/// Why somebody is not let in.
struct Denied {
    code: &'static str,
    words: &'static str,
    /// Whether it was a try at a secret.
    guessed: bool,
}

impl Denied {
    fn new(code: &'static str, words: &'static str, guessed: bool) -> Self {
        Self { code, words, guessed }
    }
}

fn admit(site: &Site, asked: &Asked) -> Result<Person, Denied> {
    if let Some(earlier) = &asked.renew {
        return match site.guests.check(earlier.expose_secret()) {
            Ok(person) => Ok(person),
            Err(Refused::Expired) => Err(Denied::new(
                "expired_token",
                "this session is over; begin another without `renew`",
                false,
            )),
            Err(Refused::Wrong) => {
                Err(Denied::new("wrong_token", "this is no session of this bot; begin another", true))
            }
        };
    }
    match (&asked.token, &site.config.token) {
        (Some(token), Some(right)) if is_right(token, right) => Ok(Guests::somebody()),
        (Some(_), Some(_)) => Err(Denied::new("wrong_token", "this is not the token", true)),
        _ if site.config.lets_anybody_in() => Ok(Guests::somebody()),
        _ => Err(Denied::new("token_wanted", "this bot asks for its token", false)),
    }
}

/// Compares digests, in a time that does not depend on where the two differ.
fn is_right(given: &SecretString, right: &SecretString) -> bool {
    let digest = |text: &SecretString| Sha256::digest(text.expose_secret());
    same(&digest(given), &digest(right))
}

fn answer(site: &Site, person: Person, expires: u64) -> Response {
    let expires_at =
        i64::try_from(expires).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let (Some(token), Some(expires_at)) = (site.guests.issue(&person, expires), expires_at) else {
        let words = "the bot could not sign a token; ask again";
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "failed", words);
    };
    let shown = Shown { id: person.id, name: person.name };
    Json(Session { token, expires_at: expires_at.to_string(), person: shown }).into_response()
}
