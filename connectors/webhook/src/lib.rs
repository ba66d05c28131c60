//! Webhooks out: what happens in conversations, told to other servers.
//!
//! In: the journal, as it grows. Out: for each event that a hook asked for, an HTTP POST, signed by the [Standard Webhooks] scheme, so that
//! whoever receives it can check it with a library. Knows no platform, no graph and no model, and does not know what a reaction or
//! a command means: the host says that ([`Signals`]).
//!
//! Each hook goes its own way through the journal, and remembers in a file how far it is. What was not confirmed with a 2xx is sent again,
//! also after a crash: at least once, in the order in which the entries were settled. Who receives it recognises what comes twice by
//! its `webhook-id`. What is not confirmed for [`Config::give_up_hours`] is left out, which the log and a counter say.
//!
//! The modules stand in the order of the way: `config` has the hooks, `happening` makes events of entries, `cursor` remembers what of them
//! was delivered, `sign` and `send` post them, and `follow` does it in order.
//!
//! [Standard Webhooks]: https://www.standardwebhooks.com

mod config;

mod happening;

mod cursor;

mod send;
mod sign;

mod follow;

#[cfg(test)]
mod tests;

pub use config::{Config, EventType, sample};
pub use follow::Webhooks;
pub use happening::{Signal, Signals};

/// Why webhooks could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// A hook is not one.
    #[error("the webhook {hook}: {problem}")]
    Config {
        /// Its name.
        hook: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// How far a hook is could not be read or written.
    #[error(
        "how far the webhook {hook} is cannot be read or written in {path} ({source}); check the rights and the space there; where the file is damaged, remove it, and the hook begins with what happens from then on"
    )]
    Cursor {
        /// The hook's name.
        hook: String,
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No HTTP client could be made.
    #[error("webhooks cannot be sent ({0}); check the machine's certificates")]
    Client(#[source] reqwest::Error),
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] loquat_contract::JournalError),
}
