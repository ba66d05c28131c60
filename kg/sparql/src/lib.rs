//! A knowledge graph behind a SPARQL 1.1 endpoint. In: text or an entity. Out: mentions and facts. Knows no store, dialogue or platform.
//!
#![doc = include_str!("../README.md")]

mod circuit;
mod config;
mod describe;
mod described;
mod endpoint;
mod error;
mod facts;
mod graph;
mod link;
mod query;
mod schema;

pub use config::{Config, sample};
pub use error::SparqlError;
pub use graph::SparqlGraph;
