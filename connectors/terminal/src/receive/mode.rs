//! The terminal's mode before the editor changed it. In: nothing. Out: a way back, for a stop while somebody types.

/// The mode that the terminal was in.
#[cfg(unix)]
pub(super) struct Mode(rustix::termios::Termios);

#[cfg(unix)]
impl Mode {
    /// The mode that it is in now; `None` where standard input is no terminal.
    pub(super) fn now() -> Option<Self> {
        rustix::termios::tcgetattr(std::io::stdin()).ok().map(Self)
    }

    /// Puts the terminal back.
    pub(super) fn restore(&self) {
        let when = rustix::termios::OptionalActions::Now;
        if let Err(error) = rustix::termios::tcsetattr(std::io::stdin(), when, &self.0) {
            tracing::warn!(%error, "the terminal could not be put back; `reset` does it");
        }
    }
}

/// Elsewhere the console comes back by itself when the process ends.
#[cfg(not(unix))]
pub(super) struct Mode;

#[cfg(not(unix))]
impl Mode {
    pub(super) fn now() -> Option<Self> {
        None
    }

    pub(super) fn restore(&self) {}
}
