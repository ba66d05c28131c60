//! Recorded updates, the Telegram for tests, and the conformance kit.

mod conformance;
mod harness;

