//! The Discord connector on recorded payloads, and as a whole against a Discord of our own, which independent clients of Discord's accept.

mod conformance;
mod talking;

mod fakes;
mod fixture;
