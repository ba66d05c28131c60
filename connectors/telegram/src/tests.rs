//! Recorded updates, the Telegram for tests, and the conformance kit.

mod conformance;
mod harness;

mod config;
mod encode;
mod receive;

mod drafts;
mod faults;
mod long;
mod polling;
mod talking;

mod secrets;
mod thousand;
mod webhook;
