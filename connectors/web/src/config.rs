//! What the web chat can be told. In: the `web` table of a bot's file. Out: a checked [`Config`].

mod check;
mod sample;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};

pub use sample::sample;

/// How the web chat is served, and to whom.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The address to listen on. Default: `127.0.0.1`, this machine alone.
    pub host: IpAddr,
    /// The port; where it is taken, the next free one of the 20 that follow. 0 takes any. Default: 8080.
    pub port: u16,
    /// What people must know to use the chat. Default: none.
    #[serde(serialize_with = "redacted", skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretString>,
    /// Whether everybody who can reach the address may chat. Any `host` but a loopback address needs this, a `token`
    /// or an `identity`. Default: false.
    pub public: bool,
    /// Names under which people reach the page, such as behind a proxy, besides `localhost` and IP addresses.
    /// Default: none.
    pub allowed_hosts: Vec<String>,
    /// The other sites whose pages may hold the widget and ask the API, such as `https://www.example.org`.
    /// Default: none.
    pub origins: Vec<String>,
    /// Addresses and networks of proxies whose `X-Forwarded-For` or `Forwarded` header is believed, such as
    /// `127.0.0.1` or `10.0.0.0/8`. Default: none.
    pub trusted_proxies: Vec<String>,
    /// The longest message taken, in characters. Default: 4000.
    pub max_message_chars: usize,
    /// How long somebody who gave no name is known as the same, in days, after they were last here. Default: 30.
    pub guest_days: u32,
    /// Whether people may look around in the graph from what an answer cites. Default: true.
    pub explore: bool,
    /// Whether pictures of other sites are shown in answers; each tells its site who reads it. Default: false.
    pub images: bool,
    /// Whether the page offers to talk to a human. Default: false.
    pub human: bool,
    /// The files that people may send along.
    pub files: Files,
    /// How much one person or one address may ask for.
    pub limits: Limits,
    /// The certificate, where no proxy speaks TLS.
    pub tls: Tls,
    /// How the site that holds the widget says who somebody is.
    pub identity: Identity,
}

/// The files that people may send along with a message.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Files {
    /// How many may come with a message; 0 takes none at all. Default: 4.
    pub max_per_message: usize,
    /// The largest one, in bytes. Default: 10,000,000.
    pub max_bytes: usize,
    /// What one person may have lying here at the same time, in bytes. Default: 50,000,000.
    pub person_bytes: u64,
    /// What all people together may have lying here, in bytes. Default: 2,000,000,000.
    pub total_bytes: u64,
    /// Their media types; `*` may stand for what is behind the slash. Default: pictures, sound and text.
    pub types: Vec<String>,
}

/// How much one person or one address may ask for. 0 sets no limit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Messages, changes and presses of one person in a minute. Default: 20.
    pub messages_per_minute: u32,
    /// Messages, changes and presses from one address in a minute. Default: 120.
    pub address_messages_per_minute: u32,
    /// Requests of any kind from one address in a minute. Default: 1200.
    pub address_requests_per_minute: u32,
    /// New guests from one address in an hour. Default: 60.
    pub address_sessions_per_hour: u32,
    /// Event streams that one person may hold open. Default: 8.
    pub streams: u32,
    /// Event streams that one address may hold open. Default: 100.
    pub address_streams: u32,
    /// Requests with one API key in a minute. Default: 0.
    pub key_requests_per_minute: u32,
    /// Connections at the same time. Default: 10,000.
    pub connections: u32,
    /// Connections of one address at the same time. Default: 200.
    pub address_connections: u32,
    /// How long a request's head may take to arrive, and a connection may idle between two requests, in seconds.
    /// Default: 15.
    pub header_timeout_s: u32,
    /// How long a request's body may take to arrive, in seconds, beside a second for each 16 KiB of it. Default: 20.
    pub body_timeout_s: u32,
    /// The largest body of a request to what the host mounts beside the chat, in bytes. Default: 4,000,000.
    pub body_bytes: usize,
}

/// A certificate and its key, as PEM files. Renewed files are taken up while the bot runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// The certificate, with those that lead to its root. Default: none, and no TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// The certificate's private key. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

/// How the site that holds the widget says who somebody is: by a JWT that it signs.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// The secret that both sides know, for HS256; at least 32 bytes. Default: none.
    #[serde(serialize_with = "redacted", skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretString>,
    /// The site's public key, for RS256, ES256 or EdDSA: PEM, or the path of a PEM file. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// What `iss` must say. Default: none, and anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// What `aud` must say. Needed with either key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// How long somebody is believed to be who the site said, in hours. Default: 12.
    pub hours: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 8080,
            token: None,
            public: false,
            allowed_hosts: Vec::new(),
            origins: Vec::new(),
            trusted_proxies: Vec::new(),
            max_message_chars: 4000,
            guest_days: 30,
            explore: true,
            images: false,
            human: false,
            files: Files::default(),
            limits: Limits::default(),
            tls: Tls::default(),
            identity: Identity::default(),
        }
    }
}

impl Default for Files {
    fn default() -> Self {
        let types = ["image/png", "image/jpeg", "image/webp", "image/gif", "audio/*", "text/plain"];
        Self {
            max_per_message: 4,
            max_bytes: 10_000_000,
            person_bytes: 50_000_000,
            total_bytes: 2_000_000_000,
            types: types.map(str::to_owned).to_vec(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            messages_per_minute: 20,
            address_messages_per_minute: 120,
            address_requests_per_minute: 1200,
            address_sessions_per_hour: 60,
            streams: 8,
            address_streams: 100,
            key_requests_per_minute: 0,
            connections: 10_000,
            address_connections: 200,
            header_timeout_s: 15,
            body_timeout_s: 20,
            body_bytes: 4_000_000,
        }
    }
}

impl Default for Identity {
    fn default() -> Self {
        Self { secret: None, public_key: None, issuer: None, audience: None, hours: 12 }
    }
}

impl Config {
    /// Whether somebody may chat of whom nothing is known.
    pub fn lets_anybody_in(&self) -> bool {
        self.public || (self.host.is_loopback() && self.token.is_none() && !self.identity.is_set())
    }
}

impl Config {
    /// How somebody comes in: `open`, with the `token`, or with an `identity` of the host site alone.
    pub fn entry(&self) -> &'static str {
        match (self.lets_anybody_in(), &self.token) {
            (true, _) => "open",
            (false, Some(_)) => "token",
            (false, None) => "identity",
        }
    }

    /// Whether programs on this machine may use the bot without a key: nothing is configured that says who may, and nothing that brings
    /// others here.
    pub(crate) fn is_open_here(&self) -> bool {
        self.host.is_loopback()
            && !self.public
            && self.token.is_none()
            && !self.identity.is_set()
            && self.allowed_hosts.is_empty()
            && self.trusted_proxies.is_empty()
            && self.origins.is_empty()
    }
}

impl Identity {
    /// Whether a key is configured.
    pub fn is_set(&self) -> bool {
        self.secret.is_some() || self.public_key.is_some()
    }
}

fn redacted<S: Serializer>(_: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("[redacted]")
}
