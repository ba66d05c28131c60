//! The web chat as a whole: what is asked of it over HTTP, and what it answers.

mod config;
mod doors;
mod fakes;
mod serving;
mod talking;
