//! The IRC connector on recorded lines, and as a whole against a small server of its own. Against a real server it is tried in
//! `tests/ngircd.rs`.

mod config;
mod conformance;
mod encode;
mod fakes;
mod faults;
mod greetings;
mod lines;
mod talking;
mod tls;

mod fake;
