//! The host's side of every connector: what is the same on every platform, so that no connector repeats it.
//!
//! In: events from any connector. Out: replies to it, each at most once, in order within a conversation, different
//! conversations at once. An event is in the journal before it counts as accepted, and so is every step of its reply before
//! it is taken. Knows no platform, no graph and no model: it sees connectors, the journal and what answers through the traits
//! of `loquat-contract`.
//!
//! The modules stand in the order of an event's way. [`access`] decides who may talk; the `sink` keeps the event; its `lane` is the
//! queue of its conversation, where `answer` has it answered, or `explain` says why an earlier answer says what it says; `compose` and
//! `cut` make parts of it that fit the platform; `deliver` sends them, at the platform's `pace`. Beside that, `supervise` keeps connections alive and asks for
//! what was missed.

pub mod access;
mod settings;

mod sink;

mod lane;

mod answer;
mod compose;
mod cut;
mod explain;

mod count;

mod deliver;
mod pace;

mod dispatch;
mod supervise;

#[cfg(test)]
mod tests;

pub use dispatch::{Bot, Dispatch};
pub use settings::{Overlap, Settings, sample};
