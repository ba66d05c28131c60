//! Web chat: one page, served over HTTP, streaming by server-sent events.
//!
//! A message arrives at `POST /api/conversations/{id}/messages` and is answered with 202 once the sink has made it
//! durable. `PUT …/messages/{message}` changes it, `DELETE` takes it back. What the bot says comes back over
//! `GET /api/conversations/{id}/events`: the verified sentences as they are ready, then the whole reply with its
//! citations. The page itself is plain HTML, CSS and JavaScript modules under `page/`, built into the binary; it asks
//! no other host for anything.
//!
//! | Event | Data | What the page does |
//! |---|---|---|
//! | `draft` | `in_reply_to`, `sentences` | shows them in place of the last draft |
//! | `withdrawn` | `in_reply_to` | removes the draft |
//! | `reply` | `in_reply_to`, `reply` | shows it; nothing that comes later for this message changes it |
//! | `problem` | `in_reply_to`, `reason` | says why there is no answer |
//! | `notice` | `in_reply_to`, `text` | shows it as the answer |
//!
//! A page that lost its connection names the last event it saw and gets what it missed. After a restart it gets the last
//! replies of its conversation out of the journal, and ignores those it has.
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
//! On a loopback address anybody on the machine may. Any other address is refused unless a token is set; the page then
//! asks for it once. Requests that name a foreign `Host` (DNS rebinding) or come from a foreign `Origin` (another
//! site's page) are refused either way.

mod config;

mod serve;

mod page;
mod receive;

mod encode;

mod deliver;

#[cfg(test)]
mod tests;

pub use config::{Config, sample};
pub use deliver::WebEgress;
pub use serve::{Bound, WebIngress, bind};

/// Why the web chat could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebError {
    /// Everybody who can reach the address could talk to the bot.
    #[error(
        "web.host is {0}, which other machines can reach, and no web.token is set; set a token, or use 127.0.0.1"
    )]
    Open(std::net::IpAddr),
    /// A token was given, with nothing in it.
    #[error("web.token is empty; write one, or take the key out")]
    EmptyToken,
    /// Every port tried is in use.
    #[error("the ports {first} to {last} are all in use; set web.port to a free one")]
    PortsTaken {
        /// The first port tried.
        first: u16,
        /// The last port tried.
        last: u16,
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
