//! What a hook is. In: a `[[webhooks]]` table of a bot's file. Out: a checked [`Config`]. Sends nothing.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::WebhookError;
use crate::send::is_refused;
use crate::sign::Key;

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub enum EventType {
    /// A message has its answer, and the platform has that.
    #[serde(rename = "message.answered")]
    Answered,
    /// A message has none, or nobody knows whether it arrived.
    #[serde(rename = "message.failed")]
    Failed,
    /// Somebody thinks something of an answer.
    #[serde(rename = "feedback.given")]
    Feedback,
    /// Somebody wants to talk to a person.
    #[serde(rename = "human.requested")]
    Human,
    /// Somebody was erased; whoever keeps what this hook told of them has to erase it too.
    #[serde(rename = "person.erased")]
    Erased,
}

impl EventType {
    /// Its name, as it stands in the config and in what is sent.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "message.answered",
            Self::Failed => "message.failed",
            Self::Feedback => "feedback.given",
            Self::Human => "human.requested",
            Self::Erased => "person.erased",
        }
    }
}

/// A server that is told what happens.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What the log, the counters and the file of its progress call it: letters, digits, `-` and `_`. Default: a digest of the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where events go: `https://…`; `http://…` for a machine of one's own.
    pub url: String,
    /// What events are signed with: `whsec_` and 24 to 64 bytes in base64.
    #[serde(serialize_with = "redacted")]
    pub secret: SecretString,
    /// The secret before, for as long as somebody still checks with it: events then carry both signatures. Default: none.
    #[serde(default, serialize_with = "redacted_option", skip_serializing_if = "Option::is_none")]
    pub previous_secret: Option<SecretString>,
    /// Which events.
    pub events: Vec<EventType>,
    /// Whether what was asked and answered goes along. Default: true.
    #[serde(default = "yes")]
    pub text: bool,
    /// How long the server may take to confirm an event, in seconds. Default: 15.
    #[serde(default = "fifteen")]
    pub timeout_secs: u64,
    /// How long an event is sent again where it is not confirmed, in hours; then it is left out, and the log says so. Default: 24.
    #[serde(default = "day")]
    pub give_up_hours: u32,
}

fn yes() -> bool {
    true
}

fn fifteen() -> u64 {
    15
}

fn day() -> u32 {
    24
}

fn redacted<S: Serializer>(_: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("[redacted]")
}

fn redacted_option<S: Serializer>(_: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("[redacted]")
}

/// A hook that was checked.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) name: String,
    pub(crate) url: Url,
    pub(crate) keys: Vec<Key>,
    pub(crate) events: Vec<EventType>,
    pub(crate) text: bool,
    pub(crate) timeout: Duration,
    pub(crate) give_up: Duration,
}

impl Config {
    /// The name of the hook.
    pub(crate) fn name(&self) -> String {
        let of_url = || Sha256::digest(&self.url)[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        self.name.clone().unwrap_or_else(of_url)
    }

    /// Refuses what could not work, and what should not.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn check(&self) -> Result<Hook, WebhookError> {
        let name = self.name();
        let wrong = |problem: String| WebhookError::Config { hook: name.clone(), problem };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(is_plain) {
            return Err(wrong("its name has more than letters, digits, - and _; give it another".to_owned()));
        }
        // What is wrong with it is not quoted: an address may have a secret in it.
        let url = Url::parse(&self.url)
            .map_err(|error| wrong(format!("its url is none ({error}); write https://host/path")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("its url is neither http nor https; write https://host/path".to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "its url has a user or a password in it; events are signed, so leave them out".to_owned(),
            ));
        }
        let literal: Option<IpAddr> =
            url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse().ok());
        if literal.is_some_and(is_refused) {
            return Err(wrong("its url names a link-local address, which no event is sent to".to_owned()));
        }
        if self.events.is_empty() {
            return Err(wrong(
                "it names no events; write events = [\"message.answered\"], for example".to_owned(),
            ));
        }
        let secrets = std::iter::once(&self.secret).chain(&self.previous_secret);
        let keys = secrets.map(Key::parse).collect::<Option<Vec<Key>>>().ok_or_else(|| {
            wrong(
                "its secret is not whsec_ and 24 to 64 bytes in base64; `openssl rand -base64 32` makes the bytes"
                    .to_owned(),
            )
        })?;
        Ok(Hook {
            name: name.clone(),
            url,
            keys,
            events: self.events.clone(),
            text: self.text,
            timeout: Duration::from_secs(self.timeout_secs.max(1)),
            give_up: Duration::from_secs(u64::from(self.give_up_hours) * 3600),
        })
    }
}

/// A hook with every key, for `loquat config sample`.
pub fn sample() -> &'static str {
    SAMPLE
}

const SAMPLE: &str = r#"# Servers that are told what happens, by a signed POST each (docs/webhooks.md). One table for each.
# [[webhooks]]
# url = "https://example.com/loquat"
# What the log and the counters call it. Default: a digest of the URL.
# name = "crm"
# whsec_ and 24 to 64 bytes in base64: echo whsec_$(openssl rand -base64 32).
# secret = "whsec_…"
# The one before, while somebody still checks with it.
# previous_secret = "whsec_…"
# Which of: message.answered, message.failed, feedback.given, human.requested, person.erased.
# events = ["message.answered", "message.failed", "feedback.given", "human.requested", "person.erased"]
# Whether what was asked and answered goes along.
# text = true
# How long the server may take to confirm an event.
# timeout_secs = 15
# How long an event is sent again where it is not confirmed.
# give_up_hours = 24
"#;
