//! `POST /api/session`: how somebody becomes known. In: a token of the bot, of the host site, of an earlier session, or nothing. Out: a
//! token that says who they are, or 401. What it is needed for is the other routes' matter.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::guests::{Guests, Refused, now};
use super::limits::Wait;
use super::person::{self, Person};
use super::proxies::Client;
use super::{Site, problem, same, too_fast};

const HOUR: u64 = 60 * 60;

/// What a page knows when it comes.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SessionAsked)]
pub(crate) struct Asked {
    /// `web.token`, where the bot asks for it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    token: Option<SecretString>,
    /// Who the host site says that it is.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    identity: Option<SecretString>,
    /// The token of an earlier session, to stay the same person.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    renew: Option<SecretString>,
}

/// What it is told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    token: String,
    expires_at: String,
    person: Shown,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionPerson)]
struct Shown {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// Says who somebody is: gives them a token to go on with.
#[utoipa::path(
    post, path = "/api/session", operation_id = "begin_session", tag = "session",
    request_body = Asked,
    responses((status = 200, description = "Who they are from now on.", body = Session), crate::openapi::Refusals),
    security(())
)]
pub(crate) async fn session(
    State(site): State<Arc<Site>>,
    client: Option<Extension<Client>>,
    body: Result<Json<Map<String, Value>>, JsonRejection>,
) -> Response {
    // A map first: serde takes a list for a struct, too.
    let asked = match body {
        Ok(Json(asked)) => serde_json::from_value::<Asked>(Value::Object(asked)),
        Err(rejection) => return problem(rejection.status(), "bad_request", rejection.body_text()),
    };
    let asked = match asked {
        Ok(asked) => asked,
        Err(error) => return problem(StatusCode::UNPROCESSABLE_ENTITY, "bad_request", error),
    };
    let client = client.map_or(Client::Here, |Extension(client)| client);
    match admit(&site, &asked, client) {
        Ok(Admitted { person, hours }) => {
            let time = hours.saturating_mul(HOUR);
            answer(&site, person, now().saturating_add(time))
        }
        Err(Denied::TooMany(wait)) => {
            let words = "too many new guests from your address; wait a little";
            too_fast("too_many_sessions", wait, words)
        }
        Err(Denied::No { code, words }) => problem(StatusCode::UNAUTHORIZED, code, words),
        Err(Denied::Guessed { code, words }) => {
            metrics::counter!("loquat_web_refused_total", "reason" => "wrong_token").increment(1);
            match site.wrong.pause().await {
                true => problem(StatusCode::UNAUTHORIZED, code, words),
                false => person::too_many(),
            }
        }
    }
}

/// Who it is, and for how long they are believed to be.
struct Admitted {
    person: Person,
    hours: u64,
}

/// Why somebody is not let in.
enum Denied {
    /// Something is missing, over or not signed here, which no guess will find.
    No { code: &'static str, words: &'static str },
    /// A wrong word, which might have been a guess.
    Guessed { code: &'static str, words: &'static str },
    /// New guests come too fast.
    TooMany(Wait),
}

fn admit(site: &Site, asked: &Asked, client: Client) -> Result<Admitted, Denied> {
    let no = |code, words| Denied::No { code, words };
    let guest_hours = u64::from(site.config.guest_days).saturating_mul(24);
    if let Some(identity) = &asked.identity {
        let Some(host_site) = &site.host_site else {
            let words =
                "this bot knows no site that may name people; set web.identity, or send no `identity`";
            return Err(no("no_identity", words));
        };
        let hours = site.config.identity.hours.into();
        return match host_site.check(identity.expose_secret()) {
            Ok(person) => Ok(Admitted { person, hours }),
            Err(Refused::Expired) => {
                Err(no("expired_identity", "the site's token is over; ask the site for another"))
            }
            Err(Refused::Wrong) => Err(no(
                "wrong_identity",
                "the site's token is not signed as web.identity says, or says something else",
            )),
        };
    }
    if let Some(earlier) = &asked.renew {
        return match site.guests.check(earlier.expose_secret()) {
            Ok(person) if person.is_guest() && site.still_admits(&person) => {
                Ok(Admitted { person, hours: guest_hours })
            }
            // Whether the site still knows them, the site alone can say.
            Ok(_) => Err(no(
                "identity_wanted",
                "ask the site that named you for another token, and send it as `identity`",
            )),
            Err(Refused::Expired) => {
                Err(no("expired_token", "this session is over; begin another without `renew`"))
            }
            Err(Refused::Wrong) => {
                Err(no("wrong_token", "this is no session of this bot; begin another without `renew`"))
            }
        };
    }
    let guest = || match site.limits.session(client) {
        Ok(()) => Ok(Admitted { person: Guests::somebody(), hours: guest_hours }),
        Err(wait) => Err(Denied::TooMany(wait)),
    };
    match (&asked.token, &site.config.token) {
        (Some(token), Some(right)) if is_right(token, right) => guest(),
        (Some(_), Some(_)) => Err(Denied::Guessed { code: "wrong_token", words: "this is not the token" }),
        (None, Some(_)) => Err(no("token_wanted", "this bot asks for its token; send it as `token`")),
        (_, None) if site.config.lets_anybody_in() => guest(),
        (_, None) => Err(no(
            "identity_wanted",
            "this bot is for people whom its site names; come in through that site",
        )),
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
