//! The Discord connector on recorded payloads, and as a whole against a Discord of our own, which independent clients of Discord's accept.

mod backfill;
mod config;
mod conformance;
mod drafts;
mod encode;
mod examine;
mod faults;
mod gateway;
mod interactions;
mod limits;
mod payloads;
mod secrets;
mod talking;

mod fakes;
mod fixture;

pub(crate) use fakes::part;
