//! The web chat as a whole: what is asked of it over HTTP, and what it answers.

mod fakes;

mod changes;
mod config;
mod conformance;
mod doors;
mod restarts;
mod serving;
mod talking;
