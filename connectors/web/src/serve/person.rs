//! Who asks. In: a request's bearer token. Out: the person, for whoever answers it, or 401. Tokens of guests and API keys say who it is;
//! how somebody came by one is `session`'s matter.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use loquat_contract::Sender;

use super::guests::Refused;
use super::{Site, problem};
use crate::keys::{self, Key, Scope};

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

    /// Whether nobody has said who it is.
    pub(super) fn is_guest(&self) -> bool {
        self.id.starts_with("guest:")
    }

    fn of_key(key: &Key) -> Self {
        Self { id: format!("key:{}", key.name), name: None }
    }
}

/// What a request says of who asks.
#[derive(Clone, Debug)]
pub(crate) enum Who {
    /// Nothing.
    Unsaid,
    /// Somebody with a token of a session.
    Known(Person),
    /// Somebody with an API key.
    Key(Key),
    /// A token whose time is over.
    Expired,
    /// A token that is none of this bot's.
    Stranger,
}

impl Who {
    pub(crate) fn of(site: &Site, headers: &HeaderMap) -> Self {
        match bearer(headers) {
            None => Self::Unsaid,
            Some(text) if keys::is_key(text) => site.keys.find(text).map_or(Self::Stranger, Self::Key),
            Some(token) => match site.guests.check(token) {
                Ok(person) if site.still_admits(&person) => Self::Known(person),
                Ok(_) => Self::Expired,
                Err(Refused::Expired) => Self::Expired,
                Err(Refused::Wrong) => Self::Stranger,
            },
        }
    }

    /// The person, where this may use the chat.
    pub(crate) fn chats(&self) -> Option<Person> {
        match self {
            Self::Known(person) => Some(person.clone()),
            Self::Key(key) if key.scopes.contains(&Scope::Chat) => Some(Person::of_key(key)),
            _ => None,
        }
    }

    /// The key, where it has this scope.
    pub(super) fn has(&self, scope: Scope) -> Option<&Key> {
        match self {
            Self::Key(key) if key.scopes.contains(&scope) => Some(key),
            _ => None,
        }
    }

    /// The person's id for the journal and for limits.
    pub(super) fn person_of(key: &Key) -> loquat_contract::Person {
        loquat_contract::Person { platform: "web".to_owned(), id: Person::of_key(key).id }
    }
}

/// Lets a request on that says whose it is.
pub(super) async fn required(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let who = request.extensions().get::<Who>().cloned().unwrap_or(Who::Unsaid);
    match who.chats() {
        Some(person) => {
            request.extensions_mut().insert(person);
            next.run(request).await
        }
        None => refuse(&site, &who, Scope::Chat).await,
    }
}

/// Says why somebody is not let in.
pub(super) async fn refuse(site: &Site, who: &Who, wanted: Scope) -> Response {
    let (status, code, words) = match (who, wanted) {
        (Who::Key(key), _) => {
            let words = format!("the key {} has not the scope `{wanted}`; ask for one that has", key.name);
            return problem(StatusCode::FORBIDDEN, "wrong_scope", words);
        }
        (Who::Unsaid, Scope::Chat) => (StatusCode::UNAUTHORIZED, "no_token", NO_TOKEN),
        (Who::Unsaid, _) => (StatusCode::UNAUTHORIZED, "no_key", NO_KEY),
        (Who::Expired, _) => (StatusCode::UNAUTHORIZED, "expired_token", EXPIRED),
        (Who::Known(_), _) => (StatusCode::FORBIDDEN, "no_key", NO_KEY),
        (Who::Stranger, _) => {
            metrics::counter!("loquat_web_refused_total", "reason" => "wrong_token").increment(1);
            if !site.wrong.pause().await {
                return too_many();
            }
            (StatusCode::UNAUTHORIZED, "wrong_token", WRONG)
        }
    };
    problem(status, code, words)
}

/// Too many guess at once to be slowed down one after the other.
pub(super) fn too_many() -> Response {
    let wait = super::Wait(std::time::Duration::from_secs(10));
    super::too_fast("wrong_token", wait, "many send wrong tokens; send the right one, or wait")
}

const NO_TOKEN: &str = "say who you are: get a token from POST /api/session or an API key from `loquat key new`, and send it as \
                        a bearer token";
const NO_KEY: &str =
    "this is for the holders of an API key; make one by `loquat key new`, and send it as a bearer token";
const EXPIRED: &str = "this token is over; get another from POST /api/session";
const WRONG: &str =
    "this is no token or key of this bot; get a token from POST /api/session, or a key by `loquat key new`";

impl<S: Send + Sync> FromRequestParts<S> for Person {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        // Routes that ask for a person stand behind `required`.
        let person = parts.extensions.get::<Self>().cloned();
        person.ok_or_else(|| problem(StatusCode::UNAUTHORIZED, "no_token", NO_TOKEN))
    }
}

/// What stands behind `Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
