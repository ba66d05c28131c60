//! What goes wrong with requests: armed for the next ones of a route, or by chance.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::Discord;

/// How a request ends badly.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Refused: too many requests (429). With `None` it does not say how long to wait, as the one in front of Discord does not.
    TooMany {
        /// How long to wait.
        retry_after: Option<Duration>,
        /// Whether it counts for all routes.
        is_global: bool,
    },
    /// Refused with this status (5xx) and a page that is no JSON; not taken.
    ServerError(u16),
    /// Taken, and never answered.
    TakenWithoutAnswer,
    /// The connection breaks off in the middle of it; not taken.
    BrokenOff,
    /// From now on nothing gets through on the connection that it came by, nor on those of the gateway, though they look alive.
    HalfOpen,
    /// Answered after so long.
    Slow(Duration),
}

/// Faults by chance, the same for the same seed and order of requests.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where chance begins.
    pub seed: u64,
    /// Which requests it is about, as in [`Discord::fault`].
    pub route: String,
    /// The share of requests, 0 to 1, that end in each way.
    pub shares: Vec<(f64, Fault)>,
}

/// What is armed.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Armed>);

#[derive(Default)]
struct Armed {
    next: Vec<(String, Fault, usize)>,
    plan: Option<(Plan, ChaCha8Rng)>,
    met: usize,
}

impl Faults {
    /// What is to happen to this request: `METHOD /path`.
    pub(crate) fn meet(&self, request: &str) -> Option<Fault> {
        let mut armed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = armed.next_for(request).or_else(|| armed.by_chance(request));
        armed.met += usize::from(fault.is_some());
        fault
    }
}

impl Armed {
    fn next_for(&mut self, request: &str) -> Option<Fault> {
        let at = self.next.iter().position(|(route, _, _)| matches(route, request))?;
        let (_, fault, left) = self.next.get_mut(at)?;
        let fault = fault.clone();
        *left -= 1;
        if *left == 0 {
            self.next.remove(at);
        }
        Some(fault)
    }

    fn by_chance(&mut self, request: &str) -> Option<Fault> {
        let (plan, chance) = self.plan.as_mut().filter(|(plan, _)| matches(&plan.route, request))?;
        let mut at = f64::from(chance.next_u32()) / (f64::from(u32::MAX) + 1.0);
        for (share, fault) in &plan.shares {
            if at < *share {
                return Some(fault.clone());
            }
            at -= share;
        }
        None
    }
}

/// Whether a request is one of a route in which `*` stands for anything.
pub(crate) fn matches(route: &str, request: &str) -> bool {
    let mut pieces = route.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| request.strip_prefix(first)) else { return false };
    let mut last = None;
    for piece in pieces {
        if let Some(last) = last.replace(piece) {
            let Some((_, after)) = rest.split_once(last) else { return false };
            rest = after;
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

impl Discord {
    /// The next so many requests of a route end badly. A route is a method and a path without `/api/v10`, in which `*` stands for
    /// anything: `POST /channels/*/messages`.
    pub fn fault(&self, route: &str, fault: Fault, times: usize) {
        if times > 0 {
            let mut armed = self.shared.faults.0.lock().unwrap_or_else(PoisonError::into_inner);
            armed.next.push((route.to_owned(), fault, times));
        }
    }

    /// From now on requests end badly by chance.
    pub fn fault_by_chance(&self, plan: Plan) {
        let chance = ChaCha8Rng::seed_from_u64(plan.seed);
        self.shared.faults.0.lock().unwrap_or_else(PoisonError::into_inner).plan = Some((plan, chance));
    }

    /// No more faults, and new connections get through again. Connections that are half-open stay so.
    pub fn calm(&self) {
        let mut armed = self.shared.faults.0.lock().unwrap_or_else(PoisonError::into_inner);
        armed.next.clear();
        armed.plan = None;
        self.shared.doorway.calm();
    }

    /// How many requests ended badly.
    pub fn faults_met(&self) -> usize {
        self.shared.faults.0.lock().unwrap_or_else(PoisonError::into_inner).met
    }

    /// Makes every connection half-open, for requests and the gateway alike, and each new one, until [`calm`](Self::calm).
    pub fn half_open(&self) {
        self.shared.doorway.half_open_all();
    }

    /// How many connections the server broke off itself.
    pub fn broken_off(&self) -> usize {
        self.shared.doorway.broken()
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(matches("POST /channels/*/messages", "POST /channels/12/messages"));
        assert!(!matches("POST /channels/*/messages", "POST /channels/12/messages/3"));
        assert!(!matches("POST /channels/*/messages", "GET /channels/12/messages"));
        assert!(matches("* /channels/*/messages/*", "PATCH /channels/12/messages/3"));
        assert!(matches("GET /gateway", "GET /gateway"));
        assert!(!matches("GET /gateway", "GET /gateway/bot"));
        assert!(matches("*", "GET /gateway/bot"));
        assert!(!matches("*/a/*/a", "POST /a"));
    }
}
