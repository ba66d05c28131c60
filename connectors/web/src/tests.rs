//! The web chat as a whole: what is asked of it over HTTP, and what it answers.

mod fakes;

mod api;
mod changes;
mod config;
mod conformance;
mod cross_origin;
mod doors;
mod identities;
mod mounts;
mod pace;
mod restarts;
mod serving;
mod sessions;
mod sockets;
mod talking;
mod tls;
