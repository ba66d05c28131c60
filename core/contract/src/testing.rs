//! Fakes for tests: a model that says what it is told, a graph in memory, an embedder without a model, an engine that echoes. And what every graph has to do.

mod echo;
mod hashed_embedder;
pub mod knowledge;
mod memory_graph;
mod scripted_model;

pub use echo::{BREAKDOWN, Echo, UNANSWERABLE, reply};
pub use hashed_embedder::HashedEmbedder;
pub use memory_graph::MemoryGraph;
pub use scripted_model::ScriptedModel;

/// Puts this process's clock forward by so many milliseconds, or back, as clocks are when they are set:
/// [`Timestamp::now`](crate::Timestamp::now) follows it.
pub fn shift_clock(milliseconds: i64) {
    crate::timestamp::shift(milliseconds);
}
