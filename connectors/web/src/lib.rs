//! Web chat: one page, served over HTTP, streaming by server-sent events.
//!
//! A message arrives at `POST /api/conversations/{id}/messages` and is answered with 202 once the sink has made it
//! durable. `PUT …/messages/{message}` changes it, and has it answered again where it was answered; `DELETE` takes it
//! back. What the bot says comes back over `GET /api/conversations/{id}/events`: the verified sentences as they are
//! ready, then the whole reply with its citations and buttons. Presses, words about an answer, files, lists of
//! conversations, the graph around a citation, and “delete my data” have routes of their own; `/openapi.json` describes
//! them all, and `docs/web-api.md` tells how to use them. The page itself is plain HTML, CSS and JavaScript modules
//! under `page/`, built into the binary; it asks no other host for anything.
//!
//! | Event | Data | What the page does |
//! |---|---|---|
//! | `message` | an exchange without its answer | shows it, also where another tab sent it |
//! | `draft` | `in_reply_to`, `from`, `sentences`, `document`, `goes_on` | shows them behind the `from` sentences that it has |
//! | `withdrawn` | `in_reply_to` | removes the draft; no answer comes |
//! | `reply` | an answer with its `reply` | shows it in place of all that was said to this message |
//! | `notice` | an answer without a `reply` | the same |
//! | `problem` | an answer with a `reason` | says why there is no answer |
//! | `erased` | nothing | forgets the conversation |
//!
//! The `id` of an event is the *watermark*: a number of the journal up to which everything of the conversation is over,
//! and was sent on this stream. A page that lost its connection names it in `Last-Event-ID`, and gets everything after
//! it out of the journal: after a restart of either side, and however much it missed. The watermark may lag, so
//! something may come twice, and never not at all; a page keeps one answer for each message.
//!
//! Starting is two steps, so that the host can print the link, and `doctor` can check the port, before anything is
//! served:
//!
//! ```
//! # fn start() -> Result<(), loquat_web::WebError> {
//! use loquat_contract::BotCard;
//! use loquat_web::{Config, bind};
//!
//! let bound = bind(&Config { port: 0, ..Config::default() })?;
//! let link = bound.link();
//! let (ingress, egress) = bound.connect(BotCard { name: "Loquat".into(), ..BotCard::default() });
//! # let _ = (link, ingress, egress);
//! # Ok(())
//! # }
//! # start().unwrap();
//! ```
//!
//! # Stopping
//!
//! When the host cancels `stop`, new messages are refused with 503 at once. Event streams stay open, and the server
//! ends as soon as every message that it accepted has its reply or apology, or the [`WebEgress`] is dropped, or 10
//! seconds have passed. Streams send what they still hold before they close. After that, delivering ends with
//! [`Delivery::Retry`](loquat_contract::Delivery::Retry), so the journal keeps the reply as owed.
//!
//! # Who may talk to it
//!
//! `POST /api/session` makes everybody a person with a signed token, which every other route of the API asks for: a guest, somebody whom
//! the site around the widget has named by a JWT, or, without a session, the holder of an API key ([`Keys`]). On a loopback address
//! anybody on the machine may be a guest. Any other address is refused unless a token, an identity or `public` is configured.
//! There are no cookies. Requests that name a foreign `Host` (DNS rebinding) or come from the page of a site that
//! [`Config::origins`] does not name are refused either way.
//!
//! What the host mounts beside the chat ([`Bound::mount`]) stands behind the same checks and limits.

mod config;
mod examine;
mod keys;
mod look;

mod serve;

mod page;
mod receive;

mod files;

mod encode;

mod deliver;

mod openapi;

#[cfg(test)]
mod tests;

pub use config::{Config, Files, Identity, Limits, Tls, sample};
pub use deliver::WebEgress;
pub use examine::examine;
pub use keys::{Key, KeyError, Keys, Scope};
pub use serve::{Access, Bound, ReadyCheck, WebIngress, bind};

/// Why the web chat could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebError {
    /// Everybody who can reach the address could talk to the bot.
    #[error(
        "web.host is {0}, which other machines can reach, and nothing says who may chat; set web.token, web.identity or \
         web.public = true, or use 127.0.0.1"
    )]
    Open(std::net::IpAddr),
    /// A token was given, with nothing in it.
    #[error("web.token is empty; write one, or take the key out")]
    EmptyToken,
    /// Everybody is let in, and asked for a token.
    #[error("web.public lets everybody in, and web.token asks for a token; take one of the two out")]
    PublicWithToken,
    /// An origin is none.
    #[error("web.origins names {0:?}; write a site as https://www.example.org, without a path and without *")]
    Origin(String),
    /// A proxy is neither an address nor a network.
    #[error(
        "web.trusted_proxies names {0:?}; write an address such as 127.0.0.1, or a network such as 10.0.0.0/8"
    )]
    Proxy(String),
    /// A media type is none.
    #[error("web.files.types names {0:?}; write a media type such as image/png or audio/*")]
    MediaType(String),
    /// Half of a certificate.
    #[error("web.tls has a {given} and no {missing}; name both files, or neither")]
    HalfTls {
        /// What is there.
        given: &'static str,
        /// What is not.
        missing: &'static str,
    },
    /// Two ways for the host site to sign.
    #[error("web.identity has a secret and a public_key; keep the one that the site signs with")]
    TwoKeys,
    /// A secret that can be guessed.
    #[error(
        "web.identity.secret is shorter than {least} bytes; make a longer one, such as by `openssl rand -base64 32`"
    )]
    ShortSecret {
        /// The fewest bytes.
        least: usize,
    },
    /// Tokens that the host site made for others would be taken.
    #[error("web.identity has no audience; set it to what the site writes into `aud`, such as \"loquat\"")]
    NoAudience,
    /// A number that cannot be meant.
    #[error("web.{key} must be from 1 to {most}")]
    Number {
        /// Its key.
        key: &'static str,
        /// The largest that is taken.
        most: u32,
    },
    /// The secret of guests' tokens cannot be kept.
    #[error("{}: {source}; check its rights, or remove it, after which every guest is a stranger", path.display())]
    Secret {
        /// Its file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The host site's key is none.
    #[error(
        "web.identity.public_key: {0}; write the PEM of an RSA, P-256 or Ed25519 public key, or the path of its file"
    )]
    PublicKey(String),
    /// The certificate or its key is no good.
    #[error("web.tls: {}: {problem}; name PEM files, and check that the bot may read them", path.display())]
    Tls {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A path under which nothing can be served.
    #[error("{0:?} is no path to serve something under; write one such as /v1")]
    MountPath(String),
    /// The system has no random numbers.
    #[error("the system gives no random bytes ({0}); restart it")]
    Random(String),
    /// Every port tried is in use.
    #[error("the ports {first} to {last} are all in use; set web.port to a free one")]
    PortsTaken {
        /// The first port tried.
        first: u16,
        /// The last port tried.
        last: u16,
    },
    /// The folder for files that come with messages cannot be used.
    #[error("{} cannot be used for files ({source}); check its rights and the space on its disk", folder.display())]
    Files {
        /// The folder.
        folder: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The address could not be opened.
    #[error("{address} could not be opened ({source}); check web.host and web.port")]
    Bind {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}
