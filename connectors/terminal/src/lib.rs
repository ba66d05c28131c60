//! Talks to one person in a terminal.
//!
//! Lines come from an editor with history where a person types, and from standard input as it is otherwise, so
//! `printf 'first\nsecond\n' | loquat chat` works. Each line waits for its reply before the next one is read. Verified
//! sentences are printed as they come, with the numbers of the facts they rest on; the facts follow below the answer.
//! Colours appear on a terminal only, and not where `NO_COLOR` is set.
//!
//! ```no_run
//! # fn start() -> Result<(), loquat_terminal::TerminalError> {
//! use loquat_contract::BotCard;
//! use loquat_terminal::{Config, connect};
//!
//! let (ingress, egress) = connect(Config::default(), BotCard { name: "Loquat".into(), ..BotCard::default() })?;
//! # let _ = (ingress, egress);
//! # Ok(())
//! # }
//! ```
//!
//! # Stopping
//!
//! `/quit`, Ctrl-D and Ctrl-C at the prompt, and the end of the input end [`TerminalIngress`]. Where the host cancels
//! `stop` while a reply is owed, the reply is waited for, 10 seconds at most.

mod config;
mod receive;

mod encode;

mod deliver;

#[cfg(test)]
mod tests;

pub use config::{Config, sample};
pub use deliver::TerminalEgress;
pub use encode::render;
pub use receive::{TerminalIngress, connect, connect_with};

/// Why the terminal chat could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TerminalError {
    /// The line editor could not take the terminal.
    #[error(
        "the terminal could not be used ({0}); pipe questions in instead: `echo 'a question' | loquat chat`"
    )]
    Editor(#[from] rustyline::error::ReadlineError),
    /// The thread that reads lines could not be started.
    #[error(
        "the thread that reads the terminal could not be started ({0}); free some memory and start again"
    )]
    Thread(#[source] std::io::Error),
}
