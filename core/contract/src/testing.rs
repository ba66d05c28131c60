//! Fakes for tests: a model that says what it is told, and a graph in memory.

mod memory_graph;
mod scripted_model;

pub use memory_graph::MemoryGraph;
pub use scripted_model::ScriptedModel;
