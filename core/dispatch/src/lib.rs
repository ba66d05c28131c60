//! The host's side of every connector: what is the same on every platform, so that no connector repeats it.
//!
//! In: events from any connector. Out: replies to it, each at most once, in order within a conversation, different
//! conversations at once. An event is in the journal before it counts as accepted, and so is every step of its reply before
//! it is taken. Knows no platform, no graph and no model: it sees connectors, the journal and what answers through the traits
//! of `loquat-contract`.
//!
//! The modules stand in the order of an event's way. [`access`] decides who may talk; the `sink` keeps the event; its `lane` is the
//! queue of its conversation, where `wish` tells what it wants: `answer` has a question answered, in the `context` of an earlier one where a
//! button says so, and shows `draft`s meanwhile; `commands` are the host's own, and `explain` says why an earlier answer says what
//! it says. `compose` and `cut` make parts that fit the platform, with `buttons` below; `deliver` sends them, at the platform's `pace`.
//! What needs no answer is noted; [`feedback()`] reads it back. Beside that, `supervise` keeps connections alive and asks for what was missed.

pub mod access;
mod settings;

mod trace;

mod sink;

mod lane;
mod wish;
mod words;

mod answer;
mod commands;
mod context;
mod draft;
mod explain;
mod note;

mod buttons;
mod compose;
mod cut;

mod count;

mod deliver;
mod pace;

mod dispatch;
mod erase;
mod feedback;
mod signal;
mod supervise;

#[cfg(test)]
mod tests;

pub use buttons::Action;
pub use context::asked_within;
pub use dispatch::{Bot, Dispatch};
pub use feedback::{Feedback, Gathering, Rating, feedback};
pub use settings::{Overlap, Settings, sample};
pub use signal::{Signal, signal};
