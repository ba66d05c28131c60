//! A call that failed. In: what the client or Discord says. Out: whether the call was taken, and what becomes of a delivery by it.

use std::time::Duration;

use loquat_contract::{ConnectorError, Delivery};
use reqwest::StatusCode;
use serde_json::Value;

use super::limits::Seen;

/// How long a client is left alone that Discord's guard has turned away, where it does not say.
const TURNED_AWAY: Duration = Duration::from_secs(60);
/// The most characters of Discord's words that are passed on.
const WORDS: usize = 300;

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Failure {
    /// Too many calls; it was not taken.
    #[error("Discord asks for a pause ({scope})")]
    Limited { after: Option<Duration>, scope: &'static str },
    /// It was not taken.
    #[error("{0}")]
    NotTaken(String),
    /// Nobody can tell whether it was taken.
    #[error("{0}")]
    Unsure(String),
    /// It was taken, and what came back is not what was expected. It would be the same again.
    #[error("{0}")]
    Unreadable(String),
    /// The token is not valid.
    #[error(
        "Discord does not accept the token (401); copy a new one from the developer portal (Bot, Reset Token) into connectors.discord.token"
    )]
    Unauthorised,
    /// Discord refuses it, and would again.
    #[error("Discord refuses it: {words} (code {code}, status {status})")]
    Refused { status: u16, code: u64, words: String },
}

impl Failure {
    pub(super) fn limited(after: Option<Duration>) -> Self {
        Self::Limited { after, scope: "the limit of this route" }
    }

    /// What the HTTP client says. Its own words have the address in them, and with it tokens.
    pub(super) fn sending(error: reqwest::Error) -> Self {
        let is_taken = !(error.is_connect() || error.is_builder());
        let is_timeout = error.is_timeout();
        let error = error.without_url();
        let mut source: &dyn std::error::Error = &error;
        while let Some(inner) = source.source() {
            source = inner;
        }
        match (is_taken, is_timeout) {
            (false, _) => Self::NotTaken(format!("Discord cannot be reached ({source})")),
            (true, true) => Self::Unsure("Discord did not answer in time".to_owned()),
            (true, false) => Self::Unsure(format!("the connection to Discord broke ({source})")),
        }
    }

    /// What Discord says. Its guard answers without JSON.
    pub(super) fn refused(status: StatusCode, seen: &Seen, body: Option<&Value>) -> Self {
        let is_guard = !body.is_some_and(Value::is_object);
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthorised,
            StatusCode::TOO_MANY_REQUESTS => {
                let scope = if seen.is_global(body) {
                    "the limit of the whole bot"
                } else {
                    "the limit of this route"
                };
                Self::Limited { after: seen.retry_after(body), scope }
            }
            StatusCode::FORBIDDEN if is_guard => {
                let after = Some(seen.retry_after(None).unwrap_or(TURNED_AWAY));
                Self::Limited { after, scope: "its guard turns this machine away" }
            }
            status if status.is_server_error() => {
                Self::Unsure(format!("Discord has a fault of its own ({})", status.as_u16()))
            }
            status => Self::Refused {
                status: status.as_u16(),
                code: body.and_then(|body| body.get("code")?.as_u64()).unwrap_or_default(),
                words: words(body),
            },
        }
    }

    /// Whether Discord refuses it with one of these codes.
    pub(crate) fn is_code(&self, codes: &[u64]) -> bool {
        matches!(self, Self::Refused { code, .. } if codes.contains(code))
    }

    /// What becomes of a delivery that ended so.
    pub(crate) fn delivery(self) -> Delivery {
        let reason = self.to_string();
        match self {
            Self::Limited { after, .. } => Delivery::Retry { after, reason },
            Self::NotTaken(_) => Delivery::Retry { after: None, reason },
            Self::Unsure(_) | Self::Unreadable(_) => Delivery::Ambiguous { reason },
            Self::Unauthorised => Delivery::Unauthorised { reason },
            Self::Refused { .. } => Delivery::Permanent { reason },
        }
    }

    /// The same of an edit: made twice, it comes to the same.
    pub(crate) fn edit(self) -> Delivery {
        match self {
            Self::Unsure(reason) | Self::Unreadable(reason) => Delivery::Retry { after: None, reason },
            other => other.delivery(),
        }
    }
}

impl From<Failure> for ConnectorError {
    fn from(failure: Failure) -> Self {
        let words = failure.to_string();
        match failure {
            Failure::Unauthorised => Self::Stop(words),
            _ => Self::Lost(format!("Discord: {words}")),
        }
    }
}

/// Discord's message, with the first thing that is wrong with the form.
fn words(body: Option<&Value>) -> String {
    let Some(body) = body else { return "no reason given".to_owned() };
    let message = body.get("message").and_then(Value::as_str).unwrap_or("no reason given");
    let words = match body.get("errors").and_then(|errors| first_error(errors, String::new())) {
        Some(first) => format!("{message}: {first}"),
        None => message.to_owned(),
    };
    words.chars().filter(|c| !c.is_control()).take(WORDS).collect()
}

/// The path to the first error and what it says. What was sent is not quoted in it.
fn first_error(errors: &Value, path: String) -> Option<String> {
    if let Some(error) = errors.get("_errors").and_then(|list| list.get(0)) {
        let says = error.get("message").and_then(Value::as_str).unwrap_or_default();
        return Some(format!("{path} {says}").trim().to_owned());
    }
    errors.as_object()?.iter().find_map(|(key, inner)| {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        first_error(inner, path)
    })
}
