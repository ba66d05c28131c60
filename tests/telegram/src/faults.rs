//! What goes wrong on purpose. In go calls of methods; out comes how each is to end: as it should, or as armed, or as a seeded
//! plan draws it.

use std::collections::VecDeque;
use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::limits::writes;

/// How a call can end badly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 429, with or without saying how many seconds to wait.
    TooMany(Option<u64>),
    /// Such as 500 or 502, with a body that is no JSON. Not carried out.
    Server(u16),
    /// Carried out, and never answered.
    TakenWithoutAnswer,
    /// Carried out, and the connection breaks instead of an answer.
    TakenThenBroken,
    /// The connection breaks in the middle of the request. Not carried out.
    BrokenOff,
    /// From now on nothing gets through on any connection, in either direction, until [`calm`](crate::Telegram::calm). Not
    /// carried out.
    HalfOpen,
    /// Answered only after this long.
    Slow(Duration),
    /// 409, as if another program used the same token.
    Conflict,
    /// Refused with this code and description.
    Refused(u16, String),
}

/// Which calls a fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// All but `getUpdates`.
    Any,
    /// What people see: messages, files and edits; no drafts, no chat actions.
    Deliveries,
    /// New messages and files, without edits.
    Sends,
    /// This method; `download` is the download of a file.
    Method(&'static str),
}

impl Calls {
    /// Whether a method (in small letters) is meant.
    fn mean(self, method: &str) -> bool {
        match self {
            Self::Any => method != "getupdates",
            Self::Deliveries => writes(method),
            Self::Sends => writes(method) && !method.starts_with("edit"),
            Self::Method(name) => name.eq_ignore_ascii_case(method),
        }
    }
}

/// Faults drawn at random, the same ones for the same seed and order of calls.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where the draw begins.
    pub seed: u64,
    /// Which calls can go wrong.
    pub calls: Calls,
    /// How many of a thousand calls end in each way.
    pub shares: Vec<(Fault, u32)>,
}

#[derive(Default)]
pub(crate) struct Faults {
    armed: VecDeque<(Calls, Fault)>,
    plan: Option<(Plan, ChaCha12Rng)>,
    /// How many ended badly so far.
    pub(crate) happened: usize,
}

impl Faults {
    pub(crate) fn arm(&mut self, calls: Calls, fault: Fault) {
        self.armed.push_back((calls, fault));
    }

    pub(crate) fn plan(&mut self, plan: Plan) {
        let draw = ChaCha12Rng::seed_from_u64(plan.seed);
        self.plan = Some((plan, draw));
    }

    pub(crate) fn clear(&mut self) {
        self.armed.clear();
        self.plan = None;
    }

    /// How a call of this method (in small letters) is to end; `None` where nothing is wrong.
    pub(crate) fn next(&mut self, method: &str) -> Option<Fault> {
        let armed = self.armed.iter().position(|(calls, _)| calls.mean(method));
        let fault = match armed {
            Some(at) => self.armed.remove(at).map(|(_, fault)| fault),
            None => self.draw(method),
        };
        self.happened += usize::from(fault.is_some());
        fault
    }

    fn draw(&mut self, method: &str) -> Option<Fault> {
        let (plan, draw) = self.plan.as_mut()?;
        if !plan.calls.mean(method) {
            return None;
        }
        let mut drawn = draw.next_u32() % 1000;
        for (fault, share) in &plan.shares {
            if drawn < *share {
                return Some(fault.clone());
            }
            drawn -= share;
        }
        None
    }
}
