//! Leaves an endpoint alone that fails. In: how queries went. Out: whether to ask. Knows no network.
//!
//! Closed until [`FAILURES`] outages in a row; then open for [`PAUSE`]; then one query is let through, and its outcome decides.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Outages in a row after which the endpoint is left alone.
const FAILURES: u32 = 3;

/// For how long.
pub(crate) const PAUSE: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(crate) struct Circuit(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
    last: String,
}

impl Circuit {
    /// Whether to ask now; else for how long not, and the last failure.
    pub(crate) fn admit(&self, now: Instant) -> Result<(), (Duration, String)> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.open_until {
            Some(until) if now < until => Err((until - now, state.last.clone())),
            Some(_) => {
                // The one that is let through; others wait for what it finds.
                state.open_until = Some(now + PAUSE);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// A query was answered, if only with an error of its own.
    pub(crate) fn worked(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    /// An outage.
    pub(crate) fn failed(&self, now: Instant, error: &str) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures += 1;
        state.last = error.to_owned();
        if state.failures >= FAILURES {
            state.open_until = Some(now + PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Circuit, PAUSE};

    #[test]
    fn three_outages_open_it_and_one_success_closes_it() {
        let (circuit, start) = (Circuit::default(), Instant::now());
        for _ in 0..2 {
            circuit.failed(start, "down");
            assert!(circuit.admit(start).is_ok());
        }
        circuit.failed(start, "down");
        let later = start + PAUSE + Duration::from_secs(1);
        assert_eq!(circuit.admit(start).unwrap_err(), (PAUSE, "down".to_owned()));
        assert!(circuit.admit(later).is_ok(), "one is let through");
        assert!(circuit.admit(later).is_err(), "and only one");
        circuit.worked();
        assert!(circuit.admit(later).is_ok() && circuit.admit(later).is_ok());
    }
}
